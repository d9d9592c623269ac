//! Asking the person at the terminal, or the script that feeds standard input.

use std::io::{self, BufRead as _, Write as _};

use zeroize::Zeroizing;

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
