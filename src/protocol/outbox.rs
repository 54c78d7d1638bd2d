//! What waits to be written: whole frames, in the order in which they leave.
//!
//! Small frames are gathered in one buffer, because copying a little costs less than one more call of the
//! system. A large payload is not copied: the message is moved here, and written from where it is.
//!
//! ```text
//!   pongs, then   | frame | frame | header |  + payload  ,   | header |  + payload  ,   | frame | frame |
//!                 └─────── gathered ───────┘  its own        └────────┘  its own        └── gathered ───┘
//!                 └───────────── a chunk ──────────────┘     └──── a chunk ─────┘       └─ a chunk ─────┘
//! ```
#![warn(clippy::indexing_slicing)]

use super::frame::{self, Header, KeySource, MaskingKey, Opcode};
use super::prepared::PreparedMessage;
use std::collections::{TryReserveError, VecDeque};

/// A payload of at least this many bytes is written from where it is. Below, to copy it is cheaper.
pub(super) const LARGE: usize = 32 * 1024;

/// Frames are gathered up to this many bytes, so that a pong waits for no more than that, or than one large
/// frame. Enough for 64 KiB and one frame more: what is written as soon as it is longer than that leaves in one
/// call.
const GATHERED: usize = 64 * 1024 + LARGE;

/// The buffer of gathered frames grows by no more than this at once, unless one frame needs more.
const STEP: usize = 16 * 1024;

/// Pongs that wait to be written take at most about this many bytes, some sixteen pongs of full size.
/// When there are more, only the latest ping is answered (§5.5.3).
const MAX_WAITING_PONGS: usize = 2 * 1024;

/// Whole frames to be written. If the last of them is large, its payload is in memory of its own.
///
/// ```
/// use plainws::protocol::connection::Connection;
/// use plainws::protocol::outbox::Chunk;
///
/// let mut server = Connection::server(Default::default());
/// server.send("small")?;
/// server.send(vec![7; 1 << 20])?;
/// let mut chunk = Chunk::default();
/// server.take_chunk(&mut chunk);
/// let [frames, payload] = chunk.pieces();
/// assert_eq!((frames.len(), payload.len()), (2 + 5 + 10, 1 << 20));
/// # Ok::<(), plainws::Misuse>(())
/// ```
#[derive(Debug, Default)]
pub struct Chunk {
    /// Frames that were gathered, the last one without its payload if that is large.
    frames: Vec<u8>,
    payload: Option<Payload>,
}

/// A large payload, in memory of its own.
#[derive(Debug)]
pub(super) enum Payload {
    Owned(Vec<u8>),
    Shared(PreparedMessage),
}

impl Chunk {
    /// Its bytes, in two pieces: one follows the other, and either may be empty.
    #[must_use]
    pub fn pieces(&self) -> [&[u8]; 2] {
        let payload = self.payload.as_ref().map(Payload::as_bytes);
        [&self.frames, payload.unwrap_or_default()]
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it takes. A prepared message counts in full with each connection that is to write
    /// it: the others may be faster.
    #[must_use]
    pub fn memory(&self) -> usize {
        let payload = self.payload.as_ref().map(Payload::memory);
        self.frames.capacity() + payload.unwrap_or(0)
    }

    /// Its bytes in one piece.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.frames;
        if let Some(payload) = self.payload {
            bytes.extend_from_slice(payload.as_bytes());
        }
        bytes
    }

    /// Leaves it empty. Returns the buffer of its large payload.
    pub(super) fn clear(&mut self) -> Option<Vec<u8>> {
        self.frames.clear();
        match self.payload.take() {
            Some(Payload::Owned(buffer)) => Some(buffer),
            _ => None,
        }
    }
}

/// A chunk of gathered frames, to be used as a buffer.
impl From<Vec<u8>> for Chunk {
    fn from(frames: Vec<u8>) -> Self {
        Self {
            frames,
            payload: None,
        }
    }
}

impl Payload {
    /// A copy of one that is borrowed.
    pub(super) fn copy(bytes: &[u8]) -> Result<Self, TryReserveError> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(bytes.len())?;
        copy.extend_from_slice(bytes);
        Ok(Self::Owned(copy))
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(prepared) => prepared.message().as_bytes(),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Owned(bytes) => bytes.capacity(),
            Self::Shared(prepared) => prepared.message().memory(),
        }
    }

    /// Masks it where it is. What is shared is never masked: it is on its way to several peers.
    fn mask(&mut self, key: MaskingKey) {
        if let Self::Owned(bytes) = self {
            frame::mask(bytes, key, 0);
        }
    }
}

/// All that one end has to write.
#[derive(Default)]
pub(super) struct Outbox {
    /// Asked for a key for each frame; `None` in a server, which masks nothing.
    keys: Option<KeySource>,
    /// Whole pong frames, to be written ahead of everything else.
    pongs: Vec<u8>,
    /// Chunks that are complete. They leave before what is gathered now.
    chunks: VecDeque<Chunk>,
    /// Bytes of these chunks, and of the memory that they take.
    chunks_length: usize,
    chunks_memory: usize,
    /// Takes the next frame.
    gathered: Vec<u8>,
}

impl Outbox {
    pub(super) fn new(keys: Option<KeySource>) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    // What goes in.

    /// Queues a frame with a copy of its payload.
    pub(super) fn push(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), TryReserveError> {
        self.make_room(frame::MAX_HEADER + payload.len())?;
        let header = self.header(opcode, payload.len());
        encode(&header, payload, &mut self.gathered);
        Ok(())
    }

    /// Queues a frame whose payload stays where it is.
    pub(super) fn push_large(
        &mut self,
        opcode: Opcode,
        mut payload: Payload,
    ) -> Result<(), TryReserveError> {
        self.make_room(frame::MAX_HEADER)?;
        let header = self.header(opcode, payload.as_bytes().len());
        if let Some(key) = header.masking_key {
            payload.mask(key);
        }
        header.encode(&mut self.gathered);
        self.end_chunk(Some(payload));
        Ok(())
    }

    /// Queues bytes as they are.
    pub(super) fn push_raw(&mut self, bytes: &[u8]) -> Result<(), TryReserveError> {
        if bytes.len() >= LARGE {
            self.end_chunk(Some(Payload::copy(bytes)?));
        } else {
            self.make_room(bytes.len())?;
            self.gathered.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Queues a Close, also when there is no memory left for anything else.
    pub(super) fn push_close(&mut self, body: &[u8]) {
        self.end_chunk_before(frame::MAX_HEADER + body.len());
        let header = self.header(Opcode::Close, body.len());
        encode(&header, body, &mut self.gathered);
    }

    pub(super) fn push_pong(&mut self, payload: &[u8]) {
        if self.pongs.len() >= MAX_WAITING_PONGS {
            self.pongs.clear();
        }
        let header = self.header(Opcode::Pong, payload.len());
        encode(&header, payload, &mut self.pongs);
    }

    // What comes out.

    /// Moves the next chunk into an empty one, whose buffer is used again.
    pub(super) fn take(&mut self, chunk: &mut Chunk) {
        if !self.pongs.is_empty() {
            chunk.frames.append(&mut self.pongs);
            // When what is gathered is all that is left, it goes out in the same write.
            if self.chunks.is_empty() {
                chunk.frames.append(&mut self.gathered);
            }
        } else if let Some(next) = self.chunks.pop_front() {
            self.chunks_length -= next.len();
            self.chunks_memory -= next.memory();
            *chunk = next;
        } else {
            std::mem::swap(&mut chunk.frames, &mut self.gathered);
        }
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.pongs.len() + self.chunks_length + self.gathered.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gathered.is_empty() && self.pongs.is_empty() && self.chunks.is_empty()
    }

    pub(super) fn has_pongs(&self) -> bool {
        !self.pongs.is_empty()
    }

    // Memory.

    /// Bytes of memory that it holds.
    pub(super) fn memory(&self) -> usize {
        self.pongs.capacity() + self.chunks_memory + self.gathered.capacity()
    }

    /// The most that it will hold more when a payload of so many bytes is queued.
    pub(super) fn growth(&self, payload: usize) -> usize {
        let copied = if payload < LARGE { payload } else { 0 };
        let length = frame::MAX_HEADER + copied;
        let gathered = if self.is_full(length) {
            length
        } else {
            self.step(length)
        };
        gathered + payload - copied
    }

    /// Gives back what is not in use.
    pub(super) fn release_memory(&mut self) {
        self.pongs.shrink_to_fit();
        self.gathered.shrink_to_fit();
    }

    /// Drops all that waits.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.keys.take());
    }

    // The details.

    fn header(&mut self, opcode: Opcode, length: usize) -> Header {
        Header {
            fin: true,
            rsv: 0,
            opcode,
            masking_key: self.keys.as_mut().map(|next_key| next_key()),
            payload_length: length as u64,
        }
    }

    /// Makes room for so many bytes to be gathered.
    fn make_room(&mut self, length: usize) -> Result<(), TryReserveError> {
        self.end_chunk_before(length);
        self.gathered.try_reserve_exact(self.step(length))
    }

    /// For how many bytes to make room when so many are to be gathered: 0 if there is enough.
    fn step(&self, length: usize) -> usize {
        if self.gathered.capacity() - self.gathered.len() >= length {
            return 0;
        }
        length.max(self.gathered.len().min(STEP))
    }

    /// Begins a new chunk, unless so many bytes more still fit.
    fn end_chunk_before(&mut self, length: usize) {
        if self.is_full(length) {
            self.end_chunk(None);
        }
    }

    fn is_full(&self, length: usize) -> bool {
        !self.gathered.is_empty() && self.gathered.len() + length > GATHERED
    }

    fn end_chunk(&mut self, payload: Option<Payload>) {
        let frames = std::mem::take(&mut self.gathered);
        let chunk = Chunk { frames, payload };
        self.chunks_length += chunk.len();
        self.chunks_memory += chunk.memory();
        self.chunks.push_back(chunk);
    }
}

/// Appends a whole frame.
fn encode(header: &Header, payload: &[u8], output: &mut Vec<u8>) {
    output.reserve(frame::MAX_HEADER + payload.len());
    header.encode(output);
    let start = output.len();
    output.extend_from_slice(payload);
    if let Some(key) = header.masking_key {
        frame::mask(output.split_at_mut(start).1, key, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_overtakes_what_waits_and_nothing_else_does() {
        let mut outbox = Outbox::new(None);
        let large = Payload::Owned(vec![7; LARGE]);
        outbox.push_large(Opcode::Binary, large).expect("little");
        outbox.push(Opcode::Text, b"last").expect("little");
        outbox.push_pong(b"");
        let mut chunk = Chunk::default();
        for first in [b"\x8A\0", b"\x82\x7E", b"\x81\x04"] {
            chunk.clear();
            outbox.take(&mut chunk);
            assert!(chunk.pieces()[0].starts_with(first));
        }
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_is_queued_takes_no_more_memory_than_was_said_before() {
        let lengths = [1, 125, LARGE - 1, LARGE, 3 * LARGE].into_iter();
        for length in lengths.chain((1000..LARGE).step_by(1000)) {
            let mut outbox = Outbox::new(None);
            let mut steps = 0;
            for _ in 0..200 {
                let before = outbox.memory();
                let growth = outbox.growth(length);
                let queued = match length {
                    LARGE.. => outbox.push_large(Opcode::Binary, Payload::Owned(vec![7; length])),
                    _ => outbox.push(Opcode::Binary, &vec![7; length]),
                };
                queued.expect("there is memory");
                let grown = outbox.memory() - before;
                assert!(grown <= growth, "{grown} > {growth} at {length}");
                steps += usize::from(growth > 0);
            }
            assert!(length > 125 || steps < 20, "{steps} steps at {length}");
        }
    }
}
