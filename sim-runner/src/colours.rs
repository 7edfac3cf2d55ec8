//! Whether output has colours: `--color`, and for `auto` the terminal and `NO_COLOR`.

use std::ffi::OsString;

use anstream::ColorChoice as Choice;
use clap::{ColorChoice, ValueEnum};

/// Decides for the whole program, help and errors included.
pub(crate) fn choose(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => Choice::Auto,
        ColorChoice::Always => Choice::Always,
        ColorChoice::Never => Choice::Never,
    };
    choice.write_global();
}

/// The colour choice of a command line that is not parsed yet, or cannot be.
pub(crate) fn asked_for(args: &[OsString]) -> ColorChoice {
    let words = || args.iter().map_while(|arg| arg.to_str().filter(|word| *word != "--"));
    let joined = words().find_map(|word| word.strip_prefix("--color="));
    let apart = words().skip_while(|word| *word != "--color").nth(1);
    joined.or(apart).and_then(|word| ColorChoice::from_str(word, false).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_says_so_even_if_it_is_wrong() {
        let check = |line: &str, choice| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asked_for(&words), choice, "{line}");
        };
        check("sim-runner --color never nonsense", ColorChoice::Never);
        check("sim-runner replay --color=always", ColorChoice::Always);
        check("sim-runner replay --color", ColorChoice::Auto);
        check("sim-runner replay -- --color=never", ColorChoice::Auto);
    }
}
