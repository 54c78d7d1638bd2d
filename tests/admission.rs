//! Who is let in by the user's own rules, and on what terms, over real sockets.

use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::raw::{self, KEY, PATIENCE, Raw, upgrade_request};
use crate::support::server::{echo, start, wait_until};
use plainws::net::log::Outcome;
use plainws::net::tap::Direction;
use plainws::protocol::message;
use plainws::{Admission, Applicant, Error, Handle, Page, Server, WebSocket, WhenFull};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;

/// Refuses with the status that the query asks for, if it asks for one.
fn by_query(applicant: &Applicant<'_>) -> Result<Admission, Page> {
    match applicant
        .request
        .query()
        .and_then(|query| query.parse().ok())
    {
        Some(status) => Err(Page::refusal(status, "not today")),
        None => Ok(Admission::default()),
    }
}

fn site(server: Server) -> Server {
    server.route("/", echo).page("/", Page::text("a page"))
}

mod a_refusal {
    use super::*;

    #[test]
    fn comes_before_101_and_says_why() {
        let (told, lines) = mpsc::channel();
        let address = start(|server| {
            site(server).admit(by_query).log(move |record| {
                let _ = told.send(match &record.outcome {
                    Outcome::Response { status, reason, .. } => {
                        format!("{status} {}", reason.unwrap_or_default())
                    }
                    other => format!("{other:?}"),
                });
            })
        });
        for (status, body) in [
            (401, "401 Unauthorized: not today\n"),
            (403, "403 Forbidden: not today\n"),
            (404, "404 Not Found: not today\n"),
            (421, "421 Misdirected Request: not today\n"),
            (503, "503 Service Unavailable: not today\n"),
        ] {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_request(&format!("/?{status}")));
            let response = raw.response();
            assert_eq!((response.status, response.text()), (status, body));
            assert_eq!(response.header("Connection"), Some("close"));
            raw.expect_fin();
            let line = lines.recv_timeout(PATIENCE).expect("a line in time");
            assert_eq!(line, format!("{status} not today"));
        }
    }

    #[test]
    fn has_any_headers() {
        let address = start(|server| {
            site(server).admit(|applicant| match applicant.request.query() {
                Some("who") => Err(Page::refusal(401, "who are you?")
                    .header("WWW-Authenticate", "Basic realm=\"chat\"")),
                _ => Err(Page::html("<a href=/login>log in</a>")
                    .status(302)
                    .header("Location", "/login")
                    .header("Set-Cookie", "from=/")),
            })
        });
        let refused = |path: &str| {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_request(path));
            let response = raw.response();
            raw.expect_fin();
            response
        };
        let who = refused("/?who");
        assert_eq!(
            (who.status, who.text()),
            (401, "401 Unauthorized: who are you?\n")
        );
        assert_eq!(who.header("WWW-Authenticate"), Some("Basic realm=\"chat\""));
        let elsewhere = refused("/");
        assert_eq!(
            (elsewhere.status, elsewhere.text()),
            (302, "<a href=/login>log in</a>")
        );
        assert_eq!(elsewhere.header("Location"), Some("/login"));
        assert_eq!(elsewhere.header("Set-Cookie"), Some("from=/"));
    }

    #[test]
    fn is_for_those_who_ask_for_a_connection_only() {
        let address = start(|server| site(server).admit(by_query));
        let mut raw = Raw::connect(address);
        raw.send("GET /?403 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw.response().text(), "a page");
        raw.send(upgrade_request("/"));
        raw.expect_101();
        raw.send_frame(TEXT, "let in");
        raw.expect_frame(TEXT, "let in");
    }

    #[test]
    fn is_shown_to_the_tap() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let its_shown = Arc::clone(&shown);
        let address = start(|server| {
            let server = site(server).admit(by_query);
            server.tap(move |_, _| {
                let shown = Arc::clone(&its_shown);
                Some(Box::new(move |direction, bytes| {
                    if direction == Direction::Sent {
                        shown.lock().expect("no panic").extend_from_slice(bytes);
                    }
                }))
            })
        });
        let mut raw = Raw::connect(address);
        raw.send(upgrade_request("/?404"));
        let response = raw.response();
        let sent = shown.lock().expect("no panic").clone();
        let received = [response.head.as_bytes(), &response.body].concat();
        assert_eq!(
            sent.escape_ascii().to_string(),
            received.escape_ascii().to_string()
        );
    }
}

#[test]
fn an_applicant_is_known_by_address_and_number() {
    let (told, numbers) = mpsc::channel();
    let of_tap = told.clone();
    let address = start(|server| {
        let server = site(server).tap(move |number, _| {
            let _ = of_tap.send((number, None));
            None
        });
        server.admit(move |applicant| {
            let _ = told.send((applicant.number, applicant.peer));
            Ok(Admission::default())
        })
    });
    for _ in 0..2 {
        let stream = TcpStream::connect(address).expect("the server accepts");
        let own = stream.local_addr().expect("it is connected");
        let mut raw = Raw::from(stream);
        raw.send(upgrade_request("/"));
        raw.expect_101();
        let next = || numbers.recv_timeout(PATIENCE).expect("a number in time");
        let (number, _) = next();
        assert_eq!(next(), (number, Some(own)));
    }
}

#[test]
fn nobody_is_asked_about_what_is_refused_anyway() {
    let (told, asked) = mpsc::channel();
    let address = start(|server| {
        site(server).admit(move |applicant| {
            let _ = told.send(applicant.request.target().to_owned());
            Ok(Admission::default())
        })
    });
    let right = upgrade_request("/");
    for (request, status) in [
        (right.replace("localhost", "evil.example"), 421),
        (right.replace(KEY, "short"), 400),
        (
            right.replace("\r\n\r\n", "\r\nOrigin: http://a.b\r\n\r\n"),
            403,
        ),
        (upgrade_request("/nowhere"), 404),
    ] {
        let mut raw = Raw::connect(address);
        raw.send(request);
        assert_eq!(raw.response().status, status);
    }
    drop(Raw::open(address, "/?last"));
    let first = asked.recv_timeout(PATIENCE).expect("it is asked in time");
    assert_eq!(first, "/?last");
}

/// Limits that only some connections have.
mod limits {
    use super::*;

    /// Messages of 10 bytes and as much backlog for `/?small`, the server's limits for others.
    fn small_for_some(server: Server) -> Server {
        server.admit(|applicant| {
            let limits = applicant.limits;
            let message = message::Limits::default().max_bytes(10);
            Ok(match applicant.request.query() {
                Some("small") => {
                    Admission::default().limits(limits.message(message).max_backlog(10))
                }
                _ => Admission::default(),
            })
        })
    }

    #[test]
    fn bound_the_messages_of_one_connection_and_no_other() {
        let address = start(|server| small_for_some(site(server)));
        let (mut small, mut other) = (Raw::open(address, "/?small"), Raw::open(address, "/"));
        for raw in [&mut small, &mut other] {
            raw.send_frame(BINARY, [7; 10]);
            raw.expect_frame(BINARY, [7; 10]);
            raw.send_frame(BINARY, [7; 11]);
        }
        other.expect_frame(BINARY, [7; 11]);
        small.expect_close(1009);
    }

    #[test]
    fn bound_the_backlog_of_one_connection_and_no_other() {
        let (told, backlogged) = mpsc::channel();
        let fill = move |ws: &mut WebSocket| {
            ws.feed("eight by")?;
            let more = ws.sender().when_full(WhenFull::Refuse).send("eight by");
            let _ = told.send(matches!(more, Err(Error::Backlogged)));
            plainws::Result::Ok(())
        };
        let address = start(|server| small_for_some(server.route("/", fill)));
        for (path, is_backlogged) in [("/?small", true), ("/", false)] {
            let _raw = Raw::open(address, path);
            let told = backlogged.recv_timeout(PATIENCE).expect("told in time");
            assert_eq!(told, is_backlogged, "{path}");
        }
    }
}

/// Headers of the 101.
mod headers {
    use super::*;

    #[test]
    fn come_with_the_101() {
        let address = start(|server| {
            site(server).admit(|_| {
                let admission = Admission::default().header("Set-Cookie", "a=1");
                Ok(admission
                    .header("Set-Cookie", "b=2")
                    .header("X-Tab", "a\tb"))
            })
        });
        let mut raw = Raw::connect(address);
        raw.send(upgrade_request("/"));
        let head = raw.expect_101();
        assert!(
            head.ends_with("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Tab: a\tb\r\n\r\n"),
            "{head}"
        );
        raw.send_frame(TEXT, "and frames after it");
        raw.expect_frame(TEXT, "and frames after it");
    }

    #[test]
    fn that_must_not_be_sent_make_it_a_500_that_names_them() {
        let bad = [
            ("X", "1\r\nSet-Cookie: y"),
            ("X\r\nSet-Cookie: y", "1"),
            ("", "1"),
            ("upgrade", "h2c"),
            ("Connection", "close"),
            ("Sec-WebSocket-Accept", "x"),
            ("Sec-WebSocket-Protocol", "x"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Content-Length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("date", "today"),
        ];
        let address = start(|server| {
            site(server).admit(move |applicant| {
                let number = applicant.request.query().expect("a number");
                let (name, value) = bad[number.parse::<usize>().expect("a number")];
                Ok(Admission::default()
                    .header("X-Good", "1")
                    .header(name, value))
            })
        });
        for (number, (name, _)) in bad.iter().enumerate() {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_request(&format!("/?{number}")));
            let response = raw.response();
            let reason = format!("the header {name:?} cannot be sent as it was set");
            let body = format!("500 Internal Server Error: {reason}\n");
            assert_eq!((response.status, response.text()), (500, &*body));
            assert_eq!(response.header("Set-Cookie"), None);
            raw.expect_fin();
        }
    }
}

/// Which subprotocol is agreed on, where the user's code has a say.
mod a_subprotocol {
    use super::*;

    fn choosing(applicant: &Applicant<'_>) -> Admission {
        let admission = Admission::default();
        match applicant.request.query() {
            Some("last") => match applicant.subprotocols {
                [.., last] => admission.subprotocol(last),
                [] => admission,
            },
            Some("none") => admission.without_subprotocol(),
            Some("other") => admission.subprotocol("ot\r\nher"),
            _ => admission,
        }
    }

    #[test]
    fn is_the_one_chosen_if_it_was_offered() {
        let tell = |ws: &mut WebSocket| ws.send(ws.subprotocol().unwrap_or("-"));
        let address = start(|server| {
            let server = server.route("/", tell).subprotocols(["b", "a"]);
            server.admit(|applicant| Ok(choosing(applicant)))
        });
        let answered = |query: &str, offered: &str| {
            let mut raw = Raw::connect(address);
            let header = format!("\r\nSec-WebSocket-Protocol: {offered}\r\n\r\n");
            let header = if offered.is_empty() {
                "\r\n\r\n"
            } else {
                &header
            };
            raw.send(upgrade_request(&format!("/?{query}")).replace("\r\n\r\n", header));
            let head = raw.expect_101();
            let named = raw::header(&head, "Sec-WebSocket-Protocol").map(str::to_owned);
            raw.expect_frame(TEXT, named.as_deref().unwrap_or("-"));
            named
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(answered("", "x, a, b, c"), some("a"), "the server's choice");
        assert_eq!(answered("last", "x, a, b, c"), some("c"));
        assert_eq!(answered("last", ""), None);
        assert_eq!(answered("none", "x, a, b, c"), None);
    }

    #[test]
    fn that_was_not_offered_is_a_500() {
        let address = start(|server| site(server).admit(|applicant| Ok(choosing(applicant))));
        let mut raw = Raw::connect(address);
        let offer = "\r\nSec-WebSocket-Protocol: a\r\n\r\n";
        raw.send(upgrade_request("/?other").replace("\r\n\r\n", offer));
        let response = raw.response();
        assert_eq!(
            (response.status, response.text()),
            (
                500,
                "500 Internal Server Error: the subprotocol \"ot\\r\\nher\" was chosen and not offered\n"
            )
        );
    }
}

#[test]
fn what_was_found_out_reaches_the_handler() {
    struct User(String);
    struct Rank(u32);

    let tell = |ws: &mut WebSocket| {
        let user = ws.extension::<User>().map_or("nobody", |user| &user.0);
        let rank = ws.extension::<Rank>().map_or(0, |rank| rank.0);
        let is_more = ws.extension::<String>().is_some();
        ws.send(format!("{user} {rank} {is_more}"))
    };
    let address = start(|server| {
        server.route("/", tell).admit(|applicant| {
            let Some(name) = applicant.request.query() else {
                return Ok(Admission::default());
            };
            let admission = Admission::default().extension(User("an earlier one".into()));
            Ok(admission.extension(Rank(7)).extension(User(name.into())))
        })
    });
    Raw::open(address, "/?ann").expect_frame(TEXT, "ann 7 false");
    Raw::open(address, "/?bob").expect_frame(TEXT, "bob 7 false");
    Raw::open(address, "/").expect_frame(TEXT, "nobody 0 false");
}

/// The code that decides is the user's: it may panic, wait, and call the server.
mod the_decision {
    use super::*;

    #[test]
    fn that_panics_is_answered_with_500_and_costs_nobody_else() {
        let handle = Arc::new(OnceLock::<Handle>::new());
        let its_handle = Arc::clone(&handle);
        let address = start(|server| {
            let _ = its_handle.set(server.handle().expect("it is bound"));
            site(server).admit(|applicant| match applicant.request.query() {
                Some("panic") => panic!("an admission panics on purpose"),
                _ => Ok(Admission::default()),
            })
        });
        let mut other = Raw::open(address, "/");
        for _ in 0..3 {
            let mut raw = Raw::connect(address);
            raw.send(upgrade_request("/?panic"));
            assert_eq!(raw.response().status, 500);
            raw.expect_fin();
        }
        other.send_frame(TEXT, "still here");
        other.expect_frame(TEXT, "still here");
        let stats = handle.get().expect("it was set").stats();
        assert_eq!((stats.panics, stats.refusals["admission-panicked"]), (3, 3));
    }

    /// A server that decides on `/?wait` when two things were sent to it: the first is taken when it begins.
    fn waiting() -> (
        SocketAddr,
        Handle,
        thread::JoinHandle<()>,
        mpsc::SyncSender<()>,
    ) {
        let (go_on, told) = mpsc::sync_channel(0);
        let told = Mutex::new(told);
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = server.local_addr().expect("it is bound");
        let handle = server.handle().expect("it is bound");
        let its_handle = handle.clone();
        let server = site(server).admit(move |applicant| {
            assert!(its_handle.stats().open_connections > 0);
            if applicant.request.query() == Some("wait") {
                let told = told.lock().expect("no panic");
                let _ = told.recv_timeout(PATIENCE);
                let _ = told.recv_timeout(PATIENCE);
            }
            Ok(Admission::default())
        });
        (
            address,
            handle,
            thread::spawn(move || server.serve()),
            go_on,
        )
    }

    #[test]
    fn that_takes_its_time_holds_nobody_else() {
        let (address, handle, serving, go_on) = waiting();
        let mut slow = Raw::connect(address);
        slow.send(upgrade_request("/?wait"));
        go_on.send(()).expect("it decides");
        let mut other = Raw::open(address, "/");
        other.send_frame(TEXT, "meanwhile");
        other.expect_frame(TEXT, "meanwhile");
        let stats = handle.stats();
        assert_eq!((stats.open_connections, stats.open_websockets), (2, 1));
        go_on.send(()).expect("it decides");
        slow.expect_101();
        for mut raw in [slow, other] {
            raw.send_frame(CLOSE, close_body(1000, b""));
            raw.expect_close(1000);
        }
        handle.shutdown();
        wait_until("the end", || serving.is_finished());
    }

    #[test]
    fn that_comes_when_the_server_stops_is_503() {
        let (address, handle, serving, go_on) = waiting();
        let mut slow = Raw::connect(address);
        slow.send(upgrade_request("/?wait"));
        go_on.send(()).expect("it decides");
        handle.shutdown();
        wait_until("nobody to listen", || TcpStream::connect(address).is_err());
        assert!(!serving.is_finished(), "it waits for the decision");
        go_on.send(()).expect("it decides");
        assert_eq!(slow.response().status, 503);
        wait_until("the end", || serving.is_finished());
        assert_eq!(handle.stats().websockets, 0);
    }
}

/// By when the user's code must have decided.
mod the_deadline {
    use super::*;
    use crate::support::server::SOON;
    use plainws::Limits;
    use std::time::{Duration, Instant};

    /// A server that decides on `/?wait` when it is told to go on, and lets the rest in at once; and what its log
    /// is told.
    struct Waiting {
        address: SocketAddr,
        handle: Handle,
        serving: thread::JoinHandle<()>,
        go_on: mpsc::Sender<()>,
        lines: mpsc::Receiver<String>,
    }

    impl Waiting {
        fn start() -> Self {
            let (go_on, told) = mpsc::channel();
            let told = Mutex::new(told);
            let (tell, lines) = mpsc::channel();
            let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
            let address = server.local_addr().expect("it is bound");
            let handle = server.handle().expect("it is bound");
            let server = site(server)
                .limits(Limits::default().admit_timeout(SOON))
                .grace(SOON)
                .admit(move |applicant| {
                    if applicant.request.query() == Some("wait") {
                        let told = told.lock().expect("no panic");
                        let _ = told.recv_timeout(PATIENCE);
                    }
                    Ok(Admission::default())
                })
                .log(move |record| {
                    let _ = tell.send(format!("{:?} {}", record.outcome, record.bytes_written));
                });
            let serving = thread::spawn(move || server.serve());
            Self {
                address,
                handle,
                serving,
                go_on,
                lines,
            }
        }

        /// Asks, and gets the refusal at the deadline.
        fn refused(&self) -> raw::Response {
            let mut raw = Raw::connect(self.address);
            let since = Instant::now();
            raw.send(upgrade_request("/?wait"));
            raw.wait_for_due(since, SOON);
            let response = raw.response();
            raw.expect_fin();
            response
        }
    }

    #[test]
    fn is_met_by_503_though_the_code_still_runs() {
        const REASON: &str = "whether the connection may be opened was not found out in time";

        let waiting = Waiting::start();
        let response = waiting.refused();
        let body = format!("503 Service Unavailable: {REASON}\n");
        assert_eq!((response.status, response.text()), (503, &*body));
        assert_eq!(response.header("Connection"), Some("close"));
        assert_eq!(response.header("Retry-After"), Some("1"));
        let stats = waiting.handle.stats();
        assert_eq!(
            (stats.open_connections, stats.refusals["admission-late"]),
            (1, 1)
        );
        assert!(waiting.lines.try_recv().is_err(), "its thread tells, later");

        // What is decided then opens nothing.
        waiting.go_on.send(()).expect("it waits");
        let line = waiting
            .lines
            .recv_timeout(PATIENCE)
            .expect("a line in time");
        let (length, written) = (
            response.body.len(),
            response.head.len() + response.body.len(),
        );
        let reason = format!("Some({REASON:?})");
        assert_eq!(
            line,
            format!("Response {{ status: 503, length: {length}, reason: {reason} }} {written}")
        );
        wait_until("the end of its thread", || {
            waiting.handle.stats().open_connections == 0
        });
        assert_eq!(waiting.handle.stats().websockets, 0);
        assert_eq!(waiting.handle.stats().responses[&503], 1);
    }

    #[test]
    fn does_not_matter_once_it_was_decided() {
        let waiting = Waiting::start();
        let mut raw = Raw::open(waiting.address, "/");
        assert!(raw.is_silent(2 * SOON));
        raw.send_frame(TEXT, "still here");
        raw.expect_frame(TEXT, "still here");
        let refusals = waiting.handle.stats().refusals;
        assert!(refusals.is_empty(), "{refusals:?}");
    }

    #[test]
    fn that_has_passed_does_not_hold_up_a_server_that_stops() {
        let waiting = Waiting::start();
        assert_eq!(waiting.refused().status, 503);
        waiting.handle.shutdown();
        wait_until("the end", || waiting.serving.is_finished());
        // Its thread has not been waited for; it may go now.
        waiting.go_on.send(()).expect("it waits");
    }

    #[test]
    fn is_told_to_the_code() {
        let (told, deadlines) = mpsc::channel();
        let timeout = Duration::from_secs(1234);
        let address = start(|server| {
            let server = site(server).limits(Limits::default().admit_timeout(timeout));
            server.admit(move |applicant| {
                let _ = told.send((applicant.deadline, Instant::now()));
                Ok(Admission::default())
            })
        });
        let before = Instant::now();
        drop(Raw::open(address, "/"));
        let (deadline, now) = deadlines.recv_timeout(PATIENCE).expect("it is asked");
        assert!(before + timeout <= deadline && deadline <= now + timeout);
    }
}

/// Panics when it is dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("the end of what was found out");
    }
}

/// Panics when it is asked for its cause.
#[derive(Debug)]
struct Causeless;

impl std::fmt::Display for Causeless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it has failed")
    }
}

impl std::error::Error for Causeless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("there is no cause");
    }
}

#[test]
fn panics_in_what_it_was_admitted_with_and_what_it_failed_with_end_one_connection() {
    let (told, lines) = mpsc::channel();
    let address = start(|server| {
        server
            .route("/", |_| Err(Causeless))
            .admit(|applicant| {
                let admission = Admission::default().extension(Fragile);
                Ok(match applicant.request.query() {
                    Some(_) => admission.subprotocol("not offered"),
                    None => admission,
                })
            })
            .log(move |record| {
                let _ = told.send(match &record.outcome {
                    Outcome::Closed { has_panicked, .. } => format!("panicked: {has_panicked}"),
                    Outcome::Response { status, .. } => status.to_string(),
                    other => format!("{other:?}"),
                });
            })
    });
    let line = || lines.recv_timeout(PATIENCE).expect("a line in time");
    let mut raw = Raw::connect(address);
    raw.send(upgrade_request("/"));
    raw.expect_101();
    raw.expect_frame(CLOSE, close_body(1011, b""));
    raw.send_frame(CLOSE, close_body(1011, b""));
    assert_eq!(line(), "panicked: true");
    let mut raw = Raw::connect(address);
    raw.send(upgrade_request("/?"));
    assert_eq!(raw.response().status, 500);
    assert_eq!(line(), "500");
}
