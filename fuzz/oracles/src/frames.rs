//! Oracles that watch a parser of frames.

use crate::reference::{self, Frame};
use crate::stream::{Run, Stream, TINY, large_sequence, run, shortest};
use crate::streams::due::Due;
use crate::streams::generate::Sequence;
use crate::streams::wire;
use crate::subject::{Each, Seen, Subject};
use crate::words;
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
            let cut_up = words::cut(sizes);
            return Err(differ((&cut_up, &told(&cut)), ("whole", &told(&whole))));
        }
    }
    Ok(())
}

/// What was seen and answered.
fn told(run: &Run) -> String {
    let answers = run.answers.as_deref().map(words::hex);
    let answers = answers.map(|answers| format!("; answered {answers}"));
    words::seen(&run.seen) + &answers.unwrap_or_default()
}

/// Two things that should be the same, one below the other.
fn differ(one: (&str, &str), other: (&str, &str)) -> String {
    let width = one.0.len().max(other.0.len()) + 1;
    let line = |(name, what): (&str, &str)| format!("{:width$} {what}", format!("{name}:"));
    format!("{}\n{}", line(one), line(other))
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

/// The reference, reading the RFC by other means, sees the same: of the whole stream, and of what is needed to
/// know that it is wrong, when the subject says that it judges.
///
/// # Errors
///
/// What differs.
pub fn reference(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let judge = |wire: &[u8]| {
        let seen = run(subject, sender, TINY, wire, &[]).seen;
        same(subject.judges(), &seen, sender, wire)
    };
    judge(&wire)?;
    let must_have_failed = |end| {
        let due = reference::frames_by(subject.judges(), sender, TINY, &wire[..end]);
        matches!(due.last(), Some(Seen::Failed(_)))
    };
    let end = shortest(wire.len(), must_have_failed);
    if end == wire.len() {
        return Ok(());
    }
    judge(&wire[..end]).map_err(|what| format!("after {end} bytes of {}:\n{what}", wire.len()))
}

/// Compares with the reference, under tiny limits. A parser may fail without naming the rule, and it may fail
/// before it says that it does, but not earlier than the bytes show.
pub(crate) fn same(each: Each, seen: &[Seen], sender: Role, wire: &[u8]) -> Result<(), String> {
    let earliest = reference::frames_at_once(sender, TINY, wire);
    let latest = reference::frames_by(each, sender, TINY, wire);
    let is_right = match (seen.split_last(), earliest.last()) {
        (Some((Seen::Failed(rule), before)), Some(Seen::Failed(broken))) => {
            // Who judges late may find first what else is wrong there.
            let is_broken = rule.is_none() || rule == broken || each != Each::Byte;
            is_broken && before.len() + 1 >= earliest.len() && latest.starts_with(before)
        }
        _ => seen == latest,
    };
    if is_right {
        return Ok(());
    }
    let expected = if latest.len() < earliest.len() || latest == earliest {
        words::seen(&earliest)
    } else {
        format!("{}, at the latest", words::seen(&latest))
    };
    Err(differ(
        ("seen", &words::seen(seen)),
        ("expected", &expected),
    ))
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
            return Err(format!("seen after the end: {}", words::seen(&after)));
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
                "no whole, legal answer to {} in {}",
                words::event(seen),
                words::hex(&answers)
            ));
        };
        let is_masked_right = frame.key.is_some() == (sender == Role::Server);
        if frame.byte0 != opcode || !due.allows(&frame.payload) || !is_masked_right {
            return Err(format!(
                "the answer to {} is {}; due is {}",
                words::event(seen),
                words::frame(frame),
                words::due(&due)
            ));
        }
    }
    let more = frames.as_slice();
    if more.is_empty() && rest.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "sent beside the answers: {}; then {}",
            words::frames(more),
            words::hex(rest)
        ))
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
    let one = |all: &[Seen]| all.get(at).map_or("nothing".into(), words::event);
    format!(
        "event {at} of {}:\n{}",
        expected.len(),
        differ(("seen", &one(seen)), ("expected", &one(expected)))
    )
}
