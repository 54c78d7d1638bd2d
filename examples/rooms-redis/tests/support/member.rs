//! Somebody in a room, who comes back after a loss as the page does.

use super::raw::PATIENCE;
use plainws::{Client, CloseReason, Error, Received, WebSocket};
use serde_json::Value;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Whom a member connects to.
#[derive(Clone)]
pub(crate) enum Way {
    /// An instance.
    Address(SocketAddr),
    /// HAProxy.
    Socket(PathBuf),
}

impl Way {
    pub(crate) fn connect(&self, room: &str, query: &str) -> plainws::Result<WebSocket> {
        let path = format!("/room/{room}{query}");
        match self {
            Self::Address(address) => plainws::connect(&format!("ws://{address}{path}")),
            Self::Socket(socket) => {
                let client = Client::new(&format!("ws://localhost{path}"))?;
                client.over(UnixStream::connect(socket)?)
            }
        }
    }
}

/// What a member was told of something that it said.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With the id.
    Said(String),
    Refused,
    Unknown,
}

pub(crate) struct Member {
    way: Way,
    room: String,
    ws: WebSocket,
    since: String,
    /// Ids and texts of what it heard.
    pub(crate) heard: Vec<(String, String)>,
    /// Of all that it was told, only of what kind it was.
    pub(crate) told: Vec<String>,
    pub(crate) comebacks: usize,
}

impl Member {
    pub(crate) fn enter(way: &Way, room: &str) -> Self {
        let ws = way.connect(room, "").expect("the room is there");
        let mut member = Self {
            way: way.clone(),
            room: room.to_owned(),
            ws,
            since: String::new(),
            heard: Vec::new(),
            told: Vec::new(),
            comebacks: 0,
        };
        member.wait_for("here");
        member
    }

    /// The next that it is told; how the connection ended if that is next.
    #[track_caller]
    fn next(&mut self) -> Result<Value, CloseReason> {
        match self.ws.receive_timeout(PATIENCE) {
            Ok(Received::Message(message)) => Ok(self.note(&message.to_string())),
            Ok(Received::Ended(reason)) => Err(reason),
            Ok(other) => panic!("nothing is told in {PATIENCE:?}: {other:?}"),
            Err(Error::Io(_)) => Err(CloseReason::new(plainws::CloseCode::ABNORMAL)),
            Err(error) => panic!("{error}"),
        }
    }

    fn note(&mut self, message: &str) -> Value {
        let message: Value = serde_json::from_str(message).unwrap();
        let field = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let kind = field("type");
        if ["here", "message"].contains(&kind.as_str()) {
            self.since = field("id");
        }
        if kind == "message" {
            self.heard.push((field("id"), field("text")));
        }
        self.told.push(kind);
        message
    }

    /// Waits until something of this kind is told that was not told before.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let told = self.next();
            let told = told.unwrap_or_else(|reason| panic!("no {kind:?}, but {reason}"));
            if told["type"] == kind {
                return told;
            }
        }
    }

    /// Says something, and waits for the answer. If there is none, it comes back.
    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) -> Answer {
        if self.ws.send(text).is_ok() {
            while let Ok(told) = self.next() {
                match told["type"].as_str().unwrap_or_default() {
                    "said" => return Answer::Said(told["as"].as_str().unwrap().to_owned()),
                    "refused" => {
                        assert_eq!(told["text"], text);
                        return Answer::Refused;
                    }
                    "unknown" => {
                        assert_eq!(told["text"], text);
                        return Answer::Unknown;
                    }
                    _ => {}
                }
            }
        }
        self.come_back();
        Answer::Unknown
    }

    /// Says something that must be acknowledged.
    #[track_caller]
    pub(crate) fn surely_say(&mut self, text: &str) -> String {
        match self.say(text) {
            Answer::Said(id) => id,
            answer => panic!("{text:?}: {answer:?}"),
        }
    }

    /// Listens until this is heard, and comes back if it must.
    #[track_caller]
    pub(crate) fn hear(&mut self, text: &str) {
        while !self.heard.iter().any(|(_, heard)| heard == text) {
            if self.next().is_err() {
                self.come_back();
            }
        }
    }

    /// Listens to the end of the connection.
    #[track_caller]
    pub(crate) fn end(&mut self) -> CloseReason {
        loop {
            if let Err(reason) = self.next() {
                return reason;
            }
        }
    }

    pub(crate) fn cut(&self) {
        self.ws.sender().cut();
    }

    /// Comes back another way than it came.
    pub(crate) fn go(&mut self, way: Way) {
        self.way = way;
    }

    /// Connects again until it is in the room, each time with the last id that it was told.
    #[track_caller]
    pub(crate) fn come_back(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        self.comebacks += 1;
        loop {
            let query = format!("?since={}", self.since);
            if let Ok(ws) = self.way.connect(&self.room, &query) {
                self.ws = ws;
                while let Ok(told) = self.next() {
                    if told["type"] == "here" {
                        return;
                    }
                }
            }
            assert!(Instant::now() < deadline, "it cannot come back");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.heard.iter().map(|(_, text)| text.as_str()).collect()
    }

    pub(crate) fn was_told(&self, kind: &str) -> bool {
        self.told.iter().any(|told| told == kind)
    }
}
