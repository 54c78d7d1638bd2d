//! What likely happened when a rule was broken. Guesses, from the mistakes that people report most.

use super::decoded::Decoded;
use super::mistakes;
use plainws::protocol::close;
use plainws::protocol::dissect::handshake::Derivation;
use plainws::protocol::dissect::{Frame, Verdict};
use plainws::protocol::frame::Byte0;
use plainws::{CloseCode, Rule};
use std::str;

/// A guess at the cause, if a rule is broken and there is a likely one.
pub(crate) fn likely(decoded: &Decoded) -> Option<String> {
    let Verdict::Violation { rule, .. } = decoded.verdict() else {
        return None;
    };
    if rule.close_code().is_none() {
        return in_head(rule, decoded);
    }
    let broken = decoded.last.as_ref()?;
    in_frame(rule, broken, decoded.frames == 1, decoded.unread())
}

fn in_frame(rule: Rule, broken: &Frame, is_first: bool, unread: &[u8]) -> Option<String> {
    Some(match rule {
        Rule::RsvNotZero | Rule::OpcodeReserved => no_frame(broken, is_first, unread),
        Rule::ControlFragmented => {
            "FIN was forgotten. A ping, pong or close is always a single frame, so its first byte is 89, 8a or 88"
                .into()
        }
        Rule::ControlTooLong => {
            "too much was put into a ping, pong or close. Data belongs in a message; a close reason \
             has room for 123 bytes"
                .into()
        }
        Rule::LengthNotMinimal | Rule::LengthTopBitSet | Rule::MessageTooBig => length(rule, broken),
        Rule::MaskMissing => {
            "the client does not mask, often because a server's code was reused for it; or a server \
             sent these bytes (--role server)"
                .into()
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
        Rule::TooManyFragments => {
            "the sender flushes after each byte, or sends empty fragments to keep the connection \
             alive; pings are for that"
                .into()
        }
        Rule::TextNotUtf8 => text(broken),
        Rule::CloseBodyOneByte => {
            "the code was written as one byte. It takes two, the high one first: 1000 is 03 e8".into()
        }
        Rule::CloseCodeInvalid => close_code(broken),
        Rule::CloseReasonNotUtf8 => {
            "the reason was cut to 123 bytes inside a character, or is not in UTF-8".into()
        }
        _ => return None,
    })
}

/// A first byte that no frame begins with.
fn no_frame(broken: &Frame, is_first: bool, unread: &[u8]) -> String {
    let bytes = [&broken.wire, unread].concat();
    let byte0 = bytes.first().map(|byte| Byte0::read(*byte));
    if crate::app::input::begins_a_head(&bytes) {
        return "this is HTTP, where a frame should be".into();
    }
    if !is_first {
        return "the frame before was longer or shorter than its length said, so these bytes are not \
                a header. Perhaps the length was counted in characters instead of bytes"
            .into();
    }
    let is_compressed = byte0.is_some_and(|byte| byte.rsv == 0b100 && matches!(byte.opcode, 1 | 2));
    if is_compressed {
        return "RSV1 marks a compressed message (permessage-deflate, RFC 7692), which must be \
                negotiated in the handshake first"
            .into();
    }
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if bytes.len() > 3 && bytes.iter().all(is_text) {
        return "this is plain text, which WebSocket sends in frames".into();
    }
    "the bytes do not begin with a frame: the capture may begin in the middle of one, or the bits of \
     byte 0 were put in the wrong order (FIN is the highest)"
        .into()
}

fn length(rule: Rule, broken: &Frame) -> String {
    let spans = broken.spans();
    let length = spans
        .iter()
        .rev()
        .find(|span| span.name.starts_with("payload_length_ext"));
    let bytes = length.and_then(|span| broken.wire.get(span.bytes()));
    let backwards = bytes.unwrap_or_default().iter().rev();
    let backwards = backwards.fold(0, |length, &byte| length << 8 | u64::from(byte));
    let size = bytes.unwrap_or_default().len();
    let fits = match size {
        2 => backwards > 125,
        8 => (0x1_0000..1 << 32).contains(&backwards),
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
    let payload = &*broken.payload;
    let is_complete = broken
        .header
        .is_some_and(|header| header.payload_length == payload.len() as u64);
    let is_cut = str::from_utf8(payload).is_err_and(|error| error.error_len().is_none());
    if is_complete && is_cut {
        return "the message ends inside a character: its length was counted in characters, not in \
                bytes, or it was cut at a fixed size"
            .into();
    }
    match payload.last() {
        Some(0xC0 | 0xC1 | 0xF5..) => {
            "binary data sent as text (opcode 2 is for that), or a payload unmasked with the wrong key".into()
        }
        _ => "text in another encoding, such as Latin-1; or binary data sent as text (opcode 2 is for \
              that); or a payload unmasked with the wrong key"
            .into(),
    }
}

fn close_code(broken: &Frame) -> String {
    let Some((CloseCode(code), _)) = close::parts(&broken.payload) else {
        return String::new();
    };
    let backwards = code.swap_bytes();
    let [high, low] = code.to_be_bytes();
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
        _ => "4000-4999 are free for your own codes; 3000-3999 are registered, 1004 and 1016-2999 reserved".into(),
    }
}

fn in_head(rule: Rule, decoded: &Decoded) -> Option<String> {
    let bytes = &decoded.stream.bytes;
    let head = decoded.handshake.as_ref()?;
    Some(match rule {
        Rule::HeadControlByte if bytes.starts_with(&[0x16, 0x03]) => {
            "this is TLS: the client used wss:// or https:// where ws:// is spoken".into()
        }
        Rule::RequestLineMalformed if bytes.starts_with(b"HTTP/") => {
            "this is a response where a request was expected (--role server)".into()
        }
        Rule::StatusLineMalformed if !bytes.starts_with(b"HTTP/") => {
            "this is a request where a response was expected (--role client)".into()
        }
        Rule::HttpVersionTooHigh => "HTTP/2 or HTTP/3 was spoken from the first byte on; a WebSocket is opened with \
             HTTP/1.1 unless both ends have agreed on another way (RFC 8441, RFC 9220)"
            .into(),
        Rule::HeadControlByte => "binary data in place of a head".into(),
        Rule::HeadLineEnding => "the lines end with LF alone, as printf, an editor or a copied \
             page leaves them; HTTP wants CR LF"
            .into(),
        Rule::HeaderMalformed => "a space before the colon, or a line without one".into(),
        Rule::HostInvalid => "no Host header, or two".into(),
        Rule::VersionNot13 => "a draft of the protocol from before 2011, or no version at all".into(),
        Rule::KeyInvalid => "the key is not 16 bytes in base64, which are 24 characters ending in ==".into(),
        Rule::UpgradeMissing | Rule::ConnectionUpgradeMissing => {
            "a proxy in between removed it, as proxies do with headers that are meant for one hop \
             only; or an ordinary request came to a WebSocket address"
                .into()
        }
        Rule::MethodNotGet => "a handshake was sent with the method of a form or an API call".into(),
        Rule::StatusNot101 => "the server refused, and its status says why: 400 and 426 find fault \
             with the handshake, 403 with the Origin, 404 with the path, 3xx point elsewhere"
            .into(),
        Rule::AcceptWrong => {
            let steps = head.derivation.as_ref()?;
            wrong_accept(steps, bytes, head)?
        }
        Rule::SubprotocolNotOffered => "the server names a subprotocol although the client did not offer it".into(),
        Rule::ExtensionNotOffered => "the server chose an extension, such as compression, although the client did not offer it".into(),
        _ => return None,
    })
}

fn wrong_accept(
    steps: &Derivation,
    bytes: &[u8],
    head: &plainws::protocol::dissect::handshake::Explanation,
) -> Option<String> {
    let line = head.lines.iter().find(|line| {
        let text = &bytes[line.bytes.clone()];
        text.to_ascii_lowercase()
            .starts_with(b"sec-websocket-accept")
    })?;
    let text = str::from_utf8(&bytes[line.bytes.clone()]).ok()?;
    let (_, accept) = text.split_once(':')?;
    let found = mistakes::find(&steps.key, accept.trim())?;
    Some(format!("{}. {}", found.name, found.remedy))
}
