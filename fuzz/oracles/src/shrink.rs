//! Makes an input as small as it can be and still show what it shows: parts are left out, the larger ones first
//! (ddmin), bytes become zero, and a length or a number of cuts is lowered together with what it announces.

use std::time::{Duration, Instant};

/// How often a smaller input is tried.
const TRIES: u32 = 20_000;
/// How long, at most: a subject may be slow.
const TIME: Duration = Duration::from_secs(5);

/// The smallest input found that `is_kept`, as `input` must be.
pub fn shrink(input: &[u8], is_kept: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut shrinking = Shrinking {
        best: input.to_vec(),
        tries: 0,
        end: Instant::now() + TIME,
        is_kept,
    };
    let mut before = Vec::new();
    while before != shrinking.best {
        before.clone_from(&shrinking.best);
        shrinking.leave_out_cuts();
        shrinking.leave_out();
        shrinking.lower();
    }
    shrinking.best
}

struct Shrinking<F> {
    best: Vec<u8>,
    tries: u32,
    end: Instant,
    is_kept: F,
}

impl<F: FnMut(&[u8]) -> bool> Shrinking<F> {
    fn keeps(&mut self, candidate: &[u8]) -> bool {
        self.tries += 1;
        let is_over = self.tries > TRIES || Instant::now() > self.end;
        let is_better = !is_over && candidate != self.best && (self.is_kept)(candidate);
        if is_better {
            self.best = candidate.to_vec();
        }
        is_better
    }

    /// As many cuts follow the first byte as its upper half says.
    fn leave_out_cuts(&mut self) {
        for less in [8, 4, 2, 1] {
            let (setup, cuts) = (self.best.first().copied(), self.best.get(1..1 + less));
            if let (Some(setup), Some(_)) =
                (setup.filter(|setup| usize::from(setup >> 4) >= less), cuts)
            {
                let setup = setup - ((less as u8) << 4);
                let fewer = [&[setup], &self.best[1 + less..]].concat();
                self.keeps(&fewer);
            }
        }
    }

    fn leave_out(&mut self) {
        let mut size = self.best.len();
        while size > 0 {
            let mut at = 0;
            while at < self.best.len() {
                let end = self.best.len().min(at + size);
                let without = [&self.best[..at], &self.best[end..]].concat();
                if !self.keeps(&without) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn lower(&mut self) {
        for at in 0..self.best.len() {
            let mut simpler = self.best.clone();
            if let Some(byte) = simpler.get_mut(at).filter(|byte| **byte != 0) {
                *byte = 0;
                if !self.keeps(&simpler) {
                    self.lower_length(at);
                }
            }
        }
    }

    /// The payload begins at the next byte, or after a masking key.
    fn lower_length(&mut self, at: usize) {
        for less in [64, 32, 16, 8, 4, 2, 1] {
            for payload in [at + 1, at + 5] {
                let mut shorter = self.best.clone();
                let is_there = at < shorter.len() && payload + usize::from(less) <= shorter.len();
                if is_there && shorter[at] & 127 >= less {
                    shorter[at] -= less;
                    shorter.drain(payload..payload + usize::from(less));
                    self.keeps(&shorter);
                }
            }
        }
    }
}
