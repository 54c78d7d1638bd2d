//! A fuzz target for your parser: a panic is how libFuzzer learns that an oracle fired.
#![no_main]
use my_parser::MyParser;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    oracles::fuzz_with(&MyParser { is_mended: true }, "stream", data);
});
