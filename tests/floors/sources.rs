//! Reads Rust sources just far enough to find the modules that they name.

use std::fs;
use std::path::Path;

/// The crate above the library, as the first part of the paths of its modules.
pub const RUNNER: &str = "sim-runner";

/// The crates' names in sources.
const CRATES: [&str; 2] = ["aviary", "sim_runner"];

/// One file.
pub struct Source {
    /// Its path from the root of the repository.
    pub file: String,
    /// Its module path: from the top of the library, or from `bin` or `sim-runner` above it.
    pub path: Vec<String>,
    /// The path of its crate; `None` for a program, whose modules are not checked.
    root: Option<Vec<String>>,
    tokens: Vec<Token>,
}

/// A word, `::` or another sign, and its line.
struct Token {
    text: String,
    line: usize,
}

/// A path that a source names.
#[derive(Debug)]
pub struct Arrow {
    pub line: usize,
    /// The path as written, with the prefixes of its groups.
    pub text: String,
    /// The path from the top of the library.
    pub to: Vec<String>,
}

/// The text of a file in the repository.
pub fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every source in these folders except `src/lib.rs`.
pub fn read(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut left: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    while let Some(folder) = left.pop() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
        for entry in fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            let entry = entry.expect("a folder that can be read");
            let file = format!("{folder}/{}", entry.file_name().to_str().expect("a plain name"));
            if entry.path().is_dir() {
                left.push(file);
            } else if file.ends_with(".rs") && file != "src/lib.rs" {
                sources.push(Source::new(&file, &text(&file)));
            }
        }
    }
    sources.sort_by(|one, other| one.file.cmp(&other.file));
    sources
}

impl Source {
    /// `file` is the path from the root of the repository.
    pub fn new(file: &str, text: &str) -> Source {
        let inner = file.strip_suffix(".rs").expect("a source");
        let inner = inner.strip_suffix("/mod").unwrap_or(inner);
        let inner = inner.strip_suffix("/lib").unwrap_or(inner);
        let mut path: Vec<String> = inner.split('/').map(str::to_owned).collect();
        path.retain(|part| part != "src");
        let is_program = path.iter().take(2).any(|part| part == "bin");
        let root = (!is_program).then(|| path.iter().take(1).filter(|top| *top == RUNNER).cloned().collect());
        Source { file: file.to_owned(), path, root, tokens: tokens(text) }
    }

    fn is_library(&self) -> bool {
        self.root.as_ref().is_some_and(Vec::is_empty)
    }

    fn at(&self, place: usize) -> &str {
        self.tokens.get(place).map_or("", |token| &token.text)
    }

    /// The place just after the bracket that closes the one at `place`.
    fn after_bracket(&self, mut place: usize) -> usize {
        let mut depth = 0;
        while place < self.tokens.len() {
            match self.at(place) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            place += 1;
            if depth == 0 {
                break;
            }
        }
        place
    }

    /// The place after the item that follows a test attribute at `place`, if there is one.
    fn after_tested(&self, place: usize) -> Option<(usize, usize)> {
        let is_tested = self.at(place) == "#"
            && self.at(place + 1) == "["
            && self.at(place + 2) == "cfg"
            && (self.at(place + 4) == "test"
                || (self.at(place + 4) == "all" && self.at(place + 6) == "test"));
        if !is_tested {
            return None;
        }
        let mut item = place;
        while self.at(item) == "#" {
            item = self.after_bracket(item + 1);
        }
        const ITEMS: [&str; 14] = [
            "pub",
            "fn",
            "mod",
            "use",
            "impl",
            "struct",
            "enum",
            "const",
            "static",
            "type",
            "trait",
            "async",
            "extern",
            "macro_rules",
        ];
        if !ITEMS.contains(&self.at(item)) {
            return None;
        }
        let mut end = item;
        while end < self.tokens.len() {
            match self.at(end) {
                ";" => return Some((item, end + 1)),
                "{" => return Some((item, self.after_bracket(end))),
                "(" | "[" => end = self.after_bracket(end),
                _ => end += 1,
            }
        }
        Some((item, end))
    }

    /// The path from the top of the library that `path` means in the module `around`.
    fn resolve(&self, around: &[String], path: &[String]) -> Vec<String> {
        let mut to = match path[0].as_str() {
            "aviary" => Vec::new(),
            "sim_runner" => vec![RUNNER.to_owned()],
            "crate" => self.root.clone().unwrap_or_default(),
            _ => around.to_vec(),
        };
        let is_name =
            |part: &&String| !CRATES.contains(&part.as_str()) && *part != "crate" && *part != "self";
        for part in path.iter().filter(is_name) {
            if part == "super" {
                to.pop();
            } else {
                to.push(part.clone());
            }
        }
        to
    }

    /// The modules that this file declares and that have files of their own.
    fn modules_below(&self) -> Vec<&str> {
        let is_module = |place: &usize| self.at(*place) == "mod" && self.at(place + 2) == ";";
        (0..self.tokens.len()).filter(is_module).map(|place| self.at(place + 1)).collect()
    }

    /// The modules in this file: their first and last tokens, and their names.
    fn modules_in_file(&self) -> Vec<(usize, usize, &str)> {
        let is_module = |place: &usize| self.at(*place) == "mod" && self.at(place + 2) == "{";
        let modules = (0..self.tokens.len()).filter(is_module);
        modules.map(|place| (place, self.after_bracket(place + 2), self.at(place + 1))).collect()
    }
}

/// The modules whose files are declared only for tests.
pub fn test_modules(sources: &[Source]) -> Vec<Vec<String>> {
    let mut modules = Vec::new();
    for source in sources {
        for place in 0..source.tokens.len() {
            let Some((item, _)) = source.after_tested(place) else { continue };
            let named = (item..item + 6).find(|at| source.at(*at) == "mod");
            if let Some(at) = named.filter(|at| source.at(at + 2) == ";") {
                let mut module = source.path.clone();
                if source.file.ends_with("/main.rs") {
                    module.pop();
                }
                module.push(source.at(at + 1).to_owned());
                modules.push(module);
            }
        }
    }
    modules
}

/// The macros that the library exports at its top, and the module of each.
pub fn library_macros(sources: &[Source]) -> Vec<(String, String)> {
    let mut macros = Vec::new();
    for source in sources.iter().filter(|source| source.is_library()) {
        let is_made = |place: &usize| source.at(*place) == "macro_rules" && source.at(place + 1) == "!";
        for place in (0..source.tokens.len()).filter(is_made) {
            let is_exported = place >= 2 && source.at(place - 2) == "macro_export";
            if is_exported {
                macros.push((source.at(place + 2).to_owned(), source.path[0].clone()));
            }
        }
    }
    macros
}

/// Every path of the library that the code of `source` names outside of test code.
pub fn arrows(source: &Source) -> Vec<Arrow> {
    let modules = source.modules_in_file();
    let below = if source.root.is_some() { source.modules_below() } else { Vec::new() };
    let mut found = Vec::new();
    let mut place = 0;
    while place < source.tokens.len() {
        if let Some((_, end)) = source.after_tested(place) {
            place = end;
            continue;
        }
        let start = source.at(place);
        let is_crate = CRATES.contains(&start);
        let is_root = is_crate || (source.root.is_some() && ["crate", "super", "self"].contains(&start));
        let is_below = below.contains(&start);
        let is_inside = place > 0 && source.at(place - 1) == "::" && !is_crate;
        let is_whole = place > 0 && source.at(place - 1) == "use" && start != "self" && is_root;
        if !(is_root || is_below) || is_inside || !(is_whole || source.at(place + 1) == "::") {
            place += 1;
            continue;
        }
        let mut around = source.path.clone();
        let open = modules.iter().filter(|(from, to, _)| (*from..*to).contains(&place));
        around.extend(open.map(|(_, _, name)| (*name).to_owned()));
        let mut named = Vec::new();
        let end = leaves(source, place, &[], &mut named);
        for (line, parts) in named {
            found.push(Arrow { line, text: parts.join("::"), to: source.resolve(&around, &parts) });
        }
        place = end.max(place + 1);
    }
    found
}

/// Every path that begins with `before` and continues at `place`, with its line. Returns the place after them.
fn leaves(source: &Source, place: usize, before: &[&str], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let mut path = before.to_vec();
    let mut place = place;
    while place < source.tokens.len() {
        if source.at(place) == "{" {
            let end = source.after_bracket(place);
            place += 1;
            while place + 1 < end {
                place = leaves(source, place, &path, found);
                // Skips another name, and the comma.
                while place + 1 < end && source.at(place) != "," {
                    place += 1;
                }
                place += 1;
            }
            return end;
        }
        let line = source.tokens[place].line;
        path.push(source.at(place));
        let is_word = |text: &str| text.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let next = source.at(place + 2);
        if source.at(place + 1) != "::" || !(is_word(next) || next == "{" || next == "*") {
            found.push((line, path.iter().map(|part| (*part).to_owned()).collect()));
            return place + 1;
        }
        place += 2;
    }
    place
}

/// Words and signs, without comments and texts.
fn tokens(text: &str) -> Vec<Token> {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let word: usize = rest.chars().take_while(|sign| is_word(*sign)).map(char::len_utf8).sum();
        let raw = rest.trim_start_matches('b').strip_prefix('r').map(|raw| raw.trim_start_matches('#'));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(raw) = raw.filter(|raw| raw.starts_with('"')) {
            let opening = rest.len() - raw.len() + 1;
            let closing = format!("\"{}", "#".repeat(rest[..opening].matches('#').count()));
            opening + rest[opening..].find(&closing).map_or(0, |at| at + closing.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' {
            let mut signs = rest.chars().skip(1);
            let (is_escape, is_char) = (signs.next() == Some('\\'), signs.next() == Some('\''));
            if is_escape || is_char { quoted(rest, '\'') } else { 1 }
        } else if word > 0 {
            tokens.push(Token { text: rest[..word].to_owned(), line });
            word
        } else if first.is_whitespace() {
            first.len_utf8()
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            tokens.push(Token { text: rest[..length].to_owned(), line });
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of the text or character at the start of `rest`.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        if !is_escaped && sign == quote {
            return at + sign.len_utf8();
        }
        is_escaped = !is_escaped && sign == '\\';
    }
    rest.len()
}

/// The length of the comment at the start of `rest`, including nested comments.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let length = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += length;
        if depth == 0 {
            break;
        }
    }
    at
}
