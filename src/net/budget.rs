//! How much memory the connections of a server may hold together.
//!
//! Each connection reports what it holds, and asks before it holds more. What one of them has no room for is
//! refused to that one; the others are served on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Memory is counted in units of this many bytes, and each connection's first unit is free. So connections
/// with small messages never wait for each other's processors here, and are served even when all is used
/// up: how many there are is bounded elsewhere.
const UNIT: usize = 64 * 1024;

/// What the connections may hold together, and what they do.
#[derive(Debug)]
pub(super) struct Budget {
    max: AtomicUsize,
    held: AtomicUsize,
    refusals: AtomicU64,
}

impl Budget {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            max: AtomicUsize::new(max),
            held: AtomicUsize::new(0),
            refusals: AtomicU64::new(0),
        }
    }

    /// Changes how much there is. What is held already stays.
    pub(super) fn set_max(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// Bytes held now, without the first unit of each connection.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// How often something was refused for want of memory.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Whether more than half is held.
    fn is_scarce(&self) -> bool {
        self.held() > self.max.load(Ordering::Relaxed) / 2
    }

    /// Takes so much more, if it is left.
    fn take(&self, more: usize) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        let taken = |held: usize| held.checked_add(more).filter(|&held| held <= max);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }
}

/// What one connection holds of a budget. It goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    /// Whole units.
    held: usize,
    /// The bytes that were told last.
    told: usize,
}

impl Share {
    pub(super) const fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            held: 0,
            told: 0,
        }
    }

    /// A share of a budget that has no end.
    pub(super) fn unlimited() -> Self {
        Self::new(Arc::new(Budget::new(usize::MAX)))
    }

    /// Holds so many bytes from now on, whether they are left or not: for what exists already.
    pub(super) fn hold(&mut self, bytes: usize) {
        let held = charged(bytes);
        if held > self.held {
            self.budget
                .held
                .fetch_add(held - self.held, Ordering::Relaxed);
        } else if held < self.held {
            self.budget
                .held
                .fetch_sub(self.held - held, Ordering::Relaxed);
        }
        self.held = held;
        self.told = bytes;
    }

    /// Holds so many bytes from now on, unless that is more than before and not left.
    pub(super) fn try_hold(&mut self, bytes: usize) -> bool {
        let held = charged(bytes);
        if held <= self.held {
            self.hold(bytes);
            return true;
        }
        let is_left = self.budget.take(held - self.held);
        if is_left {
            self.held = held;
            self.told = bytes;
        }
        is_left
    }

    /// Whether so many bytes more than were told last are free.
    pub(super) const fn is_free(&self, more: usize) -> bool {
        self.told.saturating_add(more) <= UNIT
    }

    /// Whether nobody should hold more than is needed just now. Not asked of those whose share is free.
    pub(super) fn is_scarce(&self) -> bool {
        self.held > 0 && self.budget.is_scarce()
    }

    /// Counts that something was refused.
    pub(super) fn count_refusal(&self) {
        self.budget.refusals.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

/// What so many bytes cost: whole units, without the first.
const fn charged(bytes: usize) -> usize {
    (bytes.saturating_sub(1) / UNIT) * UNIT
}
