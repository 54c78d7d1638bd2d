//! Oracles that watch a dissector: what shows people the bytes must show all of them, and nothing else.

use crate::frames::Stream;
use crate::reference;
use crate::subject::{Seen, Subject};
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::ops::Range;

/// A stream taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The frames in order; the last may be incomplete or break a rule.
    pub frames: Vec<Shown>,
    /// How many bytes were not read, behind a Close or a failure.
    pub unread: u64,
}

/// A frame, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where in the stream it begins.
    pub offset: u64,
    /// Its bytes, up to the one that breaks a rule.
    pub wire: Vec<u8>,
    /// Its payload so far, unmasked.
    pub payload: Vec<u8>,
    /// The rule that it breaks.
    pub violation: Option<Rule>,
    /// The place of each label, in bits from the frame's first, and its words.
    pub labels: Vec<(Range<u64>, String)>,
}

/// The frames tile the stream, and the labels each frame, without gap or overlap.
///
/// # Errors
///
/// Where they do not.
pub fn tiles(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let Some(listing) = subject.dissect(sender, Limits::default(), &wire) else {
        return Ok(());
    };
    let mut end = 0;
    for frame in &listing.frames {
        if frame.offset != end {
            return Err(format!("a frame begins at {}, not at {end}", frame.offset));
        }
        end += frame.wire.len() as u64;
        let mut bits = 0;
        for (place, words) in &frame.labels {
            if place.start != bits || place.is_empty() {
                return Err(format!("{words:?} stands at {place:?}, not at {bits}"));
            }
            bits = place.end;
        }
        if bits != 8 * frame.wire.len() as u64 {
            return Err(format!("labels for {bits} bits of {:02x?}", frame.wire));
        }
    }
    if end + listing.unread != wire.len() as u64 {
        return Err(format!(
            "{end} bytes shown and {} not read, of {}",
            listing.unread,
            wire.len()
        ));
    }
    Ok(())
}

/// The frames, their payloads and the rule broken are those of the reference.
///
/// # Errors
///
/// What differs.
pub fn same(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let limits = Limits::default();
    let Some(listing) = subject.dissect(sender, limits, &wire) else {
        return Ok(());
    };
    let expected = frames(sender, limits, &wire);
    let seen = listing.frames.into_iter();
    let seen: Vec<_> = seen
        .map(|frame| Shown {
            labels: Vec::new(),
            ..frame
        })
        .collect();
    if seen == expected {
        Ok(())
    } else {
        Err(format!("shown: {seen:?}, expected: {expected:?}"))
    }
}

/// No label holds a control character that could act on a terminal.
///
/// # Errors
///
/// The label.
pub fn printed(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let listing = subject.dissect(sender, Limits::default(), &wire);
    let frames = listing.into_iter().flat_map(|listing| listing.frames);
    let mut labels = frames.flat_map(|frame| frame.labels);
    match labels.find(|(_, words)| words.chars().any(char::is_control)) {
        Some((_, words)) => Err(format!("{words:?}")),
        None => Ok(()),
    }
}

/// The frames of a stream by the reference, without labels.
#[must_use]
pub fn frames(sender: Role, limits: Limits, wire: &[u8]) -> Vec<Shown> {
    let ends_by = |length: &usize| {
        let seen = reference::frames(sender, limits, &wire[..*length]);
        seen.last().is_some_and(Seen::is_end)
    };
    // The shortest prefix that ends the connection, if one does: found by halving.
    let (mut open, mut ended) = (0, wire.len() + 1);
    while ended - open > 1 {
        let middle = usize::midpoint(open, ended);
        if ends_by(&middle) {
            ended = middle;
        } else {
            open = middle;
        }
    }
    let read = &wire[..ended.min(wire.len())];
    let violation = match reference::frames(sender, limits, read).pop() {
        Some(Seen::Failed(rule)) => rule,
        _ => None,
    };
    let mut frames = Vec::new();
    let mut rest = read;
    while !rest.is_empty() {
        let (payload, behind) = match reference::frame(rest) {
            Ok(Some((frame, behind))) => (frame.payload, behind),
            _ => (Vec::new(), &[][..]),
        };
        frames.push(Shown {
            offset: (read.len() - rest.len()) as u64,
            wire: rest[..rest.len() - behind.len()].to_vec(),
            payload,
            violation: violation.filter(|_| behind.is_empty()),
            labels: Vec::new(),
        });
        rest = behind;
    }
    frames
}
