//! An HTTP response of any kind: its status, and where its body ends (RFC 9112 §4, §6).
#![warn(clippy::indexing_slicing)]

use super::head::{Head, StartLine, StatusLine, Version};
use super::rule::Rule;
use std::str;

/// A response: what a server answers a handshake with, whether it accepts or refuses.
///
/// ```
/// use plainws::Role;
/// use plainws::protocol::head::{Decoder, Limits};
/// use plainws::protocol::response::Response;
///
/// let mut decoder = Decoder::new(Role::Server, Limits::default());
/// let (head, _) = decoder.receive(b"HTTP/1.1 404 Not Found\r\n\r\n")?.expect("the head is complete");
/// assert_eq!(Response::new(head)?.status(), 404);
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    head: Head,
    line: StatusLine,
}

/// Where the body of a response ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// After this many bytes, which may be none.
    Length(u64),
    /// With the chunk that is empty (RFC 9112 §7.1).
    Chunked,
    /// With the connection.
    UntilEnd,
}

impl Response {
    /// Takes the head of a response.
    ///
    /// # Errors
    ///
    /// [`Rule::StatusLineMalformed`] for the head of a request.
    pub fn new(head: Head) -> Result<Self, Rule> {
        match head.start() {
            StartLine::Status(line) => Ok(Self {
                line: line.clone(),
                head,
            }),
            StartLine::Request(_) => Err(Rule::StatusLineMalformed),
        }
    }

    /// The status code, such as 101 or 404.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.line.status
    }

    /// What follows the code, for people; it need not be UTF-8.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        &self.line.reason
    }

    /// The HTTP version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.line.version
    }

    /// Whether the answer itself is still to come, in a response after this one (RFC 9110 §15.2). 101 is an
    /// answer.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        matches!(self.status(), 100 | 102..=199)
    }

    /// Where the body ends that follows.
    #[must_use]
    pub fn body(&self) -> Body {
        if matches!(self.status(), 100..=199 | 204 | 304) {
            return Body::Length(0);
        }
        if self.head.lists("Transfer-Encoding", "chunked") {
            return Body::Chunked;
        }
        let mut lengths = self.head.values("Content-Length");
        let length = match (lengths.next(), lengths.next()) {
            (Some(length), None) => number(length),
            _ => None,
        };
        length.map_or(Body::UntilEnd, Body::Length)
    }

    /// The first header of that name, compared without case; `None` also when its value is not UTF-8:
    /// [`Self::head`] has the bytes then.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.text(name)
    }

    /// All of the head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The first line in its parts.
    pub(super) const fn line(&self) -> &StatusLine {
        &self.line
    }
}

/// Digits alone: no sign.
fn number(digits: &[u8]) -> Option<u64> {
    let is_right = digits.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_right)?;
    digits.parse().ok()
}
