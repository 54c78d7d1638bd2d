//! `plainws connect` to servers inside TLS.

use crate::support::inside::{Served, serve, server_tls};
use crate::support::raw::Raw;
use crate::support::{server, tunnel};
use plainws::{CloseCode, Server};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::program::command;
use plainws_tls_tests::{Authority, Certificate, Files, LOCAL, Peer, Program, Run, run_with};
use std::fs;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

const WARNING: &str = "warning: with --insecure anyone is trusted";
const UNTRUSTED: &str = "nobody who is trusted here has signed the certificate";
const OVER: &str = " over TLS 1.3, TLS13_AES_256_GCM_SHA384\n";

/// Sends a line, and closes after the first message.
fn connect(arguments: &[&str]) -> Run {
    connect_with(arguments, &[])
}

/// The same in this environment.
fn connect_with(arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = command();
    let command = command.arg("connect").args(arguments).arg("--once");
    run_with(command.envs(environment.iter().copied()), "Hello\n")
}

/// A server of the library's that sends back what comes at `/echo`, and the certificates in files.
fn echo_server() -> (SocketAddr, Files) {
    let authority = Authority::new();
    let certificate = authority.sign(&[LOCAL, &["server.example"]].concat());
    (
        echo_server_with(&certificate),
        Files::new(&certificate, &authority.pem()),
    )
}

fn echo_server_with(certificate: &Certificate) -> SocketAddr {
    let tls = server_tls(certificate);
    server::start(|server| {
        server
            .tls(tls)
            .allow_host("server.example".parse().expect("it is a host"))
            .route("/echo", |ws| {
                for message in ws.messages() {
                    ws.send(message?)?;
                }
                plainws::Result::Ok(())
            })
    })
}

/// A server without TLS that answers one request with this, and returns the request.
fn answering(answer: String) -> (SocketAddr, JoinHandle<String>) {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let mut raw = Raw::from(accept(&listener));
        let head = raw.head();
        raw.send(answer);
        raw.send_fin();
        raw.until_end();
        head
    });
    (address, server)
}

/// The same inside TLS.
fn answering_inside(answer: String) -> (SocketAddr, Files, JoinHandle<String>) {
    let authority = Authority::new();
    let certificate = authority.sign(LOCAL);
    let (listener, address) = listen();
    let config = certificate.config();
    let server = thread::spawn(move || {
        let mut peer = Peer::accept(&listener, config);
        let head = peer.head();
        peer.send(answer);
        peer.send_close_notify();
        peer.until_end();
        head
    });
    (address, Files::new(&certificate, &authority.pem()), server)
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

#[track_caller]
fn expect_echo(run: &Run) {
    let Run { code, stdout, .. } = run;
    assert_eq!((*code, &**stdout), (0, "Hello\n"), "{}", run.stderr);
}

#[track_caller]
fn expect_failure(run: &Run, code: i32, said: &str) {
    assert_eq!((run.code, &*run.stdout), (code, ""), "{}", run.stderr);
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

mod a_connection {
    use super::*;

    #[test]
    fn says_what_it_is_secured_by() {
        let (address, files) = echo_server();
        for host in ["localhost", "127.0.0.1"] {
            let url = format!("wss://{host}:{}/echo", address.port());
            let run = connect(&[&[&*url][..], &files.ca_args()].concat());
            expect_echo(&run);
            let said = format!("plainws: connected to {url}{OVER}");
            assert!(run.stderr.contains(&said), "{}", run.stderr);
        }
    }

    #[test]
    fn is_shown_without_a_word_of_tls() {
        let (address, files) = echo_server();
        let url = format!("wss://{address}/echo");
        let inside = connect(&[&[&*url, "--trace=full"][..], &files.ca_args()].concat());
        expect_echo(&inside);
        for shown in [
            "GET /echo HTTP/1.1",
            "HTTP/1.1 101 ",
            "TEXT",
            "CLOSE",
            "\"Hello\"",
        ] {
            assert!(inside.stderr.contains(shown), "{shown}: {}", inside.stderr);
        }
        // As much as without TLS.
        let bare = server::start(|server| {
            server.route("/echo", |ws| {
                let message = ws.receive()?;
                message.map_or(Ok(()), |message| ws.send(message))
            })
        });
        let bare = connect(&[&format!("ws://{bare}/echo"), "--trace=full"]);
        expect_echo(&bare);
        let heads = |run: &Run| run.stderr.matches("HTTP/1.1").count();
        assert_eq!(
            heads(&inside),
            heads(&bare),
            "{}\n{}",
            inside.stderr,
            bare.stderr
        );
    }

    #[test]
    fn may_be_asked_for_with_https_and_a_password() {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        let (address, files, server) = answering_inside(answer.into());
        let typed = format!("https://Aladdin:open%20sesame@{address}/");
        let run = connect(&[&[&*typed][..], &files.ca_args()].concat());
        expect_failure(&run, 3, "plainws: https:// is taken as wss://\n");
        let note = "warning: user and password are sent in an Authorization header, inside TLS; ";
        assert!(run.stderr.contains(note), "{}", run.stderr);
        assert!(!run.stderr.contains("sesame"), "{}", run.stderr);
        let head = server.join().expect("the client comes");
        let sent = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
        assert!(head.contains(sent), "{head}");
    }

    #[test]
    fn that_is_lost_is_made_anew_inside_tls() {
        let Served { address, roots } = serve(|server: Server| {
            server.route("/", |ws| {
                let message = ws.receive()?;
                if message.is_some_and(|message| message.as_text() == Some("Hello")) {
                    return ws.send("Hello");
                }
                ws.close(CloseCode::SERVICE_RESTART, "")
            })
        });
        let files = Files::local();
        fs::write(&files.ca, roots).expect("the folder is there");
        let url = format!("wss://{address}/");
        for (flags, warnings) in [(&files.ca_args()[..], 0), (&["--insecure"], 2)] {
            let arguments = [&["connect", &url, "--reconnect"][..], flags].concat();
            let mut program = Program::run(arguments);
            program.stderr.line_with("connected to ");
            program.type_line("again");
            program.stderr.line_with("trying again in ");
            program.stderr.wait_for("second connection", |said| {
                (said.matches(OVER).count() == 2).then_some(())
            });
            program.type_line("Hello");
            program.stdout.line_with("Hello");
            program.end_input();
            program.wait();
            let said = program.stderr.whole();
            assert_eq!(said.matches(WARNING).count(), warnings, "{said}");
        }
    }

    #[test]
    fn goes_by_the_proxy_that_https_proxy_names() {
        let (address, files) = echo_server();
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy"] {
            let proxy = tunnel::proxy_to(address);
            let url = format!("http://{}", proxy.address);
            let arguments = [&["wss://server.example/echo"][..], &files.ca_args()].concat();
            let run = connect_with(
                &arguments,
                &[(name, &url), ("http_proxy", "http://127.0.0.1:1")],
            );
            expect_echo(&run);
            let said = format!("by the proxy {}, which {name} names\n", proxy.address);
            assert!(run.stderr.contains(&said), "{}", run.stderr);
            let head = proxy.head();
            assert!(head.starts_with("CONNECT server.example:443 "), "{head}");
        }
    }
}

mod a_server {
    use super::*;

    #[test]
    fn whom_nobody_knows_is_refused_and_hears_no_word_of_the_request() {
        let certificate = Certificate::of_its_own(LOCAL);
        let (listener, address) = listen();
        let config = certificate.config();
        let server = thread::spawn(move || match Peer::server(accept(&listener), config) {
            Ok(mut peer) => peer.until_end(),
            Err(_) => Vec::new(),
        });
        let url = format!("wss://{address}/");
        let run = connect(&[&url, "-H", "Cookie: secret", "--reconnect"]);
        let advice = "; --ca FILE names whom else to trust, such as who has signed it\n";
        expect_failure(&run, 1, advice);
        let begins = format!("plainws: no TLS with the server at {url}: {UNTRUSTED}");
        assert!(run.stderr.starts_with(&begins), "{}", run.stderr);
        assert_eq!(server.join().expect("it ends"), b"");
    }

    #[test]
    fn is_trusted_by_its_own_certificate_or_without_any_which_is_said() {
        let certificate = Certificate::of_its_own(LOCAL);
        let url = format!("wss://{}/echo", echo_server_with(&certificate));
        let files = Files::new(&certificate, &certificate.chain);
        let run = connect(&[&[&*url][..], &files.ca_args()].concat());
        expect_echo(&run);
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
        let run = connect(&[&url, "--insecure"]);
        expect_echo(&run);
        assert_eq!(run.stderr.matches(WARNING).count(), 1, "{}", run.stderr);
    }

    /// Whom the system trusts does not count then.
    #[test]
    fn is_not_trusted_by_the_system_where_a_file_says_whom_to_trust() {
        let (address, files) = echo_server();
        let url = format!("wss://{address}/echo");
        let trusted = files.ca.to_str().expect("the path is UTF-8");
        let system = [("SSL_CERT_FILE", trusted)];
        expect_echo(&connect_with(&[&url], &system));
        let others = Files::local();
        let run = connect_with(&[&[&*url][..], &others.ca_args()].concat(), &system);
        expect_failure(&run, 1, UNTRUSTED);
    }

    #[test]
    fn cannot_be_trusted_by_a_system_that_trusts_nobody() {
        let (listener, address) = listen();
        listener.set_nonblocking(true).expect("it is a socket");
        let url = format!("wss://{address}/");
        let run = connect_with(&[&url], &[("SSL_CERT_FILE", "/dev/null")]);
        let said = "plainws: this system has no certificates that it trusts: install them (ca-certificates), or name \
                    a file of them in the variable SSL_CERT_FILE; --ca FILE names one as well\n";
        expect_failure(&run, 1, said);
        assert!(listener.accept().is_err(), "nothing is connected");
    }

    #[test]
    fn without_tls_at_the_port_is_told_as_such() {
        let (listener, address) = listen();
        let server = thread::spawn(move || {
            let mut raw = Raw::from(accept(&listener));
            raw.bytes(5);
            raw.send("HTTP/1.1 400 Bad Request\r\n\r\n");
            raw.until_end();
            // The next one leaves.
            let mut raw = Raw::from(accept(&listener));
            raw.bytes(5);
            raw.send_fin();
            raw.until_end();
        });
        let url = format!("wss://{address}/");
        let run = connect(&[&url, "--insecure"]);
        let said =
            "what came is no TLS: does the port speak it? without TLS the URL begins with ws://\n";
        expect_failure(&run, 1, said);
        let run = connect(&[&url, "--insecure"]);
        expect_failure(
            &run,
            1,
            "in the midst of the handshake; does this port speak TLS?\n",
        );
        server.join().expect("both come");
    }

    #[test]
    fn with_tls_at_the_port_is_named_to_who_comes_without() {
        let (address, _files) = echo_server();
        let run = connect(&[&format!("ws://{address}/echo")]);
        expect_failure(&run, 3, "begin the URL with https:// or wss://");
        // Others say so in TLS.
        let (listener, address) = listen();
        let config = Authority::new().sign(LOCAL).config();
        let server = thread::spawn(move || Peer::server(accept(&listener), config).is_err());
        let run = connect(&[&format!("ws://{address}/echo")]);
        assert!(server.join().expect("it ends"));
        expect_failure(
            &run,
            4,
            "; the server speaks TLS: its address begins with wss:// or https://",
        );
    }
}

mod a_redirect {
    use super::*;

    /// The port may be the same, and the server another.
    #[test]
    fn leads_into_tls_without_what_is_for_the_first_server_alone() {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        let (inside, files, second) = answering_inside(answer.into());
        let (address, first) = answering(to(&format!("https://{inside}/")));
        let url = format!("ws://{address}/");
        let flags = [&url, "--max-redirects", "1", "-H", "Cookie: a=b"];
        let run = connect(&[&flags[..], &files.ca_args()].concat());
        expect_failure(&run, 3, &format!("302 Found; going to wss://{inside}/\n"));
        let first = first.join().expect("the client comes");
        assert!(first.contains("Cookie: a=b\r\n"), "{first}");
        let second = second.join().expect("the client comes");
        assert!(!second.contains("Cookie"), "{second}");
    }

    #[test]
    fn leads_into_tls_and_to_an_open_connection() {
        let (inside, _files) = echo_server();
        let (address, server) = answering(to(&format!("wss://{inside}/echo")));
        let url = format!("ws://{address}/");
        let run = connect(&[&url, "--max-redirects", "1", "--insecure"]);
        expect_echo(&run);
        // Of the first connection it would not be true.
        let (before, after) = run.stderr.split_once("; going to ").expect(&run.stderr);
        assert!(!before.contains(WARNING), "{}", run.stderr);
        assert_eq!(after.matches(WARNING).count(), 1, "{}", run.stderr);
        server.join().expect("the client comes");
    }

    #[test]
    fn never_leads_out_of_tls() {
        let (listener, outside) = listen();
        listener.set_nonblocking(true).expect("it is a socket");
        let (address, files, server) = answering_inside(to(&format!("http://{outside}/")));
        let url = format!("wss://{address}/");
        let flags = [&url, "--max-redirects", "9"];
        let run = connect(&[&flags[..], &files.ca_args()].concat());
        let said = format!(
            "not followed: it leads out of TLS, to ws://{outside}/, where others can read and change what is sent\n"
        );
        expect_failure(&run, 3, &said);
        server.join().expect("the client comes");
        assert!(listener.accept().is_err(), "nobody comes");
    }
}

mod whom_to_trust {
    use super::*;

    #[test]
    fn is_wrong_usage_where_it_is_not_clear_or_does_not_matter() {
        let (listener, address) = listen();
        listener.set_nonblocking(true).expect("it is a socket");
        let (ws, wss) = (format!("ws://{address}/"), format!("wss://{address}/"));
        let files = Files::local();
        let path = |name: &str| format!("{}/{name}", files.folder.display());
        let (missing, empty, der) = (path("missing"), path("empty"), path("der"));
        fs::write(&empty, "").expect("the folder is there");
        fs::write(&der, b"\x30\x82\x01\x00").expect("the folder is there");
        let key = files.key.to_str().expect("the path is UTF-8");
        for (arguments, said) in [
            (
                &[&*wss, "--ca", &missing][..],
                format!("plainws: --ca {missing}: "),
            ),
            (
                &[&*wss, "--ca", &empty],
                format!(
                    "--ca {empty}: the list of trusted certificates is not PEM: nothing in it begins with -----BEGIN"
                ),
            ),
            (
                &[&*wss, "--ca", key],
                format!("--ca {key}: the list of trusted certificates is not PEM: "),
            ),
            (
                &[&*wss, "--ca", &der],
                "is not PEM but seems to be DER; `openssl x509 -inform DER".into(),
            ),
            (
                &[&*wss, "--ca", key, "--insecure"],
                "'--ca <FILE>' cannot be used with '--insecure'".into(),
            ),
            (
                &[&*ws, "--insecure"],
                format!("--insecure is for addresses that begin with wss://, and {ws} does not\n"),
            ),
            (
                &[&*ws, "--ca", key],
                format!("--ca is for addresses that begin with wss://, and {ws} does not\n"),
            ),
        ] {
            expect_failure(&connect(arguments), 2, &said);
        }
        assert!(listener.accept().is_err(), "nothing is connected");
    }
}
