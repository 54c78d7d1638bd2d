//! Makes a stream that fails smaller, as long as it still fails: first its cuts go, then frames, payloads, and bytes.

use super::super::examinee::Examinee;
use super::super::probe::Sign;
use super::super::streams::{reference, wire};
use super::pieces::{Found, Pieces, failure};
use std::iter;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How long it goes on, at most: an examinee may be silent for some seconds each time.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// The smallest stream that was found to fail within the time. `sign` shows that the examinee lives.
pub(super) fn shrink(found: Found, examinee: &mut dyn Examinee, sign: Sign) -> Found {
    let mut shrinking = Shrinking {
        best: found,
        examinee,
        sign,
        end: Instant::now() + LONGEST,
    };
    shrinking.to(Pieces(vec![shrinking.best.pieces.wire()]));
    shrinking.frames();
    shrinking.payloads();
    shrinking.bytes();
    shrinking.best
}

struct Shrinking<'a> {
    best: Found,
    examinee: &'a mut dyn Examinee,
    sign: Sign,
    end: Instant,
}

impl Shrinking<'_> {
    /// Plays a smaller stream, and goes on with it if it fails too.
    fn to(&mut self, pieces: Pieces) -> bool {
        let is_smaller = !pieces.0.is_empty() && pieces != self.best.pieces;
        if !is_smaller || Instant::now() >= self.end {
            return false;
        }
        let Some((verdict, record)) = failure(&pieces, self.examinee) else {
            return false;
        };
        let found = Found {
            number: self.best.number,
            pieces,
            verdict,
            record,
        };
        // Whoever answers nothing any more fails whatever it is sent.
        let is_over = found.is_unopened() || !self.sign.is_seen(self.examinee);
        if is_over {
            self.end = Instant::now();
        } else {
            self.best = found;
        }
        !is_over
    }

    /// Leaves out frames: half of them, then fewer at once, then one by one.
    fn frames(&mut self) {
        let mut size = places(&self.best.pieces.wire()).len() / 2;
        while size > 0 {
            let mut first = 0;
            loop {
                let frames = places(&self.best.pieces.wire());
                let Some(last) = frames
                    .get(first..)
                    .and_then(|rest| rest.iter().take(size).next_back())
                else {
                    break;
                };
                let place = frames[first].start..last.end;
                if !self.to(self.best.pieces.replaced(place, &[])) {
                    first += size;
                }
            }
            size /= 2;
        }
    }

    fn payloads(&mut self) {
        for number in 0..places(&self.best.pieces.wire()).len() {
            while self.shorten(number) {}
        }
    }

    /// Empties a frame, or leaves half of its payload, or three quarters, and so on; or takes one character off.
    fn shorten(&mut self, number: usize) -> bool {
        let wire = self.best.pieces.wire();
        let Some(place) = places(&wire).into_iter().nth(number) else {
            return false;
        };
        let Ok(Some((frame, []))) = reference::frame(&wire[place.clone()]) else {
            return false;
        };
        let whole = frame.payload.len();
        if whole as u64 != frame.length {
            return false;
        }
        let lengths = iter::successors(Some(0), |shorter| Some((whole + shorter).div_ceil(2)));
        let characters = (2..=4).filter_map(|bytes| whole.checked_sub(bytes));
        let mut lengths = lengths
            .take_while(|&length| length < whole)
            .chain(characters);
        lengths.any(|length| {
            let shorter = wire::encode(frame.byte0, frame.key, &frame.payload[..length]);
            self.to(self.best.pieces.replaced(place.clone(), &shorter))
        })
    }

    /// Leaves out bytes: half of them, then fewer at once, then one by one.
    fn bytes(&mut self) {
        let mut size = self.best.pieces.wire().len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < self.best.pieces.wire().len() {
                if !self.to(self.best.pieces.replaced(at..at + size, &[])) {
                    at += size;
                }
            }
            size /= 2;
        }
    }
}

/// Where the frames are, and behind them what is none, or no whole one.
fn places(wire: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    while at < wire.len() {
        let end = match reference::frame(&wire[at..]) {
            Ok(Some((frame, rest))) if frame.payload.len() as u64 == frame.length => {
                wire.len() - rest.len()
            }
            _ => wire.len(),
        };
        places.push(at..end);
        at = end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_their_places_and_the_rest_has_one() {
        let wire = b"\x81\x81\0\0\0\0a\x89\x80\0\0\0\0\x81\x85\0\0";
        assert_eq!(places(wire), [0..7, 7..13, 13..17]);
        let none = b"\xFF\x81\x80";
        assert_eq!(places(&[&wire[..7], none].concat()), [0..7, 7..10]);
        assert_eq!(places(b""), []);
    }
}
