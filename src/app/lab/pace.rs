//! How fast commands are carried out.

use std::time::{Duration, Instant};

/// Commands a second: more than hands give, and still little work.
pub(super) const PER_SECOND: u32 = 20;

/// So many at once, then so many a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When the next may come if all had come evenly; in the past after a pause.
    next: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next: earliest(now),
        }
    }

    /// How long the command that comes now has to wait.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.next = self.next.max(earliest(now));
        let wait = self.next.saturating_duration_since(now);
        self.next += EACH;
        wait
    }
}

const EACH: Duration = Duration::from_millis(1000 / PER_SECOND as u64);

/// When a command had to come for all that may come at once to come now.
fn earliest(now: Instant) -> Instant {
    now.checked_sub(EACH * (PER_SECOND - 1)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_pass_at_once_and_then_one_every_50_ms() {
        let start = Instant::now() + Duration::from_secs(10);
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        let mut waits = |now, count| -> Vec<u128> {
            (0..count).map(|_| pace.wait(at(now)).as_millis()).collect()
        };
        assert_eq!(waits(0, 20), [0; 20]);
        assert_eq!(waits(0, 2), [50, 100]);
        assert_eq!(waits(100, 1), [50]);
        assert_eq!(waits(200, 1), [0]);
        assert_eq!(waits(10_000, 21), [&[0; 20][..], &[50]].concat());
    }
}
