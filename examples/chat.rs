//! A chat room: what one member says, all members hear. A slow or dead member does not delay the others.
//!
//! ```sh
//! cargo run --no-default-features --example chat
//! ```
//!
//! Then talk from two terminals or more: `cargo run -- connect ws://127.0.0.1:8000/`.

use plainws::{CloseCode, Error, Message, PreparedMessage, Result, Sender};
use plainws::{Server, WebSocket, WhenFull};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

fn main() -> Result<()> {
    let room = Room::default();
    Server::bind("127.0.0.1:8000")?
        .route("/", move |ws| room.attend(ws))
        .serve();
    Ok(())
}

/// A sender to each member, by the thread of its connection. All these threads share them.
#[derive(Default)]
pub(crate) struct Room(Mutex<HashMap<ThreadId, Sender>>);

impl Room {
    /// One member's time in the room, on the thread of its connection.
    pub(crate) fn attend(&self, ws: &mut WebSocket) -> Result<()> {
        let name = thread::current().id();
        // A member who speaks must not wait for one who listens slowly: what this sender cannot send at
        // once, it sends later.
        let sender = ws.sender().when_full(WhenFull::Refuse);
        self.members().insert(name, sender);
        let talk = ws.messages().try_for_each(|message| {
            self.say(message?);
            Ok(())
        });
        self.members().remove(&name);
        talk
    }

    /// Sends a message to everyone. Its frame is made once, for all of them.
    fn say(&self, message: Message) {
        let message = PreparedMessage::new(message);
        self.members().retain(|_, member| {
            let sent = member.send(&message);
            if let Err(Error::Backlogged) = sent {
                // This member is too slow. The thread of its connection sees the Close through.
                let _ = member.close(CloseCode::POLICY, "too slow");
            }
            sent.is_ok()
        });
    }

    fn members(&self) -> MutexGuard<'_, HashMap<ThreadId, Sender>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
