//! Tells the time, as JSON, at the beginning of each second: `{"unix_seconds":1767225600}`.
//!
//! ```sh
//! cargo run --no-default-features --example clock
//! cargo run -- connect ws://127.0.0.1:8000/clock
//! ```

use plainws::{Received, Result, Server, WebSocket};
use std::time::{Duration, Instant, UNIX_EPOCH};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<()> {
    server("127.0.0.1:8000")?.serve();
    Ok(())
}

pub(crate) fn server(address: &str) -> Result<Server> {
    Ok(Server::bind(address)?.route("/clock", clock))
}

fn clock(ws: &mut WebSocket) -> Result<()> {
    loop {
        let now = UNIX_EPOCH.elapsed().unwrap_or_default();
        ws.send(format!(r#"{{"unix_seconds":{}}}"#, now.as_secs()))?;

        let rest = SECOND - Duration::from_nanos(now.subsec_nanos().into());
        let next = Instant::now() + rest;
        // To wait for a message is to see the end at once, and to answer pings at once. What the peer says is not
        // listened to.
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            if let Received::Ended(_) = ws.receive_timeout(left)? {
                return Ok(());
            }
        }
    }
}
