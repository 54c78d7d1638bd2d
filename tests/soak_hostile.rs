//! Hostile peers from many addresses, and a log that nobody reads, beside clients that behave. These must
//! not notice: each echo is checked, and the pages for health and metrics are there all the while.

use crate::Tally;
use crate::support::bytes::{BINARY, BINARY_BEGIN, CLOSE, PONG, TEXT, close_body, frame};
use crate::support::gate::Gate;
use crate::support::hostile::{VISITORS, Visitor, fill_window, go_on_sending, read_slowly};
use crate::support::program::{Held, Program};
use crate::support::raw::{Raw, upgrade_request};
use plainws::{CloseCode, Role};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The deadlines of the program: short, so that the hostile are seen to be cut.
const ARGUMENTS: [&str; 14] = [
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
/// The slowest that a reader may be with this write time-out is 64 KiB a second.
const SLOW: usize = 128 * 1024;
const FRIENDS: usize = 4;
/// Of each kind.
const FOES: usize = 2;

#[test]
fn hostile_peers_and_a_stalled_log_leave_the_others_served() {
    let log = Gate::default();
    let mut program = Program::serve_stalled(&ARGUMENTS, &log);
    let process = program.process.id();
    let stage = &Stage {
        address: program.address,
        deadline: Instant::now() + crate::duration(),
        next_visitor: AtomicU8::new(0),
        friends: Tally::default(),
        foes: Foes::default(),
    };
    // The first connection makes what stays, such as the caretaker's thread.
    stage.reads_pages();
    let before = Held::by(process);
    thread::scope(|scope| {
        for number in 0..FRIENDS {
            scope.spawn(move || stage.play(|| stage.talks(number)));
        }
        scope.spawn(|| stage.play(|| stage.reads_pages()));
        for _ in 0..FOES {
            scope.spawn(|| stage.play(|| stage.reads_slowly()));
            scope.spawn(|| stage.play(|| stage.fills_its_window()));
            scope.spawn(|| stage.play(|| stage.drips_a_head()));
            scope.spawn(|| stage.play(|| stage.ignores_the_close()));
            scope.spawn(|| stage.play(|| stage.never_answers_a_ping()));
            scope.spawn(|| stage.play(|| stage.never_ends_its_message()));
            scope.spawn(|| stage.play(|| stage.come_in_a_crowd()));
        }
        while Instant::now() < stage.deadline {
            if let Some(held) = Held::by(process) {
                let threads = held.threads as u64;
                stage.friends.threads.fetch_max(threads, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    println!("friends: {}\nfoes:    {}", stage.friends, stage.foes);
    let after = crate::recovered(process, before);
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

    fn talks(&self, number: usize) {
        let ws = plainws::connect(&format!("ws://{}/echo", self.address)).expect("it serves");
        for length in [10, 1000, 60_000] {
            let message: Vec<u8> = (number..number + length)
                .map(|byte| byte.to_le_bytes()[0])
                .collect();
            ws.send(&message).expect("it is open");
            let echo = ws.receive().expect("it is open").expect("it is open");
            assert!(echo.as_bytes() == message, "the echo differs");
            self.friends.echoed(length);
        }
        ws.close(CloseCode::NORMAL, "").expect("a code to send");
        let reason = ws.close_reason().map(|reason| reason.code);
        assert_eq!(reason, Some(CloseCode::NORMAL));
        self.friends.connections.fetch_add(1, Ordering::Relaxed);
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

    fn cut(&self) {
        self.foes.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// As slow as is allowed with some to spare: it gets its echo.
    fn reads_slowly(&self) {
        let mut raw = self.visitor().window(4096).open(self.address, "/echo");
        let message = vec![b's'; SLOW];
        raw.send_frame(BINARY, &message);
        read_slowly(&mut raw, SLOW, SLOW + 10);
        // Pings may have come in between.
        while raw.frame() != (BINARY, message.clone()) {}
        self.foes.served.fetch_add(1, Ordering::Relaxed);
    }

    fn fills_its_window(&self) {
        let mut raw = self.visitor().window(4096).open(self.address, "/echo");
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
        let mut raw = self.visitor().open(self.address, "/echo");
        raw.send(b"\x81\x00");
        raw.expect_close(1002);
        go_on_sending(&mut raw, &frame(Role::Client, TEXT, b"still here"), PAUSE);
        self.cut();
    }

    fn never_answers_a_ping(&self) {
        let mut raw = self.visitor().open(self.address, "/echo");
        raw.until_end();
        self.cut();
    }

    /// Begins a large message and gives many signs of life, but none of the message's end.
    fn never_ends_its_message(&self) {
        let mut raw = self.visitor().open(self.address, "/echo");
        raw.send_frame(BINARY_BEGIN, vec![0; 1024 * 1024]);
        go_on_sending(&mut raw, &frame(Role::Client, PONG, b""), PAUSE);
        self.cut();
    }

    /// Thirty from one address at once, of which some say nothing at all.
    fn come_in_a_crowd(&self) {
        let visitor = self.visitor();
        let mut crowd: Vec<_> = (0..30).map(|_| visitor.connect(self.address)).collect();
        for (number, raw) in crowd.iter_mut().enumerate() {
            if number % 2 == 0 {
                let _ = raw.try_send(upgrade_request("/echo"));
            }
        }
        for (number, raw) in crowd.iter_mut().enumerate() {
            if number % 2 == 0 {
                if raw.head_or_end().starts_with("HTTP/1.1 101 ") {
                    let _ = raw.try_send(frame(Role::Client, CLOSE, &close_body(1000, b"")));
                } else {
                    self.foes.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Long after the server should have ended a connection.
const CUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
