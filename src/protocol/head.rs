//! The head of an HTTP/1.1 message: a start line and header fields (RFC 9112 §2-5).
//!
//! A head is judged once, line by line, as it arrives: a byte is never looked at again, however the
//! input is cut. What the header fields mean is for `handshake` and the HTTP side to say.
#![warn(clippy::indexing_slicing)]

use super::Role;
use super::rule::Rule;
use std::fmt;
use std::ops::Range;

/// What one head may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, line ends included. Default 16 KiB: room for a long cookie; common HTTP servers stop
    /// between 8 and 80 KiB.
    pub max_bytes: usize,
    /// Header fields, repeated ones included. Default 100: browsers send about 15.
    pub max_headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 16 * 1024,
            max_headers: 100,
        }
    }
}

/// A complete head. Every line was judged; the start line's meaning was not.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    bytes: Vec<u8>,
    start_line: Range<usize>,
    fields: Vec<Field>,
}

/// Where a header field's name and value stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Head {
    /// The first line, without its end.
    #[must_use]
    pub fn start_line(&self) -> &[u8] {
        self.part(&self.start_line)
    }

    /// All header fields in order: name as sent, value without the blanks around it.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields
            .iter()
            .map(|field| (self.part(&field.name), self.part(&field.value)))
    }

    /// The values of all fields of that name, which is compared without case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields().filter_map(move |(key, value)| {
            key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
        })
    }

    /// The value of a field that may stand once (§11.3).
    ///
    /// # Errors
    ///
    /// [`Rule::HeaderRepeated`] when it stands twice.
    pub fn single(&self, name: &str) -> Result<Option<&[u8]>, Rule> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            Err(Rule::HeaderRepeated)
        } else {
            Ok(first)
        }
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

    /// The bytes of the head as they arrived.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// The head as it would be read by a person, control bytes escaped.
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
/// let (head, rest) = decoder.receive(b"\n\r\nbehind")?.expect("the head is complete");
/// assert_eq!(head.start_line(), b"GET / HTTP/1.1");
/// assert_eq!(head.values("host").next(), Some(&b"a"[..]));
/// assert_eq!(rest, b"behind");
/// # Ok::<(), plainws::Rule>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    sender: Role,
    limits: Limits,
    bytes: Vec<u8>,
    line_start: usize,
    start_line: Option<Range<usize>>,
    fields: Vec<Field>,
}

impl Decoder {
    /// Expects the start line that such a sender begins with.
    #[must_use]
    pub const fn new(sender: Role, limits: Limits) -> Self {
        Self {
            sender,
            limits,
            bytes: Vec::new(),
            line_start: 0,
            start_line: None,
            fields: Vec::new(),
        }
    }

    /// Whether nothing has arrived but empty lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line_start == self.bytes.len() && self.start_line.is_none()
    }

    /// The start line as far as it has arrived.
    #[must_use]
    pub fn so_far(&self) -> &[u8] {
        match &self.start_line {
            Some(line) => self.bytes.get(line.clone()).unwrap_or_default(),
            None => self.bytes.trim_ascii(),
        }
    }

    /// Takes more of the stream. Returns the head and the bytes behind it once it is complete; the
    /// decoder then expects the next one.
    ///
    /// # Errors
    ///
    /// The rule broken: by a byte that may not stand in a head, or by a line at its end. The decoder
    /// is of no more use then.
    pub fn receive<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Head, &'a [u8])>, Rule> {
        let mut rest = input;
        while let [byte, behind @ ..] = rest {
            rest = behind;
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
        // RFC 9112 §2.2: CR and LF stand together or not at all.
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
        let in_request_line = self.sender == Role::Client && self.start_line.is_none();
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
        let Some(start_line) = self.start_line.clone() else {
            // RFC 9112 §2.2: empty lines before the start line are ignored.
            if !line.is_empty() {
                let bytes = self.bytes.get(line.clone()).unwrap_or_default();
                match self.sender {
                    Role::Client => check_request_line(bytes)?,
                    Role::Server => check_status_line(bytes)?,
                }
                self.start_line = Some(line);
            }
            return Ok(None);
        };
        if !line.is_empty() {
            let field = self.field(line)?;
            if self.fields.len() == self.limits.max_headers {
                return Err(Rule::TooManyHeaders);
            }
            self.fields.push(field);
            return Ok(None);
        }
        let head = Head {
            bytes: std::mem::take(&mut self.bytes),
            start_line,
            fields: std::mem::take(&mut self.fields),
        };
        *self = Self::new(self.sender, self.limits);
        Ok(Some(head))
    }

    fn field(&self, line: Range<usize>) -> Result<Field, Rule> {
        let bytes = self.bytes.get(line.clone()).unwrap_or_default();
        if matches!(bytes, [b' ' | b'\t', ..]) {
            return Err(Rule::HeaderFolded);
        }
        let colon = bytes
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(Rule::HeaderMalformed)?;
        let (name, value) = bytes.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default();
        if !is_token(name) {
            return Err(Rule::HeaderMalformed);
        }
        let blanks_before = value.len() - value.trim_ascii_start().len();
        let start = line.start + colon + 1 + blanks_before;
        Ok(Field {
            name: line.start..line.start + colon,
            value: start..start + value.trim_ascii().len(),
        })
    }
}

/// RFC 9112 §3: method, target and version, one space apart.
fn check_request_line(line: &[u8]) -> Result<(), Rule> {
    let mut parts = line.split(|&byte| byte == b' ');
    let method = parts.next().is_some_and(is_token);
    let target = parts.next().is_some_and(is_target);
    let version = parts.next().is_some_and(is_http_version);
    let is_request_line = method && target && version && parts.next().is_none();
    if is_request_line {
        Ok(())
    } else {
        Err(Rule::RequestLineMalformed)
    }
}

/// RFC 9112 §4: version, code and reason, one space apart; the reason may be empty or hold spaces.
fn check_status_line(line: &[u8]) -> Result<(), Rule> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let version = parts.next().is_some_and(is_http_version);
    let code = parts
        .next()
        .is_some_and(|code| code.len() == 3 && code.iter().all(u8::is_ascii_digit));
    let is_status_line = version && code && parts.next().is_some();
    if is_status_line {
        Ok(())
    } else {
        Err(Rule::StatusLineMalformed)
    }
}

/// RFC 9112 §3.2: what a target is written with. The # belongs to fragments, which are not sent (§3).
pub(super) fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|&byte| byte.is_ascii_graphic() && byte != b'#')
}

/// RFC 9112 §2.3: one digit each side of the dot, and capital letters.
fn is_http_version(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// RFC 9110 §5.6.2: the characters that names are made of.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_token_byte)
}
