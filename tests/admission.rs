//! Who is let in by the user's own rules, and on what terms, over real sockets.

use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::raw::{KEY, PATIENCE, Raw, upgrade_request};
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
            Ok(())
        };
        let address = start(|server| small_for_some(server.route("/", fill)));
        for (path, is_backlogged) in [("/?small", true), ("/", false)] {
            let _raw = Raw::open(address, path);
            let told = backlogged.recv_timeout(PATIENCE).expect("told in time");
            assert_eq!(told, is_backlogged, "{path}");
        }
    }
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
