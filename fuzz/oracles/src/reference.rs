//! RFC 6455 read a second time, by other means than the product: whole byte strings, no state.
//!
//! It is slow so that it can be short: it starts again from the first byte whenever it is asked.

use crate::subject::{Entry, Site};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::Role;
use sha1::{Digest as _, Sha1};
use std::collections::BTreeSet;
use std::net::Ipv6Addr;

pub use crate::streams::reference::*;

// The opening handshake (§4), as a few items that can be looked for.

/// The lines of a complete head, and the bytes after it. Empty lines before it do not count (RFC 9112 §2.2).
#[must_use]
pub fn head(wire: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut start = wire;
    while let Some(rest) = start.strip_prefix(b"\r\n") {
        start = rest;
    }
    let end = start.windows(4).position(|window| window == b"\r\n\r\n")?;
    let lines = start[..end].split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Some((lines.collect(), &start[end + 4..]))
}

/// The wire with spaces where a response folds its headers (RFC 9112 §5.2); no byte moves. A request is left as it
/// is: nothing in it may be folded.
#[must_use]
pub fn unfolded(sender: Role, wire: &[u8]) -> Vec<u8> {
    let mut wire = wire.to_vec();
    let empty_lines = wire.chunks(2).take_while(|pair| pair == b"\r\n").count();
    let places = head(&wire).map(|(lines, rest)| {
        // No header stands above the first line after the status line.
        let second_line = 2 * empty_lines + lines[0].len() + 2;
        second_line..wire.len() - rest.len() - 4
    });
    for at in places.filter(|_| sender == Role::Server).unwrap_or(0..0) {
        if let [fold @ .., b' ' | b'\t'] = &mut wire[at..at + 3] {
            if fold == b"\r\n" {
                fold.fill(b' ');
            }
        }
    }
    wire
}

/// The values of all header lines of that name.
#[must_use]
pub fn values(lines: &[&[u8]], name: &str) -> Vec<String> {
    let lines = lines.iter().skip(1);
    let pairs = lines.filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    });
    pairs
        .filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect()
}

/// The first item that a request lacks (§4.2.1), by its name there.
#[must_use]
pub fn request_lacks(lines: &[&[u8]]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(lines[0]).into_owned();
    let parts: Vec<&str> = start.split(' ').collect();
    let one = |name| match &values(lines, name)[..] {
        [value] => value.clone(),
        _ => String::new(),
    };
    let is_absent = |name| values(lines, name).is_empty();
    let origins = values(lines, "Origin");
    let subprotocols = values(lines, "Sec-WebSocket-Protocol").join(",");
    let nonce = STANDARD.decode(one("Sec-WebSocket-Key"));
    // The last character before == may carry bits that mean nothing; with these cleared it decodes.
    let nonce =
        nonce.or_else(|_| STANDARD.decode(without_trailing_bits(&one("Sec-WebSocket-Key"))));
    let items = [
        ("GET", parts.len() == 3 && parts[0] == "GET"),
        (
            "HTTP/1.x",
            parts
                .last()
                .is_some_and(|version| version.starts_with("HTTP/1.")),
        ),
        (
            "HTTP/1.1 or higher",
            parts
                .last()
                .is_some_and(|version| *version >= "HTTP/1.1" && version.len() == 8),
        ),
        (
            "a target",
            parts
                .get(1)
                .is_some_and(|target| !target.contains('#') && is_target(target)),
        ),
        ("names and values", has_fields_only(lines)),
        ("one Host", is_host(&one("Host"))),
        ("Upgrade: websocket", lists(lines, "Upgrade", "websocket")),
        ("Connection: Upgrade", lists(lines, "Connection", "upgrade")),
        (
            "a key of 16 bytes",
            nonce.is_ok_and(|nonce| nonce.len() == 16),
        ),
        ("version 13", one("Sec-WebSocket-Version") == "13"),
        ("no body", has_no_body(lines)),
        (
            "different tokens as subprotocols",
            are_subprotocols(&subprotocols),
        ),
        (
            "extensions",
            is_absent("Sec-WebSocket-Extensions")
                || are_extensions(&values(lines, "Sec-WebSocket-Extensions")),
        ),
        (
            "at most one Origin, in ASCII",
            origins.len() < 2 && origins.concat().is_ascii(),
        ),
    ];
    items
        .iter()
        .find(|(_, there)| !there)
        .map(|(item, _)| *item)
}

/// The first item that a response lacks (§4.1), or what it has too much: to [`crate::subject::opening`], but with this key.
#[must_use]
pub fn response_lacks(key: &str, lines: &[&[u8]]) -> Option<&'static str> {
    let accept = accept_value(key);
    let chosen = values(lines, "Sec-WebSocket-Protocol");
    let items = [
        (
            "HTTP/1.1 or higher",
            lines[0] >= b"HTTP/1.1".as_slice() && lines[0].starts_with(b"HTTP/1."),
        ),
        ("names and values", has_fields_only(lines)),
        ("no body", has_no_body(lines)),
        ("status 101", lines[0].get(8..13) == Some(b" 101 ")),
        (
            "Upgrade: websocket alone",
            list(lines, "Upgrade") == ["websocket"],
        ),
        ("Connection: Upgrade", lists(lines, "Connection", "upgrade")),
        (
            "the accept value",
            values(lines, "Sec-WebSocket-Accept") == [accept],
        ),
        (
            "an offered subprotocol or none",
            chosen.is_empty() || chosen == ["chat"] || chosen == ["superchat"],
        ),
        (
            "no extension",
            values(lines, "Sec-WebSocket-Extensions")
                .concat()
                .replace([',', ' ', '\t'], "")
                .is_empty(),
        ),
    ];
    items
        .iter()
        .find(|(_, there)| !there)
        .map(|(item, _)| *item)
}

/// Whether each line after the first is a name and a value (RFC 9112 §5), without control characters.
fn has_fields_only(lines: &[&[u8]]) -> bool {
    lines.iter().skip(1).all(|line| {
        let line = String::from_utf8_lossy(line);
        let name = line.split_once(':').map_or("", |(name, _)| name);
        is_token(name)
            && !line
                .replace('\t', "")
                .contains(|c: char| c.is_ascii_control())
    })
}

/// RFC 9110 §7.8: what follows belongs to the new protocol.
fn has_no_body(lines: &[&[u8]]) -> bool {
    let lengths = values(lines, "Content-Length").concat();
    lengths.trim_matches('0').is_empty() && values(lines, "Transfer-Encoding").is_empty()
}

/// A visible ASCII character that is no delimiter (RFC 9110 §5.6.2).
fn is_token_character(c: char) -> bool {
    c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_character)
}

/// A path, or the whole address (RFC 9112 §3.2).
fn is_target(target: &str) -> bool {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.starts_with('/');
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let is_known = ["http", "https", "ws", "wss"].contains(&&scheme.to_lowercase()[..]);
    target.starts_with('/') || is_known && is_host(host)
}

/// A name or an address in brackets, and a port if need be (RFC 3986 §3.2.2).
fn is_host(host: &str) -> bool {
    let end = match host.find(']') {
        Some(bracket) => bracket + 1,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let is_name_right = match name.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => is_name(name),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let digits = digits.trim_start_matches('0');
    is_name_right
        && (port.is_empty() || port.starts_with(':'))
        && (digits.is_empty()
            || digits
                .parse::<u16>()
                .is_ok_and(|_| !digits.starts_with('+')))
}

/// What a `ws:` or `wss:` URL leads to (§3, RFC 6874), if it is one.
#[must_use]
pub fn site(url: &str) -> Option<Site> {
    let colon = url.find(':')?;
    let rest = url[colon..].strip_prefix("://")?;
    let default_port = match &url[..colon].to_lowercase()[..] {
        "ws" => 80,
        "wss" => 443,
        _ => return None,
    };
    if !rest.chars().all(|c| c.is_ascii_graphic() && c != '#') {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (mut authority, target) = (rest[..end].to_owned(), &rest[end..]);
    if authority.starts_with('[') {
        if let (Some(zone), Some(end)) = (authority.find("%25"), authority.find(']')) {
            let is_right = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            if end <= zone + 3 || !authority[zone + 3..end].chars().all(is_right) {
                return None;
            }
            authority.replace_range(zone..end, "");
        }
    }
    if !is_host(&authority) {
        return None;
    }
    let colon = authority
        .rfind(':')
        .filter(|&colon| !authority[colon..].contains(']'));
    let (name, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let port = match port.trim_start_matches(':') {
        "" => default_port,
        digits => digits.parse::<u16>().ok()?,
    };
    Some(Site {
        host: if port == default_port {
            name.into()
        } else {
            format!("{name}:{port}")
        },
        target: if target.starts_with('/') {
            target.into()
        } else {
            format!("/{target}")
        },
    })
}

/// Whether a host, as a request names it, is this machine by its name (RFC 6761 §6.3) or its address.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let colon = host
        .rfind(':')
        .filter(|&colon| !host[colon..].contains(']'));
    let (name, port) = host.split_at(colon.unwrap_or(host.len()));
    let digits = port.trim_start_matches(':');
    let is_port = digits.chars().all(|c| c.is_ascii_digit())
        && (digits.is_empty() || digits.parse::<u16>().is_ok());
    is_port && port.matches(':').count() < 2 && is_loopback_name(name)
}

fn is_loopback_name(name: &str) -> bool {
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        let parts = address
            .parse::<Ipv6Addr>()
            .map(|address| address.segments());
        return matches!(
            parts,
            Ok([0, 0, 0, 0, 0, 0, 0, 1] | [0, 0, 0, 0, 0, 0xFFFF, 0x7F00..=0x7FFF, _])
        );
    }
    let parts: Vec<&str> = name.split('.').collect();
    let is_number = |part: &&str| {
        part.parse::<u8>()
            .is_ok_and(|number| number.to_string() == **part)
    };
    if parts.len() == 4 && parts[0] == "127" && parts.iter().all(is_number) {
        return true;
    }
    let labels = parts.strip_suffix(&[""]).unwrap_or(&parts);
    let is_label = |label: &&str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    labels.iter().all(is_label)
        && labels
            .last()
            .is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

/// Allowed characters, or a percent sign and two digits.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        let mut digit = || characters.next().is_some_and(|c| c.is_ascii_hexdigit());
        let is_right = match c {
            '%' => digit() && digit(),
            c => (is_token_character(c) || "(),;=".contains(c)) && !"#^`|".contains(c),
        };
        if !is_right {
            return false;
        }
    }
    !name.is_empty()
}

/// Each a token, no two the same (§4.1).
fn are_subprotocols(list: &str) -> bool {
    let names = list.split(',').map(|name| name.trim_matches([' ', '\t']));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let different: BTreeSet<&&str> = names.iter().collect();
    different.len() == names.len() && names.iter().all(|name| is_token(name))
}

/// At least one extension (§9.1), by the shape of each value.
fn are_extensions(values: &[String]) -> bool {
    let shapes: Option<Vec<String>> = values.iter().map(|value| shape(value)).collect();
    let shapes = shapes.unwrap_or_default().join(",");
    let mut extensions = shapes
        .split(',')
        .filter(|shape| !shape.is_empty())
        .peekable();
    extensions.peek().is_some()
        && extensions.all(|extension| {
            let mut parts = extension.split(';');
            parts.next() == Some("t") && parts.all(|part| ["t", "t=t", "t=q"].contains(&part))
        })
}

/// `a; b="c"` as `t;t=q`: t for each token, q for each quoted one, no blanks.
fn shape(value: &str) -> Option<String> {
    let mut shape = String::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let token = rest.find(|c| !is_token_character(c)).unwrap_or(rest.len());
        if token > 0 {
            shape.push('t');
            rest = &rest[token..];
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            ' ' | '\t' => {}
            '"' => {
                let mut chars = rest.chars();
                let mut text = String::new();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => text.push(chars.next()?),
                        other => text.push(other),
                    }
                }
                shape.push(is_token(&text).then_some('q')?);
                rest = chars.as_str();
            }
            other => shape.push(other),
        }
    }
    Some(shape)
}

/// Base64 of the SHA-1 of key and GUID (§4.2.2).
#[must_use]
pub fn accept_value(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!(
        "{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    )))
}

/// The elements of a list in small letters, without the empty ones.
fn list(lines: &[&[u8]], name: &str) -> Vec<String> {
    let all = values(lines, name).join(",").to_ascii_lowercase();
    let elements = all.split(',').map(str::trim);
    elements
        .filter(|element| !element.is_empty())
        .map(str::to_owned)
        .collect()
}

fn lists(lines: &[&[u8]], name: &str, element: &str) -> bool {
    list(lines, name)
        .iter()
        .any(|candidate| candidate == element)
}

fn without_trailing_bits(key: &str) -> String {
    let Some(body) = key.strip_suffix("==").filter(|body| body.is_ascii()) else {
        return String::new();
    };
    let (body, last) = body.split_at(body.len().saturating_sub(1));
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value = alphabet.find(last).unwrap_or(0);
    format!(
        "{body}{}==",
        &alphabet[value & 0b11_0000..=value & 0b11_0000]
    )
}

/// What a server that lets in pages of `entry` does with those of `origin`, in a request to `host`, which is reached by
/// TLS or not; `None` if there are no pages of that entry (RFC 6454 §6, and the URL standard's hosts).
#[must_use]
pub fn judges_origin(entry: &str, origin: &str, host: &str, is_secure: bool) -> Option<Entry> {
    let allowed = origin_parts(entry)?;
    let (scheme, name, port) = &allowed;
    let normal = match &**scheme {
        "null" if name.is_empty() => "null".into(),
        _ if *port == 0 => format!("{scheme}://{name}"),
        _ => format!("{scheme}://{name}:{port}"),
    };
    let is_covered = |(sent_scheme, sent_name, sent_port): (String, String, u32)| {
        let is_name_right = match name.strip_prefix('*') {
            Some(end) => sent_name.len() > end.len() && sent_name.ends_with(end),
            None => *name == sent_name,
        };
        !sent_name.contains('*') && is_name_right && (scheme, port) == (&sent_scheme, &sent_port)
    };
    let lets_in =
        origin_parts(origin).is_some_and(is_covered) || is_own_origin(origin, host, is_secure);
    Some(Entry { normal, lets_in })
}

/// Scheme, host and port, which is 0 if it is the scheme's own.
fn origin_parts(text: &str) -> Option<(String, String, u32)> {
    let text = text.to_ascii_lowercase();
    if text == "null" || text == "file://" {
        return Some((text.trim_end_matches("://").into(), String::new(), 0));
    }
    let (scheme, rest) = text.split_at(text.find(':')?);
    let rest = rest.strip_prefix("://")?;
    let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let begins = scheme.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || !scheme.chars().all(is_scheme) {
        return None;
    }
    let (name, port) = match rest.rfind(':') {
        Some(at) if !rest[at..].contains(']') => (&rest[..at], &rest[at + 1..]),
        _ => (rest, ""),
    };
    if !port.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let port = match port.trim_start_matches('0') {
        "" if !port.is_empty() => return None,
        "" => 0,
        digits if digits.len() > 5 => return None,
        digits => digits.parse().ok().filter(|port| *port < 65536)?,
    };
    let (scheme, own) = match scheme {
        "http" | "ws" => ("http", 80),
        "https" | "wss" => ("https", 443),
        "file" | "about" | "blob" | "data" | "javascript" => return None,
        scheme => {
            let is_right = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=".contains(c);
            let is_id = !name.is_empty() && name.chars().all(is_right);
            return is_id.then(|| (scheme.into(), name.into(), port));
        }
    };
    let port = if port == own { 0 } else { port };
    Some((scheme.into(), web_host(name)?, port))
}

/// A host of http, with `*.` before it if those under it are meant.
fn web_host(name: &str) -> Option<String> {
    if let Some(address) = name.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let domain = name.strip_prefix("*.");
    let labels: Vec<&str> = domain.unwrap_or(name).split('.').collect();
    let ends_in_dot = labels.len() > 1 && labels.last() == Some(&"");
    let labels = &labels[..labels.len() - usize::from(ends_in_dot)];
    let is_right = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !labels
        .iter()
        .all(|label| !label.is_empty() && label.chars().all(is_right))
    {
        return None;
    }
    let last = labels[labels.len() - 1];
    let is_number = match last.strip_prefix("0x") {
        Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
        None => last.chars().all(|c| c.is_ascii_digit()),
    };
    let is_byte = |label: &&str| {
        label
            .parse::<u8>()
            .is_ok_and(|byte| byte.to_string() == **label)
    };
    let is_address = labels.len() == 4 && labels.iter().all(is_byte) && !ends_in_dot;
    let is_domain_right = labels.len() > 1 || domain == Some("localhost");
    let is_host = match domain {
        None => !is_number || is_address,
        Some(_) => !is_number && is_domain_right,
    };
    is_host.then(|| name.into())
}

/// Whether a request to a host comes from there, by http or https, or by https alone; the default port may be left out.
fn is_own_origin(origin: &str, host: &str, is_secure: bool) -> bool {
    let (origin, host) = (origin.to_ascii_lowercase(), host.to_ascii_lowercase());
    let at = |schemes: [&str; 2], port: &str| {
        let mut rests = schemes
            .iter()
            .filter_map(|scheme| origin.strip_prefix(scheme));
        let host = host.strip_suffix(port).unwrap_or(&host);
        rests.any(|rest| rest.strip_suffix(port).unwrap_or(rest) == host)
    };
    !is_secure && at(["http://", "ws://"], ":80") || at(["https://", "wss://"], ":443")
}
