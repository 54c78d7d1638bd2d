//! A relay between a client and a server: how many bytes pass it, and when, the test says.

use crate::PATIENCE;
use crate::peer::listen;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

/// Listens, and passes each connection on to a server. It lives as long as the test's process.
#[derive(Debug)]
pub struct Relay {
    /// Where clients connect to.
    pub address: SocketAddr,
    came: Receiver<Passing>,
}

/// One connection through a [`Relay`].
#[derive(Clone, Debug)]
pub struct Passing {
    /// From the client to the server.
    pub up: Valve,
    /// From the server to the client.
    pub down: Valve,
    sockets: Arc<[TcpStream; 2]>,
}

/// One direction. Clones are the same valve.
#[derive(Clone, Debug, Default)]
pub struct Valve(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    /// How many bytes may have passed at most.
    allowed: usize,
    /// How many of them at once.
    piece: usize,
    arrived: usize,
    passed: usize,
    has_ended: bool,
}

impl Relay {
    /// One through which everything passes until a test says otherwise.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        Self::beginning(server, Valve::open)
    }

    /// One through which nothing passes until a test says so. The client's connection to the relay is accepted, and
    /// the relay's to the server made.
    #[must_use]
    pub fn holding(server: SocketAddr) -> Self {
        Self::beginning(server, Valve::hold)
    }

    fn beginning(server: SocketAddr, begin: fn(&Valve)) -> Self {
        let (listener, address) = listen();
        let (told, came) = mpsc::channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(passing) = client.and_then(|client| Passing::start(client, server, begin))
                else {
                    continue;
                };
                let _ = told.send(passing);
            }
        });
        Self { address, came }
    }

    /// The next connection through it.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    #[must_use]
    pub fn next(&self) -> Passing {
        let passing = self.came.recv_timeout(PATIENCE);
        passing.expect("a connection through the relay in time")
    }
}

impl Passing {
    fn start(client: TcpStream, server: SocketAddr, begin: fn(&Valve)) -> io::Result<Self> {
        let server = TcpStream::connect_timeout(&server, PATIENCE)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (up, down) = (Valve::default(), Valve::default());
        for (valve, from, to) in [(&up, &client, &server), (&down, &server, &client)] {
            begin(valve);
            let (valve, from, to) = (valve.clone(), from.try_clone()?, to.try_clone()?);
            thread::spawn(move || {
                let passed = valve.pass(from, &to);
                // As the end was on one side, so on the other.
                let _ = to.shutdown(if passed.is_ok() {
                    Shutdown::Write
                } else {
                    Shutdown::Both
                });
                valve.update(|state| state.has_ended = true);
            });
        }
        Ok(Self {
            up,
            down,
            sockets: Arc::new([client, server]),
        })
    }

    /// Ends both directions at once; what has not passed is lost.
    pub fn cut(&self) {
        for socket in &*self.sockets {
            let _ = socket.shutdown(Shutdown::Both);
        }
        for valve in [&self.up, &self.down] {
            valve.update(|state| state.has_ended = true);
        }
    }
}

impl Valve {
    /// Lets nothing more pass.
    pub fn hold(&self) {
        self.update(|state| {
            state.allowed = state.passed;
            state.piece = usize::MAX;
        });
    }

    /// Lets so many bytes more pass than were allowed, at once if they are there.
    pub fn allow(&self, more: usize) {
        self.update(|state| state.allowed = state.allowed.saturating_add(more));
    }

    /// Lets everything pass.
    pub fn open(&self) {
        self.open_by(usize::MAX);
    }

    /// Lets everything pass, in pieces of so many bytes. Who reads slowly may read several at once.
    pub fn open_by(&self, piece: usize) {
        self.update(|state| (state.allowed, state.piece) = (usize::MAX, piece));
    }

    /// How many bytes have passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.lock().passed
    }

    /// How many bytes have come to it. It reads on only when all of them have passed.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.lock().arrived
    }

    /// Waits until so many bytes have passed.
    ///
    /// # Panics
    ///
    /// When they do not.
    pub fn wait_until_passed(&self, bytes: usize) {
        self.wait("pass", |state| state.passed >= bytes);
    }

    /// Waits until so many bytes have come to it.
    ///
    /// # Panics
    ///
    /// When they do not.
    pub fn wait_until_arrived(&self, bytes: usize) {
        self.wait("arrive", |state| state.arrived >= bytes);
    }

    /// Waits until the sender has ended its side and everything has passed.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn wait_until_ended(&self) {
        self.wait("end", |state| state.has_ended);
    }

    fn pass(&self, mut from: TcpStream, mut to: &TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut buffer)?;
            self.update(|state| state.arrived += length);
            if length == 0 {
                return Ok(());
            }
            let mut rest = &buffer[..length];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(self.wait_for_leave(rest.len())?);
                to.write_all(piece)?;
                self.update(|state| state.passed += piece.len());
                rest = after;
            }
        }
    }

    /// How many bytes may pass at once.
    fn wait_for_leave(&self, most: usize) -> io::Result<usize> {
        let mut state = self.lock();
        loop {
            if state.has_ended {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let left = state.allowed.saturating_sub(state.passed);
            if left > 0 {
                return Ok(most.min(left).min(state.piece));
            }
            state = self.0.1.wait(state).expect("no panic in it");
        }
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        while !is_so(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for it to {what}: {state:?}"
            );
            let waited = self.0.1.wait_timeout(state, left);
            state = waited.expect("no panic in it").0;
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no panic in it")
    }
}
