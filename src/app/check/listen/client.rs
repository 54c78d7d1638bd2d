//! A client that is examined: a connection that it opened.

use super::super::examinee::{Examinee, Line};
use super::super::record::Stopped;
use plainws::protocol::dissect::handshake;
use plainws::protocol::handshake::{Upgrade, accept_value};
use plainws::protocol::head::{Decoder, Limits};
use plainws::protocol::request::Request;
use plainws::{Role, Rule};
use std::io::{self, Read as _};
use std::net::TcpStream;
use std::str;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest request taken; no honest one is near.
const MAX_HEAD: usize = 64 * 1024;

/// A request that has been read whole, or up to where it is none, on its connection.
pub(super) struct Asked {
    pub(super) stream: TcpStream,
    pub(super) request: Result<Request, Rule>,
    /// Its bytes.
    pub(super) head: Vec<u8>,
    /// What came after it.
    rest: Vec<u8>,
}

/// Why there is no request.
pub(super) enum NoRequest {
    /// Nothing came, or the client has left.
    Gone,
    /// A part came, and then nothing for too long.
    Late(TcpStream),
}

/// Reads a request. All of it has to come within `patience`, however slowly its bytes do.
pub(super) fn read(mut stream: TcpStream, patience: Duration) -> Result<Asked, NoRequest> {
    let end = Instant::now() + patience;
    let mut decoder = Decoder::new(Role::Client, limits());
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let length = match read_for(&mut stream, &mut buffer, left) {
            Ok(0) => return Err(NoRequest::Gone),
            Ok(length) => length,
            Err(error) if is_timeout(&error) && !head.is_empty() => {
                return Err(NoRequest::Late(stream));
            }
            Err(_) => return Err(NoRequest::Gone),
        };
        head.extend_from_slice(&buffer[..length]);
        let (request, rest) = match decoder.receive(&buffer[..length]) {
            Ok(None) => continue,
            Ok(Some((decoded, rest))) => (Request::new(decoded), rest.to_vec()),
            Err(rule) => (Err(rule), Vec::new()),
        };
        head.truncate(head.len() - rest.len());
        return Ok(Asked {
            stream,
            request,
            head,
            rest,
        });
    }
}

fn read_for(stream: &mut TcpStream, buffer: &mut [u8], left: Duration) -> io::Result<usize> {
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let length = stream.read(buffer)?;
    stream.set_read_timeout(None)?;
    Ok(length)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

const fn limits() -> Limits {
    Limits::new().max_bytes(MAX_HEAD).max_headers(1000)
}

impl Asked {
    /// Its path and what stands after the question mark, of a request that breaks a rule too as far as it says so.
    pub(super) fn target(&self) -> (String, String) {
        if let Ok(request) = &self.request {
            let query = request.query().unwrap_or_default();
            return (request.path().into(), query.into());
        }
        let line = self.head.split(|byte| b"\r\n".contains(byte)).next();
        let line = str::from_utf8(line.unwrap_or_default()).unwrap_or_default();
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (path.into(), query.into())
    }

    /// Every rule that it breaks; `first` is the one that it is refused for.
    pub(super) fn broken(&self, first: Rule) -> Vec<Rule> {
        let mut broken = handshake::request(&self.head, limits()).broken;
        broken.retain(|rule| *rule != first);
        broken.insert(0, first);
        broken
    }
}

/// The client, with one connection to be examined.
pub(super) struct Client {
    line: Option<Line>,
    patience: Duration,
}

impl Client {
    /// On the connection on which it asked for `upgrade`.
    pub(super) fn new(asked: Asked, upgrade: &Upgrade, patience: Duration) -> Self {
        let key = asked.request.as_ref().ok();
        let key = key.and_then(|request| request.header("Sec-WebSocket-Key"));
        let subprotocol = upgrade.subprotocols().first();
        let line = Line {
            head: upgrade.response(subprotocol.map(String::as_str)),
            words: vec![
                ("{accept}", accept_value(key.unwrap_or_default())),
                ("{other case}", in_other_case(upgrade.subprotocols())),
            ],
            stream: Arc::new(asked.stream),
            rest: asked.rest,
        };
        Self {
            line: Some(line),
            patience,
        }
    }
}

/// What looks like a subprotocol that the client offers, and is none of them.
fn in_other_case(offered: &[String]) -> String {
    let names = offered.iter();
    let mut others = names.flat_map(|name| [name.to_uppercase(), name.to_lowercase()]);
    let other = others.find(|name| !offered.contains(name));
    other.unwrap_or_else(|| "x-unheard-of".into())
}

impl Examinee for Client {
    fn role(&self) -> Role {
        Role::Client
    }

    fn connect(&mut self) -> Result<Line, Stopped> {
        let line = self.line.take();
        line.ok_or_else(|| Stopped::Unopened("a client opens one connection for a case".into()))
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
