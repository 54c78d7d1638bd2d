//! Storey 3: the program. It uses the library as anyone else would.

mod access_log;
mod cause;
pub(crate) mod cli;
mod clock;
mod decode;
mod echo;
mod encode;
mod exercise;
mod handshake;
mod heads;
mod hex;
mod input;
mod json;
mod listing;
mod metrics;
mod mistakes;
mod pages;
mod paint;
mod places;
mod rules;
mod serve;
mod shell;
mod stages;
mod text;
mod verdict;
