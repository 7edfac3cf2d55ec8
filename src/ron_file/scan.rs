//! Reads RON text token by token: space, comments, strings and names. It keeps no values.

/// A position in a text.
#[derive(Clone)]
pub(crate) struct TextScan<'a> {
    pub(crate) text: &'a str,
    /// The next byte to read.
    pub(crate) at: usize,
}

impl<'a> TextScan<'a> {
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_to(&mut self, end: Option<usize>) {
        self.at = end.map_or(self.text.len(), |end| self.at + end);
    }

    pub(crate) fn skip_space(&mut self) {
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

    /// Skips a block comment. Block comments nest.
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

    pub(super) fn skip_attributes(&mut self) {
        self.skip_space();
        while self.rest().starts_with("#!") {
            self.skip_to(self.rest().find(']').map(|end| end + 1));
            self.skip_space();
        }
    }

    /// Skips a string, a raw string or a character, if one begins here.
    pub(crate) fn skip_quoted(&mut self) -> bool {
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

    /// Reads a name, without the `r#` of a raw name.
    pub(crate) fn identifier(&mut self) -> &'a str {
        let raw = self.rest().strip_prefix("r#");
        let rest = raw.unwrap_or(self.rest());
        let is_part =
            |c: char| c.is_alphanumeric() || c == '_' || (raw.is_some() && matches!(c, '.' | '+' | '-'));
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at = self.text.len() - rest.len() + end;
        &rest[..end]
    }
}
