//! The program itself, as a process.

use crate::gate::Gate;
use crate::process::{self, Process};
use std::env;
use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus};
use std::sync::OnceLock;
use std::thread;

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
    process: Process,
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
        let process = Process::start_stalled(command, &Gate::opened(), &Gate::opened());
        let mut process = process.expect("the program starts");
        Self {
            stdin: process.stdin.take(),
            stdout: Output(process.stdout.clone()),
            stderr: Output(process.stderr.clone()),
            process,
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
        self.process.id()
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }
}

/// What a stream of a process has said so far; a thread reads it, so that the process never waits. Clones are the same.
#[derive(Clone, Debug)]
pub struct Output(process::Output);

impl Output {
    /// Waits until `find` finds something in all that was said so far, whole lines only.
    ///
    /// # Panics
    ///
    /// When it finds nothing in time, or the stream has ended.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.0.wait_for(what, find)
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
        self.0.so_far()
    }

    /// All that was said, once the stream has ended.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    #[must_use]
    pub fn whole(&self) -> String {
        self.0.whole()
    }
}
