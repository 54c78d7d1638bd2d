//! Streams of frames: made from decisions, and read as the RFC says, by other means than the product.
//!
//! The oracles of `fuzz/` are compiled from these files as well. They name nothing of the program, and of the library
//! its words only, such as [`Rule`](plainws::Rule): what is due is not decided by what is judged.

pub mod choices;
pub mod due;
pub mod generate;
pub mod reference;
pub mod seen;
pub mod wire;

use plainws::protocol::message::Limits;

/// Limits that are exceeded with a few bytes.
pub const TINY: Limits = Limits::new()
    .max_bytes(200)
    .max_fragments(4)
    .max_empty_fragments(2);
