//! The report as one page that needs nothing else: a table, and behind each case what both ends sent, as `decode` shows it.

use super::Report;
use super::row::{Bytes, Row};
use crate::app::check::case::Group;
use crate::app::check::judge::Outcome;
use crate::app::input::{Connection, Stream};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Known, Limits};
use crate::app::show::connection;
use anstream::adapter::strip_str;
use std::fmt::Write as _;

const STYLE: &str = include_str!("report.css");

/// The page.
pub(crate) fn write(report: &Report) -> String {
    let name = escaped(&report.name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>plainws check: {name}</title>\n\
         <style>\n{STYLE}</style>\n<h1>plainws check: {name}</h1>\n<p>{}: {}. {} cases in {:.1} s.</p>\n",
        if report.is_bad() {
            "<strong class=\"bad\">Failed</strong>"
        } else {
            "<strong class=\"good\">Passed</strong>"
        },
        report.summary(),
        report.rows.len(),
        report.time.as_secs_f64(),
    );
    for group in Group::ALL {
        let rows: Vec<&Row> = report
            .rows
            .iter()
            .filter(|row| row.group == group)
            .collect();
        if !rows.is_empty() {
            table(group, &rows, &mut page);
        }
    }
    page + "</html>\n"
}

fn table(group: Group, rows: &[&Row], page: &mut String) {
    // Writing to a String never fails.
    let _ = write!(
        page,
        "<h2 id=\"{0}\">{0}</h2>\n<table>\n<thead><tr><th scope=\"col\">Case</th><th scope=\"col\">Demand</th>\
         <th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n",
        group.name()
    );
    for row in rows {
        let _ = write!(
            page,
            "<tr id=\"{}\"><th scope=\"row\">{}</th><td>{} <span class=\"quiet\">{}, {}</span>{}</td>\
             <td class=\"{}\">{}</td></tr>\n",
            escaped(&row.id),
            escaped(&row.id),
            escaped(&row.title),
            row.level.name(),
            escaped(&row.section()),
            details(row),
            class(row.verdict.outcome),
            row.verdict.outcome.name(),
        );
    }
    *page += "</tbody>\n</table>\n";
}

const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "good",
        Outcome::Failed | Outcome::Timeout => "bad",
        Outcome::Lenient | Outcome::NotApplicable => "open",
    }
}

/// What both ends sent, where that is worth a look.
fn details(row: &Row) -> String {
    if row.verdict.outcome == Outcome::Ok {
        return String::new();
    }
    format!(
        "<details><summary>{}</summary>\n<p>Due: {}</p>\n<h3>sent</h3>\n<pre>{}</pre>\n<h3>came</h3>\n<pre>{}</pre>\n</details>",
        escaped(&row.verdict.why),
        escaped(&row.due),
        escaped(&listing(&row.sent)),
        escaped(&listing(&row.came)),
    )
}

fn listing(bytes: &Bytes) -> String {
    let mut shown = bytes.head.clone().into_bytes();
    shown.extend(&bytes.shown);
    if shown.is_empty() {
        return "nothing".into();
    }
    let connection = Connection::of(Stream::new(Some(bytes.sender), shown));
    let limits = Limits {
        head: Default::default(),
        message: Default::default(),
    };
    let mut conversation = Conversation::new(connection, &Known::default(), limits);
    let mut text = String::new();
    // Writing to a String never fails.
    let _ = connection::listing(&mut text, &mut conversation, true);
    strip_str(&text).to_string()
}

fn escaped(text: &str) -> String {
    let text = crate::app::text::harmless(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
