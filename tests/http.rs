//! What the port answers besides WebSocket (RFC 9110, RFC 9112), over real sockets.

use crate::support;
use crate::support::bytes::TEXT;
use crate::support::hostile::{Visitor, go_on_sending};
use crate::support::raw::{KEY, PATIENCE, Raw, Response, upgrade_request};
use crate::support::server::{SOON, echo, endless, impatient, start, wait_until};
use plainws::net::log::Outcome;
use plainws::{Limits, Page, Server};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const HOME: &str = "<!doctype html><title>home</title>";
const BOTH: &str = "<!doctype html><title>page and WebSocket</title>";

/// Pages at `/` and `/both`, handlers at `/both` and `/echo`.
fn site(server: Server) -> Server {
    server
        .page("/", Page::html(HOME))
        .page("/both", Page::html(BOTH))
        .page("/logo.svg", Page::new("image/svg+xml", &b"<svg/>"[..]))
        .route("/both", echo)
        .route("/echo", echo)
}

fn request(line: &str, headers: &[&str]) -> String {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    format!("{line}\r\nHost: localhost\r\n{headers}\r\n")
}

fn get(path: &str) -> String {
    request(&format!("GET {path} HTTP/1.1"), &[])
}

/// A handshake for `/echo` with more headers.
fn upgrade_with(headers: &[&str]) -> String {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    upgrade_request("/echo").replace("\r\n\r\n", &format!("\r\n{headers}\r\n"))
}

/// The answer to `bytes` on a new connection, which ends after it unless it `is_kept`.
#[track_caller]
fn answer(address: SocketAddr, bytes: impl AsRef<[u8]>, is_kept: bool) -> Response {
    let mut raw = Raw::connect(address);
    raw.send(bytes);
    let response = raw.response();
    check(&response, is_kept);
    if is_kept {
        raw.send(get("/"));
        assert_eq!(raw.response().text(), HOME);
    } else {
        raw.expect_fin();
    }
    response
}

/// What every response has.
#[track_caller]
fn check(response: &Response, is_kept: bool) {
    let header = |name| response.header(name).unwrap_or_default();
    let connection = header("Connection");
    let is_said_to_close = connection.split(", ").any(|option| option == "close");
    assert_eq!(is_said_to_close, !is_kept, "{}", response.head);
    assert_eq!(header("X-Content-Type-Options"), "nosniff");
    assert!(!header("Content-Type").is_empty(), "{}", response.head);
    assert_eq!(response.header("Transfer-Encoding"), None);
    let policy = header("Content-Security-Policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    check_date(header("Date"));
}

/// RFC 9110 §5.6.7, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
#[track_caller]
fn check_date(date: &str) {
    let shape: String = date
        .chars()
        .map(|c| match c {
            '0'..='9' => '0',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    assert_eq!(shape, "Aaa, 00 Aaa 0000 00:00:00 AAA", "{date}");
    assert!(date.ends_with(" GMT"), "{date}");
}

mod pages {
    use super::*;

    #[test]
    fn are_answered_with_their_type_and_length() {
        let address = start(site);
        let home = answer(address, get("/"), true);
        assert_eq!((home.status, home.text()), (200, HOME));
        assert_eq!(
            home.header("Content-Type"),
            Some("text/html; charset=utf-8")
        );
        let logo = answer(address, get("/logo.svg"), true);
        assert_eq!((logo.status, logo.text()), (200, "<svg/>"));
        assert_eq!(logo.header("Content-Type"), Some("image/svg+xml"));
    }

    #[test]
    fn answer_head_with_the_headers_of_get_and_no_body() {
        let address = start(site);
        for path in ["/", "/nothing-here"] {
            let mut raw = Raw::connect(address);
            raw.send(request(&format!("HEAD {path} HTTP/1.1"), &[]));
            let head = raw.response_without_body();
            raw.send(get(path));
            let get = raw.response();
            assert_eq!(head.status, get.status);
            let but_date = |head: &str| {
                let lines = head.split("\r\n").filter(|line| !line.starts_with("Date:"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(but_date(&head.head), but_date(&get.head));
            assert!(!get.body.is_empty());
        }
    }

    #[test]
    fn share_a_path_with_a_handler() {
        let address = start(site);
        let mut raw = Raw::connect(address);
        raw.send(get("/both"));
        assert_eq!(raw.response().text(), BOTH);
        // The same connection may go on to become a WebSocket connection.
        raw.send(upgrade_request("/both"));
        raw.expect_101();
        raw.send_frame(TEXT, "hello");
        raw.expect_frame(TEXT, "hello");
    }

    #[test]
    fn are_served_whatever_other_protocol_is_offered() {
        // RFC 9110 §7.8: what is not wanted is ignored.
        let address = start(site);
        let h2c = [
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AA",
        ];
        let response = answer(address, request("GET / HTTP/1.1", &h2c), true);
        assert_eq!((response.status, response.text()), (200, HOME));
    }

    #[test]
    fn are_found_by_an_absolute_target_and_by_one_with_a_query() {
        let address = start(site);
        for target in [
            "http://localhost/both",
            "HTTP://other.localhost:81/both?x=1",
            "/both?x=/../&y=?",
            "/both?",
        ] {
            assert_eq!(answer(address, get(target), true).text(), BOTH, "{target}");
        }
        for target in ["http://localhost", "http://localhost?x", "/?x"] {
            assert_eq!(answer(address, get(target), true).text(), HOME, "{target}");
        }
    }

    #[test]
    fn are_found_byte_by_byte_only() {
        let address = start(site);
        for path in [
            "/both/",
            "/Both",
            "//both",
            "/./both",
            "/x/../both",
            "/%62oth",
            "/both;x",
            "/bot",
        ] {
            let response = answer(address, get(path), true);
            assert_eq!(response.status, 404, "{path}");
        }
        assert_eq!(answer(address, get("*"), false).status, 400);
    }

    #[test]
    fn made_anew_are_made_for_each_request() {
        let count = std::sync::atomic::AtomicUsize::new(1);
        let address = start(|server| {
            server.page_with("/", move |_| {
                let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Page::new("text/plain", format!("{count}").into_bytes())
            })
        });
        let mut raw = Raw::connect(address);
        for count in ["1", "2", "3"] {
            raw.send(get("/"));
            assert_eq!(raw.response().text(), count);
        }
    }

    #[test]
    fn made_anew_see_the_request() {
        let address = start(|server| {
            let server = server.page_with("/seen", |request| {
                let cookie = request.header("Cookie").unwrap_or("none");
                let query = request.query().unwrap_or("none");
                Page::text(format!("{} {query} {cookie}", request.path()))
            });
            site(server).prefix("/md_admin")
        });
        for (path, headers, told) in [
            ("/seen", &[][..], "/seen none none"),
            ("/seen?a=1?b", &["Cookie: c"], "/seen a=1?b c"),
            ("/md_admin/seen?", &[], "/md_admin/seen  none"),
        ] {
            let asked = request(&format!("GET {path} HTTP/1.1"), headers);
            assert_eq!(answer(address, asked, true).text(), told);
        }
        let mut raw = Raw::connect(address);
        raw.send(request("HEAD /seen?head HTTP/1.1", &[]));
        let length = raw
            .response_without_body()
            .header("Content-Length")
            .map(str::to_owned);
        assert_eq!(length.as_deref(), Some("15"));
    }

    #[test]
    fn may_refuse_and_say_why() {
        let (told, reasons) = mpsc::channel();
        let address = start(|server| {
            let server = server.page_with("/refused", |request| {
                let status = request.query().and_then(|status| status.parse().ok());
                Page::refusal(status.expect("a number"), "no such luck")
            });
            site(server).log(move |record| {
                if let Outcome::Response { status, reason, .. } = record.outcome {
                    let _ = told.send((status, reason.map(str::to_owned)));
                }
            })
        });
        for (status, body) in [
            (400, "400 Bad Request: no such luck\n"),
            (403, "403 Forbidden: no such luck\n"),
            (404, "404 Not Found: no such luck\n"),
            (418, "418: no such luck\n"),
            (421, "421 Misdirected Request: no such luck\n"),
            (503, "503 Service Unavailable: no such luck\n"),
        ] {
            let response = answer(address, get(&format!("/refused?{status}")), true);
            assert_eq!((response.status, response.text()), (status, body));
            let content_type = response.header("Content-Type");
            assert_eq!(content_type, Some("text/plain; charset=utf-8"));
            let retry = (status == 503).then_some("1");
            assert_eq!(response.header("Retry-After"), retry, "{status}");
            let next = || reasons.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!(next(), (status, Some("no such luck".into())));
            assert_eq!(next(), (200, None), "the page asked for after it");
        }
    }

    #[test]
    fn may_have_any_status_whose_response_has_a_body() {
        let address = start(|server| {
            site(server).page_with("/page", |request| {
                let status = request.query().and_then(|status| status.parse().ok());
                Page::html("<!doctype html>").status(status.expect("a number"))
            })
        });
        for (status, answered) in [
            (0, 500),
            (101, 500),
            (199, 500),
            (200, 200),
            (204, 500),
            (205, 500),
            (206, 206),
            (304, 500),
            (404, 404),
            (599, 599),
            (600, 500),
            (u16::MAX, 500),
        ] {
            let response = answer(address, get(&format!("/page?{status}")), true);
            assert_eq!(response.status, answered, "{status}");
            let is_its_own = response.text() == "<!doctype html>";
            assert_eq!(is_its_own, answered == status, "{status}");
        }
    }

    #[test]
    fn of_a_status_without_a_body_have_none_and_no_length() {
        let address = start(|server| {
            let page = |status| Page::text("").status(status).header("ETag", "\"1\"");
            let server = site(server).page("/204", page(204));
            server.page("/205", page(205)).page("/304", page(304))
        });
        for (path, length) in [("/204", None), ("/205", Some("0")), ("/304", None)] {
            let mut raw = Raw::connect(address);
            raw.send(get(path));
            let response = raw.response_without_body();
            assert_eq!(format!("/{}", response.status), path);
            assert_eq!(response.header("Content-Length"), length, "{path}");
            let content_type = length.and(Some("text/plain; charset=utf-8"));
            assert_eq!(response.header("Content-Type"), content_type, "{path}");
            assert_eq!(response.header("ETag"), Some("\"1\""));
            // The next response begins where this one ends.
            raw.send(get("/"));
            assert_eq!(raw.response().text(), HOME);
        }
    }

    #[test]
    fn that_panic_cost_only_their_connection() {
        let address = start(|server| site(server).page_with("/panic", |_| panic!("on purpose")));
        for _ in 0..3 {
            let mut raw = Raw::connect(address);
            raw.send(request("GET /panic HTTP/1.1", &["Connection: close"]));
            assert_eq!(raw.response().status, 500);
            raw.until_end();
        }
        assert_eq!(answer(address, get("/"), true).status, 200);
    }
}

/// Headers that a page maker sets.
mod pages_from_a_file {
    use super::*;
    use std::fs::{self, File};
    use std::io::Write as _;

    /// Longer than several pieces, and no multiple of one.
    const LENGTH: usize = 200_001;

    fn contents(length: usize) -> Vec<u8> {
        (0..=250).cycle().take(length).collect()
    }

    /// Serves a file of that many bytes at `/file`. Returns it, to be changed.
    fn serve(name: &str, length: usize) -> (SocketAddr, File) {
        serve_with(
            name,
            |server| server,
            |file| {
                file.write_all(&contents(length))
                    .expect("it can be written");
            },
        )
    }

    fn serve_with(
        name: &str,
        configure: impl FnOnce(Server) -> Server,
        fill: impl FnOnce(&mut File),
    ) -> (SocketAddr, File) {
        let path = std::env::temp_dir().join(format!("plainws-{name}-{}", std::process::id()));
        let mut file = File::create(&path).expect("a file can be made");
        fill(&mut file);
        let page = Page::file(
            "application/x-test",
            File::open(&path).expect("it is there"),
        );
        let page = page.expect("it has a length");
        let _ = fs::remove_file(path);
        (
            start(|server| configure(site(server)).page("/file", page)),
            file,
        )
    }

    #[test]
    fn are_sent_whole_to_several_at_once_and_again() {
        let (address, _file) = serve("whole", LENGTH);
        let mut peers = [Raw::connect(address), Raw::connect(address)];
        for _ in 0..2 {
            for raw in &mut peers {
                raw.send(get("/file"));
            }
            for raw in &mut peers {
                let response = raw.response();
                assert_eq!(response.status, 200);
                assert_eq!(response.header("Content-Type"), Some("application/x-test"));
                assert!(response.body == contents(LENGTH), "{}", response.body.len());
            }
        }
    }

    #[test]
    fn are_not_sent_to_who_asks_for_the_head_alone() {
        let (address, _file) = serve("head", LENGTH);
        let mut raw = Raw::connect(address);
        raw.send(request("HEAD /file HTTP/1.1", &[]));
        raw.send(get("/"));
        let response = raw.response_without_body();
        assert_eq!(response.header("Content-Length"), Some("200001"));
        assert_eq!(raw.response().text(), HOME);
    }

    #[test]
    fn end_where_they_ended_when_they_were_made_though_the_file_has_grown() {
        let (address, mut file) = serve("grown", LENGTH);
        file.write_all(b"more").expect("it can be written");
        let mut raw = Raw::connect(address);
        raw.send(get("/file"));
        raw.send(get("/"));
        assert!(raw.response().body == contents(LENGTH));
        assert_eq!(raw.response().text(), HOME);
    }

    #[test]
    fn end_the_connection_where_the_file_ends_too_early() {
        let (told, reported) = mpsc::channel();
        let log = |server: Server| {
            server.log(move |record| {
                if let Outcome::Response { length, .. } = record.outcome {
                    let _ = told.send(length);
                }
            })
        };
        let (address, file) = serve_with("shrunk", log, |file| {
            file.write_all(&contents(LENGTH))
                .expect("it can be written");
        });
        file.set_len(70_000).expect("it can be cut");
        let mut raw = Raw::connect(address);
        raw.send(get("/file"));
        raw.send(get("/"));
        let all = raw.until_end();
        let head = support::raw::head_end(&all).expect("a head came");
        assert!(all[head..] == contents(70_000), "{}", all.len());
        let head = String::from_utf8_lossy(&all[..head]).into_owned();
        assert!(head.contains("\r\nContent-Length: 200001\r\n"), "{head}");
        assert_eq!(reported.recv_timeout(PATIENCE), Ok(70_000));
    }

    #[test]
    fn may_be_longer_than_the_memory() {
        let (address, _file) = serve_with(
            "long",
            |server| server,
            |file| {
                file.set_len(1 << 36).expect("it can have holes");
            },
        );
        let mut raw = Raw::connect(address);
        raw.send(get("/file"));
        let head = raw.head();
        assert!(
            head.contains("\r\nContent-Length: 68719476736\r\n"),
            "{head}"
        );
        assert!(raw.bytes(1 << 20).iter().all(|&byte| byte == 0));
    }
}

mod headers {
    use super::*;

    #[test]
    fn are_sent_in_their_order_and_as_often_as_they_were_set() {
        let address = start(|server| {
            let page = Page::text("in")
                .header("Set-Cookie", "a=1")
                .header("Set-Cookie", "b=2")
                .header("X-Empty", "");
            server.page("/", page)
        });
        let mut raw = Raw::connect(address);
        raw.send(get("/"));
        let head = raw.response().head;
        assert!(
            head.contains("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Empty: \r\n"),
            "{head}"
        );
    }

    #[test]
    fn replace_those_that_are_sent_by_default() {
        let own = [
            ("cache-control", "max-age=60"),
            ("CONTENT-SECURITY-POLICY", "default-src *"),
            ("X-Content-Type-Options", "none"),
            ("Referrer-Policy", "origin"),
            ("Content-Type", "text/x-own"),
            ("Retry-After", "7"),
        ];
        let address = start(|server| {
            let page = Page::text("later").status(503);
            let page = own
                .iter()
                .fold(page, |page, (name, value)| page.header(name, value));
            server.page("/", page)
        });
        let mut raw = Raw::connect(address);
        raw.send(get("/"));
        let response = raw.response();
        // One that stands twice is not found.
        for (name, value) in own {
            assert_eq!(response.header(name), Some(value), "{}", response.head);
        }
    }

    #[test]
    fn may_leave_out_the_content_policy_alone() {
        let address = start(|server| {
            let free = Page::html("<script>alert(1)</script>").without_content_policy();
            site(server).page("/free", free)
        });
        for (path, has_policy) in [("/", true), ("/free", false)] {
            let mut raw = Raw::connect(address);
            raw.send(get(path));
            let response = raw.response();
            let policy = response.header("Content-Security-Policy");
            assert_eq!(policy.is_some(), has_policy, "{path}");
            let sniff = response.header("X-Content-Type-Options");
            assert_eq!(sniff, Some("nosniff"));
        }
    }

    #[test]
    fn that_must_not_be_sent_make_the_page_a_500_that_names_them() {
        let (told, reasons) = mpsc::channel();
        let bad = [
            ("", "x"),
            ("a b", "x"),
            ("a:", "x"),
            ("x\r\nSet-Cookie", "y"),
            ("ä", "x"),
            ("x", "1\r\nSet-Cookie: y"),
            ("x", "1\ny"),
            ("x", "\0"),
            ("x", "\u{7f}"),
            ("connection", "close"),
            ("Content-Length", "0"),
            ("TRANSFER-ENCODING", "chunked"),
            ("Date", "today"),
            ("Upgrade", "h2c"),
            ("Sec-WebSocket-Accept", "x"),
            ("Sec-WebSocket-Version", "13"),
        ];
        let address = start(|server| {
            let server = server.log(move |record| {
                if let Outcome::Response { reason, .. } = record.outcome {
                    let _ = told.send(reason.map(str::to_owned));
                }
            });
            server.page_with("/bad", move |request| {
                let (name, value) = bad[request.query().unwrap().parse::<usize>().unwrap()];
                let page = Page::refusal(403, "no").header("X-Good", "1");
                page.header(name, value)
            })
        });
        for (number, (name, _)) in bad.iter().enumerate() {
            let mut raw = Raw::connect(address);
            raw.send(get(&format!("/bad?{number}")));
            let response = raw.response();
            let reason = format!("the header {name:?} cannot be sent as it was set");
            let body = format!("500 Internal Server Error: {reason}\n");
            assert_eq!((response.status, response.text()), (500, &*body));
            assert_eq!(response.header("X-Good"), None);
            assert_eq!(response.header("Set-Cookie"), None);
            let told = reasons.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!(told, Some(reason));
        }
    }

    #[test]
    fn lead_elsewhere() {
        let address = start(|server| {
            let login = Page::text("log in first\n")
                .status(302)
                .header("Location", "/login");
            server.page("/", login)
        });
        let mut raw = Raw::connect(address);
        raw.send(get("/"));
        let response = raw.response();
        assert!(
            response.head.starts_with("HTTP/1.1 302 Found\r\n"),
            "{}",
            response.head
        );
        assert_eq!(response.header("Location"), Some("/login"));
        assert_eq!(response.text(), "log in first\n");
    }
}

mod a_prefix {
    use super::*;

    #[test]
    fn serves_everything_a_second_time() {
        let address = start(|server| site(server).prefix("/md_admin").prefix("/deep/er/"));
        for prefix in ["", "/md_admin", "/deep/er"] {
            let home = answer(address, get(&format!("{prefix}/")), true);
            assert_eq!(home.text(), HOME);
            let both = answer(address, get(&format!("{prefix}/both?x")), true);
            assert_eq!(both.text(), BOTH);
            let mut raw = Raw::open(address, &format!("{prefix}/echo"));
            raw.send_frame(TEXT, prefix);
            raw.expect_frame(TEXT, prefix);
        }
        for path in [
            "/md_adminboth",
            "/md_admin/md_admin/both",
            "/deep/both",
            "/md_admin//",
        ] {
            assert_eq!(answer(address, get(path), true).status, 404, "{path}");
        }
    }

    #[test]
    fn without_its_slash_is_redirected_to() {
        let address = start(|server| site(server).prefix("/md_admin"));
        let response = answer(address, get("/md_admin"), true);
        assert_eq!(response.status, 308);
        assert_eq!(response.header("Location"), Some("/md_admin/"));
        let response = answer(address, get("/md_admin?a=%20&b"), true);
        assert_eq!(response.header("Location"), Some("/md_admin/?a=%20&b"));
        // A handshake is not redirected: browsers would not follow.
        let refused = answer(address, upgrade_request("/md_admin"), false);
        assert_eq!(refused.status, 404);
    }

    #[test]
    fn gives_way_to_a_page_of_just_its_path() {
        let address = start(|server| site(server).prefix("/both"));
        assert_eq!(answer(address, get("/both"), true).text(), BOTH);
        assert_eq!(answer(address, get("/both/both"), true).text(), BOTH);
    }
}

mod keep_alive {
    use super::*;

    #[test]
    fn answers_one_request_after_another() {
        let mut raw = Raw::connect(start(site));
        for _ in 0..20 {
            raw.send(get("/"));
            let response = raw.response();
            check(&response, true);
            assert_eq!(response.text(), HOME);
        }
    }

    #[test]
    fn answers_pipelined_requests_in_order() {
        let address = start(site);
        let stream = [
            get("/"),
            get("/nothing-here"),
            request("HEAD /both HTTP/1.1", &[]),
            "\r\n".into(),
            get("/both"),
            request("POST /both HTTP/1.1", &["Content-Length: 0"]),
            request("GET /logo.svg HTTP/1.1", &["Connection: close"]),
            get("/never-answered"),
        ]
        .concat();
        for cut in [stream.len(), 1, 30, 61, 200] {
            let mut raw = Raw::connect(address);
            raw.send(&stream[..cut]);
            raw.send(&stream[cut..]);
            assert_eq!(raw.response().text(), HOME, "cut at {cut}");
            assert_eq!(raw.response().status, 404);
            assert_eq!(raw.response_without_body().status, 200);
            assert_eq!(raw.response().text(), BOTH);
            assert_eq!(raw.response().status, 405);
            assert_eq!(raw.response().text(), "<svg/>");
            raw.expect_fin();
        }
    }

    #[test]
    fn reads_requests_and_the_handshake_behind_them_in_one_segment() {
        let mut raw = Raw::connect(start(site));
        let frame = support::bytes::frame(plainws::Role::Client, TEXT, b"first");
        let stream = [
            get("/").as_bytes(),
            upgrade_request("/echo").as_bytes(),
            &frame,
        ]
        .concat();
        raw.send(stream);
        assert_eq!(raw.response().text(), HOME);
        raw.expect_101();
        raw.expect_frame(TEXT, "first");
    }

    #[test]
    fn ends_when_the_client_says_so() {
        let address = start(site);
        for value in ["close", "Close", "keep-alive, close", "x,CLOSE"] {
            let header = format!("Connection: {value}");
            let response = answer(address, request("GET / HTTP/1.1", &[&header]), false);
            assert_eq!(response.text(), HOME);
        }
    }

    #[test]
    fn is_not_for_http_1_0() {
        let address = start(site);
        for headers in [&[][..], &["Connection: keep-alive"]] {
            let response = answer(address, request("GET / HTTP/1.0", headers), false);
            assert_eq!((response.status, response.text()), (200, HOME));
            assert!(response.head.starts_with("HTTP/1.1 "), "RFC 9110 §2.5");
        }
        let without_host = answer(address, "GET / HTTP/1.0\r\n\r\n", false);
        assert_eq!(
            without_host.status, 200,
            "RFC 9112 §3.2 binds HTTP/1.1 only"
        );
        // RFC 9110 §2.5: a higher minor version is treated as ours.
        answer(address, request("GET / HTTP/1.2", &[]), true);
    }

    #[test]
    fn ends_in_silence_when_nothing_comes() {
        let address = start(|server| site(server).limits(endless().head_timeout(SOON)));
        let began = Instant::now();
        let mut unused = Raw::connect(address);
        let mut only_empty_lines = Raw::connect(address);
        only_empty_lines.send("\r\n\r\n");
        for raw in [&mut unused, &mut only_empty_lines] {
            raw.wait_for_due(began, SOON);
            raw.expect_fin();
        }
    }

    #[test]
    fn ends_in_silence_when_no_further_request_begins_in_time() {
        let (told, log) = mpsc::channel();
        let limits = endless().keep_alive_timeout(SOON);
        let address = start(|server| {
            site(server).limits(limits).log(move |record| {
                let _ = told.send(record.request_line.to_vec());
            })
        });
        for after in ["", "\r\n", "\r\n\r\n"] {
            let mut raw = Raw::connect(address);
            let since = Instant::now();
            raw.send(get("/"));
            assert_eq!(raw.response().text(), HOME);
            raw.send(after);
            raw.wait_for_due(since, SOON);
            raw.expect_fin();
        }
        // Nobody is told of the end: the next record is another request's.
        answer(address, request("GET / HTTP/1.0", &[]), false);
        let lines: Vec<_> = (0..4).map(|_| log.recv_timeout(PATIENCE)).collect();
        assert!(
            lines[..3]
                .iter()
                .all(|line| *line == Ok(b"GET / HTTP/1.1".to_vec()))
        );
        assert_eq!(lines[3], Ok(b"GET / HTTP/1.0".to_vec()));
    }

    #[test]
    fn ends_without_a_reset_for_a_request_that_comes_too_late() {
        let limits = endless().keep_alive_timeout(Duration::from_millis(50));
        let address = start(|server| site(server).limits(limits));
        // It goes on reading for a second: a busy machine may need several attempts to be in time.
        let is_read = (0..20).any(|_| {
            let mut raw = Raw::connect(address);
            raw.send(get("/"));
            assert_eq!(raw.response().text(), HOME);
            raw.expect_fin();
            // A reset is found by what is sent after it has come.
            (0..10).all(|_| {
                std::thread::sleep(Duration::from_millis(5));
                raw.try_send(get("/")).is_ok()
            })
        });
        assert!(is_read);
    }

    /// Time for a head, which comes at once where a test does not mean to be late.
    const A_HEAD: Duration = Duration::from_secs(1);

    /// A connection that has had one response, and has then been kept for longer than a head may take.
    fn kept_for_longer_than_a_head_takes(address: SocketAddr) -> Raw {
        let mut kept = Raw::connect(address);
        kept.send(get("/"));
        assert_eq!(kept.response().text(), HOME);
        let began = Instant::now();
        let mut unused = Raw::connect(address);
        unused.wait_for_due(began, A_HEAD);
        unused.expect_fin();
        kept
    }

    #[test]
    fn waits_longer_for_the_next_request_than_for_a_head() {
        let address = start(|server| site(server).limits(endless().head_timeout(A_HEAD)));
        let mut raw = kept_for_longer_than_a_head_takes(address);
        raw.send(get("/both"));
        assert_eq!(raw.response().text(), BOTH);
        raw.send(upgrade_request("/echo"));
        raw.expect_101();
    }

    #[test]
    fn gives_a_head_that_has_begun_the_time_of_a_head() {
        let address = start(|server| site(server).limits(endless().head_timeout(A_HEAD)));
        let mut raw = kept_for_longer_than_a_head_takes(address);
        let began = Instant::now();
        raw.send("G");
        let mut bytes = 0;
        while raw.is_silent(A_HEAD / 20) {
            bytes += 1;
            assert!(bytes < 1000, "each byte puts the deadline off");
            raw.send("E");
        }
        assert!(began.elapsed() >= A_HEAD, "the wait before it counts");
        let response = raw.response();
        assert_eq!(response.status, 408);
        check(&response, false);
    }

    #[test]
    fn leaves_the_wait_for_a_request_out_of_its_duration() {
        let (told, log) = mpsc::channel();
        let address = start(|server| {
            site(server).limits(endless()).log(move |record| {
                let _ = told.send(record.duration);
            })
        });
        let mut raw = Raw::connect(address);
        for _ in 0..3 {
            let sent = Instant::now();
            raw.send(get("/"));
            assert_eq!(raw.response().text(), HOME);
            let duration = log.recv_timeout(PATIENCE).expect("a record in time");
            assert!(duration <= sent.elapsed(), "{duration:?}");
            raw.expect_silence(SOON);
        }
    }

    /// Requests a page; what the response says of the connection.
    fn stays(raw: &mut Raw) -> bool {
        raw.send(get("/"));
        let response = raw.response();
        let stays = response.header("Connection") == Some("keep-alive");
        check(&response, stays);
        if !stays {
            raw.expect_fin();
        }
        stays
    }

    #[test]
    fn is_over_while_three_quarters_of_all_places_are_taken() {
        let address = start(|server| site(server).limits(endless()).max_connections(8));
        let mut kept = Raw::connect(address);
        let others: Vec<_> = (0..4).map(|_| Raw::open(address, "/echo")).collect();
        assert!(stays(&mut kept), "5 of 8");
        let last = Raw::open(address, "/echo");
        assert!(!stays(&mut kept), "6 of 8");
        drop((last, others));
        wait_until("places", || stays(&mut Raw::connect(address)));
    }

    #[test]
    fn is_over_while_three_quarters_of_the_places_of_an_address_are_taken() {
        let limits = endless();
        let address = start(|server| site(server).limits(limits).max_per_address(4));
        let [one, other] = [0, 1].map(Visitor::number);
        let mut kept = one.connect(address);
        let first = one.open(address, "/echo");
        assert!(stays(&mut kept), "2 of 4");
        let second = one.open(address, "/echo");
        assert!(stays(&mut other.connect(address)), "1 of 4");
        assert!(!stays(&mut kept), "3 of 4");
        drop((first, second));
        wait_until("places", || stays(&mut one.connect(address)));
    }
}

mod s400_bad_request {
    use super::*;

    #[track_caller]
    fn refused(bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let response = answer(start(site), bytes, false);
        assert_eq!(response.status, 400, "{}", bytes.escape_ascii());
        assert!(response.text().starts_with("400 Bad Request: "));
    }

    #[test]
    fn answers_what_is_no_http() {
        refused("\x16\x03\x01\x02\x00\x01\x00\x01\u{7F}"); // a TLS hello
        refused("hello\r\n");
        refused("\0");
    }

    #[test]
    fn answers_a_malformed_request_line() {
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET\t/\tHTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.10",
            "GET / HTTP/11",
            "GET /\u{e9} HTTP/1.1",
            "GET /#x HTTP/1.1",
            "GET both HTTP/1.1",
            "GET ftp://example.com/ HTTP/1.1",
            "G@T / HTTP/1.1",
        ] {
            refused(request(line, &[]));
        }
    }

    #[test]
    fn answers_malformed_headers_and_lines() {
        for header in [
            "Host : localhost",
            " X: folded",
            "X Y: z",
            ": z",
            "no colon",
            "X: a\rb",
            "X: a\nY: b",
            "X: a\0b",
            "X: a\x1Bb",
            "X: a\x7Fb",
        ] {
            refused(request("GET / HTTP/1.1", &[header]));
        }
        refused("GET / HTTP/1.1\nHost: localhost\n\n");
        refused(" X: y\r\n\r\n");
        refused("GET / HTTP/1.1\r\n X: y\r\nHost: localhost\r\n\r\n");
    }

    #[test]
    fn answers_a_host_that_is_missing_repeated_or_none() {
        refused("GET / HTTP/1.1\r\n\r\n");
        refused(request("GET / HTTP/1.1", &["Host: localhost"]));
        for host in [
            "", "a b", "a/b", "a@b", "a:b", "a:99999", "[::1", "[]", "<x>",
        ] {
            refused(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        }
        // The target's host counts, but the header must be right all the same.
        refused("GET http://localhost/ HTTP/1.1\r\n\r\n");
        refused("GET http://a@b/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }

    #[test]
    fn comes_at_the_byte_that_is_wrong_and_is_not_followed_by_another_answer() {
        let address = start(site);
        let mut raw = Raw::connect(address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: \0");
        assert_eq!(raw.response().status, 400);
        // The server may have left already.
        let _ = raw.try_send(get("/"));
        raw.expect_fin();
    }

    #[test]
    fn is_not_the_answer_to_what_is_unusual_but_right() {
        let address = start(site);
        for headers in [
            &["X: \u{e9}\u{fc}"][..],
            &["X:"],
            &["X: \t a \t "],
            &["!#$%&'*+-.^_`|~: x"],
            &["X: a", "X: b", "x: c"],
            &["Accept:text/html,*/*;q=0.1"],
        ] {
            let response = answer(address, request("GET / HTTP/1.1", headers), true);
            assert_eq!(response.status, 200, "{headers:?}");
        }
        let mut raw = Raw::connect(address);
        raw.send(b"\r\n\r\nGET / HTTP/1.1\r\nhOsT:[::1]:8000\r\nX: \xFF\xFE\r\n\r\n");
        assert_eq!(raw.response().status, 200);
    }
}

/// A page of `evil.example`, whose name was made to lead here, is not let in (DNS rebinding).
mod s421_host {
    use super::*;
    use std::net::TcpListener;

    /// The statuses for a page and for a handshake that a page of the same host sends.
    #[track_caller]
    fn statuses(address: SocketAddr, host: &str) -> [u16; 2] {
        let origin = format!("Origin: http://{host}");
        [get("/both"), upgrade_with(&[&origin])].map(|request| {
            let mut raw = Raw::connect(address);
            raw.send(request.replace("Host: localhost", &format!("Host: {host}")));
            let head = raw.head();
            head[9..12].parse().expect("a status")
        })
    }

    /// A server on all addresses of the machine, and how it is reached on the loopback.
    fn start_on_all_addresses(configure: impl FnOnce(Server) -> Server) -> SocketAddr {
        let listener = TcpListener::bind("0.0.0.0:0").expect("port 0 is always free");
        let port = listener.local_addr().expect("it is bound").port();
        let server = configure(site(Server::from_listener(listener)));
        std::thread::spawn(move || server.serve());
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn on_the_loopback_must_be_one_of_the_loopback() {
        let address = start(site);
        let port = address.port();
        for host in [
            "localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "x.localhost.",
        ] {
            assert_eq!(statuses(address, host), [200, 101], "{host}");
            assert_eq!(statuses(address, &format!("{host}:{port}")), [200, 101]);
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
        ] {
            assert_eq!(statuses(address, host), [421, 421], "{host}");
            assert_eq!(statuses(address, &format!("{host}:{port}")), [421, 421]);
        }
    }

    #[test]
    fn may_be_one_that_is_allowed() {
        let allowed = "app.example:8443".parse().expect("a host");
        let address = start(|server| site(server).allow_host(allowed));
        assert_eq!(statuses(address, "app.example:8443"), [200, 101]);
        assert_eq!(statuses(address, "localhost"), [200, 101]);
        assert_eq!(statuses(address, "app.example:8000"), [421, 421]);
        assert_eq!(statuses(address, "other.example:8443"), [421, 421]);
    }

    #[test]
    fn on_other_addresses_may_be_any_until_one_is_allowed() {
        let address = start_on_all_addresses(|server| server);
        assert_eq!(statuses(address, "any.example"), [200, 101]);
        let allowed = "app.example".parse().expect("a host");
        let address = start_on_all_addresses(|server| server.allow_host(allowed));
        assert_eq!(statuses(address, "app.example"), [200, 101]);
        // From the machine itself.
        assert_eq!(statuses(address, "localhost"), [200, 101]);
        assert_eq!(statuses(address, "any.example"), [421, 421]);
    }

    #[test]
    fn is_judged_before_anything_else_and_ends_the_connection() {
        let address = start(site);
        for line in ["GET /nothing-here", "POST /", "BREW /", "OPTIONS *"] {
            let request = request(&format!("{line} HTTP/1.1"), &["Content-Length: 4000"]);
            let request = request.replace("localhost", "evil.example");
            let response = answer(address, request + &get("/"), false);
            assert_eq!(response.status, 421, "{line}");
            assert!(!response.text().contains("evil"), "{}", response.text());
        }
        // The host that counts is that of the target (RFC 9112 §3.2.2).
        let response = answer(address, get("http://evil.example/"), false);
        assert_eq!(response.status, 421);
        // HTTP/1.0 may do without a host; if it names one, that counts.
        let response = answer(address, "GET / HTTP/1.0\r\n\r\n", false);
        assert_eq!(response.status, 200);
        let named = "GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n";
        assert_eq!(answer(address, named, false).status, 421);
    }
}

mod s403_origin {
    use super::*;

    /// The site under two names of its own.
    fn named(server: Server) -> Server {
        let names = ["example.com", "target.example"].map(|name| name.parse().expect("a host"));
        names.into_iter().fold(site(server), Server::allow_host)
    }

    /// The status for a handshake to `host` by a page of `origin`.
    fn status(address: SocketAddr, host: &str, origin: &str) -> u16 {
        let request = upgrade_with(&[&format!("Origin: {origin}")])
            .replace("Host: localhost", &format!("Host: {host}"));
        let mut raw = Raw::connect(address);
        raw.send(&request);
        let head = raw.head();
        head[9..12].parse().expect("a status")
    }

    #[test]
    fn of_the_same_host_and_port_may_connect() {
        let address = start(named);
        for (host, origin) in [
            ("example.com", "http://example.com"),
            ("example.com", "https://example.com"),
            ("example.com:80", "http://example.com"),
            ("example.com", "http://example.com:80"),
            ("example.com:443", "https://example.com"),
            ("example.com", "https://example.com:443"),
            ("EXAMPLE.com", "http://example.COM"),
            ("localhost:8000", "http://localhost:8000"),
            ("[::1]:8000", "http://[::1]:8000"),
            ("127.0.0.1:8000", "https://127.0.0.1:8000"),
            // Sent by clients that are no browsers.
            ("example.com", "ws://example.com"),
            ("example.com", "wss://example.com:443"),
            ("localhost:8000", "WS://localhost:8000"),
        ] {
            assert_eq!(status(address, host, origin), 101, "{origin} at {host}");
        }
    }

    #[test]
    fn of_another_host_or_port_or_none_may_not() {
        let address = start(named);
        for (host, origin) in [
            ("example.com", "null"),
            ("example.com", ""),
            ("example.com", "example.com"),
            ("example.com", "ftp://example.com"),
            ("example.com", "file://"),
            ("example.com", "http://evil.example"),
            ("example.com", "http://example.com.evil.example"),
            ("example.com", "http://evil-example.com"),
            ("example.com", "http://example.com:8000"),
            ("example.com:8000", "http://example.com"),
            ("example.com:80", "https://example.com"),
            ("example.com:80", "wss://example.com"),
            ("example.com", "ws://evil.example"),
            ("example.com", "ws://example.com:8000"),
            ("example.com", "http://example.com/"),
            ("example.com", "http://example.com http://evil.example"),
            ("localhost:8000", "http://127.0.0.1:8000"),
        ] {
            assert_eq!(status(address, host, origin), 403, "{origin} at {host}");
        }
    }

    #[test]
    fn and_the_refusal_says_what_would_let_them() {
        let address = start(named);
        let request = upgrade_with(&["Origin: https://Site.example:443"]);
        let refused = answer(address, request, false);
        assert_eq!(
            refused.text(),
            "403 Forbidden: pages of https://Site.example:443 may not connect to localhost unless \
             https://site.example is allowed (--allow-origin, allow_origin)\n"
        );
    }

    #[test]
    fn allowed_by_name_may_connect_and_no_other_like_it() {
        let address = start(|server| {
            named(server)
                .allow_origin("https://app.example".parse().unwrap())
                .allow_origin("null".parse().unwrap())
        });
        for (origin, expected) in [
            ("https://app.example", 101),
            ("https://APP.example", 101),
            ("null", 101),
            ("http://app.example", 403),
            ("https://app.example:8443", 403),
            ("https://x.app.example", 403),
            ("https://app.example.evil.example", 403),
        ] {
            assert_eq!(status(address, "example.com", origin), expected, "{origin}");
        }
    }

    #[test]
    fn is_compared_with_the_host_of_an_absolute_target() {
        let address = start(named);
        let request = |origin| {
            upgrade_with(&[&format!("Origin: {origin}")])
                .replace("GET /echo", "GET http://target.example/echo")
        };
        let mut raw = Raw::connect(address);
        raw.send(request("http://target.example"));
        raw.expect_101();
        let refused = answer(address, request("http://example.com"), false);
        assert_eq!(
            refused.status, 403,
            "RFC 9112 §3.2.2: the target's host counts"
        );
    }

    #[test]
    fn twice_or_not_in_ascii_is_a_bad_request() {
        let address = start(named);
        let twice = ["Origin: http://example.com", "Origin: http://example.com"];
        assert_eq!(answer(address, upgrade_with(&twice), false).status, 400);
        let umlaut = ["Origin: http://ex\u{e4}mple.com"];
        assert_eq!(answer(address, upgrade_with(&umlaut), false).status, 400);
    }

    #[test]
    fn does_not_matter_to_pages() {
        let address = start(named);
        let evil = ["Origin: http://evil.example"];
        let response = answer(address, request("GET / HTTP/1.1", &evil), true);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("Access-Control-Allow-Origin"), None);
    }
}

/// RFC 9110 §9.3.7.
mod options {
    use super::*;

    /// Asks, and looks that nothing but a head comes.
    #[track_caller]
    fn asked(address: SocketAddr, path: &str) -> Response {
        let mut raw = Raw::connect(address);
        raw.send(request(&format!("OPTIONS {path} HTTP/1.1"), &[]));
        let response = raw.response_without_body();
        if response.status == 204 {
            raw.send(request("GET /nothing-here HTTP/1.1", &[]));
            assert_eq!(raw.response().status, 404, "nothing comes between");
        }
        response
    }

    #[track_caller]
    fn is_told(address: SocketAddr, path: &str) {
        let response = asked(address, path);
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(response.header("Allow"), Some("GET, HEAD, OPTIONS"));
        for absent in ["Content-Length", "Content-Type", "Transfer-Encoding"] {
            assert_eq!(response.header(absent), None, "RFC 9110 §8.6, §15.3.5");
        }
    }

    #[test]
    fn are_told_of_pages_of_handlers_and_of_the_server_as_a_whole() {
        let address = start(|server| site(server).prefix("/admin"));
        for path in ["/", "/both", "/echo", "*", "/admin/echo", "/?x=y"] {
            is_told(address, path);
        }
        assert_eq!(asked(address, "/admin").status, 308);
    }

    #[test]
    fn are_not_told_where_there_is_nothing() {
        let address = start(|server| {
            site(server).page_with("/rooms/{id}", |request| match request.param("id") {
                Some("1") => Page::text("full"),
                Some("2") => Page::text("elsewhere").status(302),
                Some("3") => panic!("on purpose"),
                _ => Page::refusal(404, "no such room"),
            })
        });
        is_told(address, "/rooms/1");
        is_told(address, "/rooms/2");
        for (path, status) in [
            ("/nothing-here", 404),
            ("/rooms/%FF", 400),
            ("/rooms/3", 500),
            ("/rooms/4", 404),
        ] {
            let line = format!("OPTIONS {path} HTTP/1.1");
            let options = answer(address, request(&line, &[]), true);
            assert_eq!(options.status, status, "{path}");
            assert_eq!(options.text(), answer(address, get(path), true).text());
        }
    }

    #[test]
    fn are_told_of_what_is_served_where_no_path_fits() {
        let address = start(|server| {
            site(server).fallback_page(|request| match request.path() {
                "/elsewhere" => Page::text("here"),
                _ => Page::refusal(404, "nothing at all"),
            })
        });
        is_told(address, "/elsewhere");
        let line = "OPTIONS /nothing-here HTTP/1.1";
        let response = answer(address, request(line, &[]), true);
        assert_eq!(response.text(), "404 Not Found: nothing at all\n");
        let address = start(|server| server.fallback(echo).page("/", Page::html(HOME)));
        for path in ["/anything", "*"] {
            let line = format!("OPTIONS {path} HTTP/1.1");
            let mut raw = Raw::connect(address);
            raw.send(request(&line, &[]));
            assert_eq!(raw.response_without_body().status, 204, "{path}");
        }
    }

    /// As HAProxy asks.
    #[test]
    fn are_told_in_http_1_0_without_a_host() {
        let address =
            start(|server| site(server).allow_host("example.com".parse().expect("a host")));
        for path in ["/", "*", "/echo"] {
            let mut raw = Raw::connect(address);
            raw.send(format!("OPTIONS {path} HTTP/1.0\r\n\r\n"));
            let response = raw.response_without_body();
            assert_eq!(response.status, 204, "{path}");
            assert_eq!(response.header("Connection"), Some("close"));
            raw.expect_fin();
        }
    }

    #[test]
    fn have_no_body_and_open_nothing() {
        let address = start(site);
        let with_body = request("OPTIONS / HTTP/1.1", &["Content-Length: 1"]);
        assert_eq!(answer(address, with_body + "x", false).status, 413);
        let chunked = request("OPTIONS * HTTP/1.1", &["Transfer-Encoding: chunked"]);
        assert_eq!(answer(address, chunked + "0\r\n\r\n", false).status, 413);
        let upgrade = upgrade_request("/echo").replace("GET", "OPTIONS");
        let response = answer(address, upgrade, false);
        assert_eq!(response.status, 405);
        assert_eq!(response.header("Allow"), Some("GET, HEAD, OPTIONS"));
    }

    /// Pages of elsewhere read nothing by them.
    #[test]
    fn allow_no_other_origin() {
        let address = start(site);
        let preflight = [
            "Origin: http://evil.example",
            "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: x",
        ];
        let mut raw = Raw::connect(address);
        raw.send(request("OPTIONS / HTTP/1.1", &preflight));
        let response = raw.response_without_body();
        assert_eq!(response.status, 204);
        assert!(
            !response.head.contains("Access-Control"),
            "{}",
            response.head
        );
    }
}

mod other_refusals {
    use super::*;

    #[test]
    fn s404_says_that_nothing_is_there_and_does_not_repeat_the_path() {
        let address = start(site);
        let response = answer(address, get("/<script>alert(1)</script>"), true);
        assert_eq!(response.status, 404);
        let content_type = response.header("Content-Type");
        assert_eq!(content_type, Some("text/plain; charset=utf-8"));
        assert!(!response.text().contains("script"), "{}", response.text());
    }

    #[test]
    fn s405_names_the_methods_that_are_allowed() {
        let address = start(site);
        for method in ["POST", "PUT", "DELETE", "TRACE", "PATCH"] {
            let line = format!("{method} / HTTP/1.1");
            let response = answer(address, request(&line, &[]), true);
            assert_eq!(response.status, 405, "{method}");
            assert_eq!(response.header("Allow"), Some("GET, HEAD, OPTIONS"));
        }
    }

    #[test]
    fn s501_answers_methods_that_nobody_knows() {
        let address = start(site);
        for method in ["BREW", "get", "Get", "GETT", &"M".repeat(1000)] {
            let line = format!("{method} / HTTP/1.1");
            let response = answer(address, request(&line, &[]), true);
            assert_eq!(response.status, 501, "{method}");
        }
    }

    #[test]
    fn s414_answers_a_request_line_without_end() {
        let address = start(site);
        let long = answer(address, get(&format!("/{}", "a".repeat(8000))), true);
        assert_eq!(
            long.status, 404,
            "RFC 9112 §3: 8000 bytes are to be supported"
        );
        let response = answer(address, format!("GET /{}", "a".repeat(20_000)), false);
        assert_eq!(response.status, 414);
    }

    #[test]
    fn s431_answers_headers_without_end_or_too_many() {
        let address = start(site);
        let long = format!("X: {}", "a".repeat(20_000));
        let response = answer(address, request("GET / HTTP/1.1", &[&long]), false);
        assert_eq!(response.status, 431);
        // Host is the hundredth.
        let many = vec!["X: y"; 99];
        assert_eq!(
            answer(address, request("GET / HTTP/1.1", &many), true).status,
            200
        );
        let too_many = vec!["X: y"; 100];
        let response = answer(address, request("GET / HTTP/1.1", &too_many), false);
        assert_eq!(response.status, 431);
    }

    #[test]
    fn s426_says_what_to_upgrade_to() {
        let address = start(site);
        let response = answer(address, get("/echo"), true);
        assert_eq!(response.status, 426);
        let refusals = ["8", "0", "013", "14", "13, 8", "255", "", "x"].map(|version| {
            let version = format!("Sec-WebSocket-Version: {version}");
            upgrade_request("/echo").replace("Sec-WebSocket-Version: 13", &version)
        });
        let mut responses = vec![response];
        let without = upgrade_request("/echo").replace("Sec-WebSocket-Version: 13\r\n", "");
        for request in refusals.iter().chain([&without]) {
            let response = answer(address, request, false);
            assert_eq!(response.status, 426, "{request}");
            responses.push(response);
        }
        for response in responses {
            assert_eq!(response.header("Sec-WebSocket-Version"), Some("13"));
            assert_eq!(response.header("Upgrade"), Some("websocket"));
            let connection = response.header("Connection").unwrap_or_default();
            assert!(
                connection.ends_with("Upgrade"),
                "RFC 9110 §7.8: {connection}"
            );
        }
    }

    #[test]
    fn s408_answers_a_head_that_drips_at_the_deadline_for_the_whole_of_it() {
        // It goes on reading after its answer: a reset could destroy that.
        let limits = impatient().close_timeout(PATIENCE);
        let address = start(|server| site(server).limits(limits));
        let mut raw = Raw::connect(address);
        let began = Instant::now();
        raw.send("GET / HTTP/1.1\r\nX: ");
        // No wait between two bytes is as long as the deadline: only the sum is.
        let mut bytes = 0;
        while raw.is_silent(limits.head_timeout / 10) {
            bytes += 1;
            assert!(bytes < 1000, "each byte puts the deadline off");
            raw.send("x");
        }
        let response = raw.response();
        assert_eq!(response.status, 408);
        check(&response, false);
        assert!(began.elapsed() >= limits.head_timeout);
    }

    #[test]
    fn s408_counts_from_the_first_wait_in_the_second_request_too() {
        let address = start(|server| site(server).limits(impatient()));
        let mut raw = Raw::connect(address);
        raw.send([&get("/"), "GET /half"].concat());
        assert_eq!(raw.response().text(), HOME);
        let response = raw.response();
        assert_eq!(response.status, 408);
        check(&response, false);
        raw.expect_fin();
    }

    #[test]
    fn a_client_that_ends_its_side_gets_its_answers_first() {
        let mut raw = Raw::connect(start(site));
        raw.send([get("/"), get("/both")].concat());
        raw.send_fin();
        assert_eq!(raw.response().text(), HOME);
        assert_eq!(raw.response().text(), BOTH);
        raw.expect_fin();
    }
}

mod s503_too_many {
    use super::*;

    #[test]
    fn connections_are_refused_at_once_and_accepting_goes_on() {
        let address = start(|server| site(server).max_connections(2));
        let mut kept = Raw::connect(address);
        kept.send(get("/"));
        assert_eq!(kept.response().status, 200);
        let mut open = Raw::open(address, "/echo");
        for _ in 0..20 {
            let mut raw = Raw::connect(address);
            // Said without waiting for a request.
            let response = raw.response();
            check(&response, false);
            assert_eq!(response.status, 503);
            let seconds = response.header("Retry-After").expect("when to come again");
            assert!(seconds.parse::<u32>().is_ok(), "{seconds}");
            raw.expect_fin();
        }
        // Those that are in are served as before.
        open.send_frame(TEXT, "still here");
        open.expect_frame(TEXT, "still here");
        kept.send(get("/"));
        assert_eq!(kept.response().status, 200);

        drop(kept);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut raw = Raw::connect(address);
            // A refused one may be ended before this arrives.
            let _ = raw.try_send(request("GET / HTTP/1.1", &["Connection: close"]));
            if raw.response().status == 200 {
                break;
            }
            assert!(Instant::now() < deadline, "the place is not given back");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn connections_that_ask_before_they_read_see_the_refusal_and_no_reset() {
        let address = start(|server| site(server).max_connections(0));
        for _ in 0..20 {
            let mut raw = Raw::connect(address);
            raw.try_send(upgrade_request("/echo"))
                .expect("it is read and dropped");
            assert_eq!(raw.response().status, 503);
            raw.expect_fin();
        }
    }
}

mod s505_http_version_not_supported {
    use super::*;

    #[test]
    fn answers_every_major_version_above_1_and_none_below() {
        let lines = ["GET / HTTP/2.0", "GET / HTTP/9.9", "GET /nothing HTTP/2.0"];
        for line in lines {
            let response = answer(start(site), request(line, &[]), false);
            assert_eq!(response.status, 505, "{line}");
        }
        let upgrade = upgrade_request("/echo").replace("HTTP/1.1", "HTTP/2.0");
        assert_eq!(answer(start(site), upgrade, false).status, 505);
        for asking in [upgrade_request("/echo"), get("/")] {
            let asking = asking.replace("HTTP/1.1", "HTTP/0.9");
            assert_eq!(answer(start(site), asking, false).status, 400);
        }
    }

    #[test]
    fn answers_the_preface_of_http_2_whatever_follows() {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let response = answer(start(site), preface, false);
        assert_eq!(response.status, 505);
        assert!(
            response
                .text()
                .starts_with("505 HTTP Version Not Supported: ")
        );
    }
}

/// Places that one address may take.
mod s503_too_many_of_one_address {
    use super::*;

    /// The reason that a peer is told when it asks to open a WebSocket connection.
    fn refusal(address: SocketAddr, visitor: Visitor) -> String {
        let mut raw = visitor.connect(address);
        // A refused one may be ended before this arrives.
        let _ = raw.try_send(upgrade_request("/echo"));
        let response = raw.response();
        check(&response, false);
        assert_eq!(response.status, 503);
        raw.expect_fin();
        response.text().to_owned()
    }

    #[test]
    fn are_refused_while_others_are_let_in() {
        let address = start(|server| site(server).max_connections(5).max_per_address(2));
        let [one, two, three] = [0, 1, 2].map(Visitor::number);
        let opened = [one, one, two, two].map(|visitor| visitor.open(address, "/echo"));
        for visitor in [one, two] {
            let told = refusal(address, visitor);
            assert!(told.contains("from that address"), "{told}");
        }
        let _last = three.open(address, "/echo");
        let told = refusal(address, three);
        assert!(!told.contains("from that address"), "{told}");
        // Each is served who is in, and each place can be given back.
        for mut raw in opened {
            raw.send_frame(TEXT, "in");
            raw.expect_frame(TEXT, "in");
            raw.send_frame(support::bytes::CLOSE, support::bytes::close_body(1000, b""));
            raw.expect_close(1000);
            raw.expect_fin();
        }
        let deadline = Instant::now() + PATIENCE;
        for _ in 0..2 {
            loop {
                let mut raw = one.connect(address);
                let _ = raw.try_send(request("GET / HTTP/1.1", &["Connection: close"]));
                if raw.response().status == 200 {
                    break;
                }
                assert!(Instant::now() < deadline, "the place is not given back");
            }
        }
    }

    #[test]
    fn are_let_in_from_the_machine_itself_unless_that_is_limited_as_well() {
        let address = start(|server| site(server).max_connections(12));
        let visitor = Visitor::number(0);
        let _all: Vec<_> = (0..12).map(|_| visitor.open(address, "/echo")).collect();
        let told = refusal(address, visitor);
        assert!(!told.contains("from that address"), "{told}");

        let address = start(|server| site(server).max_connections(12).max_per_address(0));
        let _all: Vec<_> = (0..12).map(|_| visitor.open(address, "/echo")).collect();
    }
}

/// Pages by which a server is watched are seen when it is full.
mod a_reserved_page {
    use super::*;

    fn watched(server: Server) -> Server {
        site(server).reserved_page("/health", |_| Page::new("text/plain", &b"ok"[..]))
    }

    /// The status of a page that is asked for from an address.
    #[track_caller]
    fn status(server: SocketAddr, visitor: Visitor, request: &str) -> u16 {
        let mut raw = visitor.connect(server);
        raw.send(request);
        let response = raw.response();
        check(&response, false);
        raw.expect_fin();
        response.status
    }

    #[test]
    fn is_served_when_all_places_are_taken_and_nothing_else_is() {
        let address = start(|server| watched(server).max_connections(2));
        let mut in_time = [Raw::open(address, "/echo"), Raw::open(address, "/echo")];
        for number in 0..20 {
            let visitor = Visitor::number(number % 3);
            assert_eq!(status(address, visitor, &get("/health")), 200);
            for refused in [
                get("/"),
                get("/nothing-here"),
                upgrade_request("/echo"),
                upgrade_request("/health"),
                request("GET /health HTTP/1.1", &["Content-Length: 1"]),
                "hello\r\n".into(),
            ] {
                assert_eq!(status(address, visitor, &refused), 503, "{refused}");
            }
            let foreign = get("/health").replace("localhost", "evil.example");
            assert_eq!(status(address, visitor, &foreign), 421);
        }
        for raw in &mut in_time {
            raw.send_frame(TEXT, "still here");
            raw.expect_frame(TEXT, "still here");
        }
    }

    #[test]
    fn is_served_to_an_address_that_has_all_its_places() {
        let address = start(|server| watched(server).max_per_address(1));
        let visitor = Visitor::number(0);
        let _only = visitor.open(address, "/echo");
        assert_eq!(status(address, visitor, &get("/health")), 200);
        assert_eq!(status(address, visitor, &get("/")), 503);
    }

    #[test]
    fn is_served_for_one_request_and_no_more() {
        let address = start(|server| watched(server).max_connections(0));
        let mut raw = Raw::connect(address);
        raw.send([get("/health"), get("/health")].concat());
        let response = raw.response();
        check(&response, false);
        assert_eq!(response.text(), "ok");
        raw.expect_fin();
        let head = request("HEAD /health HTTP/1.1", &[]);
        let mut raw = Raw::connect(address);
        raw.send(head);
        assert_eq!(raw.response_without_body().status, 200);
        raw.expect_fin();
    }

    #[test]
    fn is_not_kept_from_anyone_by_peers_that_take_the_reserve_and_say_nothing() {
        let address = start(|server| watched(server).max_connections(0));
        // From an address that has no place yet, and from one that has all it may.
        for number in [4, 3] {
            // What the last try left may still be ending, and this test may be held up until those that
            // say nothing have had their time.
            let is_served = (0..20).any(|_| {
                let _silent: Vec<_> = (0..40)
                    .map(|number| {
                        let mut raw = Visitor::number(number % 4).connect(address);
                        let _ = raw.try_send("GET /health HTTP/1.1\r\n");
                        raw
                    })
                    .collect();
                status(address, Visitor::number(number), &get("/health")) == 200
            });
            assert!(is_served, "{number}");
        }
    }

    #[test]
    fn tells_its_options_when_all_places_are_taken() {
        let address = start(|server| watched(server).max_connections(0));
        let mut raw = Raw::connect(address);
        raw.send(request("OPTIONS /health HTTP/1.1", &[]));
        let response = raw.response_without_body();
        assert_eq!(response.status, 204);
        assert_eq!(response.header("Connection"), Some("close"));
        raw.expect_fin();
        let others = answer(address, request("OPTIONS * HTTP/1.1", &[]), false);
        assert_eq!(others.status, 503);
    }

    #[test]
    fn is_not_waited_for_longer_than_the_head_timeout() {
        let limits = impatient();
        let address = start(|server| watched(server).max_connections(0).limits(limits));
        let began = Instant::now();
        let mut silent = [Raw::connect(address), Raw::connect(address)];
        silent[1].send("GET /health HTTP/1.1\r\n");
        for raw in &mut silent {
            let response = raw.response();
            check(&response, false);
            assert_eq!(response.status, 503);
            raw.expect_fin();
        }
        assert!(began.elapsed() >= limits.head_timeout);
    }

    #[test]
    fn is_served_under_no_prefix() {
        let address = start(|server| watched(server).prefix("/admin"));
        assert_eq!(answer(address, get("/admin/"), true).status, 200);
        assert_eq!(answer(address, get("/health"), true).status, 200);
        for path in ["/admin/health", "//health", "/admin//health", "/%68ealth"] {
            assert_eq!(answer(address, get(path), true).status, 404, "{path}");
        }
    }
}

mod a_refused_peer {
    use super::*;

    /// It reads the refusal, and then neither leaves nor stops sending: it is not kept for ever.
    #[test]
    fn that_goes_on_sending_is_cut_off() {
        let address = start(|server| site(server).max_connections(0));
        let mut raw = Raw::connect(address);
        assert_eq!(raw.response().status, 503);
        raw.expect_fin();
        go_on_sending(&mut raw, b"more", Duration::from_millis(10));
    }

    #[test]
    fn is_reported_to_the_log_with_its_address() {
        let (told, lines) = mpsc::channel();
        let address = start(|server| {
            let server = server.max_connections(3).max_per_address(1);
            site(server).log(move |record| {
                if let Outcome::Response {
                    status,
                    reason: Some(reason),
                    length,
                    ..
                } = &record.outcome
                {
                    let peer = record.peer.map(|peer| peer.ip().to_string());
                    let line = format!("{peer:?} {status} {reason} {}", *length > 0);
                    let _ = told.send((line, record.request_line.to_vec()));
                }
            })
        });
        let mut others = (0..3).map(|number| Visitor::number(number).open(address, "/echo"));
        let mut inside = vec![others.next(), others.next()];
        for (number, reason) in [(0, "from that address"), (3, "too many connections true")] {
            let peer = format!("127.0.0.{}", number + 2);
            for _ in 0..3 {
                assert_eq!(
                    Visitor::number(number).connect(address).response().status,
                    503
                );
                let (line, request) = lines.recv_timeout(PATIENCE).expect("a line in time");
                assert!(line.contains(&peer) && line.contains(reason), "{line}");
                assert_eq!(request, b"", "no request was read");
            }
            inside.push(others.next());
        }
    }
}

mod bodies {
    use super::*;

    const SMUGGLED: &str = "GET /both HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// The status that refuses a request with these headers. What follows is not read as a request.
    #[track_caller]
    fn refused(method: &str, headers: &[&str], body: &str) -> u16 {
        let line = format!("{method} / HTTP/1.1");
        answer(start(site), request(&line, headers) + body, false).status
    }

    #[test]
    fn are_refused_and_never_read_as_a_second_request() {
        let length = format!("Content-Length: {}", SMUGGLED.len());
        for method in ["GET", "POST"] {
            assert_eq!(refused(method, &[&length], SMUGGLED), 413);
            let chunked = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
            assert_eq!(
                refused(method, &["Transfer-Encoding: chunked"], &chunked),
                413
            );
            assert_eq!(
                refused(method, &["Transfer-Encoding: Chunked"], &chunked),
                413
            );
        }
        // A client that waits to be asked for its body is told no instead (RFC 9110 §10.1.1).
        let waiting = [&length[..], "Expect: 100-continue"];
        assert_eq!(refused("POST", &waiting, ""), 413);
    }

    #[test]
    fn whose_end_cannot_be_told_for_sure_are_bad_requests() {
        for headers in [
            &["Content-Length: 5", "Transfer-Encoding: chunked"][..],
            &["Content-Length: 0", "Transfer-Encoding: chunked"],
            &["Content-Length: 5", "Content-Length: 5"],
            &["Content-Length: 0", "Content-Length: 43"],
            &["Content-Length: 5, 5"],
            &["Content-Length: +5"],
            &["Content-Length: -1"],
            &["Content-Length: 0x5"],
            &["Content-Length: 5 5"],
            &["Content-Length:"],
            &["Transfer-Encoding: gzip"],
            &["Transfer-Encoding: chunked, gzip"],
            &["Transfer-Encoding: xchunked"],
            &["Transfer-Encoding:"],
            &["Transfer-Encoding: ,"],
        ] {
            assert_eq!(refused("POST", headers, SMUGGLED), 400, "{headers:?}");
        }
        let huge = format!("Content-Length: {}", "9".repeat(100));
        assert_eq!(refused("POST", &[&huge], SMUGGLED), 413);
    }

    #[test]
    fn in_a_coding_that_nobody_knows_are_not_implemented() {
        assert_eq!(
            refused("POST", &["Transfer-Encoding: brrr, chunked"], SMUGGLED),
            501
        );
        let two = ["Transfer-Encoding: brrr", "Transfer-Encoding: chunked"];
        assert_eq!(refused("POST", &two, SMUGGLED), 501);
    }

    #[test]
    fn of_handshakes_are_refused_and_not_taken_for_frames() {
        let address = start(site);
        let frame = support::bytes::frame(plainws::Role::Client, TEXT, b"body");
        for header in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
            let bytes = [upgrade_with(&[header]).as_bytes(), &frame].concat();
            assert_eq!(answer(address, bytes, false).status, 400, "{header}");
        }
        let mut raw = Raw::connect(address);
        raw.send(upgrade_with(&["Content-Length: 0"]));
        raw.expect_101();
    }

    #[test]
    fn longer_than_anyone_reads_do_not_turn_the_refusal_into_a_reset() {
        let address = start(site);
        let mut raw = Raw::connect(address);
        raw.send(request("POST / HTTP/1.1", &["Content-Length: 4000000"]));
        raw.send(vec![b'x'; 4_000_000]);
        assert_eq!(raw.response().status, 413);
        raw.expect_fin();
    }
}

mod a_refused_handshake {
    use super::*;

    /// What follows a refused handshake may be frames, or a request hidden from a proxy that believes
    /// it to be frames: neither is read.
    #[test]
    fn ends_the_connection() {
        let address = start(site);
        let plain = upgrade_request("/echo");
        for (request, status) in [
            (upgrade_request("/"), 404),
            (upgrade_request("/nothing-here"), 404),
            (plain.replace("GET ", "POST "), 405),
            (plain.replace("HTTP/1.1", "HTTP/1.0"), 400),
            (
                plain.replace("Connection: Upgrade", "Connection: keep-alive"),
                400,
            ),
            (plain.replace("Upgrade: websocket\r\n", ""), 426),
            (plain.replace(KEY, "c2hvcnQ="), 400),
            (
                plain.replace(&format!("Sec-WebSocket-Key: {KEY}\r\n"), ""),
                400,
            ),
            (upgrade_with(&[&format!("Sec-WebSocket-Key: {KEY}")]), 400),
            (upgrade_with(&["Sec-WebSocket-Version: 13"]), 400),
            (upgrade_with(&["Sec-WebSocket-Protocol: a b"]), 400),
            (upgrade_with(&["Sec-WebSocket-Protocol: a, a"]), 400),
            (upgrade_with(&["Sec-WebSocket-Extensions: a; b=\"c"]), 400),
            (upgrade_with(&["Origin: http://evil.example"]), 403),
        ] {
            let response = answer(address, request.clone() + &get("/both"), false);
            assert_eq!(response.status, status, "{request}");
        }
    }

    #[test]
    fn is_what_only_a_wrong_one_gets() {
        let address = start(site);
        for (from, to) in [
            ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
            (
                "Connection: Upgrade",
                "Connection: keep-alive\r\nCONNECTION: uPGRADE",
            ),
            ("Connection: Upgrade", "Connection: , ,upgrade,"),
            ("Upgrade: websocket", "upgrade:\tWebSocket "),
            ("Upgrade: websocket", "Upgrade: h2c, WEBSOCKET"),
            ("HTTP/1.1", "HTTP/1.2"),
            ("GET /echo", "GET ws://localhost:80/echo?x"),
            ("GET /echo", "GET /echo?a=b&c"),
            (
                "Host: localhost",
                "X: \u{e9}\r\nHost: localhost\r\nCookie: a=b",
            ),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate; x=\"y\", z\r\n\r\n",
            ),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: b\r\n\r\n",
            ),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_request("/echo").replace(from, to));
            let head = raw.expect_101();
            for absent in ["Extensions", "Protocol"] {
                let name = format!("Sec-WebSocket-{absent}");
                assert_eq!(support::raw::header(&head, &name), None, "{to}");
            }
            for absent in ["Content-Length", "Transfer-Encoding"] {
                assert_eq!(support::raw::header(&head, absent), None, "RFC 9110 §8.6");
            }
        }
    }

    #[test]
    fn agrees_on_the_first_subprotocol_offered_that_is_spoken() {
        let address = start(|server| site(server).subprotocols(["v1", "v2"]));
        for (offer, agreed) in [
            ("v2, v1", Some("v2")),
            ("v9,v1", Some("v1")),
            ("V1", None),
            ("v9", None),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_with(&[&format!("Sec-WebSocket-Protocol: {offer}")]));
            let head = raw.expect_101();
            let got = support::raw::header(&head, "Sec-WebSocket-Protocol");
            assert_eq!(got, agreed, "{offer}");
        }
    }
}

mod the_log {
    use super::*;

    #[test]
    fn tells_each_request_and_each_connection_once() {
        let (told, lines) = mpsc::channel();
        let address = start(|server| {
            site(server).log(move |record| {
                let outcome = match &record.outcome {
                    Outcome::Response { status, reason, .. } => {
                        format!("{status} {}", reason.unwrap_or("-"))
                    }
                    Outcome::Closed {
                        reason, traffic, ..
                    } => {
                        format!("closed {} {}", reason.code.0, traffic.messages_received)
                    }
                    other => format!("{other:?}"),
                };
                assert!(record.peer.is_some());
                let line = record.request_line.escape_ascii();
                let _ = told.send(format!("{line}: {outcome}"));
            })
        });
        let next = || lines.recv_timeout(PATIENCE).expect("a line in time");

        let mut raw = Raw::connect(address);
        raw.send([get("/"), get("/x"), "\x1B[31m\n".into()].concat());
        raw.send_fin();
        raw.until_end();
        assert_eq!(next(), "GET / HTTP/1.1: 200 -");
        assert_eq!(next(), "GET /x HTTP/1.1: 404 nothing here");
        let bad = next();
        assert!(bad.contains(": 400 a head holds no control bytes"), "{bad}");

        let mut raw = Raw::open(address, "/echo?q");
        raw.send_frame(TEXT, "one");
        raw.send_frame(support::bytes::CLOSE, support::bytes::close_body(4000, b""));
        raw.expect_frame(TEXT, "one");
        raw.expect_close(4000);
        drop(raw);
        assert_eq!(next(), "GET /echo?q HTTP/1.1: closed 4000 1");
        lines
            .recv_timeout(Duration::from_millis(100))
            .expect_err("each is told once");
    }

    #[test]
    fn counts_what_was_answered_and_refused() {
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = server.local_addr().expect("it is bound");
        let handle = server.handle().expect("it is bound");
        let server = site(server).limits(Limits::default());
        let served = std::thread::spawn(move || server.serve());
        answer(address, get("/x"), true);
        answer(
            address,
            upgrade_with(&["Origin: http://evil.example"]),
            false,
        );
        // A response is counted once it is sent.
        let deadline = Instant::now() + PATIENCE;
        let counted = || handle.stats().responses.values().sum::<u64>();
        while counted() < 3 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let stats = handle.stats();
        assert_eq!((stats.connections, stats.websockets), (2, 0));
        assert_eq!(stats.responses.get(&200), Some(&1));
        assert_eq!(stats.responses.get(&404), Some(&1));
        assert_eq!(stats.refusals.get("origin-not-allowed"), Some(&1));
        handle.shutdown();
        served.join().expect("it does not panic");
    }
}
