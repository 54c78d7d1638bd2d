//! A client: opens a connection to a `ws:` URL.

use super::budget::Share;
use super::deadline::{SHORTEST_TIMEOUT, deadline_in, is_timeout};
use super::error::{Error, Refusal, Result};
use super::limits::Limits;
use super::random::Random;
use super::read_head::read_head;
use super::stream::Stream;
use super::tap::{Direction, Tap, Tapped};
use super::url::Url;
use super::websocket::{Handshake, WebSocket};
use crate::protocol::Role;
use crate::protocol::connection::Connection;
use crate::protocol::handshake::Opening;
use crate::protocol::head;
use crate::protocol::request::Request;
use crate::protocol::response::{Body, Response};
use crate::protocol::rule::Rule;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpStream};
use std::str;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens a connection with default settings.
///
/// ```no_run
/// let ws = plainws::connect("ws://127.0.0.1:8000/echo")?;
/// ws.send("Hello")?;
/// assert_eq!(ws.receive()?, Some("Hello".into()));
/// # Ok::<(), plainws::Error>(())
/// ```
///
/// # Errors
///
/// As [`Client::connect`].
pub fn connect(url: &str) -> Result<WebSocket> {
    Client::new(url)?.connect()
}

/// A connection to be opened.
///
/// ```no_run
/// use plainws::Client;
///
/// let ws = Client::new("ws://127.0.0.1:8000/chat")?
///     .subprotocol("chat.v2")?
///     .header("Cookie", "session=1")?
///     .connect()?;
/// # Ok::<(), plainws::Error>(())
/// ```
pub struct Client {
    url: Url,
    opening: Opening,
    random: Random,
    limits: Limits,
    timeout: Duration,
    tap: Option<Tap>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("opening", &self.opening)
            .finish_non_exhaustive()
    }
}

/// A refusal's body is kept up to here: enough for the sentence that says why.
const MAX_REFUSAL_BODY: usize = 4 * 1024;
/// How long a refusal's body of unknown length is waited for.
const UNANNOUNCED_BODY: Duration = Duration::from_millis(500);

impl Client {
    /// Takes a URL `ws://host[:port]/path[?query]` (§3).
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for any other, [`Error::Header`] for a host or path that a request must not hold,
    /// [`Error::Io`] without a source of randomness.
    pub fn new(url: &str) -> Result<Self> {
        let url = Url::parse(url)?;
        let mut random = Random::new()?;
        let opening = Opening::new(url.host(), url.target(), random.bytes())?;
        Ok(Self {
            url,
            opening,
            random,
            limits: Limits::default(),
            timeout: Duration::from_secs(10),
            tap: None,
        })
    }

    /// How long opening may take in all: over all addresses of the host, up to the answer. Default 10 s.
    /// Only looking the name up cannot be bounded.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Offers a subprotocol, after those offered already (§1.9).
    ///
    /// # Errors
    ///
    /// [`Error::Header`] unless it is a token that was not offered yet.
    pub fn subprotocol(mut self, name: &str) -> Result<Self> {
        self.opening.offer_subprotocol(name)?;
        Ok(self)
    }

    /// Says which page asks, as a browser does, for example `https://example.com`.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] for control bytes.
    pub fn origin(self, origin: &str) -> Result<Self> {
        self.header("Origin", origin)
    }

    /// Adds a header to the request.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] for one that belongs to the handshake itself or would break the request.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        self.opening.add_header(name, value)?;
        Ok(self)
    }

    /// Replaces the limits of the connection.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets `tap` see the bytes that pass, the opening handshake included.
    #[must_use]
    pub fn tap(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Opens the connection (§4.1).
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the server answers with another status than 101, a redirect included;
    /// [`Error::Rule`] when its answer is wrong; [`Error::Io`] when no address can be reached, or not
    /// in time.
    pub fn connect(self) -> Result<WebSocket> {
        let deadline = deadline_in(self.timeout);
        let (stream, peer) = self.reach(deadline)?;
        stream.prepare()?;
        let head = self.opening.request();
        let tapped = Tapped::new(self.tap);
        tapped.pass(Direction::Sent, [head.as_bytes(), &[]])?;
        stream.write_all_until(&mut [IoSlice::new(head.as_bytes())], deadline)?;

        let (response, mut after_head) =
            read_response(&stream, self.limits.head, deadline, &tapped)?;
        let subprotocol = match self.opening.check(&response) {
            Ok(subprotocol) => subprotocol,
            Err(Rule::StatusNot101) => {
                read_body(&stream, &response, &mut after_head, deadline, &tapped);
                let refusal = Refusal {
                    response,
                    body: after_head,
                };
                return Err(Error::Refused(Box::new(refusal)));
            }
            Err(rule) => return Err(rule.into()),
        };
        let request = sent_request(head.as_bytes())?;
        let mut random = self.random;
        let connection = Connection::client(self.limits.message, Box::new(move || random.bytes()));
        let handshake = Box::new(Handshake {
            request,
            subprotocol,
            peer,
        });
        Ok(WebSocket::new(
            Arc::new(stream),
            connection,
            &self.limits,
            Share::unlimited(),
            &after_head,
            handshake,
            tapped,
        ))
    }

    fn reach(&self, deadline: Instant) -> Result<(Stream, SocketAddr)> {
        let addresses = self.url.addresses()?;
        Ok(first_of(&addresses, deadline, |address, time| {
            let stream = TcpStream::connect_timeout(address, time)?;
            Ok((Stream::new(stream), *address))
        })?)
    }
}

/// Tries one address after the other, each with its share of the time that is left, until `connect` gives
/// something; after the last one, why it did not.
fn first_of<T>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(&SocketAddr, Duration) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = Err(io::ErrorKind::NotFound.into());
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let untried = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        last = connect(address, (left / untried).max(SHORTEST_TIMEOUT));
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Reads the answer, and what arrived after its head. RFC 9110 §15.2: interim responses may come before.
fn read_response(
    stream: &Stream,
    limits: head::Limits,
    deadline: Instant,
    tapped: &Tapped,
) -> Result<(Response, Vec<u8>)> {
    let mut decoder = head::Decoder::new(Role::Server, limits);
    let mut after_head = Vec::new();
    loop {
        let head = match read_head(stream, &mut decoder, &mut after_head, deadline, tapped) {
            Ok(Some(head)) => head,
            Ok(None) => {
                let message = "the server ended the connection before it answered the handshake";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message).into());
            }
            Err(Error::Io(error)) if is_timeout(&error) => {
                let message = "the server did not answer the handshake in time";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message).into());
            }
            Err(error) => return Err(error),
        };
        let response = Response::new(head)?;
        if !response.is_interim() {
            return Ok((response, after_head));
        }
    }
}

/// Reads the body of a refusal, as far as it arrives in time.
fn read_body(
    stream: &Stream,
    response: &Response,
    body: &mut Vec<u8>,
    deadline: Instant,
    tapped: &Tapped,
) {
    let (wanted, deadline) = match response.body() {
        Body::Length(length) => (usize::try_from(length).unwrap_or(usize::MAX), deadline),
        // A server that announces no length may send without an end, or send nothing at all.
        Body::Chunked | Body::UntilEnd => (
            MAX_REFUSAL_BODY,
            deadline.min(deadline_in(UNANNOUNCED_BODY)),
        ),
    };
    let wanted = wanted.min(MAX_REFUSAL_BODY);
    // RFC 9112 §7.1: the last chunk is empty. Missing it costs time, nothing else.
    let has_ended = |body: &[u8]| {
        response.body() == Body::Chunked
            && (body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n"))
    };
    let mut buffer = [0; 2048];
    while body.len() < wanted && !has_ended(body) {
        match stream.read_until(&mut buffer, deadline) {
            Ok(length @ 1..) => {
                body.extend_from_slice(&buffer[..length]);
                // The refusal itself is what is told.
                let _ = tapped.pass(Direction::Received, [&buffer[..length], &[]]);
            }
            Ok(0) | Err(_) => break,
        }
    }
    body.truncate(wanted);
}

/// The request that was sent, for [`WebSocket::request`].
fn sent_request(head: &[u8]) -> Result<Request> {
    let no_limits = head::Limits::new()
        .max_bytes(usize::MAX)
        .max_headers(usize::MAX);
    match head::Decoder::new(Role::Client, no_limits).receive(head)? {
        Some((head, _)) => Ok(Request::new(head)?),
        None => Err(Rule::RequestLineMalformed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Tries four addresses, of which the one with `answering` as its port answers. Returns the minutes
    /// that each was given, if the whole has `time`, and whether one answered.
    fn minutes(answering: u16, time: Duration) -> (Vec<u64>, bool) {
        let addresses = [1, 2, 3, 4].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let minutes = RefCell::new(Vec::new());
        let answered = first_of(&addresses, deadline_in(time), |address, time| {
            // What the test takes rounds to nothing.
            let time = time + Duration::from_secs(30);
            minutes.borrow_mut().push(time.as_secs() / 60);
            match address.port() {
                port if port == answering => Ok(port),
                _ => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        });
        assert!(answered.as_ref().is_ok_and(|&port| port == answering) || answered.is_err());
        (minutes.into_inner(), answered.is_ok())
    }

    #[test]
    fn an_address_gets_no_more_than_its_share_of_the_time() {
        assert_eq!(minutes(1, HOUR), (vec![15], true));
        assert_eq!(minutes(3, HOUR), (vec![15, 20, 30], true));
        assert_eq!(minutes(4, HOUR), (vec![15, 20, 30, 60], true));
    }

    #[test]
    fn the_last_failure_is_told_and_each_is_tried_even_without_time() {
        assert_eq!(minutes(0, Duration::ZERO), (vec![0, 0, 0, 0], false));
    }
}
