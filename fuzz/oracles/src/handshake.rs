//! Oracles that watch an opening handshake, a server's or a client's.

use crate::choices::Choices;
use crate::reference;
use crate::subject::{Subject, Verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plainws::Role;
use plainws::protocol::head::Limits;

/// Limits that a fuzzer steps over in a few bytes.
pub const TINY: Limits = Limits {
    max_bytes: 400,
    max_headers: 12,
};

/// Bytes of a head and what follows, and how they arrive.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who sends it.
    pub sender: Role,
    /// The limits under which it is read.
    pub limits: Limits,
    /// The sizes of the first pieces; the rest is one more.
    pub cuts: Vec<usize>,
    /// The bytes.
    pub wire: Vec<u8>,
    /// Whether the head was made to be legal.
    pub is_legal: bool,
}

const FROM_SERVER: u8 = 1;
const LARGE: u8 = 2;
const DECIDED: u8 = 4;

impl Arrival {
    /// Reads an input: the first byte tells the sender, the limits, whether the rest decides on a legal
    /// head or is the wire itself, and how many cut bytes follow.
    #[must_use]
    pub fn from_input(input: &[u8]) -> Self {
        let mut choices = Choices(input);
        let setup = choices.byte();
        let cuts = choices
            .take(usize::from(setup >> 4))
            .iter()
            .copied()
            .map(usize::from);
        let cuts = cuts.collect();
        let sender = if setup & FROM_SERVER == 0 {
            Role::Client
        } else {
            Role::Server
        };
        let is_legal = setup & DECIDED != 0;
        Self {
            sender,
            // A legal head must not be refused for its size.
            limits: if setup & LARGE == 0 && !is_legal {
                TINY
            } else {
                Limits::default()
            },
            cuts,
            wire: if is_legal {
                head(sender, &mut choices)
            } else {
                choices.0.to_vec()
            },
            is_legal,
        }
    }
}

/// The input that gives that wire, without cuts.
#[must_use]
pub fn to_input(sender: Role, limits: Limits, wire: &[u8]) -> Vec<u8> {
    let sender = if sender == Role::Client {
        0
    } else {
        FROM_SERVER
    };
    let limits = if limits == TINY { 0 } else { LARGE };
    [&[sender | limits], wire].concat()
}

/// The wire of an input, and who sends it.
#[must_use]
pub fn wire(input: &[u8]) -> (Role, Vec<u8>) {
    let arrival = Arrival::from_input(input);
    (arrival.sender, arrival.wire)
}

/// Makes an input from decisions: a request, legal or with one fault.
#[must_use]
pub fn generate_request(choices: &mut Choices<'_>) -> Vec<u8> {
    generate(0, choices)
}

/// Makes an input from decisions: a response, legal or with one fault.
#[must_use]
pub fn generate_response(choices: &mut Choices<'_>) -> Vec<u8> {
    generate(FROM_SERVER, choices)
}

fn generate(sender: u8, choices: &mut Choices<'_>) -> Vec<u8> {
    let setup = choices.byte() & !FROM_SERVER | sender;
    let cuts = choices.take(usize::from(setup >> 4)).to_vec();
    let setup = setup & 0x0F | (cuts.len() as u8) << 4;
    let rest = if setup & DECIDED != 0 {
        choices.0.to_vec()
    } else {
        let sender = if sender == 0 {
            Role::Client
        } else {
            Role::Server
        };
        let head = head(sender, choices);
        damaged(head, choices)
    };
    [&[setup][..], &cuts, &rest].concat()
}

/// A legal head with bytes behind it, in one of the many forms that are allowed.
fn head(sender: Role, choices: &mut Choices<'_>) -> Vec<u8> {
    // A request may name several protocols, a response names the one.
    let upgrades = ["websocket", "WebSocket", "websocket,,", "h2c, websocket"];
    let upgrade = choices.one(&upgrades[..if sender == Role::Client { 4 } else { 3 }]);
    let connection = choices.one(&[
        "Upgrade",
        "upgrade",
        "keep-alive, Upgrade",
        "UPGRADE , x",
        ",upgrade",
    ]);
    let mut headers = vec![
        ("Upgrade", upgrade.to_owned()),
        ("Connection", connection.to_owned()),
    ];
    let start = if sender == Role::Client {
        let nonce: Vec<u8> = (0..16).map(|_| choices.byte()).collect();
        headers.push((
            "Host",
            choices
                .one(&["a", "example.com:80", "[::1]:8000", "127.0.0.1"])
                .into(),
        ));
        headers.push(("Sec-WebSocket-Key", STANDARD.encode(nonce)));
        headers.push(("Sec-WebSocket-Version", "13".into()));
        let optional = [
            ("Origin", "https://example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits, x; a=\"b\"",
            ),
            ("Cookie", "a=b; c=\"d\""),
            ("Content-Length", "0"),
        ];
        for (name, value) in optional {
            if choices.once_in(3) {
                headers.push((name, value.into()));
            }
        }
        let target = choices.one(&["/", "/chat", "/a?b=c&d", "http://example.com/x", "/%23"]);
        format!("GET {target} HTTP/1.1\r\n")
    } else {
        let accept = reference::accept_value("dGhlIHNhbXBsZSBub25jZQ==");
        headers.push(("Sec-WebSocket-Accept", accept));
        if choices.once_in(2) {
            headers.push((
                "Sec-WebSocket-Protocol",
                choices.one(&["chat", "superchat"]).into(),
            ));
        }
        choices
            .one(&["HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1 101 \r\n"])
            .into()
    };
    for _ in 0..choices.below(12) {
        headers.push((
            choices.one(&["X", "Via", "a-b!c"]),
            choices.one(&["", "y", "caf\u{e9}", "a\tb"]).into(),
        ));
    }
    let first = choices.below(headers.len());
    headers.rotate_left(first);
    let mut head = choices.one(&["", "", "", "\r\n"]).to_owned() + &start;
    for (name, value) in headers {
        let name = match choices.below(4) {
            0 => name.to_ascii_lowercase(),
            1 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        };
        let (before, behind) = choices.one(&[(" ", ""), ("", ""), ("\t ", " \t")]);
        head += &format!("{name}:{before}{value}{behind}\r\n");
    }
    let behind = choices.one(&[
        &b""[..],
        b"\x81\x85\0\0\0\0Hello",
        b"\r\n\r\n",
        b"\x89\x80\0\0\0\0\xFF",
    ]);
    [head.as_bytes(), b"\r\n", behind].concat()
}

/// One fault in a head.
fn damaged(mut head: Vec<u8>, choices: &mut Choices<'_>) -> Vec<u8> {
    const REPLACEMENTS: [(&str, &str); 18] = [
        // Keys of 17, 18 and 19 bytes.
        ("==\r\n", "A=\r\n"),
        ("==\r\n", "AA\r\n"),
        ("==\r\n", "AAAA==\r\n"),
        ("websocket\r\n", "websocket, h2c\r\n"),
        ("GET", "POST"),
        ("HTTP/1.1", "HTTP/1.0"),
        ("101", "200"),
        ("==\r\n", "\r\n"),
        ("==\r\n", "AA==\r\n"),
        ("13\r\n", "8\r\n"),
        ("=\r\n", "A=\r\n"),
        (
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n"),
        ("ocket", "ockets"),
        ("pgrade", "pgrad"),
        ("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (":", " :"),
    ];
    match choices.below(4) {
        0 => {}
        1 => {
            let at = choices.below(head.len().min(256));
            head[at] = choices.byte();
        }
        2 => {
            let many = "X: y\r\n".repeat(choices.below(20));
            let start = head
                .windows(2)
                .skip(2)
                .position(|window| window == b"\r\n")
                .map_or(0, |at| at + 4);
            head.splice(start..start, many.bytes());
        }
        _ => {
            let (from, to) = choices.one(&REPLACEMENTS);
            let at = head
                .windows(from.len())
                .position(|window| window.eq_ignore_ascii_case(from.as_bytes()));
            if let Some(at) = at {
                head.splice(at..at + from.len(), to.bytes());
            }
        }
    }
    head
}

/// Feeds a fresh reader; returns the verdict, with all bytes behind the head, and how many bytes it took to reach it.
fn judge(
    subject: &dyn Subject,
    arrival: &Arrival,
    sizes: &[usize],
) -> Option<Option<(Verdict, usize)>> {
    let mut reader = subject.handshake(arrival.sender, arrival.limits)?;
    let mut sizes = sizes.iter();
    let mut size = usize::MAX;
    let mut end = 0;
    while end < arrival.wire.len() {
        size = *sizes.next().unwrap_or(&size);
        let start = end;
        end = arrival.wire.len().min(start.saturating_add(size.max(1)));
        match reader.receive(&arrival.wire[start..end]) {
            Some(Verdict::Accepted { response, mut rest }) => {
                rest.extend(&arrival.wire[end..]);
                return Some(Some((Verdict::Accepted { response, rest }, end)));
            }
            Some(refused) => return Some(Some((refused, end))),
            None => {}
        }
    }
    Some(None)
}

/// The verdict on the wire in one piece, if there is one.
fn whole(subject: &dyn Subject, arrival: &Arrival) -> Option<Verdict> {
    judge(subject, arrival, &[])?.map(|(verdict, _)| verdict)
}

/// However the head is cut, the verdict and the response are the same.
///
/// # Errors
///
/// What differs.
pub fn split(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let verdict = |sizes: &[usize]| {
        let verdict = judge(subject, &arrival, sizes)??.0;
        Some(match verdict {
            Verdict::Accepted { response, .. } => Ok(response),
            Verdict::Refused(rule) => Err(rule),
        })
    };
    let cuts = [&arrival.cuts[..], &[usize::MAX]].concat();
    let expected = verdict(&[]);
    for sizes in [&cuts[..], &[1], &[2], &[3]] {
        let seen = verdict(sizes);
        if seen != expected {
            return Err(format!("cut as {sizes:?}: {seen:?}, whole: {expected:?}"));
        }
    }
    Ok(())
}

/// No head is waited for beyond its limits, none that exceeds them is accepted, and one is refused by a
/// rule of the handshake that binds its sender.
///
/// # Errors
///
/// What is wrong.
pub fn bounded(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let Some(verdict) = judge(subject, &arrival, &[1]) else {
        return Ok(());
    };
    let bytes = verdict
        .as_ref()
        .map_or(arrival.wire.len(), |(_, bytes)| *bytes);
    // The byte too many is where it must end.
    if bytes > arrival.limits.max_bytes + 1 {
        return Err(format!("{bytes} bytes were taken"));
    }
    match verdict {
        Some((Verdict::Accepted { .. }, _)) => {
            let lines = reference::head(&arrival.wire).map_or(0, |(lines, _)| lines.len());
            if bytes > arrival.limits.max_bytes || lines - 1 > arrival.limits.max_headers {
                return Err(format!(
                    "a head of {bytes} bytes and {lines} lines was accepted"
                ));
            }
        }
        Some((Verdict::Refused(Some(rule)), _))
            if rule.close_code().is_some() || rule.violation(arrival.sender).is_none() =>
        {
            return Err(format!(
                "{rule:?} is no rule for a {:?}'s head",
                arrival.sender
            ));
        }
        _ => {}
    }
    Ok(())
}

/// An accepted request has every item of §4.2.1, by an independent check.
///
/// # Errors
///
/// What it lacks.
pub fn request_items(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    items(subject, input, Role::Client, reference::request_lacks)
}

/// An accepted response has every item of §4.1, by an independent check.
///
/// # Errors
///
/// What it lacks.
pub fn response_items(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    items(subject, input, Role::Server, reference::response_lacks)
}

fn items(
    subject: &dyn Subject,
    input: &[u8],
    sender: Role,
    lacks: fn(&[&[u8]]) -> Option<&'static str>,
) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    if arrival.sender != sender {
        return Ok(());
    }
    let Some(Verdict::Accepted { .. }) = whole(subject, &arrival) else {
        return Ok(());
    };
    let Some((lines, _)) = reference::head(&arrival.wire) else {
        return Err("accepted without an end".into());
    };
    match lacks(&lines) {
        Some(item) => Err(format!(
            "accepted without {item}: {}",
            arrival.wire.escape_ascii()
        )),
        None => Ok(()),
    }
}

/// A head made to be legal is accepted, in whichever form.
///
/// # Errors
///
/// The head.
pub fn accepts(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    match whole(subject, &arrival) {
        Some(Verdict::Refused(rule)) if arrival.is_legal => Err(format!(
            "refused by {rule:?}: {}",
            arrival.wire.escape_ascii()
        )),
        _ => Ok(()),
    }
}

/// The bytes behind an accepted head reach the next reader unchanged, however they are cut.
///
/// # Errors
///
/// What differs.
pub fn rest(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let Some((_, expected)) = reference::head(&arrival.wire) else {
        return Ok(());
    };
    let cuts = [&arrival.cuts[..], &[usize::MAX]].concat();
    for sizes in [&[][..], &cuts, &[1]] {
        if let Some(Some((Verdict::Accepted { rest, .. }, _))) = judge(subject, &arrival, sizes) {
            if rest != expected {
                return Err(format!(
                    "cut as {sizes:?}: {rest:02x?} behind the head, not {expected:02x?}"
                ));
            }
        }
    }
    Ok(())
}

/// The response to an accepted request is a whole head that opens the connection (§4.2.2).
///
/// # Errors
///
/// The response.
pub fn response(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let Some(Verdict::Accepted { response, .. }) = whole(subject, &arrival) else {
        return Ok(());
    };
    let Some((request, _)) =
        reference::head(&arrival.wire).filter(|_| arrival.sender == Role::Client)
    else {
        return Ok(());
    };
    let key = reference::values(&request, "Sec-WebSocket-Key").concat();
    let offered = reference::values(&request, "Sec-WebSocket-Protocol").join(",");
    let is_right = reference::head(response.as_bytes()).is_some_and(|(lines, rest)| {
        let chosen = reference::values(&lines, "Sec-WebSocket-Protocol");
        let is_offered = |chosen: &String| offered.split(',').any(|name| name.trim() == chosen);
        rest.is_empty()
            && lines[0].starts_with(b"HTTP/1.1 101 ")
            && reference::values(&lines, "Upgrade") == ["websocket"]
            && reference::values(&lines, "Connection") == ["Upgrade"]
            && reference::values(&lines, "Sec-WebSocket-Accept") == [reference::accept_value(&key)]
            && reference::values(&lines, "Sec-WebSocket-Extensions").is_empty()
            && chosen.len() <= 1
            && chosen.iter().all(is_offered)
    });
    if is_right {
        Ok(())
    } else {
        Err(format!("key {key:?} is answered by {response:?}"))
    }
}
