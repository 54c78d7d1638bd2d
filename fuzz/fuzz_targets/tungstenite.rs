//! Fuzz target `tungstenite`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| vs_tungstenite::fuzz(data));
