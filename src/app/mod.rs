//! Storey 3: the program. It uses the library as anyone else would.

mod access_log;
mod cause;
pub(crate) mod cli;
mod clock;
mod decode;
mod echo;
mod heads;
mod hex;
mod input;
mod json;
mod listing;
mod mistakes;
mod pages;
mod paint;
mod serve;
mod text;
mod verdict;
