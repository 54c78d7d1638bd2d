//! The thread of the input: sends what the source gives, and ends the conversation when all has been said.

use super::{Input, State, Talk};
use crate::app::connect::command::{self, Action, Meaning};
use crate::app::connect::source::Pieces;
use plainws::{CloseCode, Error, Sender};
use std::io;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Why some of the input was not sent.
enum Unsent {
    /// This piece could not be, for this reason.
    This(String),
    /// Nothing more can be read, for this reason.
    Rest(io::Error),
    /// There is no connection any more.
    TooLate,
}

impl Talk {
    /// Starts the thread of the input, once.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub(in crate::app::connect) fn start_input(
        self: &Arc<Self>,
        meaning: Meaning,
        open: impl FnOnce() -> Pieces + Send + 'static,
    ) -> io::Result<()> {
        let is_first = self.state().input == Input::Unread;
        if !is_first {
            return Ok(());
        }
        self.update(|state| state.input = Input::Going);
        let talk = Arc::clone(self);
        let thread = thread::Builder::new().name("plainws input".into());
        thread
            .spawn(move || talk.send_all(open(), meaning))
            .map(drop)
    }

    /// Sends all of the input, then closes when it has been quiet. With nothing to send from the start, the
    /// server's messages are what is wanted.
    fn send_all(self: &Arc<Self>, pieces: Pieces, meaning: Meaning) {
        let mut number = 0;
        for piece in pieces {
            number += 1;
            match self.send_piece(piece, meaning) {
                Ok(()) => {}
                Err(unsent) if self.tell(&unsent, number) => {}
                Err(_) => break,
            }
        }
        self.update(|state| {
            state.input = Input::Ended;
            state.quiet.disturb(Instant::now());
        });
        let is_empty = number == 0 && !self.rules.is_typed;
        if let Some(linger) = self.rules.linger.filter(|_| !is_empty) {
            self.close_when_quiet(linger);
        }
    }

    fn send_piece(
        self: &Arc<Self>,
        piece: io::Result<Vec<u8>>,
        meaning: Meaning,
    ) -> Result<(), Unsent> {
        match piece {
            Ok(piece) => self.deliver(&meaning.of(piece).map_err(Unsent::This)?),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.interrupt();
                Ok(())
            }
            Err(error) => Err(Unsent::Rest(error)),
        }
    }

    /// Tells what was not sent, and whether what comes after it may be.
    fn tell(&self, unsent: &Unsent, number: u64) -> bool {
        let name = self.rules.piece;
        let problem = match unsent {
            // Who typed it sees that, and can mend it.
            Unsent::This(problem) if self.rules.is_typed => {
                self.lines.say(problem);
                return true;
            }
            Unsent::This(problem) => format!("{name} {number}: {problem}"),
            Unsent::Rest(error) => format!("standard input: {error}"),
            Unsent::TooLate => format!(
                "the connection ended before all of the input was sent: {name} {number} was not"
            ),
        };
        self.lines.say(&problem);
        self.update(|state| state.is_unsent = true);
        matches!(unsent, Unsent::This(_))
    }

    /// Does what a piece of the input asks for, on the next connection if this one is lost before.
    fn deliver(&self, action: &Action) -> Result<(), Unsent> {
        let mut tried = 0;
        while let Some((number, sender)) = self.connection_after(tried) {
            match self.perform(action, &sender) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_closed() || matches!(error, Error::Io(_)) => tried = number,
                Err(error) => return Err(Unsent::This(error.to_string())),
            }
        }
        Err(Unsent::TooLate)
    }

    fn perform(&self, action: &Action, sender: &Sender) -> plainws::Result<()> {
        match action {
            Action::Help => self
                .lines
                .say(&format!("the commands are\n{}", command::list("  "))),
            Action::Ping(payload) => self.watch().pinged(payload, Instant::now()),
            // Before its answer can come. Another code closes nothing.
            Action::Close(code, _) if code.is_allowed_on_wire() => {
                self.update(|state| state.is_ending = true);
            }
            _ => {}
        }
        action.perform(sender)?;
        if !self.rules.is_typed {
            self.output.sent(action);
        }
        Ok(())
    }

    /// Waits for a connection with a higher number; `None` when no more will be opened.
    fn connection_after(&self, tried: u64) -> Option<(u64, Sender)> {
        let is_missing = |state: &mut State| {
            !state.is_over && (state.connection.is_none() || state.number <= tried)
        };
        let state = self.changed.wait_while(self.state(), is_missing);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let sender = state.connection.clone()?;
        (state.number > tried).then_some((state.number, sender))
    }

    /// Closes when nothing has happened for so long.
    fn close_when_quiet(&self, linger: Duration) {
        let mut state = self.state();
        while !state.is_over && !state.is_ending {
            let left = state.quiet.left(linger, Instant::now());
            if left.is_zero() {
                drop(state);
                return self.close(CloseCode::NORMAL, "");
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
