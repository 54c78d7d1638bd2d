//! The command line.

use super::{decode, serve};
use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;

/// A strict WebSocket server on plain threads
///
/// Without a subcommand it serves.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the clock, the echo and their pages
    Serve(serve::Options),
    /// Show every bit of a stream of frames, and judge it
    Decode(decode::Options),
}

/// What a command comes to: an exit code, or what went wrong.
type Outcome = Result<ExitCode, String>;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let (outcome, failure) = match &cli.command {
        Some(Command::Serve(options)) => (serve(options), ExitCode::FAILURE),
        None => (serve(&cli.serve), ExitCode::FAILURE),
        Some(command) => (look(command), usage()),
    };
    outcome.unwrap_or_else(|problem| {
        let _ = writeln!(std::io::stderr(), "plainws: {problem}");
        failure
    })
}

/// For the commands that look at bytes: 1 says that the bytes are wrong, 2 that the command line is.
fn usage() -> ExitCode {
    ExitCode::from(2)
}

fn serve(options: &serve::Options) -> Outcome {
    serve::run(options).map(|()| ExitCode::SUCCESS)
}

fn look(command: &Command) -> Outcome {
    match command {
        Command::Serve(options) => serve(options),
        Command::Decode(options) => decode::run(options),
    }
}
