//! A server that is examined.

use super::examinee::{Examinee, Line};
use super::record::Stopped;
use super::talk::Waited;
use crate::app::trust::Trust;
use plainws::net::random::Random;
use plainws::net::url::Url;
use plainws::protocol::handshake::Opening;
use plainws::{Role, Transport};
use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Where it is, and what its handshake asks for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    /// To connect to.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Headers beside those of the handshake.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) host: Option<String>,
    pub(crate) patience: Duration,
    /// Whom to trust, if TLS comes first.
    pub(crate) trust: Trust,
}

impl Target {
    /// The headers whose values are nobody else's business.
    pub(crate) fn secrets(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter();
        let secrets = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("Origin"));
        secrets.cloned().collect()
    }
}

/// The server as one of several threads sees it.
pub(crate) struct Server<'a> {
    target: &'a Target,
    random: Random,
}

impl<'a> Server<'a> {
    /// # Errors
    ///
    /// The system has no random bytes.
    pub(crate) fn new(target: &'a Target) -> io::Result<Self> {
        Ok(Self {
            target,
            random: Random::new()?,
        })
    }

    fn opening(&mut self) -> Result<Opening, String> {
        let Target {
            url,
            headers,
            subprotocols,
            host,
            ..
        } = self.target;
        let opening = Opening::new(url.host(), url.target(), self.random.bytes());
        let mut opening = opening.map_err(|error| error.to_string())?;
        let mut add = || {
            if let Some(host) = host {
                opening.set_host(host)?;
            }
            for name in subprotocols {
                opening.offer_subprotocol(name)?;
            }
            headers
                .iter()
                .try_for_each(|(name, value)| opening.add_header(name, value))
        };
        add().map_err(|error: plainws::protocol::handshake::InvalidHeader| error.to_string())?;
        Ok(opening)
    }

    /// The stream as it carries a head: inside TLS, if the URL asks for that.
    fn secured(&self, stream: TcpStream) -> io::Result<Arc<dyn Transport>> {
        let Target {
            url,
            patience,
            trust,
            ..
        } = self.target;
        Ok(Arc::from(trust.over(stream, url, *patience)?))
    }

    /// Headers that the server may want to see, in other heads too.
    fn more(&self) -> String {
        let mut more = String::new();
        let Target {
            headers,
            subprotocols,
            ..
        } = self.target;
        for (name, value) in headers {
            // Writing to a String never fails.
            let _ = write!(more, "{name}: {value}\r\n");
        }
        if !subprotocols.is_empty() {
            let _ = write!(
                more,
                "Sec-WebSocket-Protocol: {}\r\n",
                subprotocols.join(", ")
            );
        }
        more
    }

    fn line(&self, stream: Arc<dyn Transport>, opening: &Opening) -> Line {
        let Target { url, host, .. } = self.target;
        let head = opening.request();
        let mut lines = head.lines();
        let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let key = key.unwrap_or_default().to_owned();
        let scheme = if url.is_secure() { "https" } else { "http" };
        let host = host.as_deref().unwrap_or(url.host());
        Line {
            stream,
            words: vec![
                ("{target}", url.target().to_owned()),
                ("{scheme}", scheme.to_owned()),
                ("{host}", host.to_owned()),
                ("{key}", key),
                ("{more}", self.more()),
            ],
            head,
            rest: Vec::new(),
        }
    }
}

impl Examinee for Server<'_> {
    fn role(&self) -> Role {
        Role::Server
    }

    fn connect(&mut self) -> Result<Line, Stopped> {
        let opening = self.opening().map_err(Stopped::Unopened)?;
        let mut problem = "its name has no address".to_owned();
        for address in &self.target.addresses {
            match TcpStream::connect_timeout(address, self.target.patience) {
                Ok(stream) => {
                    let stream = self.secured(stream).map_err(unsecured)?;
                    return Ok(self.line(stream, &opening));
                }
                Err(error) => problem = error.to_string(),
            }
        }
        Err(Stopped::Unopened(problem))
    }

    fn is_secure(&self) -> bool {
        self.target.url.is_secure()
    }

    fn patience(&self) -> Duration {
        self.target.patience
    }
}

fn unsecured(error: io::Error) -> Stopped {
    let waited = match error.kind() {
        io::ErrorKind::TimedOut => Waited::Silent,
        _ => Waited::Over,
    };
    Stopped::Unsecured(waited, error.to_string())
}
