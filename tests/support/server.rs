//! The library's server on a free port, in a thread of its own.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::due;
use super::raw::PATIENCE;
use plainws::{Limits, Result, Server, WebSocket};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Starts a server that lives as long as the test's process.
pub(crate) fn start(configure: impl FnOnce(Server) -> Server) -> SocketAddr {
    let server = Server::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = server.local_addr().expect("it is bound");
    let server = configure(server);
    thread::spawn(move || server.serve());
    address
}

/// Starts a server with `handler` at `/`. What it returns, or tells its second argument, can be
/// waited for.
pub(crate) fn observe<T: Send + 'static>(
    handler: impl Fn(&mut WebSocket, &mpsc::Sender<T>) -> Result<()> + Send + Sync + 'static,
) -> (SocketAddr, Observed<T>) {
    observe_with(Limits::default(), handler)
}

/// The same with other limits.
pub(crate) fn observe_with<T: Send + 'static>(
    limits: Limits,
    handler: impl Fn(&mut WebSocket, &mpsc::Sender<T>) -> Result<()> + Send + Sync + 'static,
) -> (SocketAddr, Observed<T>) {
    let (told, observed) = mpsc::channel();
    let address = start(|server| {
        server
            .limits(limits)
            .route("/", move |ws| handler(ws, &told))
    });
    (address, Observed(observed))
}

/// What a handler says.
pub(crate) struct Observed<T>(Receiver<T>);

impl<T> From<Receiver<T>> for Observed<T> {
    fn from(told: Receiver<T>) -> Self {
        Self(told)
    }
}

impl<T> Observed<T> {
    /// Waits for the next thing said.
    pub(crate) fn next(&self) -> T {
        self.0
            .recv_timeout(PATIENCE)
            .expect("the handler says something in time")
    }

    /// Waits for something that is [due](due) to be said when `time` has passed `since` then.
    #[track_caller]
    pub(crate) fn next_due(&self, since: Instant, time: Duration) -> T {
        due::wait(since, time, |slice| self.next_within(slice))
    }

    /// Waits for something to be said, at most for `time`.
    pub(crate) fn next_within(&self, time: Duration) -> Option<T> {
        self.0.recv_timeout(time).ok()
    }

    /// Forgets what was said so far.
    pub(crate) fn forget(&self) {
        while self.0.try_recv().is_ok() {}
    }
}

#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends each message back.
pub(crate) fn echo(ws: &mut WebSocket) -> Result<()> {
    while let Some(message) = ws.receive()? {
        ws.feed(message)?;
    }
    Ok(())
}

/// The deadlines of [`impatient`].
pub(crate) const SOON: Duration = Duration::from_millis(300);

/// Limits whose deadlines pass soon, for tests that wait for them.
pub(crate) fn impatient() -> Limits {
    Limits::default()
        .head_timeout(SOON)
        .keep_alive_timeout(SOON)
        .close_timeout(SOON)
        .write_timeout(SOON)
        .transit_timeout(SOON)
}

/// Limits without a deadline that a test could mistake for the one that it waits for.
pub(crate) fn endless() -> Limits {
    let forever = Duration::from_secs(3600);
    Limits::default()
        .head_timeout(forever)
        .keep_alive_timeout(forever)
        .close_timeout(forever)
        .write_timeout(forever)
        // Otherwise what is sent delays the deadlines that follow it: it has an hour to arrive.
        .transit_timeout(Duration::ZERO)
        .ping_after(None)
}
