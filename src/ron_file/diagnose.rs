//! Shows what is wrong with a file: line, column, excerpt, caret, and what would be right.

use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use ron::error::{Position, SpannedError};

use crate::ron_file::Problem;
use crate::ron_file::nearest::{alternatives, nearest};

/// Everything that is wrong with one file.
#[derive(Clone, PartialEq, Eq)]
pub struct BadFile {
    path: String,
    text: Arc<str>,
    /// The mistakes, in the order of the checks; only the first ones if there are too many to read.
    pub diagnostics: Vec<Diagnostic>,
    /// Number of mistakes beyond these.
    pub more: usize,
}

/// The greatest number of mistakes of one file that are shown.
const SHOWN_MAX: usize = 20;

/// One mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The column after the last character of what is wrong, on the same line; `column` where only a place is known.
    pub end_column: usize,
    /// The mistake.
    pub message: String,
    /// A hint about what would be right.
    pub help: Option<String>,
    bytes: Range<usize>,
}

impl BadFile {
    pub(crate) fn from_problems(path: &str, text: &str, problems: &[Problem]) -> BadFile {
        BadFile::located(path, text, problems.iter().map(|problem| (None, problem)))
    }

    /// The problems at these bytes of the text.
    #[cfg(feature = "scenario")]
    pub(crate) fn at_bytes(path: &str, text: &str, problems: &[(Range<usize>, Problem)]) -> BadFile {
        BadFile::located(path, text, problems.iter().map(|(bytes, problem)| (Some(bytes.clone()), problem)))
    }

    fn located<'a>(
        path: &str,
        text: &str,
        problems: impl ExactSizeIterator<Item = (Option<Range<usize>>, &'a Problem)>,
    ) -> BadFile {
        let more = problems.len().saturating_sub(SHOWN_MAX);
        let diagnostic = |(bytes, problem): (Option<Range<usize>>, &Problem)| {
            let bytes = bytes.unwrap_or_else(|| problem.place.locate(text));
            Diagnostic::new(text, bytes, problem.message.clone(), problem.help.clone())
        };
        let diagnostics = problems.take(SHOWN_MAX).map(diagnostic).collect();
        BadFile { path: path.to_owned(), text: text.into(), diagnostics, more }
    }

    pub(crate) fn from_ron(path: &str, text: &str, error: &SpannedError) -> BadFile {
        let (message, help) = explain(&error.code);
        // If the reader looked ahead and went back, its start is after its end.
        let end = offset(text, error.span.end);
        let bytes = offset(text, error.span.start).min(end)..end;
        let bytes = tighten(text, bytes, &error.code);
        let diagnostics = vec![Diagnostic::new(text, bytes, message, help)];
        BadFile { path: path.to_owned(), text: text.into(), diagnostics, more: 0 }
    }

    /// The name of the file in messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text for people, with or without colours.
    pub fn render(&self, is_coloured: bool) -> String {
        let renderer = if is_coloured { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let shown = self.diagnostics.iter().map(|diagnostic| {
            let label = diagnostic.help.as_deref().filter(|help| help.chars().count() <= 60);
            let caret = AnnotationKind::Primary.span(diagnostic.bytes.clone()).label(label);
            let snippet = Snippet::source(&*self.text).path(self.path.as_str()).annotation(caret);
            let mut group = Level::ERROR.primary_title(diagnostic.message.as_str()).element(snippet);
            if let Some(help) = diagnostic.help.as_deref().filter(|_| label.is_none()) {
                group = group.element(Level::HELP.message(help));
            }
            renderer.render(&[group])
        });
        let more = (self.more > 0).then(|| {
            let what = if self.more == 1 { "mistake" } else { "mistakes" };
            format!("error: {}: {} more {what}; the first {SHOWN_MAX} are shown", self.path, self.more)
        });
        shown.chain(more).collect::<Vec<_>>().join("\n\n")
    }
}

impl Diagnostic {
    fn new(text: &str, bytes: Range<usize>, message: String, help: Option<String>) -> Diagnostic {
        let bytes = first_line(text, bytes);
        let before = &text[..bytes.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        let end_column = column + text[bytes.clone()].chars().count();
        Diagnostic { line, column, end_column, message, help, bytes }
    }
}

/// The part of `bytes` on its first line.
fn first_line(text: &str, bytes: Range<usize>) -> Range<usize> {
    let end = text[bytes.clone()].find('\n').map_or(bytes.end, |end| bytes.start + end);
    bytes.start..end
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// The text for people, so that a failing test shows it.
impl fmt::Debug for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for BadFile {}

fn offset(text: &str, position: Position) -> usize {
    let line = text.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum::<usize>();
    let rest = text[line..].char_indices().map(|(at, _)| at);
    line + rest.chain([text.len() - line]).nth(position.col.saturating_sub(1)).unwrap_or(text.len() - line)
}

/// The reader says only roughly where its last token was. This leaves out white space. If the error names a name,
/// this points at that name.
fn tighten(text: &str, bytes: Range<usize>, code: &ron::Error) -> Range<usize> {
    let name = match code {
        ron::Error::NoSuchEnumVariant { found, .. } | ron::Error::NoSuchStructField { found, .. } => {
            Some(found.as_str())
        }
        ron::Error::DuplicateStructField { field, .. } => Some(*field),
        _ => None,
    };
    if let Some((name, at)) = name.and_then(|name| Some((name, text[..bytes.end].rfind(name)?))) {
        return at..at + name.len();
    }
    // The opening quote of a string is a token of its own.
    let is_string =
        matches!(code, ron::Error::InvalidValueForType { .. }) && text[..bytes.start].ends_with('"');
    let bytes = if is_string { bytes.start - 1..bytes.end } else { bytes };
    let inner = &text[bytes.clone()];
    let start = bytes.start + (inner.len() - inner.trim_start().len());
    let end = bytes.start + inner.trim_end().len();
    if start < end { start..end } else { bytes.end..bytes.end }
}

/// The meaning of a reader's error, and what would be right.
fn explain(code: &ron::Error) -> (String, Option<String>) {
    let within = |outer: &Option<String>| match outer {
        Some(outer) => format!(" in `{outer}`"),
        None => String::new(),
    };
    match code {
        ron::Error::NoSuchEnumVariant { expected, found, outer } => {
            let what = outer.as_deref().unwrap_or("name");
            (format!("unknown {} `{found}`", what.to_lowercase()), Some(nearest(found, expected).help()))
        }
        ron::Error::NoSuchStructField { expected, found, outer } => {
            (format!("unknown field `{found}`{}", within(outer)), Some(nearest(found, expected).help()))
        }
        ron::Error::MissingStructField { field, outer } => {
            (format!("the field `{field}` is missing{}", within(outer)), None)
        }
        ron::Error::DuplicateStructField { field, outer } => {
            (format!("the field `{field}` is given twice{}", within(outer)), None)
        }
        ron::Error::InvalidValueForType { expected, found } => {
            (format!("expected {expected}, found {found}"), None)
        }
        ron::Error::ExpectedDifferentStructName { expected, found } => {
            (format!("expected {}, found `{found}`", alternatives(&[expected])), None)
        }
        ron::Error::InvalidIdentifier(found) | ron::Error::SuggestRawIdentifier(found) => {
            (format!("expected a name, found `{found}`"), None)
        }
        ron::Error::ExpectedDifferentLength { expected, found } => {
            // The reader says "tuple variant Type::Mend with 2 elements".
            let (_, expected) = expected.rsplit_once("::").unwrap_or(("", expected));
            (format!("expected {expected}, found {found}"), None)
        }
        ron::Error::IntegerOutOfBounds => ("this number is negative or too great here".to_owned(), None),
        other => {
            let text = other.to_string();
            let (message, help) = text
                .split_once('\n')
                .map_or((text.as_str(), None), |(message, help)| (message, Some(help.to_owned())));
            let mut letters = message.chars();
            let first = letters.next().map(char::to_lowercase).into_iter().flatten();
            (first.chain(letters).collect(), help)
        }
    }
}
