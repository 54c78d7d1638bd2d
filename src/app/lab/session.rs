//! A session: a page that watches, what it may, and the connections that it watches.

use super::command::MAX_COMMAND;
use super::cost::Lanes;
use super::observer::{BACKLOG, Observer};
use super::pace::PER_SECOND;
use super::watch::{Connection, End, KEPT};
use crate::app::text::joined;
use plainws::net::random::Random;
use plainws::{CloseCode, Sender};
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
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
/// Why connections are closed when their session ends.
pub(super) const LEFT: &str = "the page that watched has left";
/// Characters of a connection's name.
const MAX_NAME: usize = 8;

/// All sessions of a server.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Arc<Session>>>);

/// One page that watches.
#[derive(Debug)]
pub(super) struct Session {
    token: String,
    observer: Arc<Observer>,
    pub(super) lanes: Lanes,
    connections: Mutex<Vec<Arc<Connection>>>,
    idle: Mutex<Vec<Arc<Sender>>>,
    has_ended: AtomicBool,
}

/// Why a connection or a request is refused: a status and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str);

impl Refusal {
    pub(super) const SESSIONS: Self = Self(503, "8 pages watch already, and no more can");
    pub(super) const TOKEN: Self = Self(
        403,
        "no session has that token: it is valid while its page is open",
    );
    pub(super) const CONNECTIONS: Self = Self(503, "a page watches at most 4 connections");
    pub(super) const IDLE: Self = Self(503, "a page opens at most 64 idle connections");
    pub(super) const WAITING: Self = Self(503, "too many requests of this page wait already");
    const NAME: Self = Self(
        400,
        "c, the name of the connection, is 1 to 8 letters or digits",
    );
    const TAKEN: Self = Self(409, "a connection of that name is open");
}

impl Sessions {
    pub(super) fn each(&self, act: impl Fn(&Session)) {
        let all = self.all().clone();
        all.iter().for_each(|session| act(session));
    }

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
        let mut all = self.all();
        if all.len() >= MAX_SESSIONS {
            return Ok(None);
        }
        // First of all: who has the token may use it at once. Nothing can be told before, for nobody has it.
        all.push(Arc::clone(&session));
        drop(all);
        page.send(session.greeting())
            .inspect_err(|_| self.end(&session))?;
        Ok(Some(session))
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        let all = self.all();
        all.iter().find(|session| session.token == token).cloned()
    }

    /// Ends a session: its token is dead from now on, and its connections are closed.
    pub(super) fn end(&self, session: &Arc<Session>) {
        self.all().retain(|other| !Arc::ptr_eq(other, session));
        session.has_ended.store(true, Ordering::SeqCst);
        session.lanes.end();
        session.close_all();
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn new(page: Sender) -> io::Result<Self> {
        let mut random = Random::new()?;
        let token: [u8; 16] = random.bytes();
        let began = Instant::now();
        let observer = Arc::new(Observer::new(page, began));
        let seed = u64::from_ne_bytes(random.bytes());
        Ok(Self {
            token: joined(&token),
            lanes: Lanes::new(seed, began, Arc::clone(&observer)),
            observer,
            connections: Mutex::default(),
            idle: Mutex::default(),
            has_ended: AtomicBool::new(false),
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
        let mut all = self.connections();
        if let Some(refusal) = refusal(c, &all) {
            return Err(refusal);
        }
        let connection = Arc::new(Connection::new(c.to_owned(), Arc::clone(&self.observer)));
        all.push(Arc::clone(&connection));
        Ok(connection)
    }

    /// Why a connection of that name cannot be watched now.
    pub(super) fn refusal(&self, c: &str) -> Option<Refusal> {
        refusal(c, &self.connections())
    }

    pub(super) fn find(&self, c: &str) -> Option<Arc<Connection>> {
        let all = self.connections();
        all.iter().find(|connection| connection.c == c).cloned()
    }

    /// A connection has ended: its place and name are free, and only then is its end told, so that who reads of it may take
    /// them at once.
    pub(super) fn ended(&self, connection: &Arc<Connection>, end: &End) {
        self.connections()
            .retain(|other| !Arc::ptr_eq(other, connection));
        connection.ended(end);
    }

    pub(super) fn has_idle_place(&self) -> bool {
        self.idle().len() < MAX_IDLE
    }

    /// Takes the place of an idle connection; `None` if there is none left.
    pub(super) fn add_idle(&self, sender: Sender) -> Option<Arc<Sender>> {
        let sender = Arc::new(sender);
        let mut all = self.idle();
        if all.len() >= MAX_IDLE {
            return None;
        }
        all.push(Arc::clone(&sender));
        drop(all);
        self.close_if_ended();
        Some(sender)
    }

    pub(super) fn remove_idle(&self, sender: &Arc<Sender>) {
        self.idle().retain(|other| !Arc::ptr_eq(other, sender));
    }

    /// The handshake of a connection is done; it is closed at once if the session has ended meanwhile.
    pub(super) fn opened(&self, connection: &Connection, sender: &Sender) {
        connection.opened(sender.clone());
        self.close_if_ended();
    }

    fn close_if_ended(&self) {
        if self.has_ended.load(Ordering::SeqCst) {
            self.close_all();
        }
    }

    fn close_all(&self) {
        let watched = self.connections().clone();
        let idle = self.idle().clone();
        // One that is closed already needs no Close.
        let close = |sender: &Sender| drop(sender.close(CloseCode::GOING_AWAY, LEFT));
        let senders = watched.iter().filter_map(|connection| connection.sender());
        senders.for_each(|sender| close(&sender));
        idle.iter().for_each(|sender| close(sender));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Sender>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(c: &str, open: &[Arc<Connection>]) -> Option<Refusal> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let is_name = (1..=MAX_NAME).contains(&c.len()) && c.bytes().all(is_letter);
    let is_taken = open.iter().any(|connection| connection.c == c);
    match (is_name, is_taken, open.len()) {
        (false, ..) => Some(Refusal::NAME),
        (true, true, _) => Some(Refusal::TAKEN),
        (true, false, MAX_CONNECTIONS..) => Some(Refusal::CONNECTIONS),
        _ => None,
    }
}
