//! What likely happened when a rule was broken. Guesses, from the mistakes that people report most.

use super::decoded::{Broken, Decoded, Judged};
use super::foreign;
use super::mistakes;
use plainws::protocol::close;
use plainws::protocol::dissect::Frame;
use plainws::protocol::frame::{Byte0, Byte1};
use plainws::{CloseCode, Role, Rule};
use std::str;

/// A guess at the cause, if a rule is broken and there is a likely one.
pub(crate) fn likely(decoded: &Decoded) -> Option<String> {
    let rule = match decoded.judged() {
        Judged::Violation {
            broken: Broken::Rule(rule),
            ..
        } => rule,
        Judged::Violation {
            broken: Broken::Deflate,
            ..
        } => {
            return Some(
                "the sender compressed with another context or window than was agreed, cut the message at another \
                 place than before its last 00 00 ff ff, or set RSV1 though it had not compressed"
                    .into(),
            );
        }
        _ => return None,
    };
    if rule.close_code().is_none() {
        return in_head(rule, decoded);
    }
    let broken = decoded.last.as_ref()?;
    in_frame(rule, broken, decoded)
}

fn in_frame(rule: Rule, broken: &Frame, decoded: &Decoded) -> Option<String> {
    let unread = decoded.unread();
    Some(match rule {
        Rule::RsvNotZero | Rule::OpcodeReserved => other_protocol(decoded)
            .unwrap_or_else(|| no_frame(broken, decoded.frames == 1, unread)),
        Rule::ControlFragmented => {
            "FIN was forgotten. A ping, pong or close is always a single frame, so its first byte is 89, 8a or 88"
                .into()
        }
        Rule::ControlTooLong => {
            "too much was put into a ping, pong or close. Data belongs in a message; a close reason \
             has room for 123 bytes"
                .into()
        }
        Rule::LengthNotMinimal | Rule::LengthTopBitSet | Rule::MessageTooBig => length(rule, broken, unread),
        Rule::MaskMissing if decoded.handshake.is_some() || decoded.frames > 1 => {
            "the client does not mask this frame; or what the server sent stands among what the client sent".into()
        }
        Rule::MaskMissing => {
            "the client does not mask, often because a server's code was reused for it; or a server \
             sent these bytes (--role server)"
                .into()
        }
        Rule::MaskPresent if decoded.handshake.is_some() || decoded.frames > 1 => {
            "the server masks this frame; or what the client sent stands among what the server sent".into()
        }
        Rule::MaskPresent => {
            "the server masks, often because a client's code was reused for it; or a client sent \
             these bytes (--role client)"
                .into()
        }
        Rule::ContinuationUnexpected => {
            "a message began with a continuation. Its first frame carries the opcode, text or binary, \
             and only the others are continuations. Or the frame before had FIN set too early"
                .into()
        }
        Rule::MessageInterleaved => {
            "every fragment was sent with the message's opcode. Only the first carries it; the others \
             are continuations (opcode 0). Or the message before was not ended by FIN"
                .into()
        }
        Rule::TooManyFragments if broken.header.is_some_and(|header| header.payload_length == 0) => {
            "the sender sends empty fragments to keep the connection alive; pings are for that".into()
        }
        Rule::TooManyFragments => "the sender flushes after each few bytes".into(),
        Rule::TextNotUtf8 => text(broken),
        Rule::CloseBodyOneByte => {
            "the code was written as one byte. It takes two, the high one first: 1000 is 03 e8".into()
        }
        Rule::CloseCodeInvalid => close_code(broken),
        Rule::CloseReasonNotUtf8 if ends_inside_a_character(broken) => {
            "the reason was cut inside a character, perhaps to fit into 123 bytes".into()
        }
        Rule::CloseReasonNotUtf8 => {
            "a reason in another encoding, such as Latin-1; or a payload unmasked with the wrong key".into()
        }
        _ => return None,
    })
}

/// What a server speaks whose very first byte begins no frame.
fn other_protocol(decoded: &Decoded) -> Option<String> {
    let is_first = decoded.handshake.is_none() && decoded.frames == 1;
    let bytes = Some(&decoded.stream.bytes).filter(|_| is_first && decoded.sender == Role::Server);
    bytes.and_then(|bytes| foreign::recognise(bytes))
}

/// A first byte that no frame begins with.
fn no_frame(broken: &Frame, is_first: bool, unread: &[u8]) -> String {
    let bytes = [&broken.wire, unread].concat();
    let byte0 = bytes.first().map(|byte| Byte0::read(*byte));
    if crate::app::input::begins_a_head(&bytes) {
        return "this is HTTP, where a frame should be".into();
    }
    let text = str::from_utf8(&bytes).ok().filter(|text| text.len() > 3);
    if text.is_some_and(|text| text.contains("HTTP/")) {
        return "this is HTTP; but a head begins with a method in capitals, at the first byte"
            .into();
    }
    if text.is_some_and(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace())) {
        return "this is plain text, which WebSocket sends in frames".into();
    }
    let is_compressed = byte0.is_some_and(|byte| byte.rsv == 0b100 && matches!(byte.opcode, 1 | 2));
    if is_compressed {
        return "RSV1 marks a compressed message (permessage-deflate, RFC 7692), which must be \
                negotiated in the handshake first"
            .into();
    }
    if !is_first {
        return "the frame before was longer or shorter than its length said, so these bytes are not \
                a header. Perhaps the length was counted in characters instead of bytes"
            .into();
    }
    "the bytes do not begin with a frame: the capture may begin in the middle of one, or the bits of \
     byte 0 were put in the wrong order (FIN is the highest)"
        .into()
}

fn length(rule: Rule, broken: &Frame, unread: &[u8]) -> String {
    // The rule may be broken by the first byte of the length, before the others were read.
    let bytes = [&broken.wire, unread].concat();
    let form = bytes
        .get(1)
        .map_or(0, |byte1| Byte1::read(*byte1).extended_length_size());
    let written = bytes.get(2..2 + form).unwrap_or_default().iter().rev();
    let backwards = written.fold(0, |length, &byte| length << 8 | u64::from(byte));
    let fits = match form {
        2 => backwards > 125,
        8 => (1..1 << 32).contains(&backwards),
        _ => false,
    };
    if fits && rule != Rule::LengthNotMinimal {
        return format!(
            "the length was written with its lowest byte first; read that way, it is {backwards}"
        );
    }
    match rule {
        Rule::LengthNotMinimal => {
            "the sender uses one form for all lengths. A length up to 125 fits into 7 bits, one up to \
             65535 takes two more bytes, and only a larger one takes eight"
                .into()
        }
        Rule::LengthTopBitSet => {
            "a negative number, or one that was widened with its sign, was written as the length"
                .into()
        }
        _ => "the sender should split it into several messages, or the receiver should allow more \
             (serve --max-message)"
            .into(),
    }
}

fn text(broken: &Frame) -> String {
    if ends_inside_a_character(broken) {
        return "the message ends inside a character: its length was counted in characters, not in \
                bytes, or it was cut at a fixed size"
            .into();
    }
    match *broken.payload {
        [0x1F, 0x8B, ..] => "gzip, sent as text (opcode 2 is for that)".into(),
        // A peer without the character for it writes half of a pair of UTF-16.
        [.., 0xED, 0xA0..=0xBF] => "a half of a UTF-16 pair was encoded by itself, as when JavaScript or Java cut a \
                              text between two halves, or encode each (CESU-8)"
            .into(),
        [.., 0xC0] => "binary data sent as text (opcode 2 is for that), a payload unmasked with the wrong key, \
                       or Java's own form of UTF-8, which writes c0 80 for a NUL"
            .into(),
        [.., 0xC1 | 0xF5..=0xFF] => {
            "binary data sent as text (opcode 2 is for that), or a payload unmasked with the wrong key".into()
        }
        _ => "text in another encoding, such as Latin-1; or binary data sent as text (opcode 2 is for \
              that); or a payload unmasked with the wrong key"
            .into(),
    }
}

/// Whether all of a payload is there, and its last character is not.
fn ends_inside_a_character(broken: &Frame) -> bool {
    let payload = &*broken.payload;
    let length = broken.header.map(|header| header.payload_length);
    let is_begun = |last: usize| {
        let character = payload
            .len()
            .checked_sub(last)
            .map(|start| &payload[start..]);
        let character = character.map(str::from_utf8);
        character.is_some_and(|text| {
            text.is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
    };
    length == Some(payload.len() as u64) && (1..=3).any(is_begun)
}

/// The byte that is no UTF-8, as it is without its mask.
pub(crate) fn byte(rule: Rule, broken: &Frame) -> Option<String> {
    let is_text = matches!(rule, Rule::TextNotUtf8 | Rule::CloseReasonNotUtf8);
    let (last, before) = broken.payload.split_last().filter(|_| is_text)?;
    let is_masked = broken
        .header
        .is_some_and(|header| header.masking_key.is_some());
    let unmasked = if is_masked { ", unmasked" } else { "" };
    Some(format!(
        "{last:02x}{unmasked}, at offset {} of the payload",
        before.len()
    ))
}

fn close_code(broken: &Frame) -> String {
    let Some((CloseCode(code), _)) = close::parts(&broken.payload) else {
        return String::new();
    };
    let backwards = code.swap_bytes();
    let [high, low] = code.to_be_bytes();
    let is_text = |bytes: [u8; 2]| {
        bytes
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    };
    if CloseCode(backwards).is_allowed_on_wire() {
        return format!(
            "the code was written with its low byte first: {backwards} is {low:02x} {high:02x}"
        );
    }
    match code {
        1005 => "1005 is what an API reports when a Close had no code. To send such a Close, leave the body empty".into(),
        1006 => "1006 is what an API reports when the connection was lost; nobody can send that".into(),
        1015 => "1015 is what an API reports when TLS failed; nobody can send that".into(),
        0..=999 => "codes begin at 1000; 4000-4999 are free for your own".into(),
        _ if high.is_ascii_digit() && low.is_ascii_digit() => {
            "the code was written as text; it is a number of two bytes: 1000 is 03 e8".into()
        }
        _ if is_text([high, low]) => "the reason stands alone, without a code before it".into(),
        _ => "4000-4999 are free for your own codes; 3000-3999 are registered, 1004 and 1016-2999 reserved".into(),
    }
}

/// What is behind a fault, where it is more than the fault itself, which `faults` names.
fn in_head(rule: Rule, decoded: &Decoded) -> Option<String> {
    let bytes = &decoded.stream.bytes;
    let head = decoded.handshake.as_ref()?;
    let first = decoded.faults.first()?;
    let found = first.bytes.clone().and_then(|place| bytes.get(place));
    Some(match (rule, found) {
        (Rule::HeadControlByte, _) if bytes.starts_with(&[0x16, 0x03]) => {
            "this is TLS: the client used wss:// or https:// where ws:// is spoken".into()
        }
        (Rule::HeadControlByte, _) if head.lines.len() == 1 => "binary data in place of a head".into(),
        (Rule::RequestLineMalformed, _) if bytes.starts_with(b"HTTP/") => {
            "this is a response where a request was expected (--role server)".into()
        }
        (Rule::StatusLineMalformed, _) if !bytes.starts_with(b"HTTP/") => {
            "this is a request where a response was expected (--role client)".into()
        }
        (Rule::HttpVersionTooHigh, _) => "HTTP/2 or HTTP/3 was spoken from the first byte on; a WebSocket is opened with \
             HTTP/1.1 unless both ends have agreed on another way (RFC 8441, RFC 9220)"
            .into(),
        (Rule::HeadLineEnding, Some(b"\n")) => "the lines end with LF alone, as printf, an editor or a copied \
             page leaves them; HTTP wants CR LF"
            .into(),
        (Rule::VersionNot13, Some(version)) if is_draft(version) => {
            "a draft of the protocol from before 2011".into()
        }
        (Rule::UpgradeMissing | Rule::ConnectionUpgradeMissing, None) => {
            "a proxy in between removed it, as proxies do with headers that are meant for one hop \
             only; or an ordinary request came to a WebSocket address"
                .into()
        }
        (Rule::ConnectionUpgradeMissing, Some(_)) => {
            "a proxy in between put its own Connection header there; it must be told to pass Upgrade on".into()
        }
        (Rule::MethodNotGet, Some(b"POST" | b"PUT" | b"PATCH" | b"DELETE")) => {
            "a handshake was sent with the method of a form or an API call".into()
        }
        (Rule::StatusNot101, Some(status)) => refusal(status)?.into(),
        (Rule::AcceptWrong, Some(accept)) => {
            let steps = head.derivation.as_ref()?;
            let found = mistakes::find(&steps.key, str::from_utf8(accept).ok()?)?;
            format!("{}. {}", found.name, found.remedy)
        }
        (Rule::ExtensionNotOffered, _) => "a server that compresses whether or not it was asked to".into(),
        _ => return None,
    })
}

/// Versions 0 to 12 are drafts; the first of all had no number.
fn is_draft(version: &[u8]) -> bool {
    let version = str::from_utf8(version).ok();
    version.is_some_and(|version| version.parse::<u8>().is_ok_and(|number| number < 13))
}

/// What a server means by a status that is not 101 (§4.2.2, RFC 9110 §15).
fn refusal(status: &[u8]) -> Option<&'static str> {
    Some(match status {
        b"400" | b"426" => "the server refused: it found fault with the handshake",
        b"401" | b"407" => "the server refused: it wants to know who asks (Authorization)",
        b"403" => "the server refused, often because of the Origin",
        b"404" => "the server refused: there is nothing at this path",
        b"200" => "an ordinary page stands at this path, or the server knows no WebSocket",
        [b'3', ..] => "the server points elsewhere, with its Location header",
        [b'5', ..] => "the server or a proxy before it failed",
        _ => "the server refused, and its status says why",
    })
}
