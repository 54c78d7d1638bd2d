//! `plainws check`: which cases are chosen, how they are listed, and that this server passes them.

use crate::support::program::Program;
use crate::support::run::{check_fit_for_a_terminal, run};

fn listed(what: &[&str]) -> String {
    let run = run(&[&["check", "--list"], what].concat());
    assert_eq!((run.code, &*run.stderr), (0, ""), "{what:?}");
    check_fit_for_a_terminal(&run.stdout);
    run.stdout
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let run = run(&[&["check"], arguments].concat());
    assert_eq!((run.code, &*run.stdout), (2, ""), "{arguments:?}");
    run.stderr
}

/// The ids in a list, each with its level and section.
fn rows(list: &str) -> Vec<Vec<&str>> {
    let rows = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    rows.map(|row| row.split_whitespace().collect()).collect()
}

mod list {
    use super::*;

    #[test]
    fn has_each_case_with_level_and_section() {
        let all = listed(&[]);
        let rows = rows(&all);
        assert!(rows.len() > 300, "{}", rows.len());
        for row in &rows {
            assert!(["MUST", "SHOULD", "advice"].contains(&row[1]), "{row:?}");
            assert!(row[2] == "RFC" || row[2].starts_with(|c: char| c.is_ascii_digit()));
        }
    }

    #[test]
    fn takes_a_group_a_section_a_rule_and_a_number_of_the_old_suite() {
        for (what, id) in [
            ("utf8", "euro"),
            ("7.4.1", "code-1005"),
            ("RFC 3629", "byte-order-mark"),
            ("close-reason-not-utf8", "reason-bad-ff"),
            ("6.22.*", "noncharacter-fffe"),
        ] {
            let list = listed(&[what]);
            assert!(rows(&list).iter().any(|row| row[0] == id), "{list}");
            assert!(!rows(&list).iter().any(|row| row[0] == "code-1000"));
        }
    }

    #[test]
    fn shows_all_that_is_known_of_each_case() {
        let all = listed(&[]);
        // One of each of its parts.
        for row in rows(&all).iter().step_by(29) {
            let shown = listed(&[row[0]]);
            for label in ["title", "level", "section", "for", "script", "end"] {
                assert!(shown.contains(&format!("\n{label} ")), "{label}\n{shown}");
            }
            let command = format!("--only {}\n", row[0]);
            assert!(shown.ends_with(&command), "{shown}");
        }
        let shown = listed(&["early-after-bad-byte"]);
        for part in [
            "1007",
            "rule     text-not-utf8: text must be UTF-8 (§8.1)",
            "6.4.2",
            "sends the first fragment of a text \"\u{3ba}\u{1f79}",
        ] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
    }
}

mod choice {
    use super::*;

    #[test]
    fn of_what_is_unknown_is_refused_with_what_is_near() {
        for arguments in [
            &["--list", "closin"][..],
            &["ws://127.0.0.1:9/", "--only", "closin"],
            &["ws://127.0.0.1:9/", "--skip", "closin"],
        ] {
            let told = refused(arguments);
            assert!(
                told.contains("\"closin\"") && told.contains("closing"),
                "{told}"
            );
        }
    }

    #[test]
    fn of_nothing_is_refused() {
        let url = "ws://127.0.0.1:9/";
        let told = refused(&[url, "--only", "utf8", "--skip", "utf8"]);
        assert!(told.contains("--skip leaves none"), "{told}");
        let told = refused(&[url, "--only", "client-ends-tcp"]);
        assert!(told.contains("for a server"), "{told}");
    }

    #[test]
    fn beside_a_list_is_refused() {
        for more in [&["--only", "utf8"][..], &["--strict"], &["--skip", "utf8"]] {
            let told = refused(&[&["--list"], more].concat());
            assert!(told.contains("cannot be used with"), "{told}");
        }
    }

    #[test]
    fn as_a_time_or_number_below_0_is_refused_as_such() {
        for flag in ["--timeout", "--random", "--jobs"] {
            let told = refused(&["ws://127.0.0.1:9/", flag, "-1"]);
            assert!(
                told.contains(&format!("invalid value '-1' for '{flag}")),
                "{told}"
            );
        }
    }

    #[test]
    fn what_would_be_left_aside_is_refused() {
        let url = "ws://127.0.0.1:9/";
        let listen = ["--listen", "127.0.0.1:0"];
        for arguments in [
            &[url, "--exit-after"][..],
            &[url, "--learn", "--json", "file"],
            &[url, "--learn", "--strict"],
            &[&listen[..], &["--origin", "http://a"]].concat(),
            &[&listen[..], &["--header", "a: b"]].concat(),
            &[&listen[..], &["--jobs", "2"]].concat(),
        ] {
            let told = refused(arguments);
            assert!(told.contains("cannot be used with"), "{told}");
        }
    }

    #[test]
    fn a_file_without_end_is_no_saved_stream() {
        let told = refused(&["ws://127.0.0.1:9/", "--replay", "/dev/zero"]);
        assert!(told.contains("too large"), "{told}");
    }

    #[test]
    fn beside_what_has_no_cases_is_refused() {
        for other in [["--random", "1"], ["--replay", "file"]] {
            let told = refused(&[&["ws://127.0.0.1:9/", "--only", "utf8"], &other[..]].concat());
            assert!(told.contains("cannot be used with"), "{told}");
        }
    }
}

#[test]
fn this_server_passes_the_cases_that_are_chosen() {
    let server = Program::serve(&["--quiet"]);
    let url = format!("ws://{}/echo", server.address);
    let run = run(&[
        "check", &url, "--strict", "--only", "6.4.*", "--only", "closing",
    ]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("closing") && run.stdout.contains("utf8"));
    assert!(!run.stdout.contains("header"), "{}", run.stdout);
}

/// What finds no room is played again, alone.
#[test]
fn a_server_that_takes_one_connection_at_a_time_is_judged() {
    let [roomy, narrow] = ["100", "1"].map(|most| {
        let server = Program::serve(&["--quiet", "--max-connections", most]);
        let url = format!("ws://{}/echo", server.address);
        let run = run(&["check", &url, "--strict", "--only", "control"]);
        assert_eq!(run.code, 0, "{most}: {}{}", run.stdout, run.stderr);
        let (without_time, _) = run.stdout.split_once(" cases in ").expect("a summary");
        without_time.to_owned()
    });
    assert_eq!(narrow, roomy);
}
