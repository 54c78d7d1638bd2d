//! Records of TLS on their way: as they came, and as they are to leave.

use crate::net::transport::Transport;
use rustls::Connection;
use std::io::{self, IoSlice, Write as _};

/// Room in which a read waits. A connection that is at rest holds no more.
const SMALL: usize = 4 * 1024;
/// Room for the read after one that filled its own: more is there, as a rule.
const LARGE: usize = 64 * 1024;
/// Most plaintext that is sealed at once, and so held until the peer has taken it.
const MOST_SEALED: usize = 64 * 1024;

/// Records as they came.
#[derive(Default)]
pub(super) struct Inbound {
    buffer: Vec<u8>,
    /// How many of its bytes are there, and how many of these the session has.
    pub(super) length: usize,
    pub(super) opened: usize,
    /// Whether the last read filled the buffer.
    was_filled: bool,
    /// Whether the session has failed. What comes after that is nothing that could be read.
    pub(super) has_failed: bool,
    /// With what. It is told once, when all that came before it has been read.
    pub(super) failure: Option<io::Error>,
}

impl Inbound {
    pub(super) fn with(arrived: Vec<u8>) -> Self {
        Self {
            length: arrived.len(),
            buffer: arrived,
            ..Self::default()
        }
    }

    pub(super) fn unopened(&self) -> &[u8] {
        self.buffer
            .get(self.opened..self.length)
            .unwrap_or_default()
    }

    pub(super) const fn discard(&mut self) {
        self.opened = self.length;
    }

    /// Waits for more, once all there was has been opened. 0 is the end.
    pub(super) fn fill(&mut self, transport: &dyn Transport) -> io::Result<usize> {
        let room = if self.was_filled { LARGE } else { SMALL };
        if self.buffer.len() != room {
            self.buffer = vec![0; room];
        }
        (self.length, self.opened, self.was_filled) = (0, 0, false);
        self.length = transport.read(&mut self.buffer)?;
        self.was_filled = self.length == room;
        Ok(self.length)
    }
}

/// Records that are to be sent.
#[derive(Default)]
pub(super) struct Outbound {
    pub(super) records: Vec<u8>,
    sent: usize,
    /// How many of the caller's bytes are in them.
    pub(super) sealed: usize,
}

impl Outbound {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes what the session has to say.
    pub(super) fn collect(&mut self, session: &mut Connection) {
        while session.wants_write() {
            // Into memory this does not fail.
            if session.write_tls(&mut self.records).is_err() {
                return;
            }
        }
    }

    /// Seals some of the caller's bytes.
    pub(super) fn seal(
        &mut self,
        session: &mut Connection,
        slices: &[IoSlice<'_>],
    ) -> io::Result<()> {
        for slice in slices {
            let length = slice.len().min(MOST_SEALED - self.sealed);
            session.writer().write_all(&slice[..length])?;
            self.sealed += length;
        }
        self.collect(session);
        Ok(())
    }

    /// Writes once. `None` when all has left by that; then nothing is held any more.
    pub(super) fn send(&mut self, transport: &dyn Transport) -> io::Result<Option<Unsent>> {
        let unsent = self.records.get(self.sent..).unwrap_or_default();
        if !unsent.is_empty() {
            let length = transport.write(unsent)?;
            if length == 0 {
                return Ok(Some(Unsent::NothingTaken));
            }
            self.sent += length;
        }
        if self.sent < self.records.len() {
            return Ok(Some(Unsent::Some));
        }
        (self.records, self.sent) = (Vec::new(), 0);
        Ok(None)
    }
}

/// Why records are left after a write.
pub(super) enum Unsent {
    Some,
    /// The transport takes none any more.
    NothingTaken,
}
