//! The library inside TLS.

mod caretaker;
mod decrypted;
mod ending;
mod examples;
mod full_duplex;
mod handshake;
mod key_updates;
mod messages;
mod plain;
mod support;
mod tap;
mod time_outs;
mod trust;
mod trust_words;
