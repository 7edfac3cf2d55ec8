//! The planted bugs that a command uses: wrappers in this program, and patches in the repository that it runs in.

use aviary::scenario::nearest_name;

use super::patches::{self, Patch};
use crate::Exit;
use crate::report::usage;
use crate::tweets::saboteurs::{self, Saboteur};

/// The bugs to plant.
pub(crate) struct Chosen {
    pub(crate) wrappers: Vec<&'static Saboteur>,
    pub(crate) patches: Vec<Patch>,
}

impl Chosen {
    /// The wrappers with these names, or all if there are no names. The same for patches, if `with_patches`. Prints an
    /// error.
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

/// Reports that no saboteur has this name, with a hint from the names of wrappers and of these patches.
pub(crate) fn unknown(name: &str, patches: &[Patch]) -> Exit {
    let wrappers = saboteurs::all().map(|saboteur| saboteur.name);
    let names: Vec<&str> = wrappers.chain(patches.iter().map(|patch| patch.name.as_str())).collect();
    usage(&format!("unknown saboteur `{name}`\n{}", nearest_name(name, &names)))
}
