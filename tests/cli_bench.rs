//! `plainws bench` against the program's own server, and against servers that do not echo as they should.

use crate::support::program::Program;
use crate::support::run::{Run, run};
use serde_json::Value;

/// A short run against `url`; the object that it prints.
fn bench(url: &str, flags: &[&str]) -> (Run, Value) {
    let short = [
        "bench",
        url,
        "--json",
        "--seconds",
        "0.2",
        "--warm-up",
        "0.05",
    ];
    let run = run(&[&short, flags].concat());
    let object = serde_json::from_str(&run.stdout);
    let object = object.unwrap_or_else(|_| panic!("no JSON in {run:?}"));
    (run, object)
}

fn number(object: &Value, name: &str) -> u64 {
    object[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name} in {object}"))
}

#[test]
fn a_server_that_echoes_is_measured() {
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
        assert!(number(&object, "messages") > 0, "{flags:?}: {object}");
        assert_eq!(object["errors"], serde_json::json!({}), "{flags:?}");
        assert_eq!(number(&object, "lost"), 0, "{flags:?}");
    }
}
