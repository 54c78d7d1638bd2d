//! Many clients at once inside TLS that connect, talk, misbehave and vanish, while the certificate is renewed again and
//! again. Every echo is checked, and at the end the program holds no more than at the beginning.
//!
//! A few seconds within `cargo test`; longer, with what it held:
//!
//! ```sh
//! PLAINWS_SOAK_SECONDS=60 cargo test --release --features tls --test tls -- --nocapture inside_tls_clients_of_all_kinds
//! ```
#![cfg(unix)]

mod support;

use plainws::{Client, ClientTls, CloseCode, Role, WebSocket};
use plainws_tls_tests::program::command;
use plainws_tls_tests::{Authority, Files, LOCAL, Peer, Program, frame, trusting, trusting_at};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::TLS12;
use rustls::{ClientConfig, SupportedProtocolVersion};
use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::bytes::{BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, PING, PONG, TEXT, close_body, wire};
use support::process::Held;
use support::raw::{PATIENCE, Raw};
use support::soak::{self, Dice, Tally, duration, recovered};

const CLIENTS: u64 = 16;
/// Connections that stay from the beginning to the end and send no message in between.
const IDLE: usize = 20;
/// Handshakes that a client has left half-way at a time.
const HALF_OPEN: usize = 4;

#[test]
fn inside_tls_clients_of_all_kinds_leave_the_program_as_it_was() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign(LOCAL), &authority.pem());
    // A stop that waited for a client that does nothing would not end before the test's patience does.
    let limits = "--addr 127.0.0.1:0 --quiet --head-timeout 60 --write-timeout 2 --grace 60";
    let mut command = command();
    command.arg("serve").args(limits.split(' '));
    // With one arena its memory tells what it holds, and not how many of its threads asked for memory.
    command.env("MALLOC_ARENA_MAX", "1");
    let mut program = Program::start(command.args(files.serve_args()));
    let address = program.address();
    let stage = &Stage {
        address,
        authority,
        files,
        tally: Tally::default(),
        renewals: AtomicU64::new(0),
        deadline: Instant::now() + duration(),
    };

    let mut idle: Vec<_> = (0..IDLE).map(|_| stage.connect()).collect();
    let before = Held::by(program.id());
    thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            scope.spawn(move || Player::new(stage, seed).play());
        }
        scope.spawn(|| stage.renew_the_certificate(&program));
        stage.tally.watch(program.id(), stage.deadline);
    });
    for ws in &mut idle {
        // No call was made on it since, and its pongs were sent all the same.
        ws.send("still here").expect("it is open");
        let echo = ws.receive().expect("it is open");
        assert_eq!(echo, Some("still here".into()));
    }
    let renewals = stage.renewals.load(Ordering::Relaxed);
    println!(
        "in {:?}: {}, {renewals} certificates",
        duration(),
        stage.tally
    );
    let after = recovered(program.id(), before);
    println!("before: {before:?}\nafter:  {after:?}");

    let half_open: Vec<_> = (0..HALF_OPEN)
        .map(|length| stage.begins_to_greet(length * 50))
        .collect();
    program.signal("TERM");
    for ws in &mut idle {
        assert_eq!(ws.receive().expect("it is closed"), None);
        let reason = ws.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::GOING_AWAY));
    }
    drop(idle);
    assert!(program.wait().success());
    drop(half_open);
}

/// Where all of them meet.
struct Stage {
    address: SocketAddr,
    authority: Authority,
    files: Files,
    tally: Tally,
    /// Certificates shown after the first.
    renewals: AtomicU64,
    deadline: Instant,
}

impl Stage {
    /// Opens a connection by the library.
    fn connect(&self) -> WebSocket {
        let client = Client::new("wss://localhost/echo").expect("the URL is right");
        let client = client.connect_to(&self.address.to_string());
        let tls = ClientTls::from_pem(self.authority.pem().as_bytes());
        let client = client.expect("it is one").tls(tls.expect("it trusts one"));
        client.connect().expect("the server serves")
    }

    /// Sends this much of what begins every TLS connection, and no more.
    fn begins_to_greet(&self, length: usize) -> TcpStream {
        let mut tcp = tcp(self.address);
        let hello = hello(trusting(&self.authority.pem()));
        let _ = tcp.write_all(&hello[..length.min(hello.len() - 1)]);
        tcp
    }

    /// Has another certificate shown twice a second, at most, and waits until it is.
    fn renew_the_certificate(&self, program: &Program) {
        if !support::process::is_heeded(1) {
            support::skip(
                "certificates renewed while clients talk",
                "the tests were started so that SIGHUP is ignored",
                "PLAINWS_SIGNALS",
            );
            return;
        }
        while Instant::now() < self.deadline {
            let certificate = self.authority.sign(LOCAL);
            self.files.replace(&certificate);
            program.signal("HUP");
            let certificate = CertificateDer::from_pem_slice(certificate.chain.as_bytes());
            let certificate = certificate.expect("it is PEM");
            let due = Instant::now() + PATIENCE;
            while self.shown() != certificate {
                assert!(Instant::now() < due, "it shows the old certificate");
            }
            self.renewals.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// The certificate that is shown.
    fn shown(&self) -> CertificateDer<'static> {
        let peer = Peer::connect(self.address, trusting(&self.authority.pem()));
        let chain = peer.tls.peer_certificates().expect("it shows one");
        chain[0].clone()
    }
}

/// A client that does this and that, one after another.
struct Player<'a> {
    stage: &'a Stage,
    config: Arc<ClientConfig>,
    /// The same without version 1.3 of TLS.
    config_1_2: Arc<ClientConfig>,
    /// Handshakes that it has left half-way, the oldest first.
    half_open: VecDeque<TcpStream>,
    dice: Dice,
}

impl<'a> Player<'a> {
    fn new(stage: &'a Stage, seed: u64) -> Self {
        let roots = stage.authority.pem();
        let versions: &[&SupportedProtocolVersion] = &[&TLS12];
        Self {
            stage,
            config: trusting(&roots),
            config_1_2: trusting_at(&roots, versions),
            half_open: VecDeque::new(),
            dice: Dice(seed),
        }
    }

    fn play(mut self) {
        while Instant::now() < self.stage.deadline {
            let connections = &self.stage.tally.connections;
            connections.fetch_add(1, Ordering::Relaxed);
            match self.dice.below(18) {
                0 | 1 => self.talks_through_the_library(),
                2 | 3 => self.sends_many_at_once(),
                4 => self.sends_fragments_and_pings(),
                5 => self.sends_from_two_threads(),
                6 => self.watches_the_clock(),
                7 => self.reads_pages(),
                8 => self.breaks_a_rule(),
                9 => self.vanishes_in_a_record(),
                10 => self.does_not_read(),
                11 => self.reads_slowly(),
                12 => self.renews_its_keys(),
                13 => self.never_ends_its_hello(),
                14 => self.drips_its_hello(),
                15 => self.speaks_something_else(),
                16 => self.trusts_somebody_else(),
                _ => self.leaves_early(),
            }
        }
    }

    fn length_below(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.below(end as u64)).expect("it is below a length")
    }

    fn open(&mut self) -> Peer {
        let config = match self.dice.below(3) {
            0 => &self.config_1_2,
            _ => &self.config,
        };
        Peer::open(self.stage.address, Arc::clone(config), "/echo")
    }

    fn expect_echo(&self, peer: &mut Peer, message: &[u8]) {
        peer.expect_frame(BINARY, message);
        self.stage.tally.echoed(message.len());
    }

    fn says_goodbye(&self, mut peer: Peer) {
        peer.send_frame(CLOSE, close_body(1000, b""));
        peer.expect_close(1000);
        peer.expect_close_notify();
        peer.expect_fin();
    }

    // Those that behave.

    fn talks_through_the_library(&mut self) {
        let ws = self.stage.connect();
        soak::talk(ws, &mut self.dice, &self.stage.tally);
    }

    fn sends_many_at_once(&mut self) {
        let mut peer = self.open();
        for _ in 0..10 {
            // More than the buffers between us would have both sides wait for each other.
            let messages: Vec<_> = (0..self.dice.below(8))
                .map(|_| self.dice.payload())
                .collect();
            let frames: Vec<_> = messages
                .iter()
                .map(|message| frame(Role::Client, BINARY, message))
                .collect();
            let records = match self.dice.below(2) {
                0 => peer.seal(frames.concat()),
                _ => peer.seal_each(&frames.iter().map(|frame| &frame[..]).collect::<Vec<_>>()),
            };
            let (first, second) = records.split_at(self.length_below(records.len() + 1));
            peer.send_records(first);
            peer.send_records(second);
            for message in &messages {
                self.expect_echo(&mut peer, message);
            }
        }
        self.says_goodbye(peer);
    }

    fn sends_fragments_and_pings(&mut self) {
        let mut peer = self.open();
        let parts: Vec<_> = (0..4).map(|_| self.dice.payload()).collect();
        peer.send_frame(BINARY_BEGIN, &parts[0]);
        peer.send_frame(PING, "in between");
        peer.send_frame(MORE, &parts[1]);
        peer.send_frame(MORE, &parts[2]);
        peer.expect_frame(PONG, "in between");
        peer.send_frame(LAST, &parts[3]);
        self.expect_echo(&mut peer, &parts.concat());
        self.says_goodbye(peer);
    }

    fn sends_from_two_threads(&mut self) {
        let ws = self.stage.connect();
        soak::talk_from_two_threads(&ws, &self.stage.tally);
    }

    fn watches_the_clock(&mut self) {
        let mut peer = Peer::open(self.stage.address, Arc::clone(&self.config), "/clock");
        let (byte0, text) = peer.frame();
        assert!(byte0 == TEXT && text.starts_with(b"{\"time\": "));
    }

    fn reads_pages(&mut self) {
        let mut peer = Peer::connect(self.stage.address, Arc::clone(&self.config));
        for (path, status) in [("/", 200), ("/healthz", 200), ("/nowhere", 404)] {
            peer.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            let head = peer.head();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let length = length.and_then(|length| length.parse().ok());
            peer.bytes(length.expect("a page has a length"));
        }
    }

    /// The keys change between frames and within them.
    fn renews_its_keys(&mut self) {
        let mut peer = Peer::open(self.stage.address, Arc::clone(&self.config), "/echo");
        for _ in 0..4 {
            let message = self.dice.payload();
            let frame = frame(Role::Client, BINARY, &message);
            let (first, second) = frame.split_at(self.length_below(frame.len()));
            peer.send(first);
            peer.renew_keys();
            peer.send(second);
            self.expect_echo(&mut peer, &message);
        }
        self.says_goodbye(peer);
    }

    /// It gets all of it, however late.
    fn reads_slowly(&mut self) {
        let mut peer = self.open();
        // More than the system keeps: the server has to wait in the midst of a record.
        let message = vec![7; 5_000_000];
        peer.send_frame(BINARY, &message);
        thread::sleep(Duration::from_millis(self.dice.below(500)));
        self.expect_echo(&mut peer, &message);
        self.says_goodbye(peer);
    }

    // Those that do not.

    fn breaks_a_rule(&mut self) {
        let mut peer = self.open();
        let (bytes, code) = match self.dice.below(4) {
            0 => (b"\x81\x00".to_vec(), 1002),
            1 => (frame(Role::Client, TEXT, b"\xFF"), 1007),
            2 => (
                b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0".to_vec(),
                1009,
            ),
            _ => (frame(Role::Client, CLOSE, b"\x03"), 1002),
        };
        peer.send(bytes);
        peer.expect_close(code);
        peer.expect_close_notify();
        peer.expect_fin();
    }

    /// With an echo unread, that is a reset.
    fn vanishes_in_a_record(&mut self) {
        let mut peer = self.open();
        let payload = self.dice.payload();
        let frames = wire(Role::Client, &[(BINARY, &payload), (PING, b"?")]);
        let records = peer.seal(frames);
        let length = self.length_below(records.len());
        let _ = peer.tcp.write_all(&records[..length]);
        if self.dice.below(2) == 0 {
            let _ = peer.tcp.shutdown(Shutdown::Write);
        }
    }

    fn does_not_read(&mut self) {
        let mut peer = self.open();
        let message = frame(Role::Client, BINARY, [7; 100_000]);
        for _ in 0..self.dice.below(20) {
            let _ = peer.try_send(&message);
        }
    }

    fn never_ends_its_hello(&mut self) {
        let length = self.length_below(200);
        self.half_open.push_back(self.stage.begins_to_greet(length));
        if self.half_open.len() > HALF_OPEN {
            self.half_open.pop_front();
        }
    }

    fn drips_its_hello(&mut self) {
        let mut tcp = tcp(self.stage.address);
        let hello = hello(Arc::clone(&self.config));
        let length = self.length_below(hello.len());
        for byte in &hello[..length] {
            let _ = tcp.write_all(&[*byte]);
            thread::yield_now();
        }
    }

    /// HTTP in the clear is told so; anything else is not TLS, at once or in the midst of it.
    fn speaks_something_else(&mut self) {
        let garbage = self.dice.payload();
        match self.dice.below(3) {
            0 => {
                let mut raw = Raw::connect(self.stage.address);
                raw.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
                assert_eq!(raw.response().status, 400);
                raw.expect_fin();
            }
            1 => {
                let mut tcp = tcp(self.stage.address);
                let _ = tcp.write_all(&[&[0x16][..], &garbage].concat());
                let _ = tcp.shutdown(Shutdown::Write);
                // An alert, or a reset for what it has not read.
                let _ = tcp.read_to_end(&mut Vec::new());
            }
            _ => {
                let mut peer = self.open();
                peer.send_records([b"no record", &garbage[..]].concat());
                let end = loop {
                    match peer.read_some(PATIENCE) {
                        Ok(_) if !peer.has_left() => {}
                        end => break end,
                    }
                };
                let is_told =
                    end.as_ref().map_err(io::Error::kind) == Err(io::ErrorKind::InvalidData);
                assert!(is_told, "an alert, not {end:?}");
            }
        }
    }

    fn trusts_somebody_else(&mut self) {
        let config = trusting(&Authority::new().pem());
        let refused = Peer::connect_as(self.stage.address, config, "localhost");
        assert!(refused.is_err(), "a stranger is trusted");
    }

    fn leaves_early(&mut self) {
        match self.dice.below(3) {
            0 => drop(tcp(self.stage.address)),
            1 => drop(Peer::connect(self.stage.address, Arc::clone(&self.config))),
            _ => {
                let mut peer = Peer::connect(self.stage.address, Arc::clone(&self.config));
                peer.send("GET /echo HTTP/1.1\r\nHost: exam");
                peer.send_close_notify();
            }
        }
    }
}

fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&tcp, Some(PATIENCE)).expect("the socket is there");
    }
    tcp
}

/// The first record of a client.
fn hello(config: Arc<ClientConfig>) -> Vec<u8> {
    let name = "localhost".try_into().expect("it is a name");
    let mut tls = rustls::ClientConnection::new(config, name).expect("the settings are right");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a vector takes all");
    hello
}
