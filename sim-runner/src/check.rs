//! `check`: checks whether files are well-formed, without running them, and replaces words that were renamed.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use aviary::scenario::{BadFile, Profile, Service, read, with_current_words};
use aviary::search::{Failure, write_aside};

use crate::Exit;
use crate::args::CheckArgs;
use crate::files::{LoadError, files_of, load, read_text};
use crate::report::{load_errors, stdout};

pub(crate) fn check<S: Service>(args: &CheckArgs) -> io::Result<Exit> {
    if args.fix {
        return fix_all::<S>(args);
    }
    let loaded = match load::<S>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    let mut out = stdout();
    for one in &loaded {
        writeln!(out, "ok  {}", one.path.display())?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}

/// Rewrites every file that cannot be read for its old words alone, and says of each what is wrong with it now.
fn fix_all<S: Service>(args: &CheckArgs) -> io::Result<Exit> {
    let mut errors = Vec::new();
    let mut out = stdout();
    for path in &args.paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(error) => {
                errors.push(LoadError::Files(error));
                continue;
            }
        };
        for file in files {
            match fix::<S>(&file) {
                Ok(0) => writeln!(out, "ok  {}", file.display())?,
                Ok(count) => {
                    let words = if count == 1 { "word" } else { "words" };
                    writeln!(out, "fixed  {}: {count} {words}", file.display())?;
                }
                Err(error) => errors.push(error),
            }
        }
    }
    out.flush()?;
    if errors.is_empty() { Ok(Exit::Passed) } else { Ok(load_errors(&errors)) }
}

/// Replaces the old words of one file and counts them. A file that can be read is left as it is, and so is one that has
/// other mistakes.
fn fix<S: Service>(path: &Path) -> Result<usize, LoadError> {
    let shown = path.display().to_string();
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Err(LoadError::Files(format!(
            "{shown} is not a plain file: --fix rewrites plain files only"
        )));
    }
    let text = read_text(path).map_err(LoadError::Files)?;
    let Err(bad) = check_text::<S>(&shown, &text) else { return Ok(0) };
    let Some((fixed, count)) = with_current_words::<S>(&text) else { return Err(LoadError::Scenario(bad)) };
    let named = format!("{shown} (not rewritten; as it would be)");
    check_text::<S>(&named, &fixed).map_err(LoadError::Scenario)?;
    write_aside(path, &fixed).map_err(|error| LoadError::Files(error.to_string()))?;
    Ok(count)
}

/// Reads a text as what it says it is: a profile, a saved failure or a scenario.
fn check_text<S: Service>(shown: &str, text: &str) -> Result<(), BadFile> {
    if Profile::is_one(text) {
        Profile::read::<S>(shown, text).map(drop)
    } else if Failure::<S>::is_one(text) {
        Failure::<S>::read(shown, text).map(drop)
    } else {
        read::<S>(shown, text).map(drop)
    }
}
