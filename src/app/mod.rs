//! Storey 3: the program. It uses the library as anyone else would.

mod address;
mod args;
mod bench;
mod check;
pub(crate) mod cli;
mod commands;
mod connect;
mod crafted;
mod echo;
mod input;
mod judge;
mod lab;
mod listen;
mod proxy;
mod serve;
mod show;
mod signals;
mod sought;
pub(crate) mod text;
mod time;
mod trust;
mod why;
