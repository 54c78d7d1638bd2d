//! `plainws check` of servers inside TLS.

use plainws::{Result, WebSocket};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::program::command;
use plainws_tls_tests::{Authority, Certificate, Files, LOCAL, Peer, Program, Run, run};
use rustls::ServerConfig;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

/// Origins that cases come from, which are no foreign ones then.
const ORIGINS: [&str; 6] = [
    "--allow-origin",
    "null",
    "--allow-origin",
    "https://site.example:8443",
    "--allow-origin",
    "x-extension://0123456789abcdef",
];

/// Checks the server at a URL, with these options.
fn check(url: &str, options: &[&str]) -> Run {
    run(["check", url].iter().chain(options))
}

fn echo_at(address: SocketAddr) -> String {
    format!("wss://{address}/echo")
}

/// Each case's id and outcome, of a report as JSON.
fn outcomes(report: &str) -> Vec<(String, String)> {
    let mut values = report.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(": ")?;
        let value = value.trim_matches([',', '"']).to_owned();
        matches!(name, "\"id\"" | "\"outcome\"").then_some(value)
    });
    let mut outcomes = Vec::new();
    while let (Some(id), Some(outcome)) = (values.next(), values.next()) {
        outcomes.push((id, outcome));
    }
    outcomes
}

/// All cases, the heavy ones too. Whatever the server does the run ends by itself, though perhaps after longer than other
/// programs may take here.
#[test]
fn of_this_server_is_ok_in_every_case() {
    let files = Files::local();
    let (_server, address) = Program::serve(files.serve_args().iter().chain(&ORIGINS));
    let output = command()
        .args(["check", &echo_at(address), "--json", "-", "--timeout", "20"])
        .args(files.ca_args())
        .output();
    let output = output.expect("the program starts");
    let outcomes = outcomes(&String::from_utf8_lossy(&output.stdout));
    assert!(outcomes.len() > 1000, "{}", outcomes.len());
    let others: Vec<_> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome != "ok")
        .collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(others.is_empty(), "{others:?}\n{said}");
    assert!(output.status.success(), "{said}");
}

/// A server that takes no large message, so that not all is ok. That it is short of places would be seen by whichever
/// connections happen to come before others have left.
#[test]
fn gives_the_same_verdicts_as_without_tls() {
    let files = Files::local();
    let limits = ["--max-message", "60K"];
    let tls: Vec<_> = files.serve_args().into_iter().chain(limits).collect();
    let (_bare, bare) = Program::serve(limits);
    let (_inside, inside) = Program::serve(tls);
    let verdicts = |url: &str, options: &[&str]| {
        let groups = [
            "opening",
            "refused",
            "control",
            "fragments",
            "closing",
            "together",
        ];
        let groups = groups.iter().flat_map(|group| ["--only", group]);
        let options: Vec<_> = options.iter().copied().chain(groups).collect();
        outcomes(
            &check(
                url,
                // How long a peer that reads nothing hinders others depends on how busy the machine is.
                &[
                    &options[..],
                    &[
                        "--skip",
                        "deaf-one-beside",
                        "--json",
                        "-",
                        "--timeout",
                        "10",
                    ],
                ]
                .concat(),
            )
            .stdout,
        )
    };
    let bare = verdicts(&format!("ws://{bare}/echo"), &[]);
    let inside = verdicts(&echo_at(inside), &files.ca_args());
    for outcome in ["ok", "not_applicable"] {
        assert!(bare.iter().any(|(_, other)| other == outcome), "{outcome}");
    }
    let differ: Vec<_> = bare
        .iter()
        .zip(&inside)
        .filter(|(bare, inside)| bare != inside)
        .collect();
    assert!(
        differ.is_empty() && bare.len() == inside.len(),
        "{differ:?}"
    );
}

mod trust {
    use super::*;

    /// It examines nothing, says this, and ends with 3.
    #[track_caller]
    fn check_examines_nothing(url: &str, options: &[&str], due: &str) {
        let run = check(url, options);
        let said = format!("{url}: no TLS: ");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
        assert!(run.stderr.contains(due), "{due}: {}", run.stderr);
        assert_eq!((run.code, &*run.stdout), (3, ""), "{}", run.stderr);
    }

    #[test]
    fn in_a_certificate_is_given_by_ca() {
        let files = Files::local();
        let (_server, address) = Program::serve(files.serve_args());
        for host in ["localhost", "127.0.0.1"] {
            let url = format!("wss://{host}:{}/echo", address.port());
            let only = ["--only", "ping-empty", "--connect-to", &address.to_string()];
            let run = check(&url, &[&files.ca_args()[..], &only].concat());
            assert_eq!((run.code, &*run.stderr), (0, ""), "{}", run.stdout);
        }
    }

    #[test]
    fn of_a_stranger_is_refused_unless_insecure_and_said_then() {
        let (files, others) = (Files::local(), Files::local());
        let (_server, address) = Program::serve(files.serve_args());
        let url = echo_at(address);
        check_examines_nothing(&url, &others.ca_args(), "--ca FILE");
        let run = check(&url, &["--insecure", "--only", "ping-empty"]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        assert_eq!(
            run.stderr.matches("--insecure").count(),
            1,
            "{}",
            run.stderr
        );
    }

    #[test]
    fn of_another_host_is_refused() {
        let authority = Authority::new();
        let files = Files::new(&authority.sign(&["other.example"]), &authority.pem());
        let (_server, address) = Program::serve(files.serve_args());
        check_examines_nothing(&echo_at(address), &files.ca_args(), "other.example");
    }

    #[test]
    fn of_a_time_that_is_over_is_refused() {
        let authority = Authority::new();
        let files = Files::new(&authority.sign_expired(LOCAL), &authority.pem());
        let (_server, address) = Program::serve(files.serve_args());
        check_examines_nothing(&echo_at(address), &files.ca_args(), "has expired");
    }

    #[test]
    fn is_nothing_to_ask_for_where_the_port_is_plain() {
        let files = Files::local();
        let (_server, address) = Program::serve::<&str>([]);
        check_examines_nothing(&echo_at(address), &files.ca_args(), "ws://");
    }

    #[test]
    fn is_no_question_where_the_url_is_plain() {
        let run = check("ws://127.0.0.1:1/", &["--insecure"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("wss://"), "{}", run.stderr);
    }
}

/// Whoever runs that line examines the same server.
#[test]
fn is_run_again_with_whom_to_trust() {
    let files = Files::local();
    let (_server, address) = Program::serve(files.serve_args());
    let url = format!("wss://{address}/clock");
    for options in [&files.ca_args()[..], &["--insecure"]] {
        let run = check(&url, &[options, &["--only", "ping-empty"]].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        let (_, again) = run
            .stdout
            .split_once("again  plainws check ")
            .expect("it failed");
        // The line may be folded.
        let words: Vec<_> = again
            .split_whitespace()
            .filter(|word| *word != "\\")
            .collect();
        let due = [&[&*url], options, &["--only", "ping-empty"]].concat();
        assert_eq!(words[..due.len()], due, "{again}");
    }
}

#[test]
fn leads_from_stage_to_stage_and_sends_random_streams() {
    let files = Files::local();
    let (_server, address) = Program::serve(files.serve_args());
    for (options, due) in [
        (&["--learn"][..], "All ten done"),
        (
            &["--random", "0.2", "--seed", "1", "--timeout", "10"],
            "passed: ",
        ),
    ] {
        let run = check(&echo_at(address), &[&files.ca_args()[..], options].concat());
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(due), "{}", run.stdout);
    }
}

/// A server that does whatever a test wants with each connection, and the options that trust it.
fn serve(with: impl Fn(&TcpListener, Arc<ServerConfig>) + Send + 'static) -> (String, Files) {
    let authority = Authority::new();
    let certificate: Certificate = authority.sign(LOCAL);
    let (listener, address) = listen();
    let config = certificate.config();
    thread::spawn(move || {
        loop {
            with(&listener, Arc::clone(&config));
        }
    });
    (echo_at(address), Files::new(&certificate, &authority.pem()))
}

/// However the end is told, it is one.
#[test]
fn sees_the_end_in_a_close_notify_in_a_fin_and_in_an_alert() {
    let alert: fn(&mut Peer) = |peer| {
        // Bytes that are no record: the client answers with an alert of its own, and ends.
        peer.send_records([0xFF; 64]);
    };
    type End = fn(&mut Peer);
    let ends: [(End, &str); 3] = [
        (Peer::send_close_notify, "it ends the connection"),
        (|peer| peer.send_fin(), "it ends the connection"),
        (alert, "it resets the connection"),
    ];
    for (end, due) in ends {
        let (url, files) = serve(move |listener, config| {
            let tcp = accept(listener);
            thread::spawn(move || {
                let Ok(mut peer) = Peer::server(tcp, config) else {
                    return;
                };
                peer.answer_upgrade();
                end(&mut peer);
                peer.until_end();
            });
        });
        let options = [
            &files.ca_args()[..],
            &["--only", "ping-empty", "--timeout", "10"],
        ]
        .concat();
        let run = check(&url, &options);
        assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(due), "{due}: {}", run.stdout);
    }
}

/// Who is sent much may be silent for longer than the handshake might have taken.
#[test]
fn tells_silence_from_the_end() {
    let (url, files) = serve(|listener, config| {
        let tcp = accept(listener);
        thread::spawn(move || {
            let mut peer = Peer::server(tcp, config).expect("the client speaks TLS");
            peer.answer_upgrade();
            peer.until_end();
        });
    });
    let much = "message-of-64-kib-text";
    let options = ["--only", much, "--timeout", "0.5"];
    let run = check(&url, &[&files.ca_args()[..], &options].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("1 timeout"), "{}", run.stdout);
}

#[test]
fn gives_up_a_server_that_does_not_go_on_with_the_handshake() {
    let (url, files) = serve(|listener, _| {
        let tcp = accept(listener);
        thread::spawn(move || std::io::copy(&mut &tcp, &mut std::io::sink()));
    });
    let run = check(
        &url,
        &[&files.ca_args()[..], &["--timeout", "0.3"]].concat(),
    );
    assert_eq!((run.code, &*run.stdout), (3, ""), "{}", run.stderr);
    assert!(run.stderr.contains("in time"), "{}", run.stderr);
}

/// The next connection waits without TLS then, and that says nothing about the case.
#[test]
fn takes_a_server_of_one_connection_at_a_time_for_that() {
    let authority = Authority::new();
    let certificate = authority.sign(LOCAL);
    let files = Files::new(&certificate, &authority.pem());
    let tls = crate::support::inside::server_tls(&certificate);
    let (listener, address) = listen();
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            // That one ends badly is no concern of the next.
            let _ = plainws::accept(tls.over(tcp)).and_then(|mut ws| echo(&mut ws));
        }
    });
    let only = ["--only", "closed-one-beside", "--only", "ping-empty"];
    let options = [
        &files.ca_args()[..],
        &only,
        &["--timeout", "1", "--jobs", "1"],
    ]
    .concat();
    let run = check(&echo_at(address), &options);
    assert!(
        run.stdout.contains("1 ok, 1 not applicable"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("one connection at a time"),
        "{}",
        run.stdout
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn echo(ws: &mut WebSocket) -> Result<()> {
    for message in ws.messages() {
        ws.send(message?)?;
    }
    Ok(())
}
