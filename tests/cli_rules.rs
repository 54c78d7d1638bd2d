//! `plainws rules`, and that the rules are complete: each with all that it needs.

use crate::support::bytes::BOTH;
use crate::support::run::{check_fit_for_a_terminal, run, run_with};
use plainws::Rule;
use plainws::protocol::rule::Answer;
use std::fs;
use std::path::{Path, PathBuf};

fn at_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(at_root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_table_has_a_row_for_each() {
    let run = run(&["rules"]);
    assert_eq!(run.code, 0);
    check_fit_for_a_terminal(&run.stdout);
    let rows: Vec<_> = run.stdout.lines().skip(1).take(Rule::ALL.len()).collect();
    for (rule, row) in Rule::ALL.iter().zip(rows) {
        assert!(
            row.starts_with(rule.id()) && row.contains(rule.section().0),
            "{row}"
        );
        let answer = match rule.answer() {
            Answer::Close(code) => format!("Close {}", code.0),
            Answer::Status(status) => format!("HTTP {status}"),
            _ => "leave".into(),
        };
        assert!(row.contains(&answer), "{row}");
    }
}

#[test]
fn each_has_section_clause_bytes_answer_golden_code_and_test() {
    for rule in Rule::ALL {
        let id = rule.id();
        let run = run(&["rules", id]);
        assert_eq!((run.code, &*run.stderr), (0, ""), "{id}");
        check_fit_for_a_terminal(&run.stdout);
        let text = &run.stdout;
        let words: Vec<_> = text.split_whitespace().collect();
        let beginning = format!("{id} rule {} section ", rule.clause());
        assert!(words.join(" ").starts_with(&beginning), "{text}");
        let section = rule.section();
        assert!(text.contains(&format!("{section}, https://")), "{id}");

        let line = |label: &str| {
            let line = text.lines().find(|line| line.starts_with(label));
            line.unwrap_or_else(|| panic!("{id} has no {label}"))
                .to_owned()
        };
        assert!(line("answer").len() > "answer   ".len());
        check_code(*rule, &line("judged"));
        check_test(text);

        let bound: Vec<_> = BOTH
            .into_iter()
            .filter(|&role| rule.example(role).is_some())
            .collect();
        assert!(!bound.is_empty());
        for role in bound {
            let verdict = format!("({id})");
            let golden = read(&format!("tests/golden/rules/{id}.{}.txt", role.name()));
            assert!(golden.contains(&verdict));
            assert!(text.contains(&format!("A {} breaks it like this:", role.name())));
        }
    }
}

/// "judged   src/protocol/frame.rs, fn decode": the function is there, and so is the rule's name.
fn check_code(rule: Rule, line: &str) {
    let (path, function) = line["judged".len()..]
        .split_once(", fn ")
        .expect("path and function");
    let code = read(path.trim());
    assert!(code.contains(&format!("fn {function}")), "{line}");
    assert!(code.contains(&format!("Rule::{rule:?}")), "{line}");
}

/// "tested   tests/frame.rs," and the test's name in the next line.
fn check_test(text: &str) {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("tested"));
    let path = lines.next().unwrap_or_default()["tested".len()..].trim();
    let test = lines.next().unwrap_or_default().trim();
    let code = read(path.trim_end_matches(", fn"));
    assert!(code.contains(&format!("fn {test}()")), "{path} {test}");
    // That one is about all rules.
    assert_ne!(test, "however_its_bytes_are_cut", "a test of its own");
}

#[test]
fn each_gives_its_bytes() {
    for &rule in Rule::ALL {
        for role in BOTH {
            let run = run(&["rules", rule.id(), "--raw", role.name()]);
            match rule.example(role) {
                Some(bytes) => assert_eq!((run.code, &run.bytes[..]), (0, bytes)),
                None => assert_eq!((run.code, run.bytes.len()), (2, 0)),
            }
        }
    }
}

#[test]
fn the_commands_that_are_shown_give_the_rule() {
    for rule in Rule::ALL {
        let text = run(&["rules", rule.id()]).stdout;
        let commands: Vec<_> = text.split("\n  $ ").skip(1).collect();
        assert!(!commands.is_empty());
        for command in commands {
            let (command, _) = command.split_once("\n\n").expect("an empty line after it");
            let words: Vec<_> = command.split_whitespace().collect();
            let mut bytes = Vec::new();
            let mut code = 0;
            for part in words.split(|word| *word == "|") {
                assert_eq!(part[0], "plainws");
                let run = run_with(&part[1..], &bytes);
                (bytes, code) = (run.bytes, run.code);
            }
            let verdict = String::from_utf8(bytes).expect("it is text");
            assert!(verdict.contains(&format!("({})", rule.id())), "{command}");
            assert_eq!(code, 1);
        }
    }
}

#[test]
fn one_that_does_not_exist_is_wrong_use_and_its_neighbours_are_named() {
    let near = run(&["rules", "mask"]);
    assert_eq!(near.code, 2);
    assert!(
        near.stderr.contains("mask-missing, mask-present"),
        "{}",
        near.stderr
    );
    assert_eq!(run(&["rules", "zzz"]).code, 2);
    assert_eq!(run_with(&["rules", "--raw", "client"], b"").code, 2);
}
