//! A script that an endpoint carries out: calls of its user, bytes of its peer, a slow or broken socket;
//! and the log of what came of it, which the oracles of [`endpoint`](crate::endpoint) read.

use crate::stream::TINY;
use crate::streams::choices::Choices;
use crate::streams::due::Due;
use crate::streams::wire;
use crate::subject::{Endpoint, Seen, Subject};
use plainws::Role;
use plainws::protocol::connection::State;

/// A change of state: from, why, to.
pub type Transition = (State, &'static str, State);

/// What came of a script.
#[derive(Clone, Debug)]
pub struct Log {
    /// Which side it was.
    pub role: Role,
    /// All that reached the wire.
    pub written: Vec<u8>,
    /// Whether the wire broke, so that its last frame may be cut.
    pub broken: bool,
    /// The frames that the calls which succeeded should have put on the wire, without pongs and Closes.
    pub sent: Vec<(u8, Vec<u8>)>,
    /// The bytes that it received until it was closed.
    pub received: Vec<u8>,
    /// What it made of them.
    pub seen: Vec<Seen>,
    /// The payloads of the pings to be answered: those that came before the peer's Close (§5.5.2).
    pub pings: Vec<Vec<u8>>,
    /// How many of them had come when the endpoint was asked to close; `None` if it never closed first.
    pub pings_before_close: Option<usize>,
    /// The Close that is due, by what happened first.
    pub due: Due,
    /// The changes of state.
    pub transitions: Vec<Transition>,
    /// The state when all was over.
    pub end: State,
    /// The code that the peer closed with, if it says so.
    pub closed_with: Option<u16>,
    /// Whether it still sent, or wanted to write, after its end.
    pub still_sends: bool,
}

/// Lengths of messages: the last or first of a length form, and enough to fill a socket.
const LARGE: [usize; 10] = [
    256, 1000, 4000, 16_000, 32_000, 65_535, 65_536, 65_537, 70_000, 100_000,
];

/// When the pings that wait for their pongs hold this many bytes, the script writes: an endpoint need not keep more.
const WAITING_PONGS: usize = 1500;

struct Play {
    endpoint: Box<dyn Endpoint>,
    log: Log,
    /// Taken from the endpoint, not yet on the wire.
    outgoing: Vec<u8>,
    waiting_pongs: usize,
}

/// Carries out the script that `input` decides on; `None` if the subject has no endpoint.
#[must_use]
pub fn play(subject: &dyn Subject, input: &[u8]) -> Option<Log> {
    let mut choices = Choices(input);
    let role = choices.one(&[Role::Server, Role::Client]);
    let log = Log {
        role,
        written: Vec::new(),
        broken: false,
        sent: Vec::new(),
        received: Vec::new(),
        seen: Vec::new(),
        pings: Vec::new(),
        pings_before_close: None,
        due: Due::No,
        transitions: Vec::new(),
        end: State::Open,
        closed_with: None,
        still_sends: false,
    };
    let mut play = Play {
        endpoint: subject.endpoint(role, TINY)?,
        log,
        outgoing: Vec::new(),
        waiting_pongs: 0,
    };
    for _ in 0..64 {
        if choices.is_empty() {
            break;
        }
        play.step(&mut choices);
    }
    Some(play.finish())
}

impl Play {
    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(16) {
            0 => {
                let text = "é".repeat(choices.below(80));
                self.send(1, text.as_bytes(), |endpoint| endpoint.send_text(&text));
            }
            1 => {
                // Some are large, and two of them do not fit what an endpoint may hand out at once.
                let length = choices.below(200 + LARGE.len());
                let (length, count) = match length.checked_sub(200) {
                    Some(large) => (LARGE[large], 2),
                    None => (length, 1),
                };
                let bytes = vec![choices.byte(); length];
                for _ in 0..count {
                    self.send(2, &bytes, |endpoint| endpoint.send_binary(&bytes));
                }
            }
            2 => {
                let payload = vec![choices.byte(); choices.below(130)];
                self.send(9, &payload, |endpoint| endpoint.ping(&payload));
            }
            3 => {
                let code = choices.one(&[1000, 1001, 1005, 1006, 1011, 1015, 3000, 999, 5000]);
                let reason = "€".repeat(choices.below(60));
                if self.watch("close", |endpoint| endpoint.close(code, &reason)) {
                    // 123 bytes are left for it, 41 of these characters (§5.5).
                    let reason: String = reason.chars().take(41).collect();
                    let body = [&code.to_be_bytes(), reason.as_bytes()].concat();
                    self.log.due = Due::Exactly(body);
                    self.log.pings_before_close = Some(self.log.pings.len());
                }
            }
            4 | 5 => self.write(usize::MAX),
            6 => self.write(choices.below(20)),
            7 | 8 => {
                let length = choices.below(126);
                self.peer(0x89, &vec![choices.byte(); length], choices);
            }
            9 => self.peer(0x81, "κόσμε".as_bytes(), choices),
            10 => {
                let byte0 = choices.one(&[0x01, 0x02, 0x00, 0x80, 0x8A]);
                self.peer(byte0, b"part", choices);
            }
            11 => {
                let body: &[u8] =
                    choices.one(&[&b""[..], b"\x03\xE8", b"\x03\xE9bye", b"\x0F\xA0"]);
                self.peer(0x88, body, choices);
            }
            12 => {
                // Each breaks a rule: opcode, length of a ping, text, Close code, size of a message.
                let (byte0, payload) = choices.one(&[
                    (0x83, &b""[..]),
                    (0x89, &[b'x'; 126]),
                    (0x81, b"\xFF"),
                    (0x88, b"\x03\xED"),
                    (0x82, &[b'x'; 201]),
                ]);
                self.peer(byte0, payload, choices);
            }
            13 => {
                let mut bytes = choices.take(4).to_vec();
                self.receive("bytes", &mut bytes);
            }
            14 if choices.once_in(4) => {
                self.log.broken = true;
                self.endpoint.take_output();
            }
            14 => self.write(1),
            _ if choices.once_in(4) => self.watch("eof", |endpoint| endpoint.receive_eof()),
            _ => self.write(2),
        }
    }

    fn send(&mut self, opcode: u8, payload: &[u8], call: impl FnOnce(&mut dyn Endpoint) -> bool) {
        if self.watch("send", call) {
            self.log.sent.push((opcode, payload.to_vec()));
        }
    }

    /// A frame of the peer's, cut in two.
    fn peer(&mut self, byte0: u8, payload: &[u8], choices: &mut Choices<'_>) {
        let key = (self.log.role == Role::Server).then(|| [choices.byte(), 0, 0xFF, 0x55]);
        let mut frame = wire::encode(byte0, key, payload);
        let cut = choices.below(frame.len().min(256));
        let (first, second) = frame.split_at_mut(cut);
        self.receive("part of a frame", first);
        self.receive("frame", second);
    }

    fn receive(&mut self, cause: &'static str, bytes: &mut [u8]) {
        let before = self.endpoint.state();
        if before != State::Closed {
            self.log.received.extend_from_slice(bytes);
        }
        let seen = self.endpoint.receive(bytes);
        let cause = match seen.last() {
            Some(Seen::Close(..)) => "peer's close",
            Some(Seen::Failed(_)) => "broken rule",
            _ => cause,
        };
        self.moved(before, cause);
        if before == State::Open {
            if let Some(end) = seen.last().filter(|seen| seen.is_end()) {
                self.log.due = Due::after(end);
            }
        }
        if before != State::Closed {
            for event in seen.iter().take_while(|event| !event.is_end()) {
                if let Seen::Ping(payload) = event {
                    self.waiting_pongs += payload.len() + 6;
                    self.log.pings.push(payload.clone());
                }
            }
        }
        self.log.seen.extend(seen);
        if self.waiting_pongs > WAITING_PONGS {
            self.take_all();
        }
    }

    fn watch<T>(&mut self, cause: &'static str, call: impl FnOnce(&mut dyn Endpoint) -> T) -> T {
        let before = self.endpoint.state();
        let result = call(&mut *self.endpoint);
        self.moved(before, cause);
        result
    }

    fn moved(&mut self, before: State, cause: &'static str) {
        let after = self.endpoint.state();
        if before != after {
            self.log.transitions.push((before, cause, after));
        }
    }

    /// Takes what is to be written next; when the wire is broken, that is lost.
    fn take(&mut self) {
        let output = self.endpoint.take_output();
        self.put(output);
    }

    fn take_all(&mut self) {
        let output = self.endpoint.drain_output();
        self.put(output);
        self.waiting_pongs = 0;
    }

    fn put(&mut self, output: Vec<u8>) {
        if !self.log.broken {
            self.outgoing.extend(output);
        }
    }

    /// Writes up to `count` bytes, as a socket does that is full.
    fn write(&mut self, count: usize) {
        if self.outgoing.is_empty() {
            self.take();
        }
        let count = count.min(self.outgoing.len());
        self.log.written.extend(self.outgoing.drain(..count));
    }

    fn finish(mut self) -> Log {
        self.watch("eof", |endpoint| endpoint.receive_eof());
        self.take_all();
        self.write(usize::MAX);
        self.log.end = self.endpoint.state();
        let mut more = wire::frame(self.log.role.peer(), 0x89, b"");
        let sent =
            self.endpoint.send_text("") || self.endpoint.ping(b"") || self.endpoint.close(1000, "");
        let seen = !self.endpoint.receive(&mut more).is_empty();
        self.log.still_sends = sent || seen || !self.endpoint.take_output().is_empty();
        self.log.closed_with = self.endpoint.closed_with();
        self.log
    }
}

/// Makes a script: decisions as they are.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = 1 + choices.below(90);
    choices.take(length).to_vec()
}
