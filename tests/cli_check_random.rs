//! `plainws check --random` and `--replay`, with servers that do something wrong.

use crate::support::hand_made::switching;
use crate::support::raw::{Raw, accept};
use crate::support::run::check_fit_for_a_terminal;
use crate::support::server::{echo, start};
use plainws::{Message, WebSocket};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The first file that a failure is saved in.
const SAVED: &str = "plainws-check-failure.txt";

/// Sends text of two bytes and more back without the last character.
fn cut(ws: &mut WebSocket) -> plainws::Result<()> {
    while let Some(message) = ws.receive()? {
        match message {
            Message::Text(text) => {
                let end = text.char_indices().next_back().map_or(0, |(at, _)| at);
                ws.send(if end > 0 { &text[..end] } else { &text })?;
            }
            message => ws.send(message)?,
        }
    }
    Ok(())
}

/// A directory of its own.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("random-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory can be made");
    path
}

/// `plainws check` there: its exit code, what it prints and what it says.
fn check(directory: &Path, server: SocketAddr, options: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plainws"));
    command.current_dir(directory).stdin(Stdio::null());
    command
        .args(["check", &format!("ws://{server}/")])
        .args(options);
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    let code = output.status.code().expect("it ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn what_fails_is_made_small_saved_and_fails_again() {
    let server = start(|server| server.route("/", cut));
    let there = directory("small");
    fs::write(there.join(SAVED), "of somebody else").expect("a file can be written");
    let (code, printed, said) = check(&there, server, &["--random", "600", "--seed", "3"]);
    assert_eq!(code, 1, "{printed}{said}");
    assert!(said.contains(" fails; it is made smaller"), "{said}");
    check_fit_for_a_terminal(&printed);
    let kept = fs::read_to_string(there.join(SAVED)).expect("it is there");
    assert_eq!(kept, "of somebody else");
    let saved = "plainws-check-failure-2.txt";
    let text = fs::read_to_string(there.join(saved)).expect("it was saved");
    assert!(text.starts_with("# plainws check: stream "), "{text}");
    assert!(text.contains(" of seed 3: text "), "{text}");
    // Two characters of two bytes each, in two fragments.
    let bytes = text.lines().filter(|line| line.starts_with('>'));
    let bytes: usize = bytes.map(|line| line.split(' ').count() - 1).sum();
    assert!(bytes <= 16, "{text}");
    let replay = format!("--replay {saved}\n");
    assert!(printed.contains(&replay), "{printed}");
    let (code, again, _) = check(&there, server, &["--replay", saved]);
    assert_eq!(code, 1, "{again}");
    assert_eq!(again.lines().nth(2), printed.lines().nth(2));
}

#[test]
fn who_is_right_is_not_accused() {
    let server = start(|server| server.route("/", echo));
    let there = directory("right");
    let (code, printed, said) = check(&there, server, &["--random", "0.5", "--timeout", "20"]);
    assert_eq!(code, 0, "{printed}{said}");
    assert!(printed.starts_with("passed: "), "{printed}");
    fs::write(there.join(SAVED), "> 81 80 00 00 00 00\n").expect("a file can be written");
    let (code, printed, _) = check(&there, server, &["--replay", SAVED]);
    assert_eq!(
        (code, &*printed),
        (0, "passed, 5 times: plainws-check-failure.txt\n")
    );
}

/// A server that answers so many handshakes, and ends each connection behind that. Then it goes, or is silent.
fn for_some(connections: usize, stays: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for _ in 0..connections {
            let mut raw = Raw::from(accept(&listener));
            let request = raw.head();
            raw.send(switching(&request));
        }
        if stays {
            // Longer than any test.
            thread::park();
        }
    });
    address
}

/// Two connections are taken before the first stream: to see that it is there, and what it does.
#[test]
fn who_breaks_is_told_apart_from_who_is_not_there() {
    for (connections, stays) in [(3, false), (3, true), (2, true)] {
        let there = directory(&format!("breaks-{connections}-{stays}"));
        let options = [
            "--random",
            "600",
            "--seed",
            "3",
            "--jobs",
            "1",
            "--timeout",
            "0.3",
        ];
        let (code, printed, said) = check(&there, for_some(connections, stays), &options);
        assert_eq!(code, 1, "{printed}{said}");
        assert!(said.contains("answers nothing any more"), "{said}");
        assert!(said.contains("--random 600 --seed 3 --jobs 1"), "{said}");
        // As it was played: nothing shows which part of it counts.
        let text = fs::read_to_string(there.join(SAVED)).expect("it was saved");
        assert!(
            text.starts_with("# plainws check: stream 0 of seed 3: "),
            "{text}"
        );
        assert!(text.len() > 100, "{text}");
    }
    let there = directory("gone");
    let (code, printed, said) = check(&there, for_some(2, false), &["--random", "600"]);
    assert_eq!((code, &*printed), (3, ""), "{said}");
    assert!(said.contains("no connection: "), "{said}");
    assert!(!there.join(SAVED).exists());
}

#[test]
fn a_file_that_is_none_is_refused_before_anything_is_sent() {
    let there = directory("damaged");
    for (text, problem) in [
        ("> 81 8\n", "line 1: "),
        ("> 81\n\n82\n", "line 3: "),
        ("", "no bytes"),
    ] {
        fs::write(there.join(SAVED), text).expect("a file can be written");
        let (code, _, said) = check(
            &there,
            SocketAddr::from(([127, 0, 0, 1], 9)),
            &["--replay", SAVED],
        );
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("{SAVED}: {problem}")), "{said}");
    }
}

#[test]
fn a_file_that_is_far_too_large_is_not_read_to_its_end() {
    let there = directory("large");
    let file = fs::File::create(there.join(SAVED)).expect("a file can be written");
    // With a hole for all of it.
    file.set_len(65 << 20).expect("a file can be long");
    let nothing = SocketAddr::from(([127, 0, 0, 1], 9));
    let (code, _, said) = check(&there, nothing, &["--replay", SAVED]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("too large for a saved stream"), "{said}");
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let there = directory("options");
    for options in [
        &["--random", "1", "--json", "file"][..],
        &["--random", "1", "--strict"],
        &["--replay", "file", "--junit", "file"],
        &["--replay", "file", "--seed", "1"],
        &["--replay", "file", "--learn"],
        &["--random", "1", "--jobs", "101"],
    ] {
        let (code, _, said) = check(&there, SocketAddr::from(([127, 0, 0, 1], 9)), options);
        assert_eq!(code, 2, "{options:?}: {said}");
    }
}

#[test]
fn a_time_that_no_clock_can_tell_is_taken_for_a_long_one() {
    let there = directory("long");
    let options = ["--random", "1e19", "--timeout", "1e19", "--jobs", "1"];
    let (code, _, said) = check(&there, for_some(2, false), &options);
    assert_eq!(code, 3, "{said}");
}
