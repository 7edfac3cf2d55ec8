//! Any messages that clients may send to running sites.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aviary_fuzz::outsider(bytes));
