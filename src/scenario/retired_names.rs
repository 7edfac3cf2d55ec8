//! Old words of scenarios, profiles and saved failures, and the words that replaced them.

use crate::ron_file::{BadFile, OldWord, OldWords, Place, Problem};
use crate::scenario::namespace::names;
use crate::scenario::service::Service;

/// Values that filter datagrams or notes.
const FILTERS: &[&str] = &["Sent", "Delivered", "Noted", "Rule", "rules"];

/// The settings of a network, of a scenario and of a profile.
const NETWORK: &[&str] = &["network", "Network", "NetworkDrawn"];

/// The old words of the harness.
const HARNESS: &[OldWord] = &[
    OldWord::field(NETWORK, "replay", "late_copies"),
    OldWord::field(NETWORK, "replay_after", "late_copies_after"),
    OldWord::type_of(&["replay", "late_copies"], "Replay", "LateCopy"),
    OldWord::field(FILTERS, "about", "subject"),
    OldWord::name("Replay", "Redeliver"),
    OldWord::name("Steady", "LeadershipsAtMost"),
    OldWord::property("steady", "leaderships"),
    OldWord::fact("replay", "redeliver"),
    OldWord::fact("replayed", "redelivered"),
    OldWord::fact("kept for a replay", "kept for redelivery"),
    OldWord::fact("unheard, as nobody was there", "dropped, receiver not running"),
];

/// The old words of the harness and of `S`, except those that `S` uses itself.
fn table<S: Service>() -> Vec<OldWord> {
    let taken = [names::<S::Command>(), names::<S::Expectation>()].concat();
    let harness = HARNESS.iter().filter(|word| !taken.contains(&word.old));
    harness.chain(S::OLD_WORDS).copied().collect()
}

/// `text` with every old word replaced, and the number of old words; `None` if there are none.
pub fn with_current_words<S: Service>(text: &str) -> Option<(String, usize)> {
    let words = OldWords::find(text, &table::<S>());
    (!words.found.is_empty()).then(|| (words.rewritten(text), words.found.len()))
}

/// The error for a text that cannot be read: its old words if it has some, else the result of `otherwise`.
pub(crate) fn bad_file<S: Service>(path: &str, text: &str, otherwise: impl FnOnce() -> BadFile) -> BadFile {
    let OldWords { found, .. } = OldWords::find(text, &table::<S>());
    if found.is_empty() {
        return otherwise();
    }
    let problem = |word: &OldWord| {
        let cure = match word.new {
            "" => "leave it out".to_owned(),
            new => format!("it is `{new}`"),
        };
        Problem::new(Place::whole(), format!("`{}` is an old word", word.old))
            .help(format!("{cure}: `check --fix` rewrites the file"))
    };
    let problems: Vec<_> = found.iter().map(|(bytes, word)| (bytes.clone(), problem(word))).collect();
    BadFile::at_bytes(path, text, &problems)
}
