//! What is seen, said in words: bytes in hex, as far as people look, and rules by their names.

use crate::reference::Frame;
use crate::streams::due::Due;
use crate::subject::{Seen, Verdict};
use plainws::Rule;

/// How many bytes, or characters, are shown of one thing.
const MANY: usize = 64;

/// Bytes in hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().take(MANY).map(|byte| format!("{byte:02x}"));
    let digits = digits.collect::<Vec<_>>().join(" ");
    match bytes.len().saturating_sub(MANY) {
        0 if bytes.is_empty() => "no bytes".into(),
        0 => digits,
        more => format!("{digits} … {more} more"),
    }
}

/// Text in quotes.
#[must_use]
pub fn text(text: &str) -> String {
    let shown: String = text.chars().take(MANY).collect();
    match text.chars().count().saturating_sub(MANY) {
        0 => format!("{text:?}"),
        more => format!("{shown:?} … {more} more"),
    }
}

/// A rule as `plainws rules` knows it.
#[must_use]
pub fn rule(rule: Rule) -> String {
    format!("{} ({})", rule.id(), rule.section())
}

/// What was seen, in order.
#[must_use]
pub fn seen(seen: &[Seen]) -> String {
    list(seen.iter().map(event), "nothing")
}

/// One thing that was seen.
#[must_use]
pub fn event(event: &Seen) -> String {
    match event {
        Seen::Text(words) => format!("text {}", text(words)),
        Seen::Binary(bytes) => format!("binary {}", hex(bytes)),
        Seen::Ping(payload) => format!("ping {}", hex(payload)),
        Seen::Pong(payload) => format!("pong {}", hex(payload)),
        Seen::Close(None, _) => "Close without a code".into(),
        Seen::Close(Some(code), reason) => format!("Close {code} {}", text(reason)),
        Seen::Failed(None) => "a failure".into(),
        Seen::Failed(Some(broken)) => format!("a failure by {}", rule(*broken)),
    }
}

/// Frames that were sent.
#[must_use]
pub fn frames<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> String {
    list(frames.into_iter().map(frame), "nothing")
}

/// A frame that was sent.
#[must_use]
pub fn frame(frame: &Frame) -> String {
    let masked = if frame.key.is_some() {
        "masked"
    } else {
        "unmasked"
    };
    sent(frame.byte0 & 15, &frame.payload) + &format!(", {masked}, first byte {:02x}", frame.byte0)
}

/// A frame by its opcode and payload.
#[must_use]
pub fn sent(opcode: u8, payload: &[u8]) -> String {
    let kind = match opcode {
        0 => "continuation",
        1 => "text",
        2 => "binary",
        8 => "Close",
        9 => "ping",
        10 => "pong",
        _ => "unknown frame",
    };
    format!("{kind} with {}", hex(payload))
}

/// The control frame that is due.
#[must_use]
pub fn due(due: &Due) -> String {
    match due {
        Due::No => "none".into(),
        Due::Exactly(payload) => format!("one with {}", hex(payload)),
        Due::BeginningWith(start) => format!("one that begins with {}", hex(start)),
    }
}

/// Payloads, in order.
#[must_use]
pub fn payloads(payloads: &[Vec<u8>]) -> String {
    list(payloads.iter().map(|payload| hex(payload)), "none")
}

/// How a handshake ended, if it did.
#[must_use]
pub fn verdict(verdict: Option<&Verdict>) -> String {
    match verdict {
        None => "neither accepted nor refused".into(),
        Some(Verdict::Refused(None)) => "refused".into(),
        Some(Verdict::Refused(Some(broken))) => format!("refused by {}", rule(*broken)),
        Some(Verdict::Accepted { response, .. }) if response.is_empty() => "accepted".into(),
        Some(Verdict::Accepted { response, .. }) => format!("accepted with {response:?}"),
    }
}

/// How a stream was cut into pieces of these sizes, the last of which repeats.
#[must_use]
pub fn cut(sizes: &[usize]) -> String {
    let sizes = sizes.iter().map(|size| match *size {
        usize::MAX => "all other".into(),
        size => size.max(1).to_string(),
    });
    format!("in pieces of {} bytes", list(sizes, "its own size"))
}

/// One after another.
pub(crate) fn list(items: impl Iterator<Item = String>, none: &str) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        none.into()
    } else {
        items.join(", ")
    }
}
