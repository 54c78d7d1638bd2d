//! The head of a request or a response, read from a connection.

use super::error::Result;
use super::stream::Stream;
use super::tap::{Direction, Tapped};
use crate::protocol::head::{Decoder, Head};
use std::time::Instant;

/// Reads until `decoder` has a whole head. `None`: the peer ended its side first. What arrived after an
/// earlier head comes in by `arrived`, and what arrived after this one is left there. The tap is shown what
/// is read.
///
/// When more than empty lines of it is there, `begins` is called once, and tells the deadline from then on.
///
/// # Errors
///
/// The rule that the head breaks, or the failure of the socket or the tap; at the deadline
/// [`TimedOut`](std::io::ErrorKind::TimedOut), however slowly the head drips.
pub(super) fn read_head(
    stream: &Stream,
    decoder: &mut Decoder,
    arrived: &mut Vec<u8>,
    mut deadline: Instant,
    begins: &mut dyn FnMut() -> Instant,
    tapped: &Tapped,
) -> Result<Option<Head>> {
    // Most heads are shorter; a larger buffer would cost each connection a page of its stack.
    let mut buffer = [0; 512];
    let mut has_begun = false;
    loop {
        // RFC 9112 §2.2: empty lines before the start line are ignored.
        if !has_begun && arrived.iter().any(|byte| !b"\r\n".contains(byte)) {
            has_begun = true;
            deadline = begins();
        }
        if let Some((head, rest)) = decoder.receive(arrived)? {
            *arrived = rest.to_vec();
            return Ok(Some(head));
        }
        arrived.clear();
        match stream.read_until(&mut buffer, deadline)? {
            0 => return Ok(None),
            length => {
                arrived.extend_from_slice(&buffer[..length]);
                tapped.pass(Direction::Received, [&buffer[..length], &[]])?;
            }
        }
    }
}
