//! The prompt: a line that is edited in the last row of the terminal, above which everything else appears.
//!
//! | file | what |
//! |---|---|
//! | `keys.rs` | bytes of the terminal -> keys |
//! | `line.rs` | keys -> the line, its history, and as much of it as fits into a row |
//! | this one | the terminal: its settings, and who writes there when |
//!
//! Whoever writes to the terminal holds one lock, so nothing comes between the parts of a row. A line longer
//! than a row is not wrapped but shown in part, so that it is known what must be erased, whatever the width.

mod keys;
mod line;

use self::keys::Keys;
use self::line::{Line, Outcome};
use super::command::COMMANDS;
use super::source::Pieces;
use crate::app::show::lines::{Above, Lines};
use crate::app::show::output::{self, To};
use crate::app::show::paint;
use rustix::termios::{self, OptionalActions, OutputModes, Termios};
use signal_hook::consts::SIGTSTP;
use signal_hook::low_level::raise;
use std::io::{self, IsTerminal as _, Read as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long the end of the program waits for someone who is writing to the terminal.
const MOMENT: Duration = Duration::from_millis(250);

/// The row of the prompt, emptied.
const ERASE: &str = "\r\x1b[K";

/// Have the terminal mark what is pasted, or not: its line ends are no Return.
const MARK_PASTES: &str = "\x1b[?2004h";
const MARK_NOTHING: &str = "\x1b[?2004l";

/// Whether a line can be edited: both ends are a terminal, and it can do more than begin a new row.
pub(super) fn is_possible() -> bool {
    let is_able = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    io::stdin().is_terminal() && io::stdout().is_terminal() && is_able
}

type Shown = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// What the prompt needs of the conversation.
pub(super) struct Uses {
    /// Whether lines after a slash are commands, which can be completed.
    pub(super) has_commands: bool,
    /// How a line is shown that was typed.
    pub(super) shown: Shown,
    /// Ctrl-C.
    pub(super) interrupt: Box<dyn Fn() + Send + Sync>,
}

/// A prompt that is not shown yet. From now on all that goes to the terminal passes by it.
///
/// # Errors
///
/// The terminal does not tell its settings.
pub(super) fn prepare(lines: &Lines, uses: Uses) -> io::Result<Arc<Prompt>> {
    let found = termios::tcgetattr(io::stdin())?;
    let prompt = Arc::new(Prompt {
        screen: Mutex::default(),
        lines: lines.clone(),
        uses,
        edited: edited(&found),
        found,
    });
    lines.go_above(Arc::clone(&prompt) as Arc<dyn Above>);
    Ok(prompt)
}

/// Shows the prompt. The pieces are the lines that are typed, up to Ctrl-D.
///
/// # Errors
///
/// The terminal does not let its settings be changed, or no thread can be started.
pub(super) fn open(prompt: &Arc<Prompt>) -> io::Result<Pieces> {
    let (typed, pieces) = mpsc::channel();
    prompt.enter(&mut prompt.screen())?;
    let commands = if prompt.uses.has_commands {
        "/help lists the commands, "
    } else {
        ""
    };
    let reading = Arc::clone(prompt);
    let thread = thread::Builder::new().name("plainws prompt".into());
    if let Err(error) = thread.spawn(move || reading.edit(&typed)) {
        prompt.leave();
        return Err(error);
    }
    prompt
        .lines
        .say(&format!("{commands}Ctrl-D ends the input, Ctrl-C closes"));
    Ok(Box::new(pieces.into_iter()))
}

/// The settings for a line that is edited: each key is told at once, and none does anything by itself.
fn edited(found: &Termios) -> Termios {
    let mut edited = found.clone();
    edited.make_raw();
    // Rows that others write still end as they did.
    edited.output_modes = found.output_modes | OutputModes::OPOST | OutputModes::ONLCR;
    edited
}

pub(super) struct Prompt {
    screen: Mutex<Screen>,
    lines: Lines,
    uses: Uses,
    /// The settings of the terminal before, and while the prompt is shown.
    found: Termios,
    edited: Termios,
}

#[derive(Default)]
struct Screen {
    line: Line,
    is_shown: bool,
    /// It is not shown again.
    has_left: bool,
}

impl Prompt {
    /// The thread of the keyboard.
    fn edit(self: &Arc<Self>, typed: &mpsc::Sender<io::Result<Vec<u8>>>) {
        let words = COMMANDS
            .iter()
            .map(|(usage, _)| usage.split(' ').next().unwrap_or_default());
        let words: Vec<_> = words
            .filter(|word| self.uses.has_commands && !word.starts_with("//"))
            .collect();
        let mut keys = Keys::default();
        let mut bytes = [0; 1024];
        // Without a terminal the input has ended.
        while let Ok(length @ 1..) = io::stdin().lock().read(&mut bytes) {
            for key in bytes[..length].iter().filter_map(|byte| keys.push(*byte)) {
                let outcome = self.screen().line.press(key, &words);
                if self.act(outcome, typed).is_err() {
                    return self.leave();
                }
            }
            if self.write(&mut self.screen(), To::Stdout, &[]).is_err() {
                break;
            }
        }
        self.leave();
    }

    /// Does what a key has led to.
    ///
    /// # Errors
    ///
    /// Nothing more is to be typed.
    fn act(
        self: &Arc<Self>,
        outcome: Outcome,
        typed: &mpsc::Sender<io::Result<Vec<u8>>>,
    ) -> io::Result<()> {
        match outcome {
            Outcome::Going => {}
            Outcome::Line(line) => {
                self.write(&mut self.screen(), To::Stdout, &(self.uses.shown)(&line))?;
                let _ = typed.send(Ok(line.into()));
            }
            Outcome::Interrupt => {
                // Apart: it may have to wait.
                let prompt = Arc::clone(self);
                thread::Builder::new().spawn(move || (prompt.uses.interrupt)())?;
            }
            Outcome::Suspend => self.suspend(&mut self.screen())?,
            Outcome::EndOfInput => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    /// Writes in place of the prompt, and the prompt below it.
    fn write(&self, screen: &mut Screen, to: To, text: &[u8]) -> io::Result<()> {
        if !screen.is_shown {
            return output::write(to, text);
        }
        let row = row(&screen.line, columns());
        let row = output::as_stdout_shows(&row);
        let all = [ERASE.as_bytes(), text, row.as_bytes()].concat();
        output::write(To::Stdout, &all)
    }

    /// Changes the terminal's settings, and shows the prompt.
    fn enter(&self, screen: &mut Screen) -> io::Result<()> {
        if screen.has_left {
            return Ok(());
        }
        termios::tcsetattr(io::stdin(), OptionalActions::Drain, &self.edited)?;
        screen.is_shown = true;
        self.write(screen, To::Stdout, MARK_PASTES.as_bytes())
    }

    /// Undoes that.
    fn undo(&self, screen: &mut Screen) {
        if std::mem::take(&mut screen.is_shown) {
            let _ = output::write(To::Stdout, [ERASE, MARK_NOTHING].concat().as_bytes());
            self.restore();
        }
    }

    fn restore(&self) {
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.found);
    }

    /// Ctrl-Z: as if no line were edited. Goes on when the program does.
    fn suspend(&self, screen: &mut Screen) -> io::Result<()> {
        self.undo(screen);
        raise(SIGTSTP)?;
        self.enter(screen)
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Above for Prompt {
    fn write(&self, to: To, text: &[u8]) -> io::Result<()> {
        self.write(&mut self.screen(), to, text)
    }

    fn leave(&self) {
        let begun = Instant::now();
        loop {
            match self.screen.try_lock() {
                Ok(mut screen) => {
                    screen.has_left = true;
                    return self.undo(&mut screen);
                }
                // A terminal that takes nothing holds up whoever writes.
                Err(TryLockError::WouldBlock) if begun.elapsed() < MOMENT => {
                    thread::sleep(MOMENT / 50);
                }
                Err(_) => return self.restore(),
            }
        }
    }
}

/// The row of the prompt, with the cursor where it belongs.
fn row(line: &Line, columns: usize) -> String {
    const MARK: &str = ">";
    // The last column stays empty: some terminals go on in the next row once it is filled.
    let (is_cut, text, at) = line.shown(columns.saturating_sub(MARK.len() + 2));
    let gap = if is_cut { "…" } else { " " };
    let mark = paint::paint(paint::STRONG, MARK);
    format!("{mark}{gap}{text}\r\x1b[{}C", MARK.len() + 1 + at)
}

fn columns() -> usize {
    let size = termios::tcgetwinsize(io::stdout());
    match size.map(|size| size.ws_col) {
        Ok(columns @ 1..) => columns.into(),
        _ => 80,
    }
}
