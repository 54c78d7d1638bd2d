//! The parts of a head, each with the first place where it stops being one.

use plainws::protocol::head::is_token;
use plainws::protocol::request::split_authority;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::str;

/// A place in a part, and why nothing like that may stand there.
pub(super) type Wrong = (Range<usize>, String);

/// The first character that is none of a token's (RFC 9110 §5.6.2).
pub(super) fn token(part: &[u8]) -> Option<Wrong> {
    let why = |c: char| match c {
        ' ' | '\t' => "it is one word",
        c if !c.is_ascii() => "it is written in ASCII",
        _ => "it is made of letters, digits and !#$%&'*+-.^_`|~",
    };
    odd(part, |byte| is_token(&[byte]), why)
}

/// A target, by what it may be written with and by its form (RFC 9112 §3.2).
pub(super) fn target(target: &[u8], method: &[u8]) -> Option<Wrong> {
    let why = |c: char| match c {
        '#' => "it begins a fragment, which is for the client alone and not sent",
        c if !c.is_ascii() => "a target is in ASCII, and percent-encodes all else (%C3%A4 for ä)",
        _ => "spaces and control bytes are percent-encoded (%20)",
    };
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    odd(target, is_allowed, why).or_else(|| {
        let why = match (target, method) {
            ([b'/', ..], _) => return None,
            (b"*", b"OPTIONS") => return None,
            (b"*", _) => "the asterisk is for OPTIONS",
            (_, b"CONNECT") => {
                "CONNECT names a host and a port, and is meant for proxies; a WebSocket is asked for \
                 by GET and a path"
            }
            _ => match str::from_utf8(target).ok()?.split_once("://") {
                None => "a path begins with /",
                Some((scheme, _)) if is_known(scheme) => return None,
                Some(_) => "a whole URL begins with http, https, ws or wss",
            },
        };
        Some((0..target.len(), why.into()))
    })
}

fn is_known(scheme: &str) -> bool {
    ["http", "https", "ws", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// Where the host and port of an absolute target stand in it.
pub(super) fn authority(target: &[u8]) -> Option<Range<usize>> {
    let text = str::from_utf8(target).ok()?;
    let (scheme, rest) = text
        .split_once("://")
        .filter(|(scheme, _)| is_known(scheme))?;
    let start = scheme.len() + "://".len();
    Some(start..start + rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// `HTTP/1.1` (RFC 9112 §2.3).
pub(super) fn version(part: &[u8]) -> Option<Wrong> {
    const PATTERN: &[u8] = b"HTTP/0.0";
    let is_right = |(byte, expected): (&u8, &u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        expected => byte == expected,
    };
    let right = part.iter().zip(PATTERN).take_while(|pair| is_right(*pair));
    let right = right.count();
    if right == part.len() && right == PATTERN.len() {
        return None;
    }
    if part[..right.max(4).min(part.len())].eq_ignore_ascii_case(b"HTTP") && right < 4 {
        return Some((right..right + 1, "HTTP is written in capitals".into()));
    }
    let why = "a version is HTTP/, a digit, a dot and a digit";
    if right < 4 || right == part.len() {
        return Some((0..part.len(), why.into()));
    }
    Some((character(part, right), why.into()))
}

/// Three digits (RFC 9112 §4).
pub(super) fn status(part: &[u8]) -> Option<Wrong> {
    let why = |_: char| "a status code is three digits";
    odd(part, |byte| byte.is_ascii_digit(), why)
        .or_else(|| (part.len() != 3).then(|| (0..part.len(), why('0').into())))
}

/// A host, and a port if need be (RFC 3986 §3.2).
pub(super) fn host(part: &[u8]) -> Option<Wrong> {
    const IN_ASCII: &str = "a host is in ASCII; an international name is sent as xn--…";
    let whole = |why: &str| Some((0..part.len(), why.to_owned()));
    if part.is_empty() {
        return whole("a request is for some host");
    }
    let Ok(text) = str::from_utf8(part) else {
        return odd(part, |byte| byte.is_ascii(), |_| IN_ASCII);
    };
    if let Some(scheme) = text.find("://") {
        return Some((
            scheme..scheme + 3,
            "a host is no URL: only the name and the port".into(),
        ));
    }
    if let Some(after) = text.strip_prefix('[') {
        return bracketed(text, after);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return whole("an IPv6 address stands in brackets");
    }
    let (name, port) = split_authority(text);
    let why = |c: char| match c {
        c if !c.is_ascii() => IN_ASCII,
        '@' => "user and password are not part of the host",
        '/' | '?' | '#' => "a host is no URL: only the name and the port",
        ' ' | '\t' => "a host is one word",
        ':' => "one colon stands before the port",
        '%' => "two hex digits follow a %",
        _ => "not a character of a host",
    };
    if name.is_empty() {
        return Some((0..1, "a name stands before the port".into()));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    odd(name.as_bytes(), is_allowed, why)
        .or_else(|| percent(name).map(|at| (at..at + 1, why('%').into())))
        .or_else(|| within(name.len() + 1, self::port(port?)))
}

/// `[::1]:80`; `after` is what follows the bracket.
fn bracketed(text: &str, after: &str) -> Option<Wrong> {
    let Some((address, rest)) = after.split_once(']') else {
        return Some((0..text.len(), "there is no ] after the address".into()));
    };
    if address.parse::<Ipv6Addr>().is_err() {
        let why = match address.find('%') {
            Some(_) => "a zone is for the client alone and not sent",
            None => "no IPv6 address stands in the brackets",
        };
        let zone = address.find('%').unwrap_or(0);
        return Some((1 + zone..1 + address.len(), why.into()));
    }
    let start = address.len() + 2;
    match rest.strip_prefix(':') {
        Some(port) => within(start + 1, self::port(port)),
        None if rest.is_empty() => None,
        None => Some((
            character(text.as_bytes(), start),
            "only a port may follow the ]".into(),
        )),
    }
}

fn port(port: &str) -> Option<Wrong> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    odd(port.as_bytes(), is_digit, |_| "a port is a number").or_else(|| {
        let is_right = port.is_empty() || port.parse::<u16>().is_ok();
        (!is_right).then(|| (0..port.len(), "a port is at most 65535".into()))
    })
}

/// The first % without two hex digits after it.
fn percent(name: &str) -> Option<usize> {
    let mut signs = name.match_indices('%').map(|(at, _)| at);
    signs.find(|at| {
        let digits = name.bytes().skip(at + 1).take(2);
        digits.filter(u8::is_ascii_hexdigit).count() < 2
    })
}

/// Base64 of 16 bytes (§4.1).
pub(super) fn key(part: &[u8]) -> Option<Wrong> {
    let digits = part.iter().take_while(|byte| is_base64(**byte)).count();
    let padding = part[digits..]
        .iter()
        .take_while(|byte| **byte == b'=')
        .count();
    let wrong = character(part, digits + padding);
    if !wrong.is_empty() {
        let why = match part[wrong.start] {
            b'-' | b'_' => "it belongs to the alphabet for URLs; a key has + and / in its place",
            _ if padding > 0 => "nothing follows the = at the end",
            b'"' | b'\'' => "a key stands without quotation marks",
            b' ' | b'\t' => "a key is one word",
            _ => "not a character of base64",
        };
        return Some((wrong, why.into()));
    }
    let why = match (digits, padding) {
        (22, 2) => return None,
        (0, _) => "a key is base64 of 16 bytes".into(),
        (22, _) => "two = stand at the end".into(),
        _ => format!(
            "16 bytes are 22 characters of base64 and two =; here are {digits} and {padding}, for {} bytes",
            6 * digits / 8
        ),
    };
    Some((0..part.len(), why))
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// One line of `Sec-WebSocket-Protocol` (§4.1); `before` are the names in the lines before it.
pub(super) fn subprotocols<'a>(line: &'a [u8], before: &mut Vec<&'a [u8]>) -> Option<Wrong> {
    let mut start = 0;
    for element in line.split(|byte| *byte == b',') {
        let name = element.trim_ascii();
        let name_start = start + element.len() - element.trim_ascii_start().len();
        if let Some((bytes, why)) = token(name) {
            let why = match name[bytes.start] {
                b' ' | b'\t' => "a name is one word, and a comma stands between two".into(),
                _ => why,
            };
            return within(name_start, Some((bytes, why)));
        }
        if before.contains(&name) {
            let why = "each name stands once".into();
            return Some((name_start..name_start + name.len(), why));
        }
        if !name.is_empty() {
            before.push(name);
        }
        start += element.len() + 1;
    }
    None
}

/// One line of `Sec-WebSocket-Extensions` (§9.1).
pub(super) fn extensions(line: &[u8]) -> Option<Wrong> {
    let mut at = 0;
    let wrong = extension_list(line, &mut at)?;
    Some((character(line, at), wrong.into()))
}

/// Reads `name; param; param=token; param="quoted", name …`. Returns what is wrong where it stops.
fn extension_list(line: &[u8], at: &mut usize) -> Option<&'static str> {
    loop {
        let has_name = word(line, at);
        while has_name && next_is(line, at, b';') {
            if !word(line, at) {
                return Some("after ; comes the name of a parameter");
            }
            if next_is(line, at, b'=') && !value(line, at) {
                return Some("after = comes a token, with or without quotation marks");
            }
        }
        blanks(line, at);
        if *at == line.len() {
            return None;
        }
        if !next_is(line, at, b',') {
            return Some("an extension is a name, and parameters after ;");
        }
    }
}

fn value(line: &[u8], at: &mut usize) -> bool {
    blanks(line, at);
    if line.get(*at) != Some(&b'"') {
        return word(line, at);
    }
    let quoted = *at;
    *at += 1;
    let mut is_empty = true;
    while let Some(byte) = line.get(*at) {
        let escaped = line.get(*at + 1).filter(|_| *byte == b'\\');
        match escaped.unwrap_or(byte) {
            b'"' if escaped.is_none() && is_empty => {
                *at = quoted;
                return false;
            }
            b'"' if escaped.is_none() => {
                *at += 1;
                return true;
            }
            byte if !is_token(&[*byte]) => return false,
            _ => *at += 1 + usize::from(escaped.is_some()),
        }
        is_empty = false;
    }
    false
}

/// Steps over blanks and a token; whether there was a token.
fn word(line: &[u8], at: &mut usize) -> bool {
    blanks(line, at);
    let start = *at;
    while line.get(*at).is_some_and(|byte| is_token(&[*byte])) {
        *at += 1;
    }
    *at > start
}

fn next_is(line: &[u8], at: &mut usize, byte: u8) -> bool {
    blanks(line, at);
    let is_it = line.get(*at) == Some(&byte);
    *at += usize::from(is_it);
    is_it
}

fn blanks(line: &[u8], at: &mut usize) {
    while line.get(*at).is_some_and(u8::is_ascii_whitespace) {
        *at += 1;
    }
}

/// The first character with a byte that is not allowed, and why it is not.
pub(super) fn odd(
    part: &[u8],
    is_allowed: impl Fn(u8) -> bool,
    why: impl Fn(char) -> &'static str,
) -> Option<Wrong> {
    let at = part.iter().position(|byte| !is_allowed(*byte))?;
    let bytes = character(part, at);
    let c = str::from_utf8(&part[bytes.clone()]).ok();
    let c = c.and_then(|text| text.chars().next());
    let why = why(c.unwrap_or(char::REPLACEMENT_CHARACTER)).to_owned();
    Some((bytes, why))
}

/// The character that begins here; a byte that begins none; nothing at the end.
pub(super) fn character(part: &[u8], at: usize) -> Range<usize> {
    let rest = part.get(at..).unwrap_or_default();
    let chunk = rest.utf8_chunks().next();
    let first = chunk.and_then(|chunk| chunk.valid().chars().next());
    let length = first.map_or(usize::from(!rest.is_empty()), char::len_utf8);
    at..at + length
}

/// The same place, in what the part is a part of.
fn within(start: usize, wrong: Option<Wrong>) -> Option<Wrong> {
    wrong.map(|(bytes, why)| (start + bytes.start..start + bytes.end, why))
}
