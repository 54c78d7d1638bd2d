//! What a run came to, for people.

use super::chart::{chart, grouped, short};
use super::comparison::Comparison;
use super::histogram::Histogram;
use super::plan::{Load, Target};
use super::run::Outcome;
use crate::app::show::paint::{BAD, FAINT, STRONG, paint};
use crate::app::show::text::{COLUMNS, clipped, count, padded};

/// The lines about one server.
pub(crate) fn report(target: &Target, load: &Load, outcome: &Outcome) -> String {
    let Outcome { tally, time, .. } = outcome;
    let mut text = paint(STRONG, &clipped(&target.name, COLUMNS - 1)) + "\n";
    text += &described(load, outcome);
    text += "\n";
    let mut line = |label, value: &str| text += &line(label, value);
    if load.connections > 0 {
        let rate = outcome.rate();
        line(
            "messages",
            &format!(
                "{}/s, {} in all",
                grouped(rate),
                grouped(tally.messages as f64)
            ),
        );
        line(
            "payload",
            &format!("{} MB/s each way", megabytes(load, outcome)),
        );
        line("latency", &times(&tally.latency));
    }
    line("connect", &times(&tally.connect));
    if load.idle > 0 {
        let pings = count(tally.pings, "ping");
        let unread = count(tally.unread, "message");
        line("idle", &format!("{pings} answered, {unread} not looked at"));
    }
    // Without a message the time may be next to nothing, and a share of it means nothing.
    if let Some(busy) = tally.processor.filter(|_| tally.messages > 0) {
        let share = busy.as_secs_f64() / time.as_secs_f64();
        line(
            "this tool",
            &format!("{share:.2} of a processor{}", limit(share, load.threads)),
        );
    }
    text += &failures(outcome);
    if load.connections > 0 && tally.latency.total() > 0 {
        text += "\n";
        text += &chart(&tally.latency);
    }
    text
}

fn line(label: &str, value: &str) -> String {
    format!("{}{value}\n", paint(FAINT, &padded(label, LABEL)))
}

/// Columns of what stands before a value.
const LABEL: usize = 10;

/// What went wrong, a line for each kind.
fn failures(outcome: &Outcome) -> String {
    let tally = &outcome.tally;
    let mut text = String::new();
    for (kind, (number, first)) in &tally.faults {
        let what = format!("{} {}: {first}", grouped(*number as f64), kind.name());
        let what = clipped(&what, COLUMNS - 1 - LABEL);
        text += &format!("{}{what}\n", paint(BAD, &padded("error", LABEL)));
    }
    if tally.lost > 0 {
        let all = count(outcome.opened(), "connection");
        text += &line("lost", &format!("{} of {all}", tally.lost));
    }
    text
}

/// The lines about two servers that were loaded in turn.
pub(crate) fn compared(targets: &[Target; 2], load: &Load, comparison: &Comparison) -> String {
    let outcomes = comparison.outcomes();
    let mut text = String::new();
    for (name, target) in NAMES.iter().zip(targets) {
        let shown = clipped(&target.name, COLUMNS - 4);
        text += &format!("{name}  {}\n", paint(STRONG, &shown));
    }
    text += &described(load, outcomes[0]);
    let rounds = count(comparison.rates.len() as u64, "round");
    text += &format!("in {rounds} of both by turns\n\n");

    text += &row(["", NAMES[0], NAMES[1], "A/B"]);
    if load.connections > 0 {
        let ratio = comparison.ratio().map_or("-".into(), two_decimals);
        let [a, b] = outcomes.map(|outcome| grouped(outcome.rate()));
        text += &row(["messages/s", &a, &b, &ratio]);
        let [a, b] = outcomes.map(|outcome| megabytes(load, outcome));
        text += &row(["MB/s each way", &a, &b, ""]);
        text += &compared_times("latency", outcomes.map(|outcome| &outcome.tally.latency));
    }
    text += &compared_times("connect", outcomes.map(|outcome| &outcome.tally.connect));
    if let Some((least, most)) = comparison.spread() {
        text += &format!("\nmessages/s, A/B: {least:.2} to {most:.2} in single rounds\n");
    }
    for (name, outcome) in NAMES.iter().zip(outcomes) {
        let failures = failures(outcome);
        if !failures.is_empty() {
            text += &format!("\n{name}\n{failures}");
        }
    }
    text
}

const NAMES: [&str; 2] = ["A", "B"];

fn row([label, a, b, ratio]: [&str; 4]) -> String {
    let label = paint(FAINT, &padded(label, 16));
    let row = format!("{label}{a:>14}{b:>14}{ratio:>8}");
    row.trim_end().to_owned() + "\n"
}

fn compared_times(what: &str, histograms: [&Histogram; 2]) -> String {
    if histograms.iter().any(|histogram| histogram.total() == 0) {
        return String::new();
    }
    let times = SHARES.map(|(name, share)| (name, histograms.map(|times| times.percentile(share))));
    let most = ("max", histograms.map(Histogram::most));
    let rows = times.into_iter().chain([most]).map(|(name, [a, b])| {
        let ratio = two_decimals(a.as_secs_f64() / b.as_secs_f64().max(1e-9));
        row([&format!("{what} {name}"), &short(a), &short(b), &ratio])
    });
    rows.collect()
}

fn two_decimals(number: f64) -> String {
    format!("{number:.2}")
}

fn megabytes(load: &Load, outcome: &Outcome) -> String {
    let bytes = outcome.rate() * load.messages.size() as f64;
    format!("{:.1}", bytes / 1e6)
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
    let [seconds, warm_up] = [outcome.time, load.warm_up].map(|time| time.as_secs_f64());
    let time = format!("{seconds:.1} s{cut} after {warm_up:.1} s of warm-up");
    format!("{}\n{time}\n", parts.join(", "))
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

#[cfg(test)]
mod tests {
    use super::super::messages::{Content, Messages};
    use super::*;
    use plainws::net::random::Random;
    use std::time::Duration;

    #[test]
    fn what_the_load_itself_used_is_told_only_beside_messages() {
        let mut random = Random::new().expect("the system has random bytes");
        let target = Target::new("tcp://127.0.0.1:1", Default::default()).expect("it is a URL");
        let second = Duration::from_secs(1);
        let load = Load {
            connections: 1,
            idle: 0,
            in_flight: 1,
            messages: Messages::new(Content::Binary, 125, &mut random).into(),
            threads: 1,
            patience: second,
            warm_up: second,
            time: second,
        };
        for (messages, is_told) in [(0, false), (1, true)] {
            let mut outcome = Outcome {
                time: second,
                ..Outcome::default()
            };
            outcome.tally.messages = messages;
            outcome.tally.processor = Some(second / 2);
            let report = report(&target, &load, &outcome);
            assert_eq!(report.contains("0.50 of a processor"), is_told, "{report}");
        }
    }
}
