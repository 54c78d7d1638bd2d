//! `plainws check --learn`, with a server in Python that grows from stage to stage.
//!
//! Needs `python3`; without it each test says that it is skipped. With `PLAINWS_PYTHON=required` that is a failure.

use crate::support::program::{Process, Program, run as start};
use crate::support::run::{check_fit_for_a_terminal, run};
use crate::support::skip;
use std::process::Command;
use std::sync::Once;
use std::thread;

/// When all ten stages are done.
const SERVER: &str = include_str!("learn/server.py");
/// What echoes in a browser, and what the lab asks about.
const TUTORIAL: &str = include_str!("learn/tutorial.py");

/// The server as it is once so many stages are done.
fn grown(stage: usize) -> String {
    let is_there = |line: &&str| {
        let Some((_, stages)) = line.rsplit_once("  #") else {
            return true;
        };
        let (from, to) = stages.split_once('-').unwrap_or((stages, "10"));
        let number = |text: &str| text.parse::<usize>().expect("a number of a stage");
        (number(from)..=number(to)).contains(&stage)
    };
    let lines: Vec<_> = SERVER.lines().filter(is_there).collect();
    lines.join("\n")
}

fn serve(stage: usize, port: u16) -> Program {
    python(&grown(stage), port)
}

fn python(script: &str, port: u16) -> Program {
    let mut command = Command::new("python3");
    command.args(["-c", script, &port.to_string()]);
    Program::of(Process::start(&mut command).expect("python3 was found"))
}

/// Whether there is a Python; if not, the person who runs the tests reads that.
fn has_python() -> bool {
    static SAID: Once = Once::new();
    let version = Command::new("python3").arg("--version").output();
    let is_there = version.is_ok_and(|output| output.status.success());
    if !is_there {
        let why = "no python3 is in PATH";
        SAID.call_once_force(|_| skip("the tests of check --learn", why, "PLAINWS_PYTHON"));
    }
    is_there
}

fn url(server: &Program) -> String {
    format!("ws://{}/", server.address)
}

#[test]
fn each_stage_is_passed_once_the_server_can_do_it_and_not_before() {
    if !has_python() {
        return;
    }
    let learn = |stage| {
        let server = serve(stage, 0);
        // What fails by silence waits so long; what passes may take it on a busy machine.
        run(&["check", &url(&server), "--learn", "--timeout", "3"])
    };
    thread::scope(|scope| {
        let runs: Vec<_> = (0..=10)
            .map(|stage| scope.spawn(move || learn(stage)))
            .collect();
        for (stage, run) in runs.into_iter().enumerate() {
            let run = run.join().expect("it has run");
            let told = &run.stdout;
            check_fit_for_a_terminal(told);
            assert_eq!(told.matches("  done\n").count(), stage, "{stage}: {told}");
            if stage == 10 {
                assert!(told.contains("All ten done"), "{told}");
                assert_eq!((run.code, &*run.stderr), (0, ""));
                continue;
            }
            assert_eq!((run.code, &*run.stderr), (1, ""), "{stage}: {told}");
            assert_eq!(told.matches("  not yet\n").count(), 1, "{told}");
            assert_eq!(told.matches("\n  next   ").count(), 1, "{told}");
            let last = format!("\n{stage} of 10 done\n");
            assert!(told.ends_with(&last), "{stage}: {told}");
        }
    });
}

#[test]
fn forty_lines_that_echo_in_a_browser_pass_two_stages() {
    if !has_python() {
        return;
    }
    let server = python(TUTORIAL, 0);
    let run = run(&["check", &url(&server), "--learn", "--timeout", "3"]);
    assert!(run.stdout.ends_with("\n2 of 10 done\n"), "{}", run.stdout);
}

#[test]
fn a_server_that_is_started_again_is_tried_again() {
    if !has_python() {
        return;
    }
    let server = serve(1, 0);
    let url = url(&server);
    let port = server.address.port();
    let mut watch = start(&["check", &url, "--learn", "--watch", "--timeout", "4"]);
    let wait_for = |what: &'static str| {
        watch
            .stdout
            .wait_for(what, |told| told.contains(what).then_some(()));
    };
    wait_for("\n1 of 10 done\n");
    watch.stderr.wait_for("that it waits", |told| {
        told.contains("started again").then_some(())
    });
    drop(server);
    let server = serve(6, port);
    wait_for("\n6 of 10 done\n");
    drop(server);
    let _server = serve(10, port);
    wait_for("All ten done");
    assert!(watch.wait().success());
}

#[test]
fn without_a_server_there_is_nothing_to_learn() {
    let run = run(&["check", "ws://127.0.0.1:1/", "--learn"]);
    assert_eq!((run.code, &*run.stdout), (3, ""));
    assert!(run.stderr.contains("no connection"), "{}", run.stderr);
}
