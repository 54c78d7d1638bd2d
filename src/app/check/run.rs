//! Plays many cases, some of them side by side.

use super::case::Case;
use super::judge::{Verdict, judge};
use super::play::{Examinee, Record, play};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

/// A case that was played.
#[derive(Debug)]
pub(crate) struct Result {
    /// Its place among the cases.
    pub(crate) number: usize,
    pub(crate) verdict: Verdict,
    pub(crate) record: Record,
}

/// Plays all cases, `jobs` at once, and calls `told` with each result as it comes. What sends much comes last, one by one.
///
/// # Errors
///
/// `examinee` makes none.
pub(crate) fn run<E: Examinee>(
    cases: &[Case],
    jobs: usize,
    examinee: impl Fn() -> std::io::Result<E> + Sync,
    told: impl FnMut(&Case, Result) + Send,
) -> std::io::Result<()> {
    let (heavy, light): (Vec<usize>, Vec<usize>) =
        (0..cases.len()).partition(|&number| cases[number].is_heavy());
    let told = Mutex::new(told);
    side_by_side(cases, &light, jobs, &examinee, &told)?;
    side_by_side(cases, &heavy, 1, &examinee, &told)
}

fn side_by_side<E: Examinee>(
    cases: &[Case],
    numbers: &[usize],
    jobs: usize,
    examinee: &(impl Fn() -> std::io::Result<E> + Sync),
    told: &Mutex<impl FnMut(&Case, Result) + Send>,
) -> std::io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut examinee = examinee()?;
        while let Some(&number) = numbers.get(next.fetch_add(1, Relaxed)) {
            let case = &cases[number];
            let record = play(case, &mut examinee);
            let verdict = judge(case, &record);
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told(
                case,
                Result {
                    number,
                    verdict,
                    record,
                },
            );
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.min(numbers.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut outcomes = workers.into_iter().map(ScopedJoinHandle::join);
        outcomes.try_for_each(|outcome| {
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
