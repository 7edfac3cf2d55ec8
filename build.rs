//! Stamps the library with a hash of the code that determines a site's behaviour, for files that only the code that
//! wrote them may read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The code that determines what a site does with its inputs. The journal and the outbox have no part in that.
const SOURCES: [&str; 13] = [
    "src/cow_log.rs",
    "src/foreign",
    "src/frame.rs",
    "src/ids.rs",
    "src/macros.rs",
    "src/mix.rs",
    "src/process.rs",
    "src/recording",
    "src/replicated",
    "src/time.rs",
    "src/tweets/site.rs",
    "src/tweets/timeline",
    "src/wire.rs",
];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        collect(Path::new(source), &mut files)?;
    }
    files.sort();
    let mut hash = OFFSET;
    for file in files {
        hash = absorb(hash, file.to_string_lossy().replace('\\', "/").as_bytes());
        hash = absorb(hash, &fs::read(&file)?);
    }
    println!("cargo:rustc-env=AVIARY_CODE={hash:016x}");
    Ok(())
}

/// Adds every source below `path` except tests.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.file_stem().is_some_and(|name| name == "tests") {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(path.into());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

// FNV-1a, 64 bits. It guards against mistakes, not attackers.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn absorb(hash: u64, bytes: &[u8]) -> u64 {
    let length = (bytes.len() as u64).to_le_bytes();
    length.iter().chain(bytes).fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
