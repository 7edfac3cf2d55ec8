//! Any bytes as the files of a journal, whatever their checksums say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aviary_fuzz::journal(bytes));
