//! The server's side of one connection that was accepted elsewhere.

use super::applicant::{Admission, Applicant};
use super::budget::Share;
use super::deadline::{after, deadline_in, is_timeout};
use super::error::{Error, Result};
use super::hosts::{Host, HostPolicy};
use super::http::{self, Page, Response};
use super::limits::Limits;
use super::origin::{Origin, OriginPolicy};
use super::overdue::overdue;
use super::pace::Pace;
use super::paths::{InvalidPath, Template};
use super::proxied::{self, Introduction, Proxied};
use super::proxies::{ProxyAddress, ProxyPolicy};
use super::read_head::read_head;
use super::security::{self, ServerSecurity};
use super::session::{no_websocket, refusal, tls_expected, unreadable};
use super::stream::Stream;
use super::tap::{Direction, Tap, Tapped};
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use super::transport::Transport;
use super::websocket::{Handshake, WebSocket};
use crate::protocol::Role;
use crate::protocol::connection::Connection;
use crate::protocol::handshake::{self, Upgrade};
use crate::protocol::head;
use crate::protocol::request::Request;
use crate::protocol::rule::Rule;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Opens a WebSocket connection as a server does, on a stream that was accepted elsewhere, with default settings.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let stream = TcpStream::connect(listener.local_addr()?)?;
/// let client = plainws::Client::new("ws://localhost/")?;
/// let client = std::thread::spawn(move || client.over(stream));
///
/// let (stream, _) = listener.accept()?;
/// let ws = plainws::accept(stream)?;
/// ws.send("Hello")?;
/// # let ws = std::thread::spawn(move || drop(ws));
/// let client = client.join().expect("it does not panic")?;
/// assert_eq!(client.receive()?, Some("Hello".into()));
/// # Ok::<(), plainws::Error>(())
/// ```
///
/// # Errors
///
/// As [`Accept::accept`].
pub fn accept(stream: impl Transport + 'static) -> Result<WebSocket> {
    Accept::new().accept(stream)
}

/// How to open connections on streams that were accepted elsewhere: over a Unix socket, a test's pair, TLS of your own.
///
/// A [`Server`](crate::Server) does more: it has paths and pages, gives each connection a thread, bounds how many there
/// are and what they hold together, and stops gracefully. Here all of that is the caller's. So is telling the peer that
/// its handler failed: [`close`](WebSocket::close) with [`CloseCode::INTERNAL_ERROR`](crate::CloseCode::INTERNAL_ERROR),
/// since a [`WebSocket`] that is merely dropped closes with 1000.
///
/// ```no_run
/// use plainws::Accept;
/// use std::net::TcpListener;
///
/// let listener = TcpListener::bind("127.0.0.1:8000")?;
/// for stream in listener.incoming() {
///     let accept = Accept::new().subprotocols(["chat.v2"]);
///     let stream = stream?;
///     std::thread::spawn(move || -> plainws::Result<()> {
///         let ws = accept.accept(stream)?;
///         ws.send(ws.request().path())
///     });
/// }
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Default)]
pub struct Accept {
    limits: Limits,
    subprotocols: Vec<String>,
    origins: OriginPolicy,
    hosts: Vec<Host>,
    proxies: ProxyPolicy,
    security: ServerSecurity,
    path: Option<Template>,
    admit: Option<Admit>,
    tap: Option<Tap>,
}

type Admit = Box<dyn FnOnce(&Applicant<'_>) -> std::result::Result<Admission, Page> + Send>;

impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("limits", &self.limits)
            .field("subprotocols", &self.subprotocols)
            .finish_non_exhaustive()
    }
}

/// What a request is refused with, if it can be, and what the caller is told.
type Refused = Box<(Option<Response>, Error)>;

impl Accept {
    /// The defaults: [`Limits::default`], no subprotocol, and of web pages only those of the same host.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the limits of the connection. [`Limits::head_timeout`] bounds the handshake.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks these subprotocols. The first one that the client offers is agreed on (§1.9).
    #[must_use]
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Answers for one more host, as [`Server::allow_host`](crate::Server::allow_host) does: at an address of the
    /// loopback only loopback hosts are answered for otherwise, and elsewhere all are, until a host is allowed. The
    /// address is [`Transport::local_addr`]. On a stream without one all hosts are, as no browser comes that way.
    #[must_use]
    pub fn allow_host(mut self, host: Host) -> Self {
        self.hosts.push(host);
        self
    }

    /// Lets pages of one more origin connect (§10.2): `allow_origin("https://example.com".parse()?)`. Without this only
    /// pages of the host and port that the request names may, and clients that send no Origin.
    #[must_use]
    pub fn allow_origin(mut self, origin: Origin) -> Self {
        self.origins.allow(origin);
        self
    }

    /// Believes what one more proxy, or network of proxies, tells of its clients, as
    /// [`Server::trust_proxy`](crate::Server::trust_proxy) does: by the headers of the request, or by the PROXY protocol
    /// before it. [`Request::client_ip`], [`Request::is_secure`] and [`Request::host`] then say what it tells, and
    /// [`WebSocket::peer_addr`] the address that came by the PROXY protocol.
    ///
    /// The proxy's address is [`Transport::peer_addr`]. A stream without one counts as a Unix socket, which `unix` stands
    /// for. The PROXY protocol comes before TLS, so TLS has to be left to `Accept::tls` then.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> plainws::Result<()> {
    /// use plainws::{Accept, Client};
    /// use std::io::Write;
    /// use std::os::unix::net::UnixStream;
    ///
    /// let (mut here, there) = UnixStream::pair()?;
    /// let handling = std::thread::spawn(move || {
    ///     let accept = Accept::new().trust_proxy("unix".parse()?);
    ///     let ws = accept.accept(there)?;
    ///     let client = ws.request().client_ip().expect("the proxy tells it");
    ///     ws.send(format!("you are {client}"))
    /// });
    /// // As a proxy begins.
    /// here.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 51234 80\r\n")?;
    /// let ws = Client::new("ws://localhost/")?.over(here)?;
    /// assert_eq!(ws.receive()?, Some("you are 192.0.2.7".into()));
    /// drop(ws);
    /// handling.join().expect("it does not panic")
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn trust_proxy(mut self, proxy: ProxyAddress) -> Self {
        self.proxies.trust(proxy);
        self
    }

    /// Speaks TLS over the stream, as [`Server::tls`](crate::Server::tls) does, and like
    /// [`ServerTls::over`](crate::ServerTls::over). A [trusted proxy](Self::trust_proxy) may introduce its client before.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.security.tls = Some(tls);
        self
    }

    /// Takes requests for one path only, and answers others with 404. It may have places, as those of
    /// [`Server::route`](crate::Server::route): [`Request::param`] tells what stands there.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> plainws::Result<()> {
    /// use plainws::{Accept, Admission, Client, WebSocket};
    /// use std::os::unix::net::UnixStream;
    ///
    /// struct User(&'static str);
    ///
    /// /// The handler to be tested: it asks for a place in its path, and for who was admitted.
    /// fn room(ws: &mut WebSocket) -> plainws::Result<()> {
    ///     let id = ws.request().param("id").unwrap_or("?");
    ///     let name = ws.extension::<User>().map_or("?", |user| user.0);
    ///     ws.send(format!("{name} is in {id}"))
    /// }
    ///
    /// let (here, there) = UnixStream::pair()?;
    /// let handling = std::thread::spawn(move || {
    ///     let accept = Accept::new()
    ///         .path("/room/{id}")
    ///         .admit(|_| Ok(Admission::default().extension(User("Ali"))));
    ///     room(&mut accept.accept(there)?)
    /// });
    /// let ws = Client::new("ws://localhost/room/7")?.over(here)?;
    /// assert_eq!(ws.receive()?, Some("Ali is in 7".into()));
    /// drop(ws);
    /// handling.join().expect("it does not panic")
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    ///
    /// # Panics
    ///
    /// When no request can have that path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        match path.parse() {
            Ok(template) => self.path = Some(template),
            Err(problem) => panic!("the path {path:?} cannot be served: {problem}"),
        }
        self
    }

    /// Asks `admit` whether and on what terms the connection may be opened, as
    /// [`Server::admit`](crate::Server::admit) does, but on the thread that accepts, which waits for it. What it
    /// decides after [`Applicant::deadline`] is dropped, and the request answered with 503 then. A panic is the caller's.
    #[must_use]
    pub fn admit(
        mut self,
        admit: impl FnOnce(&Applicant<'_>) -> std::result::Result<Admission, Page> + Send + 'static,
    ) -> Self {
        self.admit = Some(Box::new(admit));
        self
    }

    /// Lets `tap` see the bytes that pass, the opening handshake and a refusal included.
    #[must_use]
    pub fn tap(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// Reads the request and opens the connection (§4.2), on the calling thread. Any [path](Self::path) will do unless one
    /// is set: see [`WebSocket::request`].
    ///
    /// The stream is used as it is, whatever time-outs and mode were set before. Who keeps another handle of it must
    /// leave it alone.
    ///
    /// # Errors
    ///
    /// A request that does not open a connection is answered with the status that says why, as a
    /// [`Server`](crate::Server) does, and the peer has [`Limits::close_timeout`] to read it. Then the call fails, with
    /// [`Error::Rule`] if the request breaks one, and with [`Error::Declined`] if it asks for something else or may
    /// not connect, or when a header of the PROXY protocol is malformed or comes from nobody who is
    /// [trusted](Self::trust_proxy). [`Error::Tls`] when the stream is one of TLS and that fails. [`Error::Io`] when the
    /// stream fails or ends, or the request is not complete in time ([`Limits::head_timeout`]).
    pub fn accept(self, stream: impl Transport + 'static) -> Result<WebSocket> {
        let mut peer = stream.peer_addr();
        let (transport, introduction) = Proxied::over(Box::new(stream), peer, &self.proxies);
        let stream = Arc::new(self.security.over(transport));
        let opened = self.open(stream, &mut peer, introduction);
        opened.map_err(|error| {
            let who = peer.map_or("the client".into(), |peer| format!("the client {peer}"));
            error.by(&who)
        })
    }

    /// Opens the connection, and puts the client's address in the place of the proxy's if that tells it.
    fn open(
        mut self,
        stream: Arc<Stream>,
        peer: &mut Option<SocketAddr>,
        introduction: Option<Introduction>,
    ) -> Result<WebSocket> {
        stream.prepare()?;
        let limits = self.limits;
        let mut pace = Pace::of_output(&limits, Instant::now());
        let shaken = stream.shake_hands(deadline_in(limits.head_timeout));
        let mut is_secure = stream.secured_by().is_some();
        if let Some(introduction) = &introduction {
            *peer = introduction.source().or(*peer);
            is_secure |= introduction.is_secure() == Some(true);
        }
        let peer = *peer;
        if let Err(error) = shaken {
            let is_introduced = introduction.is_some();
            return Err(self.not_shaken(error, &stream, is_introduced, peer, &mut pace));
        }
        let tapped = Tapped::new(self.tap.take());
        let mut after_head = Vec::new();
        let hosts = host_policy(&stream, &self.hosts);
        let asked = read_request(
            &stream,
            &limits,
            &mut after_head,
            &tapped,
            peer,
            &self.proxies,
        )
        .and_then(|mut request| {
            let way = proxied::way(&request, peer, is_secure, &self.proxies);
            request.set_way(way.map_err(declined)?);
            self.judge(request, &hosts, peer)
        });
        let opened = match asked {
            Ok(opened) => opened,
            Err(refused) => {
                let (response, error) = *refused;
                if let Some(response) = response {
                    refuse(&stream, &response, &limits, &mut pace, &tapped);
                }
                return Err(error);
            }
        };
        send(&stream, [&opened.response, &[]], &mut pace, &tapped)?;
        Ok(WebSocket::new(
            stream,
            Connection::server(opened.limits.message),
            &opened.limits,
            Share::unlimited(),
            &after_head,
            opened.handshake,
            tapped,
        ))
    }

    /// Ends a connection that has failed before its request, and says why.
    fn not_shaken(
        &self,
        error: io::Error,
        stream: &Stream,
        is_introduced: bool,
        peer: Option<SocketAddr>,
        pace: &mut Pace,
    ) -> Error {
        let is_tls = self.security.is_on() || !is_introduced;
        let refuse = |response: &Response, pace: &mut Pace| {
            refuse(stream, response, &self.limits, pace, &Tapped::default());
        };
        if let Some(invalid) = proxied::invalid_header(&error).filter(|_| !is_tls) {
            let response = proxied::header_malformed(invalid);
            refuse(&response, pace);
            return told(&response);
        }
        if let Some(said) = security::said_in_the_clear(&error) {
            let response =
                proxied::untrusted(said, peer, &self.proxies).unwrap_or_else(tls_expected);
            refuse(&response, pace);
        } else if is_timeout(&error) {
            // It was told nothing that it might still read.
            stream.cut();
        } else {
            leave(stream, &self.limits, pace);
        }
        match is_tls {
            true => Error::Tls(error),
            false => error.into(),
        }
    }

    /// Whether the request opens a connection, and who asks may have one; in the order in which a server asks.
    fn judge(
        self,
        mut request: Request,
        hosts: &HostPolicy,
        peer: Option<SocketAddr>,
    ) -> std::result::Result<Opened, Refused> {
        if !proxied::is_host_served(&request, hosts) {
            return Err(declined(http::host_not_served()));
        }
        if !handshake::is_asked_for(&request) {
            let refusal =
                http::body_refusal(request.head()).or_else(|| http::line_refusal(&request));
            return Err(match refusal {
                None if request.method() == "OPTIONS" => only_asked(),
                None => declined(http::websocket_only()),
                Some(refusal) => declined(refusal),
            });
        }
        let mut upgrade = Upgrade::new(&request).map_err(broken)?;
        if let Some(path) = &self.path {
            let values = path.values(request.path());
            let values = values.ok_or_else(|| declined(no_websocket()))?;
            request.set_params(values.map_err(|path: InvalidPath| declined(unreadable(path)))?);
        }
        // §4.2.2, §10.2.
        let origin = request.origin();
        if !self
            .origins
            .permits(origin, request.host(), request.is_secure())
        {
            return Err(declined(http::origin_not_allowed(&request)));
        }
        let limits = self.limits;
        let admission = admission(self.admit, &request, peer, limits, upgrade.subprotocols())?;
        let subprotocol = admission
            .settle(&mut upgrade, &self.subprotocols)
            .map_err(declined)?;
        Ok(Opened {
            response: upgrade.response(subprotocol.as_deref()).into(),
            limits: admission.limits.unwrap_or(limits),
            handshake: Box::new(Handshake {
                request,
                subprotocol,
                peer,
                extensions: admission.into_extensions(),
            }),
        })
    }
}

/// A connection that may be opened.
struct Opened {
    response: Vec<u8>,
    limits: Limits,
    handshake: Box<Handshake>,
}

/// The terms on which the user's code admits the connection.
fn admission(
    admit: Option<Admit>,
    request: &Request,
    peer: Option<SocketAddr>,
    limits: Limits,
    subprotocols: &[String],
) -> std::result::Result<Admission, Refused> {
    let Some(admit) = admit else {
        return Ok(Admission::default());
    };
    let deadline = deadline_in(limits.admit_timeout);
    let decided = admit(&Applicant {
        request,
        peer,
        number: 1,
        limits,
        subprotocols,
        deadline,
    });
    if deadline <= Instant::now() {
        return Err(declined(overdue()));
    }
    decided.map_err(|page| declined(Response::page(page)))
}

fn host_policy(stream: &Stream, allowed: &[Host]) -> HostPolicy {
    let local = stream.local_addr();
    let mut policy = local.map_or_else(HostPolicy::default, |local| HostPolicy::at(local.ip()));
    for host in allowed {
        policy.allow(host.clone());
    }
    policy
}

/// Reads the request, within its time.
fn read_request(
    stream: &Stream,
    limits: &Limits,
    after_head: &mut Vec<u8>,
    tapped: &Tapped,
    peer: Option<SocketAddr>,
    proxies: &ProxyPolicy,
) -> std::result::Result<Request, Refused> {
    let deadline = deadline_in(limits.head_timeout);
    let mut decoder = head::Decoder::new(Role::Client, limits.head);
    let error = match read_head(
        stream,
        &mut decoder,
        after_head,
        deadline,
        &mut || deadline,
        tapped,
    ) {
        Ok(Some(head)) => {
            return Request::new(head).map_err(broken);
        }
        Ok(None) => {
            let reason = "the peer ended the connection before its request was complete";
            io::Error::new(io::ErrorKind::UnexpectedEof, reason)
        }
        Err(Error::Rule(breach)) => {
            let untrusted = proxied::untrusted_head(&decoder, after_head, peer, proxies);
            return Err(untrusted.map_or_else(|| broken(breach.rule()), declined));
        }
        Err(Error::Io(error)) if is_timeout(&error) => {
            let reason = "the request did not end in time";
            let response = Response::refusal(408, "head-timeout", reason);
            let error = io::Error::new(io::ErrorKind::TimedOut, reason);
            let response = (!decoder.is_empty()).then_some(response);
            return Err(Box::new((response, error.into())));
        }
        Err(error) => return Err(Box::new((None, error))),
    };
    Err(Box::new((None, error.into())))
}

fn declined(response: Response) -> Refused {
    let error = told(&response);
    Box::new((Some(response), error))
}

/// What the caller is told of a refusal.
fn told(response: &Response) -> Error {
    let reason = response.refusal.as_ref();
    Error::Declined {
        status: response.status,
        reason: reason.map_or(String::new(), |refusal| refusal.reason.clone()),
    }
}

/// A request that was answered, and is no handshake all the same.
fn only_asked() -> Refused {
    let response = http::options();
    let error = Error::Declined {
        status: response.status,
        reason: "OPTIONS opens no connection".into(),
    };
    Box::new((Some(response), error))
}

fn broken(rule: Rule) -> Refused {
    Box::new((Some(refusal(rule)), rule.into()))
}

/// Answers the request, and ends the connection so that the peer reads that rather than a reset (RFC 9112 §9.6).
fn refuse(stream: &Stream, response: &Response, limits: &Limits, pace: &mut Pace, tapped: &Tapped) {
    let head = response.head(true, SystemTime::now());
    // Why it is refused is what is told.
    match send(stream, [&head, response.body()], pace, tapped) {
        Ok(()) => leave(stream, limits, pace),
        Err(_) => stream.cut(),
    }
}

/// Ends the connection when the peer has read what was sent, or has had time to.
fn leave(stream: &Stream, limits: &Limits, pace: &Pace) {
    if stream.end_output().is_ok() {
        let now = Instant::now();
        stream.drain(after(pace.arrival(now).max(now), limits.close_timeout));
    }
    stream.cut();
}

fn send(stream: &Stream, pieces: [&[u8]; 2], pace: &mut Pace, tapped: &Tapped) -> io::Result<()> {
    tapped.pass(Direction::Sent, pieces)?;
    stream.write_all(&mut pieces.map(IoSlice::new), pace)
}
