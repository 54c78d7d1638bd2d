//! Each message comes back as it was.

use plainws::{Result, WebSocket};

pub(crate) fn echo(ws: &mut WebSocket) -> Result<()> {
    // Fed rather than sent: answers to messages that arrived together leave together.
    while let Some(message) = ws.receive()? {
        ws.feed(message)?;
    }
    Ok(())
}
