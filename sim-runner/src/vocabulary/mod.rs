//! `words`: every word that a file may have, out of the tables and types that read it.

mod example;
mod reference;
mod schema;
mod snippets;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

use std::fs;
use std::io::{self, Write};

use aviary::scenario::Service;
use aviary::sim::{Aim, EffectTime, Row, ScriptAction};

use crate::Exit;
use crate::args::WordsArgs;
use crate::report::{stdout, usage};
use reference::Reference;
use schema::Schemas;

pub(crate) fn words<S: Service>(args: &WordsArgs) -> io::Result<Exit> {
    let mut out = stdout();
    if args.run_schema {
        serde_json::to_writer_pretty(&mut out, &aviary::scenario::picture::schema())?;
        writeln!(out)?;
    } else if args.schema {
        let schema = aviary::search::file_schema::<S>();
        serde_json::to_writer_pretty(&mut out, &schema)?;
        writeln!(out)?;
    } else if args.snippets {
        writeln!(out, "{:#}", snippets::snippets(&Schemas::of::<S>()))?;
    } else if args.markdown {
        let intro = match &args.intro {
            None => "# Scenarios\n".to_owned(),
            Some(path) => match fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) => return Ok(usage(&format!("failed to read {}: {error}", path.display()))),
            },
        };
        write!(out, "{}\n\n{}", intro.trim_end(), Reference::of::<S>().text)?;
    } else {
        rows().try_for_each(|row| list(&mut out, row))?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}

/// Examples of all actions that a step may have: first the service's commands.
#[cfg(feature = "http")]
pub(crate) fn actions<S: Service>() -> Vec<String> {
    let schemas = Schemas::of::<S>();
    let commands = schema::variants(schemas.definition("Command"));
    let commands = commands.iter().map(|variant| schemas.example_of(variant));
    commands.chain(rows().map(|row| row.word.to_owned())).collect()
}

/// Every kind of action that is in the words of the harness.
fn rows() -> impl Iterator<Item = &'static Row> {
    ScriptAction::<()>::rows().filter(|row| !row.word.is_empty())
}

fn aim(row: &Row) -> &'static str {
    match row.aim {
        Aim::Nobody => "nobody",
        Aim::Processes => "any process",
        Aim::Sites => "sites",
        Aim::Lives => "sites and clients",
        Aim::LivesByNumber => "sites and clients, but not by role",
    }
}

fn effect(row: &Row) -> &'static str {
    match row.effect {
        EffectTime::AtOnce => "at once",
        EffectTime::Later => "once the process at work is done",
    }
}

fn list(out: &mut impl Write, row: &Row) -> io::Result<()> {
    writeln!(out, "{}\n    {}", row.word, row.means.trim())?;
    write!(out, "    {}: aims at {}, {}", row.kind, aim(row), effect(row))?;
    if row.damages {
        write!(out, "; damages storage for good")?;
    }
    if let Some(counter) = row.counter {
        write!(out, "; counted as \"{counter}\"")?;
    }
    writeln!(out)
}
