//! Who sent a request that came through proxies: an independent reading, a chain of proxies that write as real ones
//! do, and the oracle that compares with both.

use crate::proxies;
use crate::streams::choices::Choices;
use crate::subject::{Field, Sent, Subject, TRUSTED};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

/// What a request tells of its sender is what an independent reading finds in it. Behind a chain of proxies it is what
/// the outermost trusted one saw, whatever the client sent.
///
/// The input is 0 and lines: the peer, and header fields; or another number and decisions on a chain.
///
/// # Errors
///
/// What differs.
pub fn forwarded(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(Arrived { peer, fields, sent }) = forwarded_from_input(input) else {
        return Ok(());
    };
    let Some(told) = subject.forwarded(peer, &fields) else {
        return Ok(());
    };
    let expected = read(peer, &fields);
    let is_right = told == expected && sent.as_ref().is_none_or(|sent| told.as_ref() == Some(sent));
    if is_right {
        return Ok(());
    }
    let mut what = format!("from {peer:?}: {told:?}; it is {expected:?}");
    if let Some(sent) = sent {
        let _ = write!(what, ", and was {sent:?}");
    }
    for (name, value) in fields {
        let _ = write!(what, "\n{name}: {}", value.escape_ascii());
    }
    Err(what)
}

/// A request, and who sent it, if that is known.
pub(crate) struct Arrived {
    pub(crate) peer: Option<IpAddr>,
    pub(crate) fields: Vec<Field>,
    pub(crate) sent: Option<Sent>,
}

/// What an input stands for; of text, only what can be in a head counts.
pub(crate) fn forwarded_from_input(input: &[u8]) -> Option<Arrived> {
    let (first, rest) = input.split_first()?;
    if *first != 0 {
        return Some(chain(&mut Choices(rest)));
    }
    let mut lines = rest.split(|byte| *byte == b'\n');
    let peer = proxies::peer_named(str::from_utf8(lines.next()?).ok()?)?;
    let is_sent = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    let fields = lines
        .filter(|line| line.iter().all(is_sent))
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            let name = NAMES
                .iter()
                .find(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
            Some(((*name).to_owned(), value.to_vec()))
        });
    Some(Arrived {
        peer,
        fields: fields.take(50).collect(),
        sent: None,
    })
}

const NAMES: [&str; 4] = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
];

fn is_trusted(peer: Option<IpAddr>) -> bool {
    let mut networks = TRUSTED.iter().filter_map(|entry| proxies::network(entry));
    networks.any(|network| proxies::is_in(&network, peer))
}

/// Who sent the request; `None` if the headers contradict each other.
#[must_use]
pub fn read(peer: Option<IpAddr>, fields: &[Field]) -> Option<Sent> {
    read_as(peer, fields, elements)
}

/// The same, with another way to take a value of `Forwarded` apart.
pub(crate) fn read_as(
    peer: Option<IpAddr>,
    fields: &[Field],
    elements_of_standard: fn(&[u8]) -> Vec<&[u8]>,
) -> Option<Sent> {
    if !is_trusted(peer) {
        return Some(Sent::default());
    }
    // What the nearest proxy wrote comes first.
    let list = |name: &str, elements: fn(&[u8]) -> Vec<&[u8]>| {
        let fields = fields.iter().rev().filter(|(there, _)| there == name);
        let all: Vec<&[u8]> = fields.flat_map(|(_, value)| elements(value)).collect();
        all
    };
    let standard = list(NAMES[0], elements_of_standard);
    let [nodes, protocols, hosts] =
        [NAMES[1], NAMES[2], NAMES[3]].map(|name| list(name, plain_elements));
    let by_standard: Vec<Sent> = standard
        .iter()
        .map_while(|element| of_element(element))
        .collect();
    let at = |list: &[&[u8]], place: usize| {
        let element = list.get(place).or(list.last())?;
        str::from_utf8(element).ok().map(str::to_owned)
    };
    let by_others = (0..nodes.len().max(1)).map(|place| Sent {
        client: nodes
            .get(place)
            .and_then(|node| node_address(str::from_utf8(node).ok()?, true)),
        is_secure: at(&protocols, place).and_then(|text| protocol(&text)),
        host: at(&hosts, place).filter(|text| is_host(text)),
    });
    let (by_standard, by_others) = (
        outermost(&by_standard),
        outermost(&by_others.collect::<Vec<_>>()),
    );
    let has_others = nodes.len() + protocols.len() + hosts.len() > 0;
    match (standard.is_empty(), has_others) {
        (false, true) => (by_standard == by_others).then_some(by_standard),
        (false, false) => Some(by_standard),
        (true, _) => Some(by_others),
    }
}

/// What the outermost trusted proxy says; the nearest one comes first.
fn outermost(hops: &[Sent]) -> Sent {
    let is_proxy = |hop: &Sent| hop.client.is_some() && is_trusted(hop.client);
    let trusted = hops.iter().take_while(|hop| is_proxy(hop)).count() + 1;
    let trusted = &hops[..trusted.min(hops.len())];
    let Some(last) = trusted.last() else {
        return Sent::default();
    };
    Sent {
        client: trusted.iter().rev().find_map(|hop| hop.client),
        ..last.clone()
    }
}

/// The elements of a list, the last one first: from the end, a comma counts if the marks after it make pairs.
fn elements(value: &[u8]) -> Vec<&[u8]> {
    let marks = quotation_marks(value);
    let commas = (0..value.len()).rev().filter(|place| {
        let after = marks.iter().filter(|mark| *mark > place);
        value[*place] == b',' && after.count() % 2 == 0
    });
    between(value, commas)
}

/// The same, but from the beginning, which the client sent.
pub(crate) fn elements_from_the_left(value: &[u8]) -> Vec<&[u8]> {
    let marks = quotation_marks(value);
    let commas = (0..value.len()).rev().filter(|place| {
        let before = marks.iter().filter(|mark| *mark < place);
        value[*place] == b',' && before.count() % 2 == 0
    });
    between(value, commas)
}

/// The same where nothing is quoted.
fn plain_elements(value: &[u8]) -> Vec<&[u8]> {
    between(
        value,
        (0..value.len()).rev().filter(|place| value[*place] == b','),
    )
}

fn between(value: &[u8], commas: impl Iterator<Item = usize>) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    let mut end = value.len();
    for comma in commas {
        elements.push(value[comma + 1..end].trim_ascii());
        end = comma;
    }
    elements.push(value[..end].trim_ascii());
    elements.retain(|element| !element.is_empty());
    elements
}

/// Where the marks stand that no backslash makes a part of the text.
pub(crate) fn quotation_marks(value: &[u8]) -> Vec<usize> {
    let mut marks = Vec::new();
    let mut is_escaped = false;
    for (place, byte) in value.iter().enumerate() {
        if *byte == b'"' && !is_escaped {
            marks.push(place);
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    marks
}

/// One element of `Forwarded`, cut at the semicolons outside of quotation marks; `None` if it is malformed.
fn of_element(element: &[u8]) -> Option<Sent> {
    let marks = quotation_marks(element);
    let is_end = |place: &usize| {
        let before = marks.iter().filter(|mark| *mark < place);
        element[*place] == b';' && before.count() % 2 == 0
    };
    let mut pairs = Vec::new();
    let mut start = 0;
    for end in (0..element.len()).filter(is_end).chain([element.len()]) {
        let pair = element[start..end].trim_ascii();
        start = end + 1;
        if pair.is_empty() {
            continue;
        }
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let name = token(&pair[..equals])?.to_ascii_lowercase();
        pairs.push((name, unquoted(&pair[equals + 1..])?));
    }
    let one = |name: &str| {
        let mut values = pairs.iter().filter(|(there, _)| there == name);
        let value = values.next().map(|(_, value)| value.clone());
        values.next().is_none().then_some(value)
    };
    let (node, scheme, host) = (one("for")?, one("proto")?, one("host")?);
    Some(Sent {
        client: node.and_then(|node| node_address(&node, false)),
        is_secure: scheme.and_then(|scheme| protocol(&scheme)),
        host: host.filter(|host| is_host(host)),
    })
}

fn token(bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok()?;
    let is_right = |c: char| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c);
    (!text.is_empty() && text.chars().all(is_right)).then(|| text.to_owned())
}

fn unquoted(value: &[u8]) -> Option<String> {
    let [b'"', inside @ .., b'"'] = value else {
        return token(value);
    };
    // The mark at the end is no part of the text, and no other ends it before.
    if quotation_marks(value) != [0, value.len() - 1] {
        return None;
    }
    let text = str::from_utf8(inside).ok()?;
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(plain)
}

fn node_address(node: &str, may_be_bare: bool) -> Option<IpAddr> {
    if may_be_bare && node.matches(':').count() > 1 && !node.contains('[') {
        return node.parse::<Ipv6Addr>().ok().map(without_mapping);
    }
    let (address, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (without_mapping(address.parse().ok()?), port)
        }
        None => {
            let end = node.find(':').unwrap_or(node.len());
            (node[..end].parse::<Ipv4Addr>().ok()?.into(), &node[end..])
        }
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(hidden) if hidden.starts_with('_') => {
            let is_right = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            hidden.len() > 1 && hidden.chars().all(is_right)
        }
        Some(digits) => matches!(digits.len(), 1..=5) && digits.chars().all(|c| c.is_ascii_digit()),
    };
    is_port.then_some(address)
}

fn without_mapping(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(address.into(), IpAddr::V4)
}

fn protocol(text: &str) -> Option<bool> {
    let text = text.to_ascii_uppercase();
    let is_plain = ["HTTP", "WS"].contains(&&*text);
    (is_plain || ["HTTPS", "WSS"].contains(&&*text)).then_some(!is_plain)
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_right = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !label.is_empty() && label.chars().all(is_right)
    };
    let (is_name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
            None => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let name = &text[..end];
            let name = name.strip_suffix('.').unwrap_or(name);
            (name.split('.').all(is_label), &text[end..])
        }
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            let value = digits.trim_start_matches('0');
            digits.chars().all(|c| c.is_ascii_digit())
                && value.len() <= 5
                && value.parse().unwrap_or(0) < 65536
        }
    };
    is_name && is_port
}

/// A chain of proxies that are trusted, and a client that lies before them.
fn chain(choices: &mut Choices<'_>) -> Arrived {
    // Legal, and good at leading astray: a comma, a quotation mark, a backslash before the last mark.
    const BY: [&str; 4] = [
        "by=_a",
        "by=\"a, for=127.0.0.1\"",
        "by=\"_\\\"\"",
        "by=\"_\\\\\"",
    ];
    let is_standard = choices.once_in(2);
    let mut fields = lies(choices, is_standard);
    let proxies: Vec<IpAddr> = (0..=choices.below(3)).map(|_| inside(choices)).collect();
    let client = outside(choices);
    let is_secure = choices.once_in(2);
    let host = choices.one(&[
        "a.example",
        "B.example:8443",
        "[2001:db8::1]:80",
        "localhost.",
    ]);
    // From the outermost proxy to the nearest one: who connected to it, and how.
    let mut seen = vec![(client, is_secure, host)];
    seen.extend(
        proxies
            .iter()
            .skip(1)
            .map(|proxy| (*proxy, false, "inside")),
    );
    let is_hidden = is_standard && choices.once_in(6);
    let does_each_tell = choices.once_in(2);
    for (number, (from, is_secure, host)) in seen.into_iter().enumerate() {
        let protocol = match is_secure {
            true => choices.one(&["https", "wss", "HTTPS"]),
            false => choices.one(&["http", "ws"]),
        };
        if is_standard {
            let node = if is_hidden && number == 0 {
                choices
                    .one(&["unknown", "_hidden", "\"_hidden:_port\""])
                    .to_owned()
            } else {
                quoted_node(choices, from)
            };
            let host = format!("\"{host}\"");
            let parts = [
                format!("for={node}"),
                format!("Proto={protocol}"),
                format!("host={host}"),
                choices.one(&BY).to_owned(),
            ];
            let by = 4 - usize::from(choices.once_in(2));
            let mut parts = parts[..by].to_vec();
            let turned = choices.below(by);
            parts.rotate_left(turned);
            let element = parts.join(choices.one(&[";", "; "]));
            add(choices, &mut fields, "Forwarded", &element);
            continue;
        }
        let node = node(choices, from);
        add(choices, &mut fields, "X-Forwarded-For", &node);
        // The outermost replaces what the client sent.
        if number == 0 {
            fields.retain(|(name, _)| name != "X-Forwarded-Proto" && name != "X-Forwarded-Host");
        }
        if number == 0 || does_each_tell {
            add(choices, &mut fields, "X-Forwarded-Proto", protocol);
            add(choices, &mut fields, "X-Forwarded-Host", host);
        }
    }
    let last_known = if is_hidden {
        proxies.get(1).copied()
    } else {
        Some(client)
    };
    Arrived {
        peer: proxies.last().copied().filter(|_| !choices.once_in(8)),
        fields,
        sent: Some(Sent {
            client: last_known,
            is_secure: Some(is_secure),
            host: Some(host.into()),
        }),
    }
}

/// What a client sends that would like to be somebody else.
fn lies(choices: &mut Choices<'_>, is_standard: bool) -> Vec<Field> {
    const STANDARD: [&str; 12] = [
        "for=127.0.0.1;proto=https;host=evil.example",
        "for=\"",
        "for=\"127.0.0.1",
        "for=\"\\",
        "\\",
        "\"\\\"",
        "for=10.0.0.9, for=127.0.0.1, for=10.0.0.8",
        "for=\"a, for=127.0.0.1\"",
        ",\",\"",
        "=",
        "host=\"\u{e9}",
        ";",
    ];
    const OTHERS: [&str; 8] = [
        "127.0.0.1",
        "10.0.0.9, 10.0.0.8",
        "127.0.0.1, 10.0.0.9",
        "unknown",
        "\"",
        "\u{e9}",
        ",",
        "x, [::1]:1",
    ];
    let mut fields = Vec::new();
    for _ in 0..choices.below(3) {
        if is_standard {
            fields.push(("Forwarded".into(), choices.one(&STANDARD).into()));
            continue;
        }
        fields.push(("X-Forwarded-For".into(), choices.one(&OTHERS).into()));
        fields.push((
            "X-Forwarded-Proto".into(),
            choices.one(&["http", "https", "https, http"]).into(),
        ));
        fields.push((
            "X-Forwarded-Host".into(),
            choices.one(&["evil.example", "a, b", ""]).into(),
        ));
    }
    fields
}

/// Adds an element to a list: in a line of its own, or at the end of the last one or of all of them.
fn add(choices: &mut Choices<'_>, fields: &mut Vec<Field>, name: &str, element: &str) {
    let way = choices.below(3);
    let mut values: Vec<Vec<u8>> = Vec::new();
    fields.retain(|(there, value)| {
        if there == name {
            values.push(value.clone());
        }
        there != name
    });
    match (way, values.is_empty()) {
        (0, _) | (_, true) => values.push(element.into()),
        (1, _) => {
            if let Some(last) = values.last_mut() {
                last.extend(format!(", {element}").bytes());
            }
        }
        _ => {
            values.push(element.into());
            values = vec![values.join(&b", "[..])];
        }
    }
    fields.extend(values.into_iter().map(|value| (name.to_owned(), value)));
}

fn quoted_node(choices: &mut Choices<'_>, address: IpAddr) -> String {
    let port = choices.one(&["", "", ":1", ":65535", ":_p"]);
    match address {
        IpAddr::V4(address) if port.is_empty() && choices.once_in(2) => address.to_string(),
        IpAddr::V4(address) => format!("\"{address}{port}\""),
        IpAddr::V6(address) => format!("\"[{address}]{port}\""),
    }
}

fn node(choices: &mut Choices<'_>, address: IpAddr) -> String {
    let port = choices.one(&["", "", "", ":1", ":65535"]);
    match address {
        IpAddr::V4(address) => format!("{address}{port}"),
        IpAddr::V6(address) if port.is_empty() && choices.once_in(2) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]{port}"),
    }
}

/// The address of a trusted proxy.
fn inside(choices: &mut Choices<'_>) -> IpAddr {
    let last = u16::from(choices.byte());
    match choices.once_in(3) {
        true => Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, last).into(),
        false => Ipv4Addr::new(10, 0, 0, last as u8).into(),
    }
}

/// The address of a client.
fn outside(choices: &mut Choices<'_>) -> IpAddr {
    let last = u16::from(choices.byte());
    match choices.once_in(3) {
        true => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into(),
        false => Ipv4Addr::new(192, 0, 2, last as u8).into(),
    }
}

/// Makes a `forwarded` input: decisions on a chain, or header fields of parts that are mostly right.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    const PEERS: [&str; 6] = [
        "10.0.0.1",
        "10.0.0.1",
        "unix",
        "::ffff:10.0.0.1",
        "192.0.2.9",
        "2001:db8:ffff::1",
    ];
    const NODES: [&str; 24] = [
        "192.0.2.1",
        "192.0.2.1",
        "10.0.0.2",
        "10.0.0.2",
        "10.0.0.3",
        "10.0.0.3:80",
        "192.0.2.1:_a",
        "192.0.2.1:",
        "192.0.2.1:123456",
        "[2001:db8::1]",
        "[2001:db8:ffff::2]:1",
        "2001:db8::1",
        "::ffff:10.0.0.4",
        "[::ffff:c000:201]",
        "[::1",
        "[::1]x",
        "unknown",
        "_a",
        "192.0.2.01",
        "fe80::1%1",
        "",
        "a.example",
        "[10.0.0.1]",
        "1:2:3",
    ];
    const VALUES: [&str; 14] = [
        "https",
        "http",
        "WSS",
        "ftp",
        "a.example",
        "a.example:80",
        "a:b",
        "[::1]:",
        "[::1",
        "a..b",
        "a b",
        "a.:0065535",
        "*.a",
        "\\\\",
    ];
    const BETWEEN: [&str; 6] = [", ", ", ", ",", ",,", " ,\t", "\", \""];
    const PARTS: [&str; 10] = [";", ";", "; ", " ;", ";;", " ", "", ";=", ";\"", "\\"];
    if choices.once_in(2) {
        return [&[1], choices.take(120)].concat();
    }
    let mut text = format!("\0{}", choices.one(&PEERS));
    for _ in 0..=choices.below(4) {
        let name = choices.one(&NAMES);
        let _ = write!(text, "\n{name}: ");
        for number in 0..=choices.below(4) {
            if number > 0 {
                text += choices.one(&BETWEEN);
            }
            match name {
                "X-Forwarded-For" => text += choices.one(&NODES),
                "Forwarded" => {
                    for number in 0..choices.below(4) {
                        if number > 0 {
                            text += if choices.once_in(2) {
                                ";"
                            } else {
                                choices.one(&PARTS)
                            };
                        }
                        let name = choices.one(&["for", "for", "For", "proto", "host", "by", "a"]);
                        let value = if name.eq_ignore_ascii_case("for") {
                            choices.one(&NODES)
                        } else {
                            choices.one(&VALUES)
                        };
                        let _ = match choices.below(8) {
                            0..4 => write!(text, "{name}=\"{value}\""),
                            4 => write!(text, "{name}=\"{}\"", value.replace('.', "\\.")),
                            5 => write!(text, "{name}=\"{value}\\\""),
                            _ => write!(text, "{name}={value}"),
                        };
                    }
                }
                _ => text += choices.one(&VALUES),
            }
        }
    }
    text.into_bytes()
}
