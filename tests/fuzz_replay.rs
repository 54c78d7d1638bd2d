//! What the fuzzer starts from and what it once found, judged by the same oracles, without the fuzzer.

use oracles::product::Plainws;
use oracles::{ORACLES, TARGETS, coverage, explain, seeds, watch};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of `folder/TARGET/`, by their path in it; a target may have none.
fn files(name: &str) -> BTreeMap<(&'static str, String), Vec<u8>> {
    let mut files = BTreeMap::new();
    for target in TARGETS {
        let Ok(entries) = fs::read_dir(folder(name).join(target.name)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("the folder can be listed");
            let file = entry.file_name().into_string().expect("names are text");
            let input = fs::read(entry.path()).expect("the file can be read");
            files.insert((target.name, file), input);
        }
    }
    files
}

/// Under the time and memory that an input may take, so that one that hangs fails by its name.
fn judge(name: &str) {
    for ((target, file), input) in files(name) {
        let target = oracles::Target::named(target).expect("listed by its name");
        if let Err(finding) = watch::judge(target, Plainws, &input) {
            panic!("{name}/{}/{file}: {finding}", target.name);
        }
    }
}

#[test]
fn no_oracle_fires_at_a_seed() {
    judge("fuzz/seeds");
}

#[test]
fn no_oracle_fires_at_what_was_found_before() {
    judge("tests/regressions");
}

/// A misspelt name would judge nothing. The two that need a clock have no target.
#[test]
fn each_oracle_without_a_clock_judges_for_a_target_and_each_name_there_is_an_oracle() {
    let readings = TARGETS.iter().flat_map(|target| target.readings);
    let named: BTreeSet<_> = readings.flat_map(|reading| reading.oracles).collect();
    let oracles = ORACLES.iter().filter(|oracle| !oracle.is_clocked());
    let oracles: BTreeSet<_> = oracles.map(|oracle| &oracle.name).collect();
    assert_eq!(named, oracles);
}

#[test]
fn what_would_be_kept_for_another_target_is_not_forgotten() {
    let names = TARGETS.iter().map(|target| target.name);
    let names: BTreeSet<_> = names.chain(crate::paste_replay::TARGETS).collect();
    let entries = fs::read_dir(folder("tests/regressions"));
    for entry in entries.into_iter().flatten() {
        let entry = entry.expect("the folder can be listed").file_name();
        let target = entry.to_str().expect("names are text");
        assert!(names.contains(target), "nothing replays {target}");
    }
}

#[test]
fn every_seed_can_be_explained() {
    for ((target, file), input) in files("fuzz/seeds") {
        let shown = explain::explain(target, None, &input, |line| {
            assert!(!line.is_empty() && !line.contains('\n'));
        });
        let is_text = matches!(
            target,
            "utf8"
                | "host"
                | "origin"
                | "url"
                | "path"
                | "chunks"
                | "proxy"
                | "proxy-header"
                | "forwarded"
        );
        let has_bytes = !is_text && target != "mask";
        assert_eq!(shown.is_some(), has_bytes, "{target}/{file}");
    }
}

#[test]
fn pings_are_explained_as_they_are_judged_for_both_roles() {
    for role in [0, 1] {
        // The role, the key, which a client's peer does not use, and the length.
        explain::explain("resource", Some("queue"), &[role, 5, 7], |line| {
            assert!(line.contains(" pings of 7 bytes"), "{line}");
        });
    }
}

#[test]
fn the_seeds_are_those_that_the_rule_table_gives() {
    let expected = seeds::all().into_iter();
    let expected = expected.map(|seed| ((seed.target, seed.name), seed.input));
    assert!(
        files("fuzz/seeds") == expected.collect(),
        "run `fuzz/run seeds` to write the seeds anew"
    );
}

#[test]
fn the_seeds_reach_every_rule_event_length_form_and_change_of_state_in_both_roles() {
    let seeds = files("fuzz/seeds");
    let reached = seeds
        .iter()
        .flat_map(|((target, _), input)| coverage::of(target, input));
    let reached: BTreeSet<String> = reached.collect();
    let missing: Vec<_> = coverage::everything()
        .difference(&reached)
        .cloned()
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// What the oracles say of the dissector, of the program that shows what it says.
#[cfg(feature = "cli")]
#[test]
fn no_seed_makes_the_program_print_a_control_character_or_broken_json() {
    use crate::support::run::run_with;
    use oracles::stream::Stream;

    for ((target, file), input) in files("fuzz/seeds") {
        if !matches!(target, "stream" | "dissect") {
            continue;
        }
        let Stream { sender, wire, .. } = Stream::from_input(&input);
        let decode = ["decode", "--raw", "--all", "--role", sender.name()];
        let shown = run_with(&decode, &wire).stdout;
        let lines = shown.lines();
        assert!(
            !lines.flat_map(str::chars).any(char::is_control),
            "{file}: {shown:?}"
        );
        let json = run_with(&[&decode[..], &["--json"]].concat(), &wire).stdout;
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&json);
        assert!(parsed.is_ok(), "{file}: {json}");
    }
}
