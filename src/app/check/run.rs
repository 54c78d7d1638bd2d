//! Plays many cases, some of them side by side.

use super::case::Case;
use super::judge::{Outcome, Verdict, judge};
use super::play::{Examinee, Record, play};
use super::probe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
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
    let silence = Silence::default();
    side_by_side(cases, &light, jobs, &examinee, &silence, &told)?;
    side_by_side(cases, &heavy, 1, &examinee, &silence, &told)
}

fn side_by_side<E: Examinee>(
    cases: &[Case],
    numbers: &[usize],
    jobs: usize,
    examinee: &(impl Fn() -> std::io::Result<E> + Sync),
    silence: &Silence,
    told: &Mutex<impl FnMut(&Case, Result) + Send>,
) -> std::io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut examinee = examinee()?;
        while let Some(&number) = numbers.get(next.fetch_add(1, Relaxed)) {
            let case = &cases[number];
            let (verdict, record) = silence.unless_given_up(case, &mut examinee);
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

/// Whether the examinee still does anything: hundreds of cases that wait in vain would tell no more than some.
#[derive(Default)]
struct Silence {
    /// Cases in a row, by when they ended, that waited in vain.
    cases: AtomicUsize,
    is_given_up: AtomicBool,
}

impl Silence {
    /// After so many it is seen whether anything comes back at all.
    const MOST: usize = 40;

    fn unless_given_up(&self, case: &Case, examinee: &mut impl Examinee) -> (Verdict, Record) {
        if self.is_given_up.load(Relaxed) {
            let why = format!("not played: {} cases in a row had no answer", Self::MOST);
            return (Verdict::not_played(why), Record::unplayed(examinee.role()));
        }
        let record = play(case, examinee);
        let verdict = judge(case, &record);
        if verdict.outcome != Outcome::Timeout {
            self.cases.store(0, Relaxed);
        } else if self.cases.fetch_add(1, Relaxed) + 1 == Self::MOST {
            self.cases.store(0, Relaxed);
            self.is_given_up
                .fetch_or(!probe::sends_back(examinee), Relaxed);
        }
        (verdict, record)
    }
}
