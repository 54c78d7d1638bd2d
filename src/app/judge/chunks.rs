//! Where a chunked body ends (RFC 9112 §7.1). What stands in it is not looked at.

/// What the next byte of the body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// The size of a chunk; `None` before its first digit.
    Size(Option<u64>),
    /// What follows the size on its line.
    Extension(u64),
    /// A chunk and its line end, of which so many bytes are missing.
    Chunk(u64),
    /// A line after the last chunk; an empty one ends the body.
    Trailer { is_empty: bool },
    /// No chunk can be found any more: a size was none.
    Lost,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self::Size(None)
    }

    /// Goes over bytes of the body, cut anywhere. How many of them belong to it, if it ends in these.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            if let Self::Chunk(missing) = *self {
                let passed =
                    usize::try_from(missing).map_or(rest.len(), |most| most.min(rest.len()));
                rest = &rest[passed..];
                *self = Self::after_part_of_chunk(missing - passed as u64);
                continue;
            }
            rest = after;
            if (*self, *byte) == (Self::Trailer { is_empty: true }, b'\n') {
                return Some(bytes.len() - rest.len());
            }
            *self = self.after(*byte);
        }
        None
    }

    const fn after_part_of_chunk(missing: u64) -> Self {
        match missing {
            0 => Self::new(),
            missing => Self::Chunk(missing),
        }
    }

    /// What follows a byte of a line.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size(Some(size)) | Self::Extension(size), b'\n') => match size {
                0 => Self::Trailer { is_empty: true },
                size => size.checked_add(2).map_or(Self::Lost, Self::Chunk),
            },
            (Self::Size(Some(size)), b';' | b' ' | b'\t' | b'\r') => Self::Extension(size),
            (Self::Size(size), _) => {
                let digit = char::from(byte).to_digit(16).map(u64::from);
                let begun = size.unwrap_or(0).checked_mul(16);
                match (digit, begun) {
                    (Some(digit), Some(begun)) => Self::Size(Some(begun + digit)),
                    _ => Self::Lost,
                }
            }
            (Self::Trailer { .. }, b'\n') => Self::Trailer { is_empty: true },
            (Self::Trailer { is_empty: true }, b'\r') => self,
            (Self::Trailer { .. }, _) => Self::Trailer { is_empty: false },
            (other, _) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a body ends that comes in pieces of that length.
    fn end(bytes: &[u8], length: usize) -> Option<usize> {
        let mut chunks = Chunks::new();
        let mut begin = 0;
        for piece in bytes.chunks(length) {
            if let Some(end) = chunks.end(piece) {
                return Some(begin + end);
            }
            begin += piece.len();
        }
        None
    }

    #[test]
    fn the_empty_line_after_the_last_chunk_ends_a_body_however_it_is_cut() {
        for (body, is_whole) in [
            (&b"0\r\n\r\n"[..], true),
            (b"5\r\nhello\r\n0\r\n\r\n", true),
            (b"A;name=\"0\"\r\n0\r\n\r\n12345\r\n00\r\n\r\n", true),
            (b"1 \r\na\r\n0\r\nTrailer: 0\r\nOther: a\r\n\r\n", true),
            (b"5\r\nhello\r\n0\r\n", false),
            (b"ffffffffffffffff\r\na", false),
            (b"10000000000000000\r\n0\r\n\r\n", false),
            (b"\r\n0\r\n\r\n", false),
            (b"hello\r\n0\r\n\r\n", false),
        ] {
            let bytes = [body, b"GET /"].concat();
            for length in 1..=bytes.len() {
                let expected = is_whole.then_some(body.len());
                assert_eq!(end(&bytes, length), expected, "{}", body.escape_ascii());
            }
        }
    }
}
