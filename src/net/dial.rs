//! A TCP connection to a host, by one of its addresses.

use super::deadline::SHORTEST_TIMEOUT;
use super::stream::Stream;
use super::words::in_words;
use crate::protocol::request::{is_host, split_authority};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

/// What TCP needs to know of a host: its name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Without the brackets of an IPv6 address.
    name: String,
    /// On which network an IPv6 address is meant that many networks have, such as `eth0`.
    zone: Option<String>,
    port: u16,
}

impl Endpoint {
    /// Takes `host:port`; without a port the default, if there is one.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn parse(authority: &str, default_port: Option<u16>) -> Result<Self, &'static str> {
        let (name, port) = split_authority(authority);
        // RFC 3986 §3.2.3: a port may be empty, and is the default then.
        let port = match port.filter(|port| !port.is_empty()) {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok(),
            Some(_) => None,
            None => Some(default_port.ok_or("a port is missing, such as :8000")?),
        };
        let port = port.ok_or("the port is a number from 0 to 65535")?;
        let in_brackets = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let (name, zone) = match in_brackets {
            Some(address) => split_zone(address)?,
            None if name.contains(':') => {
                return Err("an IPv6 address stands in brackets, as in [::1]:8000");
            }
            None => (name, None),
        };
        let endpoint = Self {
            name: name.to_owned(),
            zone: zone.map(str::to_owned),
            port,
        };
        match is_host(&endpoint.to_string()) && in_brackets.is_some() == name.contains(':') {
            true => Ok(endpoint),
            false => Err("a host is a name, or an address such as 127.0.0.1 or [::1]"),
        }
    }

    /// Without brackets or a zone.
    #[cfg(feature = "tls")]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The name, or the address with its brackets; a zone means nothing to others, and is left out (RFC 6874 §1).
    pub(super) fn host(&self) -> String {
        if self.name.contains(':') {
            format!("[{}]", self.name)
        } else {
            self.name.clone()
        }
    }

    /// At least one address. Looking a name up may wait, without a bound.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let name = match &self.zone {
            Some(zone) => format!("{}%{zone}", self.name),
            None => self.name.clone(),
        };
        let found = (name.as_str(), self.port).to_socket_addrs();
        let addresses: Vec<_> = found.map_err(|error| unknown(&name, &error))?.collect();
        if addresses.is_empty() {
            return Err(unknown(&name, &io::ErrorKind::NotFound.into()));
        }
        Ok(addresses)
    }

    /// Connects to the first address that answers. An error calls the whole `target`.
    ///
    /// # Errors
    ///
    /// Which addresses were tried, and what came of it; of the kind of the last failure.
    pub(super) fn connect(
        &self,
        deadline: Instant,
        target: &str,
    ) -> io::Result<(Stream, SocketAddr)> {
        let addresses = self.addresses();
        let addresses = addresses.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot connect to {target}: {error}"))
        })?;
        let connected = first_of(&addresses, deadline, |address, time| {
            let stream = Stream::new(TcpStream::connect_timeout(address, time)?);
            stream.prepare()?;
            Ok((stream, *address))
        });
        connected.map_err(|failures| self.unreachable(target, &addresses, &failures))
    }

    fn unreachable(
        &self,
        target: &str,
        addresses: &[SocketAddr],
        failures: &[io::Error],
    ) -> io::Error {
        let kind = failures
            .last()
            .map_or(io::ErrorKind::NotFound, io::Error::kind);
        let failures: Vec<_> = failures.iter().map(in_words).collect();
        let each: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        // The address may be what the target is called by.
        let is_told = each == [self.to_string()] && (target == "it" || target.contains(&each[0]));
        let message = match &failures[..] {
            [failure] if is_told => format!("cannot connect to {target}: {failure}"),
            [first, others @ ..] if others.iter().all(|other| other == first) => {
                format!(
                    "cannot connect to {target} at {}: {first}",
                    each.join(" or ")
                )
            }
            failures => {
                let each = each.iter().zip(failures);
                let each: Vec<_> = each
                    .map(|(address, failure)| format!("at {address}: {failure}"))
                    .collect();
                format!("cannot connect to {target} {}", each.join(", nor "))
            }
        };
        io::Error::new(kind, message)
    }
}

/// `host:port`, as it is written in a URL.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host(), self.port)
    }
}

fn unknown(name: &str, error: &io::Error) -> io::Error {
    let said = in_words(error);
    let why = said.rsplit(": ").next().unwrap_or(&said);
    let message = format!("cannot find the address of {name}: {why}");
    io::Error::new(error.kind(), message)
}

/// RFC 6874 §2: a zone follows the address and `%25`.
fn split_zone(address: &str) -> Result<(&str, Option<&str>), &'static str> {
    let Some((address, zone)) = address.split_once('%') else {
        return Ok((address, None));
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let zone = zone
        .strip_prefix("25")
        .filter(|zone| !zone.is_empty() && zone.bytes().all(is_allowed));
    let zone = zone.ok_or("the zone of an address is written [fe80::1%25eth0]")?;
    Ok((address, Some(zone)))
}

/// Tries one address after the other, each with its share of the time that is left, until `connect` gives
/// something; else why each did not.
fn first_of<T>(
    addresses: &[SocketAddr],
    deadline: Instant,
    connect: impl Fn(&SocketAddr, Duration) -> io::Result<T>,
) -> Result<T, Vec<io::Error>> {
    let mut failures = Vec::new();
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let untried = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match connect(address, (left / untried).max(SHORTEST_TIMEOUT)) {
            Ok(connected) => return Ok(connected),
            Err(error) => failures.push(error),
        }
    }
    Err(failures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::deadline::deadline_in;
    use std::cell::RefCell;

    const HOUR: Duration = Duration::from_secs(3600);

    fn four() -> [SocketAddr; 4] {
        [1, 2, 3, 4].map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Tries four addresses, of which the one with `answering` as its port answers. Returns the minutes
    /// that each was given, if the whole has `time`, and whether one answered.
    fn minutes(answering: u16, time: Duration) -> (Vec<u64>, bool) {
        let minutes = RefCell::new(Vec::new());
        let answered = first_of(&four(), deadline_in(time), |address, time| {
            // What the test takes rounds to nothing.
            let time = time + Duration::from_secs(30);
            minutes.borrow_mut().push(time.as_secs() / 60);
            match address.port() {
                port if port == answering => Ok(port),
                _ => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        });
        assert!(answered.as_ref().is_ok_and(|&port| port == answering) || answered.is_err());
        (minutes.into_inner(), answered.is_ok())
    }

    #[test]
    fn an_address_gets_no_more_than_its_share_of_the_time() {
        assert_eq!(minutes(1, HOUR), (vec![15], true));
        assert_eq!(minutes(3, HOUR), (vec![15, 20, 30], true));
        assert_eq!(minutes(4, HOUR), (vec![15, 20, 30, 60], true));
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named() {
        let endpoint = Endpoint::parse("[fe80::1%25no-such-zone]:1", None);
        let problem = endpoint.unwrap().addresses().unwrap_err().to_string();
        assert!(problem.contains(" fe80::1%no-such-zone: "), "{problem}");
    }

    #[test]
    fn each_failure_is_told_and_each_is_tried_even_without_time() {
        assert_eq!(minutes(0, Duration::ZERO), (vec![0, 0, 0, 0], false));
        let failed = first_of(&four(), deadline_in(HOUR), |address, _| -> io::Result<()> {
            Err(io::Error::other(address.port().to_string()))
        });
        let failed = failed.unwrap_err();
        assert_eq!(
            failed.iter().map(in_words).collect::<Vec<_>>(),
            ["1", "2", "3", "4"]
        );
    }

    #[test]
    fn a_failure_names_every_address_and_the_name_that_led_there() {
        use io::ErrorKind::{ConnectionRefused, TimedOut};
        let rows: &[(&str, &[&str], &[io::ErrorKind], &str)] = &[
            (
                "127.0.0.1:1",
                &["127.0.0.1:1"],
                &[ConnectionRefused],
                "cannot connect to ws://127.0.0.1:1/: connection refused",
            ),
            (
                "[::1]:1",
                &["[::1]:1"],
                &[ConnectionRefused],
                "cannot connect to ws://[::1]:1/: connection refused",
            ),
            (
                "localhost:1",
                &["127.0.0.1:1"],
                &[ConnectionRefused],
                "cannot connect to ws://localhost:1/ at 127.0.0.1:1: connection refused",
            ),
            (
                "localhost:1",
                &["[::1]:1", "127.0.0.1:1"],
                &[ConnectionRefused, ConnectionRefused],
                "cannot connect to ws://localhost:1/ at [::1]:1 or 127.0.0.1:1: connection refused",
            ),
            (
                "localhost:1",
                &["[::1]:1", "127.0.0.1:1"],
                &[ConnectionRefused, TimedOut],
                "cannot connect to ws://localhost:1/ at [::1]:1: connection refused, nor at 127.0.0.1:1: timed out",
            ),
        ];
        for &(endpoint, addresses, kinds, expected) in rows {
            let target = format!("ws://{endpoint}/");
            let endpoint = Endpoint::parse(endpoint, None).unwrap();
            let addresses: Vec<_> = addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect();
            let failures: Vec<io::Error> = kinds.iter().map(|&kind| kind.into()).collect();
            let error = endpoint.unreachable(&target, &addresses, &failures);
            assert_eq!(error.to_string(), expected);
            assert_eq!(Some(error.kind()), kinds.last().copied());
        }
    }
}
