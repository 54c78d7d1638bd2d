//! A server: accepts TCP connections and gives each a thread.

use super::error::Result;
use super::http::Page;
use super::limits::Limits;
use super::log::Record;
use super::session;
use super::site::Site;
use super::websocket::WebSocket;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Stack of a connection's thread. The system lends only the pages that are touched; std's 2 MiB would
/// be 20 GB of addresses for 10,000 connections. What is large lives on the heap.
const STACK_SIZE: usize = 256 * 1024;
/// Pause after `accept` failed for want of something: descriptors or memory come back when other
/// connections end, and until then another try at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Handlers and pages on one TCP port.
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
///     Server::bind("127.0.0.1:8000")?.route("/echo", echo).serve()
/// }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    site: Site,
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

    /// Serves a listener that was made elsewhere, for example with a longer backlog.
    #[must_use]
    pub fn from_listener(listener: TcpListener) -> Self {
        Self {
            listener,
            site: Site::default(),
        }
    }

    /// The address listened on.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn local_address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Runs `handler` for each WebSocket connection opened at `path`, on a thread of its own. The
    /// connection is closed when it returns: with 1000, or 1011 for an error or a panic.
    ///
    /// The path is compared byte by byte with the request's, which is not percent-decoded.
    #[must_use]
    pub fn route(
        mut self,
        path: &str,
        handler: impl Fn(&mut WebSocket) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.site.route_mut(path).handler = Some(Box::new(handler));
        self
    }

    /// Answers a plain GET of `path` with a page. A path may have both a page and a handler.
    #[must_use]
    pub fn page(mut self, path: &str, page: Page) -> Self {
        self.site.route_mut(path).page = Some(page);
        self
    }

    /// Serves every path a second time under a prefix such as `/admin`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.site
            .prefixes
            .push(prefix.trim_end_matches('/').to_owned());
        self
    }

    /// Lets pages of an origin connect, such as `https://example.com` (§10.2). Without this only pages
    /// of the server's own host and port may, and clients that send no Origin.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.site.origins.allow(origin);
        self
    }

    /// Speaks these subprotocols. The first one that a client offers is agreed on (§1.9).
    #[must_use]
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.site.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces the limits of every connection.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.site.limits = limits;
        self
    }

    /// Calls `log` at the end of each request and connection, on its thread.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&Record<'_>) + Send + Sync + 'static) -> Self {
        self.site.log = Some(Box::new(log));
        self
    }

    /// Serves for ever.
    ///
    /// # Errors
    ///
    /// None at present: a connection that cannot be accepted does not end the server.
    pub fn serve(self) -> Result<()> {
        let site = Arc::new(self.site);
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => start_thread(stream, peer, &site),
                Err(error) if is_about_one_connection(&error) => {}
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }
}

fn start_thread(stream: TcpStream, peer: SocketAddr, site: &Arc<Site>) {
    let site = Arc::clone(site);
    let thread = thread::Builder::new()
        .name(format!("plainws {peer}"))
        .stack_size(STACK_SIZE);
    // Without a thread the connection is dropped, which tells the peer.
    let _ = thread.spawn(move || session::run(stream, peer, &site));
}

/// The peer left before it was accepted: the next one may be there already.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
