//! What requests to the lab, and its connections, come to.

use super::command::{self, MAX_COMMAND};
use super::commands;
use super::guard::{Asked, Guard};
use super::news::Lane;
use super::observer::BACKLOG;
use super::pace::Pace;
use super::session::{LEFT, MAX_MESSAGE, Refusal, Session, Sessions};
use super::watch::{Connection, End};
use crate::app::echo;
use plainws::net::applicant::{Admission, Applicant};
use plainws::net::log::{EndedBy, Outcome, Record};
use plainws::net::tap::Tap;
use plainws::protocol::message;
use plainws::protocol::request::Request;
use plainws::{CloseCode, Handle, Page, Received, Result, Sender, WebSocket};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What the lab keeps while the server runs.
#[derive(Debug)]
pub(crate) struct Lab {
    handle: Handle,
    guard: Guard,
    /// Under which its paths are served as well.
    prefixes: Vec<String>,
    sessions: Sessions,
    is_stopping: AtomicBool,
}

impl Lab {
    /// For a server that serves everything under these prefixes too. Where the lab is on without having been
    /// asked for, it answers for loopback names only.
    pub(crate) fn new(handle: Handle, prefixes: &[String], is_asked_for: bool) -> Arc<Self> {
        Arc::new(Self {
            handle,
            guard: Guard::new(is_asked_for),
            prefixes: prefixes.to_vec(),
            sessions: Sessions::default(),
            is_stopping: AtomicBool::new(false),
        })
    }

    /// The server stops: nobody waits for news any longer.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
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
    pub(crate) fn admit(&self, who: &Applicant<'_>) -> std::result::Result<Admission, Page> {
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
    fn admit_to(
        &self,
        path: &str,
        request: &Request,
    ) -> std::result::Result<(usize, usize), Refusal> {
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
        // Its tap was made before: then it is watched, or it may not be.
        match session
            .find(asked.c)
            .filter(|connection| connection.is_here())
        {
            Some(_) => Ok((MAX_MESSAGE, 2 * MAX_MESSAGE)),
            None => Err(session.refusal(asked.c).unwrap_or(Refusal::CONNECTIONS)),
        }
    }

    fn session(&self, asked: Asked<'_>) -> std::result::Result<Arc<Session>, Refusal> {
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

    /// The page's own connection: commands come, answers and records go.
    pub(super) fn observe(&self, ws: &WebSocket) -> Result<()> {
        let Some(session) = self.sessions.begin(ws.sender())? else {
            // Another has come first since it was let in.
            return ws.close(CloseCode::TRY_AGAIN_LATER, Refusal::SESSIONS.1);
        };
        let _ends = Ends {
            lab: self,
            session: &session,
        };
        let mut pace = Pace::new(Instant::now());
        while let Some(message) = ws.receive()? {
            thread::sleep(pace.wait(Instant::now()));
            let text = String::from_utf8_lossy(message.as_bytes());
            ws.send(self.answer(&session, &text).to_string())?;
        }
        Ok(())
    }

    fn answer(&self, session: &Session, text: &str) -> Value {
        let (number, command) = command::parse(text);
        match command.and_then(|command| commands::run(&self.handle, session, command)) {
            Ok(result) => json!({"type": "answer", "to": number, "result": result}),
            Err(error) => json!({"type": "answer", "to": number, "error": error}),
        }
    }

    /// Sends each message back.
    pub(super) fn echo(&self, ws: &mut WebSocket) -> Result<()> {
        match self.opened(ws) {
            Some(_) => echo::echo(ws),
            None => ws.close(CloseCode::GOING_AWAY, LEFT),
        }
    }

    /// Sends the news.
    pub(super) fn news(&self, ws: &WebSocket) -> Result<()> {
        /// How soon it is noticed that news were started.
        const LOOK: Duration = Duration::from_millis(200);

        let Some((session, connection)) = self.opened(ws) else {
            return ws.close(CloseCode::GOING_AWAY, LEFT);
        };
        let lanes = &session.lanes;
        let mut known = lanes.open();
        let _open = Open(&session, &connection);
        lanes.cost(Lane::Socket, 1, connection.since_last());
        loop {
            let wait = match lanes.push(&mut known) {
                Ok(message) => {
                    ws.send(message)?;
                    lanes.cost(Lane::Socket, 0, connection.since_last());
                    continue;
                }
                Err(wait) => wait.map_or(LOOK, |wait| wait.min(LOOK)),
            };
            if let Received::Ended(_) = ws.receive_timeout(wait)? {
                return Ok(());
            }
        }
    }

    /// Does nothing, and costs what a connection costs.
    pub(super) fn idle(&self, ws: &WebSocket) -> Result<()> {
        let asked = Asked::by(ws.request().query());
        let session = self.sessions.find(asked.token);
        let Some(session) = session else {
            return ws.close(CloseCode::GOING_AWAY, LEFT);
        };
        let Some(sender) = session.add_idle(ws.sender()) else {
            // Another has come first since it was let in.
            return ws.close(CloseCode::TRY_AGAIN_LATER, Refusal::IDLE.1);
        };
        let _place = Idle(&session, sender);
        while ws.receive()?.is_some() {}
        Ok(())
    }

    /// What is new, at once.
    pub(super) fn now(&self, request: &Request) -> Page {
        self.told(request, |session, _| Ok(session.lanes.poll()))
    }

    /// What is new, as soon as there is something new.
    pub(super) fn next(&self, request: &Request) -> Page {
        self.told(request, |session, asked| {
            let after = asked.after.parse();
            let after =
                after.map_err(|_| Refusal(400, "after is the number of the latest news known"))?;
            session.lanes.wait(after).ok_or(Refusal::WAITING)
        })
    }

    fn told(
        &self,
        request: &Request,
        tell: impl FnOnce(&Session, Asked<'_>) -> std::result::Result<String, Refusal>,
    ) -> Page {
        let asked = Asked::by(request.query());
        let guarded = self
            .guard
            .check(request)
            .map_err(|reason| Refusal(403, reason));
        let session = guarded.and_then(|()| self.session(asked));
        match session.and_then(|session| tell(&session, asked)) {
            Ok(body) => Page::new("application/json", body.into_bytes()),
            Err(Refusal(status, reason)) => Page::refusal(status, reason),
        }
    }

    /// A watched connection whose handshake is done.
    fn opened(&self, ws: &WebSocket) -> Option<(Arc<Session>, Arc<Connection>)> {
        let asked = Asked::by(ws.request().query());
        // Its session may have ended meanwhile.
        let session = self.sessions.find(asked.token)?;
        let connection = session.find(asked.c)?;
        session.opened(&connection, &ws.sender());
        Some((session, connection))
    }
}

/// Ends a session when its page has left.
struct Ends<'a> {
    lab: &'a Lab,
    session: &'a Arc<Session>,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.lab.sessions.end(self.session);
    }
}

/// A connection for news, while it is open.
struct Open<'a>(&'a Session, &'a Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.lanes.close();
        self.0.lanes.cost(Lane::Socket, 0, self.1.since_last());
    }
}

/// The place of an idle connection.
struct Idle<'a>(&'a Session, Arc<Sender>);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.remove_idle(&self.1);
    }
}

/// What the tap of a watched connection owns.
struct Watching {
    session: Arc<Session>,
    connection: Arc<Connection>,
}

/// As a rule the log has told before how it ended.
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
