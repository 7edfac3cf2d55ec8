//! Keys and the files that hold them: 32 random bytes that only their owner may read.
//!
//! ```text
//! aviary cluster key 1
//! 64 hexadecimal digits
//! ```

use core::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// The name of the file with the key of the sites, beside `sites.ron`.
pub const CLUSTER_KEY: &str = "cluster.key";

/// The name of the file with the key of clients, beside `sites.ron`.
pub const CLIENT_KEY: &str = "client.key";

/// A secret. It is never shown, and wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The keys that a process has.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// What sites speak with among each other. Clients have none.
    pub sites: Option<Key>,
    /// What clients and sites speak with. A site without it serves no clients but its own terminal.
    pub clients: Option<Key>,
}

/// Whose key a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// That of the sites.
    Cluster,
    /// That of clients.
    Client,
}

impl KeyKind {
    const fn title(self) -> &'static str {
        match self {
            KeyKind::Cluster => "aviary cluster key 1",
            KeyKind::Client => "aviary client key 1",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            KeyKind::Cluster => "cluster key",
            KeyKind::Client => "client key",
        }
    }
}

/// Why a key file is refused.
#[derive(Debug)]
pub enum KeyError {
    /// The operating system refuses.
    Io(String, io::Error),
    /// Others than its owner may read it.
    Exposed(String, u32),
    /// It does not hold such a key.
    Malformed(String, KeyKind),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Io(path, error) => {
                write!(f, "failed to open the key {path}: {error}; copy it from where the cluster was made")
            }
            KeyError::Exposed(path, mode) => write!(
                f,
                "others can read the key {path} (mode {mode:03o}): `chmod 600 {path}`, and if somebody may have, \
                 make another"
            ),
            KeyError::Malformed(path, kind) => write!(
                f,
                "{path} holds no {}: expected the line \"{}\" and a line of 64 hexadecimal digits",
                kind.name(),
                kind.title()
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl Key {
    /// Of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key(Zeroizing::new(bytes))
    }

    /// Drawn by the operating system.
    pub fn random() -> Result<Key, getrandom::Error> {
        let mut key = Key::from_bytes([0; 32]);
        getrandom::fill(&mut *key.0)?;
        Ok(key)
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        *self.0
    }

    /// Writes a file that did not exist, durably, for its owner alone.
    pub fn write(&self, path: &Path, kind: KeyKind) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let digits = Zeroizing::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        writeln!(file, "{}\n{}", kind.title(), *digits)?;
        file.sync_all()
    }

    /// Reads the file at `path`, unless others than its owner may read it too.
    pub fn read(path: &Path, kind: KeyKind) -> Result<Key, KeyError> {
        let shown = path.display().to_string();
        let failed = |error| KeyError::Io(shown.clone(), error);
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed(shown, mode));
        }
        let text = Zeroizing::new(fs::read(path).map_err(failed)?);
        Key::parse(&text, kind).ok_or(KeyError::Malformed(shown, kind))
    }

    fn parse(text: &[u8], kind: KeyKind) -> Option<Key> {
        let text = core::str::from_utf8(text).ok()?;
        let digits = text.strip_prefix(kind.title())?.trim();
        let is_whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut key = Key::from_bytes([0; 32]);
        for (at, byte) in key.0.iter_mut().enumerate().filter(|_| is_whole) {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
        }
        is_whole.then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_unless_others_can_read_it() {
        let folder = std::env::temp_dir().join(format!("aviary-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cluster.key");
        let _ = fs::remove_file(&path);
        let key = Key::random().unwrap();
        key.write(&path, KeyKind::Cluster).unwrap();
        assert_eq!(Key::read(&path, KeyKind::Cluster).unwrap().bytes(), key.bytes());
        assert!(key.write(&path, KeyKind::Cluster).is_err(), "no key is overwritten");
        let error = Key::read(&path, KeyKind::Client).unwrap_err().to_string();
        assert!(error.ends_with("holds no client key: expected the line \"aviary client key 1\" and a line of 64 hexadecimal digits"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Key::read(&path, KeyKind::Cluster).unwrap_err().to_string();
        assert!(error.contains("(mode 640): `chmod 600 "), "{error}");
        fs::remove_dir_all(&folder).unwrap();
        let error = Key::read(&path, KeyKind::Cluster).unwrap_err().to_string();
        assert!(error.contains("failed to open the key"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let digits = "0123456789abcdef".repeat(4);
        let parse = |text: String| Key::parse(text.as_bytes(), KeyKind::Cluster);
        assert!(parse(format!("aviary cluster key 1\n{digits}\n")).is_some());
        for wrong in [
            String::new(),
            digits.clone(),
            format!("aviary cluster key 2\n{digits}"),
            format!("aviary cluster key 1\n{digits}0"),
            format!("aviary cluster key 1\n{}", &digits[1..]),
            format!("aviary cluster key 1\n{}", digits.replace('f', "g")),
            format!("aviary cluster key 1\n+{}", &digits[1..]),
        ] {
            assert!(parse(wrong.clone()).is_none(), "{wrong}");
        }
    }
}
