//! Something to wait for until a test lets it happen.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::raw::PATIENCE;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex};

const UNPOISONED: &str = "no thread panics while it holds this";

/// Closed until a test opens it. Clones are the same gate.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn opened() -> Self {
        let gate = Self::default();
        gate.open();
        gate
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().expect(UNPOISONED) = true;
        self.0.1.notify_all();
    }

    pub(crate) fn close(&self) {
        *self.0.0.lock().expect(UNPOISONED) = false;
    }

    /// Waits until it is open. A test that never opens it has failed long before this gives up.
    pub(crate) fn wait(&self) {
        let is_open = self.0.0.lock().expect(UNPOISONED);
        drop(
            self.0
                .1
                .wait_timeout_while(is_open, PATIENCE * 2, |is_open| !*is_open),
        );
    }

    /// A stream that is read only while the gate is open. The process at the other end of a pipe waits
    /// once the pipe is full: after 64 KiB on Linux.
    pub(crate) fn before<R: Read>(&self, stream: R) -> Gated<R> {
        Gated {
            gate: self.clone(),
            stream,
        }
    }
}

/// From [`Gate::before`].
pub(crate) struct Gated<R> {
    gate: Gate,
    stream: R,
}

impl<R: Read> Read for Gated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.gate.wait();
        self.stream.read(buffer)
    }
}
