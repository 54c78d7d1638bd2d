//! Connections over streams that the caller brings: TCP, a Unix socket, and two queues in memory, which offer no more
//! than a [`Transport`] must.
#![expect(clippy::unwrap_used, reason = "the functions here are bodies of tests")]

use crate::support::bytes::{BINARY, CLOSE, PING, TEXT, close_body, frame};
use crate::support::due;
use crate::support::memory_pair::memory_pair;
use crate::support::raw::{PATIENCE, head_end, header, upgrade_request};
use crate::support::server::{SOON, endless, impatient, wait_until};
use plainws::{
    Accept, Admission, Applicant, Client, CloseCode, Error, Limits, Message, Page, Received,
    Result, Role, Rule, Transport, WebSocket,
};
use std::io::{self, IoSliceMut};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Makes both ends of a stream.
type Pair<S> = fn() -> (S, S);

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    let client = TcpStream::connect(address).expect("it listens");
    let (server, _) = listener.accept().expect("a client has connected");
    (client, server)
}

/// Runs tests over each kind of stream.
macro_rules! over_each_stream {
    ($($test:ident)*) => {
        mod over_tcp {
            $(#[test] fn $test() { super::$test(super::tcp_pair); })*
        }
        #[cfg(unix)]
        mod over_a_unix_socket {
            fn pair() -> (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream) {
                std::os::unix::net::UnixStream::pair().expect("the system has some")
            }
            $(#[test] fn $test() { super::$test(pair); })*
        }
        mod over_queues_in_memory {
            $(#[test] fn $test() { super::$test(super::memory_pair); })*
        }
    };
}

over_each_stream! {
    a_connection_opens_and_closes
    what_was_set_before_does_not_matter
    a_thread_sends_while_another_waits_for_a_message
    both_ends_send_more_than_the_stream_holds
    a_ping_is_answered_while_the_handler_is_busy
    the_pong_to_an_own_ping_is_told
    a_wait_for_a_message_ends_in_time
    a_silent_peer_is_given_up
    a_peer_whose_messages_wait_is_alive
    a_peer_that_sends_more_while_enough_waits_is_alive
    a_peer_that_takes_nothing_is_given_up
    a_peer_that_asks_for_nothing_is_given_up
    a_request_that_drips_is_answered_in_time
    a_server_that_does_not_answer_is_given_up
    a_peer_that_leaves_before_it_asks_is_told_of
    requests_are_refused_with_their_status
    a_rule_that_the_peer_breaks_is_told_of
}

/// Both ends of a connection.
fn connection<S: Transport + 'static>(pair: Pair<S>) -> (WebSocket, WebSocket) {
    connection_with(pair, Client::new("ws://localhost/").unwrap(), Accept::new())
}

fn connection_with<S: Transport + 'static>(
    pair: Pair<S>,
    client: Client,
    accept: Accept,
) -> (WebSocket, WebSocket) {
    let (here, there) = pair();
    let client = thread::spawn(move || client.over(here));
    let server = accept.accept(there).expect("the request is right");
    (client.join().unwrap().expect("it is accepted"), server)
}

/// A peer that the test plays, and the server's side of its connection, in a thread of its own.
struct Played<S> {
    stream: S,
    received: Vec<u8>,
    server: Option<JoinHandle<Result<WebSocket>>>,
}

impl<S: Transport + 'static> Played<S> {
    fn new(pair: Pair<S>, accept: Accept) -> Self {
        let (stream, there) = pair();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            received: Vec::new(),
            server: Some(thread::spawn(move || accept.accept(there))),
        }
    }

    /// One that has opened a connection; and the server's side.
    fn open(pair: Pair<S>, accept: Accept) -> (Self, WebSocket) {
        let mut played = Self::new(pair, accept);
        played.say(upgrade_request("/").as_bytes());
        let head = played.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let ws = played.accepted().expect("it is accepted");
        (played, ws)
    }

    /// What came of it on the server's side.
    fn accepted(&mut self) -> Result<WebSocket> {
        let server = self.server.take().expect("it is asked once");
        server.join().expect("it does not panic")
    }

    /// The same after the peer has left.
    fn leave(mut self) -> Result<WebSocket> {
        let server = self.server.take().expect("it is asked once");
        drop(self.stream);
        server.join().expect("it does not panic")
    }

    fn say(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let length = self.stream.write(bytes).expect("the peer takes it");
            bytes = &bytes[length..];
        }
    }

    /// Reads until `find` finds what it looks for.
    fn hear<T>(&mut self, find: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(&self.received) {
                return found;
            }
            let mut buffer = [0; 1024];
            let length = self.stream.read(&mut buffer).expect("the peer answers");
            assert_ne!(length, 0, "the peer has ended: {:?}", self.received);
            self.received.extend(&buffer[..length]);
        }
    }

    fn head(&mut self) -> String {
        let end = self.hear(head_end);
        let head = self.received.drain(..end).collect();
        String::from_utf8(head).unwrap()
    }

    fn response(&mut self) -> (String, Vec<u8>) {
        let head = self.head();
        let length = header(&head, "Content-Length").unwrap().parse().unwrap();
        self.hear(|received| (received.len() >= length).then_some(()));
        (head, self.received.drain(..length).collect())
    }

    fn expect(&mut self, bytes: &[u8]) {
        let mut got = self.hear(|received| {
            let is_there = received.len() >= bytes.len();
            is_there.then(|| received.to_vec())
        });
        self.received = got.split_off(bytes.len());
        assert!(got == bytes, "{}", got.escape_ascii());
    }
}

/// Limits without a deadline that could pass, but for the one that ends a test.
fn patient() -> Limits {
    endless().close_timeout(SOON)
}

fn io_error<T: std::fmt::Debug>(result: Result<T>) -> io::Error {
    match result {
        Err(Error::Io(error)) => error,
        other => panic!("an error of the stream, not {other:?}"),
    }
}

fn a_connection_opens_and_closes<S: Transport + 'static>(pair: Pair<S>) {
    let client = Client::new("ws://localhost/room?n=1").unwrap();
    let client = client.subprotocol("a").unwrap().subprotocol("b").unwrap();
    let accept = Accept::new().subprotocols(["b", "c"]);
    let (client, server) = connection_with(pair, client, accept);
    assert_eq!(server.request().path(), "/room");
    assert_eq!(server.request().query(), Some("n=1"));
    assert_eq!(server.subprotocol(), Some("b"));
    assert_eq!(client.subprotocol(), Some("b"));
    assert_eq!(client.local_addr(), server.peer_addr());
    assert_eq!(server.local_addr(), client.peer_addr());
    for length in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        let message = Message::Binary(vec![7; length]);
        let sending = message.clone();
        thread::scope(|scope| {
            scope.spawn(|| client.send(sending).unwrap());
            let received = server.receive().unwrap();
            assert!(received == Some(message), "{length} bytes");
        });
    }
    let closing = thread::spawn(move || client.close(CloseCode(4000), "enough"));
    assert_eq!(server.receive().unwrap(), None);
    let reason = server.close_reason().unwrap();
    assert_eq!(
        (reason.code, reason.reason.as_str()),
        (CloseCode(4000), "enough")
    );
    drop(server);
    closing.join().unwrap().unwrap();
}

#[test]
fn the_addresses_are_those_of_the_socket() {
    let (client, server) = tcp_pair();
    let (here, there) = (client.local_addr().unwrap(), server.local_addr().unwrap());
    let client = thread::spawn(move || Client::new("ws://localhost/")?.over(client));
    let server = plainws::accept(server).unwrap();
    assert_eq!(server.local_addr(), Some(there));
    assert_eq!(server.peer_addr(), Some(here));
    let client = client.join().unwrap().unwrap();
    assert_eq!(client.local_addr(), Some(here));
    assert_eq!(client.peer_addr(), Some(there));
}

fn what_was_set_before_does_not_matter<S: Transport + 'static>(pair: Pair<S>) {
    let (here, there) = pair();
    for stream in [&here, &there] {
        stream.set_nonblocking(true).unwrap();
        let brief = Some(Duration::from_millis(1));
        stream.set_read_timeout(brief).unwrap();
        stream.set_write_timeout(brief).unwrap();
    }
    let accept = Accept::new().limits(patient());
    let server = thread::spawn(move || accept.accept(there));
    // Both wait for something that comes late.
    thread::sleep(Duration::from_millis(20));
    let client = Client::new("ws://localhost/").unwrap();
    let client = client.over(here).unwrap();
    let server = server.join().unwrap().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| server.receive());
        thread::sleep(Duration::from_millis(20));
        client.send("late").unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), Some("late".into()));
        drop(client);
        assert_eq!(server.receive().unwrap(), None);
    });
}

/// Counts its reads.
struct Counted(TcpStream, Arc<AtomicUsize>);

impl Transport for Counted {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(is_nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

#[test]
fn a_read_into_several_buffers_passes_over_empty_ones() {
    let (here, there) = memory_pair();
    assert_eq!(there.write(b"ab").unwrap(), 2);
    let mut buffer = [0; 2];
    let mut buffers = [&mut [], &mut buffer[..]].map(IoSliceMut::new);
    assert_eq!(here.read_vectored(&mut buffers).unwrap(), 2);
    assert_eq!(&buffer, b"ab");
}

#[test]
fn a_stream_that_did_not_wait_is_not_asked_again_and_again() {
    let reads = Arc::<AtomicUsize>::default();
    let (here, _there) = tcp_pair();
    here.set_nonblocking(true).unwrap();
    let client = Client::new("ws://localhost/").unwrap().timeout(SOON);
    let opened = client.over(Counted(here, Arc::clone(&reads)));
    assert_eq!(io_error(opened).kind(), io::ErrorKind::TimedOut);
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads < 10, "{reads}");
}

fn a_thread_sends_while_another_waits_for_a_message<S: Transport + 'static>(pair: Pair<S>) {
    let (client, server) = connection(pair);
    for (one, other) in [(&client, &server), (&server, &client)] {
        thread::scope(|scope| {
            let waiting = scope.spawn(|| one.receive());
            for number in 0..100 {
                one.send(&*number.to_string()).unwrap();
                assert_eq!(
                    other.receive().unwrap(),
                    Some(number.to_string().as_str().into())
                );
            }
            assert!(!waiting.is_finished());
            other.send("enough").unwrap();
            assert_eq!(waiting.join().unwrap().unwrap(), Some("enough".into()));
        });
    }
    close(client, server);
}

fn close(client: WebSocket, server: WebSocket) {
    let closing = thread::spawn(move || drop(client));
    assert_eq!(server.receive().unwrap(), None);
    drop(server);
    closing.join().unwrap();
}

fn both_ends_send_more_than_the_stream_holds<S: Transport + 'static>(pair: Pair<S>) {
    const MESSAGES: u8 = 4;
    const LENGTH: usize = 4 * 1024 * 1024;
    let (client, server) = connection(pair);
    thread::scope(|scope| {
        for ws in [&client, &server] {
            scope.spawn(|| {
                for number in 0..MESSAGES {
                    ws.send(vec![number; LENGTH]).unwrap();
                }
            });
            scope.spawn(|| {
                for number in 0..MESSAGES {
                    let message = ws.receive().unwrap().unwrap();
                    assert_eq!(message.len(), LENGTH);
                    assert!(message.as_bytes().iter().all(|&byte| byte == number));
                }
            });
        }
    });
    close(client, server);
}

fn a_ping_is_answered_while_the_handler_is_busy<S: Transport + 'static>(pair: Pair<S>) {
    let (mut played, ws) = Played::open(pair, Accept::new().limits(patient()));
    played.say(&frame(Role::Client, PING, b"there?"));
    played.expect(b"\x8A\x06there?");
    played.say(&frame(Role::Client, TEXT, b"hello"));
    assert_eq!(ws.receive().unwrap(), Some("hello".into()));
    played.say(&frame(Role::Client, CLOSE, &close_body(1000, b"")));
    played.expect(b"\x88\x02\x03\xE8");
}

fn the_pong_to_an_own_ping_is_told<S: Transport + 'static>(pair: Pair<S>) {
    let (client, server) = connection(pair);
    let sender = client.sender();
    for (number, payload) in ["", "one", "two"].into_iter().enumerate() {
        let pings: &dyn Fn() -> Result<()> = match number {
            2 => &|| sender.ping(payload),
            _ => &|| client.ping(payload),
        };
        pings().unwrap();
        server.send("after").unwrap();
        assert_eq!(client.receive().unwrap(), Some("after".into()));
        let told = || {
            client
                .last_pong()
                .is_some_and(|pong| pong.payload == payload.as_bytes())
        };
        // Nobody receives at either end: it is seen to all the same.
        wait_until("the pong", told);
        let round_trip = client.last_pong().unwrap().round_trip;
        assert_eq!(client.round_trip_time(), Some(round_trip));
        assert!(round_trip < PATIENCE, "{round_trip:?}");
    }
    assert_eq!(server.last_pong(), None);
    close(client, server);
}

#[test]
fn a_ping_that_cannot_be_sent_takes_no_others_place() {
    let (client, server) = connection(tcp_pair);
    client.ping("first").unwrap();
    let too_long = [0; 126];
    assert!(client.ping(too_long).is_err());
    assert!(client.sender().ping(too_long).is_err());
    assert_eq!(
        server.receive_timeout(SOON / 10).unwrap(),
        Received::TimedOut
    );
    wait_until("the pong", || {
        let _ = client.try_receive();
        client
            .last_pong()
            .is_some_and(|pong| pong.payload == b"first")
    });
    close(client, server);
}

fn a_wait_for_a_message_ends_in_time<S: Transport + 'static>(pair: Pair<S>) {
    let (_played, ws) = Played::open(pair, Accept::new().limits(patient()));
    assert_eq!(ws.try_receive().unwrap(), Received::NotReady);
    let began = Instant::now();
    let received = due::call(began, SOON, move || ws.receive_timeout(SOON));
    assert_eq!(received.unwrap(), Received::TimedOut);
}

fn a_silent_peer_is_given_up<S: Transport + 'static>(pair: Pair<S>) {
    let limits = patient().ping_after(Some(SOON)).pong_timeout(SOON);
    let (_played, ws) = Played::open(pair, Accept::new().limits(limits));
    let received = due::call(Instant::now(), SOON, move || ws.receive());
    assert_eq!(io_error(received).kind(), io::ErrorKind::TimedOut);
}

/// What it sends is not received, and more than is read ahead.
fn a_peer_whose_messages_wait_is_alive<S: Transport + 'static>(pair: Pair<S>) {
    const MESSAGES: usize = 100;
    let brief = Duration::from_millis(150);
    let limits = patient().ping_after(Some(brief)).pong_timeout(brief);
    let (mut played, ws) = Played::open(pair, Accept::new().limits(limits));
    for _ in 0..MESSAGES {
        played.say(&frame(Role::Client, TEXT, b""));
        thread::sleep(brief / 10);
    }
    for _ in 0..MESSAGES {
        assert_eq!(ws.receive().unwrap(), Some("".into()));
    }
}

/// As much waits as is read ahead, so only a look tells that it sends more.
fn a_peer_that_sends_more_while_enough_waits_is_alive<S: Transport + 'static>(pair: Pair<S>) {
    let enough = vec![b'x'; 64 * 1024];
    let limits = patient().ping_after(Some(SOON)).pong_timeout(2 * SOON);
    let (mut played, ws) = Played::open(pair, Accept::new().limits(limits));
    played.say(&frame(Role::Client, BINARY, &enough));
    played.expect(&frame(Role::Server, PING, &1_u64.to_be_bytes()));
    played.say(&frame(Role::Client, TEXT, b"more"));
    played.stream.set_read_timeout(Some(6 * SOON)).unwrap();
    let given_up = played.stream.read(&mut [0]);
    assert!(given_up.is_err(), "{given_up:?} is heard");
    assert_eq!(ws.receive().unwrap(), Some(enough.into()));
    assert_eq!(ws.receive().unwrap(), Some("more".into()));
}

fn a_peer_that_takes_nothing_is_given_up<S: Transport + 'static>(pair: Pair<S>) {
    let limits = patient().write_timeout(SOON);
    let (_played, ws) = Played::open(pair, Accept::new().limits(limits));
    let began = Instant::now();
    let sent = due::call(began, SOON, move || {
        ws.send(vec![0; 16 * 1024 * 1024])
            .and_then(|()| ws.send("more"))
    });
    assert_eq!(io_error(sent).kind(), io::ErrorKind::TimedOut);
}

fn a_peer_that_asks_for_nothing_is_given_up<S: Transport + 'static>(pair: Pair<S>) {
    let (here, there) = pair();
    let accept = Accept::new().limits(endless().head_timeout(SOON));
    let accepted = due::call(Instant::now(), SOON, move || accept.accept(there));
    assert_eq!(io_error(accepted).kind(), io::ErrorKind::TimedOut);
    here.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(here.read(&mut [0; 100]).unwrap(), 0);
}

fn a_request_that_drips_is_answered_in_time<S: Transport + 'static>(pair: Pair<S>) {
    let limits = impatient().head_timeout(SOON);
    let mut played = Played::new(pair, Accept::new().limits(limits));
    for byte in upgrade_request("/").bytes().take(20) {
        // It may have been answered, and its input ended.
        let _ = played.stream.write(&[byte]);
        thread::sleep(SOON / 10);
    }
    let (head, body) = played.response();
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert_eq!(
        body,
        b"408 Request Timeout: the request did not end in time\n"
    );
    assert_eq!(io_error(played.accepted()).kind(), io::ErrorKind::TimedOut);
}

fn a_server_that_does_not_answer_is_given_up<S: Transport + 'static>(pair: Pair<S>) {
    let (here, _there) = pair();
    let client = Client::new("ws://localhost/").unwrap().timeout(SOON);
    let opened = due::call(Instant::now(), SOON, move || client.over(here));
    assert_eq!(io_error(opened).kind(), io::ErrorKind::TimedOut);
}

fn a_peer_that_leaves_before_it_asks_is_told_of<S: Transport + 'static>(pair: Pair<S>) {
    for said in ["", "GET / HTTP/1.1\r\nHost:"] {
        let mut played = Played::new(pair, Accept::new());
        played.say(said.as_bytes());
        let error = io_error(played.leave());
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{said}");
        assert_eq!(
            error.to_string(),
            "the peer ended the connection before its request was complete"
        );
    }
}

fn requests_are_refused_with_their_status<S: Transport + 'static>(pair: Pair<S>) {
    let upgrade = upgrade_request("/");
    let with = |header: &str| upgrade.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
    let plain = |line: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let rows = [
        (with("Origin: http://evil.example"), 403, None),
        (with("Origin: null"), 403, None),
        (plain("GET /"), 426, None),
        (plain("POST /"), 405, None),
        (plain("BREW /"), 501, None),
        (
            plain("GET /").replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n"),
            413,
            None,
        ),
        (
            upgrade.replace("Key: ", "Key: x"),
            400,
            Some(Rule::KeyInvalid),
        ),
        (
            upgrade.replace("Version: 13", "Version: 8"),
            426,
            Some(Rule::VersionNot13),
        ),
        (
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            400,
            Some(Rule::HostInvalid),
        ),
        (
            "\0GET / HTTP/1.1\r\n\r\n".to_owned(),
            400,
            Some(Rule::HeadControlByte),
        ),
    ];
    for (request, status, rule) in rows {
        let mut played = Played::new(pair, Accept::new());
        played.say(request.as_bytes());
        let (head, body) = played.response();
        let line = format!("HTTP/1.1 {status} ");
        assert!(head.starts_with(&line), "{request}{head}");
        assert_eq!(
            header(&head, "Connection").map(|value| &value[..5]),
            Some("close")
        );
        match (played.leave(), rule) {
            (Err(Error::Rule(broken)), Some(rule)) => assert_eq!(broken, rule),
            (Err(Error::Declined { status: s, reason }), None) => {
                assert_eq!(s, status);
                let body = String::from_utf8(body).unwrap();
                assert!(body.ends_with(&format!(": {reason}\n")), "{body}{reason}");
            }
            (other, _) => panic!("{request}{other:?}"),
        }
    }
}

#[test]
fn a_request_for_options_is_answered_and_opens_nothing() {
    for request in [
        "OPTIONS / HTTP/1.0",
        "OPTIONS * HTTP/1.1\r\nHost: localhost",
    ] {
        let mut played = Played::new(tcp_pair, Accept::new());
        played.say(format!("{request}\r\n\r\n").as_bytes());
        let head = played.head();
        assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
        assert_eq!(header(&head, "Allow"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(header(&head, "Connection"), Some("close"));
        let Err(error) = played.leave() else {
            panic!("nothing is open")
        };
        let why = "refused with status 204: OPTIONS opens no connection";
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn a_refusal_is_read_by_who_goes_on_sending() {
    let mut played = Played::new(tcp_pair, Accept::new());
    played.say(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(played.response().0.starts_with("HTTP/1.1 426 "));
    assert_eq!(played.stream.read(&mut [0]).unwrap(), 0);
    // Otherwise it would be reset, and might lose the refusal.
    for _ in 0..16 {
        played.say(&[0; 1024 * 1024]);
    }
    played.leave().unwrap_err();
}

#[test]
fn frames_that_come_with_the_request_are_received() {
    let mut played = Played::new(tcp_pair, Accept::new().limits(patient()));
    let early = frame(Role::Client, TEXT, b"early");
    played.say(&[upgrade_request("/").as_bytes(), &early].concat());
    let ws = played.accepted().unwrap();
    assert_eq!(ws.receive().unwrap(), Some("early".into()));
}

#[test]
fn the_first_subprotocol_of_the_client_that_is_known_is_agreed_on() {
    let offer = "Sec-WebSocket-Protocol: other, second, first\r\n\r\n";
    let request = upgrade_request("/").replace("\r\n\r\n", &format!("\r\n{offer}"));
    let accept = Accept::new().subprotocols(["first", "second"]);
    let mut played = Played::new(tcp_pair, accept.limits(patient()));
    played.say(request.as_bytes());
    let head = played.head();
    assert_eq!(header(&head, "Sec-WebSocket-Protocol"), Some("second"));
    assert_eq!(played.accepted().unwrap().subprotocol(), Some("second"));
}

#[test]
fn what_is_allowed_is_let_in() {
    let open = |accept: Accept, host: &str, origin: &str| {
        let client = Client::new("ws://localhost/").unwrap().host(host).unwrap();
        let client = client.origin(origin).unwrap();
        let (here, there) = tcp_pair();
        let client = thread::spawn(move || client.over(here).err().map(|error| error.to_string()));
        let ws = accept.accept(there);
        client.join().unwrap();
        match ws {
            Ok(_) => 101,
            Err(Error::Declined { status, .. }) => status,
            Err(other) => panic!("{other}"),
        }
    };
    let origin = "https://a.example";
    assert_eq!(
        open(Accept::new(), "localhost:1", "http://localhost:1"),
        101
    );
    assert_eq!(open(Accept::new(), "localhost:1", origin), 403);
    assert_eq!(
        open(
            Accept::new().allow_origin(origin.parse().unwrap()),
            "localhost:1",
            origin
        ),
        101
    );
    // DNS rebinding: such a page is of the host that it asks.
    assert_eq!(open(Accept::new(), "a.example", origin), 421);
    let host = || "a.example".parse().unwrap();
    assert_eq!(
        open(Accept::new().allow_host(host()), "a.example", origin),
        101
    );
}

fn a_rule_that_the_peer_breaks_is_told_of<S: Transport + 'static>(pair: Pair<S>) {
    let (mut played, ws) = Played::open(pair, Accept::new().limits(patient()));
    played.say(b"\x81\x02hi");
    match ws.receive() {
        Err(Error::Rule(rule)) => assert_eq!(rule, Rule::MaskMissing),
        other => panic!("{other:?}"),
    }
    let told = played.hear(|received| received.get(..4).map(<[u8]>::to_vec));
    assert_eq!((told[0], &told[2..]), (CLOSE, &b"\x03\xEA"[..]));
}

#[test]
fn a_tap_sees_everything_from_the_first_byte_on() {
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let tap = {
        let seen = Arc::clone(&seen);
        Box::new(move |direction, bytes: &[u8]| {
            let line = format!("{direction:?} {}\n", bytes.escape_ascii());
            seen.lock().unwrap().push_str(&line);
        })
    };
    let mut played = Played::new(memory_pair, Accept::new().tap(tap));
    played.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    played.response();
    played.leave().unwrap_err();
    wait_until("the answer", || {
        seen.lock().unwrap().contains("speaks WebSocket")
    });
    let seen = seen.lock().unwrap();
    assert!(
        seen.starts_with("Received GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n\nSent HTTP/1.1 426 "),
        "{seen}"
    );
}

/// The calls of a [`Transport`], as a [`Faulty`] one counts them.
const NONE: usize = 0;
const READ: usize = 1;
const READ_TOO_MUCH: usize = 2;
const PEEK: usize = 3;
const WRITE: usize = 4;
const WRITE_TOO_MUCH: usize = 5;
const WRITE_NOTHING: usize = 6;
const SET: usize = 7;
const SHUTDOWN: usize = 8;
const DROP: usize = 9;

/// A stream that panics or lies when it is told to.
struct Faulty {
    stream: TcpStream,
    fault: Arc<AtomicUsize>,
}

impl Faulty {
    fn has(&self, fault: usize) -> bool {
        self.fault.load(Ordering::Relaxed) == fault
    }

    fn panic_at(&self, call: usize) {
        assert!(!self.has(call), "the fault of call {call}");
    }
}

impl Transport for Faulty {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.panic_at(READ);
        if self.has(READ_TOO_MUCH) {
            return Ok(buffer.len() + 1);
        }
        Transport::read(&self.stream, buffer)
    }

    fn peek(&self) -> io::Result<usize> {
        self.panic_at(PEEK);
        Transport::peek(&self.stream)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.panic_at(WRITE);
        match self.fault.load(Ordering::Relaxed) {
            WRITE_TOO_MUCH => Ok(bytes.len() + 1),
            WRITE_NOTHING => Ok(0),
            _ => Transport::write(&self.stream, bytes),
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.panic_at(SET);
        self.stream.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.panic_at(SET);
        self.stream.set_write_timeout(timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.panic_at(SET);
        self.stream.set_nonblocking(is_nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // As a connection is cut when another of its calls has panicked.
        if self.has(SHUTDOWN) || self.has(PEEK) {
            panic!("the fault of a shutdown");
        }
        self.stream.shutdown(how)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.panic_at(DROP);
    }
}

/// A server's connection whose stream is still in order, what breaks it, and the client.
fn faulty_connection() -> (WebSocket, Arc<AtomicUsize>, WebSocket) {
    let (here, stream) = tcp_pair();
    let fault = Arc::new(AtomicUsize::new(NONE));
    let faulty = Faulty {
        stream,
        fault: Arc::clone(&fault),
    };
    // Looks are taken now and then, for which a peek is needed.
    let limits = patient().ping_after(Some(Duration::from_millis(100)));
    let server = thread::spawn(move || Accept::new().limits(limits).accept(faulty));
    let client = Client::new("ws://localhost/").unwrap().over(here).unwrap();
    let server = server.join().expect("it does not panic").unwrap();
    (server, fault, client)
}

/// An error of the system's that a stream hands on, at the first call of each side.
struct Unusable;

impl Transport for Unusable {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("it is not used")
    }
    fn write(&self, _: &[u8]) -> io::Result<usize> {
        unreachable!("it is not used")
    }
    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
    fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_the_first_call_or_the_last_of_the_handshake_is_a_sentence_too() {
    let accepted = plainws::accept(Unusable);
    let lost = "the connection with the client was lost: not connected";
    assert_eq!(accepted.unwrap_err().to_string(), lost);
    let client = Client::new("ws://localhost/").unwrap().over(Unusable);
    let lost = "the connection with the server at ws://localhost/ was lost: not connected";
    assert_eq!(client.unwrap_err().to_string(), lost);

    let (mut here, stream) = tcp_pair();
    io::Write::write_all(&mut here, upgrade_request("/").as_bytes()).unwrap();
    let fault = Arc::new(AtomicUsize::new(WRITE_NOTHING));
    let accepted = plainws::accept(Faulty { stream, fault });
    let lost = "the connection with the client was lost: write zero";
    assert_eq!(accepted.unwrap_err().to_string(), lost);
}

#[test]
fn a_stream_whose_code_panics_or_lies_ends_its_own_connection_only() {
    let (other, other_end) = connection(tcp_pair);
    for call in READ..=DROP {
        let (ws, fault, client) = faulty_connection();
        fault.store(call, Ordering::Relaxed);
        let (told, used) = mpsc::channel();
        thread::spawn(move || {
            // The caretaker meets most of the faults first, and the rest are met here.
            let received = ws.receive_timeout(SOON);
            let sent = ws.send("Hello");
            drop(ws);
            let _ = told.send((received, sent));
        });
        let used = used.recv_timeout(PATIENCE);
        let (received, sent) = used.unwrap_or_else(|_| panic!("fault {call} kills its thread"));
        if matches!(call, READ | READ_TOO_MUCH) {
            let problem = io_error(received).to_string();
            assert!(problem.contains("the connection's stream "), "{problem}");
        }
        let is_met_late = matches!(call, SHUTDOWN | DROP);
        assert!(sent.is_err() || is_met_late, "fault {call}: {sent:?}");
        drop(client);
        // Its end has nothing to do with this one, for which the caretaker answers.
        other.ping(call.to_be_bytes()).unwrap();
        wait_until("the pong of a connection in order", || {
            let _ = other.try_receive();
            other
                .last_pong()
                .is_some_and(|pong| pong.payload == call.to_be_bytes())
        });
    }
    close(other, other_end);
}

/// What a request is answered with, and the server's side.
fn answer(accept: Accept, path: &str) -> (String, Result<WebSocket>) {
    let mut played = Played::new(tcp_pair, accept);
    played.say(upgrade_request(path).as_bytes());
    let head = played.head();
    let server = played.server.take().unwrap();
    drop(played);
    (head, server.join().unwrap())
}

#[test]
fn a_path_that_is_asked_for_has_places() {
    let accept = || Accept::new().path("/room/{id}");
    let (head, ws) = answer(accept(), "/room/a%20b");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(ws.unwrap().request().param("id"), Some("a b"));
    for (path, expected) in [("/", 404), ("/room/%ff", 400)] {
        match answer(accept(), path).1 {
            Err(Error::Declined { status, .. }) => assert_eq!(status, expected, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn who_asks_is_admitted_or_refused_before_the_upgrade() {
    struct User(&'static str);
    let (head, ws) = answer(
        Accept::new().admit(|applicant| {
            assert_eq!(applicant.request.path(), "/door");
            let terms = Admission::default();
            Ok(terms.header("X-Seen", "1").extension(User("Ali")))
        }),
        "/door",
    );
    assert!(head.contains("\r\nX-Seen: 1\r\n"), "{head}");
    assert_eq!(ws.unwrap().extension::<User>().unwrap().0, "Ali");

    let challenge = || Page::refusal(401, "who are you?").header("WWW-Authenticate", "Basic");
    let (head, refused) = answer(Accept::new().admit(move |_| Err(challenge())), "/");
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert!(head.contains("\r\nWWW-Authenticate: Basic\r\n"), "{head}");
    match refused {
        Err(Error::Declined {
            status: 401,
            reason,
        }) => assert_eq!(reason, "who are you?"),
        other => panic!("{other:?}"),
    }

    let reason_less = |_: &Applicant<'_>| Err(Page::text("no").status(404));
    let (_, refused) = answer(Accept::new().admit(reason_less), "/");
    let problem = refused.map(drop).unwrap_err().to_string();
    assert_eq!(problem, "the request was refused with status 404");

    let limits = Limits::default().admit_timeout(Duration::ZERO);
    let late = Accept::new().limits(limits);
    let (head, _) = answer(late.admit(|_| Ok(Admission::default())), "/");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
}

#[test]
fn who_asks_is_admitted_with_limits_of_its_own() {
    let short = plainws::protocol::message::Limits::new().max_bytes(3);
    let accept = Accept::new()
        .admit(move |applicant| Ok(Admission::default().limits(applicant.limits.message(short))));
    let (client, server) = tcp_pair();
    let server = thread::spawn(move || accept.accept(server)?.receive());
    let client = Client::new("ws://localhost/")
        .unwrap()
        .over(client)
        .unwrap();
    client.send("four").unwrap();
    assert_eq!(client.receive().unwrap(), None);
    assert_eq!(client.close_reason().unwrap().code, CloseCode::TOO_BIG);
    let refused = server.join().unwrap().unwrap_err();
    assert!(
        matches!(&refused, Error::Rule(rule) if *rule == Rule::MessageTooBig),
        "{refused}"
    );
}
