//! `draw`: prints the scenario that a profile draws from a seed.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use aviary::scenario::profile::PROFILES;
use aviary::scenario::{BadFile, CannotDraw, Profile, Scenario, Service, draw_recipe, nearest_name, write};

use crate::Exit;
use crate::args::DrawArgs;
use crate::columns::{TableColumn, columns};
use crate::files::write_new;
use crate::report::{error, stdout};

pub(crate) fn draw<S: Service>(args: &DrawArgs) -> io::Result<Exit> {
    if args.list {
        return list::<S>();
    }
    let profile = match find::<S>(&args.profile) {
        Ok(profile) => profile,
        Err(why) => return Ok(refuse(&why)),
    };
    let seed = args.seed.unwrap_or(0);
    let drawn: Result<Scenario<S>, CannotDraw> = match &args.recipe {
        Some(recipe) => draw_recipe(&profile, seed, recipe),
        None => aviary::scenario::draw(&profile, seed),
    };
    let text = match drawn {
        Ok(scenario) => write(&scenario),
        Err(why) => return Ok(refuse(&why.to_string())),
    };
    if let Some(path) = &args.output {
        let written = match write_new(path, &text) {
            // A command that draws and runs can be repeated.
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists && holds(path, &text) => Ok(()),
            written => written,
        };
        if let Err(why) = written {
            return Ok(refuse(&format!("failed to write {}: {why}", path.display())));
        }
        return Ok(Exit::Passed);
    }
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Passed)
}

/// Whether the file holds just this text.
fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
}

/// A profile of the library, by its name, or one in a file.
pub(crate) fn find<S: Service>(name: &str) -> Result<Profile, String> {
    // Whoever prints it says that it is an error.
    let unmarked = |bad: BadFile| {
        let text = bad.to_string();
        text.strip_prefix("error: ").unwrap_or(&text).to_owned()
    };
    let read = |path: &str, text: &str| Profile::read::<S>(path, text).map_err(unmarked);
    if let Some((name, text)) = PROFILES.iter().find(|(known, _)| *known == name) {
        return read(&format!("profiles/{name}.ron"), text);
    }
    if Path::new(name).is_file() {
        let text = fs::read_to_string(name).map_err(|why| format!("failed to read {name}: {why}"))?;
        return read(name, &text);
    }
    let names: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
    Err(format!("unknown profile `{name}`\n{}, or a file", nearest_name(name, &names)))
}

fn list<S: Service>() -> io::Result<Exit> {
    let mut out = stdout();
    let profile = |(name, text): (&str, &str)| {
        // A profile's recipes may belong to another service.
        let about = Profile::read::<S>(name, text).map(|profile| profile.about);
        [name.to_owned(), about.unwrap_or_else(|_| "not for this service".to_owned())]
    };
    let heads = [TableColumn::Text("profile"), TableColumn::Text("what it draws")];
    write!(out, "{}", columns(0, heads, PROFILES.into_iter().map(profile)))?;
    let recipes = S::recipes();
    let recipes = recipes.iter().map(|recipe| {
        let (least, most) = (recipe.sites.0, recipe.sites.1);
        let sites = if least == most { least.to_string() } else { format!("{least} to {most}") };
        [recipe.name.to_owned(), sites, recipe.about.to_owned()]
    });
    let heads = [TableColumn::Text("recipe"), TableColumn::Text("sites"), TableColumn::Text("what it does")];
    write!(out, "\n{}", columns(0, heads, recipes))?;
    out.flush()?;
    Ok(Exit::Passed)
}

fn refuse(why: &str) -> Exit {
    error(format_args!("{why}"));
    Exit::Usage
}
