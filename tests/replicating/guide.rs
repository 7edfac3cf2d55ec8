//! The guide: its code is the example's, and its commands run as printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::file;

const GUIDE: &str = "docs/replicating.md";
const PROGRAM: &str = "target/debug/examples/key_value";

/// Each fenced block: its language and its contents.
fn blocks() -> Vec<(String, String)> {
    let text = fs::read_to_string(file(GUIDE)).unwrap();
    let parts: Vec<&str> = text.split("```").collect();
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|block| block.split_once('\n').unwrap())
        .map(|(of, text)| (of.to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn its_code_is_that_of_the_example() {
    let example = fs::read_to_string(file("examples/key_value.rs")).unwrap();
    let mut count = 0;
    for (_, text) in blocks().iter().filter(|(language, _)| language == "rust") {
        assert!(example.contains(text.trim_end()), "the example does not have\n{text}");
        count += 1;
    }
    assert!(count > 5, "only {count} blocks");
}

/// The program as `cargo test` builds it, next to this one.
fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent().and_then(Path::parent).unwrap().join("examples/key_value")
}

/// Three ports that were free a moment ago, below the range that systems assign by themselves.
#[cfg(feature = "udp")]
fn free_port() -> u16 {
    use std::net::{Ipv4Addr, UdpSocket};
    let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
    let start = 10_000 + u16::try_from(std::process::id() % 3_000).unwrap() * 3;
    let mut bases = (start..start + 3_000).step_by(3);
    bases.find(|base| (*base..base + 3).map(bind).all(|bound| bound.is_ok())).expect("three free ports")
}

/// Includes three processes, of which first one and then all are killed: no answered request is lost.
#[test]
#[cfg(feature = "udp")]
fn its_commands_run_as_they_stand() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replicating");
    fs::create_dir_all(&folder).unwrap();
    let mut count = 0;
    for (_, text) in blocks().iter().filter(|(language, _)| language == "sh") {
        let text =
            text.replace(PROGRAM, program().to_str().unwrap()).replace("7300", &free_port().to_string());
        // A block that fails leaves no site behind: this test would wait for its output for ever.
        let text = format!("trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT\n{text}");
        let output = Command::new("bash")
            .args(["-eu", "-o", "pipefail", "-c", &text])
            .current_dir(file(""))
            .env("TMPDIR", &folder)
            .output()
            .unwrap();
        let printed =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // The last block ends with `wait`, for sites that were killed.
        assert!(output.status.success(), "{text}\n{printed}");
        count += 1;
    }
    assert!(count > 1, "only {count} blocks");
}
