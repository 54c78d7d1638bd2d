//! The opening handshake taken apart: each line with the rule that it meets or breaks, and the way
//! from the key to the accept value.
//!
//! As in a [`Dissector`](super::Dissector) nothing is decided here: the head's [`Decoder`], [`Upgrade`] and
//! [`Opening`] judge, and what they say is put on the line that they mean.
#![warn(clippy::indexing_slicing)]

use super::frames::Verdict;
use super::labels::Judgement;
use crate::protocol::Role;
use crate::protocol::handshake::{self, Opening, Upgrade};
use crate::protocol::head::{Decoder, Head, Limits};
use crate::protocol::request::Request;
use crate::protocol::response::Response;
use crate::protocol::rule::{Field, Rule, Section};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ops::Range;
use std::str;

/// A handshake's first half or second, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose half it is.
    pub sender: Role,
    /// The lines that were read, the empty one at the end included.
    pub lines: Vec<Line>,
    /// How many bytes were read; frames begin behind them.
    pub length: usize,
    /// What it comes to. A rule about a line that is missing is reported at the head's last byte.
    pub verdict: Verdict,
    /// How the key becomes the accept value, when there is a key to begin with.
    pub derivation: Option<Derivation>,
}

/// One line of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place in the stream, without its end.
    pub bytes: Range<usize>,
    /// What it is for, in a few words.
    pub meaning: &'static str,
    /// Which rule speaks about it, and whether it is met.
    pub judgement: Judgement,
}

/// The steps from a key to its accept value (§4.2.2).
///
/// ```
/// use plainws::protocol::dissect::handshake::Derivation;
///
/// let steps = Derivation::new("dGhlIHNhbXBsZSBub25jZQ=="); // from §1.3
/// assert_eq!(steps.digest[..4], [0xb3, 0x7a, 0x4f, 0x2c]);
/// assert_eq!(steps.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The key as sent; it is not decoded.
    pub key: String,
    /// The key and, directly behind it, the GUID.
    pub joined: String,
    /// Its SHA-1, which is 20 bytes and not text.
    pub digest: [u8; 20],
    /// These bytes in base64.
    pub accept: String,
}

impl Derivation {
    /// Goes through the steps.
    #[must_use]
    pub fn new(key: &str) -> Self {
        let digest = handshake::digest(key);
        Self {
            key: key.to_owned(),
            joined: [key, handshake::GUID].concat(),
            digest,
            accept: STANDARD.encode(digest),
        }
    }
}

/// Explains a client's request at the start of a stream.
///
/// ```
/// use plainws::Rule;
/// use plainws::protocol::dissect::Verdict;
/// use plainws::protocol::dissect::handshake::request;
///
/// let stream = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\r\n";
/// let explanation = request(stream, Default::default());
/// assert_eq!(explanation.lines[2].meaning, "asks for this protocol");
/// let rule = Rule::ConnectionUpgradeMissing;
/// assert_eq!(explanation.verdict, Verdict::Violation { rule, offset: 60 });
/// ```
#[must_use]
pub fn request(stream: &[u8], limits: Limits) -> Explanation {
    let judge = |head: &Head| Upgrade::new(&Request::new(head.clone())?).map(drop);
    let mut explanation = explain(Role::Client, stream, limits, judge);
    let key = explanation.value(stream, "Sec-WebSocket-Key");
    explanation.derivation = key.map(Derivation::new);
    explanation
}

/// Explains a server's response at the start of a stream: the answer to a request with this key that
/// offered no subprotocol and no extension. Without the key, what depends on the request is not judged.
#[must_use]
pub fn response(stream: &[u8], limits: Limits, key: Option<&str>) -> Explanation {
    let opening = Opening::with_key(key.unwrap_or_default());
    let judge = |head: &Head| match opening.check(&Response::new(head.clone())?) {
        // Nobody can know, and what is judged behind it cannot be known either.
        Err(Rule::AcceptWrong) if key.is_none() => Ok(()),
        judged => judged.map(drop),
    };
    let mut explanation = explain(Role::Server, stream, limits, judge);
    if key.is_none() {
        explanation.unjudge_from(Rule::AcceptWrong);
    }
    let is_answered = explanation.value(stream, "Sec-WebSocket-Accept").is_some();
    explanation.derivation = key.filter(|_| is_answered).map(Derivation::new);
    explanation
}

impl Explanation {
    /// The value of the first header of that name.
    fn value<'a>(&self, stream: &'a [u8], name: &str) -> Option<&'a str> {
        let mut lines = self.lines.iter();
        lines.find_map(|line| {
            let (key, value) = split_header(stream.get(line.bytes.clone())?)?;
            let is_it = key.eq_ignore_ascii_case(name.as_bytes());
            is_it.then(|| str::from_utf8(value).ok())?
        })
    }

    fn unjudge_from(&mut self, first: Rule) {
        for line in &mut self.lines {
            line.judgement = match line.judgement {
                Judgement::Met(rule) if place(rule) >= place(first) => {
                    Judgement::Open(rule.section())
                }
                known => known,
            };
        }
    }
}

fn explain(
    sender: Role,
    stream: &[u8],
    limits: Limits,
    judge: impl Fn(&Head) -> Result<(), Rule>,
) -> Explanation {
    let (length, verdict) = read(sender, stream, limits, judge);
    let broken = match verdict {
        Verdict::Violation { rule, .. } => Some(rule),
        _ => None,
    };
    let read = stream.get(..length).unwrap_or(stream);
    let mut lines = lines(sender, read);
    for line in &mut lines {
        if let Judgement::Met(rule) = line.judgement {
            if verdict == Verdict::Incomplete || !is_judged_before(rule, broken) {
                line.judgement = Judgement::Open(rule.section());
            }
        }
    }
    if let Some(line) = broken.and_then(|rule| blamed(sender, rule, read, &mut lines)) {
        line.judgement = Judgement::Broken(broken.unwrap_or(Rule::HeaderMalformed));
    }
    Explanation {
        sender,
        lines,
        length,
        verdict,
        derivation: None,
    }
}

/// Reads a head byte by byte, to know which one breaks a rule.
fn read(
    sender: Role,
    stream: &[u8],
    limits: Limits,
    judge: impl Fn(&Head) -> Result<(), Rule>,
) -> (usize, Verdict) {
    let mut decoder = Decoder::new(sender, limits);
    for (offset, byte) in stream.iter().enumerate() {
        let judged = match decoder.receive(std::slice::from_ref(byte)) {
            Ok(None) => continue,
            Ok(Some((head, _))) => judge(&head),
            Err(rule) => Err(rule),
        };
        let violation = |rule| Verdict::Violation {
            rule,
            offset: offset as u64,
        };
        return (
            offset + 1,
            judged.map_or_else(violation, |()| Verdict::Legal),
        );
    }
    (stream.len(), Verdict::Incomplete)
}

/// Whether the handshake got past the point where `rule` is judged. The status of a response comes first.
fn is_judged_before(rule: Rule, broken: Option<Rule>) -> bool {
    broken.is_none_or(|broken| broken != Rule::StatusNot101 && place(rule) < place(broken))
}

/// The table lists the rules of the handshake in the order in which they are judged.
fn place(rule: Rule) -> Option<usize> {
    Rule::ALL.iter().position(|&other| other == rule)
}

/// Cuts a head into lines and says what each is for, as if all were met.
fn lines(sender: Role, head: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut start = 0;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (meaning, judgement) = if lines.is_empty() {
            start_line(sender)
        } else if text.is_empty() {
            ("the head ends", Judgement::Open(Section("RFC 9112 2.1")))
        } else {
            header(sender, text)
        };
        lines.push(Line {
            bytes: start..start + text.len(),
            meaning,
            judgement,
        });
        start += line.len();
    }
    lines
}

const fn start_line(sender: Role) -> (&'static str, Judgement) {
    match sender {
        Role::Client => ("GET, at least HTTP/1.1", Judgement::Met(Rule::MethodNotGet)),
        Role::Server => (
            "the protocol is switched",
            Judgement::Met(Rule::StatusNot101),
        ),
    }
}

fn header(sender: Role, line: &[u8]) -> (&'static str, Judgement) {
    use Judgement::{Met, Open};
    let name = split_header(line).map_or(line, |(name, _)| name);
    let name = name.to_ascii_lowercase();
    let by_client = sender == Role::Client;
    match &*name {
        b"host" if by_client => ("which site is asked", Met(Rule::HostInvalid)),
        b"upgrade" if by_client => ("asks for this protocol", Met(Rule::UpgradeMissing)),
        b"upgrade" => ("to this protocol", Met(Rule::UpgradeMissing)),
        b"connection" => (
            "upgrades this hop only",
            Met(Rule::ConnectionUpgradeMissing),
        ),
        b"sec-websocket-key" if by_client => ("16 random bytes in base64", Met(Rule::KeyInvalid)),
        b"sec-websocket-version" if by_client => ("the only version", Met(Rule::VersionNot13)),
        b"sec-websocket-accept" if !by_client => ("answers the key", Met(Rule::AcceptWrong)),
        b"sec-websocket-protocol" if by_client => {
            ("subprotocols on offer", Met(Rule::SubprotocolsMalformed))
        }
        b"sec-websocket-protocol" => ("the subprotocol chosen", Met(Rule::SubprotocolNotOffered)),
        b"sec-websocket-extensions" if by_client => {
            ("extensions on offer", Met(Rule::ExtensionsMalformed))
        }
        b"sec-websocket-extensions" => ("the extensions chosen", Met(Rule::ExtensionNotOffered)),
        b"content-length" | b"transfer-encoding" => {
            ("no body may follow", Met(Rule::BodyAnnounced))
        }
        b"origin" => ("which page asks", Open(Section("10.2"))),
        b"cookie" | b"authorization" => ("who asks, for the server", Open(Section("10.5"))),
        _ => ("no part of the handshake", Open(Section("4.1"))),
    }
}

/// The line that breaks a rule; `None` when it is one that is missing.
fn blamed<'a>(
    sender: Role,
    rule: Rule,
    head: &[u8],
    lines: &'a mut [Line],
) -> Option<&'a mut Line> {
    if rule.field() == Field::StartLine {
        return lines.first_mut();
    }
    // A head that breaks off does so in the line that is wrong.
    let is_complete = head.ends_with(b"\r\n\r\n");
    if !is_complete {
        return lines.last_mut();
    }
    let name = |line: &Line| {
        let (name, _) = split_header(head.get(line.bytes.clone())?)?;
        Some(name.to_ascii_lowercase())
    };
    let (_, lines) = lines.split_first_mut()?;
    let names: Vec<_> = lines
        .iter()
        .map(|line| name(line).unwrap_or_default())
        .collect();
    let is_wrong = |name: &Vec<u8>| match rule {
        Rule::HeaderRepeated => {
            is_single(sender, name) && names.iter().filter(|other| *other == name).count() > 1
        }
        // An Origin that is not ASCII is found when all else is right.
        Rule::HeaderMalformed => name == b"origin",
        Rule::ExtensionsMalformed => name == b"sec-websocket-extensions",
        _ => header(sender, name).1 == Judgement::Met(rule),
    };
    let last_wrong = names.iter().rposition(is_wrong);
    last_wrong.and_then(|index| lines.get_mut(index))
}

/// §11.3: the headers that may stand once.
fn is_single(sender: Role, name: &[u8]) -> bool {
    const BOTH: [&[u8]; 2] = [b"content-length", b"sec-websocket-version"];
    const CLIENT: [&[u8]; 2] = [b"sec-websocket-key", b"origin"];
    const SERVER: [&[u8]; 2] = [b"sec-websocket-accept", b"sec-websocket-protocol"];
    let own = match sender {
        Role::Client => CLIENT,
        Role::Server => SERVER,
    };
    BOTH.contains(&name) || own.contains(&name)
}

fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at(colon);
    Some((name, value.strip_prefix(b":")?.trim_ascii()))
}
