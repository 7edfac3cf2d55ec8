//! The test that README.md shows: it is what is compiled here, it fails as shown, and it passes once it is mended.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

include!("greatest.rs");

mod clients;
#[rustfmt::skip]
mod mended;

const NAME: &str = "every_site_learns_the_greatest_value";

fn text(path: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The fenced blocks of README.md: their languages, and their contents.
fn blocks() -> Vec<(String, String)> {
    let readme = text("README.md");
    let fenced = readme.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap());
    fenced.map(|(language, text)| (language.to_owned(), text.to_owned())).collect()
}

#[test]
fn the_code_that_is_shown_is_what_is_compiled() {
    let is_shown = |line: &&str| !line.starts_with("#[ignore");
    let compiled: String = text("tests/readme/greatest.rs").split_inclusive('\n').filter(is_shown).collect();
    let shown: Vec<String> =
        blocks().into_iter().filter(|(language, _)| language == "rust").map(|(_, text)| text).collect();
    assert_eq!(shown, [compiled]);
}

#[test]
fn the_output_that_is_shown_is_what_it_prints() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--ignored"])
        .env_remove("AVIARY_SEED")
        .env_remove("AVIARY_SEEDS")
        .current_dir(&folder)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let blocks = blocks();
    let place = blocks.iter().position(|(language, _)| language == "rust").unwrap();
    let (language, shown) = &blocks[place + 1];
    assert_eq!(language, "text");
    assert!(!output.status.success() && printed.contains(shown), "it prints\n{printed}");
}
