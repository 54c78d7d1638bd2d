//! Rooms to talk in: what is said at `/room/kitchen`, all hear who are there, and nobody else.
//!
//! ```sh
//! cargo run --no-default-features --example rooms
//! ```
//!
//! Then open http://127.0.0.1:8000/room/kitchen in two windows, or talk from a terminal:
//! `cargo run -- connect ws://127.0.0.1:8000/room/kitchen`.

use plainws::{CloseCode, Error, Message, Page, PreparedMessage, Result, Sender};
use plainws::{Server, WebSocket, WhenFull};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

fn main() -> Result<()> {
    server("127.0.0.1:8000")?.serve();
    Ok(())
}

pub(crate) fn server(address: &str) -> Result<Server> {
    let rooms = Rooms::default();
    let to_the_lobby = Page::text("").status(303).header("Location", "/room/lobby");
    Ok(Server::bind(address)?
        .page("/", to_the_lobby)
        .page("/room.js", Page::new("text/javascript", SCRIPT.as_bytes()))
        .page("/room/{name}", Page::html(PAGE))
        .route("/room/{name}", move |ws| rooms.attend(ws)))
}

/// Those who are in a room: a sender to each, by the thread of its connection.
type Members = HashMap<ThreadId, Sender>;

/// A room is there as long as somebody is in it.
#[derive(Default)]
struct Rooms(Mutex<HashMap<String, Members>>);

impl Rooms {
    /// One member's time in a room, on the thread of its connection.
    fn attend(&self, ws: &mut WebSocket) -> Result<()> {
        let room = ws.request().param("name").unwrap_or_default();
        let me = thread::current().id();
        // Who speaks must not wait for one who listens slowly.
        let sender = ws.sender().when_full(WhenFull::Refuse);
        let mut rooms = self.lock();
        rooms.entry(room.into()).or_default().insert(me, sender);
        drop(rooms);
        let talk = ws.messages().try_for_each(|message| {
            self.say(room, message?);
            Ok(())
        });
        self.leave(room, me);
        talk
    }

    fn say(&self, room: &str, message: Message) {
        let message = PreparedMessage::new(message);
        for member in self.lock().get(room).into_iter().flat_map(Members::values) {
            if let Err(Error::Backlogged) = member.send(&message) {
                let _ = member.close(CloseCode::POLICY, "too slow");
            }
        }
    }

    fn leave(&self, room: &str, member: ThreadId) {
        let mut rooms = self.lock();
        if let Some(members) = rooms.get_mut(room) {
            members.remove(&member);
            if members.is_empty() {
                rooms.remove(room);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Members>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A room</title>
<h1></h1>
<pre></pre>
<form><input aria-label="Message" autocomplete="off" autofocus> <button>Say</button></form>
<script src="/room.js"></script>
"#;

/// In a file of its own: the pages' content policy lets nothing else run.
const SCRIPT: &str = r"const [name, heard, form, input] = ['h1', 'pre', 'form', 'input'].map(
    element => document.querySelector(element));
const show = line => { heard.textContent += line + '\n'; };
name.textContent = decodeURIComponent(location.pathname.split('/').pop());

const ws = new WebSocket(location.origin.replace('http', 'ws') + location.pathname);
ws.onmessage = event => show(event.data);
ws.onclose = event => show(`The connection is closed: ${event.code} ${event.reason}`);
form.onsubmit = event => {
    event.preventDefault();
    ws.send(input.value);
    input.value = '';
};
";
