//! Fuzz target `command`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| program_oracles::fuzz("command", data));
