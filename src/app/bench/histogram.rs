//! Times, counted in buckets that are narrow everywhere: each is less than 1 % of the times in it.

use std::time::Duration;

/// Each power of two is divided into so many buckets; times below that many nanoseconds have one each.
const PARTS: u64 = 128;

/// How often each time was met, and exactly the shortest, the longest and the sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: u128,
    least: u64,
    most: u64,
}

impl Histogram {
    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bucket(nanos);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.least = if self.total == 0 {
            nanos
        } else {
            self.least.min(nanos)
        };
        self.most = self.most.max(nanos);
        self.total += 1;
        self.sum += u128::from(nanos);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if other.total == 0 {
            return;
        }
        let length = self.counts.len().max(other.counts.len());
        self.counts.resize(length, 0);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.least = match self.total {
            0 => other.least,
            _ => self.least.min(other.least),
        };
        self.most = self.most.max(other.most);
        self.total += other.total;
        self.sum += other.sum;
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    pub(crate) const fn least(&self) -> Duration {
        Duration::from_nanos(self.least)
    }

    pub(crate) const fn most(&self) -> Duration {
        Duration::from_nanos(self.most)
    }

    pub(crate) fn mean(&self) -> Duration {
        let mean = self.sum / u128::from(self.total.max(1));
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The time within which `share` of all lie, such as 0.99: the end of its bucket, so no less than it
    /// was and at most 1 % more. Zero when there is none.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is a count"
        )]
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut met = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            met += count;
            if *count > 0 && met >= wanted {
                return Duration::from_nanos(end(bucket).min(self.most).max(self.least));
            }
        }
        self.most()
    }

    /// How many were at most so long; exact for an end of a bucket, else a little too few.
    pub(crate) fn within(&self, time: Duration) -> u64 {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let buckets = self.counts.iter().enumerate();
        let within = buckets.take_while(|&(bucket, _)| end(bucket) <= nanos);
        within.map(|(_, count)| count).sum()
    }
}

/// Below 128 ns a bucket for each; then 64 for each power of two.
fn bucket(nanos: u64) -> usize {
    let shift = u64::from((nanos / PARTS).checked_ilog2().map_or(0, |log| log + 1));
    let bucket = shift * (PARTS / 2) + (nanos >> shift);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The longest time of a bucket.
fn end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let half = PARTS / 2;
    if bucket < PARTS {
        return bucket;
    }
    let shift = bucket / half - 1;
    let part = bucket % half + half;
    ((part + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_a_bucket_whose_end_is_less_than_two_percent_away() {
        let mut before = 0;
        for nanos in (0..5000).chain((12..62).map(|power| (1 << power) + 12_345)) {
            let bucket = bucket(nanos);
            assert!(bucket >= before, "{nanos}");
            before = bucket;
            assert!(end(bucket) >= nanos, "{nanos}");
            assert!(bucket == 0 || end(bucket - 1) < nanos, "{nanos}");
            assert!(end(bucket) - nanos <= nanos / 64, "{nanos}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_times_recorded() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.5), Duration::ZERO);
        for nanos in 1..=100 {
            histogram.record(Duration::from_nanos(nanos));
        }
        for (share, nanos) in [
            (0.0, 1),
            (0.01, 1),
            (0.5, 50),
            (0.99, 99),
            (0.999, 100),
            (1.0, 100),
        ] {
            assert_eq!(
                histogram.percentile(share),
                Duration::from_nanos(nanos),
                "{share}"
            );
        }
        assert_eq!(histogram.within(Duration::from_nanos(30)), 30);
        assert_eq!(histogram.mean(), Duration::from_nanos(50));
    }

    #[test]
    fn what_two_recorded_is_as_if_one_had() {
        let times = [900, 5, 70_000, 70_001, 3].map(Duration::from_nanos);
        let (mut one, mut two, mut all) = <(Histogram, Histogram, Histogram)>::default();
        for (i, &time) in times.iter().enumerate() {
            all.record(time);
            if i % 2 == 0 {
                one.record(time);
            } else {
                two.record(time);
            };
        }
        one.add(&two);
        one.add(&Histogram::default());
        assert_eq!(format!("{one:?}"), format!("{all:?}"));
    }
}
