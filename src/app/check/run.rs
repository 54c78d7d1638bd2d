//! Plays many cases, some of them side by side.

use super::case::Case;
use super::examinee::Examinee;
use super::judge::{Outcome, Verdict, judge};
use super::play::play;
use super::probe;
use super::record::{Record, Side, Stopped};
use super::talk::Waited;
use plainws::Role;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

/// How often an examinee is tried again that is gone, or too busy.
const TRIES: usize = 10;
const BETWEEN: Duration = Duration::from_millis(100);

/// A case that was played.
#[derive(Debug)]
pub(crate) struct Result {
    /// Its place among the cases.
    pub(crate) number: usize,
    pub(crate) verdict: Verdict,
    pub(crate) record: Record,
}

/// Plays all cases, `jobs` at once, and calls `told` with each result as it comes. What sends much comes last, one by one,
/// and so does once more what the examinee was too busy for.
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
    let liveness = Liveness::default();
    let busy = side_by_side(cases, &light, jobs, &examinee, &liveness, &told)?;
    let alone = [busy, heavy].concat();
    side_by_side(cases, &alone, 1, &examinee, &liveness, &told).map(drop)
}

/// Gives the cases that the examinee was too busy for, unless each was alone.
fn side_by_side<E: Examinee>(
    cases: &[Case],
    numbers: &[usize],
    jobs: usize,
    examinee: &(impl Fn() -> std::io::Result<E> + Sync),
    liveness: &Liveness,
    told: &Mutex<impl FnMut(&Case, Result) + Send>,
) -> std::io::Result<Vec<usize>> {
    let next = AtomicUsize::new(0);
    let busy = Mutex::new(Vec::<usize>::new());
    let work = || -> std::io::Result<()> {
        let mut examinee = examinee()?;
        while let Some(&number) = numbers.get(next.fetch_add(1, Relaxed)) {
            let case = &cases[number];
            let (mut verdict, mut record) = liveness.play(case, &mut examinee);
            let is_busy =
                is_too_busy(&verdict, &record) || (examinee.is_secure() && is_dumb(&record));
            if jobs > 1 && is_busy {
                let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
                busy.push(number);
                continue;
            }
            if is_too_busy(&verdict, &record) {
                (verdict, record) = liveness.play_when_idle(case, &mut examinee);
            }
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
    })?;
    let mut busy = busy.into_inner().unwrap_or_else(PoisonError::into_inner);
    busy.sort_unstable();
    Ok(busy)
}

/// Whether it was not judged because the examinee has no room for one more connection. A server that finds out before
/// TLS has come about cannot say so, and ends the connection.
fn is_too_busy(verdict: &Verdict, record: &Record) -> bool {
    if matches!(record.stopped, Some(Stopped::Unsecured(Waited::Over, _))) {
        return true;
    }
    let mut statuses = record.sides.iter().filter_map(Side::status);
    verdict.outcome == Outcome::NotApplicable && statuses.any(|status| matches!(status, 429 | 503))
}

/// Whether a connection ended without a byte. Inside TLS that may mean the same, found out a little later: the client's
/// part of the handshake is over before the server's is.
fn is_dumb(record: &Record) -> bool {
    let mut came = record.sides.iter().map(|side| &side.came);
    came.any(|came| came.total == 0 && came.end.is_some())
}

/// Whether the examinee is still there and does anything: hundreds of cases that are played in vain would tell no more
/// than some.
#[derive(Default)]
struct Liveness {
    /// Cases in a row, by when they ended, that waited in vain.
    cases: AtomicUsize,
    /// The cases that ended last.
    last: Mutex<VecDeque<String>>,
    /// Why nothing more is played.
    given_up: OnceLock<String>,
}

impl Liveness {
    /// After so many in vain, a message is sent to see whether anything comes back at all.
    const MOST: usize = 40;

    /// Plays a case, unless it is known that nothing comes of it.
    fn play(&self, case: &Case, examinee: &mut impl Examinee) -> (Verdict, Record) {
        if let Some(why) = self.given_up.get() {
            let why = format!("not played: {why}");
            return (Verdict::not_played(why), Record::unplayed(examinee.role()));
        }
        let record = play(case, examinee);
        let mut verdict = judge(case, &record);
        if is_gone(&record, examinee) {
            verdict.why += &format!("; it was there until one of these cases: {}", self.last());
            self.give_up("nothing is there any more".into());
        } else if verdict.outcome != Outcome::Timeout {
            self.cases.store(0, Relaxed);
        } else if self.cases.fetch_add(1, Relaxed) + 1 == Self::MOST {
            self.cases.store(0, Relaxed);
            if !probe::sends_back(examinee) {
                self.give_up(format!("{} cases in a row had no answer", Self::MOST));
            }
        }
        self.note(&case.id);
        (verdict, record)
    }

    /// Plays a case until it finds room: the connections of the case before may not have ended there yet.
    fn play_when_idle(&self, case: &Case, examinee: &mut impl Examinee) -> (Verdict, Record) {
        for _ in 1..TRIES {
            thread::sleep(BETWEEN);
            let (verdict, record) = self.play(case, examinee);
            if !is_too_busy(&verdict, &record) {
                return (verdict, record);
            }
        }
        let (mut verdict, record) = self.play(case, examinee);
        // Not one that only has no room for so many connections as the case needs.
        if is_too_busy(&verdict, &record) && !probe::sends_back(examinee) {
            verdict.outcome = Outcome::Timeout;
            self.give_up("it stays too busy".into());
        }
        (verdict, record)
    }

    fn give_up(&self, why: String) {
        // Whoever was first has said it.
        drop(self.given_up.set(why));
    }

    fn note(&self, id: &str) {
        const KEPT: usize = 16;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(id.to_owned());
        if last.len() > KEPT {
            last.pop_front();
        }
    }

    fn last(&self) -> String {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Vec::from_iter(last.iter().map(String::as_str)).join(", ")
    }
}

/// Whether a server has gone, and does not come back at once as one that is started again.
fn is_gone(record: &Record, examinee: &mut impl Examinee) -> bool {
    let is_unopened = matches!(record.stopped, Some(Stopped::Unopened(_)));
    examinee.role() == Role::Server
        && is_unopened
        && (0..TRIES).all(|_| {
            thread::sleep(BETWEEN);
            probe::unopened(examinee).is_some()
        })
}
