//! One connection through the proxy: two streams, and a thread for each direction.
//!
//! A thread holds no more than what one read gave it. It shows that, writes it, and only then reads more: a side
//! that does not read makes the other one wait, as it would without a proxy. It is shown first because otherwise an
//! answer might be shown before what it answers.

use super::watcher::Watcher;
use crate::app::judge::exchange::End;
use plainws::{Role, Transport};
use socket2::SockRef;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that one read takes at most.
const PIECE: usize = 16 * 1024;

pub(super) struct Relay {
    client: Side,
    server: Side,
    watcher: Mutex<Watcher>,
    /// Whether the proxy itself ends it.
    is_cut: AtomicBool,
}

/// One of the two streams.
struct Side {
    socket: TcpStream,
    /// What the bytes go through, where that is not the socket itself.
    secured: Option<Box<dyn Transport>>,
    /// Whether its peer has reset it: nothing more comes from there, and nothing gets there.
    is_lost: AtomicBool,
    /// Whether it is to be reset when it is closed, because the other one was.
    is_to_be_reset: AtomicBool,
}

impl Relay {
    /// The server's bytes go through `secured`, if that is given: over another handle of its socket.
    pub(super) fn new(
        client: TcpStream,
        server: TcpStream,
        secured: Option<Box<dyn Transport>>,
        watcher: Watcher,
    ) -> Self {
        Self {
            client: Side::new(client, None),
            server: Side::new(server, secured),
            watcher: Mutex::new(watcher),
            is_cut: AtomicBool::new(false),
        }
    }

    /// Passes on what comes from either side until both have ended.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub(super) fn run(&self) -> io::Result<()> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("plainws proxy <".into());
            thread.spawn_scoped(scope, || self.pass(Role::Server))?;
            self.pass(Role::Client);
            Ok::<_, io::Error>(())
        })?;
        self.watcher().close();
        Ok(())
    }

    /// Ends both sides at once.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for side in [&self.client, &self.server] {
            let _ = side.stream().shutdown(Shutdown::Both);
        }
    }

    /// One direction, to its end.
    fn pass(&self, sender: Role) {
        let (from, to) = match sender {
            Role::Client => (&self.client, &self.server),
            Role::Server => (&self.server, &self.client),
        };
        let Some(end) = self.copy(sender, from, to) else {
            return;
        };
        if self.is_cut.load(Ordering::SeqCst) || from.is_to_be_reset.load(Ordering::SeqCst) {
            // That is no end of its own.
            return;
        }
        self.watcher().ended(sender, end);
        match end {
            End::Fin => drop(to.stream().shutdown(Shutdown::Write)),
            End::Reset => to.reset(),
        }
    }

    /// How `from` ended; `None` if `to` takes no more before that.
    fn copy(&self, sender: Role, from: &Side, to: &Side) -> Option<End> {
        let mut buffer = [0; PIECE];
        loop {
            let length = match read(from.stream(), &mut buffer) {
                // Of a reset only one is told who reads or writes. The other finds an end.
                Ok(0) if from.is_lost.load(Ordering::SeqCst) => return Some(End::Reset),
                Ok(0) => return Some(End::Fin),
                Ok(length) => length,
                Err(error) => {
                    self.watcher().broke_off(sender, &error);
                    return Some(End::Reset);
                }
            };
            let bytes = &buffer[..length];
            self.watcher().passed(sender, bytes);
            if write_all(to.stream(), bytes).is_err() {
                // What it has sent before is still to be read, by the other thread, which then passes the loss on.
                to.is_lost.store(true, Ordering::SeqCst);
                let _ = to.stream().shutdown(Shutdown::Read);
                return None;
            }
        }
    }

    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Side {
    fn new(socket: TcpStream, secured: Option<Box<dyn Transport>>) -> Self {
        // Bytes pass when they come. A socket that cannot be set so is dead.
        let _ = socket.set_nodelay(true);
        Self {
            socket,
            secured,
            is_lost: AtomicBool::new(false),
            is_to_be_reset: AtomicBool::new(false),
        }
    }

    fn stream(&self) -> &dyn Transport {
        self.secured.as_deref().unwrap_or(&self.socket)
    }

    /// Sees to it that the peer gets a reset when the socket is closed, and wakes who reads.
    fn reset(&self) {
        self.is_to_be_reset.store(true, Ordering::SeqCst);
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        let _ = self.stream().shutdown(Shutdown::Read);
    }
}

/// Waits until there is something to pass on.
fn read(from: &dyn Transport, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if is_passing(&error) => {}
            result => return result,
        }
    }
}

/// Waits until all is taken. A write that failed may have taken the beginning of a record, so it is made again with
/// the same bytes.
fn write_all(to: &dyn Transport, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match to.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => rest = rest.get(length..).unwrap_or_default(),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a call may simply be made again. No time-out is set here: where one is told, TCP has given the peer up.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Plays what its calls come to.
    struct Played(Mutex<Calls>);

    struct Calls {
        results: VecDeque<io::Result<usize>>,
        /// What each write was given.
        written: Vec<Vec<u8>>,
    }

    impl Played {
        fn new(results: impl IntoIterator<Item = io::Result<usize>>) -> Self {
            Self(Mutex::new(Calls {
                results: results.into_iter().collect(),
                written: Vec::new(),
            }))
        }

        fn next(&self) -> io::Result<usize> {
            let next = self.0.lock().unwrap().results.pop_front();
            next.expect("no further call is made")
        }

        fn written(&self) -> Vec<Vec<u8>> {
            self.0.lock().unwrap().written.clone()
        }
    }

    impl Transport for Played {
        fn read(&self, _: &mut [u8]) -> io::Result<usize> {
            self.next()
        }

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().written.push(bytes.into());
            self.next()
        }

        fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_nonblocking(&self, _: bool) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&self, _: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    fn failed(kind: io::ErrorKind) -> io::Result<usize> {
        Err(kind.into())
    }

    #[test]
    fn a_read_in_which_part_of_a_record_came_is_made_again() {
        let parts = [io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock].map(failed);
        let stream = Played::new(parts.into_iter().chain([Ok(3)]));
        assert_eq!(read(&stream, &mut [0; 8]).unwrap(), 3);
        let lost = [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut];
        for kind in lost {
            let error = read(&Played::new([failed(kind)]), &mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), kind);
        }
    }

    #[test]
    fn a_write_that_failed_is_made_again_with_the_same_bytes() {
        let stream = Played::new([
            failed(io::ErrorKind::WouldBlock),
            failed(io::ErrorKind::Interrupted),
            Ok(2),
            failed(io::ErrorKind::WouldBlock),
            Ok(3),
        ]);
        write_all(&stream, b"Hello").unwrap();
        let written = stream.written();
        assert_eq!(written, [&b"Hello"[..], b"Hello", b"Hello", b"llo", b"llo"]);
        for (result, kind) in [
            (Ok(0), io::ErrorKind::WriteZero),
            (failed(io::ErrorKind::BrokenPipe), io::ErrorKind::BrokenPipe),
        ] {
            let error = write_all(&Played::new([result]), b"Hello").unwrap_err();
            assert_eq!(error.kind(), kind);
        }
    }
}
