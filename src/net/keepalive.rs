//! When a peer's silence is answered with a ping, and when it means that the peer is gone.
//!
//! Nothing here asks for the time or touches a socket: the caller does, so that a table of times can
//! test it.
//!
//! ```text
//!            ping_after          look             pong_timeout         look
//!   quiet ───────────────▶ due ───────▶ pinged ─────────────────▶ due ───────▶ dead
//!     ▲                     │ input        │ input                 │ input
//!     └─────────────────────┴──────────────┴───────────────────────┘
//! ```
//!
//! A look comes before each judgement, because the peer may have spoken while no thread was reading. Some time
//! passes between the two, for a thread that has just read something to say so.

use std::time::{Duration, Instant};

/// What a peer's silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing until that time; `None`: nothing at all.
    Fine(Option<Instant>),
    /// To see whether something waits to be read, and to ask again later if not: a thread may have read
    /// something, and not have said so yet.
    Look,
    /// To send a ping with these bytes.
    Ping([u8; 8]),
    /// To give the peer up: it did not even answer a ping.
    Dead,
}

#[derive(Debug)]
pub(super) struct Keepalive {
    /// Silence after which a ping is sent; `None` never sends one.
    ping_after: Option<Duration>,
    /// Silence after the ping that means the peer is gone.
    pong_timeout: Duration,
    last_received: Instant,
    /// The latest ping, until its pong comes.
    ping: Option<Ping>,
    pings: u64,
    has_looked: bool,
    /// The caller's pings, if there were any.
    own: Option<Box<Own>>,
}

/// The answer to a ping that the caller sent ([`WebSocket::ping`](crate::WebSocket::ping)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pong {
    /// What the ping carried, and so the pong (§5.5.3).
    pub payload: Vec<u8>,
    /// From the call that sent the ping to when the pong was read.
    pub round_trip: Duration,
}

/// What a ping of the caller's carried, and when it was sent.
pub(super) type OwnPing = (Vec<u8>, Instant);

/// The caller's pings.
#[derive(Debug, Default)]
struct Own {
    /// The latest one and when it was sent, until its pong comes. §5.5.3: a peer need not answer those before it.
    unanswered: Option<OwnPing>,
    last_pong: Option<Pong>,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    payload: [u8; 8],
    sent: Instant,
    /// By when it can have arrived; `None` until it has left.
    arrival: Option<Instant>,
    /// Whether anything has arrived since.
    is_followed: bool,
}

impl Ping {
    /// When to begin to wait for its pong.
    fn arrives(&mut self, now: Instant, arrival: Option<Instant>) -> Instant {
        // What is sent later does not delay it.
        if self.arrival.is_none() {
            match arrival {
                Some(arrival) => self.arrival = Some(arrival.max(self.sent)),
                None => self.sent = now,
            }
        }
        self.arrival.unwrap_or(now)
    }
}

impl Keepalive {
    pub(super) const fn new(
        ping_after: Option<Duration>,
        pong_timeout: Duration,
        now: Instant,
    ) -> Self {
        Self {
            ping_after,
            pong_timeout,
            last_received: now,
            ping: None,
            pings: 0,
            has_looked: false,
            own: None,
        }
    }

    pub(super) const fn last_received(&self) -> Instant {
        self.last_received
    }

    /// Whether a ping was sent and nothing has arrived since.
    pub(super) fn awaits_answer(&self) -> bool {
        self.ping.is_some_and(|ping| !ping.is_followed)
    }

    /// Something arrived. Any byte is a sign of life, though a pong may still be due.
    pub(super) fn received(&mut self, now: Instant) {
        self.last_received = now;
        self.has_looked = false;
        if let Some(ping) = &mut self.ping {
            ping.is_followed = true;
        }
    }

    /// The caller is about to send a ping of its own. Returns the one before it, if that is unanswered.
    pub(super) fn own_ping(&mut self, payload: &[u8], now: Instant) -> Option<OwnPing> {
        let own = self.own.get_or_insert_default();
        own.unanswered.replace((payload.into(), now))
    }

    /// That ping was not sent, so the one before it is still the latest.
    pub(super) fn own_ping_failed(&mut self, payload: &[u8], before: Option<OwnPing>) {
        if let Some(own) = &mut self.own {
            // Another thread may have sent one meanwhile.
            if own
                .unanswered
                .take_if(|(sent, _)| sent == payload)
                .is_some()
            {
                own.unanswered = before;
            }
        }
    }

    /// The latest answer to one of those.
    pub(super) fn last_pong(&self) -> Option<&Pong> {
        self.own.as_ref()?.last_pong.as_ref()
    }

    /// A pong arrived. Returns how long the peer took, if it answers the latest ping, or the latest of the caller's.
    pub(super) fn pong(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let round_trip = |sent| now.saturating_duration_since(sent);
        // The caller's may carry the same bytes: it is then the later one, and the peer answers that.
        let ping = self.ping.take_if(|ping| ping.payload == payload);
        let own = self.own.as_mut().and_then(|own| {
            let (payload, sent) = own.unanswered.take_if(|(sent, _)| sent == payload)?;
            let round_trip = round_trip(sent);
            own.last_pong = Some(Pong {
                payload,
                round_trip,
            });
            Some(round_trip)
        });
        own.or_else(|| ping.map(|ping| round_trip(ping.sent)))
    }

    /// Judges the silence. `arrival`: by when everything that was sent has arrived at a peer that takes
    /// it at the promised pace; `None` while something, the ping perhaps, has not left yet.
    ///
    /// A ping that has not arrived cannot have been answered, so the time for its pong starts then.
    /// Whether the peer takes anything at all is judged by those who write.
    pub(super) fn poll(&mut self, now: Instant, arrival: Option<Instant>) -> Silence {
        let Some(ping_after) = self.ping_after else {
            return Silence::Fine(None);
        };
        let (since, allowed) = match &mut self.ping {
            Some(ping) if !ping.is_followed => (ping.arrives(now, arrival), self.pong_timeout),
            _ => (self.last_received, ping_after),
        };
        match since.checked_add(allowed) {
            Some(due) if due <= now => self.due(now),
            due => {
                self.has_looked = false;
                Silence::Fine(due)
            }
        }
    }

    /// Judges no more: from now on any silence is fine.
    pub(super) fn stop(&mut self) {
        self.ping_after = None;
    }

    /// Asks for a look first, and judges only if that found nothing.
    fn due(&mut self, now: Instant) -> Silence {
        if !std::mem::replace(&mut self.has_looked, true) {
            return Silence::Look;
        }
        if self.awaits_answer() {
            return Silence::Dead;
        }
        self.has_looked = false;
        self.pings += 1;
        let payload = self.pings.to_be_bytes();
        self.ping = Some(Ping {
            payload,
            sent: now,
            arrival: None,
            is_followed: false,
        });
        Silence::Ping(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::Silence::{Dead, Fine, Look, Ping};
    use super::*;

    /// What happens at a time.
    enum At {
        /// Something arrives.
        Input,
        /// A poll when everything has arrived long ago, and what it must answer.
        Poll(Expected),
        /// A poll when everything has arrived at that time.
        OnItsWay(u64, Expected),
        /// A poll while something is still to be sent.
        Unsent(Expected),
    }

    enum Expected {
        Until(u64),
        Is(Silence),
    }

    use At::{Input, OnItsWay, Poll, Unsent};
    use Expected::{Is, Until};

    /// A ping after 20 s of silence, the end 10 s after that.
    #[track_caller]
    fn check(table: &[(u64, At)]) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(
            Some(Duration::from_secs(20)),
            Duration::from_secs(10),
            start,
        );
        for (row, (seconds, event)) in table.iter().enumerate() {
            let (arrival, expected) = match event {
                Input => {
                    keepalive.received(at(*seconds));
                    continue;
                }
                Poll(expected) => (Some(start), expected),
                OnItsWay(arrival, expected) => (Some(at(*arrival)), expected),
                Unsent(expected) => (None, expected),
            };
            let expected = match expected {
                Until(seconds) => Fine(Some(at(*seconds))),
                Is(silence) => *silence,
            };
            let silence = keepalive.poll(at(*seconds), arrival);
            assert_eq!(silence, expected, "row {row}, at {seconds} s");
        }
    }

    const FIRST: Silence = Ping([0, 0, 0, 0, 0, 0, 0, 1]);
    const SECOND: Silence = Ping([0, 0, 0, 0, 0, 0, 0, 2]);

    #[test]
    fn a_quiet_peer_is_looked_for_then_pinged_then_looked_for_then_dead() {
        check(&[
            (0, Poll(Until(20))),
            (19, Poll(Until(20))),
            (20, Poll(Is(Look))),
            (20, Poll(Is(FIRST))),
            (21, Poll(Until(30))),
            (30, Poll(Is(Look))),
            (30, Poll(Is(Dead))),
        ]);
    }

    #[test]
    fn any_input_starts_the_silence_again() {
        check(&[
            (5, Input),
            (20, Poll(Until(25))),
            (25, Poll(Is(Look))),
            // The look found something.
            (25, Input),
            (26, Poll(Until(45))),
            (45, Poll(Is(Look))),
        ]);
    }

    #[test]
    fn an_earlier_look_is_none_for_the_next_silence() {
        check(&[
            (20, Poll(Is(Look))),
            (21, Input),
            // Nobody has asked in between.
            (41, Poll(Is(Look))),
            (41, Poll(Is(FIRST))),
        ]);
    }

    #[test]
    fn input_after_the_ping_means_life_and_the_next_ping_has_other_bytes() {
        check(&[
            (20, Poll(Is(Look))),
            (20, Poll(Is(FIRST))),
            (29, Input),
            (30, Poll(Until(49))),
            (49, Poll(Is(Look))),
            (49, Poll(Is(SECOND))),
            (59, Poll(Is(Look))),
            (59, Input),
            (60, Poll(Until(79))),
            (79, Poll(Is(Look))),
        ]);
    }

    #[test]
    fn the_answer_is_due_from_when_the_ping_has_left() {
        check(&[
            (20, Poll(Is(Look))),
            (20, Poll(Is(FIRST))),
            (28, Unsent(Until(38))),
            (37, Unsent(Until(47))),
            (46, Poll(Until(47))),
            (47, Poll(Is(Look))),
            (47, Poll(Is(Dead))),
        ]);
    }

    #[test]
    fn the_answer_is_due_from_when_the_ping_can_have_arrived() {
        check(&[
            (20, Poll(Is(Look))),
            (20, Poll(Is(FIRST))),
            (20, OnItsWay(80, Until(90))),
            // What is sent after the ping does not delay it.
            (50, Unsent(Until(90))),
            (75, OnItsWay(135, Until(90))),
            (90, OnItsWay(150, Is(Look))),
            (90, OnItsWay(150, Is(Dead))),
        ]);
    }

    #[test]
    fn each_ping_has_its_own_time() {
        check(&[
            (20, Poll(Is(Look))),
            (20, Poll(Is(FIRST))),
            (20, OnItsWay(80, Until(90))),
            (70, Input),
            (90, Poll(Is(Look))),
            (90, Poll(Is(SECOND))),
            (90, Poll(Until(100))),
        ]);
    }

    #[test]
    fn what_is_unsent_does_not_put_a_ping_off() {
        check(&[(20, Unsent(Is(Look))), (20, Unsent(Is(FIRST)))]);
    }

    #[test]
    fn late_polls_look_before_they_judge() {
        check(&[
            (1000, Poll(Is(Look))),
            (1000, Poll(Is(FIRST))),
            (2000, Poll(Is(Look))),
            (2000, Poll(Is(Dead))),
        ]);
    }

    #[test]
    fn the_round_trip_is_that_of_the_latest_ping_and_told_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(
            Some(Duration::from_secs(20)),
            Duration::from_secs(10),
            start,
        );
        assert_eq!(keepalive.poll(at(20), None), Look);
        assert_eq!(keepalive.poll(at(20), None), FIRST);
        // A byte of something else comes before the pong.
        keepalive.received(at(21));
        assert_eq!(keepalive.pong(b"something else", at(22)), None);
        let first = 1_u64.to_be_bytes();
        assert_eq!(keepalive.pong(&first, at(23)), Some(Duration::from_secs(3)));
        assert_eq!(keepalive.pong(&first, at(24)), None);
    }

    #[test]
    fn a_pong_to_the_callers_latest_ping_is_kept_with_its_round_trip() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut keepalive = Keepalive::new(None, Duration::ZERO, start);
        assert_eq!(keepalive.pong(b"unasked", at(1)), None);
        keepalive.own_ping(b"first", at(2));
        keepalive.own_ping(b"second", at(3));
        assert_eq!(keepalive.pong(b"first", at(4)), None);
        assert_eq!(keepalive.last_pong(), None);
        let second = Some(Duration::from_secs(2));
        assert_eq!(keepalive.pong(b"second", at(5)), second);
        assert_eq!(keepalive.pong(b"second", at(6)), None);
        keepalive.own_ping(b"third", at(7));
        let last = keepalive.last_pong().expect("there was one");
        assert_eq!(
            (&last.payload[..], Some(last.round_trip)),
            (&b"second"[..], second)
        );
    }

    #[test]
    fn a_ping_of_the_callers_may_carry_what_another_one_does() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pause = Duration::from_secs(20);
        let mut keepalive = Keepalive::new(Some(pause), pause, start);
        assert_eq!(keepalive.poll(at(20), None), Look);
        assert_eq!(keepalive.poll(at(20), None), FIRST);
        let first = 1_u64.to_be_bytes();
        keepalive.own_ping(&first, at(21));
        let second = Some(Duration::from_secs(1));
        assert_eq!(keepalive.pong(&first, at(22)), second);
        assert_eq!(keepalive.last_pong().map(|pong| pong.round_trip), second);
        assert_eq!(keepalive.pong(&first, at(23)), None);
    }

    #[test]
    fn a_ping_that_could_not_be_sent_takes_no_others_place() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(None, Duration::ZERO, start);
        keepalive.own_ping(b"first", start);
        let before = keepalive.own_ping(b"second", start);
        keepalive.own_ping_failed(b"second", before);
        assert_eq!(keepalive.pong(b"second", start), None);
        assert!(keepalive.pong(b"first", start).is_some());
        // Another thread's came in between.
        let before = keepalive.own_ping(b"third", start);
        keepalive.own_ping(b"fourth", start);
        keepalive.own_ping_failed(b"third", before);
        assert!(keepalive.pong(b"fourth", start).is_some());
    }

    #[test]
    fn without_a_limit_silence_is_always_fine() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(None, Duration::ZERO, start);
        let late = start + Duration::from_secs(1_000_000);
        assert_eq!(keepalive.poll(late, None), Fine(None));
    }

    #[test]
    fn an_endless_limit_is_no_overflow() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Some(Duration::MAX), Duration::MAX, start);
        assert_eq!(keepalive.poll(start, None), Fine(None));
    }
}
