//! `new-protocol` writes a whole package, and never over anything. The gate builds one and runs its tests.
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim-runner"))
        .arg("new-protocol")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-protocol").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_package_depends_on_the_sources_that_wrote_it_and_is_never_written_over() {
    let folder = fresh("written");
    let output = run(&folder, &["two-phase"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(printed.starts_with("./two-phase\ntest it: cd ./two-phase && cargo test\n"), "{printed}");
    let package = folder.join("two-phase");
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
    let path = manifest.split("path = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let sources = fs::canonicalize(package.join(path)).unwrap();
    assert_eq!(sources, fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap());
    let test = fs::read_to_string(package.join("tests/sweeps.rs")).unwrap();
    assert!(
        test.contains("use two_phase::{NEVER_RETRIES, Site};") && test.contains("join(\"two-phase\")"),
        "{test}"
    );
    for entry in ["scenarios/site_crashes.ron", ".github/workflows/test.yml", ".gitignore"] {
        assert!(package.join(entry).is_file(), "{entry}");
    }
    fs::write(package.join("src/lib.rs"), "mine").unwrap();
    let again = run(&folder, &["two-phase"]);
    let error = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(error.contains("failed to write ./two-phase"), "{error}");
    assert_eq!(fs::read_to_string(package.join("src/lib.rs")).unwrap(), "mine");
}

#[test]
fn what_is_wrong_with_the_arguments_is_said() {
    let folder = fresh("wrong");
    let check = |args: &[&str], expected: &str| {
        let output = run(&folder, args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(error.contains(expected), "{args:?}: {error}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{args:?} left something behind");
    };
    check(&["Lease"], "\"Lease\" is no name for a package: lower-case letters, digits, _ and -");
    check(&["2pc"], "it begins with a letter");
    check(&["serde"], "Rust or this package uses it for something else");
    check(&["lease", "--dir", "nowhere"], "nowhere");
    check(&["lease", "--aviary", "."], ". does not hold the sources of Aviary");
    check(&["lease", "--aviary", ".", "--git", "x"], "cannot be used with");
}

#[test]
fn a_package_may_take_its_harness_from_a_repository() {
    let folder = fresh("git");
    assert_eq!(run(&folder, &["lease", "--git", "https://example.com/aviary"]).status.code(), Some(0));
    let manifest = fs::read_to_string(folder.join("lease/Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("git = \"https://example.com/aviary\"").count(), 2, "{manifest}");
}
