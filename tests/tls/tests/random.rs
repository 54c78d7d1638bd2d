//! Random messages over a stream that does whatever a stream may do.

use crate::support::inside::{VERSIONS, server_tls};
use crate::support::memory_pair::{End, memory_pair};
use crate::support::server::endless;
use plainws::{Accept, Client, ClientTls, Message, Received, Transport, WebSocket};
use plainws_tls_tests::{Authority, LOCAL, trusting_at};
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SEEDS: u64 = 24;
const MESSAGES: usize = 60;

/// Numbers that look random, the same for the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    /// One of the numbers below `end`.
    fn below(&mut self, end: usize) -> usize {
        for (left, shift) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left {
                self.0 << shift
            } else {
                self.0 >> shift
            };
        }
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn seeded(seed: u64) -> Self {
        let mut numbers = Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        numbers.below(1);
        numbers
    }
}

/// A stream that moves few bytes at a time, and often none.
struct Whimsical {
    end: End,
    numbers: Mutex<Numbers>,
    /// The beginning of what a write offered that failed: it is to be offered again.
    refused: Mutex<Vec<u8>>,
}

impl Whimsical {
    fn new(end: End, seed: u64) -> Self {
        Self {
            end,
            numbers: Mutex::new(Numbers::seeded(seed)),
            refused: Mutex::default(),
        }
    }

    /// How many of these bytes are moved, or why none is.
    fn most(&self, length: usize) -> io::Result<usize> {
        let mut numbers = self.numbers.lock().expect("no panic in it");
        match numbers.below(10) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => Err(io::ErrorKind::TimedOut.into()),
            3 => Ok(1),
            4 | 5 => Ok(1 + numbers.below(length.min(40))),
            6 => Ok(length),
            _ => Ok(1 + numbers.below(length)),
        }
    }
}

impl Transport for Whimsical {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most(buffer.len())?;
        self.end.read(&mut buffer[..most])
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut refused = self.refused.lock().expect("no panic in it");
        let written = self
            .most(bytes.len())
            .and_then(|most| self.end.write(&bytes[..most]));
        assert!(bytes.starts_with(&refused), "other bytes than before");
        refused.clear();
        if written.is_err() {
            refused.extend(&bytes[..bytes.len().min(1000)]);
        }
        written
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.end.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.end.set_write_timeout(timeout)
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.end.set_nonblocking(is_nonblocking)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.end.shutdown(how)
    }
}

fn messages(seed: u64) -> Vec<Message> {
    let mut numbers = Numbers::seeded(seed);
    let mut message = |number: usize| {
        let most = [2, 200, 2000, 20_000, 60_000][numbers.below(5)];
        let length = numbers.below(most);
        let bytes = (0..length)
            .map(|place| b'a' + u8::try_from((place * 7 + number) % 26).expect("a letter"));
        match numbers.below(2) {
            0 => Message::Binary(bytes.collect()),
            _ => Message::Text(bytes.map(char::from).collect()),
        }
    };
    (0..MESSAGES).map(&mut message).collect()
}

/// One of the two ends: it sends its messages and receives the other's, by whatever call.
fn play(
    ws: WebSocket,
    mine: Vec<Message>,
    others: &[Message],
    sent: [Arc<AtomicUsize>; 2],
    seed: u64,
) {
    let [my_sent, others_sent] = sent;
    let ws = Arc::new(ws);
    let its_ws = Arc::clone(&ws);
    let sending = thread::spawn(move || {
        let mut numbers = Numbers::seeded(seed);
        let sender = its_ws.sender();
        for message in mine {
            my_sent.fetch_add(1, Ordering::SeqCst);
            let done = match numbers.below(4) {
                0 => its_ws.feed(message),
                1 => sender.send(message),
                2 => its_ws
                    .ping(b"now and then")
                    .and_then(|()| its_ws.send(message)),
                _ => its_ws.send(message),
            };
            done.expect("it is open");
        }
        its_ws.flush().expect("it is open");
    });
    let mut numbers = Numbers::seeded(seed + 1000);
    for (place, expected) in others.iter().enumerate() {
        let message = loop {
            let received = match numbers.below(3) {
                0 => match ws.receive().expect("it is open") {
                    Some(message) => break message,
                    None => panic!("it has ended before message {place}"),
                },
                1 => ws.receive_timeout(Duration::from_millis(1)),
                _ => ws.try_receive(),
            };
            match received.expect("it is open") {
                Received::Message(message) => break message,
                Received::Ended(reason) => panic!("{reason} before message {place}"),
                _ => {}
            }
        };
        assert!(
            others_sent.load(Ordering::SeqCst) > place,
            "message {place} is early"
        );
        assert!(message == *expected, "message {place} is not what was sent");
    }
    sending.join().expect("it has sent all");
    // The last to have both done closes; then nothing comes any more.
    ws.close(None, "").expect("it is open or closed");
    assert_eq!(ws.receive().expect("the other end closes too"), None);
}

fn check(seed: u64, authority: &Authority) {
    let (versions, _) = VERSIONS[usize::try_from(seed % 2).expect("it is small")];
    let tls = ClientTls::from(trusting_at(&authority.pem(), versions));
    let server_tls = server_tls(&authority.sign(LOCAL));
    let (one, other) = memory_pair();
    let one = server_tls.over(Whimsical::new(one, seed));
    let other = tls.over(Whimsical::new(other, seed + 500), "localhost");
    let of = [messages(seed), messages(seed + 100)];
    let sent: [Arc<AtomicUsize>; 2] = Default::default();
    let [from_server, from_client] = of.clone();
    let [server_sent, client_sent] = sent.clone();
    let serving = thread::spawn(move || {
        let accept = Accept::new().limits(endless());
        let ws = accept.accept(one).expect("the client is right");
        play(
            ws,
            from_server,
            &from_client,
            [server_sent, client_sent],
            seed,
        );
    });
    let client = Client::new("wss://localhost/").expect("the URL is right");
    let ws = client.limits(endless()).over(other.expect("it is a name"));
    let [from_server, from_client] = of;
    let [server_sent, client_sent] = sent;
    play(
        ws.expect("it is let in"),
        from_client,
        &from_server,
        [client_sent, server_sent],
        seed + 1,
    );
    serving.join().expect("the server saw what it expected");
}

#[test]
fn messages_arrive_equal_in_order_and_once() {
    let authority = Authority::new();
    for seed in 0..SEEDS {
        check(seed, &authority);
    }
}
