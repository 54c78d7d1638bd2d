//! The library against the oracles of `fuzz/`, without a fuzzer.

mod exhaustive;
mod fuzz_replay;
mod oracle_selfcheck;
mod support;
