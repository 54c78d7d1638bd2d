//! How all of it is shown: the same decode, with every bit and every line labelled.
//!
//! Nothing is decided here. A [`Dissector`] gives the bytes of one direction to the [`Connection`] that
//! would receive them, and writes down what it says; [`Frame::spans`] names the fields of a frame, bit
//! by bit; [`handshake`] does the same for a request or response, line by line.
//!
//! [`Connection`]: crate::protocol::connection::Connection

mod frames;
pub mod handshake;
mod labels;

pub use frames::{Dissection, Dissector, Fragment, Frame, Missing, Status, Verdict, dissect};
pub use labels::{Judgement, Span};
