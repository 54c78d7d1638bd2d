//! One line for each request and connection.

use clap::ValueEnum;
use jiff::Zoned;
use plainws::net::log::{Outcome, Record};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Longer request lines are cut.
const MAX_REQUEST_LINE: usize = 200;

/// Writes a record to standard error.
pub(crate) fn write(record: &Record<'_>, form: Form) {
    let line = match form {
        Form::Text => format!("{} {}\n", Zoned::now().strftime("%F %T"), text(record)),
        Form::Json => format!("{}\n", in_ascii(&json(record).to_string())),
    };
    // The server goes on without a reader of its log.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn text(record: &Record<'_>) -> String {
    let peer = record.peer.map_or("-".into(), |peer| peer.to_string());
    let outcome = match &record.outcome {
        Outcome::Response {
            status,
            length,
            reason: None,
        } => format!("{status} {length} B"),
        Outcome::Response {
            status,
            reason: Some(reason),
            ..
        } => format!("{status} {reason}"),
        Outcome::Closed {
            reason,
            error,
            has_panicked,
            ..
        } => {
            let panicked = if *has_panicked {
                ", handler panicked"
            } else {
                ""
            };
            let error = error.map(|error| format!(", {error}")).unwrap_or_default();
            format!("101 closed {reason}{error}{panicked}")
        }
        Outcome::NotAccepted(error) => format!("not accepted: {error}"),
        _ => "left before it was answered".into(),
    };
    format!(
        "{peer} \"{}\" {outcome} {:.3} s",
        // Bytes from a peer must not reach a terminal unescaped.
        cut(record, |bytes| bytes.escape_ascii().to_string()),
        record.duration.as_secs_f64()
    )
}

fn json(record: &Record<'_>) -> Value {
    let outcome = match &record.outcome {
        Outcome::Response {
            status,
            length,
            reason,
        } => {
            json!({"status": status, "length": length, "reason": reason})
        }
        Outcome::Closed {
            reason,
            traffic,
            error,
            has_panicked,
        } => json!({
            "status": 101,
            "close_code": reason.code.0,
            "close_reason": reason.reason,
            "messages_received": traffic.messages_received,
            "messages_sent": traffic.messages_sent,
            "bytes_received": traffic.bytes_received,
            "bytes_sent": traffic.bytes_sent,
            "error": error.map(ToString::to_string),
            "panicked": has_panicked,
        }),
        Outcome::NotAccepted(error) => json!({"not_accepted": error.to_string()}),
        _ => json!({"left": true}),
    };
    let mut line = Map::new();
    line.insert("time".into(), json!(Zoned::now().timestamp().to_string()));
    line.insert(
        "peer".into(),
        json!(record.peer.map(|peer| peer.to_string())),
    );
    line.insert(
        "request".into(),
        json!(cut(record, |bytes| String::from_utf8_lossy(bytes).into_owned())),
    );
    line.insert("seconds".into(), json!(record.duration.as_secs_f64()));
    line.extend(
        outcome
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    line.into()
}

/// The same JSON in printable ASCII: JSON itself leaves control characters above 127 unescaped, which
/// a terminal might obey.
fn in_ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// The request line as `show` shows its bytes, cut when it is long.
fn cut(record: &Record<'_>, show: fn(&[u8]) -> String) -> String {
    match record.request_line.get(..MAX_REQUEST_LINE) {
        Some(cut) => show(cut) + "…",
        None => show(record.request_line),
    }
}
