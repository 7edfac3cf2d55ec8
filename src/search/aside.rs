//! Writes files completely or not at all.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Writes `text` to the file at `path`. An interruption or a full disk leaves the old content in place: the text goes
/// to another file in the same folder first, which then takes over the name and the permissions. A pipe, a device, or
/// a file in a folder that takes no new files is written in place. Links are followed. An error names the file.
pub fn write_aside(path: &Path, text: &str) -> io::Result<()> {
    let named =
        |why: io::Error| io::Error::new(why.kind(), format!("failed to write {}: {why}", path.display()));
    let (real, before) = match target(path).map_err(named)? {
        Target::File(real) => (real.clone(), fs::metadata(&real).ok()),
        Target::Other => return fs::write(path, text).map_err(named),
    };
    let aside = real.with_file_name(format!(".{}.aviary-new", std::process::id()));
    if matches!(fs::write(&aside, ""), Err(why) if is_read_only(&why)) {
        return fs::write(&real, text).map_err(named);
    }
    let written = fs::write(&aside, text)
        .and_then(|()| before.map_or(Ok(()), |before| fs::set_permissions(&aside, before.permissions())))
        .and_then(|()| fs::rename(&aside, &real));
    written.map_err(|why| {
        // The other file may not exist.
        let _ = fs::remove_file(&aside);
        named(why)
    })
}

/// Whether the error says that a folder takes no new files. Its existing files may still be writable.
fn is_read_only(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Checks whether [`write_aside`] can write to `path`. It leaves no file behind.
pub fn can_write_aside(path: &Path) -> io::Result<()> {
    match target(path)? {
        Target::Other => OpenOptions::new().write(true).open(path).map(drop),
        Target::File(real) => {
            let is_there = real.exists();
            if is_there {
                OpenOptions::new().write(true).open(&real)?;
            }
            let aside = real.with_file_name(format!(".{}.aviary-new", std::process::id()));
            match fs::write(&aside, "").and_then(|()| fs::remove_file(&aside)) {
                Err(why) if is_there && is_read_only(&why) => Ok(()),
                tried => tried,
            }
        }
    }
}

/// The kind of file at a path.
enum Target {
    /// A plain file, or none yet, at the end of all links.
    File(PathBuf),
    /// A pipe or a device.
    Other,
}

fn target(path: &Path) -> io::Result<Target> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => fs::canonicalize(path).map(Target::File),
        Ok(_) => Ok(Target::Other),
        // A link to a file that does not exist yet is written through.
        Err(why) if why.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(next) => Ok(Target::File(path.parent().unwrap_or(Path::new("")).join(next))),
            Err(_) => Ok(Target::File(path.to_owned())),
        },
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_stays_as_it_was() {
        let folder = std::env::temp_dir().join(format!("aviary-aside-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.ron");
        can_write_aside(&path).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        write_aside(&path, "one").unwrap();
        write_aside(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        let error = write_aside(&folder.join("none/b.ron"), "three").unwrap_err();
        assert!(error.to_string().contains("none/b.ron"), "{error}");
        assert!(can_write_aside(&folder.join("none/b.ron")).is_err() && can_write_aside(&folder).is_err());
        let long = folder.join("x".repeat(250));
        write_aside(&long, "a name as long as it may be").unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_on_and_devices_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        let folder = std::env::temp_dir().join(format!("aviary-links-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, link, device) = (folder.join("file"), folder.join("link"), folder.join("device"));
        fs::write(&file, "before").unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        symlink("file", &link).unwrap();
        write_aside(&link, "after").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        symlink("/dev/null", &device).unwrap();
        can_write_aside(&device).unwrap();
        write_aside(&device, "nowhere").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let (new, to_new) = (folder.join("new"), folder.join("to_new"));
        symlink("new", &to_new).unwrap();
        write_aside(&to_new, "made").unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "made");
        fs::remove_dir_all(&folder).unwrap();
    }
}
