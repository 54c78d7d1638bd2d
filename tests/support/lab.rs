//! A page of the lab, as a client that is no browser.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::bytes::TEXT;
use super::program::Program;
use super::raw::Raw;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A session: commands go, answers and records come.
pub(crate) struct Tap {
    pub(crate) raw: Raw,
    pub(crate) token: String,
    /// Records that came before an answer.
    before: VecDeque<Value>,
}

impl Tap {
    pub(crate) fn open(program: &Program) -> Self {
        Self::open_at(program, "")
    }

    /// Under a prefix.
    pub(crate) fn open_at(program: &Program, prefix: &str) -> Self {
        let mut raw = program.open(&format!("{prefix}/lab/tap"));
        let session = message(&mut raw);
        assert_eq!(session["type"], "session", "{session}");
        let token = session["token"].as_str().expect("it has a token");
        Self {
            token: token.into(),
            raw,
            before: VecDeque::new(),
        }
    }

    /// The path that opens a connection of that name.
    pub(crate) fn path(&self, path: &str, c: &str) -> String {
        format!("{path}?t={}&c={c}", self.token)
    }

    /// Opens a connection that sends back what it gets, and takes the records of its handshake.
    pub(crate) fn echo(&mut self, program: &Program, c: &str) -> Raw {
        let raw = program.open(&self.path("/lab/echo", c));
        for _ in 0..2 {
            assert_eq!(self.next()["type"], "head");
        }
        raw
    }

    /// The next record, whatever it is.
    pub(crate) fn next(&mut self) -> Value {
        let before = self.before.pop_front();
        before.unwrap_or_else(|| message(&mut self.raw))
    }

    /// Whether no record has come that was not taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    /// The next record of this type; others are skipped.
    #[track_caller]
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let record = self.next();
            if record["type"] == kind {
                return record;
            }
        }
    }

    /// The answer to a command: its result, or the sentence that says why there is none.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: Value) -> Result<Value, String> {
        let mut command = command;
        command["n"] = 7.into();
        self.ask_as_it_is(&command.to_string())
    }

    #[track_caller]
    pub(crate) fn ask_as_it_is(&mut self, text: &str) -> Result<Value, String> {
        self.raw.send_frame(TEXT, text);
        loop {
            let mut record = message(&mut self.raw);
            if record["type"] != "answer" {
                self.before.push_back(record);
                continue;
            }
            if let Some(error) = record["error"].as_str() {
                return Err(error.into());
            }
            assert_eq!(record["to"], 7, "{record}");
            return Ok(record["result"].take());
        }
    }

    /// What the judge says of a stream in these pieces.
    #[track_caller]
    pub(crate) fn judge(&mut self, sender: &str, pieces: &[String]) -> Value {
        let command = json!({"do": "judge", "sender": sender, "pieces": pieces});
        self.ask(command).expect("it can be judged")
    }
}

/// The next message, which is JSON.
#[track_caller]
pub(crate) fn message(raw: &mut Raw) -> Value {
    let (byte0, payload) = raw.frame();
    assert_eq!(byte0, TEXT, "{}", payload.escape_ascii());
    serde_json::from_slice(&payload).expect("a record is JSON")
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
