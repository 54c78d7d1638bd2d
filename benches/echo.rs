//! How much of a raw TCP echo's speed is left when the messages are WebSocket messages.
//!
//! `cargo bench` runs each load against a raw echo and against this library, by turns, both with a
//! thread per connection, and prints the ratio of their medians. Only the ratio means anything.

use oracles::wire::{KEY, encode};
use plainws::{Server, WebSocket};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1000);

/// One kind of traffic: every connection sends `in_flight` messages and waits for as many answers.
struct Load {
    name: &'static str,
    connections: usize,
    in_flight: usize,
    payload: Vec<u8>,
    first_byte: u8,
}

fn main() {
    let text = "Grüße, κόσμε, 世界! ".repeat(2400).into_bytes();
    let loads = [
        load(
            "125 B, 32 connections, 1 in flight",
            32,
            1,
            vec![b'a'; 125],
            0x82,
        ),
        load(
            "125 B, 32 connections, 16 in flight",
            32,
            16,
            vec![b'a'; 125],
            0x82,
        ),
        load(
            "64 KiB, 8 connections, 4 in flight",
            8,
            4,
            vec![b'a'; 64 * 1024],
            0x82,
        ),
        load(
            "64 KiB of ASCII text, the same",
            8,
            4,
            vec![b'a'; 64 * 1024],
            0x81,
        ),
        load(
            "64 KiB of other text, the same",
            8,
            4,
            text[..text.len().min(65_530)].to_vec(),
            0x81,
        ),
    ];
    let raw = raw_echo();
    let websocket = websocket_echo();
    for load in &loads {
        let (mut of_raw, mut of_websocket) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_raw.push(run(load, raw, false));
            of_websocket.push(run(load, websocket, true));
        }
        let (of_raw, of_websocket) = (median(of_raw), median(of_websocket));
        println!(
            "{:<38} raw {of_raw:>9.0}/s  plainws {of_websocket:>9.0}/s  ratio {:.2}",
            load.name,
            of_websocket / of_raw
        );
    }
}

fn load(
    name: &'static str,
    connections: usize,
    in_flight: usize,
    mut payload: Vec<u8>,
    first_byte: u8,
) -> Load {
    // A text must not end inside a character.
    if first_byte == 0x81 {
        while std::str::from_utf8(&payload).is_err() {
            payload.pop();
        }
    }
    Load {
        name,
        connections,
        in_flight,
        payload,
        first_byte,
    }
}

/// Messages a second over all connections.
fn run(load: &Load, address: SocketAddr, is_websocket: bool) -> f64 {
    let request = client_frame(load.first_byte, &load.payload).repeat(load.in_flight);
    let answer_length = if is_websocket {
        request.len() - 4 * load.in_flight // without the masking keys
    } else {
        request.len()
    };
    thread::scope(|scope| {
        let start = Instant::now();
        let clients: Vec<_> = (0..load.connections)
            .map(|_| scope.spawn(|| client(address, is_websocket, &request, answer_length)))
            .collect();
        let rounds: usize = clients
            .into_iter()
            .map(|client| client.join().expect("no client panics"))
            .sum();
        (rounds * load.in_flight) as f64 / start.elapsed().as_secs_f64()
    })
}

fn client(address: SocketAddr, is_websocket: bool, request: &[u8], answer_length: usize) -> usize {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    if is_websocket {
        open(&mut stream);
    }
    let mut answer = vec![0; 256 * 1024];
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < ROUND {
        // More than the socket's buffers hold would block both sides: sent while the answer is read.
        let mut received = 0;
        if request.len() <= 64 * 1024 {
            stream.write_all(request).expect("the server reads");
        } else {
            thread::scope(|scope| {
                let mut sending = &stream;
                scope.spawn(move || sending.write_all(request).expect("the server reads"));
                while received < answer_length {
                    received += (&stream).read(&mut answer).expect("the server answers");
                }
            });
        }
        while received < answer_length {
            received += stream.read(&mut answer).expect("the server answers");
        }
        rounds += 1;
    }
    rounds
}

fn open(stream: &mut TcpStream) {
    stream
        .write_all(
            b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        .expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the server answers");
        head.push(byte[0]);
    }
}

/// A masked frame, made without the library.
fn client_frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    encode(first_byte, Some(KEY), payload)
}

fn raw_echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length @ 1..) = (&stream).read(&mut buffer) {
                    if (&stream).write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn websocket_echo() -> SocketAddr {
    fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
        while let Some(message) = ws.receive()? {
            ws.feed(message)?;
        }
        Ok(())
    }
    let server = Server::bind("127.0.0.1:0").expect("a free port");
    let address = server.local_addr().expect("an address");
    thread::spawn(move || server.route("/echo", echo).serve());
    address
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
