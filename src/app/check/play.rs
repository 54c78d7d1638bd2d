//! Plays the script of a case with an examinee, and notes what both ends did.

use super::came::Came;
use super::case::{Case, End};
use super::script::{self, Answer, Frame, Step};
use super::talk::{Talk, Waited};
use plainws::Role;
use plainws::protocol::response::Response;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of each write that are kept to be shown.
const SHOWN: usize = 1024;
/// How long the examinee has to end TCP once nothing is left to say, at most.
const TO_END: Duration = Duration::from_secs(1);
/// One piece.
const WHOLE: [usize; 1] = [usize::MAX];
/// Who is sent much may be silent for so many times as long, busy with that.
const FOR_MUCH: u32 = 5;
/// After how long an end that was deaf reads again, once there is something to read.
const TO_FILL: Duration = Duration::from_millis(50);
/// Between the first pieces of a write, so that they come one by one; no verdict depends on it.
const GAP: Duration = Duration::from_micros(300);
/// More than a head has bytes.
const GAPS: usize = 300;
/// Before bytes that are no whole frames.
const GAP_OF_RAW: Duration = Duration::from_millis(1);

/// Who is examined: connections come from here.
pub(crate) trait Examinee {
    /// Which end it is.
    fn role(&self) -> Role;

    /// Opens a connection, or takes the next one that a client opens.
    ///
    /// # Errors
    ///
    /// There is none, and why, in words for people.
    fn connect(&mut self) -> Result<Line, String>;

    /// How long it may be silent.
    fn patience(&self) -> Duration;
}

/// A new TCP connection, and what its handshake needs. A client has sent its request by then.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    /// The head that is usual.
    pub(crate) head: String,
    /// What stands for `{target}` and the like in other heads.
    pub(crate) words: Vec<(&'static str, String)>,
    /// The bytes of a client that came behind its request.
    pub(crate) rest: Vec<u8>,
}

/// What happened, for the judge and for people.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) examinee: Role,
    /// The connections, as the script numbers them.
    pub(crate) sides: Vec<Side>,
    /// The script was not played to its end.
    pub(crate) stopped: Option<Stopped>,
    /// The examinee had time to fail early and did not.
    pub(crate) is_late: bool,
    pub(crate) time: Duration,
}

impl Record {
    /// Of a script that was not begun.
    pub(crate) const fn unplayed(examinee: Role) -> Self {
        Self {
            examinee,
            sides: Vec::new(),
            stopped: None,
            is_late: false,
            time: Duration::ZERO,
        }
    }
}

/// Why a script was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// There was no connection.
    Unopened(String),
    /// A connection, of this number, was not opened, or did not give what was due.
    Waiting(usize, Waited),
    /// The examinee took no more bytes.
    Writing(usize),
    /// It did not end TCP.
    Open,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Side {
    /// The head that was sent.
    pub(crate) head: Vec<u8>,
    /// The head that is usual.
    pub(crate) usual: String,
    /// What was sent behind it, each write with its length and its beginning.
    pub(crate) sent: Vec<(usize, Vec<u8>)>,
    /// How many bytes that was, with what is not kept.
    pub(crate) total_sent: u64,
    /// The answers that are due.
    pub(crate) due: Vec<Answer>,
    /// Those that may come after them.
    pub(crate) perhaps: Vec<Answer>,
    /// It was to be opened.
    pub(crate) is_whole: bool,
    pub(crate) came: Came,
}

impl Side {
    /// The status of the response that came.
    pub(crate) fn status(&self) -> Option<u16> {
        self.came.response.as_ref().map(Response::status)
    }
}

/// Plays a script.
pub(crate) fn play(case: &Case, examinee: &mut dyn Examinee) -> Record {
    let begin = Instant::now();
    let patience = examinee.patience() * if case.is_heavy() { FOR_MUCH } else { 1 };
    let mut player = Player {
        role: examinee.role().peer(),
        case,
        examinee,
        sides: Vec::new(),
        current: 0,
        is_late: false,
        patience,
    };
    let stopped = player.script().err();
    if stopped.is_none() {
        player.finish();
    }
    Record {
        examinee: player.role.peer(),
        stopped,
        is_late: player.is_late,
        sides: player.sides.into_iter().map(Playing::end).collect(),
        time: begin.elapsed(),
    }
}

struct Player<'a> {
    case: &'a Case,
    examinee: &'a mut dyn Examinee,
    /// Ours.
    role: Role,
    sides: Vec<Playing>,
    /// The connection that the script goes on with.
    current: usize,
    is_late: bool,
    /// How long the examinee may be silent.
    patience: Duration,
}

/// A connection while it lasts.
struct Playing {
    talk: Talk,
    head: Vec<u8>,
    usual: String,
    sent: Vec<(usize, Vec<u8>)>,
    total_sent: u64,
    due: Vec<Answer>,
    perhaps: Vec<Answer>,
    is_whole: bool,
    /// How many of the messages that came are known to be due.
    checked: usize,
    /// What is sent next begins a frame, so that a pong may go before it.
    is_between_frames: bool,
}

impl Player<'_> {
    fn script(&mut self) -> Result<(), Stopped> {
        let case = self.case;
        let opens_by_itself = |step: &&Step| {
            matches!(
                step,
                Step::Head(..) | Step::HeadPieces(..) | Step::HalfHead(_) | Step::On(_)
            )
        };
        if case.script.first().filter(opens_by_itself).is_none() {
            self.open(None, &[], &WHOLE, false)?;
        }
        case.script.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Stopped> {
        match step {
            Step::On(number) => {
                self.current = *number;
                if *number == self.sides.len() {
                    self.open(None, &[], &WHOLE, false)?;
                }
            }
            Step::Head(head, frames) => self.open(Some(head), frames, &WHOLE, false)?,
            Step::HalfHead(head) => self.open(Some(head), &[], &WHOLE, true)?,
            Step::HeadPieces(head, frames, sizes) => self.open(Some(head), frames, sizes, false)?,
            Step::Send(frames) => {
                let is_whole = frames.iter().all(Frame::is_whole);
                self.send(&script::wire(frames, self.role), &WHOLE, is_whole)?;
            }
            Step::Pieces(frames, sizes) => {
                let is_whole = frames.iter().all(Frame::is_whole);
                self.send(&script::wire(frames, self.role), sizes, is_whole)?;
            }
            Step::Raw(bytes) => {
                // What was written before is read before, so that a cut stays one.
                thread::sleep(GAP_OF_RAW);
                self.send(bytes, &WHOLE, false)?;
            }
            Step::Expect(answers) => {
                self.side().due.extend_from_slice(answers);
                self.wait_for_answers()?;
            }
            Step::Perhaps(answers) => self.side().perhaps.extend_from_slice(answers),
            Step::Early => self.early()?,
            Step::Deaf => self.side().talk.set_deaf(true),
            Step::Hear => {
                self.side().talk.wait_for_unread();
                thread::sleep(TO_FILL);
                self.side().talk.set_deaf(false);
            }
            Step::ShutDown => self.side().talk.shut_down(),
            Step::Gone => {
                let patience = self.examinee.patience();
                if !self.side().talk.wait_for_end(patience) {
                    return Err(Stopped::Open);
                }
            }
            Step::Drop => self.side().talk.leave(),
            // The judge looks at them.
            Step::FreshKeys => {}
        }
        Ok(())
    }

    fn early(&mut self) -> Result<(), Stopped> {
        const ASKED: &[u8] = b"early?";
        if self.side().is_between_frames {
            let ping = script::wire(&[script::ping(ASKED)], self.role);
            self.send(&ping, &[usize::MAX], true)?;
        }
        let is_met = |came: &mut Came| came.pongs.iter().any(|pong| pong == ASKED);
        let waited = self.side().talk.wait(is_met);
        self.is_late |= waited != Waited::Over;
        Ok(())
    }

    fn side(&mut self) -> &mut Playing {
        let current = self.current.min(self.sides.len() - 1);
        &mut self.sides[current]
    }

    /// Opens the next connection, and waits until it is open unless it is not to be.
    fn open(
        &mut self,
        head: Option<&str>,
        frames: &[Frame],
        sizes: &[usize],
        is_half: bool,
    ) -> Result<(), Stopped> {
        let line = self.examinee.connect().map_err(Stopped::Unopened)?;
        let head = head.map_or_else(|| line.head.clone().into(), |head| line.fill(head));
        let mut came = match self.role {
            Role::Client => Came::from_server(),
            Role::Server => Came::from_client(),
        };
        came.receive(&line.rest);
        let patience = self.patience;
        let talk = Talk::new(line.stream, self.role, came, patience);
        let talk = talk.map_err(|error| Stopped::Unopened(error.to_string()))?;
        self.current = self.sides.len();
        self.sides.push(Playing {
            talk,
            head,
            usual: line.head,
            sent: Vec::new(),
            total_sent: 0,
            due: Vec::new(),
            perhaps: Vec::new(),
            checked: 0,
            is_whole: !is_half,
            is_between_frames: !is_half,
        });
        let frames = script::wire(frames, self.role);
        let number = self.current;
        let is_to_be_refused = matches!(self.case.end, End::Refused(_));
        let side = self.side();
        let wire = [&side.head[..], &frames].concat();
        if !frames.is_empty() {
            side.note(&frames);
        }
        let is_taken = pieces(&wire, sizes).all(|piece| side.talk.write(piece));
        if is_to_be_refused || is_half {
            return Ok(());
        }
        match side.talk.wait(|came| came.is_open()) {
            Waited::Met if is_taken => Ok(()),
            Waited::Met => {
                // It may have said why.
                side.talk.wait_for(TO_END, |_| false);
                Err(Stopped::Writing(number))
            }
            waited => Err(Stopped::Waiting(number, waited)),
        }
    }

    fn send(&mut self, wire: &[u8], sizes: &[usize], is_whole: bool) -> Result<(), Stopped> {
        let number = self.current;
        let is_failing = matches!(
            self.case.end,
            End::Failed(_) | End::Closed(_) | End::Refused(_) | End::Left
        );
        let side = self.side();
        side.is_between_frames = is_whole;
        for piece in pieces(wire, sizes) {
            side.note(piece);
            if !side.talk.write(piece) {
                // Whoever fails a connection need not take what comes after that.
                if is_failing {
                    return Ok(());
                }
                // It may have said why.
                side.talk.wait_for(TO_END, |_| false);
                return Err(Stopped::Writing(number));
            }
        }
        Ok(())
    }

    /// Waits until all that is due has come, as far as numbers tell.
    fn wait_for_answers(&mut self) -> Result<(), Stopped> {
        let number = self.current;
        let side = self.side();
        let is_pong = |answer: &&Answer| matches!(answer, Answer::Pong(_));
        let messages = side.due.iter().filter(|answer| !is_pong(answer)).count();
        let pong = side.due.iter().rfind(is_pong).cloned();
        let waited = side.wait(|came| {
            let has_pong = match &pong {
                Some(Answer::Pong(payload)) => came.pongs.contains(payload),
                _ => true,
            };
            came.messages.len() >= messages && has_pong
        });
        match waited {
            Waited::Met => Ok(()),
            waited => Err(Stopped::Waiting(number, waited)),
        }
    }

    /// Ends the connections as the case has it.
    fn finish(&mut self) {
        let close = script::wire(&[script::close(1000, "")], self.role);
        let role = self.role;
        let (first, others) = self
            .sides
            .split_first_mut()
            .expect("a script opens a connection");
        for other in others.iter_mut().filter(|other| other.is_between_frames) {
            other.talk.write(&close);
        }
        let waited = match self.case.end {
            End::Unheard => return,
            End::Refused(_) if role == Role::Client => {
                first.talk.wait(|came| came.response.is_some());
                return;
            }
            // A client that takes the connection for open answers what stood behind the response.
            End::Refused(_) => {
                first.talk.wait(|came| came.total > 0);
                return;
            }
            End::Left => Waited::Met,
            End::Answered => {
                first.note(&close);
                first.talk.write(&close);
                first.wait(|came| came.close.is_some())
            }
            End::Closed(_) => first.wait(|came| came.close.is_some()),
            End::Failed(_) => {
                let is_message = |answer: &&Answer| !matches!(answer, Answer::Pong(_));
                let answers = first.due.iter().chain(&first.perhaps);
                let most = answers.filter(is_message).count();
                let waited = first.wait(|came| came.close.is_some() || came.messages.len() > most);
                // §5.5.1: its Close is answered with the same code.
                if let Some(body) = first.talk.look(|came| came.close.clone()) {
                    let code = &body[..body.len().min(2)];
                    first
                        .talk
                        .write(&script::wire(&[script::close_body(code)], role));
                }
                waited
            }
        };
        // Whoever has said nothing by now would end TCP only because this end does.
        if waited == Waited::Silent {
            return;
        }
        // §7.1.1: the server ends TCP first, and the client waits for that.
        let is_ours = role == Role::Server || matches!(self.case.end, End::Left);
        if is_ours {
            first.talk.shut_down();
        }
        let patience = self.patience;
        first.talk.wait_for_end(if is_ours {
            patience
        } else {
            patience.min(TO_END)
        });
    }
}

impl Playing {
    fn note(&mut self, bytes: &[u8]) {
        const WRITES: usize = 64;
        self.total_sent += bytes.len() as u64;
        self.talk.look(|came| came.sends(bytes.len()));
        if self.sent.len() < WRITES {
            self.sent
                .push((bytes.len(), bytes[..bytes.len().min(SHOWN)].to_vec()));
        }
    }

    /// Waits, and answers the pings of the examinee meanwhile.
    fn wait(&mut self, mut until: impl FnMut(&mut Came) -> bool) -> Waited {
        let mut wait = self.talk.begin();
        loop {
            let (mut is_met, mut is_off) = (false, false);
            let (due, checked) = (&self.due, &mut self.checked);
            let due = |at: usize| {
                due.iter()
                    .chain(&self.perhaps)
                    .filter(|answer| !answer.is_pong())
                    .nth(at)
            };
            let waited = self.talk.wait_on(&mut wait, |came| {
                // Whoever sends what is not due is not waited for: it may go on for ever.
                while let Some(message) = came.messages.get(*checked).filter(|_| !is_off) {
                    is_off = !due(*checked).is_some_and(|answer| answer.is(message));
                    *checked += 1;
                }
                is_met = until(came);
                is_met || is_off || !came.pings.is_empty()
            });
            self.answer_pings();
            match waited {
                _ if is_off => return Waited::Over,
                _ if is_met => return Waited::Met,
                Waited::Met => {}
                waited => return waited,
            }
        }
    }

    /// Before anything else goes out, a Close above all.
    fn answer_pings(&mut self) {
        let pings = self.talk.look(|came| std::mem::take(&mut came.pings));
        // §5.5.2: after a Close none is due.
        let is_open = self.is_between_frames && self.talk.look(|came| came.close.is_none());
        let role = self.talk.role();
        for payload in pings.into_iter().filter(|_| is_open) {
            self.talk
                .write(&script::wire(&[script::pong(payload)], role));
        }
    }

    fn end(self) -> Side {
        Side {
            head: self.head,
            usual: self.usual,
            sent: self.sent,
            total_sent: self.total_sent,
            due: self.due,
            perhaps: self.perhaps,
            is_whole: self.is_whole,
            came: self.talk.end(),
        }
    }
}

/// Cuts into pieces of these sizes, the last of which repeats, and takes its time between the first ones.
fn pieces<'a>(mut wire: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter();
    let mut size = usize::MAX;
    let mut gaps = 0..GAPS;
    std::iter::from_fn(move || {
        if gaps.next().is_some_and(|number| number > 0) && !wire.is_empty() {
            thread::sleep(GAP);
        }
        size = (*sizes.next().unwrap_or(&size)).max(1);
        let (piece, after) = wire.split_at(size.min(wire.len()));
        wire = after;
        (!piece.is_empty()).then_some(piece)
    })
}

impl Line {
    /// The head that a template stands for: each of its characters is one byte, so that it need not be UTF-8.
    fn fill(&self, template: &str) -> Vec<u8> {
        let template = template.replace("{head}", &self.head);
        let words = self.words.iter();
        let head = words.fold(template, |head, (name, value)| {
            let value: String = value.bytes().map(char::from).collect();
            head.replace(name, &value)
        });
        let byte = |c| u8::try_from(c).expect("a template is written in Latin-1");
        head.chars().map(byte).collect()
    }
}
