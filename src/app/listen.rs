//! Where to listen, as people type it: `localhost:8000`, `8000`, `unix:/run/plainws.sock`.

use plainws::net::listener::Listener;
use socket2::{Domain, Socket, Type};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A name or an IP address, and a port.
    Tcp(String, u16),
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
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Address::Tcp(address.ip().to_string(), address.port()));
    }
    // A port alone is one of this machine alone, as everywhere in this program.
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        _ if host.contains(':') => Err("an IPv6 address stands in brackets: [::1]:8000".into()),
        Ok(port) if is_number => Ok(Address::Tcp(host.into(), port)),
        _ if is_number => Err("a port is at most 65535".into()),
        _ => Err("it must be a port, an address and a port, or a path: 8000, localhost:8000, [::1]:8000, unix:/run/plainws.sock".into()),
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
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where a server listens.
#[derive(Debug)]
pub(crate) enum Place {
    Tcp {
        address: SocketAddr,
        /// The other addresses of the name that was given.
        others: Vec<IpAddr>,
    },
    #[cfg(unix)]
    Unix(socket_file::SocketFile),
}

impl Place {
    /// An address at which this machine reaches it.
    pub(crate) fn reached_at(&self) -> Option<SocketAddr> {
        let Self::Tcp { mut address, .. } = *self else {
            return None;
        };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Some(address)
    }
}

/// Listens on an address that this flag gave.
///
/// # Errors
///
/// Why it cannot, and what would help.
pub(crate) fn listen(address: &Address, flag: &str) -> Result<(Listener, Place), String> {
    match address {
        Address::Tcp(host, port) => {
            let (address, others) = resolve(host, *port).map_err(|error| {
                format!("cannot listen on {address}: {error}. Choose another address with {flag}")
            })?;
            let listening = tcp(address).and_then(|listener| {
                let address = listener.local_addr()?;
                Ok((listener.into(), Place::Tcp { address, others }))
            });
            listening.map_err(|error| {
                format!(
                    "cannot listen on {address}: {}",
                    help(&error, address.port(), flag)
                )
            })
        }
        #[cfg(unix)]
        Address::Unix(path) => socket_file::listen(path)
            .map(|(listener, file)| (listener.into(), Place::Unix(file)))
            .map_err(|problem| format!("cannot listen on {address}: {problem}")),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(format!("cannot listen on {address}: no such sockets here")),
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
fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;

    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // As std does: a restarted server need not wait until its last run's connections are forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
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

#[cfg(unix)]
pub(crate) mod socket_file {
    //! The file of a Unix socket.

    use std::fs::{self, Metadata};
    use std::io::ErrorKind;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    /// The file of a socket that listens, removed when this is dropped.
    #[derive(Debug)]
    pub(crate) struct SocketFile {
        path: PathBuf,
        /// As it was made: what stands there later may be another server's.
        made: Metadata,
    }

    impl SocketFile {
        pub(crate) fn path(&self) -> &Path {
            &self.path
        }

        /// Who may connect, which the file's mode says: to connect is to write.
        pub(crate) fn permissions(&self) -> String {
            let mode = self.made.mode() & 0o777;
            let who = match (mode & 0o020 != 0, mode & 0o002 != 0) {
                (_, true) => "Everyone on this machine",
                (true, false) => "Its owner and its group",
                (false, false) => "Its owner alone",
            };
            format!("{who} may connect (mode {mode:03o}, as the umask says).")
        }
    }

    impl Drop for SocketFile {
        fn drop(&mut self) {
            let now = fs::symlink_metadata(&self.path);
            let is_ours =
                |now: &Metadata| (now.dev(), now.ino()) == (self.made.dev(), self.made.ino());
            if now.is_ok_and(|now| is_ours(&now)) {
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Listens at a path. A socket that an ended server has left there makes room, and nothing else does.
    pub(super) fn listen(path: &Path) -> Result<(UnixListener, SocketFile), String> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                remove_left_over(path)?;
                UnixListener::bind(path)
            }
            listener => listener,
        };
        let listener = listener.map_err(|error| error.to_string())?;
        let made = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
        let path = path.to_owned();
        Ok((listener, SocketFile { path, made }))
    }

    fn remove_left_over(path: &Path) -> Result<(), String> {
        let found = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
        if !found.file_type().is_socket() {
            return Err("there is a file that is no socket. Choose another path".into());
        }
        match UnixStream::connect(path) {
            // Nobody listens: it was left over.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
                .map_err(|error| {
                    format!("what an ended server left there cannot be removed: {error}")
                }),
            Err(error) => Err(format!(
                "whether a server listens there is not told: {error}"
            )),
            Ok(_) => {
                Err("another server listens there. End that one, or choose another path".into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_as_people_write_it() {
        let tcp = |host: &str, port| Ok(Address::Tcp(host.into(), port));
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
