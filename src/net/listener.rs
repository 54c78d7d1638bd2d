//! What a server accepts connections from.

use super::hosts::{Host, HostPolicy};
use super::transport::Transport;
use std::io;
#[cfg(unix)]
use std::net::{Shutdown, TcpStream};
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::{
    fd::OwnedFd,
    unix::net::{UnixListener, UnixStream},
};

/// A socket that listens, on TCP or, where there are such, on a Unix socket.
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
#[non_exhaustive]
pub enum Listener {
    /// At an IP address and a port.
    Tcp(TcpListener),
    /// At a path. Whoever made the file also removes it.
    #[cfg(unix)]
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

impl Listener {
    /// Waits for a connection. Only over TCP has its peer an address.
    pub(super) fn accept(&self) -> io::Result<(Box<dyn Transport>, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                Ok((Box::new(stream), Some(peer)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok((Box::new(listener.accept()?.0), None)),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            #[cfg(unix)]
            Self::Unix(_) => Err(io::Error::new(
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
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(is_nonblocking),
            #[cfg(unix)]
            Self::Unix(listener) => listener.set_nonblocking(is_nonblocking),
        }
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            #[cfg(unix)]
            Self::Unix(listener) => Self::Unix(listener.try_clone()?),
        })
    }
}

/// Makes a thread return that waits for a connection to a Unix socket. What waits there can still be accepted.
#[cfg(unix)]
pub(super) fn wake(listener: &UnixListener) -> io::Result<()> {
    // std offers this only for TCP streams, but to the system a socket is a socket.
    let socket = TcpStream::from(OwnedFd::from(listener.try_clone()?));
    socket.shutdown(Shutdown::Read).or_else(|_| {
        // Not every system does that to a socket that listens.
        UnixStream::connect_addr(&listener.local_addr()?).map(drop)
    })
}
