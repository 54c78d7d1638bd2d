//! Sends each message back, and tells those who want to know how both stood on the wire.

use super::told::Bytes;
use crate::app::echo;
use plainws::{Result, WebSocket};
use serde_json::json;

pub(crate) fn echo(ws: &mut WebSocket) -> Result<()> {
    let Some(bytes) = Bytes::of(ws) else {
        return echo::echo(ws);
    };
    for (number, message) in (0..).zip(ws.messages()) {
        let received = bytes.received();
        ws.send(message?)?;
        let told = json!({"received": received, "sent": bytes.echo(number)});
        ws.send(told.to_string())?;
    }
    Ok(())
}
