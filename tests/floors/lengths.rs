//! Checks that no Rust file is so long that it must have several jobs.

use std::fs;
use std::path::Path;

/// The most lines of one file.
const LINES_MAX: usize = 450;

/// Every folder with Rust files, from the root of the repository.
const FOLDERS: [&str; 6] = ["benches", "examples", "fuzz", "sim-runner", "src", "tests"];

/// Each Rust file in these folders, with the number of its lines. What builds leave behind is not looked at.
fn lengths(root: &Path) -> Vec<(String, usize)> {
    let mut lengths = Vec::new();
    let mut left: Vec<String> = FOLDERS.map(str::to_owned).into();
    while let Some(folder) = left.pop() {
        let path = root.join(&folder);
        for entry in fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            let entry = entry.expect("a folder that can be read");
            let name = entry.file_name();
            let name = name.to_str().expect("a plain name");
            let file = format!("{folder}/{name}");
            if entry.path().is_dir() {
                if name != "target" && name != "node_modules" {
                    left.push(file);
                }
            } else if name.ends_with(".rs") {
                lengths.push((file.clone(), crate::sources::text(&file).lines().count()));
            }
        }
    }
    lengths.sort();
    lengths
}

#[test]
fn no_file_is_longer_than_what_one_job_takes() {
    let lengths = lengths(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(lengths.len() > 700, "only {} files", lengths.len());
    for folder in FOLDERS {
        let inside = format!("{folder}/");
        assert!(lengths.iter().any(|(file, _)| file.starts_with(&inside)), "no file in {folder}");
    }
    let long = lengths.iter().filter(|(_, lines)| *lines > LINES_MAX);
    let long: Vec<String> = long.map(|(file, lines)| format!("{file} has {lines} lines")).collect();
    assert!(long.is_empty(), "split by role, {LINES_MAX} lines at most:\n{}", long.join("\n"));
}
