//! The page that watches: records go to it, and never does anything wait for it.

use plainws::{Sender, WhenFull};
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Bytes of records that wait for a slow page at most: some hundreds of frames.
pub(super) const BACKLOG: usize = 256 * 1024;

/// Where the records of a session go.
#[derive(Debug)]
pub(super) struct Observer {
    sender: Sender,
    began: Instant,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Records so far, dropped ones included.
    records: u64,
    /// How many were dropped since the last that went out.
    dropped: u64,
}

impl Observer {
    pub(super) fn new(sender: Sender, began: Instant) -> Self {
        Self {
            sender: sender.when_full(WhenFull::Refuse),
            began,
            told: Mutex::default(),
        }
    }

    /// Since the session began, in seconds.
    pub(super) fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Tells of something, or counts it as dropped if the page has not taken what was told before. `make` is
    /// only called for what goes out.
    pub(super) fn tell(&self, kind: &str, make: impl FnOnce() -> Value) {
        let members = self.has_room().then(make);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.records += 1;
        let is_sent = members.is_some_and(|members| {
            self.tell_dropped(&mut told) && self.send(&record(kind, told.records, members))
        });
        if !is_sent {
            told.dropped += 1;
        }
    }

    fn has_room(&self) -> bool {
        self.sender.backlog() < BACKLOG
    }

    fn tell_dropped(&self, told: &mut Told) -> bool {
        let dropped = json!({"type": "dropped", "records": told.dropped});
        if told.dropped > 0 && !self.send(&dropped) {
            return false;
        }
        told.dropped = 0;
        true
    }

    fn send(&self, record: &Value) -> bool {
        self.sender.send(record.to_string()).is_ok()
    }
}

fn record(kind: &str, id: u64, members: Value) -> Value {
    let mut record = Map::new();
    record.insert("type".into(), kind.into());
    record.insert("id".into(), id.into());
    if let Value::Object(members) = members {
        record.extend(members);
    }
    record.into()
}
