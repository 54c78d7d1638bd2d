//! The report as JSON, in printable ASCII: one object.
//!
//! | field | what |
//! |---|---|
//! | `plainws` | the version of this program |
//! | `examinee`, `role` | its name, else its URL; `server` or `client` |
//! | `strict`, `passed`, `seconds` | whether lenient counts as failed; the verdict; how long it took |
//! | `counts` | a number for each outcome: `ok`, `lenient`, `failed`, `timeout`, `not_applicable` |
//! | `cases` | an object for each case, in the order of `--list` |
//!
//! Of a case:
//!
//! | field | what |
//! |---|---|
//! | `id`, `group`, `title` | as `--list` has them |
//! | `section`, `level`, `rules` | what demands it: `RFC 6455 5.4`; `MUST`, `SHOULD` or `advice`; the rules that the script breaks |
//! | `autobahn` | its number in the Autobahn Testsuite, or null |
//! | `outcome`, `why` | one of the names in `counts`, and what was found; empty if it is ok |
//! | `passed` | whether it counts as passed |
//! | `due`, `likely` | what was due; what likely happened, or null |
//! | `question` | the number of the question that `plainws why` answers about it, or null |
//! | `seconds` | how long it took |
//! | `connections` | an object for each, in the order in which they were opened |
//!
//! Of a connection:
//!
//! | field | what |
//! |---|---|
//! | `sent`, `came` | `head` as text; `hex`, the head and up to 1,024 bytes after it, as `plainws decode` takes them; `length`, of all |
//! | `status` | the status of the examinee's response, or null |
//! | `close` | `code` (1005 for none) and `reason` of the examinee's Close, or null |
//! | `end` | who ended TCP: `fin` or `reset`, the examinee; `flood`, we as it sent too much; `open`, nobody in time; null, we |

use super::Report;
use super::row::{Bytes, Connection, Row, TcpEnd};
use crate::app::check::came::Ended;
use crate::app::check::judge::Outcome;
use crate::app::text::{in_ascii, joined};
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) fn write(report: &Report) -> String {
    let counts = Outcome::ALL.map(|outcome| (name(outcome), report.count(outcome).into()));
    let cases = report.rows.iter().map(|row| case(row, report.is_strict));
    let value = json!({
        "plainws": env!("CARGO_PKG_VERSION"),
        "examinee": report.name,
        "role": report.role.name(),
        "strict": report.is_strict,
        "passed": !report.is_bad(),
        "seconds": seconds(report.time),
        "counts": Map::<String, Value>::from_iter(counts),
        "cases": Vec::from_iter(cases),
    });
    in_ascii(format!("{value:#}")) + "\n"
}

/// What a case came to.
pub(super) fn case(row: &Row, is_strict: bool) -> Value {
    json!({
        "id": row.id,
        "group": row.group.name(),
        "title": row.title,
        "section": row.section(),
        "level": row.level.name(),
        "rules": row.rules,
        "autobahn": row.old,
        "outcome": name(row.verdict.outcome),
        "passed": !row.is_bad(is_strict),
        "why": row.verdict.why,
        "due": row.due,
        "likely": row.likely,
        "question": row.question,
        "seconds": seconds(row.time),
        "connections": row.connections.iter().map(connection).collect::<Vec<_>>(),
    })
}

fn name(outcome: Outcome) -> String {
    outcome.name().replace(' ', "_")
}

fn connection(connection: &Connection) -> Value {
    let close = connection.close.as_ref();
    json!({
        "sent": bytes(&connection.sent),
        "came": bytes(&connection.came),
        "status": connection.status,
        "close": close.map(|(code, reason)| json!({"code": code, "reason": reason})),
        "end": match connection.end {
            TcpEnd::By(Ended::Fin) => Some("fin"),
            TcpEnd::By(Ended::Reset) => Some("reset"),
            TcpEnd::By(Ended::Flood) => Some("flood"),
            TcpEnd::Open => Some("open"),
            TcpEnd::Ours => None,
        },
    })
}

fn bytes(bytes: &Bytes) -> Value {
    json!({
        "head": String::from_utf8_lossy(&bytes.head),
        "hex": joined(&[&bytes.head[..], &bytes.shown].concat()),
        "length": bytes.head.len() as u64 + bytes.total,
    })
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
