//! `--learn`: ten stages from an open port to a server that others can rely on.
//!
//! Each stage asks for one thing more. The first that is not passed ends the run, with what to do about it.

mod stages;
mod told;

use self::stages::{Stage, stages};
pub(crate) use self::told::json;
use super::examinee::Examinee as _;
use super::judge::{Outcome, judge};
use super::play::play;
use super::probe;
use super::report::row::Row;
use super::report::text;
use super::run::Result as Played;
use super::server::{Server, Target};
use crate::app::show::output;
use crate::app::show::paint::{BAD, GOOD, STRONG, paint};
use crate::app::text::wrapped;
use plainws::Transport;
use std::io::ErrorKind;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How often a server that has gone is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How often, at the end of a connection, it is made sure that the server is still there.
const LOOKS: u32 = 3;
/// A server that ends a silent connection sooner than this does so with all of them.
const SOON: Duration = Duration::from_secs(1);

/// Plays the stages until one is not passed; with `watches`, again whenever the server has come back.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(super) fn run(
    target: &Target,
    name: &str,
    command: &str,
    watches: bool,
) -> Result<ExitCode, String> {
    let stages = stages();
    loop {
        let mut server = Server::new(target).map_err(|error| format!("random bytes: {error}"))?;
        let passed = match probe::unopened(&mut server) {
            Some(problem) => {
                output::say(&format!("{name}: {problem}"));
                None
            }
            None => Some(passed(&stages, &mut server, command)?),
        };
        if passed == Some(stages.len()) {
            output::print("\nAll ten done. plainws check tests the rest, in some seconds.\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        if !watches {
            return Ok(ExitCode::from(if passed.is_none() {
                probe::NOTHING
            } else {
                1
            }));
        }
        output::say("waiting until the server is started again; Ctrl-C leaves");
        wait_for_another(&mut server);
    }
}

/// Waits until the server has been started again. A connection that is kept open meanwhile tells, by its end, even if
/// that takes no time.
fn wait_for_another(server: &mut Server<'_>) {
    while let Ok(line) = server.connect() {
        let began = Instant::now();
        wait_for_end(&*line.stream);
        let is_gone = (0..LOOKS).any(|_| {
            thread::sleep(LOOK);
            server.connect().is_err()
        });
        if is_gone {
            break;
        }
        // It was started again, or ends what is idle; but it may be one that ends everything at once.
        if began.elapsed() > SOON {
            return;
        }
        thread::sleep(SOON);
    }
    while server.connect().is_err() {
        thread::sleep(LOOK);
    }
}

fn wait_for_end(stream: &dyn Transport) {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// How many stages are passed, one after another.
fn passed(stages: &[Stage], server: &mut Server<'_>, command: &str) -> Result<usize, String> {
    let count = stages.len();
    for (number, stage) in (1..).zip(stages) {
        let failed = stage.cases.iter().find_map(|case| {
            let record = play(case, server);
            let mut verdict = judge(case, &record);
            let is_done = matches!(verdict.outcome, Outcome::Ok | Outcome::Lenient);
            // What cannot be judged yet, such as two connections at once where one is taken, is what is to be done.
            if verdict.outcome == Outcome::NotApplicable {
                verdict.outcome = Outcome::Failed;
            }
            (!is_done).then(|| {
                Row::new(
                    case,
                    Played {
                        number,
                        verdict,
                        record,
                    },
                )
            })
        });
        let title = paint(STRONG, &format!("{number:2} {}", stage.title));
        let Some(row) = failed else {
            output::print(&format!("{title}  {}\n", paint(GOOD, "done")))?;
            continue;
        };
        let done = number - 1;
        output::print(&format!(
            "{title}  {}\n\n{}  next   {}\n\n{done} of {count} done\n",
            paint(BAD, "not yet"),
            text::block_with(&row, &format!("{command} --learn")),
            wrapped(stage.next, 9),
        ))?;
        return Ok(done);
    }
    Ok(count)
}
