//! One connection through the proxy: two sockets, and a thread for each direction.
//!
//! A thread holds no more than what one read gave it. It shows that, writes it, and only then reads more: a side
//! that does not read makes the other one wait, as it would without a proxy. It is shown first because otherwise an
//! answer might be shown before what it answers.

use super::watcher::Watcher;
use crate::app::judge::exchange::End;
use plainws::Role;
use socket2::SockRef;
use std::io::{self, Read as _, Write as _};
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

/// One of the two sockets.
struct Side {
    stream: TcpStream,
    /// Whether its peer has reset it: nothing more comes from there, and nothing gets there.
    is_lost: AtomicBool,
    /// Whether it is to be reset when it is closed, because the other one was.
    is_to_be_reset: AtomicBool,
}

impl Relay {
    pub(super) fn new(client: TcpStream, server: TcpStream, watcher: Watcher) -> Self {
        Self {
            client: Side::new(client),
            server: Side::new(server),
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
            let _ = side.stream.shutdown(Shutdown::Both);
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
            End::Fin => drop(to.stream.shutdown(Shutdown::Write)),
            End::Reset => to.reset(),
        }
    }

    /// How `from` ended; `None` if `to` takes no more before that.
    fn copy(&self, sender: Role, from: &Side, to: &Side) -> Option<End> {
        let mut buffer = [0; PIECE];
        loop {
            let length = match (&from.stream).read(&mut buffer) {
                // Of a reset only one is told who reads or writes. The other finds an end.
                Ok(0) if from.is_lost.load(Ordering::SeqCst) => return Some(End::Reset),
                Ok(0) => return Some(End::Fin),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Some(End::Reset),
            };
            let bytes = &buffer[..length];
            self.watcher().passed(sender, bytes);
            if (&to.stream).write_all(bytes).is_err() {
                // What it has sent before is still to be read, by the other thread, which then passes the loss on.
                to.is_lost.store(true, Ordering::SeqCst);
                let _ = to.stream.shutdown(Shutdown::Read);
                return None;
            }
        }
    }

    fn watcher(&self) -> MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        // Bytes pass when they come. A socket that cannot be set so is dead.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            is_lost: AtomicBool::new(false),
            is_to_be_reset: AtomicBool::new(false),
        }
    }

    /// Sees to it that the peer gets a reset when the socket is closed, and wakes who reads.
    fn reset(&self) {
        self.is_to_be_reset.store(true, Ordering::SeqCst);
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}
