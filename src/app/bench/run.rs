//! One run: the phases, and who leads the threads through them.

use super::plan::{Load, Target};
use super::tally::Tally;
use super::worker::{Board, Counts, Phase, Worker};
use mio::Waker;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// How long it was measured.
    pub(crate) time: Duration,
    /// Whether the user ended it early.
    pub(crate) is_cut_short: bool,
}

impl Outcome {
    /// Counts another run as more of this one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.time += other.time;
        self.is_cut_short |= other.is_cut_short;
    }

    /// Connections that were opened, whatever became of them.
    pub(crate) const fn opened(&self) -> u64 {
        self.tally.connect.total()
    }

    /// Echoes in a second.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.tally.messages, self.time)
    }
}

pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    pub(crate) open: u32,
    /// Since measuring began.
    pub(crate) time: Duration,
    pub(crate) messages: u64,
}

/// How often it is looked whether a phase is over.
const STEP: Duration = Duration::from_millis(10);
/// Time for the threads to find out who is late.
const SLACK: Duration = Duration::from_millis(200);
/// How long the echoes that are due are waited for when the user ends the run.
const SHORT_DRAIN: Duration = Duration::from_secs(1);
/// How long the answers to our Closes are waited for.
const CLOSE: Duration = Duration::from_secs(1);

/// Loads a server. `stop` ends it early, `show` is called a few times a second.
///
/// # Errors
///
/// Why it could not begin, in words for people.
pub(crate) fn run(
    target: &Target,
    load: &Load,
    stop: &AtomicBool,
    show: impl FnMut(Progress),
) -> Result<Outcome, String> {
    let (first, address) = reach(&target.addresses()?, load.patience)
        .map_err(|error| format!("cannot connect to {}: {error}", target.name))?;
    let board = Board::new(load.threads);
    let mut workers = Vec::new();
    let mut wakers = Vec::new();
    let mut first = Some(first);
    for place in 0..load.threads {
        let (worker, waker) = Worker::new(target, load, address, &board, place, first.take())
            .map_err(|error| format!("cannot wait for connections: {error}"))?;
        workers.push(worker);
        wakers.push(waker);
    }
    let leader = Leader {
        load,
        board: &board,
        wakers,
        stop,
        show,
        began: None,
    };
    thread::scope(|scope| {
        let started = workers.into_iter().map(|worker| {
            let thread = thread::Builder::new().name("plainws bench".into());
            thread.spawn_scoped(scope, || worker.run())
        });
        let started: io::Result<Vec<_>> = started.collect();
        let threads = started.map_err(|error| {
            board.enter(Phase::Leaving, &[]);
            format!("cannot start a thread: {error}")
        })?;
        let (time, is_cut_short) = leader.lead();
        let mut tally = Tally::default();
        for thread in threads {
            let counted = thread.join().expect("a thread of the load does not panic");
            tally.add(&counted.map_err(|error| format!("cannot wait for connections: {error}"))?);
        }
        Ok(Outcome {
            tally,
            time,
            is_cut_short,
        })
    })
}

/// Connects to the first address that can be reached. The connection is the first of the run: a server
/// sees none that asks for nothing.
fn reach(addresses: &[SocketAddr], patience: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(address, patience) {
            Ok(stream) => {
                stream.set_nonblocking(true)?;
                return Ok((stream, *address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

struct Leader<'a, S> {
    load: &'a Load,
    board: &'a Board,
    wakers: Vec<Waker>,
    stop: &'a AtomicBool,
    show: S,
    /// When measuring began.
    began: Option<Instant>,
}

impl<S: FnMut(Progress)> Leader<'_, S> {
    /// Leads the threads through the phases. Returns how long it was measured, and whether the user ended
    /// it.
    fn lead(mut self) -> (Duration, bool) {
        let all = self.load.all_connections();
        let load = self.load;
        // The threads give up what takes too long.
        self.wait(None, |leader| leader.sum(|counts| &counts.settled) >= all);
        self.enter(Phase::WarmingUp);
        self.wait(Some(load.warm_up), Self::has_nobody);
        let began = Instant::now();
        self.began = Some(began);
        self.enter(Phase::Measuring);
        self.wait(Some(load.time), Self::has_nobody);
        if load.connections > 0 {
            // A rate needs one echo at least. If none comes in time, the threads say so.
            let patience = load.patience.saturating_add(SLACK);
            self.wait(Some(patience), |leader| {
                leader.echoes() > 0 || leader.has_nobody()
            });
        }
        let time = began.elapsed();
        self.enter(Phase::Draining);
        let is_cut_short = self.is_stopped();
        self.drain(is_cut_short);
        self.enter(Phase::Closing);
        let deadline = Instant::now() + CLOSE;
        while self.open() > 0 && Instant::now() < deadline {
            thread::sleep(STEP);
        }
        self.enter(Phase::Leaving);
        (time, is_cut_short)
    }

    /// Waits for so long, without an end if no clock goes that far, or until something is so, or until the
    /// user ends it.
    fn wait(&mut self, time: Option<Duration>, is_over: impl Fn(&Self) -> bool) {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        loop {
            let left = deadline.map_or(STEP, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() || self.is_stopped() || is_over(self) {
                return;
            }
            thread::sleep(left.min(STEP));
            self.show();
        }
    }

    fn drain(&mut self, is_short: bool) {
        let limit = if is_short {
            SHORT_DRAIN.min(self.load.patience)
        } else {
            self.load.patience.saturating_add(SLACK)
        };
        let deadline = Instant::now().checked_add(limit);
        let is_late = || deadline.is_some_and(|at| Instant::now() >= at);
        let are_due = || self.board.counts.iter().any(Counts::awaits_echoes);
        while are_due() && !is_late() {
            thread::sleep(STEP);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed) || self.board.has_failed.load(Relaxed)
    }

    fn enter(&self, phase: Phase) {
        self.board.enter(phase, &self.wakers);
    }

    fn open(&self) -> u32 {
        self.sum(|counts| &counts.open)
    }

    fn sum(&self, count: impl Fn(&Counts) -> &AtomicU32) -> u32 {
        let counts = self.board.counts.iter();
        counts.map(|counts| count(counts).load(Relaxed)).sum()
    }

    /// Whether there is nobody left to measure.
    fn has_nobody(&self) -> bool {
        if self.load.connections > 0 {
            self.sum(|counts| &counts.sending) == 0
        } else {
            self.open() == 0
        }
    }

    fn echoes(&self) -> u64 {
        let counts = self.board.counts.iter();
        counts.map(|counts| counts.messages.load(Relaxed)).sum()
    }

    fn show(&mut self) {
        let progress = Progress {
            phase: self.board.phase(),
            open: self.open(),
            time: self.began.map_or(Duration::ZERO, |began| began.elapsed()),
            messages: self.echoes(),
        };
        (self.show)(progress);
    }
}
