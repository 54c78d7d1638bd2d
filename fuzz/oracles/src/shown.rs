//! The bytes that an input stands for: the command that shows what they mean, and the rule that is at stake.

use crate::handshake::Arrival;
use crate::reference;
use crate::script::play;
use crate::stream::{Stream, TINY, large_sequence};
use crate::subject::{OPENING_KEY, Seen, Subject};
use crate::words;
use plainws::Role;
use plainws::protocol::message::Limits;

/// More bytes than this do not fit a line that is pasted.
const PASTED: usize = 4096;

/// Bytes that `plainws decode` can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The bytes.
    pub wire: Vec<u8>,
    /// Its options: who sends them, under which limits.
    pub options: Vec<String>,
    /// The rule that they break, in words; or that they break none.
    pub at_stake: String,
}

impl Shown {
    /// What `input` stands for when that oracle reads it; for some it is no bytes of a peer.
    #[must_use]
    pub fn of(oracle: &str, subject: &dyn Subject, input: &[u8]) -> Option<Self> {
        let stream = |limits| {
            let Stream { sender, wire, .. } = Stream::from_input(input);
            Some(Self::frames(sender, limits, wire))
        };
        match oracle {
            "split" | "reference" | "silence" | "answers" => stream(TINY),
            "memory" | "dissect-tiles" | "dissect-same" | "dissect-printed" => {
                stream(Limits::default())
            }
            "round-trip" => {
                let (sender, sequence) = large_sequence(input);
                Some(Self::frames(sender, Limits::default(), sequence.wire))
            }
            "endpoint-hears" => {
                let log = play(subject, input)?;
                Some(Self::frames(log.role.peer(), TINY, log.received))
            }
            "head-split" | "head-bounded" | "head-accepts" | "head-rest" | "request-items"
            | "response" | "response-items" => Some(Self::head(Arrival::from_input(input))),
            _ if oracle.starts_with("endpoint-") => {
                let log = play(subject, input)?;
                Some(Self::frames(log.role, Limits::default(), log.written))
            }
            _ => None,
        }
    }

    /// Frames under these limits.
    #[must_use]
    pub fn frames(sender: Role, limits: Limits, wire: Vec<u8>) -> Self {
        let at_stake = match reference::frames(sender, limits, &wire).last() {
            Some(Seen::Failed(Some(rule))) => words::rule(*rule),
            _ => "legal frames".into(),
        };
        let mut options = vec![("--role", sender.name().into())];
        if limits != Limits::default() {
            options.extend([
                ("--max-message", limits.max_bytes.to_string()),
                ("--max-fragments", limits.max_fragments.to_string()),
                (
                    "--max-empty-fragments",
                    limits.max_empty_fragments.to_string(),
                ),
            ]);
        }
        Self::new(wire, &options, at_stake)
    }

    /// A head, and what follows it.
    #[must_use]
    pub fn head(arrival: Arrival) -> Self {
        let at_stake = arrival.lacks();
        let Arrival {
            sender,
            limits,
            wire,
            ..
        } = arrival;
        let mut options = vec![
            ("--role", sender.name().into()),
            ("--max-head", limits.max_bytes.to_string()),
            ("--max-headers", limits.max_headers.to_string()),
        ];
        if sender == Role::Server {
            options.push(("--key", OPENING_KEY.into()));
        }
        Self::new(wire, &options, at_stake)
    }

    fn new(wire: Vec<u8>, options: &[(&str, String)], at_stake: String) -> Self {
        let options = options.iter();
        let options = options.flat_map(|(name, value)| [(*name).to_owned(), value.clone()]);
        Self {
            wire,
            options: options.collect(),
            at_stake,
        }
    }

    /// The command that shows them; `None` if they are none, or too many for a line.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let digits = self.wire.iter().map(|byte| format!("{byte:02x}"));
        let hex: String = digits.collect();
        let fits = (1..=PASTED).contains(&self.wire.len());
        fits.then(|| format!("plainws decode {} {hex}", self.options.join(" ")))
    }
}
