//! What `plainws check` is asked for.

use super::case::Case;
use super::report::files;
use super::server::Target;
use super::{cases, select};
use crate::app::show::paint::shell_word;
use crate::app::{address, args, listen as listening};
use clap::Args;
use plainws::Role;
use plainws::net::url::Url;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_long_help = MORE)]
pub(crate) struct Options {
    /// A server that sends each message back, such as ws://127.0.0.1:9001/echo
    #[arg(value_name = "URL", required_unless_present_any = ["list", "listen"])]
    pub(super) url: Option<String>,

    /// Wait here for clients, and examine them
    ///
    /// Clients that were written for the Autobahn Testsuite work unchanged; a browser finds a page.
    #[arg(long, value_name = "ADDR", value_parser = listening::tcp_address, conflicts_with_all = ["url", "jobs", "header", "connect_to", "subprotocol", "origin", "ca", "insecure"])]
    pub(super) listen: Option<listening::TcpAddress>,

    /// What reports call a server, instead of its URL, or a client that does not say its name
    #[arg(long, hide_short_help = true, value_name = "NAME", conflicts_with_all = ["learn", "random", "replay", "list"])]
    pub(super) agent: Option<String>,

    /// With --listen: end when a client has asked for its report
    // A URL conflicts with --listen, which would not be asked for then.
    #[arg(
        long,
        hide_short_help = true,
        requires = "listen",
        conflicts_with = "url"
    )]
    pub(super) exit_after: bool,

    /// Say what is tested, and why; WHAT as for --only
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["url", "listen", "only", "skip", "strict", "json", "junit", "html", "autobahn", "random", "replay", "remote", "ca", "insecure"])]
    pub(super) list: Option<String>,

    /// Only these cases: an id, a group, a section, a rule; may be repeated
    ///
    /// Such as ping-empty, utf8, 5.5.2, text-not-utf8, or a number of the Autobahn Testsuite: 6.4.1, 6.4.*.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["random", "replay"])]
    only: Vec<String>,

    /// All but these cases, told as for --only
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["random", "replay"])]
    skip: Vec<String>,

    /// Lead whoever writes a server from stage to stage
    #[arg(long, conflicts_with_all = ["listen", "random", "only", "skip", "strict", "json", "junit", "html", "autobahn"])]
    pub(super) learn: bool,

    /// With --learn: run again whenever the server has come back
    #[arg(long, hide_short_help = true, requires = "learn")]
    pub(super) watch: bool,

    /// Send random streams for so many seconds, and judge the answers
    #[arg(long, value_name = "S", value_parser = args::seconds, allow_negative_numbers = true, conflicts_with_all = ["listen", "strict", "json", "junit", "html", "autobahn"])]
    pub(super) random: Option<Duration>,

    /// With --random: the number that makes the streams; the same number makes the same ones
    #[arg(
        long,
        hide_short_help = true,
        value_name = "N",
        requires = "random",
        conflicts_with = "replay"
    )]
    pub(super) seed: Option<u64>,

    /// Send a stream that --random saved once more
    #[arg(long, hide_short_help = true, value_name = "FILE", conflicts_with_all = ["random", "listen", "learn", "strict", "json", "junit", "html", "autobahn"])]
    pub(super) replay: Option<PathBuf>,

    /// Count what is allowed but weak as failed
    #[arg(long)]
    pub(super) strict: bool,

    #[command(flatten)]
    pub(super) reports: files::Reports,

    /// Seconds of silence after which nothing more is expected, in each case
    #[arg(long, hide_short_help = true, value_name = "S", default_value = "2", value_parser = args::seconds, allow_negative_numbers = true)]
    pub(super) timeout: Duration,

    /// Cases side by side, each on a connection of its own
    #[arg(long, hide_short_help = true, value_name = "N", default_value = "8", value_parser = jobs, allow_negative_numbers = true)]
    pub(super) jobs: usize,

    /// Examine a server on another machine: this is a test of one's own software
    #[arg(long, hide_short_help = true)]
    pub(super) remote: bool,

    #[command(flatten)]
    handshake: args::HandshakeOptions,

    #[command(flatten)]
    tls: args::TlsOptions,
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

impl Options {
    /// What was typed, but for what chooses cases or only matters once.
    pub(super) fn command(&self, url: &str) -> String {
        let mut typed = vec![url.to_owned()];
        typed.extend(self.handshake.typed());
        typed.extend(self.tls.typed());
        typed.extend(self.remote.then(|| "--remote".to_owned()));
        let words = typed.iter().map(|word| shell_word(word));
        let words = Vec::from_iter(words).join(" ");
        format!("plainws check {words}")
    }

    /// The cases that are meant, for an examinee in this role.
    pub(super) fn cases(&self, role: Role) -> Result<Vec<Case>, String> {
        let mut cases = select::selected(cases::all(), &self.only, &self.skip)?;
        cases.retain(|case| case.is_for(role));
        if cases.is_empty() {
            return Err(format!("none of these cases is for a {}", role.name()));
        }
        Ok(cases)
    }

    /// The server at the URL that was typed.
    pub(super) fn target(&self, typed: &str) -> Result<Target, String> {
        let address = address::parse(typed)?;
        let url = Url::parse(&address.url).map_err(|error| error.to_string())?;
        let trust = self.tls.trust_for(&url)?;
        trust.check(&url)?;
        let addresses = match self.handshake.connect_to() {
            Some(endpoint) => {
                Url::parse(&format!("ws://{endpoint}/")).and_then(|url| url.addresses())
            }
            None => url.addresses(),
        };
        let addresses = addresses.map_err(|error| error.to_string())?;
        if !self.remote
            && !addresses
                .iter()
                .all(|address| address.ip().to_canonical().is_loopback())
        {
            return Err(format!(
                "{} is not this machine: this sends what is wrong on purpose, so test your own software; --remote does it",
                url.host()
            ));
        }
        let handshake = &self.handshake;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(Target {
            url,
            addresses,
            headers: handshake.headers().map(owned).collect(),
            subprotocols: handshake.subprotocols().map(str::to_owned).collect(),
            host: handshake.host().map(str::to_owned),
            patience: self.timeout,
            trust,
        })
    }
}

/// More would ask for more handles than systems give to a program.
fn jobs(text: &str) -> Result<usize, String> {
    const MOST: usize = 100;
    match args::number_above_0(text)?.get() {
        jobs @ ..=MOST => Ok(jobs),
        _ => Err(format!("it must be at most {MOST}")),
    }
}
