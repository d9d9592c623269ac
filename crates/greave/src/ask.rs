//! Asking the person at the terminal, or the script that feeds standard input.

use std::io::{self, BufRead as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

/// Asks for a secret: what is typed at a terminal does not show there, nor stays in what it kept.
pub(crate) fn secret(question: &str) -> io::Result<Zeroizing<String>> {
    let silent = Silent::begin();
    let typed = line(question);
    if silent.is_some() {
        // The line's end that was typed did not show, either.
        writeln!(io::stderr())?;
    }
    typed
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silent {
    before: Termios,
}

impl Silent {
    /// Nothing where no terminal is asked.
    fn begin() -> Option<Self> {
        let before = termios::tcgetattr(io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Self { before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Asks for one line on the terminal's error stream, so that output can be piped on.
pub(crate) fn line(question: &str) -> io::Result<Zeroizing<String>> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} ")?;
    terminal.flush()?;
    let mut typed = Zeroizing::new(String::new());
    if io::stdin().lock().read_line(&mut typed)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "nothing was typed; type it at the terminal, or send it on standard input",
        ));
    }
    Ok(Zeroizing::new(typed.trim().to_owned()))
}
