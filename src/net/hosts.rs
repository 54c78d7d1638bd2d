//! Which hosts a server answers for.
//!
//! Any site may let its name lead to 127.0.0.1. A browser then takes the server there for a part of that
//! site and lets its pages read everything (DNS rebinding). Only the host that the request names tells.

use super::error::Error;
use crate::protocol::handshake::InvalidHeader;
use crate::protocol::request::split_authority;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The hosts that a server answers for.
#[derive(Clone, Debug, Default)]
pub struct HostPolicy {
    is_local: bool,
    allowed: Vec<Host>,
}

impl HostPolicy {
    /// For a server that listens on an address. On one of the loopback only loopback names and addresses
    /// are answered for; elsewhere everything is, until a host is allowed.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self {
            is_local: is_loopback(address),
            allowed: Vec::new(),
        }
    }

    /// Allows one more host. What is not allowed is refused from then on, wherever the server listens.
    pub fn allow(&mut self, host: Host) {
        self.allowed.push(host);
    }

    /// Whether a request may be answered that came from `peer` and names `host`.
    ///
    /// A request without a host passes: it is one of HTTP/1.0, which no browser sends. So do loopback
    /// names from the machine itself: they lead nowhere else.
    #[must_use]
    pub fn permits(&self, host: Option<&str>, peer: IpAddr) -> bool {
        let is_open = !self.is_local && self.allowed.is_empty();
        let Some(host) = host.filter(|_| !is_open) else {
            return true;
        };
        let Ok(host) = host.parse::<Host>() else {
            return false;
        };
        let is_at_home = self.is_local || is_loopback(peer);
        is_at_home && host.is_loopback() || self.allowed.iter().any(|allowed| allowed.covers(&host))
    }
}

/// A host, and a port if one is given: `example.com`, `192.0.2.1:8000`, `[2001:db8::1]`.
///
/// It is parsed strictly: a name is letters, digits, `-` and `_` between dots, without percent-encoding;
/// an IPv4 address is four decimal numbers, an IPv6 address stands in brackets. Case does not count, nor
/// does the dot at the end of a name that is complete.
///
/// ```
/// use plainws::net::hosts::Host;
///
/// let host: Host = "Example.com.".parse()?;
/// assert_eq!(host, "example.com".parse()?);
/// assert!("https://example.com".parse::<Host>().is_err());
/// # Ok::<(), plainws::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: Name,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    AnyAddress,
    /// In lower case, without a dot at its end.
    Registered(String),
}

impl Host {
    /// Every IP address, at any port: for what is asked by address, such as health checks. A site whose name leads
    /// browsers here, to read what is served (DNS rebinding), makes them name that, and no address.
    #[must_use]
    pub const fn any_address() -> Self {
        Self {
            name: Name::AnyAddress,
            port: None,
        }
    }

    /// RFC 6761 §6.3: `localhost` and all names under it are the machine itself.
    fn is_loopback(&self) -> bool {
        match &self.name {
            Name::Address(address) => is_loopback(*address),
            Name::AnyAddress => false,
            Name::Registered(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Whether what a request names is this host. Without a port, it is so at any port.
    fn covers(&self, named: &Self) -> bool {
        let is_port_right = match (self.port, named.port) {
            (None, _) => true,
            // Left out where it is the default of http or https. Which of them it is only a proxy knows.
            (Some(port), None) => port == 80 || port == 443,
            (port, named) => port == named,
        };
        let is_name_right = match (&self.name, &named.name) {
            (Name::AnyAddress, Name::Address(_)) => true,
            (name, named) => name == named,
        };
        is_port_right && is_name_right
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        const PROBLEM: &str = "a host is a name or an address, and a port if need be";
        parse(text).ok_or_else(|| InvalidHeader::new("host", text, PROBLEM).into())
    }
}

fn parse(text: &str) -> Option<Host> {
    let (name, port) = split_authority(text);
    Some(Host {
        name: address(name)
            .map(Name::Address)
            .or_else(|| registered(name))?,
        port: match port {
            // RFC 3986 §3.2.3: an empty port is the default one.
            None | Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok()?)
            }
            Some(_) => return None,
        },
    })
}

fn address(name: &str) -> Option<IpAddr> {
    let address: IpAddr = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
        None => name.parse::<Ipv4Addr>().ok()?.into(),
    };
    Some(address.to_canonical())
}

fn registered(name: &str) -> Option<Name> {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.')
        .all(is_label)
        .then(|| Name::Registered(name.to_ascii_lowercase()))
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !label.is_empty() && label.bytes().all(is_allowed)
}

/// The address that a peer counts as: who comes over a Unix socket is on this machine.
pub(super) fn ip(peer: Option<SocketAddr>) -> IpAddr {
    peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip())
}

pub(super) fn is_loopback(address: IpAddr) -> bool {
    // An IPv4 address may be written as an IPv6 one.
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn policy(at: IpAddr, allowed: &[&str]) -> HostPolicy {
        let mut policy = HostPolicy::at(at);
        for host in allowed {
            policy.allow(host.parse().expect("a host"));
        }
        policy
    }

    #[test]
    fn names_and_addresses_of_the_loopback_are_told_from_what_only_looks_like_them() {
        let policy = policy(HERE, &[]);
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "localhost:1",
            "localhost.:65535",
            "localhost:",
            "a.localhost",
            "a.b_c-d.localhost.:80",
            "127.0.0.1",
            "127.255.255.254:8000",
            "127.0.0.1:",
            "[::1]",
            "[::1]:8000",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]:8000",
            "[::FFFF:7f00:1]",
        ] {
            assert!(policy.permits(Some(host), HERE), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "localhost..",
            ".localhost",
            "..localhost",
            "a..localhost",
            "evil.example,.localhost",
            "evil.example;localhost",
            "evil.example#.localhost",
            "localhost@evil.example",
            "evil.example@localhost",
            "evil.example:80@localhost",
            "localhost:80:evil.example",
            "localhost:65536",
            "localhost:+80",
            "localhost:80 ",
            " localhost",
            "localhost/",
            "localhost%2eevil.example",
            "%6cocalhost",
            "127.0.0.1.",
            "127.0.0.1.evil.example",
            "127.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "2130706433",
            "128.0.0.1",
            "126.255.255.255",
            "0.0.0.0",
            "::1",
            "::1:8000",
            "[::1",
            "::1]",
            "[::1]evil.example",
            "[[::1]]",
            "[127.0.0.1]",
            "[::1%25lo]",
            "[::1%lo]",
            "[::]",
            "[::2]",
            "[::127.0.0.1]",
            "[localhost]",
            "l\u{f6}calhost",
            "",
            ":80",
            ".",
        ] {
            assert!(!policy.permits(Some(host), HERE), "{host}");
        }
    }

    #[test]
    fn an_allowed_host_is_found_in_any_spelling_at_its_port() {
        for (allowed, right, wrong) in [
            (
                "Example.com",
                &[
                    "example.com",
                    "EXAMPLE.COM.",
                    "example.com:1",
                    "example.com:",
                ][..],
                &[
                    "xexample.com",
                    "x.example.com",
                    "example.com.x",
                    "example.co",
                ][..],
            ),
            (
                "example.com.:8443",
                &["example.com:8443", "example.com.:08443"],
                &["example.com", "example.com:443", "example.com:84430"],
            ),
            (
                "example.com:443",
                &["example.com", "example.com:443"],
                &["example.com:80", "example.com:8443"],
            ),
            (
                "example.com:80",
                &["example.com", "example.com:80"],
                &["example.com:443"],
            ),
            (
                "[2001:DB8::1]",
                &["[2001:db8:0::1]:80"],
                &["[2001:db8::2]", "2001:db8::1"],
            ),
            (
                "192.0.2.1",
                &["[::ffff:192.0.2.1]", "192.0.2.1"],
                &["192.0.2.2"],
            ),
        ] {
            for at in [HERE, EVERYWHERE] {
                let policy = policy(at, &["other.example", allowed]);
                for host in right.iter().chain(&["other.example"]) {
                    assert!(policy.permits(Some(host), ELSEWHERE), "{host}, {allowed}");
                }
                for host in wrong {
                    assert!(!policy.permits(Some(host), ELSEWHERE), "{host}, {allowed}");
                }
            }
        }
    }

    #[test]
    fn any_address_is_each_of_them_and_no_name() {
        let mut policy = policy(EVERYWHERE, &["example.com"]);
        policy.allow(Host::any_address());
        for host in [
            "192.0.2.1",
            "10.0.0.5:8000",
            "[2001:db8::1]:80",
            "127.0.0.1",
            "example.com",
        ] {
            assert!(policy.permits(Some(host), ELSEWHERE), "{host}");
        }
        for host in [
            "any.example",
            "localhost",
            "192.0.2.1.example",
            "192.0.2",
            "1",
            "",
        ] {
            assert!(!policy.permits(Some(host), ELSEWHERE), "{host}");
        }
    }

    #[test]
    fn what_is_answered_depends_on_where_the_server_listens_and_who_asks() {
        let here_in_v6 = "::ffff:127.0.0.1".parse().expect("an address");
        for (at, allowed, peer, host, is_permitted) in [
            (EVERYWHERE, "", ELSEWHERE, "any.example", true),
            (EVERYWHERE, "", HERE, "not a host", true),
            (ELSEWHERE, "", ELSEWHERE, "any.example", true),
            (EVERYWHERE, "a.example", ELSEWHERE, "a.example", true),
            (EVERYWHERE, "a.example", ELSEWHERE, "any.example", false),
            (EVERYWHERE, "a.example", ELSEWHERE, "localhost", false),
            (EVERYWHERE, "a.example", HERE, "localhost:8000", true),
            (EVERYWHERE, "a.example", here_in_v6, "localhost:8000", true),
            (EVERYWHERE, "a.example", HERE, "any.example", false),
            (here_in_v6, "", HERE, "any.example", false),
            (
                IpAddr::V6(Ipv6Addr::LOCALHOST),
                "",
                HERE,
                "any.example",
                false,
            ),
            // From an address of the machine that is no loopback address.
            (HERE, "", ELSEWHERE, "localhost", true),
        ] {
            let allowed: Vec<_> = Some(allowed)
                .into_iter()
                .filter(|host| !host.is_empty())
                .collect();
            let policy = policy(at, &allowed);
            let told = policy.permits(Some(host), peer);
            assert_eq!(
                told, is_permitted,
                "at {at} with {allowed:?}: {host} from {peer}"
            );
            assert!(policy.permits(None, peer), "HTTP/1.0 may name no host");
        }
    }

    #[test]
    fn what_is_no_host_is_not_taken_for_one() {
        for text in [
            "",
            "https://example.com",
            "example.com/",
            "*.example.com",
            "a b",
            "a:b",
            "::1",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
