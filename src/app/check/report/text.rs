//! The report for people: a block for each case that did not pass, a line for each group, and the verdict.
//!
//! ```text
//! FAIL     fragments/ping-between-fragments  MUST  RFC 6455 5.4
//!   case   a ping between two fragments is answered before the message
//!   sent   01 83 37fa213d      TEXT       masked       3 "one"
//!          89 82 37fa213d      PING   fin masked       2 "hi"
//!          80 83 37fa213d      CONT   fin masked       3 "two"
//!   came   8a 02               PONG   fin              2 "hi"
//!          81 08               TEXT   fin              8 "onehitwo"
//!          then TCP ends
//!   due    text "onetwo", then pong "hi", then Close 1000 as the answer to ours
//!   why    text "onetwo" is due, and it sends text "onehitwo"
//!   likely the ping ended the message that it stood in
//!   asked  Why does a ping between two fragments end up in my message?
//!          (plainws why 38)
//!   again  plainws check ws://127.0.0.1:9001/echo --only ping-between-fragments
//! ```

use super::row::{Connection, Row, TcpEnd};
use super::{Report, counted, frames, head, repeats};
use crate::app::check::came::Ended;
use crate::app::check::judge::Outcome;
use crate::app::show::paint::{BAD, FAINT, GOOD, OPEN, STRONG, broken, paint};
use crate::app::text::{COLUMNS, clipped, count, padded, width, wrapped};
use crate::app::why;
use plainws::Role;

/// Where the text after a label begins.
const INDENT: usize = 9;
/// What is left of a line there.
const ROOM: usize = COLUMNS - 1 - INDENT;
/// Where the text about a group begins.
const OF_GROUP: usize = 13;
/// Kinds of connections that are shown of a case.
const KINDS: usize = 4;

/// A result that is worth a look, over some lines. `command` examines a server again.
pub(crate) fn block(row: &Row, command: &str) -> String {
    let again = match row.examinee {
        Role::Server => format!("{command} --only {}", row.id),
        Role::Client => format!("/runCase?case={}", row.number + 1),
    };
    block_with(row, &again)
}

/// The same, with what plays it again.
pub(crate) fn block_with(row: &Row, again: &str) -> String {
    let mut text = heading(row);
    text += &labelled("case", &wrapped(&row.title, INDENT));
    let kinds = kinds(row);
    for (numbers, connection) in kinds.iter().take(KINDS) {
        if row.connections.len() > 1 {
            text += &labelled("on", &named(numbers));
        }
        text += &labelled("sent", &lines(sent(row, connection)));
        text += &labelled("came", &lines(came(row, connection)));
    }
    if kinds.len() > KINDS {
        text += &labelled("on", &format!("… {} more kinds", kinds.len() - KINDS));
    }
    text += &labelled("due", &wrapped(&row.due, INDENT));
    text += &labelled("why", &wrapped(&row.verdict.why, INDENT));
    if row.is_bad(true) {
        let likely = row.likely.as_deref().unwrap_or_default();
        text += &labelled("likely", &wrapped(likely, INDENT));
        text += &labelled("asked", &row.question.map_or_else(String::new, asked));
    }
    text += &labelled("again", &broken(again, INDENT));
    let more = row.rules.first().filter(|_| row.is_bad(true));
    text + &labelled(
        "more",
        &more.map_or_else(String::new, |rule| format!("plainws rules {rule}")),
    )
}

/// Which question this is one of, and how to get its answer.
fn asked(number: u8) -> String {
    let question = why::numbered(number).map_or("", |asked| asked.question);
    // The command stays in one line.
    let text = format!("{question} (plainws\u{a0}why\u{a0}{number})");
    wrapped(&text, INDENT).replace('\u{a0}', " ")
}

fn heading(row: &Row) -> String {
    let style = style(row.verdict.outcome);
    let label = paint(style, &padded(row.label(), INDENT));
    let demand = format!("{}  {}", row.level.name(), row.section());
    let fits = INDENT + width(&row.name()) + 2 + width(&demand) < COLUMNS;
    let gap = if fits {
        "  ".to_owned()
    } else {
        format!("\n{:INDENT$}", "")
    };
    format!("{label}{}{gap}{demand}\n", paint(STRONG, &row.name()))
}

const fn style(outcome: Outcome) -> anstyle::Style {
    match outcome {
        Outcome::Ok => GOOD,
        Outcome::Failed | Outcome::Timeout => BAD,
        Outcome::Lenient | Outcome::NotApplicable => OPEN,
    }
}

/// Nothing where there is nothing to say.
fn labelled(label: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("  {} {text}\n", paint(FAINT, &padded(label, INDENT - 3)))
}

fn lines(lines: Vec<String>) -> String {
    let lines = lines.iter().map(|line| line.trim_end());
    Vec::from_iter(lines).join(&format!("\n{:INDENT$}", ""))
}

/// The connections of a case; those on which the same happened stand together.
fn kinds(row: &Row) -> Vec<(Vec<usize>, &Connection)> {
    let mut kinds: Vec<(Vec<usize>, &Connection)> = Vec::new();
    for (number, connection) in (1..).zip(&row.connections) {
        let shown = (sent(row, connection), came(row, connection));
        let is_like =
            |(_, other): &&mut (_, &Connection)| (sent(row, other), came(row, other)) == shown;
        match kinds.iter_mut().find(is_like) {
            Some((numbers, _)) => numbers.push(number),
            None => kinds.push((vec![number], connection)),
        }
    }
    kinds
}

fn named(numbers: &[usize]) -> String {
    let is_row = numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    match numbers {
        [number] => format!("connection {number}"),
        [first, .., last] if is_row && numbers.len() > 2 => {
            format!("each of the connections {first} to {last}")
        }
        _ => {
            let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
            clipped(
                &format!("each of the connections {}", numbers.join(", ")),
                ROOM,
            )
        }
    }
}

fn sent(row: &Row, connection: &Connection) -> Vec<String> {
    let begin = match row.examinee {
        Role::Server => "a request",
        Role::Client => "a response",
    };
    let mut sent = Vec::new();
    if !connection.difference.is_empty() {
        sent.push(format!("{begin} that differs from the usual one:"));
        let lines = connection.difference.iter();
        sent.extend(repeats::shortened(lines.map(|line| clipped(line, ROOM))));
    } else if row.is_about_heads() {
        sent.push(format!("{begin} as usual"));
    }
    sent.extend(frames::lines(&connection.sent, ROOM));
    if sent.is_empty() {
        sent.push("nothing but the handshake".into());
    }
    sent
}

fn came(row: &Row, connection: &Connection) -> Vec<String> {
    let mut came = response(row, connection);
    came.extend(frames::lines(&connection.came, ROOM));
    let end = match connection.end {
        TcpEnd::By(Ended::Fin) => "then TCP ends",
        TcpEnd::By(Ended::Reset) => "then TCP is reset",
        TcpEnd::By(Ended::Flood) => "and more than can be due",
        TcpEnd::Open => "and TCP stays open",
        TcpEnd::Ours => "",
    };
    match (came.is_empty(), end) {
        (true, "") => came.push("nothing".into()),
        (true, end) => came.push(format!("nothing, {end}")),
        (false, "") => {}
        (false, end) => came.push(end.into()),
    }
    came
}

/// Its first line; the rest only where that counts.
fn response(row: &Row, connection: &Connection) -> Vec<String> {
    let head = &connection.came.head;
    let is_refusal = connection.status.is_some_and(|status| status != 101);
    let is_whole = connection.is_response_odd || is_refusal && row.is_about_heads();
    let lines = head.split_inclusive(|&byte| byte == b'\n');
    let lines = lines.map(|line| clipped(&head::shown(line), ROOM));
    if is_whole {
        let lines = lines.take_while(|line| line != "(the empty line)");
        repeats::shortened(lines)
    } else if is_refusal || row.is_about_heads() {
        lines.take(1).collect()
    } else {
        Vec::new()
    }
}

/// A line for a group of cases, and why those are lenient, or not judged, that are. With `command`, blocks for what did not pass.
pub(crate) fn group(rows: &[&Row], is_strict: bool, command: Option<&str>) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let is_bad = rows.iter().any(|row| row.is_bad(is_strict));
    let mark = if is_bad {
        paint(BAD, "✗")
    } else {
        paint(GOOD, "✓")
    };
    let name = padded(first.group.name(), OF_GROUP - 2);
    let mut text = format!("{mark} {name}{}\n", counted(rows.iter().copied()));
    text += &reasons(rows, is_strict);
    if let Some(command) = command.filter(|_| is_bad) {
        text += "\n";
        for row in rows.iter().filter(|row| row.is_bad(is_strict)) {
            text += &block(row, command);
            text += "\n";
        }
    }
    text
}

/// The reasons for what is neither ok nor shown in a block, each with the cases.
fn reasons(rows: &[&Row], is_strict: bool) -> String {
    let mut reasons: Vec<(Outcome, &str, Vec<&str>)> = Vec::new();
    for row in rows {
        let outcome = row.verdict.outcome;
        if outcome == Outcome::Ok || row.is_bad(is_strict) {
            continue;
        }
        let why = &*row.verdict.why;
        let same =
            |(of, other, _): &&mut (Outcome, &str, Vec<&str>)| (*of, *other) == (outcome, why);
        match reasons.iter_mut().find(same) {
            Some((.., ids)) => ids.push(&row.id),
            None => reasons.push((outcome, why, vec![&row.id])),
        }
    }
    let told = reasons.iter().map(|(outcome, why, ids)| {
        let label = match outcome {
            Outcome::NotApplicable => "  n/a",
            outcome => &format!("  {}", outcome.name()),
        };
        let label = paint(OPEN, &padded(label, OF_GROUP));
        let said = wrapped(why, OF_GROUP);
        let ids = paint(FAINT, &wrapped(&named_cases(ids), OF_GROUP));
        format!("{label}{said}\n{:OF_GROUP$}{ids}\n", "")
    });
    told.collect()
}

/// As many as a line holds.
fn named_cases(ids: &[&str]) -> String {
    const MOST: usize = 2;
    let shown = ids[..ids.len().min(MOST)].join(", ");
    match ids.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The last lines.
pub(crate) fn summary(report: &Report) -> String {
    let verdict = if report.is_bad() {
        paint(BAD, "failed")
    } else {
        paint(GOOD, "passed")
    };
    let counted = counted(report.rows.iter());
    let time = report.time.as_secs_f64();
    let cases = count(report.rows.len() as u64, "case");
    let mut text = format!("\n{verdict}: {counted} ({cases} in {time:.1} s)\n");
    if report.count(Outcome::Lenient) > 0 && !report.is_strict {
        text += "lenient: allowed, but weaker than it could be; --strict shows each, and fails\n";
    }
    text
}
