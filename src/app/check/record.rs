//! What happened in a case: all that the judge goes by, and what reports show of it.

use super::came::Came;
use super::script::Answer;
use super::talk::Waited;
use plainws::Role;
use plainws::protocol::response::Response;
use std::time::Duration;

/// What happened, for the judge and for people.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) examinee: Role,
    /// The connections, as the script numbers them.
    pub(crate) sides: Vec<Side>,
    /// The script was not played to its end.
    pub(crate) stopped: Option<Stopped>,
    /// The examinee had time to fail early and did not.
    pub(crate) is_late: bool,
    pub(crate) time: Duration,
}

impl Record {
    /// Of a script that was not begun.
    pub(crate) const fn unplayed(examinee: Role) -> Self {
        Self {
            examinee,
            sides: Vec::new(),
            stopped: None,
            is_late: false,
            time: Duration::ZERO,
        }
    }
}

/// Why a script was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// There was no connection.
    Unopened(String),
    /// There was one, and TLS did not come about on it: nothing came for too long, or it cannot come any more.
    Unsecured(Waited, String),
    /// A connection, of this number, was not opened, or did not give what was due.
    Waiting(usize, Waited),
    /// The examinee took no more bytes.
    Writing(usize),
    /// It did not end TCP.
    Open,
}

impl Stopped {
    /// Why there is nothing to play a script on.
    pub(crate) fn without_connection(&self) -> Option<String> {
        match self {
            Self::Unopened(problem) => Some(format!("no connection: {problem}")),
            Self::Unsecured(_, problem) => Some(format!("no TLS: {problem}")),
            _ => None,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Side {
    /// The head that was sent.
    pub(crate) head: Vec<u8>,
    /// The head that is usual.
    pub(crate) usual: String,
    /// What was sent after it, each write with its length and its beginning.
    pub(crate) sent: Vec<(usize, Vec<u8>)>,
    /// How many bytes that was, with what is not kept.
    pub(crate) total_sent: u64,
    /// The answers that are due.
    pub(crate) due: Vec<Answer>,
    /// Those that may come after them.
    pub(crate) perhaps: Vec<Answer>,
    /// It was to be opened.
    pub(crate) is_whole: bool,
    pub(crate) came: Came,
}

impl Side {
    /// On which nothing was sent but this head, and nothing came yet.
    pub(crate) fn new(examinee: Role, head: Vec<u8>, usual: String) -> Self {
        Self {
            head,
            usual,
            sent: Vec::new(),
            total_sent: 0,
            due: Vec::new(),
            perhaps: Vec::new(),
            is_whole: true,
            came: Came::of(examinee),
        }
    }

    /// The status of the response that came.
    pub(crate) fn status(&self) -> Option<u16> {
        self.came.response.as_ref().map(Response::status)
    }

    /// The messages that are due, and then those that may come, in their order.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Answer> {
        let answers = self.due.iter().chain(&self.perhaps);
        answers.filter(|answer| !answer.is_pong())
    }

    /// The payload of the pong that is due last: those before it may be left out (§5.5.3).
    pub(crate) fn latest_pong(&self) -> Option<&[u8]> {
        self.due.iter().rev().find_map(Answer::pong)
    }
}
