//! `plainws handshake`: the steps, the shell lines that redo them, and the mistake finder.

use crate::support;
use crate::support::run::{check_fit_for_a_terminal, run};
use std::process::Command;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What people get wrong, and the accept value that comes of it for the key of §1.3.
const MISTAKES: [(&str, &str); 10] = [
    ("", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    (
        "base64 of the hash as hex text",
        "YjM3YTRmMmNjMDYyNGYxNjkwZjY0NjA2Y2YzODU5NDViMmJlYzRlYQ==",
    ),
    ("the key was decoded first", "BXhwxM0SZasKmCD9S4BfpPmCnEw="),
    ("the GUID in lower case", "WJfwerbIozKsJXHxxI0JTO1SQgU="),
    ("a CR was kept on the key", "zvnId+CMmoYWpbuFiCx6kU/bpAw="),
    (
        "a leading space was kept on the key",
        "s3mCG3XUBfFRrUGpYOBQiHm5i8g=",
    ),
    ("no GUID", "hHLtf2V1k8aDQZfNjw3Ia1hCwt0="),
    ("the GUID before the key", "2OZf2Seed9yzIpkj+zvC9KS9Mjw="),
    (
        "SHA-256 in place of SHA-1",
        "c8qeCxwB8sJPxkSckeL76bKL7f642+KYzDiR7EbKyTY=",
    ),
    (
        "the GUID mistyped, ending in 5BAB11DC85B6",
        "xi594u34epCyRUevAXoTvQaUoCk=",
    ),
];

/// The commands that are printed after a $, those on several lines joined, each with its result.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("  $ ") else {
            continue;
        };
        let mut command = command.to_owned();
        while command.ends_with('|') {
            command += lines.next().unwrap_or_default();
        }
        let result = lines.next().unwrap_or_default().trim();
        commands.push((command, result.to_owned()));
    }
    commands
}

/// What the last of these commands prints, run one after another by a shell; `None` where there is no
/// shell, or a tool is missing.
fn shell<'a>(commands: impl Iterator<Item = &'a str>) -> Option<String> {
    let tools = "command -v openssl && command -v xxd && command -v base64";
    let has_tools = Command::new("sh").args(["-c", tools]).output();
    if !has_tools.is_ok_and(|output| output.status.success()) {
        let why = "sh, openssl, xxd or base64 is missing";
        support::skip(
            "the shell lines of `plainws handshake`",
            why,
            "PLAINWS_SHELL",
        );
        return None;
    }
    let script = commands.collect::<Vec<_>>().join("\n");
    let output = Command::new("sh").args(["-c", &script]).output();
    let output = output.expect("it ran a moment ago").stdout;
    let text = String::from_utf8(output).expect("the tools print text");
    Some(text.lines().last().unwrap_or_default().to_owned())
}

mod the_steps {
    use super::*;

    #[test]
    fn are_shown_for_the_key_of_the_rfc_unless_another_is_given() {
        let by_default = run(&["handshake"]);
        assert_eq!((by_default.code, &*by_default.stderr), (0, ""));
        assert_eq!(by_default.stdout, run(&["handshake", KEY]).stdout);
        for part in [
            "7468652073616d706c65206e6f6e6365",
            "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
            "b37a4f2cc0624f1690f64606cf385945b2bec4ea",
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ] {
            assert!(by_default.stdout.contains(part), "{part}");
        }
        check_fit_for_a_terminal(&by_default.stdout);
    }

    #[test]
    fn can_be_redone_by_the_shell_lines_beside_them() {
        for key in [
            KEY,
            "x3JJHMbDL1EzLkh9GBhXDw==",
            "not a key",
            "it's",
            "$HOME`id`",
        ] {
            let text = run(&["handshake", key]).stdout;
            let commands = commands(&text);
            assert_eq!(commands.len(), 4, "{text}");
            for (i, (_, result)) in commands.iter().enumerate() {
                let upto = commands[..=i].iter().map(|(command, _)| &**command);
                if let Some(printed) = shell(upto) {
                    assert_eq!(printed.trim(), result, "{key} {i}");
                }
            }
        }
    }

    #[test]
    fn of_no_key_exit_1() {
        for key in ["c2hvcnQ=", "", "dGhlIHNhbXBsZSBub25jZQ", "\u{1b}[31m\r\n"] {
            let run = run(&["handshake", key]);
            assert_eq!(run.code, 1, "{key:?}");
            check_fit_for_a_terminal(&run.stdout);
        }
    }
}

mod the_mistake_finder {
    use super::*;

    #[test]
    fn knows_all_ten_vectors() {
        for (mistake, accept) in MISTAKES {
            let run = run(&["handshake", KEY, "--check", accept]);
            check_fit_for_a_terminal(&run.stdout);
            if mistake.is_empty() {
                assert_eq!(run.code, 0);
                assert!(run.stdout.ends_with("answers this key\n"));
            } else {
                assert_eq!(run.code, 1, "{mistake}");
                let line = format!("\nmistake  {mistake}\n");
                assert!(run.stdout.contains(&line), "{mistake}: {}", run.stdout);
            }
        }
    }

    #[test]
    fn shows_shell_lines_that_make_the_same_mistakes() {
        for (mistake, accept) in &MISTAKES[1..] {
            let text = run(&["handshake", KEY, "--check", accept]).stdout;
            let commands = commands(&text);
            if let Some(printed) = shell(commands.iter().map(|(command, _)| &**command)) {
                assert_eq!(printed, *accept, "{mistake}");
            }
        }
    }

    #[test]
    fn lists_them_all() {
        let text = run(&["handshake", "--mistakes"]).stdout;
        for (mistake, accept) in MISTAKES {
            assert!(text.contains(mistake) && text.contains(accept), "{mistake}");
        }
        check_fit_for_a_terminal(&text);
    }

    #[test]
    fn says_what_an_unknown_value_is_not() {
        for (accept, guess) in [
            ("no base64", "not base64 at all"),
            (KEY, "16 bytes"),
            (
                "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "a SHA-1, but of something else",
            ),
            ("YQ==", "1 byte"),
        ] {
            let run = run(&["handshake", KEY, "--check", accept]);
            assert_eq!(run.code, 1);
            assert!(run.stdout.contains(guess), "{accept}: {}", run.stdout);
        }
    }
}
