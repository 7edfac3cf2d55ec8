//! Files that are there whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

/// Writes `text` to the file at `path` by way of another one in the same folder, which then takes its name: whoever is
/// interrupted, or finds no room, leaves what was there before. An error names the file.
pub fn write_aside(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    fs::write(&aside, text).and_then(|()| fs::rename(&aside, path)).map_err(|why| {
        // It may not even be there.
        let _ = fs::remove_file(&aside);
        io::Error::new(why.kind(), format!("failed to write {}: {why}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_stays_as_it_was() {
        let folder = std::env::temp_dir().join(format!("aviary-aside-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.ron");
        write_aside(&path, "one").unwrap();
        write_aside(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        let error = write_aside(&folder.join("none/b.ron"), "three").unwrap_err();
        assert!(error.to_string().contains("none/b.ron"), "{error}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
