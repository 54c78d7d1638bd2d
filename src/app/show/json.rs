//! A stream as JSON, for programs. Names are those of Wireshark's WebSocket dissector where it has them.

use super::text::{in_ascii, joined};
use super::verdict;
use crate::app::judge::cause;
use crate::app::judge::decoded::Decoded;
use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::dissect::handshake::Explanation;
use plainws::protocol::dissect::{Frame, Judgement, Span, Status, Verdict};
use plainws::protocol::frame::Opcode;
use plainws::protocol::rule::{Field, Rule};
use serde_json::{Map, Value, json};

/// One object, indented for people who look at it.
pub(crate) fn stream(decoded: &Decoded) -> String {
    let frames = decoded.frames.iter();
    let base = decoded.frames_begin();
    let mut stream = json!({
        "sender": decoded.sender.name(),
        "length": decoded.stream.bytes.len(),
    });
    if let Some(head) = &decoded.handshake {
        stream["handshake"] = handshake(head, &decoded.stream.bytes);
    }
    stream["frames"] = frames.map(|of| frame(of, base)).collect();
    stream["unread"] = joined(decoded.unread()).into();
    stream["verdict"] = match decoded.verdict() {
        Verdict::Legal => "legal".into(),
        Verdict::Incomplete => "incomplete".into(),
        Verdict::Violation { .. } => "violation".into(),
    };
    if let Verdict::Violation { rule, offset } = decoded.verdict() {
        stream["violation"] = violation(rule, offset, decoded.sender);
        if let Some(cause) = cause::likely(decoded) {
            stream["violation"]["likely"] = cause.into();
        }
    }
    in_ascii(&format!("{stream:#}\n"))
}

/// What a rule says, and where it was broken.
fn violation(rule: Rule, offset: u64, sender: Role) -> Value {
    json!({
        "rule": rule.id(),
        "offset": offset,
        "section": rule.section().0,
        "clause": rule.clause(),
        "field": rule.field().name(),
        "answer": verdict::answer(rule, sender),
        "close_code": rule.close_code().map(|code| code.0),
    })
}

fn frame(frame: &Frame, base: u64) -> Value {
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| {
        object.insert(name.into(), value);
    };
    set("number", frame.number.into());
    set("offset", (base + frame.offset).into());
    set("length", frame.length().into());
    match frame.status {
        Status::Complete => set("status", "complete".into()),
        Status::Incomplete(missing) => {
            set("status", "incomplete".into());
            set("missing", missing.bytes.into());
            set("missing_is_exact", missing.is_exact.into());
            set("missing_field", missing.field.name().into());
        }
        Status::Violation(rule) => {
            set("status", "violation".into());
            set("rule", rule.id().into());
        }
    }
    let spans = frame.spans();
    for span in spans.iter().filter(|span| !is_payload(span)) {
        set(span.name, value(span, frame));
    }
    if let Some(header) = frame.header {
        set("opcode_name", header.opcode.name().into());
        payload(frame, header.opcode, &mut set);
    }
    if let Some(fragment) = frame.fragment {
        let of = json!({"of": fragment.opcode.name(), "index": fragment.index});
        set("fragment", of);
    }
    set(
        "spans",
        spans.iter().map(|of| span(of, frame, base)).collect(),
    );
    Value::Object(object)
}

fn is_payload(span: &Span) -> bool {
    matches!(
        span.field,
        Field::Payload | Field::CloseCode | Field::CloseReason
    )
}

/// Bits as a flag, numbers as numbers, a key as its bytes.
fn value(span: &Span, frame: &Frame) -> Value {
    match (span.field, span.value) {
        (Field::Fin | Field::Mask, Some(bit)) => (bit == 1).into(),
        (Field::MaskingKey, _) => joined(&frame.wire[span.bytes()]).into(),
        (_, value) => value.into(),
    }
}

fn payload(frame: &Frame, opcode: Opcode, set: &mut impl FnMut(&str, Value)) {
    let payload = &*frame.payload;
    let is_masked = frame
        .header
        .is_some_and(|header| header.masking_key.is_some());
    if is_masked {
        let masked = &frame.wire[frame.wire.len() - payload.len()..];
        set("masked_payload", joined(masked).into());
    }
    set("payload", joined(payload).into());
    let text = || String::from_utf8_lossy(payload).into_owned().into();
    match opcode {
        Opcode::Text => set("payload.text", text()),
        Opcode::Binary => set("payload.binary", joined(payload).into()),
        Opcode::Continuation => set("payload.continue", joined(payload).into()),
        Opcode::Ping => set("payload.ping", joined(payload).into()),
        Opcode::Pong => set("payload.pong", joined(payload).into()),
        Opcode::Close => {
            if let Some((code, reason)) = close::parts(payload) {
                set(Field::CloseCode.name(), code.0.into());
                let reason = String::from_utf8_lossy(reason).into_owned();
                set(Field::CloseReason.name(), reason.into());
            }
        }
    }
}

fn span(span: &Span, frame: &Frame, base: u64) -> Value {
    let start = 8 * (base + frame.offset);
    let mut object = json!({
        "name": span.name,
        "bit": start + span.bits.start,
        "bits": span.bits.end - span.bits.start,
        "meaning": span.meaning,
        "section": span.judgement.section().0,
    });
    if !is_payload(span) || span.value.is_some() {
        object["value"] = value(span, frame);
    }
    judge(&mut object, span.judgement);
    object
}

fn judge(object: &mut Value, judgement: Judgement) {
    match judgement {
        Judgement::Open(_) => {}
        Judgement::Met(rule) => object["met"] = rule.id().into(),
        Judgement::Broken(rule) => object["broken"] = rule.id().into(),
    }
}

fn ids(rules: &[Rule]) -> Value {
    rules.iter().map(|rule| rule.id()).collect()
}

fn handshake(head: &Explanation, stream: &[u8]) -> Value {
    let lines = head.lines.iter().map(|line| {
        let mut object = json!({
            "offset": line.bytes.start,
            "text": String::from_utf8_lossy(&stream[line.bytes.clone()]),
            "meaning": line.meaning,
            "section": line.judgement.section().0,
        });
        judge(&mut object, line.judgement);
        if line.broken.len() > 1 {
            object["also_broken"] = ids(&line.broken[1..]);
        }
        object
    });
    let mut object = json!({
        "length": head.length,
        "lines": lines.collect::<Value>(),
    });
    if !head.broken.is_empty() {
        object["broken"] = ids(&head.broken);
    }
    if let Some(steps) = &head.derivation {
        object["derivation"] = json!({
            "key": steps.key,
            "joined": steps.joined,
            "sha1": joined(&steps.digest),
            "accept": steps.accept,
        });
    }
    object
}
