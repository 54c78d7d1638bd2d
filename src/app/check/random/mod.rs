//! `--random`, and `--replay` of what it found.

mod pieces;
mod saved;
mod shrink;

use self::pieces::{Found, Pieces, failure};
use self::shrink::shrink;
use super::report::row::Row;
use super::report::text;
use super::run::Result as Played;
use super::server::{Server, Target};
use crate::app::show::output;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Where a failure is saved.
const FILE: &str = "plainws-check-failure.txt";

/// How often a saved stream is played: how it arrives is not the same each time.
const TRIES: usize = 5;

/// Plays streams for so long, several at once; ends at the first that fails, which is the same however many those are.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(super) fn run(
    target: &Target,
    command: &str,
    time: Duration,
    seed: u64,
    jobs: usize,
) -> Result<ExitCode, String> {
    output::say(&format!(
        "streams of seed {seed}, for {} s",
        time.as_secs_f64()
    ));
    let next = AtomicU64::new(0);
    let found: Mutex<Option<Found>> = Mutex::new(None);
    let end = Instant::now() + time;
    let work = || -> std::io::Result<()> {
        let mut server = Server::new(target)?;
        while Instant::now() < end && lock(&found).is_none() {
            let number = next.fetch_add(1, Relaxed);
            let pieces = Pieces::new(seed, number);
            if let Some((verdict, record)) = failure(&pieces, &mut server) {
                let mut found = lock(&found);
                // Of those that fail at once, the first.
                if found.as_ref().is_none_or(|other| number < other.number) {
                    *found = Some(Found {
                        number,
                        pieces,
                        verdict,
                        record,
                    });
                }
            }
        }
        Ok(())
    };
    let worked: std::io::Result<()> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let mut outcomes = workers.into_iter().map(thread::ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome| {
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    });
    worked.map_err(|error| format!("random bytes: {error}"))?;
    let played = next.load(Relaxed);
    let Some(found) = found.into_inner().unwrap_or_else(PoisonError::into_inner) else {
        output::print(&format!("passed: {played} streams of seed {seed}\n"))?;
        return Ok(ExitCode::SUCCESS);
    };
    let number = found.number;
    let mut server = Server::new(target).map_err(|error| format!("random bytes: {error}"))?;
    let found = shrink(found, &mut server);
    let path = Path::new(FILE);
    let about = format!(
        "plainws check: stream {number} of seed {seed}: {}",
        found.verdict.why
    );
    let saved = std::fs::write(path, saved::write(&found.pieces, &about));
    saved.map_err(|error| format!("{FILE}: {error}"))?;
    tell(found, command, path)
}

/// Plays a stream that was saved.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(super) fn replay(target: &Target, command: &str, path: &Path) -> Result<ExitCode, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let pieces = saved::read(&text).map_err(|problem| format!("{}: {problem}", path.display()))?;
    let mut server = Server::new(target).map_err(|error| format!("random bytes: {error}"))?;
    let found = (0..TRIES).find_map(|_| failure(&pieces, &mut server));
    let Some((verdict, record)) = found else {
        output::print("passed\n")?;
        return Ok(ExitCode::SUCCESS);
    };
    let found = Found {
        number: 0,
        pieces,
        verdict,
        record,
    };
    tell(found, command, path)
}

fn tell(found: Found, command: &str, path: &Path) -> Result<ExitCode, String> {
    let case = found.pieces.case();
    let row = Row::new(
        &case,
        Played {
            number: 0,
            verdict: found.verdict,
            record: found.record,
        },
    );
    let shown = path.display();
    let block = text::block_with(&row, &format!("{command} --replay {shown}"));
    output::print(&format!("{block}  bytes  plainws decode --file {shown}\n"))?;
    Ok(ExitCode::FAILURE)
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
