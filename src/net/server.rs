//! A server: accepts connections and gives each a thread.

use super::applicant::{Admission, Applicant};
use super::capacity::{self, Capacity, Division, Told};
use super::caretaker;
use super::error::Result;
use super::hosts::{Host, HostPolicy, ip};
use super::http::Page;
use super::http::Response;
use super::limits::Limits;
use super::listener::{Listener, Waker};
use super::log::{Outcome, Record};
use super::origin::Origin;
use super::places::Places;
use super::proxied::Proxied;
use super::proxies::ProxyAddress;
use super::registry::{NoPlace, Phase, Registry};
use super::session::{self, stopping};
use super::site::{Handler, Site};
use super::stats::Stats;
use super::stream::Stream;
use super::tap::Tap;
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use super::transport::Transport;
use super::websocket::WebSocket;
use crate::protocol::request::Request;
use std::io::{self, IoSlice};
use std::iter;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

/// Stack of a connection's thread unless told otherwise. The system lends only the pages that are
/// touched, so this costs addresses: std's 2 MiB would be 20 GB of them for 10,000 connections. The
/// library itself needs a few KiB, what is large lives on the heap; the rest is for handlers, which an
/// unoptimised build makes hungry.
const STACK_SIZE: usize = 512 * 1024;
/// Pause after `accept` failed for want of something: descriptors or memory come back when other
/// connections end, and until then another try at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often to try to wake `accept`: for as long as other connections may take to give a descriptor back.
const WAKE_TRIES: usize = 200;

/// What a listener needs to accept: the descriptor that is kept back, and the one that the system sets aside
/// for the next connection while it waits for it. The first listener's are among those that connections never get.
const DESCRIPTORS_TO_ACCEPT: usize = 2;
/// Waiting peers that are refused in one go when no descriptor is left for them.
const REFUSED_AT_ONCE: usize = 64;

/// Connections that a server takes at once unless told otherwise. Each needs a thread and a descriptor;
/// systems allow a process 1,024 descriptors by default, of which some are left for refusing the rest.
const MAX_CONNECTIONS: usize = 900;
/// How long a stopping server waits for its connections unless told otherwise: longer than the closing
/// handshake of a live peer may take.
const GRACE: Duration = Duration::from_secs(10);

/// Handlers and pages on a TCP port or a Unix socket, or on [several](Self::listen) of them.
///
/// ```no_run
/// use plainws::{Server, WebSocket};
///
/// fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
///     while let Some(message) = ws.receive()? {
///         ws.send(message)?;
///     }
///     Ok(())
/// }
///
/// fn main() -> plainws::Result<()> {
///     Server::bind("127.0.0.1:8000")?.route("/echo", echo).serve();
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: Arc<Listener>,
    /// Those beside the first one.
    others: Vec<Arc<Listener>>,
    site: Site,
    allowed_hosts: Vec<Host>,
    registry: Arc<Registry>,
    max_connections: usize,
    max_per_address: Option<usize>,
    stack_size: usize,
    grace: Duration,
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The address cannot be used, for example because another program listens on it.
    pub fn bind(address: impl ToSocketAddrs) -> Result<Self> {
        Ok(Self::from_listener(TcpListener::bind(address)?))
    }

    /// Serves a listener that was made elsewhere, for example with a longer backlog, or of a Unix socket.
    #[must_use]
    pub fn from_listener(listener: impl Into<Listener>) -> Self {
        Self {
            listener: Arc::new(listener.into()),
            others: Vec::new(),
            site: Site::default(),
            allowed_hosts: Vec::new(),
            registry: Arc::default(),
            max_connections: MAX_CONNECTIONS,
            max_per_address: None,
            stack_size: STACK_SIZE,
            grace: GRACE,
        }
    }

    /// Serves one more listener: another address, IPv6 beside IPv4, or a Unix socket. Everything else is common to all:
    /// what is served, its security, the places and the memory, and the end.
    ///
    /// Only for which hosts is answered depends on where a request arrives ([`allow_host`](Self::allow_host)): at a
    /// loopback address for loopback hosts, whatever the other listeners are.
    ///
    /// ```no_run
    /// use plainws::Server;
    /// use std::net::TcpListener;
    ///
    /// # fn main() -> plainws::Result<()> {
    /// Server::bind("127.0.0.1:8000")?
    ///     .listen(TcpListener::bind("[::1]:8000")?)
    ///     .route("/", |ws| ws.send("Hello"))
    ///     .serve();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn listen(mut self, listener: impl Into<Listener>) -> Self {
        self.others.push(Arc::new(listener.into()));
        self
    }

    /// The address listened on; with [several](Self::listen) listeners the first one's.
    ///
    /// # Errors
    ///
    /// The system does not say, or it is a Unix socket.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Runs `handler` for each WebSocket connection opened at `path`, on a thread of its own. The
    /// connection is closed when it returns: with 1000, or 1011 for an error or a panic (§7.4.1).
    ///
    /// The path may have places for what differs ([`Template`](super::paths::Template)): `{id}` for one segment,
    /// `{*rest}` for all that follows. What stands there in the request's path is told, percent-decoded, by
    /// [`Request::param`]; a request whose percent codes are malformed there, or not UTF-8, is answered with 400.
    /// Everything else is compared byte by byte with the request's path, which is not percent-decoded. Of several
    /// paths that fit, the exacter one counts: text before `{id}` before `{*rest}`.
    ///
    /// ```no_run
    /// use plainws::{Server, WebSocket};
    ///
    /// fn room(ws: &mut WebSocket) -> plainws::Result<()> {
    ///     let id = ws.request().param("id").unwrap_or("");
    ///     ws.send(format!("you are in room {id}"))
    /// }
    ///
    /// # fn main() -> plainws::Result<()> {
    /// Server::bind("127.0.0.1:8000")?.route("/room/{id}", room).serve();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The handler may fail with any error. The [log](Self::log) is told of it ([`Outcome::Closed`]); without a log it is one
    /// line on standard error. If it is an [`Error`](crate::Error), or was [caused](std::error::Error::source) by
    /// one, then [`Error::Overloaded`](crate::Error::Overloaded) closes with 1013, and one that
    /// [came too late](crate::Error::is_closed) is no failure: the connection was closed already.
    ///
    /// ```no_run
    /// use plainws::{Server, WebSocket};
    /// use std::error::Error;
    ///
    /// fn sum(ws: &mut WebSocket) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///     let mut sum = 0.0;
    ///     while let Some(message) = ws.receive()? {
    ///         let text = message.as_text().ok_or("send numbers as text")?;
    ///         sum += text.parse::<f64>()?;
    ///         ws.send(sum.to_string())?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// # fn main() -> plainws::Result<()> {
    /// Server::bind("127.0.0.1:8000")?.route("/sum", sum).serve();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A closure that ends with `Ok(())` says what it fails with, or the compiler `cannot infer type of the type parameter E`:
    /// `|ws| -> plainws::Result<()> { … }`. A boxed error is `Box<dyn Error + Send + Sync>`: `Box<dyn Error>` alone cannot
    /// leave the handler's thread.
    ///
    /// # Panics
    ///
    /// When no request can have that path, because it does not begin with a slash or a place in it is malformed, or
    /// when it differs from an earlier path only in the names of its places.
    #[must_use]
    #[track_caller]
    pub fn route<E>(
        mut self,
        path: &str,
        handler: impl Fn(&mut WebSocket) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.site.route_mut(path).handler = Some(boxed(handler));
        self
    }

    /// Runs `handler` for each WebSocket connection opened at a path that no [route](Self::route) and no page has:
    /// `404 Not Found` otherwise. The handler reads the path in [`WebSocket::request`]. What it may fail with, and how a
    /// closure says so, [`route`](Self::route) tells.
    #[must_use]
    pub fn fallback<E>(
        mut self,
        handler: impl Fn(&mut WebSocket) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.site.fallback.handler = Some(boxed(handler));
        self
    }

    /// As [`page_with`](Self::page_with), for a plain GET of a path that no page and no route has. A page that says
    /// so has the [status](Page::status) 404, for OPTIONS too.
    #[must_use]
    pub fn fallback_page(
        mut self,
        make_page: impl Fn(&Request) -> Page + Send + Sync + 'static,
    ) -> Self {
        self.site.fallback.page = Some(Box::new(make_page));
        self
    }

    /// Answers a plain GET of `path` with a page, and a HEAD with the head of that. A path may have both a page and
    /// a handler, and places for what differs ([`route`](Self::route)).
    ///
    /// OPTIONS of a path that has either is answered with 204 and `Allow: GET, HEAD, OPTIONS`, and so is that of `*`:
    /// some balancers ask so whether a server is well.
    ///
    /// # Panics
    ///
    /// As [`route`](Self::route).
    #[must_use]
    #[track_caller]
    pub fn page(self, path: &str, page: Page) -> Self {
        self.page_with(path, move |_| page.clone())
    }

    /// As [`page`](Self::page), with a page that is made anew for each request (a GET, a HEAD or OPTIONS), on the
    /// connection's thread. It may refuse the request ([`Page::refusal`]); of a page for OPTIONS nothing is sent unless
    /// its status is 400 or higher, which says why there is none. If `make_page` panics, the request
    /// is answered with 500. It holds the connection and its place as long as it takes: what it waits for needs a
    /// deadline of its own.
    ///
    /// ```no_run
    /// use plainws::{Page, Server};
    ///
    /// # fn main() -> plainws::Result<()> {
    /// let server = Server::bind("127.0.0.1:8000")?.page_with("/square", |request| {
    ///     match request.query().unwrap_or("").parse::<u32>() {
    ///         Ok(n) => Page::text(format!("{}\n", u64::from(n).pow(2))),
    ///         Err(_) => Page::refusal(404, "ask for the square of a number: /square?12"),
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`route`](Self::route).
    #[must_use]
    #[track_caller]
    pub fn page_with(
        mut self,
        path: &str,
        make_page: impl Fn(&Request) -> Page + Send + Sync + 'static,
    ) -> Self {
        self.site.route_mut(path).page = Some(Box::new(make_page));
        self
    }

    /// As [`page_with`](Self::page_with), for a page by which the server is watched, such as its health. It
    /// is served even when all places are taken: for such pages alone up to eight more connections are let
    /// in, two from one address (four from one of the loopback, or from a [trusted proxy](Self::trust_proxy)), for one
    /// request each. It is not served
    /// under a [prefix](Self::prefix): there a proxy's rule that keeps it from the public would miss it.
    ///
    /// # Panics
    ///
    /// As [`route`](Self::route).
    #[must_use]
    #[track_caller]
    pub fn reserved_page(
        mut self,
        path: &str,
        make_page: impl Fn(&Request) -> Page + Send + Sync + 'static,
    ) -> Self {
        let route = self.site.route_mut(path);
        route.page = Some(Box::new(make_page));
        route.is_reserved = true;
        self
    }

    /// Serves every path a second time under a prefix such as `/admin`, with or without its slashes.
    /// [Reserved pages](Self::reserved_page) are served once. Which of several paths is exacter is judged with the
    /// prefix: `/admin` and `/{*rest}` before `/{*rest}`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() {
            self.site.prefixes.push(format!("/{prefix}"));
        }
        self
    }

    /// Answers for one more host: `allow_host("example.com".parse()?)`.
    ///
    /// At a listener on a loopback address only `localhost`, names under it and loopback addresses are answered for
    /// otherwise, at any port: a site whose name leads to this machine could have its visitors' browsers
    /// read what is served here (DNS rebinding). Elsewhere all hosts are answered for until this is called,
    /// and then only those that are allowed, and loopback names to peers on the same machine. Other
    /// requests are refused with 421.
    #[must_use]
    pub fn allow_host(mut self, host: Host) -> Self {
        self.allowed_hosts.push(host);
        self
    }

    /// Lets pages of one more origin connect (§10.2): `allow_origin("https://example.com".parse()?)`; what else
    /// there is, [`Origin`] tells. Without this only pages of the server's own host and port may, and clients
    /// that send no Origin; other requests are refused with 403.
    #[must_use]
    pub fn allow_origin(mut self, origin: Origin) -> Self {
        self.site.origins.allow(origin);
        self
    }

    /// Believes what one more proxy, or network of proxies, tells of its clients:
    /// `trust_proxy("10.0.0.0/8".parse()?)`. Without this nobody is believed, and every client of a proxy has the proxy's
    /// address.
    ///
    /// A proxy tells of them in the headers `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, or in
    /// `Forwarded` (RFC 7239) ([`forwarded`](super::forwarded)), or before the first request, and before TLS, by the
    /// PROXY protocol, version 1 or 2 ([`proxy_header`](super::proxy_header)). It has to replace or remove what a client
    /// sends of these itself. From then on:
    /// - [`Request::client_ip`], [`Request::is_secure`] and [`Request::host`] say what it tells, and the
    ///   [log](Self::log) has [`Record::client`](field@Record::client).
    /// - [`max_per_address`](Self::max_per_address) counts a request, and the connection that it opens, for its client,
    ///   and a whole connection for the client that the PROXY protocol names. For the proxy itself there is no limit.
    /// - Where the client used TLS, a page of `http:` is not one of the server's own, which may connect without being
    ///   [allowed](Self::allow_origin). Both hosts, the one that is told and that of the request itself, have to be
    ///   [answered for](Self::allow_host).
    ///
    /// A request whose headers contradict each other is refused with 400, and so is a header of the PROXY protocol that
    /// is malformed, or that comes from anybody else.
    #[must_use]
    pub fn trust_proxy(mut self, proxy: ProxyAddress) -> Self {
        self.site.proxies.trust(proxy);
        self
    }

    /// Asks `admit` for each WebSocket connection that would be opened otherwise whether and on what terms it
    /// may be: for authorization, quotas, limits of its own. What it refuses is answered with its page
    /// instead ([`Page::refusal`]).
    ///
    /// It runs on the connection's thread, after host, path and origin were found right, and may wait: nobody
    /// else waits for it. It has until [`Applicant::deadline`]; after that the request is answered with 503, while it
    /// runs on, and what it returns then is dropped. The log is told of that when it returns. If it panics, the
    /// request is answered with 500.
    ///
    /// ```no_run
    /// use plainws::{Admission, Page, Server};
    ///
    /// # fn main() -> plainws::Result<()> {
    /// let server = Server::bind("127.0.0.1:8000")?.admit(|applicant| {
    ///     if applicant.request.header("Authorization") != Some("Bearer open-sesame") {
    ///         return Err(Page::refusal(403, "say the word"));
    ///     }
    ///     Ok(Admission::default().limits(applicant.limits.max_backlog(64 * 1024)))
    /// });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn admit(
        mut self,
        admit: impl Fn(&Applicant<'_>) -> std::result::Result<Admission, Page> + Send + Sync + 'static,
    ) -> Self {
        self.site.admit = Some(Box::new(admit));
        self
    }

    /// Speaks TLS (§10.6): the server is reached by `https:` and `wss:` URLs only. Handshakes are made on the threads
    /// of their connections, in the time for a head ([`Limits::head_timeout`]). A client that does not speak TLS is
    /// told so, with 400; one for which there is no place is not answered.
    ///
    /// A page of `http:` is then not one of the server's own, which may connect without being
    /// [allowed](Self::allow_origin).
    ///
    /// ```no_run
    /// use plainws::{Server, ServerTls};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = ServerTls::from_pem(&std::fs::read("cert.pem")?, &std::fs::read("key.pem")?)?;
    /// let server = Server::bind("127.0.0.1:8000")?.tls(tls);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.site.security.tls = Some(tls);
        self
    }

    /// Speaks these subprotocols. The first one that a client offers is agreed on (§1.9).
    #[must_use]
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.site.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the limits of every connection. Default [`Limits::default`].
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.site.limits = limits;
        self
    }

    /// Calls `log` at the end of each request and connection, on its thread, and for each connection that
    /// is refused a place, on the thread that accepts: it must not wait. If it panics, nothing else is
    /// affected.
    ///
    /// Without a log, nothing is written but a line on standard error for each handler that
    /// [failed](Self::route); with one, not that either.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&Record<'_>) + Send + Sync + 'static) -> Self {
        self.site.log = Some(Box::new(log));
        self
    }

    /// Asks `make_tap` for each request for a WebSocket connection, by the connection's number and the
    /// request, whether and how to watch its bytes. The request may still be refused, and the tap sees that
    /// too. If `make_tap` panics, the request is answered with 500.
    #[must_use]
    pub fn tap(
        mut self,
        make_tap: impl Fn(u64, &Request) -> Option<Tap> + Send + Sync + 'static,
    ) -> Self {
        self.site.make_tap = Some(Box::new(make_tap));
        self
    }

    /// Takes at most `max_connections` TCP connections at once; more are answered with 503. Default
    /// 900. When it begins to serve, the server takes fewer if the system [allows](Self::capacity) fewer.
    #[must_use]
    pub const fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Lets all connections together hold at most so many bytes for messages: those that arrive, wait for
    /// their handlers, or wait for slow peers to take them. Default 512 MiB: 32 messages of the largest size
    /// ([`Limits::message`](field@Limits::message)).
    ///
    /// Who needs more than is left is refused, and the rest are served: a message that arrives with
    /// [`CloseCode::TRY_AGAIN_LATER`](crate::CloseCode::TRY_AGAIN_LATER), and one to be sent with
    /// [`Error::Overloaded`](crate::Error::Overloaded). When the system has no memory left, the same happens.
    ///
    /// What counts is the buffer in which a message arrives. For one in fragments, whose length nobody has
    /// announced, this may be twice as large as what has arrived, up to the largest message allowed. The buffer
    /// of a message that was sent counts too while it is kept for the next one to arrive: for about a second
    /// without traffic, and for less where memory is short.
    ///
    /// The first 64 KiB of each connection do not count, so that small messages pass at any time, on new
    /// connections too. These, the buffers of reads (at most 64 KiB for each connection, and some 170 KiB more for
    /// records of TLS while large messages pass), heads ([`Limits::head`](field@Limits::head)) and stacks are bounded by
    /// [`max_connections`](Self::max_connections). A message that a handler has received, or has made, is the handler's
    /// own.
    #[must_use]
    pub fn max_memory(self, bytes: usize) -> Self {
        self.registry.budget().set_max(bytes);
        self
    }

    /// Takes at most `max_per_address` TCP connections at once from one address, or from one /64 of IPv6;
    /// more are answered with 503. 0 is no limit.
    ///
    /// Default a tenth of all, and at least 10: many people may share an address, but no single address is
    /// to keep all others out. By default peers on the loopback have no limit, because proxies
    /// connect from there; with a proxy that is not [trusted](Self::trust_proxy), every client has the proxy's address.
    #[must_use]
    pub const fn max_per_address(mut self, max_per_address: usize) -> Self {
        self.max_per_address = Some(max_per_address);
        self
    }

    /// How many connections the system allows this process at present, and what it would lack for more;
    /// `None` where it does not tell (only Linux does).
    ///
    /// Some descriptors are left out of it, for refused peers and for what handlers open. A program whose
    /// handlers open many files or sockets should take fewer connections than that
    /// ([`max_connections`](Self::max_connections)).
    #[must_use]
    pub fn capacity(&self) -> Option<Capacity> {
        capacity::capacity(&self.told(), self.stack_size)
    }

    /// Gives each connection's thread a stack of `stack_size` bytes. Default 512 KiB. A handler that
    /// overflows it ends the whole process, so one that recurses deeply needs more.
    #[must_use]
    pub const fn stack_size(mut self, stack_size: usize) -> Self {
        self.stack_size = stack_size;
        self
    }

    /// Waits at most `grace` for connections to end when the server stops. Default 10 s.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// A handle that stops the server, or watches it, from any thread.
    ///
    /// # Errors
    ///
    /// The system does not say which address is listened on.
    pub fn handle(&self) -> Result<Handle> {
        let listeners = iter::once(&self.listener).chain(&self.others);
        let wakers: io::Result<_> = listeners.map(Waker::of).collect();
        Ok(Handle {
            registry: Arc::clone(&self.registry),
            wakers: wakers?,
        })
    }

    /// Serves until a [`Handle`] stops it.
    ///
    /// Then it accepts nothing more, answers unfinished requests and new handshakes with 503, closes
    /// open connections with 1001 and waits for them, and cuts those that are left after the grace.
    /// A connection that cannot be accepted is logged, and does not end the server.
    pub fn serve(mut self) {
        let places = self.places();
        let site = Arc::new(self.site);
        let acceptor = |listener: Arc<Listener>| Acceptor {
            hosts: Arc::new(listener.hosts(&self.allowed_hosts)),
            listener,
            site: Arc::clone(&site),
            registry: Arc::clone(&self.registry),
            places,
            stack_size: self.stack_size,
        };
        let others = self.others.into_iter().map(acceptor).collect();
        accept_from_all(acceptor(self.listener), others);
        self.registry.end(self.grace);
    }

    /// What the system allows, and what is taken of it.
    fn told(&self) -> Vec<Told> {
        capacity::ask(DESCRIPTORS_TO_ACCEPT * self.others.len())
    }

    /// Fits the places into what the system allows.
    fn places(&mut self) -> Places {
        let told = self.told();
        let allowed = capacity::capacity(&told, self.stack_size);
        let Division {
            lingering,
            reserved,
            ..
        } = capacity::division(&told);
        self.site.max_lingering = lingering;
        Places {
            all: allowed.map_or(self.max_connections, |allowed| {
                self.max_connections.min(allowed.connections)
            }),
            per_address: self.max_per_address,
            reserved: if self.site.has_reserved_pages() {
                reserved
            } else {
                0
            },
        }
    }
}

/// Stops a server or tells how it is doing; from [`Server::handle`].
///
/// ```
/// let server = plainws::Server::bind("127.0.0.1:0")?.route("/", |ws| ws.send("Hello"));
/// let url = format!("ws://{}/", server.local_addr()?);
/// let handle = server.handle()?;
/// let serving = std::thread::spawn(move || server.serve());
///
/// plainws::connect(&url)?.receive()?;
/// assert_eq!(handle.stats().websockets, 1);
/// handle.shutdown();
/// serving.join().expect("the server does not panic");
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handle {
    registry: Arc<Registry>,
    wakers: Vec<Waker>,
}

impl Handle {
    /// Says that the server will be [stopped](Self::shutdown) soon. All is still served, but each response asks its peer
    /// to come back on another connection (`Connection: close`): a proxy that goes on with the old ones would send a
    /// request just when they end, and answer 502. How long that takes, and how balancers learn of it, is the caller's
    /// part.
    pub fn drain(&self) {
        self.registry.drain();
    }

    /// Begins to stop the server and returns; [`Server::serve`] returns when it has stopped, after at most the
    /// [grace](Server::grace). Peers are sent a Close with 1001 (§7.4.1). Stopping twice is stopping once.
    pub fn shutdown(&self) {
        self.advance(Phase::Stopping);
    }

    /// Stops the server without waiting for its connections any more: they are cut off, after a
    /// [`shutdown`](Self::shutdown) too.
    pub fn cut(&self) {
        self.advance(Phase::Cutting);
    }

    /// What the server has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.registry.stats()
    }

    fn advance(&self, phase: Phase) {
        self.registry.advance(phase);
        let mut asleep = self.wakers.clone();
        asleep.retain(|waker| !waker.wake(&self.registry));
        if asleep.is_empty() {
            return;
        }
        // No descriptor is free for the connection that wakes `accept`: end others, which free theirs.
        if phase == Phase::Cutting {
            self.registry.cut_all();
        } else {
            self.registry.close_all();
        }
        let registry = Arc::clone(&self.registry);
        let _ = thread::Builder::new().spawn(move || {
            for _ in 0..WAKE_TRIES {
                asleep.retain(|waker| !waker.wake(&registry));
                if asleep.is_empty() {
                    return;
                }
                thread::sleep(ACCEPT_PAUSE);
            }
        });
    }
}

/// Accepts from every listener until the server stops: from the first one here, from each other on a thread of
/// its own.
fn accept_from_all(first: Acceptor, others: Vec<Acceptor>) {
    thread::scope(|scope| {
        for acceptor in others {
            let (registry, site) = (Arc::clone(&acceptor.registry), Arc::clone(&acceptor.site));
            let thread = thread::Builder::new().name("plainws accept".into());
            // Without a thread the listener is gone, so that its peers are told so and do not wait in vain.
            if let Err(error) = thread.spawn_scoped(scope, || acceptor.run()) {
                report_failure(&site, &registry, &error);
            }
        }
        first.run();
    });
}

/// Lets the connections of one listener in, as long as there is room.
struct Acceptor {
    listener: Arc<Listener>,
    /// Which hosts are answered for at this listener.
    hosts: Arc<HostPolicy>,
    site: Arc<Site>,
    registry: Arc<Registry>,
    places: Places,
    stack_size: usize,
}

impl Acceptor {
    /// Accepts until the server stops, and refuses those that wait then.
    fn run(self) {
        self.accept_all();
        if !self.listener.is_shared() {
            self.refuse_waiting(usize::MAX, &stopping(), self.site.max_lingering);
        }
    }

    fn accept_all(&self) {
        let listener = &self.listener;
        // A descriptor that is kept back: where no other is left, one after the other of those that wait
        // is accepted with it, and told so.
        let mut spare = listener.try_clone().ok();
        let mut is_failing = false;
        let _ = listener.prepare();
        while self.registry.phase() == Phase::Serving {
            let accepted = listener.accept();
            if self.registry.phase() > Phase::Serving {
                if let Ok((stream, peer)) = accepted {
                    let lingering = self.site.max_lingering;
                    self.refuse(self.stream(stream), peer, &stopping(), lingering);
                }
                return;
            }
            let failure = match accepted {
                Ok((transport, peer)) => self.start(transport, peer).err(),
                Err(error) if is_about_one_connection(&error) => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // It is time to look at the phase, or somebody else who holds the socket made it not wait.
                    let _ = listener.prepare();
                    continue;
                }
                Err(error) => {
                    drop(spare.take());
                    let why = Response::refusal(503, "no-descriptor", "no open file is left");
                    self.refuse_waiting(REFUSED_AT_ONCE, &why, 0);
                    spare = listener.try_clone().ok();
                    thread::sleep(ACCEPT_PAUSE);
                    Some(error)
                }
            };
            if let Some(error) = &failure {
                self.registry.count(|stats| stats.accept_failures += 1);
                if !is_failing {
                    report_failure(&self.site, &self.registry, error);
                }
            }
            is_failing = failure.is_some();
        }
    }

    fn stream(&self, transport: Box<dyn Transport>) -> Arc<Stream> {
        Arc::new(self.site.security.over(transport))
    }

    /// Gives a connection a thread.
    fn start(&self, transport: Box<dyn Transport>, peer: Option<SocketAddr>) -> io::Result<()> {
        let (transport, introduction) = Proxied::over(transport, peer, &self.site.proxies);
        let is_from_proxy = introduction.is_some();
        let stream = self.stream(transport);
        let entered = self
            .registry
            .enter(&stream, ip(peer), is_from_proxy, &self.places);
        let membership = match entered {
            Ok(membership) => membership,
            Err(why) => {
                let response = match why {
                    NoPlace::Full(full) => full.response(),
                    NoPlace::Stopping => stopping(),
                };
                self.refuse(stream, peer, &response, self.site.max_lingering);
                return Ok(());
            }
        };
        let id = membership.id();
        let (site, hosts) = (Arc::clone(&self.site), Arc::clone(&self.hosts));
        let its_stream = Arc::clone(&stream);
        let thread = thread::Builder::new()
            .name(thread_name(peer))
            .stack_size(self.stack_size);
        match thread
            .spawn(move || session::run(its_stream, peer, introduction, &site, &hosts, membership))
        {
            Ok(thread) => self.registry.keep(id, thread),
            Err(error) => {
                let why = Response::refusal(503, "no-thread", "cannot start a thread");
                self.refuse(stream, peer, &why, self.site.max_lingering);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Refuses connections that wait in the listener's queue, at most `max` of them.
    fn refuse_waiting(&self, max: usize, why: &Response, lingering: usize) {
        let listener = &self.listener;
        if listener.set_nonblocking(true).is_err() {
            return;
        }
        for _ in 0..max {
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            self.refuse(self.stream(stream), peer, why, lingering);
        }
        let _ = listener.set_nonblocking(false);
    }

    /// Answers 503 without a thread and without waiting: a peer whose buffer cannot take these few
    /// bytes does not get them, and with TLS nothing can be said before a handshake, so it is not said. It lingers
    /// unless that many do so already.
    fn refuse(
        &self,
        stream: Arc<Stream>,
        peer: Option<SocketAddr>,
        why: &Response,
        lingering: usize,
    ) {
        if peer.is_some_and(|peer| self.registry.is_waker(peer)) {
            return;
        }
        self.registry.count_response(why);
        let head = why.head(true, SystemTime::now());
        let sent = match self.site.security.is_on() {
            false => stream.write_now(&[IoSlice::new(&head), IoSlice::new(why.body())]),
            true => Ok(0),
        };
        if sent.is_ok() && stream.end_output().is_ok() {
            caretaker::linger(stream, lingering);
        }
        self.report(&Record {
            peer,
            client: peer.map(|peer| peer.ip().to_canonical()),
            request_line: b"",
            duration: Duration::ZERO,
            bytes_read: 0,
            bytes_written: sent.map_or(0, |length| length as u64),
            outcome: why.outcome(why.body().len() as u64),
        });
    }

    fn report(&self, record: &Record<'_>) {
        session::report(&self.site, &self.registry, record);
    }
}

fn report_failure(site: &Site, registry: &Registry, error: &io::Error) {
    let record = Record {
        peer: None,
        client: None,
        request_line: b"",
        duration: Duration::ZERO,
        bytes_read: 0,
        bytes_written: 0,
        outcome: Outcome::NotAccepted(error),
    };
    session::report(site, registry, &record);
}

/// A handler whatever it fails with.
fn boxed<E>(
    handler: impl Fn(&mut WebSocket) -> std::result::Result<(), E> + Send + Sync + 'static,
) -> Handler
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Box::new(move |ws| handler(ws).map_err(Into::into))
}

fn thread_name(peer: Option<SocketAddr>) -> String {
    match peer {
        Some(peer) => format!("plainws {peer}"),
        None => "plainws unix".into(),
    }
}

/// The peer left before it was accepted: the next one may be there already.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
