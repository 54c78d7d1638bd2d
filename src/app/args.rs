//! Values and options that several commands share.

use crate::app::address;
use crate::app::judge::decoded::Limits;
use crate::app::show::trace::Level;
use crate::app::trust::{HAS_TLS, NEEDS_TLS, Trust};
use crate::app::why;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueEnum};
use plainws::net::url::Url;
use plainws::protocol::{head, message};
use plainws::{Role, Rule};
use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// One of the two sides.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sender {
    /// The side that opened the connection, and masks.
    Client,
    /// The side that accepted it.
    Server,
}

impl From<Sender> for Role {
    fn from(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self::Client,
            Sender::Server => Self::Server,
        }
    }
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LimitOptions {
    /// Largest message accepted; a larger one is refused with close code 1009
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = size)]
    max_message: u64,

    /// Most fragments in one message
    #[arg(long, value_name = "N", default_value_t = 131_072, value_parser = number::<u32>)]
    max_fragments: u32,

    /// Most empty fragments in one message
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = number::<u32>)]
    max_empty_fragments: u32,

    /// Largest HTTP head accepted; a larger request is refused with status 431
    #[arg(long, value_name = "SIZE", default_value = "16K", value_parser = size)]
    max_head: u64,

    /// Most header fields in one head
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = number::<usize>)]
    max_headers: usize,
}

impl LimitOptions {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            head: head::Limits::new()
                .max_bytes(usize::try_from(self.max_head).unwrap_or(usize::MAX))
                .max_headers(self.max_headers),
            message: message::Limits::new()
                .max_bytes(self.max_message)
                .max_fragments(self.max_fragments)
                .max_empty_fragments(self.max_empty_fragments),
        }
    }
}

/// What a client's handshake asks for.
#[derive(Args, Clone, Debug)]
pub(crate) struct HandshakeOptions {
    /// Add a header to the request, such as "Cookie: a=b", or replace "Host: …"; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Connect to this address instead of the URL's; the request stays the same
    #[arg(long, hide_short_help = true, value_name = "HOST:PORT", value_parser = address::endpoint)]
    connect_to: Option<String>,

    /// Offer a subprotocol; may be repeated, the first is preferred
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Connect as a page of this origin would, such as https://example.com
    #[arg(long, hide_short_help = true)]
    origin: Option<String>,
}

impl HandshakeOptions {
    /// The headers to add, that of the origin among them.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let origin = self.origin.as_deref().map(|origin| ("Origin", origin));
        // A second host is one header too many, and refused as such.
        let mut has_host = false;
        let added = self
            .given()
            .filter(move |(name, _)| !is_host(name) || std::mem::replace(&mut has_host, true));
        added.chain(origin)
    }

    /// The host that the request names, if it is not the URL's.
    pub(crate) fn host(&self) -> Option<&str> {
        let mut given = self.given().filter(|(name, _)| is_host(name));
        given.next().map(|(_, host)| host)
    }

    /// Where to connect, if not to the URL's host.
    pub(crate) fn connect_to(&self) -> Option<&str> {
        self.connect_to.as_deref()
    }

    /// These options as they are typed. The values of headers may be secrets, and are left out.
    pub(crate) fn typed(&self) -> Vec<String> {
        let headers = self.given().map(|(name, _)| ("-H", format!("{name}: …")));
        let others = [
            ("--subprotocol", &self.subprotocol[..]),
            ("--origin", self.origin.as_slice()),
            ("--connect-to", self.connect_to.as_slice()),
        ];
        let others = others.into_iter().flat_map(|(option, values)| {
            let values = values.iter();
            values.map(move |value| (option, value.clone()))
        });
        let options = headers.chain(others);
        options
            .flat_map(|(option, value)| [option.to_owned(), value])
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.given()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.header.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.subprotocol.iter().map(String::as_str)
    }
}

/// Whom a client trusts inside TLS.
#[derive(Args, Clone, Debug)]
pub(crate) struct TlsOptions {
    /// Trust the certificates in this file (PEM) instead of those that the system trusts
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Trust any server: what passes is encrypted, but perhaps for somebody else
    #[arg(long, hide_short_help = true, conflicts_with = "ca")]
    insecure: bool,
}

impl TlsOptions {
    /// Whom to trust.
    ///
    /// # Errors
    ///
    /// The file has no certificates, or this build no TLS; in words for people.
    pub(crate) fn trust(&self) -> Result<Trust, String> {
        match (self.option(), &self.ca) {
            (None, _) => Ok(Trust::default()),
            (Some(option), _) if !HAS_TLS => Err(format!("{option} {NEEDS_TLS}")),
            (Some(_), None) => Ok(Trust::anyone()),
            (Some(option), Some(file)) => Trust::of_file(file)
                .map_err(|problem| format!("{option} {}: {problem}", file.display())),
        }
    }

    /// The same for the server at this URL.
    ///
    /// # Errors
    ///
    /// Besides those of [`trust`](Self::trust): the URL does not ask for TLS, so nobody has to be trusted.
    pub(crate) fn trust_for(&self, url: &Url) -> Result<Trust, String> {
        match self.option() {
            Some(option) if HAS_TLS && !url.is_secure() => Err(format!(
                "{option} is for addresses that begin with wss://, and {url} does not"
            )),
            _ => self.trust(),
        }
    }

    /// These options as they are typed.
    pub(crate) fn typed(&self) -> Vec<String> {
        let file = self.ca.iter().map(|file| file.display().to_string());
        self.option()
            .map(str::to_owned)
            .into_iter()
            .chain(file)
            .collect()
    }

    /// The one that was given: there is at most one.
    fn option(&self) -> Option<&'static str> {
        match (&self.ca, self.insecure) {
            (Some(_), _) => Some("--ca"),
            (None, true) => Some("--insecure"),
            (None, false) => None,
        }
    }
}

fn is_host(name: &str) -> bool {
    name.eq_ignore_ascii_case("Host")
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is \"Name: value\"")?;
    let (name, value) = (name.trim(), value.trim());
    match &*name.to_ascii_lowercase() {
        "upgrade" | "connection" | "sec-websocket-key" | "sec-websocket-version" => {
            Err("the handshake has its own".into())
        }
        "sec-websocket-protocol" => Err("--subprotocol offers one".into()),
        "sec-websocket-extensions" => Err("no extension is in this build".into()),
        "host" if value.is_empty() => Err("an empty one names no host".into()),
        _ => Ok((name.into(), value.into())),
    }
}

/// A number of things, or 0.
pub(crate) fn number<N: FromStr>(text: &str) -> Result<N, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().map_err(|_| {
        let problem = if is_number {
            "that is too large"
        } else {
            "it must be a whole number, such as 100"
        };
        problem.into()
    })
}

/// A number of things, at least one.
pub(crate) fn number_above_0(text: &str) -> Result<NonZeroUsize, String> {
    NonZeroUsize::new(number(text)?).ok_or_else(|| "it must be at least 1".into())
}

/// A number of bytes; K and M stand for 1024 and 1024² of them.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((end, 'k' | 'K')) => (&text[..end], 1024),
        Some((end, 'm' | 'M')) => (&text[..end], 1024 * 1024),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "a size is a number of bytes, such as 4096, 64K or 16M".into())
}

/// A number of bytes for all connections, from 64 KiB: with less no connection would be let in.
pub(crate) fn memory(text: &str) -> Result<usize, String> {
    let bytes = usize::try_from(size(text)?).unwrap_or(usize::MAX);
    if bytes < 64 * 1024 {
        return Err("connections need memory: at least 64K".into());
    }
    Ok(bytes)
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct TraceOption {
    /// Show handshake and frames on standard error, with times; "full" shows every line, bit and read
    #[arg(long, value_enum, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "line")]
    pub(crate) trace: Option<Level>,
}

/// A number of seconds above 0. A longer time than clocks can tell stands for a hundred years.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .map(|seconds| seconds.min(LONGEST))
        .ok_or_else(|| "a time is a number of seconds above 0".into())
}

/// As [`seconds`], or 0.
pub(crate) fn seconds_or_0(text: &str) -> Result<Duration, String> {
    if text.parse() == Ok(0.0) {
        return Ok(Duration::ZERO);
    }
    seconds(text).map_err(|_| "a time is a number of seconds, or 0".into())
}

/// Any word, in whose place shells offer these.
#[derive(Clone)]
pub(crate) struct Offered(fn() -> Vec<PossibleValue>);

/// The names of the rules.
pub(crate) const RULE_NAMES: Offered = Offered(|| {
    let named = |rule: &Rule| PossibleValue::new(rule.id()).help(rule.clause());
    Rule::ALL.iter().map(named).collect()
});

/// The numbers of the questions.
pub(crate) const QUESTION_NUMBERS: Offered = Offered(|| {
    // clap keeps names for ever.
    const NUMBERS: &str = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 \
        31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60";
    let named = NUMBERS.split(' ').zip(why::all());
    let named = named.map(|(number, question)| PossibleValue::new(number).help(question.question));
    named.collect()
});

impl TypedValueParser for Offered {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter()))
    }
}
