//! The fields of a frame with their bits, values and meanings.
#![warn(clippy::indexing_slicing)]

use super::frames::{Frame, Status};
use crate::protocol::Role;
use crate::protocol::close;
use crate::protocol::frame::{Byte0, Byte1, LENGTH_16, LENGTH_64, Opcode};
use crate::protocol::rule::{Field, Rule, Section, Stage};
use std::borrow::Cow;
use std::ops::Range;

/// One field of a frame, or as much of it as has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Which field.
    pub field: Field,
    /// Its name in Wireshark's WebSocket dissector.
    pub name: &'static str,
    /// Its place, in bits from the frame's first; the most significant bit of a byte comes first.
    pub bits: Range<u64>,
    /// Its bits as a number; `None` for what is longer than a number, or no number.
    pub value: Option<u64>,
    /// What it says, in a few words.
    pub meaning: Cow<'static, str>,
    /// Which rule speaks about it, and whether it is met.
    pub judgement: Judgement,
}

/// What is known of a field's legality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// No rule is broken by it alone, or it was not judged; this section speaks about it.
    Open(Section),
    /// It meets this rule.
    Met(Rule),
    /// It breaks this rule.
    Broken(Rule),
}

impl Judgement {
    /// The section that speaks about the field.
    #[must_use]
    pub const fn section(self) -> Section {
        match self {
            Self::Open(section) => section,
            Self::Met(rule) | Self::Broken(rule) => rule.section(),
        }
    }
}

impl Span {
    /// The bytes of the frame that hold it, wholly or in part.
    #[must_use]
    pub fn bytes(&self) -> Range<usize> {
        let byte = |bits: u64| usize::try_from(bits).unwrap_or(usize::MAX);
        byte(self.bits.start / 8)..byte(self.bits.end.div_ceil(8))
    }
}

impl Frame {
    /// Every bit of it that has arrived, kept or not, with its meaning: in the order of the picture in [`frame`](crate::protocol::frame),
    /// without gap or overlap.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut labels = Labels {
            frame: self,
            at: 0,
            spans: Vec::new(),
        };
        labels.header();
        labels.payload();
        labels.blame();
        labels.spans
    }
}

struct Labels<'a> {
    frame: &'a Frame,
    /// The first bit without a label.
    at: u64,
    spans: Vec<Span>,
}

impl Labels<'_> {
    fn header(&mut self) {
        let [byte0, rest @ ..] = &*self.frame.wire else {
            return;
        };
        self.byte0(Byte0::read(*byte0));
        let [byte1, rest @ ..] = rest else { return };
        let byte0 = Byte0::read(*byte0);
        let byte1 = Byte1::read(*byte1);
        self.byte1(byte0, byte1);
        let size = byte1.extended_length_size().min(rest.len());
        let (length, rest) = rest.split_at(size);
        self.extended_length(byte1, length);
        if byte1.mask {
            self.key(rest.get(..4).unwrap_or(rest));
        }
    }

    fn byte0(&mut self, byte0: Byte0) {
        let opcode = Opcode::from_bits(byte0.opcode);
        let is_control = opcode.is_some_and(Opcode::is_control);
        let (meaning, rule) = match (is_control, byte0.fin) {
            (true, true) => ("control frames are whole", Ok(Rule::ControlFragmented)),
            (true, false) => ("more fragments follow", Ok(Rule::ControlFragmented)),
            (false, true) => ("last frame of the message", Err("5.2")),
            (false, false) => ("more fragments follow", Err("5.4")),
        };
        self.push(Field::Fin, 1, byte0.fin.into(), meaning, rule);

        let meaning = match (byte0.rsv, self.frame.extension_bits) {
            (0, 0) => "no extension negotiated",
            (0, _) => "no extension used",
            // RFC 7692 §6: permessage-deflate marks a compressed message by RSV1.
            (0b100, 0) => "RSV1 is set: compressed?",
            (0b100, 0b100) => "RSV1: compressed",
            _ => "bits of an extension",
        };
        self.push(
            Field::Rsv,
            3,
            byte0.rsv.into(),
            meaning,
            Ok(Rule::RsvNotZero),
        );

        let rule = match opcode {
            Some(Opcode::Continuation) => Rule::ContinuationUnexpected,
            _ => Rule::OpcodeReserved,
        };
        self.push(
            Field::Opcode,
            4,
            byte0.opcode.into(),
            opcode.map_or("reserved", Opcode::name),
            Ok(rule),
        );
    }

    fn byte1(&mut self, byte0: Byte0, byte1: Byte1) {
        let (meaning, rule) = match (self.frame.sender, byte1.mask) {
            (Role::Client, true) => ("required from a client", Rule::MaskMissing),
            (Role::Client, false) => ("no key, payload in clear", Rule::MaskMissing),
            (Role::Server, false) => ("none from a server", Rule::MaskPresent),
            (Role::Server, true) => ("a key follows", Rule::MaskPresent),
        };
        self.push(Field::Mask, 1, byte1.mask.into(), meaning, Ok(rule));

        let meaning = match byte1.length {
            LENGTH_16 => "16-bit form: 2 bytes next",
            LENGTH_64 => "64-bit form: 8 bytes next",
            _ => "7-bit form",
        };
        let is_control = Opcode::from_bits(byte0.opcode).is_some_and(Opcode::is_control);
        let rule = if is_control {
            Ok(Rule::ControlTooLong)
        } else {
            Err("5.2")
        };
        self.push(Field::PayloadLength, 7, byte1.length.into(), meaning, rule);
    }

    fn extended_length(&mut self, byte1: Byte1, bytes: &[u8]) {
        let size = byte1.extended_length_size();
        if bytes.is_empty() {
            return;
        }
        let (meaning, rule) = if bytes.len() < size {
            let meaning = format!("{} of its {size} bytes", bytes.len());
            (Cow::from(meaning), Err("5.2"))
        } else {
            ("the shortest form".into(), Ok(Rule::LengthNotMinimal))
        };
        let bits = 8 * bytes.len() as u64;
        self.push(Field::PayloadLength, bits, number(bytes), meaning, rule);
        if let Some(span) = self.spans.last_mut() {
            span.name = match byte1.length {
                LENGTH_16 => "payload_length_ext_16",
                _ => "payload_length_ext_64",
            };
        }
    }

    fn key(&mut self, bytes: &[u8]) {
        let meaning = match bytes {
            [] => return,
            [0, 0, 0, 0] => "zero: changes nothing".into(),
            [_, _, _, _] => Cow::from("new for each frame"),
            _ => format!("{} of its 4 bytes", bytes.len()).into(),
        };
        let bits = 8 * bytes.len() as u64;
        self.push(Field::MaskingKey, bits, number(bytes), meaning, Err("5.3"));
    }

    fn payload(&mut self) {
        let opcode = self.frame.header.map(|header| header.opcode);
        if opcode == Some(Opcode::Close) {
            self.close_body(&self.frame.payload);
        } else {
            let fragment = self.frame.fragment;
            let of_message = fragment.map(|fragment| fragment.opcode);
            let is_transformed = fragment.is_some_and(|fragment| fragment.rsv != 0);
            let (meaning, rule) = match of_message.or(opcode) {
                _ if is_transformed => ("as an extension made it", Err("5.8")),
                Some(Opcode::Text) => ("text, in UTF-8", Ok(Rule::TextNotUtf8)),
                Some(Opcode::Ping) => ("comes back in a pong", Err("5.5.2")),
                Some(Opcode::Pong) => ("as in the ping", Err("5.5.3")),
                _ => ("any bytes", Err("5.6")),
            };
            let length = self.frame.received;
            self.push_payload(Field::Payload, length, None, meaning, rule);
        }
    }

    fn close_body(&mut self, body: &[u8]) {
        let meaning = match close::parts(body) {
            Some((code, _)) => code.name().unwrap_or("private or not defined"),
            None => "1 of its 2 bytes",
        };
        let (code, reason) = body.split_at(body.len().min(2));
        let rule = if code.len() < 2 {
            Err("5.5.1")
        } else {
            Ok(Rule::CloseCodeInvalid)
        };
        let length = code.len() as u64;
        self.push_payload(Field::CloseCode, length, Some(number(code)), meaning, rule);
        self.push_payload(
            Field::CloseReason,
            reason.len() as u64,
            None,
            "why, for developers",
            Ok(Rule::CloseReasonNotUtf8),
        );
    }

    fn push_payload(
        &mut self,
        field: Field,
        length: u64,
        value: Option<u64>,
        meaning: impl Into<Cow<'static, str>>,
        rule: Result<Rule, &'static str>,
    ) {
        if length > 0 {
            self.push(field, 8 * length, 0, meaning, rule);
            if let Some(span) = self.spans.last_mut() {
                span.value = value;
            }
        }
    }

    /// Labels the next `bits` bits; with the rule that they meet, or a section if there is none.
    fn push(
        &mut self,
        field: Field,
        bits: u64,
        value: u64,
        meaning: impl Into<Cow<'static, str>>,
        rule: Result<Rule, &'static str>,
    ) {
        let judgement = match rule {
            Ok(rule) if self.is_judged(rule) => Judgement::Met(rule),
            Ok(rule) => Judgement::Open(rule.section()),
            Err(section) => Judgement::Open(Section(section)),
        };
        let end = self.at + bits;
        self.spans.push(Span {
            field,
            name: field.name(),
            bits: self.at..end,
            value: Some(value),
            meaning: meaning.into(),
            judgement,
        });
        self.at = end;
    }

    /// Whether the frame got past the point where this rule is judged.
    fn is_judged(&self, rule: Rule) -> bool {
        match self.frame.status {
            Status::Violation(broken) => rule.stage() < broken.stage(),
            // What looks at the whole header waits for it.
            _ => rule.stage() < Stage::Mask || self.frame.header.is_some(),
        }
    }

    /// Puts the blame on the last field of the kind that the broken rule names.
    fn blame(&mut self) {
        let Status::Violation(rule) = self.frame.status else {
            return;
        };
        let mut spans = self.spans.iter_mut().rev();
        if let Some(span) = spans.find(|span| span.field == rule.field()) {
            span.judgement = Judgement::Broken(rule);
            let is_late = rule == Rule::RsvNotZero && self.frame.extension_bits != 0;
            if is_late
                && span
                    .value
                    .is_some_and(|bits| bits == self.frame.extension_bits.into())
            {
                span.meaning = "only in the first frame".into();
            } else if let Some(meaning) = meaning_of_broken(rule) {
                span.meaning = meaning.into();
            }
        }
    }
}

/// What a field says that breaks a rule, where that is not what it would say otherwise.
const fn meaning_of_broken(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::ControlTooLong => "too long for a control",
        Rule::LengthNotMinimal => "a shorter form would do",
        Rule::LengthTopBitSet => "the top bit is set",
        Rule::ContinuationUnexpected => "continues no message",
        Rule::MessageInterleaved => "inside another message",
        Rule::MessageTooBig => "above the limit",
        Rule::TooManyFragments => "one fragment too many",
        Rule::TextNotUtf8 | Rule::CloseReasonNotUtf8 => "not UTF-8",
        _ => return None,
    })
}

/// Big-endian, as all numbers on the wire.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
