//! `plainws completions` and `plainws man`, made from the argument parser.

use crate::app::show::output;
use clap::{Arg, Args, Command};
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManOptions {
    /// A command; without one, the page of the whole program
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Writes a completion script.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn completions(options: &Options, mut program: Command) -> Result<ExitCode, String> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, "plainws", &mut script);
    if options.shell == Shell::Fish {
        script.extend(fish_values(&program).into_bytes());
    }
    output::print_raw(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// What clap leaves out of the script for fish: the values that may stand where no flag does.
fn fish_values(program: &Command) -> String {
    let mut lines = String::new();
    for command in program.get_subcommands() {
        let name = command.get_name();
        let values = command.get_positionals().flat_map(Arg::get_possible_values);
        for value in values {
            let help = value.get_help().map(ToString::to_string);
            lines += &format!(
                "complete -c plainws -n \"__fish_plainws_using_subcommand {name}\" -f -a \"{}\" -d {}\n",
                value.get_name(),
                fish_quoted(&help.unwrap_or_default()),
            );
        }
    }
    lines
}

fn fish_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Writes the man page of the program, or that of one command.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn man(options: &ManOptions, mut program: Command) -> Result<ExitCode, String> {
    program.build();
    if let Some(name) = &options.command {
        let command = program.find_subcommand(name);
        program = command
            .ok_or_else(|| format!("there is no command {name:?}"))?
            .clone();
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(program).render(&mut page);
    rendered.map_err(|error| error.to_string())?;
    output::print_raw(&page)?;
    Ok(ExitCode::SUCCESS)
}
