//! The failures that earlier runs of a test saved. A test runs them before any new seed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::scenario::Service;
use crate::search::failure::Failure;
use crate::search::runner::Runner;
use crate::search::settle::{Recheck, recheck};

/// What became of the saved failures of a test.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// The files that do not pass, and why.
    pub(super) failing: Vec<(PathBuf, String)>,
    /// One sentence for each other file.
    pub(super) others: Vec<String>,
}

/// Runs the failures in `folder` that were found in sources of these names, in the order of the names of files.
///
/// A planted bug's failures, other tests' files and what is no failure at all are left alone, as every file is.
pub(super) fn replay<S: Service>(folder: &Path, names: &[&str], runner: &Runner<S>) -> Replayed {
    let mut replayed = Replayed::default();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ron"));
    paths.sort();
    for path in paths {
        let shown = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) => {
                replayed.failing.push((path, format!("it cannot be read: {why}")));
                continue;
            }
        };
        // A failure of another service in this folder is no mistake. So its source is looked for before it is read.
        let is_ours =
            |name: &&str| text.contains(&format!("found: (profile: {}, ", Failure::<S>::quoted(name)));
        if !Failure::<S>::is_one(&text) || !names.iter().any(is_ours) {
            continue;
        }
        let Ok(failure) = Failure::<S>::read(&shown, &text) else {
            let why = "it cannot be read: `check` says what is wrong".to_owned();
            replayed.failing.push((path, why));
            continue;
        };
        if failure.saboteur.is_some() || !names.contains(&failure.found.profile.as_str()) {
            continue;
        }
        match recheck(runner, &failure) {
            Recheck::StillFails => {
                replayed.failing.push((path, format!("{}: {}", failure.property, failure.explanation)))
            }
            Recheck::FailsOtherwise(verdict) => {
                replayed.failing.push((path, format!("{}: {}", verdict.property(), verdict.explanation())));
            }
            Recheck::Passes => replayed.others.push(format!("fixed: {shown} passes")),
            Recheck::Stale(verdict) => replayed.failing.push((path, format!("not decided: {verdict}"))),
        }
    }
    replayed
}
