//! A server of one connection, whose every byte the test writes.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::raw::{Raw, accept, header};
use plainws::protocol::handshake::accept_value;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

/// A server for one connection: `serve` gets it with the request's head already read.
pub(crate) struct HandMade {
    pub(crate) url: String,
    thread: JoinHandle<()>,
}

pub(crate) fn hand_made(serve: impl FnOnce(&mut Raw, &str) + Send + 'static) -> HandMade {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    let thread = thread::spawn(move || {
        let mut raw = Raw::from(accept(&listener));
        let head = raw.head();
        serve(&mut raw, &head);
    });
    HandMade {
        url: format!("ws://{address}/chat"),
        thread,
    }
}

impl HandMade {
    /// Its assertions failed if this panics.
    pub(crate) fn join(self) {
        self.thread.join().expect("the server saw what it expected");
    }
}

/// The right answer to a request.
pub(crate) fn switching(request: &str) -> String {
    let key = header(request, "Sec-WebSocket-Key").expect("every request has a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_value(key)
    )
}

/// A server that accepts the connection, then goes on as `serve` says.
pub(crate) fn accepting(serve: impl FnOnce(&mut Raw) + Send + 'static) -> HandMade {
    hand_made(|raw, request| {
        raw.send(switching(request));
        serve(raw);
    })
}

/// A server that answers with these bytes and then waits for the client to leave.
pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> HandMade {
    let answer = answer.into();
    hand_made(move |raw, _| {
        let _ = raw.try_send(answer);
        raw.until_end();
    })
}
