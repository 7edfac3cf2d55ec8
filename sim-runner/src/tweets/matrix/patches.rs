//! Saboteurs that no wrapper reaches: patches, applied one at a time to a copy of the source.
//!
//! Nothing of the repository is touched but `target/saboteurs`, where the copies are built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where they are, seen from the root of the repository.
const FOLDER: &str = "tests/saboteurs";

/// Where they are built, seen from the root of the repository.
const TARGET: &str = "target/saboteurs";

/// One patch.
pub(crate) struct Patch {
    /// The name of its file without the extension.
    pub(crate) name: String,
    /// Its first line: what is planted.
    pub(crate) about: String,
    path: PathBuf,
}

/// A copy of every tracked file, as it is, outside of the repository. It goes when this is dropped.
pub(crate) struct Copied {
    root: PathBuf,
    copy: PathBuf,
}

/// Every patch of the repository that this is run in, by name.
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
    /// A copy of the source to which every one of these applies; `None` when there are none.
    pub(crate) fn of(patches: &[Patch]) -> Result<Option<Copied>, String> {
        if patches.is_empty() {
            return Ok(None);
        }
        let copied = Copied::new()?;
        let stale: Vec<String> = patches.iter().filter_map(|patch| copied.check(patch).err()).collect();
        if stale.is_empty() { Ok(Some(copied)) } else { Err(stale.join("\n")) }
    }

    /// Copies what is tracked.
    fn new() -> Result<Copied, String> {
        let root = root()?;
        let copy = std::env::temp_dir().join(format!("aviary-saboteurs-{}", std::process::id()));
        if copy.is_dir() {
            // Of a run that was killed: no process of this number runs any more.
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
                // Tracked and deleted: not part of the source as it is.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
                done => done,
            });
            done.map_err(|error| format!("failed to copy {}: {error}", from.display()))?;
        }
        Ok(copied)
    }

    /// Whether `patch` applies; an error names it and the files that have moved on.
    pub(crate) fn check(&self, patch: &Patch) -> Result<(), String> {
        let output = self.git_apply(patch, &["--check"])?;
        if output.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // `error: patch failed: src/a.rs:7`, or `error: src/a.rs: No such file or directory`.
        let moved = told.lines().filter_map(|line| match line.strip_prefix("error: patch failed: ") {
            Some(place) => Some(place.to_owned()),
            None => {
                line.strip_prefix("error: ")?.strip_suffix(": No such file or directory").map(str::to_owned)
            }
        });
        let moved: Vec<String> = moved.collect();
        let moved = if moved.is_empty() { told.trim().to_owned() } else { moved.join(", ") };
        Err(format!(
            "{FOLDER}/{}.patch no longer applies: the source has moved on at {moved}; plant its bug there anew",
            patch.name
        ))
    }

    /// Applies `patch`, does something with the copy, and takes it out again.
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
        // Should the copy be inside some other repository, that is none of its business.
        command.env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy));
        run(&mut command)
    }

    /// Whether the library builds.
    pub(crate) fn check_build(&self) -> Result<(), String> {
        self.cargo(&["check", "--package", "aviary", "--lib"])
    }

    /// Builds the command line and says where it is.
    pub(crate) fn build(&self) -> Result<PathBuf, String> {
        self.cargo(&["build", "--package", "sim-runner", "--bin", "sim-runner"])?;
        let name = format!("sim-runner{}", std::env::consts::EXE_SUFFIX);
        Ok(self.root.join(TARGET).join("debug").join(name))
    }

    /// Builds a command line that runs fast, for when it is to run long, and says where it is.
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
        // Built once and run for a second: what counts is how soon it is built.
        let settings = ["OPT_LEVEL", "DEBUG"].map(|name| (format!("CARGO_PROFILE_DEV_{name}"), "0"));
        self.cargo_with(args, &settings)
    }

    fn cargo_with(&self, args: &[&str], settings: &[(String, &str)]) -> Result<(), String> {
        let mut command = Command::new("cargo");
        command.args(args).args(["--quiet", "--locked"]).current_dir(&self.copy);
        command.env("CARGO_TARGET_DIR", self.root.join(TARGET));
        // The same copy is built again for each patch: what is kept of the build before saves nine tenths.
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
        // What cannot be removed is in a folder for temporary files.
        let _ = fs::remove_dir_all(&self.copy);
    }
}

/// What `program` says of these scenarios: one JSON object a line.
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
