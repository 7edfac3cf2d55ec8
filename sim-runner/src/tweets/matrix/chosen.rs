//! Which planted bugs a command is about: wrappers of this program, and patches of the repository that it is run in.

use aviary::scenario::nearest_name;

use super::patches::{self, Patch};
use crate::Exit;
use crate::report::usage;
use crate::tweets::saboteurs::{self, Saboteur};

/// What is to be planted.
pub(crate) struct Chosen {
    pub(crate) wrappers: Vec<&'static Saboteur>,
    pub(crate) patches: Vec<Patch>,
}

impl Chosen {
    /// The wrappers of these names, or all; of the patches likewise, if there are to be any. What is wrong is told.
    pub(crate) fn of(names: &[String], with_patches: bool) -> Result<Chosen, Exit> {
        let patches = if with_patches { patches::all().map_err(|why| usage(&why))? } else { Vec::new() };
        let is_known = |name: &&String| {
            saboteurs::find(name).is_some() || patches.iter().any(|patch| patch.name == **name)
        };
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            return Err(unknown(name, &patches));
        }
        let is_named = |name: &str| names.is_empty() || names.iter().any(|one| one == name);
        Ok(Chosen {
            wrappers: saboteurs::all().filter(|saboteur| is_named(saboteur.name)).collect(),
            patches: patches.into_iter().filter(|patch| is_named(&patch.name)).collect(),
        })
    }
}

/// Tells that there is no saboteur of this name, and which there are: every wrapper, and these patches.
pub(crate) fn unknown(name: &str, patches: &[Patch]) -> Exit {
    let wrappers = saboteurs::all().map(|saboteur| saboteur.name);
    let names: Vec<&str> = wrappers.chain(patches.iter().map(|patch| patch.name.as_str())).collect();
    usage(&format!("unknown saboteur `{name}`\n{}", nearest_name(name, &names)))
}
