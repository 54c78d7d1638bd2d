//! A thread with many connections: it waits for any of them and serves those that are ready.

use super::fault::{Fault, Kind};
use super::peer::{After, Peer, Shop};
use super::plan::{Load, Target};
use super::tally::Tally;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use plainws::net::random::Random;
use std::io;
use std::iter::StepBy;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

/// What all threads do at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Connecting,
    /// As measuring, but nothing counts.
    WarmingUp,
    Measuring,
    /// Nothing new is sent; the echoes that are due come in.
    Draining,
    Closing,
    Leaving,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Connecting,
        Self::WarmingUp,
        Self::Measuring,
        Self::Draining,
        Self::Closing,
        Self::Leaving,
    ];

    /// Whether an echo is answered with the next message.
    const fn is_sending(self) -> bool {
        matches!(self, Self::WarmingUp | Self::Measuring)
    }

    /// Whether an echo that comes counts.
    const fn is_measuring(self) -> bool {
        matches!(self, Self::Measuring)
    }
}

/// What the threads and the one that leads them tell each other.
#[derive(Debug, Default)]
pub(crate) struct Board {
    phase: AtomicU8,
    /// A thread could not go on.
    pub(crate) has_failed: AtomicBool,
    pub(crate) counts: Vec<Counts>,
}

/// How a thread is getting on, told now and then.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Connections that are open or will not be.
    pub(crate) settled: AtomicU32,
    pub(crate) open: AtomicU32,
    /// Those of them that are not idle.
    pub(crate) sending: AtomicU32,
    /// Open connections on which an echo is still due; told only when no more messages are sent.
    awaiting: AtomicU32,
    knows_awaiting: AtomicBool,
    /// Echoes while it was measured.
    pub(crate) messages: AtomicU64,
}

impl Counts {
    /// Whether there are echoes due, or may be.
    pub(crate) fn awaits_echoes(&self) -> bool {
        !self.knows_awaiting.load(Acquire) || self.awaiting.load(Relaxed) > 0
    }
}

impl Board {
    pub(crate) fn new(threads: u32) -> Self {
        Self {
            phase: AtomicU8::new(0),
            has_failed: AtomicBool::new(false),
            counts: (0..threads).map(|_| Counts::default()).collect(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed))]
    }

    pub(crate) fn enter(&self, phase: Phase, wakers: &[Waker]) {
        self.phase.store(phase as u8, Relaxed);
        for waker in wakers {
            // Without it the thread finds out a little later.
            let _ = waker.wake();
        }
    }
}

/// The token of what wakes the thread; the others are places of connections.
const WAKE: Token = Token(usize::MAX);
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Connections being opened at once: as many as fit into the queue of a server that keeps a short one.
const OPENING: u32 = 64;
/// Read at once at most. Larger would leave the cache, smaller cost more calls.
const BUFFER: usize = 128 * 1024;

pub(crate) struct Worker<'a> {
    load: &'a Load,
    address: SocketAddr,
    board: &'a Board,
    counts: &'a Counts,
    shop: Shop<'a>,
    poll: Poll,
    phase: Phase,
    /// The numbers of the connections that are not opened yet.
    unopened: StepBy<Range<u32>>,
    /// A connection that stands already.
    first: Option<std::net::TcpStream>,
    opening: u32,
    settled: u32,
    open: u32,
    /// Open connections that are not idle.
    sending: u32,
    peers: Vec<Option<Peer>>,
    /// Places of connections that may have more to read, of which the system does not tell again.
    ready: Vec<usize>,
    busy_since: Option<Duration>,
}

impl<'a> Worker<'a> {
    /// Takes its share of the connections: each `threads`th from `place` on.
    pub(crate) fn new(
        target: &'a Target,
        load: &'a Load,
        address: SocketAddr,
        board: &'a Board,
        place: u32,
        first: Option<std::net::TcpStream>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let all = place..load.all_connections();
        let worker = Self {
            load,
            address,
            board,
            counts: &board.counts[place as usize],
            shop: Shop {
                target,
                messages: &load.messages,
                random: Random::new()?,
                buffer: vec![0; BUFFER],
                tally: Tally::default(),
                is_sending: false,
                is_measuring: false,
            },
            poll,
            phase: Phase::Connecting,
            peers: Vec::new(),
            unopened: all.step_by(load.threads as usize),
            first,
            opening: 0,
            settled: 0,
            open: 0,
            sending: 0,
            ready: Vec::new(),
            busy_since: None,
        };
        Ok((worker, waker))
    }

    /// Works until all is over; returns what it counted.
    pub(crate) fn run(mut self) -> io::Result<Tally> {
        let worked = self.work();
        if worked.is_err() {
            self.board.has_failed.store(true, Relaxed);
        }
        worked.map(|()| self.shop.tally)
    }

    fn work(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut next_look = Instant::now() + TICK;
        while self.phase != Phase::Leaving {
            // 1. Open connections while there are some to be opened.
            self.open_more();
            // 2. Wait for those that are ready, unless some are.
            let wait = match self.ready.is_empty() {
                true => next_look.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            // 3. Do what the phase asks for.
            let phase = self.board.phase();
            if phase != self.phase {
                self.enter(phase);
            }
            // 4. Serve them.
            for place in std::mem::take(&mut self.ready) {
                self.serve(place, false);
            }
            for event in &events {
                if event.token() != WAKE {
                    self.serve(event.token().0, event.is_read_closed());
                }
            }
            // 5. Give up those that are late.
            let now = Instant::now();
            if now >= next_look {
                next_look = now + TICK;
                self.look(now);
            }
            self.tell();
        }
        Ok(())
    }

    fn open_more(&mut self) {
        while self.phase == Phase::Connecting && self.opening < OPENING {
            let Some(number) = self.unopened.next() else {
                return;
            };
            if let Err(error) = self.open_one(number) {
                self.settled += 1;
                self.shop
                    .tally
                    .fault(Fault::new(Kind::CannotConnect, error));
            }
        }
    }

    fn open_one(&mut self, number: u32) -> io::Result<()> {
        let mut stream = match self.first.take() {
            Some(stream) => TcpStream::from_std(stream),
            None => TcpStream::connect(self.address)?,
        };
        let token = Token(self.peers.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, token, interest)?;
        let is_idle = number >= self.load.connections;
        let peer = Peer::new(stream, self.shop.target, number, is_idle);
        self.peers.push(Some(peer));
        self.opening += 1;
        Ok(())
    }

    fn enter(&mut self, phase: Phase) {
        let before = std::mem::replace(&mut self.phase, phase);
        self.shop.is_sending = phase.is_sending();
        self.shop.is_measuring = phase.is_measuring();
        if before == Phase::Connecting {
            // Those that are not open by now never will be.
            for place in 0..self.peers.len() {
                if self.peers[place].as_ref().is_some_and(Peer::is_opening) {
                    self.end(place);
                }
            }
        }
        if before == Phase::Connecting && self.shop.is_sending {
            let in_flight = self.load.in_flight;
            self.each(|peer, shop| peer.begin(in_flight, shop));
        }
        if phase == Phase::Measuring {
            self.busy_since = processor_time();
        } else if before == Phase::Measuring {
            let busy = self.busy_since.zip(processor_time());
            self.shop.tally.processor = busy.map(|(since, now)| now.saturating_sub(since));
        }
        if phase == Phase::Closing {
            self.each(Peer::close);
        }
    }

    /// Does something with each open connection.
    fn each(&mut self, act: impl Fn(&mut Peer, &mut Shop<'a>) -> Result<(), Fault>) {
        for place in 0..self.peers.len() {
            let peer = self.peers[place].as_mut().filter(|peer| peer.is_open());
            let done = peer.map(|peer| act(peer, &mut self.shop));
            if let Some(Err(fault)) = done {
                self.fail(place, fault);
            }
        }
    }

    fn serve(&mut self, place: usize, is_ended: bool) {
        let Some(peer) = self.peers.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        let was_opening = peer.is_opening();
        let after = peer.go_on(is_ended, &mut self.shop);
        if was_opening && peer.is_open() {
            self.opening -= 1;
            self.settled += 1;
            self.open += 1;
            self.sending += u32::from(!peer.is_idle());
        }
        match after {
            Ok(After::Waiting) => {}
            // The system may have told of it again in the meantime.
            Ok(After::More) if self.ready.contains(&place) => {}
            Ok(After::More) => self.ready.push(place),
            Ok(After::Ended) => self.end(place),
            Err(fault) => self.fail(place, fault),
        }
    }

    fn look(&mut self, now: Instant) {
        for place in 0..self.peers.len() {
            let peer = self.peers[place].as_ref();
            let overdue = peer.and_then(|peer| peer.overdue(now, self.load.patience));
            let Some(fault) = overdue else { continue };
            if fault.kind != Kind::NoEcho {
                // A server that does not answer would keep the others waiting as long.
                self.give_up();
            }
            self.fail(place, fault);
        }
    }

    /// Opens no more connections.
    fn give_up(&mut self) {
        for _ in self.unopened.by_ref() {
            self.settled += 1;
            let detail = "not tried after another got no answer";
            self.shop.tally.fault(Fault::new(Kind::NotTried, detail));
        }
    }

    fn fail(&mut self, place: usize, fault: Fault) {
        let is_open = self.peers[place]
            .as_ref()
            .is_some_and(|peer| !peer.is_opening());
        if self.phase < Phase::Closing {
            self.shop.tally.lost += u64::from(is_open);
            self.shop.tally.fault(fault);
        }
        self.end(place);
    }

    fn end(&mut self, place: usize) {
        let Some(mut peer) = self.peers[place].take() else {
            return;
        };
        if peer.is_opening() {
            self.opening -= 1;
            self.settled += 1;
        } else {
            self.open -= 1;
            self.sending -= u32::from(!peer.is_idle());
        }
        // It is closed at once, and then the system forgets it by itself.
        let _ = self.poll.registry().deregister(&mut peer.stream);
    }

    fn tell(&self) {
        let counts = self.counts;
        counts.settled.store(self.settled, Relaxed);
        counts.open.store(self.open, Relaxed);
        counts.sending.store(self.sending, Relaxed);
        counts.messages.store(self.shop.tally.messages, Relaxed);
        if self.phase == Phase::Draining {
            let peers = self.peers.iter().flatten();
            let awaiting = peers.filter(|peer| peer.awaits_echoes()).count();
            counts
                .awaiting
                .store(u32::try_from(awaiting).unwrap_or(u32::MAX), Relaxed);
            counts.knows_awaiting.store(true, Release);
        }
    }
}

/// What this thread has used of a processor so far, as Linux tells it; elsewhere `None`.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = told.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_while_it_is_measured_counts() {
        let told = Phase::ALL.map(|phase| (phase, phase.is_sending(), phase.is_measuring()));
        let expected = [
            (Phase::Connecting, false, false),
            (Phase::WarmingUp, true, false),
            (Phase::Measuring, true, true),
            (Phase::Draining, false, false),
            (Phase::Closing, false, false),
            (Phase::Leaving, false, false),
        ];
        assert_eq!(told, expected);
    }
}
