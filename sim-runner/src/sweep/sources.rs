//! From what the command line names to sources: scenario files, folders of them, and profiles.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aviary::scenario::Service;
use aviary::search::{Pinned, Source};

use crate::Exit;
use crate::files::{Loaded, load};
use crate::report::{error, load_errors};

/// What is named, in that order, or how to exit: what is wrong has been told.
pub(super) fn sources<S: Service>(named: &[String]) -> Result<Vec<Arc<dyn Source<S>>>, Exit> {
    let mut sources: Vec<Arc<dyn Source<S>>> = Vec::new();
    let mut is_wrong = false;
    for name in named {
        let path = Path::new(name);
        let is_path = path.exists() || name.contains('/') || name.ends_with(".ron");
        if !is_path {
            error(format_args!("there is no profile and no scenario {name}"));
            is_wrong = true;
            continue;
        }
        match load::<S>(&[PathBuf::from(name)]) {
            Ok(loaded) => sources.extend(loaded.into_iter().map(pinned)),
            Err(errors) => {
                load_errors(&errors);
                is_wrong = true;
            }
        }
    }
    if is_wrong { Err(Exit::Usage) } else { Ok(sources) }
}

fn pinned<S: Service>(loaded: Loaded<S>) -> Arc<dyn Source<S>> {
    Arc::new(Pinned::new(loaded.path.display().to_string(), loaded.scenario))
}
