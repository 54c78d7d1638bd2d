//! Fuzz target `proxy-header`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| oracles::fuzz("proxy-header", data));
