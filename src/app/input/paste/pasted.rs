//! What was understood of a text: connections, and what should be said about them.

use crate::app::input::stream::{Connection, Cut, Stream, begins_a_head, head_upgrades};
use plainws::Role;
use plainws::protocol::frame::{Byte0, Byte1, Opcode};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a text says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pasted {
    /// By their numbers.
    connections: BTreeMap<u64, Connection>,
    /// What to tell people beside the verdict.
    pub(crate) notes: Vec<String>,
}

/// What is known of a piece beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    /// The number of its connection.
    pub(super) connection: u64,
    pub(super) sender: Option<Role>,
    /// Its place among all pieces.
    pub(super) number: u64,
    pub(super) time: Option<Duration>,
}

impl Pasted {
    /// The bytes of one stream, whose sender is not known.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let connection = Connection::of(Stream::new(None, bytes));
        Self {
            connections: BTreeMap::from([(0, connection)]),
            notes: Vec::new(),
        }
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what was sent next. `word` says what its number counts, such as "line".
    pub(super) fn push(&mut self, piece: Piece, word: &'static str, bytes: &[u8]) {
        let connection = self.connections.entry(piece.connection);
        let connection = connection.or_insert_with(|| Connection {
            name: None,
            piece: word,
            streams: Vec::new(),
        });
        let stream = stream(&mut connection.streams, piece.sender);
        stream.cuts.push(Cut {
            offset: stream.bytes.len(),
            number: Some(piece.number),
            time: piece.time,
        });
        stream.bytes.extend_from_slice(bytes);
    }

    /// The bytes, if they are all that is known.
    pub(crate) fn alone(&self) -> Option<&[u8]> {
        let connection = self
            .connections
            .get(&0)
            .filter(|_| self.connections.len() == 1)?;
        match &*connection.streams {
            [stream] if stream.sender.is_none() => Some(&stream.bytes),
            _ => None,
        }
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Calls a connection by what tells it from others.
    pub(super) fn name(&mut self, connection: u64, name: String) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.name = Some(name);
        }
    }

    /// Leaves out the connections of ordinary HTTP, such as those for a page beside its WebSocket; all are kept where
    /// there is nothing else.
    pub(super) fn without_ordinary_http(mut self) -> Self {
        let is_ordinary = |connection: &Connection| {
            let mut heads = connection.streams.iter().map(|stream| &*stream.bytes);
            // The client's comes first: a refusal has no such header, and is judged.
            let first = heads.find(|bytes| begins_a_head(bytes));
            first.and_then(head_upgrades) == Some(false) && !is_switched_later(connection)
        };
        if self.connections.values().all(is_ordinary) {
            return self;
        }
        let before = self.connections.len();
        self.connections
            .retain(|_, connection| !is_ordinary(connection));
        match before - self.connections.len() {
            0 => self,
            1 => self.with_note("1 connection of ordinary HTTP is left out"),
            count => self.with_note(format!("{count} connections of ordinary HTTP are left out")),
        }
    }

    /// All connections that have bytes, in the order of their numbers.
    pub(crate) fn into_connections(self) -> Vec<Connection> {
        self.connections.into_values().collect()
    }

    /// All bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let connections = self.connections.into_values();
        let streams = connections.flat_map(|connection| connection.streams);
        streams.flat_map(|stream| stream.bytes).collect()
    }
}

/// Whether a 101 comes after other responses on the same connection.
fn is_switched_later(connection: &Connection) -> bool {
    let is_101 = |bytes: &[u8]| bytes == b"HTTP/1.1 101 ";
    let mut streams = connection.streams.iter();
    streams.any(|stream| stream.bytes.windows(13).any(is_101))
}

/// The stream of a sender; the client's comes first.
fn stream(streams: &mut Vec<Stream>, sender: Option<Role>) -> &mut Stream {
    let at = streams.iter().position(|stream| stream.sender == sender);
    let at = at.unwrap_or_else(|| {
        let at = if sender == Some(Role::Server) {
            streams.len()
        } else {
            0
        };
        streams.insert(at, Stream::new(sender, Vec::new()));
        at
    });
    &mut streams[at]
}

/// Whether a stream may begin with these bytes: with a head, or with a frame that is legal in its first byte, one
/// of a message that is compressed included.
pub(super) fn can_begin(bytes: &[u8]) -> bool {
    let Some(&first) = bytes.first() else {
        return false;
    };
    let byte0 = Byte0::read(first);
    let is_frame = Opcode::from_bits(byte0.opcode)
        .is_some_and(|opcode| byte0.rsv == 0 || byte0.rsv == 0b100 && !opcode.is_control());
    is_frame || begins_a_head(bytes)
}

/// How likely a stream begins with these bytes, to compare two readings: surely with a head, or with a frame that is
/// the last of its message; less so with another frame.
pub(super) fn likeliness(bytes: &[u8]) -> u8 {
    let is_last = bytes.first().is_some_and(|&first| Byte0::read(first).fin);
    u8::from(can_begin(bytes)) * (1 + u8::from(is_last || begins_a_head(bytes)))
}

/// Who sent these bytes, if their beginning shows it: a head, or the mask of a first frame.
pub(super) fn likely_sender(bytes: &[u8]) -> Option<Role> {
    if begins_a_head(bytes) {
        let is_response = bytes.starts_with(b"HTTP/");
        return Some(if is_response {
            Role::Server
        } else {
            Role::Client
        });
    }
    let byte1 = bytes.get(1).filter(|_| can_begin(bytes))?;
    let is_masked = Byte1::read(*byte1).mask;
    Some(if is_masked {
        Role::Client
    } else {
        Role::Server
    })
}

/// Who sent what, of two ends of which only the first bytes are known: the first is the client unless these
/// show otherwise.
pub(super) fn roles(first: &[u8], second: &[u8]) -> [Role; 2] {
    let of_first = likely_sender(first);
    let of_second = likely_sender(second).map(Role::peer);
    // A head is surer than a mask.
    let role = if begins_a_head(second) && !begins_a_head(first) {
        of_second.or(of_first)
    } else {
        of_first.or(of_second)
    };
    let role = role.unwrap_or(Role::Client);
    [role, role.peer()]
}

/// The first bytes, for people.
pub(super) fn beginning(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let cut = if bytes.len() > 4 { " …" } else { "" };
    shown.join(" ") + cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_with_a_head_or_a_frame_and_likelier_with_a_whole_message() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"\x81", 2),
            (b"\x8a", 2),
            (b"\x01", 1),
            (b"\xc1", 2),
            (b"\x41", 1),
            (b"\xc9", 0), // a control frame is never compressed
            (b"\xa1", 0),
            (b"\x83", 0),
            (b"GET / ", 2),
            (b"HTTP/1.1 ", 2),
            (b"hello", 0),
        ] {
            let found = (can_begin(bytes), likeliness(bytes));
            assert_eq!(found, (expected > 0, expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn the_client_is_told_by_a_head_or_else_by_a_mask_or_else_comes_first() {
        use Role::{Client, Server};
        const MASKED: &[u8] = b"\x81\x85";
        const UNMASKED: &[u8] = b"\x81\x05";
        for (first, second, role) in [
            (&b""[..], &b""[..], Client),
            (b"hello", b"hello", Client),
            (b"GET / ", b"HTTP/1.1 ", Client),
            (b"HTTP/1.1 ", b"GET / ", Server),
            (MASKED, UNMASKED, Client),
            (UNMASKED, MASKED, Server),
            // One of them alone tells it.
            (b"", MASKED, Server),
            (b"", UNMASKED, Client),
            (UNMASKED, b"", Server),
            (b"hello", MASKED, Server),
            (b"", b"GET / ", Server),
            // They contradict each other.
            (MASKED, MASKED, Client),
            (UNMASKED, UNMASKED, Server),
            (MASKED, b"GET / ", Server),
            (UNMASKED, b"HTTP/1.1 ", Client),
            (b"GET / ", MASKED, Client),
            (b"HTTP/1.1 ", UNMASKED, Server),
        ] {
            assert_eq!(
                roles(first, second),
                [role, role.peer()],
                "{first:02x?} {second:02x?}"
            );
        }
    }
}
