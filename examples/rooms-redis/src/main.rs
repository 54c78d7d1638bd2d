//! Rooms to talk in, across machines: what is said at `/room/kitchen`, all hear who are there, whichever instance of
//! this program they are connected to. README.md shows how to run it, and what is kept when something breaks.
//!
//! Reading order: `id`, `words` (what members are told), `stream` and `broker` (Redis), `rooms` (who is where), `reader`
//! (the thread that brings the news), and the handler below.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "what fails here fails a test")
)]

mod broker;
mod id;
mod reader;
mod rooms;
mod stream;
mod words;

use broker::{Broker, Unsaid};
use id::Id;
use plainws::protocol::message;
use plainws::{Admission, Applicant, CloseCode, Limits, Message, Page, Result, Server, WebSocket};
use rooms::{Rooms, Seat};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, thread};

const USAGE: &str = "\
usage: rooms-redis [ADDRESS [REDIS [KEEP]]]

  ADDRESS  where to listen; 127.0.0.1:8000 if it is not said, and port 0 takes a free one
  REDIS    where Redis is: redis://USER:PASSWORD@HOST:PORT/DATABASE or unix:///PATH; redis://127.0.0.1:6379/ if not said
  KEEP     how many messages of a room are kept for those who come back, at least; 1000 if not said
";

/// What one member may cost: a message is a long paragraph at most, and who is half a megabyte behind is too slow.
const MAX_MESSAGE: u64 = 8 * 1024;
const MAX_BACKLOG: usize = 512 * 1024;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("rooms-redis: {error}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    if args == ["--help"] {
        print!("{USAGE}");
        return Ok(());
    }
    if args.len() > 3 || args.iter().any(|arg| arg.starts_with('-')) {
        return Err("that is not how it is called".into());
    }
    let arg = |n, otherwise| args.get(n).map_or(otherwise, String::as_str);
    let broker = Broker::new(arg(1, "redis://127.0.0.1:6379/"), arg(2, "1000").parse()?)?;
    let hall = Arc::new(Hall {
        broker,
        rooms: Rooms::default(),
    });
    let server = server(arg(0, "127.0.0.1:8000"), Arc::clone(&hall))?;
    thread::spawn(move || reader::run(&hall.broker, &hall.rooms));
    println!("rooms-redis serves http://{}/", server.local_addr()?);
    server.serve();
    Ok(())
}

fn server(address: &str, hall: Arc<Hall>) -> Result<Server> {
    let to_the_lobby = Page::text("").status(303).header("Location", "/room/lobby");
    let page = Page::html(include_str!("../page/room.html"));
    let style = include_str!("../page/room.css").as_bytes();
    let script = include_str!("../page/room.js").as_bytes();
    let limits = Limits::default()
        .message(message::Limits::new().max_bytes(MAX_MESSAGE))
        .max_backlog(MAX_BACKLOG);
    Ok(Server::bind(address)?
        .limits(limits)
        .page("/", to_the_lobby)
        .page("/room.css", Page::new("text/css", style))
        .page("/room.js", Page::new("text/javascript", script))
        .page("/room/{name}", page)
        // For a balancer. Redis is no part of it: when it is away, it is away for all instances, and to take them all
        // out of service would help nobody.
        .reserved_page("/healthz", |_| Page::text("ok\n"))
        .admit(admit)
        .route("/room/{name}", move |ws| hall.attend(ws)))
}

/// The last message that a member who comes back has seen.
struct Since(Option<Id>);

/// Refuses a `since` that is no id, before the connection is opened.
fn admit(applicant: &Applicant<'_>) -> std::result::Result<Admission, Page> {
    let query = applicant.request.query().unwrap_or_default();
    let mut fields = query.split('&');
    let since = fields.find_map(|field| field.strip_prefix("since="));
    match since.map(str::parse).transpose() {
        Ok(since) => Ok(Admission::default().extension(Since(since))),
        Err(why) => Err(Page::refusal(400, why)),
    }
}

/// Where the rooms are.
struct Hall {
    broker: Broker,
    rooms: Rooms,
}

impl Hall {
    /// One member's time in a room, on the thread of its connection.
    fn attend(&self, ws: &mut WebSocket) -> Result<()> {
        let room = ws.request().param("name").unwrap_or_default();
        let Some(_seat) = self.enter(ws, room)? else {
            return ws.close(CloseCode::TRY_AGAIN_LATER, "the rooms cannot be reached");
        };
        for message in ws.messages() {
            let Message::Text(text) = message? else {
                return ws.close(CloseCode::UNSUPPORTED_DATA, "say text");
            };
            ws.send(self.say(room, text.as_str()))?;
        }
        Ok(())
    }

    /// Tells a member what it has missed, and gives it a seat in the room: from then on the reader tells it the news.
    /// `None` if Redis cannot be asked.
    fn enter<'a>(&'a self, ws: &WebSocket, room: &'a str) -> Result<Option<Seat<'a>>> {
        if self.rooms.is_away() {
            return Ok(None);
        }
        let since = ws.extension().and_then(|Since(since)| *since);
        let Ok(mut heard) = since.map_or_else(|| self.broker.open(room), Ok) else {
            return Ok(None);
        };
        loop {
            let losses = self.rooms.losses();
            let Ok(news) = self.broker.news(room, heard) else {
                return Ok(None);
            };
            // This thread may wait for a member who reads slowly: nobody else does.
            if news.is_gap {
                ws.send(words::GAP)?;
            }
            for (id, text) in &news.said {
                ws.send(words::message(*id, text))?;
            }
            // Only who has heard all there is can go on together with the others.
            let has_heard_all = news.last <= heard;
            heard = news.last;
            if has_heard_all {
                if let Some(seat) = self.rooms.seat(room, ws.sender(), heard, losses) {
                    return Ok(Some(seat));
                }
            }
        }
    }

    /// Says something in a room, and returns what its sender is told of that.
    fn say(&self, room: &str, text: &str) -> String {
        if self.rooms.is_away() {
            return words::refused(text, "the rooms cannot be reached");
        }
        match self.broker.say(room, text) {
            Ok(id) => words::said(id),
            Err(Unsaid::Refused(why)) => words::refused(text, &broker::in_words(&why)),
            Err(Unsaid::Unknown(why)) => words::unknown(text, &broker::in_words(&why)),
        }
    }
}
