//! Completion in the terminal: of the first word of a line.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// The words to complete.
pub(crate) struct Words(pub(crate) &'static [&'static str]);

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, complete(self.0, &line[..position])))
    }
}

/// Each word that begins with `typed`, and a space after it. None for blanks: pasted lines may be indented by tabs.
fn complete(words: &[&str], typed: &str) -> Vec<String> {
    let is_blank = typed.trim().is_empty();
    let begun = words.iter().filter(|word| !is_blank && word.starts_with(typed));
    begun.map(|word| format!("{word} ")).collect()
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Validator for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_completed_and_nothing_behind_it() {
        assert_eq!(complete(&["tweet", "view", "view!"], "v"), ["view ", "view! "]);
        assert_eq!(complete(&["tweet", "view"], "tweet a"), [""; 0]);
        assert_eq!(complete(&["tweet", "view"], ""), [""; 0]);
    }
}
