//! The segments of one direction of a TCP connection, put in order.
//!
//! They come reordered, repeated, overlapping and not at all. What is there first counts, as it does for most
//! receivers; what is missing ends the stream, because nobody can say what the bytes after it are.
#![warn(clippy::indexing_slicing)]

use std::collections::BTreeMap;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Direction {
    /// The sequence number of the stream's first byte, if it is known yet.
    first: Option<u32>,
    /// How many bytes have been handed out.
    delivered: u64,
    /// Pieces that wait for those before them, none overlapping, by their place in the stream.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// How many bytes they have.
    waiting_bytes: usize,
    /// Where the stream ends by all that was sent, captured or not.
    announced: u64,
    /// Bytes that came after something that is missing for good.
    lost: u64,
}

/// Bytes that wait at most; then what is before them counts as missing for good. Wider than a common window.
pub(crate) const MAX_WAITING: usize = 4 * 1024 * 1024;

/// What is missing in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// How many bytes, at the least.
    pub(crate) bytes: u64,
    /// How many bytes after it were captured.
    pub(crate) after: u64,
}

impl Direction {
    /// Takes note of a SYN, which has a number of its own before the first byte's (RFC 9293 §3.4), and returns the
    /// number of the byte after it.
    pub(crate) fn begin(&mut self, sequence: u32) -> u32 {
        let next = sequence.wrapping_add(1);
        self.first.get_or_insert(next);
        next
    }

    /// Whether this SYN begins another stream than the one that goes on here.
    pub(crate) fn is_begun_anew(&self, sequence: u32) -> bool {
        let first = self.first.map(|first| first.wrapping_sub(1));
        first.is_some_and(|syn| syn != sequence)
    }

    /// Takes a segment, of which some bytes may not have been captured; hands out what is in order now, piece by
    /// piece.
    pub(crate) fn receive(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        missing: usize,
        mut take: impl FnMut(&[u8]),
    ) {
        if bytes.is_empty() && missing == 0 {
            return;
        }
        let first = *self.first.get_or_insert(sequence);
        let Some((at, bytes)) = self.place(first, sequence, bytes) else {
            return;
        };
        let end = at + bytes.len() as u64 + missing as u64;
        self.announced = self.announced.max(end);
        if self.lost > 0 {
            self.lost += bytes.len() as u64;
            return;
        }
        if at == self.delivered && self.waiting.is_empty() && !bytes.is_empty() {
            self.delivered += bytes.len() as u64;
            return take(bytes);
        }
        self.keep(at, bytes);
        while let Some(piece) = self.waiting.first_entry() {
            if *piece.key() > self.delivered {
                break;
            }
            let piece = piece.remove();
            self.waiting_bytes -= piece.len();
            self.delivered += piece.len() as u64;
            take(&piece);
        }
        self.bound();
    }

    /// Where a segment belongs in the stream, and what of it is new. Numbers of 32 bits begin again at 0, so the
    /// one nearest to what was handed out last is meant.
    fn place<'a>(&self, first: u32, sequence: u32, bytes: &'a [u8]) -> Option<(u64, &'a [u8])> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "numbers are counted modulo 2^32"
        )]
        let expected = first.wrapping_add(self.delivered as u32);
        let distance = sequence.wrapping_sub(expected) as i32;
        let at = self.delivered.checked_add_signed(distance.into());
        match at {
            Some(at) if at >= self.delivered => Some((at, bytes)),
            // It begins with what is known, or with what came before the first byte that was captured.
            _ => {
                let known = usize::try_from(distance.unsigned_abs()).ok()?;
                Some((self.delivered, bytes.get(known..)?))
            }
        }
    }

    /// Keeps what of these bytes does not wait already.
    fn keep(&mut self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let before = self.waiting.range(..=at).next_back();
            let known_to = before.map_or(0, |(start, piece)| start + piece.len() as u64);
            if known_to > at {
                let known = usize::try_from(known_to - at).unwrap_or(usize::MAX);
                bytes = bytes.get(known..).unwrap_or_default();
                at = known_to;
                continue;
            }
            let next = self.waiting.range(at..).next();
            let room = next.map_or(u64::MAX, |(start, _)| start - at);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            self.waiting.insert(at, piece.to_vec());
            self.waiting_bytes += piece.len();
            at += piece.len() as u64;
            bytes = rest;
        }
    }

    /// Gives up what is before the pieces that wait, once they are too many.
    fn bound(&mut self) {
        if self.waiting_bytes > MAX_WAITING {
            self.lost = self.waiting_bytes as u64;
            let first = self.waiting.keys().next().copied();
            self.waiting.clear();
            self.waiting_bytes = 0;
            // Only where it was is of interest from now on.
            if let Some(first) = first {
                self.waiting.insert(first, Vec::new());
            }
        }
    }

    /// What is missing, once no segment comes any more.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let first = self.waiting.keys().next().copied();
        let end = first.unwrap_or(self.announced);
        (end > self.delivered).then(|| Gap {
            bytes: end - self.delivered,
            after: self.waiting_bytes as u64 + self.lost,
        })
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

    type Segments<'a> = &'a [(u32, &'a [u8])];

    /// Feeds segments of a stream, each with the place of its first byte.
    fn put_together(first: u32, segments: Segments<'_>) -> (Vec<u8>, Option<Gap>) {
        let mut direction = Direction::default();
        direction.begin(first.wrapping_sub(1));
        let mut stream: Vec<u8> = Vec::new();
        for (at, bytes) in segments {
            let sequence = first.wrapping_add(*at);
            direction.receive(sequence, bytes, 0, |piece| stream.extend(piece));
        }
        (stream, direction.gap())
    }

    #[test]
    fn segments_are_put_in_order() {
        let gap = |bytes, after| Some(Gap { bytes, after });
        let cases: &[(&str, Segments<'_>, &[u8], Option<Gap>)] = &[
            ("in order", &[(0, b"ab"), (2, b"cd")], b"abcd", None),
            ("reordered", &[(2, b"cd"), (0, b"ab")], b"abcd", None),
            (
                "all reversed",
                &[(4, b"e"), (3, b"d"), (2, b"c"), (0, b"ab")],
                b"abcde",
                None,
            ),
            (
                "repeated",
                &[(0, b"ab"), (0, b"ab"), (2, b"cd")],
                b"abcd",
                None,
            ),
            (
                "repeated late",
                &[(0, b"ab"), (2, b"cd"), (0, b"ab")],
                b"abcd",
                None,
            ),
            (
                "repeated while waiting",
                &[(2, b"cd"), (2, b"cd"), (0, b"ab")],
                b"abcd",
                None,
            ),
            (
                "repeated with more",
                &[(0, b"ab"), (0, b"abcd")],
                b"abcd",
                None,
            ),
            (
                "overlapping the end",
                &[(0, b"abc"), (1, b"XYd")],
                b"abcd",
                None,
            ),
            (
                "overlapping what waits",
                &[(2, b"cd"), (0, b"abXYe")],
                b"abcde",
                None,
            ),
            (
                "what waits first wins",
                &[(3, b"d"), (2, b"cXe"), (0, b"ab")],
                b"abcde",
                None,
            ),
            (
                "around what waits",
                &[(3, b"d"), (5, b"f"), (2, b"cXeXg"), (0, b"ab")],
                b"abcdefg",
                None,
            ),
            (
                "a keep-alive",
                &[(0, b"ab"), (1, b"X"), (2, b"c")],
                b"abc",
                None,
            ),
            (
                "missing",
                &[(0, b"ab"), (3, b"de"), (5, b"f")],
                b"ab",
                gap(1, 3),
            ),
            ("missing at the start", &[(4, b"e")], b"", gap(4, 1)),
            ("empty", &[(0, b""), (5, b""), (0, b"a")], b"a", None),
        ];
        // Numbers begin again at 0 in the middle of the stream.
        for first in [
            1,
            0,
            u32::MAX,
            u32::MAX - 1,
            u32::MAX - 2,
            u32::MAX - 4,
            1 << 31,
        ] {
            for (name, segments, stream, gap) in cases {
                let (put, missing) = put_together(first, segments);
                assert_eq!((&*put, missing), (*stream, *gap), "{name} from {first}");
            }
        }
    }

    #[test]
    fn a_stream_from_the_middle_begins_with_its_first_segment() {
        let mut direction = Direction::default();
        let mut stream: Vec<u8> = Vec::new();
        for (sequence, bytes) in [(1000, b"cd"), (998, b"ab"), (1002, b"ef"), (999, b"bX")] {
            direction.receive(sequence, bytes, 0, |piece| stream.extend(piece));
        }
        assert_eq!(stream, b"cdef");
    }

    #[test]
    fn bytes_that_were_not_captured_are_missing_unless_they_come_again() {
        for (again, stream, gap) in [
            (&[][..], &b"abcd"[..], Some((4, 2))),
            (&[(5, &b"efgh"[..])], b"abcdefghij", None),
            (&[(5, b"ef")], b"abcdef", Some((2, 2))),
        ] {
            let mut direction = Direction::default();
            direction.begin(0);
            let mut put: Vec<u8> = Vec::new();
            direction.receive(1, b"abcd", 4, |piece| put.extend(piece));
            direction.receive(9, b"ij", 0, |piece| put.extend(piece));
            for (sequence, bytes) in again {
                direction.receive(*sequence, bytes, 0, |piece| put.extend(piece));
            }
            let found = direction.gap().map(|gap| (gap.bytes, gap.after));
            assert_eq!((&*put, found), (stream, gap));
        }
        let mut last = Direction::default();
        last.begin(0);
        last.receive(1, b"", 4, |_| panic!("there is nothing"));
        assert_eq!(last.gap(), Some(Gap { bytes: 4, after: 0 }));
    }

    #[test]
    fn another_syn_is_another_stream() {
        let mut direction = Direction::default();
        assert!(!direction.is_begun_anew(7));
        direction.begin(7);
        assert!(!direction.is_begun_anew(7)); // sent again
        assert!(direction.is_begun_anew(8));
    }

    #[test]
    fn any_order_and_repetition_of_segments_gives_the_stream() {
        let mut state = 1_u32;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
            (state >> 16) as usize % below
        };
        for _ in 0..2_000 {
            let mut segments = Vec::new();
            for start in 0..TEXT.len() {
                let end = (start + 1 + random(6)).min(TEXT.len());
                segments.push((u32::try_from(start).expect("few"), &TEXT[start..end]));
            }
            for i in (1..segments.len()).rev() {
                segments.swap(i, random(i + 1));
            }
            let first = u32::MAX - u32::try_from(random(40)).expect("few");
            assert_eq!(put_together(first, &segments), (TEXT.to_vec(), None));
        }
    }

    #[test]
    fn what_waits_is_bounded_and_then_lost() {
        let mut direction = Direction::default();
        direction.begin(0);
        let piece = vec![7; 60_000];
        let mut handed_out = 0;
        let count = MAX_WAITING / piece.len() + 10;
        for i in 0..count {
            let sequence = u32::try_from(11 + i * piece.len()).expect("within 4 GiB");
            direction.receive(sequence, &piece, 0, |piece| handed_out += piece.len());
        }
        let gap = direction.gap().expect("ten bytes are missing");
        assert_eq!(gap.bytes, 10);
        assert_eq!(gap.after, (count * piece.len()) as u64);
        assert!(direction.waiting_bytes <= MAX_WAITING);
        // Too late.
        direction.receive(1, &[7; 10], 0, |piece| handed_out += piece.len());
        assert_eq!(handed_out, 0);
    }
}
