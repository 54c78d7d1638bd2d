//! How a conversation ended, the exit code for it, and what is said of a failure.

use super::reach::Unopened;
use crate::app::show::text;
use plainws::{CloseCode, CloseReason, Error};

pub(super) const CLEAN: u8 = 0;
pub(super) const FAILED: u8 = 1;
pub(super) const USAGE: u8 = 2;
pub(super) const REFUSED: u8 = 3;
pub(super) const VIOLATION: u8 = 4;

/// The exit codes, as `--help` and `docs/tools.md` tell them.
pub(super) const EXIT_CODES: &[(u8, &str)] = &[
    (
        CLEAN,
        "closed cleanly: with 1000, 1001, 3000 to 4999, or without a code",
    ),
    (
        FAILED,
        "failed: no connection, a lost one, any other close code; not all that was asked for: too few \
         messages, input that was not sent, output that was not written",
    ),
    (USAGE, "wrong usage"),
    (REFUSED, "refused by the server with an HTTP status"),
    (
        VIOLATION,
        "one side broke the protocol, or a limit or policy of the other: with 1002, 1007, 1008 or 1009 as well",
    ),
];

/// How a connection, or the attempt to open one, ended.
pub(super) enum Ending {
    Closed(CloseReason),
    Failed(Error),
    /// No connection could be opened, perhaps for this reason.
    Unopened(Unopened),
    /// No message came within `--timeout`.
    Silent,
    /// The server closed before it had sent as many messages as were asked for.
    TooFew {
        wanted: u64,
        came: u64,
    },
}

impl Ending {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Closed(reason) => of_close(reason.code),
            Self::Failed(error) | Self::Unopened(Unopened { error, .. }) => of_error(error),
            Self::Silent | Self::TooFew { .. } => FAILED,
        }
    }

    /// What is said of it, besides the Close.
    pub(super) fn problem(&self) -> Option<String> {
        match self {
            Self::Closed(_) => None,
            Self::Failed(error) => Some(error.to_string()),
            Self::Unopened(Unopened { error, cause }) => Some(match cause {
                Some(cause) => format!("{error}; {cause}"),
                None => error.to_string(),
            }),
            Self::Silent => Some("no message arrived in time".into()),
            Self::TooFew { wanted, came } => Some(format!(
                "{} came, of {wanted} that were asked for",
                text::count(*came, "message")
            )),
        }
    }
}

impl From<Unopened> for Ending {
    fn from(unopened: Unopened) -> Self {
        Self::Unopened(unopened)
    }
}

const fn of_error(error: &Error) -> u8 {
    match error {
        Error::Rule(_) => VIOLATION,
        Error::Refused(_) => REFUSED,
        Error::Url(_) | Error::Header(_) => USAGE,
        _ => FAILED,
    }
}

const fn of_close(code: CloseCode) -> u8 {
    match code.0 {
        1000 | 1001 | 1005 | 3000..=4999 => CLEAN,
        // What the sender's peer did wrong: the protocol, or the sender's limits or policy.
        1002 | 1007..=1009 => VIOLATION,
        _ => FAILED,
    }
}

/// The table of exit codes, each on a line of its own or more.
pub(super) fn table() -> String {
    let rows = EXIT_CODES.iter();
    let rows = rows.map(|(code, what)| format!("  {code}  {}", text::wrapped(what, 5)));
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plainws::protocol::rule::Rule;
    use std::io;

    #[test]
    fn each_close_code_has_its_exit_code() {
        const CODES: &[(u8, &[u16])] = &[
            (CLEAN, &[1000, 1001, 1005, 3000, 3999, 4000, 4999]),
            (FAILED, &[1003, 1006, 1010, 1011, 1012, 1013, 1014]),
            (VIOLATION, &[1002, 1007, 1008, 1009]),
        ];
        for (exit_code, codes) in CODES {
            for &code in *codes {
                let ending = Ending::Closed(CloseReason::new(CloseCode(code)));
                assert_eq!(ending.exit_code(), *exit_code, "{code}");
            }
        }
    }

    #[test]
    fn what_fails_at_the_proxy_is_no_refusal_of_the_server() {
        let error = Error::Proxy {
            address: "p:1".into(),
            error: Box::new(Rule::StatusLineMalformed.into()),
        };
        let ending = Ending::Unopened(Unopened {
            error,
            cause: Some("why".into()),
        });
        assert_eq!(ending.exit_code(), FAILED);
        let problem = ending.problem().unwrap();
        assert!(
            problem.starts_with("the proxy p:1 broke a rule: "),
            "{problem}"
        );
        assert!(problem.ends_with("; why"), "{problem}");
    }

    #[test]
    fn each_failure_has_its_exit_code() {
        let failed = |error: Error| Ending::Failed(error).exit_code();
        assert_eq!(failed(io::Error::other("lost").into()), FAILED);
        assert_eq!(failed(Error::Overloaded), FAILED);
        assert_eq!(failed(plainws::connect("no").unwrap_err()), USAGE);
        assert_eq!(failed(Rule::MaskPresent.into()), VIOLATION);
        assert_eq!(Ending::Silent.exit_code(), FAILED);
        let too_few = Ending::TooFew { wanted: 2, came: 1 };
        assert_eq!(too_few.exit_code(), FAILED);
        assert_eq!(
            too_few.problem().as_deref(),
            Some("1 message came, of 2 that were asked for")
        );
    }
}
