//! Fragments become a message (§5.4), within limits (§10.4).
#![warn(clippy::indexing_slicing)]

use super::frame::{Header, Opcode};
use super::landing::{Buffer, Landing, capacity_for};
use super::rule::Rule;
use super::utf8::{self, NotUtf8};
use std::collections::TryReserveError;
use std::fmt;

/// A whole message: what an application sends and receives (§5.6).
///
/// A text equals a string and never bytes; a binary message equals bytes and never a string.
///
/// ```
/// use plainws::Message;
///
/// let message = Message::from("Hello");
/// assert!(message.is_text() && message == "Hello" && message != b"Hello");
/// assert_eq!(message.as_bytes(), b"Hello");
/// assert_eq!(message.into_text().as_deref(), Some("Hello"));
/// assert_eq!(Message::from(b"\x05\xFF").to_string(), "05 ff");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, which is UTF-8 on the wire.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl Message {
    /// The payload's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload's bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is one, without a copy.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Whether it is text.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// How many bytes its payload has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether its payload has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that its payload takes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }

    pub(super) const fn opcode(&self) -> Opcode {
        match self {
            Self::Text(_) => Opcode::Text,
            Self::Binary(_) => Opcode::Binary,
        }
    }
}

/// Text as it is: whatever the peer sent, to be escaped before it goes to a terminal. Bytes in
/// hexadecimal, a space between two.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Binary(bytes) => {
                for (i, byte) in bytes.iter().enumerate() {
                    let separator = if i == 0 { "" } else { " " };
                    write!(f, "{separator}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// What one incoming message may cost. Memory grows with the bytes that arrive, never with a declared length,
/// and never beyond it.
///
/// ```
/// use plainws::protocol::message::Limits;
///
/// let limits = Limits::new().max_bytes(1024);
/// assert_eq!((limits.max_bytes, limits.max_fragments), (1024, 131_072));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a message. Default 16 MiB: room for a photograph, small beside a machine's memory even
    /// when a few hundred peers use it at once.
    pub max_bytes: u64,
    /// Fragments of a message. Default 131,072: 4 MiB in pieces of 64 bytes are half of that.
    pub max_fragments: u32,
    /// Empty fragments of a message. Default 128: one may end a stream or flush nothing, but they carry
    /// nothing, so a run of them is only work.
    pub max_empty_fragments: u32,
}

impl Limits {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_bytes: 16 * 1024 * 1024,
            max_fragments: 131_072,
            max_empty_fragments: 128,
        }
    }

    /// Changes [`Self::max_bytes`](#structfield.max_bytes). Default 16 MiB.
    #[must_use]
    pub const fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Changes [`Self::max_fragments`](#structfield.max_fragments). Default 131,072.
    #[must_use]
    pub const fn max_fragments(mut self, max_fragments: u32) -> Self {
        self.max_fragments = max_fragments;
        self
    }

    /// Changes [`Self::max_empty_fragments`](#structfield.max_empty_fragments). Default 128.
    #[must_use]
    pub const fn max_empty_fragments(mut self, max_empty_fragments: u32) -> Self {
        self.max_empty_fragments = max_empty_fragments;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of the longest character (RFC 3629 §3).
const MAX_CHARACTER: usize = 4;

/// A buffer of this size is fine for any message.
const SMALL: usize = 1024;

/// Joins the frames of one direction into messages.
#[derive(Debug)]
pub(super) struct Assembler {
    limits: Limits,
    /// About this many bytes of a message are kept. All of them are judged.
    keep: usize,
    /// Whether messages are judged and not handed out.
    discards: bool,
    open: Option<Open>,
    /// Bytes of memory of the open message that are [lent](Self::lend).
    lent: usize,
    /// A buffer that may serve for the next message. What it holds is of no meaning.
    spare: Vec<u8>,
    /// Bytes of the last message.
    last: u64,
}

/// A message of which some, but not all, has arrived.
#[derive(Debug)]
struct Open {
    payload: Payload,
    /// Bytes of payload announced by the headers so far.
    announced: u64,
    /// The most bytes that it can come to have: those announced, once its last header has come.
    most: u64,
    fragments: u32,
    empty_fragments: u32,
}

#[derive(Debug)]
enum Payload {
    Text(String, utf8::Decoder),
    Binary(Buffer),
}

impl Assembler {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            keep: usize::MAX,
            discards: false,
            open: None,
            lent: 0,
            spare: Vec::new(),
            last: 0,
        }
    }

    /// Keeps only about this many bytes of each message, for a caller that does not need them whole.
    pub(super) const fn keep(&mut self, bytes: usize) {
        self.keep = bytes;
    }

    /// Gives back all memory, and from now on keeps and hands out nothing. All is judged as before.
    pub(super) fn discard(&mut self) {
        self.discards = true;
        self.release_memory();
        if let Some(open) = &mut self.open {
            open.payload.discard();
        }
    }

    /// Whether it keeps and hands out nothing any more.
    pub(super) const fn discards(&self) -> bool {
        self.discards
    }

    /// Whether no message is open.
    pub(super) const fn is_idle(&self) -> bool {
        self.open.is_none()
    }

    /// Bytes of payload that the headers of the open message have announced so far.
    pub(super) fn announced(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.announced)
    }

    /// Judges a data frame's header against the open message.
    pub(super) fn begin_frame(&mut self, header: &Header) -> Result<(), Rule> {
        let open = match (header.opcode, &mut self.open) {
            (Opcode::Continuation, Some(open)) => open,
            // §5.4: a continuation continues something, and messages do not interleave.
            (Opcode::Continuation, None) => return Err(Rule::ContinuationUnexpected),
            (_, Some(_)) => return Err(Rule::MessageInterleaved),
            (opcode, none) => {
                let spare = std::mem::take(&mut self.spare);
                let fits = is_no_waste(spare.capacity(), header.payload_length);
                // What an extension has transformed is no text yet.
                let is_text = opcode == Opcode::Text && header.rsv == 0;
                none.insert(Open::new(is_text, if fits { spare } else { Vec::new() }))
            }
        };
        open.announced = open.announced.saturating_add(header.payload_length);
        open.fragments = open.fragments.saturating_add(1);
        open.empty_fragments = open
            .empty_fragments
            .saturating_add(u32::from(header.payload_length == 0));
        // §10.4: judged by the header, before a byte of the payload is kept.
        if open.announced > self.limits.max_bytes {
            return Err(Rule::MessageTooBig);
        }
        if open.fragments > self.limits.max_fragments
            || open.empty_fragments > self.limits.max_empty_fragments
        {
            return Err(Rule::TooManyFragments);
        }
        open.most = if header.fin {
            open.announced
        } else {
            self.limits.max_bytes
        };
        Ok(())
    }

    /// Makes room for the next piece of the current frame's payload.
    pub(super) fn make_room(&mut self, bytes: usize) -> Result<(), TryReserveError> {
        match &mut self.open {
            Some(open) if !self.discards => {
                // Of text, a character more than is asked for may be kept.
                let kept = self.keep.saturating_add(MAX_CHARACTER);
                open.payload.make_room(bytes, open.most().min(kept))
            }
            _ => Ok(()),
        }
    }

    /// Makes room for some of the `missing` bytes of a frame's payload, if that can be
    /// [lent](Self::lend) at all.
    pub(super) fn make_landing_room(&mut self, missing: usize) -> Result<(), TryReserveError> {
        let most = self.open.as_ref().map_or(0, Open::most);
        self.landing_place()
            .map_or(Ok(()), |buffer| buffer.make_landing_room(missing, most))
    }

    /// Lends the memory for the next of the `missing` bytes of a frame's payload, as far as there is
    /// [room](Self::make_landing_room): for bytes, which need no judging, of a message that is kept whole.
    pub(super) fn lend(&mut self, missing: usize) -> Option<Landing> {
        let buffer = self.landing_place()?;
        let memory = buffer.memory();
        let landing = buffer.lend(missing)?;
        self.lent = memory;
        Some(landing)
    }

    /// Whether memory is lent. Until it comes back, the open message can take nothing.
    pub(super) const fn is_lent(&self) -> bool {
        self.lent > 0
    }

    /// Takes back what was lent.
    pub(super) fn land(&mut self, landed: Buffer) {
        self.lent = 0;
        if let Some(buffer) = self.landing_place() {
            *buffer = landed;
        }
    }

    fn landing_place(&mut self) -> Option<&mut Buffer> {
        let is_kept_whole = !self.discards && self.keep == usize::MAX;
        match &mut self.open {
            Some(Open {
                payload: Payload::Binary(buffer),
                ..
            }) if is_kept_whole => Some(buffer),
            _ => None,
        }
    }

    /// Takes unmasked payload of the current frame, in any pieces for which there is
    /// [room](Self::make_room).
    pub(super) fn payload(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        let keep = if self.discards { 0 } else { self.keep };
        match &mut self.open {
            Some(open) => open.payload.extend(bytes, keep),
            None => Ok(()),
        }
    }

    /// Ends the current frame; returns the message if it was the last.
    pub(super) fn end_frame(&mut self, fin: bool) -> Result<Option<Message>, Rule> {
        let Some(open) = self.open.take_if(|_| fin) else {
            return Ok(None);
        };
        let message = match open.payload {
            // §5.6: a frame may cut a character, a message may not.
            Payload::Text(_, decoder) if !decoder.is_between_characters() => {
                return Err(Rule::TextNotUtf8);
            }
            Payload::Text(text, _) => Message::Text(text),
            Payload::Binary(buffer) => Message::Binary(buffer.into_bytes()),
        };
        self.last = message.len() as u64;
        Ok(Some(message).filter(|_| !self.discards))
    }

    /// Bytes of memory that it holds: those of the open message, lent or not, and the spare buffer.
    pub(super) fn memory(&self) -> usize {
        let open = self.open.as_ref().map(|open| open.payload.memory());
        open.unwrap_or(0) + self.lent + self.spare.capacity()
    }

    /// Gives the spare buffer back to the allocator.
    pub(super) fn release_memory(&mut self) {
        self.spare = Vec::new();
    }

    /// Keeps the buffer of a message that is no longer needed, such as one just sent, for the next: if that
    /// may need it, should it be as long as the last, and there is none as large.
    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        let fits = is_no_waste(capacity, self.last) && capacity as u64 <= self.limits.max_bytes;
        if fits && capacity > self.spare.capacity() && !self.discards {
            self.spare = buffer;
        }
    }
}

/// Whether a buffer is not much too large for a message: whoever gets that may keep it for long.
const fn is_no_waste(capacity: usize, length: u64) -> bool {
    capacity as u64 / 4 <= length || capacity <= SMALL
}

impl Payload {
    /// Makes room for a piece of this many bytes in a message that has at most `most` of them.
    fn make_room(&mut self, bytes: usize, most: usize) -> Result<(), TryReserveError> {
        match self {
            // The piece may also complete a character of which some bytes came before.
            Self::Text(text, _) => {
                let (length, capacity) = (text.len(), text.capacity());
                let wanted = capacity_for(length, capacity, bytes + MAX_CHARACTER, most);
                text.try_reserve_exact(wanted.saturating_sub(length))
            }
            Self::Binary(buffer) => buffer.make_room(bytes, most),
        }
    }

    /// Judges a piece, and keeps up to `keep` bytes of the message; of text, up to the end of a character.
    fn extend(&mut self, bytes: &[u8], keep: usize) -> Result<(), NotUtf8> {
        match self {
            Self::Text(text, decoder) => decoder.judge(bytes, |whole| {
                let room = keep.saturating_sub(text.len());
                let is_boundary = |&end: &usize| whole.is_char_boundary(end);
                let end = (room..whole.len()).find(is_boundary);
                text.push_str(whole.split_at(end.unwrap_or(whole.len())).0);
            }),
            Self::Binary(buffer) => {
                let room = keep.saturating_sub(buffer.len());
                buffer.put(bytes.get(..room).unwrap_or(bytes));
                Ok(())
            }
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Text(text, _) => text.capacity(),
            Self::Binary(buffer) => buffer.memory(),
        }
    }

    /// Gives the memory back; what was judged so far is remembered.
    fn discard(&mut self) {
        match self {
            Self::Text(text, _) => *text = String::new(),
            Self::Binary(buffer) => *buffer = Buffer::default(),
        }
    }
}

impl Open {
    fn new(is_text: bool, mut spare: Vec<u8>) -> Self {
        let payload = if is_text {
            spare.clear();
            let text = String::from_utf8(spare).expect("it is empty");
            Payload::Text(text, utf8::Decoder::default())
        } else {
            Payload::Binary(Buffer::new(spare))
        };
        Self {
            payload,
            announced: 0,
            most: 0,
            fragments: 0,
            empty_fragments: 0,
        }
    }

    /// The most bytes that it can come to have.
    fn most(&self) -> usize {
        usize::try_from(self.most).unwrap_or(usize::MAX)
    }
}

// Conversions and comparisons of messages: nothing of the protocol follows.

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq<str> for Message {
    fn eq(&self, text: &str) -> bool {
        self.as_text() == Some(text)
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl PartialEq<[u8]> for Message {
    fn eq(&self, bytes: &[u8]) -> bool {
        !self.is_text() && self.as_bytes() == bytes
    }
}

impl PartialEq<&[u8]> for Message {
    fn eq(&self, bytes: &&[u8]) -> bool {
        self == *bytes
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Message {
    fn eq(&self, bytes: &[u8; N]) -> bool {
        self == bytes.as_slice()
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Message {
    fn eq(&self, bytes: &&[u8; N]) -> bool {
        self == bytes.as_slice()
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<&String> for Message {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_only_for_a_message_that_is_kept_whole() {
        const LENGTH: usize = 100_000;
        let header = Header {
            fin: true,
            rsv: 0,
            opcode: Opcode::Binary,
            masking_key: None,
            payload_length: LENGTH as u64,
        };
        for (keep, is_lent) in [(usize::MAX, true), (1000, false)] {
            let mut assembler = Assembler::new(Limits::new());
            assembler.keep(keep);
            assembler.begin_frame(&header).expect("it is legal");
            assembler.payload(&[0; 5000]).expect("it is no text");
            assembler.make_landing_room(LENGTH - 5000).expect("little");
            assert_eq!(assembler.lend(LENGTH - 5000).is_some(), is_lent, "{keep}");
        }
    }

    #[test]
    fn of_buffers_that_come_back_the_largest_is_kept() {
        let mut assembler = Assembler::new(Limits::new());
        assembler.last = 100_000;
        for (capacity, kept) in [(100_000, 100_000), (200_000, 200_000), (50_000, 200_000)] {
            assembler.recycle(Vec::with_capacity(capacity));
            assert_eq!(assembler.memory(), kept);
        }
    }
}
