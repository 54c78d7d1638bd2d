//! What proxies say in a request about who sent it: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! Each proxy adds what it saw at the right end of a list: who connected to it, how, and which host was asked for.
//! The left end is whatever the client sent. So the list is read from the right, as long as who wrote the element is
//! [trusted](super::proxies):
//!
//! ```text
//! X-Forwarded-For: 127.0.0.1, 198.51.100.7, 10.0.0.2       from 10.0.0.1; 10.0.0.0/8 is trusted
//!                  ─────────  ────────────  ────────
//!                  the        written by    written by
//!                  client     10.0.0.2: it  10.0.0.1, the peer
//!                  sent this  is believed
//! ```
#![warn(clippy::indexing_slicing)]

use super::hosts::Host;
use super::proxies::ProxyPolicy;
use super::shown::shown;
use crate::protocol::head::{Head, is_token};
use crate::protocol::request::split_authority;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

/// What the outermost trusted proxy tells about a request. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded {
    /// Who sent it to that proxy; `None` if no better is known than the peer. Never an IPv4-mapped IPv6 address.
    pub client: Option<IpAddr>,
    /// Whether it came there by TLS.
    pub is_secure: Option<bool>,
    /// Which host it asked for there.
    pub host: Option<String>,
}

/// Reads what trusted proxies say in a request that came from `peer`, which is `None` for one that connects over a
/// Unix socket.
///
/// - A list goes on over several header fields of its name.
/// - An address that is unknown, hidden or not readable ends the walk at the one before it. So does an element of
///   `Forwarded` that is malformed; nothing else is taken from it.
/// - Protocol and host are those of the last element that was read. `X-Forwarded-Proto` and `-Host` tell them by
///   the value as far from the right as the address in `X-Forwarded-For`, or the leftmost if there are fewer.
/// - Protocols other than `http`, `https`, `ws` and `wss` tell nothing, nor does what is no host.
///
/// ```
/// use plainws::Role;
/// use plainws::net::forwarded;
/// use plainws::net::proxies::ProxyPolicy;
/// use plainws::protocol::head::{Decoder, Limits};
///
/// let mut proxies = ProxyPolicy::default();
/// proxies.trust("10.0.0.0/8".parse()?);
/// let request = b"GET / HTTP/1.1\r\n\
///     Forwarded: for=127.0.0.1, for=198.51.100.7;proto=https;host=a.example, for=10.0.0.2\r\n\r\n";
/// let mut decoder = Decoder::new(Role::Client, Limits::default());
/// let (head, _) = decoder.receive(request)?.expect("the head is complete");
///
/// let told = forwarded::read(&head, Some([10, 0, 0, 1].into()), &proxies)?;
/// assert_eq!(told.client, Some([198, 51, 100, 7].into()));
/// assert_eq!(told.is_secure, Some(true));
/// assert_eq!(told.host.as_deref(), Some("a.example"));
///
/// let of_a_stranger = forwarded::read(&head, Some([192, 0, 2, 1].into()), &proxies)?;
/// assert_eq!(of_a_stranger, forwarded::Forwarded::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `Forwarded` and the others are both there and tell different things: a client can add those that the proxy does
/// not write.
pub fn read(
    head: &Head,
    peer: Option<IpAddr>,
    proxies: &ProxyPolicy,
) -> Result<Forwarded, Unclear> {
    if !proxies.trusts(peer) {
        return Ok(Forwarded::default());
    }
    let standard = standard(head, proxies);
    let others = others(head, proxies);
    match (standard, others) {
        (Some(standard), Some((others, names))) if standard != others => Err(Unclear {
            standard,
            others,
            names,
        }),
        (Some(told), _) | (None, Some((told, _))) => Ok(told),
        (None, None) => Ok(Forwarded::default()),
    }
}

/// Two kinds of headers tell different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    standard: Forwarded,
    others: Forwarded,
    names: String,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (standard, others) = (in_short(&self.standard), in_short(&self.others));
        let names = &self.names;
        write!(
            f,
            "Forwarded ({standard}) and {names} ({others}) differ; \
             let the proxy remove the one that it does not write"
        )
    }
}

impl std::error::Error for Unclear {}

fn in_short(told: &Forwarded) -> String {
    let client = told.client.map(|client| format!("client {client}"));
    let protocol = told.is_secure.map(|is_secure| match is_secure {
        true => "protocol https".into(),
        false => "protocol http".into(),
    });
    let host = told
        .host
        .as_ref()
        .map(|host| format!("host {}", shown(host)));
    let all: Vec<String> = [client, protocol, host].into_iter().flatten().collect();
    if all.is_empty() {
        return "nothing".into();
    }
    all.join(", ")
}

/// What one proxy says.
#[derive(Default)]
struct Hop {
    client: Option<IpAddr>,
    is_secure: Option<bool>,
    host: Option<String>,
}

/// From the right to the left, as long as who wrote it is trusted.
fn walk(hops: impl Iterator<Item = Hop>, proxies: &ProxyPolicy) -> Forwarded {
    let mut told = Forwarded::default();
    for hop in hops {
        let client = hop.client;
        told = Forwarded {
            client: client.or(told.client),
            is_secure: hop.is_secure,
            host: hop.host,
        };
        if client.is_none() || !proxies.trusts(client) {
            break;
        }
    }
    told
}

/// What `Forwarded` tells, if it is there.
fn standard(head: &Head, proxies: &ProxyPolicy) -> Option<Forwarded> {
    let values: Vec<_> = head.values("forwarded").collect();
    let elements = values.into_iter().rev().flat_map(elements_from_the_right);
    let mut hops = elements.map(element).peekable();
    hops.peek()?;
    Some(walk(hops.map_while(|hop| hop), proxies))
}

/// Those of a list, without empty ones. From the right it is clear where the last element begins, whatever the client
/// sent before it: a quotation mark that is never closed, for instance.
fn elements_from_the_right(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    let elements = std::iter::from_fn(move || {
        let list = rest?;
        let Some(comma) = last_comma(list) else {
            return rest.take();
        };
        let (before, after) = list.split_at_checked(comma)?;
        rest = Some(before);
        after.get(1..)
    });
    elements
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// The last one outside of quotation marks.
fn last_comma(list: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    for (place, byte) in list.iter().enumerate().rev() {
        match byte {
            b'"' => {
                let before = list.get(..place)?.iter().rev();
                let backslashes = before.take_while(|&&byte| byte == b'\\').count();
                is_quoted ^= backslashes % 2 == 0;
            }
            b',' if !is_quoted => return Some(place),
            _ => {}
        }
    }
    None
}

/// RFC 7239 §4: pairs of a name and a value between semicolons, each name once. `None` if it is malformed.
fn element(mut text: &[u8]) -> Option<Hop> {
    str::from_utf8(text).ok()?;
    let (mut node, mut protocol, mut host) = (None, None, None);
    loop {
        // The grammar has no blanks around a semicolon. Some write them, and they are no other thing.
        text = text.trim_ascii_start();
        if let Some(rest) = text.strip_prefix(b";") {
            text = rest;
            continue;
        }
        if text.is_empty() {
            break;
        }
        let equals = text.iter().position(|&byte| byte == b'=')?;
        let (name, rest) = text.split_at_checked(equals)?;
        let (value, rest) = value(rest.get(1..)?)?;
        text = rest.trim_ascii_start();
        if !is_token(name) || !(text.is_empty() || text.starts_with(b";")) {
            return None;
        }
        let place = match &*name.to_ascii_lowercase() {
            b"for" => &mut node,
            b"proto" => &mut protocol,
            b"host" => &mut host,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    Some(Hop {
        client: node.and_then(|node| address(&node, Ipv6::InBrackets)),
        is_secure: protocol.and_then(|protocol| is_secure(&protocol)),
        host: host.and_then(|host| checked_host(&host)),
    })
}

/// A token or a quoted string (RFC 9110 §5.6), as text, and what follows it.
fn value(text: &[u8]) -> Option<(String, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text
            .iter()
            .position(|&byte| byte == b';' || byte == b' ' || byte == b'\t');
        let (token, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
        let value = str::from_utf8(token).ok().filter(|_| is_token(token))?;
        return Some((value.to_owned(), rest));
    };
    let mut value = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((String::from_utf8(value).ok()?, after)),
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

/// What the three others tell, if one of them is there, and those that are.
fn others(head: &Head, proxies: &ProxyPolicy) -> Option<(Forwarded, String)> {
    let names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
    let lists = names.map(|name| from_the_right(head, name));
    let present = names
        .into_iter()
        .zip(&lists)
        .filter(|(_, list)| !list.is_empty());
    let present: Vec<_> = present.map(|(name, _)| name).collect();
    if present.is_empty() {
        return None;
    }
    let [nodes, protocols, hosts] = lists;
    // Without addresses there is what the peer says of its own client.
    let hops = (0..nodes.len().max(1)).map(|distance| Hop {
        client: text(nodes.get(distance)).and_then(|node| address(node, Ipv6::Anyhow)),
        is_secure: text(protocols.get(distance).or(protocols.last())).and_then(is_secure),
        host: text(hosts.get(distance).or(hosts.last())).and_then(checked_host),
    });
    Some((walk(hops, proxies), present.join(", ")))
}

fn from_the_right<'a>(head: &'a Head, name: &str) -> Vec<&'a [u8]> {
    let mut list: Vec<_> = head.list(name).collect();
    list.reverse();
    list
}

fn text<'a>(element: Option<&&'a [u8]>) -> Option<&'a str> {
    str::from_utf8(element?).ok()
}

/// How IPv6 addresses may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ipv6 {
    InBrackets,
    Anyhow,
}

/// RFC 7239 §6: an address, and a port if need be. `None` for what is unknown, hidden or nothing of that.
fn address(node: &str, ipv6: Ipv6) -> Option<IpAddr> {
    let bare = node.parse::<Ipv6Addr>().ok();
    if let Some(address) = bare.filter(|_| ipv6 == Ipv6::Anyhow) {
        return Some(IpAddr::from(address).to_canonical());
    }
    let (name, port) = split_authority(node);
    let address: IpAddr = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
        None => name.parse::<Ipv4Addr>().ok()?.into(),
    };
    port.is_none_or(is_port).then(|| address.to_canonical())
}

/// Ports may be hidden, too.
fn is_port(port: &str) -> bool {
    let is_hidden_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match port.strip_prefix('_') {
        Some(hidden) => !hidden.is_empty() && hidden.bytes().all(is_hidden_byte),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_secure(protocol: &str) -> Option<bool> {
    match &*protocol.to_ascii_lowercase() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

fn checked_host(text: &str) -> Option<String> {
    text.parse::<Host>().ok().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Role;
    use crate::protocol::head::{Decoder, Limits};

    fn head(fields: &[&str]) -> Head {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let request = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        let received = decoder.receive(request.as_bytes());
        received.expect(&request).expect("a whole head").0
    }

    /// 10.0.0.0/8 and `unix` are trusted.
    fn read_from(peer: Option<&str>, fields: &[&str]) -> Result<Forwarded, Unclear> {
        let mut proxies = ProxyPolicy::default();
        for proxy in ["10.0.0.0/8", "unix", "2001:db8:ffff::/48"] {
            proxies.trust(proxy.parse().expect(proxy));
        }
        let peer = peer.map(|peer| peer.parse().expect(peer));
        read(&head(fields), peer, &proxies)
    }

    /// Told through 10.0.0.1.
    fn told(fields: &[&str]) -> Forwarded {
        read_from(Some("10.0.0.1"), fields).expect("one answer")
    }

    fn client(fields: &[&str]) -> String {
        let told = told(fields).client;
        told.map_or("none".into(), |client| client.to_string())
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        let fields = [
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: a.example",
        ];
        let all = Forwarded {
            client: Some([192, 0, 2, 1].into()),
            is_secure: Some(true),
            host: Some("a.example".into()),
        };
        for fields in [
            &fields[..],
            &["Forwarded: for=192.0.2.1;proto=https;host=a.example"],
        ] {
            for peer in ["10.0.0.1", "::ffff:10.255.0.1", "2001:db8:ffff::1"] {
                assert_eq!(read_from(Some(peer), fields), Ok(all.clone()), "{peer}");
            }
            assert_eq!(read_from(None, fields), Ok(all.clone()));
            for peer in ["11.0.0.1", "::1", "127.0.0.1", "192.0.2.1"] {
                let nothing = Ok(Forwarded::default());
                assert_eq!(read_from(Some(peer), fields), nothing, "{peer}");
            }
        }
        // Not even that two of them differ is a stranger's to say.
        let unclear = ["Forwarded: for=1.1.1.1", "X-Forwarded-For: 2.2.2.2"];
        assert!(read_from(Some("11.0.0.1"), &unclear).is_ok());
        let nobody = ProxyPolicy::default();
        let told = read(&head(&fields), None, &nobody);
        assert_eq!(told, Ok(Forwarded::default()));
    }

    #[test]
    fn the_client_is_the_first_address_from_the_right_that_is_no_trusted_proxy() {
        for (list, right) in [
            ("192.0.2.1", "192.0.2.1"),
            ("127.0.0.1, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("127.0.0.1,192.0.2.1,10.0.0.3,10.0.0.2", "192.0.2.1"),
            ("10.0.0.4, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            // All are proxies: the outermost of them asks for itself.
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.2", "10.0.0.2"),
            (" , ,192.0.2.1,, 10.0.0.2 ,", "192.0.2.1"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, _hidden, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, 10.0.0.300, 10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, unknown", "none"),
            ("192.0.2.1, x", "none"),
            ("", "none"),
        ] {
            assert_eq!(
                client(&[&format!("X-Forwarded-For: {list}")]),
                right,
                "{list}"
            );
            let elements = list.split(',').map(|node| match node.trim() {
                "" => String::new(),
                node => format!("for={node}"),
            });
            let list = elements.collect::<Vec<_>>().join(", ");
            assert_eq!(client(&[&format!("Forwarded: {list}")]), right, "{list}");
        }
    }

    #[test]
    fn several_fields_are_one_list() {
        for (fields, right) in [
            (
                &[
                    "X-Forwarded-For: 127.0.0.1, 192.0.2.1",
                    "x-forwarded-for: 10.0.0.2",
                ][..],
                "192.0.2.1",
            ),
            (
                &[
                    "X-Forwarded-For: 127.0.0.1",
                    "Cookie: a",
                    "X-FORWARDED-FOR: 192.0.2.1",
                ],
                "192.0.2.1",
            ),
            (
                &[
                    "Forwarded: for=127.0.0.1",
                    "forwarded: for=192.0.2.1, for=10.0.0.2",
                ],
                "192.0.2.1",
            ),
            (
                &[
                    "Forwarded: for=127.0.0.1, for=192.0.2.1",
                    "Forwarded:",
                    "Forwarded: for=10.0.0.2",
                ],
                "192.0.2.1",
            ),
            // A quotation mark does not go on in the next field.
            (
                &["Forwarded: for=\"127.0.0.1", "Forwarded: for=192.0.2.1"],
                "192.0.2.1",
            ),
        ] {
            assert_eq!(client(fields), right, "{fields:?}");
        }
    }

    #[test]
    fn addresses_may_have_ports() {
        for (node, right) in [
            ("192.0.2.1:80", "192.0.2.1"),
            ("192.0.2.1:99999", "192.0.2.1"),
            ("192.0.2.1:_port.-1", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8:0::1]:80", "2001:db8::1"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
            ("[::ffff:c000:201]", "192.0.2.1"),
            ("192.0.2.1:", "none"),
            ("192.0.2.1:+1", "none"),
            ("192.0.2.1:123456", "none"),
            ("192.0.2.1:_", "none"),
            ("192.0.2.1:_a/", "none"),
            ("192.0.2.01", "none"),
            ("192.0.2", "none"),
            ("[192.0.2.1]", "none"),
            ("[2001:db8::1", "none"),
            ("2001:db8::1]", "none"),
            ("[2001:db8::1]80", "none"),
            ("[fe80::1%25lo]", "none"),
            ("unknown:80", "none"),
            ("a.example", "none"),
        ] {
            assert_eq!(
                client(&[&format!("X-Forwarded-For: {node}")]),
                right,
                "{node}"
            );
            assert_eq!(
                client(&[&format!("Forwarded: for=\"{node}\"")]),
                right,
                "{node}"
            );
        }
        // Only X-Forwarded-For knows IPv6 addresses without brackets.
        for (node, right) in [
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1:8080", "2001:db8::1:8080"),
        ] {
            assert_eq!(
                client(&[&format!("X-Forwarded-For: {node}")]),
                right,
                "{node}"
            );
            assert_eq!(
                client(&[&format!("Forwarded: for=\"{node}\"")]),
                "none",
                "{node}"
            );
        }
    }

    #[test]
    fn elements_of_forwarded_are_read_by_their_grammar() {
        // (element, whether it is one)
        for (element, is_right) in [
            ("for=192.0.2.1", true),
            ("For=192.0.2.1", true),
            ("FOR=\"192.0.2.1\"", true),
            ("for=\"\\1\\92.0.2.1\"", true),
            ("proto=http;for=192.0.2.1;by=10.0.0.1", true),
            (";;for=192.0.2.1;", true),
            ("for=192.0.2.1 ; proto=http", true),
            ("for=192.0.2.1;\tproto=http", true),
            (
                "for=192.0.2.1;secret=\"a, for=127.0.0.1;\\\"for=127.0.0.1\"",
                true,
            ),
            ("secret=\"\\\\\";for=192.0.2.1", true),
            ("secret=\"\";for=192.0.2.1", true),
            ("for=192.0.2.1;by=1;by=2", true),
            ("for=192.0.2.1;for=192.0.2.1", false),
            ("for=192.0.2.1;proto=http;Proto=http", false),
            ("for=192.0.2.1;host=a;host=a", false),
            ("for=192.0.2.1:80", false),
            ("for=[2001:db8::1]", false),
            ("for =192.0.2.1", false),
            ("for= 192.0.2.1", false),
            ("for=192.0.2.1;proto", false),
            ("for=192.0.2.1;proto=", false),
            ("for=192.0.2.1;=http", false),
            ("for=192.0.2.1 proto=http", false),
            ("for=\"192.0.2.1\"x", false),
            ("for=\"192.0.2.1", false),
            ("for=\"192.0.2.1\\\"", false),
            ("for=192.0.2.1\"", false),
            ("192.0.2.1", false),
            ("for=192.0.2.1;a[b=c", false),
        ] {
            for (before, after) in [("", ""), ("for=127.0.0.1, ", ", for=10.0.0.2")] {
                let field = format!("Forwarded: {before}{element}{after}");
                let wrong = if after.is_empty() { "none" } else { "10.0.0.2" };
                let right = if is_right { "192.0.2.1" } else { wrong };
                assert_eq!(client(&[&field]), right, "{field}");
            }
        }
    }

    #[test]
    fn what_the_client_sent_does_not_spoil_what_proxies_added_after_it() {
        for sent in [
            "\"",
            "for=\"",
            "for=\"127.0.0.1",
            "for=\"\\",
            "\\",
            "for=\"127.0.0.1\\\"",
            "for=127.0.0.1;\"",
            ",\",\"",
            "for=\"a, for=127.0.0.1",
            "=;=;=",
            "\u{e9}",
        ] {
            let field = format!("Forwarded: {sent}, for=192.0.2.1;host=\"a:1\", for=\"10.0.0.2\"");
            assert_eq!(client(&[&field]), "192.0.2.1", "{field}");
            let field = format!("X-Forwarded-For: {sent}, 192.0.2.1, 10.0.0.2");
            assert_eq!(client(&[&field]), "192.0.2.1", "{field}");
        }
    }

    #[test]
    fn protocol_and_host_are_those_that_the_outermost_trusted_proxy_saw() {
        for (element, is_secure, host) in [
            (
                "for=192.0.2.1;proto=https;host=a.example",
                Some(true),
                "a.example",
            ),
            (
                "for=192.0.2.1;proto=WSS;host=\"A.example.:80\"",
                Some(true),
                "A.example.:80",
            ),
            (
                "for=192.0.2.1;proto=http;host=\"[::1]:1\"",
                Some(false),
                "[::1]:1",
            ),
            ("for=192.0.2.1;proto=ws", Some(false), ""),
            ("for=192.0.2.1;proto=ftp;host=\"a b\"", None, ""),
            ("for=192.0.2.1;proto=\"https,http\";host=\"\"", None, ""),
            ("for=192.0.2.1;host=\"http://a\"", None, ""),
            ("for=192.0.2.1", None, ""),
            ("for=unknown;proto=https;host=a", Some(true), "a"),
            ("for=\"_secret\";proto=https", Some(true), ""),
            ("proto=https", Some(true), ""),
            ("host=a", None, "a"),
        ] {
            let field = format!(
                "Forwarded: for=127.0.0.1;proto=http;host=b, {element}, for=10.0.0.2;proto=http;host=c"
            );
            let told = told(&[&field]);
            assert_eq!(told.is_secure, is_secure, "{field}");
            assert_eq!(told.host.unwrap_or_default(), host, "{field}");
        }
        // What is malformed is not taken: the last one that was read counts.
        let told = told(&["Forwarded: for=192.0.2.1;proto, for=10.0.0.2;proto=https;host=c"]);
        assert_eq!(
            (told.is_secure, told.host.as_deref()),
            (Some(true), Some("c"))
        );
    }

    #[test]
    fn x_forwarded_proto_and_host_are_read_where_the_client_stands_in_the_list() {
        const YES: Option<bool> = Some(true);
        const NO: Option<bool> = Some(false);
        for (nodes, protocols, hosts, is_secure, host) in [
            ("192.0.2.1", "https", "a", YES, "a"),
            ("192.0.2.1", "http, https", "b, a", YES, "a"),
            (
                "192.0.2.1, 10.0.0.2",
                "http, https, http",
                "c, b, a",
                YES,
                "b",
            ),
            (
                "127.0.0.1, 192.0.2.1, 10.0.0.2",
                "http, https, http",
                "c,b,a",
                YES,
                "b",
            ),
            (
                "192.0.2.1, 10.0.0.3, 10.0.0.2",
                "https, http, http",
                "c, b, a",
                YES,
                "c",
            ),
            // The inner ones add nothing.
            ("192.0.2.1, 10.0.0.2", "https", "a", YES, "a"),
            (
                "192.0.2.1, 10.0.0.3, 10.0.0.2",
                "https, http",
                "b, a",
                YES,
                "b",
            ),
            // Who hides the client's address may tell the others.
            (
                "127.0.0.1, unknown, 10.0.0.2",
                "http, wss, ws",
                "c, b, a",
                YES,
                "b",
            ),
            ("127.0.0.1, x, 10.0.0.2", "ws, WSS, ws", "c, b, a", YES, "b"),
            ("unknown", "http, https", "b, a", YES, "a"),
            ("", "http, https", "b, a", YES, "a"),
            ("", "https, http", "a b, a:80", NO, "a:80"),
            ("192.0.2.1", "https, ", "a, ", YES, "a"),
            ("192.0.2.1", "https, ftp", "a, b c", None, ""),
            ("192.0.2.1", "", "", None, ""),
            ("", "", "", None, ""),
        ] {
            let fields = [
                &*format!("X-Forwarded-For: {nodes}"),
                &format!("X-Forwarded-Proto: {protocols}"),
                &format!("X-Forwarded-Host: {hosts}"),
            ];
            let told = told(&fields);
            assert_eq!(told.is_secure, is_secure, "{fields:?}");
            assert_eq!(told.host.unwrap_or_default(), host, "{fields:?}");
        }
    }

    #[test]
    fn two_kinds_of_headers_that_tell_different_things_are_refused() {
        for (fields, right) in [
            (
                &[
                    "Forwarded: for=192.0.2.1",
                    "X-Forwarded-For: 192.0.2.2, 10.0.0.2",
                ][..],
                "Forwarded (client 192.0.2.1) and X-Forwarded-For (client 192.0.2.2) differ; \
                 let the proxy remove the one that it does not write",
            ),
            (
                &[
                    "Forwarded: proto=https;host=a",
                    "X-Forwarded-Proto: http",
                    "X-Forwarded-Host: b",
                ],
                "Forwarded (protocol https, host a) and X-Forwarded-Proto, X-Forwarded-Host \
                 (protocol http, host b) differ;",
            ),
            // What only one of them tells may be the client's own word.
            (
                &[
                    "Forwarded: for=192.0.2.1",
                    "X-Forwarded-For: 192.0.2.1",
                    "X-Forwarded-Host: a",
                ],
                "Forwarded (client 192.0.2.1) and X-Forwarded-For, X-Forwarded-Host \
                 (client 192.0.2.1, host a) differ;",
            ),
            (
                &["Forwarded: for=\"", "X-Forwarded-For: 192.0.2.1"],
                "Forwarded (nothing) and X-Forwarded-For (client 192.0.2.1) differ;",
            ),
            (
                &["Forwarded: for=192.0.2.1", "X-Forwarded-For: unknown"],
                "Forwarded (client 192.0.2.1) and X-Forwarded-For (nothing) differ;",
            ),
        ] {
            let unclear = read_from(Some("10.0.0.1"), fields).expect_err("two answers");
            let told = unclear.to_string();
            assert!(told.starts_with(right), "{told}");
        }
        let host = "a".repeat(5000);
        let fields = ["Forwarded: host=b", &format!("X-Forwarded-Host: {host}")];
        let unclear = read_from(Some("10.0.0.1"), &fields).expect_err("two answers");
        assert!(unclear.to_string().len() < 300, "{unclear}");
    }

    #[test]
    fn two_kinds_of_headers_that_agree_are_one_answer() {
        let told = told(&[
            "Forwarded: for=127.0.0.1, for=192.0.2.1;proto=https;host=a, for=10.0.0.2",
            "X-Forwarded-For: 192.0.2.1, 10.0.0.2:80",
            "X-Forwarded-Proto: wss",
            "X-Forwarded-Host: a",
        ]);
        assert_eq!(told.client, Some([192, 0, 2, 1].into()));
        assert_eq!(
            (told.is_secure, told.host.as_deref()),
            (Some(true), Some("a"))
        );
        // Without an element, a list is not there.
        for fields in [
            ["Forwarded: , ,", "X-Forwarded-For: 192.0.2.1"],
            ["Forwarded: for=192.0.2.1", "X-Forwarded-Host: ,"],
        ] {
            assert_eq!(client(&fields), "192.0.2.1", "{fields:?}");
        }
    }
}
