//! The library inside TLS.

mod caretaker;
mod decrypted;
mod ending;
mod examples;
mod full_duplex;
mod messages;
mod support;
mod time_outs;
