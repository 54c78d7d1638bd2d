//! WebSocket (RFC 6455) on `std::net`, server and client: blocking, a thread per connection, no async runtime.
//! Strict, bounded by default, without `unsafe`, and written to be read.
//!
//! A server:
//!
//! ```no_run
//! use plainws::{Server, WebSocket};
//!
//! fn echo(ws: &mut WebSocket) -> plainws::Result<()> {
//!     for message in ws.messages() {
//!         ws.send(message?)?;
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> plainws::Result<()> {
//!     Server::bind("127.0.0.1:8000")?.route("/echo", echo).serve();
//!     Ok(())
//! }
//! ```
//!
//! A client:
//!
//! ```no_run
//! fn main() -> plainws::Result<()> {
//!     let ws = plainws::connect("ws://127.0.0.1:8000/echo")?;
//!     ws.send("Hello")?;
//!     if let Some(message) = ws.receive()? {
//!         println!("{message}");
//!     }
//!     Ok(()) // dropping it closes the connection
//! }
//! ```
//!
//! Both, in one round trip:
//!
//! ```
//! use plainws::Server;
//!
//! let server = Server::bind("127.0.0.1:0")?.route("/echo", |ws| {
//!     ws.messages().try_for_each(|message| ws.send(message?))
//! });
//! let url = format!("ws://{}/echo", server.local_addr()?);
//! let handle = server.handle()?;
//! let serving = std::thread::spawn(move || server.serve());
//!
//! let ws = plainws::connect(&url)?;
//! ws.send("Hello")?;
//! assert_eq!(ws.receive()?, Some("Hello".into()));
//! drop(ws);
//!
//! handle.shutdown();
//! serving.join().expect("the server does not panic");
//! # Ok::<(), plainws::Error>(())
//! ```
//!
//! [`howto`] has recipes: authorization, TLS, failing, rooms, coming back after a loss, stopping, tests without a network,
//! small machines. The folder `examples` has programs to start from.
//!
//! # The types
//!
//! A connection, at either end:
//!
//! - [`WebSocket`]: receives and sends, blocking, with time-outs that lose nothing.
//! - [`Sender`]: sends on a connection from any thread; [`WhenFull`] says what a slow peer means to it.
//! - [`Message`]: text or bytes. [`Outgoing`] is whatever can be sent, [`PreparedMessage`] one for many peers.
//! - [`Received`]: a message, a time-out, nothing yet, or the end, with its [`CloseReason`] and [`CloseCode`].
//! - [`Limits`]: every size and deadline of a connection, with its default.
//! - [`Error`]: what went wrong, by whose fault: the peer's ([`Breach`] of a [`Rule`]), the caller's ([`Misuse`],
//!   [`InvalidUrl`]), or the line's.
//! - [`Pong`]: the answer to a ping, and how long it took.
//!
//! A server:
//!
//! - [`Server`]: handlers and pages by path; whom it answers, how many at once, how it stops.
//! - [`Applicant`], [`Admission`], [`Request`]: who asks to connect, and on what terms it may.
//! - [`Page`]: what is answered to those who do not ask for WebSocket.
//! - [`Handle`], [`Stats`]: stop it, watch it. [`net::log`]: what it reports of each request.
//! - [`net::hosts`], [`net::origin`]: for which hosts it answers, and whose pages may connect.
//! - [`net::proxies`]: which proxies are believed. [`net::proxy_header`], [`net::forwarded`]: what they say of a connection,
//!   and of a request.
//! - [`accept()`], [`Accept`]: the server's side of one stream that was accepted elsewhere.
//!
//! A client:
//!
//! - [`connect()`]: a connection with default settings.
//! - [`Client`]: the same with headers, subprotocols, a proxy, time-outs. [`Refusal`]: the server's answer if it is no.
//!
//! Beside them:
//!
//! - [`Transport`]: what carries a connection: TCP, a Unix socket, TLS.
//! - `ServerTls`, `ClientTls`: the certificate that a server shows, and whom a client trusts (feature `tls`).
//! - [`net::tap`]: every byte that passes, as it passes. [`RawSender`]: bytes as they are.
//! - [`protocol`]: all of it without sockets, for a runtime of your own, a fuzzer, or a learner.
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
//! With RFC 6455 open beside it (`§` alone means a section of it), at 40 lines a minute: 80 minutes for frames, 45
//! for the opening handshake, 30 for how both are shown, 95 for the sockets. [`protocol`] explains the words.
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
//! | 16 | `checks`, [`protocol::request`], [`protocol::response`], [`protocol::chunks`] | what heads mean, judged check by check |
//! | 16 | [`protocol::handshake`] | both sides of the opening handshake |
//! | 30 | [`protocol::dissect`] | the same, with every bit labelled |
//! | 95 | [`net`] | all of it on real sockets: `stream`, `link`, `websocket`, `session`, `server` |
//!
//! # Features
//!
//! - `cli` (on by default) builds the program, and adds nothing to the library. `default-features = false` leaves it out, and
//!   with it all dependencies but `sha1` and `base64`.
//! - `simd` (part of `cli`, else off) checks text with the processor's vector instructions, by the crate
//!   `simdutf8`: 64 KiB that are not ASCII in a tenth of the time, 125 bytes in a third. It changes no item of this
//!   documentation.
//! - `tls` (off by default) is TLS for servers and clients, `wss:`: `Server::tls`, `Client::tls` and what they take. It
//!   brings rustls with 14 other crates, one of which, `ring`, needs a C compiler. Without it a `wss:` URL is refused.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::doc_markdown)]

pub mod howto;
pub mod net;
pub mod protocol;

#[doc(inline)]
pub use net::accept::{Accept, accept};
#[doc(inline)]
pub use net::applicant::{Admission, Applicant};
#[doc(inline)]
pub use net::client::{Client, connect};
#[doc(inline)]
pub use net::error::{Breach, Error, InvalidUrl, Refusal, Result};
#[doc(inline)]
pub use net::http::Page;
#[doc(inline)]
pub use net::limits::Limits;
#[doc(inline)]
pub use net::sender::{RawSender, Sender, WhenFull};
#[doc(inline)]
pub use net::server::{Handle, Server};
#[doc(inline)]
pub use net::stats::Stats;
#[cfg(feature = "tls")]
#[doc(inline)]
pub use net::tls::{ClientTls, InvalidTls, ServerTls, TlsStream};
#[doc(inline)]
pub use net::transport::Transport;
#[doc(inline)]
pub use net::websocket::{Pong, Received, WebSocket};
#[doc(inline)]
pub use protocol::Role;
#[doc(inline)]
pub use protocol::close::CloseReason;
#[doc(inline)]
pub use protocol::close_code::CloseCode;
#[doc(inline)]
pub use protocol::connection::Misuse;
#[doc(inline)]
pub use protocol::message::Message;
#[doc(inline)]
pub use protocol::outgoing::Outgoing;
#[doc(inline)]
pub use protocol::prepared::PreparedMessage;
#[doc(inline)]
pub use protocol::request::Request;
#[doc(inline)]
pub use protocol::rule::Rule;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
