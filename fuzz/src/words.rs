//! The words of scenarios, which the dictionary of the target `scenario` holds.

use std::collections::{BTreeMap, BTreeSet};

/// The words of a file, but for those of comments and of the sentences that say what it is about.
pub fn of(text: &str) -> BTreeSet<&str> {
    let code = text
        .lines()
        .filter(|line| !["//", "about:"].iter().any(|prose| line.trim_start().starts_with(prose)));
    let words = code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())).collect()
}

/// The words that may be of the schema: those with a capital, and those that several files have.
pub fn of_schema<'a>(texts: impl Iterator<Item = &'a String>) -> BTreeSet<&'a str> {
    let mut uses = BTreeMap::<&str, u32>::new();
    for word in texts.flat_map(|text| of(text)) {
        *uses.entry(word).or_default() += 1;
    }
    let is_of_schema =
        |(word, uses): &(&str, u32)| *uses > 1 || word.starts_with(|c: char| c.is_ascii_uppercase());
    uses.into_iter().filter(is_of_schema).map(|(word, _)| word).collect()
}

/// A dictionary as fuzzers read it.
pub fn dictionary(words: &BTreeSet<&str>) -> String {
    words.iter().map(|word| format!("\"{word}\"\n")).collect()
}
