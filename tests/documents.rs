//! Links and paths in the documentation lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// Pages in which every path in backquotes or in a block of `text` must exist.
const MAPS: [&str; 2] = ["CONTRIBUTING.md", "docs/architecture.md"];

/// What a path of this repository begins with.
const FOLDERS: [&str; 12] = [
    ".ci/",
    "benches/",
    "deploy/",
    "docs/",
    "examples/",
    "fuzz/",
    "scenarios/",
    "sim-runner/",
    "snapshots/",
    "src/",
    "target/",
    "tests/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page, seen from the root.
fn pages() -> Vec<String> {
    let entries = fs::read_dir(root().join("docs")).expect("the folder of the documentation");
    let names = entries.map(|entry| entry.expect("a folder that can be read").file_name());
    let names = names.map(|name| name.into_string().expect("a name in UTF-8"));
    let mut pages: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.extend(["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "fuzz/README.md"].map(str::to_owned));
    pages.sort();
    pages
}

/// `text` without its fenced blocks, and the blocks of language `text`.
fn apart(text: &str) -> (String, String) {
    let (mut prose, mut drawings) = (String::new(), String::new());
    let mut language: Option<&str> = None;
    for line in text.lines() {
        match (language, line.trim_start().strip_prefix("```")) {
            (None, Some(opened)) => language = Some(opened),
            (Some(_), Some(_)) => language = None,
            (None, None) => prose += &format!("{line}\n"),
            (Some("text"), None) => drawings += &format!("{line}\n"),
            (Some(_), None) => {}
        }
    }
    (prose, drawings)
}

/// What a link to this heading says after its `#`.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|char| char.is_alphanumeric() || [' ', '-', '_'].contains(char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

fn has_heading(page: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(page).unwrap_or_default();
    apart(&text).0.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == wanted)
}

/// What is wrong with the links of a page that is in `folder`.
fn dead_links(folder: &Path, page: &Path, prose: &str) -> Vec<String> {
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let ours = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    let is_dead = |link: &&str| {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let target: PathBuf = if file.is_empty() { page.to_owned() } else { folder.join(file) };
        !target.exists() || (!heading.is_empty() && !has_heading(&target, heading))
    };
    ours.filter(is_dead).map(str::to_owned).collect()
}

/// The paths that a page names, in backquotes and in drawings. One with a `*` stands for its folder.
fn paths(text: &str) -> Vec<String> {
    let (prose, drawings) = apart(text);
    let quoted = prose.split('`').skip(1).step_by(2);
    let words = quoted.chain(drawings.split([' ', '\n', '(', ')', ',', ';'])).map(str::to_owned);
    let ours = words.filter(|word| {
        FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(char::is_whitespace)
    });
    ours.map(|word| match word.split_once('*') {
        Some((before, _)) => before.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
        None => word.trim_end_matches(['.', ':']).to_owned(),
    })
    .collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut dead = Vec::new();
    for page in pages() {
        let path = root().join(&page);
        let (prose, _) = apart(&text(&page));
        let folder = path.parent().expect("a page is in a folder");
        dead.extend(dead_links(folder, &path, &prose).into_iter().map(|link| format!("{page}: {link}")));
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn paths_that_the_maps_name_exist() {
    for page in MAPS {
        let paths = paths(&text(page));
        assert!(paths.len() > 10, "{page} names only {paths:?}");
        let gone: Vec<&String> = paths.iter().filter(|path| !root().join(path).exists()).collect();
        assert!(gone.is_empty(), "{page} names what does not exist: {gone:?}");
    }
}

#[test]
fn a_dead_link_and_a_path_that_is_gone_are_found() {
    let prose = "[a](README.md), [b](none.md), [c](README.md#no-such-heading), [d](https://example.org)";
    assert_eq!(
        dead_links(root(), &root().join("README.md"), prose),
        ["none.md", "README.md#no-such-heading"]
    );
    let page =
        "see `src/lib.rs`, `cargo test` and `tests/saboteurs/*.patch`\n```text\nsrc/gone.rs  gone\n```\n";
    assert_eq!(paths(page), ["src/lib.rs", "tests/saboteurs", "src/gone.rs"]);
}
