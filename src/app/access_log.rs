//! One line for each request and connection.

use jiff::Zoned;
use plainws::net::log::{Outcome, Record};
use std::fmt::Write as _;
use std::io::Write as _;

/// Longer request lines are cut.
const MAX_REQUEST_LINE: usize = 200;

/// Writes a record to standard error.
pub(crate) fn write(record: &Record<'_>) {
    let line = format!("{} {}\n", Zoned::now().strftime("%F %T"), line(record));
    // Whoever closed standard error does not want to know.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// What a peer sent is escaped: it must not reach a terminal or a log as it came.
fn line(record: &Record<'_>) -> String {
    let cut = record.request_line.get(..MAX_REQUEST_LINE);
    let shown = cut.unwrap_or(record.request_line).escape_ascii();
    let ellipsis = if cut.is_some() { "…" } else { "" };
    let mut line = format!("{} \"{shown}{ellipsis}\"", record.peer);
    let _ = match &record.outcome {
        Outcome::Response {
            status,
            length,
            reason: None,
        } => write!(line, " {status} {length} B"),
        Outcome::Response {
            status,
            reason: Some(reason),
            ..
        } => write!(line, " {status} {reason}"),
        Outcome::Closed {
            reason,
            error,
            has_panicked,
        } => {
            let panicked = if *has_panicked {
                ", handler panicked"
            } else {
                ""
            };
            let error = error.map(|error| format!(", {error}")).unwrap_or_default();
            match reason {
                Some(reason) => write!(line, " 101 closed {reason}{error}{panicked}"),
                None => write!(line, " 101 not opened{error}"),
            }
        }
        _ => write!(line, " no request"),
    };
    let _ = write!(line, " {:.3} s", record.duration.as_secs_f64());
    line
}
