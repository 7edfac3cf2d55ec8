//! Short forms of a scenario's text. RON reads a struct from its fields alone, so a short form is spelled out first.

use std::borrow::Cow;

use ron::error::{Position, Span, SpannedError};

use crate::ron_file::{BadFile, Place};
use crate::sim::Delivery;

/// What a long form has around its short form.
const AROUND: [&str; 2] = ["(delivery: ", ")"];

/// A text without short forms.
pub(crate) struct SpelledOut<'a> {
    pub(crate) text: Cow<'a, str>,
    original: &'a str,
    /// The positions in `text` right after the long forms.
    ends: Vec<Position>,
}

/// `text` with `network: (delivery: Held)` for each `network: Held` of the scenarios at these places, and `ByItself`
/// alike.
pub(crate) fn spelled_out<'a>(text: &'a str, scenarios: &[Place]) -> SpelledOut<'a> {
    let shorts = [Delivery::Held, Delivery::ByItself].map(|delivery| format!("{delivery:?}"));
    let [before, after] = AROUND;
    let mut spelled = Cow::Borrowed(text);
    let mut networks: Vec<Place> = Vec::new();
    for scenario in scenarios.iter().filter(|_| shorts.iter().any(|short| text.contains(short))) {
        let network = scenario.field("network");
        let bytes = network.locate(&spelled);
        let short = shorts.iter().find(|short| spelled.get(bytes.clone()) == Some(short.as_str()));
        // Where there is no such field, the whole text is found.
        if let Some(short) = short.filter(|_| bytes.start > 0) {
            spelled.to_mut().replace_range(bytes, &format!("{before}{short}{after}"));
            networks.push(network);
        }
    }
    let ends = networks.iter().map(|network| position(&spelled, network.locate(&spelled).end)).collect();
    SpelledOut { text: spelled, original: text, ends }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let last = before.rsplit('\n').next().unwrap_or(before);
    Position { line: before.matches('\n').count() + 1, col: last.chars().count() + 1 }
}

impl SpelledOut<'_> {
    /// What the reader found wrong with this text, as a mistake of the original text.
    pub(crate) fn bad_file(&self, path: &str, error: &SpannedError) -> BadFile {
        let is_network =
            matches!(error.code, ron::Error::ExpectedDifferentStructName { expected: "Network", .. });
        let mut bad = BadFile::from_ron(path, self.original, &self.in_original(error.clone()));
        if is_network {
            let help = "say `network: Held`, `network: ByItself`, or fields in parentheses";
            bad.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.help = Some(help.to_owned()));
        }
        bad
    }

    fn in_original(&self, error: SpannedError) -> SpannedError {
        let longer: usize = AROUND.iter().map(|part| part.len()).sum();
        let moved = |at: Position| {
            let before = self.ends.iter().filter(|end| end.line == at.line && end.col <= at.col).count();
            Position { col: at.col.saturating_sub(before * longer), ..at }
        };
        let Span { start, end } = error.span;
        SpannedError { span: Span { start: moved(start), end: moved(end) }, ..error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_network_of_a_scenario_is_spelled_out() {
        let places = [Place::whole(), Place::whole().field("scenario")];
        let spelled = |text| spelled_out(text, &places).text.into_owned();
        assert_eq!(
            spelled("(about: \"Held\", network: Held)"),
            "(about: \"Held\", network: (delivery: Held))"
        );
        let nested = "F(scenario: (network: /* here */ Held, sites: 3))";
        assert_eq!(spelled(nested), "F(scenario: (network: /* here */ (delivery: Held), sites: 3))");
        assert_eq!(spelled("(network: ByItself)"), "(network: (delivery: ByItself))");
        for same in ["(network: (delivery: Held))", "(network: Holt)", "(disk: Held)", "Held", "(network: "] {
            assert_eq!(spelled(same), same);
        }
    }

    #[test]
    fn errors_keep_their_place_in_the_original() {
        let place = |text: &str, line, col| {
            let at = Position { line, col };
            let error = SpannedError { code: ron::Error::Eof, span: Span { start: at, end: at } };
            let spelled = spelled_out(text, &["one", "two"].map(|field| Place::whole().field(field)));
            let start = spelled.in_original(error).span.start;
            (start.line, start.col)
        };
        let text = "F(one: (network: Held, a),\n two: (é: 0, network: Held, b))";
        assert_eq!([place(text, 1, 10), place(text, 1, 36), place(text, 2, 40)], [(1, 10), (1, 24), (2, 28)]);
        assert_eq!(place("F(two: (network: Held), one: (network: Held), c)", 1, 71), (1, 47));
    }
}
