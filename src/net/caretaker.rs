//! A thread that looks after all connections, whatever their own threads do.
//!
//! A handler may compute, sleep or write for long without receiving. All the same its peer's pings and
//! Close must be answered, and what a slow peer could not take at once written. And whether its own thread
//! is busy or waits for a message, a dead peer must be noticed, and a message that arrives too slowly be
//! refused: a thread that judged this itself would need a timer of the system for each wait. One thread for
//! the whole process does all of it, many times a second and without waiting for any peer. It ends when there
//! is nothing left to look after.

use super::deadline::is_passing;
use super::link::Link;
use super::stream::Stream;
use std::io::IoSliceMut;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two rounds. A handler that has not received since the last round counts as busy, so a
/// ping waits for its pong at most about two of these.
const PERIOD: Duration = Duration::from_millis(50);
/// How long a refused peer has to end its side.
const LINGER: Duration = Duration::from_secs(1);
static CHARGES: Mutex<Charges> = Mutex::new(Charges {
    links: Vec::new(),
    lingering: Vec::new(),
    due: Vec::new(),
    has_thread: false,
});

/// Something to be done at a deadline, unless its owner has dropped it by then.
pub(super) trait Due: Send + Sync {
    /// Does it, once, soon after the deadline. It must not wait.
    fn call(&self);
}

/// What the caretaker has in its care.
struct Charges {
    links: Vec<Weak<Link>>,
    /// Refused connections, read until their peers end them: unread input would turn the refusal into
    /// a reset.
    lingering: Vec<(Arc<Stream>, Instant)>,
    due: Vec<(Instant, Weak<dyn Due>)>,
    has_thread: bool,
}

/// Looks after a connection as long as it exists.
pub(super) fn watch(link: &Arc<Link>) {
    let mut charges = charges();
    charges.links.push(Arc::downgrade(link));
    charges.start();
}

/// Calls it at the deadline, or within about a twentieth of a second after that.
pub(super) fn call_at<T: Due + 'static>(deadline: Instant, due: &Arc<T>) {
    let due: Weak<T> = Arc::downgrade(due);
    let mut charges = charges();
    charges.due.push((deadline, due));
    charges.start();
}

/// Goes on reading from a refused connection until its peer has had time to read the refusal. When
/// `max` linger already, it is dropped at once: each holds a descriptor that an accepted connection may
/// need.
pub(super) fn linger(stream: Arc<Stream>, max: usize) {
    let mut charges = charges();
    if charges.lingering.len() < max {
        charges.lingering.push((stream, Instant::now() + LINGER));
        charges.start();
        return;
    }
    drop(charges);
    // If the whole request is here already, the end is no reset all the same.
    has_ended(&stream);
}

fn charges() -> MutexGuard<'static, Charges> {
    CHARGES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Charges {
    /// If no thread can be started, the next connection tries again. Until one can, the connections' own
    /// threads answer what they receive, and nobody finds dead peers and late messages: each wait lasts
    /// until something arrives, or until its caller's deadline.
    fn start(&mut self) {
        if !self.has_thread {
            let thread = thread::Builder::new()
                .name("plainws caretaker".into())
                .stack_size(128 * 1024);
            self.has_thread = thread.spawn(run).is_ok();
        }
    }
}

fn run() {
    while let Some((links, overdue)) = round() {
        for overdue in overdue {
            let _ = catch_unwind(AssertUnwindSafe(|| overdue.call()));
        }
        for link in links {
            look_after(&link);
        }
        thread::sleep(PERIOD);
    }
}

/// A panic, as when the source of masking keys fails, ends its connection and not the care for all others.
fn look_after(link: &Link) {
    if catch_unwind(AssertUnwindSafe(|| link.service())).is_err() {
        link.cut();
    }
}

/// The connections to look after in a round, and what is due.
type Round = (Vec<Arc<Link>>, Vec<Arc<dyn Due>>);

/// `None` when there is nothing left.
fn round() -> Option<Round> {
    let mut charges = charges();
    let now = Instant::now();
    charges
        .lingering
        .retain_mut(|(stream, until)| now < *until && !has_ended(stream));
    charges.links.retain(|link| link.strong_count() > 0);
    let mut overdue = Vec::new();
    charges.due.retain(|(deadline, due)| {
        let is_overdue = *deadline <= now;
        if is_overdue {
            overdue.extend(due.upgrade());
        }
        !is_overdue && due.strong_count() > 0
    });
    charges.has_thread = !charges.links.is_empty()
        || !charges.lingering.is_empty()
        || !charges.due.is_empty()
        || !overdue.is_empty();
    let links = || charges.links.iter().filter_map(Weak::upgrade).collect();
    charges.has_thread.then(|| (links(), overdue))
}

/// Discards some of what has arrived, and says whether the connection has ended.
fn has_ended(stream: &Stream) -> bool {
    let mut discarded = [0; 4096];
    match stream.read_now(&mut [IoSliceMut::new(&mut discarded)]) {
        Ok(length) => length == 0,
        Err(error) => !is_passing(&error),
    }
}
