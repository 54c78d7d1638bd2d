//! The frames of RFC 6455 read a second time, by other means than the product: whole byte strings, no state.
//!
//! It is slow so that it can be short: it starts again from the first byte whenever it is asked.

use super::seen::{Each, Seen};
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::str;

/// One frame, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, RSV, opcode.
    pub byte0: u8,
    /// Its masking key, if it was masked.
    pub key: Option<[u8; 4]>,
    /// The payload's length as announced.
    pub length: u64,
    /// The payload, as far as it has arrived.
    pub payload: Vec<u8>,
}

/// Cuts the first frame off `wire`; `Ok(None)` while its header is incomplete and not yet wrong.
///
/// # Errors
///
/// The rule that the header breaks by itself (§5.2, §5.5).
pub fn frame(wire: &[u8]) -> Result<Option<(Frame, &[u8])>, Rule> {
    let Some(&byte0) = wire.first() else {
        return Ok(None);
    };
    let (fin, rsv, opcode) = (byte0 >> 7, byte0 >> 4 & 7, byte0 % 16);
    match (rsv, opcode, fin) {
        (1.., _, _) => return Err(Rule::RsvNotZero),
        (_, 3..=7 | 11.., _) => return Err(Rule::OpcodeReserved),
        (_, 8.., 0) => return Err(Rule::ControlFragmented),
        _ => {}
    }
    let Some(&byte1) = wire.get(1) else {
        return Ok(None);
    };
    let masked = byte1 >= 128;
    let extended = match byte1 % 128 {
        126.. if opcode >= 8 => return Err(Rule::ControlTooLong),
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let digits = &wire[2..wire.len().min(2 + extended)];
    if extended == 8 && digits.first() >= Some(&128) {
        return Err(Rule::LengthTopBitSet);
    }
    // The first bytes of a length may show by themselves that it would have fitted a shorter form.
    let short = match extended {
        2 => digits.len() == 2 && digits < [0, 126].as_slice(),
        8 => digits.starts_with(&[0; 6]),
        _ => false,
    };
    if short {
        return Err(Rule::LengthNotMinimal);
    }
    let Some((start, length)) = sizes(wire) else {
        return Ok(None);
    };
    let here = usize::try_from(length).map_or(wire.len(), |length| length.min(wire.len() - start));
    let (payload, rest) = wire[start..].split_at(here);
    let key = masked.then(|| [4, 3, 2, 1].map(|back| wire[start - back]));
    let payload = payload.iter().enumerate();
    let payload = payload
        .map(|(i, byte)| byte ^ key.unwrap_or_default()[i % 4])
        .collect();
    Ok(Some((
        Frame {
            byte0,
            key,
            length,
            payload,
        },
        rest,
    )))
}

/// How long the first header is, and the payload that it announces, as soon as it is whole.
#[must_use]
pub fn sizes(wire: &[u8]) -> Option<(usize, u64)> {
    let [_, byte1, after @ ..] = wire else {
        return None;
    };
    let (extended, short) = match byte1 % 128 {
        126 => (2, None),
        127 => (8, None),
        short => (0, Some(u64::from(short))),
    };
    let header = 2 + extended + if *byte1 >= 128 { 4 } else { 0 };
    let digits = after.get(..extended)?.iter();
    let length = digits.fold(0, |sum, &digit| sum * 256 + u64::from(digit));
    (wire.len() >= header).then_some((header, short.unwrap_or(length)))
}

/// The whole frames that `wire` begins with, and the bytes after them.
#[must_use]
pub fn whole_frames(wire: &[u8]) -> (Vec<Frame>, &[u8]) {
    let mut frames = Vec::new();
    let mut rest = wire;
    while let Ok(Some((frame, after))) = frame(rest) {
        if (frame.payload.len() as u64) < frame.length {
            break;
        }
        frames.push(frame);
        rest = after;
    }
    (frames, rest)
}

/// All that `wire`, sent by `sender`, amounts to so far.
#[must_use]
pub fn frames(sender: Role, limits: Limits, wire: &[u8]) -> Vec<Seen> {
    frames_by(Each::Byte, sender, limits, wire)
}

/// The same for a reader that judges as late as this allows.
#[must_use]
pub fn frames_by(each: Each, sender: Role, limits: Limits, wire: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let wire = &wire[..judged(each, wire)];
    let end = frames_until_failure(each, sender, limits, wire, &mut seen);
    seen.extend(end.err().map(|rule| Seen::Failed(Some(rule))));
    seen
}

/// The same for a reader that asks of each byte of a header whether its frame can stand there.
#[must_use]
pub fn frames_at_once(sender: Role, limits: Limits, wire: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let end = frames_until_failure(Each::Byte, sender, limits, wire, &mut seen);
    let end = end.and_then(|(begun, is_open)| begin(sender, begun, is_open));
    seen.extend(end.err().map(|rule| Seen::Failed(Some(rule))));
    seen
}

/// Judges the first bytes of a header by what they are in, a message or none, and by who sends them.
fn begin(sender: Role, begun: &[u8], is_open: bool) -> Result<(), Rule> {
    match begun.first().map(|byte0| byte0 % 16) {
        Some(0) if !is_open => return Err(Rule::ContinuationUnexpected),
        Some(1 | 2) if is_open => return Err(Rule::MessageInterleaved),
        _ => {}
    }
    match (sender, begun.get(1)) {
        (Role::Client, Some(..=127)) => Err(Rule::MaskMissing),
        (Role::Server, Some(128..)) => Err(Rule::MaskPresent),
        _ => Ok(()),
    }
}

/// How many bytes are judged at the latest. What a header announces counts, be it legal or not.
fn judged(each: Each, wire: &[u8]) -> usize {
    if each == Each::Byte {
        return wire.len();
    }
    let mut end = 0;
    while let Some((header, length)) = sizes(&wire[end..]) {
        let payload = end + header;
        let here = wire.len() - payload;
        match usize::try_from(length) {
            Ok(length) if length <= here => end = payload + length,
            _ if each != Each::Header => break,
            _ if wire[end] % 16 >= 8 => return payload,
            _ => return wire.len(),
        }
    }
    end
}

/// The bytes of a header that is not whole, and whether it is in a message.
fn frames_until_failure<'a>(
    each: Each,
    sender: Role,
    limits: Limits,
    wire: &'a [u8],
    seen: &mut Vec<Seen>,
) -> Result<(&'a [u8], bool), Rule> {
    let mut rest = wire;
    // The frames of the open message, its first one telling the kind (§5.4).
    let mut message: Vec<Frame> = Vec::new();
    while let Some((frame, after)) = frame(rest)? {
        rest = after;
        match (sender, frame.key) {
            (Role::Client, None) => return Err(Rule::MaskMissing),
            (Role::Server, Some(_)) => return Err(Rule::MaskPresent),
            _ => {}
        }
        let complete = frame.payload.len() as u64 == frame.length;
        match frame.byte0 % 16 {
            0 if message.is_empty() => return Err(Rule::ContinuationUnexpected),
            1 | 2 if !message.is_empty() => return Err(Rule::MessageInterleaved),
            8 => {
                let close = close(&frame.payload, complete)?;
                seen.extend(complete.then_some(close));
                rest = &[];
                break;
            }
            9 if complete => seen.push(Seen::Ping(frame.payload)),
            10 if complete => seen.push(Seen::Pong(frame.payload)),
            9 | 10 => break,
            _ => {
                let last = frame.byte0 >= 128;
                message.push(frame);
                bounded(limits, &message)?;
                if let Some(whole) = message_so_far(each, &message, last && complete)? {
                    seen.push(whole);
                    message.clear();
                }
                if !complete {
                    break;
                }
            }
        }
    }
    Ok((rest, !message.is_empty()))
}

/// The Close code for a broken rule (§7.4.1): 1009 for what is too large, 1007 for what is not text.
#[must_use]
pub fn close_code(rule: Rule) -> u16 {
    match rule {
        Rule::TextNotUtf8 | Rule::CloseReasonNotUtf8 => 1007,
        Rule::MessageTooBig | Rule::TooManyFragments => 1009,
        _ => 1002,
    }
}

fn bounded(limits: Limits, message: &[Frame]) -> Result<(), Rule> {
    let size: u128 = message.iter().map(|frame| u128::from(frame.length)).sum();
    let empty = message.iter().filter(|frame| frame.length == 0).count();
    if size > u128::from(limits.max_bytes) {
        return Err(Rule::MessageTooBig);
    }
    if message.len() > limits.max_fragments as usize || empty > limits.max_empty_fragments as usize
    {
        return Err(Rule::TooManyFragments);
    }
    Ok(())
}

fn message_so_far(each: Each, message: &[Frame], complete: bool) -> Result<Option<Seen>, Rule> {
    if each == Each::Message && !complete {
        return Ok(None);
    }
    let bytes: Vec<u8> = message
        .iter()
        .flat_map(|frame| frame.payload.clone())
        .collect();
    if message[0].byte0 % 16 == 2 {
        return Ok(complete.then_some(Seen::Binary(bytes)));
    }
    let text = utf8(&bytes, complete).ok_or(Rule::TextNotUtf8)?;
    Ok(complete.then(|| Seen::Text(text.into())))
}

/// The text of `bytes`, which may end inside a character unless it is complete.
fn utf8(bytes: &[u8], complete: bool) -> Option<&str> {
    match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && !complete => Some(""),
        Err(_) => None,
    }
}

/// A Close body (§5.5.1, §7.4).
fn close(body: &[u8], complete: bool) -> Result<Seen, Rule> {
    let (code, reason) = match body {
        [] => return Ok(Seen::Close(None, String::new())),
        [_] if complete => return Err(Rule::CloseBodyOneByte),
        [_] => return Ok(Seen::Close(None, String::new())),
        [high, low, reason @ ..] => (u16::from(*high) * 256 + u16::from(*low), reason),
    };
    let never = [1004, 1005, 1006, 1015].contains(&code);
    if never || code < 1000 || (1015..3000).contains(&code) || code > 4999 {
        return Err(Rule::CloseCodeInvalid);
    }
    let reason = utf8(reason, complete).ok_or(Rule::CloseReasonNotUtf8)?;
    Ok(Seen::Close(Some(code), reason.into()))
}
