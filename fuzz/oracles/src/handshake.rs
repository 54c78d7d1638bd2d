//! Oracles that watch an opening handshake, a server's or a client's.

use crate::heads;
use crate::reference;
use crate::stream::{Stream, cut, sender};
use crate::streams::choices::Choices;
use crate::subject::{OPENING_KEY, Subject, Verdict};
use crate::words;
use plainws::Role;
use plainws::protocol::head::Limits;

/// Limits that a fuzzer exceeds with a few bytes.
pub const TINY: Limits = Limits::new().max_bytes(400).max_headers(12);

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
        let sender = sender(setup);
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
                heads::legal(sender, &mut choices)
            } else {
                choices.0.to_vec()
            },
            is_legal,
        }
    }

    /// The first item that the head lacks, in words.
    #[must_use]
    pub(crate) fn lacks(&self) -> String {
        let wire = self.unfolded();
        let Some((lines, _)) = reference::head(&wire) else {
            return "a head without an end".into();
        };
        let (what, lacks) = match self.sender {
            Role::Client => ("request", reference::request_lacks(&lines)),
            Role::Server => ("response", response_lacks(&lines)),
        };
        match lacks {
            Some(item) => format!("a {what} without: {item}"),
            None => format!("a {what} that has every item"),
        }
    }

    /// The wire, with a response's headers on one line each.
    fn unfolded(&self) -> Vec<u8> {
        reference::unfolded(self.sender, &self.wire)
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

/// The same input as a client would send it.
#[must_use]
pub fn from_client(input: &[u8]) -> Vec<u8> {
    from(0, input)
}

/// The same input as a server would send it.
#[must_use]
pub fn from_server(input: &[u8]) -> Vec<u8> {
    from(FROM_SERVER, input)
}

fn from(sender: u8, input: &[u8]) -> Vec<u8> {
    let (setup, rest) = input.split_first().unwrap_or((&0, &[]));
    [&[setup & !FROM_SERVER | sender], rest].concat()
}

/// What a server sends after a response that opens the connection, as an input of `stream`.
#[must_use]
pub fn after_response(input: &[u8]) -> Vec<u8> {
    let arrival = Arrival::from_input(&from_server(input));
    let after = match reference::head(&arrival.unfolded()) {
        Some((lines, after)) if response_lacks(&lines).is_none() => after.to_vec(),
        _ => Vec::new(),
    };
    Stream::to_input(Role::Server, &after)
}

/// The limits of an input.
#[must_use]
pub fn limits(input: &[u8]) -> Limits {
    Arrival::from_input(input).limits
}

/// Makes an input from decisions: a head of either side, legal or with a fault.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    let setup = choices.byte();
    input(setup, choices)
}

/// Makes an input from decisions: a request with a fault, which is not refused for its size.
#[must_use]
pub fn generate_request(choices: &mut Choices<'_>) -> Vec<u8> {
    let setup = choices.byte() & !(FROM_SERVER | DECIDED) | LARGE;
    input(setup, choices)
}

/// The same for a response.
#[must_use]
pub fn generate_response(choices: &mut Choices<'_>) -> Vec<u8> {
    let setup = choices.byte() & !DECIDED | FROM_SERVER | LARGE;
    input(setup, choices)
}

fn input(setup: u8, choices: &mut Choices<'_>) -> Vec<u8> {
    let cuts = choices.take(usize::from(setup >> 4)).to_vec();
    let rest = if setup & DECIDED != 0 {
        choices.0.to_vec()
    } else {
        heads::damaged(sender(setup), choices)
    };
    let setup = setup & 0x0F | (cuts.len() as u8) << 4;
    [&[setup][..], &cuts, &rest].concat()
}

/// Feeds a fresh reader; returns the verdict, with all bytes after the head, and how many bytes it took to reach it.
fn judge(
    subject: &dyn Subject,
    arrival: &Arrival,
    sizes: &[usize],
) -> Option<Option<(Verdict, usize)>> {
    let mut reader = subject.handshake(arrival.sender, arrival.limits, None)?;
    for piece in cut(arrival.wire.len(), sizes) {
        let end = piece.end;
        match reader.receive(&arrival.wire[piece]) {
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

/// However the head is cut, the verdict and the response are the same; and so they are when the same head
/// comes a second time.
///
/// # Errors
///
/// What differs.
pub fn split(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let verdict = |sizes: &[usize]| {
        let verdict = judge(subject, &arrival, sizes)??.0;
        Some(match verdict {
            Verdict::Accepted { response, .. } => Verdict::Accepted {
                response,
                rest: Vec::new(),
            },
            refused @ Verdict::Refused(_) => refused,
        })
    };
    let cuts = [&arrival.cuts[..], &[usize::MAX]].concat();
    let expected = verdict(&[]);
    for sizes in [&cuts[..], &[1], &[2], &[3]] {
        let seen = verdict(sizes);
        if seen != expected {
            return Err(format!(
                "{}: {}; whole: {}",
                words::cut(sizes),
                words::verdict(seen.as_ref()),
                words::verdict(expected.as_ref())
            ));
        }
    }
    second(subject, &arrival)
}

/// An accepted head is accepted again by the reader that read it (RFC 9112 §9.3: a connection may carry
/// several requests).
fn second(subject: &dyn Subject, arrival: &Arrival) -> Result<(), String> {
    let Some(mut reader) = subject.handshake(arrival.sender, arrival.limits, None) else {
        return Ok(());
    };
    let Some(Verdict::Accepted { response, rest }) = reader.receive(&arrival.wire) else {
        return Ok(());
    };
    let head = &arrival.wire[..arrival.wire.len().saturating_sub(rest.len())];
    match reader.receive(head) {
        Some(Verdict::Accepted {
            response: second, ..
        }) if second == response => Ok(()),
        other => Err(format!(
            "the second time: {}, not {response:?}",
            words::verdict(other.as_ref())
        )),
    }
}

/// A head that exceeds its limits is refused at once, and the rule by which any head is refused is one that
/// binds its sender.
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
            let lines = reference::head(&arrival.unfolded()).map_or(0, |(lines, _)| lines.len());
            if bytes > arrival.limits.max_bytes || lines - 1 > arrival.limits.max_headers {
                return Err(format!(
                    "a head of {bytes} bytes and {lines} lines was accepted"
                ));
            }
        }
        Some((Verdict::Refused(Some(rule)), _))
            if rule.close_code().is_some() || rule.example(arrival.sender).is_none() =>
        {
            return Err(format!(
                "{} is no rule for a {}'s head",
                words::rule(rule),
                arrival.sender.name()
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
    items(subject, input, Role::Server, response_lacks)
}

fn response_lacks(lines: &[&[u8]]) -> Option<&'static str> {
    reference::response_lacks(OPENING_KEY, lines)
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
    let wire = arrival.unfolded();
    let Some((lines, _)) = reference::head(&wire) else {
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

/// A head made to be legal is accepted, whatever form it has.
///
/// # Errors
///
/// The head.
pub fn accepts(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    match whole(subject, &arrival) {
        Some(refused @ Verdict::Refused(_)) if arrival.is_legal => Err(format!(
            "{}: {}",
            words::verdict(Some(&refused)),
            arrival.wire.escape_ascii()
        )),
        _ => Ok(()),
    }
}

/// The bytes after an accepted head reach the next reader unchanged, however they are cut.
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
                    "{}: {} after the head, not {}",
                    words::cut(sizes),
                    words::hex(&rest),
                    words::hex(expected)
                ));
            }
        }
    }
    Ok(())
}

/// The response to an accepted request is a whole head that opens the connection (§4.2.2). It names the
/// subprotocol that the server wants, if that was offered, and else none.
///
/// # Errors
///
/// The response.
pub fn response(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let arrival = Arrival::from_input(input);
    let request = reference::head(&arrival.wire).filter(|_| arrival.sender == Role::Client);
    let Some((request, _)) = request else {
        return Ok(());
    };
    let offered = reference::values(&request, "Sec-WebSocket-Protocol").join(",");
    let offered: Vec<&str> = offered.split(',').map(str::trim).collect();
    let last = offered[offered.len() - 1];
    let capitals = last.to_ascii_uppercase();
    for wanted in ["", "other", &capitals, last] {
        let wanted = Some(wanted).filter(|name| !name.is_empty());
        let reader = subject.handshake(arrival.sender, arrival.limits, wanted);
        let verdict = reader.and_then(|mut reader| reader.receive(&arrival.wire));
        let Some(Verdict::Accepted { response, .. }) = verdict else {
            return Ok(());
        };
        let named = wanted.filter(|name| offered.contains(name));
        if !answers(&response, &request, named) {
            let request = arrival.wire.escape_ascii();
            return Err(format!("{request} is answered by {response:?}"));
        }
    }
    Ok(())
}

/// Whether `response` opens the connection that `request` asks for, with that subprotocol.
fn answers(response: &str, request: &[&[u8]], subprotocol: Option<&str>) -> bool {
    let key = reference::values(request, "Sec-WebSocket-Key").concat();
    reference::head(response.as_bytes()).is_some_and(|(lines, rest)| {
        let values = |name| reference::values(&lines, name);
        rest.is_empty()
            && lines[0].starts_with(b"HTTP/1.1 101 ")
            && values("Upgrade") == ["websocket"]
            && values("Connection") == ["Upgrade"]
            && values("Sec-WebSocket-Accept") == [reference::accept_value(&key)]
            && values("Sec-WebSocket-Extensions").is_empty()
            && values("Sec-WebSocket-Protocol") == subprotocol.as_slice()
    })
}
