//! From what was typed to an open connection: the address, a proxy, redirects; and why there is none.

use super::proxy::{self, Choice};
use super::redirect;
use crate::app::address::{self, Address};
use crate::app::args;
use crate::app::judge::foreign;
use crate::app::show::lines::Lines;
use crate::app::show::text;
use crate::app::trust::{self, Trust};
use clap::Args;
use plainws::net::proxy::Proxy;
use plainws::net::tap::{Direction, Tap};
use plainws::net::url::Url;
use plainws::{Client, Error, Refusal, WebSocket};
use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[derive(Args, Debug)]
pub(super) struct ReachOptions {
    /// The server's address, such as ws://localhost:8000/echo or :8000/echo
    #[arg(value_name = "URL")]
    address: String,

    #[command(flatten)]
    handshake: args::HandshakeOptions,

    #[command(flatten)]
    tls: args::TlsOptions,

    /// Connect by this HTTP proxy, by CONNECT: http://[user:password@]host:port; "" for none
    ///
    /// Without it the proxy that http_proxy, for wss:// https_proxy or HTTPS_PROXY, or else all_proxy or ALL_PROXY
    /// names is used, except for localhost and what no_proxy or NO_PROXY lists: names, with all below them,
    /// addresses and networks, or *.
    #[arg(long, hide_short_help = true, value_name = "URL")]
    proxy: Option<String>,

    /// Follow so many redirects; what is for one server alone, such as cookies, is not sent to another
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 0, value_parser = args::number::<u32>)]
    max_redirects: u32,

    /// Seconds that connecting may take
    #[arg(long, hide_short_help = true, value_name = "S", default_value = "10", value_parser = args::seconds)]
    connect_timeout: Duration,
}

/// A server, and how it is to be reached.
pub(super) struct Way<'a> {
    options: &'a ReachOptions,
    address: Address,
    trust: Trust,
    lines: &'a Lines,
}

/// No connection, and what likely happened.
pub(super) struct Unopened {
    pub(super) error: Error,
    pub(super) cause: Option<String>,
}

impl From<Error> for Unopened {
    fn from(error: Error) -> Self {
        Self { error, cause: None }
    }
}

impl ReachOptions {
    /// Reads the address, and says what is to be known of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it or with a proxy, in words for people.
    pub(super) fn way<'a>(&'a self, lines: &'a Lines) -> Result<Way<'a>, String> {
        let address = address::parse(&self.address)?;
        let way = Way {
            options: self,
            trust: self.trust(&address)?,
            address,
            lines,
        };
        for note in &way.address.notes {
            lines.say(note);
        }
        if let Some(choice) = way.proxy(&way.address.url) {
            let proxy = Proxy::parse(&choice.url);
            let name = choice.variable.unwrap_or("--proxy");
            let proxy = proxy.map_err(|error| format!("{name}: {error}"))?;
            if let Some(name) = choice.variable {
                lines.say(&format!(
                    "by the proxy {}, which {name} names",
                    proxy.address()
                ));
            }
        }
        Ok(way)
    }

    fn trust(&self, address: &Address) -> Result<Trust, String> {
        let url = Url::parse(&address.url).map_err(|error| error.to_string())?;
        match self.max_redirects {
            0 => self.tls.trust_for(&url),
            // A redirect may lead to TLS.
            _ => self.tls.trust(),
        }
    }
}

/// What is asked next: at first what was typed, then where redirects lead.
struct Goal {
    url: String,
    /// Whether a redirect has led to another server.
    is_elsewhere: bool,
}

impl Way<'_> {
    /// Opens a connection, which may take several. `tap` makes the tap of each.
    pub(super) fn open(&self, tap: impl Fn() -> Tap) -> Result<WebSocket, Unopened> {
        let mut goal = Goal {
            url: self.address.url.clone(),
            is_elsewhere: false,
        };
        let mut followed = 0;
        loop {
            if let Some(warning) = self.trust.warning().filter(|_| goal.is_secure()) {
                self.lines.say(warning);
            }
            let seen = Seen::default();
            let opened = self.client(&goal)?.tap(seen.beside(tap())).connect();
            let error = match opened {
                Ok(ws) => {
                    self.say_connected(&ws, &goal);
                    return Ok(ws);
                }
                Err(error) => error,
            };
            let redirect = match &error {
                Error::Refused(refusal) => redirect::read(&goal.url, &refusal.response),
                _ => None,
            };
            match redirect {
                Some(Ok(redirect)) if followed < self.options.max_redirects => {
                    followed += 1;
                    goal.is_elsewhere |= redirect.is_elsewhere;
                    goal.url = redirect.url;
                    self.lines
                        .say(&format!("{}; going to {}", status_line(&error), goal.url));
                }
                Some(outcome) => {
                    let cause = Some(self.not_followed(outcome.err()));
                    return Err(Unopened { error, cause });
                }
                None => {
                    let cause = self.cause(&error, &seen, &goal);
                    return Err(Unopened { error, cause });
                }
            }
        }
    }

    fn say_connected(&self, ws: &WebSocket, goal: &Goal) {
        let subprotocol = ws.subprotocol();
        let subprotocol = subprotocol.map(|name| format!(" as {}", text::quoted(name.as_bytes())));
        let subprotocol = subprotocol.unwrap_or_default();
        let security = ws.secured_by();
        let security = security.map(|by| format!(" over {by}")).unwrap_or_default();
        self.lines
            .say(&format!("connected to {}{security}{subprotocol}", goal.url));
    }

    fn client(&self, goal: &Goal) -> plainws::Result<Client> {
        let ReachOptions { handshake, .. } = self.options;
        let client = Client::new(&goal.url)?.timeout(self.options.connect_timeout);
        let mut client = self.trust.of(client);
        let is_sent = |name: &str| !goal.is_elsewhere || redirect::is_for_all(name);
        for (name, value) in handshake.headers().filter(|(name, _)| is_sent(name)) {
            client = client.header(name, value)?;
        }
        for name in handshake.subprotocols() {
            client = client.subprotocol(name)?;
        }
        if !goal.is_elsewhere {
            if let Some(value) = &self.address.authorization {
                if !handshake.has("Authorization") {
                    client = client.header("Authorization", value)?;
                }
            }
            if let Some(host) = handshake.host() {
                client = client.host(host)?;
            }
            if let Some(address) = handshake.connect_to() {
                client = client.connect_to(address)?;
            }
        }
        match self.proxy(&goal.url) {
            Some(choice) => client.proxy(&choice.url),
            None => Ok(client),
        }
    }

    fn proxy(&self, url: &str) -> Option<Choice> {
        let url = Url::parse(url).ok()?;
        let option = self.options.proxy.as_deref();
        proxy::choose(&url, option, |name| env::var(name).ok())
    }

    /// Why a redirect was not followed.
    fn not_followed(&self, problem: Option<String>) -> String {
        match (problem, self.options.max_redirects) {
            (Some(problem), _) => format!("not followed: {problem}"),
            (None, 0) => "not followed: --max-redirects 1 would".into(),
            (None, most) => format!("not followed: that is one more than --max-redirects {most}"),
        }
    }

    fn cause(&self, error: &Error, seen: &Seen, goal: &Goal) -> Option<String> {
        match error {
            Error::Refused(refusal) => {
                foreign::in_refusal(refusal.response.status(), &refusal.body)
            }
            Error::Proxy { error, .. } => needs_password(error),
            Error::Tls(error) => trust::advice(error).map(str::to_owned),
            Error::Rule(_) | Error::Io(_) => {
                let is_tls_port = goal.url_has_port(443);
                let of_port = is_tls_port.then(|| "port 443 is for https:// and wss://".to_owned());
                foreign::recognise(&seen.bytes()).or(of_port)
            }
            _ => None,
        }
    }
}

impl Goal {
    fn is_secure(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| url.is_secure())
    }

    fn url_has_port(&self, port: u16) -> bool {
        Url::parse(&self.url).is_ok_and(|url| url.host().ends_with(&format!(":{port}")))
    }
}

/// What is said of a redirect that is followed: not where it leads, which follows.
fn status_line(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => {
            let response = &refusal.response;
            let reason = text::escaped(response.reason());
            format!("the server answered {} {reason}", response.status())
        }
        error => error.to_string(),
    }
}

fn needs_password(error: &Error) -> Option<String> {
    let Error::Refused(refusal) = error else {
        return None;
    };
    let Refusal { response, .. } = refusal.as_ref();
    (response.status() == 407).then(|| "--proxy http://user:password@host:port names a user".into())
}

/// What a server has sent up to now, its beginning.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    /// Enough to know a protocol by.
    const MOST: usize = 512;

    /// A tap that notes what comes, before another one sees it.
    fn beside(&self, tap: Tap) -> Tap {
        let seen = self.clone();
        Box::new(move |direction, bytes| {
            if direction == Direction::Received {
                seen.note(bytes);
            }
            tap(direction, bytes);
        })
    }

    fn note(&self, bytes: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Self::MOST.saturating_sub(seen.len());
        seen.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_server_sends_the_beginning_is_seen() {
        for pieces in [&[700][..], &[512, 188], &[511, 189], &[100; 7]] {
            let seen = Seen::default();
            let sent: Vec<u8> = (0..=255).cycle().take(700).collect();
            let mut rest = &sent[..];
            for length in pieces {
                let (piece, after) = rest.split_at(*length);
                seen.note(piece);
                rest = after;
            }
            assert_eq!(seen.bytes(), sent[..512], "{pieces:?}");
        }
    }

    #[test]
    fn only_what_comes_is_seen() {
        let seen = Seen::default();
        let tap = seen.beside(Box::new(|_, _| {}));
        tap(Direction::Sent, b"GET / ");
        tap(Direction::Received, b"SSH-");
        assert_eq!(seen.bytes(), b"SSH-");
    }
}
