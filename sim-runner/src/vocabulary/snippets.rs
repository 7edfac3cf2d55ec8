//! Completions for editors: each word as a snippet in the format of Visual Studio Code.

use serde_json::{Map, Value, json};

use super::rows;
use super::schema::{Schemas, variants};

/// The types whose words stand in a list of a scenario, with what they are.
const TYPES: [(&str, &str); 6] = [
    ("Step", "step"),
    ("Event", "event"),
    ("Ruling", "ruling"),
    ("Claim", "claim"),
    ("Command", "command"),
    ("Expectation", "expectation"),
];

pub(super) fn snippets(schemas: &Schemas) -> Value {
    let mut all = Map::new();
    let mut add = |title: &str, word: &str, means: &str| {
        let prefix = word.split('(').next().unwrap_or(word);
        let means = means.split_whitespace().collect::<Vec<_>>().join(" ");
        let snippet = json!({ "scope": "ron", "prefix": prefix, "body": body(word), "description": means });
        all.insert(format!("{title}: {word}"), snippet);
    };
    rows().for_each(|row| add("action", row.word, row.means));
    for (name, title) in TYPES {
        for variant in variants(schemas.definition(name)) {
            add(title, &schemas.example_of(&variant), variant.means);
        }
    }
    Value::Object(all)
}

/// A word whose numbers and texts are stops of the tabulator.
fn body(word: &str) -> String {
    let mut body = String::new();
    let mut stops = 0;
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let is_stop = first == '"' || first.is_ascii_digit();
        let length = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            digit if digit.is_ascii_digit() => {
                rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len())
            }
            letter => letter.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        let part = part.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}");
        if is_stop {
            stops += 1;
            body += &format!("${{{stops}:{part}}}");
        } else {
            body += &part;
        }
        rest = after;
    }
    body + "$0"
}
