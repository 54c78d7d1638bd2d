//! Tungstenite on a thread per connection, as in its README.

use plainws_peers::{Gathering, LARGEST};
use std::io::{self, Read};
use std::net::TcpStream;
use std::thread;
use tungstenite::protocol::WebSocketConfig;

fn main() -> io::Result<()> {
    for stream in plainws_peers::listener()?.incoming() {
        let stream = stream?;
        thread::spawn(move || echo(stream));
    }
    Ok(())
}

fn echo(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LARGEST))
        .max_message_size(Some(LARGEST));
    let accepted = tungstenite::accept_with_config(Gathering::new(stream), Some(config));
    let Ok(mut websocket) = accepted else {
        return Ok(());
    };
    while let Ok(message) = websocket.read() {
        if (message.is_binary() || message.is_text()) && websocket.send(message).is_err() {
            break;
        }
    }
    // Sends what was gathered last, the answer to a Close, and waits for the peer to end the connection.
    websocket.get_mut().read(&mut [0]).map(drop)
}
