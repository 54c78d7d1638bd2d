//! What the program writes to its standard streams.

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::thread;
use std::time::Duration;

/// How long to wait when a stream that does not block has no room.
const PAUSE: Duration = Duration::from_millis(10);

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// Writes to standard output; with colours only if it is a terminal and `NO_COLOR` is not set.
///
/// # Errors
///
/// What went wrong, in words for people. That the reader has gone is no error: it has seen enough.
pub(crate) fn print(text: &str) -> Result<(), String> {
    print_raw(as_stdout_shows(text).as_bytes())
}

/// Text without its colours, unless standard output shows them.
pub(crate) fn as_stdout_shows(text: &str) -> Cow<'_, str> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => strip_str(text).to_string().into(),
        _ => text.into(),
    }
}

/// Writes bytes to standard output just as they are.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_raw(bytes: &[u8]) -> Result<(), String> {
    match write(To::Stdout, bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(problem(&error)),
        _ => Ok(()),
    }
}

/// Text for standard output that is made bit by bit, and written when much of it has gathered.
pub(crate) struct Printer {
    gathered: String,
    /// How the last piece was written. After a failure the others are not.
    outcome: io::Result<()>,
}

impl Printer {
    /// Text gathered at most, but for one longer piece.
    const ROOM: usize = 64 * 1024;

    pub(crate) const fn new() -> Self {
        Self {
            gathered: String::new(),
            outcome: Ok(()),
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// What went wrong, in words for people. That the reader has gone is no error: it has seen enough.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        self.write_out();
        match self.outcome {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(problem(&error)),
            _ => Ok(()),
        }
    }

    fn write_out(&mut self) {
        if self.outcome.is_ok() {
            let text = as_stdout_shows(&self.gathered);
            self.outcome = write(To::Stdout, text.as_bytes());
        }
        self.gathered.clear();
    }
}

impl fmt::Write for Printer {
    /// Never fails: those who show something may as well find out at the end that nobody saw it.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.gathered.len() + text.len() > Self::ROOM {
            self.write_out();
        }
        self.gathered.push_str(text);
        Ok(())
    }
}

/// Text without its colours, unless standard error shows them.
pub(crate) fn as_stderr_shows(text: String) -> String {
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => strip_str(&text).to_string(),
        _ => text,
    }
}

/// Says something about the run itself, on standard error. Without a reader there it goes unsaid.
pub(crate) fn say(line: &str) {
    let _ = write(To::Stderr, said(line).as_bytes());
}

/// How that is said.
pub(crate) fn said(line: &str) -> String {
    format!("plainws: {line}\n")
}

/// Ends the program because standard output cannot be written to. That its reader has gone is no failure.
pub(crate) fn leave(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    say(&problem(error));
    std::process::exit(1)
}

fn problem(error: &io::Error) -> String {
    format!("standard output: {error}")
}

/// Whether people look at it.
pub(crate) fn is_terminal(to: To) -> bool {
    match to {
        To::Stdout => io::stdout().is_terminal(),
        To::Stderr => io::stderr().is_terminal(),
    }
}

/// Writes all of it, and waits for as long as that takes.
///
/// # Errors
///
/// The stream takes no more.
pub(crate) fn write(to: To, bytes: &[u8]) -> io::Result<()> {
    match to {
        To::Stdout => write_all(&mut io::stdout().lock(), bytes),
        To::Stderr => write_all(&mut io::stderr().lock(), bytes),
    }
}

/// As std's `write_all` and `flush`, which give up where a stream was set not to block: those who share
/// a pipe or a terminal may do that to one another.
fn write_all(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match patiently(|| stream.write(bytes))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    patiently(|| stream.flush())
}

fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time, and before that refuses once.
    #[derive(Default)]
    struct Reluctant {
        taken: Vec<u8>,
        calls: usize,
    }

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.flush()?;
            let (some, _) = bytes.split_at(bytes.len().min(3));
            self.taken.extend(some);
            Ok(some.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.calls += 1;
            match self.calls % 3 {
                1 => Err(io::ErrorKind::WouldBlock.into()),
                2 => Err(io::ErrorKind::Interrupted.into()),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn a_stream_without_room_is_waited_for_and_nothing_is_lost() {
        let mut stream = Reluctant::default();
        write_all(&mut stream, b"a line of text\n").expect("it takes all in the end");
        assert_eq!(stream.taken, b"a line of text\n");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error() {
        let written = write_all(&mut &mut [0; 4][..], b"more than four");
        let kind = written.expect_err("there is no room").kind();
        assert_eq!(kind, io::ErrorKind::WriteZero);
    }
}
