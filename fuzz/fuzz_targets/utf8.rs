//! Fuzz target `utf8`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::fuzz("utf8", data));
