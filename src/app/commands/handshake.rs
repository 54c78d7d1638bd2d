//! `plainws handshake`: from the key to the accept value, each step with a shell line that redoes it.

use crate::app::judge::mistakes::{self, EXAMPLE_KEY, Mistake};
use crate::app::show::derivation;
use crate::app::show::output;
use crate::app::show::paint::{BAD, GOOD, STRONG, paint, shell_line};
use crate::app::show::text::{escaped, wrapped};
use clap::Args;
use plainws::protocol::dissect::handshake::Derivation;
use plainws::protocol::handshake::is_key;
use std::process::ExitCode;

#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Options {
    /// The value of Sec-WebSocket-Key
    #[arg(value_name = "KEY", default_value = EXAMPLE_KEY)]
    key: String,

    /// An accept value to judge; if it is wrong, find the mistake that led to it
    #[arg(long, value_name = "ACCEPT")]
    check: Option<String>,

    /// List the usual mistakes and the accept value that each leads to
    #[arg(long)]
    mistakes: bool,
}

const EXAMPLES: &str = "\
Examples:
  plainws handshake
  plainws handshake x3JJHMbDL1EzLkh9GBhXDw==
  plainws handshake dGhlIHNhbXBsZSBub25jZQ== --check hHLtf2V1k8aDQZfNjw3Ia1hCwt0=

Exit codes:
  0  right        1  a wrong key or accept value        2  wrong usage";

/// Shows the steps, and judges the value to check.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let is_key = is_key(options.key.as_bytes());
    let steps = Derivation::new(&options.key);
    let mut text = shown(&steps, is_key);
    if options.mistakes {
        text += &table(&steps.key);
    }
    let mut is_right = is_key;
    if let Some(accept) = &options.check {
        is_right &= *accept == steps.accept;
        text += &verdict(&steps, accept);
    }
    output::print(&text)?;
    Ok(if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn shown(of: &Derivation, is_key: bool) -> String {
    let mut text = String::new();
    for (i, step) in derivation::steps(of, is_key).iter().enumerate() {
        let title = match i {
            0 if !is_key => paint(BAD, step.title),
            _ => step.title.into(),
        };
        let (shell, result) = (shell_line(&step.shell), paint(STRONG, &step.result));
        text += &format!("{title}\n{shell}  {result}\n\n");
    }
    text
}

fn verdict(steps: &Derivation, accept: &str) -> String {
    let shown = escaped(accept.as_bytes());
    if accept == steps.accept {
        return format!("{}: {shown} answers this key\n", paint(GOOD, "right"));
    }
    let wrong = paint(BAD, "wrong");
    match mistakes::find(&steps.key, accept) {
        Some(mistake) => format!("{wrong}: {shown}\n\n{}", explained(mistake)),
        None => {
            let guess = wrapped(&format!("likely   {}", mistakes::shape(accept)), 9);
            format!("{wrong}: {shown}\n{guess}\n")
        }
    }
}

fn explained(mistake: &Mistake) -> String {
    let Mistake {
        name,
        remedy,
        shell,
        ..
    } = mistake;
    format!(
        "mistake  {name}\nremedy   {}\nredo:\n{}",
        wrapped(remedy, 9),
        shell_line(shell)
    )
}

fn table(key: &str) -> String {
    let mut text = String::from("The usual mistakes, and what each leads to:\n");
    for mistake in &mistakes::ALL {
        text += &format!("  {}\n    {}\n", mistake.name, mistake.accept(key));
    }
    text + "\n"
}
