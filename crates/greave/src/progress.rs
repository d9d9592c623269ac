//! How far a long reading has come: beside the output, where somebody looks at a terminal, and
//! only once it has taken longer than a second.

use std::{
    io::{self, IsTerminal as _, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whoever waits less does not want to be told.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar for so many bytes, shared by all who read them.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: Arc<AtomicBool>,
}

impl Progress {
    /// A bar that is not seen yet; without a total where nobody knows it.
    pub(crate) fn of(total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let form = if total.is_some() { "{bar:30} {bytes} of {total_bytes} read" } else { "{bytes} read" };
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        // Where nobody looks, it is as good as shown.
        let shown = Arc::new(AtomicBool::new(!io::stderr().is_terminal()));
        Self { bar, shown }
    }

    /// The same bytes, counted as they are read.
    pub(crate) fn watch<R: Read>(&self, source: R) -> Watched<R> {
        Watched { source, progress: self.clone() }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn read(&self, bytes: usize) {
        // What is opened twice is counted once only: the bar stays at its end.
        self.bar.inc(bytes as u64);
        if self.bar.elapsed() > PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// Bytes that are counted as they are read.
pub(crate) struct Watched<R> {
    source: R,
    progress: Progress,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.read(buffer)?;
        self.progress.read(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_counted_and_passed_on() {
        let progress = Progress::of(Some(10));
        let mut text = String::new();
        progress.watch(&b"hello"[..]).read_to_string(&mut text).unwrap();
        progress.watch(&b"world"[..]).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), progress.bar.position()), ("helloworld", 10));
        progress.end();
    }
}
