//! The answer to a request, read from a connection.

use super::deadline::{deadline_in, is_timeout};
use super::error::{Error, Result};
use super::read_head::read_head;
use super::stream::Stream;
use super::tap::{Direction, Tapped};
use crate::protocol::Role;
use crate::protocol::head;
use crate::protocol::response::{Body, Response};
use std::io;
use std::time::{Duration, Instant};

/// A refusal's body is kept up to here: enough for the sentence that says why.
const MAX_BODY: usize = 4 * 1024;
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
        let head = match read_head(stream, &mut decoder, arrived, deadline, tapped) {
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

/// Reads the body of a refusal, as far as it arrives in time.
pub(super) fn read_body(
    stream: &Stream,
    response: &Response,
    body: &mut Vec<u8>,
    deadline: Instant,
    tapped: &Tapped,
) {
    let (wanted, deadline) = match response.body() {
        Body::Length(length) => (usize::try_from(length).unwrap_or(usize::MAX), deadline),
        // A server that announces no length may send without an end, or send nothing at all.
        Body::Chunked | Body::UntilEnd => (MAX_BODY, deadline.min(deadline_in(UNANNOUNCED_BODY))),
    };
    let wanted = wanted.min(MAX_BODY);
    // RFC 9112 §7.1: the last chunk is empty. Missing it costs time, nothing else.
    let has_ended = |body: &[u8]| {
        response.body() == Body::Chunked
            && (body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n"))
    };
    let mut buffer = [0; 2048];
    while body.len() < wanted && !has_ended(body) {
        match stream.read_until(&mut buffer, deadline) {
            Ok(length @ 1..) => {
                body.extend_from_slice(&buffer[..length]);
                // The refusal itself is what is told.
                let _ = tapped.pass(Direction::Received, [&buffer[..length], &[]]);
            }
            Ok(0) | Err(_) => break,
        }
    }
    body.truncate(wanted);
}
