//! Runs the seeds of every fuzz target through the target's function: what a fuzzer once found stays found, without a
//! fuzzer.

#![expect(clippy::unwrap_used, reason = "a test: seeds that cannot be read are a failure")]

use std::fs;
use std::path::Path;
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn check(name: &str, at_least: usize, target: fn(&[u8])) {
    let seeds = seeds(name);
    assert!(seeds.len() >= at_least, "only {} seeds of {name}", seeds.len());
    for bytes in seeds {
        target(&bytes);
        // Also what a fuzzer would try first.
        for cut in 0..bytes.len().min(64) {
            target(&bytes[..bytes.len() - cut]);
            let mut flipped = bytes.clone();
            flipped[bytes.len() - 1 - cut] ^= 1 << (cut % 8);
            target(&flipped);
        }
    }
}

#[test]
fn datagrams() {
    check("datagram", 10, targets::datagram);
}

#[test]
fn records() {
    check("record", 5, targets::record);
    check("older_record", 5, targets::record);
}

#[test]
fn journals() {
    check("journal", 4, targets::journal);
    // A journal's own files must stay the same when they are mended on the way to the target.
    for bytes in seeds("journal") {
        let image = targets::Image::parse(&bytes).unwrap();
        assert!(image.to_bytes() == bytes);
        let mut mended = image.clone();
        mended.mend();
        let [image, mended] = [image, mended].map(|image| targets::Image::of(&image.disk().unwrap()));
        assert!(image == mended, "a right checksum was mended");
    }
}

#[test]
fn scenarios() {
    check("scenario", 4, targets::scenario);
}

#[test]
fn the_dictionary_holds_the_words_of_all_scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(root.join("scenarios")).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<String> =
        files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    let wanted = targets::words::dictionary(&targets::words::of_schema(texts.iter()));
    let found = fs::read_to_string(root.join("fuzz/scenario.dict")).unwrap();
    assert!(wanted == found, "out of date: cargo run --manifest-path fuzz/Cargo.toml --example seeds");
}

#[test]
fn outsiders() {
    check("outsider", 4, targets::outsider);
}
