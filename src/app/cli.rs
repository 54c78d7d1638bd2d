//! The command line.

use crate::app::commands::{decode, encode, exercise, handshake, rules, shell, why};
use crate::app::show::output::say;
use crate::app::{bench, check, connect, proxy, serve};
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::iter;
use std::process::ExitCode;

/// WebSocket on plain threads: a strict server, and tools that show every byte
///
/// Without a command, it serves.
#[derive(Parser, Debug)]
#[command(
    version,
    max_term_width = 80,
    args_conflicts_with_subcommands = true,
    override_usage = "plainws [COMMAND] [OPTIONS]"
)]
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
    /// Talk to a server, line by line
    Connect(connect::Options),
    /// Stand between a client and a server, and show what passes
    Proxy(proxy::Options),
    /// Examine a server or a client by hundreds of cases
    Check(check::Options),
    /// Load a server that echoes, and measure it
    Bench(bench::Options),
    /// Show every bit of a stream of frames, and judge it
    Decode(decode::Options),
    /// Make frames to order, valid or broken
    Encode(encode::Options),
    /// Show how a key becomes the accept value, and find mistakes
    Handshake(handshake::Options),
    /// List the rules that a peer can break, or show one with its bytes
    Rules(rules::Options),
    /// Answer one of sixty questions that people ask
    Why(why::Options),
    /// Practise with ten questions about bytes
    Exercise(exercise::Options),
    /// Print a completion script for a shell
    Completions(shell::Options),
    /// Print a man page; read it with: plainws man decode | man -l -
    Man(shell::ManOptions),
}

/// The command line. What `-h` shows fits a screen: limits are told by `--help`, and of the server's options
/// the program's own `-h` has one, since the commands go before.
fn program() -> clap::Command {
    let is_limit = |arg: &Arg| {
        let heading = arg.get_help_heading();
        heading.is_some_and(|heading| heading.starts_with("Limits"))
    };
    let mut program = Cli::command()
        .mut_args(|arg| {
            let is_rare = arg.get_id() != "addr";
            arg.hide_short_help(is_rare)
        })
        .mut_subcommands(|command| {
            command.mut_args(|arg| {
                let is_rare = arg.is_hide_short_help_set() || is_limit(&arg);
                arg.hide_short_help(is_rare)
            })
        });
    // `plainws help decode` is there once clap has made it, and known enough not to be listed.
    program.build();
    program.mut_subcommand("help", |help| help.hide(true))
}

/// How a command ends: with an exit code, or with what went wrong.
type Outcome = Result<ExitCode, String>;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let matches = program().try_get_matches();
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = cli.unwrap_or_else(|error| refuse(&error));
    let (outcome, failure) = match &cli.command {
        Some(Command::Serve(options)) => (serve(options), ExitCode::FAILURE),
        None => (serve(&cli.serve), ExitCode::FAILURE),
        Some(command) => (look(command), usage()),
    };
    outcome.unwrap_or_else(|problem| {
        say(&problem);
        failure
    })
}

/// Says in one line what is wrong with the command line, and what was likely meant; prints what was asked
/// for, such as help.
fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let problem = text.split("\n\n").next().unwrap_or_default();
    let problem: Vec<_> = problem.lines().map(str::trim).collect();
    let problem = problem.join(" ");
    let problem = problem.strip_prefix("error: ").unwrap_or(&problem);
    let tips = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("tip: "));
    let parts = iter::once(problem).chain(tips).chain(["see --help"]);
    say(&parts.collect::<Vec<_>>().join("; "));
    std::process::exit(2)
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
        Command::Connect(options) => connect::run(options),
        Command::Proxy(options) => proxy::run(options),
        Command::Check(options) => check::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Decode(options) => decode::run(options),
        Command::Encode(options) => encode::run(options),
        Command::Handshake(options) => handshake::run(options),
        Command::Rules(options) => rules::run(options),
        Command::Why(options) => why::run(options),
        Command::Exercise(options) => exercise::run(options),
        Command::Completions(options) => shell::completions(options, program()),
        Command::Man(options) => shell::man(options, program()),
    }
}
