//! Saboteurs that no wrapper can implement: patches, applied one at a time to a copy of the source.
//!
//! In the repository only `target/saboteurs` is written, where the copies are built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the patches, relative to the root of the repository.
const FOLDER: &str = "tests/saboteurs";

/// The folder in which they are built, relative to the root of the repository.
const TARGET: &str = "target/saboteurs";

/// One patch.
pub(crate) struct Patch {
    /// The name of its file without the extension.
    pub(crate) name: String,
    /// Its first line, which describes the planted bug.
    pub(crate) about: String,
    path: PathBuf,
}

/// A copy of every tracked file, as it is, outside of the repository. Dropping this removes the copy.
pub(crate) struct Copied {
    root: PathBuf,
    copy: PathBuf,
}

/// Every patch of the repository in which this program runs, sorted by name.
pub(crate) fn all() -> Result<Vec<Patch>, String> {
    let folder = root()?.join(FOLDER);
    let failed = |error: io::Error| format!("failed to read {}: {error}", folder.display());
    let mut patches = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
        let about = text.lines().next().unwrap_or_default().trim().to_owned();
        if !about.ends_with('.') {
            return Err(format!(
                "{FOLDER}/{name}.patch does not begin with a sentence that says what is planted"
            ));
        }
        patches.push(Patch { name, about, path });
    }
    patches.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(patches)
}

fn root() -> Result<PathBuf, String> {
    let output = run(Command::new("git").args(["rev-parse", "--show-toplevel"]))?;
    match output.status.success() {
        true => Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end())),
        false => Err("patches are applied to a copy of the source: run this inside its repository".into()),
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        format!("failed to run {program}: {error}")
    })
}

impl Copied {
    /// A copy of the source to which all of these patches apply; `None` when there are no patches.
    pub(crate) fn of(patches: &[Patch]) -> Result<Option<Copied>, String> {
        if patches.is_empty() {
            return Ok(None);
        }
        let copied = Copied::new()?;
        let stale: Vec<String> = patches.iter().filter_map(|patch| copied.check(patch).err()).collect();
        if stale.is_empty() { Ok(Some(copied)) } else { Err(stale.join("\n")) }
    }

    /// Copies the tracked files.
    fn new() -> Result<Copied, String> {
        let root = root()?;
        let copy = std::env::temp_dir().join(format!("aviary-saboteurs-{}", std::process::id()));
        if copy.is_dir() {
            // A killed run left this copy; no process with this number runs any more.
            let _ = fs::remove_dir_all(&copy);
        }
        fs::create_dir(&copy).map_err(|error| format!("failed to create {}: {error}", copy.display()))?;
        let copied = Copied { root, copy };
        let listed = run(Command::new("git").args(["ls-files", "-z"]).current_dir(&copied.root))?;
        let files = String::from_utf8_lossy(&listed.stdout).into_owned();
        for file in files.split_terminator('\0') {
            let (from, to) = (copied.root.join(file), copied.copy.join(file));
            let folder = to.parent().unwrap_or(&copied.copy);
            let done = fs::create_dir_all(folder).and_then(|()| match fs::copy(&from, &to) {
                // A file that is tracked but deleted is not part of the source as it is.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
                done => done,
            });
            done.map_err(|error| format!("failed to copy {}: {error}", from.display()))?;
        }
        Ok(copied)
    }

    /// Fails unless `patch` applies. The error names the patch and the files that changed.
    pub(crate) fn check(&self, patch: &Patch) -> Result<(), String> {
        let output = self.git_apply(patch, &["--check"])?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        // `error: patch failed: src/a.rs:7`, or `error: src/a.rs: No such file or directory`.
        let moved = errors.lines().filter_map(|line| match line.strip_prefix("error: patch failed: ") {
            Some(place) => Some(place.to_owned()),
            None => {
                line.strip_prefix("error: ")?.strip_suffix(": No such file or directory").map(str::to_owned)
            }
        });
        let moved: Vec<String> = moved.collect();
        let moved = if moved.is_empty() { errors.trim().to_owned() } else { moved.join(", ") };
        Err(format!(
            "{FOLDER}/{}.patch no longer applies: the source has moved on at {moved}; plant its bug there anew",
            patch.name
        ))
    }

    /// Applies `patch`, runs `act` on the copy, and reverts the patch.
    pub(crate) fn with<T>(
        &self,
        patch: &Patch,
        act: impl FnOnce(&Copied) -> Result<T, String>,
    ) -> Result<T, String> {
        self.apply(patch, &[])?;
        let done = act(self).map_err(|why| format!("{FOLDER}/{}.patch: {why}", patch.name));
        self.apply(patch, &["--reverse"])?;
        done
    }

    fn apply(&self, patch: &Patch, flags: &[&str]) -> Result<(), String> {
        let output = self.git_apply(patch, flags)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "failed to apply {FOLDER}/{}.patch: {}",
                patch.name,
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }

    fn git_apply(&self, patch: &Patch, flags: &[&str]) -> Result<Output, String> {
        let mut command = Command::new("git");
        command.arg("apply").args(flags).arg(&patch.path).current_dir(&self.copy);
        // If the copy is inside some other repository, git must not use that one.
        command.env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy));
        run(&mut command)
    }

    /// Whether the library builds with each of these. Patches that apply beside each other are built together; where such
    /// a group does not build, each of its patches is built alone, so that the error names the one at fault.
    pub(crate) fn check_builds(
        &self,
        patches: &[Patch],
        is_stopped: impl Fn() -> bool,
        mut checked: impl FnMut(&Patch),
    ) -> Result<(), String> {
        let mut rest: Vec<&Patch> = patches.iter().collect();
        while !rest.is_empty() && !is_stopped() {
            let (mut group, mut later) = (Vec::new(), Vec::new());
            for patch in rest {
                // The first one always applies: the copy is as it was.
                if self.git_apply(patch, &[])?.status.success() {
                    group.push(patch)
                } else {
                    later.push(patch)
                }
            }
            if group.is_empty() {
                let names: Vec<&str> = later.iter().map(|patch| &*patch.name).collect();
                return Err(format!("of {} none applies to the copy any more", names.join(", ")));
            }
            let built = self.check_build();
            for patch in group.iter().rev() {
                self.apply(patch, &["--reverse"])?;
            }
            if built.is_err() {
                for patch in group.iter().take_while(|_| !is_stopped()) {
                    self.with(patch, Copied::check_build)?;
                }
            }
            group.into_iter().for_each(&mut checked);
            rest = later;
        }
        Ok(())
    }

    /// Whether the library builds.
    fn check_build(&self) -> Result<(), String> {
        self.cargo(&["check", "--package", "aviary-sim", "--lib"])
    }

    /// Builds the command line and returns its path.
    pub(crate) fn build(&self) -> Result<PathBuf, String> {
        self.cargo(&["build", "--package", "sim-runner", "--bin", "sim-runner"])?;
        let name = format!("sim-runner{}", std::env::consts::EXE_SUFFIX);
        Ok(self.root.join(TARGET).join("debug").join(name))
    }

    /// Builds an optimised command line for long runs, and returns its path.
    pub(crate) fn build_fast(&self) -> Result<PathBuf, String> {
        // Whole-program optimisation would take longer than it saves.
        let settings = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")]
            .map(|(name, value)| (format!("CARGO_PROFILE_RELEASE_{name}"), value));
        self.cargo_with(
            &["build", "--release", "--package", "sim-runner", "--bin", "sim-runner"],
            &settings,
        )?;
        let name = format!("sim-runner{}", std::env::consts::EXE_SUFFIX);
        Ok(self.root.join(TARGET).join("release").join(name))
    }

    fn cargo(&self, args: &[&str]) -> Result<(), String> {
        // It is built once and runs for a second: only the build time counts.
        let settings = ["OPT_LEVEL", "DEBUG"].map(|name| (format!("CARGO_PROFILE_DEV_{name}"), "0"));
        self.cargo_with(args, &settings)
    }

    fn cargo_with(&self, args: &[&str], settings: &[(String, &str)]) -> Result<(), String> {
        let mut command = Command::new("cargo");
        command.args(args).args(["--quiet", "--locked"]).current_dir(&self.copy);
        command.env("CARGO_TARGET_DIR", self.root.join(TARGET));
        // The same copy is built again for each patch: incremental builds save nine tenths of the time.
        command.env("CARGO_INCREMENTAL", "1");
        for (name, value) in settings {
            command.env(name, value);
        }
        let output = run(&mut command)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("does not build\n{}", String::from_utf8_lossy(&output.stderr).trim_end())),
        }
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // A copy that cannot be removed remains in a folder for temporary files.
        let _ = fs::remove_dir_all(&self.copy);
    }
}

/// What `program` prints for these scenarios: one JSON object per line.
pub(crate) fn replay(
    program: &Path,
    files: &[PathBuf],
    seed: Option<u64>,
    events_max: u64,
) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(["replay", "--format", "json", "--events-max"]).arg(events_max.to_string());
    command.env_remove("SIM_RUNNER_SEED");
    if let Some(seed) = seed {
        command.arg("--seed").arg(seed.to_string());
    }
    let output = run(command.arg("--").args(files))?;
    match output.status.code() {
        Some(0..=1 | 3..=5) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => Err(format!(
            "its replay ends with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
