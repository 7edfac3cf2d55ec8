//! The files of a ring: numbered, bounded in number and bytes, the oldest removed first. Only their owner may read them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use super::{RECORD_MAX, RecorderError, RecorderSettings};
use crate::recording;

/// The most files, however small: every start begins one.
const FILES_MAX: usize = 64;

/// Bytes for the beginning of a file besides the state of its site: its header, and the state of a terminal.
const ROOM: u64 = 1 << 20;

/// Bytes at the front of a file that contain its whole header.
const HEADER_BYTES: u64 = 4 << 10;

pub(super) struct Ring {
    folder: PathBuf,
    bytes_max: u64,
    /// The size of each finished file, by number.
    files: BTreeMap<u64, u64>,
    /// The file that is being written: its number, and the bytes in it.
    current: Option<(u64, File, u64)>,
}

/// The bytes of entries that follow a state of `state` bytes: a quarter of the ring, or as many as the state has if
/// those are more. So at most half of what is written are states.
pub(super) fn entries_max(bytes_max: u64, state: u64) -> u64 {
    (bytes_max / 4).max(state)
}

impl Ring {
    pub(super) fn open(settings: &RecorderSettings) -> Result<Ring, RecorderError> {
        let folder = settings.folder.clone();
        let failed = |what, path: &PathBuf| {
            let path = path.clone();
            move |error| RecorderError::Io(what, path, error)
        };
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
        made.map_err(failed("make the folder", &folder))?;
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(failed("read the folder", &folder))? {
            let entry = entry.map_err(failed("read the folder", &folder))?;
            let Some(number) = entry.file_name().to_str().and_then(number_of) else { continue };
            let size = entry.metadata().map_err(failed("look at", &entry.path()))?.len();
            files.insert(number, size);
        }
        let ring = Ring { folder, bytes_max: settings.bytes_max, files, current: None };
        if let Some(newest) = ring.files.keys().next_back() {
            let path = ring.path(*newest);
            let front = front_of(&path).map_err(failed("read", &path))?;
            // A file that is no recording, or has another format, gives way like any other.
            if let Ok(header) = recording::File::header_of(&front)
                && (header.process, header.cluster) != (settings.site, settings.cluster)
            {
                return Err(RecorderError::Others(ring.folder, header.process, header.cluster));
            }
        }
        Ok(ring)
    }

    /// The number of the next file.
    pub(super) fn next_number(&self) -> u64 {
        let newest = self.current.as_ref().map(|(number, ..)| *number);
        newest.or(self.files.keys().next_back().copied()).map_or(0, |newest| newest + 1)
    }

    /// Checks that a file that begins with a state of `state` bytes takes at most half of the ring.
    pub(super) fn check(&self, state: usize) -> io::Result<()> {
        let state = state as u64;
        let needed = state.saturating_add(entries_max(self.bytes_max, state)).saturating_add(ROOM);
        if needed <= self.bytes_max / 2 {
            return Ok(());
        }
        let least = needed.saturating_mul(2).div_ceil(1 << 20);
        let cure = if least << 20 > RECORD_MAX {
            "no ring takes that".into()
        } else {
            format!("give it at least {least} MiB with --record-max")
        };
        let bound = self.bytes_max;
        Err(io::Error::other(format!(
            "its state takes {state} bytes, too many for a ring of {bound}; {cure}"
        )))
    }

    /// Finishes the current file, makes room for one that begins with `opening` and goes on for [`entries_max`] bytes,
    /// and begins that one.
    pub(super) fn turn(&mut self, opening: &[u8], state: u64) -> io::Result<()> {
        let number = self.next_number();
        if let Some((before, _, size)) = self.current.take() {
            self.files.insert(before, size);
        }
        let needed = opening.len() as u64 + entries_max(self.bytes_max, state);
        while self.files.len() >= FILES_MAX || self.files.values().sum::<u64>() + needed > self.bytes_max {
            let Some((oldest, _)) = self.files.pop_first() else { break };
            fs::remove_file(self.path(oldest))?;
        }
        let file = File::options().write(true).create_new(true).mode(0o600).open(self.path(number))?;
        self.current = Some((number, file, 0));
        self.write(opening)
    }

    /// Appends to the current file.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.current {
            Some((_, file, size)) => {
                file.write_all(bytes)?;
                *size += bytes.len() as u64;
                Ok(())
            }
            None => Err(io::Error::other("nothing was begun")),
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:08}.rec"))
    }
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".rec")?.parse().ok()
}

fn front_of(path: &PathBuf) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    File::open(path)?.take(HEADER_BYTES).read_to_end(&mut front).map(|_| front)
}
