//! Finds old words in a text, names the words that replaced them, and rewrites the text.
//!
//! The text is scanned and not parsed, because a file with an old word does not parse. Everything else in it,
//! comments and layout included, stays as it is.

use core::ops::Range;

use crate::ron_file::scan::TextScan;

/// A word that was renamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OldWord {
    /// The position of the old word.
    pub place: WhereWritten,
    /// The old word, as it was written.
    pub old: &'static str,
    /// The word to write instead. If it is empty, the field is left out.
    pub new: &'static str,
}

/// The position of an old word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhereWritten {
    /// The name of a value with brackets that is not the value of a field: a step, an event, an expectation.
    Name,
    /// The name before the brackets of the value of one of these fields.
    TypeOf(&'static [&'static str]),
    /// The name of a field of one of these. A value without a name is called after the field that holds it.
    Field(&'static [&'static str]),
    /// A field of one of these, together with its value.
    FieldWithValue(&'static [&'static str]),
    /// The kind of a message, in a rule or an event.
    Message,
    /// The kind of a note, in an event, and in the list of what a sweep must see.
    Note,
    /// Anything else in the list of what a sweep must see.
    Fact,
    /// The property of a saved failure.
    Property,
}

/// The values that name kinds of messages.
const TRAFFIC: &[&str] = &["Sent", "Delivered", "Rule", "rules"];

/// The values that hold the list of what a sweep must see.
const MUST_HAPPEN: &[&str] = &["AllBut", "These"];

impl OldWord {
    /// Renames a step, an expectation or another value with brackets.
    pub const fn name(old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Name, old, new }
    }

    /// Renames the type of the value of one of `fields`.
    pub const fn type_of(fields: &'static [&'static str], old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::TypeOf(fields), old, new }
    }

    /// Renames a field of one of `owners`.
    pub const fn field(owners: &'static [&'static str], old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Field(owners), old, new }
    }

    /// Replaces a field of one of `owners` and its value, like `is_new: true`, by `new`; leaves it out if `new` is
    /// empty. The value is a name.
    pub const fn field_with_value(
        owners: &'static [&'static str],
        old: &'static str,
        new: &'static str,
    ) -> OldWord {
        OldWord { place: WhereWritten::FieldWithValue(owners), old, new }
    }

    /// Renames a kind of message.
    pub const fn message(old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Message, old, new }
    }

    /// Renames a kind of note.
    pub const fn note(old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Note, old, new }
    }

    /// Renames a fact that profiles require of a sweep, other than a kind of note.
    pub const fn fact(old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Fact, old, new }
    }

    /// Renames a property that a saved failure breaks.
    pub const fn property(old: &'static str, new: &'static str) -> OldWord {
        OldWord { place: WhereWritten::Property, old, new }
    }
}

/// The old words of a text, and how to rewrite it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OldWords {
    /// Where each stands, in the order of the text.
    pub(crate) found: Vec<(Range<usize>, OldWord)>,
    /// Ranges of bytes and what replaces them, in the order of the text. No two overlap.
    edits: Vec<(Range<usize>, String)>,
}

impl OldWords {
    /// Every word of `table` in `text`.
    pub(crate) fn find(text: &str, table: &[OldWord]) -> OldWords {
        let outermost = Frame { owner: "", field: "", comma: None };
        let scan = TextScan { text, at: 0 };
        let mut words = WordScan { scan, table, outermost, frames: Vec::new(), words: OldWords::default() };
        words.scan.skip_attributes();
        while words.step() {}
        words.words
    }

    /// `text`, in which these were found, with each replaced.
    pub(crate) fn rewritten(&self, text: &str) -> String {
        let mut rewritten = String::with_capacity(text.len());
        let mut at = 0;
        for (bytes, new) in &self.edits {
            rewritten.push_str(&text[at..bytes.start]);
            rewritten.push_str(new);
            at = bytes.end;
        }
        rewritten.push_str(&text[at..]);
        rewritten
    }
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Frame<'a> {
    /// The name before it, else the field that it is the value of, else the owner of the bracket around it.
    owner: &'a str,
    /// The field whose value is read, or nothing.
    field: &'a str,
    /// The last comma in it that stays.
    comma: Option<usize>,
}

struct WordScan<'a> {
    scan: TextScan<'a>,
    table: &'a [OldWord],
    outermost: Frame<'a>,
    frames: Vec<Frame<'a>>,
    words: OldWords,
}

impl<'a> WordScan<'a> {
    /// Reads one token; false at the end.
    fn step(&mut self) -> bool {
        self.scan.skip_space();
        let start = self.scan.at;
        let Some(next) = self.scan.peek() else { return false };
        match next {
            '(' | '[' | '{' => self.open(""),
            ')' | ']' | '}' => {
                self.scan.at += 1;
                self.frames.pop();
                self.frame().field = "";
            }
            ',' => {
                self.scan.at += 1;
                let frame = self.frame();
                (frame.field, frame.comma) = ("", Some(start));
            }
            _ if self.scan.skip_quoted() => self.on_text(start),
            _ => {
                let name = self.scan.identifier();
                if name.is_empty() {
                    self.scan.at = start + next.len_utf8();
                } else {
                    self.on_name(start, name);
                }
            }
        }
        true
    }

    fn frame(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().unwrap_or(&mut self.outermost)
    }

    /// Enters a bracket after `name`. What is in `Some(..)` stands where that stands.
    fn open(&mut self, name: &'a str) {
        let Frame { owner, field, .. } = *self.frame();
        let inner = if name == "Some" {
            Frame { owner, field, comma: None }
        } else {
            let owner = [name, field, owner].into_iter().find(|name| !name.is_empty()).unwrap_or_default();
            Frame { owner, field: "", comma: None }
        };
        self.frames.push(inner);
        self.scan.at += 1;
    }

    fn on_name(&mut self, start: usize, name: &'a str) {
        let end = self.scan.at;
        self.scan.skip_space();
        match self.scan.peek() {
            Some(':') => {
                self.scan.at += 1;
                self.frame().field = name;
                self.on_field(start..end, name);
            }
            Some('(' | '[' | '{') => {
                let field = self.frame().field;
                let is_here = |place| match place {
                    WhereWritten::Name => field.is_empty(),
                    WhereWritten::TypeOf(fields) => fields.contains(&field),
                    _ => false,
                };
                if let Some(word) = self.known(|word| word.old == name && is_here(word.place)) {
                    self.replace(start..end, word, word.new.to_owned());
                }
                self.open(name);
            }
            _ => {}
        }
    }

    fn on_field(&mut self, bytes: Range<usize>, name: &str) {
        let owner = self.frame().owner;
        let is_field =
            |word: &OldWord| matches!(word.place, WhereWritten::Field(owners) if owners.contains(&owner));
        if let Some(word) = self.known(|word| word.old == name && is_field(word)) {
            return self.replace(bytes, word, word.new.to_owned());
        }
        let mut ahead = self.scan.clone();
        ahead.skip_space();
        let value = ahead.identifier();
        let end = ahead.at;
        let is_whole = |word: &OldWord| {
            matches!(word.place, WhereWritten::FieldWithValue(owners) if owners.contains(&owner))
                && word.old.split_once(": ") == Some((name, value))
        };
        let Some(word) = self.known(is_whole) else { return };
        let bytes = bytes.start..end;
        self.scan.at = end;
        if word.new.is_empty() {
            self.leave_out(bytes, word);
        } else {
            self.replace(bytes, word, word.new.to_owned());
        }
    }

    /// Leaves out the field at `bytes`, which ends where the scan stands, with its comma.
    fn leave_out(&mut self, bytes: Range<usize>, word: OldWord) {
        let text = self.scan.text;
        self.words.found.push((bytes.clone(), word));
        self.scan.skip_space();
        if self.scan.peek() == Some(',') {
            let comma = self.scan.at;
            self.scan.at += 1;
            self.frame().field = "";
            if is_blank(&text[bytes.end..comma]) {
                self.words.edits.push((with_blanks(text, bytes.start..comma + 1), String::new()));
            } else {
                self.words.edits.push((bytes, String::new()));
                self.words.edits.push((comma..comma + 1, String::new()));
            }
            return;
        }
        // The last field: the comma before it goes too, where nothing but blanks and what was left out is between.
        let mut start = bytes.start;
        if let Some(comma) = self.frame().comma {
            let mut kept = self.words.edits.len();
            let mut upto = bytes.start;
            while kept > 0 {
                let (edit, new) = &self.words.edits[kept - 1];
                if edit.start <= comma || !new.is_empty() || !is_blank(&text[edit.end..upto]) {
                    break;
                }
                upto = edit.start;
                kept -= 1;
            }
            if is_blank(&text[comma + 1..upto]) {
                self.words.edits.truncate(kept);
                start = comma;
                self.frame().comma = None;
            }
        }
        let range = if start == bytes.start { with_blanks(text, bytes) } else { start..bytes.end };
        self.words.edits.push((range, String::new()));
    }

    fn on_text(&mut self, start: usize) {
        let Frame { owner, field, .. } = *self.frame();
        let text = &self.scan.text[start..self.scan.at];
        let inner = text.trim_start_matches('r').trim_matches('#');
        let Some(inner) = inner.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return };
        let is_here = |place| match place {
            WhereWritten::Message => field == "kind" && TRAFFIC.contains(&owner),
            WhereWritten::Note => (field == "kind" && owner == "Noted") || MUST_HAPPEN.contains(&owner),
            WhereWritten::Fact => MUST_HAPPEN.contains(&owner),
            WhereWritten::Property => field == "property" && owner == "Failure",
            _ => false,
        };
        if let Some(word) = self.known(|word| word.old == inner && is_here(word.place)) {
            self.replace(start..self.scan.at, word, format!("\"{}\"", word.new));
        }
    }

    fn known(&self, is_it: impl Fn(&OldWord) -> bool) -> Option<OldWord> {
        self.table.iter().find(|word| is_it(word)).copied()
    }

    fn replace(&mut self, bytes: Range<usize>, word: OldWord, new: String) {
        self.words.found.push((bytes.clone(), word));
        self.words.edits.push((bytes, new));
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t'))
}

/// `bytes` with the blanks after it, or its whole line if nothing else stands on that.
fn with_blanks(text: &str, bytes: Range<usize>) -> Range<usize> {
    let rest = &text[bytes.end..];
    let after = bytes.end + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let line = text[..bytes.start].rfind('\n').map_or(0, |at| at + 1);
    let breaks = ["\r\n", "\n"].into_iter().find(|end| text[after..].starts_with(end));
    match breaks {
        Some(end) if is_blank(&text[line..bytes.start]) => line..after + end.len(),
        Some(_) => bytes,
        None => bytes.start..after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[OldWord] = &[
        OldWord::name("Replay", "Redeliver"),
        OldWord::type_of(&["replay"], "Replay", "LateCopy"),
        OldWord::fact("replayed", "redelivered"),
        OldWord::property("steady", "leaderships"),
        OldWord::field(&["network", "Network"], "replay", "late_copies"),
        OldWord::field(&["Sent", "rules", "Rule"], "about", "subject"),
        OldWord::field_with_value(&["View"], "fresh: true", "read: Quorum"),
        OldWord::field_with_value(&["View"], "fresh: false", ""),
        OldWord::message("Told", "QueryReply"),
        OldWord::note("told", "local reply"),
    ];

    fn check(text: &str, replaced: &str) {
        assert_eq!(OldWords::find(text, TABLE).rewritten(text), replaced);
        assert_eq!(OldWords::find(replaced, TABLE), OldWords::default(), "{replaced}");
        for end in 0..text.len() {
            if let Some(text) = text.get(..end) {
                OldWords::find(text, TABLE).rewritten(text);
            }
        }
    }

    #[test]
    fn old_words_are_replaced_where_they_are_words_and_nowhere_else() {
        check(
            "#![enable(implicit_some)]\n// Replay(replay: about)\nScenario(\n  about: \"Replay(about: 1)\",\n  \
             network: ( replay : (chance: \"1%\") /* replay: */, loss: \"1%\"),\n  rules: [(name: \"about: x\", about: \"slot 2\", then: Drop)],",
            "#![enable(implicit_some)]\n// Replay(replay: about)\nScenario(\n  about: \"Replay(about: 1)\",\n  \
             network: ( late_copies : (chance: \"1%\") /* replay: */, loss: \"1%\"),\n  rules: [(name: \"about: x\", subject: \"slot 2\", then: Drop)],",
        );
        check(
            "steps: [At(\"1s\", Replay(\"replay\")), On(Sent(kind: \"Told\", about: \"slot 1\"), Rule(kind: \"Told\", then: Drop))]",
            "steps: [At(\"1s\", Redeliver(\"replay\")), On(Sent(kind: \"QueryReply\", subject: \"slot 1\"), Rule(kind: \"QueryReply\", then: Drop))]",
        );
        check(
            "On(Noted(kind: \"told\"), Tweet(text: \"told\"))",
            "On(Noted(kind: \"local reply\"), Tweet(text: \"told\"))",
        );
        check("On(Sent(kind: \"told\"), Heal)", "On(Sent(kind: \"told\"), Heal)");
        check("Sent(kind: Some(r#\"Told\"#))", "Sent(kind: Some(\"QueryReply\"))");
        check("network: (replay: Replay(chance: 1))", "network: (late_copies: LateCopy(chance: 1))");
        check(
            "must_happen: AllBut([\"told\", \"replayed\"])",
            "must_happen: AllBut([\"local reply\", \"redelivered\"])",
        );
        check(
            "Failure(property: \"steady\", x: (property: \"steady\"))",
            "Failure(property: \"leaderships\", x: (property: \"steady\"))",
        );
    }

    #[test]
    fn a_field_goes_with_its_value_and_its_comma() {
        check("View(site: 0, fresh: true)", "View(site: 0, read: Quorum)");
        check("View(fresh :true, site: 0)", "View(read: Quorum, site: 0)");
        check("View(site: 0, fresh: false)", "View(site: 0)");
        check("View(fresh: false, site: 0)", "View(site: 0)");
        check("View(fresh: maybe, site: 0)", "View(fresh: maybe, site: 0)");
        check("Look(fresh: true)", "Look(fresh: true)");
        check("View(fresh: false , site: 0)", "View(site: 0)");
        check("View(fresh: false /* c */, site: 0)", "View( /* c */ site: 0)");
        check("View(site: 0, /* c */ fresh: false)", "View(site: 0, /* c */ )");
        check("View(site: 0, fresh: false, fresh: false)", "View(site: 0)");
        check("View(fresh: false, site: 0, fresh: false, user: 1, fresh: false)", "View(site: 0, user: 1)");
        check("View(fresh: false)", "View()");
        check("View(site: 0, fresh: true, fresh: false)", "View(site: 0, read: Quorum)");
        check("View(\n    site: 0, // kept,\n    fresh: false\n)", "View(\n    site: 0, // kept,\n)");
        check("View(\r\n    fresh: false,\r\n    site: 0,\r\n)", "View(\r\n    site: 0,\r\n)");
        check("View(\n    fresh: false\n    , site: 0)", "View(\n    \n     site: 0)");
        check("View(site: 0, // c\n    fresh: false))", "View(site: 0, // c\n    ))");
    }

    #[test]
    fn brackets_may_be_as_deep_as_they_like() {
        let text = "a([".repeat(50_000);
        assert_eq!(OldWords::find(&text, TABLE), OldWords::default());
        assert_eq!(OldWords::find(")))]", TABLE), OldWords::default());
        let text = "View(fresh: ".repeat(50_000);
        assert_eq!(OldWords::find(&text, TABLE), OldWords::default());
    }
}
