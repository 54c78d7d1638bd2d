//! The library, and what the program reads, against the oracles of `fuzz/`, without a fuzzer.

mod exhaustive;
mod fuzz_replay;
mod oracle_selfcheck;
mod paste_replay;
mod support;
