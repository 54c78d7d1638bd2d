//! What a soak does whatever carries its connections, and how it judges what is left of them.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::process::Held;
use super::raw::PATIENCE;
use plainws::{CloseCode, Message, WebSocket};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the clients go on.
pub(crate) fn duration() -> Duration {
    let seconds = std::env::var("PLAINWS_SOAK_SECONDS");
    let seconds = seconds.map_or(3, |seconds| seconds.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}

/// Waits until threads, descriptors and memory are back.
#[track_caller]
pub(crate) fn recovered(process: u32, before: Option<Held>) -> Option<Held> {
    let before = before?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let after = Held::by(process).expect("the program lives");
        let has_recovered = after.threads <= before.threads
            && after.descriptors <= before.descriptors
            // What the allocator keeps for later is no leak, and does not grow with time.
            && after.kibibytes <= before.kibibytes + 64 * 1024;
        if has_recovered {
            return Some(after);
        }
        assert!(Instant::now() < deadline, "{after:?}, before: {before:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What was done, and what the program held at most.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    threads: AtomicU64,
}

impl Tally {
    pub(crate) fn echoed(&self, length: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
    }

    /// Looks at the program's threads until the deadline.
    pub(crate) fn watch(&self, process: u32, deadline: Instant) {
        while Instant::now() < deadline {
            if let Some(held) = Held::by(process) {
                self.threads
                    .fetch_max(held.threads as u64, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(
            f,
            "{} connections, {} messages echoed with {} MiB, at most {} threads",
            number(&self.connections),
            number(&self.messages),
            number(&self.bytes) >> 20,
            number(&self.threads),
        )
    }
}

/// The dice of a client (xorshift): each client's game is the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }

    /// Some bytes, mostly few.
    pub(crate) fn payload(&mut self) -> Vec<u8> {
        let length = match self.below(20) {
            0 => self.below(200_000),
            1..=3 => self.below(5000),
            _ => self.below(130),
        };
        let first = self.below(256);
        (first..first + length)
            .map(|byte| byte.to_le_bytes()[0])
            .collect()
    }
}

/// Sends some messages one after another, expects each back, and closes.
pub(crate) fn talk(ws: WebSocket, dice: &mut Dice, tally: &Tally) {
    for _ in 0..dice.below(50) {
        let message = match String::from_utf8(dice.payload()) {
            Ok(text) => Message::Text(text),
            Err(error) => Message::Binary(error.into_bytes()),
        };
        ws.send(message.clone()).expect("it is open");
        let echo = ws.receive().expect("it is open");
        assert!(echo.as_ref() == Some(&message), "the echo differs");
        tally.echoed(message.as_bytes().len());
    }
    ws.close(CloseCode::NORMAL, "").expect("a code to send");
}

/// Sends from two threads, and expects the messages of each in their order.
pub(crate) fn talk_from_two_threads(ws: &WebSocket, tally: &Tally) {
    let threads: Vec<_> = (0..2_u8)
        .map(|who| {
            let sender = ws.sender();
            thread::spawn(move || {
                for number in 0..100_u8 {
                    let message = [who, number].repeat(500);
                    sender.send(&message).expect("it is open");
                }
            })
        })
        .collect();
    let mut next = [0_u8; 2];
    for _ in 0..200 {
        let echo = ws.receive().expect("it is open").expect("it is open");
        let who = echo.as_bytes()[0];
        let number = &mut next[usize::from(who)];
        assert!(
            echo.as_bytes() == [who, *number].repeat(500),
            "the echo differs"
        );
        *number += 1;
        tally.echoed(1000);
    }
    for thread in threads {
        thread.join().expect("it does not panic");
    }
}
