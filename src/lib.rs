//! WebSocket (RFC 6455) on `std::net`: blocking, one thread per connection, strict, without `unsafe`.
//!
//! A server and a client, in one round trip:
//!
//! ```
//! use plainws::{Server, WebSocket};
//!
//! fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
//!     while let Some(message) = ws.receive()? {
//!         ws.send(message)?;
//!     }
//!     Ok(())
//! }
//!
//! let server = Server::bind("127.0.0.1:0")?.route("/echo", echo);
//! let url = format!("ws://{}/echo", server.local_addr()?);
//! let handle = server.handle()?;
//! let serving = std::thread::spawn(move || server.serve());
//!
//! let mut ws = plainws::connect(&url)?;
//! ws.send("Hello")?;
//! assert_eq!(ws.receive()?, Some("Hello".into()));
//! drop(ws); // closes the connection
//!
//! handle.shutdown();
//! serving.join().expect("the server does not panic");
//! # Ok::<(), plainws::Error>(())
//! ```
//!
//! # The storeys
//!
//! | storey | what | what it never does |
//! |---|---|---|
//! | [`protocol`] | bytes in, events and bytes out | wait, ask the time, draw a random number, touch a socket |
//! | [`net`] | sockets, threads, deadlines | judge a protocol rule |
//! | the program | clock, echo, pages, tools that show bytes and examine others | use more of the library than you can |
//!
//! # Reading order
//!
//! With RFC 6455 open beside it (`§` alone means a section of it), at 40 lines a minute: 80 minutes for frames, 40
//! for the opening handshake, 30 for how both are shown, 80 for the sockets. [`protocol`] explains the words.
//!
//! | minutes | module | what it shows |
//! |---|---|---|
//! | 13 | [`protocol::rule`] | every MUST that a peer can break, as a table |
//! | 2 | [`protocol::close_code`] | the numbers that say why connections end |
//! | 8 | [`protocol::frame`] | a header bit by bit, and the mask |
//! | 3 | [`protocol::close`] | what a Close frame says |
//! | 4 | [`protocol::utf8`] | text that is cut anywhere |
//! | 4 | [`protocol::landing`] | where the rest of a large message is read to |
//! | 14 | [`protocol::message`] | fragments become messages, within limits |
//! | 4 | [`protocol::prepared`], [`protocol::outgoing`] | what can be sent |
//! | 9 | [`protocol::outbox`] | what waits to be written, without a copy of what is large |
//! | 19 | [`protocol::connection`] | the state machine |
//! | 12 | [`protocol::head`] | an HTTP head, strictly |
//! | 12 | `checks`, [`protocol::request`], [`protocol::response`] | what heads mean, judged check by check |
//! | 16 | [`protocol::handshake`] | both sides of the opening handshake |
//! | 30 | [`protocol::dissect`] | the same, with every bit labelled |
//! | 80 | [`net`] | all of it on real sockets: `stream`, `link`, `websocket`, `session`, `server` |
//!
//! # Features
//!
//! `cli` (on by default) builds the program. Without it the crate depends on `sha1` and `base64` only.
//!
//! `simd` (part of `cli`, else off) checks text with the processor's vector instructions, by the crate
//! `simdutf8`: 64 KiB that are not ASCII in a tenth of the time, 125 bytes in a third.
#![warn(clippy::doc_markdown)]

pub mod net;
pub mod protocol;

pub use net::accept::{Accept, accept};
pub use net::applicant::{Admission, Applicant};
pub use net::client::{Client, connect};
pub use net::error::{Error, Refusal, Result};
pub use net::http::Page;
pub use net::limits::Limits;
pub use net::sender::{RawSender, Sender, WhenFull};
pub use net::server::{Handle, Server};
pub use net::stats::Stats;
pub use net::transport::Transport;
pub use net::websocket::{Received, WebSocket};
pub use protocol::Role;
pub use protocol::close::CloseReason;
pub use protocol::close_code::CloseCode;
pub use protocol::connection::Misuse;
pub use protocol::message::Message;
pub use protocol::outgoing::Outgoing;
pub use protocol::prepared::PreparedMessage;
pub use protocol::request::Request;
pub use protocol::rule::Rule;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
