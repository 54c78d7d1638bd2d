//! The bytes of a binary message while they arrive, in memory that may be lent to whoever reads them.
//!
//! A large payload is copied once into the process: [`Connection::lend`] hands out the place where its next
//! bytes belong, they are read into it, and [`Connection::land`] takes it back and unmasks them there.
//!
//! [`Connection::lend`]: super::connection::Connection::lend
//! [`Connection::land`]: super::connection::Connection::land
#![warn(clippy::indexing_slicing)]

use std::collections::TryReserveError;
use std::fmt;

/// New memory is for so many times the bytes that have arrived, whatever length is declared. So a few bytes
/// buy little, and those that begin a large message in a small read are soon followed by large reads.
const GROWTH: usize = 3;

/// Less new memory than this is not worth it, unless it is for the end of the payload: until more has arrived,
/// the payload takes the way of a small one.
const LEAST_ROOM: usize = 8 * 1024;

/// No more than this is lent at a time, so that it is unmasked while the processor has it at hand.
const MOST_ROOM: usize = 256 * 1024;

/// The bytes of a message so far.
#[derive(Default)]
pub(super) struct Buffer {
    /// Longer than what has arrived: the rest is left over from an earlier message, or zeros. So what is read
    /// straight into it finds bytes to overwrite, and a buffer that is used again need not be cleared.
    bytes: Vec<u8>,
    arrived: usize,
}

/// Memory for the next bytes of a payload, lent by a [`Connection`](super::connection::Connection). It must
/// come back, or no more of the payload can.
#[must_use]
#[derive(Debug)]
pub struct Landing {
    buffer: Buffer,
    room: usize,
}

impl Landing {
    /// Where the next bytes of the payload belong, as they come from the peer. What it holds before is of no
    /// meaning.
    #[must_use]
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.after_arrived(self.room)
    }

    /// Takes so many bytes of the room for arrived, after `unmask`.
    pub(super) fn take(mut self, length: usize, unmask: impl FnOnce(&mut [u8])) -> Buffer {
        let length = length.min(self.room);
        unmask(self.buffer.after_arrived(length));
        self.buffer.arrived += length;
        self.buffer
    }
}

impl Buffer {
    /// Begins in memory that was used before, or in an empty vector.
    pub(super) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, arrived: 0 }
    }

    /// Bytes that have arrived.
    pub(super) const fn len(&self) -> usize {
        self.arrived
    }

    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for so many bytes more of a message that has at most `most`.
    pub(super) fn make_room(&mut self, more: usize, most: usize) -> Result<(), TryReserveError> {
        let wanted = capacity_for(self.arrived, self.memory(), more, most);
        self.bytes
            .try_reserve_exact(wanted.saturating_sub(self.bytes.len()))
    }

    /// Makes room for a good part of the `missing` bytes of a payload, if enough has arrived for that.
    pub(super) fn make_landing_room(
        &mut self,
        missing: usize,
        most: usize,
    ) -> Result<(), TryReserveError> {
        let more = missing.min(GROWTH * self.arrived);
        if self.memory() > self.arrived || more < missing.min(LEAST_ROOM) {
            return Ok(());
        }
        self.make_room(more, most)
    }

    /// Takes bytes that have arrived elsewhere.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let before = self.bytes.len() - self.arrived;
        let (over, after) = bytes.split_at(bytes.len().min(before));
        self.after_arrived(over.len()).copy_from_slice(over);
        self.bytes.extend_from_slice(after);
        self.arrived += bytes.len();
    }

    /// Lends itself for up to `missing` bytes, as far as there is room.
    pub(super) fn lend(&mut self, missing: usize) -> Option<Landing> {
        let room = (self.memory() - self.arrived).min(missing).min(MOST_ROOM);
        if room == 0 {
            return None;
        }
        let end = self.arrived + room;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let buffer = std::mem::take(self);
        Some(Landing { buffer, room })
    }

    /// What has arrived.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.arrived);
        self.bytes
    }

    fn after_arrived(&mut self, length: usize) -> &mut [u8] {
        let (_, rest) = self.bytes.split_at_mut(self.arrived);
        rest.split_at_mut(length).0
    }
}

/// Shows no bytes: some may be an earlier message's.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Buffer");
        debug.field("arrived", &self.arrived);
        debug.finish_non_exhaustive()
    }
}

/// How much memory a message needs that has `length` bytes in memory for `capacity`, when `more` come: twice
/// as much as before, so that each byte is moved a few times at most, but never for more than `most`.
pub(super) fn capacity_for(length: usize, capacity: usize, more: usize, most: usize) -> usize {
    let needed = length.saturating_add(more).min(most);
    if needed <= capacity {
        needed
    } else {
        needed.max(capacity.saturating_mul(2).min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lands `length` bytes of `missing`, or as many as there is room for, and returns how many that was.
    fn land(buffer: &mut Buffer, length: usize, missing: usize, most: usize) -> usize {
        buffer.make_landing_room(missing, most).expect("little");
        let mut landing = buffer.lend(missing).expect("there is room");
        let here = landing.room().len().min(length);
        landing.room().fill(7);
        *buffer = landing.take(here, |_| ());
        here
    }

    #[test]
    fn memory_follows_what_arrives_and_ends_at_what_is_announced() {
        const ANNOUNCED: usize = 3 << 20;
        const BEGUN: usize = 4000;
        for piece in [1, 1000, 5000, 64 * 1024, usize::MAX] {
            let mut buffer = Buffer::new(vec![7; BEGUN]);
            buffer.put(&[7; BEGUN]);
            while buffer.len() < ANNOUNCED && (piece > 1 || buffer.len() < 70_000) {
                let before = buffer.len();
                land(&mut buffer, piece, ANNOUNCED - before, ANNOUNCED);
                let allowed = (4 * before).min(ANNOUNCED);
                let memory = buffer.memory();
                assert!(memory <= allowed, "{memory} at {before}");
            }
        }
    }

    #[test]
    fn little_that_has_arrived_buys_no_memory_however_much_is_announced() {
        for arrived in [0, 1, 8, 500, 2500] {
            let mut buffer = Buffer::default();
            buffer.put(&vec![7; arrived]);
            let before = buffer.memory();
            buffer.make_landing_room(1 << 30, 1 << 30).expect("nothing");
            assert_eq!(buffer.memory(), before, "{arrived}");
        }
    }

    #[test]
    fn a_large_payload_needs_few_reads() {
        let mut buffer = Buffer::new(vec![7; 4000]);
        buffer.put(&[7; 4000]);
        let mut reads = 0;
        let announced = 1 << 20;
        while buffer.len() < announced {
            // Each read but the last fills its room all but a byte.
            let missing = announced - buffer.len();
            let room = buffer.memory() - buffer.len();
            let length = if room > 1 { room - 1 } else { announced };
            land(&mut buffer, length, missing, announced);
            reads += 1;
        }
        assert!(reads < 20, "{reads}");
    }

    #[test]
    fn what_an_earlier_message_left_behind_is_written_over_or_cut_off() {
        for (put, landed) in [(0, 10), (4, 0), (4, 3), (10, 0), (12, 4), (20, 0)] {
            let mut buffer = Buffer::new(vec![0xAA; 10]);
            buffer.put(&vec![7; put / 2]);
            buffer.put(&vec![7; put - put / 2]);
            if landed > 0 {
                assert_eq!(land(&mut buffer, landed, landed, put + landed), landed);
            }
            assert_eq!(buffer.into_bytes(), vec![7; put + landed]);
        }
    }

    #[test]
    fn memory_that_was_used_before_is_lent_as_it_is() {
        let mut buffer = Buffer::new(vec![0xAA; 10_000]);
        buffer.put(&[7; 10]);
        let mut landing = buffer.lend(20_000).expect("there is room");
        assert_eq!(landing.room(), [0xAA; 9990]);
    }

    #[test]
    fn no_more_is_lent_than_is_missing_or_handled_well_at_once() {
        for (missing, lent) in [(1, 1), (100, 100), (2 * MOST_ROOM, MOST_ROOM)] {
            let mut buffer = Buffer::new(vec![0; 2 * MOST_ROOM]);
            let mut landing = buffer.lend(missing).expect("there is room");
            assert_eq!(landing.room().len(), lent);
        }
        assert!(Buffer::default().lend(1).is_none(), "there is no room");
    }
}
