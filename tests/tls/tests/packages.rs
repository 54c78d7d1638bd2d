//! Published packages as the other end, in both roles: `websockets` for Python, and `ws` for Node. Their side of each
//! test is a script in `peers/`.
//!
//! Needs these packages; see `peers.rs`.

use crate::support::bytes::{LAST, MORE, TEXT_BEGIN};
use crate::support::inside::{client_tls, server_tls};
use crate::support::raw::PATIENCE;
use crate::support::{server, skip};
use plainws::{Client, CloseCode, CloseReason, Message, Received, Role, WebSocket};
use plainws_tls_tests::program::command;
use plainws_tls_tests::{Authority, Files, LOCAL, Program, frame, run_with};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

/// A package, and how to run a script that uses it.
#[derive(Clone, Copy, Debug)]
struct Package {
    name: &'static str,
    program: &'static str,
    /// Arguments with which the program does nothing but to load the package.
    load: [&'static str; 2],
    /// The end of its scripts' names.
    ending: &'static str,
    required: &'static str,
}

const WEBSOCKETS: Package = Package {
    name: "websockets",
    program: "python3",
    load: ["-c", "import websockets"],
    ending: "py",
    required: "PLAINWS_PYTHON",
};

const WS: Package = Package {
    name: "ws",
    program: "node",
    load: ["-e", "require('ws')"],
    ending: "js",
    required: "PLAINWS_NODE",
};

impl Package {
    fn is_there(self) -> bool {
        let Self { name, program, .. } = self;
        let loaded = Command::new(program).args(self.load).output();
        let is_there = loaded.is_ok_and(|loaded| loaded.status.success());
        if !is_there {
            let why = format!("there is no {program} with the package {name}");
            let tests = format!("the tests inside TLS against {name}");
            skip(&tests, &why, self.required);
        }
        is_there
    }

    /// Starts one of its scripts.
    fn run(self, script: &str, args: &[&str]) -> Program {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
        let script = folder.join(format!("{script}.{}", self.ending));
        let mut command = Command::new(self.program);
        // What Python compiles stays out of the repository.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Program::start(command.arg(script).args(args))
    }
}

/// How `ws.secured_by()` begins, for a version as the scripts name it.
fn is_secured(secured_by: Option<&str>, version: &str) -> bool {
    secured_by.is_some_and(|by| by.starts_with(&format!("TLS {version}, ")))
}

/// Has a client send everything that a message may be, and be closed.
fn as_a_client(package: Package) {
    if !package.is_there() {
        return;
    }
    let authority = Authority::new();
    let certificate = authority.sign(LOCAL);
    let tls = server_tls(&certificate);
    let files = Files::new(&certificate, &authority.pem());
    let (told, ended) = mpsc::channel();
    let address = server::start(|server| {
        server
            .tls(tls)
            .route("/echo", move |ws| {
                let end = server::echo(ws);
                let _ = told.send((ws.secured_by(), ws.close_reason()));
                end
            })
            .route("/close", |ws| ws.close(CloseCode(4002), "said by plainws"))
    });
    let url = format!("wss://localhost:{}", address.port());
    for version in ["1.2", "1.3"] {
        let mut client = package.run("client", &[&url, files.ca_args()[1], version]);
        let status = client.wait();
        assert!(status.success(), "{version}: {}", client.stderr.whole());
        let (secured_by, reason) = ended.recv_timeout(PATIENCE).expect("an end in time");
        assert!(is_secured(secured_by.as_deref(), version), "{secured_by:?}");
        assert_said_by_the_peer(&reason.expect("a Close"));
    }
}

/// Sends a server everything that a message may be, and has it close.
fn as_a_server(package: Package) {
    if !package.is_there() {
        return;
    }
    let authority = Authority::new();
    let files = Files::new(&authority.sign(LOCAL), &authority.pem());
    let [_, cert, _, key] = files.serve_args();
    for version in ["1.2", "1.3"] {
        let server = package.run("server", &[cert, key, version]);
        let url = server.stdout.line_with("wss://");
        let client = Client::new(&url).expect("a URL");
        let client = client.tls(client_tls(&authority.pem())).timeout(PATIENCE);
        let ws = client.connect().expect("it is open");
        let secured_by = ws.secured_by();
        assert!(is_secured(secured_by.as_deref(), version), "{secured_by:?}");

        for message in [
            Message::Text(String::new()),
            Message::Text("Grüße, 世界".into()),
            Message::Binary((0..=255).collect()),
            Message::Binary(vec![0; 5 << 20]),
        ] {
            ws.send(message.clone()).expect("it is open");
            // Not assert_eq: five megabytes are no message.
            assert!(receive(&ws) == message, "{version}");
        }
        let pieces = [(TEXT_BEGIN, "in "), (MORE, "three "), (LAST, "pieces")];
        for (byte0, piece) in pieces {
            let sent = ws.sender().raw().send(&frame(Role::Client, byte0, piece));
            sent.expect("it is open");
        }
        assert_eq!(receive(&ws), Message::Text("in three pieces".into()));
        for (order, answer) in [("fragments", "in three pieces"), ("ping", "a pong came")] {
            ws.send(order).expect("it is open");
            assert_eq!(receive(&ws), Message::Text(answer.into()));
        }
        ws.send("close").expect("it is open");
        match ws.receive_timeout(PATIENCE) {
            Ok(Received::Ended(reason)) => assert_said_by_the_peer(&reason),
            other => panic!("a Close, not {other:?}"),
        }
    }
}

#[track_caller]
fn receive(ws: &WebSocket) -> Message {
    match ws.receive_timeout(PATIENCE) {
        Ok(Received::Message(message)) => message,
        other => panic!("a message, not {other:?}"),
    }
}

#[track_caller]
fn assert_said_by_the_peer(reason: &CloseReason) {
    assert_eq!(reason.code, CloseCode(4001));
    assert_eq!(reason.reason, "said by the peer");
}

#[test]
fn websockets_as_a_client() {
    as_a_client(WEBSOCKETS);
}

#[test]
fn websockets_as_a_server() {
    as_a_server(WEBSOCKETS);
}

#[test]
fn ws_as_a_client() {
    as_a_client(WS);
}

#[test]
fn ws_as_a_server() {
    as_a_server(WS);
}

/// What a person sees who looks at a server elsewhere.
#[test]
fn websockets_as_a_server_of_plainws_connect() {
    if !WEBSOCKETS.is_there() {
        return;
    }
    let files = Files::local();
    let [_, cert, _, key] = files.serve_args();
    let server = WEBSOCKETS.run("server", &[cert, key, "1.3"]);
    let url = server.stdout.line_with("wss://");
    let mut connect = command();
    connect.args(["connect", "--trace", &url]);
    connect.args(files.ca_args());
    let run = run_with(&mut connect, "Grüße\nping\nclose\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "Grüße\na pong came\n");
    for shown in [
        "> GET / HTTP/1.1",
        &format!("connected to {url} over TLS 1.3, "),
        "TEXT   fin masked       7 \"Grüße\"",
        "PING   fin             14 \"are you there?\"",
        "CLOSE  fin             18 4001 ",
    ] {
        assert!(run.stderr.contains(shown), "no {shown} in:\n{}", run.stderr);
    }
}
