//! From paths to scenarios: all of them are read and checked before anything runs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aviary::scenario::{BadFile, Profile, Scenario, Service, read};
use aviary::search::Failure;

/// Writes a file that does not exist yet. Where that fails, no part of it is left in the way of the next try.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text.as_bytes());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// A scenario and its origin.
pub(crate) struct Loaded<S: Service> {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) scenario: Scenario<S>,
    /// The whole file, if it is a saved failure.
    pub(crate) failure: Option<Failure<S>>,
}

impl<S: Service> Loaded<S> {
    /// Why this must not be run with `saboteur`: it was found with another one. `None` if it may be run.
    pub(crate) fn planted_otherwise(&self, saboteur: Option<&str>) -> Option<String> {
        let found = self.failure.as_ref()?.saboteur.as_deref()?;
        let path = self.path.display();
        (saboteur != Some(found))
            .then(|| format!("{path} was found with a planted bug: run it with --saboteur {found}"))
    }
}

/// Why a scenario could not be loaded.
pub(crate) enum LoadError {
    /// The files were not found or could not be read.
    Files(String),
    /// The file is not a scenario.
    Scenario(BadFile),
    /// The file at this path is a profile, from which scenarios are drawn.
    Profile(PathBuf),
}

/// The scenarios of every path and of every *.ron below a folder, or all errors.
pub(crate) fn load<S: Service>(paths: &[PathBuf]) -> Result<Vec<Loaded<S>>, Vec<LoadError>> {
    let (mut loaded, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        let files = match files_of(path) {
            Ok(files) => files,
            Err(error) => {
                errors.push(LoadError::Files(error));
                continue;
            }
        };
        let before = (loaded.len(), errors.len());
        for file in files {
            match load_one(&file) {
                Ok(scenario) => loaded.push(scenario),
                // In a folder of scenarios a profile is skipped.
                Err(LoadError::Profile(_)) if file != *path => {}
                Err(error) => errors.push(error),
            }
        }
        if before == (loaded.len(), errors.len()) {
            let shown = path.display();
            errors.push(LoadError::Files(format!(
                "no scenario (*.ron) is below the folder {shown}, only profiles"
            )));
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(errors) }
}

/// The scenario of one file.
pub(crate) fn load_one<S: Service>(path: &Path) -> Result<Loaded<S>, LoadError> {
    let text = read_text(path).map_err(LoadError::Files)?;
    if Profile::is_one(&text) {
        return Err(LoadError::Profile(path.to_owned()));
    }
    let shown = path.display().to_string();
    let (scenario, failure) = if Failure::<S>::is_one(&text) {
        let failure = Failure::read(&shown, &text).map_err(LoadError::Scenario)?;
        (failure.scenario.clone(), Some(failure))
    } else {
        (read(&shown, &text).map_err(LoadError::Scenario)?, None)
    };
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Loaded { path: path.to_owned(), name, scenario, failure })
}

/// What a file holds.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| failed("read", path, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> String {
    format!("failed to {what} {}: {error}", path.display())
}

/// The file itself, or all *.ron below the folder, by name.
pub(crate) fn files_of(path: &Path) -> Result<Vec<PathBuf>, String> {
    let kind = fs::metadata(path).map_err(|error| failed("read", path, &error))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = files_below(path)?;
    match files.is_empty() {
        true => Err(format!("no scenario (*.ron) is below the folder {}", path.display())),
        false => Ok(files),
    }
}

/// All *.ron below the folder, by name; an empty list is not an error.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| failed("read the folder", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        // Links to folders are not followed, because they may lead back.
        if kind.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            files.push(path);
        }
    }
    Ok(())
}
