//! The file in which a session is saved: a scenario with everything that was done as steps.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use aviary::process::Process;
use aviary::scenario::session::Refusal;
use aviary::scenario::{RunOptions, Scenario, Service, read, run_configured, write};
use aviary::search::{can_write_aside, write_aside};

use crate::report::{ReplayCommand, quoted};
use crate::step::talk::refusal;

/// How every saved session begins. A file that begins otherwise is somebody else's.
const MARK: &str = "// Stepped: ";

/// Where a session is saved, and what its file says beside the scenario.
pub(super) struct SavedFile {
    path: PathBuf,
    /// The file that the session began with.
    from: PathBuf,
    saboteur: Option<String>,
    events_max: u64,
    /// What the file held at the beginning, or since it was saved here; `None` if it was not there.
    known: Option<String>,
}

impl SavedFile {
    /// The file at `path`, or why nothing may or can be written there.
    pub(super) fn new(
        path: PathBuf,
        from: &Path,
        saboteur: Option<&str>,
        events_max: u64,
    ) -> Result<SavedFile, String> {
        let known = fs::read_to_string(&path).ok();
        let file = SavedFile {
            path,
            from: from.to_owned(),
            saboteur: saboteur.map(str::to_owned),
            events_max,
            known,
        };
        match file.would_lose() {
            Some(why) => Err(why),
            None => match can_write_aside(&file.path) {
                Ok(()) => Ok(file),
                Err(why) => Err(format!("failed to write {}: {why}", file.path.display())),
            },
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The command that runs the file again.
    pub(super) fn replay(&self) -> String {
        let (saboteur, events_max) = (self.saboteur.as_deref(), Some(self.events_max));
        ReplayCommand { path: &self.path, seed: None, saboteur, events_max }.to_string()
    }

    /// Writes the file, reads it back and runs it. An error says why it is not there, or does not do what was done:
    /// `fingerprint` is that of the session's run.
    pub(super) fn save<S: Service>(
        &mut self,
        scenario: &Scenario<S>,
        fingerprint: &str,
        run: &RunOptions,
        configure: impl FnOnce(&mut <S::Process as Process>::Config),
    ) -> Result<(), Refusal> {
        if let Some(why) = self.would_lose() {
            return Err(refusal(why, "end the program and start it with -o and another name"));
        }
        let shown = self.path.display().to_string();
        if fs::read_to_string(&self.path).ok() != self.known && self.path.exists() {
            let why = format!("{shown} has changed since this session began or saved it");
            return Err(refusal(why, "keep it under another name, and save again"));
        }
        let head =
            format!("{MARK}saved by `step` from {}.\n// Replay:  {}\n", quoted(&self.from), self.replay());
        write_aside(&self.path, &(head + &write(scenario)))
            .map_err(|why| refusal(why.to_string(), "make room for it, and save again"))?;
        let text = fs::read_to_string(&self.path)
            .map_err(|why| refusal(format!("failed to read {shown} back: {why}"), "save again"))?;
        self.known = Some(text.clone());
        let again = read::<S>(&shown, &text)
            .map_err(|bad| refusal(format!("{shown} cannot be read back: {}", bad.render(false)), REPORT))?;
        let outcome = run_configured(&again, run, configure).map_err(|found| {
            let found = found.first().map(|one| one.message.clone()).unwrap_or_default();
            refusal(format!("{shown} cannot be run: {found}"), REPORT)
        })?;
        let found = format!("{:016x}", outcome.fingerprint);
        if found != fingerprint {
            let what =
                format!("{shown} is saved, but runs otherwise: fingerprint {found} instead of {fingerprint}");
            return Err(refusal(what, "`audit` shows where two runs of it differ"));
        }
        Ok(())
    }

    /// Why nothing may be written: something else would be lost.
    fn would_lose(&self) -> Option<String> {
        let real = fs::canonicalize(&self.path).ok()?;
        let shown = self.path.display();
        if fs::canonicalize(&self.from).is_ok_and(|from| from == real) {
            return Some(format!("{shown} is what is stepped through: save to another file with -o"));
        }
        let mut file = fs::File::open(&real).ok().filter(|_| real.is_file())?;
        let is_empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
        let mut begin = [0; MARK.len()];
        let is_ours = file.read_exact(&mut begin).is_ok() && begin == *MARK.as_bytes();
        (!is_ours && !is_empty).then(|| {
            format!("{shown} exists, and `step` has not saved it: save to another file with -o, or remove it")
        })
    }
}

/// What to do where the harness is wrong.
const REPORT: &str = "this is a fault of the harness: report it with the file";
