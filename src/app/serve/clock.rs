//! The time, once a second: `{"time": "2019.04.24 19:15:40"}`.
//!
//! The monotonic clock says when to send: message n goes out n seconds after the first. What it says
//! is the wall clock at the first message plus n seconds, so that no label is skipped or repeated
//! because a message left a millisecond early or late. The labels follow the wall clock only when
//! someone sets it.

use super::told::Bytes;
use crate::app::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use plainws::protocol::request::Request;
use plainws::{Limits, Page, Received, Result, WebSocket};
use std::time::{Duration, Instant};

pub(crate) fn clock(ws: &mut WebSocket) -> Result<()> {
    let zone = TimeZone::system();
    if let Some(bytes) = Bytes::of(ws) {
        ws.send(bytes.handshake().to_string())?;
    }
    let mut ticks = Ticks::new(Instant::now());
    let mut labels = Labels::new(Timestamp::now());
    loop {
        let label = labels.label(ticks.number, Timestamp::now());
        ws.send(json(&time::shown(label, &zone)))?;
        if !wait_until(ws, ticks.next(Instant::now()))? {
            return Ok(());
        }
    }
}

/// What comes there is not read, so that no more than this of a message needs to be held.
const MAX_MESSAGE: u64 = 64 * 1024;

/// Those of a connection to the clock, where these are the server's.
pub(super) fn limits(limits: Limits) -> Limits {
    let most = limits.message.max_bytes.min(MAX_MESSAGE);
    limits.message(limits.message.max_bytes(most))
}

/// The time for someone who asks for it, once; and the length of that request's head, which the page that asked
/// does not see.
pub(crate) fn once(request: &Request) -> Page {
    let length = request.head().as_bytes().len().to_string();
    let page = Page::new("application/json", json(&time::now()).into_bytes());
    page.header("Request-Length", &length)
}

fn json(time: &str) -> String {
    format!(r#"{{"time": "{time}"}}"#)
}

/// Reads while it waits, so that pings are answered and a Close is seen at once; messages are ignored.
/// Returns whether the connection is still open.
fn wait_until(ws: &mut WebSocket, due: Instant) -> Result<bool> {
    loop {
        match ws.receive_timeout(due.saturating_duration_since(Instant::now()))? {
            Received::Message(_) => {}
            Received::Ended(_) => return Ok(false),
            _ => return Ok(true),
        }
    }
}

/// When to send.
struct Ticks {
    start: Instant,
    /// How many seconds after the start the present tick is due.
    number: u64,
}

impl Ticks {
    const fn new(start: Instant) -> Self {
        Self { start, number: 0 }
    }

    /// Goes on to the next tick, and returns when it is due. Those that passed while the peer or the
    /// machine stood still are skipped, but for the latest.
    fn next(&mut self, now: Instant) -> Instant {
        let passed = now.saturating_duration_since(self.start).as_secs();
        self.number = passed.max(self.number + 1);
        self.start + Duration::from_secs(self.number)
    }
}

/// The time that each tick shows.
struct Labels {
    /// The wall clock at tick 0.
    first: Timestamp,
}

/// A wall clock that is off by more than this was set by someone.
const STEP: Duration = Duration::from_millis(500);

impl Labels {
    const fn new(now: Timestamp) -> Self {
        Self { first: now }
    }

    fn label(&mut self, tick: u64, now: Timestamp) -> Timestamp {
        let since_first = Duration::from_secs(tick);
        let due = self.first.saturating_add(since_first).unwrap_or(now);
        if now.duration_since(due).unsigned_abs() < STEP {
            return due;
        }
        self.first = now.saturating_sub(since_first).unwrap_or(now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_messages_is_lowered_and_never_raised() {
        for (given, kept) in [
            (1000, 1000),
            (MAX_MESSAGE, MAX_MESSAGE),
            (MAX_MESSAGE + 1, MAX_MESSAGE),
        ] {
            let server = Limits::default();
            let server = server.message(server.message.max_bytes(given));
            assert_eq!(limits(server).message.max_bytes, kept, "{given}");
        }
    }

    fn at(seconds: i64, milliseconds: i32) -> Timestamp {
        Timestamp::new(seconds, milliseconds * 1_000_000).unwrap()
    }

    /// The seconds that a clock would show, given the wall clock at each tick.
    fn shown(wall: &[Timestamp]) -> Vec<i64> {
        let mut labels = Labels::new(wall[0]);
        wall.iter()
            .zip(0..)
            .map(|(now, tick)| labels.label(tick, *now).as_second())
            .collect()
    }

    #[test]
    fn ticks_are_due_at_full_seconds_from_the_start_however_late_each_was() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut ticks = Ticks::new(start);
        for (now, due, number) in [
            (0, 1000, 1),
            (1001, 2000, 2),
            (2400, 3000, 3),
            (3999, 4000, 4),
            // Sent early, by a wait that ended too soon: not again in the same second.
            (3999, 5000, 5),
            // Tick 6 is late, and is sent at once; tick 5 was sent.
            (6500, 6000, 6),
            (6501, 7000, 7),
            // These stood still for a while: only the latest that passed is sent.
            (12_300, 12_000, 12),
            (12_301, 13_000, 13),
        ] {
            assert_eq!(
                (ticks.next(at(now)), ticks.number),
                (at(due), number),
                "{now}"
            );
        }
    }

    #[test]
    fn ticks_that_jitter_around_a_full_second_skip_and_repeat_no_label() {
        let wall = [at(10, 999), at(12, 1), at(12, 998), at(14, 20), at(14, 990)];
        assert_eq!(shown(&wall), [10, 11, 12, 13, 14]);
    }

    #[test]
    fn a_stepped_wall_clock_is_followed_at_the_next_tick() {
        let hour = 3600;
        assert_eq!(
            shown(&[at(10, 0), at(11 + hour, 0), at(12 + hour, 1)]),
            [10, 11 + hour, 12 + hour]
        );
        assert_eq!(
            shown(&[at(9 + hour, 0), at(10, 0), at(11, 1)]),
            [9 + hour, 10, 11]
        );
    }

    #[test]
    fn a_missed_tick_is_not_made_up_for() {
        let mut labels = Labels::new(at(10, 500));
        assert_eq!(labels.label(0, at(10, 500)), at(10, 500));
        assert_eq!(labels.label(4, at(14, 700)), at(14, 500));
    }
}
