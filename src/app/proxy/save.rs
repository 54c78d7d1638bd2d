//! The file of `--save`: all bytes of both directions, in text that people read and `decode` reads back.
//!
//! ```text
//! # connection 1 127.0.0.1:40000 -> 127.0.0.1:8000
//! #1 > 0.012345 81 85 37 fa 21 3d 7f 9f 4d 51 58
//! #1 < 0.012811 81 05 48 65 6c 6c 6f
//! ```
//!
//! A line that begins with `# ` is a comment. Each other line has the number of the connection, its direction (`>`
//! from the client, `<` from the server), the seconds since that connection began, and up to 64 bytes in hex. What
//! one read gave has the same time, on as many lines as it takes. The lines of all connections stand in the order in
//! which the bytes came.

use crate::app::show::text::spaced;
use plainws::Role;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bytes in a line.
const LINE: usize = 64;

/// What stands at the top.
const HEADING: &str = "# A session of plainws proxy; plainws decode reads it.\n";

/// The file, which all connections share.
pub(super) struct Save {
    path: PathBuf,
    /// Most bytes in it.
    max: u64,
    state: Mutex<State>,
}

struct State {
    file: File,
    length: u64,
    /// Why no more is written.
    problem: Option<String>,
}

impl Save {
    /// # Errors
    ///
    /// The file cannot be written, in words for people.
    pub(super) fn create(path: &Path, max: u64) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| in_words(path, &error))?;
        let save = Self {
            path: path.into(),
            max,
            state: Mutex::new(State {
                file,
                length: 0,
                problem: None,
            }),
        };
        save.write(HEADING).map_or(Ok(save), Err)
    }

    /// A comment that says where a connection comes from and goes to, and whether by TLS.
    pub(super) fn connection(&self, number: u64, ends: &str) -> Option<String> {
        self.write(&format!("# connection {number} {ends}\n"))
    }

    /// What one read gave.
    pub(super) fn bytes(
        &self,
        number: u64,
        sender: Role,
        at: Duration,
        bytes: &[u8],
    ) -> Option<String> {
        self.write(&lines(number, sender, at, bytes))
    }

    /// Whether all was written.
    pub(super) fn is_complete(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.problem.is_none()
    }

    /// Writes lines if there is room for them; otherwise they and all that follow are left out. The first time it
    /// says so.
    fn write(&self, text: &str) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.problem.is_some() {
            return None;
        }
        state.length += text.len() as u64;
        let problem = if state.length > self.max {
            let path = self.path.display();
            format!("{path} is full (--max-save); what comes now is passed on and not saved")
        } else {
            match state.file.write_all(text.as_bytes()) {
                Ok(()) => return None,
                Err(error) => in_words(&self.path, &error),
            }
        };
        state.problem = Some(problem.clone());
        Some(problem)
    }
}

fn in_words(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// The lines for what one read gave.
fn lines(number: u64, sender: Role, at: Duration, bytes: &[u8]) -> String {
    let mark = match sender {
        Role::Client => '>',
        Role::Server => '<',
    };
    let mut text = String::new();
    for line in bytes.chunks(LINE) {
        let (seconds, bytes) = (at.as_secs_f64(), spaced(line));
        let _ = writeln!(text, "#{number} {mark} {seconds:.6} {bytes}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_lines_of_64_bytes_with_one_time() {
        let at = Duration::from_micros(1_012_345);
        let text = lines(7, Role::Client, at, &[0xAB; 130]);
        let lengths = text.lines().map(|line| line.split(' ').count() - 3);
        assert_eq!(lengths.collect::<Vec<_>>(), [64, 64, 2]);
        assert!(
            text.lines()
                .all(|line| line.starts_with("#7 > 1.012345 ab ab"))
        );
        assert!(lines(7, Role::Server, at, b"\x81").ends_with("#7 < 1.012345 81\n"));
        assert_eq!(lines(7, Role::Server, at, b""), "");
    }
}
