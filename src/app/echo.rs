//! Sends each message back unchanged.

use plainws::{Result, WebSocket};

pub(crate) fn echo(ws: &mut WebSocket) -> Result<()> {
    // Fed rather than sent, so that answers to messages that arrived together leave together.
    while let Some(message) = ws.receive()? {
        ws.feed(message)?;
    }
    Ok(())
}
