//! What a service shows of its processes, messages and calls in pictures.

use alloc::collections::BTreeMap;
use core::fmt::{Debug, Display};

/// The state of one process, as text: named fields, and a table by slot.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Shown {
    pub(in crate::scenario) fields: BTreeMap<String, String>,
    pub(in crate::scenario) slots: BTreeMap<u64, String>,
}

impl Shown {
    /// Shows a value under a name. A name that was shown before gets the new value.
    pub fn field(&mut self, name: &str, value: impl Display) {
        self.fields.insert(name.to_owned(), value.to_string());
    }

    /// Shows what the process holds at a position of its log: `accepted b9`, `chosen`. Show those that may still change,
    /// and few of the others: each change is kept with the run.
    pub fn slot(&mut self, number: u64, holds: impl Display) {
        self.slots.insert(number, holds.to_string());
    }

    /// Shows the fields of a `struct` that derives `Debug`, each under its name, or any other value as `state`. A struct
    /// in a variant of an enum is shown too: `Site(Site { value: 7 })`.
    pub fn debug(&mut self, value: &impl Debug) {
        let text = format!("{value:#?}");
        let Some(fields) = fields_of(&text) else { return self.field("state", format_args!("{value:?}")) };
        for (name, value) in fields {
            self.field(&name, value.trim_end_matches(','));
        }
    }
}

/// The fields of a struct in the pretty form of `Debug`: a line that begins with four spaces and no more begins a field.
fn fields_of(text: &str) -> Option<Vec<(String, String)>> {
    let (name, inner) = text.split_once('\n')?;
    let (name, bracket) = name.split_at_checked(name.len().checked_sub(1)?)?;
    if !name.trim_end().chars().all(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    match bracket {
        "(" => {
            let inner = inner.strip_suffix(",\n)")?;
            let lines = inner.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
            fields_of(&lines.collect::<Vec<_>>().join("\n"))
        }
        "{" => {
            let mut fields: Vec<(String, String)> = Vec::new();
            for line in inner.strip_suffix("\n}")?.lines() {
                let own = line.strip_prefix("    ").unwrap_or(line);
                match own.split_once(": ").filter(|(name, _)| !name.starts_with([' ', '"', '}', ')', ']'])) {
                    Some((field, value)) => fields.push((field.to_owned(), value.to_owned())),
                    None => {
                        let (_, value) = fields.last_mut()?;
                        value.push(' ');
                        value.push_str(own.trim());
                    }
                }
            }
            Some(fields)
        }
        _ => None,
    }
}

/// The part that a kind of message plays in a protocol: the colour of its arrows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MessagePhase {
    /// Who leads is being found out.
    Prepare,
    /// Something is proposed and voted for.
    Accept,
    /// Something is decided, and others hear of it.
    Chosen,
    /// A client asks or is answered.
    Client,
    /// Anything else: the colour is that of the kind alone.
    #[default]
    Other,
}

/// A call of a process that begins or ends, as its command or note says. Calls of one process with the same number end
/// in the order in which they began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShownCall {
    /// It asks for this.
    Began(u64, String),
    /// It is answered this.
    Answered(u64, String),
    /// It asks for this. The process counts such calls in each of its lives, from 1.
    BeganCounted(String),
    /// The call of this count is answered this.
    AnsweredCounted(u64, String),
    /// It waits for no answer any more, and does not know the outcome.
    Forgot(u64),
    /// The call that began last is not even asked.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "they are shown")]
    struct Voter {
        term: u64,
        name: &'static str,
        votes: Vec<(u8, bool)>,
        inner: Option<Inner>,
    }

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is shown")]
    enum Outer {
        Inner(Inner),
    }

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is shown")]
    struct Inner {
        term: u64,
    }

    fn shown(value: &impl Debug) -> Vec<(String, String)> {
        let mut shown = Shown::default();
        shown.debug(value);
        shown.fields.into_iter().collect()
    }

    #[test]
    fn a_struct_is_shown_field_by_field() {
        let inner = Some(Inner { term: 9 });
        let fields = shown(&Voter { term: 3, name: "a: b", votes: vec![(1, true)], inner });
        let text: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        assert_eq!(
            text,
            [
                "inner = Some( Inner { term: 9, }, )",
                "name = \"a: b\"",
                "term = 3",
                "votes = [ ( 1, true, ), ]"
            ]
        );
        assert_eq!(shown(&Outer::Inner(Inner { term: 4 })), [("term".to_owned(), "4".to_owned())]);
        assert_eq!(shown(&7), [("state".to_owned(), "7".to_owned())]);
        assert_eq!(shown(&Some(3)), [("state".to_owned(), "Some(3)".to_owned())]);
    }
}
