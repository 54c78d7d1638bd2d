//! What a run came to, for programs.

use super::histogram::Histogram;
use super::plan::{Load, Target};
use super::report::per_second;
use super::run::Outcome;
use crate::app::show::text;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// One object, on a line.
pub(crate) fn report(target: &Target, load: &Load, outcome: &Outcome) -> String {
    text::in_ascii(object(target, load, outcome).to_string()) + "\n"
}

fn object(target: &Target, load: &Load, outcome: &Outcome) -> Value {
    let Outcome { tally, time, .. } = outcome;
    let rate = per_second(tally.messages, *time);
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
        "connect_us": times(&tally.connect),
        "opened": outcome.opened,
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

/// To a tenth.
fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}
