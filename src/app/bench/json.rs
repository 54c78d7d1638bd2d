//! What a run came to, for programs.

use super::chart::{Row, rows};
use super::comparison::Comparison;
use super::histogram::Histogram;
use super::plan::{Load, Target};
use super::run::Outcome;
use crate::app::show::text;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// One object, on a line.
pub(crate) fn report(target: &Target, load: &Load, outcome: &Outcome) -> String {
    text::in_ascii(object(target, load, outcome).to_string()) + "\n"
}

/// One object with those of both servers.
pub(crate) fn compared(targets: &[Target; 2], load: &Load, comparison: &Comparison) -> String {
    let [one, two] = comparison.outcomes();
    let rates = |place: usize| -> Vec<_> {
        let rounds = comparison.rates.iter();
        rounds.map(|round| round[place]).collect()
    };
    let object = json!({
        "a": object(&targets[0], load, one),
        "b": object(&targets[1], load, two),
        "rounds": {"a": rates(0), "b": rates(1)},
        "ratio": comparison.ratio(),
    });
    text::in_ascii(object.to_string()) + "\n"
}

fn object(target: &Target, load: &Load, outcome: &Outcome) -> Value {
    let Outcome { tally, time, .. } = outcome;
    let rate = outcome.rate();
    let faults = tally.faults.iter();
    let errors: Map<_, _> = faults
        .map(|(kind, (count, first))| {
            (
                kind.name().to_owned(),
                json!({"count": count, "first": first}),
            )
        })
        .collect();
    json!({
        "url": target.name,
        "connections": load.connections,
        "in_flight": load.in_flight,
        "size": load.messages.size(),
        "content": load.messages.content().name(),
        "idle": load.idle,
        "threads": load.threads,
        "warm_up_seconds": load.warm_up.as_secs_f64(),
        "seconds": time.as_secs_f64(),
        "cut_short": outcome.is_cut_short,
        "messages": tally.messages,
        "messages_per_second": rate,
        "bytes_per_second": rate * load.messages.size() as f64,
        "latency_us": times(&tally.latency),
        "latency_histogram": chart(&tally.latency),
        "connect_us": times(&tally.connect),
        "opened": outcome.opened(),
        "lost": tally.lost,
        "errors": errors,
        "pings": tally.pings,
        "unread": tally.unread,
        "tool_processor_seconds": tally.processor.map(|time| time.as_secs_f64()),
    })
}

fn times(histogram: &Histogram) -> Value {
    if histogram.total() == 0 {
        return Value::Null;
    }
    let at = |share| micros(histogram.percentile(share));
    json!({
        "min": micros(histogram.least()),
        "mean": micros(histogram.mean()),
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "p99_9": at(0.999),
        "max": micros(histogram.most()),
    })
}

/// The rows of the chart: how many were longer than the row before tells, and at most so long.
fn chart(histogram: &Histogram) -> Value {
    let rows = rows(histogram).into_iter();
    rows.map(|Row { end, count }| json!({"up_to_us": micros(end), "count": count}))
        .collect()
}

/// To a tenth.
fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}
