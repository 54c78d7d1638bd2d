//! Deadlines, seen from outside: what is due at a time must not come before it, nor twenty times too late.
//!
//! A busy machine may be slow to do what is due. So the wait is for about ten times as long, and it is
//! counted in slices: a machine that is slow to do what is due is slow to end a slice as well.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How many slices make up the time until something is due, and how many are waited for.
const SLICES_DUE: u32 = 4;
const SLICES: u32 = 10 * SLICES_DUE;

/// Waits a slice at a time for something that is due when `time` has passed `since` then.
#[track_caller]
pub(crate) fn wait<T>(
    since: Instant,
    time: Duration,
    mut wait: impl FnMut(Duration) -> Option<T>,
) -> T {
    let slice = (time / SLICES_DUE).max(Duration::from_millis(1));
    let came = (0..SLICES).find_map(|_| wait(slice));
    let took = since.elapsed();
    assert!(took >= time, "{took:?} after, too early for {time:?}");
    came.unwrap_or_else(|| panic!("not yet after {took:?}, though due after {time:?}"))
}

/// What a call returns that is due to return when `time` has passed `since` then.
#[track_caller]
pub(crate) fn call<T: Send + 'static>(
    since: Instant,
    time: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (told, returned) = mpsc::channel();
    thread::spawn(move || told.send(call()));
    wait(since, time, |slice| returned.recv_timeout(slice).ok())
}
