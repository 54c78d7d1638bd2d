//! Storey 3: the program. It uses the library as anyone else would.

mod access_log;
pub(crate) mod cli;
mod clock;
mod echo;
mod metrics;
mod pages;
mod serve;
