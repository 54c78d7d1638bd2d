//! What was read from a connection and not decoded yet.

use crate::protocol::connection::Connection;
use crate::protocol::landing::Landing;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The buffer of a quiet connection: room for a small message. There may be ten thousand of these.
const AT_REST: usize = 512;
/// The buffer of a busy connection: room for many small messages.
const SMALL: usize = 4 * 1024;
/// The buffer of a connection that receives many or large texts. One of 64 KiB, as many programs send them,
/// comes in one read with its header: in two, it would cost a sixth more.
const LARGE: usize = 68 * 1024;
/// When so much of a binary payload is missing, it is read straight into its message.
pub(super) const LANDING: usize = 16 * 1024;
/// After this long without input memory that a quiet connection does not need is given back.
pub(super) const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    /// How much of `bytes` a read may fill.
    size: usize,
    /// The part of `bytes` that was not decoded yet.
    undecoded: Range<usize>,
    /// Whether nothing was read that is still to be decoded, here or where it landed.
    is_decoded: bool,
    /// Where the payload goes that is arriving, if it is large. What comes after it goes to `bytes`.
    landing: Option<Landing>,
    /// How much of it has come there.
    landed: usize,
}

impl ReadBuffer {
    /// Begins with what arrived together with the head of the handshake.
    pub(super) fn new(after_head: &[u8]) -> Self {
        Self {
            bytes: after_head.to_vec(),
            size: after_head.len(),
            undecoded: 0..after_head.len(),
            is_decoded: after_head.is_empty(),
            landing: None,
            landed: 0,
        }
    }

    pub(super) fn undecoded(&mut self) -> &mut [u8] {
        &mut self.bytes[self.undecoded.clone()]
    }

    pub(super) const fn decoded(&mut self, length: usize) {
        self.undecoded.start += length;
        self.is_decoded = self.undecoded.start == self.undecoded.end;
    }

    /// Whether nothing was read that is still to be decoded.
    pub(super) fn is_empty(&self) -> bool {
        self.is_decoded
    }

    /// Room for a read: more than before if the last read filled it. Everything read so far must be
    /// decoded.
    pub(super) fn room(&mut self) -> (&mut [u8], &mut [u8]) {
        let was_filled = self.size > 0 && self.undecoded.end == self.size;
        self.undecoded = 0..0;
        self.landed = 0;
        self.size = match &self.landing {
            // It is the beginning of the next message that comes after it, perhaps again a large one.
            Some(_) => SMALL,
            None if was_filled => (4 * self.size).clamp(SMALL, LARGE),
            None => self.size.max(AT_REST),
        };
        let more = self.size.saturating_sub(self.bytes.len());
        if self.bytes.try_reserve_exact(more).is_ok() || self.bytes.is_empty() {
            self.bytes.resize(self.bytes.len() + more, 0);
        }
        // Where memory is short, it stays as it is.
        self.size = self.size.min(self.bytes.len());
        let landing = self.landing.as_mut().map_or(&mut [][..], Landing::room);
        (landing, &mut self.bytes[..self.size])
    }

    pub(super) fn received(&mut self, length: usize) {
        let room = self
            .landing
            .as_mut()
            .map_or(0, |landing| landing.room().len());
        self.landed = length.min(room);
        self.undecoded = 0..length - self.landed;
        self.is_decoded = false;
    }

    /// What was read, as it came.
    pub(super) fn parts(&mut self) -> [&[u8]; 2] {
        let landing = self.landing.as_mut().map_or(&mut [][..], Landing::room);
        [&landing[..self.landed], &self.bytes[self.undecoded.clone()]]
    }

    /// Borrows the memory for the rest of a large payload, for a thread that reads.
    pub(super) fn borrow_landing(&mut self, connection: &mut Connection) {
        self.landing = connection.lend(LANDING);
    }

    /// Gives it back with what was read into it.
    pub(super) fn return_landing(&mut self, connection: &mut Connection) {
        if let Some(landing) = self.landing.take() {
            connection.land(landing, std::mem::take(&mut self.landed));
        }
    }

    /// Whether it has memory to give back.
    pub(super) fn is_large(&self) -> bool {
        self.bytes.len() > AT_REST
    }

    /// Gives memory back after a while without input.
    pub(super) fn release_memory(&mut self, now: Instant, last_received: Instant) {
        if self.is_large() && now.saturating_duration_since(last_received) >= QUIET {
            self.bytes.truncate(AT_REST);
            self.bytes.shrink_to_fit();
            self.size = AT_REST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_when_it_was_filled_and_shrinks_after_a_while() {
        let mut buffer = ReadBuffer::new(b"");
        for expected in [AT_REST, SMALL, 4 * SMALL, 16 * SMALL, LARGE, LARGE] {
            let room = buffer.room().1.len();
            assert_eq!(room, expected);
            buffer.received(room);
            buffer.decoded(room);
        }
        let start = Instant::now();
        buffer.release_memory(start + QUIET / 2, start);
        assert!(buffer.is_large());
        buffer.release_memory(start + QUIET, start);
        assert!(!buffer.is_large());
    }

    #[test]
    fn keeps_its_size_while_reads_do_not_fill_it() {
        let mut buffer = ReadBuffer::new(b"");
        for _ in 0..3 {
            assert_eq!(buffer.room().1.len(), AT_REST);
            buffer.received(AT_REST - 1);
            buffer.decoded(AT_REST - 1);
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn begins_with_what_came_after_the_head() {
        let mut buffer = ReadBuffer::new(b"after the head");
        assert_eq!(buffer.undecoded(), b"after the head");
        buffer.decoded(14);
        assert!(buffer.is_empty() && buffer.room().1.len() >= AT_REST);
    }
}
