//! Only the owner can read what a site stores, under any umask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::site::{Running, SITE, Scratch, shown};

/// `site` with these words under this umask.
fn under(umask: &str, words: &[String]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask $0; exec \"$@\"", umask, SITE]).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Everything at `path`, with its permissions.
fn modes(path: &Path) -> Vec<(String, u32)> {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut found = vec![(shown(path), metadata.permissions().mode() & 0o7777)];
    if metadata.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| found.extend(modes(&entry.unwrap().path())));
    }
    found
}

#[track_caller]
fn check_private(path: &Path, files_min: usize) {
    let found = modes(path);
    for (path, mode) in &found {
        let expected = if Path::new(path).is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{path} has mode {mode:o}");
    }
    assert!(found.len() >= files_min, "{found:?}");
}

#[test]
fn what_is_made_is_for_its_owner_alone() {
    for umask in ["000", "022", "077"] {
        let scratch = Scratch::new(&format!("umask-{umask}"));
        let deep = scratch.0.join("deep/er");
        let mut words = scratch.init_words(1);
        words.splice(words.len() - 1.., [shown(&deep)]);
        assert!(under(umask, &words).status().unwrap().success());
        check_private(&scratch.0.join("deep"), 7);
        fs::rename(&deep, scratch.dir()).unwrap();
        // A site creates its next file ahead, and a recording in a separate folder.
        let recording = scratch.0.join("recording/of/0");
        let config = shown(&scratch.config());
        let words = ["run", "--headless", "--id", "0", "--config", &config, "--record", &shown(&recording)];
        let running = Running::new(&mut under(umask, &words.map(String::from)));
        scratch.client(None, 20_000).tweet("ann".parse().unwrap(), "hello".parse().unwrap()).unwrap();
        running.terminate();
        check_private(&scratch.dir(), 7);
        check_private(&scratch.0.join("recording"), 4);
        let restored = scratch.0.join("restored");
        let words = ["restore", "--backup", &shown(&scratch.dir()), "--dir", &shown(&restored)];
        assert!(under(umask, &words.map(String::from)).status().unwrap().success());
        check_private(&restored, 6);
    }
}
