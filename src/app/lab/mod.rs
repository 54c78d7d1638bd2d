//! The lab, a page that shows what passes between a browser and this server, byte by byte, with the rule that each
//! meets or breaks.

mod command;
mod commands;
mod guard;
mod judge;
mod observer;
mod pace;
mod session;
mod tables;
mod watch;

use self::guard::{Asked, Guard};
use self::pace::Pace;
use self::session::{Session, Sessions};
use self::watch::{Connection, End};
use crate::app::check;
use crate::app::echo;
use crate::app::why;
pub(crate) use guard::without_token;
use plainws::net::log::{Outcome, Record};
use plainws::net::tap::Tap;
use plainws::protocol::request::Request;
use plainws::{CloseCode, Handle, Page, Result, Server, WebSocket};
use serde_json::{Value, json};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// What the lab keeps while the server runs.
pub(crate) struct Lab {
    handle: Handle,
    guard: Guard,
    /// Under which its paths are served as well.
    prefixes: Vec<String>,
    sessions: Sessions,
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
        })
    }

    /// Serves the page and what it needs.
    pub(crate) fn add_to(self: &Arc<Self>, mut server: Server) -> Server {
        server = server.page("/lab", Page::html(include_str!("pages/lab.html")));
        for (path, source) in SCRIPTS {
            let page = Page::new("text/javascript; charset=utf-8", source.as_bytes());
            server = server.page(path, page);
        }
        for (path, source) in STYLES {
            let page = Page::new("text/css; charset=utf-8", source.as_bytes());
            server = server.page(path, page);
        }
        server = server.page("/lab/rules.json", json_page(&tables::rules()));
        server = server.page("/lab/questions.json", json_page(&why::page()));
        server = server.page("/lab/stages.json", json_page(&check::stages()));
        let (observing, echoing, idle) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        server
            .route("/lab/tap", move |ws| observing.observe(ws))
            .route("/lab/echo", move |ws| echoing.echo(ws))
            .route("/lab/idle", move |ws| idle.idle(ws))
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
        let watched = Watching {
            session,
            connection,
        };
        Some(Box::new(move |direction, bytes| {
            watched.connection.pass(direction, bytes);
        }))
    }

    /// Tells the page of a watched connection how it ended.
    pub(crate) fn log(&self, record: &Record<'_>) {
        let line = String::from_utf8_lossy(record.request_line);
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if self.path(path).is_none() {
            return;
        }
        let asked = Asked::by(Some(query));
        let session = self.sessions.find(asked.token);
        let connection = session.as_ref().and_then(|session| session.find(asked.c));
        if let (Some(session), Some(connection)) = (session, connection) {
            session.ended(&connection, &end(&record.outcome));
        }
    }

    /// A path of the lab, without the prefix.
    fn path<'a>(&self, path: &'a str) -> Option<&'a str> {
        let is_own = |path: &&str| path.starts_with("/lab/");
        let mut prefixes = self.prefixes.iter();
        let stripped = || {
            prefixes.find_map(|prefix| {
                path.strip_prefix(prefix.trim_end_matches('/'))
                    .filter(is_own)
            })
        };
        Some(path).filter(is_own).or_else(stripped)
    }

    /// The page's own connection: commands come, answers and records go.
    fn observe(&self, ws: &WebSocket) -> Result<()> {
        if let Err(reason) = self.guard.check(ws.request()) {
            return ws.close(CloseCode::POLICY, reason);
        }
        let Some(session) = self.sessions.begin(ws.sender())? else {
            return ws.close(
                CloseCode::TRY_AGAIN_LATER,
                "8 sessions are open, and more are not let in",
            );
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

    fn echo(&self, ws: &mut WebSocket) -> Result<()> {
        match self.claimed(ws.request()) {
            Some(connection) => {
                connection.opened(ws.sender());
                echo::echo(ws)
            }
            None => ws.close(
                CloseCode::POLICY,
                "no session, no such name, or no place left",
            ),
        }
    }

    fn idle(&self, ws: &WebSocket) -> Result<()> {
        let asked = Asked::by(ws.request().query());
        let session = self.sessions.find(asked.token);
        let session = session.filter(|_| self.guard.check(ws.request()).is_ok());
        let Some(session) = session.filter(|session| session.add_idle()) else {
            return ws.close(
                CloseCode::TRY_AGAIN_LATER,
                "no session, or no place left in it",
            );
        };
        while ws.receive()?.is_some() {}
        session.remove_idle();
        Ok(())
    }

    /// The watched connection that a request has begun.
    fn claimed(&self, request: &Request) -> Option<Arc<Connection>> {
        let asked = Asked::by(request.query());
        let connection = self.sessions.find(asked.token)?.find(asked.c)?;
        connection.claim().then_some(connection)
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

/// What the tap of a watched connection owns.
struct Watching {
    session: Arc<Session>,
    connection: Arc<Connection>,
}

/// The log has told how it ended, as a rule.
impl Drop for Watching {
    fn drop(&mut self) {
        self.session.ended(&self.connection, &End::default());
    }
}

fn end(outcome: &Outcome<'_>) -> End {
    match outcome {
        Outcome::Response { status, reason, .. } => End {
            status: Some(*status),
            reason: reason.map(Into::into),
            ..End::default()
        },
        Outcome::Closed { reason, .. } => End {
            close_code: Some(reason.code.0),
            reason: Some(reason.reason.clone()),
            ..End::default()
        },
        _ => End::default(),
    }
}

fn json_page(value: &Value) -> Page {
    Page::new("application/json", value.to_string().into_bytes())
}

const SCRIPTS: &[(&str, &str)] = &[
    ("/lab/main.js", include_str!("pages/main.js")),
    ("/lab/dom.js", include_str!("pages/dom.js")),
    ("/lab/session.js", include_str!("pages/session.js")),
    ("/lab/fields.js", include_str!("pages/fields.js")),
    ("/lab/saved.js", include_str!("pages/saved.js")),
    ("/lab/selection.js", include_str!("pages/selection.js")),
    ("/lab/wire.js", include_str!("pages/wire.js")),
    ("/lab/frame.js", include_str!("pages/frame.js")),
    ("/lab/keys.js", include_str!("pages/keys.js")),
    ("/lab/watch.js", include_str!("pages/watch.js")),
    ("/lab/handshake.js", include_str!("pages/handshake.js")),
    ("/lab/break.js", include_str!("pages/break.js")),
    ("/lab/composer.js", include_str!("pages/composer.js")),
    ("/lab/browser.js", include_str!("pages/browser.js")),
    ("/lab/text.js", include_str!("pages/text.js")),
    ("/lab/cut.js", include_str!("pages/cut.js")),
    ("/lab/fragments.js", include_str!("pages/fragments.js")),
    ("/lab/knife.js", include_str!("pages/knife.js")),
    ("/lab/latest.js", include_str!("pages/latest.js")),
    ("/lab/close.js", include_str!("pages/close.js")),
    ("/lab/cost.js", include_str!("pages/cost.js")),
    ("/lab/lanes.js", include_str!("pages/lanes.js")),
    ("/lab/plot.js", include_str!("pages/plot.js")),
    ("/lab/figures.js", include_str!("pages/figures.js")),
    ("/lab/build.js", include_str!("pages/build.js")),
    ("/lab/rules.js", include_str!("pages/rules.js")),
    ("/lab/questions.js", include_str!("pages/questions.js")),
    ("/lab/tour.js", include_str!("pages/tour.js")),
];

const STYLES: &[(&str, &str)] = &[
    ("/lab/lab.css", include_str!("pages/lab.css")),
    ("/lab/break.css", include_str!("pages/break.css")),
    ("/lab/cut.css", include_str!("pages/cut.css")),
    ("/lab/close.css", include_str!("pages/close.css")),
    ("/lab/handshake.css", include_str!("pages/handshake.css")),
    ("/lab/cost.css", include_str!("pages/cost.css")),
    ("/lab/build.css", include_str!("pages/build.css")),
    ("/lab/rules.css", include_str!("pages/rules.css")),
    ("/lab/questions.css", include_str!("pages/questions.css")),
    ("/lab/tour.css", include_str!("pages/tour.css")),
];
