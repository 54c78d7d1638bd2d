//! `--random`, and `--replay` of what it found.

mod pieces;
mod saved;
mod search;
mod shrink;

use self::pieces::{Found, Pieces, failure};
use self::search::{Searched, search};
use super::probe::{self, Sign};
use super::report::row::Row;
use super::report::text;
use super::run::Result as Played;
use super::server::{Server, Target};
use crate::app::show::output;
use crate::app::show::paint::shell_word;
use crate::app::text::{count, joined};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How often a saved stream is played: how it arrives is not the same each time.
const TRIES: usize = 5;

/// Plays streams for so long, several at once; ends at the first that fails, which is made smaller and saved.
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
    let seconds = time.as_secs_f64();
    output::say(&format!("streams of seed {seed}, for {seconds} s"));
    let mut server = super::server(target)?;
    let sign = Sign::of(&mut server);
    let searched = search(target, time, seed, jobs);
    let Searched { played, found } = searched.map_err(|error| format!("random bytes: {error}"))?;
    let streams = format!("{} of seed {seed}", count(played, "stream"));
    let (unopened, mut found): (Vec<_>, Vec<_>) = found.into_iter().partition(Found::is_unopened);
    if found.is_empty() {
        if let Some(unopened) = unopened.first() {
            output::say(&format!("{} after {streams}", unopened.verdict.why));
            return Ok(ExitCode::from(probe::NOTHING));
        }
        output::print(&format!("passed: {streams}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    // Now already, lest it be lost if people do not wait for the rest.
    let saved = Saved::new(&found[0], seed);
    let options = format!("--random {seconds} --seed {seed}");
    let smallest = if sign.is_seen(&mut server) {
        let found = alone(found, &mut server);
        say_that_it_fails(&found);
        shrink::shrink(found, &mut server, sign)
    } else {
        say_that_it_breaks(&options, jobs);
        found.remove(0)
    };
    match saved.and_then(|saved| saved.again(&smallest, seed)) {
        Ok(path) => tell(smallest, command, &path),
        Err(problem) => {
            output::say(&problem);
            let bytes = format!("--role client {}", joined(&smallest.pieces.wire()));
            told(smallest, &format!("{command} {options}"), &bytes)
        }
    }
}

fn say_that_it_fails(found: &Found) {
    output::say(&format!(
        "stream {} fails; it is made smaller, for {} s at most",
        found.number,
        shrink::LONGEST.as_secs()
    ));
}

fn say_that_it_breaks(options: &str, jobs: usize) {
    output::say(&format!(
        "the server answers nothing any more, since one of {} at that time; start it again, and {options} --jobs 1 \
         plays them one by one",
        count(jobs as u64, "stream")
    ));
}

/// Of streams that failed at once, the first that does so alone: whoever breaks fails all that it was sent at that time.
fn alone(mut found: Vec<Found>, server: &mut Server<'_>) -> Found {
    if found.len() > 1 {
        let mut again = found.iter().filter_map(|found| found.again(server));
        if let Some(alone) = again.find(|found| !found.is_unopened()) {
            return alone;
        }
    }
    found.remove(0)
}

/// Plays a stream that was saved.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(super) fn replay(
    target: &Target,
    command: &str,
    path: &Path,
    pieces: Pieces,
) -> Result<ExitCode, String> {
    let mut server = super::server(target)?;
    let found = (0..TRIES).find_map(|_| failure(&pieces, &mut server));
    let Some((verdict, record)) = found else {
        output::print(&format!(
            "passed, {TRIES} times: {}\n",
            shell_word(&path.display().to_string())
        ))?;
        return Ok(ExitCode::SUCCESS);
    };
    let found = Found {
        number: 0,
        pieces,
        verdict,
        record,
    };
    if found.is_unopened() {
        output::say(&found.verdict.why);
        return Ok(ExitCode::from(probe::NOTHING));
    }
    tell(found, command, path)
}

/// A stream from a file.
///
/// # Errors
///
/// What is wrong with it, in words for people.
pub(super) fn read(path: &Path) -> Result<Pieces, String> {
    let text = text_in(path).map_err(|error| problem(path, &error))?;
    let pieces = saved::read(&text).map_err(|what| format!("{}: {what}", path.display()))?;
    Ok(Pieces(pieces))
}

/// What a file holds, unless it is far too large for a stream, or has no end.
fn text_in(path: &Path) -> io::Result<String> {
    const MOST: u64 = 64 << 20;
    let mut text = String::new();
    let length = File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if length as u64 > MOST {
        return Err(io::Error::other("too large for a saved stream"));
    }
    Ok(text)
}

fn problem(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn tell(found: Found, command: &str, path: &Path) -> Result<ExitCode, String> {
    let file = shell_word(&path.display().to_string());
    let again = format!("{command} --replay {file}");
    told(found, &again, &format!("--file {file}"))
}

/// `again` plays it again, and `bytes` has its bytes decoded.
fn told(found: Found, again: &str, bytes: &str) -> Result<ExitCode, String> {
    let case = found.pieces.case();
    let row = Row::new(
        &case,
        Played {
            number: 0,
            verdict: found.verdict,
            record: found.record,
        },
    );
    let block = text::block_with(&row, again);
    output::print(&format!("{block}  bytes  plainws decode {bytes}\n"))?;
    Ok(ExitCode::FAILURE)
}

/// The file of a failure.
struct Saved {
    path: PathBuf,
}

impl Saved {
    /// Saves it in a new file: another one may be of use yet.
    fn new(found: &Found, seed: u64) -> Result<Self, String> {
        let names = (2..).map(|number| format!("plainws-check-failure-{number}.txt"));
        for name in ["plainws-check-failure.txt".to_owned()]
            .into_iter()
            .chain(names)
        {
            let path = PathBuf::from(name);
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => {
                    let written = file.and_then(|mut file| file.write_all(&text_of(found, seed)));
                    written.map_err(|error| problem(&path, &error))?;
                    return Ok(Self { path });
                }
            }
        }
        Err("there are no more names for a file".into())
    }

    /// Saves it there once more, when it has become smaller.
    fn again(self, found: &Found, seed: u64) -> Result<PathBuf, String> {
        let Self { path } = self;
        fs::write(&path, text_of(found, seed)).map_err(|error| problem(&path, &error))?;
        Ok(path)
    }
}

fn text_of(found: &Found, seed: u64) -> Vec<u8> {
    let Found {
        number, verdict, ..
    } = found;
    let about = format!(
        "plainws check: stream {number} of seed {seed}: {}",
        verdict.why
    );
    saved::write(&found.pieces.0, &about).into()
}
