//! The conversation: the threads of it, what they share, and when it ends.
//!
//! | thread | what it does |
//! |---|---|
//! | the main one | connects, shows what comes ([`Talk::listen`]), connects again |
//! | input | sends what the source gives ([`Talk::send_all`]), then closes when it has been quiet |
//! | signals | closes, and at the second signal leaves |
//! | lines | writes what is shown; leaves when standard output takes no more |

use super::command::{self, Action, Meaning};
use super::outcome::{self, Ending};
use super::output::Output;
use super::source::Pieces;
use super::watch::Watch;
use crate::app::show::lines::Lines;
use crate::app::show::{output, text};
use plainws::net::tap::Direction;
use plainws::{CloseCode, CloseReason, Error, Received, Sender, WebSocket};
use std::io;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long what is known already may still be waited for: that the server ends TCP after both sides have
/// closed (§7.1.1), and that the rest of the input is at hand.
const MOMENT: Duration = Duration::from_millis(250);

/// When the conversation ends, as the options say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// After so many messages.
    pub(super) count: Option<u64>,
    /// When no message came for so long: a failure.
    pub(super) timeout: Option<Duration>,
    /// When the input has ended and nothing came for so long; `None`: not then.
    pub(super) linger: Option<Duration>,
    /// Whether someone types the input, who is told of a mistake and can mend it.
    pub(super) is_typed: bool,
    /// What a piece of the input is called.
    pub(super) piece: &'static str,
}

/// What the threads of the conversation share.
pub(super) struct Talk {
    rules: Rules,
    lines: Lines,
    output: Output,
    state: Mutex<State>,
    /// Notified at each change of the state that a thread may wait for.
    changed: Condvar,
    watch: Mutex<Watch>,
}

struct State {
    /// The open connection, and its number from 1.
    connection: Option<Sender>,
    number: u64,
    /// When something last arrived, or was shown.
    last_arrival: Instant,
    /// Whether a message is being shown. While its reader is slow, nothing more can arrive.
    is_showing: bool,
    shown: u64,
    input: Input,
    /// Whether some of the input could not be sent.
    is_unsent: bool,
    /// Whether this side has begun to end the conversation.
    is_ending: bool,
    /// Whether no connection will be opened any more.
    is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Unread,
    Going,
    Ended,
}

impl Talk {
    pub(super) fn new(rules: Rules, lines: Lines, output: Output) -> Self {
        let state = State {
            connection: None,
            number: 0,
            last_arrival: Instant::now(),
            is_showing: false,
            shown: 0,
            input: Input::Unread,
            is_unsent: false,
            is_ending: false,
            is_over: false,
        };
        Self {
            rules,
            lines,
            output,
            state: Mutex::new(state),
            changed: Condvar::new(),
            watch: Mutex::new(Watch::new()),
        }
    }

    // The main thread.

    /// Begins anew what follows a connection's bytes. To be called before it is opened.
    pub(super) fn begin(&self) {
        *self.watch() = Watch::new();
    }

    /// Shows what comes over a connection until it ends.
    pub(super) fn listen(&self, ws: WebSocket) -> Ending {
        self.output.opened();
        self.update(|state| {
            state.connection = Some(ws.sender());
            state.number += 1;
            state.last_arrival = Instant::now();
        });
        let mut ending = self.receive_all(&ws);
        self.update(|state| state.connection = None);
        let reason = ws.close_reason();
        self.output
            .closed(&reason.unwrap_or(CloseReason::new(CloseCode::ABNORMAL)));
        if let Ending::Closed(_) = ending {
            ending = self.short_of(ending);
        }
        leave(ws);
        ending
    }

    fn receive_all(&self, ws: &WebSocket) -> Ending {
        let mut is_silent = false;
        loop {
            // Once this side has closed, the library's deadline for the answer is the one that counts.
            let timeout = self.rules.timeout.filter(|_| !self.is_ending());
            match ws.receive_timeout(timeout.unwrap_or(Duration::MAX)) {
                Ok(Received::Message(message)) => {
                    if !self.show(&message) {
                        self.close(CloseCode::NORMAL, "");
                    }
                }
                Ok(Received::Ended(_)) if is_silent => return Ending::Silent,
                Ok(Received::Ended(reason)) => return Ending::Closed(reason),
                Ok(_) if self.is_ending() => {}
                Ok(_) => {
                    is_silent = true;
                    self.close(CloseCode::NORMAL, "");
                }
                Err(error) => return Ending::Failed(error),
            }
        }
    }

    /// Shows a message, unless there were enough. Whether more are wanted.
    fn show(&self, message: &plainws::Message) -> bool {
        let is_wanted = |state: &State| self.rules.count.is_none_or(|count| state.shown < count);
        if !is_wanted(&self.state()) {
            return false;
        }
        self.update(|state| state.is_showing = true);
        self.output.received(message);
        self.update(|state| {
            state.is_showing = false;
            state.last_arrival = Instant::now();
            state.shown += 1;
        });
        is_wanted(&self.state())
    }

    /// That the server closed before there were as many messages as were asked for.
    fn short_of(&self, closed: Ending) -> Ending {
        let state = self.state();
        match self.rules.count {
            Some(wanted)
                if state.shown < wanted
                    && !state.is_ending
                    && closed.exit_code() == outcome::CLEAN =>
            {
                Ending::TooFew {
                    wanted,
                    came: state.shown,
                }
            }
            _ => closed,
        }
    }

    /// Whether this side ended the conversation.
    pub(super) fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    /// Ends the conversation, and returns its exit code. What of the input is at hand and was not sent is told.
    pub(super) fn finish(&self, ending: &Ending) -> u8 {
        let patience = if self.rules.is_typed {
            Duration::ZERO
        } else {
            MOMENT
        };
        self.update(|state| state.is_over = true);
        let is_going = |state: &mut State| state.input == Input::Going;
        let waited = self
            .changed
            .wait_timeout_while(self.state(), patience, is_going);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match ending.exit_code() {
            outcome::CLEAN if state.is_unsent => outcome::FAILED,
            code => code,
        }
    }

    // Input.

    /// Starts the thread of the input, once.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub(super) fn start_input(
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

    fn send_all(&self, pieces: Pieces, meaning: Meaning) {
        let name = self.rules.piece;
        let mut number = 0;
        for piece in pieces {
            number += 1;
            let sent = match piece {
                Ok(piece) => meaning
                    .of(piece)
                    .map_err(Unsent::This)
                    .and_then(|action| self.deliver(&action)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.interrupt();
                    continue;
                }
                Err(error) => Err(Unsent::Rest(format!("standard input: {error}"))),
            };
            match sent {
                Ok(()) => {}
                Err(Unsent::This(problem)) if self.rules.is_typed => self.lines.say(&problem),
                Err(Unsent::This(problem)) => self.unsent(&format!("{name} {number}: {problem}")),
                Err(Unsent::Rest(problem)) => {
                    self.unsent(&problem);
                    break;
                }
                Err(Unsent::TooLate) => {
                    self.unsent(&format!(
                        "the connection ended before all of the input was sent: {name} {number} was not"
                    ));
                    break;
                }
            }
        }
        self.update(|state| state.input = Input::Ended);
        let is_empty = number == 0 && !self.rules.is_typed;
        if let Some(linger) = self.rules.linger.filter(|_| !is_empty) {
            self.close_when_quiet(linger);
        }
    }

    fn unsent(&self, problem: &str) {
        self.lines.say(problem);
        self.update(|state| state.is_unsent = true);
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

    /// Closes when nothing has arrived for so long, and nothing waits to be shown.
    fn close_when_quiet(&self, linger: Duration) {
        let ended = Instant::now();
        let mut state = self.state();
        while !state.is_over && !state.is_ending {
            let now = Instant::now();
            let quiet = now.saturating_duration_since(state.last_arrival.max(ended));
            let left = if state.is_showing || state.connection.is_none() {
                Duration::MAX
            } else {
                linger.saturating_sub(quiet)
            };
            if left.is_zero() {
                drop(state);
                return self.close(CloseCode::NORMAL, "");
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    // What the connection's tap sees.

    /// Follows what passes over the connection.
    pub(super) fn passed(&self, direction: Direction, bytes: &[u8]) {
        if direction == Direction::Sent {
            return;
        }
        let now = Instant::now();
        let (pongs, has_arrived) = self.watch().received(bytes, now);
        if has_arrived {
            self.update(|state| state.last_arrival = now);
        }
        for pong in pongs {
            let payload = match &pong.payload[..] {
                [] => String::new(),
                payload => format!(" {}", text::quoted(payload)),
            };
            let time = text::since(pong.round_trip);
            let time = time.trim_start_matches('+');
            self.lines.say(&format!("pong{payload} after {time}"));
        }
    }

    // Ending.

    /// Begins to end the conversation.
    fn close(&self, code: CloseCode, reason: &str) {
        self.update(|state| state.is_ending = true);
        let sender = self.state().connection.clone();
        if let Some(sender) = sender {
            // It may be closing already.
            let _ = sender.close(code, reason);
        }
    }

    /// Ctrl-C and the like: the first one closes, if there is something to close, and the next one leaves.
    pub(super) fn interrupt(&self) {
        let can_close = {
            let state = self.state();
            state.connection.is_some() && !state.is_ending
        };
        if !can_close {
            self.lines.finish(MOMENT);
            process::exit(outcome::FAILED.into());
        }
        self.close(CloseCode::GOING_AWAY, "");
    }

    /// Standard output takes no more: the messages that come cannot be shown. Closes, and leaves.
    pub(super) fn cannot_show(&self, error: &io::Error) {
        // Not by way of the lines: their thread is the one that calls this.
        output::say(&format!("standard output: {error}"));
        self.close(CloseCode::GOING_AWAY, "");
        let is_open = |state: &mut State| state.connection.is_some();
        let waited = self
            .changed
            .wait_timeout_while(self.state(), MOMENT, is_open);
        drop(waited);
        process::exit(outcome::FAILED.into());
    }

    // The state.

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why some of the input was not sent.
enum Unsent {
    /// This piece could not be, for this reason.
    This(String),
    /// Nothing more can be read, for this reason.
    Rest(String),
    /// There is no connection any more.
    TooLate,
}

/// Lets the server end TCP, as it should (§7.1.1), and waits for that no longer than a moment: how the
/// connection was closed is known.
fn leave(ws: WebSocket) {
    let (told, ended) = mpsc::channel();
    // If no thread can be started, it is dropped here.
    let _ = thread::Builder::new().spawn(move || {
        drop(ws);
        told.send(())
    });
    let _ = ended.recv_timeout(MOMENT);
}
