//! Plays the script of a case with an examinee, and notes what both ends did.

use super::came::Came;
use super::case::{Case, End};
use super::examinee::Examinee;
use super::playing::Playing;
use super::record::{Record, Stopped};
use super::script::{self, Frame, Step};
use super::talk::Waited;
use plainws::Role;
use std::thread;
use std::time::{Duration, Instant};

/// How long the examinee has to end TCP once nothing is left to say, at most.
const TO_END: Duration = Duration::from_secs(1);
/// One piece.
const WHOLE: [usize; 1] = [usize::MAX];
/// Who is sent much may be silent for so many times as long, busy with that.
const FOR_MUCH: u32 = 5;
/// After how long an end that was deaf reads again, once there is something to read.
const TO_FILL: Duration = Duration::from_millis(50);
/// Before bytes that are no whole frames.
const GAP_OF_RAW: Duration = Duration::from_millis(1);

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
                self.playing().side.due.extend_from_slice(answers);
                self.wait_for_answers()?;
            }
            Step::Perhaps(answers) => self.playing().side.perhaps.extend_from_slice(answers),
            Step::Early => self.early()?,
            Step::Deaf => self.playing().talk.set_deaf(true),
            Step::Hear => {
                self.playing().talk.wait_for_unread();
                thread::sleep(TO_FILL);
                self.playing().talk.set_deaf(false);
            }
            Step::ShutDown => self.playing().talk.shut_down(),
            Step::Gone => {
                let patience = self.examinee.patience();
                if !self.playing().talk.wait_for_end(patience) {
                    return Err(Stopped::Open);
                }
            }
            Step::Drop => self.playing().talk.leave(),
            // The judge looks at them.
            Step::FreshKeys => {}
        }
        Ok(())
    }

    fn early(&mut self) -> Result<(), Stopped> {
        const ASKED: &[u8] = b"early?";
        if self.playing().is_between_frames {
            let ping = script::wire(&[script::ping(ASKED)], self.role);
            self.send(&ping, &WHOLE, true)?;
        }
        let is_met = |came: &mut Came| came.pongs.iter().any(|pong| pong == ASKED);
        let waited = self.playing().talk.wait(is_met);
        self.is_late |= waited != Waited::Over;
        Ok(())
    }

    fn playing(&mut self) -> &mut Playing {
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
        let line = self.examinee.connect()?;
        let head = head.map_or_else(|| line.head.clone().into(), |head| line.fill(head));
        let playing = Playing::new(line, self.role, head, self.patience);
        let mut playing = playing.map_err(|error| Stopped::Unopened(error.to_string()))?;
        playing.side.is_whole = !is_half;
        playing.is_between_frames = !is_half;
        let number = self.sides.len();
        self.current = number;
        self.sides.push(playing);
        let is_to_be_refused = matches!(self.case.end, End::Refused(_));
        let frames = script::wire(frames, self.role);
        let playing = self.playing();
        let is_taken = playing.send_head(&frames, sizes);
        if is_to_be_refused || is_half {
            return Ok(());
        }
        match playing.talk.wait(|came| came.is_open()) {
            Waited::Met if is_taken => Ok(()),
            Waited::Met => {
                playing.let_it_say_why();
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
        let playing = self.playing();
        playing.is_between_frames = is_whole;
        // Whoever fails a connection need not take what comes after that.
        if playing.send(wire, sizes) || is_failing {
            return Ok(());
        }
        playing.let_it_say_why();
        Err(Stopped::Writing(number))
    }

    /// Waits until all that is due has come, as far as numbers tell.
    fn wait_for_answers(&mut self) -> Result<(), Stopped> {
        let number = self.current;
        let playing = self.playing();
        let due = playing.side.due.iter();
        let messages = due.filter(|answer| !answer.is_pong()).count();
        let pong = playing.side.latest_pong().map(<[u8]>::to_vec);
        let waited = playing.wait(|came| {
            let has_pong = pong.as_ref().is_none_or(|due| came.pongs.contains(due));
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
            // A client that takes the connection for open answers what came with the response.
            End::Refused(_) => {
                first.talk.wait(|came| came.total > 0);
                return;
            }
            End::Left => Waited::Met,
            End::Answered => {
                first.send(&close, &WHOLE);
                first.wait(|came| came.close.is_some())
            }
            End::Closed(_) => first.wait(|came| came.close.is_some()),
            End::Failed(_) => {
                let most = first.side.messages().count();
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
            // Whoever still answers what came before has not yet seen the end.
            if first.talk.wait(|_| false) == Waited::Silent {
                return;
            }
        }
        let patience = self.patience;
        first.talk.wait_for_end(if is_ours {
            patience
        } else {
            patience.min(TO_END)
        });
    }
}
