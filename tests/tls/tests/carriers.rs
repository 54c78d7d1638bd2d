//! What carries TLS may be awkward: slow, stingy, TLS itself, or the user's own with a fault.

use crate::support::bytes::TEXT;
use crate::support::inside::{client_tls, server_tls};
use crate::support::memory_pair::{End, memory_pair};
use crate::support::raw::upgrade_request;
use crate::support::server::{SOON, wait_until};
use plainws::{Accept, Client, Error, Limits, Message, Role, TlsStream, Transport};
use plainws_tls_tests::peer::{accept, listen};
use plainws_tls_tests::{Authority, LOCAL, PATIENCE, Peer, frame, trusting};
use std::io::{self, IoSliceMut};
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

type Read<T> = fn(&T, &mut [u8]) -> io::Result<usize>;
type Write<T> = fn(&T, &[u8]) -> io::Result<usize>;
type Handshake = fn() -> io::Result<bool>;

/// A stream that does some things in its own way.
struct Odd<T> {
    stream: T,
    read: Read<T>,
    write: Write<T>,
    handshake: Handshake,
    /// With how much room each read has waited.
    rooms: Arc<Mutex<Vec<usize>>>,
}

impl<T: Transport> Odd<T> {
    fn new(stream: T) -> Self {
        Self {
            stream,
            read: T::read,
            write: T::write,
            handshake: || Ok(true),
            rooms: Arc::default(),
        }
    }
}

impl<T: Transport> Transport for Odd<T> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rooms = self.rooms.lock().expect("no panic in it");
        rooms.push(buffer.len());
        drop(rooms);
        (self.read)(&self.stream, buffer)
    }
    fn peek(&self) -> io::Result<usize> {
        self.stream.peek()
    }
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (self.write)(&self.stream, bytes)
    }
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }
    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(is_nonblocking)
    }
    fn handshake(&self) -> io::Result<bool> {
        (self.handshake)()
    }
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }
}

/// Takes a hundred bytes at a time, and every other call nothing.
fn stingy(end: End) -> impl Transport + 'static {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    Odd {
        write: |end: &End, bytes| {
            if CALLS.fetch_add(1, Ordering::Relaxed) % 2 == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            end.write(&bytes[..bytes.len().min(100)])
        },
        ..Odd::new(end)
    }
}

/// Sends a message over these to a handler that sends it back.
#[track_caller]
fn echo_over(stream: impl Transport + 'static, server: impl Transport + 'static) {
    let handler = thread::spawn(move || {
        let ws = plainws::accept(server)?;
        while let Some(message) = ws.receive()? {
            ws.send(message)?;
        }
        plainws::Result::Ok(())
    });
    let asked = Client::new("wss://localhost/").expect("the URL is right");
    let ws = asked.over(stream).expect("it is let in");
    for length in [0, 1, 125, 4096, 20_000] {
        let message = Message::Binary((0..length).map(|at: u32| at.to_le_bytes()[0]).collect());
        ws.send(message.clone()).expect("it is open");
        assert!(ws.receive().expect("it is open") == Some(message));
    }
    drop(ws);
    let handled = handler.join().expect("it does not panic");
    handled.expect("it is closed in good order");
}

#[test]
fn one_that_takes_little_at_a_time_gets_every_byte_once() {
    let authority = Authority::new();
    let (client, server) = memory_pair();
    let (tls, to) = (client_tls(&authority.pem()), "localhost");
    let client = tls.over(stingy(client), to).expect("it is a name");
    let server = server_tls(&authority.sign(LOCAL)).over(stingy(server));
    echo_over(client, server);
}

#[test]
fn one_that_is_tls_itself_gets_every_byte_once() {
    let authority = Authority::new();
    let (client, server) = memory_pair();
    let (tls, to) = (client_tls(&authority.pem()), "localhost");
    let client = tls.over(stingy(client), to).expect("it is a name");
    let client = tls.over(client, to).expect("it is a name");
    let tls = server_tls(&authority.sign(LOCAL));
    let server = tls.over(tls.over(stingy(server)));
    echo_over(client, server);
}

#[test]
fn one_whose_handshake_never_ends_or_fails_or_panics_is_an_error_of_tls() {
    let faults: [(Handshake, &str); 4] = [
        (|| Ok(false), "took too long"),
        (|| Err(io::ErrorKind::Interrupted.into()), "took too long"),
        (|| Err(io::Error::other("no key")), "no key"),
        (|| panic!("a fault of the user's"), "panicked"),
    ];
    for (fault, told) in faults {
        let (client, server) = memory_pair();
        let limits = Limits::default().head_timeout(SOON).close_timeout(SOON);
        let faulty = |stream| Odd {
            handshake: fault,
            ..Odd::new(stream)
        };
        let accepted = Accept::new().limits(limits).accept(faulty(server));
        let asked = Client::new("wss://localhost/").expect("the URL is right");
        let opened = asked.timeout(SOON).over(faulty(client));
        for error in [accepted.err(), opened.err()] {
            let is_told =
                matches!(&error, Some(Error::Tls(error)) if error.to_string().contains(told));
            assert!(is_told, "{error:?}");
        }
    }
}

#[test]
fn a_silent_client_is_left_when_its_time_for_the_handshake_is_over() {
    let tls = server_tls(&Authority::new().sign(LOCAL));
    for sent in [&b""[..], b"\x16", b"\x16\x03\x01\x02"] {
        let (client, server) = memory_pair();
        if !sent.is_empty() {
            client.write(sent).expect("it is open");
        }
        let limits = Limits::default()
            .head_timeout(SOON)
            .close_timeout(3 * PATIENCE);
        let (told, accepted) = mpsc::channel();
        let server = tls.over(server);
        thread::spawn(move || told.send(Accept::new().limits(limits).accept(server).err()));
        let error = accepted.recv_timeout(PATIENCE).expect("it is left in time");
        assert!(matches!(error, Some(Error::Tls(_))), "{error:?}");
    }
}

/// As far as we know it never wanted TLS, so that did not fail either.
#[test]
fn a_client_that_leaves_before_a_word_has_left_by_a_reset_too() {
    let tls = server_tls(&Authority::new().sign(LOCAL));
    let ends: [Read<End>; 2] = [
        |_, _| Ok(0),
        |_, _| Err(io::ErrorKind::ConnectionReset.into()),
    ];
    for read in ends {
        let (_client, server) = memory_pair();
        let odd = Odd {
            read,
            ..Odd::new(server)
        };
        let error = plainws::accept(tls.over(odd)).err();
        let has_left = matches!(&error, Some(Error::Tls(error)) if error.kind() == io::ErrorKind::ConnectionAborted);
        assert!(has_left, "{error:?}");
    }
}

/// A read that fills its buffer makes room for a longer one. That must not stay when nothing comes.
#[test]
fn a_connection_at_rest_holds_little_whatever_came_before() {
    let authority = Authority::new();
    let (listener, address) = listen();
    let config = trusting(&authority.pem());
    let client = thread::spawn(move || Peer::open(address, config, "/"));
    let stream = Odd::new(accept(&listener));
    let rooms = Arc::clone(&stream.rooms);
    let stream = server_tls(&authority.sign(LOCAL)).over(stream);
    thread::spawn(move || {
        let ws = plainws::accept(stream)?;
        while let Some(message) = ws.receive()? {
            ws.send(message)?;
        }
        plainws::Result::Ok(())
    });
    let mut client = client.join().expect("it is let in");
    let message = vec![b'a'; 4066];
    let records = client.seal(frame(Role::Client, TEXT, &message));
    assert_eq!(
        records.len(),
        4096,
        "it fills the buffer of a connection at rest"
    );
    client.send_records(records);
    client.expect_frame(TEXT, &message);
    wait_until("a large buffer, and then a small one", || {
        let rooms = rooms.lock().expect("no panic in it");
        let was_large = rooms.iter().any(|&room| room > 4096);
        was_large && rooms.last().is_some_and(|&room| room <= 4096)
    });
    client.send_frame(TEXT, "go on");
    client.expect_frame(TEXT, "go on");
}

/// Both ends after the handshake, without a WebSocket connection over them.
fn secured() -> (TlsStream, TlsStream) {
    let authority = Authority::new();
    let (client, server) = memory_pair();
    let client = client_tls(&authority.pem()).over(client, "localhost");
    let client = client.expect("it is a name");
    let server = server_tls(&authority.sign(LOCAL)).over(server);
    let client = thread::spawn(move || {
        while !client.handshake().expect("it succeeds") {}
        client
    });
    while !server.handshake().expect("it succeeds") {}
    (client.join().expect("it does not panic"), server)
}

/// What is read with one call of the stream below is found by one of this, however many records it is.
#[test]
fn many_records_are_read_at_once() {
    let (client, server) = secured();
    let send = |bytes: &[u8]| {
        let length = client.write(bytes).expect("there is room");
        assert_eq!(length, bytes.len());
    };
    let mut buffer = vec![0; 64 * 1024];
    // With its record it fills the buffer of a stream at rest: from then on more is read.
    send(&[1; 4074]);
    assert_eq!(server.read(&mut buffer).expect("it is there"), 4074);
    send(&[2; 40_000]);
    send(&[3; 100]);
    let (first, second) = buffer.split_at_mut(30_000);
    let mut buffers = [&mut [], first, &mut [], second].map(IoSliceMut::new);
    let length = server.read_vectored(&mut buffers).expect("it is there");
    assert_eq!(length, 40_100);
    assert!(buffer[..length] == [&[2; 40_000][..], &[3; 100]].concat());
    // Nor does a buffer that is too short lose anything, or the end.
    send(&[1; 4074]);
    assert_eq!(server.read(&mut buffer).expect("it is there"), 4074);
    send(&[4; 40_000]);
    client.shutdown(Shutdown::Write).expect("it is open");
    for expected in [30_000, 10_000, 0, 0] {
        let read = server.read(&mut buffer[..30_000]);
        assert_eq!(read.expect("it is there"), expected);
        assert!(buffer[..expected].iter().all(|&byte| byte == 4));
    }
}

/// A small frame does not wait for what was sent before it to be acknowledged, as without TLS.
#[test]
fn a_socket_sends_at_once() {
    let authority = Authority::new();
    let (listener, address) = listen();
    let config = trusting(&authority.pem());
    let client = thread::spawn(move || Peer::open(address, config, "/"));
    let socket = accept(&listener);
    let same = socket.try_clone().expect("there is a handle left");
    let ws = plainws::accept(server_tls(&authority.sign(LOCAL)).over(socket));
    client.join().expect("it is let in");
    assert!(same.nodelay().expect("it is a socket"));
    drop(ws);
}

#[test]
fn a_write_of_nothing_is_none() {
    let (client, server) = secured();
    let (told, wrote) = mpsc::channel();
    thread::spawn(move || {
        let none = [client.write(b""), client.write_vectored(&[])];
        let some = client.write(b"Hello");
        drop(told.send((none, some, client)));
    });
    let (none, some, _client) = wrote.recv_timeout(PATIENCE).expect("it comes back");
    assert!(none.iter().all(|none| matches!(none, Ok(0))), "{none:?}");
    assert_eq!(some.expect("it is open"), 5);
    let mut buffer = [0; 8];
    assert_eq!(server.read(&mut buffer).expect("it is there"), 5);
    assert_eq!(&buffer[..5], b"Hello");
}

/// Such as one that was written before there were handshakes: `Odd` says that nothing is to be done.
#[test]
fn one_around_it_that_hands_no_handshake_on_lets_nothing_out_in_the_clear() {
    let (client, server) = memory_pair();
    let tls = server_tls(&Authority::new().sign(LOCAL));
    let accepting = thread::spawn(move || plainws::accept(Odd::new(tls.over(server))));
    let request = upgrade_request("/");
    assert_eq!(
        client.write(request.as_bytes()).expect("it is open"),
        request.len()
    );
    assert_eq!(client.read(&mut [0; 100]).expect("it is ended"), 0);
    let accepted = accepting.join().expect("it does not panic");
    let problem = accepted.expect_err("there is no TLS").to_string();
    assert!(problem.contains("`handshake`"), "{problem}");
}
