//! The connections of a server: how many there are, what became of them, and how they are ended.

use super::budget::Budget;
use super::deadline::deadline_in;
use super::http::Response;
use super::link::Link;
use super::output::Patience;
use super::places::{Full, Place, Places, Taken};
use super::stats::Stats;
use super::stream::Stream;
use crate::protocol::close_code::CloseCode;
use crate::protocol::connection::Traffic;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How far a server is on its way to its end. Later phases compare as greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    #[default]
    Serving,
    /// Connections are being closed and waited for.
    Stopping,
    /// No connection is waited for any more.
    Cutting,
}

/// What all connections may hold together unless told otherwise: 32 messages of the largest size that is
/// taken by default, which a small machine has to spare.
const MAX_MEMORY: usize = 512 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Registry {
    members: Mutex<Members>,
    budget: Arc<Budget>,
    /// Notified when a member leaves and when the phase changes.
    changed: Condvar,
    /// Our own ends of the connections that wake the thread that accepts, until it has seen them.
    wakers: Mutex<Vec<SocketAddr>>,
}

#[derive(Debug, Default)]
struct Members {
    phase: Phase,
    /// Whether an end is announced, so that connections are not kept for another request.
    is_draining: bool,
    next_id: u64,
    by_id: HashMap<u64, Member>,
    taken: Taken,
    /// The thread that ended last. The next one to end joins it: a thread cannot join itself, and one
    /// that is not joined keeps its stack.
    ended: Option<JoinHandle<()>>,
    stats: Stats,
}

#[derive(Debug)]
struct Member {
    stream: Arc<Stream>,
    place: Place,
    /// The address that it counts for, if its place is one of those that are counted.
    of: Option<IpAddr>,
    /// The WebSocket connection, once it is open.
    link: Weak<Link>,
    /// Whether no further request is read from it.
    is_upgrading: bool,
    thread: Option<JoinHandle<()>>,
}

/// A connection's place in the registry. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Membership {
    registry: Arc<Registry>,
    id: u64,
    place: Place,
    places: Places,
    is_from_proxy: bool,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    Full(Full),
    Stopping,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            members: Mutex::default(),
            budget: Arc::new(Budget::new(MAX_MEMORY)),
            changed: Condvar::new(),
            wakers: Mutex::default(),
        }
    }
}

impl Registry {
    /// Gives a connection a place, unless there is none for it or the server is stopping. For whom one counts that
    /// comes from a trusted proxy is told later: [`Membership::count_for`].
    pub(super) fn enter(
        self: &Arc<Self>,
        stream: &Arc<Stream>,
        peer: IpAddr,
        is_from_proxy: bool,
        places: &Places,
    ) -> Result<Membership, NoPlace> {
        let mut members = self.members();
        if members.phase > Phase::Serving {
            return Err(NoPlace::Stopping);
        }
        let id = members.next_id;
        let taken = members.taken.take(id, peer, is_from_proxy, places);
        let (place, leaving) = taken.map_err(NoPlace::Full)?;
        if let Some(leaving) = leaving.and_then(|id| members.by_id.get(&id)) {
            // Its thread waits for a request and reads the end instead.
            leaving.stream.end_input();
        }
        members.next_id += 1;
        members.stats.connections += 1;
        let member = Member {
            stream: Arc::clone(stream),
            place,
            of: (place == Place::Ordinary && !is_from_proxy).then_some(peer),
            link: Weak::new(),
            is_upgrading: false,
            thread: None,
        };
        members.by_id.insert(id, member);
        Ok(Membership {
            registry: Arc::clone(self),
            id,
            place,
            places: *places,
            is_from_proxy,
        })
    }

    /// Keeps a member's thread to be joined when it has ended.
    pub(super) fn keep(&self, id: u64, thread: JoinHandle<()>) {
        let mut members = self.members();
        if let Some(member) = members.by_id.get_mut(&id) {
            member.thread = Some(thread);
            return;
        }
        // The member has left already.
        let before = members.ended.replace(thread);
        drop(members);
        join(before);
    }

    /// Keeps no connection for another request from now on.
    pub(super) fn drain(&self) {
        self.members().is_draining = true;
    }

    pub(super) fn phase(&self) -> Phase {
        self.members().phase
    }

    /// Goes on to a later phase.
    pub(super) fn advance(&self, phase: Phase) {
        let mut members = self.members();
        members.phase = members.phase.max(phase);
        self.changed.notify_all();
    }

    /// Notes the connection that `connect` makes to the server itself.
    pub(super) fn wake_with(
        &self,
        connect: impl FnOnce() -> io::Result<TcpStream>,
    ) -> io::Result<()> {
        // Held meanwhile: who accepts the connection looks here for its address.
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.push(connect()?.local_addr()?);
        Ok(())
    }

    /// Whether a connection was made to wake the server, and is nobody's.
    pub(super) fn is_waker(&self, peer: SocketAddr) -> bool {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        let place = wakers.iter().position(|waker| *waker == peer);
        place.map(|place| wakers.swap_remove(place)).is_some()
    }

    /// Closes every connection, waits until all have ended, then cuts those that are left. It waits no
    /// longer than `grace`, and only until the phase is [`Phase::Cutting`].
    pub(super) fn end(&self, grace: Duration) {
        self.close_all();
        self.wait_until_empty(Some(Phase::Cutting), grace);
        self.cut_all();
        // A connection that is still left after this has a handler that does not return.
        self.wait_until_empty(None, Duration::from_secs(1));
        let ended = self.members().ended.take();
        join(ended);
    }

    /// Begins to close every connection.
    pub(super) fn close_all(&self) {
        let mut links = Vec::new();
        for member in self.members().by_id.values() {
            match member.link.upgrade() {
                Some(link) => links.push(link),
                // It is closed as soon as it is open.
                None if member.is_upgrading => {}
                // No request may follow: a thread that waits for one reads the end of its input.
                None => member.stream.end_input(),
            }
        }
        // Without the lock, because this calls taps.
        for link in links {
            go_away(&link);
        }
    }

    /// Ends every connection at once.
    pub(super) fn cut_all(&self) {
        for member in self.members().by_id.values() {
            member.stream.cut();
        }
    }

    /// Waits until no connection is left, at most for `time`, and no longer once the phase `called_off`
    /// is reached, if one is given.
    fn wait_until_empty(&self, called_off: Option<Phase>, time: Duration) {
        let until = deadline_in(time);
        let mut members = self.members();
        loop {
            let is_called_off = called_off.is_some_and(|phase| members.phase >= phase);
            let left = until.saturating_duration_since(Instant::now());
            if members.by_id.is_empty() || is_called_off || left.is_zero() {
                return;
            }
            members = self
                .changed
                .wait_timeout(members, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Counts a response, and the reason for it if it is a refusal.
    pub(super) fn count_response(&self, response: &Response) {
        self.count(|stats| {
            *stats.responses.entry(response.status).or_default() += 1;
            if let Some(refusal) = &response.refusal {
                *stats.refusals.entry(refusal.id).or_default() += 1;
            }
        });
    }

    /// Runs code of the user's. A panic in it is counted, and goes no further.
    pub(super) fn catch<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(code)).ok();
        if done.is_none() {
            self.count(|stats| stats.panics += 1);
        }
        done
    }

    /// Counts something.
    pub(super) fn count(&self, count: impl FnOnce(&mut Stats)) {
        count(&mut self.members().stats);
    }

    pub(super) const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// What has happened up to now, open connections included.
    pub(super) fn stats(&self) -> Stats {
        let members = self.members();
        let mut stats = members.stats.clone();
        stats.open_connections = members.by_id.len();
        let links: Vec<_> = members
            .by_id
            .values()
            .filter_map(|member| member.link.upgrade())
            .collect();
        drop(members);
        stats.open_websockets = links.len();
        stats.memory_held = self.budget.held();
        stats.memory_refusals = self.budget.refusals();
        for link in links {
            add(&mut stats.traffic, link.traffic());
        }
        stats
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Whether the connection may be kept for another request: while others find a place all the same, and until the
    /// server drains or stops. One of a proxy is kept for this client of its, or for whichever comes next.
    pub(super) fn may_stay(&self, client_of_proxy: Option<IpAddr>) -> bool {
        let members = self.registry.members();
        let member = members.by_id.get(&self.id);
        let of = match self.is_from_proxy {
            true => client_of_proxy,
            false => member.and_then(|member| member.of),
        };
        let is_ending = members.is_draining || members.phase > Phase::Serving;
        !is_ending && !members.taken.is_crowded(of, &self.places)
    }

    /// Counts a connection from a trusted proxy for this client of the proxy's from now on, or for nobody. Others
    /// count for their peers all the time.
    ///
    /// # Errors
    ///
    /// The client has too many already: it counts for nobody then.
    pub(super) fn count_for(&self, client: Option<IpAddr>) -> Result<(), Full> {
        if !self.is_from_proxy || self.place != Place::Ordinary {
            return Ok(());
        }
        let mut members = self.registry.members();
        let Members { taken, by_id, .. } = &mut *members;
        let Some(member) = by_id.get_mut(&self.id) else {
            return Ok(());
        };
        if member.of == client {
            return Ok(());
        }
        if let Some(before) = member.of.take() {
            taken.discount(before);
        }
        if let Some(client) = client {
            taken.count(client, &self.places)?;
        }
        member.of = client;
        Ok(())
    }

    /// Notes that the connection is about to become a WebSocket connection. Returns whether it may: not
    /// while the server is stopping.
    pub(super) fn begin_upgrade(&self) -> bool {
        let mut members = self.registry.members();
        let may = members.phase == Phase::Serving;
        if let Some(member) = members.by_id.get_mut(&self.id) {
            member.is_upgrading = may;
        }
        may
    }

    /// The connection has become a WebSocket connection.
    pub(super) fn opened(&self, link: &Arc<Link>) {
        let mut members = self.registry.members();
        members.stats.websockets += 1;
        if let Some(member) = members.by_id.get_mut(&self.id) {
            member.link = Arc::downgrade(link);
        }
        let is_late = members.phase > Phase::Serving;
        drop(members);
        if is_late {
            go_away(link);
        }
    }

    /// The WebSocket connection has ended.
    pub(super) fn closed(&self, code: CloseCode, traffic: Traffic) {
        let mut members = self.registry.members();
        if let Some(member) = members.by_id.get_mut(&self.id) {
            member.link = Weak::new();
        }
        *members.stats.closes.entry(code).or_default() += 1;
        add(&mut members.stats.traffic, traffic);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut members = self.registry.members();
        let member = members.by_id.remove(&self.id);
        if let Some(member) = &member {
            members.taken.give_back(self.id, member.place, member.of);
        }
        let own = member.and_then(|member| member.thread);
        let before = match own {
            Some(thread) => members.ended.replace(thread),
            None => None,
        };
        self.registry.changed.notify_all();
        drop(members);
        join(before);
    }
}

/// §7.4.1: 1001 is what a server that is shutting down says.
fn go_away(link: &Link) {
    // This fails for a connection that is closing already; it is waited for all the same.
    let _ = link.close(CloseCode::GOING_AWAY, "the server is shutting down");
    let _ = link.flush(Patience::Now);
}

fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread {
        // A panic was reported where it happened.
        let _ = thread.join();
    }
}

const fn add(sum: &mut Traffic, more: Traffic) {
    sum.messages_received += more.messages_received;
    sum.bytes_received += more.bytes_received;
    sum.messages_sent += more.messages_sent;
    sum.bytes_sent += more.bytes_sent;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_not_left_for_an_earlier_one() {
        let registry = Registry::default();
        for (phase, is) in [
            (Phase::Stopping, Phase::Stopping),
            (Phase::Cutting, Phase::Cutting),
            (Phase::Stopping, Phase::Cutting),
        ] {
            registry.advance(phase);
            assert_eq!(registry.phase(), is);
        }
    }
}
