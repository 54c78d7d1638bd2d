//! The opening handshake (§4): an HTTP request that asks for another protocol, and the answer.
//!
//! ```text
//! client                                                     server
//!   GET /chat HTTP/1.1                                         HTTP/1.1 101 Switching Protocols
//!   Host: example.com                                          Upgrade: websocket
//!   Upgrade: websocket                            ─────▶       Connection: Upgrade
//!   Connection: Upgrade                                        Sec-WebSocket-Accept: s3pPLMBi…
//!   Sec-WebSocket-Key: dGhlIHNhbXBs…              ◀─────
//!   Sec-WebSocket-Version: 13
//! ```
//!
//! The accept value proves that the server knows this protocol and did not answer by accident: it is
//! made from the key and a GUID that nothing else uses (§1.3).
//!
//! Read `accept` first, then `server` and `client`; `both` is what the two judge alike, `extensions` the
//! grammar of one header. Each side's `judge` is its list of checks, in the order in which they are made.
#![warn(clippy::indexing_slicing)]

mod accept;
mod both;
pub(super) mod client;
mod extensions;
pub(super) mod server;

pub use accept::{GUID, accept_value, is_key};
pub use both::{InvalidHeader, VERSION};
pub use client::{Asked, Opening};
pub use extensions::Extension;
pub use server::{Upgrade, check_header, is_asked_for};

pub(super) use accept::digest;
