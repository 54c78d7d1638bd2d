//! What a case came to.

use plainws::protocol::rule::Rule;

/// How an examinee did at a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    Ok,
    /// Allowed, but weaker than it could be.
    Lenient,
    Failed,
    /// Nothing came where something was due.
    Timeout,
    /// It could not be judged.
    NotApplicable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::Ok,
        Self::Lenient,
        Self::Failed,
        Self::Timeout,
        Self::NotApplicable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Lenient => "lenient",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// An outcome, and why it is that; nothing if it is ok.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) why: String,
}

impl Verdict {
    pub(super) fn ok() -> Self {
        Self {
            outcome: Outcome::Ok,
            why: String::new(),
        }
    }

    pub(crate) fn not_played(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::NotApplicable,
            why: why.into(),
        }
    }

    /// A client whose request breaks these rules, the one first for which it is refused.
    pub(crate) fn of_broken_request(broken: &[Rule]) -> Self {
        let rules = broken.iter().map(|rule| format!("{}: {rule}", rule.id()));
        let rules: Vec<_> = rules.collect();
        Self {
            outcome: Outcome::Failed,
            why: format!("its request breaks {}", rules.join("; and ")),
        }
    }
}

/// Anything but ok, in the order in which it is found: the first one counts, but for what is only weak.
pub(super) type Finding = Result<(), Verdict>;

pub(super) fn failed<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Failed,
        why: why.into(),
    })
}

pub(super) fn timeout<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Timeout,
        why: why.into(),
    })
}

pub(super) fn lenient<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::Lenient,
        why: why.into(),
    })
}

pub(super) fn not_applicable<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict {
        outcome: Outcome::NotApplicable,
        why: why.into(),
    })
}
