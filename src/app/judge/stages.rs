//! The ten questions of `plainws exercise`, and what is right. The answers are not written down: the dissector and the
//! mistake finder give them, so that they cannot be wrong.

use super::mistakes::{self, EXAMPLE_KEY};
use plainws::protocol::close::CloseReason;
use plainws::protocol::dissect::{Dissection, Status, Verdict, dissect};
use plainws::protocol::frame::Opcode;
use plainws::protocol::message::Limits;
use plainws::protocol::rule::Field;
use plainws::{Role, Rule};
use std::borrow::Cow;

/// One question.
pub(crate) struct Stage {
    pub(crate) title: &'static str,
    /// Who sent the bytes, and the bytes; empty where the question has none.
    pub(crate) sender: Role,
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) question: Cow<'static, str>,
    pub(crate) hint: Cow<'static, str>,
    pub(super) answer: fn(&Dissection) -> Answer,
}

/// What is right.
pub(crate) enum Answer {
    Number(u64),
    /// Any of these words.
    Words(Vec<String>),
    /// A rule's name, and the offset of the byte that proves it, or of one that may be said to do so as well.
    Rule(Rule, u64, Option<u64>),
}

impl Stage {
    /// What is right.
    pub(crate) fn answer(&self) -> Answer {
        (self.answer)(&dissect(self.sender, Limits::default(), &self.bytes))
    }
}

impl Answer {
    /// What is wrong with the answer that a person typed; `None` when it is right.
    pub(crate) fn fault(&self, typed: &str) -> Option<String> {
        let typed = typed.trim().trim_matches('"').to_lowercase();
        match self {
            Self::Number(number) => match parse(&typed) {
                Some(typed) => (typed != *number).then(|| format!("it is not {typed}")),
                None => Some("the answer is a number".into()),
            },
            Self::Words(words) => {
                let is_right = words.iter().any(|word| word.to_lowercase() == typed);
                (!is_right).then(|| format!("it is not {typed:?}"))
            }
            Self::Rule(rule, offset, other) => {
                let words = typed.split([' ', ',']).filter(|word| !word.is_empty());
                let words: Vec<_> = words.collect();
                let is_rule = words.first() == Some(&rule.id());
                let typed = words.last().and_then(|word| parse(word));
                let is_offset = typed == Some(*offset) || typed.is_some() && typed == *other;
                fault_of_two(is_rule, is_offset).map(Into::into)
            }
        }
    }

    /// The answer as one would type it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Words(words) => words.first().cloned().unwrap_or_default(),
            Self::Rule(rule, offset, _) => format!("{} {offset}", rule.id()),
        }
    }
}

/// Which half of the answer is wrong.
const fn fault_of_two(is_rule: bool, is_offset: bool) -> Option<&'static str> {
    match (is_rule, is_offset) {
        (true, true) => None,
        (true, false) => Some("the rule is right, but not the offset"),
        (false, true) => Some("the offset is right, but not the rule"),
        (false, false) => Some("neither the rule nor the offset is right"),
    }
}

fn parse(typed: &str) -> Option<u64> {
    match typed.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => typed.parse().ok(),
    }
}

/// In this order: each builds on those before it.
pub(crate) static ALL: [Stage; 10] = [
    Stage {
        title: "The opcode",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x89\x05Hello"),
        question: Cow::Borrowed(
            "Which kind of frame is this: text, binary, continuation, close, ping or pong?",
        ),
        hint: Cow::Borrowed(
            "The opcode is the lower half of the first byte. §5.2 lists the values",
        ),
        answer: |seen| {
            let opcode = seen.frames.first().and_then(|frame| frame.header);
            let opcode = opcode.map_or(Opcode::Text, |header| header.opcode);
            Answer::Words(vec![opcode.name().into()])
        },
    },
    Stage {
        title: "The length",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x82\x7e\x01\x2c"),
        question: Cow::Borrowed("How many bytes of payload does this header announce?"),
        hint: Cow::Borrowed(
            "126 (7e) is not the length: it says that the next two bytes are, the high one first",
        ),
        answer: |seen| {
            let header = seen.frames.first().and_then(|frame| frame.header);
            Answer::Number(header.map_or(0, |header| header.payload_length))
        },
    },
    Stage {
        title: "The mask",
        sender: Role::Client,
        bytes: Cow::Borrowed(b"\x81\x82\x37\xfa\x21\x3d\x78\x91"),
        question: Cow::Borrowed("Which word does the client send?"),
        hint: Cow::Borrowed(
            "The key is 37 fa 21 3d, the masked payload 78 91. XOR them byte by byte (§5.3)",
        ),
        answer: |seen| Answer::Words(seen.frames.first().map(text).into_iter().collect()),
    },
    Stage {
        title: "Fragments",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x01\x03Hel\x89\x00\x80\x02lo\x81\x01!"),
        question: Cow::Borrowed("How many messages are complete in this stream?"),
        hint: Cow::Borrowed(
            "A message ends with a data frame that has FIN. The ping in between is no part of it (§5.4)",
        ),
        answer: |seen| {
            let messages = seen.frames.iter().filter(|frame| frame.message.is_some());
            Answer::Number(messages.count() as u64)
        },
    },
    Stage {
        title: "The end",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x88\x02\x03\xe9"),
        question: Cow::Borrowed("With which code does the server close?"),
        hint: Cow::Borrowed(
            "The first two bytes of a Close body are a number, the high byte first (§5.5.1)",
        ),
        answer: |seen| {
            let body = seen.frames.first().map(|frame| &frame.payload[..]);
            let reason = CloseReason::decode(body.unwrap_or_default());
            Answer::Number(reason.map_or(0, |reason| reason.code.0.into()))
        },
    },
    Stage {
        title: "Too few bytes",
        sender: Role::Client,
        bytes: Cow::Borrowed(b"\x81\x8a\x01\x02\x03\x04\x49\x67"),
        question: Cow::Borrowed(
            "A read may end inside a frame, as this one did. How many bytes of the frame are missing?",
        ),
        hint: Cow::Borrowed(
            "Header and key take 6 bytes, the length is in the second byte, and two bytes of payload are here",
        ),
        answer: |seen| match seen.frames.last().map(|frame| frame.status) {
            Some(Status::Incomplete(missing)) => Answer::Number(missing.bytes),
            _ => Answer::Number(0),
        },
    },
    Stage {
        title: "A broken frame",
        sender: Role::Client,
        bytes: Cow::Borrowed(b"\x81\xfe\x00\x05\x01\x02\x03\x04\x49\x67\x6f\x68\x6e"),
        question: Cow::Borrowed(
            "Which rule does this break, and at which offset is the byte that proves it? (ID OFFSET)",
        ),
        hint: Cow::Borrowed(
            "The length is 5. How many bytes does that take? plainws rules lists the names",
        ),
        answer: broken,
    },
    Stage {
        title: "A broken message",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x01\x03Hel\x01\x02lo\x80\x00"),
        question: Cow::Borrowed(
            "Each frame is legal by itself. Which rule does the stream break, and which byte proves it? (ID OFFSET)",
        ),
        hint: Cow::Borrowed(
            "Only the first fragment carries the opcode (§5.4). The wrong header proves it",
        ),
        answer: broken,
    },
    Stage {
        title: "Broken text",
        sender: Role::Server,
        bytes: Cow::Borrowed(b"\x01\x04caf\xc3\x80\x03\xa9 \xe9"),
        question: Cow::Borrowed(
            "The first two fragments cut an é in half, which is legal. What is not, and which byte proves it? (ID OFFSET)",
        ),
        hint: Cow::Borrowed(
            "é is c3 a9 in UTF-8. e9 begins a character of three bytes, and FIN is set. Count from offset 0",
        ),
        answer: broken,
    },
    Stage {
        title: "A wrong accept value",
        sender: Role::Server,
        bytes: Cow::Borrowed(b""),
        question: Cow::Borrowed(
            "A server answers the key dGhlIHNhbXBsZSBub25jZQ== with hHLtf2V1k8aDQZfNjw3Ia1hCwt0=. \
            What was left out when it was made? (one word)",
        ),
        hint: Cow::Borrowed("plainws handshake KEY --check ACCEPT finds it"),
        answer: |_| {
            let mistake = mistakes::find(EXAMPLE_KEY, "hHLtf2V1k8aDQZfNjw3Ia1hCwt0=");
            let name = mistake.map_or("", |mistake| mistake.name);
            let word = name.trim_start_matches("no ");
            Answer::Words(vec![word.into(), name.into(), format!("the {word}")])
        },
    },
];

fn text(frame: &plainws::protocol::dissect::Frame) -> String {
    String::from_utf8_lossy(&frame.payload).into_owned()
}

fn broken(seen: &Dissection) -> Answer {
    match seen.verdict {
        Verdict::Violation { rule, offset } => {
            // The header is judged when it is whole. What is wrong with it stands in its first byte here.
            let begins = seen.frames.last().map(|frame| frame.offset);
            let is_about_opcode = rule.field() == Field::Opcode;
            Answer::Rule(rule, offset, begins.filter(|_| is_about_opcode))
        }
        _ => Answer::Words(vec!["none".into()]),
    }
}
