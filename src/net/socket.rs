//! Blocking calls on a TCP socket, each within a deadline.

use super::limits::Limits;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A socket refuses a time-out of zero.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// Makes a socket fit for [`write_within`].
pub(super) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    // One write carries whole frames: there is nothing that a delay could add to it.
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(limits.write_timeout.max(SHORTEST_TIMEOUT)))
}

/// Whether a call ended without data. Which of the two kinds comes depends on the system.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Whether a call may simply be made again.
pub(super) fn is_passing(error: &io::Error) -> bool {
    is_timeout(error) || error.kind() == io::ErrorKind::Interrupted
}

/// The end of a time that begins now; that of an endless one is years away.
pub(super) fn deadline_in(time: Duration) -> Instant {
    const YEARS: Duration = Duration::from_secs(1_000_000_000);

    Instant::now() + time.min(YEARS)
}

/// A time-out for the socket that ends at the deadline; `None` when it has passed.
pub(super) fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.max(SHORTEST_TIMEOUT))
}

/// Writes all of `bytes`, or fails with [`io::ErrorKind::TimedOut`] at the deadline. The socket must
/// have been [prepared](prepare): with any write time-out, no write waits for ever.
pub(super) fn write_within(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    deadline: Instant,
) -> io::Result<()> {
    loop {
        match stream.write(bytes) {
            Ok(written) if written == bytes.len() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
        let left = time_left(deadline).ok_or_else(peer_does_not_read)?;
        stream.set_write_timeout(Some(left))?;
    }
}

pub(super) fn peer_does_not_read() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "the peer does not take what is sent to it",
    )
}

/// Reads something, or the end (0), or fails with [`io::ErrorKind::TimedOut`] at the deadline.
pub(super) fn read_within(
    mut stream: &TcpStream,
    buffer: &mut [u8],
    deadline: Instant,
) -> io::Result<usize> {
    loop {
        let left = time_left(deadline).ok_or(io::ErrorKind::TimedOut)?;
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Err(error) if is_passing(&error) => {}
            read => return read,
        }
    }
}

/// Reads and discards until the peer ends its side, at most until `deadline`.
pub(super) fn drain(stream: &TcpStream, deadline: Instant) {
    let mut discarded = [0; 4096];
    while matches!(read_within(stream, &mut discarded, deadline), Ok(1..)) {}
}
