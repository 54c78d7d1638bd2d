//! Where a server listens.

use super::tcp::TcpPlace;
#[cfg(unix)]
use super::unix::UnixPlace;

/// Where a server listens.
#[derive(Debug)]
pub(crate) enum Place {
    Tcp(TcpPlace),
    #[cfg(unix)]
    Unix(UnixPlace),
}

impl Place {
    pub(crate) const fn tcp(&self) -> Option<&TcpPlace> {
        match self {
            Self::Tcp(place) => Some(place),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// Whether only programs on this machine reach it, browsers among them.
    pub(crate) fn is_on_the_loopback(&self) -> bool {
        match self {
            Self::Tcp(place) => place.address.ip().is_loopback(),
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }
}
