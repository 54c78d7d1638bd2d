//! Frames in a few words: the bytes of each header, and its payload as text where it is that.
//!
//! ```text
//! 01 83 … "one"  89 82 … "hi"  88 02 1002
//! ```

use super::row::Bytes;
use crate::app::text::{clipped, quoted, spaced};
use plainws::protocol::close;
use plainws::protocol::dissect::{Dissector, Frame};
use plainws::protocol::frame::Opcode;
use plainws::protocol::message::Limits;

/// The most characters of a payload.
const PAYLOAD: usize = 20;
/// The most frames.
const FRAMES: usize = 8;
/// The most bytes of what is no frame.
const RAW: usize = 16;

/// The frames that these bytes begin with, each in a few words.
pub(crate) fn frames(bytes: &Bytes) -> Vec<String> {
    let limits = Limits::new()
        .max_bytes(u64::MAX >> 1)
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    let mut dissector = Dissector::new(bytes.sender, limits);
    let mut frames = dissector.receive(&bytes.shown);
    frames.extend(dissector.partial().cloned());
    let length = frames.last().map_or(0, |frame| frame.end() as usize);
    let mut parts: Vec<String> = frames.iter().map(brief).collect();
    // What follows a Close or a broken rule is not taken apart.
    let rest = bytes.shown.get(length..).unwrap_or_default();
    if !rest.is_empty() {
        let cut = if rest.len() > RAW { " …" } else { "" };
        parts.push(spaced(&rest[..rest.len().min(RAW)]) + cut);
    }
    let mut parts = runs(parts.into_iter());
    if parts.len() > FRAMES {
        let more = parts.len() - FRAMES;
        parts.truncate(FRAMES);
        parts.push(format!("… {more} more"));
    } else if bytes.total > bytes.shown.len() as u64 {
        parts.push(format!("… {} bytes in all", bytes.total));
    }
    parts
}

fn brief(frame: &Frame) -> String {
    let header = frame.wire.len() - frame.payload.len();
    let start = spaced(&frame.wire[..header.min(2)]);
    let dots = if header > 2 { " …" } else { "" };
    format!("{start}{dots} {}", payload(frame))
        .trim_end()
        .to_owned()
}

fn payload(frame: &Frame) -> String {
    let payload = &frame.payload;
    let is_close = frame
        .header
        .is_some_and(|header| header.opcode == Opcode::Close);
    match close::parts(payload) {
        _ if payload.is_empty() => String::new(),
        Some((code, [])) if is_close => code.0.to_string(),
        Some((code, reason)) if is_close => {
            format!("{} {}", code.0, clipped(&quoted(reason), PAYLOAD))
        }
        _ if std::str::from_utf8(payload).is_ok() => {
            clipped(&quoted(&payload[..payload.len().min(64)]), PAYLOAD)
        }
        _ => spaced(&payload[..payload.len().min(6)]) + if payload.len() > 6 { " …" } else { "" },
    }
}

/// Like things one after another as one, with their number.
pub(crate) fn runs(parts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some((last, count)) if *last == part => *count += 1,
            _ => all.push((part, 1)),
        }
    }
    let told = |(part, count): (String, usize)| match count {
        1 => part,
        count => format!("{count} times {part}"),
    };
    all.into_iter().map(told).collect()
}
