//! Which proxies are believed.
//!
//! A proxy in front of a server tells it who the client is. Anyone could send the same words: they count only from
//! an address that somebody named here.

use super::shown::shown;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The proxies that are believed. By default nobody is.
#[derive(Clone, Debug, Default)]
pub struct ProxyPolicy {
    trusted: Vec<ProxyAddress>,
}

impl ProxyPolicy {
    /// Believes one more proxy, or a network of them.
    pub fn trust(&mut self, proxy: ProxyAddress) {
        self.trusted.push(proxy);
    }

    /// Whether nobody is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trusted.is_empty()
    }

    /// Whether a peer is believed. `None` is one that connects over a Unix socket; an IPv4-mapped IPv6 address
    /// counts as the IPv4 address that it holds.
    #[must_use]
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        self.trusted.iter().any(|proxy| proxy.covers(peer))
    }
}

/// Where a trusted proxy connects from.
///
/// - `192.0.2.1`, `2001:db8::1`: one address.
/// - `10.0.0.0/8`, `2001:db8::/32`: all addresses of a network.
/// - `unix`: whoever connects over a Unix socket. Who may do so is told by the socket's mode.
///
/// It is parsed strictly: no port, no brackets, no name, no number with a leading zero, and no bits after those
/// that the network has. An IPv4-mapped IPv6 address is taken for the IPv4 address that it holds. A network of all
/// addresses is refused: everybody would be believed.
///
/// ```
/// use plainws::net::proxies::{ProxyAddress, ProxyPolicy};
///
/// let mut proxies = ProxyPolicy::default();
/// proxies.trust("10.0.0.0/8".parse()?);
/// assert!(proxies.trusts(Some([10, 1, 2, 3].into())));
/// assert!(!proxies.trusts(Some([11, 1, 2, 3].into())));
///
/// let wrong = "10.1.2.3/8".parse::<ProxyAddress>();
/// assert_eq!(
///     wrong.map_err(|error| error.to_string()),
///     Err("\"10.1.2.3/8\" is no proxy's address: a network's address has only zeros after its \
///          first 8 bits; did you mean 10.0.0.0/8?".to_owned())
/// );
/// # Ok::<(), plainws::net::proxies::InvalidProxyAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress(Peers);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Peers {
    OverUnixSocket,
    Network {
        /// Never an IPv4-mapped one, and without any bit after the first `length`.
        first: IpAddr,
        /// At least 1.
        length: u32,
    },
}

impl ProxyAddress {
    fn covers(&self, peer: Option<IpAddr>) -> bool {
        match (&self.0, peer.map(|address| address.to_canonical())) {
            (Peers::OverUnixSocket, None) => true,
            (Peers::Network { first, length }, Some(peer)) => *first == beginning(peer, *length),
            _ => false,
        }
    }
}

/// In the shortest spelling.
impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Peers::OverUnixSocket => f.write_str("unix"),
            Peers::Network { first, length } if length == bits(first) => write!(f, "{first}"),
            Peers::Network { first, length } => write!(f, "{first}/{length}"),
        }
    }
}

/// A text that is no proxy's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidProxyAddress {
    text: String,
    reason: String,
}

impl InvalidProxyAddress {
    /// Why, and what to write instead.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, reason) = (shown(&self.text), &self.reason);
        write!(f, "\"{text}\" is no proxy's address: {reason}")
    }
}

impl std::error::Error for InvalidProxyAddress {}

impl FromStr for ProxyAddress {
    type Err = InvalidProxyAddress;

    fn from_str(text: &str) -> Result<Self, InvalidProxyAddress> {
        parse(text).map(Self).map_err(|reason| InvalidProxyAddress {
            text: text.to_owned(),
            reason,
        })
    }
}

fn parse(text: &str) -> Result<Peers, String> {
    if text == "unix" {
        return Ok(Peers::OverUnixSocket);
    }
    // As nginx writes it, or with the socket's path.
    if text.starts_with('/') || text.to_ascii_lowercase().starts_with("unix") {
        return Err("who connects over a Unix socket is unix, whatever its path".into());
    }
    if text == "*" {
        return Err(EVERYBODY.into());
    }
    let (written, length) = match text.split_once('/') {
        Some((written, length)) => (written, Some(length)),
        None => (text, None),
    };
    let written = address(written)?;
    let length = length.map_or(Ok(bits(written)), |digits| prefix(digits, written))?;
    let (first, length) = without_mapping(written, length)?;
    let start = beginning(first, length);
    if start != first {
        return Err(format!(
            "a network's address has only zeros after its first {length} bits; did you mean {start}/{length}?"
        ));
    }
    if first.is_unspecified() && length == bits(first) {
        return Err(
            "nobody connects from it; name the address that the proxy connects from".into(),
        );
    }
    Ok(Peers::Network { first, length })
}

const EVERYBODY: &str = "everybody would be trusted; name the proxy's address or network";

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| no_address(text))
}

/// Which of the usual mistakes it is.
fn no_address(text: &str) -> String {
    if text.contains([',', ' ']) {
        return "it is one address or network; name each by itself".into();
    }
    if text.contains('[') || text.contains(']') {
        return "an IPv6 address stands here without brackets and port, as 2001:db8::1".into();
    }
    if let Some((address, _)) = text.split_once('%') {
        let address = shown(address);
        return format!("it is an address without a zone, as {address}");
    }
    if let Some(address) = before_port(text) {
        return format!("a proxy connects from any port; leave it out, as {address}");
    }
    let mut parts = text.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.clone().all(is_number) {
        if parts.any(has_leading_zero) {
            return LEADING_ZERO.into();
        }
        return "an IPv4 address is four numbers from 0 to 255, as 192.0.2.1".into();
    }
    if text.contains(':') {
        return "an IPv6 address is up to eight groups of hexadecimal digits, as 2001:db8::1"
            .into();
    }
    if text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return "a name may lead elsewhere tomorrow; write the address".into();
    }
    "it is an address, a network, or unix, such as 192.0.2.1, 10.0.0.0/8, 2001:db8::/32".into()
}

fn before_port(text: &str) -> Option<Ipv4Addr> {
    let (address, _) = text.split_once(':')?;
    address.parse().ok()
}

const LEADING_ZERO: &str =
    "a number with a leading zero means another to some programs; leave the zero out";

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

/// How many bits the addresses of a network share.
fn prefix(digits: &str, address: IpAddr) -> Result<u32, String> {
    let most = bits(address);
    if digits.parse::<Ipv4Addr>().is_ok() {
        return Err("the length of a network is a number of bits, as in 10.0.0.0/8".into());
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "after the / stands a number of bits, from 1 to {most}"
        ));
    }
    if has_leading_zero(digits) {
        return Err(LEADING_ZERO.into());
    }
    match digits.parse() {
        Ok(0) => Err(EVERYBODY.into()),
        Ok(length) if length <= most => Ok(length),
        _ => Err(format!("the address has only {most} bits")),
    }
}

/// Peers are compared as what they are, so that a network of IPv4-mapped addresses would cover nobody.
fn without_mapping(address: IpAddr, length: u32) -> Result<(IpAddr, u32), String> {
    const MAPPED: u32 = 96;
    let canonical = address.to_canonical();
    if canonical == address {
        return Ok((address, length));
    }
    match length.checked_sub(MAPPED) {
        None => Err(format!(
            "it holds IPv4 addresses and others; write the network of the IPv4 addresses alone, as {canonical}/8"
        )),
        Some(0) => Err(EVERYBODY.into()),
        Some(length) => Ok((canonical, length)),
    }
}

const fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

/// The first address of the network that this one is in.
fn beginning(address: IpAddr, length: u32) -> IpAddr {
    let rest = bits(address).saturating_sub(length);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        let error = text.parse::<ProxyAddress>().expect_err(text);
        error.reason().to_owned()
    }

    #[test]
    fn entries_are_written_in_one_way() {
        for (text, normal) in [
            ("unix", "unix"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("128.0.0.0/1", "128.0.0.0/1"),
            ("0.0.0.0/1", "0.0.0.0/1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("2001:0db8::/32", "2001:db8::/32"),
            ("::1/128", "::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201/128", "192.0.2.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::/64", "::/64"),
        ] {
            let entry: ProxyAddress = text.parse().expect(text);
            assert_eq!(entry.to_string(), normal, "{text}");
            assert_eq!(normal.parse(), Ok(entry), "{text}");
        }
    }

    #[test]
    fn bits_after_those_of_the_network_are_refused_with_the_right_spelling() {
        for (text, right) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.1/31", "10.0.0.0/31"),
            ("192.0.2.129/1", "128.0.0.0/1"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("2001:db8::1/127", "2001:db8::/127"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ] {
            let told = reason(text);
            assert!(told.contains("only zeros after"), "{text}: {told}");
            assert!(told.ends_with(&format!("did you mean {right}?")), "{told}");
            assert!(right.parse::<ProxyAddress>().is_ok(), "{right}");
        }
    }

    #[test]
    fn each_mistake_has_a_reason_of_its_own() {
        for (told, texts) in [
            (
                "everybody would be trusted",
                &[
                    "0.0.0.0/0",
                    "::/0",
                    "10.0.0.0/0",
                    "::ffff:0.0.0.0/96",
                    "::ffff:0:0/96",
                    "*",
                ][..],
            ),
            ("nobody connects from it", &["0.0.0.0", "::", "::/128"]),
            ("has only 32 bits", &["10.0.0.0/33", "10.0.0.0/4294967304"]),
            ("has only 128 bits", &["2001:db8::/129"]),
            (
                "leading zero",
                &["010.0.0.1", "10.0.0.01/32", "10.0.0.0/08", "::/00"],
            ),
            (
                "without brackets",
                &["[2001:db8::1]", "[2001:db8::1]:80", "[2001:db8::]/32", "]"],
            ),
            (
                "leave it out, as 192.0.2.1",
                &["192.0.2.1:80", "192.0.2.1:", "192.0.2.1:x/8"],
            ),
            (
                "without a zone, as fe80::1",
                &["fe80::1%eth0", "fe80::1%1/64"],
            ),
            ("is a number of bits", &["10.0.0.0/255.0.0.0"]),
            (
                "from 1 to 32",
                &["10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/8/8"],
            ),
            ("from 1 to 128", &["::1/x"]),
            (
                "four numbers",
                &["10.0.0", "10.0.0.0.0", "10.0.0.256", "10", "2130706433/8"],
            ),
            (
                "eight groups",
                &["2001:db8:::1", ":", "1:2:3:4:5:6:7:8:9", "::g"],
            ),
            (
                "a name may",
                &["localhost", "proxy.example", "0x7f.0.0.1", "10.0.0.0x/8"],
            ),
            (
                "is unix, whatever its path",
                &["Unix", "unix:", "unix:/run/a", "/run/plainws.sock", "/8"],
            ),
            (
                "each by itself",
                &["10.0.0.1,10.0.0.2", "10.0.0.1 ", " 10.0.0.1"],
            ),
            (
                "the IPv4 addresses alone",
                &["::ffff:10.0.0.0/95", "::ffff:0:0/80", "::ffff:1.2.3.4/1"],
            ),
            ("such as", &["", "-", "\u{661}", "10..0.1"]),
        ] {
            for text in texts {
                let reason = reason(text);
                assert!(reason.contains(told), "{text}: {reason}");
            }
        }
        let error = "\u{1b}[2J".parse::<ProxyAddress>().expect_err("no address");
        assert!(
            error
                .to_string()
                .starts_with("\"\\u{1b}[2J\" is no proxy's"),
            "{error}"
        );
    }

    #[test]
    fn an_entry_covers_its_peers_and_nobody_else() {
        for (entry, right, wrong) in [
            (
                "192.0.2.1",
                &["192.0.2.1", "::ffff:192.0.2.1"][..],
                &[
                    "192.0.2.0",
                    "192.0.2.2",
                    "::192.0.2.1",
                    "::",
                    "64:ff9b::192.0.2.1",
                ][..],
            ),
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                &["9.255.255.255", "11.0.0.0", "a00::", "a00::1"],
            ),
            (
                "192.0.2.128/25",
                &["192.0.2.128", "192.0.2.255"],
                &["192.0.2.127", "192.0.3.128"],
            ),
            (
                "128.0.0.0/1",
                &["128.0.0.0", "255.255.255.255"],
                &["127.255.255.255"],
            ),
            (
                "2001:db8::/33",
                &["2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"],
                &["2001:db8:8000::", "2001:db7:ffff::", "2001:db9::"],
            ),
            ("::1", &["::1"], &["::", "::2", "127.0.0.1", "0.0.0.1"]),
            (
                "::/64",
                &["::1", "::1.2.3.4"],
                &["0.0.0.1", "::ffff:1.2.3.4", "0:0:0:1::"],
            ),
            (
                "::ffff:10.0.0.0/104",
                &["10.1.2.3", "::ffff:10.1.2.3"],
                &["11.0.0.0"],
            ),
        ] {
            let mut policy = ProxyPolicy::default();
            policy.trust("203.0.113.1".parse().expect("an address"));
            policy.trust(entry.parse().expect(entry));
            for peer in right.iter().chain(&["203.0.113.1"]) {
                let address = peer.parse().expect("an address");
                assert!(policy.trusts(Some(address)), "{peer}, {entry}");
            }
            for peer in wrong {
                let address = peer.parse().expect("an address");
                assert!(!policy.trusts(Some(address)), "{peer}, {entry}");
            }
            assert!(!policy.trusts(None), "{entry}");
        }
    }

    #[test]
    fn nobody_is_trusted_by_default_and_a_unix_socket_only_by_its_name() {
        let mut policy = ProxyPolicy::default();
        let here = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(policy.is_empty());
        assert!(!policy.trusts(None) && !policy.trusts(here));
        policy.trust("unix".parse().expect("an entry"));
        assert!(!policy.is_empty());
        assert!(policy.trusts(None) && !policy.trusts(here));
    }
}
