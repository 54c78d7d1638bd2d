//! What is sent and must come back.
//!
//! Every message is known from its number and that of its connection, so none has to be kept until its
//! echo arrives. It begins with a stamp that says both, and goes on with one of a few bodies that are made,
//! and masked, when the run begins: to mask each message anew would take a good part of the time.
//!
//! §5.3 asks for a masking key that nobody can foresee, so that a web page cannot choose the bytes on the
//! wire. Here nobody else chooses the payload. Each body has a key of its own from the system's generator,
//! and the messages of a run take turns with these.

use clap::ValueEnum;
use plainws::net::random::Random;
use plainws::protocol::frame::{self, Header, MAX_HEADER, MaskingKey, Opcode};

/// What messages consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Content {
    Text,
    Binary,
    Utf8,
}

impl Content {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Utf8 => "utf8",
        }
    }

    const fn opcode(self) -> Opcode {
        match self {
            Self::Text | Self::Utf8 => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// A message's name: which one, of which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) connection: u32,
    pub(crate) number: u64,
}

/// The stamp: hexadecimal digits, the lowest first, so that a short message holds those that change.
const STAMP: usize = 16;
/// Digits of the stamp that tell the message; the others tell the connection.
const NUMBER_DIGITS: usize = 10;
/// All bodies together take about so much, so that they stay in a cache.
const BODIES: usize = 64 * 1024;
/// A longer body repeats its first bytes, up to a rest. So many, because the key has four bytes, and because
/// whoever confuses two places of a message rarely does so by a multiple of this.
const PERIOD: usize = 32 * 1024 - 20;
/// At least two, so that a message differs from the one before it in every place.
const LEAST_BODIES: usize = 2;
const MOST_BODIES: usize = 64;

/// All messages of a run.
#[derive(Debug)]
pub(crate) struct Messages {
    content: Content,
    size: usize,
    bodies: Vec<Body>,
}

#[derive(Debug)]
struct Body {
    key: MaskingKey,
    /// The header of its frames, with the key.
    header: Vec<u8>,
    /// What follows the stamp.
    plain: Repeated,
    masked: Repeated,
}

/// A block, as often as it fits into a body, and what fills the rest.
#[derive(Clone, Debug)]
struct Repeated {
    block: Vec<u8>,
    /// Bytes of all blocks together.
    blocks: usize,
    rest: Vec<u8>,
}

impl Repeated {
    /// The bytes from `at` on, as far as they lie together.
    fn from(&self, at: usize) -> &[u8] {
        match at.checked_sub(self.blocks) {
            Some(at) => &self.rest[at..],
            None => &self.block[at % self.block.len()..],
        }
    }
}

/// In which form a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a client's frame: header, key, masked payload.
    Frame,
    /// Its payload alone.
    Payload,
}

/// The first bytes of a message in some form: all before its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    bytes: [u8; MAX_HEADER + STAMP],
    length: usize,
}

impl Front {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Messages {
    pub(crate) fn new(content: Content, size: usize, random: &mut Random) -> Self {
        let count = (BODIES / size.clamp(1, PERIOD)).clamp(LEAST_BODIES, MOST_BODIES);
        let bodies = (0..count).map(|_| Body::new(content, size, random));
        Self {
            content,
            size,
            bodies: bodies.collect(),
        }
    }

    pub(crate) const fn content(&self) -> Content {
        self.content
    }

    pub(crate) const fn opcode(&self) -> Opcode {
        self.content.opcode()
    }

    /// Bytes of payload in each.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn length(&self, form: Form) -> usize {
        match form {
            Form::Frame => self.bodies[0].header.len() + self.size,
            Form::Payload => self.size,
        }
    }

    /// The first bytes of a message; [`body`](Self::body) has the others.
    pub(crate) fn front(&self, id: Id, form: Form) -> Front {
        let mut bytes = [0; MAX_HEADER + STAMP];
        let mut stamp = stamp(id);
        let stamp = &mut stamp[..self.size.min(STAMP)];
        let mut at = 0;
        if form == Form::Frame {
            let body = self.body_of(id.number);
            at = body.header.len();
            bytes[..at].copy_from_slice(&body.header);
            frame::mask(stamp, body.key, 0);
        }
        bytes[at..at + stamp.len()].copy_from_slice(stamp);
        let length = at + stamp.len();
        Front { bytes, length }
    }

    /// The bytes after the front, from `at` on, as far as they lie together; none at the end.
    pub(crate) fn body(&self, number: u64, form: Form, at: usize) -> &[u8] {
        let body = self.body_of(number);
        match form {
            Form::Frame => body.masked.from(at),
            Form::Payload => body.plain.from(at),
        }
    }

    /// How many bytes there are after the front.
    pub(crate) const fn body_length(&self) -> usize {
        self.size.saturating_sub(STAMP)
    }

    fn body_of(&self, number: u64) -> &Body {
        let place = number % self.bodies.len() as u64;
        &self.bodies[usize::try_from(place).unwrap_or(0)]
    }
}

impl Body {
    fn new(content: Content, size: usize, random: &mut Random) -> Self {
        let key = random.bytes();
        let mut header = Vec::new();
        Header {
            fin: true,
            rsv: 0,
            opcode: content.opcode(),
            masking_key: Some(key),
            payload_length: size as u64,
        }
        .encode(&mut header);
        let mut noise = Noise(u64::from_ne_bytes(random.bytes()) | 1);
        let length = size.saturating_sub(STAMP);
        let plain = Repeated {
            block: noise.content(content, PERIOD.min(length)),
            blocks: length / PERIOD * PERIOD,
            rest: noise.content(content, length % PERIOD),
        };
        let mut masked = plain.clone();
        for part in [&mut masked.block, &mut masked.rest] {
            // Each begins at a multiple of 4 after the stamp.
            frame::mask(part, key, STAMP as u64);
        }
        Self {
            key,
            header,
            plain,
            masked,
        }
    }
}

fn stamp(id: Id) -> [u8; STAMP] {
    let (mut number, mut connection) = (id.number, id.connection);
    std::array::from_fn(|place| {
        let digit = if place < NUMBER_DIGITS {
            let digit = number % 16;
            number /= 16;
            digit as u8
        } else {
            let digit = connection % 16;
            connection /= 16;
            digit as u8
        };
        b"0123456789abcdef"[usize::from(digit)]
    })
}

/// Which message a payload begins with the stamp of.
pub(crate) fn id(payload: &[u8]) -> Option<Id> {
    let stamp = payload.get(..STAMP)?;
    let (mut number, mut connection) = (0, 0);
    for (place, &byte) in stamp.iter().enumerate().rev() {
        let digit = char::from(byte)
            .to_digit(16)
            .filter(|_| !byte.is_ascii_uppercase())?;
        if place < NUMBER_DIGITS {
            number = number * 16 + u64::from(digit);
        } else {
            connection = connection * 16 + digit;
        }
    }
    Some(Id { connection, number })
}

/// Pseudorandom content: it need not be unpredictable, only different everywhere.
struct Noise(u64);

impl Noise {
    /// Marsaglia's xorshift.
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn content(&mut self, content: Content, length: usize) -> Vec<u8> {
        match content {
            Content::Utf8 => self.words(length),
            Content::Binary => self.bytes(length),
            Content::Text => {
                let mut bytes = self.bytes(length);
                for byte in &mut bytes {
                    *byte = b' ' + *byte % 95;
                }
                bytes
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// Words of several scripts, in characters of one to four bytes.
    fn words(&mut self, length: usize) -> Vec<u8> {
        const WORDS: [&str; 8] = [
            "Grüße",
            "κόσμε",
            "世界",
            "привет",
            "naïve",
            "日本語",
            "🙂",
            "señor",
        ];
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            text += WORDS[(self.next() >> 32) as usize % WORDS.len()];
            text += if self.next() >> 63 == 0 { " " } else { ", " };
        }
        while text.len() > length {
            text.pop();
        }
        text += &".".repeat(length - text.len());
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENTS: [Content; 3] = [Content::Text, Content::Binary, Content::Utf8];

    fn messages(content: Content, size: usize) -> Messages {
        Messages::new(
            content,
            size,
            &mut Random::new().expect("the system has one"),
        )
    }

    fn whole(messages: &Messages, id: Id, form: Form) -> Vec<u8> {
        let mut whole = messages.front(id, form).bytes().to_vec();
        let mut at = 0;
        while at < messages.body_length() {
            let piece = messages.body(id.number, form, at);
            whole.extend(piece);
            at += piece.len();
        }
        whole
    }

    #[test]
    fn a_frame_is_the_payload_masked_behind_its_header() {
        for content in CONTENTS {
            for size in [
                0,
                1,
                15,
                16,
                17,
                18,
                125,
                126,
                PERIOD + 15,
                PERIOD + 17,
                65_535,
                65_536,
                3 * PERIOD + 16,
            ] {
                let messages = messages(content, size);
                for number in [0, 1, 2, 77] {
                    let id = Id {
                        connection: 3,
                        number,
                    };
                    let frame = whole(&messages, id, Form::Frame);
                    let (header, payload) = Header::decode(&frame).unwrap().unwrap();
                    assert_eq!(header.opcode, messages.opcode());
                    assert_eq!(header.payload_length, size as u64);
                    assert_eq!(frame.len(), messages.length(Form::Frame));
                    let mut payload = payload.to_vec();
                    frame::mask(&mut payload, header.masking_key.unwrap(), 0);
                    assert_eq!(payload, whole(&messages, id, Form::Payload));
                    assert_eq!(payload.len(), size);
                    let is_text = std::str::from_utf8(&payload).is_ok();
                    assert!(is_text || content == Content::Binary);
                }
            }
        }
    }

    #[test]
    fn a_message_tells_its_number_and_differs_from_the_one_before_it_to_the_end() {
        for content in CONTENTS {
            let messages = messages(content, 4096);
            let payload =
                |connection, number| whole(&messages, Id { connection, number }, Form::Payload);
            for number in [0, 1, 16, 99_999_999_999] {
                let told = Id {
                    connection: 0xABCDE,
                    number,
                };
                assert_eq!(id(&payload(0xABCDE, number)), Some(told));
            }
            for tail in [16, 1024, 4000] {
                assert_ne!(payload(0, 0)[tail..], payload(0, 1)[tail..]);
            }
        }
        let short = messages(Content::Binary, 1);
        let of = |number| {
            whole(
                &short,
                Id {
                    connection: 0,
                    number,
                },
                Form::Payload,
            )
        };
        assert_ne!(of(0), of(1));
    }
}
