//! Plays streams side by side until one fails.

use super::pieces::{Found, Pieces, failure};
use crate::app::check::server::{Server, Target};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// What came of it.
pub(super) struct Searched {
    /// How many streams were played.
    pub(super) played: u64,
    /// Those that failed, by their numbers: several if they were played at once.
    pub(super) found: Vec<Found>,
}

/// Plays the streams of a seed for so long, each thread one at least.
///
/// # Errors
///
/// The system has no random bytes.
pub(super) fn search(
    target: &Target,
    time: Duration,
    seed: u64,
    jobs: usize,
) -> io::Result<Searched> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let end = Instant::now() + time;
    let work = || {
        let mut server = Server::new(target)?;
        loop {
            let number = next.fetch_add(1, Relaxed);
            let pieces = Pieces::new(seed, number);
            if let Some((verdict, record)) = failure(&pieces, &mut server) {
                lock(&found).push(Found {
                    number,
                    pieces,
                    verdict,
                    record,
                });
            }
            if Instant::now() >= end || !lock(&found).is_empty() {
                return Ok(());
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let mut outcomes = workers.into_iter().map(ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome: thread::Result<io::Result<()>>| {
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|found| found.number);
    Ok(Searched {
        played: next.into_inner(),
        found,
    })
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
