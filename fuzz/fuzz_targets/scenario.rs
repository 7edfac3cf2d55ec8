//! Any text as a scenario.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aviary_fuzz::scenario(bytes));
