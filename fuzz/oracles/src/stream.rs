//! A stream of frames as an input: who sends it, how it is cut, and what a parser makes of it.

use crate::streams::choices::Choices;
use crate::streams::generate::{self, Sequence, Sizes};
use crate::subject::{Seen, Subject};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::iter;
use std::ops::Range;

pub use crate::streams::TINY;

/// A stream and how it arrives.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Who sends it.
    pub sender: Role,
    /// The sizes of the first pieces; the rest is one more.
    pub cuts: Vec<usize>,
    /// The bytes.
    pub wire: Vec<u8>,
}

impl Stream {
    /// Reads a fuzzer's input: bit 0 of the first byte tells the sender, its upper half how many cut
    /// bytes follow, the rest is the wire.
    #[must_use]
    pub fn from_input(input: &[u8]) -> Self {
        let mut choices = Choices(input);
        let setup = choices.byte();
        let cuts = choices.take(usize::from(setup >> 4));
        Self {
            sender: sender(setup),
            cuts: cuts.iter().copied().map(usize::from).collect(),
            wire: choices.0.to_vec(),
        }
    }

    /// The input that gives a stream without cuts.
    #[must_use]
    pub fn to_input(sender: Role, wire: &[u8]) -> Vec<u8> {
        [&[u8::from(sender == Role::Server)], wire].concat()
    }

    /// Makes an input from decisions.
    #[must_use]
    pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
        let setup = choices.byte();
        let cuts = choices.take(usize::from(setup >> 4)).to_vec();
        let Sequence { wire, .. } = generate::sequence(sender(setup), Sizes::Tiny, choices);
        let count = (cuts.len() as u8) << 4;
        [&[setup & 0x0F | count], &cuts[..], &wire].concat()
    }
}

pub(crate) fn sender(setup: u8) -> Role {
    if setup % 2 == 0 {
        Role::Client
    } else {
        Role::Server
    }
}

/// Where `length` bytes are cut into pieces of the given sizes, the last of which repeats.
pub(crate) fn cut(length: usize, sizes: &[usize]) -> impl Iterator<Item = Range<usize>> + use<'_> {
    let mut sizes = sizes.iter();
    let mut size = usize::MAX;
    let mut start: usize = 0;
    iter::from_fn(move || {
        size = *sizes.next().unwrap_or(&size);
        let piece = start..length.min(start.saturating_add(size.max(1)));
        start = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The least number of `all` bytes for which `is_enough`, found by halving; `all` if none is.
pub(crate) fn shortest(all: usize, mut is_enough: impl FnMut(usize) -> bool) -> usize {
    let (mut too_few, mut enough) = (0, all + 1);
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    enough.min(all)
}

/// What a parser made of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Up to the first Close or failure.
    pub seen: Vec<Seen>,
    /// What was seen after that.
    pub after: Vec<Seen>,
    /// What it answered, if it answers.
    pub answers: Option<Vec<u8>>,
}

/// Feeds a fresh parser with `wire` in pieces of the given sizes, the last of which repeats.
#[must_use]
pub fn run(
    subject: &dyn Subject,
    sender: Role,
    limits: Limits,
    wire: &[u8],
    sizes: &[usize],
) -> Run {
    let mut reader = subject.reader(sender, limits);
    let mut wire = wire.to_vec();
    let pieces = cut(wire.len(), sizes);
    let mut seen: Vec<_> = pieces
        .flat_map(|piece| reader.read(&mut wire[piece]))
        .collect();
    let end = seen
        .iter()
        .position(Seen::is_end)
        .map_or(seen.len(), |end| end + 1);
    Run {
        after: seen.split_off(end),
        seen,
        answers: reader.answers().map(<[u8]>::to_vec),
    }
}

/// The undamaged stream that a `sequence` input decides on, and who sends it.
pub(crate) fn large_sequence(input: &[u8]) -> (Role, Sequence) {
    let mut choices = Choices(input);
    let sender = sender(choices.byte());
    let sequence = generate::sequence(sender, Sizes::Large, &mut choices);
    (sender, sequence)
}

/// The stream that a `sequence` input decides on under tiny limits, as a `stream` input.
#[must_use]
pub fn sequence_as_stream(input: &[u8]) -> Vec<u8> {
    Stream::generate(&mut Choices(input))
}
