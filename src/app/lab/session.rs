//! A session: a page that watches, what it may, and the connections that it watches.

use super::command::MAX_COMMAND;
use super::observer::{BACKLOG, Observer};
use super::pace::PER_SECOND;
use super::watch::{Connection, End, KEPT};
use crate::app::text::joined;
use plainws::net::random::Random;
use plainws::{CloseCode, Sender};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Sessions at once: a class in front of one server has its projector and some curious.
pub(super) const MAX_SESSIONS: usize = 8;
/// Tapped connections of a session: four lanes can be followed on one screen.
pub(super) const MAX_CONNECTIONS: usize = 4;
/// Idle connections of a session, for the bench that opens fifty.
pub(super) const MAX_IDLE: usize = 64;
/// Bytes of a message on a tapped connection.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;
/// Characters of a connection's name.
const MAX_NAME: usize = 8;

/// All sessions of a server.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Arc<Session>>>);

/// One page that watches.
#[derive(Debug)]
pub(super) struct Session {
    token: String,
    pub(super) observer: Arc<Observer>,
    connections: Mutex<Vec<Arc<Connection>>>,
    idle: AtomicUsize,
}

/// Why a connection is refused: a status and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str);

impl Sessions {
    pub(super) fn are_full(&self) -> bool {
        self.all().len() >= MAX_SESSIONS
    }

    /// Begins a session, and tells its page its token; `None` if there are too many.
    ///
    /// # Errors
    ///
    /// The system has no random bytes, or the page has left.
    pub(super) fn begin(&self, page: Sender) -> plainws::Result<Option<Arc<Session>>> {
        let session = Arc::new(Session::new(page.clone())?);
        if self.are_full() {
            return Ok(None);
        }
        page.send(session.greeting())?;
        let mut all = self.all();
        // Another may have come meanwhile.
        let has_room = all.len() < MAX_SESSIONS;
        if has_room {
            all.push(Arc::clone(&session));
        }
        Ok(has_room.then_some(session))
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        let all = self.all();
        all.iter().find(|session| session.token == token).cloned()
    }

    /// Ends a session: its token is dead from now on, and its connections are closed.
    pub(super) fn end(&self, session: &Arc<Session>) {
        self.all().retain(|other| !Arc::ptr_eq(other, session));
        session.close_all();
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn new(page: Sender) -> io::Result<Self> {
        let token: [u8; 16] = Random::new()?.bytes();
        Ok(Self {
            token: joined(&token),
            observer: Arc::new(Observer::new(page, Instant::now())),
            connections: Mutex::default(),
            idle: AtomicUsize::new(0),
        })
    }

    /// What its page is told first.
    fn greeting(&self) -> String {
        let greeting = json!({
            "type": "session",
            "token": self.token,
            "bounds": {
                "connections": MAX_CONNECTIONS,
                "idle": MAX_IDLE,
                "message": MAX_MESSAGE,
                "backlog": BACKLOG,
                "command": MAX_COMMAND,
                "commands_per_second": PER_SECOND,
                "kept": KEPT,
            },
        });
        greeting.to_string()
    }

    /// Begins to watch a connection of that name.
    ///
    /// # Errors
    ///
    /// It may not be watched.
    pub(super) fn watch(&self, c: &str) -> Result<Arc<Connection>, Refusal> {
        let is_name =
            (1..=MAX_NAME).contains(&c.len()) && c.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name {
            return Err(Refusal(
                400,
                "c, the name of the connection, is 1 to 8 letters or digits",
            ));
        }
        let mut all = self.connections();
        if all.iter().any(|connection| connection.c == c) {
            return Err(Refusal(409, "a connection of that name is open"));
        }
        if all.len() >= MAX_CONNECTIONS {
            return Err(Refusal(503, "a session watches at most 4 connections"));
        }
        let connection = Arc::new(Connection::new(c.to_owned(), Arc::clone(&self.observer)));
        all.push(Arc::clone(&connection));
        Ok(connection)
    }

    pub(super) fn find(&self, c: &str) -> Option<Arc<Connection>> {
        let all = self.connections();
        all.iter().find(|connection| connection.c == c).cloned()
    }

    /// A connection has ended, and its place is free.
    pub(super) fn ended(&self, connection: &Arc<Connection>, end: &End) {
        connection.ended(end);
        self.connections()
            .retain(|other| !Arc::ptr_eq(other, connection));
    }

    /// Takes the place of an idle connection; `false` if there is none left.
    pub(super) fn add_idle(&self) -> bool {
        let add = |count: usize| (count < MAX_IDLE).then_some(count + 1);
        self.idle
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }

    pub(super) fn remove_idle(&self) {
        self.idle.fetch_sub(1, Ordering::Relaxed);
    }

    fn close_all(&self) {
        let all = self.connections().clone();
        for sender in all.iter().filter_map(|connection| connection.sender()) {
            // One that is closed already needs no Close.
            let _ = sender.close(CloseCode::GOING_AWAY, "the page that watched has left");
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
