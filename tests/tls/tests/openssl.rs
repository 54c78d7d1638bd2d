//! OpenSSL as the other end: `openssl s_client` and `openssl s_server`. They pass on what a test types and print what
//! arrives, and a line that begins with `K`, `k` or `R` is an order to TLS.
//!
//! Needs `openssl`; see `peers.rs`.

use crate::support::bytes::{CLOSE, TEXT, close_body};
use crate::support::inside::{client_tls, server_tls};
use crate::support::raw::PATIENCE;
use crate::support::{server, skip};
use plainws::protocol::handshake::accept_value;
use plainws::{Client, CloseCode, CloseReason, Error, Limits, Message, Received, Role, WebSocket};
use plainws_tls_tests::{Authority, Certificate, Files, LOCAL, Program, frame};
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

/// The versions of TLS: an option of `openssl`, and how plainws and OpenSSL name it.
const VERSIONS: [(&str, &str, &str); 2] = [
    ("-tls1_2", "TLS 1.2, ", "TLSv1.2"),
    ("-tls1_3", "TLS 1.3, ", "TLSv1.3"),
];

/// Whether there is OpenSSL, and not what is called so elsewhere.
fn has_openssl() -> bool {
    let said = Command::new("openssl").arg("version").output();
    let is_there = said.is_ok_and(|said| said.stdout.starts_with(b"OpenSSL "));
    if !is_there {
        let why = "there is no command openssl, or it is not OpenSSL's";
        skip("the tests against OpenSSL", why, "PLAINWS_OPENSSL");
    }
    is_there
}

fn openssl(args: &[&str]) -> Program {
    Program::start(Command::new("openssl").args(args))
}

/// Types bytes.
fn send(openssl: &mut Program, bytes: impl AsRef<[u8]>) {
    let stdin = openssl.stdin.as_mut().expect("it is open");
    let sent = stdin.write_all(bytes.as_ref());
    sent.and_then(|()| stdin.flush()).expect("openssl reads");
}

mod s_client {
    use super::*;

    /// A server at `/`, whose handler sends back what comes; and what it knows at the beginning and at the end.
    struct Echo {
        address: SocketAddr,
        files: Files,
        secured_by: Receiver<Option<String>>,
        ended: Receiver<Result<Option<CloseReason>, Error>>,
        not_secured: Receiver<String>,
    }

    impl Echo {
        fn start() -> Self {
            Self::start_with(Limits::default())
        }

        fn start_with(limits: Limits) -> Self {
            let authority = Authority::new();
            let certificate = authority.sign(LOCAL);
            let (tell_secured, secured_by) = mpsc::channel();
            let (tell_ended, ended) = mpsc::channel();
            let (tell_not_secured, not_secured) = mpsc::channel();
            let address = server::start(|server| {
                server
                    .tls(server_tls(&certificate))
                    .limits(limits)
                    .log(move |record| {
                        if let plainws::net::log::Outcome::NotSecured(error) = record.outcome {
                            let _ = tell_not_secured.send(error.to_string());
                        }
                    })
                    .route("/", move |ws| {
                        let _ = tell_secured.send(ws.secured_by());
                        let end = server::echo(ws);
                        let _ = tell_ended.send(end.map(|()| ws.close_reason()));
                        Ok::<(), Error>(())
                    })
            });
            Self {
                address,
                files: Files::new(&certificate, &authority.pem()),
                secured_by,
                ended,
                not_secured,
            }
        }

        /// `openssl s_client`, which holds the server to its name and to whom `ca` has signed.
        fn client(&self, ca: &str, options: &[&str]) -> Program {
            let address = self.address.to_string();
            let mut args = vec!["s_client", "-connect", &address, "-CAfile", ca];
            args.extend(["-servername", "localhost", "-verify_hostname", "localhost"]);
            args.push("-verify_return_error");
            args.extend(options);
            openssl(&args)
        }

        /// The same, once it has an open WebSocket connection.
        fn open(&self, options: &[&str]) -> Program {
            let mut client = self.client(self.files.ca_args()[1], options);
            client.stdout.line_with("Verify return code: 0 (ok)");
            send(
                &mut client,
                "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            );
            client.stdout.line_with("HTTP/1.1 101 ");
            client.stdout.line_with("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            client
        }
    }

    /// Sends a line and waits for it to come back.
    fn echo(client: &mut Program, line: &str) {
        send(client, frame(Role::Client, TEXT, format!("{line}\n")));
        client.stdout.line_with(line);
    }

    /// Closes, and expects that OpenSSL has seen the end of TLS before that of TCP.
    fn close(client: &mut Program, echo: &Echo) {
        send(client, frame(Role::Client, CLOSE, close_body(1000, b"")));
        assert_eq!(client.wait().code(), Some(0), "{}", client.stderr.whole());
        let said = client.stdout.whole();
        assert!(said.ends_with("closed\n"), "{said}");
        let ended = echo.ended.recv_timeout(PATIENCE).expect("an end in time");
        let reason = ended.expect("a clean end").expect("a Close");
        assert_eq!(reason.code, CloseCode::NORMAL);
    }

    #[test]
    fn trusts_the_server_agrees_on_http_1_1_is_echoed_and_sees_a_clean_end() {
        if !has_openssl() {
            return;
        }
        let server = Echo::start();
        for (option, ours, theirs) in VERSIONS {
            let mut client = server.open(&[option, "-alpn", "h2,http/1.1"]);
            for shown in ["Verification: OK", "ALPN protocol: http/1.1", theirs] {
                client.stdout.line_with(shown);
            }
            let secured_by = server.secured_by.recv_timeout(PATIENCE);
            let secured_by = secured_by.expect("it is open").expect("it is secured");
            assert!(secured_by.starts_with(ours), "{secured_by}");
            echo(&mut client, "typed into openssl");
            close(&mut client, &server);
        }
    }

    #[test]
    fn may_say_nothing_of_what_is_spoken_inside() {
        if !has_openssl() {
            return;
        }
        let server = Echo::start();
        let mut client = server.open(&[]);
        client.stdout.line_with("No ALPN negotiated");
        close(&mut client, &server);
    }

    #[test]
    fn that_speaks_http_2_alone_is_refused() {
        if !has_openssl() {
            return;
        }
        let server = Echo::start();
        for (option, ..) in VERSIONS {
            let ca = server.files.ca_args()[1];
            let mut client = server.client(ca, &[option, "-alpn", "h2"]);
            assert_eq!(client.wait().code(), Some(1));
            // no_application_protocol
            client.stderr.line_with("SSL alert number 120");
            let told = server.not_secured.recv_timeout(PATIENCE);
            let told = told.expect("the log tells");
            assert!(told.contains("HTTP/1.1"), "{told}");
        }
    }

    #[test]
    fn that_does_not_trust_the_server_ends_and_others_are_served() {
        if !has_openssl() {
            return;
        }
        let server = Echo::start();
        // With another name than whom the server's certificate names: that is asked first.
        let stranger = Files::new(
            &Certificate::of_its_own(LOCAL),
            &Authority::new().below().pem(),
        );
        for (option, ..) in VERSIONS {
            let mut client = server.client(stranger.ca_args()[1], &[option]);
            assert_eq!(client.wait().code(), Some(1));
            client.stderr.line_with("certificate verify failed");
            let told = server.not_secured.recv_timeout(PATIENCE);
            let told = told.expect("the log tells");
            assert!(told.contains("does not trust"), "{told}");
        }
        close(&mut server.open(&[]), &server);
    }

    #[test]
    fn may_renew_its_keys_and_ask_for_ours() {
        if !has_openssl() {
            return;
        }
        let server = Echo::start();
        let mut client = server.open(&["-tls1_3"]);
        for (round, order) in ["K", "k", "K", "K", "k"].into_iter().enumerate() {
            send(&mut client, format!("{order}\n"));
            let renewed = |said: &str| (said.matches("KEYUPDATE").count() > round).then_some(());
            client.stderr.wait_for("new keys", renewed);
            echo(&mut client, &format!("with new keys, {round}"));
        }
        close(&mut client, &server);
    }

    #[test]
    fn is_not_renegotiated_with() {
        if !has_openssl() {
            return;
        }
        // The answer that there is none leaves with the next frame, here a ping.
        let limits = Limits::default().ping_after(Some(server::SOON));
        let server = Echo::start_with(limits);
        let mut client = server.open(&["-tls1_2"]);
        echo(&mut client, "before");
        send(&mut client, "R\n");
        client.stderr.line_with("RENEGOTIATING");
        // OpenSSL does not go on without.
        assert_eq!(client.wait().code(), Some(1));
        client.stderr.line_with("no renegotiation");
        let ended = server.ended.recv_timeout(PATIENCE);
        let ended = ended.expect("an end in time");
        assert!(
            !matches!(ended, Ok(Some(ref reason)) if reason.code == CloseCode::NORMAL),
            "{ended:?}"
        );
        close(&mut server.open(&[]), &server);
    }
}

mod s_server {
    use super::*;

    /// Starts it for one client, and waits for its address.
    fn start(files: &Files, options: &[&str]) -> (Program, SocketAddr) {
        let [_, cert, _, key] = files.serve_args();
        let mut args = vec!["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"];
        args.extend(["-cert", cert, "-cert_chain", cert, "-key", key]);
        args.extend(options);
        let program = openssl(&args);
        let address = program.stdout.wait_for("address", |text| {
            text.split_once("ACCEPT ")?.1.lines().next()?.parse().ok()
        });
        (program, address)
    }

    /// Our client, on a thread of its own: it waits for a server that the test has yet to type.
    fn connect(files: &Files, address: SocketAddr) -> JoinHandle<Result<WebSocket, Error>> {
        let trusted = std::fs::read_to_string(&files.ca).expect("a file");
        thread::spawn(move || {
            let tls = client_tls(&trusted);
            let url = format!("wss://localhost:{}/path", address.port());
            Client::new(&url)?.tls(tls).timeout(PATIENCE).connect()
        })
    }

    /// Reads the request, types the answer to it, and returns the request.
    fn answer(server: &mut Program) -> String {
        let request = server.stdout.wait_for("request", |text| {
            let (_, request) = text.split_once("GET ")?;
            Some(request.split_once("\r\n\r\n")?.0.to_owned())
        });
        let mut lines = request.lines();
        let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_value(key.expect("a key"));
        send(
            server,
            format!(
                "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ),
        );
        request
    }

    /// Types a message, and waits for the client to have it.
    fn tell(server: &mut Program, client: &WebSocket, text: &str) {
        send(server, frame(Role::Server, TEXT, text));
        let received = client.receive_timeout(PATIENCE).expect("it is open");
        assert_eq!(received, Received::Message(Message::Text(text.into())));
    }

    #[test]
    fn is_trusted_and_sees_a_clean_end() {
        if !has_openssl() {
            return;
        }
        let files = Files::local();
        for (option, ours, _) in VERSIONS {
            let (mut server, address) = start(&files, &[option, "-alpn", "http/1.1"]);
            let client = connect(&files, address);
            let request = answer(&mut server);
            let host = format!("\nHost: localhost:{}\r", address.port());
            assert!(request.contains(&host), "{request}");
            let client = client.join().expect("no panic").expect("it is open");
            let secured_by = client.secured_by().expect("it is secured");
            assert!(secured_by.starts_with(ours), "{secured_by}");
            server.stdout.line_with("ALPN protocols selected: http/1.1");
            tell(&mut server, &client, "typed into openssl");

            send(
                &mut server,
                frame(Role::Server, CLOSE, close_body(1000, b"bye")),
            );
            let received = client.receive_timeout(PATIENCE).expect("it is open");
            let Received::Ended(reason) = received else {
                panic!("{received:?}");
            };
            assert_eq!(reason.code, CloseCode::NORMAL);
            // A server ends the connection; the client answers, and OpenSSL has nothing to complain of.
            send(&mut server, "Q\n");
            assert_eq!(server.wait().code(), Some(0), "{}", server.stderr.whole());
            let said = server.stderr.whole();
            assert!(!said.contains("error"), "{said}");
        }
    }

    #[test]
    fn may_renew_its_keys_and_ask_for_ours() {
        if !has_openssl() {
            return;
        }
        let files = Files::local();
        let (mut server, address) = start(&files, &["-tls1_3", "-msg"]);
        let client = connect(&files, address);
        answer(&mut server);
        let client = client.join().expect("no panic").expect("it is open");
        for (round, order) in ["K", "k", "K"].into_iter().enumerate() {
            tell(&mut server, &client, "before");
            send(&mut server, format!("{order}\n"));
            // The next that is typed is a piece of its own.
            server.stdout.wait_for("new keys", |said| {
                updates(said, ">>>").gt(&round).then_some(())
            });
        }
        tell(&mut server, &client, "after");
        client.send("with new keys").expect("it is open");
        // One renewal answers all that were asked for meanwhile (RFC 8446 §4.6.3).
        server.stdout.wait_for("an answer", |said| {
            (updates(said, "<<<") == 1).then_some(())
        });
    }

    /// How many times keys were renewed, by this end.
    fn updates(said: &str, end: &str) -> usize {
        let lines = said.lines().filter(|line| line.starts_with(end));
        lines.filter(|line| line.ends_with(", KeyUpdate")).count()
    }

    #[test]
    fn with_a_certificate_that_does_not_count_is_sent_nothing() {
        if !has_openssl() {
            return;
        }
        let authority = Authority::new();
        let files = |certificate: &Certificate| Files::new(certificate, &authority.pem());
        for (files, told) in [
            (files(&authority.sign_expired(LOCAL)), "has expired"),
            (files(&authority.sign_not_yet_valid(LOCAL)), "not valid yet"),
            (
                files(&authority.sign(&["elsewhere.example"])),
                "the certificate is for elsewhere.example, not for localhost",
            ),
            (
                files(&Authority::new().sign(LOCAL)),
                "nobody who is trusted here",
            ),
        ] {
            for (option, ..) in VERSIONS {
                let (mut server, address) = start(&files, &[option]);
                let refused = connect(&files, address).join().expect("no panic");
                let Err(Error::Tls(error)) = refused else {
                    panic!("{told}: {refused:?}");
                };
                assert!(error.to_string().contains(told), "{error}");
                server.wait();
                server.stderr.line_with("alert");
                let said = server.stdout.whole();
                assert!(!said.contains("GET "), "{said}");
            }
        }
    }

    #[test]
    fn that_speaks_http_2_alone_is_refused() {
        if !has_openssl() {
            return;
        }
        let files = Files::local();
        for (option, ..) in VERSIONS {
            let (mut server, address) = start(&files, &[option, "-alpn", "h2"]);
            let refused = connect(&files, address).join().expect("no panic");
            let Err(Error::Tls(error)) = refused else {
                panic!("{refused:?}");
            };
            assert!(error.to_string().contains("HTTP/1.1"), "{error}");
            server.wait();
        }
    }
}
