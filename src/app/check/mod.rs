//! `plainws check`: is this WebSocket implementation right?
//!
//! A case of the table in [`cases`] is a script, of frames right and wrong, and what is due for them. [`play`] plays it
//! with an examinee over TCP and notes what both ends did; [`judge`] judges that without a socket; [`report`] tells it.
//!
//! | in this order | what |
//! |---|---|
//! | `case`, `script`, `cases` | what a case is, what it does, and all of them |
//! | `examinee`, `server` | where connections come from |
//! | `talk`, `came` | one connection, and what came on it |
//! | `play`, `playing`, `record` | a script is played, on each of its connections; what happened |
//! | `judge` | what that amounts to |
//! | `run`, `probe`, `progress`, `report` | many cases, as long as the examinee is there; what people and programs are told |
//! | `options`, `select`, `list`, `old_suite` | which cases are meant, and what they are called elsewhere |
//! | `listen`, `learn`, `random`, `streams` | clients, stages for learners, generated streams |

mod came;
mod case;
mod cases;
mod examinee;
mod judge;
mod learn;
mod list;
mod listen;
mod old_suite;
mod options;
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

pub(crate) use self::learn::json as stages;
pub(crate) use self::options::Options;

use self::case::Case;
use self::progress::Progress;
use self::report::files::Files;
use self::report::row::Row;
use self::report::{Report, text};
use self::server::{Server, Target};
use crate::app::listen as listening;
use crate::app::show::output;
use plainws::Role;
use plainws::net::random::Random;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Does what the options ask for.
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
    let target = options.target(url)?;
    let command = options.command(url);
    if let Some(warning) = target.trust.warning() {
        output::say(warning);
    }
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
        return random::run(&target, &command, time, seed, options.jobs);
    }
    examine(options, &cases, &target, url, &command)
}

/// Plays the cases with a server, and reports on it.
fn examine(
    options: &Options,
    cases: &[Case],
    target: &Target,
    url: &str,
    command: &str,
) -> Result<ExitCode, String> {
    let mut files = Files::open(&options.reports)?;
    let began = Instant::now();
    let progress = Progress::new(cases, command, options.strict, files.people());
    let progress = Mutex::new(progress);
    let secrets = target.secrets();
    let ran = run::run(
        cases,
        options.jobs,
        || Server::new(target),
        |case, result| lock(&progress).note(Row::new(case, result).without(&secrets)),
    );
    ran.map_err(|error| format!("random bytes: {error}"))?;
    let progress = progress
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let report = Report {
        name: options.agent.clone().unwrap_or_else(|| url.to_owned()),
        command: command.to_owned(),
        role: Role::Server,
        is_strict: options.strict,
        rows: progress.end(),
        time: began.elapsed(),
    };
    files.write(&report)?;
    files.tell(&text::summary(&report))?;
    Ok(ExitCode::from(u8::from(report.is_bad())))
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for clients.
fn listen(options: &Options, address: &listening::TcpAddress) -> Result<ExitCode, String> {
    let mut cases = options.cases(Role::Client)?;
    let (listener, place) = address.listen("--listen")?;
    let local = place.address;
    if !options.remote && !local.ip().to_canonical().is_loopback() {
        return Err(format!(
            "other machines reach {local} too, and what connects is sent what is wrong on purpose; --remote allows it"
        ));
    }
    let files = Files::open(&options.reports)?;
    let at = place.reached_at().to_string();
    output::say(&format!(
        "clients are examined at ws://{at}/, browsers find a page at http://{at}/; Ctrl-C ends"
    ));
    cases.sort_by_key(|case| (case.old.is_none(), case.old.and_then(old_suite::place)));
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

fn server(target: &Target) -> Result<Server<'_>, String> {
    Server::new(target).map_err(|error| format!("random bytes: {error}"))
}

/// A number that nobody has chosen, short enough to be typed again.
fn random_seed() -> Result<u64, String> {
    let random = Random::new().map_err(|error| format!("random bytes: {error}"));
    random.map(|mut random| u32::from_be_bytes(random.bytes()).into())
}
