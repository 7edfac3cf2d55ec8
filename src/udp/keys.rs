//! Keys and the files that hold them, which only their owner may read.
//!
//! ```text
//! cluster.key            client-master.key            client.key
//! aviary cluster key 1   aviary client master key 1   aviary client key 2
//! 64 hex digits          64 hex digits                number 0
//!                                                     clients 0 to 1023
//!                                                     64 hex digits
//! ```
//!
//! The first two are drawn at random. A client key is derived from the master by its number, so that sites need no list
//! of client keys. Two keys of datagrams are derived from the client key, one for each direction (HKDF-SHA256, RFC
//! 5869):
//!
//! ```text
//! client key N  = HKDF(salt "aviary client master key 1", master,       info "client key", N)
//! datagram key  = HKDF(salt "aviary client key 2",        client key N, info "datagrams", cluster u64 LE, N, direction)
//! ```
//!
//! The numbers of clients are divided among keys: key N is for the clients N × 1024 to N × 1024 + 1023 alone.

use core::fmt;
use core::ops::RangeInclusive;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The name of the file with the key of the sites, beside `sites.ron`.
pub const CLUSTER_KEY: &str = "cluster.key";

/// The name of the file with the key that client keys are derived from, beside `sites.ron`.
pub const CLIENT_MASTER_KEY: &str = "client-master.key";

/// The name of the file with a client's key, beside `sites.ron`.
pub const CLIENT_KEY: &str = "client.key";

/// A secret. It is never shown, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The keys of a site.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The key for datagrams between sites.
    pub sites: Option<Key>,
    /// The key that client keys are derived from. A site without it serves no clients but its own terminal.
    pub client_master: Option<Key>,
    /// Revoked client keys: datagrams under them are dropped.
    pub denied: KeySet,
}

/// The number of a client key in its cluster: 0 to 63.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KeyNumber(u8);

/// A set of client keys.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct KeySet(u64);

/// A client key, and its number.
#[derive(Clone, Debug)]
pub struct ClientKey {
    number: KeyNumber,
    key: Key,
}

/// The direction of a datagram between a client and a site. Each direction has a key of its own, so that no datagram of
/// a client passes for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    ToSites = 1,
    ToClients = 2,
}

/// One of the two keys that only machines of sites hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// The key of the sites.
    Cluster,
    /// The key that client keys are derived from.
    ClientMaster,
}

impl KeyKind {
    const fn title(self) -> &'static str {
        match self {
            KeyKind::Cluster => "aviary cluster key 1",
            KeyKind::ClientMaster => MASTER_TITLE,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            KeyKind::Cluster => "cluster key",
            KeyKind::ClientMaster => "client master key",
        }
    }
}

const MASTER_TITLE: &str = "aviary client master key 1";

const CLIENT_TITLE: &str = "aviary client key 2";

/// The title of an earlier format, in which all clients and the sites shared one key.
const SHARED_CLIENT_TITLE: &str = "aviary client key 1";

/// Why a key file is refused.
#[derive(Debug)]
pub enum KeyError {
    /// The operating system refuses.
    Io(String, io::Error),
    /// Others than its owner may read it: this mode allows that.
    Exposed(String, u32),
    /// It does not hold a key of this kind.
    Malformed(String, KeyKind),
    /// It does not hold a client key.
    MalformedClient(String),
    /// It has the earlier format, in which all clients of a cluster and its sites shared one key.
    Shared(String),
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
            KeyError::MalformedClient(path) => write!(
                f,
                "{path} holds no client key: expected the lines \"{CLIENT_TITLE}\", \"number N\", \"clients A to B\" \
                 and 64 hexadecimal digits, as `site client-key` writes them"
            ),
            KeyError::Shared(path) => write!(
                f,
                "{path} is a client key of an earlier version, which any client could answer others with; \
                 `site client-key --number 0 --output {CLIENT_KEY}` on a machine of a site writes one of this version, \
                 and `site init --sites 1 --dir fresh` a {CLIENT_MASTER_KEY} for the sites if there is none"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl KeyNumber {
    /// The number of client keys of a cluster.
    pub const COUNT: u8 = 64;

    /// The number of clients of one key.
    pub const CLIENTS: u16 = 1_024;

    /// The key that `init` writes.
    pub const FIRST: KeyNumber = KeyNumber(0);

    /// The key with this number, if it is below [`KeyNumber::COUNT`].
    pub fn new(number: u8) -> Option<KeyNumber> {
        (number < KeyNumber::COUNT).then_some(KeyNumber(number))
    }

    /// Every key.
    pub fn all() -> impl Iterator<Item = KeyNumber> {
        (0..KeyNumber::COUNT).map(KeyNumber)
    }

    /// The key of this client.
    pub fn of(client: u16) -> KeyNumber {
        KeyNumber((client >> 10).to_le_bytes()[0])
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The clients of this key.
    pub fn clients(self) -> RangeInclusive<u16> {
        let first = u16::from(self.0) * KeyNumber::CLIENTS;
        first..=first + (KeyNumber::CLIENTS - 1)
    }
}

impl KeySet {
    /// Whether it holds this key.
    pub fn contains(self, key: KeyNumber) -> bool {
        self.0 & (1 << key.0) != 0
    }

    /// Adds a key; false if it was there.
    pub fn insert(&mut self, key: KeyNumber) -> bool {
        let is_new = !self.contains(key);
        self.0 |= 1 << key.0;
        is_new
    }

    /// Its keys, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = KeyNumber> {
        KeyNumber::all().filter(move |key| self.contains(*key))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(KeyNumber::number)).finish()
    }
}

impl Keys {
    /// Reads both keys of a site from the folder that `init` wrote. It denies no client key.
    pub fn read(dir: &Path) -> Result<Keys, KeyError> {
        Ok(Keys {
            sites: Some(Key::read(&dir.join(CLUSTER_KEY), KeyKind::Cluster)?),
            client_master: Some(Key::read(&dir.join(CLIENT_MASTER_KEY), KeyKind::ClientMaster)?),
            denied: KeySet::default(),
        })
    }
}

impl Key {
    /// The key with these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        Key(Zeroizing::new(bytes))
    }

    /// A key that the operating system draws.
    pub fn random() -> Result<Key, getrandom::Error> {
        let mut key = Key::from_bytes([0; 32]);
        getrandom::fill(&mut *key.0)?;
        Ok(key)
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        *self.0
    }

    /// Derives the client key with this number. `self` must be a client master key.
    pub fn client_key(&self, number: KeyNumber) -> ClientKey {
        ClientKey { number, key: self.derive(MASTER_TITLE, &[b"client key", &[number.0]]) }
    }

    fn derive(&self, salt: &str, info: &[&[u8]]) -> Key {
        let mut key = Key::from_bytes([0; 32]);
        Hkdf::<Sha256>::new(Some(salt.as_bytes()), &*self.0)
            .expand_multi_info(info, &mut *key.0)
            .expect("32 bytes are one block of SHA-256");
        key
    }

    /// Writes the key to a file that must not exist yet, durably, for its owner alone.
    pub fn write(&self, path: &Path, kind: KeyKind) -> io::Result<()> {
        write(path, &[kind.title()], self)
    }

    /// Reads the file at `path`. Refuses it if others than its owner may read it too.
    pub fn read(path: &Path, kind: KeyKind) -> Result<Key, KeyError> {
        let (shown, text) = read(path)?;
        if is_shared(&text) {
            return Err(KeyError::Shared(shown));
        }
        Key::parse(&text, kind).ok_or(KeyError::Malformed(shown, kind))
    }

    fn parse(text: &[u8], kind: KeyKind) -> Option<Key> {
        let text = core::str::from_utf8(text).ok()?;
        Key::from_digits(text.strip_prefix(kind.title())?.trim())
    }

    fn from_digits(digits: &str) -> Option<Key> {
        let is_whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut key = Key::from_bytes([0; 32]);
        for (at, byte) in key.0.iter_mut().enumerate().filter(|_| is_whole) {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
        }
        is_whole.then_some(key)
    }
}

impl ClientKey {
    /// Its number in its cluster.
    pub fn number(&self) -> KeyNumber {
        self.number
    }

    /// Derives the key for datagrams of this cluster in one direction.
    pub(super) fn datagram_key(&self, cluster: u64, direction: Direction) -> Key {
        let context = [self.number.0, direction as u8];
        self.key.derive(CLIENT_TITLE, &[b"datagrams", &cluster.to_le_bytes(), &context])
    }

    /// Writes the key to a file that must not exist yet, durably, for its owner alone.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let (clients, number) = (self.number.clients(), self.number.0);
        let clients = format!("clients {} to {}", clients.start(), clients.end());
        write(path, &[CLIENT_TITLE, &format!("number {number}"), &clients], &self.key)
    }

    /// Reads the file at `path`. Refuses it if others than its owner may read it too.
    pub fn read(path: &Path) -> Result<ClientKey, KeyError> {
        let (shown, text) = read(path)?;
        if is_shared(&text) {
            return Err(KeyError::Shared(shown));
        }
        ClientKey::parse(&text).ok_or(KeyError::MalformedClient(shown))
    }

    fn parse(text: &[u8]) -> Option<ClientKey> {
        let mut lines = core::str::from_utf8(text).ok()?.trim_end().lines();
        if lines.next()? != CLIENT_TITLE {
            return None;
        }
        let number = KeyNumber::new(lines.next()?.strip_prefix("number ")?.parse().ok()?)?;
        let clients = number.clients();
        let are_its_own = lines.next()? == format!("clients {} to {}", clients.start(), clients.end());
        let key = Key::from_digits(lines.next()?)?;
        (are_its_own && lines.next().is_none()).then_some(ClientKey { number, key })
    }
}

fn is_shared(text: &[u8]) -> bool {
    text.starts_with(SHARED_CLIENT_TITLE.as_bytes())
}

fn write(path: &Path, head: &[&str], key: &Key) -> io::Result<()> {
    let digits = Zeroizing::new(key.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    write_new(path, |file| writeln!(file, "{}\n{}", head.join("\n"), *digits))
}

/// Makes a file for its owner alone. Where it cannot be written to its end, no part of it is left in the way of the next
/// try.
pub(crate) fn write_new(path: &Path, put: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = put(&mut file).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// The path as text for people, and the content of the file.
fn read(path: &Path) -> Result<(String, Zeroizing<Vec<u8>>), KeyError> {
    let shown = path.display().to_string();
    let failed = |error| KeyError::Io(shown.clone(), error);
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed(shown, mode));
    }
    let text = Zeroizing::new(fs::read(path).map_err(failed)?);
    Ok((shown, text))
}

#[cfg(test)]
mod tests;
