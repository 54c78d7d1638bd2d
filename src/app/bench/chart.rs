//! Times as text: numbers, and rows with bars.

use super::histogram::Histogram;
use crate::app::show::text::padded;
use std::time::Duration;

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
pub(crate) fn chart(histogram: &Histogram) -> String {
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

pub(crate) fn rows(histogram: &Histogram) -> Vec<Row> {
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
