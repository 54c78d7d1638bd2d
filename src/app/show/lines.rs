//! Lines on their way out: a bounded queue, and the thread that writes what is in it.
//!
//! Whoever writes to a pipe waits while its reader does not read, and whoever writes to a terminal waits
//! while someone has stopped that. Here only the queue's own thread does. All others leave their lines in
//! the queue. When it is full, lines are dropped and counted ([`Lines::dropping`], for a server, which must
//! go on), or whoever brings them waits ([`Lines::waiting`], for those who must not lose any).

use super::flood::Flood;
use super::output;
pub(crate) use super::output::To;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that wait at most: some thousands of lines. About as many may be on their way out. A longer text
/// is taken when nothing else waits.
const ROOM: usize = 1024 * 1024;

/// What is told of lines that were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// So many found no room, or could not be written.
    Dropped(u64),
    /// So many refusals came in a flood; see [`Lines::admits_refusal`].
    Refusals(u64),
}

/// A queue of lines; clones share it. They are written in their order, those for either stream.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Notified when lines come and when they have been taken or written.
    changed: Condvar,
    /// Whether whoever brings lines waits for room.
    waits: bool,
    /// Makes a line, or several, of a note.
    note: Box<dyn Fn(Note) -> String + Send + Sync>,
    /// Lines that found no room or could not be written.
    dropped: AtomicU64,
    on_failure: OnceLock<OnFailure>,
    above: OnceLock<Arc<dyn Above>>,
}

/// Called when standard output cannot be written to.
type OnFailure = Box<dyn Fn(&io::Error) + Send + Sync>;

#[derive(Default)]
struct State {
    queue: Queue,
    refusals: Flood,
    is_writing: bool,
}

/// A line editor. What goes to the terminal appears above the line that is typed there.
pub(crate) trait Above: Send + Sync {
    /// Writes there.
    ///
    /// # Errors
    ///
    /// The terminal takes no more.
    fn write(&self, to: To, text: &[u8]) -> io::Result<()>;

    /// Gives the terminal back as it was found. What is written later goes there directly.
    fn leave(&self);
}

/// How long a line editor may take at the end to show what waits.
const MOMENT: Duration = Duration::from_millis(250);

impl Lines {
    /// Drops lines when there is no room for them. Where they would have stood, `note` tells how many.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub(crate) fn dropping(
        note: impl Fn(Note) -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(false, Box::new(note))
    }

    /// Lets whoever brings lines wait until there is room for them.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub(crate) fn waiting() -> io::Result<Self> {
        Self::start(true, Box::new(|_| String::new()))
    }

    fn start(waits: bool, note: Box<dyn Fn(Note) -> String + Send + Sync>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            waits,
            note,
            dropped: AtomicU64::new(0),
            on_failure: OnceLock::new(),
            above: OnceLock::new(),
        });
        let its_own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("plainws lines".into());
        thread.spawn(move || its_own.write_all())?;
        Ok(Self(shared))
    }

    /// What to do when standard output cannot be written to, other than to end the program at once, as it
    /// does after that. Told once, by the thread that writes.
    pub(crate) fn on_failure(&self, act: impl Fn(&io::Error) + Send + Sync + 'static) {
        // The first one stays.
        let _ = self.0.on_failure.set(Box::new(act));
    }

    /// Writes above the line of this editor from now on, where it is on the same terminal.
    pub(crate) fn go_above(&self, editor: Arc<dyn Above>) {
        let _ = self.0.above.set(editor);
    }

    /// Brings whole lines.
    pub(crate) fn push(&self, to: To, text: &str) {
        self.push_bytes(to, text.as_bytes());
    }

    /// Brings what need not be lines, nor text.
    pub(crate) fn push_bytes(&self, to: To, text: &[u8]) {
        let mut state = self.0.state();
        if self.0.waits {
            state = self
                .0
                .changed
                .wait_while(state, |state| !state.queue.has_room(text.len()))
                .unwrap_or_else(PoisonError::into_inner);
        }
        let dropped = state.queue.push(to, text);
        self.0.dropped.fetch_add(dropped, Ordering::Relaxed);
        self.0.changed.notify_all();
    }

    /// How many lines found no room so far, or could not be written.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Says something about the run itself, on standard error.
    pub(crate) fn say(&self, line: &str) {
        self.push(To::Stderr, &output::said(line));
    }

    /// Whether the line about a refusal that happens now is to be brought: in a flood of them only some
    /// are, and the others are summed up in a note.
    pub(crate) fn admits_refusal(&self) -> bool {
        let is_admitted = self.0.state().refusals.admits(Instant::now());
        if !is_admitted {
            // The thread is to know when the note is due.
            self.0.changed.notify_all();
        }
        is_admitted
    }

    /// Waits until all is written, at most for `patience`: at the end a reader that does not read holds
    /// nobody up.
    pub(crate) fn finish(&self, patience: Duration) {
        let mut state = self.0.state();
        if let Some(count) = state.refusals.rest() {
            state.queue.note(Note::Refusals(count));
        }
        self.0.changed.notify_all();
        drop(state);
        if let Some(above) = self.0.above.get() {
            self.wait_until_written(patience.min(MOMENT));
            above.leave();
        }
        self.wait_until_written(patience);
    }

    fn wait_until_written(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.queue.is_empty();
        let state = self.0.state();
        let waited = self.0.changed.wait_timeout_while(state, patience, is_busy);
        drop(waited);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what comes, for as long as the process lives.
    fn write_all(&self) {
        // Lines that could not be written, as on a full disk.
        let mut failed = 0;
        loop {
            let mut pieces = self.next();
            if failed > 0 {
                pieces.push_front(Piece::Note(Note::Dropped(failed)));
            }
            failed = pieces.iter().map(|piece| self.write(piece)).sum();
        }
    }

    /// Waits for something to write, and takes all of it.
    fn next(&self) -> VecDeque<Piece> {
        let mut state = self.state();
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            let now = Instant::now();
            if let Some(count) = state.refusals.told(now) {
                state.queue.note(Note::Refusals(count));
            }
            if !state.queue.is_empty() {
                state.is_writing = true;
                self.changed.notify_all();
                return state.queue.take();
            }
            let due = state.refusals.due();
            let left = due.map_or(Duration::MAX, |due| due - now);
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Returns how many lines could not be written.
    fn write(&self, piece: &Piece) -> u64 {
        let (to, text) = match piece {
            Piece::Text(to, text) => (*to, text),
            Piece::Note(note) => (To::Stderr, &(self.note)(*note).into()),
        };
        let above = self.above.get().filter(|_| output::is_terminal(to));
        let written = match above {
            Some(above) => above.write(to, text),
            None => output::write(to, text),
        };
        match (written, piece) {
            (Ok(()), _) => 0,
            // What was asked for cannot be shown.
            (Err(error), Piece::Text(To::Stdout, _)) => {
                if let Some(act) = self.on_failure.get() {
                    act(&error);
                }
                output::leave(&error)
            }
            // Without a reader of its log the server goes on.
            (Err(_), Piece::Text(..)) => {
                let dropped = lines(text);
                self.dropped.fetch_add(dropped, Ordering::Relaxed);
                dropped
            }
            (Err(_), Piece::Note(Note::Dropped(count))) => *count,
            (Err(_), Piece::Note(_)) => 1,
        }
    }
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    /// Bytes of text in them.
    bytes: usize,
    /// Lines that came when there was no room, after all that is in the queue.
    dropped: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(To, Vec<u8>),
    Note(Note),
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.is_empty() || self.bytes + bytes <= ROOM
    }

    /// Takes lines if there is room. Once some were dropped all are, until the others are on their way, so
    /// that there is one gap, with its number after it. Returns how many were dropped.
    fn push(&mut self, to: To, text: &[u8]) -> u64 {
        if self.dropped > 0 || !self.has_room(text.len()) {
            let dropped = lines(text);
            self.dropped += dropped;
            return dropped;
        }
        self.bytes += text.len();
        match self.pieces.back_mut() {
            Some(Piece::Text(same, before)) if *same == to => before.extend(text),
            _ => self.pieces.push_back(Piece::Text(to, text.into())),
        }
        0
    }

    fn note(&mut self, note: Note) {
        self.pieces.push_back(Piece::Note(note));
    }

    fn take(&mut self) -> VecDeque<Piece> {
        if self.dropped > 0 {
            self.note(Note::Dropped(self.dropped));
        }
        std::mem::take(self).pieces
    }
}

fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use To::{Stderr, Stdout};

    fn text(to: To, text: &str) -> Piece {
        Piece::Text(to, text.into())
    }

    #[test]
    fn what_is_taken_is_what_was_brought_in_its_order() {
        let mut queue = Queue::default();
        for (to, text) in [
            (Stderr, "a\n"),
            (Stderr, "b\n"),
            (Stdout, "c\n"),
            (Stderr, "d\n"),
        ] {
            queue.push(to, text.as_bytes());
        }
        queue.note(Note::Refusals(3));
        queue.push(Stderr, b"e\n");
        let expected = [
            text(Stderr, "a\nb\n"),
            text(Stdout, "c\n"),
            text(Stderr, "d\n"),
            Piece::Note(Note::Refusals(3)),
            text(Stderr, "e\n"),
        ];
        assert_eq!(queue.take(), expected);
        assert!(queue.is_empty() && queue.take().is_empty());
    }

    #[test]
    fn what_finds_no_room_is_counted_in_lines_and_told_of_after_what_was_kept() {
        let mut queue = Queue::default();
        let kept = "k".repeat(ROOM - 3) + "\n";
        assert_eq!(queue.push(Stderr, kept.as_bytes()), 0);
        assert_eq!(queue.push(Stderr, b"two\nlines\n"), 2);
        // There would be room for this one; but after a gap nothing more is taken.
        assert_eq!(queue.push(Stderr, b"\n"), 1);
        let expected = [text(Stderr, &kept), Piece::Note(Note::Dropped(3))];
        assert_eq!(queue.take(), expected);

        queue.push(Stderr, b"again\n");
        assert_eq!(queue.take(), [text(Stderr, "again\n")]);
    }

    #[test]
    fn room_is_for_so_many_bytes_and_for_one_longer_text() {
        let mut queue = Queue::default();
        assert!(queue.has_room(10 * ROOM));
        queue.push(Stdout, b"12345\n");
        assert!(queue.has_room(ROOM - 6));
        assert!(!queue.has_room(ROOM - 5));
        queue.take();
        queue.push(Stdout, &[b'x'; 2 * ROOM]);
        assert!(!queue.has_room(1));
        queue.take();
        assert!(queue.has_room(10 * ROOM));
    }
}
