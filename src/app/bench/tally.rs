//! What is counted, by each thread for itself and then together.

use super::fault::{Fault, Kind};
use super::histogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of a run, or of a part of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Echoes that came, as sent, while it was measured.
    pub(crate) messages: u64,
    /// From sending a message to its whole echo.
    pub(crate) latency: Histogram,
    /// From the beginning of a connection to the end of its handshake.
    pub(crate) connect: Histogram,
    /// How many failed in this way, and how the first did.
    pub(crate) faults: BTreeMap<Kind, (u64, String)>,
    /// Connections that were open and ended before they should.
    pub(crate) lost: u64,
    /// Pings answered, on all connections.
    pub(crate) pings: u64,
    /// Messages that came on idle connections, which look at none.
    pub(crate) unread: u64,
    /// Processor time of the load itself while it was measured, where the system tells.
    pub(crate) processor: Option<Duration>,
}

impl Tally {
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.entry(fault.kind).or_insert((0, fault.detail)).0 += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.latency.add(&other.latency);
        self.connect.add(&other.connect);
        for (&kind, (count, first)) in &other.faults {
            self.faults
                .entry(kind)
                .or_insert_with(|| (0, first.clone()))
                .0 += count;
        }
        self.lost += other.lost;
        self.pings += other.pings;
        self.unread += other.unread;
        self.processor = match (self.processor, other.processor) {
            (Some(one), Some(two)) => Some(one + two),
            (one, two) => one.or(two),
        };
    }
}
