//! Where to listen, as people type it: `localhost:8000`, `8000`, `unix:/run/plainws.sock`.

#[cfg(unix)]
pub(crate) mod socket_file;
mod tcp;

use plainws::net::listener::Listener;
use std::fmt;
use std::path::PathBuf;
pub(crate) use tcp::{TcpAddress, TcpPlace};

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(TcpAddress),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// Takes what a flag says.
///
/// # Errors
///
/// What it must be.
pub(crate) fn address(text: &str) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return unix(path);
    }
    if text.contains("://") {
        return Err("it is an address, not a URL, such as localhost:8000".into());
    }
    if text.contains('/') {
        return unix(text);
    }
    text.parse().map(Address::Tcp)
}

/// The same for those that listen on TCP only.
///
/// # Errors
///
/// As [`address`].
pub(crate) fn tcp_address(text: &str) -> Result<TcpAddress, String> {
    match address(text)? {
        Address::Tcp(address) => Ok(address),
        Address::Unix(_) => Err("it must be an address of TCP, such as localhost:9000".into()),
    }
}

fn unix(path: &str) -> Result<Address, String> {
    if !cfg!(unix) {
        return Err("there are no Unix sockets on this system".into());
    }
    if path.is_empty() {
        return Err("a Unix socket needs a path, such as unix:/run/plainws.sock".into());
    }
    Ok(Address::Unix(path.into()))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where a server listens.
#[derive(Debug)]
pub(crate) enum Place {
    Tcp(TcpPlace),
    #[cfg(unix)]
    Unix(socket_file::SocketFile),
}

/// Listens on an address that this flag gave.
///
/// # Errors
///
/// Why it cannot, and what would help.
pub(crate) fn listen(address: &Address, flag: &str) -> Result<(Listener, Place), String> {
    match address {
        Address::Tcp(address) => {
            let (listener, place) = address.listen(flag)?;
            Ok((listener.into(), Place::Tcp(place)))
        }
        #[cfg(unix)]
        Address::Unix(path) => socket_file::listen(path)
            .map(|(listener, file)| (listener.into(), Place::Unix(file)))
            .map_err(|problem| format!("cannot listen on {address}: {problem}")),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(format!("cannot listen on {address}: no such sockets here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_as_people_write_it() {
        let tcp = |host: &str, port| Ok(Address::Tcp(TcpAddress::new(host, port)));
        for (text, address) in [
            ("127.0.0.1:8000", tcp("127.0.0.1", 8000)),
            ("0.0.0.0:0", tcp("0.0.0.0", 0)),
            ("[::1]:8000", tcp("::1", 8000)),
            ("localhost:8000", tcp("localhost", 8000)),
            ("a.example:80", tcp("a.example", 80)),
            (":8000", tcp("127.0.0.1", 8000)),
            ("8000", tcp("127.0.0.1", 8000)),
            ("65535", tcp("127.0.0.1", 65535)),
        ] {
            assert_eq!(super::address(text), address, "{text}");
        }
        for (text, fault) in [
            ("", "it must be a port"),
            (":", "it must be a port"),
            ("localhost", "it must be a port"),
            ("localhost:", "it must be a port"),
            ("127.0.0.1", "it must be a port"),
            ("8000:localhost", "it must be a port"),
            ("+8000", "it must be a port"),
            ("65536", "a port is at most 65535"),
            ("localhost:65536", "a port is at most 65535"),
            ("::1:8000", "an IPv6 address stands in brackets"),
            ("::1", "an IPv6 address stands in brackets"),
            ("http://localhost:8000/", "it is an address, not a URL"),
        ] {
            let refused = super::address(text).expect_err(text);
            assert!(refused.starts_with(fault), "{text}: {refused}");
        }
    }

    #[test]
    fn a_path_is_one_where_there_are_unix_sockets() {
        for (text, path) in [
            ("unix:/run/x.sock", "/run/x.sock"),
            ("unix:x.sock", "x.sock"),
            ("/run/x.sock", "/run/x.sock"),
            ("./8000", "./8000"),
            ("unix:", ""),
        ] {
            let address = super::address(text);
            if cfg!(unix) && !path.is_empty() {
                assert_eq!(address, Ok(Address::Unix(path.into())), "{text}");
            } else {
                assert!(address.is_err(), "{text}");
            }
        }
    }
}
