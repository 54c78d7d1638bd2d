//! Measures `plainws serve` beside echo servers of other implementations and beside a raw TCP echo, and prints
//! tables in Markdown. `benches/compare` builds everything and runs this.

mod arguments;
mod clocks;
mod idle;
mod load;
mod machine;
mod progress;
mod report;
mod rows;
mod server;
mod sizes;

use arguments::Arguments;
use machine::Machine;
use rows::{Measured, Row, RowResults};
use server::Server;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// What went wrong, in words for people.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("compare: {problem}; see --help");
            return ExitCode::from(2);
        }
    };
    match compare(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("compare: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns early when the user ends it: every process that was started is ended with its owner.
fn compare(arguments: &Arguments) -> Result<()> {
    let stop = Stop::on_signals()?;
    let machine = Machine::find();
    print!("{}", report::about(&machine, arguments)?);
    let mut results = Vec::new();
    for row in &arguments.rows {
        results.push(measure(row, arguments, &machine, &stop)?);
    }
    let mut is_whole = results.iter().all(RowResults::is_whole);
    print!("{}", report::tables(&arguments.servers, &results));
    if arguments.measures_idle {
        let idle = idle::measure(arguments, &machine, &stop)?;
        is_whole &= idle.iter().all(Result::is_ok);
        print!("{}", report::idle(&arguments.servers, &idle));
    }
    if arguments.measures_sizes {
        let sizes = sizes::measure(arguments, &machine, &stop)?;
        print!("{}", report::sizes(&sizes));
    }
    if arguments.measures_clocks {
        print!(
            "{}",
            report::clocks(&clocks::measure(arguments, &machine, &stop)?)
        );
    }
    if is_whole {
        Ok(())
    } else {
        Err("a server failed: see the tables".into())
    }
}

/// All servers run from the first round to the last, so that one is loaded while the others sleep.
fn measure(
    row: &'static Row,
    arguments: &Arguments,
    machine: &Machine,
    stop: &Stop,
) -> Result<RowResults> {
    let servers: Vec<_> = arguments
        .servers
        .iter()
        .map(|kind| Server::start(*kind, arguments, machine))
        .collect::<Result<_>>()?;
    let mut results = RowResults::new(row, servers.len());
    let brief = Duration::from_millis(200);
    for round in 0..=arguments.rounds {
        for (server, runs) in servers.iter().zip(&mut results.runs) {
            let (title, name) = (row.title, server.kind.name());
            progress::show(&format!(
                "{title}, round {round} of {}: {name}",
                arguments.rounds
            ));
            // Round 0 warms up and does not count.
            let time = if round == 0 { brief } else { arguments.time };
            let measured = load::run(row, server, time, arguments, machine, stop)?;
            if round > 0 {
                runs.push(measured);
            }
        }
    }
    progress::clear();
    results.peaks = servers.iter().map(Server::peak_memory).collect();
    Ok(results)
}

/// Whether the user wants it to end.
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn on_signals() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [
            signal_hook::consts::SIGINT,
            signal_hook::consts::SIGTERM,
            signal_hook::consts::SIGHUP,
        ] {
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|error| format!("cannot wait for signals: {error}"))?;
        }
        Ok(Self(flag))
    }

    /// # Errors
    /// If the user wants it to end.
    fn check(&self) -> Result<()> {
        if self.0.load(Relaxed) {
            return Err("ended before it was done".into());
        }
        Ok(())
    }
}
