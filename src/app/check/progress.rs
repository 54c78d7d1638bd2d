//! What is shown while an examination runs: what did not pass, as it comes, and on a terminal how far it is.

use super::report::row::Row;
use super::report::text;
use crate::app::show::output::{self, To};

/// Columns of the bar.
const BAR: usize = 40;

pub(super) struct Progress {
    is_shown: bool,
    done: usize,
    of: usize,
}

impl Progress {
    pub(super) fn new(of: usize) -> Self {
        Self {
            is_shown: output::is_terminal(To::Stderr) && output::is_terminal(To::Stdout),
            done: 0,
            of,
        }
    }

    /// Notes that a case was played.
    pub(super) fn note(&mut self, row: &Row, is_strict: bool, examinee: &str) {
        self.done += 1;
        if row.is_bad(is_strict) {
            self.wipe();
            // Whoever has left does not want to see more.
            let _ = output::print(&format!("{}\n", text::block(row, examinee)));
        }
        if self.is_shown {
            let full = BAR * self.done / self.of.max(1);
            let bar = format!(
                "\r[{}{}] {} of {}",
                "=".repeat(full),
                " ".repeat(BAR - full),
                self.done,
                self.of
            );
            let _ = output::write(To::Stderr, bar.as_bytes());
        }
    }

    pub(super) fn end(&self) {
        self.wipe();
    }

    fn wipe(&self) {
        if self.is_shown {
            let _ = output::write(To::Stderr, b"\r\x1b[K");
        }
    }
}
