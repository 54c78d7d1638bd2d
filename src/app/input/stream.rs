//! What decode looks at: connections of one or two streams.

use plainws::Role;
use std::time::Duration;

/// A connection: what both ends sent, or one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    /// What tells it from others, such as its addresses; `None` where the input does not say.
    pub(crate) name: Option<String>,
    /// What its pieces are, where they have numbers: "packet" or "line".
    pub(crate) piece: &'static str,
    /// One stream, or two with their senders known: the client's, then the server's.
    pub(crate) streams: Vec<Stream>,
}

impl Connection {
    /// Of one stream, and without a name.
    pub(crate) fn of(stream: Stream) -> Self {
        Self {
            name: None,
            piece: "piece",
            streams: vec![stream],
        }
    }
}

/// The bytes that one side of a connection sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Who sent them; `None` where the input does not say.
    pub(crate) sender: Option<Role>,
    pub(crate) bytes: Vec<u8>,
    /// How they were cut on their way, in ascending order. Pasted bytes have no cuts; the segments of a capture
    /// lie between two of them.
    pub(crate) cuts: Vec<Cut>,
    /// Why there are no more bytes, although more came, in words for people.
    pub(crate) broken_off: Option<String>,
    /// What else is to be known of it.
    pub(crate) notes: Vec<String>,
}

/// A piece of a stream begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Of its first byte; 0 for the first piece, which needs no cut unless something is known of it.
    pub(crate) offset: usize,
    /// Its place among the pieces of both directions, such as the number of a packet or of a line. Neither
    /// direction's numbers ever fall.
    pub(crate) number: Option<u64>,
    /// When it came, since an instant that is the same for both directions.
    pub(crate) time: Option<Duration>,
}

impl Cut {
    /// Of a piece of which nothing else is known.
    #[cfg(test)]
    pub(crate) const fn at(offset: usize) -> Self {
        Self {
            offset,
            number: None,
            time: None,
        }
    }
}

impl Stream {
    /// A stream in one piece.
    pub(crate) const fn new(sender: Option<Role>, bytes: Vec<u8>) -> Self {
        Self {
            sender,
            bytes,
            cuts: Vec::new(),
            broken_off: None,
            notes: Vec::new(),
        }
    }

    /// The piece in which the bytes from `start` on travelled, up to `max` bytes of it.
    pub(crate) fn piece(&self, start: usize, max: usize) -> &[u8] {
        let next = self.next_cut(start);
        let end = self
            .cuts
            .get(next)
            .map_or(self.bytes.len(), |cut| cut.offset);
        let end = end.min(start.saturating_add(max));
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The cut at which the piece begins that this byte is in, if there is one.
    pub(crate) fn cut_before(&self, offset: usize) -> Option<Cut> {
        let before = self.next_cut(offset).checked_sub(1)?;
        self.cuts.get(before).copied()
    }

    fn next_cut(&self, offset: usize) -> usize {
        self.cuts.partition_point(|cut| cut.offset <= offset)
    }
}

/// Whether a handshake begins here: a method or an HTTP version in capital letters. No legal frame looks
/// like that, because a capital letter has a bit set that is reserved in a frame. The first bytes of TLS
/// count as well: a server may get them in place of a request.
pub(crate) fn begins_a_head(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase());
    let (letters, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    // Letters up to F may be hex, and no method has these alone.
    let is_word = letters.len() >= 3 && letters.iter().any(|&letter| letter > b'F');
    let is_method = is_word && matches!(rest, [] | [b' ', ..]);
    is_method || bytes.starts_with(b"HTTP/") || bytes.starts_with(&[0x16, 0x03])
}

/// Whether the head at the beginning has `Upgrade: websocket`, once it is whole: other heads are ordinary HTTP.
pub(crate) fn head_upgrades(bytes: &[u8]) -> Option<bool> {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let mut lines = bytes.get(..end)?.split(|&byte| byte == b'\n');
    Some(lines.any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with(b"upgrade:") && line.windows(9).any(|word| word == b"websocket")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_comes_in_the_pieces_between_its_cuts() {
        let mut stream = Stream::new(None, b"abcdef".to_vec());
        assert_eq!(stream.piece(0, usize::MAX), b"abcdef");
        stream.cuts = vec![Cut::at(2), Cut::at(5)];
        for (start, piece) in [
            (0, &b"ab"[..]),
            (1, b"b"),
            (2, b"cde"),
            (3, b"de"),
            (5, b"f"),
        ] {
            assert_eq!(stream.piece(start, usize::MAX), piece, "{start}");
            assert_eq!(
                stream.piece(start, 2),
                &piece[..piece.len().min(2)],
                "{start}"
            );
        }
        assert_eq!(stream.cut_before(1), None);
        assert_eq!(stream.cut_before(4), Some(Cut::at(2)));
        assert_eq!(stream.cut_before(5), Some(Cut::at(5)));
        assert!(stream.piece(6, usize::MAX).is_empty());
        assert!(stream.piece(7, usize::MAX).is_empty());
    }
}
