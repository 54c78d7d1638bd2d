//! A peer that sends any bytes at all and sees what comes back, byte for byte. No wait is without end.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::bytes::{CLOSE, PING, frame};
use super::due;
use plainws::Role;
use plainws::protocol::handshake::accept_value;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Enough for a slow machine that does much else. Only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The sample key of §1.3, and what answers it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A TCP connection, seen from the client's end unless it was made from a stream.
pub(crate) struct Raw {
    stream: TcpStream,
    /// Received, and not looked at yet.
    received: Vec<u8>,
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Up to the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of the only header of that name; panics when there are more.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

/// The value of the only header of that name in a head; panics when there are more.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.split("\r\n").skip(1);
    let mut values = fields
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_matches([' ', '\t']));
    let value = values.next();
    assert_eq!(values.next(), None, "{name} twice in {head}");
    value
}

/// Where the empty line ends that ends a head, once it is there.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    let place = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(place + 4)
}

/// A request that opens a WebSocket connection at `path`.
pub(crate) fn upgrade_request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The next connection, from a client that may never come: a program may end before it connects.
#[track_caller]
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().expect("the socket is there");
    let (told, came) = mpsc::channel();
    thread::spawn(move || told.send(listener.accept()));
    let came = came.recv_timeout(PATIENCE).expect("a client in time");
    came.expect("the socket listens").0
}

impl Raw {
    fn over(stream: TcpStream) -> Self {
        let prepared = stream.set_write_timeout(Some(PATIENCE));
        prepared.expect("the socket is there");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the server accepts");
        Self::from(stream)
    }

    /// Opens a WebSocket connection at `path`.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.send(upgrade_request(path));
        raw.expect_101();
        raw
    }

    /// Lets a client in, and opens a WebSocket connection as a server does.
    #[track_caller]
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        let mut raw = Self::from(accept(listener));
        let head = raw.head();
        let key = header(&head, "Sec-WebSocket-Key").expect("a client sends a key");
        let accept = accept_value(key);
        raw.send(format!(
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ));
        raw
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the peer takes what is sent");
    }

    /// Sends to a peer that may have left.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends as much as the peer takes at once, or as soon as it takes something; 0 when it takes nothing
    /// for `time`.
    pub(crate) fn send_some(&mut self, bytes: &[u8], time: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(time))?;
        let sent = self.stream.write(bytes);
        self.stream.set_write_timeout(Some(PATIENCE))?;
        match sent {
            Err(error) if is_timeout(&error) => Ok(0),
            sent => sent,
        }
    }

    /// Sends a frame as a client.
    pub(crate) fn send_frame(&mut self, byte0: u8, payload: impl AsRef<[u8]>) {
        self.send(frame(Role::Client, byte0, payload.as_ref()));
    }

    /// Ends this side of the connection. A peer that has left already does not mind.
    pub(crate) fn send_fin(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Waits until something has arrived, and leaves it in the socket.
    pub(crate) fn wait_for_input(&self) {
        let timeout = self.stream.set_read_timeout(Some(PATIENCE));
        let peeked = timeout.and_then(|()| self.stream.peek(&mut [0]));
        assert_eq!(peeked.expect("something arrives in time"), 1);
    }

    /// Waits until the peer sends something or ends its side, which is [due](super::due) when `time` has
    /// passed `since` then.
    #[track_caller]
    pub(crate) fn wait_for_due(&mut self, since: Instant, time: Duration) {
        assert!(self.received.is_empty(), "bytes were left unread");
        due::wait(since, time, |slice| {
            let timeout = self.stream.set_read_timeout(Some(slice));
            match timeout.and_then(|()| self.stream.peek(&mut [0])) {
                Err(error) if is_timeout(&error) => None,
                came => Some(came),
            }
        })
        .ok();
    }

    /// Reads up to the empty line that ends a head.
    pub(crate) fn head(&mut self) -> String {
        let end = self.wait_until(head_end);
        let head = self.received.drain(..end).collect();
        String::from_utf8(head).expect("heads are ASCII here")
    }

    /// As [`head`](Self::head), but the connection may end first, in whatever way.
    pub(crate) fn head_or_end(&mut self) -> String {
        while head_end(&self.received).is_none() {
            match self.read(PATIENCE) {
                Ok(1..) => {}
                Err(error) if is_timeout(&error) => panic!("neither a head nor the end"),
                Ok(0) | Err(_) => return String::new(),
            }
        }
        self.head()
    }

    pub(crate) fn expect_101(&mut self) -> String {
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(header(&head, "Sec-WebSocket-Accept"), Some(ACCEPT));
        head
    }

    /// Reads a response to anything but HEAD.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.response_without_body();
        let length = response.header("Content-Length");
        let length = length
            .and_then(|length| length.parse().ok())
            .expect("every response says how long it is");
        response.body = self.bytes(length);
        response
    }

    /// Reads a response to HEAD.
    pub(crate) fn response_without_body(&mut self) -> Response {
        let head = self.head();
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..4)?.strip_suffix(' ')?.parse().ok());
        Response {
            status: status.unwrap_or_else(|| panic!("a status line, not {head}")),
            head,
            body: Vec::new(),
        }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.wait_until(|received| (received.len() >= length).then_some(()));
        self.received.drain(..length).collect()
    }

    /// What one call of `read` gives.
    pub(crate) fn read_once(&mut self) -> Vec<u8> {
        assert!(self.received.is_empty(), "bytes were left unread");
        self.read(PATIENCE).expect("the peer sends something");
        std::mem::take(&mut self.received)
    }

    /// Reads at most `max` bytes more, and leaves them to be looked at; 0 at the end.
    pub(crate) fn read_some(&mut self, max: usize) -> io::Result<usize> {
        self.read_at_most(max, PATIENCE)
    }

    /// Reads a frame of a server: first byte and payload.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let (byte0, mask, payload) = self.any_frame();
        assert_eq!(mask, None, "§5.1: a server must not mask");
        (byte0, payload)
    }

    /// Reads a frame of a client: first byte, key and payload.
    pub(crate) fn masked_frame(&mut self) -> (u8, [u8; 4], Vec<u8>) {
        let (byte0, mask, payload) = self.any_frame();
        (byte0, mask.expect("§5.1: a client must mask"), payload)
    }

    /// As [`masked_frame`](Self::masked_frame), without the key; `None` if the connection ends first, in
    /// whatever way.
    pub(crate) fn try_masked_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        if self.received.is_empty() && !matches!(self.read(PATIENCE), Ok(1..)) {
            return None;
        }
        let (byte0, _, payload) = self.masked_frame();
        Some((byte0, payload))
    }

    fn any_frame(&mut self) -> (u8, Option<[u8; 4]>, Vec<u8>) {
        let header = self.bytes(2);
        let (byte0, byte1) = (header[0], header[1]);
        let length_bytes = match byte1 & 0x7F {
            126 => self.bytes(2),
            127 => self.bytes(8),
            short => vec![short],
        };
        let number = length_bytes.iter();
        let length = number.fold(0, |number, &byte| number << 8 | usize::from(byte));
        let is_shortest = match length_bytes.len() {
            1 => true,
            2 => length > 125,
            _ => length > 0xFFFF,
        };
        assert!(is_shortest, "§5.2: {length} in {length_bytes:?}");
        let mask = (byte1 & 0x80 != 0).then(|| self.bytes(4));
        let mask = mask.map(|key| key.try_into().expect("four were read"));
        let payload = self.bytes(length);
        let payload = match mask {
            Some(key) => super::bytes::xor(&payload, key),
            None => payload,
        };
        (byte0, mask, payload)
    }

    #[track_caller]
    pub(crate) fn expect_frame(&mut self, byte0: u8, payload: impl AsRef<[u8]>) {
        let (got_byte0, got_payload) = self.frame();
        let payload = payload.as_ref();
        // Not assert_eq: a megabyte is no message.
        assert!(
            got_byte0 == byte0 && got_payload == payload,
            "{got_byte0:08b} with {} bytes {}…, not {byte0:08b} with {} bytes {}…",
            got_payload.len(),
            got_payload[..got_payload.len().min(40)].escape_ascii(),
            payload.len(),
            payload[..payload.len().min(40)].escape_ascii(),
        );
    }

    /// Reads a Close of a server with this code, and returns its reason.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16) -> String {
        let (byte0, payload) = self.frame();
        assert_eq!(byte0, CLOSE, "a Close, not {}", payload.escape_ascii());
        let Some((got_code, reason)) = payload.split_first_chunk() else {
            panic!("a Close with {code}, not one without a code");
        };
        let reason = String::from_utf8(reason.into()).expect("§5.5.1: a reason is UTF-8");
        assert_eq!(u16::from_be_bytes(*got_code), code, "{reason}");
        reason
    }

    /// Waits for the end of the peer's side: no further byte, and no reset.
    #[track_caller]
    pub(crate) fn expect_fin(&mut self) {
        while self.received.is_empty() {
            match self.read(PATIENCE) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => panic!("the connection ends with a FIN, not with {error:?}"),
            }
        }
        panic!("the end, not {}", self.received.escape_ascii());
    }

    /// Waits for the end in whatever way it comes, and returns the bytes before it.
    pub(crate) fn until_end(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(1..) = self.read(deadline.saturating_duration_since(Instant::now())) {}
        assert!(Instant::now() < deadline, "the connection does not end");
        std::mem::take(&mut self.received)
    }

    /// Sees that the peer sends nothing for this time, and does not leave.
    #[track_caller]
    pub(crate) fn expect_silence(&mut self, time: Duration) {
        let is_silent = self.is_silent(time);
        assert!(is_silent, "silence, not {}", self.received.escape_ascii());
    }

    /// Whether the peer sends nothing for this time. It must not leave.
    #[track_caller]
    pub(crate) fn is_silent(&mut self, time: Duration) -> bool {
        if !self.received.is_empty() {
            return false;
        }
        match self.read(time) {
            Ok(0) => panic!("silence, not the end"),
            Ok(_) => false,
            Err(error) if is_timeout(&error) => true,
            Err(error) => panic!("silence, not {error:?}"),
        }
    }

    /// Leaves with a reset: that is how a socket ends that holds unread input. So the peer must send
    /// something; if that was read together with what came before it, it is asked for more.
    pub(crate) fn reset(mut self) {
        if !self.received.is_empty() {
            self.send_frame(PING, "");
        }
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("the socket is there");
        let arrived = self.stream.peek(&mut [0]).expect("something arrives");
        assert_eq!(arrived, 1, "something is unread");
    }

    /// Reads until `find` finds something.
    fn wait_until<T>(&mut self, find: impl Fn(&[u8]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = find(&self.received) {
                return found;
            }
            match self.read(deadline.saturating_duration_since(Instant::now())) {
                Ok(1..) => {}
                end => {
                    let shown = &self.received[..self.received.len().min(200)];
                    panic!("{end:?} after {}", shown.escape_ascii());
                }
            }
        }
    }

    fn read(&mut self, timeout: Duration) -> io::Result<usize> {
        self.read_at_most(64 * 1024, timeout)
    }

    fn read_at_most(&mut self, max: usize, timeout: Duration) -> io::Result<usize> {
        let timeout = timeout.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(timeout))?;
        let mut buffer = vec![0; max];
        let length = loop {
            match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.received.extend_from_slice(&buffer[..length]);
        Ok(length)
    }
}

impl From<TcpStream> for Raw {
    fn from(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("the socket is there");
        Self::over(stream)
    }
}

/// What is done with a connection here are the system's calls for sockets of any kind.
#[cfg(unix)]
impl From<std::os::unix::net::UnixStream> for Raw {
    fn from(stream: std::os::unix::net::UnixStream) -> Self {
        Self::over(std::os::fd::OwnedFd::from(stream).into())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
