//! `plainws why`: each question has an answer, and whatever an answer names is there.

use crate::support::bytes::BOTH;
use crate::support::golden;
use crate::support::program::Program;
use crate::support::run::{check_fit_for_a_terminal, run, run_with};
use plainws::{Role, Rule};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

/// How many questions there are.
pub(crate) const QUESTIONS: u8 = 60;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn questions() -> Vec<Value> {
    let run = run(&["why", "--json"]);
    assert_eq!((run.code, &*run.stderr), (0, ""));
    let json: Value = serde_json::from_str(&run.stdout).expect("it is JSON");
    json["questions"].as_array().expect("a list").clone()
}

/// A member that is text.
#[track_caller]
fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {of}"))
}

fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], |list| list)
}

#[track_caller]
fn check_place(place: &Value) {
    let (file, function) = (text(place, "file"), text(place, "function"));
    let code = read(file);
    let is_there = ["(", "<"]
        .iter()
        .any(|after| code.contains(&format!("fn {function}{after}")));
    assert!(is_there, "{file} has no fn {function}");
}

mod the_list {
    use super::*;

    #[test]
    fn has_each_question_once_by_topic() {
        let run = run(&["why"]);
        assert_eq!((run.code, &*run.stderr), (0, ""));
        check_fit_for_a_terminal(&run.stdout);
        let numbers = run
            .stdout
            .lines()
            .filter_map(|line| line.get(..3)?.trim().parse().ok());
        let mut numbers: Vec<u8> = numbers.collect();
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(1..=QUESTIONS));
        golden::check("why/list.txt", &run.stdout);
    }

    #[test]
    fn is_searched_by_words_that_begin_like_those_sought() {
        for (sought, numbers) in [
            (&["mask", "client"][..], &[17][..]),
            (&["MASKS"], &[19]),
            (&["cache", "poison"], &[]),
            (&["forged", "cache"], &[17]),
            (&["1006"], &[43, 46, 56]),
            (&["#17"], &[17]),
        ] {
            let run = run(&[&["why"], sought].concat());
            if numbers.is_empty() {
                assert_eq!((run.code, &*run.stdout), (2, ""), "{sought:?}");
                continue;
            }
            assert_eq!(run.code, 0, "{sought:?}: {}", run.stderr);
            let first = |number: &u8| {
                run.stdout.starts_with(&format!("{number}. "))
                    || run
                        .stdout
                        .lines()
                        .any(|line| line.starts_with(&format!("{number:>3}  ")))
            };
            assert!(numbers.iter().all(first), "{sought:?}: {}", run.stdout);
        }
    }

    #[test]
    fn has_examples_in_its_help_that_find_something() {
        let help = run(&["why", "--help"]).stdout;
        let (_, examples) = help.split_once("Examples:").expect("there are some");
        for example in examples.lines().filter(|line| !line.is_empty()) {
            let words: Vec<_> = example.split_whitespace().skip(1).collect();
            assert_eq!(run(&words).code, 0, "{example}");
        }
    }

    #[test]
    fn says_what_comes_near_where_nothing_is_found() {
        let numbers = format!("they go from 1 to {QUESTIONS}");
        for (sought, told) in [
            (&*(QUESTIONS + 1).to_string(), &*numbers),
            ("999", &numbers),
            ("fragmnts", "fragments"),
            ("zzzzz", "plainws why lists them"),
        ] {
            let run = run(&["why", sought]);
            assert_eq!((run.code, &*run.stdout), (2, ""), "{sought}");
            assert_eq!(run.stderr.lines().count(), 1);
            assert!(run.stderr.contains(told), "{}", run.stderr);
        }
    }
}

mod each_answer {
    use super::*;

    #[test]
    fn fits_a_terminal() {
        for question in questions() {
            let number = question["n"].to_string();
            let run = run(&["why", &number]);
            assert_eq!((run.code, &*run.stderr), (0, ""), "{number}");
            check_fit_for_a_terminal(&run.stdout);
        }
    }

    #[test]
    fn is_short() {
        for question in questions() {
            let number = &question["n"];
            assert!(text(&question, "question").contains('?'), "{number}");
            let paragraphs: Vec<_> = list(&question["answer"])
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let answer = paragraphs.join(" ");
            let words = answer.split_whitespace().count();
            assert!((20..=110).contains(&words), "{number}: {words} words");
            assert!(answer.ends_with('.') && !answer.contains("  "), "{number}");
        }
    }

    #[test]
    fn names_a_section_that_there_is() {
        for question in questions() {
            let section = text(&question, "section");
            let is_there = OF_OTHERS.contains(&section) || is_of_rfc_6455(section);
            assert!(is_there, "{}: {section}", question["n"]);
        }
    }

    const OF_OTHERS: [&str; 4] = ["RFC 9110 7.8", "RFC 9112 2.1", "RFC 8441 5", "RFC 7692 6"];

    /// How many subsections each section of RFC 6455 has.
    fn is_of_rfc_6455(section: &str) -> bool {
        const SUBSECTIONS: [u32; 14] = [9, 1, 0, 4, 8, 2, 4, 1, 2, 8, 9, 0, 0, 2];
        const DEEPER: [(&str, u32); 8] = [
            ("4.2", 2),
            ("5.5", 3),
            ("7.1", 7),
            ("7.2", 3),
            ("7.4", 2),
            ("11.1", 2),
            ("11.3", 5),
            ("11.6", 0),
        ];
        let parts: Option<Vec<u32>> = section.split('.').map(|part| part.parse().ok()).collect();
        match parts.as_deref() {
            Some([section]) => (1..=14).contains(section),
            Some([section, of]) => {
                let most = SUBSECTIONS.get(*section as usize - 1);
                most.is_some_and(|most| (1..=*most).contains(of))
            }
            Some([one, two, three]) => {
                let above = format!("{one}.{two}");
                DEEPER
                    .iter()
                    .any(|(name, most)| *name == above && (1..=*most).contains(three))
            }
            _ => false,
        }
    }

    #[test]
    fn names_code_that_is_there() {
        let mut without = Vec::new();
        for question in questions() {
            match &question["place"] {
                Value::Null => without.push(question["n"].clone()),
                place => check_place(place),
            }
        }
        assert_eq!(without.len(), 0, "{without:?}");
    }

    #[test]
    fn links_to_what_the_lab_has() {
        for question in questions() {
            let links = list(&question["links"]);
            assert!(!links.is_empty(), "{}", question["n"]);
            for link in links {
                check_fragment(text(link, "to"));
                assert!(!text(link, "text").is_empty());
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn has_a_command_that_ends_as_it_says() {
        let server = Program::serve(&[]);
        let port = format!(":{}/", server.address.port());
        let commands = questions().into_iter().filter_map(|question| {
            let line = question["try"].as_str()?.replace(":8000/", &port);
            Some((line, question["exit"].as_i64()))
        });
        let commands: BTreeSet<_> = commands.collect();
        assert!(commands.len() > 40);
        // Some take a second to see that nothing more comes.
        let commands = Vec::from_iter(commands);
        thread::scope(|scope| {
            for some in commands.chunks(commands.len().div_ceil(4)) {
                scope.spawn(move || some.iter().for_each(check_command));
            }
        });
    }

    #[cfg(unix)]
    #[track_caller]
    fn check_command((line, exit): &(String, Option<i64>)) {
        // As if the program were installed; its own name stays visible in what is run.
        let script = format!("plainws() {{ \"$PROGRAM\" \"$@\"; }}; {line}");
        let ended = Command::new("sh")
            .args(["-c", &script])
            .env("PROGRAM", env!("CARGO_BIN_EXE_plainws"))
            .output()
            .expect("a shell");
        let code = ended.status.code().map(i64::from);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(code, *exit, "{line}: {said}");
    }

    #[test]
    fn is_printed_like_this() {
        for number in ["3", "17", "34"] {
            golden::check(&format!("why/{number}.txt"), &run(&["why", number]).stdout);
        }
    }
}

/// A fragment of the lab's address, such as "#break/mask-missing/server".
#[track_caller]
fn check_fragment(fragment: &str) {
    let page = |name: &str| read(&format!("src/app/lab/pages/{name}.js"));
    let parts: Vec<_> = fragment
        .strip_prefix('#')
        .expect("a fragment")
        .split('/')
        .collect();
    let is_there = match parts[..] {
        [
            "watch" | "break" | "cut" | "close" | "cost" | "build" | "handshake" | "rules"
            | "questions",
        ] => true,
        ["watch", field] => fields().contains_key(field),
        ["break", id] => rule(id).is_some(),
        ["break", id, "server"] => {
            rule(id).is_some_and(|rule| rule.example(Role::Server).is_some())
        }
        ["cut", preset] => page("cut").contains(&format!("\n  {preset}: {{")),
        ["close", cause] => page("causes").contains(&format!("id: '{cause}'")),
        ["handshake", topic] => page("handshake").contains(&format!("id: 'handshake-{topic}'")),
        ["build" | "tour", number] => number
            .parse()
            .is_ok_and(|number: u8| (1..=10).contains(&number)),
        ["questions", number] => number
            .parse()
            .is_ok_and(|number: u8| (1..=QUESTIONS).contains(&number)),
        _ => false,
    };
    assert!(is_there, "the lab has no {fragment}");
}

fn rule(id: &str) -> Option<Rule> {
    Rule::ALL.iter().copied().find(|rule| rule.id() == id)
}

/// What the lab's page is told about the fields.
fn fields() -> &'static serde_json::Map<String, Value> {
    static FIELDS: OnceLock<Value> = OnceLock::new();
    let fields = FIELDS.get_or_init(|| {
        let server = Program::serve(&["--quiet"]);
        let mut raw = server.connect();
        raw.send("GET /lab/questions.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let json: Value = serde_json::from_str(raw.response().text()).expect("it is JSON");
        let numbers = list(&json["questions"])
            .iter()
            .map(|question| question["n"].as_u64());
        assert_eq!(BTreeSet::from_iter(numbers).len(), usize::from(QUESTIONS));
        json["fields"].clone()
    });
    fields.as_object().expect("an object")
}

fn is_number_of_a_question(number: &Value) -> bool {
    number
        .as_u64()
        .is_some_and(|number| (1..=QUESTIONS.into()).contains(&number))
}

mod the_fields {
    use super::*;

    #[test]
    fn are_all_that_frames_have() {
        let mut names = BTreeSet::new();
        let longer = [
            "82 7e 01 2c",
            "82 7f 00 00 00 00 00 01 00 00",
            "88 05 03 e8 62 79 65",
        ];
        let longer = longer.map(|hex| run(&["decode", "--json", hex]).stdout);
        let rules = Rule::ALL.iter().filter(|rule| rule.close_code().is_some());
        let examples = rules.flat_map(|rule| BOTH.map(|role| rule.example(role)));
        let examples = examples
            .flatten()
            .map(|bytes| run_with(&["decode", "--json", "--raw"], bytes).stdout);
        for json in examples.chain(longer) {
            let json: Value = serde_json::from_str(&json).expect("it is JSON");
            let frames = list(&json["frames"]).iter();
            let spans = frames.flat_map(|frame| list(&frame["spans"]));
            names.extend(spans.map(|span| text(span, "name").to_owned()));
        }
        assert_eq!(names, fields().keys().cloned().collect());
    }

    #[test]
    fn name_questions_and_code_that_are_there() {
        for (name, field) in fields() {
            check_place(&field["place"]);
            let questions = list(&field["questions"]);
            assert!(!questions.is_empty(), "{name}");
            assert!(questions.iter().all(is_number_of_a_question), "{name}");
            assert!(
                ["control", "key", "length", "payload", "code"].contains(&text(field, "class"))
            );
        }
    }
}

mod the_tour {
    use super::*;

    /// What stands between two texts.
    fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once(after)?.0)
    }

    #[test]
    fn has_ten_steps_and_what_each_names_is_there() {
        let steps = read("src/app/lab/pages/steps.js");
        let steps: Vec<_> = steps
            .lines()
            .filter(|line| line.trim_start().starts_with("title: "))
            .collect();
        assert_eq!(steps.len(), 10);
        for step in steps {
            let part = |before, after| {
                between(step, before, after).unwrap_or_else(|| panic!("{before} in {step}"))
            };
            check_fragment(&format!("#{}", part("bench: '", "'")));
            check_fragment(&format!("#{}", part("breaks: '", "'")));
            let number = part("question: ", ",");
            assert!(
                number
                    .parse()
                    .is_ok_and(|number: u8| (1..=QUESTIONS).contains(&number)),
                "{step}"
            );
            let (file, function) = part("place: ['", "']").split_once("', '").expect("two");
            check_place(&serde_json::json!({"file": file, "function": function}));
        }
    }
}
