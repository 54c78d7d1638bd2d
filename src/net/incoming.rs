//! Whether a message that has begun goes on arriving at the promised pace.
//!
//! Nothing here asks for the time or touches a socket: the caller does, so that a table of times can
//! test it.

use super::limits::Limits;
use super::pace::Pace;
use std::time::{Duration, Instant};

/// A read that comes this long after the one before it is late: the caretaker reads many times a second
/// unless too much waits for the connection's own thread already. What the peer sent meanwhile may have
/// found no room, so this time does not count.
const UNREAD: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Incoming {
    pace: Pace,
    /// Bytes of the message that have arrived; `None` between messages.
    arrived: Option<u64>,
    /// When it was last read.
    last_read: Instant,
    /// When the latest read began that took everything there was, or the latest look found nothing.
    caught_up: Instant,
    is_judged: bool,
}

impl Incoming {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            pace: Pace::of_message(limits, now),
            arrived: None,
            last_read: now,
            caught_up: now,
            is_judged: true,
        }
    }

    /// From when on the message is late, if nothing more has arrived; `None` between messages.
    pub(super) fn late_at(&self) -> Option<Instant> {
        (self.is_judged && self.arrived.is_some()).then_some(self.pace.late_at())
    }

    /// Whether the message is late. What may still wait to be read is given the benefit of the doubt.
    pub(super) fn is_late(&self) -> bool {
        self.late_at()
            .is_some_and(|late_at| late_at <= self.caught_up)
    }

    /// A read begins.
    pub(super) fn reads(&mut self, now: Instant) {
        let unread = now.saturating_duration_since(self.last_read);
        if unread >= UNREAD {
            self.pace.postpone(unread);
        }
        self.last_read = now;
    }

    /// A read ends, which took everything there was or filled its buffer.
    pub(super) fn has_read(&mut self, took_all: bool, now: Instant) {
        if took_all {
            self.caught_up = self.caught_up.max(self.last_read);
        }
        self.last_read = now;
    }

    /// Whether the message is late unless more of it waits to be read. Asked while a thread sleeps in a read;
    /// whoever then looks and finds nothing says so by [`looked`](Self::looked).
    pub(super) fn may_be_late(&self, now: Instant) -> bool {
        self.late_at().is_some_and(|late_at| late_at <= now)
    }

    /// Nothing waited to be read at that time. The thread that reads may have just taken something that is not
    /// counted here yet, so give it a while before asking whether the message [is late](Self::is_late).
    pub(super) fn looked(&mut self, now: Instant) {
        self.caught_up = self.caught_up.max(now);
    }

    /// So many bytes of the message have arrived up to now.
    pub(super) fn arrived(&mut self, bytes: u64, now: Instant) {
        match self.arrived.replace(bytes) {
            None => {
                self.pace.begin(now);
                self.last_read = now;
            }
            Some(before) => {
                let more = usize::try_from(bytes.saturating_sub(before));
                self.pace.moved(more.unwrap_or(usize::MAX), now);
            }
        }
    }

    /// The message is complete.
    pub(super) const fn ended(&mut self) {
        self.arrived = None;
    }

    /// Judges no more: from now on a message may take its time.
    pub(super) const fn stop(&mut self) {
        self.is_judged = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: u64 = 64 * 1024;

    /// What happens at a time.
    enum At {
        /// So many times 64 KiB of the message have arrived up to now, by a read that has just ended.
        Arrived(u64),
        /// Something else has arrived.
        Other,
        Ended,
        /// A read that begins then finds nothing; whether the message is late.
        Nothing(bool),
    }

    use At::{Arrived, Ended, Nothing, Other};

    /// 64 KiB are to arrive in 60 s; and the time that is so many seconds after its beginning.
    fn judged_after_60_s() -> (Incoming, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let limits = Limits::default().message_timeout(Duration::from_secs(60));
        let incoming = Incoming::new(&limits, start);
        (incoming, move |seconds| {
            start + Duration::from_secs(seconds)
        })
    }

    /// Between two rows somebody reads, as a rule.
    #[track_caller]
    fn check(table: &[(u64, At)]) {
        check_read(table, true);
    }

    #[track_caller]
    fn check_read(table: &[(u64, At)], is_read: bool) {
        let (mut incoming, at) = judged_after_60_s();
        for (row, (seconds, event)) in table.iter().enumerate() {
            let now = at(*seconds);
            if is_read {
                incoming.has_read(false, now);
            }
            incoming.reads(now);
            match event {
                Arrived(times) => incoming.arrived(times * PACE, now),
                Other => {}
                Ended => incoming.ended(),
                Nothing(is_late) => {
                    incoming.has_read(true, now);
                    assert_eq!(incoming.is_late(), *is_late, "row {row}, at {seconds} s");
                }
            }
            incoming.has_read(true, now);
        }
    }

    #[test]
    fn nothing_is_late_between_messages() {
        check(&[
            (1000, Nothing(false)),
            (1001, Other),
            (2000, Nothing(false)),
        ]);
    }

    #[test]
    fn a_message_that_has_begun_has_the_time_for_64_kib() {
        check(&[
            (100, Arrived(0)),
            (159, Nothing(false)),
            (160, Nothing(true)),
        ]);
    }

    #[test]
    fn each_64_kib_has_its_time() {
        check(&[
            (0, Arrived(0)),
            (59, Arrived(1)),
            (118, Arrived(2)),
            (177, Nothing(false)),
            (178, Nothing(true)),
        ]);
    }

    #[test]
    fn what_comes_early_is_no_credit() {
        check(&[
            (0, Arrived(0)),
            (1, Arrived(100)),
            (60, Nothing(false)),
            (61, Nothing(true)),
        ]);
    }

    #[test]
    fn other_frames_are_no_progress() {
        check(&[
            (0, Arrived(1)),
            (20, Other),
            (40, Arrived(1)),
            (59, Other),
            (60, Nothing(true)),
        ]);
    }

    #[test]
    fn a_trickle_is_no_progress() {
        let (mut incoming, at) = judged_after_60_s();
        for second in 0..60 {
            incoming.arrived(second, at(second));
        }
        incoming.has_read(true, at(61));
        incoming.reads(at(61));
        incoming.has_read(true, at(61));
        assert!(incoming.is_late());
    }

    #[test]
    fn each_message_has_its_own_time() {
        check(&[
            (0, Arrived(0)),
            (50, Ended),
            (50, Arrived(0)),
            (109, Nothing(false)),
            (109, Ended),
            (110, Nothing(false)),
        ]);
    }

    #[test]
    fn the_time_in_which_nobody_reads_does_not_count() {
        check_read(
            &[
                (0, Arrived(0)),
                (500, Nothing(false)),
                (500, Arrived(1)),
                (1000, Nothing(false)),
            ],
            false,
        );
    }

    #[test]
    fn a_short_time_between_two_reads_counts() {
        let start = Instant::now();
        let limits = Limits::default().message_timeout(Duration::from_secs(6));
        let mut incoming = Incoming::new(&limits, start);
        incoming.arrived(0, start);
        for turn in 1..=10 {
            let now = start + turn * Duration::from_millis(600);
            incoming.reads(now);
            incoming.has_read(true, now);
            assert_eq!(incoming.is_late(), turn == 10);
        }
    }

    #[test]
    fn the_time_before_a_message_began_does_not_matter() {
        let (mut incoming, at) = judged_after_60_s();
        // It was read long ago, and is decoded only now.
        incoming.arrived(0, at(100));
        incoming.reads(at(100));
        incoming.has_read(true, at(160));
        incoming.reads(at(160));
        incoming.has_read(true, at(160));
        assert!(incoming.is_late());
    }

    #[test]
    fn nothing_is_late_once_nothing_is_judged() {
        let start = Instant::now();
        let mut incoming = Incoming::new(&Limits::default(), start);
        incoming.arrived(0, start);
        let late = start + Duration::from_secs(61);
        incoming.has_read(true, late);
        incoming.reads(late);
        incoming.has_read(true, late);
        assert!(incoming.is_late());
        incoming.stop();
        assert!(!incoming.is_late());
    }

    #[test]
    fn nothing_is_late_that_may_have_arrived_and_not_been_read() {
        let (mut incoming, at) = judged_after_60_s();
        incoming.arrived(0, at(0));
        for (began, ended, took_all, is_late) in [
            // It began in time, and lasted.
            (1, 100, true, false),
            // It filled its buffer.
            (100, 100, false, false),
            // Whether there is something else does not matter.
            (100, 101, true, true),
        ] {
            incoming.last_read = at(began);
            incoming.reads(at(began));
            incoming.has_read(took_all, at(ended));
            assert_eq!(incoming.is_late(), is_late, "{began} to {ended} s");
        }
    }

    #[test]
    fn a_look_that_finds_nothing_shows_that_a_message_is_late() {
        let (mut incoming, at) = judged_after_60_s();
        assert!(!incoming.may_be_late(at(1000)), "between messages");
        incoming.arrived(0, at(0));
        incoming.reads(at(0));
        for (second, may_be_late) in [(1, false), (59, false), (60, true)] {
            assert_eq!(incoming.may_be_late(at(second)), may_be_late, "{second} s");
        }
        incoming.looked(at(59));
        assert!(!incoming.is_late());
        incoming.looked(at(60));
        assert!(incoming.is_late());
        // What is known is not forgotten: this look began earlier, as did the read that ends now.
        incoming.looked(at(59));
        assert!(incoming.is_late());
        incoming.has_read(true, at(61));
        assert!(incoming.is_late());
        incoming.stop();
        assert!(!incoming.may_be_late(at(1000)), "nothing is judged");
    }
}
