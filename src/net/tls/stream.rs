//! A stream of bytes inside TLS, which one thread reads while another writes.
//!
//! rustls's session does both directions, and cannot do them at once. So nobody holds it while waiting:
//!
//! | lock | who holds it | while |
//! |---|---|---|
//! | `inbound` | the thread that reads | it waits for records from the peer |
//! | `outbound` | the thread that writes | it waits for the peer to take records |
//! | `session` | either of them | records are opened or sealed |
//!
//! Order: inbound or outbound before session. Nobody holds inbound and waits for outbound, nor the other way round, but
//! in the handshake, which one thread makes before there is any other.

use super::records::{Inbound, Outbound, Unsent};
use super::words;
use crate::net::deadline::{SHORTEST_TIMEOUT, is_passing};
use crate::net::transport::Transport;
use rustls::{Connection, ServerConfig, ServerConnection};
use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;
use std::{fmt, mem};

/// The first byte of a record of the handshake (RFC 8446 §5.1): no request for a page begins with it.
const HANDSHAKE: u8 = 0x16;
/// Reads that a call makes which does not wait: enough for the largest record, and for some that hold nothing to read.
const MOST_READS: usize = 16;

/// A [`Transport`] inside TLS, from [`ServerTls::over`](crate::ServerTls::over) and
/// [`ClientTls::over`](crate::ClientTls::over).
///
/// [`accept`](crate::accept) and [`Client::over`](crate::Client::over) make its [handshake](Transport::handshake). Before
/// that a server's stream takes nothing to be written. Once a client has shown in it that it does not speak TLS, what is
/// read and written passes as it is, so that the client can be told. A stream whose peer ends it without saying so in
/// TLS (`close_notify`) has ended all the same: WebSocket has its own end, the Close.
pub struct TlsStream {
    transport: Box<dyn Transport>,
    session: Session,
    inbound: Mutex<Inbound>,
    outbound: Mutex<Outbound>,
    /// Whether the handshake has come to its end.
    is_secured: AtomicBool,
    /// Whether a server's client has begun with something else than TLS.
    is_plain: AtomicBool,
    is_nonblocking: AtomicBool,
}

/// What rustls knows of the connection.
pub(super) struct Session {
    /// Absent until a client has shown that it speaks TLS: who is turned away before costs nothing.
    known: OnceLock<Mutex<Connection>>,
    /// What a server's begins with.
    config: Option<Arc<ServerConfig>>,
}

impl Session {
    /// A server's, which begins when a client does.
    pub(super) const fn awaited(config: Arc<ServerConfig>) -> Self {
        Self {
            known: OnceLock::new(),
            config: Some(config),
        }
    }

    /// A client's.
    pub(super) fn begun(connection: Connection) -> Self {
        Self {
            known: OnceLock::from(Mutex::new(unlimited(connection))),
            config: None,
        }
    }

    /// Begins a server's, if it has not begun.
    fn begin(&self) -> io::Result<()> {
        if let (None, Some(config)) = (self.known.get(), &self.config) {
            let connection = ServerConnection::new(Arc::clone(config));
            let connection = connection.map_err(|error| words::failure(&error))?;
            let connection = unlimited(connection.into());
            let _ = self.known.set(Mutex::new(connection));
        }
        Ok(())
    }

    fn get(&self) -> Option<&Mutex<Connection>> {
        self.known.get()
    }
}

/// What is to be sealed is bounded by [`Outbound`], and leaves the session at once.
fn unlimited(mut connection: Connection) -> Connection {
    connection.set_buffer_limit(None);
    connection
}

impl TlsStream {
    /// Over a transport from which this has arrived already.
    pub(super) fn new(transport: Box<dyn Transport>, session: Session, arrived: Vec<u8>) -> Self {
        Self {
            transport,
            session,
            inbound: Mutex::new(Inbound::with(arrived)),
            outbound: Mutex::default(),
            is_secured: AtomicBool::new(false),
            is_plain: AtomicBool::new(false),
            is_nonblocking: AtomicBool::new(false),
        }
    }

    /// Finds something to read, and what `take` makes of it. `take` is called before anything is waited for: what the
    /// session has opened already must not have to wait for what the peer sends next.
    fn find(
        &self,
        session: &Mutex<Connection>,
        inbound: &mut Inbound,
        mut take: impl FnMut(&mut Connection) -> io::Result<Taken>,
    ) -> io::Result<usize> {
        for read in 0.. {
            match self.open(session, inbound, &mut take)? {
                Taken::All(0) => {}
                Taken::All(length) | Taken::Enough(length) => return Ok(length),
                Taken::End => return Ok(0),
            }
            // Looked at each time: another thread switches the mode for a moment, and what waits in that moment would
            // wait again and again.
            let most = match self.is_nonblocking.load(Ordering::Relaxed) {
                true => MOST_READS,
                false => 1,
            };
            if read >= most {
                break;
            }
            // Without the session: another thread can write meanwhile.
            match inbound.fill(&*self.transport) {
                Ok(0) => return Ok(0),
                Ok(_) => {}
                Err(error) if read > 0 && is_passing(&error) => break,
                Err(error) => return Err(error),
            }
        }
        // Part of a record has come. The caller looks at its deadline, and reads again.
        Err(io::ErrorKind::Interrupted.into())
    }

    /// Opens records, as long as there are some and `take` wants more.
    fn open(
        &self,
        mutex: &Mutex<Connection>,
        inbound: &mut Inbound,
        mut take: impl FnMut(&mut Connection) -> io::Result<Taken>,
    ) -> io::Result<Taken> {
        let mut session = lock(mutex);
        let mut length = 0;
        loop {
            match take(&mut session)? {
                Taken::All(more) => length += more,
                Taken::Enough(more) => return Ok(Taken::Enough(length + more)),
                Taken::End if length == 0 => return Ok(Taken::End),
                Taken::End => return Ok(Taken::All(length)),
            }
            if length == 0 {
                if let Some(failure) = inbound.failure.take() {
                    return Err(failure);
                }
            }
            if inbound.has_failed {
                inbound.discard();
            }
            if inbound.unopened().is_empty() {
                return Ok(Taken::All(length));
            }
            if let Err(failure) = feed(&mut session, inbound) {
                // What came before it is read first.
                inbound.failure = Some(failure);
                drop(session);
                self.try_to_say(mutex, |_| {});
                session = lock(mutex);
            }
        }
    }

    /// Lets the session say what the peer need not hear, such as why the connection ends, if that can be said at once.
    fn try_to_say(&self, session: &Mutex<Connection>, say: impl FnOnce(&mut Connection)) {
        let mut outbound = match self.outbound.try_lock() {
            Ok(outbound) => outbound,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // Of half a record the rest comes first, and that may wait.
        if outbound.is_empty() {
            let mut session = lock(session);
            say(&mut session);
            outbound.collect(&mut session);
            drop(session);
            let _ = outbound.send(&*self.transport);
        }
    }

    /// Says that nothing more comes (RFC 8446 §6.1).
    fn take_leave(&self) {
        let Some(session) = self.session.get() else {
            return;
        };
        // What does not fit in the system's buffer is lost: the Close has said it.
        let timeout = self.transport.set_write_timeout(Some(SHORTEST_TIMEOUT));
        if timeout.is_ok() {
            self.try_to_say(session, |session| session.send_close_notify());
        }
    }

    /// What the handshake has come to when something has arrived, or has been sent.
    fn step(&self, inbound: &mut Inbound) -> io::Result<bool> {
        if self.session.get().is_none() {
            self.greet(inbound)?;
        }
        let session = self.session.get().expect("it has begun");
        let mut outbound = lock(&self.outbound);
        if outbound.is_empty() {
            outbound.collect(&mut lock(session));
        }
        match outbound.send(&*self.transport)? {
            None => {}
            Some(Unsent::Some) => return Ok(false),
            Some(Unsent::NothingTaken) => return Err(io::ErrorKind::WriteZero.into()),
        }
        drop(outbound);
        if !lock(session).is_handshaking() {
            return Ok(true);
        }
        if inbound.unopened().is_empty() && inbound.fill(&*self.transport)? == 0 {
            return Err(left_early());
        }
        let fed = feed(&mut lock(session), inbound);
        if fed.is_err() {
            self.try_to_say(session, |_| {});
        }
        fed.map(|()| false)
    }

    /// Begins a server's session, if the first byte is one of TLS.
    fn greet(&self, inbound: &mut Inbound) -> io::Result<()> {
        match inbound.fill(&*self.transport) {
            Ok(1..) => {}
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error),
            Ok(0) | Err(_) => {
                let problem = "the peer left without a word";
                return Err(io::Error::new(io::ErrorKind::ConnectionAborted, problem));
            }
        }
        if inbound.unopened().first() != Some(&HANDSHAKE) {
            self.is_plain.store(true, Ordering::Relaxed);
            let problem = SpeaksPlainly(inbound.unopened().to_vec());
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        self.session.begin()
    }
}

/// What there was for who reads.
enum Taken {
    /// So many bytes were all, or none. There is room for more.
    All(usize),
    /// There is no room for more than these.
    Enough(usize),
    End,
}

/// Gives the session as many of the records as it takes at once: there is nothing left in it to read.
fn feed(session: &mut Connection, inbound: &mut Inbound) -> io::Result<()> {
    let fed = session
        .read_tls(&mut inbound.unopened())
        .and_then(|length| {
            let opened = session.process_new_packets();
            opened.map_err(|error| words::failure(&error))?;
            Ok(length)
        });
    match fed {
        // What comes after a close_notify counts no more.
        Ok(0) => inbound.discard(),
        Ok(length) => inbound.opened += length,
        Err(_) => inbound.has_failed = true,
    }
    fed.map(drop)
}

/// Moves what was opened into the buffers, of which what is left is still to be filled.
fn take(session: &mut Connection, buffers: &mut &mut [IoSliceMut<'_>]) -> io::Result<Taken> {
    let mut reader = session.reader();
    let mut length = 0;
    IoSliceMut::advance_slices(buffers, 0);
    while let Some(room) = buffers.first_mut() {
        match reader.read(room) {
            Ok(0) if length == 0 => return Ok(Taken::End),
            Ok(0) => return Ok(Taken::All(length)),
            Ok(read) => {
                length += read;
                IoSliceMut::advance_slices(buffers, read);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(Taken::All(length));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Taken::Enough(length))
}

/// Whether there is something to be read, or the end.
fn peek(session: &mut Connection) -> io::Result<Taken> {
    match session.reader().into_first_chunk() {
        Ok([]) => Ok(Taken::End),
        Ok(_) => Ok(Taken::Enough(1)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Taken::All(0)),
        Err(error) => Err(error),
    }
}

impl Transport for TlsStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_vectored(&mut [IoSliceMut::new(buffer)])
    }

    fn read_vectored(&self, mut buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let Some(session) = self.session.get() else {
            return self.transport.read_vectored(buffers);
        };
        self.find(session, &mut lock(&self.inbound), |session| {
            take(session, &mut buffers)
        })
    }

    /// Any byte from the peer counts that waits while another thread reads: that one opens it.
    fn peek(&self) -> io::Result<usize> {
        let Some(session) = self.session.get() else {
            return self.transport.peek();
        };
        let mut inbound = match self.inbound.try_lock() {
            Ok(inbound) => inbound,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.transport.peek(),
        };
        self.find(session, &mut inbound, peek)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// What was sealed counts as written when all of it has left. Until then the same bytes come again, as whoever
    /// uses a transport has promised.
    fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(session) = self.session.get() else {
            return match self.is_plain.load(Ordering::Relaxed) {
                true => self.transport.write_vectored(slices),
                false => Err(no_handshake()),
            };
        };
        if slices.iter().all(|slice| slice.is_empty()) {
            return Ok(0);
        }
        let mut outbound = lock(&self.outbound);
        loop {
            if outbound.is_empty() {
                outbound.seal(&mut lock(session), slices)?;
            }
            match outbound.send(&*self.transport)? {
                // Before these bytes something else was left to be said.
                None if outbound.sealed == 0 => {}
                None => return Ok(mem::take(&mut outbound.sealed)),
                // The caller looks at its deadline, and writes again.
                Some(Unsent::Some) => return Err(io::ErrorKind::Interrupted.into()),
                Some(Unsent::NothingTaken) => return Ok(0),
            }
        }
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_write_timeout(timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.is_nonblocking.store(is_nonblocking, Ordering::Relaxed);
        self.transport.set_nonblocking(is_nonblocking)
    }

    fn send_at_once(&self) -> io::Result<()> {
        self.transport.send_at_once()
    }

    fn handshake(&self) -> io::Result<bool> {
        // TLS that this one carries asks at each step of its own. What is half written by then is not for this to send.
        if self.is_secured.load(Ordering::Relaxed) {
            return Ok(true);
        }
        if !self.transport.handshake()? {
            return Ok(false);
        }
        let is_secured = self.step(&mut lock(&self.inbound))?;
        self.is_secured.store(is_secured, Ordering::Relaxed);
        Ok(is_secured)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how == Shutdown::Write {
            self.take_leave();
        }
        self.transport.shutdown(how)
    }

    fn secured_by(&self) -> Option<String> {
        let session = lock(self.session.get()?);
        let version = match session.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
            rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3",
            _ => "TLS",
        };
        let cipher = session.negotiated_cipher_suite()?.suite();
        Some(format!("{version}, {cipher:?}"))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.transport.local_addr()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.transport.peer_addr()
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}

/// A peer that began with something else than TLS: this.
#[derive(Debug)]
struct SpeaksPlainly(Vec<u8>);

impl fmt::Display for SpeaksPlainly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client does not speak TLS")
    }
}

impl std::error::Error for SpeaksPlainly {}

/// What a peer has said in the clear, if a handshake failed because of that: it can be answered in the clear.
pub(in crate::net) fn said_plainly(error: &io::Error) -> Option<&[u8]> {
    let SpeaksPlainly(said) = error.get_ref()?.downcast_ref()?;
    Some(said)
}

/// Never in the clear what was to be secured.
fn no_handshake() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotConnected,
        "TLS has not begun: a transport around this one has to hand `handshake` on",
    )
}

fn left_early() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the peer ended the connection in the midst of the handshake",
    )
}

/// A thread that panics has left a session in a state that rustls answers for.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
