//! A decision of the user's code, and what is answered when it is not made in time.

use super::caretaker::{self, Due};
use super::http::Response;
use super::registry::Registry;
use super::stream::Stream;
use std::io::IoSlice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// Whether a connection may be opened, while that is being found out.
///
/// That code cannot be interrupted. So its peer is answered by the caretaker at the deadline, and the code's thread
/// finds that out when it returns.
#[derive(Debug)]
pub(super) struct Decision {
    stream: Arc<Stream>,
    registry: Arc<Registry>,
    max_lingering: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Awaited,
    Made,
    /// Too late: these bytes were sent.
    Overdue(Vec<u8>),
}

impl Decision {
    /// Awaits it until the deadline.
    pub(super) fn await_until(
        deadline: Instant,
        stream: &Arc<Stream>,
        registry: &Arc<Registry>,
        max_lingering: usize,
    ) -> Arc<Self> {
        let decision = Arc::new(Self {
            stream: Arc::clone(stream),
            registry: Arc::clone(registry),
            max_lingering,
            state: Mutex::new(State::Awaited),
        });
        caretaker::call_at(deadline, &decision);
        decision
    }

    /// Notes that it was made. If that is too late, returns what the peer was sent.
    pub(super) fn made(&self) -> Result<(), Vec<u8>> {
        match std::mem::replace(&mut *self.state(), State::Made) {
            State::Awaited | State::Made => Ok(()),
            State::Overdue(sent) => Err(sent),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Due for Decision {
    /// Answers without waiting: a peer whose buffer cannot take these few bytes does not get them.
    fn call(&self) {
        let response = overdue();
        let mut state = self.state();
        if !matches!(*state, State::Awaited) {
            return;
        }
        let bytes = [&*response.head(true, SystemTime::now()), response.body()].concat();
        let sent = self.stream.write_now(&[IoSlice::new(&bytes)]);
        *state = State::Overdue(bytes);
        drop(state);
        self.registry.count_response(&response);
        if sent.is_ok() && self.stream.end_output().is_ok() {
            caretaker::linger(Arc::clone(&self.stream), self.max_lingering);
        }
    }
}

/// What is answered then.
pub(super) fn overdue() -> Response {
    let reason = "whether the connection may be opened was not found out in time";
    Response::refusal(503, "admission-late", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Read as _};
    use std::net::{TcpListener, TcpStream};

    fn decision() -> (TcpStream, Decision) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let decision = Decision {
            stream: Arc::new(Stream::new(listener.accept().unwrap().0)),
            registry: Arc::default(),
            max_lingering: 0,
            state: Mutex::new(State::Awaited),
        };
        (peer, decision)
    }

    #[test]
    fn a_decision_that_was_made_is_not_overdue() {
        let (mut peer, decision) = decision();
        decision.made().unwrap();
        decision.call();
        decision.stream.write_now(&[IoSlice::new(b"101")]).unwrap();
        decision.stream.end_output().unwrap();
        let mut came = String::new();
        peer.read_to_string(&mut came).unwrap();
        assert_eq!(came, "101");
    }

    #[test]
    fn what_is_decided_after_the_deadline_is_told_what_was_sent() {
        let (mut peer, decision) = decision();
        decision.call();
        decision.call();
        let mut came = Vec::new();
        peer.read_to_end(&mut came).unwrap();
        assert!(came.starts_with(b"HTTP/1.1 503 "));
        assert_eq!(decision.made(), Err(came));
        let more = decision.stream.write_now(&[IoSlice::new(b"101")]);
        assert_eq!(
            more.map_err(|error| error.kind()),
            Err(io::ErrorKind::BrokenPipe)
        );
    }
}
