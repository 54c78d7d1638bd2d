//! The parser in Python, judged as a child process; and children that die, hang or babble.
//!
//! Without Python that is not tested, which is said aloud. `PLAINWS_PYTHON=required` makes that a failure.

use oracles::child::{Child, Lost};
use oracles::report::{Group, Outcome};
use oracles::shown::Shown;
use oracles::subject::{Each, Seen, Subject};
use plainws::Role;
use plainws::protocol::message::Limits;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/parser.py");

fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").output();
    let is_there = version.is_ok_and(|version| version.status.success());
    let is_required = env::var_os("PLAINWS_PYTHON").is_some_and(|value| value == "required");
    assert!(is_there || !is_required, "python3 is required");
    if !is_there {
        // Past the capture of the test's output.
        drop(writeln!(
            std::io::stderr(),
            "not tested: there is no python3"
        ));
    }
    is_there
}

fn python(script: &str) -> Result<Child, Lost> {
    Child::with_patience(["python3", "-c", script], Duration::from_secs(20))
}

/// What is found at a parser, for each oracle that fires.
fn found(child: &Child) -> Vec<(&'static str, Vec<Group>)> {
    let rows = oracles::report(child).filter_map(|row| match row.outcome {
        Outcome::Fired { groups, .. } => Some((row.oracle, groups)),
        _ => None,
    });
    rows.collect()
}

#[test]
fn no_oracle_fires_at_the_parser_in_python() {
    if has_python() {
        let child = Child::new(["python3", PARSER]).expect("it answers");
        assert_eq!(child.judges(), Each::Message);
        assert_eq!(found(&child), []);
    }
}

#[test]
fn a_mistake_in_python_is_found_and_made_small() {
    if !has_python() {
        return;
    }
    let source = fs::read_to_string(Path::new(PARSER)).expect("it is there");
    let mistaken = source.replace("data[0] & 0x70 == 0", "True");
    assert_ne!(mistaken, source);
    let found = found(&python(&mistaken).expect("it answers"));
    let [("reference", groups)] = &found[..] else {
        panic!("{found:?}");
    };
    let [group] = &groups[..] else {
        panic!("{groups:?}");
    };
    assert_eq!(group.at_stake, "rsv-not-zero (§5.2)");
    assert!(group.input.len() < 10, "{group}");
    let command = group.shown.as_ref().and_then(Shown::command);
    let command = command.expect("it fits a line");
    assert!(command.starts_with("plainws decode --role "), "{command}");
}

#[test]
fn a_child_that_dies_says_so_and_is_started_again() {
    if !has_python() {
        return;
    }
    let source = fs::read_to_string(Path::new(PARSER)).expect("it is there");
    let mortal = source.replace("AssertionError, UnicodeDecodeError", "UnicodeDecodeError");
    let child = python(&mortal).expect("it answers");
    let mut rows = oracles::report(&child);
    let outcome = rows.next().expect("an oracle").outcome;
    let Outcome::Fired { groups, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let what = &groups[0].what;
    assert!(what.contains("dies"), "{what}");
    assert!(what.contains("last words: \"AssertionError\""), "{what}");
    let mut reader = child.reader(Role::Client, Limits::default());
    let seen = reader.read(&mut b"\x89\x80\0\0\0\0".to_vec());
    assert_eq!(seen, [Seen::Ping(Vec::new())]);
}

/// What is said of a child that opens, and does this when it is told to read.
fn lost(reading: &str) -> String {
    let script = format!(
        "import sys, time\nfor line in sys.stdin:\n  if line.startswith('read'):\n    {reading}\n  print('done', flush=True)"
    );
    let child = ["python3", "-c", &script];
    // Long enough to start, as it must not be lost before.
    let child = Child::with_patience(child, Duration::from_secs(2)).expect("it opens");
    let mut reader = child.reader(Role::Client, Limits::default());
    let read = panic::catch_unwind(AssertUnwindSafe(|| reader.read(&mut [0x81])));
    let lost = read.expect_err("nothing can be seen");
    lost.downcast_ref::<Lost>().expect("it is lost").0.clone()
}

#[test]
fn a_child_that_hangs_babbles_or_floods_is_given_up() {
    if has_python() {
        for (reading, said) in [
            ("time.sleep(1000)", "does not answer in time"),
            (
                "while True: print('ping', flush=True)",
                "does not answer in time",
            ),
            (
                "while True: sys.stdout.write('a')",
                "does not answer in time",
            ),
            ("print('pung 81')", "answers \"pung 81\""),
            ("print('text ff')", "answers \"text ff\""),
            ("print('failed so-what')", "answers \"failed so-what\""),
            ("sys.exit(3)", "dies"),
        ] {
            let lost = lost(reading);
            assert!(lost.contains(said), "{reading}: {lost}");
        }
    }
}
