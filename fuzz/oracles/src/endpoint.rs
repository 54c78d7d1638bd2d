//! Oracles that watch an endpoint carry out a script: calls of its user, bytes of its peer, a slow or
//! broken socket.

use crate::choices::Choices;
use crate::frames::TINY;
use crate::generate::encode;
use crate::reference::{self, Frame};
use crate::subject::{Endpoint, Seen, Subject};
use plainws::Role;
use plainws::protocol::connection::State;
use plainws::protocol::message::Limits;

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
    /// The payloads of the pings to be answered.
    pub pings: Vec<Vec<u8>>,
    /// The changes of state.
    pub transitions: Vec<Transition>,
    /// The state when all was over.
    pub end: State,
    /// Whether it still sent, or wanted to write, after its end.
    pub still_sends: bool,
}

/// So many bytes of unanswered pings are written by the script's own accord: an endpoint need not keep more.
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
        pings: Vec::new(),
        transitions: Vec::new(),
        end: State::Open,
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
                // Some messages are larger than what an endpoint hands out at once.
                let length = choices.below(210);
                let length = if length < 200 {
                    length
                } else {
                    4001 * (length - 199)
                };
                let bytes = vec![choices.byte(); length];
                self.send(2, &bytes, |endpoint| endpoint.send_binary(&bytes));
            }
            2 => {
                let payload = vec![choices.byte(); choices.below(130)];
                self.send(9, &payload, |endpoint| endpoint.ping(&payload));
            }
            3 => {
                let code = choices.one(&[1000, 1001, 1005, 1006, 1011, 1015, 3000, 999, 5000]);
                let reason = "€".repeat(choices.below(60));
                self.watch("close", |endpoint| endpoint.close(code, &reason));
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
                // Mostly wrong: an opcode, a length, text or a Close code that must not be.
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
        let mut frame = encode(byte0, key, payload);
        let cut = choices.below(frame.len().min(256));
        let (first, second) = frame.split_at_mut(cut);
        self.receive("part of a frame", first);
        self.receive("frame", second);
    }

    fn receive(&mut self, cause: &'static str, bytes: &mut [u8]) {
        let before = self.endpoint.state();
        let seen = self.endpoint.receive(bytes);
        let cause = match seen.last() {
            Some(Seen::Close(..)) => "peer's close",
            Some(Seen::Failed(_)) => "broken rule",
            _ => cause,
        };
        self.moved(before, cause);
        if before == State::Open {
            for event in seen {
                if let Seen::Ping(payload) = event {
                    self.waiting_pongs += payload.len() + 6;
                    self.log.pings.push(payload);
                }
            }
        }
        if self.waiting_pongs > WAITING_PONGS {
            self.take();
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

    /// Takes what is to be written; a broken wire swallows it.
    fn take(&mut self) {
        let output = self.endpoint.take_output();
        self.waiting_pongs = 0;
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
        self.write(usize::MAX);
        self.write(usize::MAX);
        self.log.end = self.endpoint.state();
        let mut more = encode(0x89, (self.log.role == Role::Server).then_some([0; 4]), b"");
        let sent =
            self.endpoint.send_text("") || self.endpoint.ping(b"") || self.endpoint.close(1000, "");
        let seen = !self.endpoint.receive(&mut more).is_empty();
        self.log.still_sends = sent || seen || !self.endpoint.take_output().is_empty();
        self.log
    }
}

/// The whole frames in `written`, and whether something that is not a frame follows.
fn frames(written: &[u8]) -> (Vec<Frame>, bool) {
    let mut frames = Vec::new();
    let mut rest = written;
    while let Ok(Some((frame, behind))) = reference::frame(rest) {
        if (frame.payload.len() as u64) < frame.length {
            break;
        }
        frames.push(frame);
        rest = behind;
    }
    (frames, !rest.is_empty())
}

/// What is written is legal for the other side, in whole frames, and holds the messages and pings sent, in order.
///
/// # Errors
///
/// What is wrong.
pub fn legal(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let seen = reference::frames(log.role, Limits::default(), &log.written);
    if let Some(Seen::Failed(rule)) = seen.last() {
        return Err(format!("written: {:02x?} breaks {rule:?}", log.written));
    }
    let (frames, is_cut) = frames(&log.written);
    if is_cut && !log.broken {
        return Err(format!("written: {:02x?} ends inside a frame", log.written));
    }
    let is_sent = |frame: &&Frame| matches!(frame.byte0, 0x81 | 0x82 | 0x89);
    let arrived: Vec<_> = frames
        .iter()
        .filter(is_sent)
        .map(|frame| (frame.byte0 & 15, frame.payload.clone()))
        .collect();
    let is_right =
        log.sent.starts_with(&arrived) && (log.broken || log.sent.len() == arrived.len());
    if is_right {
        Ok(())
    } else {
        Err(format!("sent {:?}, arrived {arrived:?}", log.sent))
    }
}

/// At most one Close is written, and nothing behind it (§5.5.1).
///
/// # Errors
///
/// What is wrong.
pub fn last_word(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let (frames, _) = frames(&log.written);
    match frames.iter().position(|frame| frame.byte0 == 0x88) {
        Some(at) if at + 1 < frames.len() => {
            Err(format!("behind the Close: {:?}", &frames[at + 1..]))
        }
        _ => Ok(()),
    }
}

/// Each ping that arrives before we close gets its own pong, once and in order (§5.5.2).
///
/// # Errors
///
/// What is wrong.
pub fn pongs(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    let (frames, _) = frames(&log.written);
    let pongs = frames.into_iter().filter(|frame| frame.byte0 == 0x8A);
    let pongs: Vec<_> = pongs.map(|frame| frame.payload).collect();
    let is_right = log.pings.starts_with(&pongs) && (log.broken || log.pings.len() == pongs.len());
    // Behind our own Close no pong is due, wherever the ping was read.
    if is_right {
        Ok(())
    } else {
        Err(format!("pings {:?}, pongs {pongs:?}", log.pings))
    }
}

/// When the peer's stream has ended, so has the connection: nothing is taken, sent or received any more.
///
/// # Errors
///
/// What is wrong.
pub fn ends(subject: &dyn Subject, input: &[u8]) -> Result<(), String> {
    let Some(log) = play(subject, input) else {
        return Ok(());
    };
    if log.end != State::Closed || log.still_sends {
        return Err(format!(
            "at the end {:?}, active: {}",
            log.end, log.still_sends
        ));
    }
    let allowed = |&(from, _, to): &Transition| {
        matches!(
            (from, to),
            (State::Open, _) | (State::Closing, State::Closed)
        )
    };
    match log
        .transitions
        .iter()
        .find(|transition| !allowed(transition))
    {
        Some(transition) => Err(format!("no such change: {transition:?}")),
        None => Ok(()),
    }
}

/// Makes a script: decisions as they are.
#[must_use]
pub fn generate(choices: &mut Choices<'_>) -> Vec<u8> {
    let length = 1 + choices.below(90);
    choices.take(length).to_vec()
}
