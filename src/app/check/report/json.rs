//! The report as JSON.

use super::Report;
use super::row::{Bytes, Row};
use crate::app::check::judge::Outcome;
use crate::app::text::joined;
use serde_json::{Map, Value, json};

/// One object; `cases` holds one for each case. Times are in milliseconds, bytes in hex; of what each end sent behind its
/// head, the first 1,024 bytes.
pub(crate) fn write(report: &Report) -> String {
    let counts: Map<String, Value> = Outcome::ALL
        .into_iter()
        .map(|outcome| {
            (
                outcome.name().replace(' ', "_"),
                report.count(outcome).into(),
            )
        })
        .collect();
    let value = json!({
        "plainws": env!("CARGO_PKG_VERSION"),
        "examinee": report.name,
        "role": report.role.name(),
        "strict": report.is_strict,
        "passed": !report.is_bad(),
        "milliseconds": millis(report.time),
        "counts": counts,
        "cases": report.rows.iter().map(case).collect::<Vec<_>>(),
    });
    crate::app::text::in_ascii(format!("{value:#}")) + "\n"
}

/// What a case came to.
pub(super) fn case(row: &Row) -> Value {
    let close = row
        .close
        .as_ref()
        .map(|(code, reason)| json!({"code": code, "reason": reason}));
    json!({
        "id": row.id,
        "group": row.group.name(),
        "title": row.title,
        "section": row.section(),
        "level": row.level.name(),
        "rules": row.rules,
        "autobahn": row.old,
        "outcome": row.verdict.outcome.name(),
        "why": row.verdict.why,
        "due": row.due,
        "likely": row.likely,
        "milliseconds": millis(row.time),
        "status": row.status,
        "close": close,
        "sent": bytes(&row.sent),
        "came": bytes(&row.came),
    })
}

fn bytes(bytes: &Bytes) -> Value {
    json!({"head": bytes.head, "hex": joined(&bytes.shown), "length": bytes.total})
}

fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
