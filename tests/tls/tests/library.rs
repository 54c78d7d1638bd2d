//! The library inside TLS.

mod adversaries;
mod caretaker;
mod carriers;
mod decrypted;
mod ending;
mod examples;
mod full_duplex;
mod handshake;
mod key_updates;
mod limits;
mod messages;
mod plain;
mod proxied;
mod random;
mod renewal;
mod stopping;
mod support;
mod tap;
mod time_outs;
mod trust;
mod trust_words;
