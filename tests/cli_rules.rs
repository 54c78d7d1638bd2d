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
            let words = command.split_whitespace();
            // As a shell reads it.
            let words: Vec<_> = words.map(|word| word.trim_matches('\'')).collect();
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

/// The rows of the table that a search shows.
fn found(sought: &[&str]) -> Vec<String> {
    let run = run(&[&["rules"], sought].concat());
    assert_eq!((run.code, &*run.stderr), (0, ""), "{sought:?}");
    check_fit_for_a_terminal(&run.stdout);
    let rows = run.stdout.lines().skip(1).take_while(|row| !row.is_empty());
    let ids = rows.map(|row| row.split(' ').next().unwrap_or_default().to_owned());
    ids.collect()
}

fn ids(is_it: impl Fn(&Rule) -> bool) -> Vec<&'static str> {
    Rule::ALL
        .iter()
        .filter(|rule| is_it(rule))
        .map(|rule| rule.id())
        .collect()
}

#[test]
fn those_of_a_section_are_found_with_its_subsections() {
    let in_5_5 = [
        "control-fragmented",
        "control-too-long",
        "close-body-one-byte",
        "close-reason-not-utf8",
    ];
    for sought in [
        &["5.5"][..],
        &["§5.5"],
        &["section 5.5"],
        &["RFC", "6455", "5.5"],
        &["rfc6455 §5.5"],
    ] {
        assert_eq!(found(sought), in_5_5, "{sought:?}");
    }
    assert_eq!(found(&["5.5.1"]), in_5_5[2..]);
    // 5.5 of other RFCs is named with them, and 1 is not the beginning of 10.
    assert_eq!(found(&["10"]), ids(|rule| rule.section().0 == "10.4"));
    assert_eq!(run(&["rules", "1"]).code, 2);
    assert_eq!(
        found(&["RFC 9110"]),
        ids(|rule| rule.section().0.starts_with("RFC 9110 "))
    );
    let one = run(&["rules", "RFC 9112 2.2"]);
    assert!(
        one.stdout.starts_with("head-line-ending\n"),
        "{}",
        one.stdout
    );
    for rule in Rule::ALL {
        let section = rule.section().0;
        let run = run(&["rules", section]);
        assert!(
            run.stdout.contains(rule.id()),
            "{section} shows {}",
            rule.id()
        );
    }
}

#[test]
fn those_that_are_answered_alike_are_found_by_the_answer() {
    for code in [1002, 1007, 1009] {
        let expected = ids(|rule| rule.close_code().is_some_and(|its| its.0 == code));
        for sought in [
            code.to_string(),
            format!("Close {code}"),
            format!("close {code}"),
        ] {
            assert_eq!(found(&[&sought]), expected, "{sought}");
        }
    }
    let expected = ids(|rule| rule.answer() == Answer::Status(426));
    assert_eq!(found(&["426"]), expected);
    assert_eq!(found(&["HTTP", "426"]), expected);
    for none in ["1003", "6.1"] {
        let run = run(&["rules", none]);
        assert_eq!(run.code, 2);
        for some in [none, "5.5.1, 7.4", "1002, 1007, 1009"] {
            assert!(run.stderr.contains(some), "{}", run.stderr);
        }
    }
}

#[test]
fn one_that_is_mistyped_or_named_in_words_is_guessed() {
    for (sought, near) in [
        (
            "lenght-not-minimal",
            "a similar one is length-not-minimal\n",
        ),
        ("mask-mising", "a similar one is mask-missing\n"),
        ("Close Code", "a similar one is close-code-invalid\n"),
        (
            "utf8",
            "similar ones are text-not-utf8, close-reason-not-utf8\n",
        ),
    ] {
        let run = run(&["rules", sought]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.ends_with(near), "{}", run.stderr);
    }
    let several = run(&["rules", "5.5", "--raw", "client"]);
    assert_eq!((several.code, several.bytes.len()), (2, 0));
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
