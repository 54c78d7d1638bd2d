//! `plainws bench`: loads a server that echoes, and measures it.

mod checker;
mod fault;
mod histogram;
mod json;
mod messages;
mod outbox;
mod peer;
mod plan;
mod report;
mod run;
mod tally;
mod worker;

use self::messages::{Content, Messages};
use self::plan::{Asked, Load, Target};
use self::run::{Outcome, Progress};
use self::worker::Phase;
use crate::app::args;
use crate::app::show::lines::{Lines, To};
use crate::app::show::output;
use crate::app::signals;
use clap::Args;
use plainws::net::random::Random;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// The server: ws://host[:port]/path, or tcp://host:port for an echo of bytes without frames
    url: String,

    /// Connections that send messages; with 0 there are idle ones only
    #[arg(long, short, value_name = "N", default_value_t = 32, value_parser = args::number::<u32>)]
    connections: u32,

    /// Messages that each connection has on their way: the next is sent when an echo has come
    #[arg(long, value_name = "N", default_value = "1", value_parser = args::number_above_0)]
    in_flight: NonZeroUsize,

    /// Bytes of payload in each message
    #[arg(long, short, value_name = "SIZE", default_value = "125", value_parser = size)]
    size: usize,

    /// Send binary messages; this is the default
    #[arg(long, group = "content")]
    binary: bool,

    /// Send text in ASCII
    #[arg(long, group = "content")]
    text: bool,

    /// Send text of several scripts, in characters of one to four bytes
    #[arg(long, group = "content")]
    utf8: bool,

    /// Seconds to measure
    #[arg(long, value_name = "S", default_value = "5", value_parser = args::seconds)]
    seconds: Duration,

    /// Seconds of load before that, which do not count; default: a tenth of --seconds, at most 1
    #[arg(long, value_name = "S", value_parser = args::seconds_or_0)]
    warm_up: Option<Duration>,

    /// Connections that stay open beside the others and answer pings, but send nothing
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = args::number::<u32>)]
    idle: u32,

    /// Seconds that connecting, the answer to a handshake and each echo may take
    #[arg(long, value_name = "S", default_value = "10", value_parser = args::seconds)]
    timeout: Duration,

    /// Threads of the load: one can keep a server busy that has a processor of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = threads)]
    threads: u32,

    #[command(flatten)]
    handshake: args::HandshakeOptions,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const MORE: &str = "\
Examples:
  plainws bench ws://127.0.0.1:8000/echo
  plainws bench ws://127.0.0.1:8000/echo --in-flight 16 --text --seconds 10

Exit codes:
  0  every echo was right and no connection was lost        1  otherwise        2  wrong usage";

/// Loads the server and prints what was measured.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let target = Target::new(&options.url, options.asked())?;
    let load = options.load()?;
    check_room(&load)?;
    let stop = Arc::new(AtomicBool::new(false));
    stop_on_signals(&stop)?;
    let lines = Lines::dropping(|_| String::new())
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    let outcome = match measure(&target, &load, &stop, &lines) {
        Ok(outcome) => outcome,
        Err(problem) => {
            output::say(&problem);
            return Ok(ExitCode::FAILURE);
        }
    };
    if options.json {
        output::print(&json::report(&target, &load, &outcome))?;
    } else {
        output::print(&report::report(&target, &load, &outcome))?;
    }
    Ok(verdict(&load, &outcome))
}

impl Options {
    fn asked(&self) -> Asked {
        let headers = self.handshake.headers();
        let headers = headers.map(|(name, value)| (name.into(), value.into()));
        let subprotocols = self.handshake.subprotocols().map(str::to_owned);
        Asked {
            headers: headers.collect(),
            subprotocols: subprotocols.collect(),
        }
    }

    fn load(&self) -> Result<Load, String> {
        if self.connections == 0 && self.idle == 0 {
            return Err(
                "without connections there is nothing to measure: see --connections and --idle"
                    .into(),
            );
        }
        let mut random = Random::new().map_err(|error| format!("no random bytes: {error}"))?;
        let tenth = (self.seconds / 10).min(Duration::from_secs(1));
        Ok(Load {
            connections: self.connections,
            idle: self.idle,
            in_flight: self.in_flight.get(),
            messages: Arc::new(Messages::new(self.content(), self.size, &mut random)),
            threads: self.threads,
            patience: self.timeout,
            warm_up: self.warm_up.unwrap_or(tenth),
            time: self.seconds,
        })
    }

    const fn content(&self) -> Content {
        match (self.text, self.utf8) {
            (true, _) => Content::Text,
            (_, true) => Content::Utf8,
            _ => Content::Binary,
        }
    }
}

fn measure(
    target: &Target,
    load: &Load,
    stop: &AtomicBool,
    lines: &Lines,
) -> Result<Outcome, String> {
    let is_terminal = io::stderr().is_terminal();
    let mut shown = 0;
    let outcome = run::run(target, load, stop, |progress| {
        shown += 1;
        if is_terminal && shown % 20 == 0 {
            lines.push(To::Stderr, &line(load, &progress));
        }
    });
    if is_terminal {
        lines.push(To::Stderr, "\r\x1b[K");
        lines.finish(Duration::from_secs(1));
    }
    outcome
}

/// The line that is written over again and again while the run lasts.
fn line(load: &Load, progress: &Progress) -> String {
    let seconds = progress.time.as_secs_f64();
    let what = match progress.phase {
        Phase::Connecting => format!(
            "{} of {} connections",
            progress.open,
            load.all_connections()
        ),
        Phase::WarmingUp => "warming up".into(),
        _ => format!(
            "{seconds:.1} of {:.1} s  {} messages/s  {} connections",
            load.time.as_secs_f64(),
            report::grouped(report::per_second(progress.messages, progress.time)),
            progress.open
        ),
    };
    format!("\r\x1b[K{what}")
}

/// The first signal ends the run early, the second the program.
fn stop_on_signals(stop: &Arc<AtomicBool>) -> Result<(), String> {
    let stop = Arc::clone(stop);
    let heeded = signals::on_each(move || {
        if stop.swap(true, Relaxed) {
            std::process::exit(130);
        }
    });
    heeded.map_err(|error| format!("cannot wait for signals: {error}"))
}

fn verdict(load: &Load, outcome: &Outcome) -> ExitCode {
    let is_empty = load.connections > 0 && outcome.tally.messages == 0;
    if is_empty || !outcome.tally.faults.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What the program opens beside its connections.
const OWN_DESCRIPTORS: u64 = 16;

/// Refuses what the system does not allow, where it tells.
fn check_room(load: &Load) -> Result<(), String> {
    let Some(limit) = descriptors() else {
        return Ok(());
    };
    let needed = u64::from(load.all_connections()) + u64::from(load.threads) * 3 + OWN_DESCRIPTORS;
    if needed > limit {
        return Err(format!(
            "{} connections need {needed} open files, and the system allows {limit}: raise that with ulimit -n",
            load.all_connections()
        ));
    }
    Ok(())
}

/// How many files this process may have open, as Linux tells it.
fn descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Messages take four times their size here, and nobody accepts larger ones.
const LARGEST: u64 = 256 * 1024 * 1024;

fn size(text: &str) -> Result<usize, String> {
    let size = args::size(text)?;
    if size > LARGEST {
        return Err("messages have at most 256M".into());
    }
    usize::try_from(size).map_err(|_| "that is too large".into())
}

fn threads(text: &str) -> Result<u32, String> {
    match args::number(text)? {
        0 => Err("it must be at least 1".into()),
        threads if threads > 256 => Err("at most 256".into()),
        threads => Ok(threads),
    }
}
