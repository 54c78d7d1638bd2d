//! What was read from a connection and not decoded yet.

use std::ops::Range;
use std::time::{Duration, Instant};

/// The buffer of a quiet connection: room for a small message. There may be ten thousand of these.
const AT_REST: usize = 512;
/// The buffer of a busy connection: room for many small messages.
const SMALL: usize = 4 * 1024;
/// The buffer of a connection that receives large messages.
const LARGE: usize = 64 * 1024;
/// After this long without input memory that a quiet connection does not need is given back.
pub(super) const QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    /// The part of `bytes` that was not decoded yet.
    undecoded: Range<usize>,
}

impl ReadBuffer {
    /// Begins with what arrived together with the head of the handshake.
    pub(super) fn new(after_head: &[u8]) -> Self {
        Self {
            bytes: after_head.to_vec(),
            undecoded: 0..after_head.len(),
        }
    }

    pub(super) fn undecoded(&mut self) -> &mut [u8] {
        &mut self.bytes[self.undecoded.clone()]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.undecoded.is_empty()
    }

    pub(super) const fn decoded(&mut self, length: usize) {
        self.undecoded.start += length;
    }

    /// Room for a read: more than before if the last read filled it. Everything read so far must be
    /// decoded.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let length = self.bytes.len();
        let was_filled = length > 0 && self.undecoded.end == length;
        let wanted = if was_filled {
            (4 * length).clamp(SMALL, LARGE)
        } else {
            length.max(AT_REST)
        };
        let more = wanted - length;
        // Where memory is short, it stays as it is.
        if self.bytes.try_reserve_exact(more).is_ok() || self.bytes.is_empty() {
            self.bytes.resize(wanted, 0);
        }
        self.undecoded = 0..0;
        &mut self.bytes
    }

    pub(super) const fn received(&mut self, length: usize) {
        self.undecoded = 0..length;
    }

    /// Whether it has memory to give back.
    pub(super) fn is_large(&self) -> bool {
        self.bytes.len() > AT_REST
    }

    /// Gives memory back after a while without input, and says whether it did.
    pub(super) fn release_memory(&mut self, now: Instant, last_received: Instant) -> bool {
        let is_due = self.is_large() && now.saturating_duration_since(last_received) >= QUIET;
        if is_due {
            self.bytes.truncate(AT_REST);
            self.bytes.shrink_to_fit();
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_when_it_was_filled_and_shrinks_after_a_while() {
        let mut buffer = ReadBuffer::new(b"");
        for expected in [AT_REST, SMALL, 4 * SMALL, LARGE, LARGE] {
            let room = buffer.room().len();
            assert_eq!(room, expected);
            buffer.received(room);
            buffer.decoded(room);
        }
        let start = Instant::now();
        assert!(!buffer.release_memory(start + QUIET / 2, start));
        assert!(buffer.is_large());
        assert!(buffer.release_memory(start + QUIET, start));
        assert!(!buffer.is_large());
        assert!(!buffer.release_memory(start + QUIET, start), "once");
    }

    #[test]
    fn keeps_its_size_while_reads_do_not_fill_it() {
        let mut buffer = ReadBuffer::new(b"");
        for _ in 0..3 {
            assert_eq!(buffer.room().len(), AT_REST);
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
        assert!(buffer.is_empty() && buffer.room().len() >= AT_REST);
    }
}
