//! At which pace a peer is promised to be served, and when it is late.
//!
//! A peer keeps the promised pace if it takes [`PACE_BYTES`] in each time-out. Whether it takes anything
//! at all cannot be seen from here: the system has buffers of megabytes, and tells of room in them in
//! bursts. A receiver, for example, reopens a closed window only after it has read a good part of its
//! buffer. So what the system takes is a credit: the peer may look still for as long as it needs for
//! these bytes at the promised pace, up to a limit.
//!
//! Nothing here asks for the time or touches a socket: the caller does, so that a table of times can
//! test it.

use super::deadline::after;
use super::limits::Limits;
use std::time::{Duration, Instant};

/// The promised pace is this many bytes in each time-out.
pub(super) const PACE_BYTES: u32 = 64 * 1024;

/// One direction of a connection, and how far it is behind or ahead of the promised pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// For each [`PACE_BYTES`].
    timeout: Duration,
    /// The longest that bytes may be on their way.
    transit: Duration,
    /// From then on, no progress means that the peer is late.
    late_at: Instant,
    /// When a peer at the promised pace has got everything that moved up to now.
    arrived_by: Instant,
}

impl Pace {
    /// The pace at which a peer takes what is sent to it.
    pub(super) const fn of_output(limits: &Limits, now: Instant) -> Self {
        Self {
            timeout: limits.write_timeout,
            transit: limits.transit_timeout,
            late_at: now,
            arrived_by: now,
        }
    }

    /// The pace at which a message that has begun arrives. It has no credit: what has arrived is here.
    pub(super) const fn of_message(limits: &Limits, now: Instant) -> Self {
        Self {
            timeout: limits.message_timeout,
            transit: Duration::ZERO,
            late_at: now,
            arrived_by: now,
        }
    }

    /// There is something to be moved now.
    pub(super) fn begin(&mut self, now: Instant) {
        self.late_at = self.late_at.max(after(now, self.timeout));
    }

    /// `length` bytes were moved. A few of them now and then buy almost no time, many buy much, though
    /// no more than they may be on their way.
    pub(super) fn moved(&mut self, length: usize, now: Instant) {
        let time = self.time_for(length);
        let latest = after(after(now, self.transit), self.timeout);
        self.late_at = after(self.late_at, time).min(latest);
        self.arrived_by = after(self.arrived_by.max(now), time);
    }

    /// So much time does not count.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.late_at = after(self.late_at, time);
    }

    /// The time for each [`PACE_BYTES`].
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// From then on, no progress means that the peer is late.
    pub(super) const fn late_at(&self) -> Instant {
        self.late_at
    }

    /// By when everything that moved up to now has arrived; this may lie in the past.
    pub(super) fn arrival(&self, now: Instant) -> Instant {
        self.arrived_by.min(after(now, self.transit))
    }

    /// How long `length` bytes take at the promised pace.
    fn time_for(&self, length: usize) -> Duration {
        let nanoseconds = self.timeout.as_nanos().saturating_mul(length as u128);
        let nanoseconds = nanoseconds / u128::from(PACE_BYTES);
        u64::try_from(nanoseconds).map_or(Duration::MAX, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens at a time.
    enum At {
        Begin,
        /// So many times 64 KiB are moved.
        Moved(usize),
        /// One byte less than that is moved.
        AlmostMoved(usize),
        /// When the peer is late.
        Late(u64),
        /// When everything will have arrived.
        Arrival(u64),
    }

    use At::{AlmostMoved, Arrival, Begin, Late, Moved};

    const SECOND: Duration = Duration::from_secs(1);
    const PACE: usize = PACE_BYTES as usize;

    fn limits() -> Limits {
        Limits::default()
            .write_timeout(10 * SECOND)
            .transit_timeout(60 * SECOND)
    }

    /// 64 KiB in 10 s, which are on their way for at most 60 s.
    #[track_caller]
    fn check(table: &[(u64, At)]) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::of_output(&limits(), start);
        for (row, (seconds, event)) in table.iter().enumerate() {
            let now = at(*seconds);
            let (is, expected) = match event {
                Begin => {
                    pace.begin(now);
                    continue;
                }
                Moved(times) => {
                    pace.moved(times * PACE, now);
                    continue;
                }
                AlmostMoved(times) => {
                    pace.moved(times * PACE - 1, now);
                    continue;
                }
                Late(seconds) => (pace.late_at(), at(*seconds)),
                Arrival(seconds) => (pace.arrival(now), at(*seconds)),
            };
            // One byte is worth 153 microseconds.
            let difference = is.max(expected) - is.min(expected);
            assert!(
                difference < Duration::from_millis(1),
                "row {row}, at {seconds} s: {difference:?} off"
            );
        }
    }

    #[test]
    fn a_peer_has_the_time_for_64_kib_from_when_there_is_something_for_it() {
        check(&[(0, Begin), (0, Late(10)), (7, Begin), (7, Late(17))]);
    }

    #[test]
    fn what_moves_buys_the_time_that_it_takes_at_the_promised_pace() {
        check(&[
            (0, Begin),
            (4, Moved(1)),
            (4, Late(20)),
            (19, Moved(1)),
            (19, Late(30)),
            // A whole one is not needed: each byte counts.
            (29, AlmostMoved(1)),
            (29, Late(40)),
        ]);
    }

    #[test]
    fn a_burst_lets_the_peer_look_still_for_as_long_as_it_lasts_at_that_pace() {
        check(&[(0, Begin), (0, Moved(5)), (0, Late(60))]);
    }

    #[test]
    fn a_burst_buys_no_more_than_bytes_may_be_on_their_way() {
        check(&[
            (0, Begin),
            (0, Moved(64)),
            (0, Late(70)),
            (3, Moved(1)),
            (3, Late(73)),
        ]);
    }

    #[test]
    fn a_trickle_buys_nothing() {
        let start = Instant::now();
        let mut pace = Pace::of_output(&limits(), start);
        pace.begin(start);
        for second in 0..10 {
            pace.moved(1, start + second * SECOND);
        }
        assert!(pace.late_at() < start + 10 * SECOND + Duration::from_millis(2));
    }

    #[test]
    fn a_new_beginning_takes_no_time_away() {
        check(&[(0, Begin), (0, Moved(5)), (1, Begin), (1, Late(60))]);
    }

    #[test]
    fn bytes_arrive_one_after_the_other_at_the_promised_pace() {
        check(&[
            (0, Arrival(0)),
            (0, Moved(2)),
            (0, Arrival(20)),
            (5, Arrival(20)),
            (5, Moved(1)),
            (5, Arrival(30)),
            (40, Arrival(30)),
            (40, Moved(1)),
            (40, Arrival(50)),
        ]);
    }

    #[test]
    fn bytes_arrive_within_the_longest_time_that_they_may_be_on_their_way() {
        check(&[
            (0, Moved(32)),
            (0, Arrival(60)),
            // As long as they need at the promised pace, it goes on from the time of the question.
            (20, Arrival(80)),
            (290, Arrival(320)),
            (330, Arrival(320)),
        ]);
    }

    #[test]
    fn without_time_a_peer_is_late_at_once_and_with_endless_time_never() {
        let start = Instant::now();
        let none = Limits::default().write_timeout(Duration::ZERO);
        let mut pace = Pace::of_output(&none, start);
        pace.begin(start);
        pace.moved(PACE, start);
        assert_eq!((pace.late_at(), pace.arrival(start)), (start, start));

        let endless = Limits::default()
            .write_timeout(Duration::MAX)
            .transit_timeout(Duration::MAX);
        let mut pace = Pace::of_output(&endless, start);
        for _ in 0..1000 {
            pace.begin(start);
            pace.moved(usize::MAX, start);
        }
        let far = start + 1_000_000 * SECOND;
        assert!(pace.late_at() > far && pace.arrival(start) > far);
    }
}
