//! The PROXY protocol: what a proxy writes before the first byte of a connection to say whose it is.
//!
//! It is told in HAProxy's `proxy-protocol.txt`. Version 1 is one line, `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.
//! Version 2 is binary:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------------------------------------------------------+
//! |                    signature, twelve bytes                    |
//! +-------+-------+-------+-------+-------------------------------+
//! |version|command|family |carrier|   length of what follows      |
//! +-------+-------+-------+-------+-------------------------------+
//! |  source and destination address, source and destination port  |
//! +---------------+-------------------------------+---------------+
//! |     type      |            length             | value …       |
//! +---------------+-------------------------------+---------------+
//! ```
//!
//! Whoever can write to a socket can write such a header: read it from [trusted proxies](super::proxies) alone. No
//! request of HTTP and no handshake of TLS begins like one.
#![warn(clippy::indexing_slicing)]

use super::shown::shown;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// No header is longer. Proxies keep below 536 bytes, so that it always fits one packet; those that hand on a
/// client's certificate need some 2 KiB more.
pub const MAX_LENGTH: usize = 4096;

/// What a proxy says about a connection. A header may be right and tell nothing, as one of a health check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyHeader {
    /// Who connected to the proxy. An IPv4-mapped IPv6 address is told as the IPv4 address that it holds.
    pub source: Option<SocketAddr>,
    /// Where it connected to.
    pub destination: Option<SocketAddr>,
    /// Whether it used TLS. Only version 2 can tell.
    pub is_secure: Option<bool>,
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// They may become a header: call again with more.
    Incomplete,
    /// They are none, and will not become one.
    NotOne,
    /// A header, and how many bytes it has. What follows is the connection's.
    Header(ProxyHeader, usize),
}

/// Decodes the header of a connection, given all its bytes so far. Bytes after the header make no difference, nor do
/// the portions in which it arrives.
///
/// ```
/// use plainws::net::proxy_header::{Decoded, decode};
///
/// assert_eq!(decode(b"PRO")?, Decoded::Incomplete);
/// assert_eq!(decode(b"GET / HTTP/1.1\r\n")?, Decoded::NotOne);
/// let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /";
/// let Decoded::Header(header, length) = decode(line)? else { panic!() };
/// assert_eq!(header.source, "192.0.2.1:56324".parse().ok());
/// assert_eq!(&line[length..], b"GET /");
/// # Ok::<(), plainws::net::proxy_header::InvalidProxyHeader>(())
/// ```
///
/// # Errors
///
/// It begins as a header and is none. A line is judged at its end, or at 107 bytes if it has none; version 2 once at
/// its 16th byte and once at its last one.
pub fn decode(bytes: &[u8]) -> Result<Decoded, InvalidProxyHeader> {
    if let Some(rest) = bytes.strip_prefix(LINE_START) {
        return line(rest).map_err(|reason| InvalidProxyHeader { version: 1, reason });
    }
    if let Some(rest) = bytes.strip_prefix(SIGNATURE) {
        return binary(bytes, rest).map_err(|reason| InvalidProxyHeader { version: 2, reason });
    }
    if LINE_START.starts_with(bytes) || SIGNATURE.starts_with(bytes) {
        return Ok(Decoded::Incomplete);
    }
    Ok(Decoded::NotOne)
}

/// Bytes that begin as a PROXY header and are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidProxyHeader {
    version: u8,
    reason: String,
}

impl fmt::Display for InvalidProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, reason) = (self.version, &self.reason);
        write!(
            f,
            "the PROXY header (version {version}) is malformed: {reason}"
        )
    }
}

impl std::error::Error for InvalidProxyHeader {}

const LINE_START: &[u8] = b"PROXY ";
/// With the longest addresses and the longest protocol, and the line's end.
const MAX_LINE: usize = 107;

/// Version 1, after its first word.
fn line(rest: &[u8]) -> Result<Decoded, String> {
    let longest = MAX_LINE - LINE_START.len();
    let Some(end) = rest.iter().take(longest).position(|&byte| byte == b'\n') else {
        if rest.len() < longest {
            return Ok(Decoded::Incomplete);
        }
        return Err(format!("the line has no end in its first {MAX_LINE} bytes"));
    };
    let line = rest.get(..end).unwrap_or_default();
    let line = line
        .strip_suffix(b"\r")
        .ok_or("the line ends in LF alone; CR LF is needed")?;
    let header = connection(line)?;
    Ok(Decoded::Header(header, LINE_START.len() + end + 1))
}

fn connection(line: &[u8]) -> Result<ProxyHeader, String> {
    // What else such a line holds is to be ignored.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(ProxyHeader::default());
    }
    let text = String::from_utf8_lossy(line);
    let parts: Vec<_> = text.split(' ').collect();
    match &*parts {
        ["TCP4", ends @ ..] => both_ends::<Ipv4Addr>(ends, "IPv4"),
        ["TCP6", ends @ ..] => both_ends::<Ipv6Addr>(ends, "IPv6"),
        [protocol, ..] => Err(format!(
            "the protocol is TCP4, TCP6 or UNKNOWN, and not \"{}\"",
            shown(protocol)
        )),
        [] => Err("it names no protocol".into()),
    }
}

fn both_ends<Address>(ends: &[&str], family: &str) -> Result<ProxyHeader, String>
where
    Address: FromStr + Into<IpAddr>,
{
    let &[source, destination, source_port, destination_port] = ends else {
        return Err("after TCP4 or TCP6 stand two addresses and two ports, one space apart".into());
    };
    let address = |text: &str| match text.parse::<Address>() {
        Ok(address) => Ok(address.into().to_canonical()),
        Err(_) => Err(format!("\"{}\" is no {family} address", shown(text))),
    };
    let (source, destination) = (address(source)?, address(destination)?);
    let (source_port, destination_port) = (port(source_port)?, port(destination_port)?);
    Ok(ProxyHeader {
        source: Some((source, source_port).into()),
        destination: Some((destination, destination_port).into()),
        is_secure: None,
    })
}

fn port(text: &str) -> Result<u16, String> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = is_number && (text == "0" || !text.starts_with('0'));
    let port = text.parse().ok().filter(|_| is_canonical);
    port.ok_or_else(|| {
        let text = shown(text);
        format!("\"{text}\" is no port, a number from 0 to 65535 without leading zeros")
    })
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

mod command {
    pub(super) const LOCAL: u8 = 0;
    pub(super) const PROXY: u8 = 1;
}

mod family {
    pub(super) const UNSPECIFIED: u8 = 0;
    pub(super) const IPV4: u8 = 1;
    pub(super) const IPV6: u8 = 2;
    pub(super) const UNIX: u8 = 3;
}

mod carrier {
    pub(super) const UNSPECIFIED: u8 = 0;
    pub(super) const DATAGRAM: u8 = 2;
}

mod kind {
    pub(super) const CRC32C: u8 = 0x03;
    pub(super) const SSL: u8 = 0x20;
}

/// What is known after 16 bytes.
struct Opening {
    /// `None` if what follows tells nothing.
    family: Option<u8>,
    length: u16,
}

/// Version 2: all of it, and what follows its signature.
fn binary(bytes: &[u8], rest: &[u8]) -> Result<Decoded, String> {
    let Some((&[first, second, high, low], rest)) = rest.split_first_chunk() else {
        return Ok(Decoded::Incomplete);
    };
    let opening = opening(first, second, u16::from_be_bytes([high, low]))?;
    let Some((body, _)) = rest.split_at_checked(opening.length.into()) else {
        return Ok(Decoded::Incomplete);
    };
    let length = SIGNATURE.len() + 4 + body.len();
    let header = match opening.family {
        None => ProxyHeader::default(),
        Some(family) => {
            let (mut header, extensions) = addresses(family, body)?;
            let whole = bytes.get(..length).unwrap_or_default();
            header.is_secure = told_beside(extensions, whole)?;
            header
        }
    };
    Ok(Decoded::Header(header, length))
}

fn opening(first: u8, second: u8, length: u16) -> Result<Opening, String> {
    let (version, command) = (first >> 4, first & 0x0f);
    let (family, carrier) = (second >> 4, second & 0x0f);
    if version != 2 {
        return Err(format!("it says version {version}"));
    }
    if command != command::LOCAL && command != command::PROXY {
        return Err(format!("there is no command {command}"));
    }
    // The proxy's own connection: what follows is to be ignored, and so is the family.
    let is_local = command == command::LOCAL;
    if !is_local && family > family::UNIX {
        return Err(format!("there is no address family {family}"));
    }
    if !is_local && carrier > carrier::DATAGRAM {
        return Err(format!("there is no transport protocol {carrier}"));
    }
    let all = SIGNATURE.len() + 4 + usize::from(length);
    if all > MAX_LENGTH {
        return Err(format!(
            "it has {all} bytes, and only {MAX_LENGTH} are read"
        ));
    }
    let tells_nothing =
        is_local || family == family::UNSPECIFIED || carrier == carrier::UNSPECIFIED;
    Ok(Opening {
        family: (!tells_nothing).then_some(family),
        length,
    })
}

/// The two ends, and what follows them.
fn addresses(family: u8, body: &[u8]) -> Result<(ProxyHeader, &[u8]), String> {
    const UNIX_ADDRESS: usize = 108;
    let too_short = |family, needed| {
        let length = body.len();
        format!("two {family} addresses have {needed} bytes, and its length is {length}")
    };
    match family {
        family::IPV4 => ends::<4, Ipv4Addr>(body).ok_or_else(|| too_short("IPv4", 12)),
        family::IPV6 => ends::<16, Ipv6Addr>(body).ok_or_else(|| too_short("IPv6", 36)),
        _ => {
            let (_, extensions) = body
                .split_at_checked(2 * UNIX_ADDRESS)
                .ok_or_else(|| too_short("Unix", 2 * UNIX_ADDRESS))?;
            Ok((ProxyHeader::default(), extensions))
        }
    }
}

/// Addresses of `N` bytes, and ports.
fn ends<const N: usize, Address>(body: &[u8]) -> Option<(ProxyHeader, &[u8])>
where
    Address: From<[u8; N]> + Into<IpAddr>,
{
    let (&source, rest) = body.split_first_chunk::<N>()?;
    let (&destination, rest) = rest.split_first_chunk::<N>()?;
    let (&source_port, rest) = rest.split_first_chunk()?;
    let (&destination_port, rest) = rest.split_first_chunk()?;
    let end = |address: [u8; N], port| {
        let address = Address::from(address).into().to_canonical();
        SocketAddr::from((address, u16::from_be_bytes(port)))
    };
    let header = ProxyHeader {
        source: Some(end(source, source_port)),
        destination: Some(end(destination, destination_port)),
        is_secure: None,
    };
    Some((header, rest))
}

/// Reads what follows the addresses: type, length, value, again and again. Tells whether the client used TLS.
fn told_beside(mut extensions: &[u8], whole: &[u8]) -> Result<Option<bool>, String> {
    const USED_TLS: u8 = 1;
    let (mut is_secure, mut has_checksum) = (None, false);
    while !extensions.is_empty() {
        let place = whole.len() - extensions.len() + 3;
        let (kind, value, rest) = extension(extensions)?;
        extensions = rest;
        match kind {
            kind::SSL => {
                let (&[client, _, _, _, _], mut parts) = value
                    .split_first_chunk()
                    .ok_or("its part about TLS is too short")?;
                while !parts.is_empty() {
                    (_, _, parts) = extension(parts)?;
                }
                if is_secure.replace(client & USED_TLS != 0).is_some() {
                    return Err("it has two parts about TLS".into());
                }
            }
            kind::CRC32C if has_checksum => return Err("it has two checksums".into()),
            kind::CRC32C => {
                has_checksum = true;
                let sum = value
                    .try_into()
                    .map_err(|_| "its checksum has not four bytes")?;
                if u32::from_be_bytes(sum) != crc32c(whole, place) {
                    return Err("its checksum is wrong: it was changed on its way".into());
                }
            }
            _ => {}
        }
    }
    Ok(is_secure)
}

/// A type, its value, and what follows.
fn extension(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), String> {
    const SHORT: &str = "a part after its addresses is longer than what holds it";
    let (&[kind, high, low], rest) = bytes.split_first_chunk().ok_or(SHORT)?;
    let length = u16::from_be_bytes([high, low]).into();
    let (value, rest) = rest.split_at_checked(length).ok_or(SHORT)?;
    Ok((kind, value, rest))
}

/// RFC 9260 appendix A, with the four bytes at `place`, where the sum itself stands, taken for zero.
fn crc32c(bytes: &[u8], place: usize) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut sum = u32::MAX;
    for (position, &byte) in bytes.iter().enumerate() {
        let is_sum = position >= place && position < place + 4;
        sum ^= if is_sum { 0 } else { u32::from(byte) };
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    !sum
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    /// The verdict on a stream, the same however it is cut: on each beginning it is either still open or the final
    /// one. Tells after how many bytes it is final.
    fn verdict(bytes: &[u8]) -> (Result<Decoded, InvalidProxyHeader>, usize) {
        let last = decode(bytes);
        let verdicts = (0..=bytes.len()).map(|end| decode(&bytes[..end]));
        let point = verdicts.clone().position(|told| told == last);
        let point = point.expect("the whole is one of them");
        for (end, told) in verdicts.enumerate() {
            let right = if end < point {
                Ok(Decoded::Incomplete)
            } else {
                last.clone()
            };
            assert_eq!(told, right, "after {end} of {}", bytes.escape_ascii());
        }
        (last, point)
    }

    /// A header that is followed by something else, which takes part in nothing.
    fn header(bytes: &[u8]) -> ProxyHeader {
        for more in [&b""[..], b"G", b"\n", b"PROXY TCP4", &[0; 300]] {
            let (told, point) = verdict(&[bytes, more].concat());
            let Ok(Decoded::Header(header, length)) = told else {
                panic!("{}: {told:?}", bytes.escape_ascii())
            };
            assert_eq!((length, point), (bytes.len(), bytes.len()));
            if more.len() == 300 {
                return header;
            }
        }
        unreachable!()
    }

    fn told(source: &str, destination: &str, is_secure: Option<bool>) -> ProxyHeader {
        ProxyHeader {
            source: Some(source.parse().expect("an address")),
            destination: Some(destination.parse().expect("an address")),
            is_secure,
        }
    }

    /// What is wrong, and after how many bytes that was told.
    fn fault(bytes: &[u8]) -> (String, usize) {
        let (told, point) = verdict(bytes);
        match told {
            Err(error) => (error.to_string(), point),
            Ok(other) => panic!("{}: {other:?}", bytes.escape_ascii()),
        }
    }

    fn binary(first: u8, second: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("a length");
        let fixed = [&[first, second][..], &length.to_be_bytes()].concat();
        [SIGNATURE, &*fixed, body].concat()
    }

    const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 1, 0xbb];

    fn with_extensions(extensions: &[&[u8]]) -> Vec<u8> {
        binary(0x21, 0x11, &[&IPV4[..], &extensions.concat()].concat())
    }

    fn hex(digits: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("a byte");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_line_tells_both_ends() {
        for (line, right) in [
            (
                "PROXY TCP4 127.0.0.1 127.0.0.1 42580 57909",
                told("127.0.0.1:42580", "127.0.0.1:57909", None),
            ),
            (
                "PROXY TCP4 255.255.255.255 0.0.0.0 65535 0",
                told("255.255.255.255:65535", "0.0.0.0:0", None),
            ),
            (
                "PROXY TCP6 2001:DB8::1 ::1 1 443",
                told("[2001:db8::1]:1", "[::1]:443", None),
            ),
            (
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe \
                 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
                told(
                    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535",
                    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                    None,
                ),
            ),
            (
                "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2",
                told("192.0.2.1:1", "198.51.100.2:2", None),
            ),
        ] {
            assert_eq!(header(format!("{line}\r\n").as_bytes()), right, "{line}");
        }
    }

    #[test]
    fn an_unknown_protocol_tells_nothing_whatever_else_the_line_holds() {
        let longest = format!("PROXY UNKNOWN {}", "x".repeat(91));
        for line in [
            "PROXY UNKNOWN",
            "PROXY UNKNOWN ",
            "PROXY UNKNOWN 192.0.2.1 192.0.2.1 1 1",
            "PROXY UNKNOWN \u{1b}\r\r",
            &longest,
        ] {
            let told = header(format!("{line}\r\n").as_bytes());
            assert_eq!(told, ProxyHeader::default(), "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_at_its_end() {
        for (line, told) in [
            ("PROXY \r\n", "not \"\""),
            ("PROXY\u{20}\u{20}TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "not \"\""),
            ("PROXY / HTTP/1.1\r\n", "not \"/\""),
            ("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", "not \"tcp4\""),
            ("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", "not \"UDP4\""),
            ("PROXY UNKNOWNS\r\n", "not \"UNKNOWNS\""),
            ("PROXY TCP4\r\n", "two addresses and two ports"),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
                "two addresses and two ports",
            ),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
                "two addresses and two ports",
            ),
            (
                "PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n",
                "two addresses and two ports",
            ),
            (
                "PROXY TCP4 ::1 1.2.3.4 1 1\r\n",
                "\"::1\" is no IPv4 address",
            ),
            (
                "PROXY TCP4 1.2.3.4 ::1 1 1\r\n",
                "\"::1\" is no IPv4 address",
            ),
            (
                "PROXY TCP6 1.2.3.4 ::1 1 1\r\n",
                "\"1.2.3.4\" is no IPv6 address",
            ),
            (
                "PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n",
                "\"1.2.3.04\" is no IPv4",
            ),
            ("PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", "\"1.2.3\" is no IPv4"),
            ("PROXY TCP6 [::1] ::1 1 1\r\n", "\"[::1]\" is no IPv6"),
            (
                "PROXY TCP6 fe80::1%lo ::1 1 1\r\n",
                "\"fe80::1%lo\" is no IPv6",
            ),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", "\"01\" is no port"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n", "\"00\" is no port"),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", "\"+1\" is no port"),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
                "\"65536\" is no port",
            ),
            (
                "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n",
                "\"1\\r\" is no port",
            ),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "LF alone"),
            ("PROXY UNKNOWN\n", "LF alone"),
            ("PROXY TCP4 1.2.3.4\t1.2.3.4 1 1\r\n", "two addresses"),
        ] {
            let (reason, point) = fault(format!("{line}GET / HTTP/1.1\r\n").as_bytes());
            assert!(reason.contains(told), "{line:?}: {reason}");
            assert!(reason.starts_with("the PROXY header (version 1) is malformed: "));
            assert_eq!(point, line.len(), "{line:?}");
        }
    }

    #[test]
    fn a_line_of_more_than_107_bytes_is_refused_at_the_107th() {
        for line in [
            format!("PROXY UNKNOWN {}\r\n", "x".repeat(92)),
            format!("PROXY {}", "x".repeat(500)),
            format!("PROXY UNKNOWN {}\r", "x".repeat(92)),
        ] {
            let (reason, point) = fault(line.as_bytes());
            assert!(reason.contains("no end in its first 107 bytes"), "{reason}");
            assert_eq!(point, 107, "{line}");
        }
    }

    #[test]
    fn what_begins_as_something_else_is_none_as_soon_as_it_differs() {
        for (bytes, point) in [
            (&b"GET / HTTP/1.1\r\n"[..], 1),
            (b"POST", 2),
            (b"PROXY\t", 6),
            (b"PROXYX", 6),
            (b"proxy ", 1),
            (b"\x16\x03\x01", 1),
            (b"\r\nGET", 3),
            (b"\r\n\r\n\0\r\nQUIT\r", 12),
            (b"\n", 1),
        ] {
            assert_eq!(verdict(bytes), (Ok(Decoded::NotOne), point));
        }
        assert_eq!(decode(b""), Ok(Decoded::Incomplete));
    }

    #[test]
    fn binary_addresses_are_read_of_both_families_and_both_carriers() {
        let ipv6: Vec<_> = [
            &Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets()[..],
            &Ipv6Addr::LOCALHOST.octets(),
            &[0xdc, 0x04, 1, 0xbb],
        ]
        .concat();
        let mapped: Vec<_> = [
            &Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets()[..],
            &Ipv6Addr::LOCALHOST.octets(),
            &[0, 1, 0, 2],
        ]
        .concat();
        let v4 = told("192.0.2.1:56324", "198.51.100.2:443", None);
        let v6 = told("[2001:db8::1]:56324", "[::1]:443", None);
        for (second, body, right) in [
            (0x11, &IPV4[..], v4),
            (0x12, &IPV4[..], v4),
            (0x21, &*ipv6, v6),
            (0x22, &*ipv6, v6),
            (0x21, &*mapped, told("192.0.2.1:1", "[::1]:2", None)),
            (0x31, &[b'a'; 216], ProxyHeader::default()),
            (0x32, &[0; 216], ProxyHeader::default()),
        ] {
            assert_eq!(header(&binary(0x21, second, body)), right, "{second:x}");
        }
    }

    #[test]
    fn what_is_unspecified_or_of_the_proxy_itself_tells_nothing_whatever_follows() {
        let tls = [0x20, 0, 5, 1, 0, 0, 0, 0];
        for (first, second, body) in [
            (0x20, 0x00, &[][..]),
            (0x20, 0x11, &IPV4),
            (0x20, 0xff, &[0xff; 50]),
            (0x20, 0x00, &tls),
            (0x21, 0x00, &tls),
            (0x21, 0x01, &[1, 2, 3]),
            (0x21, 0x10, &IPV4),
            (0x21, 0x00, &[0; MAX_LENGTH - 16]),
        ] {
            let told = header(&binary(first, second, body));
            assert_eq!(told, ProxyHeader::default(), "{first:x} {second:x}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_first_16_bytes_is_told_there() {
        for (first, second, length, told) in [
            (0x11, 0x11, 12_u16, "it says version 1"),
            (0x31, 0x11, 12, "it says version 3"),
            (0x22, 0x11, 12, "no command 2"),
            (0x2f, 0x11, 12, "no command 15"),
            (0x21, 0x41, 12, "no address family 4"),
            (0x21, 0xf0, 12, "no address family 15"),
            (0x21, 0x13, 12, "no transport protocol 3"),
            (0x21, 0x0f, 12, "no transport protocol 15"),
            (
                0x21,
                0x11,
                4081,
                "it has 4097 bytes, and only 4096 are read",
            ),
            (0x20, 0x00, u16::MAX, "it has 65551 bytes"),
        ] {
            let fixed = [&[first, second][..], &length.to_be_bytes()].concat();
            let (reason, point) = fault(&[SIGNATURE, &*fixed, &[0; 30]].concat());
            assert!(reason.contains(told), "{reason}");
            assert!(reason.starts_with("the PROXY header (version 2) is malformed: "));
            assert_eq!(point, 16);
        }
    }

    #[test]
    fn a_length_below_that_of_the_addresses_is_refused() {
        for (second, needed) in [(0x11, 12), (0x21, 36), (0x31, 216)] {
            for length in [0, needed - 1] {
                let (reason, _) = fault(&binary(0x21, second, &vec![0; length]));
                assert!(reason.contains(&format!("have {needed} bytes")), "{reason}");
            }
        }
    }

    #[test]
    fn the_part_about_tls_tells_whether_the_client_used_it() {
        let version = b"\x21\0\x07TLSv1.3";
        let long = [&[0x20, 0, 15, 1, 0, 0, 0, 0][..], version].concat();
        for (extensions, is_secure) in [
            (&[][..], None),
            (&[&[0x20, 0, 5, 1, 0, 0, 0, 1][..]], Some(true)),
            (&[&[0x20, 0, 5, 7, 0, 0, 0, 0]], Some(true)),
            (&[&[0x20, 0, 5, 0, 0, 0, 0, 0]], Some(false)),
            (&[&[0x20, 0, 5, 6, 0, 0, 0, 0]], Some(false)),
            (&[&*long], Some(true)),
            // Others are skipped: ALPN, padding, a type that is not known yet.
            (&[b"\x01\0\x02h2", b"\x04\0\0", b"\xff\0\x01x"], None),
            (&[b"\x04\0\x03\x20\0\0", &*long, b"\x04\0\0"], Some(true)),
        ] {
            let told = header(&with_extensions(extensions));
            assert_eq!(told.is_secure, is_secure, "{extensions:?}");
        }
        let over_unix = [&[0; 216][..], &long].concat();
        assert_eq!(
            header(&binary(0x21, 0x31, &over_unix)).is_secure,
            Some(true)
        );
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_once_all_of_the_header_is_there() {
        let tls = [0x20, 0, 5, 1, 0, 0, 0, 0];
        for (extensions, told) in [
            (&[&b"\x04"[..]][..], "longer than what holds it"),
            (&[b"\x04\0"], "longer than what holds it"),
            (&[b"\x04\0\x01"], "longer than what holds it"),
            (&[b"\x04\xff\xff"], "longer than what holds it"),
            (&[&tls, b"\x04\0\x02x"], "longer than what holds it"),
            (&[b"\x20\0\0"], "part about TLS is too short"),
            (&[b"\x20\0\x04\x01\0\0\0"], "part about TLS is too short"),
            (
                &[b"\x20\0\x06\x01\0\0\0\0\x21"],
                "longer than what holds it",
            ),
            (
                &[b"\x20\0\x09\x01\0\0\0\0\x21\0\x02x", b"\x04\0\0"],
                "longer than what holds it",
            ),
            (&[&tls, &tls], "two parts about TLS"),
            (&[b"\x03\0\x03abc"], "not four bytes"),
            (&[b"\x03\0\x05abcde"], "not four bytes"),
            (&[b"\x03\0\x04abcd"], "its checksum is wrong"),
        ] {
            let bytes = with_extensions(extensions);
            let (reason, point) = fault(&[&*bytes, b"more"].concat());
            assert!(reason.contains(told), "{extensions:?}: {reason}");
            assert_eq!(point, bytes.len());
        }
    }

    /// Written by HAProxy 2.6 (`send-proxy-v2 proxy-v2-options crc32c,ssl,cert-cn,ssl-cipher,unique-id`).
    const OF_HAPROXY: &str = "0d0a0d0a000d0a515549540a2111004c7f0000017f000001b4b8a191\
         0300043e989f1c010008687474702f312e31050000\
         2000280100000000210007544c5376312e33230016544c535f4145535f3235365f47434d5f534841333834";

    #[test]
    fn any_bit_that_changed_on_the_way_is_found_by_the_checksum() {
        let bytes = hex(OF_HAPROXY);
        let right = told("127.0.0.1:46264", "127.0.0.1:41361", Some(true));
        assert_eq!(header(&bytes), right);
        let place = 16 + IPV4.len();
        for position in 16..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                // The type and the length of the checksum itself: then there is none, or it takes other bytes.
                if (place..place + 3).contains(&position) {
                    continue;
                }
                assert!(decode(&changed).is_err(), "bit {bit} of byte {position}");
            }
        }
        let second = [&bytes[place..place + 7], &bytes[place..place + 7]].concat();
        let (reason, _) = fault(&with_extensions(&[&second]));
        assert!(reason.contains("checksum is wrong"), "{reason}");
    }

    #[test]
    fn a_second_checksum_is_refused() {
        let mut bytes = with_extensions(&[b"\x03\0\x04\0\0\0\0", b"\x03\0\x04\0\0\0\0"]);
        let place = 16 + IPV4.len() + 3;
        let sum = crc32c(&bytes, place);
        bytes[place..place + 4].copy_from_slice(&sum.to_be_bytes());
        assert!(fault(&bytes).0.contains("two checksums"));
    }

    #[test]
    fn the_sum_is_that_of_rfc_9260() {
        assert_eq!(crc32c(b"123456789", 9), 0xe306_9283);
        assert_eq!(crc32c(b"1234xxxx9", 4), crc32c(b"1234\0\0\0\09", 9));
    }
}
