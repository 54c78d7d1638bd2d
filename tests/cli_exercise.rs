//! `plainws exercise`, and the commands that describe the program.

use crate::support::run::{run, run_with};

/// What a person would answer, worked out by hand from the RFC.
const ANSWERS: [&str; 10] = [
    "ping",
    "300",
    "Ok",
    "2",
    "1001",
    "8",
    "length-not-minimal 3",
    "message-interleaved 6",
    "text-not-utf8 10",
    "GUID",
];

mod exercise {
    use super::*;

    #[test]
    fn takes_the_right_answers_and_no_others() {
        for (i, answer) in ANSWERS.iter().enumerate() {
            let number = (i + 1).to_string();
            let right = run(&["exercise", &number, "--answer", answer]);
            assert_eq!(right.code, 0, "{number}: {}", right.stdout);
            for wrong in ANSWERS.iter().filter(|other| *other != answer) {
                let wrong = run(&["exercise", &number, "--answer", wrong]);
                assert_eq!(wrong.code, 1, "{number}: {}", wrong.stdout);
            }
        }
    }

    #[test]
    fn takes_answers_as_people_write_them() {
        for (number, answer) in [
            ("1", " PING "),
            ("2", "0x12c"),
            ("3", "\"ok\""),
            ("7", "length-not-minimal, 3"),
            ("7", "length-not-minimal at offset 3"),
            // The frame's first byte has the opcode, and its second ends the header.
            ("8", "message-interleaved 5"),
            ("10", "no GUID"),
        ] {
            assert_eq!(
                run(&["exercise", number, "--answer", answer]).code,
                0,
                "{answer}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong_and_which_half_is_right() {
        for (number, answer, fault) in [
            ("1", "pong", "it is not \"pong\"."),
            ("1", "\u{1b}[31m", "it is not \"\\u{1b}[31m\"."),
            ("2", "126", "it is not 126."),
            ("2", "many", "the answer is a number."),
            (
                "7",
                "length-not-minimal 4",
                "the rule is right, but not the offset.",
            ),
            (
                "7",
                "length-not-minimal",
                "the rule is right, but not the offset.",
            ),
            (
                "7",
                "mask-missing 3",
                "the offset is right, but not the rule.",
            ),
            ("7", "3", "the offset is right, but not the rule."),
            (
                "7",
                "mask-missing 4",
                "neither the rule nor the offset is right.",
            ),
        ] {
            let wrong = run(&["exercise", number, "--answer", answer]);
            assert_eq!(wrong.code, 1, "{answer}");
            let ending = format!("   Wrong: {fault}\n");
            assert!(wrong.stdout.ends_with(&ending), "{}", wrong.stdout);
        }
    }

    #[test]
    fn asks_all_ten_and_shows_progress() {
        let all = run_with(&["exercise"], (ANSWERS.join("\n") + "\n").as_bytes());
        assert_eq!((all.code, &*all.stderr), (0, ""));
        assert!(all.stdout.ends_with("[##########] 10 of 10 solved\n"));
        let some = run_with(&["exercise"], b"pong\nping\nhint\nskip\nOk\nquit\n");
        assert_eq!(some.code, 1);
        assert!(some.stdout.contains("Wrong: it is not \"pong\"."));
        assert!(some.stdout.contains("Hint: "));
        assert!(some.stdout.contains("The answer was: 300"));
        assert!(
            some.stdout.ends_with("[#.#.......] 2 of 10 solved\n"),
            "{}",
            some.stdout
        );
    }

    #[test]
    fn shows_hints_only_when_asked() {
        for number in 1..=10 {
            let number = number.to_string();
            assert!(!run(&["exercise", &number]).stdout.contains("Hint"));
            let hint = run(&["exercise", &number, "--hint"]).stdout;
            assert!(hint.contains("Hint"));
            for line in hint.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn remembers_only_when_asked() {
        let path = std::env::temp_dir().join(format!("plainws-exercise-{}", std::process::id()));
        let file = path.to_str().expect("a path in UTF-8");
        let first = run_with(&["exercise", "--save", file], b"ping\n300\n");
        assert!(
            first.stdout.ends_with("[##........] 2 of 10 solved\n"),
            "{}",
            first.stdout
        );
        let second = run_with(&["exercise", "--save", file], b"Ok\n");
        assert!(!second.stdout.contains("1. The opcode"));
        assert!(
            second.stdout.ends_with("[###.......] 3 of 10 solved\n"),
            "{}",
            second.stdout
        );
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is there"),
            "1\n2\n3\n"
        );
        std::fs::remove_file(&path).expect("it can be removed");
    }

    #[test]
    fn a_seed_makes_other_questions_each_time_the_same() {
        let answers = "close\n29780\ncat\n1\n1008\n120\nlength-not-minimal 6\n\
            continuation-unexpected 7\ntext-not-utf8 13\nGUID\n";
        let all = run_with(&["exercise", "--seed", "7"], answers.as_bytes());
        assert_eq!((all.code, &*all.stderr), (0, ""), "{}", all.stdout);
        assert!(all.stdout.ends_with("[##########] 10 of 10 solved\n"));
        let again = run_with(&["exercise", "--seed", "7"], answers.as_bytes());
        assert_eq!(again.stdout, all.stdout);
        for seed in ["0", "7", "18446744073709551615"] {
            let seeded = run(&["exercise", "--seed", seed, "--hint"]).stdout;
            assert!(
                seeded.lines().all(|line| line.chars().count() <= 80),
                "{seeded}"
            );
        }
        let half = &["exercise", "8", "--seed", "7", "--answer", "mask-missing 8"];
        let told = "the offset is right, but not the rule.";
        assert!(run(half).stdout.contains(told));
        // What a file remembers is solved of the ten that are always the same.
        assert_eq!(run(&["exercise", "--seed", "7", "--save", "x"]).code, 2);
        let none = run(&["exercise", "--seed", "x"]);
        assert_eq!(none.code, 2);
        assert!(
            none.stderr.contains("it must be a whole number"),
            "{}",
            none.stderr
        );
    }

    #[test]
    fn has_numbers_1_to_10() {
        for number in ["0", "11", "x"] {
            assert_eq!(run(&["exercise", number]).code, 2);
        }
    }
}

mod the_program {
    use super::*;

    const COMMANDS: [&str; 8] = [
        "serve",
        "decode",
        "encode",
        "handshake",
        "rules",
        "why",
        "exercise",
        "completions",
    ];

    #[test]
    fn explains_each_command_in_80_columns() {
        for command in COMMANDS {
            let help = run(&[command, "--help"]);
            assert_eq!(help.code, 0, "{command}");
            assert!(help.stdout.contains("Usage: plainws "), "{command}");
        }
        for command in ["decode", "encode", "handshake", "rules", "why", "exercise"] {
            let help = run(&[command, "--help"]).stdout;
            assert!(help.contains("Examples:"), "{command}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 80),
                "{help}"
            );
        }
    }

    #[test]
    fn completes_in_every_shell() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = run(&["completions", shell]);
            assert_eq!(script.code, 0, "{shell}");
            assert!(
                COMMANDS
                    .iter()
                    .all(|command| script.stdout.contains(command))
            );
        }
        assert_eq!(run(&["completions", "none"]).code, 2);
    }

    #[test]
    fn has_man_pages() {
        let page = run(&["man"]);
        assert_eq!(page.code, 0);
        assert!(page.stdout.contains(".TH plainws 1"));
        assert!(run(&["man", "decode"]).stdout.contains("Wireshark"));
        assert_eq!(run(&["man", "nothing"]).code, 2);
    }
}
