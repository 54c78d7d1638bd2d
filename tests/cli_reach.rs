//! How `plainws connect` and `bench` reach a server: what is typed, redirects, proxies, and who answers instead.

use crate::support::hand_made::{HandMade, answering, hand_made, switching};
use crate::support::program::Program;
use crate::support::raw::{Raw, accept, header};
use crate::support::run::{Run, run, run_under, run_with};
use crate::support::tunnel::{OPEN, proxy, proxy_to};
use std::net::{SocketAddr, TcpListener};
use std::thread;

/// Connects, and ends with the first message if there is one.
fn connect(arguments: &[&str]) -> Run {
    run_with(&[&["connect", "--once"], arguments].concat(), b"Hello\n")
}

/// The same with nothing to send: listens for the first message.
fn listen(arguments: &[&str]) -> Run {
    run_with(&[&["connect", "--once"], arguments].concat(), b"")
}

/// The same with these variables.
fn connect_under(environment: &[(&str, &str)], arguments: &[&str]) -> Run {
    let arguments = [&["connect", "--once"], arguments].concat();
    run_under(environment, &arguments, b"Hello\n")
}

#[track_caller]
fn assert_echoes(run: &Run) {
    assert_eq!((&*run.stdout, run.code), ("Hello\n", 0), "{}", run.stderr);
}

fn address(server: &HandMade) -> SocketAddr {
    let address = server.url.split('/').nth(2).expect("a URL has a host");
    address.parse().expect("it is an address")
}

/// A server that answers the request so, and then sends one message.
fn greeting(check: impl FnOnce(&str) + Send + 'static) -> HandMade {
    hand_made(|raw, request| {
        check(request);
        greet(raw, request);
    })
}

fn greet(raw: &mut Raw, request: &str) {
    raw.send(switching(request));
    raw.send(b"\x81\x05Hello\x88\x02\x03\xe8");
    raw.until_end();
}

mod an_address {
    use super::*;

    #[test]
    fn is_understood_as_it_is_typed() {
        let program = Program::serve(&["--quiet"]);
        let port = program.address.port();
        for typed in [
            format!("127.0.0.1:{port}/echo"),
            format!("localhost:{port}/echo"),
            format!(":{port}/echo"),
            format!("{port}/echo"),
            format!("ws:/127.0.0.1:{port}/echo"),
            format!(" ws://127.0.0.1:{port}/echo "),
        ] {
            let run = connect(&[&typed]);
            assert_echoes(&run);
            assert!(
                run.stderr.starts_with("plainws: connected to ws://"),
                "{}",
                run.stderr
            );
        }
        let run = connect(&[&format!("http://127.0.0.1:{port}/echo")]);
        assert_echoes(&run);
        assert!(
            run.stderr.contains("http:// is taken as ws://\n"),
            "{}",
            run.stderr
        );
    }

    #[test]
    fn that_is_none_is_wrong_usage() {
        for (typed, word) in [
            ("::1", "[::1]"),
            ("localhost/a b", "%20"),
            ("tcp://localhost:1", "ws://"),
            ("", "names a host"),
        ] {
            let run = connect(&[typed]);
            assert_eq!((run.code, &*run.stdout), (2, ""), "{typed}: {}", run.stderr);
            assert!(run.stderr.contains(word), "{typed}: {}", run.stderr);
        }
    }

    /// Nobody is asked without TLS instead.
    #[cfg(not(feature = "tls"))]
    #[test]
    fn of_tls_is_wrong_usage_in_a_build_without() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (ws, wss) = (format!("ws://{address}/"), format!("wss://{address}/"));
        let https = format!("https://{address}/");
        let url = "plainws: wss:// needs TLS: build with --features tls\n";
        let ca = "plainws: --ca needs TLS: build with --features tls\n";
        let insecure = "plainws: --insecure needs TLS: build with --features tls\n";
        for (typed, said) in [
            (&[&*wss][..], url),
            (&[&*https], url),
            (&[&*wss, "--insecure"], url),
            (&[&*ws, "--insecure"], insecure),
            (&[&*ws, "--ca", "ca.pem"], ca),
            (&[&*ws, "--ca", "ca.pem", "--max-redirects", "1"], ca),
        ] {
            let run = connect(typed);
            assert_eq!((run.code, &*run.stdout, &*run.stderr), (2, "", said));
        }
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    }

    #[test]
    fn with_a_password_sends_it_in_a_header_and_never_shows_it() {
        let server = greeting(|request| {
            let sent = header(request, "Authorization");
            assert_eq!(sent, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        });
        let run = listen(&[&format!("ws://Aladdin:open%20sesame@{}/", address(&server))]);
        server.join();
        assert_echoes(&run);
        assert!(run.stderr.contains("warning"), "{}", run.stderr);
        for secret in ["sesame", "QWxhZGRpb"] {
            assert!(!run.stderr.contains(secret), "{}", run.stderr);
        }

        let server = greeting(|request| {
            assert_eq!(request.matches("Authorization").count(), 1, "{request}");
            assert_eq!(header(request, "Authorization"), Some("Bearer x"));
        });
        let typed = format!("ws://a:b@{}/", address(&server));
        assert_echoes(&listen(&[&typed, "-H", "Authorization: Bearer x"]));
        server.join();
    }

    #[test]
    fn may_be_apart_from_the_url_and_the_host_too() {
        let server = greeting(|request| {
            assert_eq!(header(request, "Host"), Some("example.invalid"));
        });
        let to = address(&server).to_string();
        assert_echoes(&listen(&["example.invalid", "--connect-to", &to]));
        server.join();

        let server = greeting(|request| {
            assert_eq!(request.to_ascii_lowercase().matches("host:").count(), 1);
            assert_eq!(header(request, "Host"), Some("other.example:1"));
        });
        assert_echoes(&listen(&[&server.url, "-H", "host: other.example:1"]));
        server.join();
    }

    #[test]
    fn with_options_that_cannot_be_meant_is_wrong_usage() {
        for (options, problem) in [
            (
                &["--connect-to", "localhost"][..],
                "for '--connect-to <HOST:PORT>': a port is missing",
            ),
            (&["--connect-to", "ws://a:1"], "a host and a port alone"),
            (&["-H", "Upgrade: x"], "the handshake has its own"),
            (&["-H", "sec-websocket-key: x"], "the handshake has its own"),
            (
                &["-H", "Sec-WebSocket-Protocol: x"],
                "--subprotocol offers one",
            ),
            (&["-H", "Sec-WebSocket-Extensions: x"], "no extension"),
            (&["-H", "Host:"], "names no host"),
            (
                &["-H", "Host: a", "-H", "host: b"],
                "the header \"host\" cannot be sent",
            ),
            (&["--linger=-1"], "a number of seconds, or 0"),
        ] {
            let run = connect(&[&["localhost:1"], options].concat());
            assert_eq!(
                (run.code, &*run.stdout),
                (2, ""),
                "{options:?}: {}",
                run.stderr
            );
            assert!(run.stderr.contains(problem), "{options:?}: {}", run.stderr);
        }
    }

    #[test]
    fn of_nobody_is_named_with_what_was_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let run = connect(&[&format!("ws://{nobody}/")]);
        let expected = format!("plainws: cannot connect to ws://{nobody}/: Connection refused\n");
        assert_eq!((run.code, run.stderr), (1, expected));
    }

    #[test]
    fn is_the_same_for_the_load_tool() {
        let program = Program::serve(&["--quiet"]);
        let port = program.address.port();
        for (typed, more) in [
            (format!("http://127.0.0.1:{port}/echo"), vec![]),
            (format!(":{port}/echo"), vec![]),
            (
                "example.invalid/echo".to_owned(),
                vec![
                    "-H".to_owned(),
                    "Host: localhost".into(),
                    "--connect-to".into(),
                    program.address.to_string(),
                ],
            ),
        ] {
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let load = [
                "bench",
                &typed,
                "--seconds",
                "0.1",
                "--connections",
                "1",
                "--json",
            ];
            let run = run(&[&load[..], &more].concat());
            assert_eq!(run.code, 0, "{typed}: {}", run.stderr);
            assert!(
                run.stdout.contains("\"url\":\"ws://") || run.stdout.contains("\"url\": \"ws://")
            );
            assert_eq!(
                run.stderr.contains("taken as ws://"),
                typed.starts_with("http"),
                "{}",
                run.stderr
            );
        }
    }
}

mod a_refusal {
    use super::*;

    #[test]
    fn says_its_status_once() {
        let program = Program::serve(&["--quiet"]);
        let run = connect(&[&format!("ws://{}/nowhere", program.address)]);
        assert_eq!(run.code, 3);
        let expected = format!(
            "plainws: the server at ws://{}/nowhere refused the handshake with status 404 Not Found",
            program.address
        );
        assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
        assert_eq!(run.stderr.matches("404").count(), 1, "{}", run.stderr);
    }
}

mod a_redirect {
    use super::*;

    fn to(location: &str) -> HandMade {
        answering(format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ))
    }

    #[test]
    fn is_followed_only_if_that_is_asked_for() {
        let server = to("/echo");
        let run = connect(&[&server.url]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr
                .contains("302 Found, to /echo; not followed: --max-redirects"),
            "{}",
            run.stderr
        );
        server.join();
    }

    #[test]
    fn is_followed_and_said() {
        let program = Program::serve(&["--quiet"]);
        for scheme in ["ws", "http"] {
            let there = format!("{scheme}://{}/echo", program.address);
            let server = to(&there);
            let run = connect(&[&server.url, "--max-redirects", "1"]);
            assert_echoes(&run);
            let said = format!("302 Found; going to ws://{}/echo\n", program.address);
            assert!(run.stderr.contains(&said), "{}", run.stderr);
            server.join();
        }
    }

    #[test]
    fn never_leads_to_another_protocol() {
        let server = to("ftp://127.0.0.1:1/");
        let run = connect(&[&server.url, "--max-redirects", "9"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains("not followed: it leads to ftp://"),
            "{}",
            run.stderr
        );
        server.join();
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn to_tls_is_not_followed_by_a_build_without() {
        let server = to("wss://127.0.0.1:1/");
        let run = connect(&[&server.url, "--max-redirects", "9"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        let why = "not followed: it leads to wss://, which needs TLS: build with --features tls";
        assert!(run.stderr.contains(why), "{}", run.stderr);
        server.join();
    }

    #[test]
    fn in_a_circle_ends_after_as_many_as_were_allowed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for _ in 0..3 {
                let mut raw = Raw::from(accept(&listener));
                raw.head();
                raw.send("HTTP/1.1 307 Again\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
                raw.until_end();
            }
        });
        let run = connect(&[&url, "--max-redirects", "2"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_eq!(run.stderr.matches("going to").count(), 2, "{}", run.stderr);
        assert!(run.stderr.contains("--max-redirects 2"), "{}", run.stderr);
        server.join().unwrap();
    }

    #[test]
    fn takes_secrets_to_the_same_server_only() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let location = format!("http://{}/a/b", listener.local_addr().unwrap());
        let other = thread::spawn(move || {
            let asked = || {
                let mut raw = Raw::from(accept(&listener));
                let request = raw.head();
                for secret in ["Authorization", "Cookie"] {
                    assert_eq!(header(&request, secret), None, "{request}");
                }
                assert_eq!(header(&request, "X-Own"), Some("y"));
                assert_eq!(header(&request, "Sec-WebSocket-Protocol"), Some("chat"));
                assert!(!request.contains("example.invalid"), "{request}");
                (raw, request)
            };
            // Another server stays another one when it redirects within itself.
            let (mut raw, _) = asked();
            raw.send("HTTP/1.1 308 On\r\nLocation: c\r\nContent-Length: 0\r\n\r\n");
            raw.until_end();
            let (mut raw, request) = asked();
            assert!(request.starts_with("GET /a/c HTTP/1.1\r\n"), "{request}");
            greet(&mut raw, &request);
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for location in ["/again", &location] {
                let mut raw = Raw::from(accept(&listener));
                let request = raw.head();
                assert!(header(&request, "Authorization").is_some(), "{request}");
                assert_eq!(header(&request, "Cookie"), Some("c=d"));
                assert_eq!(header(&request, "Host"), Some("example.invalid"));
                raw.send(format!(
                    "HTTP/1.1 301 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                ));
                raw.until_end();
            }
        });
        let run = listen(&[
            &format!("ws://a:b@{here}/"),
            "--max-redirects",
            "3",
            "--subprotocol",
            "chat",
            "-H",
            "Cookie: c=d",
            "-H",
            "X-Own: y",
            "-H",
            "Host: example.invalid",
        ]);
        assert_echoes(&run);
        let connected =
            |line: &str| line.starts_with("plainws: connected to ws://") && line.ends_with("/a/c");
        assert!(run.stderr.lines().any(connected), "{}", run.stderr);
        server.join().unwrap();
        other.join().unwrap();
    }
}

mod a_proxy {
    use super::*;

    #[test]
    fn is_chosen_anew_where_a_redirect_leads() {
        let program = Program::serve(&["--quiet", "--allow-host", "example.invalid"]);
        let proxy = proxy_to(program.address);
        let here = answering(
            "HTTP/1.1 302 Found\r\nLocation: ws://example.invalid/echo\r\nContent-Length: 0\r\n\r\n",
        );
        let by = format!("http://{}", proxy.address);
        // This machine is reached without it, and what is connected to by hand is this machine.
        let to = address(&here).to_string();
        let arguments = [&*here.url, "--max-redirects", "1", "--connect-to", &to];
        assert_echoes(&connect_under(&[("http_proxy", &by)], &arguments));
        assert!(proxy.head().starts_with("CONNECT example.invalid:80 "));
        assert!(!proxy.was_asked());
        here.join();
    }

    #[test]
    fn of_the_option_is_used_always() {
        let program = Program::serve(&["--quiet"]);
        let proxy = proxy(OPEN);
        let url = format!("ws://{}/echo", program.address);
        let by = proxy.address.to_string();
        let run = connect_under(&[("no_proxy", "*")], &[&url, "--proxy", &by]);
        assert_echoes(&run);
        assert!(proxy.head().starts_with("CONNECT 127.0.0.1:"));
    }

    #[test]
    fn of_the_environment_is_used_and_named_without_its_password() {
        let program = Program::serve(&["--quiet", "--allow-host", "example.invalid"]);
        let proxy = proxy_to(program.address);
        let url = format!("http://user:secret@{}", proxy.address);
        let run = connect_under(&[("http_proxy", &url)], &["example.invalid/echo"]);
        assert_echoes(&run);
        let said = format!("by the proxy {}, which http_proxy names\n", proxy.address);
        assert!(run.stderr.contains(&said), "{}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
        let head = proxy.head();
        assert!(head.starts_with("CONNECT example.invalid:80 "), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic "), "{head}");
    }

    #[test]
    fn of_the_environment_is_not_used_for_this_machine_or_against_no_proxy() {
        let program = Program::serve(&["--quiet"]);
        let proxy = proxy(OPEN);
        let url = format!("http://{}", proxy.address);
        let here = format!("ws://{}/echo", program.address);
        assert_echoes(&connect_under(&[("http_proxy", &url)], &[&here]));

        let environment = [("ALL_PROXY", &*url), ("NO_PROXY", "a, invalid")];
        let run = connect_under(&environment, &["nosuchhost.invalid"]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(
            run.stderr.contains("cannot find the address"),
            "{}",
            run.stderr
        );
        let run = connect_under(
            &[("http_proxy", &url)],
            &["nosuchhost.invalid", "--proxy", ""],
        );
        assert!(
            run.stderr.contains("cannot find the address"),
            "{}",
            run.stderr
        );
        assert!(!proxy.was_asked());
    }

    #[test]
    fn that_refuses_or_is_none_is_told_from_the_server() {
        let refusing =
            proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        let by = refusing.address.to_string();
        let run = connect(&["example.invalid", "--proxy", &by]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        let said = format!(
            "the proxy {by} refused with status 407 Proxy Authentication Required; --proxy http://user"
        );
        assert!(run.stderr.contains(&said), "{}", run.stderr);

        let run = connect_under(&[("http_proxy", "socks5://a:1")], &["example.invalid"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(
            run.stderr
                .contains("http_proxy: cannot connect to \"socks5://a:1\": a proxy is http://"),
            "{}",
            run.stderr
        );
    }
}

mod a_server_that_speaks_no_http {
    use super::*;

    /// What is said of a server that says `bytes`; with `leaves`, it then ends its side, else it waits.
    fn told(bytes: &'static [u8], leaves: bool) -> Run {
        let server = hand_made(move |raw, _| {
            let _ = raw.try_send(bytes);
            if leaves {
                raw.send_fin();
            }
            raw.until_end();
        });
        let patience = if leaves { "20" } else { "0.3" };
        let run = connect(&[&server.url, "--connect-timeout", patience]);
        server.join();
        run
    }

    #[test]
    fn is_named_by_what_it_said() {
        for (bytes, said) in [
            (
                &b"\x15\x03\x01\x00\x02\x02\x46"[..],
                "the server speaks TLS",
            ),
            (
                b"SSH-2.0-OpenSSH_9.6p1\r\n",
                "this is an SSH server: SSH-2.0-OpenSSH_9.6p1",
            ),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/2"),
            (b"220 mail.example ESMTP\r\n", "SMTP"),
            (b"-ERR unknown command\r\n", "Redis"),
            (b"\x4a\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
        ] {
            let run = told(bytes, true);
            assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
            assert_eq!(run.code, 4, "the library's rule stays: {}", run.stderr);
            assert!(run.stderr.contains("broke a rule"), "{}", run.stderr);
        }
    }

    #[test]
    fn is_named_when_it_then_waits_in_silence() {
        // No end of the line, so that no rule is broken yet.
        let run = told(b"SSH-2.0-OpenSSH_9.6p1", false);
        assert!(
            run.stderr
                .contains("did not answer the request in time; this is an SSH server"),
            "{}",
            run.stderr
        );
        assert_eq!(run.code, 1);
        let run = told(b"22", false);
        assert!(!run.stderr.contains("this is"), "{}", run.stderr);
    }

    #[test]
    fn is_named_by_decode_too() {
        let run = run_with(&["decode", "--raw", "--role", "server"], b"SSH-2.0-x\r\n");
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(
            run.stdout.contains("this is an SSH server: SSH-2.0-x"),
            "{}",
            run.stdout
        );
    }

    #[test]
    fn is_guessed_by_its_port_when_it_leaves_in_silence() {
        for (port, is_told) in [(443, true), (8443, false)] {
            let server = hand_made(|raw, _| raw.send_fin());
            let to = address(&server).to_string();
            let run = connect(&[&format!("a.invalid:{port}"), "--connect-to", &to]);
            assert_eq!(run.code, 1, "{}", run.stderr);
            let told = run.stderr.contains("port 443 is for https:// and wss://");
            assert_eq!(told, is_told, "{}", run.stderr);
            server.join();
        }
    }

    #[test]
    fn but_tls_may_say_so_in_http() {
        let body = "Client sent an HTTP request to an HTTPS server.\n";
        let head = format!(
            "HTTP/1.0 400 Bad Request\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let server = answering(head + body);
        let run = connect(&[&server.url]);
        assert!(
            run.stderr.contains("; the server speaks TLS"),
            "{}",
            run.stderr
        );
        assert_eq!(run.code, 3);
        server.join();
    }
}
