//! Whether output has colours: by `--color`, and under `auto` by the terminal and NO_COLOR.

use std::ffi::OsString;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice as Choice};
use clap::{ColorChoice, ValueEnum};

/// Decides for the whole program, help included.
pub(crate) fn choose(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => Choice::Auto,
        ColorChoice::Always => Choice::Always,
        ColorChoice::Never => Choice::Never,
    };
    choice.write_global();
}

/// The choice in arguments that cannot be parsed, or that ask for help.
pub(crate) fn asked_for(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let arguments: Vec<OsString> = arguments.take_while(|argument| argument != "--").collect();
    let words = arguments.iter().filter_map(|argument| argument.to_str());
    let after = words.clone().skip_while(|word| *word != "--color").nth(1);
    let word = words.into_iter().find_map(|word| word.strip_prefix("--color=")).or(after);
    word.and_then(|word| ColorChoice::from_str(word, false).ok()).unwrap_or_default()
}

/// Whether this stream is to have colours.
pub(crate) fn is_on(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != Choice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_cannot_be_parsed_have_their_colour() {
        let asked = |words: &str| asked_for(words.split(' ').map(OsString::from));
        assert_eq!(asked("site --color never help"), ColorChoice::Never);
        assert_eq!(asked("site nonsense --color=always"), ColorChoice::Always);
        assert_eq!(asked("site nonsense --color"), ColorChoice::Auto);
        assert_eq!(asked("site tweet -- --color=never"), ColorChoice::Auto);
    }
}
