//! Writes scenarios as text that [`read`](crate::scenario::read) turns back into an equal value, laid out as people
//! do.
//!
//! The schema decides what is written. This module only breaks it into lines. Each field of the scenario starts a
//! line, and so does each step. Text that is wider than a line is broken at its brackets, from the outside in; a step
//! never is.

use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::Serialize;

use crate::scenario::form::Scenario;
use crate::scenario::service::Service;

/// The greatest width of a line.
const WIDTH: usize = 110;
const INDENT: usize = 4;

/// `scenario` as a file.
///
/// # Panics
/// When RON cannot write a service's words, such as maps whose keys are flattened structs.
pub fn write<S: Service>(scenario: &Scenario<S>) -> String {
    let flat = flat(scenario).expect("words of a service that RON can write");
    let mut out = String::from("Scenario(\n");
    for field in parts(inside(&flat)) {
        let (name, value) = field.split_once(": ").unwrap_or(("", field));
        line(&mut out, 1, name, value, Layout::of(name));
    }
    out.push_str(")\n");
    out
}

/// The layout of the items of a list.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// On one line if there is room.
    Fitting,
    /// One line per item if there are several or they are too wide.
    Items,
    /// Always one line per item.
    Steps,
    /// Lists, each laid out as `Items`.
    Tracks,
}

impl Layout {
    fn of(field: &str) -> Layout {
        match field {
            "steps" => Layout::Steps,
            "also" => Layout::Tracks,
            "rules" | "expect" => Layout::Items,
            _ => Layout::Fitting,
        }
    }
}

/// Writes one field or item at this depth.
fn line(out: &mut String, depth: usize, name: &str, value: &str, layout: Layout) {
    let head = if name.is_empty() { String::new() } else { format!("{name}: ") };
    let indent = " ".repeat(depth * INDENT);
    let opening = value.find(['(', '[', '{']).filter(|at| is_name(&value[..*at]));
    let items = opening.map(|at| parts(inside(&value[at..]))).unwrap_or_default();
    let is_wide = indent.len() + head.len() + value.chars().count() + 1 > WIDTH;
    let is_broken = match layout {
        Layout::Fitting => is_wide,
        Layout::Items => is_wide || items.len() > 1,
        Layout::Steps | Layout::Tracks => true,
    };
    let Some(opening) = opening.filter(|_| is_broken && !items.is_empty()) else {
        out.push_str(&format!("{indent}{head}{value},\n"));
        return;
    };
    out.push_str(&format!("{indent}{head}{}\n", &value[..=opening]));
    for item in items {
        match layout {
            Layout::Fitting => {
                let name_end = item.find(": ").filter(|at| is_name(&item[..*at]));
                let (name, value) = name_end.map_or(("", item), |at| (&item[..at], &item[at + 2..]));
                line(out, depth + 1, name, value, Layout::Fitting);
            }
            Layout::Tracks => line(out, depth + 1, "", item, Layout::Items),
            Layout::Items | Layout::Steps => {
                out.push_str(&format!("{}{item},\n", " ".repeat((depth + 1) * INDENT)));
            }
        }
    }
    out.push_str(&format!("{indent}{},\n", &value[value.len() - 1..]));
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '#')
}

/// A value on one line.
pub(super) fn flat(value: &impl Serialize) -> Result<String, ron::Error> {
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
    let options = ron::Options::default().with_default_extension(extensions);
    let text = options.to_string_pretty(value, PrettyConfig::new().depth_limit(0))?;
    // The RON writer also escapes single quotes in strings.
    let mut flat = String::with_capacity(text.len());
    let mut quotes = Quotes::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_needless = quotes.inside == Some('"') && !quotes.is_escaped && rest.peek() == Some(&'\'');
        quotes.pass(c);
        if c != '\\' || !is_needless {
            flat.push(c);
        }
    }
    Ok(flat)
}

/// Tracks, character by character, whether a text is inside a string or a character.
#[derive(Default)]
struct Quotes {
    inside: Option<char>,
    is_escaped: bool,
}

impl Quotes {
    /// Moves past `c`. Returns whether `c` is part of a quotation.
    fn pass(&mut self, c: char) -> bool {
        let was_inside = self.inside.is_some();
        match (self.inside, c) {
            (Some(_), _) if self.is_escaped => self.is_escaped = false,
            (Some(_), '\\') => self.is_escaped = true,
            (Some(quote), c) if quote == c => self.inside = None,
            (None, '"' | '\'') => self.inside = Some(c),
            _ => {}
        }
        was_inside || self.inside.is_some()
    }
}

/// The text between the first and the last character, which are brackets.
fn inside(text: &str) -> &str {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    inner.trim()
}

/// The parts that commas separate, outside of brackets and strings.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quotes = Quotes::default();
    for (at, c) in text.char_indices() {
        match c {
            _ if quotes.pass(c) => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests {
    use super::*;
    use crate::scenario::read;
    use crate::tweets::service::Timelines;

    /// Reading `text` and writing the result yields `text`.
    fn check(text: &str) {
        let scenario = read::<Timelines>("test.ron", text).unwrap();
        assert_eq!(write(&scenario), text);
    }

    #[test]
    fn a_small_scenario_is_small() {
        check("Scenario(\n    about: \"nothing\",\n    sites: 1,\n)\n");
    }

    #[test]
    fn steps_stand_on_a_line_each_and_what_is_wide_is_broken_at_its_brackets() {
        check(
            r#"Scenario(
    about: "It's said, with (brackets], a \"quote\", a back\\slash, commas: and 🐦.",
    seed: 7,
    sites: 3,
    clients: 2,
    clients_alike: true,
    machines: [[0], [1, 2]],
    history: (starts: 254, slots: 65534, kept: 300),
    network: (
        latency: Regions(
            within: Constant("500us"),
            between: Exponential(min: "5ms", mean: "15ms"),
            of: [[0], [1, 2]],
        ),
        loss: "0.5%",
        reordering: (chance: "1/64", by: "80ms"),
    ),
    disk: (mode: Blocking),
    settings: (window: 1, election: "500ms"),
    limit: "2min",
    rules: [
        (name: "first", kind: "Accept", from: Site(0), slot: 3, since: "1s", until: "2s", skip: 1, count: 2, then: Drop),
        (then: Duplicate(apart: "1ms")),
    ],
    steps: [
        On(Leads(Any), Tweet(client: 1, user: "ann", text: "it's (a) \"tweet\", she said")),
        Optional(At("9s", Crash(Leader, BeforeSync, Torn))),
        On(Sent(), Cut(from: [0], to: [1, 2])),
        On(Delivered(kind: "Promise", nth: 3), Partition([[0], [1, 2]])),
    ],
    also: [
        [On(Noted(kind: "done", subject: "submission 7"), Restart(Site(0)))],
        [
            At("1s", Rule(then: Delay("5ms"))),
            After("1ms", View(site: 0, user: "ann", limit: 3, older_than: (4, 0), read: Log)),
        ],
    ],
    expect: [Never(Crashed(AllSites))],
)
"#,
        );
    }
}
