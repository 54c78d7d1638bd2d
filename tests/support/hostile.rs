//! Peers that do not play along: they read slowly or not at all, come from many addresses, drip, and go
//! on sending whatever they are told. No wait is without end here either.
//!
//! A peer that answers neither pings nor a Close needs nothing of this: no [`Raw`] answers by itself. A
//! pipe that nobody reads is [`Process::start_stalled`](super::process::Process::start_stalled).
#![allow(dead_code, reason = "each test program uses some of these")]

use super::raw::{PATIENCE, Raw, upgrade_request};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

/// How many addresses there are to come from.
pub(crate) const VISITORS: u8 = 253;

/// Where a peer comes from, and how much may be on its way to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visitor {
    address: Option<Ipv4Addr>,
    window: Option<usize>,
}

impl Visitor {
    /// The one that comes from 127.0.0.2, 127.0.0.3 and so on, up to 127.0.0.254 for number 252: of
    /// these all that begin with 127 belong to the machine itself, on Linux. A server sees the address.
    pub(crate) fn number(number: u8) -> Self {
        assert!(number < VISITORS, "there is no 127.0.0.255 to come from");
        Self {
            address: Some(Ipv4Addr::new(127, 0, 0, number + 2)),
            window: None,
        }
    }

    /// Lets the system keep only about this much that the peer has not read (`SO_RCVBUF`, of which Linux
    /// makes twice as much, for its own records). Without it a system keeps up to 6 MiB, and a peer
    /// that reads slowly is hardly noticed.
    pub(crate) const fn window(mut self, bytes: usize) -> Self {
        self.window = Some(bytes);
        self
    }

    pub(crate) fn connect(self, server: SocketAddr) -> Raw {
        self.try_connect(server).expect("the server accepts")
    }

    pub(crate) fn try_connect(self, server: SocketAddr) -> io::Result<Raw> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        if let Some(window) = self.window {
            // Before the connection is made, so that no larger window is offered first.
            socket.set_recv_buffer_size(window)?;
        }
        if let Some(address) = self.address {
            socket.bind(&SocketAddr::from((address, 0)).into())?;
        }
        socket.connect_timeout(&server.into(), PATIENCE)?;
        Ok(Raw::from(std::net::TcpStream::from(socket)))
    }

    /// Opens a WebSocket connection at `path`.
    pub(crate) fn open(self, server: SocketAddr, path: &str) -> Raw {
        let mut raw = self.connect(server);
        raw.send(upgrade_request(path));
        raw.expect_101();
        raw
    }
}

/// Reads `length` bytes more, or what comes before the end, no faster than `rate` bytes a second, a
/// fiftieth of that at a time. Returns how many came; they wait in `raw` to be looked at, as frames for
/// example.
pub(crate) fn read_slowly(raw: &mut Raw, rate: usize, length: usize) -> usize {
    let start = Instant::now();
    let mut taken = 0;
    while taken < length {
        let gulp = (rate / 50).max(1).min(length - taken);
        match raw.read_some(gulp) {
            Ok(0) | Err(_) => break,
            Ok(read) => taken += read,
        }
        // From the start, so that late wake-ups do not add up.
        let due = start + Duration::from_secs_f64(taken as f64 / rate as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    taken
}

/// Sends `bytes` again and again and reads nothing, until the peer has taken nothing for `time`: then all
/// buffers between the two are full. Returns how many bytes that took. It fails when the peer ends the
/// connection. What was sent may end in the middle of `bytes`.
pub(crate) fn fill_window(raw: &mut Raw, bytes: &[u8], time: Duration) -> io::Result<usize> {
    let mut sent = 0;
    loop {
        match raw.send_some(&bytes[sent % bytes.len()..], time)? {
            0 => return Ok(sent),
            length => sent += length,
        }
    }
}

/// Sends `bytes` again and again, a `pause` after each time, reads nothing, and obeys no Close and no FIN:
/// it ends when the peer has ended the connection for good. Returns how often the bytes were sent.
#[track_caller]
pub(crate) fn go_on_sending(raw: &mut Raw, bytes: &[u8], pause: Duration) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let mut count = 0;
    while raw.try_send(bytes).is_ok() {
        count += 1;
        assert!(Instant::now() < deadline, "the connection does not end");
        thread::sleep(pause);
    }
    assert!(Instant::now() < deadline, "the peer neither reads nor ends");
    count
}
