//! Addresses of TCP to listen on.

use socket2::{Domain, Socket, Type};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::str::FromStr;

/// A name or an IP address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TcpAddress {
    host: String,
    port: u16,
}

impl TcpAddress {
    pub(super) fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }

    /// Listens there, on one address of those that the name stands for. This flag gave it.
    ///
    /// # Errors
    ///
    /// Why it cannot, and what would help.
    pub(crate) fn listen(&self, flag: &str) -> Result<(TcpListener, TcpPlace), String> {
        self.resolve(flag)?.listen(false, flag)
    }

    /// Where that would be.
    pub(super) fn resolve(&self, flag: &str) -> Result<TcpPlace, String> {
        let resolved = resolve(&self.host, self.port);
        let (address, others) = resolved.map_err(|error| {
            format!("cannot listen on {self}: {error}. Choose another address with {flag}")
        })?;
        Ok(TcpPlace { address, others })
    }
}

impl FromStr for TcpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::new(address.ip().to_string(), address.port()));
        }
        // A port alone is one of this machine alone, as everywhere in this program.
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            _ if host.contains(':') => Err("an IPv6 address stands in brackets, before a port: [::1]:8000".into()),
            Ok(port) if is_number => Ok(Self::new(host, port)),
            _ if is_number => Err("a port is at most 65535".into()),
            _ => Err("it must be a port, an address and a port, or a path: 8000, localhost:8000, [::1]:8000, unix:/run/plainws.sock".into()),
        }
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.port) {
            (host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            (host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Where a server listens on TCP.
#[derive(Clone, Debug)]
pub(crate) struct TcpPlace {
    pub(crate) address: SocketAddr,
    /// The other addresses of the name that was given.
    pub(crate) others: Vec<IpAddr>,
}

impl TcpPlace {
    /// Listens there, on IPv6 alone if that is said: by default its wildcard stands for IPv4 too on many systems.
    pub(super) fn listen(
        mut self,
        is_only_v6: bool,
        flag: &str,
    ) -> Result<(TcpListener, Self), String> {
        let wanted = self.address;
        let listening = tcp(wanted, is_only_v6).and_then(|listener| {
            self.address = listener.local_addr()?;
            Ok((listener, self))
        });
        listening.map_err(|error| {
            let help = help(&error, wanted.port(), flag);
            format!("cannot listen on {wanted}: {help}")
        })
    }

    /// Whether who listens here listens there too.
    pub(super) fn covers(&self, other: SocketAddr) -> bool {
        let is_covered = match (self.address.ip(), other.ip()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => ours.is_unspecified() || ours == other,
            (IpAddr::V6(ours), IpAddr::V6(other)) => ours.is_unspecified() || ours == other,
            _ => false,
        };
        // Each port 0 is another one.
        is_covered && self.address.port() == other.port() && other.port() != 0
    }

    /// Whether it is each address of IPv6.
    pub(super) fn is_wildcard_of_v6(&self) -> bool {
        self.address.is_ipv6() && self.address.ip().is_unspecified()
    }

    /// An address at which this machine reaches it.
    pub(crate) fn reached_at(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }
}

/// The address of a host that is listened on, and its others: IPv4 first, since who tries IPv6 first comes
/// back to it, and not the other way round.
fn resolve(host: &str, port: u16) -> io::Result<(SocketAddr, Vec<IpAddr>)> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs()? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_by_key(|address| !address.is_ipv4());
    let mut addresses = addresses.into_iter();
    let first = addresses.next().ok_or(ErrorKind::NotFound)?;
    Ok((first, addresses.map(|address| address.ip()).collect()))
}

/// Listens with a queue that is long enough for a burst of connections; std's holds 128.
fn tcp(address: SocketAddr, is_only_v6: bool) -> io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;

    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // As std does: a restarted server need not wait until its last run's connections are forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if is_only_v6 {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn help(error: &io::Error, port: u16, flag: &str) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program listens there, perhaps an earlier plainws. \
             End that one, or choose another port with {flag}; port 0 takes a free one"
        ),
        ErrorKind::AddrNotAvailable => {
            format!("this machine does not have that address. Choose another with {flag}")
        }
        ErrorKind::PermissionDenied if port < 1024 => format!(
            "{error}. Ports below 1024 may be kept for the system; choose another with {flag}"
        ),
        _ => format!("{error}. Choose another address with {flag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_listened_for_at_its_ipv4_address_if_it_has_one() {
        let (first, others) = resolve("127.0.0.1", 8000).expect("an address is one");
        assert_eq!((first, others.len()), (([127, 0, 0, 1], 8000).into(), 0));
        if let Ok((first, others)) = resolve("localhost", 8000) {
            assert!(first.ip().is_loopback());
            assert!(first.is_ipv4() || others.iter().all(IpAddr::is_ipv6));
        }
    }
}
