//! Runs the program once: arguments and input in, exit code and output out.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) bytes: Vec<u8>,
}

/// Runs the program with nothing on standard input.
pub(crate) fn run(args: &[&str]) -> Run {
    run_with(args, b"")
}

/// Runs the program with these bytes on standard input.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Run {
    run_by(
        Command::new(env!("CARGO_BIN_EXE_plainws")).args(args),
        input,
    )
}

/// The same with these variables, and no others that name a proxy.
pub(crate) fn run_under(environment: &[(&str, &str)], args: &[&str], input: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plainws"));
    for name in [
        "http_proxy",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ] {
        command.env_remove(name);
    }
    run_by(command.envs(environment.iter().copied()).args(args), input)
}

fn run_by(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // Beside the reading, or both sides could wait for a full pipe.
    let writer = std::thread::spawn(move || {
        // A program that does not read its input closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it has written");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap_or_default();
    Run {
        code: output.status.code().expect("it was not killed"),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        bytes: output.stdout,
    }
}

/// Two digits a byte, a space between.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Nothing that a terminal would obey, and no line that it would break.
pub(crate) fn check_fit_for_a_terminal(text: &str) {
    for line in text.lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.chars().count() <= 80, "{line:?}");
        assert!(!line.ends_with(' '), "{line:?}");
    }
}
