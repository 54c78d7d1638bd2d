//! The report for a terminal or a log.

use super::row::Row;
use super::{Report, brief};
use crate::app::check::case::Group;
use crate::app::check::judge::Outcome;
use crate::app::show::paint::{BAD, GOOD, OPEN, STRONG, paint};
use crate::app::text::{COLUMNS, clipped, escaped, padded, width, wrapped};
use plainws::Role;

/// Where the text behind a label begins.
const INDENT: usize = 9;

/// A result that is worth a look, over some lines.
pub(crate) fn block(row: &Row, examinee: &str) -> String {
    let again = match row.sent.sender {
        Role::Client => format!(
            "plainws check {} --only {}",
            escaped(examinee.as_bytes()),
            row.id
        ),
        Role::Server => format!("case {} of the client", row.number + 1),
    };
    block_with(row, &again)
}

/// The same, with what plays it again.
pub(crate) fn block_with(row: &Row, again: &str) -> String {
    let (style, label) = match row.verdict.outcome {
        Outcome::Ok => (GOOD, "OK"),
        Outcome::Lenient => (OPEN, "LENIENT"),
        Outcome::Failed => (BAD, "FAIL"),
        Outcome::Timeout => (BAD, "TIMEOUT"),
        Outcome::NotApplicable => (OPEN, "N/A"),
    };
    let label = paint(style, &padded(label, INDENT));
    let name = paint(STRONG, &row.name());
    let mut text = format!("{}{name}  {}  {}\n", label, row.level.name(), row.section());
    let mut line = |label: &str, words: &str| {
        if !words.is_empty() {
            text += &format!("  {label:6} {}\n", wrapped(words, INDENT));
        }
    };
    line("must", &row.title);
    line("sent", &sent(row));
    line("came", &came(row));
    line("due", &row.due);
    line("why", &row.verdict.why);
    if row.is_bad(true) {
        line("likely", row.likely.as_deref().unwrap_or_default());
    }
    line("again", again);
    text
}

fn sent(row: &Row) -> String {
    let is_about_head = matches!(row.group, Group::Opening | Group::Refused);
    let head = if is_about_head {
        head(&row.sent.head)
    } else {
        String::new()
    };
    join(head, brief::frames(&row.sent))
}

fn came(row: &Row) -> String {
    let status = row
        .status
        .filter(|status| *status != 101)
        .map(|status| format!("status {status}"));
    let frames = if status.is_some() {
        Vec::new()
    } else {
        brief::frames(&row.came)
    };
    let came = join(status.unwrap_or_default(), frames);
    let end = match row.ended {
        Some(crate::app::check::came::Ended::Reset) => "and a reset",
        Some(_) => "and the end of TCP",
        None => "and TCP stays open",
    };
    if came.is_empty() {
        format!("nothing {end}")
    } else {
        format!("{came} {end}")
    }
}

fn join(head: String, frames: Vec<String>) -> String {
    let head = (!head.is_empty()).then_some(head);
    head.into_iter()
        .chain(frames)
        .collect::<Vec<_>>()
        .join("  ")
}

/// The lines of a head that differ from the usual ones would be best; its beginning tells enough.
fn head(head: &str) -> String {
    clipped(
        &escaped(head.as_bytes()).replace("\\x0d\\x0a", " | "),
        4 * COLUMNS,
    )
}

/// One line for a group.
pub(crate) fn group(report: &Report, group: Group) -> String {
    let of_group = Report {
        rows: report
            .rows
            .iter()
            .filter(|row| row.group == group)
            .cloned()
            .collect(),
        ..report.clone()
    };
    let mark = if of_group.is_bad() {
        paint(BAD, "✗")
    } else {
        paint(GOOD, "✓")
    };
    format!(
        "{mark} {} {}\n",
        padded(group.name(), 10),
        of_group.summary()
    )
}

/// The last lines.
pub(crate) fn summary(report: &Report) -> String {
    let verdict = if report.is_bad() {
        paint(BAD, "failed")
    } else {
        paint(GOOD, "passed")
    };
    let count = report.rows.len();
    let time = report.time.as_secs_f64();
    let line = format!(
        "{verdict}: {} ({count} cases in {time:.1} s)",
        report.summary()
    );
    let _ = width(&line);
    line + "\n"
}
