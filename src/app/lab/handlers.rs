//! What each path of the lab does with a request or a connection.

use super::command;
use super::commands;
use super::guard::Asked;
use super::news::Lane;
use super::pace::Pace;
use super::serving::Lab;
use super::session::{LEFT, Refusal, Session};
use super::watch::Connection;
use crate::app::echo;
use plainws::protocol::request::Request;
use plainws::{CloseCode, Page, Received, Result, Sender, WebSocket};
use serde_json::{Value, json};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

impl Lab {
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
