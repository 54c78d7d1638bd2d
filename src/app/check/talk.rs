//! A connection with an examinee: a thread reads, so that neither end waits for the other to read.

use super::came::{Came, Ended};
use crate::app::trust::is_passing;
use plainws::{Role, Transport};
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// However slowly an examinee sends, a wait ends after so many times its patience.
const LONGEST: u32 = 10;

/// One connection.
pub(crate) struct Talk {
    stream: Arc<dyn Transport>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    /// A write was given up, so that no other bytes can come after it: part of it may be on its way.
    is_stuck: bool,
    patience: Duration,
    role: Role,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    came: Came,
    is_deaf: bool,
    /// Something waits to be read, meanwhile.
    has_unread: bool,
    /// This end has left: what comes now, the end of TCP too, is no doing of the examinee.
    is_left: bool,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for is there.
    Met,
    /// It cannot come any more.
    Over,
    /// Nothing came for too long.
    Silent,
}

/// A wait that is going on.
pub(crate) struct Wait {
    patience: Duration,
    begin: Instant,
    /// When something came last.
    last: Instant,
    /// What had come by then.
    most: Option<u64>,
}

impl Wait {
    fn new(patience: Duration) -> Self {
        let begin = Instant::now();
        Self {
            patience,
            begin,
            last: begin,
            most: None,
        }
    }

    /// How long to wait for the next byte.
    fn left(&mut self, came: &Came) -> Duration {
        let now = Instant::now();
        let so_far = came.but_pings();
        if self.most.is_some_and(|most| so_far > most) {
            self.last = now;
        }
        self.most = self.most.max(Some(so_far));
        let end = (self.last + self.patience).min(self.begin + self.patience * LONGEST);
        end.saturating_duration_since(now)
    }
}

impl Talk {
    /// Goes on with an open connection as `role`. `came` is what has come so far; `patience` how long a wait may
    /// last without a byte.
    ///
    /// # Errors
    ///
    /// The system has no thread or handle left.
    pub(crate) fn new(
        stream: Arc<dyn Transport>,
        role: Role,
        came: Came,
        patience: Duration,
    ) -> io::Result<Self> {
        stream.send_at_once()?;
        stream.set_write_timeout(Some(patience))?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                came,
                is_deaf: false,
                has_unread: false,
                is_left: false,
            }),
            changed: Condvar::new(),
        });
        let reader = thread::Builder::new().name("check-reader".into()).spawn({
            let stream = Arc::clone(&stream);
            let shared = Arc::clone(&shared);
            move || shared.read(&*stream)
        })?;
        Ok(Self {
            stream,
            shared,
            reader: Some(reader),
            is_stuck: false,
            patience,
            role,
        })
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// Writes, and tells whether all of it was taken.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> bool {
        self.is_stuck = self.is_stuck || self.write_all(bytes).is_err();
        !self.is_stuck
    }

    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut end = Instant::now() + self.patience;
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => {
                    bytes = &bytes[length..];
                    end = Instant::now() + self.patience;
                }
                // A transport that has kept some of the bytes wants to see them again.
                Err(error) if is_passing(&error) && Instant::now() < end => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until something is true of what came, as long as something comes.
    pub(crate) fn wait(&self, until: impl FnMut(&mut Came) -> bool) -> Waited {
        self.wait_for(self.patience, until)
    }

    pub(crate) fn wait_for(
        &self,
        patience: Duration,
        until: impl FnMut(&mut Came) -> bool,
    ) -> Waited {
        self.wait_on(&mut Wait::new(patience), until)
    }

    /// Begins a wait that may be interrupted.
    pub(crate) fn begin(&self) -> Wait {
        Wait::new(self.patience)
    }

    /// Goes on with a wait.
    pub(crate) fn wait_on(
        &self,
        wait: &mut Wait,
        mut until: impl FnMut(&mut Came) -> bool,
    ) -> Waited {
        let mut state = self.shared.lock();
        loop {
            if until(&mut state.came) {
                return Waited::Met;
            }
            if state.came.is_over() {
                return Waited::Over;
            }
            let left = wait.left(&state.came);
            if left.is_zero() {
                return Waited::Silent;
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until TCP has ended; `false` if it does not.
    pub(crate) fn wait_for_end(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.came.end.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Looks at what came.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Came) -> T) -> T {
        look(&mut self.shared.lock().came)
    }

    /// Waits until something is there that is not read.
    pub(crate) fn wait_for_unread(&self) {
        let state = self.shared.lock();
        let is_waiting = |state: &mut State| state.is_deaf && !state.has_unread;
        drop(
            self.shared
                .changed
                .wait_timeout_while(state, self.patience, is_waiting),
        );
    }

    /// Stops reading, or reads again.
    pub(crate) fn set_deaf(&self, is_deaf: bool) {
        self.shared.lock().is_deaf = is_deaf;
        self.shared.changed.notify_all();
    }

    pub(crate) fn shut_down(&self) {
        // It may have ended already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends TCP, and gives what came.
    pub(crate) fn end(mut self) -> Came {
        self.leave();
        let mut state = self.shared.lock();
        std::mem::replace(&mut state.came, Came::of(Role::Client))
    }

    /// Ends TCP.
    pub(crate) fn leave(&mut self) {
        let mut state = self.shared.lock();
        (state.is_left, state.is_deaf) = (true, false);
        drop(state);
        self.shared.changed.notify_all();
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            // It never panics, and ends with the connection.
            let _ = reader.join();
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, stream: &dyn Transport) {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            // A failure is told once: by this, or by the read.
            let failed = match stream.peek() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() != io::ErrorKind::Unsupported => Some(error),
                _ => None,
            };
            let mut state = self.lock();
            state.has_unread = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| state.is_deaf));
            let read = match failed {
                Some(error) => Err(error),
                None => stream.read(&mut buffer),
            };
            let mut state = self.lock();
            state.has_unread = false;
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ if state.is_left => return,
                Ok(0) => state.came.end = Some(Ended::Fin),
                Ok(length) => state.came.receive(&buffer[..length]),
                Err(_) => state.came.end = Some(Ended::Reset),
            }
            let end = state.came.end;
            drop(state);
            self.changed.notify_all();
            if end == Some(Ended::Flood) {
                // Who sends without end may never take what is still being written.
                let _ = stream.shutdown(Shutdown::Both);
            }
            if end.is_some() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn pair() -> (Talk, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let peer = TcpStream::connect(address).expect("it listens");
        let (stream, _) = listener.accept().expect("it connects");
        let came = Came::of(Role::Client);
        let talk = Talk::new(Arc::new(stream), Role::Server, came, PATIENCE).expect("a thread");
        (talk, peer)
    }

    #[test]
    fn who_is_deaf_reads_nothing_until_it_hears() {
        let (talk, mut peer) = pair();
        talk.set_deaf(true);
        peer.write_all(&[0x8A]).expect("it is open");
        talk.wait_for_unread();
        assert_eq!(talk.look(|came| came.total), 0);
        talk.set_deaf(false);
        assert_eq!(talk.wait(|came| came.total == 1), Waited::Met);
    }

    /// The system tells of it once, while the next bytes are waited for.
    #[test]
    fn a_reset_is_no_end_in_order() {
        let (mut talk, peer) = pair();
        assert!(talk.write(b"left unread"));
        peer.peek(&mut [0]).expect("it arrives");
        drop(peer);
        assert!(talk.wait_for_end(PATIENCE));
        assert_eq!(talk.look(|came| came.end), Some(Ended::Reset));
    }

    /// Takes two bytes at a time, once it has failed as often as it is to.
    #[derive(Default)]
    struct Fussy {
        fails: Mutex<Vec<io::ErrorKind>>,
        offered: Mutex<Vec<Vec<u8>>>,
    }

    impl Fussy {
        fn failing(fails: &[io::ErrorKind]) -> Arc<Self> {
            Arc::new(Self {
                fails: Mutex::new(fails.to_vec()),
                ..Self::default()
            })
        }

        fn offered(&self) -> Vec<Vec<u8>> {
            self.offered.lock().expect("no panic").clone()
        }
    }

    impl Transport for Fussy {
        fn read(&self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }

        fn write(&self, bytes: &[u8]) -> io::Result<usize> {
            self.offered.lock().expect("no panic").push(bytes.to_vec());
            match self.fails.lock().expect("no panic").pop() {
                Some(kind) => Err(kind.into()),
                None => Ok(bytes.len().min(2)),
            }
        }

        fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_nonblocking(&self, _: bool) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&self, _: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    fn talk_over(stream: Arc<dyn Transport>, patience: Duration) -> Talk {
        Talk::new(stream, Role::Client, Came::of(Role::Server), patience).expect("a thread")
    }

    #[test]
    fn a_write_that_was_held_up_is_made_again_with_the_same_bytes() {
        use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
        let stream = Fussy::failing(&[WouldBlock, TimedOut, Interrupted]);
        let is_taken = talk_over(Arc::clone(&stream) as _, PATIENCE).write(b"abc");
        assert!(is_taken);
        let offered: [&[u8]; 5] = [b"abc", b"abc", b"abc", b"abc", b"c"];
        assert_eq!(stream.offered(), offered);
    }

    #[test]
    fn nothing_is_written_after_what_was_given_up() {
        let stream = Fussy::failing(&[io::ErrorKind::WouldBlock]);
        let mut talk = talk_over(Arc::clone(&stream) as _, Duration::ZERO);
        assert!(!talk.write(b"abc"));
        assert!(!talk.write(b"de"));
        assert_eq!(stream.offered(), [b"abc"]);
    }

    /// A wait that pings interrupt, each time before patience is over.
    #[test]
    fn pings_lengthen_no_wait() {
        let mut came = Came::of(Role::Client);
        let mut wait = Wait::new(PATIENCE);
        wait.left(&came);
        wait.last -= PATIENCE / 2;
        came.receive(&[0x89, 0x80, 1, 2, 3, 4]);
        assert!(wait.left(&came) <= PATIENCE / 2, "of a ping");
        came.receive(&[0x8A, 0x80, 1, 2, 3, 4]);
        assert!(wait.left(&came) > PATIENCE / 2, "of a pong");
        wait.begin -= PATIENCE * LONGEST;
        came.receive(&[0x8A, 0x80, 1, 2, 3, 4]);
        assert_eq!(wait.left(&came), Duration::ZERO);
    }
}
