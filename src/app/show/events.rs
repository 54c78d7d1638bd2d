//! What passes as JSON, with the names that `decode --json` has.

use super::json;
use crate::app::judge::exchange::{End, Event, Kind, Side};
use plainws::protocol::dissect::Verdict;
use serde_json::{Value, json};

/// The name of an event and its members.
pub(crate) fn event(event: &Event, has_spans: bool) -> (&'static str, Value) {
    match event {
        Event::Head(opening) => {
            let mut members = json!({
                "sender": null,
                "kind": kind(opening.kind),
                "verdict": verdict(opening.explanation.verdict),
            });
            members["handshake"] = json::handshake(&opening.explanation, &opening.bytes);
            ("handshake", members)
        }
        Event::Frame(frame, base) => {
            let mut members = json!({"sender": null});
            if let Value::Object(members) = &mut members {
                members.extend(json::object(frame, *base));
                if !has_spans {
                    members.shift_remove("spans");
                }
            }
            ("frame", members)
        }
        Event::Body(piece) => {
            let start = String::from_utf8_lossy(&piece.start);
            let members = json!({"sender": null, "length": piece.length, "start": start});
            ("body", members)
        }
        Event::Unfinished(what, length) => {
            let members = json!({"sender": null, "what": what, "length": length});
            ("unfinished", members)
        }
    }
}

/// What all that a side has sent comes to.
pub(crate) fn side(side: &Side) -> Value {
    let (verdict, rule) = match side.violation {
        Some((rule, _)) => ("violation", Some(rule.id())),
        None if side.is_unfinished => ("incomplete", None),
        None if side.is_open => ("legal", None),
        None => ("no-websocket", None),
    };
    let end = side.end.map(|end| match end {
        End::Fin => "fin",
        End::Reset => "reset",
    });
    let mut object = json!({
        "length": side.bytes,
        "frames": side.frames,
        "messages": side.messages,
        "close_code": side.close.map(|code| code.0),
        "verdict": verdict,
    });
    if let Some(rule) = rule {
        object["rule"] = rule.into();
    }
    object["ended"] = end.into();
    object
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Opening => "opening",
        Kind::Refusal => "refusal",
        Kind::OtherHttp => "other-http",
        Kind::NoHead => "no-head",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Legal => "legal",
        Verdict::Incomplete => "incomplete",
        Verdict::Violation { .. } => "violation",
    }
}
