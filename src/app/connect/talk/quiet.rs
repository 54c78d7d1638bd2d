//! Since when it has been quiet: nothing arrives, and nothing that arrived is still to be shown.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(super) struct Quiet {
    /// When something last happened.
    since: Instant,
    /// Whether a message is being shown. While its reader is slow, nothing more can arrive.
    is_showing: bool,
    /// Whether there is a connection over which something could arrive.
    is_open: bool,
}

impl Quiet {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            is_showing: false,
            is_open: false,
        }
    }

    /// Something happened: some of a message arrived, a ping was answered, the input ended.
    pub(super) fn disturb(&mut self, now: Instant) {
        self.since = self.since.max(now);
    }

    pub(super) fn is_showing(&mut self, is_showing: bool, now: Instant) {
        self.is_showing = is_showing;
        self.disturb(now);
    }

    pub(super) fn is_open(&mut self, is_open: bool, now: Instant) {
        self.is_open = is_open;
        self.disturb(now);
    }

    /// How much is left until it has been quiet for as long as `linger`, if nothing happens until then.
    pub(super) fn left(&self, linger: Duration, now: Instant) -> Duration {
        if self.is_showing || !self.is_open {
            return Duration::MAX;
        }
        linger.saturating_sub(now.saturating_duration_since(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Open,
        Lost,
        Arrives,
        Shows,
        Shown,
    }
    use Step::{Arrives, Lost, Open, Shown, Shows};

    /// Steps, each with its second, and how many seconds of five are left in the tenth.
    type Case = (&'static [(u64, Step)], Option<u64>);
    const CASES: &[Case] = &[
        (&[], None),
        (&[(0, Open)], Some(0)),
        (&[(8, Open)], Some(3)),
        (&[(0, Open), (6, Arrives)], Some(1)),
        (&[(0, Open), (6, Arrives), (10, Arrives)], Some(5)),
        // Two threads tell of things that happened almost together.
        (&[(0, Open), (8, Arrives), (7, Arrives)], Some(3)),
        (&[(0, Open), (1, Arrives), (1, Shows)], None),
        (&[(0, Open), (1, Arrives), (1, Shows), (9, Shown)], Some(4)),
        (&[(0, Open), (1, Lost)], None),
        (&[(0, Open), (1, Lost), (7, Open)], Some(2)),
    ];

    #[test]
    fn quiet_begins_anew_with_all_that_happens() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        for (steps, left) in CASES {
            let mut quiet = Quiet::new(start);
            for &(second, step) in *steps {
                let now = at(second);
                match step {
                    Open => quiet.is_open(true, now),
                    Lost => quiet.is_open(false, now),
                    Arrives => quiet.disturb(now),
                    Shows => quiet.is_showing(true, now),
                    Shown => quiet.is_showing(false, now),
                }
            }
            let left = left.map_or(Duration::MAX, Duration::from_secs);
            assert_eq!(
                quiet.left(Duration::from_secs(5), at(10)),
                left,
                "{steps:?}"
            );
        }
    }
}
