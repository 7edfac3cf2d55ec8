//! The reference of all words of a file, as Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use aviary::scenario::{FactKind, Service};
use aviary::search::Facts;
use serde_json::Value;

use super::example::tuple;
use super::schema::{
    Field, Schemas, choice, fields, is_unknown, kind, may_be_nothing, means, reference, variants,
};
use super::{aim, effect, rows};

mod sections;

use sections::Section::{Actions, Kinds, OfService, Part, Recipes, Type};
use sections::{INSIDE, OF_ACTIONS, SECTIONS, Section};

const EDITORS: &str = "\
## Editors

`words --snippets` writes completions for editors. They have the format of Visual Studio Code, which Zed and, with LuaSnip, Neovim read too:

```sh
dir=$(mktemp -d)
cargo run --release -p sim-runner -- words --snippets >\"$dir/aviary.code-snippets\"
```

In Visual Studio Code the file belongs in the folder `.vscode` of a project. It completes words in files of the language `ron`; an extension
for RON, such as `a5huynh.vscode-ron`, brings that language and colours it. In Zed it belongs in the folder of snippets under the name `ron.json`.

`words --schema` writes a JSON Schema of scenarios, profiles and saved failures, for programs that write such files or generate forms. RON is not
JSON, and the RON extensions that were looked at do not use a JSON Schema: `check` is what finds mistakes in a file. In the schema a word with values is an
object with one field: `Crash(Site(1))` is `{\"Crash\": [{\"Site\": 1}]}`.
";

/// A part of the reference in RON, and where it may stand in a file.
#[cfg_attr(not(all(test, feature = "tweets")), expect(dead_code, reason = "tests read each of them"))]
pub(super) struct Snippet {
    /// The type whose word it is.
    pub(super) of: String,
    pub(super) ron: String,
}

/// The reference, without an introduction.
pub(super) struct Reference {
    pub(super) text: String,
    /// Every word of an enum in the text, as an example.
    #[cfg_attr(not(all(test, feature = "tweets")), expect(dead_code, reason = "tests read each of them"))]
    pub(super) snippets: Vec<Snippet>,
}

struct Writer<'a> {
    schemas: &'a Schemas,
    text: String,
    snippets: Vec<Snippet>,
    of_service: Vec<String>,
}

impl Reference {
    pub(super) fn of<S: Service>() -> Reference {
        let schemas = Schemas::of::<S>();
        let mut writer =
            Writer { schemas: &schemas, text: String::new(), snippets: Vec::new(), of_service: Vec::new() };
        writer.of_service = writer.types_of_service();
        writer
            .line("Everything below is generated from the program: `sim-runner words --markdown` prints it.");
        for section in SECTIONS {
            match section {
                Part(title) => writer.heading("##", title),
                Type(name, title) => writer.section(name, title),
                Actions => writer.actions(),
                OfService => {
                    for name in writer.of_service.clone() {
                        writer.section(&name, &name);
                    }
                }
                Kinds => writer.kinds(),
                Section::Facts => writer.facts::<S>(),
                Recipes => writer.recipes::<S>(),
            }
        }
        writer.line(EDITORS.trim_end());
        Reference { text: writer.text.trim_start().to_owned(), snippets: writer.snippets }
    }

    /// What a field has that a file leaves out.
    pub(super) fn usual(schemas: &Schemas, field: &Field<'_>) -> String {
        let resolved = schemas.resolve(field.schema);
        let of_struct = fields(resolved);
        let own = field.schema.get("default").filter(|default| !default.is_null());
        match (own.or_else(|| resolved.get("default")), kind(resolved)) {
            _ if own.is_none() && may_be_nothing(field.schema) => "absent".to_owned(),
            _ if of_struct.iter().any(|field| field.is_required) => "none".to_owned(),
            _ if !of_struct.is_empty() => "`()`".to_owned(),
            (Some(default), _) => format!("`{}`", schemas.ron(default, field.schema)),
            (None, "boolean") => "`false`".to_owned(),
            (None, "integer") => "`0`".to_owned(),
            (None, "array") => "`[]`".to_owned(),
            (None, _) => String::new(),
        }
    }
}

impl Writer<'_> {
    fn types_of_service(&self) -> Vec<String> {
        let titled: BTreeSet<&str> = SECTIONS
            .iter()
            .filter_map(|section| if let Type(name, _) = section { Some(*name) } else { None })
            .collect();
        let is_other =
            |name: &&str| !titled.contains(name) && !OF_ACTIONS.contains(name) && !INSIDE.contains(name);
        self.schemas.names().filter(is_other).map(str::to_owned).collect()
    }

    fn line(&mut self, text: &str) {
        // Writing to a `String` never fails.
        let _ = writeln!(self.text, "\n{text}");
    }

    fn heading(&mut self, level: &str, title: &str) {
        self.line(&format!("{level} {title}"));
    }

    fn table(&mut self, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let row = |cells: &[String]| {
            let cells = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            format!("| {} |", cells.collect::<Vec<_>>().join(" | ")).replace("|  |", "| |")
        };
        let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
        let mut lines = vec![row(&heads), format!("|{}", "---|".repeat(heads.len()))];
        lines.extend(rows.into_iter().map(|cells| row(&cells)));
        self.line(&lines.join("\n"));
    }

    /// Notes an example, and shows it.
    fn code(&mut self, of: &str, ron: &str) -> String {
        self.snippets.push(Snippet { of: of.to_owned(), ron: ron.to_owned() });
        format!("`{ron}`")
    }

    fn section(&mut self, name: &str, title: &str) {
        let schemas = self.schemas;
        let schema = schemas.definition(name);
        self.heading("###", title);
        let all = variants(schema);
        if !means(schema).is_empty() {
            let text = prose(means(schema));
            self.line(&text);
        }
        if !all.is_empty() {
            let rows: Vec<Vec<String>> = all
                .iter()
                .map(|variant| {
                    let example = schemas.example_of(variant);
                    let code = self.code(name, &example);
                    vec![code, self.content(variant.content), plain(variant.means)]
                })
                .collect();
            let has_content = rows.iter().any(|row| !row[1].is_empty());
            let has_meaning = rows.iter().any(|row| !row[2].is_empty());
            let keep = [true, has_content, has_meaning];
            let kept = |row: Vec<String>| {
                row.into_iter().zip(keep).filter_map(|(cell, is_kept)| is_kept.then_some(cell)).collect()
            };
            let heads: Vec<String> = kept(["word", "values", "meaning"].map(str::to_owned).to_vec());
            self.table(&heads.iter().map(String::as_str).collect::<Vec<_>>(), rows.into_iter().map(kept));
        }
        for variant in &all {
            let of_variant = variant.content.map(fields).unwrap_or_default();
            if !of_variant.iter().all(is_unknown) {
                self.line(&format!("Fields of `{}`:", variant.name));
                self.fields(&of_variant);
            }
        }
        let of_struct = fields(schema);
        if !of_struct.is_empty() {
            self.fields(&of_struct);
        }
    }

    /// The values of a word without names.
    fn content(&self, content: Option<&Value>) -> String {
        match content {
            None => String::new(),
            Some(content) if fields(content).iter().any(|field| !is_unknown(field)) => {
                "fields, below".to_owned()
            }
            Some(content) => match tuple(content) {
                Some(parts) => parts.iter().map(|part| self.kind(part)).collect::<Vec<_>>().join(", then "),
                None => self.kind(content),
            },
        }
    }

    fn fields(&mut self, fields: &[Field<'_>]) {
        if fields.iter().all(is_unknown) {
            let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            return self.line(&format!("Fields: {}.", names.join(", ")));
        }
        let rows = fields.iter().map(|field| {
            let default =
                if field.is_required { "required".to_owned() } else { Reference::usual(self.schemas, field) };
            vec![
                format!("`{}`", field.name),
                self.kind(field.schema),
                default,
                plain(means(field.schema)) + &range(field),
            ]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        self.table(&["field", "type", "default", "meaning"], rows);
    }

    fn kind(&self, schema: &Value) -> String {
        if let Some(name) = reference(schema) {
            return match name {
                "Duration" => link("time", "Times"),
                "Chance" => link("chance", "Chances"),
                "Percent" => link("percentage", "Percentages"),
                "About" => link("subject", "Subjects"),
                "Trigger" => "`At`, `After` or `On`".to_owned(),
                "Action" => link("action", "Actions"),
                "Seam" | "Leaves" | "DiskFault" | "ClockFault" => link(&spaced(name), "Actions"),
                _ => {
                    let section = SECTIONS.iter().find_map(|section| match section {
                        Type(other, title) if *other == name => Some(*title),
                        _ => None,
                    });
                    link(&spaced(name), section.unwrap_or(name))
                }
            };
        }
        if may_be_nothing(schema) && !choice(schema).is_empty() {
            return self.kind(&choice(schema)[0]);
        }
        if !choice(schema).is_empty() {
            return choice(schema).iter().map(|one| self.kind(one)).collect::<Vec<_>>().join(" or ");
        }
        match kind(schema) {
            "integer" => "number".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "string" => "text".to_owned(),
            "array" => match (tuple(schema), schema.get("items")) {
                (Some([least, _]), _) if schema.get("x-span").is_some() => {
                    format!("two {}: `(least, most)`", plural(&self.kind(least)))
                }
                (Some(parts), _) => {
                    format!("({})", parts.iter().map(|part| self.kind(part)).collect::<Vec<_>>().join(", "))
                }
                (None, Some(item)) => format!("list of {}", plural(&self.kind(item))),
                (None, None) => "list".to_owned(),
            },
            "object" if schema.get("propertyNames").is_some() => {
                let part = |name: &str| schema.get(name).map(|part| self.kind(part)).unwrap_or_default();
                let value = part("additionalProperties");
                let value = if value == "number" { "weight".to_owned() } else { value };
                format!("{} for each {}", value, part("propertyNames"))
            }
            _ => String::new(),
        }
    }

    fn actions(&mut self) {
        self.heading("###", "Actions");
        self.line(
            "An action is what a step does. A command of the service is an action too. An action aims at the processes of its \
             [target](#targets). Reports and facts use the names under \"kind\" and \"counter\".",
        );
        let rows: Vec<Vec<String>> = rows()
            .map(|row| {
                let code = self.code("Action", row.word);
                let damage = if row.damages { " The storage is damaged for good." } else { "" };
                let counter = row.counter.map(|counter| format!("\"{counter}\"")).unwrap_or_default();
                let meaning = plain(row.means) + damage;
                vec![code, meaning, row.kind.to_owned(), aim(row).to_owned(), effect(row).to_owned(), counter]
            })
            .collect();
        self.table(&["action", "meaning", "kind", "aims at", "takes effect", "counter"], rows);
        let schemas = self.schemas;
        for variant in variants(schemas.definition("Action")) {
            let of_variant = variant.content.map(fields).unwrap_or_default();
            if !of_variant.is_empty() {
                self.line(&format!("Fields of `{}`: {}", variant.name, plain(variant.means)));
                self.fields(&of_variant);
            }
        }
        for (name, title) in [("Seam", "Seams of a crash"), ("Leaves", "Writes that a crash leaves")] {
            let rows: Vec<Vec<String>> = variants(schemas.definition(name))
                .iter()
                .map(|variant| {
                    let code = self.code(name, &schemas.example_of(variant));
                    vec![code, plain(variant.means)]
                })
                .collect();
            self.line(&format!("{title}:"));
            self.table(&["word", "meaning"], rows);
        }
    }

    fn kinds(&mut self) {
        let listed =
            |kinds: &[&str]| kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
        let (messages, notes) = (listed(&self.schemas.messages), listed(&self.schemas.notes));
        self.heading("###", "Kinds of messages");
        self.line(&format!("For `kind` in `Sent`, in `Delivered` and in rules: {messages}."));
        self.heading("###", "Kinds of notes");
        self.line(&format!("For `kind` in `Noted`: {notes}."));
    }

    fn facts<S: Service>(&mut self) {
        self.heading("###", "Facts");
        self.line("The names for `must_happen`, as a sweep prints them:");
        let facts = Facts::of::<S>();
        let of_kind = |wanted: FactKind| {
            let names =
                facts.iter().filter(|(kind, ..)| *kind == wanted).map(|(_, name, _)| format!("`{name}`"));
            names.collect::<Vec<_>>().join(", ")
        };
        let rows = FactKind::ALL.map(|kind| vec![kind.name().to_owned(), of_kind(kind)]);
        self.table(&["of", "facts"], rows);
    }

    fn recipes<S: Service>(&mut self) {
        self.heading("###", "Recipes");
        self.line("The names for `recipes`:");
        let rows = S::recipes().into_iter().map(|recipe| {
            let (least, most) = (recipe.sites.0, recipe.sites.1);
            let sites = if least == most { least.to_string() } else { format!("{least} to {most}") };
            vec![format!("`{}`", recipe.name), sites, recipe.about.to_owned()]
        });
        self.table(&["recipe", "sites", "what happens"], rows);
    }
}

/// A link to the section of this title.
fn link(text: &str, title: &str) -> String {
    format!("[{text}](#{})", title.to_lowercase().replace(' ', "-"))
}

/// Several of a type: the noun, or the text of a link, in the plural.
fn plural(kind: &str) -> String {
    let several = |noun: &str| match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with('s') => noun.to_owned(),
        None => format!("{noun}s"),
    };
    let one = |kind: &str| match (kind.split_once("]("), kind.split_once(" of ")) {
        (Some((text, target)), None) => format!("{}]({target}", several(text)),
        (_, Some((list, of))) => format!("{} of {of}", several(list)),
        (None, None) => several(kind),
    };
    kind.split(" or ").map(one).collect::<Vec<_>>().join(" or ")
}

/// The name of a type as a noun: `DiskMode` is a disk mode.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Documentation on one line.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Documentation in paragraphs.
fn prose(text: &str) -> String {
    text.split("\n\n").map(plain).collect::<Vec<_>>().join("\n\n")
}

/// The bounds of a setting.
fn range(field: &Field<'_>) -> String {
    let bounds = field.schema.get("x-range").and_then(Value::as_array);
    match bounds.map(Vec::as_slice) {
        Some([least, most]) => format!(" From `{least}` to `{most}`."),
        _ => String::new(),
    }
}
