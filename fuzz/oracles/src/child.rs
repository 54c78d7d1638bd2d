//! A parser in a process of its own, in any language: it is told lines and answers with lines.
//!
//! ```text
//! open client 200 4 2     a client begins to send; a message may have 200 bytes, 4 fragments, 2 of them empty
//! read 8185375ba1…        the next bytes, in hex; perhaps none
//! ```
//!
//! What it answers to each ends with the line `done`. Before that, to `open`: `judges header` (or `frame`, or `message`)
//! if it does not judge each byte, and `answers` if it answers by itself. To `read`, all that the bytes complete, in
//! order: `text HEX`, `binary HEX`, `ping HEX`, `pong HEX`, `close`, `close CODE HEX`, `failed`, `failed RULE`; and
//! `sent HEX` for what it wrote. An `open` begins anew, whatever came before.
//!
//! It has a deadline. If it dies, hangs or says what is none of these, that is a finding, and a new process is started.

use crate::subject::{Each, Reader, Seen, Subject};
use crate::words;
use plainws::protocol::message::Limits;
use plainws::{Role, Rule};
use std::any::Any;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::panic::resume_unwind;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the answer to a line may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a line may be, far more than any that is due.
const LINE: u64 = 1 << 20;
/// How many bytes an answer may have, far more than any that is due.
const ANSWER: usize = 64 << 20;
/// What is said of one that exceeds its time.
pub(crate) const HANGS: &str = "does not answer in time";
/// What is said of one whose answer is too long.
const FLOODS: &str = "answers without end";

/// How what is said of one that is lost begins.
pub(crate) const LOST: &str = "the child";

/// Why a process was given up: what a [`Reader`] of it panics with.
#[derive(Clone, Debug)]
pub struct Lost(pub String);

/// A parser in a process of its own.
#[derive(Clone)]
pub struct Child {
    command: Vec<OsString>,
    patience: Duration,
    judges: Each,
    answers: bool,
    process: Arc<Mutex<Option<Process>>>,
}

impl Child {
    /// Starts it, and asks it to begin, so as to learn what it says of itself.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not answer.
    pub fn new(command: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, Lost> {
        Self::with_patience(command, PATIENCE)
    }

    /// The same with another deadline for each line.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not answer.
    pub fn with_patience(
        command: impl IntoIterator<Item = impl Into<OsString>>,
        patience: Duration,
    ) -> Result<Self, Lost> {
        let mut child = Self {
            command: command.into_iter().map(Into::into).collect(),
            patience,
            judges: Each::Byte,
            answers: false,
            process: Arc::default(),
        };
        for line in child.ask(&open(Role::Client, Limits::default()))? {
            match &*line {
                "answers" => child.answers = true,
                "judges byte" => child.judges = Each::Byte,
                "judges header" => child.judges = Each::Header,
                "judges frame" => child.judges = Each::Frame,
                "judges message" => child.judges = Each::Message,
                _ => return Err(nonsense("open", &line)),
            }
        }
        Ok(child)
    }

    /// Tells it a line, and returns what it answers before `done`.
    fn ask(&self, line: &str) -> Result<Vec<String>, Lost> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_none() {
            let started = Process::start(&self.command);
            *process = Some(started.map_err(|error| Lost(format!("{LOST}: {error}")))?);
        }
        let answer = process
            .as_mut()
            .expect("just started")
            .ask(line, self.patience);
        answer.map_err(|how| {
            let last_words = process.take().map_or_else(String::new, Process::end);
            let line = line.chars().take(200).collect::<String>();
            Lost(format!("{LOST} {how}, told `{line}`{last_words}"))
        })
    }
}

impl Subject for Child {
    fn reader(&self, sender: Role, limits: Limits) -> Box<dyn Reader> {
        self.ask(&open(sender, limits))
            .unwrap_or_else(|lost| give_up(lost));
        Box::new(Remote {
            child: self.clone(),
            answers: Vec::new(),
        })
    }

    fn judges(&self) -> Each {
        self.judges
    }

    fn is_elsewhere(&self) -> bool {
        true
    }
}

/// No hook is called, so that nothing is printed for each input.
fn give_up(lost: Lost) -> ! {
    let lost: Box<dyn Any + Send> = Box::new(lost);
    resume_unwind(lost)
}

fn open(sender: Role, limits: Limits) -> String {
    let Limits {
        max_bytes,
        max_fragments,
        max_empty_fragments,
        ..
    } = limits;
    let sender = sender.name();
    format!("open {sender} {max_bytes} {max_fragments} {max_empty_fragments}")
}

fn nonsense(asked: &str, line: &str) -> Lost {
    Lost(format!("{LOST} answers {} to `{asked}`", words::text(line)))
}

struct Remote {
    child: Child,
    answers: Vec<u8>,
}

impl Reader for Remote {
    fn read(&mut self, bytes: &mut [u8]) -> Vec<Seen> {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines = self
            .child
            .ask(&format!("read {hex}"))
            .unwrap_or_else(|lost| give_up(lost));
        let mut seen = Vec::new();
        for line in lines {
            match (line.strip_prefix("sent "), event(&line)) {
                (Some(sent), _) if unhex(sent).is_some() => {
                    self.answers.extend(unhex(sent).unwrap_or_default());
                }
                (None, Some(event)) => seen.push(event),
                _ => give_up(nonsense("read", &line)),
            }
        }
        seen
    }

    fn answers(&self) -> Option<&[u8]> {
        self.child.answers.then_some(&self.answers)
    }
}

/// What a line says that was seen.
fn event(line: &str) -> Option<Seen> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let text = |hex| String::from_utf8(unhex(hex)?).ok();
    Some(match words[..] {
        ["text"] => Seen::Text(String::new()),
        ["text", hex] => Seen::Text(text(hex)?),
        ["binary"] => Seen::Binary(Vec::new()),
        ["binary", hex] => Seen::Binary(unhex(hex)?),
        ["ping"] => Seen::Ping(Vec::new()),
        ["ping", hex] => Seen::Ping(unhex(hex)?),
        ["pong"] => Seen::Pong(Vec::new()),
        ["pong", hex] => Seen::Pong(unhex(hex)?),
        ["close"] => Seen::Close(None, String::new()),
        ["close", code] => Seen::Close(Some(code.parse().ok()?), String::new()),
        ["close", code, hex] => Seen::Close(Some(code.parse().ok()?), text(hex)?),
        ["failed"] => Seen::Failed(None),
        ["failed", id] => Seen::Failed(Some(*Rule::ALL.iter().find(|rule| rule.id() == id)?)),
        _ => return None,
    })
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}

/// A process whose streams are served by threads, so that it can neither be waited for in vain nor block.
struct Process {
    process: std::process::Child,
    told: Sender<String>,
    lines: Receiver<String>,
    last_words: Receiver<String>,
}

impl Process {
    fn start(command: &[OsString]) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::Error::other("no command"));
        };
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all are piped")
        };
        let (told, to_tell) = mpsc::channel::<String>();
        thread::spawn(move || {
            let mut lines = to_tell.iter();
            lines.try_for_each(|line| writeln!(stdin, "{line}").and_then(|()| stdin.flush()))
        });
        // It may not be far ahead of who listens.
        let (said, lines) = mpsc::sync_channel(16);
        thread::spawn(move || each_line(stdout, |line| said.send(line).is_ok()));
        let (last, last_words) = mpsc::channel();
        thread::spawn(move || {
            let mut last_line = String::new();
            each_line(stderr, |line| {
                last_line = line;
                true
            });
            last.send(last_line)
        });
        Ok(Self {
            process,
            told,
            lines,
            last_words,
        })
    }

    fn ask(&mut self, line: &str, patience: Duration) -> Result<Vec<String>, &'static str> {
        let end = Instant::now() + patience;
        // Whether it listens shows when it does not answer.
        drop(self.told.send(line.to_owned()));
        let mut answer = Vec::new();
        let mut room = ANSWER;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line == "done" => return Ok(answer),
                Ok(_) if left.is_zero() => return Err(HANGS),
                Ok(line) => {
                    // A line takes memory even if it is empty.
                    let more = line.len() + size_of::<String>();
                    room = room.checked_sub(more).ok_or(FLOODS)?;
                    answer.push(line);
                }
                Err(RecvTimeoutError::Timeout) => return Err(HANGS),
                Err(RecvTimeoutError::Disconnected) => return Err("dies"),
            }
        }
    }

    /// Ends it, and tells what it said last.
    fn end(mut self) -> String {
        drop(self.process.kill());
        let status = self.process.wait();
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        // Who holds its error stream may live on.
        let last = self.last_words.recv_timeout(Duration::from_millis(500));
        let last = last.unwrap_or_default();
        match last.trim() {
            "" => format!("; {status}"),
            last => format!("; {status}; its last words: {}", words::text(last)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Reads lines, of which a longer one is cut, while they are wanted.
fn each_line(stream: impl Read, mut is_wanted: impl FnMut(String) -> bool) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let read = stream.by_ref().take(LINE).read_until(b'\n', &mut line);
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !matches!(read, Ok(1..)) || !is_wanted(line) {
            return;
        }
    }
}
