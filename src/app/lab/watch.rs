//! A connection that is watched: what passes over it becomes records.

use super::guard::without_token;
use super::observer::Observer;
use crate::app::judge::exchange::{Event, Exchange, NO_LIMITS};
use crate::app::show::{events, json};
use plainws::net::tap::Direction;
use plainws::protocol::dissect::Frame;
use plainws::{Role, Sender};
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// Bytes that are kept of a frame.
pub(super) const KEPT: usize = json::WIRE;

/// A tapped connection of a session.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its name, given by who connects.
    pub(super) c: String,
    observer: Arc<Observer>,
    watched: Mutex<Watched>,
    sender: Mutex<Option<Sender>>,
    /// Notified when the sender is there.
    has_opened: Condvar,
    /// Its own: what begins and ends it runs there.
    thread: ThreadId,
}

#[derive(Debug)]
struct Watched {
    exchange: Exchange,
    client: Reads,
    server: Reads,
    /// Bytes received and sent, and how many of them have been asked for.
    passed: (u64, u64),
    asked: (u64, u64),
    has_ended: bool,
}

/// The reads, or the writes, of a direction.
#[derive(Debug, Default)]
struct Reads {
    count: u64,
    /// The one in which the frame began that is not complete.
    began: Option<u64>,
}

/// How a connection ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Whose FIN or RST came first, or that it was cut.
    pub(super) by: Option<&'static str>,
    pub(super) close_code: Option<u16>,
    /// Of the response that refused it.
    pub(super) status: Option<u16>,
    pub(super) reason: Option<String>,
}

impl Connection {
    pub(super) fn new(c: String, observer: Arc<Observer>) -> Self {
        let exchange = Exchange::new(NO_LIMITS, NO_LIMITS).keeping(KEPT);
        Self {
            c,
            observer,
            watched: Mutex::new(Watched {
                exchange,
                client: Reads::default(),
                server: Reads::default(),
                passed: (0, 0),
                asked: (0, 0),
                has_ended: false,
            }),
            sender: Mutex::default(),
            has_opened: Condvar::new(),
            thread: thread::current().id(),
        }
    }

    /// Whether the thread that asks is its own.
    pub(super) fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// Its handshake is done, and its handler runs.
    pub(super) fn opened(&self, sender: Sender) {
        *self.lock_sender() = Some(sender);
        self.has_opened.notify_all();
    }

    /// What is sent with, if it is open.
    pub(super) fn sender(&self) -> Option<Sender> {
        self.lock_sender().clone()
    }

    /// The same for a command, which may come as soon as the page has read the 101: then it is about to open.
    pub(super) fn sender_soon(&self) -> Option<Sender> {
        const SOON: Duration = Duration::from_secs(1);

        let is_missing = |sender: &mut Option<Sender>| sender.is_none();
        let sender = self.lock_sender();
        let waited = self.has_opened.wait_timeout_while(sender, SOON, is_missing);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn lock_sender(&self) -> MutexGuard<'_, Option<Sender>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes received and sent since this was asked last.
    pub(super) fn since_last(&self) -> (u64, u64) {
        let mut watched = self.watched();
        let passed = watched.passed;
        let before = std::mem::replace(&mut watched.asked, passed);
        (passed.0 - before.0, passed.1 - before.1)
    }

    /// Takes what passes.
    pub(super) fn pass(&self, direction: Direction, bytes: &[u8]) {
        // Records of the two directions keep their order by this lock. Telling never waits.
        let mut watched = self.watched();
        let (sender, count) = match direction {
            Direction::Received => (Role::Client, &mut watched.passed.0),
            Direction::Sent => (Role::Server, &mut watched.passed.1),
        };
        *count += bytes.len() as u64;
        for (event, first, last) in watched.receive(sender, bytes) {
            self.tell(sender, event, (first, last));
        }
    }

    /// Tells that it has ended, once.
    pub(super) fn ended(&self, end: &End) {
        let mut watched = self.watched();
        if std::mem::replace(&mut watched.has_ended, true) {
            return;
        }
        for sender in [Role::Client, Role::Server] {
            let reads = watched.reads(sender).latest();
            if let Some(event) = watched.exchange.end(sender, None) {
                self.tell(sender, event, (reads, reads));
            }
        }
        let time = self.observer.now();
        self.observer.tell("end", || {
            json!({
                "c": self.c,
                "time": time,
                "ended_by": end.by,
                "close_code": end.close_code,
                "status": end.status,
                "reason": end.reason,
            })
        });
    }

    fn tell(&self, sender: Role, event: Event, (first, last): (u64, u64)) {
        let (c, time) = (&self.c, self.observer.now());
        let kind = match &event {
            Event::Head(_) => "head",
            Event::Frame(..) => "frame",
            Event::Body(_) => "body",
            Event::Unfinished(..) => "unfinished",
        };
        self.observer.tell(kind, || {
            let mut record = json!({"c": c, "sender": sender.name(), "time": time});
            if let Event::Frame(frame, base) = event {
                record["reads"] = json!({"first": first, "last": last});
                record["frame"] = json::object(&kept(*frame), base).into();
                return record;
            }
            let (_, mut members) = events::event(&event, false);
            if let Some(handshake) = members.get_mut("handshake") {
                hide_secrets(handshake);
            }
            members["sender"] = sender.name().into();
            if let (Value::Object(record), Value::Object(members)) = (&mut record, members) {
                record.extend(members);
            }
            record
        });
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    const fn reads(&mut self, sender: Role) -> &mut Reads {
        match sender {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// What a read completes, with the reads in which its first and its last byte came.
    fn receive(&mut self, sender: Role, bytes: &[u8]) -> Vec<(Event, u64, u64)> {
        let events = self.exchange.receive(sender, bytes);
        let is_inside = matches!(self.exchange.side(sender).unfinished(), Some(("frame", _)));
        let reads = self.reads(sender);
        reads.count += 1;
        let last = reads.latest();
        let told = events.into_iter().map(|event| {
            let began = match event {
                Event::Frame(..) => reads.began.take(),
                _ => None,
            };
            (event, began.unwrap_or(last), last)
        });
        let told = told.collect();
        reads.began = is_inside.then(|| reads.began.unwrap_or(last));
        told
    }
}

impl Reads {
    /// The number of the latest, from 0.
    const fn latest(&self) -> u64 {
        self.count.saturating_sub(1)
    }
}

/// A frame without what exceeds the bytes that are kept.
fn kept(mut frame: Frame) -> Frame {
    let header = frame.wire.len() - frame.payload.len();
    frame.wire.truncate(KEPT);
    frame.payload.truncate(KEPT.saturating_sub(header));
    frame
}

/// Headers whose values are nobody's business, not even on the owner's own screen.
const SECRET: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

/// Puts the lengths of secret values in their place.
fn hide_secrets(handshake: &mut Value) {
    let lines = handshake["lines"].as_array_mut();
    for line in lines.into_iter().flatten() {
        let [name, value] =
            ["name", "value"].map(|it| line[it].as_str().unwrap_or_default().trim());
        if SECRET.contains(&name) {
            let shown = format!("({} bytes)", value.len());
            let text = line["text"].as_str().unwrap_or_default();
            let name = text.split_once(':').map_or(name, |(name, _)| name);
            line["text"] = format!("{name}: {shown}").into();
            line["value"] = shown.into();
        }
        for it in ["text", "value"] {
            if let Some(shown) = line[it].as_str() {
                line[it] = String::from_utf8_lossy(&without_token(shown.as_bytes())).into();
            }
        }
    }
}
