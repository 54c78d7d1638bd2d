//! Oracles that read the log of an endpoint which carried out a [`script`](crate::script).

use crate::due::Due;
use crate::frames;
use crate::reference::{self, Frame};
use crate::script::{Transition, play};
use crate::stream::TINY;
use crate::subject::{Seen, Subject};
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
    if let Some(Seen::Failed(rule)) = seen.last() {
        return Err(format!("written: {:02x?} breaks {rule:?}", log.written));
    }
    let (frames, rest) = reference::whole_frames(&log.written);
    if !rest.is_empty() && !log.broken {
        return Err(format!("written: {:02x?} ends inside a frame", log.written));
    }
    // The reference stops at the Close, and pongs may come after it.
    let is_masked_right = |frame: &Frame| frame.key.is_some() == (log.role == Role::Client);
    if let Some(frame) = frames.iter().find(|&frame| !is_masked_right(frame)) {
        return Err(format!("a {} sent {frame:?}", log.role.name()));
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
        Err(format!("sent {:?}, arrived {arrived:?}", log.sent))
    }
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
    let expected = reference::frames(log.role.peer(), TINY, &log.received);
    frames::same(&log.seen, &expected)
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
            Err(format!("no Close, but due is {:?}", log.due))
        };
    };
    let body = &frames[at].payload;
    if !log.due.allows(body) {
        return Err(format!(
            "the Close has {body:02x?}, due is {:02x?}",
            log.due
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
        Err(format!("after the Close: {after:?}"))
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
        Err(format!("pings {:?}, pongs {pongs:?}", log.pings))
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
            "at the end {:?}, active: {}",
            log.end, log.still_sends
        ));
    }
    let closed_with = match log.seen.last() {
        Some(Seen::Close(code, _)) => code.unwrap_or(1005),
        _ => 1006,
    };
    if log.closed_with.is_some_and(|code| code != closed_with) {
        return Err(format!("{:?}, not {closed_with}", log.closed_with));
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
        Some(transition) => Err(format!("no such change: {transition:?}")),
        None => Ok(()),
    }
}
