//! A thread that looks after connections whose own threads are busy elsewhere.
//!
//! A handler may compute, sleep or write for long without receiving. Its peer's pings and Close are to
//! be answered all the same, a dead peer is to be found, and a slow one's backlog to be worked off.
//! One thread for the whole process does that a few times a second, never waiting for any one peer. It
//! ends when there is nothing left to look after.

use super::deadline::is_passing;
use super::link::Link;
use super::stream::Stream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Between two rounds. A handler that has not received for a whole round is taken for busy, so its
/// peer's ping waits for two of these at the most.
const PERIOD: Duration = Duration::from_millis(50);
/// How long a refused peer has to end its side.
const LINGER: Duration = Duration::from_secs(1);
/// More refused peers than this are dropped at once: each holds a descriptor that a welcome one may
/// need.
const MAX_LINGERING: usize = 64;

static CHARGES: Mutex<Charges> = Mutex::new(Charges {
    links: Vec::new(),
    lingering: Vec::new(),
    has_thread: false,
});

/// What the caretaker has in its care.
struct Charges {
    links: Vec<Weak<Link>>,
    /// Refused connections, read until their peers end them: unread input would turn the refusal into
    /// a reset.
    lingering: Vec<(Arc<Stream>, Instant)>,
    has_thread: bool,
}

/// Looks after a connection as long as it exists.
pub(super) fn watch(link: &Arc<Link>) {
    let mut charges = charges();
    charges.links.push(Arc::downgrade(link));
    charges.start();
}

/// Reads from a connection that was refused until its peer has had time to see why.
pub(super) fn linger(stream: Arc<Stream>) {
    let mut charges = charges();
    if charges.lingering.len() < MAX_LINGERING {
        charges.lingering.push((stream, Instant::now() + LINGER));
        charges.start();
    }
}

fn charges() -> MutexGuard<'static, Charges> {
    CHARGES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Charges {
    /// Without a thread for it, connections get the care of their own threads only; the next one tries
    /// again.
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
    while let Some(links) = round() {
        for link in links {
            link.service();
        }
        thread::sleep(PERIOD);
    }
}

/// The connections to look after in this round; `None` when there is nothing left.
fn round() -> Option<Vec<Arc<Link>>> {
    let mut charges = charges();
    let now = Instant::now();
    charges
        .lingering
        .retain_mut(|(stream, until)| now < *until && !has_ended(stream));
    charges.links.retain(|link| link.strong_count() > 0);
    charges.has_thread = !charges.links.is_empty() || !charges.lingering.is_empty();
    charges
        .has_thread
        .then(|| charges.links.iter().filter_map(Weak::upgrade).collect())
}

/// Discards what has arrived, and says whether that was the last.
fn has_ended(stream: &Stream) -> bool {
    let mut discarded = [0; 4096];
    match stream.read_now(&mut discarded) {
        Ok(length) => length == 0,
        Err(error) => !is_passing(&error),
    }
}
