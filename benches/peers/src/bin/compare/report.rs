//! The tables, in Markdown.

use crate::Result;
use crate::arguments::Arguments;
use crate::clocks::Clocks;
use crate::idle::Idle;
use crate::machine::Machine;
use crate::rows::RowResults;
use crate::server::Kind;
use crate::sizes::Size;
use serde_json::Value;
use std::fmt::Write as _;
use std::process::Command;

/// What was measured on and how.
///
/// # Errors
/// If the program that is measured does not run.
pub(crate) fn about(machine: &Machine, arguments: &Arguments) -> Result<String> {
    let gathering = if arguments.gathers {
        "answers to messages that arrived together leave together"
    } else {
        "each answer is written by itself, but for plainws"
    };
    Ok(format!(
        "{}; {}; {}\n{}\n{}\n{} rounds of {} s; {gathering}\n",
        Machine::processor(),
        Machine::kernel(),
        Machine::compiler(),
        versions(arguments)?,
        machine.pinning(),
        arguments.rounds,
        arguments.time.as_secs_f64(),
    ))
}

fn versions(arguments: &Arguments) -> Result<String> {
    let plainws = Command::new(&arguments.plainws).arg("--version").output();
    let plainws = plainws.map_err(|error| format!("{}: {error}", arguments.plainws.display()))?;
    let mut versions = vec![String::from_utf8_lossy(&plainws.stdout).trim().to_owned()];
    let lock = include_str!("../../../Cargo.lock");
    for kind in arguments
        .servers
        .iter()
        .filter(|kind| **kind != Kind::Plainws)
    {
        let entry = format!("name = \"{}\"\nversion = \"", kind.name());
        if let Some((_, rest)) = lock.split_once(&entry) {
            let version = rest.split('"').next().unwrap_or_default();
            versions.push(format!("{} {version}", kind.name()));
        }
    }
    Ok(versions.join(", "))
}

/// Rates, processor time and memory under each load.
pub(crate) fn tables(servers: &[Kind], results: &[RowResults]) -> String {
    if results.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\nMessages a second as a share of the raw TCP echo's, whose own number is in the last column (connections x in \
         flight x bytes):\n\n",
    );
    let others = 1..servers.len();
    let mut titles = others
        .clone()
        .map(|i| title(servers[i]))
        .collect::<Vec<_>>();
    titles.push("raw-tcp a second".into());
    let rows = results.iter().map(|result| {
        let mut cells: Vec<_> = others
            .clone()
            .map(|i| cell(result.ratio(i), |ratio| format!("{ratio:.2}")))
            .collect();
        cells.push(cell(result.rate(0), grouped));
        (result.row.title.to_owned(), cells)
    });
    text += &table("", &titles, rows);

    text += "\nThe server's processor time for each message, in microseconds:\n\n";
    let titles: Vec<_> = servers.iter().copied().map(title).collect();
    let rows = results.iter().map(|result| {
        let cells = (0..servers.len()).map(|i| cell(result.processor(i), three_digits));
        (result.row.title.to_owned(), cells.collect())
    });
    text += &table("", &titles, rows);

    text += "\nThe most memory that the server held, in MB:\n\n";
    let rows = results.iter().map(|result| {
        let cells = result.peaks.iter().map(|peak| {
            let peak = peak.ok_or_else(|| "the server is gone".into());
            cell(peak, |kib| format!("{:.1}", kib as f64 * 1024.0 / 1e6))
        });
        (result.row.title.to_owned(), cells.collect())
    });
    text += &table("", &titles, rows);
    text += &remarks(servers, results);
    text
}

/// Memory of idle connections.
pub(crate) fn idle(servers: &[Kind], results: &[Result<Idle>]) -> String {
    let held = results.iter().flatten().map(|idle| idle.connections).next();
    let mut text = format!(
        "\nMemory (RSS) of the server for each of {} idle connections, in KB:\n\n",
        grouped(held.unwrap_or(0) as f64)
    );
    let titles: Vec<_> = servers.iter().copied().map(title).collect();
    let of = |value: fn(&Idle) -> f64| {
        results
            .iter()
            .map(|result| {
                let value = result.as_ref().map(value).map_err(Clone::clone);
                cell(value, kb)
            })
            .collect::<Vec<_>>()
    };
    let rows = [
        ("after the handshake".into(), of(|idle| idle.fresh)),
        ("after a message".into(), of(|idle| idle.used)),
    ];
    text += &table("", &titles, rows.into_iter());
    for (kind, result) in servers.iter().zip(results) {
        if let Err(problem) = result {
            let _ = writeln!(text, "\n{} failed: {problem}", kind.name());
        }
    }
    text
}

/// What connections of plainws take, at several numbers of them.
pub(crate) fn sizes(sizes: &[Size]) -> String {
    let mut text = String::from(
        "\nWhat plainws takes for each idle connection that has echoed a message once:\n\n",
    );
    let titles: Vec<_> = sizes
        .iter()
        .map(|size| grouped(size.connections as f64))
        .collect();
    let of = |value: fn(&Size) -> String| sizes.iter().map(value).collect::<Vec<_>>();
    let rows = [
        ("memory (RSS), KB", of(|size| kb(size.program))),
        (
            "kernel, stack of the thread, KB",
            of(|size| kb(size.kernel.stacks)),
        ),
        (
            "kernel, page tables, KB",
            of(|size| kb(size.kernel.page_tables)),
        ),
        (
            "all, with socket and thread, as a control group counts, KB",
            of(|size| size.group.map_or_else(|| "needs root".into(), kb)),
        ),
        ("memory maps", of(|size| format!("{:.1}", size.maps))),
        (
            "processor time to open it, us",
            of(|size| format!("{:.0}", size.opening)),
        ),
        (
            "opened a second, one after the other",
            of(|size| grouped(size.opened)),
        ),
    ];
    let rows = rows.map(|(name, cells)| (name.to_owned(), cells));
    text += &table("connections", &titles, rows.into_iter());
    text
}

fn kb(kib: f64) -> String {
    format!("{:.1}", kib * 1.024)
}

/// Clocks in one process.
pub(crate) fn clocks(clocks: &Clocks) -> String {
    let seen = &clocks.regularity;
    let mut text = format!(
        "\n{} clocks of plainws in one process, opened within {:.1} s:\n\n",
        grouped(clocks.connections as f64),
        seen["seconds_to_open"].as_f64().unwrap_or(0.0),
    );
    let times = |times: &Value| {
        ["p50", "p99", "p99_9", "max"]
            .map(|name| format!("{:.1}", times[name].as_f64().unwrap_or(f64::NAN)))
            .join(" / ")
    };
    let kernel = &clocks.kernel;
    let rows = [
        ("memory (RSS) for each, KB", kb(clocks.memory)),
        ("kernel, stack of the thread, KB", kb(kernel.stacks)),
        ("kernel, page tables, KB", kb(kernel.page_tables)),
        (
            "kernel, objects, with the sockets of both ends, KB",
            kb(kernel.objects),
        ),
        ("share of a processor", format!("{:.2}", clocks.processor)),
        ("late, ms: p50 / p99 / p99.9 / max", times(&seen["late_ms"])),
        (
            "off a second, ms: p50 / p99 / p99.9 / max",
            times(&seen["off_ms"]),
        ),
        ("ticks seen", grouped(seen["ticks"].as_f64().unwrap_or(0.0))),
        ("ticks missed", seen["missed"].to_string()),
        ("connections lost", seen["lost"].to_string()),
    ];
    let rows = rows.map(|(name, value)| (name.to_owned(), vec![value]));
    text += &table("", &["plainws".into()], rows.into_iter());
    text
}

fn title(kind: Kind) -> String {
    format!("{}, {}", kind.name(), kind.way())
}

fn cell<T>(value: Result<T>, shown: impl Fn(T) -> String) -> String {
    value.map_or_else(|_| "failed".into(), shown)
}

/// Why servers failed, and where the load was the slower side: once for each server and load.
fn remarks(servers: &[Kind], results: &[RowResults]) -> String {
    let mut text = String::new();
    for result in results {
        for (kind, runs) in servers.iter().zip(&result.runs) {
            let (name, row) = (kind.name(), result.row.title);
            if let Some(problem) = runs.iter().find_map(|run| run.as_ref().err()) {
                let _ = writeln!(text, "\n{name} failed at {row}: {problem}");
            }
            if runs.iter().flatten().any(|run| run.is_limited_by_load) {
                let _ = writeln!(text, "\n{name} had time left at {row}: the load had none");
            }
        }
    }
    text
}

/// A table whose columns are as wide as their widest cell.
fn table(
    corner: &str,
    titles: &[String],
    rows: impl Iterator<Item = (String, Vec<String>)>,
) -> String {
    let mut lines = vec![[&[corner.to_owned()], titles].concat()];
    lines.extend(rows.map(|(name, cells)| [vec![name], cells].concat()));
    let widths: Vec<_> = (0..lines[0].len())
        .map(|i| lines.iter().map(|line| line[i].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (i, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match i {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if number == 0 {
            for (i, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(*width);
                let _ = match i {
                    0 => write!(text, "|-{dashes}-|"),
                    _ => write!(text, "-{dashes}:|"),
                };
            }
            text.push('\n');
        }
    }
    text
}

fn three_digits(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
