//! The line on standard error that says what is being measured. Only a terminal shows it.

use std::io::{self, IsTerminal as _};

/// Writes it over the one before.
pub(crate) fn show(line: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{line}");
    }
}

/// Leaves the line to whatever comes next.
pub(crate) fn clear() {
    show("");
}
