//! `plainws bench` against the program's own server, and against servers that do not echo as they should.

use crate::support::bytes::{BINARY, CLOSE, FIN, PING, TEXT, close_body, frame};
use crate::support::hand_made::{HandMade, accepting, answering, hand_made};
use crate::support::program::{Program, command, is_heeded};
use crate::support::program::{Process, run as start};
use crate::support::raw::Raw;
use crate::support::run::{Run, check_fit_for_a_terminal, run};
use plainws::Role;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

const SHORT: [&str; 4] = ["--seconds", "0.2", "--warm-up", "0.05"];

/// A short run against `url`; the object that it prints.
fn bench(url: &str, flags: &[&str]) -> (Run, Value) {
    let run = run(&[&["bench", url, "--json"], &SHORT[..], flags].concat());
    let object = serde_json::from_str(&run.stdout);
    let object = object.unwrap_or_else(|_| panic!("no JSON in {run:?}"));
    (run, object)
}

fn number(object: &Value, name: &str) -> u64 {
    let number = object[name].as_u64();
    number.unwrap_or_else(|| panic!("no {name} in {object}"))
}

mod servers_that_echo {
    use super::*;

    #[test]
    fn are_measured() {
        let program = Program::serve(&["--quiet"]);
        let url = format!("ws://{}/echo", program.address);
        for flags in [
            &["--connections", "3", "--in-flight", "2"][..],
            &["--size", "0"],
            &["--size", "1", "--text", "--in-flight", "40"],
            &["--size", "70000", "--utf8", "--in-flight", "3"],
            &["--size", "1M", "--connections", "2", "--threads", "2"],
            &["--connections", "5", "--idle", "5", "--threads", "3"],
        ] {
            let (run, object) = bench(&url, flags);
            assert_eq!((run.code, &*run.stderr), (0, ""), "{flags:?}: {object}");
            let messages = number(&object, "messages");
            assert!(messages > 0, "{flags:?}: {object}");
            assert_eq!(object["errors"], json!({}), "{flags:?}");
            assert_eq!(number(&object, "lost"), 0, "{flags:?}");
            let rows = object["latency_histogram"].as_array().expect("it is a list");
            let counted: u64 = rows.iter().map(|row| number(row, "count")).sum();
            assert_eq!(counted, messages, "{object}");
        }
    }

    #[test]
    fn get_a_close_at_the_end() {
        let server = accepting(|raw| {
            echo_until_close(raw, |frame| frame);
        });
        let (run, object) = bench(&server.url, &["--connections", "1"]);
        assert_eq!(run.code, 0, "{object}");
        server.join();
    }

    #[test]
    fn may_fragment_and_ping() {
        let server = accepting(|raw| {
            echo_until_close(raw, |frame| {
                let (first, rest) = frame.1.split_at(frame.1.len() / 3);
                raw_frames(&[
                    (PING, b"before"),
                    (frame.0 & !FIN, first),
                    (PING, b"between"),
                    (0x00, b""),
                    (FIN, rest),
                ])
            });
        });
        let (run, object) = bench(&server.url, &["--connections", "1", "--size", "9000"]);
        assert_eq!(run.code, 0, "{object}");
        assert!(number(&object, "pings") >= 2, "{object}");
        server.join();
    }
}
