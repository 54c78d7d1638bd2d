//! Oracles that watch a dissector: what shows people the bytes must show all of them, and nothing else.

use crate::reference;
use crate::stream::{Stream, shortest};
use crate::subject::{Listing, Seen, Shown, Subject};
use crate::words;
use plainws::Role;
use plainws::protocol::message::Limits;

/// The frames tile the stream, and the labels each frame, without gap or overlap.
///
/// # Errors
///
/// Where they do not.
pub fn tiles(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let Some(listing) = subject.dissect(sender, Limits::default(), &[&wire]) else {
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
                return Err(format!("{words:?} is at {place:?}, not at {bits}"));
            }
            bits = place.end;
        }
        if bits != 8 * frame.wire.len() as u64 {
            let wire = words::hex(&frame.wire);
            return Err(format!("labels for {bits} bits of {wire}"));
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

/// What is shown of frames and messages is what the reference reads, and the same however the stream is cut.
///
/// # Errors
///
/// What differs.
pub fn same(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, cuts } = Stream::from_input(input);
    let limits = Limits::default();
    let expected = listing(sender, limits, &wire);
    let bytes: Vec<_> = wire.chunks(1).collect();
    for pieces in [&[&wire[..]], &pieces(&wire, &cuts)[..], &bytes] {
        let Some(mut listing) = subject.dissect(sender, limits, pieces) else {
            return Ok(());
        };
        for frame in &mut listing.frames {
            frame.labels.clear();
            frame.fragment = frame.fragment.filter(|_| frame.violation.is_none());
        }
        if listing != expected {
            return Err(difference(&listing, &expected));
        }
    }
    Ok(())
}

/// The first thing that differs.
fn difference(listing: &Listing, expected: &Listing) -> String {
    let frames = listing.frames.iter().map(Some).chain([None]);
    let others = expected.frames.iter().map(Some).chain([None]);
    let pair = frames
        .zip(others)
        .find(|(shown, expected)| shown != expected);
    let (shown, expected) = match pair {
        Some((shown, expected)) => (told(shown), told(expected)),
        None => (end(listing), end(expected)),
    };
    format!("shown:    {shown}\nexpected: {expected}")
}

fn end(listing: &Listing) -> String {
    let cut = if listing.is_cut { "cut" } else { "whole" };
    format!("{} bytes not read, {cut}", listing.unread)
}

fn told(frame: Option<&Shown>) -> String {
    let Some(frame) = frame else {
        return "no more frames".into();
    };
    let message = frame.message.as_ref().map(words::event);
    let violation = frame.violation.map(words::rule);
    format!(
        "at {}: {}; payload {}, {} missing; fragment {}; message {}; breaks {}",
        frame.offset,
        words::hex(&frame.wire),
        words::hex(&frame.payload),
        frame.missing,
        frame
            .fragment
            .map_or("-".into(), |number| number.to_string()),
        message.unwrap_or("-".into()),
        violation.unwrap_or("nothing".into())
    )
}

fn pieces<'a>(mut wire: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, rest) = wire.split_at(size.min(wire.len()));
        pieces.push(piece);
        wire = rest;
    }
    pieces.push(wire);
    pieces
}

/// No label holds a control character that could act on a terminal.
///
/// # Errors
///
/// The label.
pub fn printed(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Stream { sender, wire, .. } = Stream::from_input(input);
    let listing = subject.dissect(sender, Limits::default(), &[&wire]);
    let frames = listing.into_iter().flat_map(|listing| listing.frames);
    let mut labels = frames.flat_map(|frame| frame.labels);
    match labels.find(|(_, words)| words.chars().any(char::is_control)) {
        Some((_, words)) => Err(format!("{words:?}")),
        None => Ok(()),
    }
}

/// A stream by the reference, without labels.
#[must_use]
pub fn listing(sender: Role, limits: Limits, wire: &[u8]) -> Listing {
    let seen = |end| reference::frames(sender, limits, &wire[..end]);
    let read = shortest(wire.len(), |end| seen(end).last().is_some_and(Seen::is_end));
    let end = seen(read).pop().filter(Seen::is_end);
    let mut frames = Vec::new();
    let mut start = 0;
    // How many frames the open message has.
    let mut fragments = 0;
    let mut is_inside_frame = false;
    while start < read {
        let (frame, after) = match reference::frame(&wire[start..read]) {
            Ok(Some((frame, after))) => (Some(frame), read - after.len()),
            _ => (None, read),
        };
        let violation = match end {
            Some(Seen::Failed(rule)) if after == read => rule,
            _ => None,
        };
        let legal = frame.as_ref().filter(|_| violation.is_none());
        let missing = legal.map(|frame| frame.length - frame.payload.len() as u64);
        let is_data = legal.is_some_and(|frame| frame.byte0 % 16 < 8);
        let is_last = legal.is_some_and(|frame| frame.byte0 >= 128);
        let ends_message = is_data && is_last && missing == Some(0);
        frames.push(Shown {
            offset: start as u64,
            wire: wire[start..after].to_vec(),
            missing: missing.unwrap_or(0),
            fragment: is_data.then_some(fragments),
            message: ends_message.then(|| seen(after).pop()).flatten(),
            violation,
            labels: Vec::new(),
            payload: frame.map(|frame| frame.payload).unwrap_or_default(),
        });
        if is_data {
            fragments = if is_last { 0 } else { fragments + 1 };
        }
        is_inside_frame = missing != Some(0);
        start = after;
    }
    Listing {
        frames,
        unread: (wire.len() - read) as u64,
        is_cut: end.is_none() && (is_inside_frame || fragments > 0),
    }
}
