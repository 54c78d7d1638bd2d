//! One connection while a script is played on it.

use super::came::Came;
use super::examinee::Line;
use super::record::Side;
use super::script;
use super::talk::{Talk, Waited};
use plainws::Role;
use std::io;
use std::thread;
use std::time::Duration;

/// Bytes of each write that are kept to be shown.
const SHOWN: usize = 1024;
/// Writes that are kept to be shown.
const WRITES: usize = 64;
/// How long the examinee has, at most, to say why it takes no more bytes.
const TO_SAY_WHY: Duration = Duration::from_secs(1);
/// Between the first pieces of a write, so that they come one by one; no verdict depends on it.
const GAP: Duration = Duration::from_micros(300);
/// More than a head has bytes.
const GAPS: usize = 300;

pub(super) struct Playing {
    pub(super) talk: Talk,
    /// All that is known of it. What came is with `talk` until the end.
    pub(super) side: Side,
    /// How many of the messages that came are known to be due.
    checked: usize,
    /// What is sent next begins a frame, so that a pong may go before it.
    pub(super) is_between_frames: bool,
}

impl Playing {
    /// On a connection that is open as far as TCP goes. `role` is ours, and `head` the one that is to be sent.
    ///
    /// # Errors
    ///
    /// As [`Talk::new`].
    pub(super) fn new(
        line: Line,
        role: Role,
        head: Vec<u8>,
        patience: Duration,
    ) -> io::Result<Self> {
        let mut came = Came::of(role.peer());
        came.receive(&line.rest);
        Ok(Self {
            talk: Talk::new(line.stream, role, came, patience)?,
            side: Side::new(role.peer(), head, line.head),
            checked: 0,
            is_between_frames: true,
        })
    }

    /// Sends bytes after the head, in pieces of these sizes; `false` if they are not taken.
    pub(super) fn send(&mut self, wire: &[u8], sizes: &[usize]) -> bool {
        pieces(wire, sizes).all(|piece| {
            self.note(piece);
            self.talk.write(piece)
        })
    }

    /// Sends the head, and frames with it, in pieces of these sizes; `false` if they are not taken.
    pub(super) fn send_head(&mut self, frames: &[u8], sizes: &[usize]) -> bool {
        if !frames.is_empty() {
            self.note(frames);
        }
        let wire = [&self.side.head[..], frames].concat();
        pieces(&wire, sizes).all(|piece| self.talk.write(piece))
    }

    fn note(&mut self, bytes: &[u8]) {
        let side = &mut self.side;
        side.total_sent += bytes.len() as u64;
        self.talk.look(|came| came.note_sent(bytes.len()));
        if side.sent.len() < WRITES {
            let shown = &bytes[..bytes.len().min(SHOWN)];
            side.sent.push((bytes.len(), shown.to_vec()));
        }
    }

    /// Of an examinee that takes no more bytes: what it still sends may tell the reason.
    pub(super) fn let_it_say_why(&self) {
        self.talk.wait_for(TO_SAY_WHY, |_| false);
    }

    /// Waits, and answers the pings of the examinee meanwhile.
    pub(super) fn wait(&mut self, mut until: impl FnMut(&mut Came) -> bool) -> Waited {
        let mut wait = self.talk.begin();
        loop {
            let (mut is_met, mut is_off) = (false, false);
            let (side, checked) = (&self.side, &mut self.checked);
            let waited = self.talk.wait_on(&mut wait, |came| {
                // Whoever sends what is not due is not waited for: it may go on for ever.
                while let Some(message) = came.messages.get(*checked).filter(|_| !is_off) {
                    let due = side.messages().nth(*checked);
                    is_off = !due.is_some_and(|answer| answer.is(message));
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
    pub(super) fn answer_pings(&mut self) {
        let pings = self.talk.look(|came| std::mem::take(&mut came.pings));
        // §5.5.2: after a Close none is due.
        let is_open = self.is_between_frames && self.talk.look(|came| came.close.is_none());
        let role = self.talk.role();
        for payload in pings.into_iter().filter(|_| is_open) {
            let pong = script::wire(&[script::pong(payload)], role);
            self.talk.write(&pong);
        }
    }

    /// Ends TCP, and gives all that is known.
    pub(super) fn end(self) -> Side {
        Side {
            came: self.talk.end(),
            ..self.side
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
