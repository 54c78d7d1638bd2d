//! Fuzz target `capture`: see ../README.md.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| program_oracles::fuzz("capture", data));
