//! An HTTP proxy that opens connections when it is asked by CONNECT.
#![allow(dead_code, reason = "each test program uses some of these")]

use super::raw::{PATIENCE, head_end};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// What a proxy answers that lets the client through.
pub(crate) const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy that lives as long as the test's process.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    heads: Receiver<String>,
}

/// Starts one that connects to what it is asked for and answers so. When the answer is no 2xx, it connects nowhere.
pub(crate) fn proxy(answer: impl Into<Vec<u8>>) -> Proxy {
    start(None, answer.into())
}

/// Starts one that connects to this server, whatever it is asked for.
pub(crate) fn proxy_to(server: SocketAddr) -> Proxy {
    start(Some(server), OPEN.into())
}

fn start(server: Option<SocketAddr>, answer: Vec<u8>) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port 0 is always free");
    let address = listener.local_addr().expect("it is bound");
    let (told, heads) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (told, answer) = (told.clone(), answer.clone());
            thread::spawn(move || {
                let mut client = client?;
                let head = read_head(&mut client)?;
                let to = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let _ = told.send(head);
                if !answer.starts_with(b"HTTP/1.1 2") {
                    client.write_all(&answer)?;
                    return pass(client.try_clone()?, client, false);
                }
                let upstream = match server {
                    Some(server) => TcpStream::connect(server)?,
                    None => TcpStream::connect(to)?,
                };
                client.write_all(&answer)?;
                let (back, forth) = (upstream.try_clone()?, client.try_clone()?);
                thread::spawn(move || pass(back, forth, true));
                pass(client, upstream, true)
            });
        }
    });
    Proxy { address, heads }
}

/// Reads until `from` ends, and passes it on unless it is to be dropped.
fn pass(mut from: TcpStream, mut to: TcpStream, is_passed: bool) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer)? {
            0 => return to.shutdown(Shutdown::Write),
            length if is_passed => to.write_all(&buffer[..length])?,
            _ => {}
        }
    }
}

fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while head_end(&head).is_none() {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

impl Proxy {
    /// The next request that came.
    pub(crate) fn head(&self) -> String {
        let head = self.heads.recv_timeout(PATIENCE);
        head.expect("the proxy is asked in time")
    }

    /// Whether it was asked for something since the last request that was looked at.
    pub(crate) fn was_asked(&self) -> bool {
        self.heads.try_recv().is_ok()
    }
}
