//! A chunked body (RFC 9112 §7.1): pieces, each after its size in hexadecimal digits, and an empty one as the last.
//!
//! ```text
//! 5\r\n          size, perhaps with extensions after a semicolon
//! Hello\r\n      so many bytes
//! 0\r\n          the last one
//! Name: x\r\n    trailer fields, mostly none
//! \r\n
//! ```
#![warn(clippy::indexing_slicing)]

use std::fmt;

/// Takes a chunked body apart, however it is cut, and holds nothing of it.
///
/// ```
/// use plainws::protocol::chunks::Chunks;
///
/// let mut chunks = Chunks::new();
/// let mut body = Vec::new();
/// let used = chunks.receive(b"5\r\nHello\r\n0\r\n\r\nHTTP/1.1", |data| body.extend(data))?;
/// assert_eq!((&body[..], used, chunks.has_ended()), (&b"Hello"[..], 15, true));
/// # Ok::<(), plainws::protocol::chunks::InvalidChunk>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunks(Next);

/// What the next byte of the body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The size of a chunk; `None` before its first digit.
    Size(Option<u64>),
    /// What follows the size on its line.
    Extension(u64),
    /// The line feed after that.
    SizeEnd(u64),
    /// A chunk, of which so many bytes are missing.
    Data(u64),
    /// The carriage return after a chunk, and the line feed.
    DataEnd,
    DataEndFeed,
    /// A line after the last chunk; an empty one ends the body.
    Trailer {
        is_empty: bool,
    },
    /// The line feed after that.
    TrailerEnd {
        is_empty: bool,
    },
    /// Something else: the body has ended.
    Ended,
    /// Nothing that can be told: a byte was wrong.
    Lost,
}

/// A body that says it is chunked, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidChunk;

impl fmt::Display for InvalidChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chunk of the body is malformed (RFC 9112 §7.1)")
    }
}

impl std::error::Error for InvalidChunk {}

impl Default for Chunks {
    fn default() -> Self {
        Self::new()
    }
}

impl Chunks {
    /// Before the first byte of a body.
    #[must_use]
    pub const fn new() -> Self {
        Self(Next::Size(None))
    }

    /// Goes over bytes of the body, cut anywhere, and hands what they hold to `data`, in pieces. Returns how many of them
    /// belong to the body: fewer than all only if it has ended.
    ///
    /// Lines end with CR LF and nothing else, because who takes less may find another end than the next reader.
    /// Spaces after a size are passed over, which some servers fill up with.
    ///
    /// # Errors
    ///
    /// At a byte that cannot stand there. What came before it was handed out; every later call fails as well.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<usize, InvalidChunk> {
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            match self.0 {
                Next::Ended => break,
                Next::Data(missing) => {
                    let length = usize::try_from(missing).unwrap_or(usize::MAX);
                    let (piece, after) = rest.split_at(length.min(rest.len()));
                    data(piece);
                    rest = after;
                    self.0 = match missing - piece.len() as u64 {
                        0 => Next::DataEnd,
                        missing => Next::Data(missing),
                    };
                }
                next => {
                    self.0 = next.after(*byte);
                    rest = after;
                }
            }
            if self.0 == Next::Lost {
                return Err(InvalidChunk);
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Whether the last byte of the body was received.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.0, Next::Ended)
    }
}

impl Next {
    /// What follows a byte outside of the data.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size(Some(size)) | Self::Extension(size), b'\r') => Self::SizeEnd(size),
            (Self::Size(Some(size)), b';' | b' ' | b'\t') => Self::Extension(size),
            (Self::Size(size), _) => {
                with_digit(size, byte).map_or(Self::Lost, |size| Self::Size(Some(size)))
            }
            (Self::Extension(size), b'\t' | b' '..=b'~' | 0x80..) => Self::Extension(size),
            (Self::SizeEnd(0), b'\n') => Self::Trailer { is_empty: true },
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::DataEnd, b'\r') => Self::DataEndFeed,
            (Self::DataEndFeed, b'\n') => Self::Size(None),
            (Self::Trailer { is_empty }, b'\r') => Self::TrailerEnd { is_empty },
            (Self::Trailer { .. }, b'\t' | b' '..=b'~' | 0x80..) => {
                Self::Trailer { is_empty: false }
            }
            (Self::TrailerEnd { is_empty: true }, b'\n') => Self::Ended,
            (Self::TrailerEnd { is_empty: false }, b'\n') => Self::Trailer { is_empty: true },
            _ => Self::Lost,
        }
    }
}

/// A size with one more digit; `None` if it is no digit, or the size none that could be counted.
fn with_digit(size: Option<u64>, byte: u8) -> Option<u64> {
    let digit = char::from(byte).to_digit(16)?;
    let size = size.unwrap_or(0).checked_mul(16)?;
    Some(size + u64::from(digit))
}
