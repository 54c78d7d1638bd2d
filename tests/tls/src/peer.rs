//! A peer inside TLS that is not plainws: rustls over a TCP connection. Whatever it writes, and when, the test says.

use crate::PATIENCE;
use plainws::Role;
use plainws::protocol::handshake::accept_value;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The sample key of §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// One end of a TLS connection. No wait is without end.
///
/// What TLS itself has to answer (key updates, alerts) is sent with the next call that reads or writes.
#[derive(Debug)]
pub struct Peer {
    /// rustls: its keys can be renewed, its version and suite asked for.
    pub tls: Connection,
    /// What carries the records.
    pub tcp: TcpStream,
    role: Role,
    /// Decrypted, and not looked at yet.
    received: Vec<u8>,
    has_left: bool,
}

/// One frame as `sender` puts it on the wire; a client masks it.
#[must_use]
pub fn frame(sender: Role, byte0: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let key = (sender == Role::Client).then_some(oracles::wire::KEY);
    oracles::wire::encode(byte0, key, payload.as_ref())
}

/// The next connection. A client that never comes fails the test.
///
/// # Panics
///
/// When none comes in time.
#[must_use]
pub fn accept(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().expect("the socket is there");
    let (told, came) = mpsc::channel();
    thread::spawn(move || told.send(listener.accept()));
    let came = came.recv_timeout(PATIENCE).expect("a client in time");
    came.expect("the socket listens").0
}

/// A listener on a free port, and its address.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

#[expect(
    clippy::missing_panics_doc,
    reason = "these are tests: what does not happen fails them"
)]
impl Peer {
    /// A client at this address that asks for the server `localhost`, after the TLS handshake.
    #[must_use]
    pub fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Self {
        Self::connect_as(address, config, "localhost").expect("the handshake succeeds")
    }

    /// The same with another name, and a handshake that may fail.
    ///
    /// # Errors
    ///
    /// What the handshake failed with.
    pub fn connect_as(
        address: SocketAddr,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
        Self::client(tcp, config, name)
    }

    /// A client over a connection that is there.
    ///
    /// # Errors
    ///
    /// What the handshake failed with.
    pub fn client(tcp: TcpStream, config: Arc<ClientConfig>, name: &str) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).expect("it is a name");
        let tls = ClientConnection::new(config, name).expect("the settings are right");
        Self::over(tcp, tls.into(), Role::Client)
    }

    /// A client with an open WebSocket connection to `path`.
    #[must_use]
    pub fn open(address: SocketAddr, config: Arc<ClientConfig>, path: &str) -> Self {
        let mut peer = Self::connect(address, config);
        peer.upgrade(path);
        peer
    }

    /// The next client that comes, after the TLS handshake.
    #[must_use]
    pub fn accept(listener: &TcpListener, config: Arc<ServerConfig>) -> Self {
        Self::server(accept(listener), config).expect("the handshake succeeds")
    }

    /// The next client that comes, with an open WebSocket connection.
    #[must_use]
    pub fn accept_open(listener: &TcpListener, config: Arc<ServerConfig>) -> Self {
        let mut peer = Self::accept(listener, config);
        peer.answer_upgrade();
        peer
    }

    /// A server over a connection that is there.
    ///
    /// # Errors
    ///
    /// What the handshake failed with.
    pub fn server(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = ServerConnection::new(config).expect("the settings are right");
        Self::over(tcp, tls.into(), Role::Server)
    }

    fn over(tcp: TcpStream, mut tls: Connection, role: Role) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        // The handshake below takes no more than it needs; sealing takes all that it is given.
        tls.set_buffer_limit(None);
        let mut peer = Self {
            tls,
            tcp,
            role,
            received: Vec::new(),
            has_left: false,
        };
        while peer.tls.is_handshaking() {
            peer.flush()?;
            if peer.tls.is_handshaking() && peer.read_some(PATIENCE)? == 0 && peer.has_left() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        peer.flush()?;
        Ok(peer)
    }

    /// Asks for a WebSocket connection and expects to get it.
    pub fn upgrade(&mut self, path: &str) {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ));
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    /// Reads a client's request, lets it in, and returns the request.
    pub fn answer_upgrade(&mut self) -> String {
        let head = self.head();
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_value(key.expect("a client sends a key"));
        self.send(format!(
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ));
        head
    }

    /// Sends bytes in as few records as can hold them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the peer takes what is sent");
    }

    /// Sends to a peer that may have left.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let records = self.seal(bytes);
        self.tcp.write_all(&records)
    }

    /// Sends a frame, masked if this is a client.
    pub fn send_frame(&mut self, byte0: u8, payload: impl AsRef<[u8]>) {
        self.send(frame(self.role, byte0, payload));
    }

    /// The records that carry these bytes, and before them whatever else waited to be sent. They are to be sent with
    /// [`send_records`](Self::send_records), in this order and whole, however cut.
    #[must_use]
    pub fn seal(&mut self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        let mut writer = self.tls.writer();
        writer.write_all(bytes.as_ref()).expect("no limit is set");
        self.waiting()
    }

    /// Each piece in a record of its own (or several, if it is longer than 16 KiB).
    #[must_use]
    pub fn seal_each(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        pieces.iter().flat_map(|piece| self.seal(piece)).collect()
    }

    /// Sends bytes as they are.
    pub fn send_records(&mut self, records: impl AsRef<[u8]>) {
        let sent = self.tcp.write_all(records.as_ref());
        sent.expect("the peer takes what is sent");
    }

    /// Renews the keys with which this end writes, and asks the other end to do so. It is sent with what is sent next.
    pub fn renew_keys(&mut self) {
        self.tls.refresh_traffic_keys().expect("it is TLS 1.3");
    }

    /// Says close_notify, and leaves TCP open.
    pub fn send_close_notify(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }

    /// Ends this side of TCP. A peer that has left already does not mind.
    pub fn send_fin(&self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Sends what TLS itself has to say.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn flush(&mut self) -> io::Result<()> {
        let records = self.waiting();
        self.tcp.write_all(&records)
    }

    /// Reads up to the empty line that ends a head.
    #[track_caller]
    pub fn head(&mut self) -> String {
        let end = self.wait_for(|received| {
            let place = received.windows(4).position(|four| four == b"\r\n\r\n")?;
            Some(place + 4)
        });
        let head = self.received.drain(..end).collect();
        String::from_utf8(head).expect("heads are ASCII here")
    }

    /// Reads so many bytes.
    #[track_caller]
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.wait_for(|received| (received.len() >= length).then_some(()));
        self.received.drain(..length).collect()
    }

    /// Reads a frame: its first byte and its payload, unmasked.
    #[track_caller]
    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        let header = self.bytes(2);
        let (byte0, byte1) = (header[0], header[1]);
        let length = match byte1 & 0x7F {
            126 => self.bytes(2),
            127 => self.bytes(8),
            short => vec![short],
        };
        let length = length
            .iter()
            .fold(0, |number, &byte| number << 8 | usize::from(byte));
        let is_masked = byte1 & 0x80 != 0;
        assert_eq!(is_masked, self.role == Role::Server, "§5.1: clients mask");
        let key = if is_masked { self.bytes(4) } else { vec![0; 4] };
        let mut payload = self.bytes(length);
        for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *byte ^= key;
        }
        (byte0, payload)
    }

    /// Reads a frame and compares.
    #[track_caller]
    pub fn expect_frame(&mut self, byte0: u8, payload: impl AsRef<[u8]>) {
        let (got_byte0, got) = self.frame();
        let payload = payload.as_ref();
        // Not assert_eq: a megabyte is no message.
        assert!(
            got_byte0 == byte0 && got == payload,
            "{got_byte0:08b} with {} bytes {}…, not {byte0:08b} with {} bytes {}…",
            got.len(),
            got[..got.len().min(40)].escape_ascii(),
            payload.len(),
            payload[..payload.len().min(40)].escape_ascii(),
        );
    }

    /// Reads a Close with this code and returns its reason.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) -> String {
        let (byte0, payload) = self.frame();
        assert_eq!(byte0, 0x88, "a Close, not {}", payload.escape_ascii());
        let (got, reason) = payload.split_first_chunk().expect("a Close with a code");
        let reason = String::from_utf8(reason.into()).expect("§5.5.1: a reason is UTF-8");
        assert_eq!(u16::from_be_bytes(*got), code, "{reason}");
        reason
    }

    /// Waits for close_notify, with no byte before it.
    #[track_caller]
    pub fn expect_close_notify(&mut self) {
        while self.received.is_empty() && !self.has_close_notify() {
            let read = self.read_some(PATIENCE).expect("close_notify");
            assert!(
                read > 0 || self.has_close_notify() || !self.has_left,
                "TCP ended without it"
            );
        }
        let received = self.received.escape_ascii();
        assert!(self.received.is_empty(), "close_notify, not {received}");
    }

    /// Waits for the end of TCP, with no byte before it, and no reset.
    #[track_caller]
    pub fn expect_fin(&mut self) {
        while self.received.is_empty() && !self.has_left {
            let read = self.read_some(PATIENCE);
            read.expect("the connection ends with a FIN");
        }
        let received = self.received.escape_ascii();
        assert!(self.received.is_empty(), "the end, not {received}");
    }

    /// Waits for the end in whatever way it comes, and returns the bytes before it.
    pub fn until_end(&mut self) -> Vec<u8> {
        while !self.has_left && self.read_some(PATIENCE).is_ok() {}
        std::mem::take(&mut self.received)
    }

    /// Whether the other end has said close_notify, as far as was read.
    #[must_use]
    pub fn has_close_notify(&mut self) -> bool {
        let state = self.tls.process_new_packets();
        state.is_ok_and(|state| state.peer_has_closed())
    }

    /// Whether TCP has ended, as far as was read.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.has_left
    }

    /// Reads once from TCP, and says how many bytes came out of it. 0 may be a record without any, or a part of one;
    /// [`has_left`](Self::has_left) tells it from the end.
    ///
    /// # Errors
    ///
    /// What the socket says, which is a time-out after `time`, or [`io::ErrorKind::InvalidData`] with what rustls says.
    pub fn read_some(&mut self, time: Duration) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(time))?;
        let mut buffer = vec![0; 64 * 1024];
        let length = loop {
            match self.tcp.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.has_left |= length == 0;
        let before = self.received.len();
        let mut records = &buffer[..length];
        while !records.is_empty() {
            // rustls takes nothing after close_notify.
            if self.tls.read_tls(&mut records)? == 0 {
                break;
            }
            let state = match self.tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // The alert that says so.
                    let _ = self.flush();
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            };
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            self.tls.reader().read_exact(&mut plain)?;
            self.received.extend(plain);
        }
        self.flush()?;
        Ok(self.received.len() - before)
    }

    /// Reads until `find` finds something.
    #[track_caller]
    fn wait_for<T>(&mut self, find: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(&self.received) {
                return found;
            }
            let read = self.read_some(PATIENCE);
            if read.is_err() || self.has_left {
                let shown = &self.received[..self.received.len().min(200)];
                panic!("{read:?} after {}", shown.escape_ascii());
            }
        }
    }

    /// The records that wait to be sent.
    fn waiting(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            let written = self.tls.write_tls(&mut records);
            written.expect("a vector takes all");
        }
        records
    }
}
