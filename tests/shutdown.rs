//! How a server stops, and what a handler that panics costs.

use crate::support;
use crate::support::bytes::{BINARY, CLOSE, TEXT, close_body};
use crate::support::due;
use crate::support::raw::{PATIENCE, Raw, upgrade_request};
use crate::support::server::{SOON, echo, wait_until};
use plainws::{CloseCode, Handle, Limits, Page, Received, Result, Server, WebSocket};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const FOREVER: Duration = Duration::from_secs(3600);

/// A server that a test stops.
struct Stoppable {
    address: SocketAddr,
    handle: Handle,
    serving: JoinHandle<()>,
    /// Something that lives as long as any thread of the server.
    alive: Weak<()>,
}

impl Stoppable {
    fn start(configure: impl FnOnce(Server) -> Server) -> Self {
        let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
        let address = server.local_addr().expect("it is bound");
        let handle = server.handle().expect("it is bound");
        let alive = Arc::new(());
        let weak = Arc::downgrade(&alive);
        let server = configure(server).route("/alive", move |_| {
            let _ = &alive;
            plainws::Result::Ok(())
        });
        Self {
            address,
            handle,
            serving: thread::spawn(move || server.serve()),
            alive: weak,
        }
    }

    fn open(&self) -> Raw {
        Raw::open(self.address, "/")
    }

    /// Waits until this many connections are open.
    fn wait_for(&self, connections: usize) {
        wait_until("the number of connections", || {
            self.handle.stats().open_connections == connections
        });
    }

    /// Waits until `serve` has returned.
    #[track_caller]
    fn wait_for_end(self) {
        wait_until("the end", || self.serving.is_finished());
        self.serving.join().expect("it does not panic");
        let late = TcpStream::connect(self.address);
        assert!(late.is_err(), "nothing listens any more");
    }

    /// The same, and no thread of it is left.
    #[track_caller]
    fn wait_for_end_of_all(self) {
        let alive = self.alive.clone();
        self.wait_for_end();
        assert_eq!(alive.strong_count(), 0, "threads that still run");
    }
}

/// Answers the server's Close, sees the end, and leaves as well.
#[track_caller]
fn say_goodbye(mut raw: Raw) {
    assert_eq!(raw.expect_close(1001), "the server is shutting down");
    raw.send_frame(CLOSE, close_body(1001, b""));
    raw.expect_fin();
}

mod stop {
    use super::*;

    #[test]
    fn without_any_connection_is_done_at_once() {
        let server = Stoppable::start(|server| server);
        server.handle.shutdown();
        server.wait_for_end_of_all();
    }

    #[test]
    fn before_it_serves_is_not_forgotten() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        server.handle().unwrap().shutdown();
        let serving = thread::spawn(move || server.serve());
        wait_until("the end", || serving.is_finished());
    }

    #[test]
    fn refuses_those_who_wait_to_be_let_in() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let waiting = [(); 3].map(|()| Raw::connect(address));
        server.handle().unwrap().shutdown();
        let serving = thread::spawn(move || server.serve());
        for mut raw in waiting {
            let response = raw.response();
            assert_eq!(response.status, 503);
            assert!(response.text().contains("shutting down"));
            raw.expect_fin();
        }
        wait_until("the end", || serving.is_finished());
    }

    #[test]
    fn on_every_address_of_the_machine_wakes_it_too() {
        let server = Server::bind("0.0.0.0:0").unwrap();
        let handle = server.handle().unwrap();
        let serving = thread::spawn(move || server.serve());
        thread::sleep(Duration::from_millis(50));
        handle.shutdown();
        wait_until("the end", || serving.is_finished());
    }

    #[test]
    fn answers_requests_that_are_still_opening_with_503() {
        let server = Stoppable::start(|server| server.route("/", echo));
        let mut begun = Raw::connect(server.address);
        begun.send("GET / HTTP/1.1\r\nHost: exam");
        let mut silent = Raw::connect(server.address);
        server.wait_for(2);
        thread::sleep(Duration::from_millis(100));
        server.handle.shutdown();
        let response = begun.response();
        assert_eq!(response.status, 503);
        assert_eq!(response.header("Connection"), Some("close"));
        begun.expect_fin();
        // A peer that has not asked for anything gets no answer.
        silent.expect_fin();
        server.wait_for_end_of_all();
    }

    #[test]
    fn closes_open_connections_with_1001_whatever_their_handlers_do() {
        fn receive(ws: &mut WebSocket) -> Result<()> {
            ws.receive().map(drop)
        }
        fn tick(ws: &mut WebSocket) -> Result<()> {
            while !matches!(
                ws.receive_timeout(Duration::from_millis(5))?,
                Received::Ended(_)
            ) {}
            Ok(())
        }
        fn sleep(_: &mut WebSocket) -> Result<()> {
            thread::sleep(Duration::from_millis(500));
            Ok(())
        }
        for handler in [receive, tick, sleep] {
            let server = Stoppable::start(|server| server.route("/", handler));
            let raw = server.open();
            server.handle.shutdown();
            say_goodbye(raw);
            let handle = server.handle.clone();
            server.wait_for_end_of_all();
            let closes = handle.stats().closes;
            assert_eq!(closes.get(&CloseCode::GOING_AWAY), Some(&1), "{closes:?}");
        }
    }

    #[test]
    fn loses_nothing_that_was_sent_before_to_a_peer_that_reads() {
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let limits = Limits::default().close_timeout(FOREVER);
        let server = Stoppable::start(move |server| {
            let handler = move |ws: &mut WebSocket| {
                while ws.send(&[7; 100_000]).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                plainws::Result::Ok(())
            };
            server.limits(limits).grace(FOREVER).route("/", handler)
        });
        let mut raw = server.open();
        // Until it is stuck: the peer has not read anything yet.
        let mut before = usize::MAX;
        while accepted.load(Ordering::Relaxed) != before {
            before = accepted.load(Ordering::Relaxed);
            thread::sleep(Duration::from_millis(200));
        }
        server.handle.shutdown();
        let mut received = 0;
        let body = loop {
            match raw.frame() {
                (BINARY, message) => {
                    assert!(message == [7; 100_000]);
                    received += 1;
                }
                (CLOSE, body) => break body,
                (byte0, _) => panic!("{byte0:08b}"),
            }
        };
        assert_eq!(body, close_body(1001, b"the server is shutting down"));
        raw.send_frame(CLOSE, close_body(1001, b""));
        raw.expect_fin();
        drop(raw);
        server.wait_for_end_of_all();
        assert_eq!(received, accepted.load(Ordering::Relaxed));
    }

    #[test]
    fn ends_connections_that_wait_for_another_request_at_once() {
        let forever = Limits::default().keep_alive_timeout(FOREVER);
        let server = Stoppable::start(|server| {
            let server = server.limits(forever).grace(FOREVER);
            server.page("/", Page::text("here"))
        });
        let mut raw = Raw::connect(server.address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw.response().status, 200);
        server.handle.shutdown();
        raw.expect_fin();
        server.wait_for_end();
    }

    #[test]
    fn tells_who_is_answered_meanwhile_that_no_further_request_is_read() {
        let stop = Arc::new(OnceLock::<Handle>::new());
        let its_stop = Arc::clone(&stop);
        let server = Stoppable::start(|server| {
            server.page_with("/", move |_| {
                its_stop.get().expect("it is set").shutdown();
                Page::text("the last one")
            })
        });
        stop.set(server.handle.clone()).expect("it is set once");
        let mut raw = Raw::connect(server.address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = raw.response();
        assert_eq!(response.text(), "the last one");
        assert_eq!(response.header("Connection"), Some("close"));
        raw.expect_fin();
        server.wait_for_end();
    }

    #[test]
    fn waits_for_the_grace_and_then_cuts() {
        // The peer does not answer the Close, and its deadline is far off.
        let limits = Limits::default().close_timeout(FOREVER);
        let server = Stoppable::start(|server| server.limits(limits).grace(SOON).route("/", echo));
        let mut raw = server.open();
        let begun = Instant::now();
        server.handle.shutdown();
        raw.expect_close(1001);
        raw.wait_for_due(begun, SOON);
        assert_eq!(raw.until_end(), b"");
        server.wait_for_end_of_all();
    }

    #[test]
    fn does_not_wait_for_a_handler_that_ignores_everything() {
        let (release, waiting) = mpsc::channel::<()>();
        let waiting = std::sync::Mutex::new(waiting);
        let server = Stoppable::start(|server| {
            let handler = move |_: &mut WebSocket| {
                let waiting = waiting.lock().expect("one handler only");
                let _ = waiting.recv_timeout(PATIENCE * 2);
                plainws::Result::Ok(())
            };
            server.grace(Duration::from_millis(100)).route("/", handler)
        });
        let mut raw = server.open();
        let begun = Instant::now();
        server.handle.shutdown();
        raw.expect_close(1001);
        raw.until_end();
        let alive = server.alive.clone();
        // The grace, and one second for those that were cut to end.
        due::call(begun, Duration::from_millis(1100), || server.wait_for_end());
        drop(release);
        wait_until("the last thread", || alive.strong_count() == 0);
    }

    #[test]
    fn cut_after_shutdown_waits_for_nobody() {
        let limits = Limits::default().close_timeout(FOREVER);
        let server =
            Stoppable::start(|server| server.limits(limits).grace(FOREVER).route("/", echo));
        let mut raws = [server.open(), server.open()];
        server.handle.shutdown();
        server.handle.shutdown();
        for raw in &mut raws {
            raw.expect_close(1001);
            raw.expect_silence(Duration::from_millis(50));
        }
        assert!(!server.serving.is_finished(), "it waits for its peers");
        server.handle.cut();
        for raw in &mut raws {
            raw.until_end();
        }
        server.wait_for_end_of_all();
    }

    #[test]
    fn while_200_clocks_tick_and_50_echoes_are_in_flight_ends_them_all_in_order() {
        let server = Stoppable::start(|server| {
            let clock = |ws: &mut WebSocket| {
                loop {
                    ws.send("tick")?;
                    if matches!(
                        ws.receive_timeout(Duration::from_millis(20))?,
                        Received::Ended(_)
                    ) {
                        return plainws::Result::Ok(());
                    }
                }
            };
            server
                .grace(PATIENCE)
                .limits(Limits::default().close_timeout(PATIENCE))
                .route("/clock", clock)
                .route("/", echo)
        });
        let clocks: Vec<_> = (0..200)
            .map(|_| Raw::open(server.address, "/clock"))
            .collect();
        let address = server.address;
        let echoes: Vec<_> = (0..50_u32)
            .map(|number| {
                thread::spawn(move || {
                    let mut raw = Raw::open(address, "/");
                    let payload = number.to_be_bytes().repeat(1000);
                    let mut count = 0;
                    loop {
                        raw.send_frame(BINARY, &payload);
                        match raw.frame() {
                            (BINARY, echo) => assert!(echo == payload),
                            (CLOSE, body) => {
                                assert_eq!(body, close_body(1001, b"the server is shutting down"));
                                break;
                            }
                            (byte0, _) => panic!("{byte0:08b}"),
                        }
                        count += 1;
                    }
                    raw.send_frame(CLOSE, close_body(1001, b""));
                    raw.expect_fin();
                    count
                })
            })
            .collect();
        wait_until("250 open WebSocket connections", || {
            server.handle.stats().open_websockets == 250
        });
        wait_until("an echo or two", || {
            server.handle.stats().traffic.messages_received > 500
        });
        server.handle.shutdown();
        let clocks = thread::spawn(move || {
            for mut clock in clocks {
                let body = loop {
                    match clock.frame() {
                        (TEXT, text) => assert_eq!(text, b"tick"),
                        (CLOSE, body) => break body,
                        (byte0, _) => panic!("{byte0:08b}"),
                    }
                };
                assert_eq!(body, close_body(1001, b"the server is shutting down"));
                clock.send_frame(CLOSE, close_body(1001, b""));
                clock.expect_fin();
            }
        });
        let count: u32 = echoes.into_iter().map(|echo| echo.join().unwrap()).sum();
        clocks.join().unwrap();
        assert!(count > 0);
        let handle = server.handle.clone();
        server.wait_for_end_of_all();
        let stats = handle.stats();
        assert_eq!((stats.open_connections, stats.open_websockets), (0, 0));
        assert_eq!(stats.closes.get(&CloseCode::GOING_AWAY), Some(&250));
    }

    /// A peer that connects while the server stops is told so, or sees the connection end. It is not left
    /// waiting.
    #[test]
    fn in_the_middle_of_a_burst_of_requests_leaves_none_without_an_answer() {
        for _ in 0..5 {
            let server = Stoppable::start(|server| server.route("/", echo));
            let address = server.address;
            let peers: Vec<_> = (0..8)
                .map(|_| {
                    thread::spawn(move || {
                        while let Ok(stream) = TcpStream::connect(address) {
                            let mut raw = Raw::from(stream);
                            if raw.try_send(support::raw::upgrade_request("/")).is_err() {
                                break;
                            }
                            let answer = raw.head_or_end();
                            if answer.starts_with("HTTP/1.1 101 ") {
                                raw.send_frame(TEXT, "!");
                                match raw.frame() {
                                    (TEXT, echo) => assert_eq!(echo, b"!"),
                                    (CLOSE, body) => {
                                        assert_eq!(
                                            body,
                                            close_body(1001, b"the server is shutting down")
                                        );
                                        break;
                                    }
                                    (byte0, _) => panic!("{byte0:08b}"),
                                }
                            } else {
                                assert!(
                                    answer.is_empty() || answer.starts_with("HTTP/1.1 503 "),
                                    "{answer}"
                                );
                                break;
                            }
                        }
                    })
                })
                .collect();
            wait_until("some connections", || server.handle.stats().websockets > 20);
            server.handle.shutdown();
            peers.into_iter().for_each(|peer| peer.join().unwrap());
            server.wait_for_end_of_all();
        }
    }
}

mod panic {
    use super::*;

    fn server() -> Stoppable {
        Stoppable::start(|server| {
            server
                .route("/panic", |ws| -> plainws::Result<()> {
                    let message = ws.receive()?;
                    panic!("a handler panics on purpose with {message:?}");
                })
                .route("/error", |_| {
                    Err(std::io::Error::other("a handler fails on purpose"))
                })
                .route("/", echo)
        })
    }

    #[test]
    fn of_a_handler_closes_its_connection_with_1011_and_no_other() {
        let server = server();
        let mut other = server.open();
        for _ in 0..3 {
            let mut raw = Raw::open(server.address, "/panic");
            raw.send_frame(TEXT, "go");
            raw.expect_close(1011);
            raw.send_frame(CLOSE, close_body(1011, b""));
            raw.expect_fin();
        }
        other.send_frame(TEXT, "still here");
        other.expect_frame(TEXT, "still here");
        server.wait_for(1);
        let stats = server.handle.stats();
        assert_eq!(stats.panics, 3);
        assert_eq!(stats.closes.get(&CloseCode::INTERNAL_ERROR), Some(&3));
        server.handle.shutdown();
        say_goodbye(other);
        server.wait_for_end_of_all();
    }

    #[test]
    fn of_a_page_is_answered_with_500_and_the_connection_goes_on() {
        let server = Stoppable::start(|server| {
            server
                .page_with("/panic", |_| panic!("a page panics on purpose"))
                .page("/", Page::html("still here"))
        });
        let mut raw = Raw::connect(server.address);
        raw.send("GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw.response().status, 500);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw.response().text(), "still here");
        let stats = server.handle.stats();
        assert_eq!((stats.panics, stats.responses[&500]), (1, 1));
        assert_eq!(stats.refusals["page-panicked"], 1);
        server.handle.shutdown();
        server.wait_for_end_of_all();
    }

    #[test]
    fn is_told_from_an_error() {
        let server = server();
        let mut raw = Raw::open(server.address, "/error");
        raw.expect_close(1011);
        raw.send_frame(CLOSE, close_body(1011, b""));
        raw.expect_fin();
        drop(raw);
        server.wait_for(0);
        assert_eq!(server.handle.stats().panics, 0);
    }

    #[test]
    fn while_the_server_stops_does_not_hold_it_up() {
        let server = Stoppable::start(|server| {
            server.route("/", |ws| -> plainws::Result<()> {
                let ended = ws.receive();
                panic!("a handler panics on purpose at {ended:?}");
            })
        });
        let raws: Vec<_> = (0..8).map(|_| server.open()).collect();
        server.handle.shutdown();
        raws.into_iter().for_each(say_goodbye);
        let handle = server.handle.clone();
        server.wait_for_end_of_all();
        assert_eq!(handle.stats().panics, 8);
    }
}

/// Handlers, taps, logs and makers of pages may call back into the server, and may panic.
mod code_of_the_users {
    use super::*;
    use plainws::Sender;
    use plainws::net::tap::{Direction, Tap};
    use std::sync::{Mutex, OnceLock};

    const LOCK: &str = "no thread panics while it holds this";

    /// Set once the server is there.
    type Shared<T> = Arc<OnceLock<T>>;

    /// Starts a server whose taps do `what` with its handle and the latest connection's sender.
    fn tapped(
        what: impl Fn(Direction, &Handle, Option<&Sender>) + Clone + Send + Sync + 'static,
    ) -> Stoppable {
        let handle: Shared<Handle> = Arc::default();
        let its_handle = Arc::clone(&handle);
        let senders: Arc<Mutex<Vec<Sender>>> = Arc::default();
        let its_senders = Arc::clone(&senders);
        let server = Stoppable::start(move |server| {
            let server = server.tap(move |_, _| {
                let (what, handle) = (what.clone(), Arc::clone(&its_handle));
                let senders = Arc::clone(&its_senders);
                let tap: Tap = Box::new(move |direction, _| {
                    let sender = senders.lock().expect(LOCK).last().cloned();
                    what(
                        direction,
                        handle.get().expect("it was set"),
                        sender.as_ref(),
                    );
                });
                Some(tap)
            });
            server.route("/", move |ws| {
                senders.lock().expect(LOCK).push(ws.sender());
                ws.send("ready")?;
                echo(ws)
            })
        });
        handle.set(server.handle.clone()).expect("it is set once");
        server
    }

    /// Opens a connection whose tap knows its sender.
    fn open_tapped(server: &Stoppable) -> Raw {
        let mut raw = server.open();
        raw.expect_frame(TEXT, "ready");
        raw
    }

    #[test]
    fn a_tap_that_asks_for_statistics_does_not_hold_the_stop_up() {
        let server = tapped(|_, handle, _| drop(handle.stats()));
        let mut raw = open_tapped(&server);
        raw.send_frame(TEXT, "tapped");
        raw.expect_frame(TEXT, "tapped");
        server.handle.shutdown();
        say_goodbye(raw);
        server.wait_for_end_of_all();
    }

    #[test]
    fn a_tap_that_panics_at_the_goodbye_does_not_unwind_out_of_serve() {
        let is_goodbye = Arc::new(AtomicBool::new(false));
        let its_goodbye = Arc::clone(&is_goodbye);
        let server = tapped(move |_, _, _| {
            let is_goodbye = its_goodbye.load(Ordering::SeqCst);
            assert!(!is_goodbye, "a tap panics on purpose");
        });
        let raws = [open_tapped(&server), open_tapped(&server)];
        is_goodbye.store(true, Ordering::SeqCst);
        server.handle.shutdown();
        for mut raw in raws {
            raw.until_end();
        }
        server.wait_for_end_of_all();
    }

    #[test]
    fn a_tap_may_send_and_close_on_its_own_connection() {
        let server = tapped(|direction, _, sender| {
            if let (Direction::Received, Some(sender)) = (direction, sender) {
                assert_eq!(sender.backlog(), 0);
                sender.send("seen").expect("the connection is open");
                let _ = sender.close(CloseCode(4000), "by its tap");
            }
        });
        let mut raw = open_tapped(&server);
        raw.send_frame(TEXT, "x");
        raw.expect_frame(TEXT, "seen");
        assert_eq!(raw.expect_close(4000), "by its tap");
        raw.send_frame(CLOSE, close_body(4000, b""));
        raw.expect_fin();
        server.handle.shutdown();
        server.wait_for_end_of_all();
    }

    #[test]
    fn a_tap_that_panics_ends_its_connection_and_the_handler_learns_of_it() {
        let (told, observed) = mpsc::channel();
        let server = Stoppable::start(move |server| {
            let server = server.tap(|_, _| {
                let tap: Tap = Box::new(|direction, bytes| {
                    let is_head = bytes.starts_with(b"GET ");
                    let is_shown_frames = direction == Direction::Received && !is_head;
                    assert!(!is_shown_frames, "a tap panics on purpose");
                });
                Some(tap)
            });
            server.route("/", move |ws| {
                let failed = ws.receive().expect_err("its tap panics");
                let _ = told.send(failed.to_string());
                Err(failed)
            })
        });
        let mut raw = server.open();
        raw.send_frame(TEXT, "x");
        raw.until_end();
        let told = observed.recv_timeout(PATIENCE);
        assert_eq!(told.as_deref(), Ok("the connection's tap panicked"));
        server.handle.shutdown();
        server.wait_for_end_of_all();
    }

    #[test]
    fn a_maker_of_taps_that_panics_is_answered_for_with_500() {
        let server = Stoppable::start(|server| {
            let server = server.tap(|number, _| {
                assert_ne!(number, 0, "a maker of taps panics on purpose");
                None
            });
            server.route("/", echo)
        });
        let mut raw = Raw::connect(server.address);
        raw.send(upgrade_request("/"));
        assert_eq!(raw.response().status, 500);
        drop(server.open());
        wait_until("the refusal to be counted", || {
            server.handle.stats().refusals.get("tap-panicked") == Some(&1)
        });
        assert_eq!(server.handle.stats().panics, 1);
        server.handle.shutdown();
        server.wait_for_end_of_all();
    }

    #[test]
    fn a_log_may_stop_the_server_and_panic() {
        let handle: Shared<Handle> = Arc::default();
        let its_handle = Arc::clone(&handle);
        let server = Stoppable::start(move |server| {
            let server = server.log(move |_| {
                let handle = its_handle.get().expect("it was set");
                assert!(handle.stats().open_connections > 0);
                handle.shutdown();
                panic!("a log panics on purpose");
            });
            server.page("/", Page::html("a page"))
        });
        handle.set(server.handle.clone()).expect("it is set once");
        let mut raw = Raw::connect(server.address);
        raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(raw.response().text(), "a page");
        let handle = server.handle.clone();
        server.wait_for_end_of_all();
        assert_eq!(handle.stats().panics, 1);
    }

    #[test]
    fn a_handler_and_a_page_may_ask_for_statistics_and_stop_the_server() {
        let handle: Shared<Handle> = Arc::default();
        let (of_page, of_handler) = (Arc::clone(&handle), Arc::clone(&handle));
        let server = Stoppable::start(move |server| {
            let server = server.page_with("/page", move |_| {
                let stats = of_page.get().expect("it was set").stats();
                Page::new(
                    "text/plain",
                    stats.open_connections.to_string().into_bytes(),
                )
            });
            server.route("/", move |ws| {
                let handle = of_handler.get().expect("it was set");
                handle.shutdown();
                assert_eq!(handle.stats().open_websockets, 1);
                echo(ws)
            })
        });
        handle.set(server.handle.clone()).expect("it is set once");
        let mut raw = Raw::connect(server.address);
        raw.send("GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(raw.response().text(), "1");
        say_goodbye(server.open());
        let handle = server.handle.clone();
        server.wait_for_end_of_all();
        assert_eq!(handle.stats().panics, 0);
    }
}
