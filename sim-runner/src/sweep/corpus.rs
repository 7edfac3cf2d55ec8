//! `--corpus`: runs every saved failure again before the search begins.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aviary::scenario::{Service, Verdict};
use aviary::search::{Recheck, Runner, recheck};
use serde::Serialize;

use crate::Exit;
use crate::files::{Loaded, files_below, load};
use crate::report::{BAD, GOOD, UNDECIDED, WARN, error, load_errors};

/// The saved failures of a folder, which may be empty.
pub(super) struct Corpus<S: Service>(Vec<Loaded<S>>);

/// A saved failure that was run again.
#[derive(Serialize)]
pub(super) struct Checked {
    file: String,
    property: String,
    /// `still fails`, `fails otherwise`, `passes`, `stale` or `not run`.
    now: &'static str,
    /// The reason, unless it is the name of the same property.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Checked {
    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }
}

/// Reads a folder of failures, or prints what is wrong with it.
pub(super) fn read<S: Service>(folder: &Path) -> Result<Corpus<S>, Exit> {
    if !folder.is_dir() {
        error(format_args!("there is no folder {} of saved failures", folder.display()));
        return Err(Exit::Usage);
    }
    let files: Vec<PathBuf> = files_below(folder).map_err(|why| {
        error(format_args!("{why}"));
        Exit::Usage
    })?;
    let loaded = load::<S>(&files).map_err(|errors| load_errors(&errors))?;
    let plain = loaded.iter().find(|one| one.failure.is_none());
    if let Some(one) = plain {
        let path = one.path.display();
        error(format_args!("{path} is a scenario and no saved failure: name it as what is to be swept"));
        return Err(Exit::Usage);
    }
    Ok(Corpus(loaded))
}

impl<S: Service> Corpus<S> {
    /// Runs each again, except failures found with a planted bug other than `saboteur`.
    pub(super) fn check(&self, runner: &Runner<S>, saboteur: Option<&str>) -> Vec<Checked> {
        let failures = self.0.iter().filter_map(|one| Some((one, one.failure.as_ref()?)));
        let check = |(one, failure): (&Loaded<S>, &aviary::search::Failure<S>)| {
            let (now, reason, exit) = if failure.saboteur.as_deref() == saboteur {
                result_of(recheck(runner, failure), &failure.property)
            } else {
                let planted = match &failure.saboteur {
                    Some(name) => format!("it was found with --saboteur {name}"),
                    None => "it was found without a saboteur".to_owned(),
                };
                ("not run", Some(planted), Exit::Passed)
            };
            let (file, property) = (one.path.display().to_string(), failure.property.clone());
            Checked { file, property, now, reason, exit }
        };
        failures.map(check).collect()
    }
}

fn result_of(recheck: Recheck, property: &str) -> (&'static str, Option<String>, Exit) {
    match recheck {
        Recheck::StillFails if property == "progress" => ("still fails", None, Exit::Stalled),
        Recheck::StillFails if ["stale", UNDECIDED].contains(&property) => ("still fails", None, Exit::Stale),
        Recheck::StillFails => ("still fails", None, Exit::Violated),
        Recheck::FailsOtherwise(verdict) => {
            ("fails otherwise", Some(verdict.to_string()), Exit::of(&verdict))
        }
        Recheck::Passes => ("passes", None, Exit::Passed),
        Recheck::Stale(verdict) => ("stale", Some(Verdict::to_string(&verdict)), Exit::Stale),
    }
}

/// Prints one line per failure.
pub(super) fn text(out: &mut impl Write, folder: &Path, checked: &[Checked]) -> io::Result<()> {
    writeln!(out, "corpus {}: {} saved failures", folder.display(), checked.len())?;
    for Checked { file, property, now, reason, exit } in checked {
        let style = match exit {
            Exit::Passed => GOOD,
            Exit::Stale => WARN,
            _ => BAD,
        };
        let reason = reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        writeln!(out, "  {style}{now}{style:#}  {file}  {property}{reason}")?;
    }
    Ok(())
}
