//! Prometheus' text format, and counting by size as it wants it.

use std::fmt::{Display, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is served as this type.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is, and so which questions it answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It only grows, and is asked for its rate. Its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// The text, as it grows.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.head(name, kind.name(), help);
        self.sample(name, "", value);
    }

    /// A sample for each value of a label.
    pub(super) fn each<L: Display, V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, kind.name(), help);
        for (of, value) in values {
            self.sample(name, &format!("{{{label}=\"{of}\"}}"), value);
        }
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let counted = histogram.counted();
        self.head(name, "histogram", help);
        let mut count = 0;
        let bounds = histogram.bounds.iter().map(ToString::to_string);
        for (bound, new) in bounds.chain(["+Inf".into()]).zip(counted.buckets) {
            count += new;
            self.sample(
                &format!("{name}_bucket"),
                &format!("{{le=\"{bound}\"}}"),
                count,
            );
        }
        self.sample(&format!("{name}_sum"), "", counted.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), "", count);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// How many times were as long as this or that.
#[derive(Debug)]
pub(super) struct Histogram {
    /// The longest times of all buckets but the last, in seconds.
    bounds: &'static [u32],
    counted: Mutex<Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    /// How many are longer than the bound before and not longer than this one.
    buckets: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u32]) -> Self {
        let counted = Counted {
            buckets: vec![0; bounds.len() + 1],
            sum: Duration::ZERO,
        };
        Self {
            bounds,
            counted: Mutex::new(counted),
        }
    }

    pub(super) fn count(&self, time: Duration) {
        let bounds = self.bounds.iter();
        let bounds = bounds.map(|&seconds| Duration::from_secs(seconds.into()));
        let bucket = bounds.take_while(|bound| time > *bound).count();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.buckets[bucket] += 1;
        counted.sum = counted.sum.saturating_add(time);
    }

    fn counted(&self) -> Counted {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_in_each_bucket_all_that_are_not_longer() {
        let histogram = Histogram::new(&[1, 60]);
        for milliseconds in [0, 999, 1000, 1001, 60_000, 60_001, 90_000_000] {
            histogram.count(Duration::from_millis(milliseconds));
        }
        let mut text = Exposition::default();
        text.histogram("times_seconds", "Times.", &histogram);
        assert_eq!(
            text.into_text(),
            "# HELP times_seconds Times.\n\
             # TYPE times_seconds histogram\n\
             times_seconds_bucket{le=\"1\"} 3\n\
             times_seconds_bucket{le=\"60\"} 5\n\
             times_seconds_bucket{le=\"+Inf\"} 7\n\
             times_seconds_sum 90123.001\n\
             times_seconds_count 7\n"
        );
    }

    #[test]
    fn a_metric_is_one_sample_or_one_for_each_value_of_its_label() {
        let mut text = Exposition::default();
        text.one("places", Kind::Gauge, "Places.", 3);
        text.each(
            "seen_total",
            Kind::Counter,
            "Seen.",
            "of",
            [("a", 1), ("b", 2)],
        );
        assert_eq!(
            text.into_text(),
            "# HELP places Places.\n# TYPE places gauge\nplaces 3\n\
             # HELP seen_total Seen.\n# TYPE seen_total counter\n\
             seen_total{of=\"a\"} 1\nseen_total{of=\"b\"} 2\n"
        );
    }
}
