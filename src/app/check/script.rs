//! What a case does: frames, right or wrong, and when they go out.

use plainws::Role;
use plainws::protocol::frame::{self, MaskingKey};
use plainws::protocol::message::Message;
use std::borrow::Cow;
use std::fmt;

/// A step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Goes on with the connection of this number, which opens where it is first named. The first is 0.
    On(usize),
    /// Opens the connection with this head instead of the usual one, with these frames right after it. In the head,
    /// `{target}`, `{scheme}`, `{host}`, `{key}` and `{more}`, or `{accept}`, stand for what is due there, `{head}` for the
    /// usual one, and each character for one byte: U+00E9 is the byte E9.
    Head(Cow<'static, str>, Vec<Frame>),
    /// The same, in pieces of these sizes, the last of which repeats.
    HeadPieces(Cow<'static, str>, Vec<Frame>, Vec<usize>),
    /// Opens another connection with the beginning of a head, and leaves it so.
    HalfHead(Cow<'static, str>),
    /// Writes frames at once.
    Send(Vec<Frame>),
    /// Writes frames in pieces of these sizes, the last of which repeats.
    Pieces(Vec<Frame>, Vec<usize>),
    /// Writes bytes that are no whole frames.
    Raw(Vec<u8>),
    /// Waits for these answers.
    Expect(Vec<Answer>),
    /// Lets the peer fail the connection before more is sent: it may wait for that, but should not. Between frames a
    /// ping tells: if a pong comes instead of a Close, the peer has not judged yet. Inside a frame only time does.
    Early,
    /// These are sent back if the peer gets so far before it fails.
    Perhaps(Vec<Answer>),
    /// Stops reading, as if this end hung.
    Deaf,
    /// Reads again, after a moment in which the peer fills what lies between.
    Hear,
    /// Ends our half of TCP.
    ShutDown,
    /// Waits until the peer has ended TCP.
    Gone,
    /// Ends TCP altogether.
    Drop,
    /// Asks for frames that are not all masked with the same key.
    FreshKeys,
}

impl Step {
    /// Sends more than a few buffers hold.
    pub(super) fn is_heavy(&self) -> bool {
        const MUCH: usize = 1 << 20;
        let sizes = self.sent().iter().map(|frame| frame.payload.len());
        sizes.sum::<usize>() >= MUCH
    }

    /// The frames that it sends.
    pub(super) fn sent(&self) -> &[Frame] {
        match self {
            Self::Send(frames)
            | Self::Pieces(frames, _)
            | Self::Head(_, frames)
            | Self::HeadPieces(_, frames, _) => frames,
            _ => &[],
        }
    }
}

/// What the peer has to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Text(Payload),
    Binary(Payload),
    /// To the latest ping; those before it may be left out (§5.5.3).
    Pong(Vec<u8>),
}

impl Answer {
    pub(crate) const fn is_pong(&self) -> bool {
        matches!(self, Self::Pong(_))
    }

    /// The payload of a pong.
    pub(crate) fn pong(&self) -> Option<&[u8]> {
        match self {
            Self::Pong(payload) => Some(payload),
            _ => None,
        }
    }

    /// Whether this message is it.
    pub(crate) fn is(&self, message: &Message) -> bool {
        match (self, message) {
            (Self::Text(payload), Message::Text(text)) => *payload.bytes() == *text.as_bytes(),
            (Self::Binary(payload), Message::Binary(bytes)) => *payload.bytes() == **bytes,
            _ => false,
        }
    }

    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Text(payload) | Self::Binary(payload) => payload.len(),
            Self::Pong(payload) => payload.len(),
        }
    }
}

/// What a frame carries.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Bytes(Vec<u8>),
    /// So many letters, or bytes of every value.
    Filled {
        is_text: bool,
        from: usize,
        length: usize,
    },
}

impl Payload {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Filled { length, .. } => *length,
        }
    }

    /// So many bytes of every value.
    pub(crate) fn every(length: usize) -> Self {
        Self::part(false, 0, length)
    }

    /// A part of either.
    pub(crate) fn part(is_text: bool, from: usize, length: usize) -> Self {
        Self::Filled {
            is_text,
            from,
            length,
        }
    }

    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Filled {
                is_text,
                from,
                length,
            } => {
                // Neither repeats with a period that a buffer has.
                let period = if *is_text { b'a'..b'x' } else { 0..251 };
                let start = from % period.len();
                let most = period.len().min(*length);
                let mut bytes = Vec::with_capacity(*length);
                bytes.extend(period.cycle().skip(start).take(most));
                while bytes.len() < *length {
                    let more = bytes.len().min(length - bytes.len());
                    bytes.extend_from_within(..more);
                }
                Cow::Owned(bytes)
            }
        }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for Payload {}

impl<T: Into<Vec<u8>>> From<T> for Payload {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// A frame of a script, legal unless told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    byte0: u8,
    pub(crate) payload: Payload,
    key: MaskingKey,
    /// Masked by a server, or not masked by a client.
    is_masked_wrong: bool,
    form: Form,
    /// The length that is announced, if it is not that of the payload.
    length: Option<u64>,
}

/// How many bits a length has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Shortest,
    Bits16,
    Bits64,
}

const FIN: u8 = 0x80;
/// The key of RFC 6455 §5.7.
const KEY: MaskingKey = [0x37, 0xFA, 0x21, 0x3D];

impl Frame {
    /// Of any first byte.
    pub(crate) fn new(byte0: u8, payload: impl Into<Payload>) -> Self {
        Self {
            byte0,
            payload: payload.into(),
            key: KEY,
            is_masked_wrong: false,
            form: Form::Shortest,
            length: None,
        }
    }

    pub(crate) fn key(self, key: MaskingKey) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn masked_wrong(self) -> Self {
        Self {
            is_masked_wrong: true,
            ..self
        }
    }

    pub(crate) fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(crate) fn length(self, length: u64) -> Self {
        Self {
            length: Some(length),
            ..self
        }
    }

    /// Sets reserved bits: RSV1 is 4, RSV2 2 and RSV3 1.
    pub(crate) fn rsv(self, bits: u8) -> Self {
        Self {
            byte0: self.byte0 | bits << 4,
            ..self
        }
    }

    /// It carries as much as it announces, so that a frame may follow.
    pub(super) fn is_whole(&self) -> bool {
        self.length
            .is_none_or(|length| length == self.payload.len() as u64)
    }

    pub(super) fn is_ping_of(&self, payload: &[u8]) -> bool {
        self.byte0 == FIN | 9 && *self.payload.bytes() == *payload
    }

    pub(super) fn is_close(&self) -> bool {
        self.byte0 & 15 == 8
    }

    pub(super) fn is_close_without_code(&self) -> bool {
        self.is_close() && self.payload.bytes().len() < 2
    }

    pub(super) fn is_pong_of(&self, payload: &[u8]) -> bool {
        self.byte0 == FIN | 10 && *self.payload.bytes() == *payload
    }

    /// Its bytes, as `sender` sends it.
    pub(crate) fn write(&self, sender: Role, wire: &mut Vec<u8>) {
        let is_masked = (sender == Role::Client) != self.is_masked_wrong;
        let length = self.length.unwrap_or(self.payload.len() as u64);
        let mask = if is_masked { 0x80 } else { 0 };
        let [.., high, low] = length.to_be_bytes();
        wire.push(self.byte0);
        match (self.form, length) {
            (Form::Shortest, 0..=125) => wire.push(mask | low),
            (Form::Shortest, 126..=0xFFFF) | (Form::Bits16, _) => {
                wire.push(mask | 126);
                wire.extend([high, low]);
            }
            _ => {
                wire.push(mask | 127);
                wire.extend(length.to_be_bytes());
            }
        }
        let start = wire.len() + if is_masked { 4 } else { 0 };
        if is_masked {
            wire.extend(self.key);
        }
        wire.extend(&*self.payload.bytes());
        if is_masked {
            frame::mask(&mut wire[start..], self.key, 0);
        }
    }
}

/// In words: what it is, its payload, and what is odd about it.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::app::show::text::{clipped, quoted, spaced};
        const MOST: usize = 60;
        let is_last = self.byte0 & FIN != 0;
        let opcode = self.byte0 & 15;
        let name = match (opcode, is_last) {
            (0, true) => "the last fragment",
            (0, false) => "a fragment",
            (1, true) => "a text",
            (1, false) => "the first fragment of a text",
            (2, true) => "a binary message",
            (2, false) => "the first fragment of a binary message",
            (8, _) => "a Close",
            (9, _) => "a ping",
            (10, _) => "a pong",
            _ => "a frame",
        };
        f.write_str(name)?;
        if matches!(opcode, 3..=7 | 11..) {
            write!(f, " of opcode {opcode}")?;
        }
        if opcode >= 8 && !is_last {
            f.write_str(" without FIN")?;
        }
        match self.byte0 >> 4 & 7 {
            0 => {}
            rsv => write!(f, " with reserved bits {rsv:03b}")?,
        }
        match &self.payload {
            Payload::Filled { length, .. } => write!(f, " of {length} bytes")?,
            Payload::Bytes(bytes) if bytes.is_empty() => f.write_str(", empty")?,
            Payload::Bytes(bytes) => match (opcode, &bytes[..]) {
                (8, [high, low, reason @ ..]) => {
                    write!(f, " {}", u16::from_be_bytes([*high, *low]))?;
                    if !reason.is_empty() {
                        write!(f, " {}", clipped(&quoted(reason), MOST))?;
                    }
                }
                (2, bytes) => write!(f, " {}", clipped(&spaced(bytes), MOST))?,
                (_, bytes) => write!(f, " {}", clipped(&quoted(bytes), MOST))?,
            },
        }
        match self.form {
            Form::Shortest => {}
            Form::Bits16 => f.write_str(", its length in 16 bits")?,
            Form::Bits64 => f.write_str(", its length in 64 bits")?,
        }
        if let Some(length) = self.length {
            write!(f, ", announced as {length} bytes")?;
        }
        if self.is_masked_wrong {
            f.write_str(", masked wrong")?;
        }
        Ok(())
    }
}

/// The bytes of frames, as `sender` sends them.
pub(crate) fn wire(frames: &[Frame], sender: Role) -> Vec<u8> {
    let mut wire = Vec::new();
    for frame in frames {
        frame.write(sender, &mut wire);
    }
    wire
}

// Frames by their names.

pub(crate) fn text(text: &str) -> Frame {
    text_of(text)
}

/// A text of whatever bytes.
pub(crate) fn text_of(bytes: impl Into<Payload>) -> Frame {
    Frame::new(FIN | 1, bytes)
}

pub(crate) fn binary(bytes: impl Into<Payload>) -> Frame {
    Frame::new(FIN | 2, bytes)
}

/// The first fragment of a text.
pub(crate) fn first(text: impl Into<Payload>) -> Frame {
    Frame::new(1, text)
}

/// The first fragment of a binary message.
pub(crate) fn first_binary(bytes: impl Into<Payload>) -> Frame {
    Frame::new(2, bytes)
}

/// A fragment in the middle.
pub(crate) fn more(payload: impl Into<Payload>) -> Frame {
    Frame::new(0, payload)
}

/// The last fragment.
pub(crate) fn last(payload: impl Into<Payload>) -> Frame {
    Frame::new(FIN, payload)
}

pub(crate) fn ping(payload: impl Into<Payload>) -> Frame {
    Frame::new(FIN | 9, payload)
}

pub(crate) fn pong(payload: impl Into<Payload>) -> Frame {
    Frame::new(FIN | 10, payload)
}

pub(crate) fn close(code: u16, reason: &str) -> Frame {
    close_body([&code.to_be_bytes(), reason.as_bytes()].concat())
}

pub(crate) fn close_body(body: impl Into<Payload>) -> Frame {
    Frame::new(FIN | 8, body)
}
