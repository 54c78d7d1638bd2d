//! `-h` and what a mistyped command line is told.

use crate::support::run::{check_fit_for_a_terminal, run};

/// The commands that `plainws -h` lists.
fn commands() -> Vec<String> {
    let help = run(&["-h"]).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("it lists commands");
    let (list, _) = list.split_once("\n\n").expect("more follows");
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    names.map(String::from).collect()
}

mod short_help {
    use super::*;

    /// Of 24 rows one is for the prompt that follows.
    const ROWS: usize = 23;

    #[track_caller]
    fn check_fits_a_screen(arguments: &[&str]) {
        let help = run(arguments);
        assert_eq!((help.code, &*help.stderr), (0, ""), "{arguments:?}");
        let rows = help.stdout.lines().count();
        assert!(
            rows <= ROWS,
            "{rows} rows, of which rare options may leave some (hide_short_help):\n{}",
            help.stdout
        );
        check_fit_for_a_terminal(&help.stdout);
    }

    #[test]
    fn of_each_command_fits_a_screen() {
        check_fits_a_screen(&["-h"]);
        let commands = commands();
        for known in ["serve", "connect", "decode", "man"] {
            assert!(commands.iter().any(|command| command == known), "{known}");
        }
        for command in commands.iter().filter(|command| *command != "help") {
            check_fits_a_screen(&[command, "-h"]);
        }
    }

    #[test]
    fn names_the_commands_before_the_options() {
        let help = run(&["-h"]).stdout;
        let at = |heading: &str| help.find(heading).expect("it is there");
        assert!(at("Commands:") < at("Options:"));
        assert!(at("  serve ") < at("  connect "));
    }

    #[test]
    fn leaves_limits_to_the_long_help() {
        for command in ["serve", "decode"] {
            let (short, long) = (run(&[command, "-h"]), run(&[command, "--help"]));
            assert!(!short.stdout.contains("--max-message"), "{command}");
            assert!(long.stdout.contains("--max-message"), "{command}");
            assert!(short.stdout.contains("see more with '--help'"), "{command}");
        }
        assert!(run(&["--help"]).stdout.contains("--max-message"));
    }
}

mod completions {
    use super::*;
    use plainws::Rule;

    fn script(shell: &str) -> String {
        run(&["completions", shell]).stdout
    }

    #[test]
    fn name_every_rule() {
        for shell in ["bash", "zsh", "fish"] {
            let script = script(shell);
            for rule in Rule::ALL {
                assert!(script.contains(rule.id()), "{shell}: {}", rule.id());
            }
        }
        let line = "complete -c plainws -n \"__fish_plainws_using_subcommand rules\" -f \
            -a \"too-many-fragments\" -d 'a message\\'s fragments, ";
        assert!(script("fish").contains(line), "{}", script("fish"));
    }

    #[test]
    fn name_every_question() {
        let line = "__fish_plainws_using_subcommand why\" -f -a \"60\" -d 'Does my own browser keep the rules?'";
        assert!(script("fish").contains(line), "{}", script("fish"));
        assert!(script("zsh").contains("60\\:"), "{}", script("zsh"));
    }

    /// What bash offers for the last of these words.
    fn offered(words: &[&str]) -> Vec<String> {
        let [.., before, last] = words else {
            panic!("a command and a word")
        };
        let script = format!(
            "{}\nCOMP_WORDS=({}); COMP_CWORD={}; _plainws plainws {last} {before}; \
            printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script("bash"),
            words.join(" "),
            words.len() - 1,
        );
        let bash = std::process::Command::new("bash")
            .args(["-c", &script])
            .output();
        let bash = bash.expect("bash is there");
        let offered = String::from_utf8(bash.stdout).expect("names are ASCII");
        offered.lines().map(String::from).collect()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn are_what_bash_makes_of_them() {
        assert_eq!(
            offered(&["plainws", "rules", "leng"]),
            ["length-not-minimal", "length-top-bit-set"]
        );
        assert_eq!(offered(&["plainws", "exer"]), ["exercise"]);
        assert_eq!(offered(&["plainws", "encode", "pin"]), ["ping"]);
    }
}

mod a_mistyped_command_line {
    use super::*;

    #[test]
    fn is_told_what_was_likely_meant() {
        for (arguments, told) in [
            (&["serv"][..], "a similar subcommand exists: 'serve'"),
            (
                &["conect", "ws://a/"],
                "some similar subcommands exist: 'check', 'connect'",
            ),
            (
                &["decode", "--rol", "client"],
                "a similar argument exists: '--role'",
            ),
            (
                &["serve", "--adr", "x"],
                "a similar argument exists: '--addr'",
            ),
            (
                &["completions", "powershel"],
                "a similar value exists: 'powershell'",
            ),
            (
                &["encode", "text", "-x"],
                "to pass '-x' as a value, use '-- -x'",
            ),
        ] {
            let refused = run(arguments);
            assert_eq!((refused.code, &*refused.stdout), (2, ""), "{arguments:?}");
            assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
            assert!(
                refused.stderr.contains(&format!("; {told}; see --help")),
                "{}",
                refused.stderr
            );
        }
    }
}

mod steps {
    use super::*;
    use crate::support::run::run_with;

    #[test]
    fn are_none_on_a_pipe() {
        let bytes = ["81", "05", "48", "65", "6c", "6c", "6f"];
        let plain = run(&[&["decode"], &bytes[..]].concat());
        let stepped = run_with(&[&["decode", "--step"], &bytes[..]].concat(), b"q\n");
        assert_eq!((stepped.code, &*stepped.stderr), (0, ""));
        assert_eq!(stepped.stdout, plain.stdout);
        assert_eq!(run(&["decode", "--step", "--json", "81"]).code, 2);
    }
}
