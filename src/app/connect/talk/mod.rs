//! The conversation: the threads of it, what they share, and when it ends.
//!
//! | thread | what it does |
//! |---|---|
//! | the main one | connects, shows what comes ([`Talk::listen`]), connects again |
//! | input | sends what the source gives, then closes when it has been quiet (`sending.rs`) |
//! | signals | closes, and at the second signal leaves |
//! | lines | writes what is shown; leaves when standard output takes no more |

mod quiet;
mod sending;

use self::quiet::Quiet;
use super::outcome::{self, Ending};
use super::output::Output;
use super::watch::Watch;
use crate::app::show::lines::Lines;
use crate::app::show::{output, text};
use plainws::net::tap::Direction;
use plainws::{CloseCode, CloseReason, Message, Received, Sender, WebSocket};
use std::io;
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long what is known already may still be waited for: that the server ends TCP after both sides have
/// closed (§7.1.1), and that the rest of the input is at hand.
const MOMENT: Duration = Duration::from_millis(250);

/// How long a Close may be without an answer before that is said to those who wait for it.
const TELLING: Duration = Duration::from_millis(500);

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
    quiet: Quiet,
    /// How many messages were shown.
    shown: u64,
    input: Input,
    /// Whether some of the input could not be sent.
    is_unsent: bool,
    /// Whether this side has begun to end the conversation, and whether because of a signal.
    is_ending: bool,
    is_interrupted: bool,
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
            quiet: Quiet::new(Instant::now()),
            shown: 0,
            input: Input::Unread,
            is_unsent: false,
            is_ending: false,
            is_interrupted: false,
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

    /// Begins anew what follows a connection's bytes, and its time. To be called before it is opened.
    pub(super) fn begin(&self) {
        self.output.begin();
        *self.watch() = Watch::new();
    }

    /// Lets the other threads use a connection.
    pub(super) fn opened(&self, ws: &WebSocket) {
        self.update(|state| {
            state.connection = Some(ws.sender());
            state.number += 1;
            state.quiet.is_open(true, Instant::now());
        });
    }

    /// Shows what comes over the connection that was opened until it ends.
    pub(super) fn listen(&self, ws: WebSocket) -> Ending {
        let mut ending = self.receive_all(&ws);
        self.update(|state| {
            state.connection = None;
            state.quiet.is_open(false, Instant::now());
        });
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
    fn show(&self, message: &Message) -> bool {
        let is_wanted = |state: &State| self.rules.count.is_none_or(|count| state.shown < count);
        if !is_wanted(&self.state()) {
            return false;
        }
        self.update(|state| state.quiet.is_showing(true, Instant::now()));
        self.output.received(message);
        self.update(|state| {
            state.quiet.is_showing(false, Instant::now());
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

    /// How a line is shown that was typed at a prompt.
    pub(super) fn typed(&self, line: &str) -> Vec<u8> {
        self.output.typed(line)
    }

    /// Whether this side ended the conversation.
    pub(super) fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    /// Ends the conversation, and returns its exit code. What of the input is at hand and was not sent is told.
    pub(super) fn finish(&self, ending: &Ending) -> u8 {
        self.update(|state| state.is_over = true);
        let is_awaited = !self.rules.is_typed && !self.state().is_interrupted;
        let patience = if is_awaited { MOMENT } else { Duration::ZERO };
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

    // What the connection's tap sees.

    /// Follows what passes over the connection.
    pub(super) fn passed(&self, direction: Direction, bytes: &[u8]) {
        if direction == Direction::Sent {
            return;
        }
        let now = Instant::now();
        let (pongs, has_arrived) = self.watch().received(bytes, now);
        if has_arrived {
            self.update(|state| state.quiet.disturb(now));
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

    /// The same in a thread of its own: the Close is traced, which waits while nobody reads that.
    fn go_away(self: &Arc<Self>) {
        self.update(|state| state.is_ending = true);
        let talk = Arc::clone(self);
        // If no thread can be started, the connection is lost without a Close.
        let _ = thread::Builder::new().spawn(move || {
            talk.close(CloseCode::GOING_AWAY, "");
            if talk.is_open_after(TELLING) {
                talk.lines.say(
                    "the server has not answered the Close yet; another Ctrl-C leaves at once",
                );
            }
        });
    }

    /// Whether there still is a connection after so long. Waits no longer than there is one.
    fn is_open_after(&self, time: Duration) -> bool {
        let is_open = |state: &mut State| state.connection.is_some();
        let waited = self.changed.wait_timeout_while(self.state(), time, is_open);
        waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Ctrl-C and the like: the first one closes, if there is something to close, and the next one leaves.
    pub(super) fn interrupt(self: &Arc<Self>) {
        let can_close = {
            let state = self.state();
            state.connection.is_some() && !state.is_ending
        };
        if !can_close {
            self.lines.finish(MOMENT);
            process::exit(outcome::FAILED.into());
        }
        self.update(|state| state.is_interrupted = true);
        self.go_away();
    }

    /// Standard output takes no more, so the messages that come cannot be shown. Closes, and leaves.
    pub(super) fn cannot_show(self: &Arc<Self>, error: &io::Error) -> ! {
        // Not by way of the lines: their thread is the one that calls this.
        output::say(&format!("standard output: {error}"));
        self.go_away();
        self.is_open_after(MOMENT);
        process::exit(outcome::FAILED.into())
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
