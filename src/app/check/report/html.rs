//! The report as one page that needs nothing else, and no script: what did not pass, with what both ends sent as `decode`
//! shows it, and a table of all cases.

use super::row::{Bytes, Connection, MOST, Row, TcpEnd};
use super::{Report, counted};
use crate::app::check::came::Ended;
use crate::app::check::case::Group;
use crate::app::check::judge::Outcome;
use crate::app::input::{Connection as Input, Stream};
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Known, Limits};
use crate::app::show::connection;
use crate::app::text::{count, harmless};
use crate::app::why;
use anstream::adapter::strip_str;
use std::fmt::Write as _;

const STYLE: &str = include_str!("report.css");

/// The page.
pub(super) fn write(report: &Report) -> String {
    let mut page = head(report);
    overview(report, &mut page);
    choice(report, &mut page);
    for (group, rows) in report.groups() {
        table(group, &rows, report.is_strict, &mut page);
    }
    page + "</main>\n</html>\n"
}

fn head(report: &Report) -> String {
    let name = escaped(&report.name);
    let verdict = if report.is_bad() {
        "<strong class=\"bad\">Failed</strong>"
    } else {
        "<strong class=\"good\">Passed</strong>"
    };
    let strict = if report.is_strict {
        ", lenient counts as failed"
    } else {
        ""
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>plainws check: {name}</title>\n\
         <style>\n{STYLE}</style>\n<main>\n<h1>plainws check: {name}</h1>\n\
         <p>{verdict}: {}. {} in {:.1} s{strict}.</p>\n",
        counted(report.rows.iter()),
        count(report.rows.len() as u64, "case"),
        report.time.as_secs_f64(),
    )
}

/// A table of groups, which leads to theirs.
fn overview(report: &Report, page: &mut String) {
    *page += "<table class=\"groups\">\n<caption>The groups</caption>\n<thead><tr><th scope=\"col\">Group</th>";
    for outcome in Outcome::ALL {
        let name = match outcome {
            Outcome::NotApplicable => "<abbr title=\"not applicable\">n/a</abbr>",
            outcome => outcome.name(),
        };
        // Writing to a String never fails.
        let _ = write!(page, "<th scope=\"col\" class=\"number\">{name}</th>");
    }
    *page += "</tr></thead>\n<tbody>\n";
    for (group, rows) in report.groups() {
        let name = group.name();
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a></th>"
        );
        for outcome in Outcome::ALL {
            let number = rows.iter().filter(|row| row.verdict.outcome == outcome);
            let (number, class) = match number.count() {
                0 => ("-".to_owned(), "quiet"),
                number => (number.to_string(), class(outcome)),
            };
            let _ = write!(page, "<td class=\"number {class}\">{number}</td>");
        }
        *page += "</tr>\n";
    }
    *page += "</tbody>\n</table>\n";
}

/// Which cases are shown; without style sheets, all are.
fn choice(report: &Report, page: &mut String) {
    let is_clean = report.count(Outcome::Ok) == report.rows.len();
    *page += "<fieldset>\n<legend>Show</legend>\n";
    for (id, words, is_chosen) in [
        ("all", "all cases", is_clean),
        ("odd", "what is not ok", !is_clean),
        ("bad", "what did not pass", false),
    ] {
        let checked = if is_chosen { " checked" } else { "" };
        let _ = writeln!(
            page,
            "<label><input type=\"radio\" name=\"show\" id=\"show-{id}\"{checked}> {words}</label>"
        );
    }
    *page += "</fieldset>\n";
}

fn table(group: Group, rows: &[&Row], is_strict: bool, page: &mut String) {
    let name = group.name();
    let words = counted(rows.iter().copied());
    // Whoever shows some kinds only shows no empty tables.
    let kinds = ["is-bad", "is-odd"].into_iter();
    let kinds = kinds.filter(|kind| rows.iter().any(|row| self::kind(row, is_strict) == *kind));
    let kinds = kinds.map(|kind| format!(" has-{kind}")).collect::<String>();
    let _ = write!(
        page,
        "<section class=\"group{kinds}\">\n<h2 id=\"{name}\">{name}</h2>\n<p class=\"quiet\">{words}</p>\n\
         <table class=\"cases\" aria-labelledby=\"{name}\">\n<thead><tr><th scope=\"col\">Case</th><th scope=\"col\">What it asks for</th>\
         <th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n"
    );
    for row in rows {
        let kind = kind(row, is_strict);
        let old = row
            .old
            .map_or_else(String::new, |old| format!(", Autobahn {old}"));
        let _ = write!(
            page,
            "<tr class=\"{kind}\" id=\"case-{id}\"><th scope=\"row\"><a href=\"#case-{id}\">{id}</a></th><td>{}\n\
             <div class=\"quiet\">{}, {}{old}</div></td><td class=\"{}\">{}</td></tr>\n",
            escaped(&row.title),
            row.level.name(),
            escaped(&row.section()),
            class(row.verdict.outcome),
            row.verdict.outcome.name(),
            id = escaped(&row.id),
        );
        if row.verdict.outcome != Outcome::Ok {
            let details = details(row, is_strict);
            let _ = writeln!(
                page,
                "<tr class=\"{kind}\"><td colspan=\"3\">{details}</td></tr>"
            );
        }
    }
    *page += "</tbody>\n</table>\n</section>\n";
}

fn kind(row: &Row, is_strict: bool) -> &'static str {
    match row.verdict.outcome {
        Outcome::Ok => "is-ok",
        _ if row.is_bad(is_strict) => "is-bad",
        _ => "is-odd",
    }
}

const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "good",
        Outcome::Failed | Outcome::Timeout => "bad",
        Outcome::Lenient | Outcome::NotApplicable => "open",
    }
}

/// Why it is not ok, and what both ends sent.
fn details(row: &Row, is_strict: bool) -> String {
    let open = if row.is_bad(is_strict) { " open" } else { "" };
    let mut text = format!(
        "<details{open}><summary>{}</summary>\n<p>Due: {}.</p>\n",
        escaped(&row.verdict.why),
        escaped(&row.due)
    );
    if let Some(likely) = row.likely.as_ref().filter(|_| row.is_bad(true)) {
        let _ = writeln!(text, "<p>Likely: {}.</p>", escaped(likely));
    }
    let number = row.question.filter(|_| row.is_bad(true));
    if let Some(asked) = number.and_then(why::numbered) {
        let _ = writeln!(
            text,
            "<p>Asked: {} <code>plainws why {}</code></p>",
            escaped(asked.question),
            asked.number
        );
    }
    for (number, connection) in (1..).zip(&row.connections) {
        let on = match row.connections.len() {
            1 => String::new(),
            _ => format!(" on connection {number}"),
        };
        for (verb, bytes) in [("sent", &connection.sent), ("came", &connection.came)] {
            let _ = writeln!(
                text,
                "<h3>{verb}{on}</h3>\n<pre tabindex=\"0\">{}</pre>",
                escaped(&listing(bytes))
            );
        }
        let _ = writeln!(text, "<p>{}</p>", end(connection));
    }
    text + "</details>\n"
}

const fn end(connection: &Connection) -> &'static str {
    match connection.end {
        TcpEnd::By(Ended::Fin) => "Then it ended TCP.",
        TcpEnd::By(Ended::Reset) => "Then it reset TCP.",
        TcpEnd::By(Ended::Flood) => "And more than can be due.",
        TcpEnd::Open => "It left TCP open.",
        TcpEnd::Ours => "TCP was ended from here.",
    }
}

fn listing(bytes: &Bytes) -> String {
    let stream = [&bytes.head[..], &bytes.shown].concat();
    if stream.is_empty() {
        return "nothing".into();
    }
    let input = Input::of(Stream::new(Some(bytes.sender), stream));
    let limits = Limits {
        head: Default::default(),
        message: Default::default(),
    };
    let mut conversation = Conversation::new(input, &Known::default(), limits);
    let mut text = String::new();
    // Writing to a String never fails.
    let _ = connection::listing(&mut text, &mut conversation, true);
    if bytes.total > bytes.shown.len() as u64 {
        let _ = write!(
            text,
            "\nThese are the first {MOST} of {} bytes.",
            bytes.total
        );
    }
    strip_str(&text).to_string()
}

fn escaped(text: &str) -> String {
    let text = harmless(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
