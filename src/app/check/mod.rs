//! `plainws check`: is this WebSocket implementation right?
//!
//! A case of the table in [`cases`] is a script, of frames right and wrong, and what is due for them. [`play`] plays it
//! with an examinee over TCP and notes what both ends did; [`judge`] judges that without a socket; [`report`] tells it.

mod came;
mod case;
mod cases;
mod examinee;
mod judge;
mod learn;
mod list;
mod listen;
mod old_suite;
mod play;
mod playing;
mod probe;
mod progress;
#[cfg(test)]
mod proof;
mod random;
mod record;
mod report;
mod run;
mod script;
mod select;
mod server;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the oracles of fuzz/ are made of it too"
)]
mod streams;
#[cfg(test)]
mod table_tests;
mod talk;

use self::progress::Progress;
use self::report::files::{self, Files};
use self::report::row::Row;
use self::report::{Report, text};
use self::server::{Server, Target};
use crate::app::show::output;
use crate::app::show::paint::shell_word;
use crate::app::{address, args, listen as listening};
use clap::Args;
use plainws::Role;
use plainws::net::listener::Listener;
use plainws::net::random::Random;
use plainws::net::url::Url;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// A server that sends each message back, such as ws://127.0.0.1:9001/echo
    #[arg(value_name = "URL", required_unless_present_any = ["list", "listen"])]
    url: Option<String>,

    /// Wait here for clients, and examine them
    ///
    /// Clients that were written for the Autobahn Testsuite work unchanged; a browser finds a page.
    #[arg(long, value_name = "ADDR", value_parser = listening::address, conflicts_with = "url")]
    listen: Option<listening::Address>,

    /// What reports call a server, instead of its URL, or a client that does not say its name
    #[arg(long, hide_short_help = true, value_name = "NAME", conflicts_with_all = ["learn", "random", "replay", "list"])]
    agent: Option<String>,

    /// With --listen: end when a client has asked for its report
    #[arg(long, hide_short_help = true, requires = "listen")]
    exit_after: bool,

    /// Say what is tested, and why; WHAT as for --only
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["url", "listen", "only", "skip", "strict", "json", "junit", "html", "autobahn", "random", "replay", "remote"])]
    list: Option<String>,

    /// Only these cases: an id, a group, a section, a rule; may be repeated
    ///
    /// Such as ping-empty, utf8, 5.5.2, text-not-utf8, or a number of the Autobahn Testsuite: 6.4.1, 6.4.*.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["random", "replay"])]
    only: Vec<String>,

    /// All but these cases, told as for --only
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["random", "replay"])]
    skip: Vec<String>,

    /// Lead whoever writes a server from stage to stage
    #[arg(long, conflicts_with_all = ["listen", "random", "only", "skip"])]
    learn: bool,

    /// With --learn: run again whenever the server has come back
    #[arg(long, hide_short_help = true, requires = "learn")]
    watch: bool,

    /// Send random streams for so many seconds, and judge the answers
    #[arg(long, value_name = "S", value_parser = args::seconds, allow_negative_numbers = true, conflicts_with_all = ["listen", "strict", "json", "junit", "html", "autobahn"])]
    random: Option<Duration>,

    /// With --random: the number that makes the streams; the same number makes the same ones
    #[arg(
        long,
        hide_short_help = true,
        value_name = "N",
        requires = "random",
        conflicts_with = "replay"
    )]
    seed: Option<u64>,

    /// Send a stream that --random saved once more
    #[arg(long, hide_short_help = true, value_name = "FILE", conflicts_with_all = ["random", "listen", "learn", "strict", "json", "junit", "html", "autobahn"])]
    replay: Option<PathBuf>,

    /// Count what is allowed but weak as failed
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    reports: files::Reports,

    /// Seconds of silence after which nothing more is expected, in each case
    #[arg(long, hide_short_help = true, value_name = "S", default_value = "2", value_parser = args::seconds, allow_negative_numbers = true)]
    timeout: Duration,

    /// Cases side by side, each on a connection of its own
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "8", value_parser = jobs, allow_negative_numbers = true)]
    jobs: usize,

    /// Examine a server on another machine: this is a test of one's own software
    #[arg(long, hide_short_help = true)]
    remote: bool,

    #[command(flatten)]
    handshake: args::HandshakeOptions,
}

const MORE: &str = "\
Examples:
  plainws check ws://127.0.0.1:9001/echo
  plainws check ws://127.0.0.1:9001/echo --only utf8 --strict
  plainws check --list closing

Exit codes:
  0  all passed
  1  something failed
  2  wrong usage
  3  nothing answers";

/// Examines.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    if let Some(what) = &options.list {
        output::print(&list::list(&cases::all(), what)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(address) = &options.listen {
        return listen(options, address);
    }
    let url = options
        .url
        .as_deref()
        .ok_or("a server's address is needed")?;
    let target = target(options, url)?;
    let command = options.command(url);
    let jobs = options.jobs;
    if options.learn {
        return learn::run(&target, url, &command, options.watch);
    }
    let cases = options.cases(Role::Server)?;
    let saved = options.replay.as_deref();
    let saved = saved.map(|path| random::read(path).map(|pieces| (path, pieces)));
    let saved = saved.transpose()?;
    if let Some(problem) = probe::problem(&mut server(&target)?) {
        output::say(&format!("{url}: {problem}"));
        return Ok(ExitCode::from(probe::NOTHING));
    }
    if let Some((path, pieces)) = saved {
        return random::replay(&target, &command, path, pieces);
    }
    if let Some(time) = options.random {
        let seed = options.seed.map_or_else(random_seed, Ok)?;
        return random::run(&target, &command, time, seed, jobs);
    }
    let mut files = Files::open(&options.reports)?;
    let began = Instant::now();
    let progress = Progress::new(&cases, &command, options.strict, files.people());
    let progress = Mutex::new(progress);
    let ran = run::run(
        &cases,
        jobs,
        || Server::new(&target),
        |case, result| lock(&progress).note(Row::new(case, result)),
    );
    ran.map_err(|error| format!("random bytes: {error}"))?;
    let progress = progress
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let report = Report {
        name: options.agent.clone().unwrap_or_else(|| url.to_owned()),
        command: command.clone(),
        role: Role::Server,
        is_strict: options.strict,
        rows: progress.end(),
        time: began.elapsed(),
    };
    files.write(&report)?;
    files.tell(&text::summary(&report))?;
    Ok(ExitCode::from(u8::from(report.is_bad())))
}

impl Options {
    /// What was typed, but for what chooses cases or only matters once.
    fn command(&self, url: &str) -> String {
        let mut typed = vec![url.to_owned()];
        typed.extend(self.handshake.typed());
        typed.extend(self.remote.then(|| "--remote".to_owned()));
        let words = typed.iter().map(|word| shell_word(word));
        let words = Vec::from_iter(words).join(" ");
        format!("plainws check {words}")
    }

    /// The cases that are meant, for an examinee in this role.
    fn cases(&self, role: Role) -> Result<Vec<case::Case>, String> {
        let mut cases = select::selected(cases::all(), &self.only, &self.skip)?;
        cases.retain(|case| case.is_for(role));
        if cases.is_empty() {
            return Err(format!("none of these cases is for a {}", role.name()));
        }
        Ok(cases)
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(options: &Options, address: &listening::Address) -> Result<ExitCode, String> {
    let mut cases = options.cases(Role::Client)?;
    let (listener, place) = listening::listen(address, "--listen")?;
    let Listener::Tcp(listener) = listener else {
        return Err("--listen takes an address of TCP".into());
    };
    let local = listener.local_addr().map_err(|error| error.to_string())?;
    if !options.remote && !local.ip().to_canonical().is_loopback() {
        return Err(format!(
            "other machines reach {local} too, and what connects is sent what is wrong on purpose; --remote allows it"
        ));
    }
    let files = Files::open(&options.reports)?;
    let at = place.reached_at().unwrap_or(local).to_string();
    output::say(&format!(
        "clients are examined at ws://{at}/, browsers find a page at http://{at}/; Ctrl-C ends"
    ));
    cases.sort_by_key(|case| (case.old.is_none(), case.old.map(old_number)));
    let plan = listen::Plan {
        cases,
        patience: options.timeout,
        agent: options.agent.clone(),
        is_strict: options.strict,
        exits_after: options.exit_after,
        files,
        at,
    };
    listen::examine(listener, plan).map(ExitCode::from)
}

/// The order of the old suite's numbers.
fn old_number(number: &str) -> Vec<u32> {
    let parts = number.split('.');
    parts.filter_map(|part| part.parse().ok()).collect()
}

fn server(target: &Target) -> Result<Server<'_>, String> {
    Server::new(target).map_err(|error| format!("random bytes: {error}"))
}

/// More would ask for more handles than systems give to a program.
fn jobs(text: &str) -> Result<usize, String> {
    const MOST: usize = 100;
    match args::number_above_0(text)?.get() {
        jobs @ ..=MOST => Ok(jobs),
        _ => Err(format!("it must be at most {MOST}")),
    }
}

/// A number that nobody has chosen, short enough to be typed again.
fn random_seed() -> Result<u64, String> {
    let random = Random::new().map_err(|error| format!("random bytes: {error}"));
    random.map(|mut random| u32::from_be_bytes(random.bytes()).into())
}

fn target(options: &Options, typed: &str) -> Result<Target, String> {
    let address = address::parse(typed)?;
    let url = Url::parse(&address.url).map_err(|error| error.to_string())?;
    let addresses = match options.handshake.connect_to() {
        Some(endpoint) => Url::parse(&format!("ws://{endpoint}/")).and_then(|url| url.addresses()),
        None => url.addresses(),
    };
    let addresses = addresses.map_err(|error| error.to_string())?;
    if !options.remote
        && !addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    {
        return Err(format!(
            "{} is not this machine: this sends what is wrong on purpose, so test your own software; --remote does it",
            url.host()
        ));
    }
    let handshake = &options.handshake;
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Target {
        url,
        addresses,
        headers: handshake.headers().map(owned).collect(),
        subprotocols: handshake.subprotocols().map(str::to_owned).collect(),
        host: handshake.host().map(str::to_owned),
        patience: options.timeout,
    })
}
