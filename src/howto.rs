//! How to do what servers and clients do every day, each in a few lines that compile.
//!
//! - [Let in only who may](#let-in-only-who-may)
//! - [TLS](#tls)
//! - [TLS at a proxy](#tls-at-a-proxy)
//! - [Fail](#fail)
//! - [Send from another thread](#send-from-another-thread)
//! - [Rooms](#rooms)
//! - [Wait no longer than this](#wait-no-longer-than-this)
//! - [Come back after a loss](#come-back-after-a-loss)
//! - [Stop without cutting anyone off](#stop-without-cutting-anyone-off)
//! - [Test a handler without a network](#test-a-handler-without-a-network)
//! - [Pages beside the connections](#pages-beside-the-connections)
//! - [A small machine](#a-small-machine)
//!
//! The folder `examples` has whole programs: `echo`, `clock`, `chat`, `rooms`, `auth`, `tls`, `client`, and
//! in the repository `rooms-redis`.
//!
//! # Let in only who may
//!
//! [`Server::admit`] is asked before the handshake is answered (§4.2.2): what it refuses has never been a connection. The
//! handler finds who it is by the type of what [`Admission::extension`] was given.
//!
//! ```
//! use plainws::{Admission, Page, Server};
//!
//! struct User(String);
//!
//! # fn main() -> plainws::Result<()> {
//! let server = Server::bind("127.0.0.1:0")?
//!     .admit(|applicant| {
//!         let header = applicant.request.header("Authorization");
//!         match header.and_then(|value| value.strip_prefix("Bearer ")) {
//!             Some("open-sesame") => Ok(Admission::default().extension(User("Ali".into()))),
//!             _ => Err(Page::refusal(401, "bring a token").header("WWW-Authenticate", "Bearer")),
//!         }
//!     })
//!     .route("/", |ws| match ws.extension::<User>() {
//!         Some(User(name)) => ws.send(format!("Welcome, {name}!")),
//!         None => Ok(()),
//!     });
//! # let url = format!("ws://{}/", server.local_addr()?);
//! # std::thread::spawn(move || server.serve());
//!
//! let client = plainws::Client::new(&url)?.header("Authorization", "Bearer open-sesame")?;
//! assert_eq!(client.connect()?.receive()?, Some("Welcome, Ali!".into()));
//!
//! match plainws::connect(&url) {
//!     Err(plainws::Error::Refused(refusal)) => assert_eq!(refusal.response.status(), 401),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It may ask a database: nobody else waits for it, and after [`Limits::admit_timeout`], 10 s by default, the peer gets 503.
//!
//! A browser's `WebSocket` cannot set that header. What it sends:
//!
//! - Cookies of the page's host: `applicant.request.header("Cookie")`. Pages of other sites would send them too; they do
//!   not get this far, because only pages of the same host may connect ([`Server::allow_origin`], §10.2).
//! - A token in the query: `applicant.request.query()`. It is seen by logs and proxies: let it be good for one use.
//! - Subprotocols, `new WebSocket(url, ["chat", "token.4711"])`: they are in [`Applicant::subprotocols`], and the one
//!   that is no token is chosen with `Admission::default().subprotocol("chat")`. Without a choice browsers leave.
//!
//! # TLS
//!
//! The feature `tls` has it for both roles (§10.6). A server is given its certificate, with those between it and one that
//! clients trust, and the key: with Let's Encrypt `fullchain.pem` and `privkey.pem`. When the files have changed,
//! [`ServerTls::renew`] shows the new certificate to all who come from then on. Nobody is cut off.
//!
//! ```
//! # #[cfg(feature = "tls")] mod server {
//! use plainws::{Server, ServerTls};
//! use std::error::Error;
//! use std::time::Duration;
//! use std::{fs, thread};
//!
//! const CHAIN: &str = "/etc/plainws/fullchain.pem";
//! const KEY: &str = "/etc/plainws/privkey.pem";
//!
//! fn serve() -> Result<(), Box<dyn Error>> {
//!     let tls = ServerTls::from_pem(&fs::read(CHAIN)?, &fs::read(KEY)?)?;
//!     let server = Server::bind("0.0.0.0:443")?.tls(tls.clone());
//!     thread::spawn(move || keep_up(&tls));
//!     server.route("/", |ws| ws.send("Hello")).serve();
//!     Ok(())
//! }
//!
//! /// Once a day is enough: the new files are there weeks before the old certificate ends.
//! fn keep_up(tls: &ServerTls) {
//!     loop {
//!         thread::sleep(Duration::from_secs(24 * 60 * 60));
//!         if let Err(error) = renew(tls) {
//!             eprintln!("the certificate stays the one before: {error}");
//!         }
//!     }
//! }
//!
//! fn renew(tls: &ServerTls) -> Result<(), Box<dyn Error>> {
//!     Ok(tls.renew(&fs::read(CHAIN)?, &fs::read(KEY)?)?)
//! }
//! # }
//! ```
//!
//! A client needs no setting for a `wss://` URL if the system trusts whoever signed the server's certificate. A private
//! certificate it has to be told of, and then it trusts no other:
//!
//! ```
//! # #[cfg(feature = "tls")]
//! fn hello() -> Result<(), Box<dyn std::error::Error>> {
//!     use plainws::{Client, ClientTls};
//!
//!     let tls = ClientTls::from_pem(&std::fs::read("ca.pem")?)?;
//!     let ws = Client::new("wss://plainws.internal/")?.tls(tls).connect()?;
//!     println!("{:?} over {:?}", ws.receive()?, ws.secured_by());
//!     Ok(())
//! }
//! ```
//!
//! On a stream of your own, such as one that you accepted, [`ServerTls::over`] and [`ClientTls::over`] make the
//! [`Transport`] for [`accept`] and [`Client::over`]. `docs/tls.md` tells how to make a certificate for a test, and when a
//! proxy is the better place.
//!
//! # TLS at a proxy
//!
//! A proxy in front of a server can end TLS. `examples/deploy` has whole configurations for nginx and HAProxy, and
//! `docs/behind-a-proxy.md` explains them.
//!
//! On a loopback address the server answers for loopback hosts only, so it is told the host of the world; others get 421.
//! Pages of that host may connect, over `https:` too. Those of another are allowed one by one.
//!
//! ```
//! # fn main() -> plainws::Result<()> {
//! let server = plainws::Server::bind("127.0.0.1:0")?.allow_host("example.com".parse()?);
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! [`WebSocket::peer_addr`] is the proxy's then. [`Server::trust_proxy`](crate::Server::trust_proxy) names the proxy, and
//! [`Request::client_ip`](crate::Request::client_ip) is the client's address as that proxy tells it. Pages of the same host by
//! `http:` may no longer connect then to what people reach by `https:`.
//!
//! Another implementation of TLS than the feature's is a stream of your own: whatever is a [`Transport`] goes into
//! [`Client::over`] or [`accept`].
//!
//! # Fail
//!
//! A handler may fail with whatever it likes: the peer is told with 1011 and nothing more (§7.4.1), the
//! [log](crate::Server::log) with all of it. What a peer may know, a Close says.
//!
//! ```
//! use plainws::{CloseCode, WebSocket};
//!
//! fn add(ws: &mut WebSocket) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//!     for message in ws.messages() {
//!         let text = message?.into_text().ok_or("text was asked for")?;
//!         let Ok(number) = text.parse::<u32>() else {
//!             return Ok(ws.close(CloseCode::POLICY, "numbers only")?);
//!         };
//!         ws.send(number.checked_add(1).ok_or("too large")?.to_string())?;
//!     }
//!     Ok(())
//! }
//! # plainws::Server::bind("127.0.0.1:0")?.route("/", add);
//! # Ok::<(), plainws::Error>(())
//! ```
//!
//! # Send from another thread
//!
//! A [`Sender`] sends while the handler waits. It may be cloned, outlives the connection, and fails once that is over.
//!
//! ```
//! use plainws::WebSocket;
//! use std::thread;
//! use std::time::Duration;
//!
//! fn count(ws: &mut WebSocket) -> plainws::Result<()> {
//!     let sender = ws.sender();
//!     thread::spawn(move || {
//!         for number in 0.. {
//!             if sender.send(format!("{number}")).is_err() {
//!                 return; // the connection is over
//!             }
//!             thread::sleep(Duration::from_secs(1));
//!         }
//!     });
//!     // To receive is to see the end; pings and the Close are answered meanwhile.
//!     while ws.receive()?.is_some() {}
//!     Ok(())
//! }
//! # let _ = count;
//! ```
//!
//! # Rooms
//!
//! A room is a sender to each member. One that refuses rather than waits ([`WhenFull::Refuse`]) is for a thread that sends
//! to many: who reads too slowly is shown the door, and delays nobody. A [`PreparedMessage`] is held once, for all of them.
//!
//! ```
//! use plainws::{CloseCode, Error, PreparedMessage, Sender, Server, WebSocket, WhenFull};
//! use std::collections::HashMap;
//! use std::sync::{Mutex, PoisonError};
//!
//! #[derive(Default)]
//! struct Rooms(Mutex<HashMap<String, Vec<Sender>>>);
//!
//! impl Rooms {
//!     fn attend(&self, ws: &mut WebSocket) -> plainws::Result<()> {
//!         let room = ws.request().param("name").unwrap_or_default();
//!         let sender = ws.sender().when_full(WhenFull::Refuse);
//!         let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         rooms.entry(room.into()).or_default().push(sender);
//!         drop(rooms);
//!         for message in ws.messages() {
//!             self.say(room, &PreparedMessage::new(message?));
//!         }
//!         Ok(())
//!     }
//!
//!     /// Sends to all in a room, and forgets those who are gone.
//!     fn say(&self, room: &str, message: &PreparedMessage) {
//!         let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
//!         let Some(members) = rooms.get_mut(room) else { return };
//!         members.retain(|member| {
//!             let sent = member.send(message);
//!             if let Err(Error::Backlogged) = sent {
//!                 let _ = member.close(CloseCode::POLICY, "too slow");
//!             }
//!             sent.is_ok()
//!         });
//!     }
//! }
//!
//! # fn main() -> plainws::Result<()> {
//! let rooms = Rooms::default();
//! let server = Server::bind("127.0.0.1:0")?.route("/room/{name}", move |ws| rooms.attend(ws));
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/rooms.rs` has a page for them, and lets go of a room when the last member leaves. `examples/rooms-redis` is
//! about more than one machine: its members hear each other whichever instance they are connected to, by Redis.
//!
//! # Wait no longer than this
//!
//! A time-out is a result, not an error, and loses nothing: half a message stays until its other half comes.
//!
//! ```
//! use plainws::{CloseCode, Received, WebSocket};
//! use std::time::Duration;
//!
//! fn quiz(ws: &mut WebSocket) -> plainws::Result<()> {
//!     ws.send("6 times 7?")?;
//!     match ws.receive_timeout(Duration::from_secs(10))? {
//!         Received::Message(answer) if answer == "42" => ws.send("right"),
//!         Received::Message(_) => ws.send("wrong"),
//!         Received::TimedOut => ws.close(CloseCode::POLICY, "too late"),
//!         _ => Ok(()), // the peer has left
//!     }
//! }
//! # let _ = quiz;
//! ```
//!
//! Nobody waits for a dead peer: silence is answered with a ping, and a ping without an answer ends the connection
//! ([`Limits::ping_after`], [`Limits::pong_timeout`]: 40 s by default). [`Limits`] has a bound for every other wait.
//! [`Client::timeout`] bounds how long opening may take, 10 s by default.
//!
//! # Come back after a loss
//!
//! When a server is lost, all its clients come back. §7.2.3 asks them to wait a random time first, and longer after each
//! failure. Not everything is worth another attempt; [`Error::may_pass`] and [`CloseReason::may_pass`] tell what is:
//!
//! | what happened | again? |
//! |---|---|
//! | [`Error::Io`]: no server there, no answer, the line was lost | yes |
//! | a Close with 1001 or 1011 to 1014, or none ([`CloseCode::ABNORMAL`]) | yes |
//! | [`Error::Refused`] with 408, 429 or 5xx | yes |
//! | a Close with 1000 or 1008, or a code of the application's own | no: that is an answer |
//! | [`Error::Refused`] with 401, 403, 404 or a redirect | no, not with the same request |
//! | [`Error::Rule`], [`Error::Url`], [`Error::Header`] | no: it stays wrong |
//!
//! ```
//! use plainws::net::random::Random;
//! use std::time::Duration;
//!
//! /// A random part of 1, 2, 4, ... seconds, of a minute at most.
//! fn pause(failures: u32, random: &mut Random) -> Duration {
//!     let span = Duration::from_secs(1 << failures.min(6)).min(Duration::from_secs(60));
//!     span.mul_f64(f64::from(u32::from_ne_bytes(random.bytes())) / f64::from(u32::MAX))
//! }
//!
//! let mut random = Random::new()?;
//! assert!(pause(0, &mut random) <= Duration::from_secs(1));
//! assert!(pause(40, &mut random) <= Duration::from_secs(60));
//! # Ok::<(), plainws::Error>(())
//! ```
//!
//! Count failures from 0 again when a message has come, not when the connection is open: a server that is too busy may
//! open it only to close it. `examples/client.rs` does all of this. `Ok` from a send does not mean that the peer has the
//! message; what must not be lost needs an answer of the application's own.
//!
//! # Stop without cutting anyone off
//!
//! [`Server::serve`] returns after [`Handle::shutdown`]. Until then peers are sent a Close with 1001, handlers find the end,
//! and what is left after [`Server::grace`] is cut. Signals are the program's: crates such as `ctrlc` and `signal-hook` call
//! what they are given. Behind a balancer [`Handle::drain`] comes first, and with it a health page that answers 503: all is
//! still served, and [`Handle::shutdown`] follows when the balancer has noticed.
//!
//! ```
//! use plainws::{CloseCode, Received, Server};
//! use std::thread;
//! use std::time::Duration;
//!
//! let server = Server::bind("127.0.0.1:0")?
//!     .grace(Duration::from_secs(2))
//!     .route("/", |ws| ws.messages().try_for_each(|message| ws.send(message?)));
//! let url = format!("ws://{}/", server.local_addr()?);
//! let handle = server.handle()?;
//! let serving = thread::spawn(move || server.serve());
//!
//! let ws = plainws::connect(&url)?;
//! handle.shutdown(); // ctrlc::set_handler(move || handle.shutdown())
//! match ws.receive_timeout(Duration::MAX)? {
//!     Received::Ended(reason) => assert_eq!(reason.code, CloseCode::GOING_AWAY),
//!     other => panic!("{other:?}"),
//! }
//! drop(ws);
//! serving.join().expect("the server does not panic");
//! # Ok::<(), plainws::Error>(())
//! ```
//!
//! # Test a handler without a network
//!
//! A handler is a function of a [`WebSocket`], and any pair of streams makes two of these:
//!
//! ```
//! # #[cfg(unix)]
//! # fn main() -> plainws::Result<()> {
//! use plainws::{Client, WebSocket};
//! use std::os::unix::net::UnixStream;
//! use std::thread;
//!
//! fn shout(ws: &mut WebSocket) -> plainws::Result<()> {
//!     for message in ws.messages() {
//!         ws.send(message?.to_string().to_uppercase())?;
//!     }
//!     Ok(())
//! }
//!
//! let (here, there) = UnixStream::pair()?;
//! let handling = thread::spawn(move || shout(&mut plainws::accept(there)?));
//! let ws = Client::new("ws://localhost/")?.over(here)?;
//! ws.send("hello")?;
//! assert_eq!(ws.receive()?, Some("HELLO".into()));
//! drop(ws); // closes the connection, so that the handler returns
//! handling.join().expect("it does not panic")
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```
//!
//! For a handler that asks for a place in its path, or for who was admitted, [`Accept`](crate::Accept) has
//! [`path`](crate::Accept::path) and [`admit`](crate::Accept::admit). A handler that fails is its caller's business there: the
//! 1011 is a [`Server`]'s.
//!
//! Where several paths or pages matter, a [`Server`] at `127.0.0.1:0` takes a free port, and
//! [`Server::local_addr`] tells which. To send what is no legal frame, use [`Sender::raw`].
//!
//! # Pages beside the connections
//!
//! A path may have a page for those who GET it and a handler for those who ask for WebSocket. Pages are served with a content
//! policy that lets them load scripts and styles from the same host only, so a script has a path of its own;
//! [`Page::without_content_policy`] is for pages with inline scripts. What no path fits goes to
//! [`Server::fallback_page`], or to [`Server::fallback`].
//!
//! ```
//! use plainws::{Page, Server};
//!
//! const SCRIPT: &[u8] = b"const ws = new WebSocket(location.href.replace('http', 'ws'));
//! ws.onmessage = event => { document.body.textContent = event.data; };";
//!
//! # fn main() -> plainws::Result<()> {
//! let server = Server::bind("127.0.0.1:0")?
//!     .page("/", Page::html("<!doctype html><title>Hello</title><body><script src=/script.js></script>"))
//!     .page("/script.js", Page::new("text/javascript", SCRIPT))
//!     .page_with("/whoami", |request| {
//!         let browser = request.header("User-Agent").unwrap_or("a stranger");
//!         Page::text(format!("You are {browser}.\n"))
//!     })
//!     .route("/", |ws| ws.send("Hello"));
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! # A small machine
//!
//! Everything is bounded from the start; these are the bounds that count where memory is short. A quiet connection takes
//! about 14 KB, whatever its limits are.
//!
//! ```
//! use plainws::protocol::{head, message};
//! use plainws::{Limits, Server};
//!
//! # fn main() -> plainws::Result<()> {
//! let limits = Limits::default()
//!     .head(head::Limits::new().max_bytes(4 * 1024))
//!     .message(message::Limits::new().max_bytes(16 * 1024))
//!     .max_backlog(32 * 1024);
//! let server = Server::bind("127.0.0.1:0")?
//!     .limits(limits)
//!     .max_connections(50)
//!     .max_memory(2 * 1024 * 1024) // all messages together, beyond 64 KiB for each connection
//!     .stack_size(128 * 1024);
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! A message over the limit is refused with 1009, a connection over it with 503, and one for which no memory is left with
//! 1013. [`Server::admit`] can give those who deserve it other limits ([`Admission::limits`]).
//!
//! [`accept`]: crate::accept
//! [`Admission::extension`]: crate::Admission::extension
//! [`Admission::limits`]: method@crate::Admission::limits
//! [`Applicant::subprotocols`]: crate::Applicant::subprotocols
//! [`Client::over`]: crate::Client::over
//! [`Client::timeout`]: crate::Client::timeout
//! [`CloseReason::may_pass`]: crate::CloseReason::may_pass
//! [`CloseCode::ABNORMAL`]: crate::CloseCode::ABNORMAL
//! [`Error::Header`]: crate::Error::Header
//! [`Error::may_pass`]: crate::Error::may_pass
//! [`Error::Io`]: crate::Error::Io
//! [`Error::Refused`]: crate::Error::Refused
//! [`Error::Rule`]: crate::Error::Rule
//! [`Error::Url`]: crate::Error::Url
//! [`Handle::drain`]: crate::Handle::drain
//! [`Handle::shutdown`]: crate::Handle::shutdown
//! [`Limits::admit_timeout`]: field@crate::Limits::admit_timeout
//! [`Limits::ping_after`]: field@crate::Limits::ping_after
//! [`Limits::pong_timeout`]: field@crate::Limits::pong_timeout
//! [`Limits`]: crate::Limits
//! [`Page::without_content_policy`]: crate::Page::without_content_policy
//! [`PreparedMessage`]: crate::PreparedMessage
//! [`Sender::raw`]: crate::Sender::raw
//! [`Sender`]: crate::Sender
//! [`Server::admit`]: crate::Server::admit
//! [`Server::allow_origin`]: crate::Server::allow_origin
//! [`Server::fallback`]: crate::Server::fallback
//! [`Server::fallback_page`]: crate::Server::fallback_page
//! [`Server::grace`]: crate::Server::grace
//! [`Server::local_addr`]: crate::Server::local_addr
//! [`Server::serve`]: crate::Server::serve
//! [`Server`]: crate::Server
//! [`Transport`]: crate::Transport
//! [`WebSocket::peer_addr`]: crate::WebSocket::peer_addr
//! [`WebSocket`]: crate::WebSocket
//! [`WhenFull::Refuse`]: crate::WhenFull::Refuse
#![cfg_attr(feature = "tls", doc = "[`ClientTls::over`]: crate::ClientTls::over")]
#![cfg_attr(feature = "tls", doc = "[`ServerTls::over`]: crate::ServerTls::over")]
#![cfg_attr(feature = "tls", doc = "[`ServerTls::renew`]: crate::ServerTls::renew")]
#![cfg_attr(not(feature = "tls"), doc = "[`ClientTls::over`]: crate#features")]
#![cfg_attr(not(feature = "tls"), doc = "[`ServerTls::over`]: crate#features")]
#![cfg_attr(not(feature = "tls"), doc = "[`ServerTls::renew`]: crate#features")]
