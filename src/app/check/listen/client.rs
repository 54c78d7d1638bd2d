//! A client that is examined: a connection that it opened.

use super::super::play::{Examinee, Line};
use plainws::Role;
use plainws::protocol::handshake::{Upgrade, accept_value};
use plainws::protocol::head::{Decoder, Limits};
use plainws::protocol::request::Request;
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Largest request taken.
const MAX_HEAD: usize = 64 * 1024;

/// A request that has been read whole, on its connection.
pub(super) struct Asked {
    pub(super) stream: TcpStream,
    pub(super) request: Request,
    /// What came behind it.
    rest: Vec<u8>,
}

/// Why there is no request.
pub(super) enum NoRequest {
    /// Nothing came, or not all of it.
    Gone,
    /// It is none, and this says why.
    Bad(String),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads a request, for as long as `patience` allows.
pub(super) fn read(mut stream: TcpStream, patience: Duration) -> Result<Asked, NoRequest> {
    let end = Instant::now() + patience;
    let mut decoder = Decoder::new(Role::Client, limits());
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoRequest::Gone);
        }
        stream.set_read_timeout(Some(left))?;
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Err(NoRequest::Gone);
        }
        let read = decoder.receive(&buffer[..length]).map_err(said)?;
        if let Some((head, rest)) = read {
            let rest = rest.to_vec();
            let request = Request::new(head).map_err(said)?;
            stream.set_read_timeout(None)?;
            return Ok(Asked {
                stream,
                request,
                rest,
            });
        }
    }
}

fn said(rule: plainws::Rule) -> NoRequest {
    NoRequest::Bad(format!("{}: {}", rule.id(), rule.clause()))
}

const fn limits() -> Limits {
    Limits::new().max_bytes(MAX_HEAD).max_headers(1000)
}

/// The client, with one connection to be examined.
pub(super) struct Client {
    line: Option<Line>,
    patience: Duration,
}

impl Client {
    /// # Errors
    ///
    /// The request opens no WebSocket, and why.
    pub(super) fn new(asked: Asked, patience: Duration) -> Result<Self, (TcpStream, String)> {
        let upgrade = match Upgrade::new(&asked.request) {
            Ok(upgrade) => upgrade,
            Err(rule) => return Err((asked.stream, format!("{}: {}", rule.id(), rule.clause()))),
        };
        let key = asked
            .request
            .header("Sec-WebSocket-Key")
            .unwrap_or_default();
        let subprotocol = upgrade.subprotocols().first();
        let line = Line {
            head: upgrade.response(subprotocol.map(String::as_str)),
            words: vec![("{accept}", accept_value(key))],
            stream: asked.stream,
            rest: asked.rest,
        };
        Ok(Self {
            line: Some(line),
            patience,
        })
    }
}

impl Examinee for Client {
    fn role(&self) -> Role {
        Role::Client
    }

    fn connect(&mut self) -> Result<Line, String> {
        self.line
            .take()
            .ok_or_else(|| "a client opens one connection for a case".into())
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
