//! Keeps in each site's storage the limits under which a cluster's log was begun, and which never change.
//!
//! Each site computes its state from the log at each start. With room for fewer sessions, an acknowledged event could
//! then be one of an evicted session; with room for more, an event that was reported as not done could be done.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::replicated::sites_ron::Sites;

/// The file that holds the limit on open sessions, as decimal digits and a line's end.
const FILE: &str = "sessions_max";

/// Writes the file to new storage, durably.
pub(super) fn write(folder: &Path, sites: &Sites) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(folder.join(FILE))?;
    writeln!(file, "{}", sites.config.sessions_max)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Checks that storage was made for what `sites.ron` says. The error says what to do.
pub fn check(folder: &Path, sites: &Sites) -> Result<(), String> {
    let path = folder.join(FILE);
    // Storage without a journal is refused for that reason later.
    if !path.exists() && !holds_journal(folder) {
        return Ok(());
    }
    // Reading a pipe would wait.
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        let shown = path.display();
        return Err(format!("{shown} is no file; put the file itself in its place, then start again"));
    }
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            format!("it has no file {FILE}, which `site init` writes; copy the whole folder, or make a new cluster")
        }
        _ => format!("failed to read {}: {error}", path.display()),
    })?;
    let made_for: usize = text.trim_end().parse().map_err(|_| {
        format!("{} holds no number; restore it from the storage of another site", path.display())
    })?;
    let wanted = sites.config.sessions_max;
    if made_for == wanted {
        return Ok(());
    }
    Err(format!(
        "it was made for sessions_max: {made_for}, and sites.ron says {wanted}: what the log means depends on it; set it \
         back in sites.ron, or make a new cluster with --sessions-max {wanted}"
    ))
}

fn holds_journal(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("segment-"))
}
