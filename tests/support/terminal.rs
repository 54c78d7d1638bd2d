//! A pseudo-terminal with a program on it, and what one sees there.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::raw::PATIENCE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// The columns of the terminal.
pub(crate) const COLUMNS: u16 = 60;

/// A program on a terminal, ended when it is dropped.
pub(crate) struct Terminal {
    child: Child,
    /// What a person types.
    keyboard: File,
    /// The program's side, which this keeps open so that its settings can be looked at.
    own: File,
    before: Termios,
    screen: Arc<(Mutex<Screen>, Condvar)>,
}

/// Which of the program's streams are on the terminal; the others are as the command says.
#[derive(Clone, Copy)]
pub(crate) struct On {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Terminal {
    /// All streams on the terminal.
    pub(crate) fn start(command: &mut Command) -> Self {
        let all = On {
            stdin: true,
            stdout: true,
            stderr: true,
        };
        Self::start_with(command, all)
    }

    pub(crate) fn start_with(command: &mut Command, on: On) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let name = name.into_string().expect("it is ASCII");
        let size = Winsize {
            ws_row: 24,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).expect("it has a size");
        let own = OpenOptions::new().read(true).write(true).open(name);
        let own = own.expect("it is ours");
        let before = tcgetattr(&own).expect("it is a terminal");
        let end = || Stdio::from(own.try_clone().expect("there are descriptors"));
        if on.stdin {
            command.stdin(end());
        }
        if on.stdout {
            command.stdout(end());
        }
        if on.stderr {
            command.stderr(end());
        }
        let child = command.spawn().expect("the program was built");
        let keyboard = File::from(master);
        let screen = Arc::<(Mutex<Screen>, Condvar)>::default();
        let mut seen = keyboard.try_clone().expect("there are descriptors");
        let its_screen = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = seen.read(&mut bytes) {
                its_screen
                    .0
                    .lock()
                    .expect("no panic in it")
                    .show(&bytes[..length]);
                its_screen.1.notify_all();
            }
        });
        Self {
            child,
            keyboard,
            own,
            before,
            screen,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn type_in(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard
            .write_all(keys.as_ref())
            .expect("the terminal takes it");
    }

    /// Waits until the rows are like that.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut screen = self.screen();
        loop {
            let rows = screen.rows();
            if let Some(found) = find(&rows) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on:\n{}", rows.join("\n"));
            screen = self
                .screen
                .1
                .wait_timeout(screen, left)
                .expect("no panic in it")
                .0;
        }
    }

    /// Waits until the last row that is not empty is this.
    #[track_caller]
    pub(crate) fn wait_for_last(&self, row: &str) {
        self.wait_for(row, |rows| {
            (rows.last().map(String::as_str) == Some(row)).then_some(())
        });
    }

    /// Waits until a row begins and ends like this, which leaves out the time in its middle.
    #[track_caller]
    pub(crate) fn wait_for_row(&self, start: &str, end: &str) {
        self.wait_for(&format!("{start} … {end}"), |rows| {
            rows.iter()
                .any(|row| row.starts_with(start) && row.ends_with(end))
                .then_some(())
        });
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.0.lock().expect("no panic in it")
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        self.screen().rows()
    }

    /// All that was written, with its control sequences.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen().written).into_owned()
    }

    /// Whether what is typed appears by itself, and lines end with Return: as it is when no editor is at work.
    pub(crate) fn is_plain(&self) -> bool {
        let now = tcgetattr(&self.own).expect("it is a terminal");
        now.local_modes
            .contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until that is so.
    #[track_caller]
    pub(crate) fn wait_until_plain(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_plain() {
            assert!(Instant::now() < deadline, "an editor is still at work");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Standard output that is not on the terminal.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("it is a pipe")
    }

    /// Waits for the program to end by itself, and checks that it gives the terminal back as it got it.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.rows().join("\n")
            );
            thread::sleep(Duration::from_millis(5));
        };
        let now = tcgetattr(&self.own).expect("it is a terminal");
        assert_eq!(format!("{now:?}"), format!("{:?}", self.before));
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows, as far as line editors use one.
#[derive(Default)]
struct Screen {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// All bytes, and how many of them are on the screen.
    written: Vec<u8>,
    shown: usize,
}

impl Screen {
    fn rows(&self) -> Vec<String> {
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().collect::<String>().trim_end().to_owned());
        let mut rows: Vec<_> = rows.collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    fn show(&mut self, bytes: &[u8]) {
        self.written.extend(bytes);
        loop {
            let rest = &self.written[self.shown..];
            let (length, piece) = match rest {
                [] => return,
                [0x1B, b'[', sequence @ ..] => {
                    let Some(end) = sequence.iter().position(|byte| (0x40..0x7F).contains(byte))
                    else {
                        return;
                    };
                    let number = String::from_utf8_lossy(&sequence[..end]).into_owned();
                    (end + 3, Err((number, sequence[end])))
                }
                [0x1B, byte, ..] => (2, Err((String::new(), *byte))),
                [0x1B] => return,
                _ => {
                    let length =
                        (1..=rest.len().min(4)).find(|length| str_of(&rest[..*length]).is_some());
                    let Some(length) = length else { return };
                    (
                        length,
                        Ok(str_of(&rest[..length]).expect("it was one just now")),
                    )
                }
            };
            self.shown += length;
            match piece {
                Ok(c) => self.put(c),
                Err((number, last)) => self.obey(&number, last),
            }
        }
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => self.column = 0,
            '\n' => {
                // The terminal's settings make a CR of it as well, and send both.
                self.row += 1;
            }
            '\u{8}' => self.column = self.column.saturating_sub(1),
            '\u{7}' => {}
            c => {
                if self.column == usize::from(COLUMNS) {
                    self.row += 1;
                    self.column = 0;
                }
                let (row, column) = (self.row, self.column);
                let cells = self.cells(row);
                cells.resize(cells.len().max(column + 1), ' ');
                cells[column] = c;
                self.column += 1;
            }
        }
    }

    fn cells(&mut self, row: usize) -> &mut Vec<char> {
        let rows = self.rows.len().max(row + 1);
        self.rows.resize(rows, Vec::new());
        &mut self.rows[row]
    }

    fn obey(&mut self, number: &str, last: u8) {
        let count = number.parse().unwrap_or(1);
        let (row, column) = (self.row, self.column);
        match last {
            b'A' => self.row = row.saturating_sub(count),
            // Up by a row, as long as there is one.
            b'M' => self.row = row.saturating_sub(1),
            b'B' => self.row += count,
            b'C' => self.column += count,
            b'D' => self.column = column.saturating_sub(count),
            b'K' | b'J' => {
                self.cells(row).truncate(column);
                if last == b'J' {
                    self.rows.truncate(row + 1);
                }
            }
            // Colours, and what marks pasted text.
            b'm' | b'h' | b'l' => {}
            other => panic!("this terminal knows no {number}{}", char::from(other)),
        }
    }
}

fn str_of(bytes: &[u8]) -> Option<char> {
    std::str::from_utf8(bytes).ok()?.chars().next()
}
