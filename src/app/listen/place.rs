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
            Self::Tcp(place) => place.address.ip().to_canonical().is_loopback(),
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_that_of_ipv4_in_ipv6_too() {
        for (address, is_loopback) in [
            ("127.0.0.2:8000", true),
            ("[::1]:8000", true),
            ("[::ffff:127.0.0.1]:8000", true),
            ("0.0.0.0:8000", false),
            ("[::]:8000", false),
            ("[::ffff:192.0.2.1]:8000", false),
        ] {
            let place = Place::Tcp(TcpPlace {
                address: address.parse().expect(address),
                others: Vec::new(),
            });
            assert_eq!(place.is_on_the_loopback(), is_loopback, "{address}");
        }
    }
}
