//! From the names on the command line to sources: scenario files, folders of them, and profiles.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aviary::scenario::Service;
use aviary::search::{Drawn, Pinned, Source};

use crate::Exit;
use crate::draw::find;
use crate::files::{LoadError, Loaded, load};
use crate::report::{load_errors, usage};

/// The profile that is swept when nothing is named.
const USUAL: &str = "default";

/// The named sources, in that order. On an error, prints it and returns how to exit.
pub(crate) fn sources<S: Service>(named: &[String]) -> Result<Vec<Arc<dyn Source<S>>>, Exit> {
    let mut sources: Vec<Arc<dyn Source<S>>> = Vec::new();
    let mut is_wrong = false;
    let usual = [USUAL.to_owned()];
    for name in if named.is_empty() { &usual } else { named } {
        match one(name) {
            Ok(found) => sources.extend(found),
            Err(_) => is_wrong = true,
        }
    }
    if is_wrong { Err(Exit::Usage) } else { Ok(sources) }
}

/// The sources under one name: a path, or else a profile.
fn one<S: Service>(name: &str) -> Result<Vec<Arc<dyn Source<S>>>, Exit> {
    let path = Path::new(name);
    if path.exists() || name.contains('/') || name.ends_with(".ron") {
        match load::<S>(&[PathBuf::from(name)]) {
            Ok(loaded) => return Ok(loaded.into_iter().map(pinned).collect()),
            Err(errors) if matches!(errors[..], [LoadError::Profile(_)]) => {}
            // A profile may have any file name.
            Err(_) if path.is_file() && find::<S>(name).is_ok() => {}
            Err(errors) => return Err(load_errors(&errors)),
        }
    }
    let profile = find::<S>(name).map_err(|why| usage(&why))?;
    let drawn = Drawn::new::<S>(name, profile).map_err(|why| usage(&why.to_string()))?;
    Ok(vec![Arc::new(drawn)])
}

fn pinned<S: Service>(loaded: Loaded<S>) -> Arc<dyn Source<S>> {
    Arc::new(Pinned::new(loaded.path.display().to_string(), loaded.scenario))
}
