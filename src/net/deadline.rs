//! Deadlines: how much time is left, and which errors only mean that a call may be made again.

use std::io;
use std::time::{Duration, Instant};

/// A socket refuses a time-out of zero.
pub(super) const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// The instant that lies `time` ahead.
pub(super) fn deadline_in(time: Duration) -> Instant {
    after(Instant::now(), time)
}

/// The instant `time` after another one, or some thirty years after it if `time` is longer than that.
pub(super) fn after(instant: Instant, time: Duration) -> Instant {
    const YEARS: Duration = Duration::from_secs(1_000_000_000);

    instant + time.min(YEARS)
}

/// What is left until the deadline, as a time-out that a socket takes; `None` when it has passed.
pub(super) fn time_left(deadline: Instant) -> Option<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.max(SHORTEST_TIMEOUT))
}

/// Whether a call ended because nothing could be read or written in its time. Which of the two kinds
/// says so depends on the system.
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

/// Whether something came of which nothing can be read yet, such as half a record of TLS. The system says so of a
/// signal, too, but with an error of its own.
pub(super) fn has_heard(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted && error.raw_os_error().is_none()
}
