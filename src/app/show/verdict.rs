//! The verdict on a stream, in words.

use super::paint::{BAD, FAINT, GOOD, OPEN, paint};
use super::text::{count, padded, spaced, wrapped};
use crate::app::judge::cause;
use crate::app::judge::decoded::{Broken, Decoded, Judged};
use crate::app::judge::extensions::{self, Agreed};
use crate::app::judge::faults::Fault;
use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::close_code::CloseCode;
use plainws::protocol::dissect::{Frame, Missing, Status, Verdict};
use plainws::protocol::frame::Opcode;
use plainws::protocol::rule::{Answer, Field, Rule, Section};
use std::borrow::Cow;

/// Unread bytes shown.
const UNREAD: usize = 16;
/// Where the text of a labelled line begins.
const INDENT: usize = 11;

/// The verdict once all frames have been taken, and after a violation what follows from it and where it may come from.
pub(crate) fn of(decoded: &Decoded) -> String {
    let mut text = match decoded.judged() {
        Judged::Legal => legal(decoded),
        Judged::Incomplete => incomplete(decoded),
        Judged::Violation { broken, offset } => violation(decoded, &broken, offset),
    };
    let unread = decoded.unread();
    if !unread.is_empty() {
        let ellipsis = if unread.len() > UNREAD { " …" } else { "" };
        let start = spaced(&unread[..unread.len().min(UNREAD)]);
        let bytes = count(unread.len() as u64, "byte");
        text += &labelled("unread", &format!("{bytes}: {start}{ellipsis}"));
    }
    if let Some(cause) = cause::likely(decoded) {
        text += &labelled("likely", &cause);
    }
    for note in notes(decoded) {
        text += &labelled("note", &note);
    }
    text
}

/// What else is to be known of it, mostly of what could not be judged.
pub(crate) fn notes(decoded: &Decoded) -> Vec<String> {
    let mut notes = decoded.stream.notes.clone();
    // The other direction need not repeat it.
    let is_told = !decoded.is_response_elsewhere;
    match &decoded.agreed {
        Agreed::Likely => notes.push(
            "no handshake here tells which extensions are used; as its messages inflate, permessage-deflate (RFC \
             7692) is taken for one. Without it, RSV1 breaks §5.2 (--extensions '')"
                .into(),
        ),
        Agreed::To(extensions) if is_told => {
            if extensions.deflate.is_some() {
                notes.push(
                    "permessage-deflate (RFC 7692) was agreed to, so messages may be compressed. They are inflated \
                     here for show; plainws itself speaks no extension and would not have agreed"
                        .into(),
                );
            }
            if !extensions.others.is_empty() {
                let names = extensions.others.join(", ");
                notes.push(format!(
                    "{names}: agreed to, but not known here, so what it changes in messages is not judged"
                ));
            }
        }
        _ => {}
    }
    if decoded.out_of_context > 0 {
        let messages = count(decoded.out_of_context, "message");
        notes.push(format!(
            "{messages} not inflated, as what came before is needed for that and is not here"
        ));
    }
    if let Some(head) = decoded.head(Role::Client) {
        let values: Vec<_> = head.values("Sec-WebSocket-Extensions").collect();
        if let Some(problem) = extensions::problem_of_offer(&values) {
            notes.push(format!(
                "permessage-deflate is offered in a way that a server must decline: {problem}"
            ));
        }
    }
    notes
}

impl Broken {
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.id(),
            Self::Parameters(_) => "deflate-parameters",
            Self::Deflate => "deflate-broken",
        }
    }

    pub(crate) fn section(&self) -> Section {
        match self {
            Self::Rule(rule) => rule.section(),
            Self::Parameters(_) => Section("RFC 7692 7.1"),
            Self::Deflate => Section("RFC 7692 7.2.2"),
        }
    }

    pub(crate) fn clause(&self) -> Cow<'static, str> {
        match self {
            Self::Rule(rule) => rule.clause().into(),
            Self::Parameters(problem) => problem.clone().into(),
            Self::Deflate => "a compressed message must inflate".into(),
        }
    }

    /// What a peer that broke it is told.
    pub(crate) fn answer(&self, sender: Role) -> String {
        match self {
            Self::Rule(rule) => answer(*rule, sender),
            Self::Parameters(_) => "none: the client leaves".into(),
            Self::Deflate => "Close; its code is the receiver's to choose".into(),
        }
    }
}

/// What a peer that broke the rule is told. A client has no way to tell a server about its response.
pub(crate) fn answer(rule: Rule, sender: Role) -> String {
    match (rule.answer(), sender) {
        (Answer::Close(code), _) => format!("Close {code}"),
        (Answer::Status(status), Role::Client) => format!("HTTP status {status}"),
        _ => "none: the client leaves".into(),
    }
}

fn labelled(label: &str, text: &str) -> String {
    let label = padded(&format!("  {label}"), INDENT);
    format!("{}{}\n", paint(FAINT, &label), wrapped(text, INDENT))
}

fn legal(decoded: &Decoded) -> String {
    let summary = summary(decoded);
    let close = match &decoded.last {
        Some(frame) if opcode(frame) == Some(Opcode::Close) => {
            let code = close::parts(&frame.payload).map_or(CloseCode::NO_STATUS, |(code, _)| code);
            format!(", closed with {code}")
        }
        _ => String::new(),
    };
    let mut text = format!("{}: {summary}{close}\n", paint(GOOD, "legal"));
    if !decoded.unread().is_empty() {
        text += &labelled("then", "after a Close nothing is read (§5.5.1)");
    }
    text
}

fn opcode(frame: &Frame) -> Option<Opcode> {
    frame.header.map(|header| header.opcode)
}

fn incomplete(decoded: &Decoded) -> String {
    let head = decoded.handshake.as_ref();
    let lacks = if let Some(why) = &decoded.stream.broken_off {
        why.clone()
    } else if head.is_some_and(|head| head.verdict == Verdict::Incomplete) {
        "the empty line that ends a head is not there yet".into()
    } else {
        match decoded.last.as_ref().map(|frame| frame.status) {
            Some(Status::Incomplete(missing)) => lacks(missing),
            _ => open_message(decoded),
        }
    };
    let lacks = wrapped(&lacks, "incomplete: ".len());
    format!("{}: {lacks}\n", paint(OPEN, "incomplete"))
}

fn lacks(missing: Missing) -> String {
    let bytes = count(missing.bytes, "more byte");
    let least = if missing.is_exact { "" } else { "at least " };
    let next = match missing.field {
        Field::Payload => "of payload",
        Field::MaskingKey => "of key and payload",
        Field::PayloadLength => "(the length itself is not complete)",
        _ => "with the length",
    };
    format!("{least}{bytes} {next}")
}

fn open_message(decoded: &Decoded) -> String {
    match decoded.open_message() {
        Some(open) => {
            let fragments = count(open.index + 1, "fragment");
            let name = open.opcode.name();
            format!("the {name} message has {fragments} so far, and none was final (§5.4)")
        }
        None => "more may follow".into(),
    }
}

fn violation(decoded: &Decoded, broken: &Broken, offset: u64) -> String {
    let in_hex = if offset < 10 {
        String::new()
    } else {
        format!(" ({offset:#x})")
    };
    let section = broken.section();
    let title = format!("violation of {section} at offset {offset}{in_hex}");
    let answer = broken.answer(decoded.sender);
    let sender = guess(decoded).map(|guess| labelled("sender", &guess));
    let byte = match (broken, &decoded.last) {
        (Broken::Rule(rule), Some(frame)) => cause::byte(*rule, frame),
        _ => None,
    };
    [
        format!("{} ({})\n", paint(BAD, &title), broken.id()),
        labelled("rule", &broken.clause()),
        faults(&decoded.faults),
        byte.map(|byte| labelled("found", &byte))
            .unwrap_or_default(),
        labelled("answer", &format!("{answer}; nothing after it is read")),
        sender.unwrap_or_default(),
    ]
    .concat()
}

/// What is wrong with a head: with regard to the rule of the verdict, and to others.
pub(crate) fn faults(faults: &[Fault]) -> String {
    let Some((first, others)) = faults.split_first() else {
        return String::new();
    };
    let mut text = labelled("found", &first.what);
    for (i, other) in others.iter().enumerate() {
        let label = if i == 0 { "also" } else { "" };
        text += &labelled(label, &format!("{}: {}", other.rule.id(), other.what));
    }
    text
}

/// By which sign the sender was told, unless it was given.
fn guess(decoded: &Decoded) -> Option<String> {
    let sign = match (&decoded.handshake, decoded.sender) {
        (Some(_), Role::Client) => "a client, as servers send no request",
        (Some(_), Role::Server) => "a server, as clients send no status",
        (None, Role::Client) => "a client, as the first frame is masked",
        (None, Role::Server) => "a server, as the first frame is not masked",
    };
    let is_guess = decoded.stream.sender.is_none();
    is_guess.then(|| format!("{sign}; --role overrides that"))
}

/// "2 frames, 1 message".
fn summary(decoded: &Decoded) -> String {
    let counted = [
        count(decoded.frames, "frame"),
        count(decoded.messages, "message"),
    ];
    match (&decoded.handshake, decoded.frames) {
        (Some(_), 0) => "a handshake".into(),
        (Some(_), _) => format!("a handshake, {}", counted.join(", ")),
        (None, _) => counted.join(", "),
    }
}
