//! `plainws check`: is this WebSocket implementation right?
//!
//! A case of the table in [`cases`] is a script, of frames right and wrong, and what is due for them. [`play`] plays it
//! with an examinee over TCP and notes what both ends did; [`judge`] judges that without a socket; [`report`] tells it.

mod came;
mod case;
mod cases;
mod judge;
mod play;
mod report;
mod run;
mod script;
mod server;
mod talk;

use self::report::text::Text;
use self::server::{Server, Target};
use crate::app::{address, args};
use clap::Args;
use plainws::net::url::Url;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// A server that sends each message back, such as ws://127.0.0.1:9001/echo
    #[arg(value_name = "URL", required_unless_present = "list")]
    url: Option<String>,

    /// Say what is tested, and why: all of it, or a group, a section, a rule, a case
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "", conflicts_with = "url")]
    list: Option<String>,

    /// Only these cases: a case's id, a group, a section such as 5.5.2, or a rule; may be repeated
    #[arg(long, value_name = "WHAT")]
    only: Vec<String>,

    /// All but these cases, told as for --only
    #[arg(long, value_name = "WHAT")]
    skip: Vec<String>,

    /// Count what is allowed but weak as failed
    #[arg(long)]
    strict: bool,

    /// Seconds of silence after which nothing more is expected, in each case
    #[arg(long, value_name = "S", default_value = "2", value_parser = args::seconds)]
    timeout: Duration,

    /// Cases side by side, each on a connection of its own
    #[arg(long, value_name = "N", default_value = "8", value_parser = args::number_above_0)]
    jobs: NonZeroUsize,

    /// Examine a server on another machine: this is a test of one's own software
    #[arg(long)]
    remote: bool,

    #[command(flatten)]
    handshake: args::HandshakeOptions,
}

const MORE: &str = "\
Examples:
  plainws check ws://127.0.0.1:9001/echo
  plainws check ws://127.0.0.1:9001/echo --only utf8 --strict
  plainws check --list closing

Exit codes:
  0  all passed
  1  something failed
  2  wrong usage
  3  nothing answers";

/// Examines.
///
/// # Errors
///
/// What went wrong, in words for people.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    let url = options
        .url
        .as_deref()
        .ok_or("a server's address is needed")?;
    let target = target(options, url)?;
    let cases = cases::all();
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| case.is_for(plainws::Role::Server))
        .collect();
    let mut text = Text::new(url, options.strict);
    let jobs = options.jobs.get();
    let ran = run::run(
        &cases,
        jobs,
        || Server::new(&target),
        |case, result| text.result(case, &result),
    );
    ran.map_err(|error| format!("random bytes: {error}"))?;
    Ok(text.finish())
}

fn target(options: &Options, typed: &str) -> Result<Target, String> {
    let address = address::parse(typed)?;
    let url = Url::parse(&address.url).map_err(|error| error.to_string())?;
    let addresses = match options.handshake.connect_to() {
        Some(endpoint) => Url::parse(&format!("ws://{endpoint}/")).and_then(|url| url.addresses()),
        None => url.addresses(),
    };
    let addresses = addresses.map_err(|error| error.to_string())?;
    if !options.remote
        && !addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    {
        return Err(format!(
            "{} is not this machine: this sends what is wrong on purpose, so test your own software; --remote does it",
            url.host()
        ));
    }
    let handshake = &options.handshake;
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Target {
        url,
        addresses,
        headers: handshake.headers().map(owned).collect(),
        subprotocols: handshake.subprotocols().map(str::to_owned).collect(),
        host: handshake.host().map(str::to_owned),
        patience: options.timeout,
    })
}
