//! Lines that come in floods: the first of each second are written, the others counted.

use std::time::{Duration, Instant};

/// Lines written in a second: enough to see who comes and why, too few to fill a disk.
const WRITTEN: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Decides which lines of one kind are written.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    /// When the first line of this second came.
    since: Option<Instant>,
    /// How many lines of this second were written.
    written: u32,
    /// How many were not, and are yet to be told of.
    counted: u64,
}

impl Flood {
    /// Whether a line that comes now is written. If not, it is counted.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now >= since + SECOND) {
            self.since = Some(now);
            self.written = 0;
        }
        let is_admitted = self.written < WRITTEN;
        if is_admitted {
            self.written += 1;
        } else {
            self.counted += 1;
        }
        is_admitted
    }

    /// When the counted lines are to be told of; `None` while there are none.
    pub(crate) fn due(&self) -> Option<Instant> {
        let since = self.since.filter(|_| self.counted > 0);
        since.map(|since| since + SECOND)
    }

    /// How many lines were counted, once that is due.
    pub(crate) fn told(&mut self, now: Instant) -> Option<u64> {
        self.due().filter(|&due| now >= due)?;
        self.rest()
    }

    /// How many lines were counted, due or not.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.counted)).filter(|&counted| counted > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_second_are_written_and_the_others_told_of_once_when_it_is_over() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut flood = Flood::default();
        let written = (0..25).filter(|&i| flood.admits(at(i))).count();
        assert_eq!(written, 10);
        assert_eq!(flood.due(), Some(at(1000)));
        assert_eq!(flood.told(at(999)), None);
        assert_eq!(flood.told(at(1000)), Some(15));
        assert_eq!((flood.told(at(1001)), flood.due()), (None, None));
    }

    #[test]
    fn each_second_has_its_own_ten() {
        let start = Instant::now();
        let mut flood = Flood::default();
        for second in 0..3 {
            let now = start + second * SECOND;
            let written = (0..12).filter(|_| flood.admits(now)).count();
            assert_eq!(written, 10, "second {second}");
        }
        // None was forgotten while nobody asked.
        assert_eq!(flood.told(start + 3 * SECOND), Some(6));
    }

    #[test]
    fn lines_that_come_slowly_are_all_written() {
        let start = Instant::now();
        let mut flood = Flood::default();
        let came = (0..100).map(|i| start + i * SECOND / 10);
        assert!(came.into_iter().all(|now| flood.admits(now)));
        assert_eq!((flood.due(), flood.rest()), (None, None));
    }
}
