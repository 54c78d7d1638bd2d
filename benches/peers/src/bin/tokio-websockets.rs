//! tokio-websockets on one thread, as in its own `examples/echo_server.rs`.

use futures_util::{SinkExt, StreamExt};
use plainws_peers::{Gathering, LARGEST};
use std::io;
use tokio::net::TcpStream;
use tokio_websockets::{Config, Error, Limits, ServerBuilder};

fn main() -> io::Result<()> {
    plainws_peers::serve_on_one_thread(echo)
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let (_request, mut websocket) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(LARGEST)))
        .accept(Gathering::new(stream))
        .await?;
    while let Some(message) = websocket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            websocket.send(message).await?;
        }
    }
    websocket.close().await
}
