//! The report as JUnit XML, which CI services show.

use super::Report;
use super::row::Row;
use crate::app::check::case::Group;
use crate::app::check::judge::Outcome;
use anstream::adapter::strip_str;
use std::fmt::Write as _;

/// A suite for each group. What is lenient passes unless the report is strict.
pub(crate) fn write(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = counts(report, report.rows.iter());
    // Writing to a String never fails.
    let _ = writeln!(xml, "<testsuites name=\"plainws check\" {total}>");
    for group in Group::ALL {
        let rows: Vec<&Row> = report
            .rows
            .iter()
            .filter(|row| row.group == group)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let counts = counts(report, rows.iter().copied());
        let _ = writeln!(xml, "  <testsuite name=\"{}\" {counts}>", group.name());
        for row in rows {
            case(report, row, &mut xml);
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

fn counts<'a>(report: &Report, rows: impl Iterator<Item = &'a Row>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped, mut time) = (0, 0, 0, 0, 0.0);
    for row in rows {
        tests += 1;
        time += row.time.as_secs_f64();
        match row.verdict.outcome {
            Outcome::Timeout => errors += 1,
            Outcome::NotApplicable => skipped += 1,
            _ if row.is_bad(report.is_strict) => failures += 1,
            _ => {}
        }
    }
    format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time:.3}\""
    )
}

fn case(report: &Report, row: &Row, xml: &mut String) {
    let _ = write!(
        xml,
        "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3}\"",
        escaped(&report.name),
        row.group.name(),
        escaped(&row.id),
        row.time.as_secs_f64()
    );
    let why = escaped(&row.verdict.why);
    let block = super::text::block(row, &report.name);
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
