//! `plainws bench`: loads a server that echoes, and measures it.

mod chart;
mod checker;
mod comparison;
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

use self::comparison::Comparison;
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
    /// The server: [ws://]host[:port]/path, or tcp://host:port for bare bytes
    ///
    /// With tcp:// it sends back bytes as they are, without frames.
    url: String,

    /// Connections that send messages
    ///
    /// With 0 there are idle ones only.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = args::number::<u32>)]
    connections: u32,

    /// Messages on their way on each
    ///
    /// The next is sent when an echo has come.
    #[arg(long, value_name = "N", default_value = "1", value_parser = args::number_above_0)]
    in_flight: NonZeroUsize,

    /// Bytes of payload in each message
    #[arg(long, value_name = "SIZE", default_value = "125", value_parser = size)]
    size: usize,

    /// Send binary messages; this is the default
    #[arg(long, group = "content")]
    binary: bool,

    /// Send text in ASCII
    #[arg(long, group = "content")]
    text: bool,

    /// Send text of several scripts
    ///
    /// Its characters have one to four bytes.
    #[arg(long, group = "content")]
    utf8: bool,

    /// Seconds to measure
    #[arg(long, value_name = "S", default_value = "5", value_parser = args::seconds)]
    seconds: Duration,

    /// Seconds of load before that, which do not count; without it a tenth of --seconds, at most 1
    #[arg(long, hide_short_help = true, value_name = "S", value_parser = args::seconds_or_0)]
    warm_up: Option<Duration>,

    /// Connections beside them that stay idle
    ///
    /// They only answer pings. What they receive is not looked at. They are lost if the server ends them.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = args::number::<u32>)]
    idle: u32,

    /// Seconds that connecting, the answer to a handshake and each echo may take
    #[arg(long, hide_short_help = true, value_name = "S", default_value = "10", value_parser = args::seconds)]
    timeout: Duration,

    /// Threads of the load
    ///
    /// One can keep a server busy that has a processor of its own. The report says when it cannot.
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 1, value_parser = threads)]
    threads: u32,

    /// Load this server too, in turn; print ratios
    ///
    /// With tcp://host:port, where bytes come back as they are, this tells how much of the raw socket's
    /// speed is left. The same bytes are sent there, without a handshake.
    #[arg(long, value_name = "URL")]
    compare: Option<String>,

    /// Rounds in which the two are loaded, each for its part of --seconds
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "5", value_parser = args::number_above_0, requires = "compare")]
    rounds: NonZeroUsize,

    #[command(flatten)]
    handshake: args::HandshakeOptions,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const MORE: &str = "\
It loads any server that sends each message back as it came, and with
--connections 0 --idle N any that lets connections in. A connection sends its
next message when an echo has come, so that --in-flight messages are on their
way at a time; latency is the time from a message's turn to be sent to its whole
echo. All echoes are checked: type, every byte, and that they come in order.
Messages begin with a number of their own. A connection that gets a wrong echo,
or none within --timeout, or is closed, is counted and ended, and no other takes
its place. Ctrl-C ends the run with what there is so far.

Frames are masked when the run begins, with at most 64 keys of the system's
generator, which take turns: to mask each anew would slow the load down.

Examples:
  plainws bench ws://127.0.0.1:8000/echo
  plainws bench ws://127.0.0.1:8000/echo --in-flight 16 --text --seconds 20
  plainws bench ws://127.0.0.1:8000/echo --size 64K --compare tcp://127.0.0.1:7
  plainws bench ws://127.0.0.1:8000/clock --connections 0 --idle 500

--json prints one object. Names that end in _us have microseconds, in _seconds
seconds; bytes_per_second is payload in one direction. \"opened\" counts the
connections that were opened, and \"lost\" those of them that ended before the run
did; \"errors\" has the count of each kind and what the first was. \"pings\" counts
the pings that were answered, and \"unread\" the messages that came on idle
connections. \"latency_histogram\" has rows, each with how many took longer than
the row before and at most up_to_us. \"tool_processor_seconds\" is the processor
time of the load itself while it was measured, null where the system does not
tell. With --compare the objects are \"a\" and \"b\", \"rounds\" has their messages a
second in each round, and \"ratio\" is the median of a / b.

Exit codes:
  0  all echoes right, no connection lost      1  otherwise      2  wrong usage";

/// Loads the server and prints what was measured.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let target = Target::new(&options.url, options.asked())?;
    let other = options.compare.as_deref();
    let other = other.map(|url| Target::new(url, options.asked()));
    let other = other.transpose()?;
    for target in [Some(&target), other.as_ref()].into_iter().flatten() {
        target.notes.iter().for_each(|note| output::say(note));
    }
    let bench = Bench {
        load: options.load()?,
        stop: AtomicBool::new(false),
        lines: Lines::dropping(|_| String::new())
            .map_err(|error| format!("cannot start a thread: {error}"))?,
    };
    bench.check_room()?;
    let bench = Arc::new(bench);
    stop_on_signals(&bench)?;
    let ended = match other {
        Some(other) => bench.compare(&[target, other], options),
        None => bench.measure_one(&target, options.json),
    };
    ended.or_else(|problem| {
        output::say(&problem);
        Ok(ExitCode::FAILURE)
    })
}

impl Options {
    fn asked(&self) -> Asked {
        let headers = self.handshake.headers();
        let headers = headers.map(|(name, value)| (name.into(), value.into()));
        let subprotocols = self.handshake.subprotocols().map(str::to_owned);
        Asked {
            headers: headers.collect(),
            subprotocols: subprotocols.collect(),
            host: self.handshake.host().map(str::to_owned),
            connect_to: self.handshake.connect_to().map(str::to_owned),
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

/// What a run needs beside its server.
struct Bench {
    load: Load,
    /// Set when the user ends it.
    stop: AtomicBool,
    lines: Lines,
}

impl Bench {
    fn measure_one(&self, target: &Target, as_json: bool) -> Result<ExitCode, String> {
        let outcome = self.measure(target, &self.load, "")?;
        output::print(&if as_json {
            json::report(target, &self.load, &outcome)
        } else {
            report::report(target, &self.load, &outcome)
        })?;
        Ok(self.verdict(&[&outcome]))
    }

    /// Loads both in each round, and begins with the other one each time, so that a machine that becomes
    /// slower is no advantage of either.
    fn compare(&self, targets: &[Target; 2], options: &Options) -> Result<ExitCode, String> {
        let rounds = options.rounds.get();
        let load = self.load.part(u32::try_from(rounds).unwrap_or(u32::MAX));
        let mut comparison = Comparison::default();
        for round in 0..rounds {
            let mut outcomes = <[Outcome; 2]>::default();
            for turn in 0..2 {
                let place = (round + turn) % 2;
                let name = ["A", "B"][place];
                let where_ = format!("round {} of {rounds}, {name}: ", round + 1);
                outcomes[place] = self.measure(&targets[place], &load, &where_)?;
            }
            comparison.add(outcomes);
            if self.stop.load(Relaxed) {
                break;
            }
        }
        output::print(&if options.json {
            json::compared(targets, &self.load, &comparison)
        } else {
            report::compared(targets, &self.load, &comparison)
        })?;
        Ok(self.verdict(&comparison.outcomes()))
    }

    fn measure(&self, target: &Target, load: &Load, title: &str) -> Result<Outcome, String> {
        let is_terminal = io::stderr().is_terminal();
        let mut shown = 0;
        let outcome = run::run(target, load, &self.stop, |progress| {
            shown += 1;
            if is_terminal && shown % 10 == 0 {
                let line = format!("\r\x1b[K{title}{}", line(load, &progress));
                self.lines.push(To::Stderr, &line);
            }
        });
        if is_terminal {
            self.lines.push(To::Stderr, "\r\x1b[K");
            self.lines.finish(Duration::from_secs(1));
        }
        outcome
    }

    fn verdict(&self, outcomes: &[&Outcome]) -> ExitCode {
        let is_good = |outcome: &&Outcome| {
            let is_measured = outcome.tally.messages > 0 || self.load.connections == 0;
            is_measured && outcome.tally.faults.is_empty()
        };
        if outcomes.iter().all(is_good) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Refuses what the system does not allow, where it tells, and what would take too much memory.
    fn check_room(&self) -> Result<(), String> {
        let connections = self.load.all_connections();
        let needed = u64::from(connections) + u64::from(self.load.threads) * 3 + OWN_DESCRIPTORS;
        if let Some(limit) = descriptors().filter(|limit| needed > *limit) {
            return Err(format!(
                "{connections} connections need {needed} open files, and the system allows {limit}: \
                 raise that with ulimit -n"
            ));
        }
        if self.load.memory() > MOST_MEMORY {
            return Err(
                "so many messages on their way take more than 1 GiB of memory: \
                 lower --in-flight or --connections"
                    .into(),
            );
        }
        Ok(())
    }
}

/// The line that is written over again and again while the run lasts.
fn line(load: &Load, progress: &Progress) -> String {
    let seconds = progress.time.as_secs_f64();
    match progress.phase {
        Phase::Connecting => format!(
            "{} of {} connections",
            progress.open,
            load.all_connections()
        ),
        Phase::WarmingUp => "warming up".into(),
        _ => format!(
            "{seconds:.1} of {:.1} s  {} messages/s  {} connections",
            load.time.as_secs_f64(),
            chart::grouped(run::per_second(progress.messages, progress.time)),
            progress.open
        ),
    }
}

/// The first signal ends the run early, the second the program.
fn stop_on_signals(bench: &Arc<Bench>) -> Result<(), String> {
    let bench = Arc::clone(bench);
    let heeded = signals::on_each(move || {
        if bench.stop.swap(true, Relaxed) {
            std::process::exit(130);
        }
    });
    heeded.map_err(|error| format!("cannot wait for signals: {error}"))
}

/// Far more than a machine's buffers have on their way.
const MOST_MEMORY: u128 = 1024 * 1024 * 1024;

/// What the program opens beside its connections.
const OWN_DESCRIPTORS: u64 = 16;

/// How many files this process may have open, as Linux tells it.
fn descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Nobody accepts larger ones.
const LARGEST: u64 = 1024 * 1024 * 1024;

fn size(text: &str) -> Result<usize, String> {
    let size = args::size(text)?;
    if size > LARGEST {
        return Err("messages have at most 1024M".into());
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
