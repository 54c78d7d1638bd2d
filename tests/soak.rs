//! Many clients at once that connect, talk, misbehave and vanish. Every echo is checked, and at the end
//! the program holds no more than at the beginning.
//!
//! A few seconds within `cargo test`; longer, with what it held:
//!
//! ```sh
//! PLAINWS_SOAK_SECONDS=60 cargo test --release --test soak -- --nocapture
//! ```
#![cfg(unix)]

mod soak_hostile;
mod support;

use plainws::CloseCode;
use socket2::SockRef;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use support::bytes::{
    BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, PING, PONG, TEXT, close_body, frame, wire,
};
use support::program::{Held, Program};
use support::raw::{PATIENCE, Raw, upgrade_request};
use support::soak::{self, Dice, Tally, duration, recovered};

const CLIENTS: u64 = 24;
/// Connections that stay from the beginning to the end and send no message in between.
const IDLE: usize = 50;

#[test]
fn clients_of_all_kinds_leave_the_program_as_it_was() {
    let arguments = ["--quiet", "--head-timeout", "2", "--write-timeout", "2"];
    let mut program = Program::serve(&arguments);
    let address = program.address;
    let process = program.process.id();

    let url = format!("ws://{address}/echo");
    let mut idle: Vec<_> = (0..IDLE).map(|_| plainws::connect(&url).unwrap()).collect();
    let before = Held::by(process);
    let tally = Tally::default();
    let deadline = Instant::now() + duration();
    thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            let client = Client {
                address,
                tally: &tally,
                dice: Dice(seed),
            };
            scope.spawn(move || client.run(deadline));
        }
        tally.watch(process, deadline);
    });
    for ws in &mut idle {
        // No call was made on it since, and its pongs were sent all the same.
        ws.send("still here").unwrap();
        assert_eq!(ws.receive().unwrap(), Some("still here".into()));
    }
    println!("in {:?}: {tally}", duration());
    let after = recovered(process, before);
    println!("before: {before:?}\nafter:  {after:?}");

    let killed = Command::new("kill")
        .args(["-TERM", &process.to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    for ws in &mut idle {
        assert_eq!(ws.receive().unwrap(), None);
        let reason = ws.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::GOING_AWAY));
    }
    drop(idle);
    assert!(program.process.wait().success());
}

/// One that does this and that, one after another.
struct Client<'a> {
    address: SocketAddr,
    tally: &'a Tally,
    dice: Dice,
}

impl Client<'_> {
    fn run(mut self, deadline: Instant) {
        while Instant::now() < deadline {
            self.tally.connections.fetch_add(1, Ordering::Relaxed);
            match self.dice.below(12) {
                0 | 1 => self.talks_through_the_library(),
                2 | 3 => self.sends_many_at_once(),
                4 => self.sends_fragments_and_pings(),
                5 => self.sends_from_two_threads(),
                6 => self.watches_the_clock(),
                7 => self.reads_pages(),
                8 => self.breaks_a_rule(),
                9 => self.vanishes_somewhere(),
                10 => self.does_not_read(),
                _ => self.never_ends_its_head(),
            }
        }
    }

    fn open(&self) -> Raw {
        Raw::open(self.address, "/echo")
    }

    fn says_goodbye(&self, mut raw: Raw) {
        raw.send_frame(CLOSE, close_body(1000, b""));
        raw.expect_close(1000);
        raw.expect_fin();
    }

    fn talks_through_the_library(&mut self) {
        let url = format!("ws://{}/echo", self.address);
        let ws = plainws::connect(&url).expect("the server serves");
        soak::talk(ws, &mut self.dice, self.tally);
    }

    fn sends_many_at_once(&mut self) {
        let mut raw = self.open();
        for _ in 0..10 {
            let messages: Vec<_> = (0..self.dice.below(60))
                .map(|_| self.dice.payload())
                .collect();
            let frames: Vec<_> = messages
                .iter()
                .map(|message| (BINARY, &message[..]))
                .collect();
            // More than the buffers between us would have both sides wait for each other.
            for chunk in frames.chunks(8) {
                raw.send(wire(plainws::Role::Client, chunk));
                for (_, message) in chunk {
                    raw.expect_frame(BINARY, message);
                    self.tally.echoed(message.len());
                }
            }
        }
        self.says_goodbye(raw);
    }

    fn sends_fragments_and_pings(&mut self) {
        let mut raw = self.open();
        let parts: Vec<_> = (0..4).map(|_| self.dice.payload()).collect();
        raw.send_frame(BINARY_BEGIN, &parts[0]);
        raw.send_frame(PING, "in between");
        raw.send_frame(MORE, &parts[1]);
        raw.send_frame(MORE, &parts[2]);
        raw.expect_frame(PONG, "in between");
        raw.send_frame(LAST, &parts[3]);
        let whole = parts.concat();
        raw.expect_frame(BINARY, &whole);
        self.tally.echoed(whole.len());
        self.says_goodbye(raw);
    }

    fn sends_from_two_threads(&mut self) {
        let url = format!("ws://{}/echo", self.address);
        let ws = plainws::connect(&url).expect("the server serves");
        soak::talk_from_two_threads(&ws, self.tally);
    }

    fn watches_the_clock(&mut self) {
        let mut raw = Raw::open(self.address, "/clock");
        let (byte0, text) = raw.frame();
        assert!(byte0 == TEXT && text.starts_with(b"{\"time\": "));
    }

    fn reads_pages(&mut self) {
        let mut raw = Raw::connect(self.address);
        for (path, status) in [
            ("/", 200),
            ("/healthz", 200),
            ("/nowhere", 404),
            ("/metrics", 200),
        ] {
            raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assert_eq!(raw.response().status, status, "{path}");
        }
    }

    fn breaks_a_rule(&mut self) {
        let mut raw = self.open();
        let (bytes, code) = match self.dice.below(4) {
            0 => (b"\x81\x00".to_vec(), 1002),
            1 => (frame(plainws::Role::Client, TEXT, b"\xFF"), 1007),
            2 => (
                b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0".to_vec(),
                1009,
            ),
            _ => (frame(plainws::Role::Client, CLOSE, b"\x03"), 1002),
        };
        raw.send(bytes);
        raw.expect_close(code);
        raw.expect_fin();
    }

    fn vanishes_somewhere(&mut self) {
        let frames = wire(
            plainws::Role::Client,
            &[(BINARY, &self.dice.payload()), (PING, b"?")],
        );
        let all = [upgrade_request("/echo").as_bytes(), &frames].concat();
        let length = usize::try_from(self.dice.below(all.len() as u64)).expect("a length");
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).expect("it accepts");
        if self.dice.below(2) == 0 {
            let lingers = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            lingers.expect("the socket is there");
        }
        let mut raw = Raw::from(stream);
        let _ = raw.try_send(&all[..length]);
    }

    fn does_not_read(&mut self) {
        let mut raw = self.open();
        let message = frame(plainws::Role::Client, BINARY, &[7; 100_000]);
        for _ in 0..self.dice.below(20) {
            let _ = raw.try_send(&message);
        }
    }

    fn never_ends_its_head(&mut self) {
        let mut raw = Raw::connect(self.address);
        raw.send("GET /echo HTTP/1.1\r\nHost: exam");
        thread::sleep(Duration::from_millis(self.dice.below(100)));
    }
}
