//! The answer to a request, read from a connection.

use super::deadline::{deadline_in, is_timeout};
use super::error::{Error, Result};
use super::read_head::read_head;
use super::stream::Stream;
use super::tap::{Direction, Tapped};
use crate::protocol::Role;
use crate::protocol::chunks::Chunks;
use crate::protocol::head;
use crate::protocol::response::{Body, Response};
use std::io;
use std::time::{Duration, Instant};

/// A refusal's body is kept up to here: enough for the sentence that says why.
const MAX_BODY: usize = 4 * 1024;
/// And this much is read of it at most: the sizes of chunks, and what stands beside them, take room as well.
const MAX_CAME: usize = 16 * MAX_BODY;
/// How long a refusal's body of unknown length is waited for.
const UNANNOUNCED_BODY: Duration = Duration::from_millis(500);

/// Reads the answer; what arrived after its head is left in `arrived`. RFC 9110 §15.2: interim responses may
/// come before. An error names the peer as `who`.
pub(super) fn read_response(
    stream: &Stream,
    limits: head::Limits,
    deadline: Instant,
    arrived: &mut Vec<u8>,
    tapped: &Tapped,
    who: &str,
) -> Result<Response> {
    let mut decoder = head::Decoder::new(Role::Server, limits);
    loop {
        let head = match read_head(
            stream,
            &mut decoder,
            arrived,
            deadline,
            &mut || deadline,
            tapped,
        ) {
            Ok(Some(head)) => head,
            Ok(None) => {
                let message = format!("{who} ended the connection before it answered the request");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message).into());
            }
            Err(Error::Io(error)) if is_timeout(&error) => {
                let message = format!("{who} did not answer the request in time");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message).into());
            }
            Err(error) => return Err(error),
        };
        let response = Response::new(head)?;
        if !response.is_interim() {
            return Ok(response);
        }
    }
}

/// Reads the body of a refusal, of which this has arrived, as far as the rest arrives in time.
pub(super) fn read_body(
    stream: &Stream,
    response: &Response,
    arrived: &[u8],
    deadline: Instant,
    tapped: &Tapped,
) -> Vec<u8> {
    let mut body = Received::new(response.body());
    body.take(arrived);
    // A server that announces no length may send without an end, or send nothing at all.
    let deadline = match response.body() {
        Body::Length(_) => deadline,
        Body::Chunked | Body::UntilEnd => deadline.min(deadline_in(UNANNOUNCED_BODY)),
    };
    let mut buffer = [0; 2048];
    while !body.is_enough() {
        match stream.read_until(&mut buffer, deadline) {
            Ok(length @ 1..) => {
                // The refusal itself is what is told.
                let _ = tapped.pass(Direction::Received, [&buffer[..length], &[]]);
                body.take(&buffer[..length]);
            }
            Ok(0) | Err(_) => break,
        }
    }
    body.bytes.truncate(body.wanted);
    body.bytes
}

/// What has arrived of a body.
struct Received {
    bytes: Vec<u8>,
    wanted: usize,
    /// What takes it apart, if it is chunked; `None` also when that has come to its end.
    chunks: Option<Chunks>,
    is_chunked: bool,
    /// Bytes that came, chunks and all.
    came: usize,
}

impl Received {
    fn new(body: Body) -> Self {
        let is_chunked = body == Body::Chunked;
        let wanted = match body {
            Body::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Body::Chunked | Body::UntilEnd => MAX_BODY,
        };
        Self {
            bytes: Vec::new(),
            wanted: wanted.min(MAX_BODY),
            chunks: is_chunked.then(Chunks::new),
            is_chunked,
            came: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.came += bytes.len();
        match &mut self.chunks {
            Some(chunks) => {
                let received = chunks.receive(bytes, |data| self.bytes.extend_from_slice(data));
                // What came before a malformed chunk is kept.
                if received.is_err() || chunks.has_ended() {
                    self.chunks = None;
                }
            }
            None => self.bytes.extend_from_slice(bytes),
        }
    }

    fn is_enough(&self) -> bool {
        let has_ended = self.is_chunked && self.chunks.is_none();
        has_ended || self.bytes.len() >= self.wanted || self.came >= MAX_CAME
    }
}
