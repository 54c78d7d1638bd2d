//! What can carry a WebSocket connection: TCP, Unix sockets, and whatever else behaves like them.
//!
//! This is the only file that reads from a socket or writes to one.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::{fd::OwnedFd, unix::net::UnixStream};
use std::time::Duration;

/// A stream of bytes to a peer and back, such as a socket: what [`accept`](crate::accept) and
/// [`Client::over`](crate::Client::over) take.
///
/// A [`TcpStream`] is one, and so is a `UnixStream`. Implement it for TLS of your own, a tunnel, or a pair of
/// queues in memory. Six calls are needed; the others have defaults for what not every stream has.
///
/// # Threads
///
/// All calls take `&self`, and each may come from any thread at any time. One thread waits in a read while another
/// waits in a write, so neither may hold a lock that the other needs, and a call to set something, or
/// [`shutdown`](Self::shutdown), must not wait for either. At most one thread reads at a time, and at most one writes,
/// [`peek`](Self::peek) aside.
///
/// Some of the calls are made under a lock of the connection, and some by the thread that looks after all connections
/// of the process. So none may use the connection that the stream carries, and none, dropping included, may wait for
/// longer than it is told to.
///
/// # Waiting
///
/// Two time-outs and one mode, which belong to the stream and not to a thread, say how long a call waits. They are
/// set before each call that needs others, so what they were before the stream was handed over does not matter. A
/// call that finds nothing to read, or no room to write, in its time fails with [`io::ErrorKind::WouldBlock`] or
/// [`io::ErrorKind::TimedOut`]. Deadlines are only as good as this: a call that waits on holds its caller.
///
/// Time-outs need not be exact. A call may come back early with one of these errors, or with
/// [`io::ErrorKind::Interrupted`]: the caller looks at its deadline and calls again. A read that fails with that kind
/// and no error of the system has heard something of the peer, which cannot be read yet: the peer is alive.
///
/// # Errors
///
/// The three kinds above mean that nothing has happened, and that the same call may be made again. A write that failed
/// so is made again with the same bytes, and perhaps more behind them. Any other error ends the connection, and a
/// [`WebSocket`](crate::WebSocket) hands it on as [`Error::Io`](crate::Error::Io). So does a panic in a call, and a number
/// of bytes that is greater than what was asked for.
///
/// ```
/// use plainws::Transport;
/// use std::io;
/// use std::net::{Shutdown, TcpStream};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// /// Counts what is read.
/// struct Metered(TcpStream, AtomicU64);
///
/// impl Transport for Metered {
///     fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
///         let length = self.0.read(buffer)?;
///         self.1.fetch_add(length as u64, Ordering::Relaxed);
///         Ok(length)
///     }
///     fn write(&self, bytes: &[u8]) -> io::Result<usize> {
///         self.0.write(bytes)
///     }
///     fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
///         self.0.set_read_timeout(timeout)
///     }
///     fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
///         self.0.set_write_timeout(timeout)
///     }
///     fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
///         self.0.set_nonblocking(is_nonblocking)
///     }
///     fn shutdown(&self, how: Shutdown) -> io::Result<()> {
///         self.0.shutdown(how)
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// Reads what is there, or waits for it as long as the [time-out](Self::set_read_timeout) allows. 0 means that the
    /// peer has ended its side. The buffer is never empty.
    ///
    /// # Errors
    ///
    /// See [above](Self#errors).
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Reads into several buffers, one after the other. By default it fills the first that is not empty.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let first = buffers.iter_mut().find(|buffer| !buffer.is_empty());
        first.map_or(Ok(0), |buffer| self.read(buffer))
    }

    /// Waits as a read of one byte does and returns the same, and leaves the byte to be read: 1, or 0 at the end.
    /// It may be called while another thread waits in a read.
    ///
    /// By default it fails with [`io::ErrorKind::Unsupported`], for a stream that cannot tell. That costs little:
    /// what a peer sends to a busy handler is read earlier, to learn that the peer is alive, and in a log a peer that
    /// left just before us may count as one that we left.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn peek(&self) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Writes as many of the bytes as there is room for, at least one; waits for room as long as the
    /// [time-out](Self::set_write_timeout) allows. The bytes are never empty, and 0 counts as a failure.
    ///
    /// What was taken must leave without another call: nobody flushes.
    ///
    /// # Errors
    ///
    /// See [above](Self#errors).
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Writes several pieces, one after the other. By default it writes from the first that is not empty.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = pieces.iter().find(|piece| !piece.is_empty());
        first.map_or(Ok(0), |piece| self.write(piece))
    }

    /// Limits how long each read waits that begins from now on: at least a millisecond. With `None` it waits without
    /// a limit.
    ///
    /// # Errors
    ///
    /// Ends the connection.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Limits how long each write waits that begins from now on, likewise.
    ///
    /// # Errors
    ///
    /// Ends the connection.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Makes calls fail at once where they would wait, whatever the time-outs, or makes them wait again. A call that
    /// waits already, in another thread, may go on waiting or fail at once.
    ///
    /// # Errors
    ///
    /// Ends the connection.
    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()>;

    /// Lets small writes leave at once, where they would be held back to be gathered (`TCP_NODELAY`): frames are
    /// gathered already. Called once, first of all. By default there is nothing to do.
    ///
    /// # Errors
    ///
    /// Ends the connection.
    fn send_at_once(&self) -> io::Result<()> {
        Ok(())
    }

    /// Does what has to be done before bytes can pass, such as the handshake of TLS: one step of it. Returns whether
    /// all is done. It is called again until then, with both time-outs set and before anything is read or written, in
    /// the time in which the opening handshake has to begin ([`Limits::head_timeout`](crate::Limits::head_timeout),
    /// [`Client::timeout`](crate::Client::timeout)). By default there is nothing to do. A transport around another one
    /// hands the call on: TLS in it does not begin otherwise.
    ///
    /// # Errors
    ///
    /// See [above](Self#errors); one that ends the connection is handed on as [`Error::Tls`](crate::Error::Tls).
    fn handshake(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Ends one direction or both, and wakes the threads that wait in it: their reads return 0, or any call fails.
    ///
    /// [`Shutdown::Write`] lets what was written arrive, and then the end. The stream is dropped when no thread uses
    /// it any more, after [`Shutdown::Both`] as a rule.
    ///
    /// # Errors
    ///
    /// Count as the end too.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// What keeps others from reading and changing the bytes on their way, such as `TLS 1.3, TLS13_AES_256_GCM_SHA384`,
    /// for [`WebSocket::secured_by`](crate::WebSocket::secured_by); by default nothing does. It is asked for after the
    /// [handshake](Self::handshake) only. A transport around another one hands this call on too: what is not known to
    /// be secured lets pages of `http:` of the same host connect.
    fn secured_by(&self) -> Option<String> {
        None
    }

    /// The address of this end, for [`WebSocket::local_addr`](crate::WebSocket::local_addr); by default there is none.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// The address of the other end, for [`WebSocket::peer_addr`](crate::WebSocket::peer_addr); by default there is
    /// none. It is asked for once, at the start.
    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport for TcpStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut { self }, buffer)
    }

    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        io::Read::read_vectored(&mut { self }, buffers)
    }

    fn peek(&self) -> io::Result<usize> {
        Self::peek(self, &mut [0])
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut { self }, bytes)
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut { self }, pieces)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, is_nonblocking)
    }

    fn send_at_once(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Self::local_addr(self).ok()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        Self::peer_addr(self).ok()
    }
}

#[cfg(unix)]
impl Transport for UnixStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut { self }, buffer)
    }

    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        io::Read::read_vectored(&mut { self }, buffers)
    }

    /// std's type for a Unix socket cannot peek, but the call that TCP's makes is the system's for sockets of any
    /// kind.
    fn peek(&self) -> io::Result<usize> {
        let Ok(socket) = self.try_clone() else {
            // No descriptor is left.
            return Err(io::ErrorKind::Unsupported.into());
        };
        TcpStream::from(OwnedFd::from(socket)).peek(&mut [0])
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut { self }, bytes)
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        io::Write::write_vectored(&mut { self }, pieces)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, is_nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }
}
