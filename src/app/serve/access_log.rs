//! One line for each request and connection, but for floods of refusals, which are summed up.

use crate::app::lab;
use crate::app::show::lines::{Lines, Note, To};
use crate::app::show::text::{self, in_ascii};
use clap::ValueEnum;
use jiff::Zoned;
use plainws::net::log::{Outcome, Record};
use serde_json::{Map, Value, json};
use std::panic::PanicHookInfo;
use std::thread;
use std::time::Duration;

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

/// Writes a record to standard error, by way of `lines`.
pub(crate) fn write(lines: &Lines, record: &Record<'_>, form: Form) {
    if is_for_want_of_room(record) && !lines.admits_refusal() {
        return;
    }
    let line = match form {
        Form::Text => in_text(&text(record)),
        Form::Json => in_json(json(record)),
    };
    lines.push(To::Stderr, &line);
}

/// Whether a peer was refused because there are too many, of which there may be thousands a second.
fn is_for_want_of_room(record: &Record<'_>) -> bool {
    // Without a reason it is the answer to who asks for our health.
    let outcome = &record.outcome;
    matches!(
        outcome,
        Outcome::Response {
            status: 503,
            reason: Some(_),
            ..
        }
    )
}

/// The line that stands for those that were not written.
pub(crate) fn note(note: Note, form: Form) -> String {
    match (note, form) {
        (Note::Dropped(count), Form::Text) => in_text(&format!(
            "{} dropped: the log could not be written in time",
            text::count(count, "line")
        )),
        (Note::Dropped(count), Form::Json) => in_json(json!({"dropped": count})),
        (Note::Refusals(count), Form::Text) => {
            in_text(&format!("{} with 503", text::count(count, "more refusal")))
        }
        (Note::Refusals(count), Form::Json) => in_json(json!({"status": 503, "more": count})),
    }
}

/// A line about the server itself.
pub(crate) fn warning(text: &str, form: Form) -> String {
    match form {
        Form::Text => in_text(text),
        Form::Json => in_json(json!({"warning": text})),
    }
}

/// That the end has begun, but nobody is closed for so long.
pub(crate) fn draining(time: Duration, form: Form) -> String {
    let seconds = time.as_secs_f64();
    match form {
        Form::Text => in_text(&format!(
            "draining for {seconds} s: all is still served; a signal ends the wait"
        )),
        Form::Json => in_json(json!({"draining": true, "seconds": seconds})),
    }
}

/// What came of reading the certificate again.
pub(crate) fn renewed(outcome: &Result<(), String>, form: Form) -> String {
    match (outcome, form) {
        (Ok(()), Form::Text) => in_text("the certificate is renewed"),
        (Ok(()), Form::Json) => in_json(json!({"certificate": "renewed"})),
        (Err(problem), form) => {
            warning(&format!("the certificate stays as it was: {problem}"), form)
        }
    }
}

/// What is written of a panic. std's own report would wait for a reader of standard error.
pub(crate) fn panicked(info: &PanicHookInfo<'_>, form: Form) -> String {
    let thread = thread::current();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let literal = payload.downcast_ref::<&str>().copied();
    let text = literal.or(payload.downcast_ref::<String>().map(String::as_str));
    panic_line(
        thread.name().unwrap_or("?"),
        &place,
        text.unwrap_or("?"),
        form,
    )
}

fn panic_line(thread: &str, place: &str, text: &str, form: Form) -> String {
    match form {
        Form::Text => {
            let text = text.escape_debug();
            in_text(&format!("thread \"{thread}\" panicked at {place}: {text}"))
        }
        Form::Json => in_json(json!({"thread": thread, "panicked_at": place, "panic": text})),
    }
}

fn in_text(text: &str) -> String {
    format!("{} {text}\n", Zoned::now().strftime("%F %T"))
}

/// The members of an object after the time.
fn in_json(members: Value) -> String {
    let mut line = Map::new();
    line.insert("time".into(), json!(Zoned::now().timestamp().to_string()));
    if let Value::Object(members) = members {
        line.extend(members);
    }
    format!("{}\n", in_ascii(Value::Object(line).to_string()))
}

fn text(record: &Record<'_>) -> String {
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
        } => format!("{status} {}", in_line(reason)),
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
            let error = error
                .map(|error| format!(", {}", in_line(&error.to_string())))
                .unwrap_or_default();
            format!("101 closed {reason}{error}{panicked}")
        }
        Outcome::NotAccepted(error) => format!("not accepted: {error}"),
        Outcome::NotSecured(error) => format!("not secured: {}", in_line(&error.to_string())),
        _ => "left before it was answered".into(),
    };
    format!(
        "{} \"{}\" {outcome} {:.3} s",
        record.who(),
        // Bytes from a peer must not reach a terminal unescaped.
        cut(record, |bytes| bytes.escape_ascii().to_string()),
        record.duration.as_secs_f64()
    )
}

/// What a handler or a page maker says, which may repeat what a peer sent.
fn in_line(text: &str) -> String {
    text::harmless(text).replace('\n', "\\n")
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
            ..
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
        Outcome::NotSecured(error) => json!({"not_secured": error.to_string()}),
        _ => json!({"left": true}),
    };
    let mut line = Map::new();
    line.insert(
        "peer".into(),
        json!(record.peer.map(|peer| peer.to_string())),
    );
    line.insert(
        "client".into(),
        json!(record.client.map(|client| client.to_string())),
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

/// The request line as `show` shows its bytes, cut when it is long.
///
/// Who has the token of a session of the lab may see what is sent there, so it is not shown.
fn cut(record: &Record<'_>, show: fn(&[u8]) -> String) -> String {
    let line = lab::without_token(record.request_line);
    match line.split_at_checked(MAX_REQUEST_LINE) {
        Some((cut, rest)) if !rest.is_empty() => show(cut) + "…",
        _ => show(&line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line without its time.
    fn after_time(line: &str) -> &str {
        &line["2026-11-26 02:09:14 ".len()..]
    }

    #[test]
    fn a_panic_is_one_line_with_everything_escaped() {
        let place = "src/app/serve/echo.rs:7:5";
        let line = panic_line(
            "plainws 127.0.0.1:9",
            place,
            "two\nlines \x1b[31m",
            Form::Text,
        );
        assert_eq!(
            after_time(&line),
            "thread \"plainws 127.0.0.1:9\" panicked at src/app/serve/echo.rs:7:5: two\\nlines \\u{1b}[31m\n"
        );
        let line = panic_line(
            "plainws 127.0.0.1:9",
            place,
            "two\nlines \u{9b}",
            Form::Json,
        );
        assert!(line.is_ascii() && line.matches('\n').count() == 1, "{line}");
        let object: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(object["panic"], "two\nlines \u{9b}");
        assert_eq!(object["thread"], "plainws 127.0.0.1:9");
        assert_eq!(object["panicked_at"], place);
        assert!(object["time"].is_string());
    }

    #[test]
    fn notes_say_how_many_lines_they_stand_for() {
        let said = |of, form| note(of, form);
        let line = said(Note::Dropped(37), Form::Text);
        assert!(after_time(&line).starts_with("37 lines dropped:"), "{line}");
        let line = said(Note::Refusals(5), Form::Text);
        assert!(
            after_time(&line).starts_with("5 more refusals with 503"),
            "{line}"
        );
        for (note, expected) in [
            (Note::Dropped(1), "1 line dropped: "),
            (Note::Refusals(1), "1 more refusal with 503\n"),
        ] {
            let line = said(note, Form::Text);
            assert!(after_time(&line).starts_with(expected), "{line}");
        }
        let object = |of| serde_json::from_str::<Value>(&said(of, Form::Json)).expect("it is JSON");
        assert_eq!(object(Note::Dropped(37))["dropped"], 37);
        let refusals = object(Note::Refusals(5));
        assert_eq!(
            (&refusals["status"], &refusals["more"]),
            (&503.into(), &5.into())
        );
    }

    #[test]
    fn a_certificate_that_is_read_again_is_one_line() {
        let wrong = Err("--tls-cert a\u{FF1A}.pem: not PEM".to_owned());
        for (outcome, line) in [
            (&Ok(()), "the certificate is renewed\n"),
            (
                &wrong,
                "the certificate stays as it was: --tls-cert a\u{FF1A}.pem: not PEM\n",
            ),
        ] {
            assert_eq!(after_time(&renewed(outcome, Form::Text)), line);
        }
        let object = |outcome: &_| {
            let line = renewed(outcome, Form::Json);
            assert!(line.is_ascii() && line.matches('\n').count() == 1, "{line}");
            serde_json::from_str::<Value>(&line).expect("it is JSON")
        };
        assert_eq!(object(&Ok(()))["certificate"], "renewed");
        assert_eq!(
            object(&wrong)["warning"],
            "the certificate stays as it was: --tls-cert a\u{FF1A}.pem: not PEM"
        );
    }
}
