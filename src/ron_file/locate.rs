//! Finds a place in RON text: where `steps[3]` or `network.loss` is written.
//!
//! Values of a scenario know their place by name and number, not by position. When one is wrong, the text is
//! scanned once more for it. It must be RON that already parsed; on anything else the answer is only near.

use core::fmt;
use core::ops::Range;

/// One turn on the way to a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The field of this name.
    Field(&'static str),
    /// The element or argument with this number, from 0.
    Index(usize),
}

/// The way to a value, from the outermost one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place(Vec<Part>);

impl Place {
    /// The whole file, or the whole of what a service was asked about.
    pub const fn whole() -> Place {
        Place(Vec::new())
    }

    /// The field `name` in here.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Place {
        self.with(Part::Field(name))
    }

    /// The element or argument `index` in here.
    #[must_use]
    pub fn index(&self, index: usize) -> Place {
        self.with(Part::Index(index))
    }

    /// `inner`, seen from the outside of this place.
    #[must_use]
    pub fn then(&self, inner: &Place) -> Place {
        Place([self.0.as_slice(), inner.0.as_slice()].concat())
    }

    fn with(&self, part: Part) -> Place {
        Place([self.0.as_slice(), &[part]].concat())
    }

    /// The bytes of `text` where it is written; of the nearest place around it that is written at all.
    pub fn locate(&self, text: &str) -> Range<usize> {
        let mut scan = TextScan { text, at: 0 };
        scan.skip_attributes();
        let mut found = scan.value();
        for part in &self.0 {
            let items = TextScan { text, at: found.start }.items(found.end);
            let next = match part {
                Part::Field(name) => items.into_iter().find(|item| item.name == Some(*name)),
                Part::Index(index) => items.into_iter().nth(*index),
            };
            match next {
                Some(item) => found = item.value,
                None => break,
            }
        }
        found
    }
}

/// `also[1][0]`, `network.loss`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Field(name) => write!(f, "{}{name}", if at > 0 { "." } else { "" })?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

struct LocatedItem<'a> {
    name: Option<&'a str>,
    value: Range<usize>,
}

struct TextScan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TextScan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_to(&mut self, end: Option<usize>) {
        self.at = end.map_or(self.text.len(), |end| self.at + end);
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.skip_to(rest.find('\n'));
            } else if rest.starts_with("/*") {
                self.skip_block_comment();
            } else if let Some(space) = self.peek().filter(|c| c.is_whitespace()) {
                self.at += space.len_utf8();
            } else {
                return;
            }
        }
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while let Some(next) = self.peek() {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += next.len_utf8();
            }
        }
    }

    fn skip_attributes(&mut self) {
        self.skip_space();
        while self.rest().starts_with("#!") {
            self.skip_to(self.rest().find(']').map(|end| end + 1));
            self.skip_space();
        }
    }

    /// A string, a raw string or a character, if one begins here.
    fn skip_quoted(&mut self) -> bool {
        let rest = self.rest();
        let raw = rest.strip_prefix('r').map(|raw| raw.trim_start_matches('#'));
        if let Some(body) = raw.and_then(|raw| raw.strip_prefix('"')) {
            let before = rest.len() - body.len();
            let end = format!("\"{}", "#".repeat(before - 2));
            self.skip_to(body.find(&end).map(|at| before + at + end.len()));
            return true;
        }
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return false;
        };
        let mut is_escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, next)| {
            let is_end = *next == quote && !is_escaped;
            is_escaped = *next == '\\' && !is_escaped;
            is_end
        });
        self.skip_to(end.map(|(at, _)| at + 1));
        true
    }

    /// A name, without the `r#` of one that would be no name else.
    fn identifier(&mut self) -> &'a str {
        let raw = self.rest().strip_prefix("r#");
        let rest = raw.unwrap_or(self.rest());
        let is_part =
            |c: char| c.is_alphanumeric() || c == '_' || (raw.is_some() && matches!(c, '.' | '+' | '-'));
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at = self.text.len() - rest.len() + end;
        &rest[..end]
    }

    /// One value: up to the comma or the closing bracket behind it.
    fn value(&mut self) -> Range<usize> {
        self.skip_space();
        let start = self.at;
        let (mut end, mut depth) = (start, 0);
        while let Some(next) = self.peek() {
            match next {
                ',' | ':' if depth == 0 => break,
                ')' | ']' | '}' if depth == 0 => break,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            if !self.skip_quoted() {
                self.at += next.len_utf8();
            }
            end = self.at;
            self.skip_space();
        }
        start..end
    }

    /// What stands between the outermost brackets of the value here.
    fn items(&mut self, end: usize) -> Vec<LocatedItem<'a>> {
        self.skip_space();
        self.identifier();
        self.skip_space();
        if !matches!(self.peek(), Some('(' | '[' | '{')) {
            return Vec::new();
        }
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.at >= end || matches!(self.peek(), None | Some(')' | ']' | '}')) {
                return items;
            }
            let before = self.at;
            let name = Some(self.identifier()).filter(|name| !name.is_empty());
            self.skip_space();
            let name = name.filter(|_| self.peek() == Some(':'));
            self.at = if name.is_some() { self.at + 1 } else { before };
            let value = self.value();
            items.push(LocatedItem { name, value });
            if self.peek() == Some(',') {
                self.at += 1;
            } else if self.at == before {
                return items;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r###"#![enable(implicit_some)]
// A comment with (brackets], and "quotes.
Scenario(
    about: "steps: [not this, \" nor this]",
    network: (loss: "1%", /* loss: /* "2%" */ ) */ latency: Constant("20ms")),
    steps: [
        At("1s", Tweet(site: 0, text: r#"raw ", ] ("#)), // , ,
        Optional(On(Sent(kind: "Acept"), Partition([[0, 1], [1 ,2]]))),
        At ( "3s" , Heal ),
    ],
    also: [[], [After("1s", 'x')]],
)
"###;

    fn check(place: &Place, found: &str) {
        assert_eq!(&TEXT[place.locate(TEXT)], found, "{place:?}");
    }

    #[test]
    fn places_are_found_across_strings_comments_and_brackets() {
        let whole = Place::whole();
        let steps = whole.field("steps");
        check(&whole.field("about"), r#""steps: [not this, \" nor this]""#);
        check(&whole.field("network").field("loss"), "\"1%\"");
        check(&whole.field("network").field("latency").index(0), "\"20ms\"");
        check(&steps.index(0).index(1).field("text"), r###"r#"raw ", ] ("#"###);
        check(&steps.index(1).index(0).index(0).field("kind"), "\"Acept\"");
        check(&steps.index(1).index(0).index(1).index(0).index(1).index(0), "1");
        check(&steps.index(2), "At ( \"3s\" , Heal )");
        check(&steps.index(2).index(1), "Heal");
        check(&whole.field("also").index(1).index(0).index(1), "'x'");
    }

    #[test]
    fn raw_names_are_names() {
        let text = "r#Scenario(r#about: \"x\", r#steps: [r#At(\"1s\", (r#type: 7, r#a-b: r#Heal))])";
        let step = Place::whole().field("steps").index(0);
        let found = |place: &Place| &text[place.locate(text)];
        assert_eq!(found(&Place::whole().field("about")), "\"x\"");
        assert_eq!(found(&step.index(0)), "\"1s\"");
        assert_eq!(found(&step.index(1).field("type")), "7");
        assert_eq!(found(&step.index(1).field("a-b")), "r#Heal");
    }

    #[test]
    fn what_is_not_written_is_found_at_what_surrounds_it() {
        check(&Place::whole().field("network").field("reordering").field("by"), {
            "(loss: \"1%\", /* loss: /* \"2%\" */ ) */ latency: Constant(\"20ms\"))"
        });
        check(&Place::whole().field("steps").index(2).index(1).field("x"), "Heal");
    }

    #[test]
    fn any_text_is_scanned_without_a_panic() {
        for end in 0..=TEXT.len() {
            for place in [Place::whole().field("steps").index(1), Place::whole().index(0).index(0)] {
                place.locate(&TEXT[..end]);
            }
        }
        for text in ["", "\"", "r#\"", "(((", ")]}", "'\\", "/*", "//", "a:b:c", "(,,,:,)", "é(ü:ß)"] {
            Place::whole().field("a").locate(text);
            Place::whole().index(2).locate(text);
        }
    }
}
