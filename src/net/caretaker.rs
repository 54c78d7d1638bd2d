//! A thread that looks after connections whose own threads are busy elsewhere.
//!
//! A handler may compute, sleep or write for long without receiving. Its peer's pings and Close are to
//! be answered all the same, a dead peer is to be found, and a slow one's backlog to be worked off.
//! One thread for the whole process does that a few times a second, never waiting for any one peer. It
//! ends when there is nothing left to look after.

use super::link::Link;
use std::io::Read as _;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Between two rounds. A handler that has not received for a whole round is taken for busy, so its
/// peer's ping waits for two of these at the most.
const PERIOD: Duration = Duration::from_millis(50);
/// How long a refused peer has to end its side.
const LINGER: Duration = Duration::from_secs(1);
/// More refused peers than this are dropped at once: each holds a descriptor that a welcome one may need.
const MAX_LINGERING: usize = 64;

static WARDS: Mutex<Wards> = Mutex::new(Wards {
    links: Vec::new(),
    lingering: Vec::new(),
    has_thread: false,
});

struct Wards {
    links: Vec<Weak<Link>>,
    /// Refused connections, read until their peers end them: unread input would turn the refusal into
    /// a reset.
    lingering: Vec<(Arc<TcpStream>, Instant)>,
    has_thread: bool,
}

/// Looks after a connection as long as it exists.
pub(super) fn watch(link: &Arc<Link>) {
    let mut wards = wards();
    wards.links.push(Arc::downgrade(link));
    wards.start();
}

/// Reads from a non-blocking connection that was refused until its peer has had time to see why.
pub(super) fn linger(stream: Arc<TcpStream>) {
    let mut wards = wards();
    if wards.lingering.len() < MAX_LINGERING {
        wards.lingering.push((stream, Instant::now() + LINGER));
        wards.start();
    }
}

fn wards() -> MutexGuard<'static, Wards> {
    WARDS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wards {
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
            // Only a tap can panic here, and only its own connection pays for that.
            if catch_unwind(AssertUnwindSafe(|| link.tend())).is_err() {
                link.cut();
            }
        }
        thread::sleep(PERIOD);
    }
}

/// The connections to look after in this round; `None` when there is nothing left.
fn round() -> Option<Vec<Arc<Link>>> {
    let mut wards = wards();
    let now = Instant::now();
    wards
        .lingering
        .retain_mut(|(stream, until)| now < *until && !has_ended(stream));
    wards.links.retain(|link| link.strong_count() > 0);
    wards.has_thread = !wards.links.is_empty() || !wards.lingering.is_empty();
    wards
        .has_thread
        .then(|| wards.links.iter().filter_map(Weak::upgrade).collect())
}

/// Discards what has arrived, and says whether that was the last.
fn has_ended(mut stream: &TcpStream) -> bool {
    let mut discarded = [0; 4096];
    match stream.read(&mut discarded) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !super::socket::is_passing(&error),
    }
}
