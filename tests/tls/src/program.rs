//! The program itself, as a process.

use crate::PATIENCE;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The program with TLS in it: what `PLAINWS_PROGRAM` names, or what is built now, once.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn plainws_program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| match env::var_os("PLAINWS_PROGRAM") {
        Some(program) => program.into(),
        None => build(),
    });
    program.clone()
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(&root)
        .args(["build", "--quiet", "--features", "tls", "--bin", "plainws"])
        .status();
    assert!(built.is_ok_and(|built| built.success()), "it is not built");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let name = format!("plainws{}", env::consts::EXE_SUFFIX);
    target.join("debug").join(name)
}

/// The program, to be run with whatever settings. No proxy is set in its environment.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new(plainws_program());
    for name in [
        "http_proxy",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// All that it said.
    pub stdout: String,
    /// All that it said of itself.
    pub stderr: String,
}

/// Runs the program to its end with nothing on standard input.
///
/// # Panics
///
/// When it does not end in time.
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    run_with(command().args(args), "")
}

/// Runs a command to its end with these bytes on standard input, for example a [`command`] with variables.
///
/// # Panics
///
/// When it does not end in time.
pub fn run_with(command: &mut Command, input: impl AsRef<[u8]>) -> Run {
    let mut program = Program::start(command);
    let mut stdin = program.stdin.take().expect("it is piped");
    let input = input.as_ref().to_vec();
    // Beside the reading, or both sides could wait for a full pipe.
    let writer = thread::spawn(move || {
        // A program that does not read its input closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let status = program.wait();
    writer.join().expect("it has written");
    Run {
        code: status.code().expect("it was not killed"),
        stdout: program.stdout.whole(),
        stderr: program.stderr.whole(),
    }
}

/// A running process, ended when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Open until it is taken or dropped.
    pub stdin: Option<ChildStdin>,
    /// What it says.
    pub stdout: Output,
    /// What it says of itself.
    pub stderr: Output,
}

#[expect(
    clippy::missing_panics_doc,
    reason = "these are tests: what does not happen fails them"
)]
impl Program {
    /// Starts the program with these arguments, and leaves its standard input open.
    #[must_use]
    pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start(command().args(args))
    }

    /// Starts a command, for example a [`command`] with variables.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the program starts");
        Self {
            stdin: child.stdin.take(),
            stdout: Output::of(child.stdout.take().expect("it is piped")),
            stderr: Output::of(child.stderr.take().expect("it is piped")),
            child,
        }
    }

    /// Starts `plainws serve` on a free port with these arguments, and waits for its address.
    #[must_use]
    pub fn serve<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> (Self, SocketAddr) {
        let program = Self::start(
            command()
                .args(["serve", "--addr", "127.0.0.1:0"])
                .args(args),
        );
        let address = program.address();
        (program, address)
    }

    /// Waits until it says where it serves, and returns that: the first address behind `https://` or `http://`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.stdout.wait_for("URL", |text| {
            let (_, url) = text
                .split_once("https://")
                .or_else(|| text.split_once("http://"))?;
            url.split_once('/')?.0.parse().ok()
        })
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        let typed = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        typed.expect("the program reads");
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.is_ok_and(|status| status.success()), "{kill}");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
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
            // The standard library offers no other way to wait with an end.
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a stream of a process has said so far; a thread reads it, so that the process never waits. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Output(Arc<(Mutex<Heard>, Condvar)>);

#[derive(Debug, Default)]
struct Heard {
    text: String,
    has_ended: bool,
}

impl Output {
    fn of(stream: impl Read + Send + 'static) -> Self {
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

    /// Waits until `find` finds something in all that was said so far, whole lines only.
    ///
    /// # Panics
    ///
    /// When it finds nothing in time, or the stream has ended.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
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

    /// Waits for the first line that contains `text`.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    #[track_caller]
    pub fn line_with(&self, text: &str) -> String {
        self.wait_for(text, |said| {
            let mut lines = said.lines();
            lines.find(|line| line.contains(text)).map(str::to_owned)
        })
    }

    /// What was said so far.
    #[must_use]
    pub fn so_far(&self) -> String {
        self.lock().text.clone()
    }

    /// All that was said, once the stream has ended.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    #[must_use]
    pub fn whole(&self) -> String {
        let waited = (self.0.1).wait_timeout_while(self.lock(), PATIENCE, |heard| !heard.has_ended);
        let (heard, timeout) = waited.expect("no panic in it");
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
