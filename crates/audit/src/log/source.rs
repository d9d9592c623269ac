//! Where records come from: lines, or the objects of a list.

use std::io::{self, BufRead, Read};

use crate::input::{Content, Objects, Trouble};

/// A longer line is none of a log.
const LONGEST: u64 = 1 << 20;

/// A log that waits until everything else has been read.
pub(super) enum Waiting {
    /// It cannot be opened twice.
    Open(Content),
    /// It is opened when its turn comes.
    Closed(Opener),
}

/// Opens an input anew.
pub(super) type Opener = Box<dyn FnOnce() -> io::Result<Box<dyn Read>>>;

impl Waiting {
    pub(super) fn content(self, name: &str) -> Result<Content, Trouble> {
        match self {
            Self::Open(content) => Ok(content),
            Self::Closed(open) => match open() {
                Ok(source) => Content::of(name, source),
                Err(error) => Err(Trouble::of(name, format!("cannot be opened: {error}"))),
            },
        }
    }
}

/// Hands on every record with its line; how many of them were none, and how it ended.
pub(super) fn records(content: Content, take: &mut dyn FnMut(&[u8], u64) -> bool) -> (u64, io::Result<()>) {
    let mut broken = 0;
    let mut count = |known: bool| broken += u64::from(!known);
    let end = match content {
        Content::List(_, source) => Objects::new(source).each(|bytes| count(take(bytes, 0))),
        Content::Json(value) => {
            count(take(value.to_string().as_bytes(), 1));
            Ok(())
        }
        Content::JsonLines(first, rest) => {
            count(take(first.to_string().as_bytes(), 1));
            each_line(rest, 1, &mut |bytes, line| count(take(bytes, line)))
        }
        Content::Lines(_, source) => each_line(source, 0, &mut |bytes, line| count(take(bytes, line))),
        Content::Csv(..) | Content::Document(_) | Content::Several(_) | Content::Details(_) => Ok(()),
    };
    (broken, end)
}

fn each_line(mut source: impl BufRead, mut at: u64, take: &mut dyn FnMut(&[u8], u64)) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line that is whole in the buffer is not copied.
        let bytes = source.fill_buf()?;
        if let Some(end) = memchr::memchr(b'\n', bytes) {
            at += 1;
            if let Some(whole) = bytes.get(..end).filter(|whole| !whole.trim_ascii().is_empty()) {
                take(whole.strip_suffix(b"\r").unwrap_or(whole), at);
            }
            source.consume(end + 1);
            continue;
        }
        if source.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        at += 1;
        let too_long = line.len() as u64 == LONGEST && !line.ends_with(b"\n");
        let whole = line.trim_ascii();
        if !whole.is_empty() {
            take(if too_long { b"" } else { whole }, at);
        }
        if too_long {
            skip_line(&mut source)?;
        }
    }
}

/// Passes over the rest of a line.
fn skip_line(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = source.fill_buf()?;
        let (taken, ended) = match memchr::memchr(b'\n', bytes) {
            Some(end) => (end + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        source.consume(taken);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_counted_and_one_that_never_ends_is_passed_over() {
        let long = "x".repeat(3 << 20);
        let text = format!("a\r\n\n  \nb\n{long}\nc\nd");
        for size in [1, 3, 1 << 16] {
            let mut seen = Vec::new();
            each_line(BufReader::with_capacity(size, text.as_bytes()), 0, &mut |bytes, line| {
                seen.push((String::from_utf8(bytes.to_vec()).unwrap(), line));
            })
            .unwrap();
            let seen: Vec<(&str, u64)> = seen.iter().map(|(text, line)| (text.as_str(), *line)).collect();
            assert_eq!(seen, [("a", 1), ("b", 4), ("", 5), ("c", 6), ("d", 7)], "{size}");
        }
    }
}
