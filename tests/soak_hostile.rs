//! Hostile peers from many addresses, and a log that nobody reads, beside clients that behave. These must
//! not notice: each echo is checked, and the pages for health and metrics are there all the while.

use crate::support::bytes::{BINARY, BINARY_BEGIN, CLOSE, PING, PONG, TEXT, frame};
use crate::support::gate::Gate;
use crate::support::hostile::{VISITORS, Visitor, fill_window, go_on_sending, read_slowly};
use crate::support::program::{Held, Process, Program, command};
use crate::support::raw::{Raw, upgrade_request};
use crate::support::soak::{Tally, duration, recovered};
use plainws::{CloseCode, Role, WebSocket};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Limits of the program that bite soon.
const ARGUMENTS: [&str; 18] = [
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
    "--max-memory",
    "16M",
    "--max-per-address",
    "20",
];
/// The slowest that a reader may be with this write time-out is 64 KiB a second.
const SLOW: usize = 128 * 1024;
const FRIENDS: usize = 4;
/// Of each kind.
const FOES: usize = 2;

#[test]
fn hostile_peers_and_a_stalled_log_leave_the_others_served() {
    let log = Gate::default();
    // With one arena its memory tells what it holds, and not how many of its threads asked for memory.
    let mut arguments = command();
    arguments.args(["--addr", "127.0.0.1:0"]).args(ARGUMENTS);
    arguments.env("MALLOC_ARENA_MAX", "1");
    let process = Process::start_stalled(&mut arguments, &Gate::opened(), &log);
    let mut program = Program::of(process.expect("the program was built"));
    let process = program.process.id();
    let stage = &Stage {
        address: program.address,
        deadline: Instant::now() + duration(),
        next_visitor: AtomicU8::new(0),
        friends: Tally::default(),
        foes: Foes::default(),
    };
    // The first connection makes what stays, such as the caretaker's thread.
    stage.reads_pages();
    let before = Held::by(process);
    let url = format!("ws://{}/echo", program.address);
    let friends: Vec<_> = (0..FRIENDS)
        .map(|_| plainws::connect(&url).expect("it serves"))
        .collect();
    thread::scope(|scope| {
        for (ws, number) in friends.iter().zip(0..) {
            scope.spawn(move || stage.play(|| stage.talks(ws, number)));
        }
        scope.spawn(|| stage.play(|| stage.reads_pages()));
        for _ in 0..FOES {
            scope.spawn(|| stage.play(|| stage.reads_slowly()));
            scope.spawn(|| stage.play(|| stage.fills_its_window()));
            scope.spawn(|| stage.play(|| stage.drips_a_head()));
            scope.spawn(|| stage.play(|| stage.ignores_the_close()));
            scope.spawn(|| stage.play(|| stage.never_answers_a_ping()));
            scope.spawn(|| stage.play(|| stage.never_ends_its_message()));
            scope.spawn(|| stage.play(|| stage.hoard()));
            scope.spawn(|| stage.play(|| stage.come_in_a_crowd()));
        }
        stage.friends.watch(process, stage.deadline);
    });
    for ws in friends {
        ws.close(CloseCode::NORMAL, "").expect("a code to send");
        let reason = ws.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::NORMAL));
    }
    println!("friends: {}\nfoes:    {}", stage.friends, stage.foes);
    let refused = stage.foes.refused.load(Ordering::Relaxed);
    assert!(refused > 0, "a crowd from one address is too many");
    let after = recovered(process, before);
    println!("before: {before:?}\nafter:  {after:?}");

    // The reader of the log is back: what could not be kept for it was counted.
    log.open();
    program.process.signal("TERM");
    assert!(program.process.wait().success());
    let log = program.process.stderr.whole();
    println!("the log had {} lines", log.lines().count());
    assert!(log.lines().count() > 0);
}

/// What was done to hostile peers.
#[derive(Default)]
struct Foes {
    /// Slow readers that were sent everything.
    served: AtomicU64,
    /// Those that took nothing, or never ended what they began.
    cut: AtomicU64,
    /// Those that there was no place or no memory for.
    refused: AtomicU64,
}

impl fmt::Display for Foes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} slow readers served, {} others cut, {} refused",
            self.served.load(Ordering::Relaxed),
            self.cut.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }
}

/// Where all of them meet.
struct Stage {
    address: SocketAddr,
    deadline: Instant,
    next_visitor: AtomicU8,
    friends: Tally,
    foes: Foes,
}

impl Stage {
    /// Plays a part again and again until the time is over.
    fn play(&self, part: impl Fn()) {
        while Instant::now() < self.deadline {
            part();
        }
    }

    /// Someone from the next address.
    fn visitor(&self) -> Visitor {
        let number = self.next_visitor.fetch_add(1, Ordering::Relaxed);
        Visitor::number(number % VISITORS)
    }

    // Those that behave.

    /// What one has in memory here at a time is so little that it is never refused.
    fn talks(&self, ws: &WebSocket, number: usize) {
        for length in [10, 1000, 15_000] {
            let message: Vec<u8> = (number..number + length)
                .map(|byte| byte.to_le_bytes()[0])
                .collect();
            ws.send(&message).expect("it is open");
            let echo = ws.receive().expect("it is open").expect("it is open");
            assert!(echo.as_bytes() == message, "the echo differs");
            self.friends.echoed(length);
        }
        thread::sleep(Duration::from_millis(1));
    }

    fn reads_pages(&self) {
        let mut raw = Raw::connect(self.address);
        for path in ["/healthz", "/metrics"] {
            raw.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            assert_eq!(raw.response().status, 200, "{path}");
        }
        self.friends.connections.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(20));
    }

    // Those that do not. Each kind is either served in the end, or ended by the server.

    fn served(&self) {
        self.foes.served.fetch_add(1, Ordering::Relaxed);
    }

    fn cut(&self) {
        self.foes.cut.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self) {
        self.foes.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Opens a connection, unless that is refused.
    fn opens(&self, visitor: Visitor) -> Option<Raw> {
        let mut raw = visitor.connect(self.address);
        let _ = raw.try_send(upgrade_request("/echo"));
        let is_open = raw.head_or_end().starts_with("HTTP/1.1 101 ");
        if !is_open {
            self.refused();
        }
        is_open.then_some(raw)
    }

    /// Twice as fast as it must be: it gets its echo, if there is memory for that.
    fn reads_slowly(&self) {
        let Some(mut raw) = self.opens(self.visitor().window(4096)) else {
            return;
        };
        let message = vec![b's'; SLOW];
        raw.send_frame(BINARY, &message);
        read_slowly(&mut raw, SLOW, SLOW + 10);
        loop {
            match raw.frame() {
                (PING, _) => {}
                (BINARY, echo) => {
                    assert!(echo == message, "the echo differs");
                    return self.served();
                }
                (CLOSE, body) if body.starts_with(&TRY_AGAIN_LATER) => return self.refused(),
                (byte0, body) => panic!("{byte0:08b} {}", body.escape_ascii()),
            }
        }
    }

    fn fills_its_window(&self) {
        let Some(mut raw) = self.opens(self.visitor().window(4096)) else {
            return;
        };
        let message = frame(Role::Client, BINARY, &[0; 64 * 1024]);
        let lost = fill_window(&mut raw, &message, CUT);
        assert!(lost.is_err(), "{lost:?}, and it is not cut");
        self.cut();
    }

    fn drips_a_head(&self) {
        let mut raw = self.visitor().connect(self.address);
        raw.send("GET /echo HTTP/1.1\r\nX: ");
        go_on_sending(&mut raw, b"x", Duration::from_millis(50));
        self.cut();
    }

    fn ignores_the_close(&self) {
        let Some(mut raw) = self.opens(self.visitor()) else {
            return;
        };
        raw.send(b"\x81\x00");
        raw.expect_close(1002);
        go_on_sending(&mut raw, &frame(Role::Client, TEXT, b"still here"), PAUSE);
        self.cut();
    }

    fn never_answers_a_ping(&self) {
        let Some(mut raw) = self.opens(self.visitor()) else {
            return;
        };
        raw.until_end();
        self.cut();
    }

    /// Begins a large message and gives many signs of life, but none of the message's end.
    fn never_ends_its_message(&self) {
        let Some(mut raw) = self.opens(self.visitor()) else {
            return;
        };
        let _ = raw.try_send(frame(Role::Client, BINARY_BEGIN, &[0; 1024 * 1024]));
        go_on_sending(&mut raw, &frame(Role::Client, PONG, b""), PAUSE);
        self.cut();
    }

    /// Several begin large messages, and together they want more than there is.
    fn hoard(&self) {
        let opened: Vec<_> = (0..8).filter_map(|_| self.opens(self.visitor())).collect();
        let begun = opened.into_iter().map(|mut raw| {
            let _ = raw.try_send(frame(Role::Client, BINARY_BEGIN, &[0; 3 * 1024 * 1024]));
            raw
        });
        for mut raw in begun.collect::<Vec<_>>() {
            let end = raw.until_end();
            match end.windows(2).any(|two| two == TRY_AGAIN_LATER) {
                true => self.refused(),
                false => self.cut(),
            }
        }
    }

    /// Thirty from one address at once, of which half say nothing at all.
    fn come_in_a_crowd(&self) {
        let visitor = self.visitor();
        let silent: Vec<_> = (0..15).map(|_| visitor.connect(self.address)).collect();
        let opened: Vec<_> = (0..15).filter_map(|_| self.opens(visitor)).collect();
        for mut raw in silent.into_iter().chain(opened) {
            raw.send_fin();
            raw.until_end();
        }
    }
}

/// The code 1013, as it begins a Close.
const TRY_AGAIN_LATER: [u8; 2] = 1013_u16.to_be_bytes();
/// Long after the server should have ended a connection.
const CUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
