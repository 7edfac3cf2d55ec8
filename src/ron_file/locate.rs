//! Finds a place in RON text: where `steps[3]` or `network.loss` is written.
//!
//! Values of a scenario know their place by name and number, not by position. When a value is wrong, the text is
//! scanned once more for its place. The text must be RON that has parsed; on any other text, the result is only near.

use core::fmt;
use core::ops::Range;

use crate::ron_file::scan::TextScan;

/// One step on the path to a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The field of this name.
    Field(&'static str),
    /// The element or argument with this number, from 0.
    Index(usize),
}

/// The path to a value, from the outermost one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place(Vec<Part>);

impl Place {
    /// The whole file, or the whole value that a service was asked about.
    pub const fn whole() -> Place {
        Place(Vec::new())
    }

    /// The field `name` in this place.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Place {
        self.with(Part::Field(name))
    }

    /// The element or argument `index` in this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Place {
        self.with(Part::Index(index))
    }

    /// This place followed by `inner`.
    #[must_use]
    pub fn then(&self, inner: &Place) -> Place {
        Place([self.0.as_slice(), inner.0.as_slice()].concat())
    }

    fn with(&self, part: Part) -> Place {
        Place([self.0.as_slice(), &[part]].concat())
    }

    /// The bytes of `text` where this place is written; if it is not, those of the nearest place around it that is.
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

impl<'a> TextScan<'a> {
    /// Reads one value: up to the comma or the closing bracket after it.
    pub(super) fn value(&mut self) -> Range<usize> {
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

    /// The items between the outermost brackets of the value here.
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
