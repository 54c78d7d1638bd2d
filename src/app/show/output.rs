//! What the program writes to its standard streams.

use std::io::{self, Write as _};

/// Writes to standard output; with colours only if it is a terminal and `NO_COLOR` is not set.
///
/// # Errors
///
/// What went wrong, in words for people. That the reader has gone is no error: it has seen enough.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    outcome(written)
}

/// Writes bytes to standard output just as they are.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_raw(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    outcome(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

fn outcome(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Says something about the run itself, on standard error. Without a reader there it goes unsaid.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "plainws: {line}");
}
