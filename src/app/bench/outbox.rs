//! What a connection still has to write.

use super::messages::{Form, Front, Id, Messages};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};

/// Messages up to this size are gathered in one buffer, which costs less than a slice for each.
pub(crate) const GATHERED: usize = 4096;
/// Slices handed to one write.
const SLICES: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Chunk>,
    /// Bytes of the first chunk that were written.
    written: usize,
    /// A buffer to gather in, used before.
    spare: Vec<u8>,
}

#[derive(Debug)]
enum Chunk {
    Bytes(Vec<u8>),
    Front(Front),
    /// The body of the message with this number, from where it was made.
    Body(u64),
}

impl Chunk {
    fn length(&self, messages: &Messages) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Front(front) => front.bytes().len(),
            Self::Body(_) => messages.body_length(),
        }
    }

    /// The bytes from `at` on, as far as they lie together.
    fn from<'a>(&'a self, at: usize, messages: &'a Messages) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => &bytes[at..],
            Self::Front(front) => &front.bytes()[at..],
            Self::Body(number) => messages.body(*number, Form::Frame, at),
        }
    }
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Queues a message as a frame.
    pub(crate) fn send(&mut self, id: Id, messages: &Messages) {
        let front = messages.front(id, Form::Frame);
        if messages.size() > GATHERED {
            self.queue.push_back(Chunk::Front(front));
            self.queue.push_back(Chunk::Body(id.number));
        } else {
            let buffer = self.buffer();
            buffer.extend_from_slice(front.bytes());
            buffer.extend_from_slice(messages.body(id.number, Form::Frame, 0));
        }
    }

    /// The end of what is queued, to be appended to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if !matches!(self.queue.back(), Some(Chunk::Bytes(_))) {
            let buffer = std::mem::take(&mut self.spare);
            self.queue.push_back(Chunk::Bytes(buffer));
        }
        match self.queue.back_mut() {
            Some(Chunk::Bytes(bytes)) => bytes,
            _ => unreachable!("it was queued just now"),
        }
    }

    /// Writes until all is written or the stream takes no more.
    pub(crate) fn write(&mut self, to: &mut impl Write, messages: &Messages) -> io::Result<()> {
        while !self.queue.is_empty() {
            let written = match self.write_some(to, messages) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.advance(written, messages);
        }
        Ok(())
    }

    fn write_some(&self, to: &mut impl Write, messages: &Messages) -> io::Result<usize> {
        if let (1, Some(Chunk::Bytes(bytes))) = (self.queue.len(), self.queue.front()) {
            return to.write(&bytes[self.written..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let mut at = self.written;
        for chunk in &self.queue {
            let length = chunk.length(messages);
            while at < length && used < SLICES {
                let piece = chunk.from(at, messages);
                slices[used] = IoSlice::new(piece);
                used += 1;
                at += piece.len();
            }
            if used == SLICES {
                break;
            }
            at = 0;
        }
        to.write_vectored(&slices[..used])
    }

    fn advance(&mut self, written: usize, messages: &Messages) {
        self.written += written;
        while let Some(first) = self.queue.front() {
            let length = first.length(messages);
            if self.written < length {
                return;
            }
            self.written -= length;
            if let Some(Chunk::Bytes(mut bytes)) = self.queue.pop_front() {
                bytes.clear();
                self.spare = bytes;
            }
        }
    }
}
