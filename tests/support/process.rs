//! A process, and what it says.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::gate::Gate;
use super::raw::PATIENCE;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// What a stream of the process has said so far; a thread reads it, so that the process never waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Debug, Default)]
struct Heard {
    text: String,
    has_ended: bool,
}

impl Output {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let heard = output.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while let Ok(1..) = stream.read_until(b'\n', &mut line) {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                heard.update(|heard| heard.text += &text);
            }
            heard.update(|heard| heard.has_ended = true);
        });
        output
    }

    /// Waits until `find` finds something in what was said, whole lines only.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut heard = self.lock();
        loop {
            if let Some(found) = find(&heard.text) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !heard.has_ended,
                "no {what} in:\n{}",
                heard.text
            );
            heard = self
                .0
                .1
                .wait_timeout(heard, left)
                .expect("no panic in it")
                .0;
        }
    }

    /// What was said so far.
    pub(crate) fn so_far(&self) -> String {
        self.lock().text.clone()
    }

    /// All that was said, once the stream has ended.
    pub(crate) fn whole(&self) -> String {
        let heard = self.lock();
        let (heard, timeout) = self
            .0
            .1
            .wait_timeout_while(heard, PATIENCE, |heard| !heard.has_ended)
            .expect("no panic in it");
        assert!(!timeout.timed_out(), "the stream does not end");
        heard.text.clone()
    }

    fn update(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().expect("no panic in it")
    }
}

/// A running process, ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// From [`Process::start_stalled`] only.
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Process {
    /// Starts it with nothing on standard input.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        command.stdin(Stdio::null());
        Self::spawn(command, &Gate::opened(), &Gate::opened())
    }

    /// Starts it with an open standard input. What it says is read only while these gates are open: as
    /// long as one is closed, its pipe fills up, and then whoever writes into it waits.
    pub(crate) fn start_stalled(
        command: &mut Command,
        stdout: &Gate,
        stderr: &Gate,
    ) -> std::io::Result<Self> {
        command.stdin(Stdio::piped());
        Self::spawn(command, stdout, stderr)
    }

    /// Starts it with sockets as its standard input and output, to be passed on. It says all on standard error.
    pub(crate) fn start_with(
        command: &mut Command,
        input: impl Into<Stdio>,
        output: impl Into<Stdio>,
    ) -> std::io::Result<Self> {
        let command = command.stdin(input).stdout(output).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        Ok(Self {
            stdin: None,
            stdout: Output::default(),
            stderr: Output::of(child.stderr.take().expect("it is a pipe")),
            child,
        })
    }

    fn spawn(command: &mut Command, stdout: &Gate, stderr: &Gate) -> std::io::Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (its_stdout, its_stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: Output::of(stdout.before(its_stdout.expect("it is a pipe"))),
            stderr: Output::of(stderr.before(its_stderr.expect("it is a pipe"))),
            child,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.is_ok_and(|status| status.success()), "{kill}");
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait().expect("it is our child");
        status.is_some()
    }

    /// Waits for a process that ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the process does not end; it said:\n{}{}",
                self.stdout.so_far(),
                self.stderr.so_far()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Threads, descriptors and memory of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
    pub(crate) kibibytes: usize,
    pub(crate) peak_kibibytes: usize,
    /// Processor time used so far, in hundredths of a second.
    pub(crate) ticks: u64,
}

impl Held {
    /// As Linux tells it; elsewhere `None`.
    pub(crate) fn by(process: u32) -> Option<Self> {
        let count = |what: &str| {
            Some(
                std::fs::read_dir(format!("/proc/{process}/{what}"))
                    .ok()?
                    .count(),
            )
        };
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let times = fields.split_whitespace().skip(11).take(2);
        Some(Self {
            threads: count("task")?,
            descriptors: count("fd")?,
            kibibytes: kibibytes("VmRSS:")?,
            peak_kibibytes: kibibytes("VmHWM:")?,
            ticks: times.filter_map(|time| time.parse::<u64>().ok()).sum(),
        })
    }
}

/// Whether programs started from here heed a signal, such as 15. They do not if these tests were started so
/// that it is ignored, for example by a script and in the background. Linux tells; elsewhere they may.
pub(crate) fn is_heeded(signal: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask =
        lines.find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 0)
}
