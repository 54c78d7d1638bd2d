//! Oracles that watch a parser of frames.

use crate::choices::Choices;
use crate::due::Due;
use crate::generate::{self, Sequence, Sizes};
use crate::reference::{self, Frame};
use crate::subject::{Seen, Subject};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::iter;
use std::ops::Range;

/// Limits that a fuzzer steps over in a few bytes.
pub const TINY: Limits = Limits {
    max_message: 200,
    max_fragments: 4,
    max_empty_fragments: 2,
};

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

/// The places of pieces of so many bytes: of the given sizes, the last of which repeats.
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

/// What a parser made of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Up to the first Close or failure.
    pub seen: Vec<Seen>,
    /// What was seen behind it.
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

/// However the stream is cut, the same is seen and answered, the failing rule included.
///
/// # Errors
///
/// What differs.
pub fn split(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, cuts, wire } = Stream::from_input(input);
    let whole = run(subject, sender, TINY, &wire, &[]);
    let cuts = [&cuts[..], &[usize::MAX]].concat();
    for sizes in [&cuts[..], &[1], &[2]] {
        let cut = run(subject, sender, TINY, &wire, sizes);
        if cut.seen != whole.seen || unmasked(&cut.answers) != unmasked(&whole.answers) {
            return Err(format!("cut as {sizes:?}:\n  {cut:?}\nwhole:\n  {whole:?}"));
        }
    }
    Ok(())
}

/// Whole frames without their keys, which may be random; and the bytes behind them.
fn unmasked(answers: &Option<Vec<u8>>) -> (Vec<Frame>, &[u8]) {
    let (mut frames, rest) = reference::whole_frames(answers.as_deref().unwrap_or_default());
    for frame in &mut frames {
        // Whether they are masked counts.
        frame.key = frame.key.map(|_| [0; 4]);
    }
    (frames, rest)
}

/// The reference, reading the RFC by other means, sees the same.
///
/// # Errors
///
/// What differs.
pub fn reference(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let seen = run(subject, sender, TINY, &wire, &[]).seen;
    let expected = reference::frames(sender, TINY, &wire);
    same(&seen, &expected)
}

/// Compares, for a parser that may not name the rules.
pub(crate) fn same(seen: &[Seen], expected: &[Seen]) -> Result<(), String> {
    let unnamed = |expected: &Seen| match expected {
        Seen::Failed(_) if seen.last() == Some(&Seen::Failed(None)) => Seen::Failed(None),
        other => other.clone(),
    };
    let expected: Vec<Seen> = expected.iter().map(unnamed).collect();
    if seen == expected {
        Ok(())
    } else {
        Err(format!("seen:\n  {seen:?}\nexpected:\n  {expected:?}"))
    }
}

/// Behind a Close or a failure nothing is seen, in the same read or in later ones (§1.4, §7.1.7).
///
/// # Errors
///
/// What was seen.
pub fn silence(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    if !reference::frames(sender, TINY, &wire)
        .last()
        .is_some_and(Seen::is_end)
    {
        return Ok(());
    }
    let key = (sender == Role::Client).then_some([0; 4]);
    let more = [
        generate::encode(0x81, key, b"more"),
        generate::encode(0x89, key, b"more"),
    ]
    .concat();
    for sizes in [&[usize::MAX][..], &[wire.len(), usize::MAX], &[1]] {
        let after = run(subject, sender, TINY, &[&wire[..], &more].concat(), sizes).after;
        if !after.is_empty() {
            return Err(format!("seen behind the end: {after:?}"));
        }
    }
    Ok(())
}

/// Each ping is answered by its pong, a Close by its code, a failure by its rule's code; nothing else is
/// sent, and all of it is legal for the other role (§5.5, §7.1.7).
///
/// # Errors
///
/// What differs.
pub fn answers(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let run = run(subject, sender, TINY, &wire, &[]);
    let Some(answers) = run.answers else {
        return Ok(());
    };
    let (frames, rest) = reference::whole_frames(&answers);
    let mut frames = frames.iter();
    for seen in &run.seen {
        let (opcode, due) = match seen {
            Seen::Ping(payload) => (0x8A, Due::Exactly(payload.clone())),
            Seen::Close(..) | Seen::Failed(_) => (0x88, Due::after(seen)),
            Seen::Text(_) | Seen::Binary(_) | Seen::Pong(_) => continue,
        };
        let Some(frame) = frames.next() else {
            return Err(format!(
                "no whole, legal answer to {seen:?} in {answers:02x?}"
            ));
        };
        let is_masked_right = frame.key.is_some() == (sender == Role::Server);
        if frame.byte0 != opcode || !due.allows(&frame.payload) || !is_masked_right {
            return Err(format!("the answer to {seen:?} is {frame:?}"));
        }
    }
    let more = frames.as_slice();
    if more.is_empty() && rest.is_empty() {
        Ok(())
    } else {
        Err(format!("sent beside the answers: {more:?} {rest:02x?}"))
    }
}

/// Undamaged frames mean what they were made to mean, under default limits and of any size: judged by
/// what was put in, without the reference.
///
/// # Errors
///
/// What differs.
pub fn round_trip(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let (sender, Sequence { wire, meaning }) = large_sequence(input);
    let seen = run(subject, sender, Limits::default(), &wire, &[]).seen;
    if seen == meaning {
        Ok(())
    } else {
        Err(different(&seen, &meaning))
    }
}

/// The undamaged stream that a `sequence` input decides on, and who sends it.
pub(crate) fn large_sequence(input: &[u8]) -> (Role, Sequence) {
    let mut choices = Choices(input);
    let sender = sender(choices.byte());
    let sequence = generate::sequence(sender, Sizes::Large, &mut choices);
    (sender, sequence)
}

/// The first difference, since these can be large.
fn different(seen: &[Seen], expected: &[Seen]) -> String {
    let at = seen
        .iter()
        .zip(expected)
        .take_while(|(a, b)| a == b)
        .count();
    let brief = |all: &[Seen]| {
        let mut shown = format!("{:?}", all.get(at));
        shown.truncate(
            (0..=200.min(shown.len()))
                .rev()
                .find(|&end| shown.is_char_boundary(end))
                .unwrap_or(0),
        );
        shown
    };
    format!(
        "event {at} of {}: seen {}, expected {}",
        expected.len(),
        brief(seen),
        brief(expected)
    )
}

/// The stream that a `sequence` input decides on under tiny limits, as a `stream` input.
#[must_use]
pub fn sequence_as_stream(input: &[u8]) -> Vec<u8> {
    Stream::generate(&mut Choices(input))
}
