//! The head of an HTTP/1.1 message: a start line and header fields (RFC 9112 §2-5).
//!
//! A head is judged as it arrives, each byte by itself and each line at its end, however the input is
//! cut. The start line is kept in its parts; [`request`](super::request),
//! [`response`](super::response) and [`handshake`](super::handshake) say what they and the header
//! fields mean. A header field is also called a header, as usual.
#![warn(clippy::indexing_slicing)]

use super::Role;
use super::rule::Rule;
use std::ops::Range;
use std::{fmt, str};

/// What one head may cost.
///
/// ```
/// use plainws::protocol::head::Limits;
///
/// let limits = Limits::new().max_headers(20);
/// assert_eq!((limits.max_bytes, limits.max_headers), (16 * 1024, 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes, line ends included. Default 16 KiB: room for a long cookie; common HTTP servers stop
    /// between 8 and 80 KiB.
    pub max_bytes: usize,
    /// Header fields, repeated ones included. Default 100: browsers send about 15.
    pub max_headers: usize,
}

impl Limits {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_bytes: 16 * 1024,
            max_headers: 100,
        }
    }

    /// Changes [`Self::max_bytes`](#structfield.max_bytes). Default 16 KiB.
    #[must_use]
    pub const fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Changes [`Self::max_headers`](#structfield.max_headers). Default 100.
    #[must_use]
    pub const fn max_headers(mut self, max_headers: usize) -> Self {
        self.max_headers = max_headers;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// The first line of a head, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine {
    /// A client begins with what it asks for.
    Request(RequestLine),
    /// A server begins with how it answers.
    Status(StatusLine),
}

/// `GET /chat HTTP/1.1` (RFC 9112 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The method, in the case in which it was sent.
    pub method: String,
    /// The target as sent.
    pub target: String,
    /// The HTTP version.
    pub version: Version,
}

/// `HTTP/1.1 101 Switching Protocols` (RFC 9112 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The HTTP version.
    pub version: Version,
    /// The code of three digits, 000 to 999.
    pub status: u16,
    /// What follows the code, which may be empty and need not be UTF-8.
    pub reason: Vec<u8>,
}

/// A version of HTTP (RFC 9112 §2.3). The later one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The digit before the dot.
    pub major: u8,
    /// The digit after it.
    pub minor: u8,
}

impl Version {
    /// The lowest version that a WebSocket handshake may have (§4.1).
    pub const HTTP_1_1: Self = Self { major: 1, minor: 1 };

    /// One digit on each side of the dot, and capital letters.
    fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                Some(Self {
                    major: major - b'0',
                    minor: minor - b'0',
                })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}.{}", self.major, self.minor)
    }
}

impl StartLine {
    fn parse(sender: Role, line: &[u8]) -> Result<Self, Rule> {
        let start = match sender {
            Role::Client => RequestLine::parse(line)
                .map(Self::Request)
                .ok_or(Rule::RequestLineMalformed),
            Role::Server => StatusLine::parse(line)
                .map(Self::Status)
                .ok_or(Rule::StatusLineMalformed),
        }?;
        // RFC 9110 §2.5: what a message of a later major version means is not known.
        if start.version().major > Version::HTTP_1_1.major {
            return Err(Rule::HttpVersionTooHigh);
        }
        Ok(start)
    }

    const fn version(&self) -> Version {
        match self {
            Self::Request(line) => line.version,
            Self::Status(line) => line.version,
        }
    }
}

impl RequestLine {
    /// RFC 9112 §3: method, target and version, one space apart.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = str::from_utf8(line).ok()?.split(' ');
        let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
        let version = Version::parse(version.as_bytes())?;
        let is_right = is_token(method.as_bytes()) && is_target(target) && parts.next().is_none();
        is_right.then(|| Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version,
        })
    }
}

impl StatusLine {
    /// RFC 9112 §4: version, code and reason, one space apart; the reason may be empty or hold spaces.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let (version, code, reason) = (parts.next()?, parts.next()?, parts.next()?);
        let version = Version::parse(version)?;
        let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
        let digits = code.iter().map(|digit| u16::from(digit - b'0'));
        is_code.then(|| Self {
            version,
            status: digits.fold(0, |status, digit| 10 * status + digit),
            reason: reason.to_owned(),
        })
    }
}

/// A complete head. Each line is legal by itself; what they mean together was not judged.
///
/// A header of a response may go on over several lines, an obsolete form: here it has one value, with a space or
/// more where it was folded (RFC 9112 §5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    bytes: Vec<u8>,
    first_line: Range<usize>,
    start: StartLine,
    fields: Vec<FieldPlace>,
}

/// Where in the head a header field's name and value stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldPlace {
    name: Range<usize>,
    value: Range<usize>,
}

impl Head {
    /// The first line in its parts.
    #[must_use]
    pub const fn start(&self) -> &StartLine {
        &self.start
    }

    /// The first line as sent, without its end.
    #[must_use]
    pub fn start_line(&self) -> &[u8] {
        part(&self.bytes, &self.first_line)
    }

    /// All header fields in order: name as sent, value without the blanks around it.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| {
            (
                part(&self.bytes, &field.name),
                part(&self.bytes, &field.value),
            )
        })
    }

    /// The values of all fields of that name, which is compared without case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields().filter_map(move |(key, value)| {
            key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
        })
    }

    /// The value of the first field of that name, if it is UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.values(name).next()?).ok()
    }

    /// The elements of a list, which may be spread over several fields and have empty elements
    /// (RFC 9110 §5.6.1).
    pub fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let elements = self
            .values(name)
            .flat_map(|value| value.split(|&byte| byte == b','));
        elements
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
    }

    /// Whether a list has an element, compared without case.
    #[must_use]
    pub fn lists(&self, name: &str, element: &str) -> bool {
        self.list(name)
            .any(|candidate| candidate.eq_ignore_ascii_case(element.as_bytes()))
    }

    /// The bytes of the head as they arrived, but for spaces where a value was folded.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "the decoder cut every range out of these very bytes"
)]
fn part<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    &bytes[range.clone()]
}

/// As text, with control bytes escaped.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head(\"{}\")", self.bytes.escape_ascii())
    }
}

/// Collects a head from a stream: a request from a client, a response from a server.
///
/// ```
/// use plainws::Role;
/// use plainws::protocol::head::{Decoder, Limits};
///
/// let mut decoder = Decoder::new(Role::Client, Limits::default());
/// assert_eq!(decoder.receive(b"GET / HTTP/1.1\r\nHost: a\r")?, None);
/// let (head, rest) = decoder.receive(b"\n\r\nmore")?.expect("the head is complete");
/// assert_eq!(head.start_line(), b"GET / HTTP/1.1");
/// assert_eq!(head.values("host").next(), Some(&b"a"[..]));
/// assert_eq!(rest, b"more");
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    sender: Role,
    limits: Limits,
    bytes: Vec<u8>,
    line_start: usize,
    /// The first line, once it is complete: its place and its parts.
    start: Option<(Range<usize>, StartLine)>,
    fields: Vec<FieldPlace>,
}

impl Decoder {
    /// Expects a request from a client, a response from a server.
    #[must_use]
    pub const fn new(sender: Role, limits: Limits) -> Self {
        Self {
            sender,
            limits,
            bytes: Vec::new(),
            line_start: 0,
            start: None,
            fields: Vec::new(),
        }
    }

    /// Whether nothing has arrived but empty lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line_start == self.bytes.len() && self.start.is_none()
    }

    /// The start line as far as it has arrived.
    #[must_use]
    pub fn so_far(&self) -> &[u8] {
        match &self.start {
            Some((line, _)) => part(&self.bytes, line),
            None => self.bytes.trim_ascii(),
        }
    }

    /// Takes more of the stream. `Ok(None)`: legal so far, call again with what comes next. `Ok(Some)`:
    /// the head, and the bytes that follow it; the decoder then expects the next head.
    ///
    /// # Errors
    ///
    /// The rule broken, by a byte that may not stand in a head or by a line that has just ended. No
    /// further byte can make this legal, and the decoder must not be used again.
    pub fn receive<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Head, &'a [u8])>, Rule> {
        let mut rest = input;
        while let [byte, after @ ..] = rest {
            rest = after;
            self.check_byte(*byte)?;
            self.bytes.push(*byte);
            if *byte == b'\n' {
                if let Some(head) = self.end_line()? {
                    return Ok(Some((head, rest)));
                }
            }
        }
        Ok(None)
    }

    fn check_byte(&self, byte: u8) -> Result<(), Rule> {
        // RFC 9112 §2.2: CR and LF stand together or not at all. A lone LF may be accepted; it is not here.
        let after_cr = self.bytes.last() == Some(&b'\r');
        if after_cr != (byte == b'\n') {
            return Err(Rule::HeadLineEnding);
        }
        // RFC 9110 §5.5.
        if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n') {
            return Err(Rule::HeadControlByte);
        }
        if self.bytes.len() == self.limits.max_bytes {
            return Err(self.too_long());
        }
        Ok(())
    }

    /// RFC 9112 §3 has a status of its own for a request line that does not end.
    fn too_long(&self) -> Rule {
        let in_request_line = self.sender == Role::Client && self.start.is_none();
        if in_request_line {
            Rule::RequestLineTooLong
        } else {
            Rule::HeadTooLarge
        }
    }

    /// Judges the line that just ended; returns the head if it was the empty line at its end.
    fn end_line(&mut self) -> Result<Option<Head>, Rule> {
        let line = self.line_start..self.bytes.len() - b"\r\n".len();
        self.line_start = self.bytes.len();
        match (&self.start, line.is_empty()) {
            // RFC 9112 §2.2: empty lines before the start line are ignored.
            (None, true) => Ok(None),
            (None, false) => {
                let start = StartLine::parse(self.sender, part(&self.bytes, &line))?;
                self.start = Some((line, start));
                Ok(None)
            }
            (Some(_), false) if self.continues(&line) => {
                self.unfold(&line);
                Ok(None)
            }
            (Some(_), false) => {
                let field = self.field(&line)?;
                if self.fields.len() == self.limits.max_headers {
                    return Err(Rule::TooManyHeaders);
                }
                self.fields.push(field);
                Ok(None)
            }
            (Some(_), true) => Ok(self.take_head()),
        }
    }

    /// The head that is complete; the decoder begins anew.
    fn take_head(&mut self) -> Option<Head> {
        let next = Self::new(self.sender, self.limits);
        let mut complete = std::mem::replace(self, next);
        let (first_line, start) = complete.start?;
        // Heads are kept for as long as their connections are open.
        complete.bytes.shrink_to_fit();
        complete.fields.shrink_to_fit();
        Some(Head {
            bytes: complete.bytes,
            first_line,
            start,
            fields: complete.fields,
        })
    }

    /// RFC 9112 §5.2: who reads a response takes a folded header; a server need not, and this one does not.
    fn continues(&self, line: &Range<usize>) -> bool {
        self.sender == Role::Server && !self.fields.is_empty() && is_folded(part(&self.bytes, line))
    }

    /// Lets the last header's value go on with a line: spaces stand for all that was between.
    fn unfold(&mut self, line: &Range<usize>) {
        let text = part(&self.bytes, line);
        let start = line.end - text.trim_ascii_start().len();
        let text = start..start + text.trim_ascii().len();
        let Some(field) = self.fields.last_mut().filter(|_| !text.is_empty()) else {
            return;
        };
        if field.value.is_empty() {
            field.value.start = text.start;
        } else if let Some(fold) = self.bytes.get_mut(field.value.end..text.start) {
            fold.fill(b' ');
        }
        field.value.end = text.end;
    }

    /// Finds name and value in a line.
    fn field(&self, line: &Range<usize>) -> Result<FieldPlace, Rule> {
        let bytes = part(&self.bytes, line);
        if self.sender == Role::Client && is_folded(bytes) {
            return Err(Rule::HeaderFolded);
        }
        let colon = bytes.iter().position(|&byte| byte == b':');
        let colon = line.start + colon.ok_or(Rule::HeaderMalformed)?;
        let name = line.start..colon;
        if !is_token(part(&self.bytes, &name)) {
            return Err(Rule::HeaderMalformed);
        }
        let value = part(&self.bytes, &(colon + 1..line.end));
        let start = line.end - value.trim_ascii_start().len();
        let value = start..start + value.trim_ascii().len();
        Ok(FieldPlace { name, value })
    }
}

/// RFC 9112 §5.2: a line that begins with a blank continues the one above.
pub(super) const fn is_folded(line: &[u8]) -> bool {
    matches!(line, [b' ' | b'\t', ..])
}

/// RFC 9112 §3.2: what a target is written with. The # belongs to fragments, which are not sent (§3).
pub(super) fn is_target(target: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    !target.is_empty() && target.bytes().all(is_allowed)
}

/// RFC 9110 §5.6.2: the characters that names are made of.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_token_byte)
}
