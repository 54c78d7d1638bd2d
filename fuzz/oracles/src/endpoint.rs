//! Oracles that read the log of an endpoint which carried out a [`script`](crate::script).

use crate::frames;
use crate::reference::{self, Frame};
use crate::script::{Transition, play};
use crate::streams::due::Due;
use crate::subject::{Seen, Subject};
use crate::words;
use plainws::Role;
use plainws::protocol::connection::State;
use plainws::protocol::message::Limits;

/// What is written is legal for the other side, in whole frames, and holds the messages and pings sent, in
/// order. A client's keys differ from frame to frame (§5.3).
///
/// # Errors
///
/// What is wrong.
pub fn legal(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let seen = reference::frames(log.role, Limits::default(), &log.written);
    if let Some(failed @ Seen::Failed(_)) = seen.last() {
        let written = words::hex(&log.written);
        return Err(format!("written: {written}: {}", words::event(failed)));
    }
    let (frames, rest) = reference::whole_frames(&log.written);
    if !rest.is_empty() && !log.broken {
        return Err(format!("after whole frames, written: {}", words::hex(rest)));
    }
    // The reference stops at the Close, and pongs may come after it.
    let is_masked_right = |frame: &Frame| frame.key.is_some() == (log.role == Role::Client);
    if let Some(frame) = frames.iter().find(|&frame| !is_masked_right(frame)) {
        let frame = words::frame(frame);
        return Err(format!("a {} sent {frame}", log.role.name()));
    }
    let mut keys: Vec<_> = frames.iter().filter_map(|frame| frame.key).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() < count {
        return Err(format!("{count} frames with {} keys", keys.len()));
    }
    let is_sent = |frame: &&Frame| matches!(frame.byte0, 0x81 | 0x82 | 0x89);
    let arrived: Vec<_> = frames
        .iter()
        .filter(is_sent)
        .map(|frame| (frame.byte0 & 15, frame.payload.clone()))
        .collect();
    let is_right =
        log.sent.starts_with(&arrived) && (log.broken || log.sent.len() == arrived.len());
    if is_right {
        Ok(())
    } else {
        Err(format!(
            "sent {}; written {}",
            told(&log.sent),
            told(&arrived)
        ))
    }
}

fn told(frames: &[(u8, Vec<u8>)]) -> String {
    let frames = frames.iter();
    let frames = frames.map(|(opcode, payload)| words::sent(*opcode, payload));
    words::list(frames, "nothing")
}

/// The endpoint reads what the reference reads, whatever is sent at the same time.
///
/// # Errors
///
/// What differs.
pub fn hears(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let sender = log.role.peer();
    frames::same(subject.judges(), &log.seen, sender, &log.received)
}

/// The Close that is due is written, once. Nothing comes after it but the pongs for pings that arrived while
/// the endpoint's own Close waited for its answer (§5.5.1, §5.5.2, §7.1.7).
///
/// # Errors
///
/// What is wrong.
pub fn last_word(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let (frames, _) = reference::whole_frames(&log.written);
    let close = frames.iter().position(|frame| frame.byte0 == 0x88);
    let Some(at) = close else {
        return if log.broken || log.due == Due::No {
            Ok(())
        } else {
            Err(format!("no Close, but due is {}", words::due(&log.due)))
        };
    };
    let body = &frames[at].payload;
    if !log.due.allows(body) {
        return Err(format!(
            "the Close has {}; due is {}",
            words::hex(body),
            words::due(&log.due)
        ));
    }
    let after = &frames[at + 1..];
    let due = log
        .pings_before_close
        .map_or(0, |before| log.pings.len() - before);
    let is_right = after.len() <= due && after.iter().all(|frame| frame.byte0 == 0x8A);
    if is_right {
        Ok(())
    } else {
        Err(format!("after the Close: {}", words::frames(after)))
    }
}

/// Each ping that arrives before the peer's Close gets its own pong, once and in order, also after the
/// endpoint's own Close (§5.5.2).
///
/// # Errors
///
/// What is wrong.
pub fn pongs(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let (frames, _) = reference::whole_frames(&log.written);
    let pongs = frames.into_iter().filter(|frame| frame.byte0 == 0x8A);
    let pongs: Vec<_> = pongs.map(|frame| frame.payload).collect();
    let is_right = log.pings.starts_with(&pongs) && (log.broken || log.pings.len() == pongs.len());
    if is_right {
        Ok(())
    } else {
        Err(format!(
            "pings with {}; pongs with {}",
            words::payloads(&log.pings),
            words::payloads(&pongs)
        ))
    }
}

/// When the peer's stream has ended, so has the connection: nothing is taken, sent or received any more, and
/// how it ended stays as it was (§7.1.5).
///
/// # Errors
///
/// What is wrong.
pub fn ends(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    if log.end != State::Closed || log.still_sends {
        return Err(format!(
            "at the end it is {:?}, and {} active",
            log.end,
            if log.still_sends {
                "still"
            } else {
                "no longer"
            }
        ));
    }
    let closed_with = match log.seen.last() {
        Some(Seen::Close(code, _)) => code.unwrap_or(1005),
        _ => 1006,
    };
    if let Some(code) = log.closed_with.filter(|&code| code != closed_with) {
        return Err(format!("closed with {code}, not {closed_with}"));
    }
    let allowed = |&(from, _, to): &Transition| {
        matches!(
            (from, to),
            (State::Open, _) | (State::Closing, State::Closed)
        )
    };
    match log
        .transitions
        .iter()
        .find(|transition| !allowed(transition))
    {
        Some((from, cause, to)) => Err(format!("{cause}: from {from:?} to {to:?}")),
        None => Ok(()),
    }
}
