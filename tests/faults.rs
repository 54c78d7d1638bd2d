//! What peers, networks and systems do to a server. Each test attacks a program of its own; then it must
//! still serve, with no more threads and descriptors than before.
#![cfg(unix)]

use crate::support::bytes::{
    BINARY, BINARY_BEGIN, CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGIN, close_body, frame, wire,
};
use crate::support::program::{Held, Program};
use crate::support::raw::{PATIENCE, Raw, head_end, upgrade_request};
use socket2::SockRef;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const MIB: usize = 1024 * 1024;

fn client(frames: &[(u8, &[u8])]) -> Vec<u8> {
    wire(plainws::Role::Client, frames)
}

/// A program under attack, and what it held before.
struct Victim {
    program: Program,
    before: Option<Held>,
}

impl Victim {
    fn serve(arguments: &[&str]) -> Self {
        let more = arguments.iter().filter(|&&argument| argument == "--addr");
        let program = Program::serve(&[&["--quiet"], arguments].concat());
        Self::at_rest(program, more.count())
    }

    fn held(&self) -> Option<Held> {
        Held::by(self.program.process.id())
    }

    fn connect(&self) -> Raw {
        self.program.connect()
    }

    fn open(&self) -> Raw {
        self.program.open("/echo")
    }

    #[track_caller]
    fn still_serves(&self) {
        let mut raw = self.open();
        raw.send_frame(TEXT, "still there?");
        // It may want to know whether we are.
        while raw.frame() != (TEXT, b"still there?".into()) {}
        raw.send_frame(CLOSE, close_body(1000, b""));
        while raw.frame() != (CLOSE, close_body(1000, b"")) {}
        raw.expect_fin();
    }

    /// It serves, and gives back what the attack took. The caretaker's thread may stay a moment.
    #[track_caller]
    fn has_recovered(&self) {
        self.still_serves();
        let Some(before) = self.before else { return };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(held) = self.held() else {
                panic!("the program has ended")
            };
            let has_recovered = held.threads <= before.threads
                && held.descriptors <= before.descriptors
                // What the allocator keeps for later is no leak.
                && held.kibibytes <= before.kibibytes + 32 * 1024;
            if has_recovered {
                return;
            }
            assert!(Instant::now() < deadline, "{held:?}, before: {before:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How much more memory it had at its peak than before, in KiB; 0 where the system does not tell.
    fn grown(&self) -> usize {
        match (self.before, self.held()) {
            (Some(before), Some(held)) => held.peak_kibibytes - before.kibibytes,
            _ => 0,
        }
    }
}

impl From<Program> for Victim {
    fn from(program: Program) -> Self {
        Self::at_rest(program, 0)
    }
}

impl Victim {
    /// One that has served, and has so many addresses beside its first.
    fn at_rest(program: Program, more_addresses: usize) -> Self {
        // The one that accepts, the signals', the end's and that of the lines.
        const THREADS: usize = 4;

        let mut victim = Self {
            program,
            before: None,
        };
        victim.still_serves();
        // Waits until what that took is given back.
        let settled = |held: &Held| held.threads <= THREADS + more_addresses;
        let deadline = Instant::now() + PATIENCE;
        while victim.held().is_some_and(|held| !settled(&held)) {
            assert!(Instant::now() < deadline, "{:?}", victim.held());
            thread::sleep(Duration::from_millis(10));
        }
        victim.before = victim.held();
        victim
    }
}

mod slowness {
    use super::*;

    #[test]
    fn heads_and_frames_may_come_byte_by_byte() {
        let victim = Victim::serve(&[]);
        let mut raw = victim.connect();
        for byte in upgrade_request("/echo").bytes() {
            raw.send([byte]);
        }
        raw.expect_101();
        let long = "ä".repeat(100);
        let frames = [
            (TEXT, &b"short"[..]),
            (TEXT_BEGIN, long.as_bytes()),
            (PING, b"between"),
            (LAST, b"end"),
            (CLOSE, b"\x03\xE8"),
        ];
        for byte in client(&frames[..1]) {
            raw.send([byte]);
        }
        raw.expect_frame(TEXT, "short");
        for byte in client(&frames[1..]) {
            raw.send([byte]);
        }
        raw.expect_frame(PONG, "between");
        raw.expect_frame(TEXT, long + "end");
        raw.expect_close(1000);
        raw.expect_fin();
        drop(raw);
        victim.has_recovered();
    }

    #[test]
    fn a_head_that_never_ends_is_answered_with_408_however_it_drips() {
        let victim = Victim::serve(&["--head-timeout", "0.5"]);
        let mut raw = victim.connect();
        raw.send("GET /echo HTTP/1.1\r\nX: ");
        // One byte now and then does not move the deadline.
        let deadline = Instant::now() + PATIENCE;
        while raw.try_send("x").is_ok() {
            assert!(Instant::now() < deadline, "it drips without end");
            thread::sleep(Duration::from_millis(20));
        }
        let mut raw = victim.connect();
        raw.send("GET /echo HTTP/1.1\r\n");
        assert_eq!(raw.response().status, 408);
        raw.expect_fin();
        let mut silent = victim.connect();
        silent.expect_fin();
        drop((raw, silent));
        victim.has_recovered();
    }

    /// Nothing is lost where a wait times out: the clock waits for each tick with a time-out, and the
    /// echo for each sign of life.
    #[test]
    fn time_outs_anywhere_in_a_frame_lose_nothing() {
        let victim = Victim::serve(&["--ping-after", "0.02"]);
        // 8 bytes of header, 200 of payload.
        let bytes = client(&[(TEXT, "ä".repeat(100).as_bytes())]);
        let cuts = [1, 2, 3, 4, 5, 7, 8, 9, 107, 207];
        let peers: Vec<_> = cuts
            .into_iter()
            .map(|cut| {
                let (mut raw, bytes) = (victim.open(), bytes.clone());
                thread::spawn(move || {
                    raw.send(&bytes[..cut]);
                    // It asks whether we are there, in the middle of the frame.
                    assert_eq!(raw.frame().0, PING);
                    raw.send(&bytes[cut..]);
                    loop {
                        match raw.frame() {
                            (PING, payload) => raw.send_frame(PONG, payload),
                            (TEXT, text) => break assert_eq!(text, "ä".repeat(100).as_bytes()),
                            (byte0, _) => panic!("{byte0:08b}"),
                        }
                    }
                })
            })
            .collect();
        peers.into_iter().for_each(|peer| peer.join().unwrap());
        victim.has_recovered();
    }

    #[test]
    fn a_peer_that_stops_reading_costs_little_memory_and_ends_with_the_write_deadline() {
        let victim = Victim::serve(&["--write-timeout", "1", "--transit-timeout", "1"]);
        let mut raw = victim.open();
        let message = frame(plainws::Role::Client, BINARY, &[7; 64 * 1024]);
        // 64 MiB and what the sockets' buffers may hold.
        let sent = (0..2200).take_while(|_| raw.try_send(&message).is_ok());
        // It never takes the whole: the server stops reading, waits, and ends the connection.
        assert!(
            sent.count() < 2200,
            "all was taken from a peer that reads nothing"
        );
        assert!(victim.grown() < 16 * 1024, "{} KiB", victim.grown());
        raw.until_end();
        drop(raw);
        victim.has_recovered();
    }
}

/// A connection that ends with a reset when it is dropped.
fn connect_to_reset(address: SocketAddr) -> Raw {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
    let lingers = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    lingers.expect("the socket is there");
    Raw::from(stream)
}

/// What a peer may have sent when it leaves.
fn states() -> Vec<(&'static str, Vec<u8>)> {
    let request = upgrade_request("/echo").into_bytes();
    let open = |frames: &[u8]| [&request, frames].concat();
    let text = client(&[(TEXT, b"a message")]);
    vec![
        ("connected", Vec::new()),
        ("in the request line", b"GET /ec".to_vec()),
        ("in the head", request[..request.len() - 3].to_vec()),
        (
            "with a page",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        ),
        ("open", open(b"")),
        ("in a header", open(&text[..1])),
        ("in a key", open(&text[..4])),
        ("in a payload", open(&text[..10])),
        ("after a message", open(&text)),
        ("in a message", open(&client(&[(TEXT_BEGIN, b"part")]))),
        ("after a ping", open(&client(&[(PING, b"?")]))),
        ("after a broken rule", open(b"\x81\x00")),
        ("in a Close", open(&client(&[(CLOSE, b"\x03\xE8")])[..5])),
        ("after a Close", open(&client(&[(CLOSE, b"\x03\xE8")]))),
    ]
}

mod leaving {
    use super::*;

    #[test]
    fn with_a_fin_or_a_reset_in_every_state_leaves_nothing_behind() {
        let victim = Victim::serve(&[]);
        for (_, bytes) in states() {
            for connect in [Raw::connect, connect_to_reset] {
                // At once, and when the server has had time to answer.
                for time in [0, 20] {
                    let mut raw = connect(victim.program.address);
                    raw.send(&bytes);
                    thread::sleep(Duration::from_millis(time));
                    drop(raw);
                }
            }
            victim.still_serves();
        }
        victim.has_recovered();
    }

    #[test]
    fn with_half_a_close_in_every_state_gets_what_is_due_and_the_end() {
        let victim = Victim::serve(&[]);
        for (state, bytes) in states() {
            let mut raw = victim.connect();
            raw.send(&bytes);
            raw.send_fin();
            let answer = raw.until_end();
            let text = String::from_utf8_lossy(&answer);
            let is_open = head_end(&bytes).is_some();
            let expected = if is_open { "HTTP/1.1 " } else { "" };
            assert!(text.starts_with(expected), "{state}: {text}");
            match state {
                "after a message" => assert!(answer.ends_with(b"\x81\x09a message"), "{text}"),
                "after a ping" => assert!(answer.ends_with(b"\x8A\x01?"), "{text}"),
                "after a Close" => assert!(answer.ends_with(b"\x88\x02\x03\xE8"), "{text}"),
                _ => {}
            }
        }
        victim.has_recovered();
    }

    /// The n-th read fails, for every n: the peer ends after n bytes of a whole conversation.
    #[test]
    fn after_any_number_of_bytes_leaves_nothing_behind() {
        let victim = Victim::serve(&[]);
        let frames = client(&[
            (TEXT, b"one"),
            (BINARY_BEGIN, &[1; 130]),
            (PING, b"?"),
            (LAST, b""),
            (CLOSE, b"\x03\xE8bye"),
        ]);
        let conversation = [upgrade_request("/echo").as_bytes(), &frames].concat();
        let address = victim.program.address;
        let conversation = &conversation;
        thread::scope(|scope| {
            for first in 0..4 {
                scope.spawn(move || {
                    for length in (first..=conversation.len()).step_by(4) {
                        for connect in [Raw::connect, connect_to_reset] {
                            for cut in [0, length / 2] {
                                // In two segments, so that the end comes in a read of its own.
                                let (head, tail) = conversation[..length].split_at(cut);
                                let mut raw = connect(address);
                                let _ = raw.try_send(head);
                                let _ = raw.try_send(tail);
                            }
                        }
                    }
                });
            }
        });
        victim.has_recovered();
    }

    /// The n-th write fails, for every n: the peer reads n answers of many, then resets.
    #[test]
    fn after_any_number_of_answers_leaves_nothing_behind() {
        let victim = Victim::serve(&[]);
        let messages = client(&[(BINARY, &[3; 20_000][..]); 10]);
        for answers in 0..10 {
            for connect in [Raw::connect, connect_to_reset] {
                let mut raw = connect(victim.program.address);
                raw.send([upgrade_request("/echo").as_bytes(), &messages].concat());
                raw.expect_101();
                for _ in 0..answers {
                    raw.expect_frame(BINARY, [3; 20_000]);
                }
            }
        }
        // And in the middle of each of its first answers, byte by byte.
        for length in 0..40 {
            let mut raw = connect_to_reset(victim.program.address);
            raw.send([upgrade_request("/echo").as_bytes(), &messages].concat());
            raw.bytes(100 + length);
            drop(raw);
        }
        victim.has_recovered();
    }

    #[test]
    fn of_500_at_once_leaves_nothing_behind() {
        let victim = Victim::serve(&[]);
        let address = victim.program.address;
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(move || {
                    let connect =
                        || TcpStream::connect_timeout(&address, PATIENCE).expect("it accepts");
                    let streams: Vec<_> = (0..100).map(|_| connect()).collect();
                    drop(streams);
                });
            }
        });
        victim.has_recovered();
    }

    #[test]
    fn of_300_open_connections_at_once_leaves_nothing_behind() {
        let victim = Victim::serve(&[]);
        let mut raws: Vec<_> = (0..300).map(|_| victim.open()).collect();
        for (raw, number) in raws.iter_mut().zip(0_u32..) {
            raw.send_frame(BINARY, number.to_be_bytes());
        }
        drop(raws);
        victim.has_recovered();
    }

    #[test]
    fn by_both_sides_at_once_ends_for_both() {
        let victim = Victim::serve(&[]);
        for _ in 0..50 {
            // The broken rule makes the server close, while our Close is on its way already.
            let mut raw = victim.open();
            raw.send([&b"\x81\x00"[..], &client(&[(CLOSE, b"\x03\xE8")])].concat());
            raw.expect_close(1002);
            raw.expect_fin();
        }
        // Both close while both are stuck with data for each other.
        let raws: Vec<_> = (0..20).map(|_| victim.open()).collect();
        for mut raw in raws {
            raw.send(client(&[(BINARY, &[1; 100_000]), (CLOSE, b"\x03\xE8")]));
            raw.expect_frame(BINARY, [1; 100_000]);
            raw.expect_close(1000);
            raw.expect_fin();
        }
        victim.has_recovered();
    }
}

mod floods {
    use super::*;

    /// Sends without reading, until it is over, or `rounds` times.
    fn flood(victim: &Victim, bytes: &[u8], rounds: usize) -> Raw {
        let mut raw = victim.open();
        for _ in 0..rounds {
            if raw.try_send(bytes).is_err() {
                break;
            }
        }
        raw
    }

    #[test]
    fn of_pings_cost_no_memory_and_the_last_one_is_answered() {
        let victim = Victim::serve(&["--write-timeout", "2"]);
        let pings = client(&[(PING, &[b'p'; 125][..]); 500]);
        // Nothing is read meanwhile: 32 MiB.
        drop(flood(&victim, &pings, 500));
        assert!(victim.grown() < 8 * 1024, "{} KiB", victim.grown());

        let mut raw = victim.open();
        raw.send(&pings);
        raw.send_frame(PING, "last");
        while raw.frame() != (PONG, b"last".into()) {}
        drop(raw);
        victim.has_recovered();
    }

    #[test]
    fn of_empty_fragments_end_with_1009() {
        let victim = Victim::serve(&[]);
        let mut raw = victim.open();
        let mut frames = vec![(TEXT_BEGIN, &b""[..])];
        frames.extend([(MORE, &b""[..]); 1000]);
        raw.send(client(&frames));
        raw.expect_close(1009);
        raw.expect_fin();
        drop(raw);
        victim.has_recovered();
    }

    #[test]
    fn of_tiny_fragments_end_with_1009_and_cost_little_memory() {
        let victim = Victim::serve(&[]);
        let fragments = client(&[(MORE, &b"x"[..]); 5000]);
        let mut raw = victim.open();
        raw.send_frame(TEXT_BEGIN, "x");
        for _ in 0..30 {
            if raw.try_send(&fragments).is_err() {
                break;
            }
        }
        raw.expect_close(1009);
        raw.expect_fin();
        assert!(victim.grown() < 8 * 1024, "{} KiB", victim.grown());
        drop(raw);
        victim.has_recovered();
    }

    #[test]
    fn of_tiny_messages_are_all_answered() {
        let victim = Victim::serve(&[]);
        let messages = client(&[(TEXT, &b"."[..]); 1000]);
        let mut raw = victim.open();
        for _ in 0..20 {
            raw.send(&messages);
            assert!(raw.bytes(3000) == b"\x81\x01.".repeat(1000));
        }
        drop(raw);
        victim.has_recovered();
    }

    #[test]
    fn of_declared_bytes_reserve_no_memory() {
        let victim = Victim::serve(&[]);
        let declared = |byte0: u8, length: u64| {
            [
                &[byte0, 0xFF],
                &length.to_be_bytes()[..],
                b"\x01\x02\x03\x04",
            ]
            .concat()
        };
        // Refused by its length alone.
        for length in [i64::MAX as u64, 1 << 40, 16 * MIB as u64 + 1] {
            let mut raw = victim.open();
            raw.send(declared(BINARY, length));
            raw.expect_close(1009);
            raw.expect_fin();
        }
        let mut raw = victim.open();
        raw.send(declared(BINARY, u64::MAX));
        raw.expect_close(1002);
        // Allowed, and never sent.
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let mut raw = victim.open();
                raw.send(declared(BINARY, 16 * MIB as u64));
                raw
            })
            .collect();
        victim.still_serves();
        assert!(victim.grown() < 16 * 1024, "{} KiB", victim.grown());
        drop((raw, waiting));
        victim.has_recovered();
    }
}

mod scarcity {
    use super::*;

    /// The program with a limit on its descriptors that it did not know of when it began; `None` where a
    /// process cannot be given one later.
    fn with_descriptors(limit: usize, arguments: &[&str]) -> Option<Victim> {
        let victim = Victim::serve(arguments);
        let id = victim.program.process.id().to_string();
        let limited = Command::new("prlimit")
            .args(["--pid", &id, &format!("--nofile={limit}:")])
            .status();
        match limited {
            Ok(status) => {
                assert!(status.success(), "prlimit: {status}");
                Some(victim)
            }
            Err(error) => {
                eprintln!("SKIPPED: prlimit is needed to take descriptors away: {error}");
                None
            }
        }
    }

    #[test]
    fn of_descriptors_is_waited_out_without_spinning() {
        let Some(victim) = with_descriptors(40, &[]) else {
            return;
        };
        let mut held: Vec<_> = (0..25).map(|_| victim.open()).collect();
        // More than there are descriptors for: these are neither answered nor refused.
        let more: Vec<_> = (0..40).map(|_| victim.connect()).collect();
        let ticks = || victim.held().map_or(0, |held| held.ticks);
        thread::sleep(Duration::from_millis(200));
        let before = ticks();
        thread::sleep(Duration::from_secs(2));
        let used = ticks() - before;
        assert!(used < 100, "{used} hundredths of 2 s: accept spins");
        // Those that it has are served all the while.
        for raw in &mut held {
            raw.send_frame(TEXT, "me");
            raw.expect_frame(TEXT, "me");
        }
        drop((held, more));
        victim.has_recovered();
    }

    /// `accept` holds the last descriptor while it waits, and none is left for the connection that would
    /// wake it.
    #[test]
    fn of_descriptors_does_not_keep_the_server_from_stopping() {
        const LIMIT: usize = 24;
        for spare in 0..3 {
            let Some(mut victim) = with_descriptors(LIMIT, &["--close-timeout", "1"]) else {
                return;
            };
            let Some(before) = victim.before else { return };
            let free = LIMIT - before.descriptors - spare;
            let held: Vec<_> = (0..free).map(|_| victim.open()).collect();
            thread::sleep(Duration::from_millis(100));
            let id = victim.program.process.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &id]).status();
            assert!(killed.is_ok_and(|status| status.success()));
            for mut raw in held {
                raw.expect_close(1001);
            }
            assert!(victim.program.process.wait().success());
        }
    }

    /// Nor where several threads wait so.
    #[test]
    fn of_descriptors_does_not_keep_several_listeners_from_stopping() {
        const LIMIT: usize = 32;
        let more = ["--addr", "127.0.0.1:0", "--addr", "127.0.0.1:0"];
        for spare in 0..4 {
            let arguments = [&more[..], &["--close-timeout", "1"]].concat();
            let Some(mut victim) = with_descriptors(LIMIT, &arguments) else {
                return;
            };
            let Some(before) = victim.before else { return };
            let free = LIMIT - before.descriptors - spare;
            // Each listener has set one aside.
            let held: Vec<_> = (0..free - 2).map(|_| victim.open()).collect();
            thread::sleep(Duration::from_millis(100));
            victim.program.process.signal("TERM");
            for mut raw in held {
                raw.expect_close(1001);
            }
            assert!(victim.program.process.wait().success());
        }
    }

    #[test]
    fn of_places_is_answered_with_503_and_ends_when_one_is_free() {
        let victim = Victim::serve(&["--max-connections", "10"]);
        let held: Vec<_> = (0..10).map(|_| victim.open()).collect();
        for _ in 0..50 {
            let mut raw = victim.connect();
            raw.send(upgrade_request("/echo"));
            let response = raw.response();
            assert_eq!(response.status, 503);
            assert!(response.header("Retry-After").is_some());
            raw.expect_fin();
        }
        drop(held);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut raw = victim.connect();
            raw.send(upgrade_request("/echo"));
            if raw.head().starts_with("HTTP/1.1 101 ") {
                break;
            }
            assert!(Instant::now() < deadline, "no place is given back");
            thread::sleep(Duration::from_millis(20));
        }
        victim.has_recovered();
    }

    #[test]
    fn of_attention_half_open_peers_are_found() {
        let victim = Victim::serve(&["--ping-after", "0.2", "--pong-timeout", "0.3"]);
        let silent: Vec<_> = (0..20).map(|_| victim.open()).collect();
        let mut clock = victim.program.open("/clock");
        assert_eq!(clock.frame().0, TEXT);
        for mut raw in silent {
            let (byte0, _) = raw.frame();
            assert_eq!(byte0, PING);
            raw.until_end();
        }
        clock.until_end();
        victim.has_recovered();
    }
}

#[test]
fn half_a_close_while_a_clock_ticks_ends_it() {
    let victim = Victim::serve(&[]);
    let stream = TcpStream::connect(victim.program.address).unwrap();
    stream.shutdown(Shutdown::Read).unwrap();
    let mut raw = Raw::from(stream);
    raw.send(upgrade_request("/clock"));
    raw.send_fin();
    drop(raw);
    victim.has_recovered();
}
