//! What a server accepts connections from.

use super::hosts::{Host, HostPolicy};
use super::registry::Registry;
use super::transport::Transport;
use std::io;
#[cfg(unix)]
use std::net::Shutdown;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::{
    fd::OwnedFd,
    unix::net::{UnixListener, UnixStream},
};
use std::sync::Arc;
#[cfg(unix)]
use std::sync::Weak;
use std::time::Duration;

/// Time-out of the connection that wakes `accept`, to a listener of this same process.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a thread that accepts from a socket which is not ours alone looks whether the server is to stop.
#[cfg(target_os = "linux")]
const LOOK: Duration = Duration::from_millis(500);

/// A socket that listens, on TCP or, where there are such, on a Unix socket. Whoever made the file of a Unix socket
/// also removes it.
///
/// Who connects to a Unix socket is on this machine, has no address, and counts as a peer on the loopback.
/// No browser reaches it, so every host is answered for there until one is
/// [allowed](crate::Server::allow_host).
///
/// ```no_run
/// # #[cfg(unix)]
/// # fn main() -> plainws::Result<()> {
/// use std::os::unix::net::UnixListener;
///
/// let listener = UnixListener::bind("/run/chat.sock")?;
/// let server = plainws::Server::from_listener(listener).route("/", |ws| ws.send("Hello"));
/// server.serve();
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// Whether another process holds it as well.
    is_shared: bool,
}

#[derive(Debug)]
enum Socket {
    /// At an IP address and a port.
    Tcp(TcpListener),
    /// At a path.
    #[cfg(unix)]
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::new(Socket::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::new(Socket::Unix(listener))
    }
}

impl Listener {
    const fn new(socket: Socket) -> Self {
        Self {
            socket,
            is_shared: false,
        }
    }

    /// Says that another process holds the socket as well, as systemd does with those that it passes to a program:
    /// it goes on listening when the server has stopped.
    ///
    /// Who waits in its queue then is not refused, but left for the server that comes next. And nothing is done to
    /// the socket that this one would suffer from, such as a connection that wakes the thread which accepts:
    /// that looks by itself, twice a second, whether the server is to stop.
    ///
    /// Only Linux gives up waiting for a connection after a time.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    pub(super) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Makes [`accept`](Self::accept) wait, however the socket was used before: for a connection, or for a time.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(false)?;
        #[cfg(target_os = "linux")]
        if self.is_shared {
            return self.set_accept_timeout(Some(LOOK));
        }
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn set_accept_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        let descriptor: OwnedFd = match &self.socket {
            Socket::Tcp(listener) => listener.try_clone()?.into(),
            Socket::Unix(listener) => listener.try_clone()?.into(),
        };
        // std offers this only for TCP streams, but to the system a socket is a socket.
        TcpStream::from(descriptor).set_read_timeout(time)
    }

    /// Waits for a connection. Only over TCP has its peer an address.
    pub(super) fn accept(&self) -> io::Result<(Box<dyn Transport>, Option<SocketAddr>)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                Ok((Box::new(stream), Some(peer)))
            }
            #[cfg(unix)]
            Socket::Unix(listener) => Ok((Box::new(listener.accept()?.0), None)),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr(),
            #[cfg(unix)]
            Socket::Unix(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a Unix socket has no IP address",
            )),
        }
    }

    /// The hosts that are answered for where it listens, and these ones.
    pub(super) fn hosts(&self, allowed: &[Host]) -> HostPolicy {
        let address = self.local_addr().map(|address| address.ip());
        // A Unix socket has none.
        let mut policy = address.map_or_else(|_| HostPolicy::default(), HostPolicy::at);
        for host in allowed {
            policy.allow(host.clone());
        }
        policy
    }

    pub(super) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(listener) => listener.set_nonblocking(is_nonblocking),
            #[cfg(unix)]
            Socket::Unix(listener) => listener.set_nonblocking(is_nonblocking),
        }
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            socket: match &self.socket {
                Socket::Tcp(listener) => Socket::Tcp(listener.try_clone()?),
                #[cfg(unix)]
                Socket::Unix(listener) => Socket::Unix(listener.try_clone()?),
            },
            is_shared: self.is_shared,
        })
    }
}

/// What wakes a thread that waits in [`Listener::accept`], which cannot be interrupted.
#[derive(Clone, Debug)]
pub(super) enum Waker {
    /// A connection to this address, which it accepts.
    Connection(SocketAddr),
    /// Its listener.
    #[cfg(unix)]
    Listener(Weak<Listener>),
    /// Nothing: it looks by itself.
    Time,
}

impl Waker {
    pub(super) fn of(listener: &Arc<Listener>) -> io::Result<Self> {
        Ok(match &listener.socket {
            _ if listener.is_shared => Self::Time,
            Socket::Tcp(listener) => Self::Connection(listener.local_addr()?),
            #[cfg(unix)]
            Socket::Unix(_) => Self::Listener(Arc::downgrade(listener)),
        })
    }

    /// Returns whether the thread was woken, or the listener is gone.
    pub(super) fn wake(&self, registry: &Registry) -> bool {
        match self {
            Self::Connection(address) => connect(*address, registry),
            #[cfg(unix)]
            Self::Listener(listener) => match listener.upgrade().as_deref() {
                Some(Listener {
                    socket: Socket::Unix(listener),
                    ..
                }) => shut_down(listener).is_ok(),
                _ => true,
            },
            Self::Time => true,
        }
    }
}

fn connect(mut address: SocketAddr, registry: &Registry) -> bool {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let connect = || TcpStream::connect_timeout(&address, WAKE_TIMEOUT);
    registry.wake_with(connect).map_or_else(
        |error| error.kind() == io::ErrorKind::ConnectionRefused,
        |()| true,
    )
}

/// What waits there can still be accepted.
#[cfg(unix)]
fn shut_down(listener: &UnixListener) -> io::Result<()> {
    // std offers this only for TCP streams, but to the system a socket is a socket.
    let socket = TcpStream::from(OwnedFd::from(listener.try_clone()?));
    socket.shutdown(Shutdown::Read).or_else(|_| {
        // Not every system does that to a socket that listens.
        UnixStream::connect_addr(&listener.local_addr()?).map(drop)
    })
}
