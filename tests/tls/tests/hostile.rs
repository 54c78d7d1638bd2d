//! Hostile clients inside TLS, and before it, beside clients that behave. These must not notice: each echo is checked.
//! The model is the main package's `tests/soak_hostile.rs`; here each kind plays its part once, and what TLS gives them
//! more to be wrong about comes first.

use crate::support::bytes::{BINARY, BINARY_BEGIN, PONG, TEXT, frame};
use crate::support::raw::{Raw, upgrade_request};
use plainws::{Client, ClientTls, CloseCode, Role, WebSocket};
use plainws_tls_tests::{Authority, Files, LOCAL, PATIENCE, Peer, Program, trusting};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Limits of the program that bite soon.
const ARGUMENTS: [&str; 15] = [
    "--quiet",
    "--head-timeout",
    "1",
    "--write-timeout",
    "1",
    "--transit-timeout",
    "2",
    "--message-timeout",
    "1",
    "--close-timeout",
    "1",
    "--ping-after",
    "1",
    "--pong-timeout",
    "1",
];
const FRIENDS: usize = 2;
/// Of each kind.
const FOES: usize = 2;
const PAUSE: Duration = Duration::from_millis(20);

/// A server, and what is needed to reach it.
struct Stage {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    roots: String,
    _files: Files,
    _program: Program,
}

impl Stage {
    fn new(options: &[&str]) -> Self {
        let authority = Authority::new();
        let files = Files::new(&authority.sign(LOCAL), &authority.pem());
        let (program, address) = Program::serve(files.serve_args().iter().chain(options));
        Self {
            address,
            config: trusting(&authority.pem()),
            roots: authority.pem(),
            _files: files,
            _program: program,
        }
    }

    fn friend(&self) -> WebSocket {
        let tls = ClientTls::from_pem(self.roots.as_bytes()).expect("it is one");
        let client = Client::new(&format!("wss://{}/echo", self.address)).expect("it is a URL");
        client.tls(tls).connect().expect("it serves")
    }

    fn tcp(&self) -> TcpStream {
        let tcp = TcpStream::connect_timeout(&self.address, PATIENCE).expect("it accepts");
        tcp.set_write_timeout(Some(PATIENCE)).expect("it is open");
        tcp.set_read_timeout(Some(PATIENCE)).expect("it is open");
        tcp
    }

    fn inside(&self) -> Peer {
        Peer::connect(self.address, Arc::clone(&self.config))
    }

    fn open(&self) -> Peer {
        Peer::open(self.address, Arc::clone(&self.config), "/echo")
    }

    /// The first bytes of a client, as TLS has them.
    fn hello(&self) -> Vec<u8> {
        let name = ServerName::try_from("localhost").expect("it is a name");
        let client = ClientConnection::new(Arc::clone(&self.config), name);
        let mut client = client.expect("the settings are right");
        let mut hello = Vec::new();
        client.write_tls(&mut hello).expect("a vector takes all");
        hello
    }
}

/// Sends bytes again and again, and obeys nothing: it ends when the server has ended the connection for good.
fn go_on(mut send: impl FnMut() -> std::io::Result<()>) {
    let begun = Instant::now();
    while send().is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        thread::sleep(PAUSE);
    }
    assert!(begun.elapsed() < PATIENCE, "it neither reads nor ends");
}

/// Waits for the server to end a connection, in whatever way, and returns the bytes before that.
fn is_ended(tcp: &mut TcpStream) -> Vec<u8> {
    let begun = Instant::now();
    let mut before = Vec::new();
    // A reset is an end too, but a time-out is none.
    let _ = tcp.read_to_end(&mut before);
    assert!(begun.elapsed() < PATIENCE, "it does not end");
    before
}

fn is_ended_inside(mut peer: Peer) {
    let begun = Instant::now();
    peer.until_end();
    assert!(begun.elapsed() < PATIENCE, "it does not end");
}

/// What a hostile client does until the server has ended its connection.
type Foe = fn(&Stage);

const ALL: [(&str, Foe); 15] = [
    ("says nothing", |stage| {
        is_ended(&mut stage.tcp());
    }),
    ("drips its hello", |stage| {
        let (mut tcp, hello) = (stage.tcp(), stage.hello());
        let mut bytes = hello.chunks(1).cycle();
        go_on(|| tcp.write_all(bytes.next().unwrap_or_default()));
    }),
    ("leaves its hello unfinished", |stage| {
        let (mut tcp, hello) = (stage.tcp(), stage.hello());
        tcp.write_all(&hello[..hello.len() / 2])
            .expect("it is open");
        is_ended(&mut tcp);
    }),
    ("leaves the handshake unfinished", |stage| {
        let mut tcp = stage.tcp();
        tcp.write_all(&stage.hello()).expect("it is open");
        is_ended(&mut tcp);
    }),
    ("sends no TLS after the first byte", |stage| {
        let mut tcp = stage.tcp();
        go_on(|| tcp.write_all(&[0x16; 1000]));
    }),
    (
        "sends a record of the greatest length, bit by bit",
        |stage| {
            let mut tcp = stage.tcp();
            tcp.write_all(&[0x16, 3, 1, 0xFF, 0xFF])
                .expect("it is open");
            go_on(|| tcp.write_all(&[1; 10]));
        },
    ),
    ("speaks plainly", |stage| {
        let mut tcp = stage.tcp();
        tcp.write_all(upgrade_request("/echo").as_bytes())
            .expect("it is open");
        assert!(is_ended(&mut tcp).starts_with(b"HTTP/1.1 400 "));
    }),
    ("breaks a record", |stage| {
        let mut peer = stage.open();
        let mut records = peer.seal(frame(Role::Client, TEXT, b"broken"));
        *records.last_mut().expect("it is not empty") ^= 1;
        peer.send_records(records);
        is_ended_inside(peer);
    }),
    ("leaves a record unfinished", |stage| {
        let mut peer = stage.open();
        let records = peer.seal(frame(Role::Client, TEXT, b"half"));
        peer.send_records(&records[..records.len() - 1]);
        is_ended_inside(peer);
    }),
    ("renews its keys instead of closing", |stage| {
        let mut peer = stage.open();
        go_on(|| {
            for _ in 0..100 {
                peer.renew_keys();
            }
            peer.try_send(frame(Role::Client, PONG, b""))?;
            peer.try_send(b"\x83\x80\0\0\0\0")
        });
    }),
    ("drips a head", |stage| {
        let mut peer = stage.inside();
        peer.send("GET /echo HTTP/1.1\r\nX: ");
        go_on(|| peer.try_send("x"));
    }),
    ("reads nothing", |stage| {
        let mut peer = stage.open();
        let message = frame(Role::Client, BINARY, &[0; 64 * 1024]);
        let begun = Instant::now();
        while peer.try_send(&message).is_ok() {}
        assert!(begun.elapsed() < PATIENCE, "it is not cut");
    }),
    ("ignores the close", |stage| {
        let mut peer = stage.open();
        peer.send(b"\x81\x00");
        go_on(|| peer.try_send(frame(Role::Client, TEXT, b"still here")));
    }),
    ("never answers a ping", |stage| {
        is_ended_inside(stage.open());
    }),
    ("never ends its message", |stage| {
        let mut peer = stage.open();
        let _ = peer.try_send(frame(Role::Client, BINARY_BEGIN, &[0; 1024 * 1024]));
        go_on(|| peer.try_send(frame(Role::Client, PONG, b"")));
    }),
];

#[test]
fn clients_leave_the_others_served() {
    let stage = &Stage::new(&ARGUMENTS);
    let (is_over, echoes) = (&AtomicBool::new(false), &AtomicU64::new(0));
    let friends: Vec<_> = (0..FRIENDS).map(|_| stage.friend()).collect();
    thread::scope(|scope| {
        for ws in &friends {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    talk(ws);
                    echoes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let foes = ALL.iter().flat_map(|foe| [foe; FOES]);
        let foes: Vec<_> = foes
            .map(|(name, play)| (name, scope.spawn(move || play(stage))))
            .collect();
        let failed = foes
            .into_iter()
            .filter_map(|(name, foe)| foe.join().err().map(|_| name));
        let failed: Vec<_> = failed.collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{failed:?}");
    });
    assert!(echoes.load(Ordering::Relaxed) > 0);
    for ws in friends {
        ws.close(CloseCode::NORMAL, "").expect("a code to send");
        let reason = ws.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::NORMAL));
    }
    talk(&stage.friend());
}

fn talk(ws: &WebSocket) {
    for length in [10_u8, 100, 255] {
        let message: Vec<u8> = (0..length).collect();
        let message = message.repeat(60);
        ws.send(&message).expect("it is open");
        let echo = ws.receive().expect("it is open").expect("it is open");
        assert!(echo.as_bytes() == message, "the echo differs");
    }
}

/// More than there are places for, most of which never say a word: the others find theirs, and new ones again as soon
/// as the crowd has left.
#[test]
fn crowds_before_tls_leave_the_others_served() {
    let stage = Stage::new(&["--quiet", "--max-connections", "20"]);
    let ws = stage.friend();
    let crowd: Vec<_> = (0..60).map(|_| stage.tcp()).collect();
    talk(&ws);
    let ended = crowd.iter().filter(|tcp| {
        let is_set = tcp.set_read_timeout(Some(Duration::from_millis(1)));
        is_set.is_ok() && matches!(tcp.peek(&mut [0]), Ok(0))
    });
    assert!(ended.count() >= 20, "there is room for all");
    talk(&ws);
    drop(crowd);
    let begun = Instant::now();
    while Client::new(&format!("wss://{}/echo", stage.address))
        .expect("it is a URL")
        .tls(ClientTls::from_pem(stage.roots.as_bytes()).expect("it is one"))
        .connect()
        .is_err()
    {
        assert!(begun.elapsed() < PATIENCE, "the places stay taken");
    }
}

/// Several begin large messages inside TLS, and together they want more than there is.
#[test]
fn hoarders_of_memory_are_ended_and_leave_the_others_served() {
    let options = ["--quiet", "--max-memory", "8M", "--message-timeout", "2"];
    let stage = Stage::new(&options);
    let ws = stage.friend();
    let mut hoarders: Vec<_> = (0..6).map(|_| stage.open()).collect();
    for peer in &mut hoarders {
        let _ = peer.try_send(frame(Role::Client, BINARY_BEGIN, &[0; 3 * 1024 * 1024]));
    }
    talk(&ws);
    let ends = hoarders.into_iter().map(|mut peer| peer.until_end());
    let refused = ends.filter(|end| {
        let code = 1013_u16.to_be_bytes();
        end.windows(2).any(|two| two == code)
    });
    assert!(refused.count() > 0, "none is told that there is no memory");
    talk(&ws);
}

/// The port of a server without TLS.
#[test]
fn hellos_of_tls_are_no_requests() {
    let stage = Stage::new(&["--quiet"]);
    let (_program, bare) = Program::serve(["--quiet"]);
    let mut raw = Raw::connect(bare);
    raw.send(stage.hello());
    assert!(raw.until_end().starts_with(b"HTTP/1.1 400 "));
}
