//! A stream as JSON, for programs. Names are those of Wireshark's WebSocket dissector where it has them.

use super::text::{in_ascii, joined};
use super::verdict;
use crate::app::input::Cut;
use crate::app::judge::cause;
use crate::app::judge::conversation::Conversation;
use crate::app::judge::decoded::{Broken, Decoded, Judged};
use crate::app::judge::deflate::Inflated;
use crate::app::judge::faults::Fault;
use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::dissect::handshake::Explanation;
use plainws::protocol::dissect::{Frame, Judgement, Span, Status};
use plainws::protocol::frame::Opcode;
use plainws::protocol::rule::{Field, Rule};
use serde_json::{Map, Value, json};
use std::fmt;
use std::time::Duration;

/// Bytes of a frame that are shown as they were on the wire.
pub(crate) const WIRE: usize = 256;

/// Takes all frames, and writes each as it comes, indented for people who look at it: one object for a single
/// stream, and for a connection with a name or two directions one with its streams in it.
///
/// # Errors
///
/// `out` fails.
pub(crate) fn connection(out: &mut dyn fmt::Write, of: &mut Conversation) -> fmt::Result {
    let (begins, piece) = (of.begins(), of.piece);
    let mut object = Members::begin(out, 0, "{")?;
    match (&of.name, &mut *of.directions) {
        (None, [decoded]) => stream(&mut object, decoded, piece, begins)?,
        (name, directions) => {
            if let Some(name) = name {
                object.set("connection", name.as_str().into())?;
            }
            let mut streams = object.list("streams")?;
            for decoded in directions {
                let mut object = streams.object()?;
                stream(&mut object, decoded, piece, begins)?;
                object.end("}")?;
            }
            streams.end("]")?;
        }
    }
    object.end("}")?;
    out.write_str("\n")
}

fn stream(
    object: &mut Members<'_>,
    decoded: &mut Decoded,
    piece: &str,
    begins: Option<Duration>,
) -> fmt::Result {
    object.set("sender", decoded.sender.name().into())?;
    object.set("length", decoded.stream.bytes.len().into())?;
    if let Some(head) = &decoded.handshake {
        object.set("handshake", handshake(head, &decoded.stream.bytes))?;
    }
    let base = decoded.frames_begin();
    let mut frames = object.list("frames")?;
    while let Some(taken) = decoded.next_frame() {
        let mut object = frames.object()?;
        frame(&mut object, &taken.frame, taken.inflated.as_deref(), base)?;
        if let Some(cut) = decoded.cut_of(&taken.frame) {
            arrival(&mut object, cut, piece, begins)?;
        }
        object.end("}")?;
    }
    frames.end("]")?;
    object.set("unread", joined(decoded.unread()).into())?;
    let judged = decoded.judged();
    let verdict = match judged {
        Judged::Legal => "legal",
        Judged::Incomplete => "incomplete",
        Judged::Violation { .. } => "violation",
    };
    object.set("verdict", verdict.into())?;
    if let Judged::Violation { broken, offset } = judged {
        let mut violation = violation(&broken, offset, decoded.sender);
        if let Some((first, others)) = decoded.faults.split_first() {
            violation["found"] = fault(first);
            violation["also"] = others.iter().map(fault).collect();
        }
        if let Some(cause) = cause::likely(decoded) {
            violation["likely"] = cause.into();
        }
        object.set("violation", violation)?;
    }
    let notes = verdict::notes(decoded);
    if !notes.is_empty() {
        object.set("notes", notes.into())?;
    }
    Ok(())
}

/// In which piece a frame was complete, and how many seconds after the beginning.
fn arrival(
    object: &mut Members<'_>,
    cut: Cut,
    piece: &str,
    begins: Option<Duration>,
) -> fmt::Result {
    if let Some(number) = cut.number {
        object.set(piece, number.into())?;
    }
    match cut.time.zip(begins) {
        Some((time, begins)) => {
            object.set("time", time.saturating_sub(begins).as_secs_f64().into())
        }
        None => Ok(()),
    }
}

/// The members of an object, or the items of a list, that are written one by one as serde_json would write
/// all of them.
struct Members<'a> {
    out: &'a mut dyn fmt::Write,
    /// How deep in others.
    depth: usize,
    is_empty: bool,
}

impl<'a> Members<'a> {
    fn begin(out: &'a mut dyn fmt::Write, depth: usize, bracket: &str) -> Result<Self, fmt::Error> {
        out.write_str(bracket)?;
        Ok(Self {
            out,
            depth: depth + 1,
            is_empty: true,
        })
    }

    fn set(&mut self, name: &str, value: Value) -> fmt::Result {
        self.next()?;
        write!(self.out, "\"{name}\": ")?;
        write_value(self.out, value, self.depth)
    }

    fn list(&mut self, name: &str) -> Result<Members<'_>, fmt::Error> {
        self.next()?;
        write!(self.out, "\"{name}\": ")?;
        Members::begin(self.out, self.depth, "[")
    }

    fn object(&mut self) -> Result<Members<'_>, fmt::Error> {
        self.next()?;
        Members::begin(self.out, self.depth, "{")
    }

    fn end(self, bracket: &str) -> fmt::Result {
        if !self.is_empty {
            write!(self.out, "\n{:1$}", "", 2 * (self.depth - 1))?;
        }
        self.out.write_str(bracket)
    }

    fn next(&mut self) -> fmt::Result {
        let comma = if self.is_empty { "" } else { "," };
        self.is_empty = false;
        write!(self.out, "{comma}\n{:1$}", "", 2 * self.depth)
    }
}

/// Takes members one by one.
trait Fields {
    fn put(&mut self, name: &str, value: Value) -> fmt::Result;
}

impl Fields for Members<'_> {
    fn put(&mut self, name: &str, value: Value) -> fmt::Result {
        self.set(name, value)
    }
}

impl Fields for Map<String, Value> {
    fn put(&mut self, name: &str, value: Value) -> fmt::Result {
        self.insert(name.into(), value);
        Ok(())
    }
}

/// A frame as an object by itself; `base` is where the frames begin in the stream.
pub(crate) fn object(of: &Frame, base: u64) -> Map<String, Value> {
    let mut object = Map::new();
    // A map takes all.
    let _ = frame(&mut object, of, None, base);
    object
}

/// Line ends stand only between what is inside.
fn write_value(out: &mut dyn fmt::Write, value: Value, depth: usize) -> fmt::Result {
    let text = in_ascii(format!("{value:#}"));
    drop(value);
    let mut lines = text.split('\n');
    out.write_str(lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| write!(out, "\n{:1$}{line}", "", 2 * depth))
}

/// What a rule says, and where it was broken.
pub(crate) fn violation(broken: &Broken, offset: u64, sender: Role) -> Value {
    let rule = match broken {
        Broken::Rule(rule) => Some(rule),
        _ => None,
    };
    json!({
        "rule": broken.id(),
        "offset": offset,
        "section": broken.section().0,
        "clause": broken.clause(),
        "field": rule.map(|rule| rule.field().name()),
        "answer": broken.answer(sender),
        "close_code": rule.and_then(|rule| rule.close_code()).map(|code| code.0),
    })
}

/// A rule that a head breaks, and where; without place where something is missing.
fn fault(fault: &Fault) -> Value {
    let mut object = json!({"rule": fault.rule.id(), "what": fault.what});
    if let Some(bytes) = &fault.bytes {
        object["offset"] = bytes.start.into();
        object["length"] = bytes.len().into();
    }
    object
}

fn frame(
    object: &mut impl Fields,
    frame: &Frame,
    inflated: Option<&Inflated>,
    base: u64,
) -> fmt::Result {
    object.put("number", frame.number.into())?;
    object.put("offset", (base + frame.offset).into())?;
    object.put("length", frame.length().into())?;
    let wire = &frame.wire[..frame.wire.len().min(WIRE)];
    object.put("wire", joined(wire).into())?;
    match frame.status {
        Status::Complete => object.put("status", "complete".into())?,
        Status::Incomplete(missing) => {
            object.put("status", "incomplete".into())?;
            object.put("missing", missing.bytes.into())?;
            object.put("missing_is_exact", missing.is_exact.into())?;
            object.put("missing_field", missing.field.name().into())?;
        }
        Status::Violation(rule) => {
            object.put("status", "violation".into())?;
            object.put("rule", rule.id().into())?;
        }
    }
    let spans = frame.spans();
    for span in spans.iter().filter(|span| !is_payload(span)) {
        object.put(span.name, value(span, frame))?;
    }
    if let Some(header) = frame.header {
        object.put("opcode_name", header.opcode.name().into())?;
        payload(object, frame, header.opcode)?;
    }
    if let Some(Inflated::Whole(bytes)) = inflated {
        object.put("payload.inflated", joined(bytes).into())?;
        if frame
            .fragment
            .is_some_and(|fragment| fragment.opcode == Opcode::Text)
        {
            object.put("payload.text", lossy(bytes))?;
        }
    }
    if let Some(fragment) = frame.fragment {
        let of = json!({"of": fragment.opcode.name(), "index": fragment.index});
        object.put("fragment", of)?;
    }
    object.put(
        "spans",
        spans.iter().map(|of| span(of, frame, base)).collect(),
    )?;
    Ok(())
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

fn payload(object: &mut impl Fields, frame: &Frame, opcode: Opcode) -> fmt::Result {
    let payload = &*frame.payload;
    let is_masked = frame
        .header
        .is_some_and(|header| header.masking_key.is_some());
    if is_masked {
        let masked = &frame.wire[frame.wire.len() - payload.len()..];
        object.put("masked_payload", joined(masked).into())?;
    }
    object.put("payload", joined(payload).into())?;
    match opcode {
        _ if frame.fragment.is_some_and(|fragment| fragment.rsv != 0) => Ok(()),
        Opcode::Text => object.put("payload.text", lossy(payload)),
        Opcode::Binary => object.put("payload.binary", joined(payload).into()),
        Opcode::Continuation => object.put("payload.continue", joined(payload).into()),
        Opcode::Ping => object.put("payload.ping", joined(payload).into()),
        Opcode::Pong => object.put("payload.pong", joined(payload).into()),
        Opcode::Close => match close::parts(payload) {
            Some((code, reason)) => {
                object.put(Field::CloseCode.name(), code.0.into())?;
                object.put(Field::CloseReason.name(), lossy(reason))
            }
            None => Ok(()),
        },
    }
}

fn lossy(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
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

pub(crate) fn handshake(head: &Explanation, stream: &[u8]) -> Value {
    let lines = head.lines.iter().map(|line| {
        let mut object = json!({
            "offset": line.bytes.start,
            "text": String::from_utf8_lossy(&stream[line.bytes.clone()]),
            "meaning": line.meaning,
            "section": line.judgement.section().0,
        });
        if let Some((name, value)) = line.header(stream) {
            object["name"] = String::from_utf8_lossy(name).to_lowercase().into();
            object["value"] = String::from_utf8_lossy(value).into();
        }
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
