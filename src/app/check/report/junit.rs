//! The report as JUnit XML, which CI services show: a suite for each group, a test for each case.
//!
//! | outcome | in a test |
//! |---|---|
//! | ok | nothing |
//! | lenient | `system-out`; with `--strict` a `failure` |
//! | failed | a `failure` |
//! | timeout | an `error` |
//! | not applicable | `skipped` |
//!
//! `message` is what was found, and the text the block that a terminal shows. The class of a test is `plainws.GROUP`,
//! whatever the examinee is called, so that services can compare one run with another.

use super::row::Row;
use super::{Report, text};
use crate::app::check::judge::Outcome;
use anstream::adapter::strip_str;
use std::fmt::Write as _;

pub(super) fn write(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = Counts::of(report, report.rows.iter());
    let name = escaped(&report.name);
    // Writing to a String never fails.
    let _ = writeln!(
        xml,
        "<testsuites name=\"plainws check {name}\" {}>",
        total.attributes()
    );
    for (group, rows) in report.groups() {
        let counts = Counts::of(report, rows.iter().copied());
        let (name, attributes) = (group.name(), counts.attributes());
        let skipped = counts.skipped;
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" {attributes} skipped=\"{skipped}\">"
        );
        for row in rows {
            case(report, row, &mut xml);
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    seconds: f64,
}

impl Counts {
    fn of<'a>(report: &Report, rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            counts.tests += 1;
            counts.seconds += row.time.as_secs_f64();
            match row.verdict.outcome {
                Outcome::Timeout => counts.errors += 1,
                Outcome::NotApplicable => counts.skipped += 1,
                _ if row.is_bad(report.is_strict) => counts.failures += 1,
                _ => {}
            }
        }
        counts
    }

    fn attributes(&self) -> String {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\"",
            self.tests, self.failures, self.errors, self.seconds
        )
    }
}

fn case(report: &Report, row: &Row, xml: &mut String) {
    let _ = write!(
        xml,
        "    <testcase classname=\"plainws.{}\" name=\"{}\" time=\"{:.3}\"",
        row.group.name(),
        escaped(&row.id),
        row.time.as_secs_f64()
    );
    let why = escaped(&row.verdict.why);
    let block = text::block(row, &report.command);
    let text = escaped(&strip_str(&block).to_string());
    let _ = match row.verdict.outcome {
        Outcome::Ok => writeln!(xml, "/>"),
        Outcome::NotApplicable => writeln!(xml, "><skipped message=\"{why}\"/></testcase>"),
        Outcome::Timeout => writeln!(
            xml,
            "><error message=\"{why}\" type=\"timeout\">{text}</error></testcase>"
        ),
        outcome if row.is_bad(report.is_strict) => writeln!(
            xml,
            "><failure message=\"{why}\" type=\"{}\">{text}</failure></testcase>",
            outcome.name()
        ),
        _ => writeln!(xml, "><system-out>{text}</system-out></testcase>"),
    };
}

/// Text for XML 1.0, which has no control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            c if c.is_control() => escaped.push('\u{FFFD}'),
            c => escaped.push(c),
        }
    }
    escaped
}
