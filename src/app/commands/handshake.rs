//! `plainws handshake`: from the key to the accept value, each step with a shell line that redoes it.

use crate::app::judge::mistakes::{self, EXAMPLE_KEY, Mistake};
use crate::app::show::output;
use crate::app::show::paint::{BAD, GOOD, STRONG, paint, shell_line, shell_word};
use crate::app::show::text::{escaped, joined, wrapped};
use clap::Args;
use plainws::protocol::dissect::handshake::Derivation;
use plainws::protocol::handshake::{GUID, is_key};
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
    let mut text = derivation(&steps, is_key);
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

/// A step: what is done, how to redo it, what comes out.
pub(crate) struct Step {
    title: &'static str,
    pub(crate) shell: String,
    result: String,
}

/// From the key to the accept value.
pub(crate) fn steps(of: &Derivation, is_key: bool) -> [Step; 4] {
    let step = |title, shell: &str, result: &str| Step {
        title,
        shell: shell.into(),
        result: result.into(),
    };
    let key = shell_word(&of.key);
    let nonce = if is_key {
        step(
            "1. The key is base64 of 16 random bytes, new for each connection (§4.1)",
            &format!("key={key}; printf %s \"$key\" | base64 -d | xxd -p"),
            &joined(&mistakes::decoded(&of.key).unwrap_or_default()),
        )
    } else {
        step(
            "1. This is not a key, which is base64 of 16 bytes (§4.1)",
            &format!("key={key}; printf %s \"$key\" | wc -c"),
            &of.key.len().to_string(),
        )
    };
    [
        nonce,
        step(
            "2. The key stays text, directly followed by the GUID (§1.3)",
            &format!("guid={GUID}; printf '%s\\n' \"$key$guid\""),
            &escaped(of.joined.as_bytes()),
        ),
        step(
            "3. SHA-1 of that: 20 bytes, not text",
            "printf %s \"$key$guid\" | openssl dgst -sha1 -binary | xxd -p",
            &joined(&of.digest),
        ),
        step(
            "4. These 20 bytes in base64 are Sec-WebSocket-Accept (§4.2.2)",
            "printf %s \"$key$guid\" | openssl dgst -sha1 -binary | base64",
            &of.accept,
        ),
    ]
}

fn derivation(of: &Derivation, is_key: bool) -> String {
    let mut text = String::new();
    for (i, step) in steps(of, is_key).iter().enumerate() {
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
            let guess = wrapped(&format!("likely   {}", shape(accept)), 9);
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

/// What can be told from a value that no known mistake leads to.
pub(crate) fn shape(accept: &str) -> String {
    match mistakes::decoded(accept).map(|bytes| bytes.len()) {
        None => "this is not base64 at all".into(),
        Some(20) => {
            "a SHA-1, but of something else: another key, or one with invisible characters".into()
        }
        Some(16) => "16 bytes, as a key has: the key itself, or an MD5 instead of a SHA-1".into(),
        Some(32) => "32 bytes: a SHA-256 instead of a SHA-1, and of something else".into(),
        Some(length) => format!("{length} bytes, where a SHA-1 has 20"),
    }
}

fn table(key: &str) -> String {
    let mut text = String::from("The usual mistakes, and what each leads to:\n");
    for mistake in &mistakes::ALL {
        text += &format!("  {}\n    {}\n", mistake.name, mistake.accept(key));
    }
    text + "\n"
}
