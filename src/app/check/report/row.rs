//! What is kept of a result: enough for every report, and little, whatever was sent.

use super::{head, repeats};
use crate::app::check::came::Ended;
use crate::app::check::case::{Case, End, Group, Level};
use crate::app::check::judge::shown::{self, Shown};
use crate::app::check::judge::{self, Outcome, Verdict};
use crate::app::check::old_suite;
use crate::app::check::record::{Record, Side, Stopped};
use crate::app::check::run::Result;
use crate::app::check::talk::Waited;
use crate::app::text::harmless;
use crate::app::why::asked;
use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::response::Response;
use std::time::Duration;

/// A line of a report.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its place among the cases.
    pub(crate) number: usize,
    pub(crate) group: Group,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) section: &'static str,
    pub(crate) level: Level,
    pub(crate) rules: Vec<&'static str>,
    pub(crate) old: Option<&'static str>,
    pub(crate) verdict: Verdict,
    /// In the old suite's words.
    pub(crate) behaviour: &'static str,
    pub(crate) behaviour_close: &'static str,
    pub(crate) time: Duration,
    pub(crate) examinee: Role,
    /// In the order in which they were opened.
    pub(crate) connections: Vec<Connection>,
    pub(crate) due: String,
    pub(crate) likely: Option<String>,
    /// The question that is asked about it, by its number.
    pub(crate) question: Option<u8>,
}

/// A connection of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) sent: Bytes,
    /// What the head that was sent has, and what it lacks, beside the usual one.
    pub(crate) difference: Vec<String>,
    pub(crate) came: Bytes,
    /// The status of the examinee's response.
    pub(crate) status: Option<u16>,
    /// That response is itself a reason to fail.
    pub(crate) is_response_odd: bool,
    pub(crate) close: Option<(u16, String)>,
    pub(crate) end: TcpEnd,
}

/// What likely happened, where it can have: a guess at why a handshake was refused says nothing of one that was accepted,
/// and none says why nothing was opened.
fn likely(case: &Case, record: &Record) -> Option<String> {
    let first = record.sides.first()?;
    let is_about_refusal = case.group == Group::Opening && record.examinee == Role::Server;
    if is_about_refusal && first.status() == Some(101) {
        return None;
    }
    case.likely.as_ref().map(ToString::to_string)
}

/// How TCP ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TcpEnd {
    /// By the examinee.
    By(Ended),
    /// The examinee was waited for, and left it open.
    Open,
    /// By us.
    Ours,
}

/// The beginning of what one end sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) sender: Role,
    pub(crate) head: Vec<u8>,
    /// What stands after the head is frames.
    pub(crate) is_frames: bool,
    /// The beginning of that.
    pub(crate) shown: Vec<u8>,
    /// How long all of that was.
    pub(crate) total: u64,
}

/// The most that is kept of what one end sent after its head.
pub(crate) const MOST: usize = 1024;

impl Row {
    pub(crate) fn new(case: &Case, result: Result) -> Self {
        let Result {
            number,
            mut verdict,
            record,
        } = result;
        // It may quote the examinee.
        verdict.why = harmless(&verdict.why);
        Self {
            number,
            group: case.group,
            id: case.id.to_string(),
            title: case.title.to_string(),
            section: case.section,
            level: case.level,
            rules: case.rules.iter().map(|rule| rule.id()).collect(),
            old: case.old,
            behaviour: old_suite::behaviour(case, &record, &verdict),
            behaviour_close: old_suite::behaviour_close(case, &record),
            time: record.time,
            examinee: record.examinee,
            connections: connections(case, &record),
            due: due(case, record.sides.first()),
            likely: likely(case, &record),
            question: asked::by_case(case.group.name(), &case.id, case.rules.first().copied()),
            verdict,
        }
    }

    /// Of a client whose request was no opening handshake, and was refused with this status: nothing was played.
    pub(crate) fn of_request(case: &Case, result: Result, request: &[u8], status: u16) -> Self {
        let bytes = |sender, head: &[u8]| Bytes {
            sender,
            head: head[..head.len().min(MOST)].to_vec(),
            is_frames: false,
            shown: Vec::new(),
            total: 0,
        };
        let connection = Connection {
            sent: bytes(Role::Server, b""),
            difference: vec![format!("status {status}")],
            came: bytes(Role::Client, request),
            status: None,
            is_response_odd: true,
            close: None,
            end: TcpEnd::Ours,
        };
        Self {
            connections: vec![connection],
            due: "a request that opens a connection".into(),
            likely: None,
            question: None,
            ..Self::new(case, result)
        }
    }

    /// Without what these headers of a request say, which may be a secret, and reports are passed on.
    pub(crate) fn without(mut self, headers: &[(String, String)]) -> Self {
        for (name, value) in headers {
            let (line, hidden) = (format!("{name}: {value}"), format!("{name}: ***"));
            for connection in &mut self.connections {
                let head = latin_1(&connection.sent.head);
                let head = head.replace(&latin_1(line.as_bytes()), &hidden);
                connection.sent.head = head
                    .chars()
                    .map(|c| u8::try_from(c).unwrap_or(b'*'))
                    .collect();
                for difference in &mut connection.difference {
                    *difference = difference.replace(&line, &hidden);
                }
            }
        }
        self
    }

    /// Its group, and its id.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.group.name(), self.id)
    }

    /// Whether the examination fails by it.
    pub(crate) fn is_bad(&self, is_strict: bool) -> bool {
        match self.verdict.outcome {
            Outcome::Failed | Outcome::Timeout => true,
            Outcome::Lenient => is_strict,
            Outcome::Ok | Outcome::NotApplicable => false,
        }
    }

    /// What it came to, as a word at the beginning of a line.
    pub(crate) const fn label(&self) -> &'static str {
        match self.verdict.outcome {
            Outcome::Ok => "OK",
            Outcome::Lenient => "LENIENT",
            Outcome::Failed => "FAIL",
            Outcome::Timeout => "TIMEOUT",
            Outcome::NotApplicable => "N/A",
        }
    }

    /// It is about heads rather than frames.
    pub(crate) const fn is_about_heads(&self) -> bool {
        matches!(self.group, Group::Opening | Group::Refused)
    }

    pub(crate) fn section(&self) -> String {
        if self.section.starts_with("RFC") {
            self.section.to_owned()
        } else {
            format!("RFC 6455 {}", self.section)
        }
    }
}

/// Each byte as a character.
fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn connections(case: &Case, record: &Record) -> Vec<Connection> {
    // After an early Close nobody waits for the end of TCP.
    let is_over = matches!(record.stopped, Some(Stopped::Waiting(_, Waited::Over)));
    let is_waited_for = case.end != End::Unheard && !is_over;
    let connection = |(number, side): (usize, &Side)| Connection {
        sent: sent(record, side),
        difference: head::difference(&side.head, &side.usual),
        came: came(record, side),
        status: side.status(),
        is_response_odd: judge::broken_by_response(side).is_some(),
        close: closed(side),
        end: match side.came.end {
            Some(ended) => TcpEnd::By(ended),
            None if number == 0 && is_waited_for => TcpEnd::Open,
            None => TcpEnd::Ours,
        },
    };
    record.sides.iter().enumerate().map(connection).collect()
}

fn sent(record: &Record, side: &Side) -> Bytes {
    let mut shown = Vec::new();
    for (length, start) in &side.sent {
        shown.extend_from_slice(start);
        if start.len() < *length {
            break;
        }
    }
    shown.truncate(MOST);
    Bytes {
        sender: record.examinee.peer(),
        head: side.head.clone(),
        is_frames: true,
        shown,
        total: side.total_sent,
    }
}

fn came(record: &Record, side: &Side) -> Bytes {
    let came = &side.came;
    let head = came.response.as_ref().map(Response::head);
    let head = head.map_or_else(Vec::new, |head| head.as_bytes().to_vec());
    let shown = &came.shown[..came.shown.len().min(MOST)];
    Bytes {
        sender: record.examinee,
        is_frames: record.examinee == Role::Client || side.status() == Some(101),
        shown: shown.to_vec(),
        total: came.total.saturating_sub(head.len() as u64),
        head,
    }
}

fn closed(side: &Side) -> Option<(u16, String)> {
    let body = side.came.close.as_deref()?;
    let (code, reason) =
        close::parts(body).map_or((1005, &[][..]), |(code, reason)| (code.0, reason));
    Some((code, String::from_utf8_lossy(reason).into_owned()))
}

/// What was due, in words.
fn due(case: &Case, side: Option<&Side>) -> String {
    let answers = side.map_or(&[][..], |side| &side.due);
    let mut parts: Vec<String> =
        repeats::runs(answers.iter().map(|answer| Shown::due(answer).to_string()));
    let any = |codes: &[u16]| {
        let codes = codes.iter().map(|code| shown::code(*code));
        let mut codes = Vec::from_iter(codes);
        codes.dedup();
        codes.join(" or ")
    };
    parts.push(match &case.end {
        End::Answered => "Close 1000 as the answer to ours".into(),
        End::Closed(codes) => format!("Close, {}, as the answer", any(codes)),
        End::Failed(codes) => format!("Close {}", any(codes)),
        End::Refused(_) if case.only == Some(Role::Client) => {
            "the end of TCP, and no frame before it".into()
        }
        End::Refused(statuses) => format!("status {}", any(statuses)),
        End::Left => "the end of TCP".into(),
        End::Unheard => return parts.join(", then "),
    });
    parts.join(", then ")
}
