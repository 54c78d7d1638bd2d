//! How a complete head is judged: one check after another, each by the rule that it holds the head to.
//!
//! An endpoint stops at the first check that fails, because its answer names one rule. An explanation
//! ([`dissect::handshake`](super::dissect::handshake)) goes on to the last check and notes what came of
//! each, to show every rule that is broken. Both run the same checks, those of
//! [`request`](super::request) and [`handshake`](super::handshake).
#![warn(clippy::indexing_slicing)]

use super::head::Head;
use super::rule::Rule;

/// Runs checks. Each either returns the rule that is broken, or is noted.
#[derive(Debug)]
pub(super) struct Checks {
    /// What came of the checks so far; `None` for an endpoint, which notes nothing.
    findings: Option<Vec<Finding>>,
}

/// What came of one check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) rule: Rule,
    pub(super) is_met: bool,
}

/// What a check looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    StartLine,
    /// All headers of that name together, which may be none.
    Headers(&'static str),
    /// One header of that name; the first is 0.
    Header(&'static str, usize),
}

impl Checks {
    /// For an endpoint: the first check that fails returns its rule.
    pub(super) const fn until_one_fails() -> Self {
        Self { findings: None }
    }

    /// For an explanation: no check returns an error.
    pub(super) const fn to_the_last() -> Self {
        Self {
            findings: Some(Vec::new()),
        }
    }

    /// What came of all checks, in their order.
    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings.unwrap_or_default()
    }

    /// Checks one thing, which the caller has judged.
    pub(super) fn check(&mut self, place: Place, rule: Rule, is_met: bool) -> Result<(), Rule> {
        self.value(place, rule, is_met.then_some(()))
    }

    /// Checks that there is a value. Without one, an explanation goes on with the default.
    pub(super) fn value<T: Default>(
        &mut self,
        place: Place,
        rule: Rule,
        value: Option<T>,
    ) -> Result<T, Rule> {
        let Some(findings) = &mut self.findings else {
            return value.ok_or(rule);
        };
        findings.push(Finding {
            place,
            rule,
            is_met: value.is_some(),
        });
        Ok(value.unwrap_or_default())
    }

    /// Checks that a header does not stand twice (§11.3): each one after the first breaks the rule.
    pub(super) fn once(&mut self, head: &Head, name: &'static str, rule: Rule) -> Result<(), Rule> {
        let numbers = 0..head.values(name).count();
        numbers.into_iter().try_for_each(|number| {
            let is_first = number == 0;
            self.check(Place::Header(name, number), rule, is_first)
        })
    }

    /// Checks each header of that name by itself; returns what the right ones say.
    pub(super) fn each<'a, T>(
        &mut self,
        head: &'a Head,
        name: &'static str,
        rule: Rule,
        read: impl Fn(&'a [u8]) -> Option<T>,
    ) -> Result<Vec<T>, Rule> {
        let mut read_so_far = Vec::new();
        for (number, value) in head.values(name).enumerate() {
            let value = read(value);
            self.check(Place::Header(name, number), rule, value.is_some())?;
            read_so_far.extend(value);
        }
        Ok(read_so_far)
    }

    /// The same for a header of which one must be right; returns what the first right one says.
    pub(super) fn required<'a, T: Default>(
        &mut self,
        head: &'a Head,
        name: &'static str,
        rule: Rule,
        read: impl Fn(&'a [u8]) -> Option<T>,
    ) -> Result<T, Rule> {
        let values = self.each(head, name, rule, read)?;
        self.value(Place::Headers(name), rule, values.into_iter().next())
    }
}
