//! A link without a socket: how often an echo takes the lock.

use super::*;
use crate::net::stream::{Stream, Transport};
use crate::protocol::message::Message;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::Shutdown;
use std::sync::atomic::Ordering;

/// A transport without a peer: it gives out the reads that it was made with, and keeps what is sent.
#[derive(Debug, Default)]
struct Script {
    reads: Mutex<VecDeque<Vec<u8>>>,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Transport for Script {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reads.lock().expect(UNPOISONED).pop_front();
        let bytes = read.unwrap_or_default();
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let length = bytes.len();
        self.sent.lock().expect(UNPOISONED).push(bytes);
        Ok(length)
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

    fn send_at_once(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

const UNPOISONED: &str = "no thread panics while it holds this";
const HELLO: &[u8] = b"\x81\x85\0\0\0\0Hello";

fn link(reads: Vec<Vec<u8>>) -> (Link, Arc<Mutex<Vec<Vec<u8>>>>) {
    let script = Script {
        reads: Mutex::new(reads.into()),
        sent: Arc::default(),
    };
    let sent = Arc::clone(&script.sent);
    let connection = Connection::server(Default::default());
    let stream = Arc::new(Stream::new(script));
    let link = Link::new(stream, connection, Limits::default(), b"", None);
    (link, sent)
}

/// Echoes all messages, and says how many there were and how often the lock was taken.
fn echo(link: &Link, answer: impl Fn(Message)) -> (usize, usize) {
    link.acquired.store(0, Ordering::Relaxed);
    let mut messages = 0;
    while let Ok(Waited::Message(message)) = link.receive(None) {
        answer(message);
        messages += 1;
    }
    (messages, link.acquired.load(Ordering::Relaxed))
}

#[test]
fn an_echo_takes_the_lock_at_most_six_times() {
    let (link, sent) = link(vec![HELLO.to_vec(); 1000]);
    let (messages, acquired) = echo(&link, |message| {
        link.send(|connection| connection.send(message))
            .expect("the script takes all");
    });
    assert_eq!(
        (messages, sent.lock().expect(UNPOISONED).len()),
        (1000, 1000)
    );
    // For each message: to look for one, after the read, to send, and after the write.
    assert!(acquired <= 4 * messages + 6, "{acquired}");
}

#[test]
fn an_echo_of_messages_that_came_together_takes_the_lock_twice_and_writes_once() {
    let (link, sent) = link(vec![HELLO.repeat(16); 100]);
    let (messages, acquired) = echo(&link, |message| {
        link.feed(64 * 1024, |connection| connection.send(message))
            .expect("the script takes all");
    });
    assert_eq!(
        (messages, sent.lock().expect(UNPOISONED).len()),
        (1600, 100)
    );
    assert!(acquired <= 2 * messages + 2 * 100 + 6, "{acquired}");
}
