//! `plainws serve` inside TLS.

use crate::support::bytes::{CLOSE, TEXT, close_body};
use crate::support::raw::{Raw, upgrade_request};
use plainws_tls_tests::{Authority, Certificate, Files, LOCAL, Peer, Program, run, trusting};
use rustls::ClientConfig;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

/// A server with a certificate that an authority has signed, and with these options.
struct Serving {
    program: Program,
    address: SocketAddr,
    files: Files,
    /// Of a client that trusts the authority.
    config: Arc<ClientConfig>,
}

impl Serving {
    fn with(options: &[&str]) -> Self {
        let authority = Authority::new();
        let files = Files::new(&authority.sign(LOCAL), &authority.pem());
        let (program, address) = Program::serve(files.serve_args().iter().chain(options));
        Self {
            program,
            address,
            files,
            config: trusting(&authority.pem()),
        }
    }

    fn connect(&self) -> Peer {
        Peer::connect(self.address, Arc::clone(&self.config))
    }

    fn echo(&self) -> Peer {
        Peer::open(self.address, Arc::clone(&self.config), "/echo")
    }

    /// The status with which a request to open a connection is answered, and the body of a refusal.
    fn answer(&self, path: &str, header: &str) -> (String, String) {
        let mut peer = self.connect();
        peer.send(upgrade_request(path).replace("Upgrade:", &format!("{header}\r\nUpgrade:")));
        let status = peer.head()[9..12].to_owned();
        let body = match &*status {
            "101" => Vec::new(),
            _ => peer.until_end(),
        };
        (status, String::from_utf8(body).expect("refusals are UTF-8"))
    }
}

/// The head and the body with which a page is answered.
fn get(mut peer: Peer, path: &str) -> (String, String) {
    peer.send(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ));
    let head = peer.head();
    let body = String::from_utf8(peer.until_end());
    (head, body.expect("pages are UTF-8"))
}

#[track_caller]
fn check_echo(peer: &mut Peer, text: &str) {
    peer.send_frame(TEXT, text);
    peer.expect_frame(TEXT, text);
}

#[track_caller]
fn check_closes(peer: &mut Peer, code: u16) {
    peer.expect_close(code);
    peer.send_frame(CLOSE, close_body(code, b""));
    peer.expect_close_notify();
}

/// A sample of the metrics at an address of their own, which speaks plain HTTP.
fn sample(watched: SocketAddr, name: &str) -> Option<String> {
    let mut raw = Raw::connect(watched);
    raw.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = raw.response();
    assert_eq!(response.status, 200);
    let mut lines = response.text().lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

/// The address of the metrics, as the banner tells it.
fn watched(program: &Program) -> SocketAddr {
    let line = program.stdout.line_with("Its health and metrics: http://");
    let (_, url) = line.split_once("http://").expect("it is there");
    let (address, _) = url.split_once('/').expect("it has a path");
    address.parse().expect("an address")
}

mod what_it_serves {
    use super::*;

    #[test]
    fn is_told_by_urls_of_https_and_wss_and_by_a_command_that_connects() {
        let serving = Serving::with(&[]);
        let (address, said) = (
            serving.address,
            serving.program.stdout.line_with("Try it: "),
        );
        let command = format!("connect wss://{address}/echo --insecure");
        assert!(said.ends_with(&command), "{said}");
        let said = serving.program.stdout.so_far();
        assert!(
            said.contains(&format!("plainws serves https://{address}/\n")),
            "{said}"
        );
        assert!(
            said.contains(&format!(": https://{address}/lab\n")),
            "{said}"
        );
        assert!(
            !said.contains("http://") && !said.contains("ws://1"),
            "{said}"
        );

        let arguments = command.split(' ').chain(["--once"]);
        let mut talk = plainws_tls_tests::program::command();
        let answer = plainws_tls_tests::run_with(talk.args(arguments), "Hello\n");
        assert_eq!(
            (answer.code, &*answer.stdout),
            (0, "Hello\n"),
            "{}",
            answer.stderr
        );
    }

    #[test]
    fn is_pages_and_connections_inside_tls() {
        let serving = Serving::with(&["--prefix", "/below"]);
        for (path, part) in [
            ("/", "<h2>Try it</h2>"),
            ("/below/echo", "<h1>Echo</h1>"),
            ("/healthz", "ok\n"),
        ] {
            let (head, body) = get(serving.connect(), path);
            assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
            assert!(body.contains(part), "{path}: {body}");
        }
        check_echo(&mut serving.echo(), "inside");
        let mut clock = Peer::open(serving.address, serving.config, "/clock");
        assert_eq!(clock.frame().0, TEXT);
    }

    #[test]
    fn is_open_to_pages_of_https_of_the_same_host_and_to_those_allowed() {
        const OWN: &str = "Origin: https://localhost";
        const PLAIN: &str = "Origin: http://localhost";
        let closed = Serving::with(&[]);
        assert_eq!(closed.answer("/echo", OWN).0, "101");
        assert_eq!(closed.answer("/echo", PLAIN).0, "403");
        let open = Serving::with(&["--allow-origin", "http://localhost"]);
        assert_eq!(open.answer("/echo", PLAIN).0, "101");
        // The lab is for its own pages, whoever else is allowed.
        let foreign = "only the lab's own page may do this";
        for (origin, is_foreign) in [(OWN, false), (PLAIN, true)] {
            let (status, reason) = open.answer("/lab/echo", origin);
            assert_eq!(
                (&*status, reason.contains(foreign)),
                ("403", is_foreign),
                "{reason}"
            );
        }
    }

    #[test]
    fn but_for_the_metrics_at_an_address_of_their_own() {
        let serving = Serving::with(&["--metrics-addr", "127.0.0.1:0"]);
        let watched = watched(&serving.program);
        assert_eq!(
            sample(watched, "plainws_connections_total").as_deref(),
            Some("0")
        );
        let refused = Peer::connect_as(watched, Arc::clone(&serving.config), "localhost");
        assert!(refused.is_err(), "it speaks no TLS");
    }
}

mod what_it_is_given {
    use super::*;

    #[track_caller]
    fn check_refused(arguments: &[&str], told: &str) {
        let refused = run(["serve", "--addr", "127.0.0.1:0"].iter().chain(arguments));
        assert_eq!(
            (refused.code, &*refused.stdout),
            (1, ""),
            "{}",
            refused.stderr
        );
        assert_eq!(refused.stderr, format!("plainws: {told}\n"));
    }

    #[test]
    fn may_be_one_file_twice() {
        let files = Files::local();
        let both = [&files.cert, &files.key].map(|file| fs::read(file).expect("it is there"));
        fs::write(&files.cert, both.concat()).expect("the folder is there");
        let [flag, file, key_flag, _] = files.serve_args();
        let (_program, address) = Program::serve([flag, file, key_flag, file]);
        let authority = fs::read_to_string(&files.ca).expect("it is there");
        check_echo(
            &mut Peer::open(address, trusting(&authority), "/echo"),
            "both",
        );
    }

    #[test]
    fn is_named_with_what_is_wrong_with_it() {
        let files = Files::local();
        let [_, cert, _, key] = files.serve_args();
        let other = Files::local();
        let [_, _, _, other_key] = other.serve_args();
        let locked = files.folder.join("locked.pem");
        fs::write(
            &locked,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        )
        .expect("the folder is there");
        let locked = locked.to_str().expect("it is UTF-8");
        for (cert, key, problem) in [
            (cert, other_key, "the key is not the certificate's"),
            (
                key,
                cert,
                "where the certificate should be is a private key: are the two exchanged?",
            ),
            (
                cert,
                cert,
                "where the key should be is a certificate: are the two exchanged?",
            ),
            (
                cert,
                locked,
                "the key has a password; `openssl pkey -in KEY -out PLAIN` takes it away",
            ),
        ] {
            let arguments = ["--tls-cert", cert, "--tls-key", key];
            let told = format!("--tls-cert {cert} --tls-key {key}: {problem}");
            check_refused(&arguments, &told);
        }
    }

    #[test]
    #[cfg(unix)]
    fn is_named_if_it_cannot_be_read() {
        let files = Files::local();
        let [_, cert, _, key] = files.serve_args();
        let missing = format!("{cert}\u{1b}[31m");
        let shown = format!("{cert}\\x1b[31m: No such file or directory (os error 2)");
        check_refused(
            &["--tls-cert", &missing, "--tls-key", key],
            &format!("--tls-cert {shown}"),
        );
        check_refused(
            &["--tls-cert", cert, "--tls-key", &missing],
            &format!("--tls-key {shown}"),
        );
    }
}

mod a_client_without_tls {
    use super::*;

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn is_told_so_once_in_the_clear() {
        let serving = Serving::with(&["--metrics-addr", "127.0.0.1:0"]);
        let mut raw = Raw::connect(serving.address);
        raw.send(REQUEST.repeat(2));
        let response = raw.response();
        let reason = "this port speaks TLS: begin the URL with https:// or wss://";
        assert_eq!(response.status, 400);
        assert!(response.text().contains(reason), "{}", response.text());
        raw.expect_fin();

        let line = serving.program.stderr.line_with(reason);
        assert!(line.contains(&format!("\"\" 400 {reason} ")), "{line}");
        let watched = watched(&serving.program);
        let refusals = r#"plainws_refusals_total{reason="tls-expected"}"#;
        assert_eq!(sample(watched, refusals).as_deref(), Some("1"));
        assert_eq!(
            sample(watched, "plainws_tls_failures_total").as_deref(),
            Some("0")
        );
    }
}

mod who_finds_no_place {
    use super::*;

    #[test]
    fn is_told_so_inside_tls_as_long_as_the_metrics_have_places_of_their_own() {
        let serving = Serving::with(&["--max-connections", "1"]);
        let _first = serving.echo();
        let (head, _) = get(serving.connect(), "/");
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let (head, _) = get(serving.connect(), "/metrics");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }

    #[test]
    fn is_left_without_a_word_before_tls() {
        let serving = Serving::with(&["--max-connections", "1", "--no-metrics"]);
        let mut first = serving.echo();
        let mut second = Raw::connect(serving.address);
        second.expect_fin();
        serving.program.stderr.line_with("\"\" 503 ");
        check_echo(&mut first, "the first has its place");
    }
}

mod a_handshake_that_fails {
    use super::*;

    /// What a peer does, and the words for it.
    type Failure = (fn(&Serving), &'static str);

    const FAILURES: [Failure; 3] = [
        (
            |serving| {
                let other = trusting(&Certificate::of_its_own(LOCAL).chain);
                let refused = Peer::connect_as(serving.address, other, "localhost");
                assert!(refused.is_err());
            },
            "the peer does not trust the certificate that it was shown",
        ),
        (
            |serving| {
                // The first record is begun, and no more.
                let mut raw = Raw::connect(serving.address);
                raw.send(b"\x16\x03\x01");
                raw.send_fin();
                raw.until_end();
            },
            "the peer ended the connection in the midst of the handshake",
        ),
        (
            |serving| {
                let mut raw = Raw::connect(serving.address);
                raw.send(b"\x16\x03\x01\x00\x05\x1b[31m");
                raw.until_end();
            },
            "TLS failed: ",
        ),
    ];

    #[test]
    fn has_a_line_in_the_log_and_is_counted() {
        let serving = Serving::with(&["--metrics-addr", "127.0.0.1:0"]);
        let watched = watched(&serving.program);
        // Who says nothing has not failed.
        Raw::connect(serving.address).send_fin();
        serving
            .program
            .stderr
            .line_with("left before it was answered");
        for (count, (fail, problem)) in (1..).zip(FAILURES) {
            fail(&serving);
            let line = serving.program.stderr.line_with(problem);
            assert!(
                line.contains(&format!("\"\" not secured: {problem}")),
                "{line}"
            );
            assert!(
                line.contains(" 127.0.0.1:") && line.ends_with(" s"),
                "{line}"
            );
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            let counted = sample(watched, "plainws_tls_failures_total");
            assert_eq!(counted, Some(count.to_string()), "{problem}");
        }
        check_echo(&mut serving.echo(), "others are served");
    }

    #[test]
    fn is_told_in_json_too() {
        let serving = Serving::with(&["--log", "json"]);
        for (fail, problem) in FAILURES {
            fail(&serving);
            let line = serving.program.stderr.line_with(problem);
            assert!(
                line.starts_with("{\"time\":\"") && line.ends_with('}'),
                "{line}"
            );
            for member in ["\"peer\":\"127.0.0.1:", "\"request\":\"\"", "\"seconds\":"] {
                assert!(line.contains(member), "{member} in {line}");
            }
            assert!(
                line.contains(&format!("\"not_secured\":\"{problem}")),
                "{line}"
            );
            assert!(line.is_ascii() && !line.contains('\u{1b}'), "{line:?}");
        }
    }
}

#[cfg(unix)]
mod a_signal {
    use super::*;
    use crate::support::{process, skip};
    use plainws_tls_tests::program::command;
    use std::io::Write as _;
    use std::process::Command;

    const RENEWED: &str = "the certificate is renewed";
    const KEPT: &str = "the certificate stays as it was";

    /// Whether programs started from here heed a signal. Where a test is skipped for it, that is said.
    fn is_heeded(signal: &str) -> bool {
        let number = match signal {
            "HUP" => 1,
            "INT" => 2,
            "TERM" => 15,
            _ => panic!("the number of SIG{signal} is not known here"),
        };
        let is_heeded = process::is_heeded(number);
        if !is_heeded {
            skip(
                "what a signal does to a server inside TLS",
                &format!("the tests were started so that SIG{signal} is ignored"),
                "PLAINWS_SIGNALS",
            );
        }
        is_heeded
    }

    /// How many lines of the log say this.
    fn lines_with(program: &Program, text: &str) -> usize {
        program.stderr.so_far().matches(text).count()
    }

    #[track_caller]
    fn renew(program: &Program) {
        let before = lines_with(program, RENEWED);
        program.signal("HUP");
        program.stderr.wait_for("renewal", |said| {
            (said.matches(RENEWED).count() > before).then_some(())
        });
    }

    #[test]
    fn to_hang_up_renews_the_certificate_and_ends_no_connection() {
        if !is_heeded("HUP") {
            return;
        }
        let mut serving = Serving::with(&[]);
        let mut open = serving.echo();
        check_echo(&mut open, "before");
        for number in 0..3 {
            let authority = Authority::new();
            serving.files.replace(&authority.sign(LOCAL));
            renew(&serving.program);
            let old = Peer::connect_as(serving.address, serving.config, "localhost");
            assert!(old.is_err(), "{number}: nobody is shown the old one");
            serving.config = trusting(&authority.pem());
            check_echo(&mut serving.echo(), "on a new connection");
            check_echo(&mut open, "on the old one");
        }
        assert_eq!(lines_with(&serving.program, RENEWED), 3);
        assert_eq!(lines_with(&serving.program, KEPT), 0);
    }

    #[test]
    fn to_hang_up_changes_nothing_if_a_file_is_wrong() {
        if !is_heeded("HUP") {
            return;
        }
        let serving = Serving::with(&["--quiet"]);
        let [_, cert, _, key] = serving.files.serve_args();
        let mut open = serving.echo();
        let good = [cert, key].map(|file| fs::read(file).expect("it is there"));
        let other = Certificate::of_its_own(LOCAL);
        let wrong: [(&dyn Fn(), String); 3] = [
            (
                &|| fs::write(key, &other.key).expect("the folder is there"),
                format!("--tls-cert {cert} --tls-key {key}: the key is not the certificate's"),
            ),
            (
                &|| fs::remove_file(key).expect("it was there"),
                format!("--tls-key {key}: No such file or directory"),
            ),
            (
                &|| fs::write(cert, "").expect("the folder is there"),
                format!("--tls-cert {cert} --tls-key {key}: the certificate is not PEM"),
            ),
        ];
        for (spoil, problem) in wrong {
            spoil();
            serving.program.signal("HUP");
            serving
                .program
                .stderr
                .line_with(&format!(" {KEPT}: {problem}"));
            check_echo(&mut serving.echo(), "on a new connection");
            check_echo(&mut open, "on the old one");
            for (file, bytes) in [cert, key].iter().zip(&good) {
                fs::write(file, bytes).expect("the folder is there");
            }
        }
        renew(&serving.program);
        check_echo(&mut serving.echo(), "with all in order again");
    }

    #[test]
    fn to_hang_up_is_told_in_json_too() {
        if !is_heeded("HUP") {
            return;
        }
        let serving = Serving::with(&["--log", "json"]);
        serving.program.signal("HUP");
        let line = serving.program.stderr.line_with("renewed");
        assert!(line.ends_with(",\"certificate\":\"renewed\"}"), "{line}");
        fs::remove_file(&serving.files.cert).expect("it was there");
        serving.program.signal("HUP");
        let line = serving.program.stderr.line_with("stays");
        let told = format!(",\"warning\":\"{KEPT}: --tls-cert /");
        assert!(line.contains(&told), "{line}");
    }

    #[test]
    fn to_hang_up_during_the_start_is_heeded_after_it() {
        if !is_heeded("HUP") {
            return;
        }
        let files = Files::local();
        let certificate = fs::read(&files.cert).expect("it is there");
        // Who reads a pipe with a name waits until somebody writes, and who writes until somebody reads.
        fs::remove_file(&files.cert).expect("it is there");
        let made = Command::new("mkfifo").arg(&files.cert).status();
        assert!(made.is_ok_and(|made| made.success()));
        let mut command = command();
        command.args(["serve", "--addr", "127.0.0.1:0"]);
        let program = Program::start(command.args(files.serve_args()));
        let mut pipe = fs::File::options()
            .write(true)
            .open(&files.cert)
            .expect("it is read");
        program.signal("HUP");
        // From now on there is an ordinary file.
        fs::remove_file(&files.cert).expect("it is there");
        fs::write(&files.cert, &certificate).expect("the folder is there");
        pipe.write_all(&certificate).expect("it is read");
        drop(pipe);
        program.stderr.line_with(RENEWED);
        let authority = fs::read_to_string(&files.ca).expect("it is there");
        let mut peer = Peer::open(program.address(), trusting(&authority), "/echo");
        check_echo(&mut peer, "it has begun");
    }

    #[test]
    fn to_end_closes_connections_with_1001_also_if_another_hangs_up_then() {
        for (signal, hangs_up) in [("TERM", false), ("INT", false), ("TERM", true)] {
            if !is_heeded(signal) || (hangs_up && !is_heeded("HUP")) {
                continue;
            }
            // On a busy machine there may be time for a ping.
            let mut serving = Serving::with(&["--ping-after", "0"]);
            let mut open: Vec<_> = (0..3).map(|_| serving.echo()).collect();
            let mut clock = Peer::open(serving.address, Arc::clone(&serving.config), "/clock");
            assert_eq!(clock.frame().0, TEXT);
            let mut half = Raw::connect(serving.address);
            half.send(b"\x16\x03\x01");
            check_echo(&mut open[0], "before the end");
            serving.program.signal(signal);
            if hangs_up {
                half.until_end();
                renew(&serving.program);
            }
            for peer in &mut open {
                check_closes(peer, 1001);
            }
            loop {
                match clock.frame() {
                    (TEXT, _) => {}
                    (byte0, body) => {
                        assert_eq!((byte0, &body[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
                        break;
                    }
                }
            }
            clock.send_frame(CLOSE, close_body(1001, b""));
            clock.expect_close_notify();
            half.until_end();
            drop((open, clock, half));
            let status = serving.program.wait();
            assert_eq!(status.code(), Some(0), "{signal}");
            let said = serving.program.stderr.whole();
            assert_eq!(said.matches(" 101 closed 1001").count(), 4, "{said}");
        }
    }

    #[test]
    fn to_end_begins_the_drain_and_to_hang_up_leaves_it_as_it_is() {
        if !is_heeded("TERM") || !is_heeded("HUP") {
            return;
        }
        let mut serving = Serving::with(&["--drain", "1000"]);
        let mut old = serving.echo();
        serving.program.signal("TERM");
        serving.program.stderr.line_with("draining for 1000 s");
        renew(&serving.program);
        let (head, body) = get(serving.connect(), "/healthz");
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert_eq!(body, "draining\n");
        check_echo(&mut old, "during");
        let mut new = serving.echo();
        check_echo(&mut new, "as well");
        serving.program.signal("TERM");
        check_closes(&mut old, 1001);
        check_closes(&mut new, 1001);
        drop((old, new));
        assert_eq!(serving.program.wait().code(), Some(0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn to_hang_up_that_was_ignored_at_the_start_stays_ignored() {
        let files = Files::local();
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
        shell.arg(plainws_tls_tests::plainws_program());
        shell.args(["serve", "--addr", "127.0.0.1:0"]);
        let mut program = Program::start(shell.args(files.serve_args()));
        let address = program.address();
        let authority = fs::read_to_string(&files.ca).expect("it is there");
        files.replace(&Authority::new().sign(LOCAL));
        program.signal("HUP");
        let mut peer = Peer::open(address, trusting(&authority), "/echo");
        check_echo(&mut peer, "still the first");
        // The others are heeded.
        program.signal("TERM");
        check_closes(&mut peer, 1001);
        drop(peer);
        assert_eq!(program.wait().code(), Some(0));
        let said = program.stderr.whole();
        assert!(!said.contains("the certificate"), "{said}");
    }
}

#[cfg(unix)]
mod a_unix_socket {
    use super::*;
    use plainws::{Client, ClientTls, Message};
    use plainws_tls_tests::program::command;
    use std::os::unix::net::UnixStream;

    #[test]
    fn carries_tls_too() {
        let files = Files::local();
        let socket = files.folder.join("x.sock");
        let addr = format!("unix:{}", socket.display());
        let mut command = command();
        command.args(["serve", "--addr", &addr]);
        let program = Program::start(command.args(files.serve_args()));
        let said = program.stdout.line_with("Try it: ");
        let curl = format!(
            "curl --unix-socket {} --insecure https://localhost/",
            socket.display()
        );
        assert!(said.ends_with(&curl), "{said}");

        let authority = fs::read(&files.ca).expect("it is there");
        let tls = ClientTls::from_pem(&authority).expect("it is PEM");
        let stream = UnixStream::connect(&socket).expect("it listens");
        let stream = tls.over(stream, "localhost").expect("a name");
        let client = Client::new("wss://localhost/echo").expect("a URL");
        let ws = client.over(stream).expect("it is let in");
        ws.send("Hello").expect("it is open");
        let echo = ws.receive().expect("it is open");
        assert_eq!(echo, Some(Message::Text("Hello".into())));
    }
}
