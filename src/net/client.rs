//! A client: opens a connection to a `ws:` or `wss:` URL.

use super::applicant::Extensions;
use super::budget::Share;
use super::deadline::deadline_in;
use super::dial::Endpoint;
use super::error::{Error, Refusal, Result};
use super::limits::Limits;
use super::proxy::Proxy;
use super::random::Random;
use super::read_response::{read_body, read_response};
use super::security::ClientSecurity;
use super::stream::Stream;
use super::tap::{Direction, Tap, Tapped};
#[cfg(feature = "tls")]
use super::tls::ClientTls;
use super::transport::Transport;
use super::url::Url;
use super::websocket::{Handshake, WebSocket};
use super::words::clipped;
use crate::protocol::Role;
use crate::protocol::connection::Connection;
use crate::protocol::handshake::Opening;
use crate::protocol::head;
use crate::protocol::request::Request;
use crate::protocol::rule::Rule;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
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
    /// Where to connect, if not to the host of the URL.
    connect_to: Option<Endpoint>,
    proxy: Option<Proxy>,
    security: ClientSecurity,
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

impl Client {
    /// Takes a URL `ws://host[:port]/path[?query]` (§3), or `wss://…` for TLS, as [`Url::parse`] does.
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
            connect_to: None,
            proxy: None,
            security: ClientSecurity::default(),
            opening,
            random,
            limits: Limits::default(),
            timeout: Duration::from_secs(10),
            tap: None,
        })
    }

    /// How long opening may take in all: over all addresses of the host, by a proxy, with TLS, up to the answer. Default
    /// 10 s. Only looking the name up cannot be bounded.
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

    /// Says which page asks (§4.1, RFC 6454 §7), as a browser does, for example `https://example.com`. By default
    /// nothing is said.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] for control bytes.
    pub fn origin(self, origin: &str) -> Result<Self> {
        self.header("Origin", origin)
    }

    /// Adds a header to the request, such as `Authorization` or `Cookie` (§4.1).
    ///
    /// # Errors
    ///
    /// [`Error::Header`] for one that belongs to the handshake itself or would break the request.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        self.opening.add_header(name, value)?;
        Ok(self)
    }

    /// Names another host in the request (RFC 9112 §3.2) than that of the URL, for a server that answers for several.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] for what is no host.
    pub fn host(mut self, host: &str) -> Result<Self> {
        self.opening.set_host(host)?;
        Ok(self)
    }

    /// Connects to `host:port` instead of the URL's host. The request is the same: so a server can be asked that
    /// its name does not lead to, or not yet.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for anything else than a host and a port.
    pub fn connect_to(mut self, address: &str) -> Result<Self> {
        self.connect_to =
            Some(Endpoint::parse(address, None).map_err(|problem| Error::url(address, problem))?);
        Ok(self)
    }

    /// Asks an HTTP proxy for the connection, by CONNECT (§4.1): `http://[user:password@]host[:port]`, as
    /// [`Proxy::parse`] takes it. The proxy looks up the server's name. Nothing is read from the environment.
    ///
    /// [`WebSocket::peer_addr`] is the proxy's address then, and a [`tap`](Self::tap) does not see what passes
    /// between the client and the proxy alone.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for anything else.
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        self.proxy = Some(Proxy::parse(url)?);
        Ok(self)
    }

    /// Says whom to trust as the server of a `wss:` URL. Default [`ClientTls::system`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.security.tls = Some(tls);
        self
    }

    /// Replaces the limits of the connection. Default [`Limits::default`].
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
    /// in time, with the addresses that were tried; [`Error::Proxy`] when it is the proxy that does not let us through;
    /// [`Error::Tls`] when the URL asks for TLS and the server does not speak it, or is not trusted. In a build without
    /// the feature `tls`, [`Error::Url`] for such a URL.
    pub fn connect(self) -> Result<WebSocket> {
        let deadline = deadline_in(self.timeout);
        self.security.check(&self.url)?;
        let (stream, peer, mut arrived) = self.reach(deadline)?;
        let stream = self.security.over(stream, &self.url, &mut arrived)?;
        self.open(stream, Some(peer), arrived, deadline)
    }

    /// Opens the connection as [`connect`](Self::connect) does, but over a stream to the server that is there already: a
    /// Unix socket, TLS of your own, one end of a test's pair. The URL only says what is asked for, and that of `wss`
    /// does not add TLS; [`connect_to`](Self::connect_to) and [`proxy`](Self::proxy) mean nothing then.
    ///
    /// The stream is used as it is, whatever time-outs and mode were set before. Who keeps another handle of it must
    /// leave it alone.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> plainws::Result<()> {
    /// use std::os::unix::net::UnixStream;
    ///
    /// let (here, there) = UnixStream::pair()?;
    /// let server = std::thread::spawn(move || plainws::accept(there)?.send("Hello"));
    /// let ws = plainws::Client::new("ws://localhost/")?.over(here)?;
    /// assert_eq!(ws.receive()?, Some("Hello".into()));
    /// # drop(ws);
    /// # server.join().expect("it does not panic")
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); no address is tried, and no proxy asked.
    pub fn over(self, stream: impl Transport + 'static) -> Result<WebSocket> {
        let deadline = deadline_in(self.timeout);
        let peer = stream.peer_addr();
        let stream = Stream::new(stream);
        let prepared = stream.prepare();
        prepared.map_err(|error| Error::from(error).by(&self.who()))?;
        self.open(stream, peer, Vec::new(), deadline)
    }

    /// Makes the request on a stream, from which this has arrived already.
    fn open(
        self,
        stream: Stream,
        peer: Option<SocketAddr>,
        arrived: Vec<u8>,
        deadline: Instant,
    ) -> Result<WebSocket> {
        let who = self.who();
        self.shake_hands(stream, peer, arrived, deadline, &who)
            .map_err(|error| error.by(&who))
    }

    /// The same, where `who` is the server for errors.
    fn shake_hands(
        self,
        stream: Stream,
        peer: Option<SocketAddr>,
        mut after_head: Vec<u8>,
        deadline: Instant,
        who: &str,
    ) -> Result<WebSocket> {
        stream.shake_hands(deadline).map_err(Error::Tls)?;
        let head = self.opening.request();
        let tapped = Tapped::new(self.tap);
        tapped.pass(Direction::Sent, [head.as_bytes(), &[]])?;
        stream.write_all_until(&mut [IoSlice::new(head.as_bytes())], deadline)?;

        tapped.pass(Direction::Received, [&after_head, &[]])?;
        let limits = self.limits.head;
        let response = read_response(&stream, limits, deadline, &mut after_head, &tapped, who);
        let response = response.map_err(|error| refused_late(error, &stream))?;
        let subprotocol = match self.opening.check(&response) {
            Ok(subprotocol) => subprotocol,
            Err(Rule::StatusNot101) => {
                let body = read_body(&stream, &response, &after_head, deadline, &tapped);
                return Err(Error::Refused(Box::new(Refusal::new(response, body))));
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
            extensions: Extensions::default(),
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

    /// The server, as errors name it.
    fn who(&self) -> String {
        format!("the server at {}", clipped(&self.url.to_string(), 200))
    }

    fn server(&self) -> &Endpoint {
        self.connect_to.as_ref().unwrap_or(self.url.endpoint())
    }

    /// Connects, by the proxy if there is one. Returns whose address it is, and what came from there already.
    fn reach(&self, deadline: Instant) -> Result<(Stream, SocketAddr, Vec<u8>)> {
        let to = self.server();
        match &self.proxy {
            Some(proxy) => proxy.connect(to, self.limits.head, deadline),
            None => {
                let (stream, address) =
                    to.connect(deadline, &clipped(&self.url.to_string(), 200))?;
                Ok((stream, address, Vec::new()))
            }
        }
    }
}

/// With TLS 1.3 a client's handshake has ended before the server has judged the client's part of it, such as a
/// certificate that it wants: that there is no connection comes in place of an answer.
fn refused_late(error: Error, stream: &Stream) -> Error {
    match error {
        Error::Io(error)
            if error.kind() == io::ErrorKind::InvalidData && stream.secured_by().is_some() =>
        {
            Error::Tls(error)
        }
        error => error,
    }
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
