//! Where to listen, as people type it: `localhost:8000`, `8000`, `unix:/run/plainws.sock`, `systemd`.

mod mode;
mod place;
mod systemd;
mod tcp;
#[cfg(unix)]
mod unix;

pub(crate) use mode::{Mode, mode};
pub(crate) use place::Place;
use plainws::net::listener::Listener;
use std::fmt;
use std::path::PathBuf;
pub(crate) use systemd::Passed;
pub(crate) use tcp::{TcpAddress, TcpPlace};
#[cfg(unix)]
pub(crate) use unix::Name;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(TcpAddress),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// The sockets that systemd passes, or those of this name.
    Systemd(Option<String>),
}

/// Takes what a flag says for one of several addresses.
///
/// # Errors
///
/// What it must be.
pub(crate) fn one_of_several(text: &str) -> Result<Address, String> {
    let name = match text.strip_prefix("systemd") {
        Some("") => None,
        Some(rest) if rest.starts_with(':') => Some(rest[1..].to_owned()),
        _ => return address(text),
    };
    if !cfg!(target_os = "linux") {
        return Err("there is no systemd on this system".into());
    }
    // The names come in a list with colons in between.
    if name
        .as_ref()
        .is_some_and(|name| name.is_empty() || name.contains(':'))
    {
        return Err("a socket of systemd is told by its FileDescriptorName=: systemd:http".into());
    }
    Ok(Address::Systemd(name))
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
        _ => Err("it must be an address of TCP, such as localhost:9000".into()),
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
            Self::Systemd(None) => f.write_str("systemd"),
            Self::Systemd(Some(name)) => write!(f, "systemd:{name}"),
        }
    }
}

/// Listens on all of these addresses, which this flag gave. Unix sockets get this mode, or what the umask leaves.
///
/// # Errors
///
/// Why it cannot, and what would help.
pub(crate) fn listen_on_all(
    addresses: &[Address],
    flag: &str,
    mode: Option<Mode>,
    mut passed: Passed,
) -> Result<Vec<(Listener, Place)>, String> {
    // All of TCP first: what one address stands for depends on the others.
    let mut wanted = Vec::new();
    for address in addresses {
        wanted.push(match address {
            Address::Tcp(address) => Some(address.resolve(flag)?),
            _ => None,
        });
    }
    check_no_two_are_the_same(addresses, &wanted, flag)?;
    let all: Vec<_> = wanted.iter().flatten().map(|place| place.address).collect();
    let mut listeners = Vec::new();
    for (address, place) in addresses.iter().zip(wanted) {
        match (address, place) {
            (_, Some(mut place)) => {
                let port = place.address.port();
                let is_beside_v4 = all
                    .iter()
                    .any(|other| other.is_ipv4() && other.port() == port);
                let is_only_v6 = place.is_wildcard_of_v6() && is_beside_v4;
                place
                    .others
                    .retain(|&other| !all.contains(&(other, port).into()));
                let (listener, place) = place.listen(is_only_v6, flag)?;
                listeners.push((listener.into(), Place::Tcp(place)));
            }
            (Address::Systemd(name), _) => listeners.extend(
                passed
                    .take(name.as_deref())
                    .map_err(|problem| format!("cannot listen on {address}: {problem}"))?,
            ),
            _ => listeners.push(listen(address, flag, mode)?),
        }
    }
    Ok(listeners)
}

fn check_no_two_are_the_same(
    addresses: &[Address],
    wanted: &[Option<TcpPlace>],
    flag: &str,
) -> Result<(), String> {
    let all: Vec<_> = addresses.iter().zip(wanted).collect();
    for (at, (address, place)) in all.iter().enumerate() {
        for (other, other_place) in &all[..at] {
            let is_twice = match (place, other_place) {
                (Some(one), Some(other)) => one.covers(other.address) || other.covers(one.address),
                _ => address == other,
            };
            if is_twice && address == other {
                return Err(format!("{flag} {address} is given twice"));
            }
            if is_twice {
                return Err(format!(
                    "{flag} {other} and {flag} {address} overlap: leave one of them out"
                ));
            }
        }
    }
    Ok(())
}

/// Listens on an address that this flag gave. A Unix socket gets this mode, or what the umask leaves.
///
/// # Errors
///
/// Why it cannot, and what would help.
pub(crate) fn listen(
    address: &Address,
    flag: &str,
    mode: Option<Mode>,
) -> Result<(Listener, Place), String> {
    match address {
        Address::Tcp(address) => {
            let (listener, place) = address.listen(flag)?;
            Ok((listener.into(), Place::Tcp(place)))
        }
        #[cfg(unix)]
        Address::Unix(path) => unix::listen(path, mode)
            .map(|(listener, place)| (listener.into(), Place::Unix(place)))
            .map_err(|problem| format!("cannot listen on {address}: {problem}")),
        // None of these is understood where there are none, or for a flag that takes one address.
        _ => Err(format!(
            "cannot listen on {address}: {flag} takes none of these"
        )),
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
    fn sockets_of_systemd_are_told_by_name() {
        for (text, name) in [
            ("systemd", None),
            ("systemd:http", Some("http")),
            ("systemd:8000", Some("8000")),
        ] {
            let address = one_of_several(text);
            if cfg!(target_os = "linux") {
                assert_eq!(
                    address,
                    Ok(Address::Systemd(name.map(str::to_owned))),
                    "{text}"
                );
            } else {
                assert!(address.is_err(), "{text}");
            }
        }
        for text in ["systemd:", "systemd:a:b", "systemds"] {
            assert!(one_of_several(text).is_err(), "{text}");
        }
        assert_eq!(one_of_several("8000"), address("8000"));
    }

    #[test]
    fn addresses_that_overlap_are_told() {
        let check = |texts: &[&str]| {
            let addresses: Vec<_> = texts
                .iter()
                .map(|text| address(text).expect(text))
                .collect();
            let places = addresses.iter().map(|address| match address {
                Address::Tcp(address) => Some(address.resolve("--addr").expect("it is one")),
                _ => None,
            });
            check_no_two_are_the_same(&addresses, &places.collect::<Vec<_>>(), "--addr")
        };
        for texts in [
            &["127.0.0.1:8000", "[::1]:8000"][..],
            &["0.0.0.0:8000", "[::]:8000"],
            &["127.0.0.1:8000", "[::]:8000"],
            &["127.0.0.1:0", "127.0.0.1:0", "0.0.0.0:0"],
            &["127.0.0.1:8000", "127.0.0.1:8001"],
            &["127.0.0.1:8000", "127.0.0.2:8000"],
        ] {
            assert_eq!(check(texts), Ok(()), "{texts:?}");
        }
        for (texts, why) in [
            (
                &["8000", "[::1]:8000", "8000"][..],
                "--addr 127.0.0.1:8000 is given twice",
            ),
            (&["/x", "/x"], "--addr unix:/x is given twice"),
            (
                &["127.0.0.1:8000", "0.0.0.0:8000"],
                "--addr 127.0.0.1:8000 and --addr 0.0.0.0:8000 overlap: leave one of them out",
            ),
            (
                &["[::]:8000", "[::1]:8000"],
                "--addr [::]:8000 and --addr [::1]:8000 overlap: leave one of them out",
            ),
        ] {
            assert_eq!(check(texts), Err(why.to_owned()), "{texts:?}");
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
