//! What a run came to, for people.

use super::histogram::Histogram;
use super::plan::{Load, Target};
use super::run::Outcome;
use crate::app::show::paint::{BAD, FAINT, STRONG, paint};
use crate::app::show::text::{clipped, count, padded};
use std::time::Duration;

/// The lines about one server.
pub(crate) fn report(target: &Target, load: &Load, outcome: &Outcome) -> String {
    let Outcome { tally, time, .. } = outcome;
    let mut text = paint(STRONG, &clipped(&target.name, 79)) + "\n";
    text += &described(load, outcome);
    text += "\n";
    let mut line = |label: &str, value: &str| {
        let style = if label == "error" { BAD } else { FAINT };
        text += &format!("{}{value}\n", paint(style, &padded(label, 10)));
    };
    if load.connections > 0 {
        let rate = per_second(tally.messages, *time);
        let bytes = rate * load.messages.size() as f64;
        line(
            "messages",
            &format!(
                "{}/s, {} in all",
                grouped(rate),
                grouped(tally.messages as f64)
            ),
        );
        line("payload", &format!("{:.1} MB/s each way", bytes / 1e6));
        line("latency", &times(&tally.latency));
    }
    line("connect", &times(&tally.connect));
    if load.idle > 0 {
        let pings = count(tally.pings, "ping");
        let unread = count(tally.unread, "message");
        line("idle", &format!("{pings} answered, {unread} not looked at"));
    }
    if let Some(busy) = tally.processor.filter(|_| load.connections > 0) {
        let share = busy.as_secs_f64() / time.as_secs_f64();
        line(
            "this tool",
            &format!("{share:.2} of a processor{}", limit(share, load.threads)),
        );
    }
    for (kind, (number, first)) in &tally.faults {
        let what = format!("{} x {}: {first}", grouped(*number as f64), kind.name());
        line("error", &clipped(&what, 69));
    }
    if tally.lost > 0 {
        let lost = format!("{} of {}", tally.lost, count(outcome.opened, "connection"));
        line("lost", &lost);
    }
    if load.connections > 0 && tally.latency.total() > 0 {
        text += "\n";
        text += &chart(&tally.latency);
    }
    text
}

/// Says when the tool was the limit and not the server.
fn limit(share: f64, threads: u32) -> &'static str {
    if share > 0.95 * f64::from(threads) {
        ": the load is at its own limit, see --threads"
    } else {
        ""
    }
}

fn described(load: &Load, outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    if load.connections > 0 {
        parts.push(count(load.connections.into(), "connection"));
        parts.push(format!("{} in flight", load.in_flight));
        let (size, content) = (load.messages.size(), load.messages.content().name());
        parts.push(format!("{} of {content}", count(size as u64, "byte")));
    }
    if load.idle > 0 {
        parts.push(format!("{} idle", count(load.idle.into(), "connection")));
    }
    let cut = if outcome.is_cut_short {
        ", cut short"
    } else {
        ""
    };
    let seconds = outcome.time.as_secs_f64();
    format!("{}; {seconds:.1} s{cut}\n", parts.join(", "))
}

pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// The percentiles that are shown, with their names.
pub(crate) const SHARES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

fn times(histogram: &Histogram) -> String {
    if histogram.total() == 0 {
        return "none".into();
    }
    let mut parts: Vec<_> = SHARES
        .iter()
        .map(|(name, share)| format!("{name} {}", short(histogram.percentile(*share))))
        .collect();
    parts.push(format!("max {}", short(histogram.most())));
    parts.join("  ")
}

/// A time in three digits and its unit.
pub(crate) fn short(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        ..1e3 => (micros, "us"),
        1e3..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The most rows of a chart.
const ROWS: usize = 16;
/// The longest bar.
const BAR: usize = 44;

/// Rows that end at round times, as fine as fits, and a bar for the echoes of each.
fn chart(histogram: &Histogram) -> String {
    let rows = rows(histogram);
    let most = rows.iter().map(|row| row.count).max().unwrap_or(1);
    let mut text = String::new();
    for Row { end, count } in rows {
        let share = count as f64 / histogram.total() as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is at most the length of a bar"
        )]
        let length = (count as f64 / most as f64 * BAR as f64).ceil() as usize;
        let bar = padded(&"#".repeat(length), BAR);
        let number = grouped(count as f64);
        let end = format!("<= {}", short(end));
        text += &format!("{end:>11}  {bar} {number:>12} {:>5.1} %\n", share * 100.0);
    }
    text
}

pub(crate) struct Row {
    /// The longest time in it.
    pub(crate) end: Duration,
    pub(crate) count: u64,
}

/// How finely a power of ten is divided: the first that needs few enough rows is taken.
const STEPS: [&[f64]; 4] = [
    &[
        1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0,
    ],
    &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
    &[1.0, 2.0, 5.0],
    &[1.0],
];

fn rows(histogram: &Histogram) -> Vec<Row> {
    let divided = STEPS.iter().map(|steps| divided(histogram, steps));
    let mut divided = divided.filter(|rows| rows.len() <= ROWS);
    divided.next().unwrap_or_default()
}

fn divided(histogram: &Histogram, steps: &[f64]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before = 0;
    let ends = (0..12).flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
    for nanos in ends {
        let end = Duration::from_secs_f64(nanos / 1e9);
        let within = if end >= histogram.most() {
            histogram.total()
        } else {
            histogram.within(end)
        };
        if within > 0 {
            let count = within - before;
            rows.push(Row { end, count });
            before = within;
        }
        if within == histogram.total() {
            break;
        }
    }
    rows
}
