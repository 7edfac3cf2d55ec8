//! Reads questions about runs: events as steps of scenarios name them, joined by `then`, `before` and `not`.
//!
//! ```text
//! question = part | part then part then .. | part before part
//! part     = event | not part | ( question )
//! event    = Crashed(Leader) | Noted(kind: "chose") | ..      as in On(event, ..)
//! ```
//!
//! - An event is true from the moment on at which it happens, for the `nth` time if it says so.
//! - `A then B` is true if A becomes true, and B is true of what happens after that. B counts from there.
//! - `A before B` is true if A becomes true in an event up to which, and in which, B does not become true.
//! - `not A` is true if A is not true at the end of the run. So nothing can come after it: it stands alone, in brackets
//!   or at the end of a `then`.
//!
//! Different joining words stand in different brackets, so nobody has to know which binds more tightly.

use core::ops::Range;

use crate::ron_file::nearest::nearest;
use crate::ron_file::{BadFile, Problem, TextScan};
use crate::scenario::form::Scenario;
use crate::scenario::plan::asked;
use crate::scenario::reader;
use crate::scenario::service::Service;
use crate::scenario::step::EventPattern;
use crate::sim::Question;

/// The name of the text in errors.
const NAME: &str = "question";

/// The most brackets and `not` around an event, and the most events.
const PARTS_MAX: usize = 100;

const AN_EVENT: &str = "an event like `Crashed(Leader)`, `not`, or a question in brackets";

/// Reads a question about runs of `scenario`. An error shows its place in the text: a word that does not exist, or a
/// site or client that this scenario does not have.
pub fn question<S: Service>(text: &str, scenario: &Scenario<S>) -> Result<Question, BadFile> {
    let mut reader = QuestionReader { scan: TextScan { text, at: 0 }, scenario, depth: 0, events: 0 };
    let read = reader.question().and_then(|(question, _)| match reader.next() {
        None => Ok(question),
        Some(')') => Err(reader.wrong(reader.one(), "no bracket is open here", "leave it out")),
        Some(_) => {
            let start = reader.scan.at;
            let word = reader.scan.identifier();
            let bytes = if word.is_empty() { reader.one() } else { start..reader.scan.at };
            let message = format!("expected `then`, `before` or the end, found `{}`", &text[bytes.clone()]);
            Err(reader.wrong(bytes, message, nearest(word, &["then", "before"]).help()))
        }
    });
    read.map_err(|bad| *bad)
}

/// Reads a question about runs of any scenario of `S`.
pub fn any_question<S: Service>(text: &str) -> Result<Question, BadFile> {
    let sites = S::SITES.iter().max().copied().unwrap_or(1);
    question(text, &Scenario::<S>::new("all").sites(sites).clients(u16::MAX))
}

struct QuestionReader<'a, S: Service> {
    scan: TextScan<'a>,
    scenario: &'a Scenario<S>,
    /// The number of brackets and `not` around this place.
    depth: usize,
    /// The number of events so far.
    events: usize,
}

/// A part of a question, and where it stands.
type Part = (Question, Range<usize>);

impl<'a, S: Service> QuestionReader<'a, S> {
    fn question(&mut self) -> Result<Part, Box<BadFile>> {
        let (mut whole, mut bytes) = self.part()?;
        let mut joined_by = None;
        loop {
            self.next();
            let start = self.scan.at;
            let word = self.scan.identifier();
            if !matches!(word, "then" | "before") {
                self.scan.at = start;
                return Ok((whole, bytes));
            }
            let here = start..self.scan.at;
            match joined_by {
                None => {}
                Some("then") if word == "then" => {}
                Some(before) => {
                    let message =
                        format!("`{word}` stands beside `{before}`, and it is open what goes together");
                    let help =
                        format!("brackets, like `A {before} (B {word} C)` or `(A {before} B) {word} C`");
                    return Err(self.wrong(here, message, help));
                }
            }
            joined_by = Some(word);
            if !whole.has_moment() {
                let message =
                    format!("what has a `not` is known only at the end of a run: nothing is `{word}` that");
                return Err(self.wrong(
                    bytes,
                    message,
                    format!("`not (A {word} B)`, or the other way round"),
                ));
            }
            let (next, of_next) = self.part()?;
            if word == "before" && !next.has_moment() {
                let help = "leave it out: `A before B` already says that B does not happen until then";
                let message = "what has a `not` is known only at the end of a run: everything is before that";
                return Err(self.wrong(of_next, message, help));
            }
            bytes = bytes.start..of_next.end;
            let joined = if word == "then" { whole.then(next) } else { whole.before(next) };
            whole = joined.expect("what has no moment was refused");
        }
    }

    fn part(&mut self) -> Result<Part, Box<BadFile>> {
        let next = self.next();
        let start = self.scan.at;
        self.depth += 1;
        if self.depth > PARTS_MAX {
            let help = "fewer brackets";
            return Err(self.wrong(
                self.one(),
                format!("more than {PARTS_MAX} brackets and `not` in each other"),
                help,
            ));
        }
        let part = match next {
            None => Err(self.wrong(start..start, "something is missing at the end", AN_EVENT)),
            Some('(') => {
                self.scan.at += 1;
                let inner = self.question()?;
                match self.next() {
                    Some(')') => {
                        self.scan.at += 1;
                        Ok((inner.0, start..self.scan.at))
                    }
                    None => Err(self.unclosed(start)),
                    Some(_) => {
                        let help = "`then`, `before`, or `)`";
                        Err(self.wrong(self.one(), "the question in brackets goes on differently", help))
                    }
                }
            }
            Some(_) => match self.scan.identifier() {
                "not" => {
                    let (inner, bytes) = self.part()?;
                    Ok((inner.negated(), start..bytes.end))
                }
                "" => Err(self.wrong(self.one(), "this begins no event", AN_EVENT)),
                word @ ("then" | "before") => {
                    let message = format!("`{word}` stands between two things, and one is missing");
                    Err(self.wrong(start..self.scan.at, message, AN_EVENT))
                }
                _ => self.event(start),
            },
        };
        self.depth -= 1;
        part
    }

    /// The event whose name, from `start` on, has been read.
    fn event(&mut self, start: usize) -> Result<Part, Box<BadFile>> {
        let mut end = self.scan.at;
        if self.next() == Some('(') {
            let open = self.scan.at;
            let mut depth = 0_usize;
            loop {
                let Some(next) = self.next() else { return Err(self.unclosed(open)) };
                if !self.scan.skip_quoted() {
                    self.scan.at += next.len_utf8();
                }
                match next {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            end = self.scan.at;
        }
        self.events += 1;
        if self.events > PARTS_MAX {
            return Err(self.wrong(
                start..end,
                format!("more than {PARTS_MAX} events"),
                "a shorter question",
            ));
        }
        let text = self.scan.text;
        // The reader of RON counts lines and columns: these are the same with the rest left blank.
        let before = text[..start].chars().map(|c| if c == '\n' { c } else { ' ' });
        let alone: String = before.chain(text[start..end].chars()).collect();
        let pattern: EventPattern =
            reader().from_str(&alone).map_err(|error| BadFile::from_ron(NAME, text, &error))?;
        let trigger = asked(self.scenario, &pattern).map_err(|problems| {
            let placed = problems.into_iter().map(|problem| {
                let inner = problem.place.locate(&text[start..end]);
                (start + inner.start..start + inner.end, problem)
            });
            BadFile::at_bytes(NAME, text, &placed.collect::<Vec<_>>())
        })?;
        Ok((trigger.into(), start..end))
    }

    /// Skips space and shows what comes next.
    fn next(&mut self) -> Option<char> {
        self.scan.skip_space();
        self.scan.peek()
    }

    /// The next character.
    fn one(&self) -> Range<usize> {
        let at = self.scan.at;
        at..at + self.scan.peek().map_or(0, char::len_utf8)
    }

    fn unclosed(&self, open: usize) -> Box<BadFile> {
        self.wrong(open..open + 1, "this bracket is never closed", "a `)` at the end of what belongs to it")
    }

    fn wrong(
        &self,
        bytes: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<BadFile> {
        let problem = Problem::new(crate::scenario::Place::whole(), message).help(help);
        Box::new(BadFile::at_bytes(NAME, self.scan.text, &[(bytes, problem)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::toy::Toys;
    use crate::sim::{Target, Trigger};

    fn read(text: &str) -> Result<Question, BadFile> {
        question(text, &Scenario::<Toys>::new("a test").sites(3).clients(1))
    }

    fn stops(number: u8) -> Question {
        Trigger::Crashed(Target::Site(number)).into()
    }

    #[test]
    fn words_join_events_as_brackets_say() {
        let check = |text: &str, expected: Question| {
            let read = read(text).unwrap_or_else(|bad| panic!("{bad}"));
            assert_eq!(read, expected, "{text}");
        };
        let [zero, one, two] = [0, 1, 2].map(stops);
        let then = |a: &Question, b: &Question| a.clone().then(b.clone()).unwrap();
        let before = |a: &Question, b: &Question| a.clone().before(b.clone()).unwrap();
        check("Crashed(Site(0))", zero.clone());
        check(" ( Crashed ( Site(0) ) ) /* as in a file */ ", zero.clone());
        check("Crashed(Site(0)) then Crashed(Site(1))then Crashed(Site(2))", then(&then(&zero, &one), &two));
        check(
            "Crashed(Site(0)) then (Crashed(Site(1)) before\nCrashed(Site(2)))",
            then(&zero, &before(&one, &two)),
        );
        check(
            "(Crashed(Site(0)) then Crashed(Site(1))) before Crashed(Site(2))",
            before(&then(&zero, &one), &two),
        );
        check("Crashed(Site(0)) then not Crashed(Site(1))", then(&zero, &one.clone().negated()));
        check("not (Crashed(Site(0)) then not not Crashed(Site(1)))", {
            then(&zero, &one.negated().negated()).negated()
        });
        let noted = Trigger::Noted { who: Target::Any, kind: "Kept".into(), about: None };
        check("Noted(kind: \"Kept\")", noted.into());
        assert!(any_question::<Toys>("Crashed(Site(8)) then Delivered(to: Client(999), nth: 2)").is_ok());
    }

    #[test]
    fn mistakes_are_shown_in_their_place_with_a_cure() {
        let check = |text: &str, marked: &str, message: &str, help: &str| {
            let bad = read(text).map(|question| panic!("{text} is {question:?}")).unwrap_err();
            let [one] = &bad.diagnostics[..] else { panic!("{bad}") };
            let at = text.char_indices().nth(one.column - 1).map_or(text.len(), |(at, _)| at);
            assert!(text[at..].starts_with(marked) && (!marked.is_empty() || at == text.len()), "{bad}");
            assert!(one.message.contains(message), "{bad}");
            assert!(one.help.as_deref().unwrap_or_default().contains(help), "{bad}");
            assert!(bad.to_string().contains("--> question:1:"), "{bad}");
        };
        check("", "", "missing", "`Crashed(Leader)`");
        check("Crashed(Site(0)) then", "", "missing", "`Crashed(Leader)`");
        check("Crashed(Site(0)) than Crashed(Site(1))", "than", "expected `then`", "did you mean `then`?");
        check("Crashed(Site(0)) , x", ",", "found `,`", "expected `then`");
        check("before Crashed(Site(0))", "before", "one is missing", "an event");
        check("\"ü\" then", "\"ü\"", "begins no event", "an event");
        check("/* ü */ crashed(Site(0))", "crashed", "unknown event `crashed`", "did you mean `Crashed`?");
        check(
            "Crashed(Any) then Noted(kind: \"Kep\")",
            "\"Kep\"",
            "unknown kind of note",
            "did you mean `Kept`?",
        );
        check(
            "/* ü */ Sent(knd: \"Got\") then Crashed(Any)",
            "knd",
            "unknown field `knd`",
            "did you mean `kind`?",
        );
        check("Crashed(Any) then Crashed(Site(3))", "3", "there is no site 3", "the sites are 0 to 2");
        check("Crashed(Client(1))", "1", "there is no client 1", "the only client is 0");
        check("Crashed(Any) then Leads(Follower)", "Follower", "who leads is no follower", "expected `Any`");
        check("(Crashed(Any)", "(Crashed", "never closed", "`)`");
        check("Crashed(Any", "(Any", "never closed", "`)`");
        check("Crashed(Any))", ")", "no bracket is open", "leave it out");
        check("(Crashed(Any) Heal)", "Heal", "goes on differently", "`then`");
        let mixed = "Crashed(Any) then Leads(Any) before Restarted(Any)";
        check(mixed, "before Restarted", "stands beside `then`", "`A then (B before C)`");
        check(
            "Crashed(Any) before Leads(Any) before Crashed(Any)",
            "before Crashed",
            "beside `before`",
            "brackets",
        );
        check("not Crashed(Any) then Leads(Any)", "not Crashed", "only at the end", "`not (A then B)`");
        check("Crashed(Any) before not Leads(Any)", "not Leads", "only at the end", "leave it out");
        check("(Leads(Any) then not Crashed(Any)) before Leads(Any)", "(Leads", "only at the end", "not (A");
        check(&"not ".repeat(200), "not ", "more than 100", "fewer");
        check(&"Leads(Any) then ".repeat(200), "Leads(Any)", "more than 100", "shorter");
    }
}
