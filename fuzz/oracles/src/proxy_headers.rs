//! What a PROXY header says: an independent reading, an independent writer, and the oracle that compares with both.

use crate::streams::choices::Choices;
use crate::subject::{Preface, Subject};
use crate::words;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str;

/// After each byte the verdict is that of an independent reading of all bytes so far, and once it is there it stays.
/// What was written as proxies write it is read back.
///
/// The input is 0 and bytes, or another number and decisions on a header.
///
/// # Errors
///
/// What differs.
pub fn proxy_header(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let (bytes, written) = proxy_header_from_input(input);
    let mut before = Preface::Incomplete;
    for end in ends(bytes.len()) {
        let so_far = &bytes[..end];
        let Some(told) = subject.proxy_header(so_far) else {
            return Ok(());
        };
        let expected = read(so_far);
        if told != expected {
            let so_far = words::hex(so_far);
            return Err(format!("{so_far}: {told:?}, not {expected:?}"));
        }
        if before != Preface::Incomplete && told != before {
            let so_far = words::hex(so_far);
            return Err(format!(
                "{so_far}: {told:?}, and with less of it {before:?}"
            ));
        }
        before = told;
    }
    match written {
        Some(written) if written != before => {
            let bytes = words::hex(&bytes);
            Err(format!(
                "{bytes}: {before:?}, and was written as {written:?}"
            ))
        }
        _ => Ok(()),
    }
}

/// Where a stream of so many bytes is looked at: after each byte, but less often in the middle of a long one.
fn ends(length: usize) -> impl Iterator<Item = usize> {
    (0..=length).filter(move |end| *end <= 130 || end % 61 == 0 || length - end < 8)
}

/// The bytes, and what was written, if it was.
pub(crate) fn proxy_header_from_input(input: &[u8]) -> (Vec<u8>, Option<Preface>) {
    match input.split_first() {
        None => (Vec::new(), None),
        Some((0, bytes)) => (bytes.to_vec(), None),
        Some((_, decisions)) => {
            let (bytes, told) = write(&mut Choices(decisions));
            (bytes, Some(told))
        }
    }
}

const SIGNATURE: [u8; 12] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];

/// The header at the start of `bytes`.
#[must_use]
pub fn read(bytes: &[u8]) -> Preface {
    read_as(bytes, true)
}

/// The same; whether a checksum has to be right can be chosen.
pub(crate) fn read_as(bytes: &[u8], is_sum_checked: bool) -> Preface {
    let starts = |start: &[u8]| {
        let both = start.iter().zip(bytes);
        both.clone()
            .all(|(a, b)| a == b)
            .then_some(both.count() == start.len())
    };
    match (starts(b"PROXY "), starts(&SIGNATURE)) {
        (None, None) => Preface::NotOne,
        (Some(true), _) => line(&bytes[..bytes.len().min(107)]),
        (_, Some(true)) if bytes.len() >= 16 => {
            binary(bytes, is_sum_checked).unwrap_or(Preface::Malformed)
        }
        _ => Preface::Incomplete,
    }
}

/// The first 107 bytes, or fewer if more may come.
fn line(bytes: &[u8]) -> Preface {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return match bytes.len() {
            107 => Preface::Malformed,
            _ => Preface::Incomplete,
        };
    };
    let [line @ .., b'\r', b'\n'] = &bytes[..=end] else {
        return Preface::Malformed;
    };
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let told = |source, destination| Preface::Header {
        source,
        destination,
        is_secure: None,
        length: end + 1,
    };
    if words[1] == b"UNKNOWN" {
        return told(None, None);
    }
    let words: Vec<&str> = words
        .iter()
        .map(|word| str::from_utf8(word).unwrap_or("?"))
        .collect();
    let [_, family @ ("TCP4" | "TCP6"), source, destination, from, to] = words[..] else {
        return Preface::Malformed;
    };
    let address = |text: &str| {
        let address: IpAddr = text.parse().ok()?;
        (address.is_ipv4() == (family == "TCP4")).then(|| without_mapping(address))
    };
    let port = |text: &str| {
        text.parse()
            .ok()
            .filter(|port: &u16| port.to_string() == text)
    };
    let end_at =
        |address_text, port_text| Some(SocketAddr::new(address(address_text)?, port(port_text)?));
    match (end_at(source, from), end_at(destination, to)) {
        (Some(source), Some(destination)) => told(Some(source), Some(destination)),
        _ => Preface::Malformed,
    }
}

fn without_mapping(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(address.into(), IpAddr::V4),
        address => address,
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// At least 16 bytes; `None` if they are malformed.
fn binary(bytes: &[u8], is_sum_checked: bool) -> Option<Preface> {
    let length = 16 + number(&bytes[14..16]);
    let is_local = bytes[12] == 0x20;
    let is_known = bytes[13] & 0x0f <= 2 && bytes[13] >> 4 <= 3;
    if !(is_local || bytes[12] == 0x21 && is_known) || length > 4096 {
        return None;
    }
    if bytes.len() < length {
        return Some(Preface::Incomplete);
    }
    let told = |source, destination, is_secure| Preface::Header {
        source,
        destination,
        is_secure,
        length,
    };
    let (source, destination, after) = match bytes[13] {
        _ if is_local => return Some(told(None, None, None)),
        0x11 | 0x12 => {
            let at = |place: usize, port: usize| {
                let octets: [u8; 4] = bytes[place..place + 4].try_into().ok()?;
                Some(SocketAddr::from((
                    octets,
                    number(&bytes[port..port + 2]) as u16,
                )))
            };
            if length < 28 {
                return None;
            }
            (at(16, 24), at(20, 26), 28)
        }
        0x21 | 0x22 => {
            let at = |place: usize, port: usize| {
                let octets: [u8; 16] = bytes[place..place + 16].try_into().ok()?;
                let address = without_mapping(Ipv6Addr::from(octets).into());
                Some(SocketAddr::new(
                    address,
                    number(&bytes[port..port + 2]) as u16,
                ))
            };
            if length < 52 {
                return None;
            }
            (at(16, 48), at(32, 50), 52)
        }
        0x31 | 0x32 if length < 232 => return None,
        0x31 | 0x32 => (None, None, 232),
        _ => return Some(told(None, None, None)),
    };
    let mut is_secure = None;
    let mut sums = 0;
    for (kind, place, size) in parts(bytes, after, length)? {
        if kind == 0x20 {
            if size < 5 || is_secure.is_some() {
                return None;
            }
            parts(bytes, place + 5, place + size)?;
            is_secure = Some(bytes[place] % 2 == 1);
        } else if kind == 3 {
            sums += 1;
            if size != 4 || sums > 1 {
                return None;
            }
            let mut zeroed = bytes[..length].to_vec();
            zeroed[place..place + 4].fill(0);
            if is_sum_checked && checksum(&zeroed) != bytes[place..place + 4] {
                return None;
            }
        }
    }
    Some(told(source, destination, is_secure))
}

/// Type, place and size of each value from `start` to `end`.
fn parts(bytes: &[u8], mut start: usize, end: usize) -> Option<Vec<(u8, usize, usize)>> {
    let mut parts = Vec::new();
    while start < end {
        let place = start + 3;
        let size = (place <= end).then(|| number(&bytes[start + 1..place]))?;
        parts.push((bytes[start], place, size));
        start = place + size;
    }
    (start == end).then_some(parts)
}

/// CRC-32C as it is defined: the rest of a division of all bits, the lowest of each byte first.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    const DIVISOR: u64 = 0x1_1edc_6f41;
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| u64::from(byte >> bit & 1)));
    let bits = bits.chain([0; 32]).enumerate();
    // The first 32 bits are inverted, and so is the rest of the division.
    let rest = bits.fold(0, |rest: u64, (place, bit)| {
        let next = rest << 1 | bit ^ u64::from(place < 32);
        if next >> 32 == 1 {
            next ^ DIVISOR
        } else {
            next
        }
    });
    (!(rest as u32)).reverse_bits().to_be_bytes()
}

/// Writes a header as proxies do, and something after it. Tells what it means.
fn write(choices: &mut Choices<'_>) -> (Vec<u8>, Preface) {
    let is_line = choices.once_in(3);
    let (source, destination) = match choices.below(3) {
        0 => (
            Ipv4Addr::from(bytes(choices)).into(),
            Ipv4Addr::from(bytes(choices)).into(),
        ),
        1 => (ipv6(choices), ipv6(choices)),
        // Who knows one of each writes both as IPv6.
        _ => (mapped(choices), ipv6(choices)),
    };
    let source = SocketAddr::new(source, u16::from_be_bytes(bytes(choices)));
    let destination = SocketAddr::new(destination, u16::from_be_bytes(bytes(choices)));
    let (mut header, tells, is_secure) = match is_line {
        true => write_line(choices, source, destination),
        false => write_binary(choices, source, destination),
    };
    let end = |address: SocketAddr| {
        let ip = without_mapping(address.ip());
        tells.then(|| SocketAddr::new(ip, address.port()))
    };
    let told = Preface::Header {
        source: end(source),
        destination: end(destination),
        is_secure,
        length: header.len(),
    };
    header.extend_from_slice(choices.one(&[
        &b""[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"\n",
        b"PROXY ",
    ]));
    (header, told)
}

fn write_line(
    choices: &mut Choices<'_>,
    source: SocketAddr,
    destination: SocketAddr,
) -> (Vec<u8>, bool, Option<bool>) {
    let rest = format!(
        "{} {} {} {}",
        source.ip(),
        destination.ip(),
        source.port(),
        destination.port()
    );
    let tells = !choices.once_in(4);
    let line = match (tells, source) {
        (true, SocketAddr::V4(_)) => format!("PROXY TCP4 {rest}\r\n"),
        (true, SocketAddr::V6(_)) => format!("PROXY TCP6 {rest}\r\n"),
        (false, _) if choices.once_in(2) => format!("PROXY UNKNOWN {rest}\r\n"),
        (false, _) => "PROXY UNKNOWN\r\n".into(),
    };
    (line.into_bytes(), tells, None)
}

fn write_binary(
    choices: &mut Choices<'_>,
    source: SocketAddr,
    destination: SocketAddr,
) -> (Vec<u8>, bool, Option<bool>) {
    let is_local = choices.once_in(8);
    let is_unix = choices.once_in(8);
    let carrier = if choices.once_in(8) { 2 } else { 1 };
    let mut body = Vec::new();
    let family = match (source.ip(), destination.ip()) {
        _ if is_unix => {
            body.resize(216, b'a');
            3
        }
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            body.extend(source.octets());
            body.extend(destination.octets());
            1
        }
        (source, destination) => {
            for address in [source, destination] {
                if let IpAddr::V6(address) = address {
                    body.extend(address.octets());
                }
            }
            2
        }
    };
    if !is_unix {
        body.extend(source.port().to_be_bytes());
        body.extend(destination.port().to_be_bytes());
    }
    let mut is_secure = None;
    let mut sum = None;
    for _ in 0..choices.below(5) {
        match choices.below(8) {
            0 | 1 if is_secure.is_none() => {
                let flags = choices.byte();
                is_secure = Some(flags & 1 == 1);
                let mut value = vec![flags, 0, 0, 0, choices.byte()];
                if flags & 1 == 1 {
                    part(&mut value, 0x21, b"TLSv1.3");
                }
                part(&mut body, 0x20, &value);
            }
            2 if sum.is_none() => {
                part(&mut body, 3, &[0; 4]);
                sum = Some(16 + body.len() - 4);
            }
            // Long enough for a length of two bytes.
            3 => part(&mut body, 4, &vec![0x20; 256 + choices.below(256)]),
            4 => {
                let length = choices.below(40);
                part(&mut body, 0xe0, choices.take(length));
            }
            5 => part(&mut body, 2, b"a.example"),
            _ => part(&mut body, 1, b"http/1.1"),
        }
    }
    let length = (body.len() as u16).to_be_bytes();
    let command = if is_local { 0x20 } else { 0x21 };
    let mut header = [
        &SIGNATURE[..],
        &[command, family << 4 | carrier],
        &length,
        &body,
    ]
    .concat();
    if let Some(place) = sum {
        let sum = checksum(&header);
        header[place..place + 4].copy_from_slice(&sum);
    }
    (
        header,
        !is_local && !is_unix,
        is_secure.filter(|_| !is_local),
    )
}

fn part(to: &mut Vec<u8>, kind: u8, value: &[u8]) {
    to.push(kind);
    to.extend((value.len() as u16).to_be_bytes());
    to.extend(value);
}

fn ipv6(choices: &mut Choices<'_>) -> IpAddr {
    let mut octets: [u8; 16] = bytes(choices);
    octets[0] = 0x20;
    Ipv6Addr::from(octets).into()
}

fn mapped(choices: &mut Choices<'_>) -> IpAddr {
    Ipv4Addr::from(bytes::<4>(choices)).to_ipv6_mapped().into()
}

fn bytes<const N: usize>(choices: &mut Choices<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.fill_with(|| choices.byte());
    bytes
}

/// Makes a `proxy-header` input: decisions; or bytes of a header with damage, or what only begins like one.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const LINES: [&str; 18] = [
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 2\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 +2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY UNKNOWN \u{e9}\r\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n",
        "PROXY\t",
    ];
    match choices.below(6) {
        0 | 1 => [&[1], choices.take(200)].concat(),
        2 => [&[0], choices.one(&LINES).as_bytes(), b"GET"].concat(),
        3 => {
            let length = 80 + choices.below(20);
            [b"\0PROXY UNKNOWN ", &*vec![b'a'; length], b"\r\nGET"].concat()
        }
        4 => {
            // Around the greatest length.
            let length = (4076 + choices.below(8) as u16).to_be_bytes();
            let start = [
                choices.one(&[0x20, 0x21]),
                choices.one(&[0, 0x11, 0x21, 0x31]),
            ];
            [&[0], &SIGNATURE[..], &start, &length, &vec![0; 4100]].concat()
        }
        _ => {
            let count = choices.below(4);
            let damage = choices.take(2 * count);
            let (mut bytes, _) = write(choices);
            for pair in damage.chunks_exact(2) {
                // Most of it where something stands that matters.
                let place = usize::from(pair[0]) % bytes.len().clamp(1, 64);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << (pair[1] % 8);
                }
            }
            let end = if choices.once_in(4) {
                choices.below(bytes.len().clamp(1, 256))
            } else {
                bytes.len()
            };
            [&[0], &bytes[..end]].concat()
        }
    }
}
