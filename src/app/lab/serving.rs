//! What the server asks the lab: who is let in, who is watched, and how a connection ended.

use super::command::MAX_COMMAND;
use super::guard::{Asked, Guard};
use super::news::Lane;
use super::observer::BACKLOG;
use super::session::{MAX_MESSAGE, Refusal, Session, Sessions};
use super::watch::{Connection, End};
use plainws::net::applicant::{Admission, Applicant};
use plainws::net::log::{EndedBy, Outcome, Record};
use plainws::net::tap::Tap;
use plainws::protocol::message;
use plainws::protocol::request::Request;
use plainws::{Handle, Page};
use std::sync::Arc;

/// What the lab keeps while the server runs.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(super) handle: Handle,
    pub(super) guard: Guard,
    /// Under which its paths are served as well.
    prefixes: Vec<String>,
    pub(super) sessions: Sessions,
}

impl Lab {
    /// For a server that serves everything under these prefixes too. Where the lab is on without having been asked
    /// for, it answers for loopback names only.
    pub(crate) fn new(handle: Handle, prefixes: &[String], is_asked_for: bool) -> Arc<Self> {
        Arc::new(Self {
            handle,
            guard: Guard::new(is_asked_for),
            prefixes: prefixes.to_vec(),
            sessions: Sessions::default(),
        })
    }

    /// The server stops: nobody waits for news any longer.
    pub(crate) fn stop(&self) {
        self.sessions.each(|session| session.lanes.end());
    }

    /// Watches a connection that belongs to a session.
    pub(crate) fn tap(&self, request: &Request) -> Option<Tap> {
        let path = self.path(request.path())?;
        if ["/lab/tap", "/lab/idle"].contains(&path) || self.guard.check(request).is_err() {
            return None;
        }
        let asked = Asked::by(request.query());
        let session = self.sessions.find(asked.token)?;
        let connection = session.watch(asked.c).ok()?;
        let watching = Watching {
            session,
            connection,
        };
        Some(Box::new(move |direction, bytes| {
            watching.connection.pass(direction, bytes);
        }))
    }

    /// Lets a connection in that the lab may serve, and any that is not for it.
    ///
    /// # Errors
    ///
    /// What it is refused with.
    pub(crate) fn admit(&self, who: &Applicant<'_>) -> Result<Admission, Page> {
        let Some(path) = self.path(who.request.path()) else {
            return Ok(Admission::default());
        };
        let admitted = self.admit_to(path, who.request);
        let (size, backlog) =
            admitted.map_err(|Refusal(status, reason)| Page::refusal(status, reason))?;
        let most = message::Limits::new().max_bytes(size as u64);
        let limits = who.limits.message(most).max_backlog(backlog);
        Ok(Admission::default().limits(limits))
    }

    /// How long a message may be on a connection there, and how much may wait for it.
    fn admit_to(&self, path: &str, request: &Request) -> Result<(usize, usize), Refusal> {
        self.guard
            .check(request)
            .map_err(|reason| Refusal(403, reason))?;
        if path == "/lab/tap" {
            let has_room = !self.sessions.are_full();
            return has_room
                .then_some((MAX_COMMAND, BACKLOG))
                .ok_or(Refusal::SESSIONS);
        }
        let asked = Asked::by(request.query());
        let session = self.session(asked)?;
        if path == "/lab/idle" {
            return session
                .has_idle_place()
                .then_some((MAX_COMMAND, BACKLOG))
                .ok_or(Refusal::IDLE);
        }
        // The server asks for its tap first: by now it is watched, or there is a reason why it cannot be.
        match session
            .find(asked.c)
            .filter(|connection| connection.is_here())
        {
            Some(_) => Ok((MAX_MESSAGE, 2 * MAX_MESSAGE)),
            None => Err(session.refusal(asked.c).unwrap_or(Refusal::CONNECTIONS)),
        }
    }

    pub(super) fn session(&self, asked: Asked<'_>) -> Result<Arc<Session>, Refusal> {
        self.sessions.find(asked.token).ok_or(Refusal::TOKEN)
    }

    /// Tells the page of a watched connection how it ended, and counts what a request for news has cost.
    pub(crate) fn log(&self, record: &Record<'_>) {
        let line = String::from_utf8_lossy(record.request_line);
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(path) = self.path(path) else { return };
        let asked = Asked::by(Some(query));
        let Ok(session) = self.session(asked) else {
            return;
        };
        let lane = match path {
            "/clock/now" => Some(Lane::Poll),
            "/clock/next" => Some(Lane::Long),
            _ => None,
        };
        if let Some(lane) = lane {
            let bytes = (record.bytes_read, record.bytes_written);
            session.lanes.cost(lane, 1, bytes);
            return;
        }
        let connection = session.find(asked.c);
        if let Some(connection) = connection.filter(|connection| connection.is_here()) {
            session.ended(&connection, &end(&record.outcome));
        }
    }

    /// A path of the lab, without the prefix.
    fn path<'a>(&self, path: &'a str) -> Option<&'a str> {
        let is_own = |path: &&str| path.starts_with("/lab/") || path.starts_with("/clock/");
        let prefixes = self.prefixes.iter();
        let mut stripped =
            prefixes.filter_map(|prefix| path.strip_prefix(prefix.trim_end_matches('/')));
        Some(path).filter(is_own).or_else(|| stripped.find(is_own))
    }
}

/// What the tap of a watched connection owns.
struct Watching {
    session: Arc<Session>,
    connection: Arc<Connection>,
}

/// The tap goes last. If the log has told nothing of the connection, the page learns only that it has ended.
impl Drop for Watching {
    fn drop(&mut self) {
        self.session.ended(&self.connection, &End::default());
    }
}

fn end(outcome: &Outcome<'_>) -> End {
    match outcome {
        Outcome::Response { status, reason, .. } => End {
            by: Some("server"),
            status: Some(*status),
            reason: reason.map(Into::into),
            ..End::default()
        },
        Outcome::Closed {
            reason, ended_by, ..
        } => End {
            by: match ended_by {
                EndedBy::Peer => Some("client"),
                EndedBy::Us => Some("server"),
                EndedBy::Cut => Some("cut"),
                _ => None,
            },
            close_code: Some(reason.code.0),
            reason: Some(reason.reason.clone()),
            ..End::default()
        },
        _ => End::default(),
    }
}
