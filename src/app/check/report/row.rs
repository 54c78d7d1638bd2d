//! What is kept of a result: enough for every report, and little, whatever was sent.

use super::brief;
use crate::app::check::came::Ended;
use crate::app::check::case::{Case, End, Group, Level};
use crate::app::check::judge::{Outcome, Shown, Verdict};
use crate::app::check::play::{Record, Side};
use crate::app::check::run::Result;
use plainws::Role;
use plainws::protocol::close;
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
    pub(crate) behaviour: &'static str,
    pub(crate) time: Duration,
    pub(crate) sent: Bytes,
    pub(crate) came: Bytes,
    /// The status of its response.
    pub(crate) status: Option<u16>,
    pub(crate) close: Option<(u16, String)>,
    pub(crate) ended: Option<Ended>,
    pub(crate) due: String,
    pub(crate) likely: Option<String>,
}

/// The beginning of what one end sent behind its head.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    pub(crate) sender: Role,
    pub(crate) head: String,
    pub(crate) shown: Vec<u8>,
    /// How many there were in all.
    pub(crate) total: u64,
}

/// The most that is kept of what one end sent.
const MOST: usize = 1024;

impl Row {
    pub(crate) fn new(case: &Case, result: Result) -> Self {
        let Result {
            number,
            verdict,
            record,
        } = result;
        let behaviour = verdict.behaviour(case);
        let side = record.sides.first();
        Self {
            number,
            group: case.group,
            id: case.id.to_string(),
            title: case.title.to_string(),
            section: case.section,
            level: case.level,
            rules: case.rules.iter().map(|rule| rule.id()).collect(),
            old: case.old,
            behaviour,
            time: record.time,
            sent: sent(&record, side),
            came: came(&record, side),
            status: side
                .and_then(|side| side.came.response.as_ref())
                .map(|response| response.status()),
            close: side.and_then(closed),
            ended: side.and_then(|side| side.came.end),
            due: due(case, side),
            likely: case.likely.as_ref().map(ToString::to_string),
            verdict,
        }
    }

    /// As `--only` takes it.
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

    pub(crate) fn section(&self) -> String {
        if self.section.starts_with("RFC") {
            self.section.to_owned()
        } else {
            format!("RFC 6455 {}", self.section)
        }
    }
}

fn sent(record: &Record, side: Option<&Side>) -> Bytes {
    let mut shown = Vec::new();
    let writes = side.map_or(&[][..], |side| &side.sent);
    for (length, start) in writes {
        shown.extend_from_slice(start);
        if start.len() < *length {
            break;
        }
    }
    shown.truncate(MOST);
    Bytes {
        sender: record.examinee.peer(),
        head: side.map_or_else(String::new, |side| {
            String::from_utf8_lossy(&side.head).into_owned()
        }),
        shown,
        total: writes.iter().map(|(length, _)| *length as u64).sum(),
    }
}

fn came(record: &Record, side: Option<&Side>) -> Bytes {
    let response = side.and_then(|side| side.came.response.as_ref());
    let head =
        response.map(|response| String::from_utf8_lossy(response.head().as_bytes()).into_owned());
    let head = head.unwrap_or_default();
    let mut shown = side.map_or_else(Vec::new, |side| side.came.shown.clone());
    shown.truncate(MOST);
    let total = side.map_or(0, |side| side.came.total);
    Bytes {
        sender: record.examinee,
        total: total.saturating_sub(head.len() as u64),
        head,
        shown,
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
        brief::runs(answers.iter().map(|answer| Shown::due(answer).to_string()));
    let any = |codes: &[u16]| {
        let codes = codes.iter().map(|code| match code {
            1005 => "no code".to_owned(),
            code => code.to_string(),
        });
        codes.collect::<Vec<_>>().join(" or ")
    };
    parts.push(match &case.end {
        End::Answered => "Close 1000 as the answer to ours".into(),
        End::Closed(codes) => format!("Close, {}, as the answer", any(codes)),
        End::Failed(codes) => format!("Close {}", any(codes)),
        End::Refused(statuses) if case.examinee == crate::app::check::case::Examinee::Client => {
            let _ = statuses;
            "the end of TCP, and no frame before it".into()
        }
        End::Refused(statuses) => format!("status {}", any(statuses)),
        End::Left => "the end of TCP".into(),
        End::Unheard => return parts.join(", then "),
    });
    parts.join(", then ")
}
