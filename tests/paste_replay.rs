//! What the program makes of text that people paste, of addresses that they type, of captures, of queries, of
//! saved streams and of the commands of the lab, judged by the oracles of `fuzz/program` without a fuzzer.

use program_oracles::{ORACLES, inputs, judge, seeds};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The targets of the program.
pub(crate) const TARGETS: [&str; 6] = ["paste", "address", "capture", "command", "query", "saved"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(name: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder(name)).into_iter().flatten();
    let files = entries.map(|entry| {
        let entry = entry.expect("the folder can be listed");
        let file = entry.file_name().into_string().expect("names are text");
        (file, fs::read(entry.path()).expect("the file can be read"))
    });
    files.collect()
}

#[test]
fn no_oracle_fires_at_the_products_reading_of_text() {
    let fired = ORACLES.iter().filter_map(|oracle| {
        let found = inputs(oracle.target)
            .enumerate()
            .find_map(|(at, input)| Some((at, (oracle.check)(&input).err()?)));
        found.map(|(at, what)| format!("{} fired at input {}: {what:.2000}", oracle.name, at + 1))
    });
    let fired: Vec<String> = fired.collect();
    assert!(fired.is_empty(), "\n{}", fired.join("\n"));
}

#[test]
fn no_oracle_fires_at_a_seed_or_at_what_was_found_before() {
    for target in TARGETS {
        for folder in ["fuzz/seeds", "tests/regressions"] {
            for (file, input) in files(&format!("{folder}/{target}")) {
                if let Err(finding) = judge(target, &input) {
                    panic!("{folder}/{target}/{file}: {finding}");
                }
            }
        }
    }
}

#[test]
fn the_seeds_are_those_that_are_made() {
    for target in TARGETS {
        let made = seeds().into_iter().filter(|(of, ..)| *of == target);
        let made: BTreeMap<_, _> = made.map(|(_, name, input)| (name, input)).collect();
        assert!(
            files(&format!("fuzz/seeds/{target}")) == made,
            "run `fuzz/run seeds` to write the seeds anew"
        );
    }
}
