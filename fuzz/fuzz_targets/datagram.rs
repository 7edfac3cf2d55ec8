//! Any bytes as a datagram, whatever its checksum says.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aviary_fuzz::datagram(bytes));
