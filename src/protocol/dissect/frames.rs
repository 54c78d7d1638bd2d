//! One direction of a connection taken apart: each frame, its bytes, and what was made of them.
//!
//! Nothing is decided here. The bytes go through a [`Connection`] as they would at the endpoint that
//! receives them, and what it says is written down beside them. So nothing that is shown can differ
//! from what is done.
#![warn(clippy::indexing_slicing)]

use crate::protocol::Role;
use crate::protocol::connection::{Connection, Event, State};
use crate::protocol::frame::{Byte1, Header, Opcode};
use crate::protocol::message::{Limits, Message};
use crate::protocol::rule::{Field, Rule};

/// A frame as it stood on the wire: whole, broken off by the end of the stream, or broken by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Its place among the frames of this direction, from 0.
    pub number: u64,
    /// Where in the stream its first byte is.
    pub offset: u64,
    /// Who sent it.
    pub sender: Role,
    /// The reserved bits that an extension may set, in the first frame of a message; see
    /// [`Dissector::extension_bits`].
    pub extension_bits: u8,
    /// Its bytes, masked if it is; up to and with the byte that broke a rule, if one did. Its end is
    /// missing if there is more payload than [`Dissector::max_payload`] bytes.
    pub wire: Vec<u8>,
    /// Once it is complete and legal by itself.
    pub header: Option<Header>,
    /// The same of the payload alone, unmasked.
    pub payload: Vec<u8>,
    /// How many bytes of payload have arrived, kept or not.
    pub received: u64,
    /// Which part of which message it is; `None` for control frames and those that are in no message.
    pub fragment: Option<Fragment>,
    /// The message, in the frame that completes it, or its beginning; see [`Dissector::max_payload`]. Bytes if
    /// an extension has transformed it; see [`Dissector::extension_bits`].
    pub message: Option<Message>,
    /// What became of it.
    pub status: Status,
}

/// A data frame's place in its message (§5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fragment {
    /// Text or binary: the opcode of the message's first frame.
    pub opcode: Opcode,
    /// From 0.
    pub index: u64,
    /// The reserved bits of the message's first frame: not 0 if an extension has transformed the message.
    pub rsv: u8,
    /// How many bytes of the message came before this frame.
    pub offset: u64,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All of it arrived and it is legal.
    Complete,
    /// Legal so far.
    Incomplete(Missing),
    /// Its last byte in [`Frame::wire`] proves that it breaks this rule.
    Violation(Rule),
}

/// What a frame lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// How many bytes at the least.
    pub bytes: u64,
    /// Whether the frame then is complete. Until its length is known, none can be sure.
    pub is_exact: bool,
    /// The field that the next byte belongs to.
    pub field: Field,
}

impl Frame {
    fn new(number: u64, offset: u64, sender: Role) -> Self {
        Self {
            number,
            offset,
            sender,
            extension_bits: 0,
            wire: Vec::new(),
            header: None,
            payload: Vec::new(),
            received: 0,
            fragment: None,
            message: None,
            status: Status::Incomplete(missing(&[], None, 0)),
        }
    }

    /// How many bytes of it have arrived, kept or not.
    #[must_use]
    pub fn length(&self) -> u64 {
        let header = self.wire.len() - self.payload.len();
        header as u64 + self.received
    }

    /// The offset after its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.length()
    }

    /// The rule that it breaks, and the offset of the first byte that proves it.
    #[must_use]
    pub fn violation(&self) -> Option<(Rule, u64)> {
        match self.status {
            Status::Violation(rule) => Some((rule, self.end().saturating_sub(1))),
            _ => None,
        }
    }

    fn is_complete(&self) -> bool {
        let length = self.header.map(|header| header.payload_length);
        length == Some(self.received)
    }
}

/// Where a stream stands after the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It could end here: between two messages, or after a Close.
    Legal,
    /// Legal so far, but inside a frame or a message.
    Incomplete,
    /// A rule is broken.
    Violation {
        /// Which.
        rule: Rule,
        /// The first byte that proves it.
        offset: u64,
    },
}

/// The judge gets no more of a payload at once, so that its copy stays small.
const MAX_PIECE: usize = 64 * 1024;

/// Takes the bytes of one direction apart as they arrive.
///
/// ```
/// use plainws::Role;
/// use plainws::protocol::dissect::{Dissector, Status};
///
/// let mut dissector = Dissector::new(Role::Client, Default::default());
/// assert!(dissector.receive(b"\x81\x85\x37\xfa").is_empty());
/// let frames = dissector.receive(b"\x21\x3d\x7f\x9f\x4d\x51\x58\x89");
/// assert_eq!(frames[0].payload, b"Hello");
/// assert_eq!(frames[0].status, Status::Complete);
/// assert_eq!(frames[0].spans()[2].meaning, "text");
/// assert_eq!(dissector.partial().expect("a ping begins").wire, b"\x89");
/// ```
#[derive(Debug)]
pub struct Dissector {
    /// The other end, which receives these bytes. What it would answer is not used.
    judge: Connection,
    /// What the judge gets, and unmasks.
    piece: Vec<u8>,
    max_payload: usize,
    current: Frame,
    /// The latest fragment of the open message.
    open: Option<Fragment>,
    /// How many bytes of payload the open message has so far.
    message_so_far: u64,
    violation: Option<(Rule, u64)>,
    unread: u64,
}

impl Dissector {
    /// For the bytes that `sender` sends after the handshake, to a receiver with these limits. Every
    /// byte is kept.
    #[must_use]
    pub fn new(sender: Role, limits: Limits) -> Self {
        let judge = match sender {
            Role::Client => Connection::server(limits),
            Role::Server => Connection::client(limits, Box::new(|| [0; 4])),
        };
        Self {
            judge,
            piece: Vec::new(),
            max_payload: usize::MAX,
            current: Frame::new(0, 0, sender),
            open: None,
            message_so_far: 0,
            violation: None,
            unread: 0,
        }
    }

    /// Keeps at most this many bytes of a data frame's payload, and about as many of a message; all are
    /// judged. Control frames are short and kept whole.
    #[must_use]
    pub fn max_payload(self, bytes: usize) -> Self {
        Self {
            judge: self.judge.keep_of_messages(bytes),
            max_payload: bytes,
            ..self
        }
    }

    /// Keeps at most this many bytes of a data frame's payload, as [`max_payload`](Self::max_payload) does, but
    /// messages whole: for whoever reads those, and would otherwise keep their bytes three times.
    #[must_use]
    pub fn max_frame_payload(self, bytes: usize) -> Self {
        Self {
            max_payload: bytes,
            ..self
        }
    }

    /// Accepts some of the reserved bits in the first frame of a message, where an extension sets them (§5.2): RSV1
    /// is 4, RSV2 2 and RSV3 1. By default none. Such an extension has transformed the message, so that its text is
    /// not judged: what to make of the payload is the caller's to know.
    ///
    /// ```
    /// use plainws::Role;
    /// use plainws::protocol::dissect::{Dissector, Status};
    ///
    /// // From RFC 7692 §7.2.3.1: "Hello", compressed.
    /// let bytes = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    /// let mut dissector = Dissector::new(Role::Server, Default::default()).extension_bits(4);
    /// let frames = dissector.receive(bytes);
    /// assert_eq!(frames[0].status, Status::Complete);
    /// assert_eq!(frames[0].payload, bytes[2..]);
    /// ```
    #[must_use]
    pub fn extension_bits(self, bits: u8) -> Self {
        let mut current = self.current;
        current.extension_bits = bits;
        Self {
            judge: self.judge.accept_extension_bits(bits),
            current,
            ..self
        }
    }

    /// Takes more of the stream, and returns the frames that this completed or broke. Cutting the
    /// stream differently changes nothing in them.
    pub fn receive(&mut self, input: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            // §5.5.1, §7.1.7: after a Close or a violation nothing is processed.
            if self.judge.state() == State::Closed {
                self.unread += rest.len() as u64;
                break;
            }
            let (piece, _) = rest.split_at(self.step(rest.len()));
            rest = rest.split_at(self.advance(piece)).1;
            if !matches!(self.current.status, Status::Incomplete(_)) {
                frames.push(self.next_frame());
            }
        }
        frames
    }

    /// The frame of which some, but not all, has arrived.
    #[must_use]
    pub fn partial(&self) -> Option<&Frame> {
        (!self.current.wire.is_empty()).then_some(&self.current)
    }

    /// The latest fragment of a message that is not complete.
    #[must_use]
    pub const fn open_message(&self) -> Option<Fragment> {
        self.open
    }

    /// How many bytes came after a Close or a violation, where nothing is read.
    #[must_use]
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    /// Where the stream stands.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.violation {
            Some((rule, offset)) => Verdict::Violation { rule, offset },
            None if self.judge.state() == State::Closed || self.judge.is_between_messages() => {
                Verdict::Legal
            }
            None => Verdict::Incomplete,
        }
    }

    /// How many bytes the judge gets at once: of a header one by one, to see where it ends, and of a
    /// payload all that are there, within reason.
    fn step(&self, available: usize) -> usize {
        let frame = &self.current;
        let Some(header) = frame.header else { return 1 };
        let missing = header.payload_length - frame.received;
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        missing.min(available).min(MAX_PIECE)
    }

    /// Hands a piece to the judge and notes what it says. Returns how many bytes that took: all, or up
    /// to and with the one that breaks a rule.
    fn advance(&mut self, piece: &[u8]) -> usize {
        self.piece.clear();
        self.piece.extend(piece);
        let before = self.judge.traffic().bytes_received;
        let judged = self.judge.receive(&mut self.piece);
        let used = self.judge.traffic().bytes_received - before;

        let used = usize::try_from(used).map_or(piece.len(), |used| used.min(piece.len()));
        if self.current.header.is_some() {
            self.keep_payload(piece, used);
        } else {
            self.keep_header(piece);
        }
        let frame = &mut self.current;
        frame.status = match judged {
            Err(rule) => Status::Violation(rule),
            Ok(_) if frame.is_complete() => Status::Complete,
            Ok(_) => Status::Incomplete(missing(&frame.wire, frame.header, frame.received)),
        };
        if let Ok((_, Some(Event::Message(message)))) = judged {
            frame.message = Some(message);
        }
        self.violation = frame.violation();
        used
    }

    fn keep_header(&mut self, piece: &[u8]) {
        let frame = &mut self.current;
        frame.wire.extend(piece);
        frame.header = read_header(&frame.wire);
        frame.fragment = frame
            .header
            .and_then(|header| fragment(&header, self.open, self.message_so_far));
    }

    /// Keeps `used` bytes of a piece, or what there is room for. The judge has unmasked its copy.
    fn keep_payload(&mut self, piece: &[u8], used: usize) {
        let frame = &mut self.current;
        let room = match frame.fragment {
            Some(_) => self.max_payload.saturating_sub(frame.payload.len()),
            None => usize::MAX,
        };
        let kept = used.min(room);
        frame.wire.extend(piece.split_at(kept).0);
        frame.payload.extend(self.piece.split_at(kept).0);
        frame.received += used as u64;
    }

    /// Takes the frame that has ended, and begins another.
    fn next_frame(&mut self) -> Frame {
        let Frame {
            number,
            sender,
            extension_bits,
            header,
            fragment,
            received,
            ..
        } = self.current;
        if let Some(fragment) = fragment {
            let is_last = header.is_some_and(|header| header.fin);
            self.open = (!is_last).then_some(fragment);
            self.message_so_far = fragment.offset + received;
        }
        let mut next = Frame::new(number + 1, self.current.end(), sender);
        next.extension_bits = extension_bits;
        std::mem::replace(&mut self.current, next)
    }
}

/// What a whole stream is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dissection {
    /// The frames in order; the last one may be incomplete or break a rule.
    pub frames: Vec<Frame>,
    /// The bytes after a Close or a violation, where nothing is read.
    pub unread: u64,
    /// The latest fragment of a message that is not complete.
    pub open_message: Option<Fragment>,
    /// Where the stream stands.
    pub verdict: Verdict,
}

/// Takes a whole stream apart; see [`Dissector`].
#[must_use]
pub fn dissect(sender: Role, limits: Limits, stream: &[u8]) -> Dissection {
    let mut dissector = Dissector::new(sender, limits);
    let mut frames = dissector.receive(stream);
    frames.extend(dissector.partial().cloned());
    Dissection {
        frames,
        unread: dissector.unread(),
        open_message: dissector.open_message(),
        verdict: dissector.verdict(),
    }
}

fn read_header(wire: &[u8]) -> Option<Header> {
    Header::decode(wire)
        .ok()
        .flatten()
        .map(|(header, _)| header)
}

/// §5.4: the first frame of a message carries its opcode, the others continue it.
fn fragment(header: &Header, open: Option<Fragment>, offset: u64) -> Option<Fragment> {
    match header.opcode {
        Opcode::Continuation => open.map(|latest| Fragment {
            index: latest.index + 1,
            offset,
            ..latest
        }),
        opcode @ (Opcode::Text | Opcode::Binary) => Some(Fragment {
            opcode,
            index: 0,
            rsv: header.rsv,
            offset: 0,
        }),
        _ => None,
    }
}

/// What is not there yet, as announced by the bytes that are there.
fn missing(wire: &[u8], header: Option<Header>, received: u64) -> Missing {
    let of = |bytes, is_exact, field| Missing {
        bytes,
        is_exact,
        field,
    };
    if let Some(header) = header {
        return of(header.payload_length - received, true, Field::Payload);
    }
    let [_, byte1, ..] = wire else {
        let field = if wire.is_empty() {
            Field::Fin
        } else {
            Field::Mask
        };
        return of(2 - wire.len() as u64, false, field);
    };
    let byte1 = Byte1::read(*byte1);
    let length_end = 2 + byte1.extended_length_size();
    let key_end = if byte1.mask {
        length_end + 4
    } else {
        length_end
    };
    let header = (key_end - wire.len()) as u64;
    if wire.len() < length_end {
        return of(header, false, Field::PayloadLength);
    }
    // Only the key is missing, and no key changes the length.
    let mut with_a_key = wire.to_vec();
    with_a_key.resize(key_end, 0);
    let length = read_header(&with_a_key).map_or(0, |header| header.payload_length);
    of(header + length, true, Field::MaskingKey)
}
