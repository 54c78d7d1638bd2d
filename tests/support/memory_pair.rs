//! A stream without a socket: two queues in memory. It offers what a [`Transport`] must, and no more.
#![allow(dead_code, reason = "each test program uses some of these")]

use plainws::Transport;
use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Bytes that a queue holds: less than most messages here, so that who writes must wait for who reads.
const ROOM: usize = 64 * 1024;
const UNPOISONED: &str = "no thread panics while it holds this";

/// One end.
pub(crate) struct End {
    incoming: Arc<Queue>,
    outgoing: Arc<Queue>,
    read_timeout: Mutex<Option<Duration>>,
    write_timeout: Mutex<Option<Duration>>,
    is_nonblocking: AtomicBool,
}

#[derive(Default)]
struct Queue {
    queued: Mutex<Queued>,
    changed: Condvar,
}

#[derive(Default)]
struct Queued {
    bytes: VecDeque<u8>,
    has_ended: bool,
}

/// Both ends.
pub(crate) fn memory_pair() -> (End, End) {
    let (one, other) = (Arc::default(), Arc::default());
    (End::new(&one, &other), End::new(&other, &one))
}

impl End {
    fn new(incoming: &Arc<Queue>, outgoing: &Arc<Queue>) -> Self {
        Self {
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            read_timeout: Mutex::default(),
            write_timeout: Mutex::default(),
            is_nonblocking: AtomicBool::default(),
        }
    }

    /// Waits for as long as it may until `call` gives something.
    fn wait(
        &self,
        queue: &Queue,
        timeout: &Mutex<Option<Duration>>,
        mut call: impl FnMut(&mut Queued) -> Option<io::Result<usize>>,
    ) -> io::Result<usize> {
        let timeout = *timeout.lock().expect(UNPOISONED);
        let began = Instant::now();
        let mut queued = queue.queued();
        loop {
            if let Some(done) = call(&mut queued) {
                queue.changed.notify_all();
                return done;
            }
            let left = timeout.map_or(Duration::MAX, |timeout| {
                timeout.saturating_sub(began.elapsed())
            });
            if self.is_nonblocking.load(Ordering::Relaxed) || left.is_zero() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let waited = queue.changed.wait_timeout(queued, left);
            queued = waited.expect(UNPOISONED).0;
        }
    }
}

impl Queue {
    fn queued(&self) -> MutexGuard<'_, Queued> {
        self.queued.lock().expect(UNPOISONED)
    }

    fn end(&self) {
        self.queued().has_ended = true;
        self.changed.notify_all();
    }
}

impl Transport for End {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(&self.incoming, &self.read_timeout, |queued| {
            let is_ready = !queued.bytes.is_empty() || queued.has_ended;
            is_ready.then(|| queued.bytes.read(buffer))
        })
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(&self.outgoing, &self.write_timeout, |queued| {
            if queued.has_ended {
                return Some(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let length = bytes.len().min(ROOM - queued.bytes.len());
            queued.bytes.extend(&bytes[..length]);
            (length > 0).then_some(Ok(length))
        })
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        *self.read_timeout.lock().expect(UNPOISONED) = timeout;
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        *self.write_timeout.lock().expect(UNPOISONED) = timeout;
        Ok(())
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.is_nonblocking.store(is_nonblocking, Ordering::Relaxed);
        Ok(())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Write {
            self.incoming.end();
        }
        if how != Shutdown::Read {
            self.outgoing.end();
        }
        Ok(())
    }
}

/// As a socket does when it is closed.
impl Drop for End {
    fn drop(&mut self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}
