//! Oracles that watch a parser of frames.

use crate::due::Due;
use crate::generate::Sequence;
use crate::reference::{self, Frame};
use crate::stream::{Stream, TINY, large_sequence, run};
use crate::subject::{Seen, Subject};
use crate::wire;
use plainws::Role;
use plainws::protocol::message::Limits;

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

/// Whole frames without their keys, which may be random; and the bytes after them.
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

/// Compares, and lets a parser fail without naming the rule.
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

/// After a Close or a failure nothing is seen, in the same read or in later ones (§1.4, §7.1.7).
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
    let more = [0x81, 0x89].map(|byte0| wire::frame(sender, byte0, b"more"));
    let more = more.concat();
    for sizes in [&[usize::MAX][..], &[wire.len(), usize::MAX], &[1]] {
        let after = run(subject, sender, TINY, &[&wire[..], &more].concat(), sizes).after;
        if !after.is_empty() {
            return Err(format!("seen after the end: {after:?}"));
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

/// Tells the first difference only, since messages can be large.
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
