//! The command line.

use super::serve;
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
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Some(Command::Serve(options)) => serve::run(options),
        None => serve::run(&cli.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "plainws: {problem}");
            ExitCode::FAILURE
        }
    }
}
