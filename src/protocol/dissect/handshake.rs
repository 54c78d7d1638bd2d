//! The opening handshake taken apart: each line with the rule that it meets or breaks, and the way
//! from the key to the accept value.
//!
//! As in a [`Dissector`](super::Dissector) nothing is decided here: the head's [`Decoder`] judges, and then the
//! checks that an endpoint runs, here to the last one. What each finds is put on the lines that it
//! looked at, so that every rule that a head breaks is shown, and nothing is called met that was not judged.
#![warn(clippy::indexing_slicing)]

use super::frames::Verdict;
use super::labels::Judgement;
use crate::protocol::Role;
use crate::protocol::checks::{Checks, Finding, Place};
use crate::protocol::handshake::{self, Asked, client, server};
use crate::protocol::head::{Decoder, Head, Limits, StartLine, is_folded};
use crate::protocol::request::judge as judge_request;
use crate::protocol::rule::{Field, Rule, Section};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::ops::Range;
use std::str;

/// A request or a response of a handshake, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Who sent it.
    pub sender: Role,
    /// The lines that were read, the empty one at the end included.
    pub lines: Vec<Line>,
    /// How many bytes were read; frames begin after them.
    pub length: usize,
    /// Whether it is legal; if not, the first of the rules broken, which is the one that an endpoint
    /// answers. A rule that is judged when the head is complete is reported at the head's last byte.
    pub verdict: Verdict,
    /// Every rule broken, each once, in the order in which they are judged. A rule about a line that is
    /// missing stands only here, and on no line.
    pub broken: Vec<Rule>,
    /// How the key becomes the accept value, when there is a key to begin with.
    pub derivation: Option<Derivation>,
}

/// One line of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Its place in the stream, without its end.
    pub bytes: Range<usize>,
    /// In a few words: what it says if the rule about it is met, else what it is for.
    pub meaning: &'static str,
    /// Which rule speaks about it, and whether it is met. When several are broken, the first of them.
    pub judgement: Judgement,
    /// Every rule that it breaks, in the order in which they are judged.
    pub broken: Vec<Rule>,
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
#[non_exhaustive]
pub struct Derivation {
    /// The key as sent; it is not decoded.
    pub key: String,
    /// The key and, directly after it, the GUID.
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
/// assert_eq!(explanation.broken, [rule, Rule::VersionNot13, Rule::KeyInvalid]);
/// ```
#[must_use]
pub fn request(stream: &[u8], limits: Limits) -> Explanation {
    let judge = |head: &Head, checks: &mut Checks| match head.start() {
        StartLine::Request(line) => {
            judge_request(line, head, checks)?;
            server::judge(line, head, checks).map(drop)
        }
        StartLine::Status(_) => Err(Rule::RequestLineMalformed),
    };
    let mut explanation = explain(Role::Client, stream, limits, judge);
    let key = explanation.value(stream, "Sec-WebSocket-Key");
    explanation.derivation = key.map(Derivation::new);
    explanation
}

/// Explains a server's response at the start of a stream, by what is known of the request that it answers.
///
/// ```
/// use plainws::Rule;
/// use plainws::protocol::dissect::handshake::response;
/// use plainws::protocol::handshake::Asked;
///
/// let stream = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
/// let asked = Asked::default().key("dGhlIHNhbXBsZSBub25jZQ==".to_owned()); // from §1.3
/// assert_eq!(response(stream, Default::default(), &asked).broken, []);
/// let asked = asked.subprotocols(vec!["superchat".to_owned()]);
/// let broken = response(stream, Default::default(), &asked).broken;
/// assert_eq!(broken, [Rule::SubprotocolNotOffered]);
/// ```
#[must_use]
pub fn response(stream: &[u8], limits: Limits, asked: &Asked) -> Explanation {
    let judge = |head: &Head, checks: &mut Checks| match head.start() {
        StartLine::Status(line) => client::judge(line, head, asked, checks).map(drop),
        StartLine::Request(_) => Err(Rule::StatusLineMalformed),
    };
    let mut explanation = explain(Role::Server, stream, limits, judge);
    let is_answered = explanation.value(stream, "Sec-WebSocket-Accept").is_some();
    let key = asked.key.as_deref().filter(|_| is_answered);
    explanation.derivation = key.map(Derivation::new);
    explanation
}

impl Explanation {
    /// The value of the first header of that name.
    fn value<'a>(&self, stream: &'a [u8], name: &str) -> Option<&'a str> {
        let mut lines = self.lines.iter();
        lines.find_map(|line| {
            let (key, value) = line.header(stream)?;
            let is_it = key.eq_ignore_ascii_case(name.as_bytes());
            is_it.then(|| str::from_utf8(value).ok())?
        })
    }
}

fn explain(
    sender: Role,
    stream: &[u8],
    limits: Limits,
    judge: impl Fn(&Head, &mut Checks) -> Result<(), Rule>,
) -> Explanation {
    let (length, decoded) = read(sender, stream, limits);
    let mut sheet = Sheet::new(sender, stream.get(..length).unwrap_or(stream));
    let is_complete = matches!(decoded, Ok(Some(_)));
    let mut checks = Checks::to_the_last();
    let judged = decoded.and_then(|head| head.map_or(Ok(()), |head| judge(&head, &mut checks)));
    if let Err(rule) = judged {
        sheet.breaks_off(rule);
    }
    for finding in checks.findings() {
        sheet.note(&finding);
    }
    let verdict = match sheet.broken.first() {
        Some(&rule) => Verdict::Violation {
            rule,
            offset: (length - 1) as u64,
        },
        None if is_complete => Verdict::Legal,
        None => Verdict::Incomplete,
    };
    Explanation {
        sender,
        lines: sheet.lines.into_iter().map(|(_, line)| line).collect(),
        length,
        verdict,
        broken: sheet.broken,
        derivation: None,
    }
}

/// Reads a head byte by byte, to know which one breaks a rule; returns how many were read.
fn read(sender: Role, stream: &[u8], limits: Limits) -> (usize, Result<Option<Head>, Rule>) {
    let mut decoder = Decoder::new(sender, limits);
    for (offset, byte) in stream.iter().enumerate() {
        match decoder.receive(std::slice::from_ref(byte)) {
            Ok(None) => {}
            Ok(Some((head, _))) => return (offset + 1, Ok(Some(head))),
            Err(rule) => return (offset + 1, Err(rule)),
        }
    }
    (stream.len(), Ok(None))
}

/// The lines of a head, with what is known of them so far.
struct Sheet {
    lines: Vec<(Label, Line)>,
    /// Which of them is the start line.
    start: Option<usize>,
    /// Which are the headers of a name, in lower case.
    headers: BTreeMap<Vec<u8>, Vec<usize>>,
    broken: Vec<Rule>,
}

impl Sheet {
    /// Cuts a head into lines, none of them judged.
    fn new(sender: Role, head: &[u8]) -> Self {
        let mut sheet = Self {
            lines: Vec::new(),
            start: None,
            headers: BTreeMap::new(),
            broken: Vec::new(),
        };
        let mut start = 0;
        for line in head.split_inclusive(|&byte| byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let label = sheet.label(sender, text);
            let line_so_far = Line {
                bytes: start..start + text.len(),
                meaning: label.purpose,
                judgement: Judgement::Open(label.section),
                broken: Vec::new(),
            };
            sheet.lines.push((label, line_so_far));
            start += line.len();
        }
        sheet
    }

    /// The label of the next line, which is noted by its place or name.
    fn label(&mut self, sender: Role, text: &[u8]) -> Label {
        let number = self.lines.len();
        if self.start.is_none() {
            if text.is_empty() {
                return Label::unjudged("ignored before a head", "RFC 9112 2.2");
            }
            self.start = Some(number);
            return Label::start_line(sender);
        }
        if text.is_empty() {
            return Label::unjudged("the head ends", "RFC 9112 2.1");
        }
        if sender == Role::Server && is_folded(text) && !self.headers.is_empty() {
            return Label::unjudged("continues the line above", "RFC 9112 5.2");
        }
        let name = split_header(text).map_or(text, |(name, _)| name);
        let name = name.to_ascii_lowercase();
        let label = Label::header(sender, &name);
        self.headers.entry(name).or_default().push(number);
        label
    }

    /// The lines that a finding is about. What is wrong with several together is put on the last.
    fn lines_of(&self, finding: &Finding) -> &[usize] {
        let named = |name: &str| {
            let lines = self.headers.get(name.to_ascii_lowercase().as_bytes());
            lines.map_or(&[][..], Vec::as_slice)
        };
        let lines = match finding.place {
            Place::StartLine => Some(self.start.as_slice()),
            Place::Header(name, number) => named(name).get(number..=number),
            Place::Headers(name) if finding.is_met => Some(named(name)),
            Place::Headers(name) => named(name).last().map(std::slice::from_ref),
        };
        lines.unwrap_or(&[])
    }

    /// Puts what a check found on the lines that it looked at.
    fn note(&mut self, finding: &Finding) {
        for number in self.lines_of(finding).to_vec() {
            if let Some((label, line)) = self.lines.get_mut(number) {
                line.note(label, finding.rule, finding.is_met);
            }
        }
        if !finding.is_met && !self.broken.contains(&finding.rule) {
            self.broken.push(finding.rule);
        }
    }

    /// Puts a rule that ended the reading on the line that was read: the start line, or else the last.
    fn breaks_off(&mut self, rule: Rule) {
        let number = match rule.field() {
            Field::StartLine => self.start,
            _ => self.lines.len().checked_sub(1),
        };
        if let Some((label, line)) = number.and_then(|number| self.lines.get_mut(number)) {
            line.note(label, rule, false);
        }
        self.broken.push(rule);
    }
}

impl Line {
    /// The name and the value of the header that this line of the stream is; `None` for the first line and the last.
    #[must_use]
    pub fn header<'a>(&self, stream: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let is_first = self.bytes.start == 0;
        split_header(stream.get(self.bytes.clone()).filter(|_| !is_first)?)
    }

    /// A broken rule is what a line shows, and the first of several; else the rule that the line is about.
    fn note(&mut self, label: &Label, rule: Rule, is_met: bool) {
        if !is_met && !self.broken.contains(&rule) {
            self.broken.push(rule);
        }
        if let Some(&rule) = self.broken.first() {
            self.meaning = label.purpose;
            self.judgement = Judgement::Broken(rule);
        } else if let Some((_, meaning)) = label.met.filter(|(about, _)| *about == rule) {
            self.meaning = meaning;
            self.judgement = Judgement::Met(rule);
        }
    }
}

/// What is said of a line.
struct Label {
    /// What it is for, whether or not it is right.
    purpose: &'static str,
    /// The section that speaks about it.
    section: Section,
    /// The rule that is about it, and what the line says when it meets that rule.
    met: Option<(Rule, &'static str)>,
}

impl Label {
    /// Of a line that no rule is about.
    const fn unjudged(purpose: &'static str, section: &'static str) -> Self {
        Self {
            purpose,
            section: Section(section),
            met: None,
        }
    }

    const fn judged(rule: Rule, met: &'static str, purpose: &'static str) -> Self {
        Self {
            purpose,
            section: rule.section(),
            met: Some((rule, met)),
        }
    }

    const fn start_line(sender: Role) -> Self {
        let (rule, met, purpose) = match sender {
            Role::Client => (
                Rule::MethodNotGet,
                "GET, at least HTTP/1.1",
                "method, target, version",
            ),
            Role::Server => (
                Rule::StatusNot101,
                "the protocol is switched",
                "version, status, reason",
            ),
        };
        Self::judged(rule, met, purpose)
    }

    // One header a line, to be read as a table.
    #[rustfmt::skip]
    fn header(sender: Role, name: &[u8]) -> Self {
        let (rule, met, purpose) = match (name, sender) {
            (b"host", Role::Client) => (Rule::HostInvalid, "which site is asked", "the site"),
            (b"upgrade", Role::Client) => (Rule::UpgradeMissing, "asks for this protocol", "the protocol"),
            (b"upgrade", Role::Server) => (Rule::UpgradeMissing, "to this protocol", "the protocol"),
            (b"connection", _) => (Rule::ConnectionUpgradeMissing, "upgrades this hop only", "for this hop only"),
            (b"sec-websocket-key", Role::Client) => (Rule::KeyInvalid, "16 random bytes in base64", "the key"),
            (b"sec-websocket-version", Role::Client) => (Rule::VersionNot13, "the only version", "the version"),
            (b"sec-websocket-accept", Role::Server) => (Rule::AcceptWrong, "answers the key", "the answer to the key"),
            (b"sec-websocket-protocol", Role::Client) => (Rule::SubprotocolsMalformed, "subprotocols on offer", "subprotocols"),
            (b"sec-websocket-protocol", Role::Server) => (Rule::SubprotocolNotOffered, "the subprotocol chosen", "the subprotocol"),
            (b"sec-websocket-extensions", Role::Client) => (Rule::ExtensionsMalformed, "extensions on offer", "extensions"),
            (b"sec-websocket-extensions", Role::Server) => (Rule::ExtensionNotOffered, "the extensions chosen", "extensions"),
            (b"content-length" | b"transfer-encoding", _) => (Rule::BodyAnnounced, "no body may follow", "about a body"),
            (b"origin", Role::Client) => return Self::unjudged("which page asks", "10.2"),
            (b"cookie" | b"authorization", Role::Client) => return Self::unjudged("who asks, for the server", "10.5"),
            (b"sec-websocket-version", Role::Server) => return Self::unjudged("the versions it knows", "4.2.2"),
            (b"sec-websocket-key", Role::Server) | (b"sec-websocket-accept", Role::Client) => {
                return Self::unjudged("the other side sends this", "11.3");
            }
            _ => return Self::unjudged("no part of the handshake", "4.1"),
        };
        Self::judged(rule, met, purpose)
    }
}

fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at(colon);
    Some((name, value.strip_prefix(b":")?.trim_ascii()))
}
