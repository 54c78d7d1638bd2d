//! Sends each message back.
//!
//! ```sh
//! cargo run --no-default-features --example echo
//! cargo run -- connect ws://127.0.0.1:8000/echo
//! ```

use plainws::{Result, Server, WebSocket};

fn main() -> Result<()> {
    server("127.0.0.1:8000")?.serve();
    Ok(())
}

pub(crate) fn server(address: &str) -> Result<Server> {
    Ok(Server::bind(address)?.route("/echo", echo))
}

/// Runs on a thread of its own for each connection, which is closed when it returns.
fn echo(ws: &mut WebSocket) -> Result<()> {
    for message in ws.messages() {
        ws.send(message?)?;
    }
    Ok(())
}
