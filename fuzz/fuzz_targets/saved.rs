//! Fuzz target `saved`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| program_oracles::fuzz("saved", data));
