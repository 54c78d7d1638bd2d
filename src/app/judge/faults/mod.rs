//! Which part of a head breaks a rule, and which byte of it.
//!
//! The dissector says which rules a head breaks. Here each gets its place: the first character, or else the
//! shortest part, without which it would not be broken. A decoder stops at a line that it cannot read. So
//! that the rules are found that are broken after it, the line is mended and the head taken apart again.

mod grammar;
mod head;
mod lines;
mod mend;
#[cfg(test)]
mod tests;

use head::{Found, Head};
use mend::Mended;
use plainws::Role;
use plainws::protocol::dissect::Verdict;
use plainws::protocol::dissect::handshake::Explanation;
use plainws::protocol::rule::Rule;
use std::ops::Range;

/// A broken rule and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    /// What is wrong, in the stream; `None` where something is missing.
    pub(crate) bytes: Option<Range<usize>>,
    /// What is wrong, where, and why, in a clause.
    pub(crate) what: String,
}

/// How far after its breaking off a head is looked at.
const AHEAD: usize = 64 * 1024;

/// The faults of a head: one for each rule that it breaks, in the order in which they are found, which
/// begins with the rule of the verdict. `dissect` takes a mended head apart.
pub(crate) fn of(
    head: &Explanation,
    stream: &[u8],
    dissect: impl Fn(&[u8]) -> Explanation,
) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    if head.broken.is_empty() {
        return faults;
    }
    let mut mended = Mended::new(&stream[..stream.len().min(head.length + AHEAD)]);
    let mut head = head.clone();
    while let Verdict::Violation { rule, .. } = head.verdict {
        let mut found = in_what_was_read(&head, &mended);
        found.retain(|new| faults.iter().all(|fault| fault.rule != new.rule));
        faults.extend(found);
        if !mended.mend(&head, rule) {
            break;
        }
        head = dissect(&mended.bytes);
    }
    faults
}

/// The same of what was read of a head.
pub(crate) fn so_far(head: &Explanation, stream: &[u8]) -> Vec<Fault> {
    in_what_was_read(head, &Mended::new(&stream[..head.length]))
}

fn in_what_was_read(head: &Explanation, mended: &Mended) -> Vec<Fault> {
    let parts = Head::new(head, mended);
    let rules = head.broken.iter();
    rules.map(|rule| fault(&parts, *rule)).collect()
}

fn fault(head: &Head<'_>, rule: Rule) -> Fault {
    // Whatever was overlooked here, the last byte read is the one that proves it.
    let found = found(head, rule).unwrap_or_else(|| head.at_end(rule.clause()));
    let (bytes, what) = match found {
        Found::Missing(what) => (None, what),
        Found::At(bytes, why) => {
            let what = head.sentence(&bytes, &why);
            (Some(head.origin(&bytes)), what)
        }
    };
    Fault { rule, bytes, what }
}

fn found(head: &Head<'_>, rule: Rule) -> Option<Found> {
    let version = if head.sender == Role::Client { 2 } else { 0 };
    match rule {
        Rule::HeadControlByte => Some(head.at_end("no control bytes but tabs stand in a line")),
        Rule::HeadLineEnding => Some(lines::ending(head)),
        Rule::RequestLineTooLong | Rule::HeadTooLarge => {
            Some(head.at_end(&format!("there is room for {} bytes", head.end - 1)))
        }
        Rule::TooManyHeaders => lines::too_many(head),
        Rule::RequestLineMalformed => lines::request(head),
        Rule::StatusLineMalformed => lines::status(head),
        Rule::HttpVersionTooHigh => head.word(version, "a WebSocket is opened with HTTP/1.1"),
        Rule::HeaderFolded => lines::folded(head),
        Rule::HeaderMalformed => lines::header(head).or_else(|| {
            let in_ascii = |origin: &[u8]| {
                let why = "an origin is in ASCII; an international name is sent as xn--…";
                grammar::odd(origin, |byte| byte.is_ascii(), |_| why)
            };
            head.in_values("Origin", in_ascii)
        }),
        Rule::HostInvalid => host(head),
        Rule::HttpVersionTooLow => head.word(version, "a handshake needs HTTP/1.1"),
        Rule::MethodNotGet => head.word(0, method(head)),
        Rule::HeaderRepeated => repeated(head),
        Rule::BodyAnnounced => body(head),
        Rule::UpgradeMissing => Some(upgrade(head)),
        Rule::ConnectionUpgradeMissing => Some(head.one("Connection", "it does not name upgrade")),
        Rule::VersionNot13 => Some(head.one("Sec-WebSocket-Version", "13 is the only version")),
        Rule::KeyInvalid => Some(
            head.in_values("Sec-WebSocket-Key", grammar::key)
                .unwrap_or_else(|| head.one("Sec-WebSocket-Key", rule.clause())),
        ),
        Rule::SubprotocolsMalformed => {
            let mut before = Vec::new();
            let names = |line| grammar::subprotocols(line, &mut before);
            head.in_values("Sec-WebSocket-Protocol", names)
        }
        Rule::ExtensionsMalformed => {
            let wrong = head.in_values("Sec-WebSocket-Extensions", grammar::extensions);
            wrong.or_else(|| Some(head.one("Sec-WebSocket-Extensions", "it names at least one")))
        }
        Rule::StatusNot101 => head.word(1, "a handshake is accepted with 101"),
        Rule::AcceptWrong => {
            let right = head.accept.unwrap_or_default();
            let why = format!("the key is answered by {right}");
            Some(head.one("Sec-WebSocket-Accept", &why))
        }
        Rule::SubprotocolNotOffered => {
            Some(head.one("Sec-WebSocket-Protocol", "it was not offered"))
        }
        Rule::ExtensionNotOffered => {
            Some(head.one("Sec-WebSocket-Extensions", "it was not offered"))
        }
        _ => None,
    }
}

fn method(head: &Head<'_>) -> &'static str {
    let words = head.words();
    let method = words.first().map(|word| head.text(word));
    match method {
        Some(method) if method.eq_ignore_ascii_case(b"GET") => "GET is written in capitals",
        _ => "a handshake is a GET",
    }
}

/// That of an absolute target comes first.
fn host(head: &Head<'_>) -> Option<Found> {
    let target = head.words().get(1).cloned().unwrap_or_default();
    let of_target = grammar::authority(head.text(&target)).and_then(|authority| {
        let authority = target.start + authority.start..target.start + authority.end;
        let wrong = grammar::host(head.text(&authority));
        Some(Found::at(authority.start, wrong?))
    });
    of_target
        .or_else(|| head.in_values("Host", grammar::host))
        .or_else(|| head.second("Host"))
        .or_else(|| Some(head.one("Host", Rule::HostInvalid.clause())))
}

/// In the order in which they are judged.
fn repeated(head: &Head<'_>) -> Option<Found> {
    let once: &[&str] = match head.sender {
        Role::Client => &[
            "Content-Length",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Key",
            "Origin",
        ],
        Role::Server => &[
            "Content-Length",
            "Sec-WebSocket-Accept",
            "Sec-WebSocket-Protocol",
        ],
    };
    once.iter().find_map(|name| head.second(name))
}

fn body(head: &Head<'_>) -> Option<Found> {
    let mut lengths = head
        .values("Content-Length")
        .filter(|value| head.text(value) != b"0");
    let place = lengths
        .next()
        .or_else(|| head.values("Transfer-Encoding").next());
    Some(Found::At(
        place?,
        "what follows a handshake is frames, not a body".into(),
    ))
}

/// A request may name several protocols; the answer names one alone.
fn upgrade(head: &Head<'_>) -> Found {
    if head.sender == Role::Client {
        return head.one("Upgrade", "it does not name websocket");
    }
    let is_other = |value: &Range<usize>| !head.text(value).eq_ignore_ascii_case(b"websocket");
    match head.values("Upgrade").find(is_other) {
        Some(other) => Found::At(other, "the answer names websocket and nothing else".into()),
        None => head.one("Upgrade", "the answer names websocket once"),
    }
}
