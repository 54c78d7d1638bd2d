//! What an examinee has sent, taken apart as it comes, and bounded whatever it sends.

use plainws::Role;
use plainws::protocol::close;
use plainws::protocol::dissect::{Dissector, Frame, Status};
use plainws::protocol::frame::{MaskingKey, Opcode};
use plainws::protocol::head::{self, Decoder};
use plainws::protocol::message::{Limits, Message};
use plainws::protocol::response::Response;
use plainws::protocol::rule::Rule;

/// Bytes kept to be shown.
const SHOWN: usize = 4096;
/// Masking keys that are compared: that many are not the same by chance.
const KEYS: usize = 3;
/// Largest head taken; no honest one is near.
const MAX_HEAD: usize = 64 * 1024;
/// Bytes that may come beside what is sent back.
const BESIDE: u64 = 128 * 1024;
/// Frames that may come beside what is sent back.
const FRAMES_BESIDE: u64 = 1000;

/// What has come, up to now.
#[derive(Debug)]
pub(crate) struct Came {
    sender: Role,
    stage: Stage,
    /// The response that opened or refused the connection.
    pub(crate) response: Option<Response>,
    /// The first bytes after it.
    pub(crate) shown: Vec<u8>,
    pub(crate) messages: Vec<Message>,
    pub(crate) pongs: Vec<Vec<u8>>,
    /// Pings that are yet to be answered.
    pub(crate) pings: Vec<Vec<u8>>,
    /// The body of its Close.
    pub(crate) close: Option<Vec<u8>>,
    /// What comes after that, when there should be no more.
    after_close: Option<Box<Dissector>>,
    pub(crate) has_data_after_close: bool,
    pub(crate) has_second_close: bool,
    pub(crate) has_pong_after_close: bool,
    /// The masking keys of its first frames.
    pub(crate) keys: Vec<MaskingKey>,
    /// The rule that it broke.
    pub(crate) broken: Option<Rule>,
    /// How TCP ended.
    pub(crate) end: Option<Ended>,
    /// Bytes in all.
    pub(crate) total: u64,
    /// Bytes of its pings, which answer nothing.
    of_pings: u64,
    frames: u64,
    /// Bytes that it was sent: it has to send no more than those back.
    sent: u64,
}

/// What is read next.
#[derive(Debug)]
enum Stage {
    Head(Decoder),
    /// The body of a refusal, which ends with TCP.
    Body(Vec<u8>),
    Frames(Box<Dissector>),
    /// Nothing counts any more.
    Over,
}

/// How an examinee ends TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended its half in order: by the end of TCP, or by TLS's close_notify, which it may leave out.
    Fin,
    /// It reset the connection, so that what it had sent may be lost; or it broke TLS off, by an alert or what is no
    /// record.
    Reset,
    /// It sent more than anything can have been due.
    Flood,
}

impl Came {
    /// From a server, which begins with a response, or from a client whose request has been read.
    pub(crate) fn of(sender: Role) -> Self {
        let stage = match sender {
            Role::Server => Stage::head(),
            Role::Client => Stage::frames(Role::Client),
        };
        Self {
            sender,
            stage,
            response: None,
            shown: Vec::new(),
            messages: Vec::new(),
            pongs: Vec::new(),
            pings: Vec::new(),
            close: None,
            after_close: None,
            has_data_after_close: false,
            has_second_close: false,
            has_pong_after_close: false,
            keys: Vec::new(),
            broken: None,
            end: None,
            total: 0,
            of_pings: 0,
            frames: 0,
            sent: 0,
        }
    }

    /// Whether frames can come: the handshake is over, and accepted.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Frames(_) | Stage::Over)
            && self
                .response
                .as_ref()
                .is_none_or(|response| response.status() == 101)
    }

    /// The bytes that came beside its pings.
    pub(crate) const fn but_pings(&self) -> u64 {
        self.total - self.of_pings
    }

    /// Whether nothing more can come that counts.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some() || self.broken.is_some() || self.close.is_some()
    }

    /// What a refusal says beside its head.
    pub(crate) fn body(&self) -> &[u8] {
        match &self.stage {
            Stage::Body(body) => body,
            _ => &[],
        }
    }

    /// Its Close's code; 1005 for none.
    pub(crate) fn close_code(&self) -> Option<u16> {
        let body = self.close.as_deref()?;
        Some(close::parts(body).map_or(1005, |(code, _)| code.0))
    }

    /// The examinee is sent so many bytes more.
    pub(crate) fn note_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Takes the next bytes.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.read(bytes);
        // What is sent back may come in fragments of a byte.
        if self.total > BESIDE + 8 * self.sent || self.frames > FRAMES_BESIDE + self.sent {
            self.end = Some(Ended::Flood);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Stage::Head(decoder) = &mut self.stage {
            match decoder.receive(rest) {
                Ok(None) => return,
                Ok(Some((head, after))) => {
                    rest = after;
                    self.take_head(head);
                }
                Err(rule) => {
                    self.fail(rule);
                    self.keep(rest);
                    return;
                }
            }
        }
        self.keep(rest);
        match &mut self.stage {
            Stage::Frames(dissector) => {
                let before = dissector.unread();
                let frames = dissector.receive(rest);
                let unread = usize::try_from(dissector.unread() - before).unwrap_or(rest.len());
                for frame in frames {
                    self.take_frame(frame);
                }
                self.after_close(&rest[rest.len() - unread..]);
            }
            Stage::Body(body) => {
                let room = MAX_HEAD - body.len().min(MAX_HEAD);
                body.extend(&rest[..rest.len().min(room)]);
            }
            Stage::Head(_) | Stage::Over => {}
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = SHOWN - self.shown.len().min(SHOWN);
        self.shown.extend(&bytes[..bytes.len().min(room)]);
    }

    fn take_head(&mut self, head: head::Head) {
        match Response::new(head) {
            Ok(response) if response.is_interim() => {
                self.stage = Stage::head();
            }
            Ok(response) => {
                self.stage = if response.status() == 101 {
                    Stage::frames(Role::Server)
                } else {
                    Stage::Body(Vec::new())
                };
                self.response = Some(response);
            }
            Err(rule) => self.fail(rule),
        }
    }

    fn fail(&mut self, rule: Rule) {
        self.broken = Some(rule);
        self.stage = Stage::Over;
    }

    /// Looks for frames of messages after the Close, whole or not, and for another Close.
    fn after_close(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.close.is_none() || self.has_second_close {
            return;
        }
        let sender = self.sender;
        let dissector = self.after_close.get_or_insert_with(|| dissector(sender));
        let mut frames = dissector.receive(bytes);
        frames.extend(dissector.partial().cloned());
        for frame in frames {
            match frame.header.map(|header| header.opcode) {
                Some(Opcode::Close) => self.has_second_close = true,
                Some(Opcode::Text | Opcode::Binary | Opcode::Continuation) => {
                    self.has_data_after_close = true;
                }
                Some(Opcode::Pong) => self.has_pong_after_close = true,
                _ => {}
            }
        }
    }

    fn take_frame(&mut self, frame: Frame) {
        self.frames += 1;
        if let Status::Violation(rule) = frame.status {
            self.broken = Some(rule);
            return;
        }
        let key = frame.header.and_then(|header| header.masking_key);
        self.keys.extend(key.filter(|_| self.keys.len() < KEYS));
        let opcode = frame.header.map(|header| header.opcode);
        match opcode {
            Some(Opcode::Ping) => {
                self.of_pings += frame.wire.len() as u64;
                self.pings.push(frame.payload);
            }
            Some(Opcode::Pong) => self.pongs.push(frame.payload),
            Some(Opcode::Close) => self.close = Some(frame.payload),
            _ => self.messages.extend(frame.message),
        }
    }
}

impl Stage {
    fn head() -> Self {
        let limits = head::Limits::new().max_bytes(MAX_HEAD).max_headers(1000);
        Self::Head(Decoder::new(Role::Server, limits))
    }

    fn frames(sender: Role) -> Self {
        Self::Frames(dissector(sender))
    }
}

fn dissector(sender: Role) -> Box<Dissector> {
    let limits = Limits::new()
        .max_bytes(64 << 20)
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    Box::new(Dissector::new(sender, limits).max_frame_payload(SHOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_after_an_interim_one_may_have_as_many_fields() {
        let fields = "X-Field: value\r\n".repeat(900);
        let head = |status: &str| format!("HTTP/1.1 {status}\r\n{fields}\r\n");
        let mut came = Came::of(Role::Server);
        for status in ["103 Early Hints", "101 Switching Protocols"] {
            assert!(!came.is_open(), "before {status}");
            came.receive(head(status).as_bytes());
            assert_eq!(came.broken, None, "after {status}");
        }
        assert!(came.is_open());
    }
}
