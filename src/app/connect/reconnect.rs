//! What is tried again, and when.

use super::outcome::Ending;
use super::reach::Unopened;
use std::time::Duration;

/// The longest pause before the first attempt after a loss.
const FIRST: Duration = Duration::from_secs(1);
/// The longest of all.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between attempts: each is drawn from a span that doubles, so that the clients of a server that
/// comes back do not all return at once (§7.2.3).
#[derive(Debug, Default)]
pub(super) struct Pauses {
    /// Attempts that failed since a connection lasted.
    failed: u32,
}

impl Pauses {
    /// The pause before the next attempt; `random` may be any number.
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let span = FIRST.saturating_mul(1 << self.failed.min(16)).min(LONGEST);
        self.failed = self.failed.saturating_add(1);
        // At least a tenth: a failing server is not to be asked again at once.
        span.mul_f64(0.1 + 0.9 * f64::from(random) / f64::from(u32::MAX))
    }

    /// Notes how long a connection was open. One that lasted longer than any pause begins anew; a server that
    /// closes each connection at once does not.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time > LONGEST {
            self.failed = 0;
        }
    }
}

/// Whether another attempt may go better: no connection, a lost one, and a server that goes away, fails or
/// has too much to do. A Close of the server's own accord, a refusal with 3xx or most of 4xx, a broken protocol and wrong
/// usage stay as they are.
pub(super) fn is_worthwhile(ending: &Ending) -> bool {
    match ending {
        Ending::Closed(reason) => reason.may_pass(),
        Ending::Failed(error) | Ending::Unopened(Unopened { error, .. }) => error.may_pass(),
        Ending::Silent | Ending::TooFew { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plainws::protocol::rule::Rule;
    use plainws::{CloseCode, CloseReason, Error};
    use std::io;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_drawn_from_a_span() {
        let longest = [1, 2, 4, 8, 16, 30, 30, 30].map(Duration::from_secs);
        let mut pauses = Pauses::default();
        assert_eq!(longest, longest.map(|_| pauses.next(u32::MAX)));
        let mut pauses = Pauses::default();
        assert_eq!(
            longest.map(|longest| longest / 10),
            longest.map(|_| pauses.next(0))
        );
        // However many there were.
        pauses.failed = u32::MAX - 1;
        assert_eq!(pauses.next(u32::MAX), LONGEST);
    }

    #[test]
    fn only_a_connection_that_lasted_begins_anew() {
        let mut pauses = Pauses::default();
        for _ in 0..3 {
            pauses.next(0);
        }
        pauses.lasted(LONGEST);
        assert_eq!(pauses.next(u32::MAX), FIRST * 8);
        pauses.lasted(LONGEST + Duration::from_secs(1));
        assert_eq!(pauses.next(u32::MAX), FIRST);
    }

    #[test]
    fn what_cannot_go_better_is_not_tried_again() {
        for (code, again) in [
            (1000, false),
            (1001, true),
            (1002, false),
            (1003, false),
            (1005, false),
            (1006, true),
            (1007, false),
            (1008, false),
            (1009, false),
            (1010, false),
            (1011, true),
            (1012, true),
            (1013, true),
            (1014, true),
            (3000, false),
            (4999, false),
        ] {
            let ending = Ending::Closed(CloseReason::new(CloseCode(code)));
            assert_eq!(is_worthwhile(&ending), again, "{code}");
        }
        let failed = |error: Error| is_worthwhile(&Ending::Failed(error));
        assert!(failed(
            io::Error::from(io::ErrorKind::ConnectionRefused).into()
        ));
        let by_proxy = |error: Error| Error::Proxy {
            address: String::new(),
            error: Box::new(error),
        };
        assert!(failed(by_proxy(io::Error::other("lost").into())));
        assert!(!failed(by_proxy(Rule::MaskPresent.into())));
        assert!(!failed(Rule::MaskPresent.into()));
        assert!(!failed(plainws::connect("no").unwrap_err()));
        assert!(!is_worthwhile(&Ending::Silent));
        assert!(!is_worthwhile(&Ending::TooFew { wanted: 2, came: 1 }));
    }
}
