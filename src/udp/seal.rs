//! Sealed datagrams: a frame, encrypted and authenticated with a key of its cluster.
//!
//! ```text
//! offset  0        1          9     10       18          42          50      ..  16 B at the end
//!         version  cluster    key   cookie   nonce       count       frame       tag
//!         u8       u64 LE     u8    8 B      24 B        u64 LE
//!         └─────── authenticated ──────┘     random      └──── encrypted and authenticated ────┘
//! ```
//!
//! `key` is 0 for the key of the sites, 64 + N for datagrams from holders of client key N to sites, 128 + N for
//! datagrams from sites to those holders, and 192 + N for a notice of a site's host. A notice has no frame: it is a
//! challenge, the notice that the site is reading its journal, or counters. Sites derive all 64 client keys when they
//! start, so that no datagram of a stranger costs a derivation.
//!
//! The cipher is XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). Nonces are drawn at random: 24 bytes never repeat by
//! chance, and a counter would begin again after a crash. `count` numbers the datagrams that one process seals since
//! its start, from 1.
//!
//! # Cookies
//!
//! A site serves a client once it knows that the client receives at the address it sends from. `cookie` proves that:
//! the site sent it, sealed, to that address, in a [`Challenge`] to a datagram without it. The site drops such a
//! datagram, and the client seals it again with the cookie. A challenge is shorter than the datagram that it answers.
//! Only clients have cookies; the field is zero elsewhere.
//!
//! # Replays
//!
//! Anybody who records a sealed datagram can send it again, for ever. To the protocol this looks like a network that
//! duplicates and delays. The protocol tolerates that, as the simulator shows with the fault `late_copies`:
//!
//! - `Prepare`, `Promise`, `Accept`, `Accepted`, `Nack` and `Chosen` name their ballot. They are refused below the
//!   promised ballot, and a duplicate accept or vote counts once.
//! - A `Heartbeat` of a ballot that lost is refused. One of the leading ballot can keep followers waiting for a leader
//!   that is gone, but only while it is sent again and again, and only until a site campaigns under a higher ballot.
//!   `HeartbeatReply` answers one beat of one ballot.
//! - `Fetch`, `Survey` and `Query` are answered again. `FetchReply` holds chosen entries, which stay chosen.
//!   `SurveyReply` names its survey, whose number is never used twice, and each site counts once.
//! - `Forward`, `Relay` and `Request` are numbered by origin or session, so they take effect once.
//! - `Taken`, `Applied`, `Expired` and `Busy` name their request and, by a digest, its content. An answer that nothing
//!   was done stays true. `QueryReply` and `Behind` name a query, whose number belongs to one incarnation of a client.
//! - No address is learned from a datagram that is not newer than the last (see `routes`), so a replay cannot lead
//!   answers away. A replay from another address than its sender's draws a challenge, which only the holder of the key
//!   can answer.
//! - A challenge names the datagram that it answers, and a client sends that again at most three times. Every other
//!   notice of a site's host names its datagram too, and a client takes one such notice for each of its datagrams.
//!
//! # Limits
//!
//! - All sites share one key. An attacker who breaks into one site can pose as any other, to sites and to clients, and
//!   can derive every client key.
//! - All holders of one client key share its power. Each can pose as any client of its 1,024 numbers, send requests in
//!   those clients' sessions, read their requests and answers, and answer them as a site would. Holders who must not do
//!   that to each other need separate keys. Against clients of another key a holder can do none of this. A datagram
//!   names the key that sealed it; sites accept from a key only its own clients, and clients accept only what their own
//!   key sealed for them.
//! - A client key is valid for all users of the timeline, who have no passwords.
//! - `denied` in `sites.ron` revokes a key, at each site from its next start on. There are 64 keys per master.
//! - There is no forward secrecy. A key opens everything recorded under it before, and the master opens everything
//!   recorded under every client key.
//! - A program that is copied with its memory, as in a snapshot of its machine, draws the same nonces as its copy. Two
//!   datagrams under one nonce reveal their difference, and how to forge more under it.
//! - Everybody on the path sees times and sizes of datagrams, the numbers of their client keys, and cookies. An
//!   attacker who sees a client's datagrams and can send from its address can make the site answer them to that client
//!   again, for as long as the cookie is valid: up to twenty minutes.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::counters::Drop;
use super::keys::{ClientKey, Direction, Key, KeyNumber, KeySet, Keys};
pub use super::notices::{Challenge, Notice};
use crate::frame::DATAGRAM_MIN;
use crate::ids::ProcessId;

/// The version of sealed datagrams that this code speaks. Others are dropped.
pub const VERSION: u8 = 4;

const CLUSTER_AT: usize = 1;
const KEY_AT: usize = 9;
const COOKIE_AT: usize = 10;
const NONCE_AT: usize = 18;
const NONCE_BYTES: usize = 24;
const SEALED_AT: usize = NONCE_AT + NONCE_BYTES;
const COUNT_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// What sealing adds to a frame, in bytes.
pub const SEAL_BYTES: usize = SEALED_AT + COUNT_BYTES + TAG_BYTES;

/// The smallest limit on sealed datagrams that may be configured, in bytes.
pub const SEALED_MIN: usize = DATAGRAM_MIN + SEAL_BYTES;

/// The key byte of datagrams between sites. The next three are those of client key 0: to sites, to clients, and for
/// notices to clients.
const OF_SITES: u8 = 0;
const TO_SITES: u8 = 64;
const TO_CLIENTS: u8 = 128;
const NOTICES: u8 = 192;
const _: () = assert!(KeyNumber::COUNT <= TO_SITES && TO_CLIENTS == 2 * TO_SITES);

/// The claims of a datagram that was not opened yet. Anybody may have written them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealClaim {
    /// The key that it claims to be sealed with.
    pub party: Party,
    /// The client's cookie, or zero.
    pub cookie: u64,
}

/// The key that a datagram is sealed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// The key of the sites, for datagrams between sites.
    Sites,
    /// This client key, for datagrams from its holders and to them.
    Client(KeyNumber),
}

impl Party {
    /// The party whose key this process uses. The terminal of a site runs in the site's program.
    pub fn of(process: ProcessId) -> Party {
        match process {
            ProcessId::Site(_) | ProcessId::Terminal(_) => Party::Sites,
            ProcessId::Client(client) => Party::Client(KeyNumber::of(client)),
        }
    }
}

/// The datagrams that a sealer opens, by their direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SealSide {
    /// From sites and from clients to sites.
    Site,
    /// From sites to clients.
    Client,
    /// In all directions.
    Bystander,
}

/// The ciphers of one client key, one for each direction.
struct Pair {
    to_sites: XChaCha20Poly1305,
    to_clients: XChaCha20Poly1305,
}

/// Seals and opens the datagrams of one process.
pub struct Sealer {
    cluster: u64,
    side: SealSide,
    sites: Option<XChaCha20Poly1305>,
    /// By number; empty without client keys.
    clients: Vec<Option<Pair>>,
    denied: KeySet,
    nonces: ChaCha20Rng,
    count: u64,
}

/// A datagram that was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened<'a> {
    /// The key that opened it.
    pub party: Party,
    /// Its number among the datagrams of its sender, from 1 at each start.
    pub count: u64,
    /// The notice, if a site's host sent one. Then there is no frame.
    pub notice: Option<Notice>,
    /// The sealed frame.
    pub frame: &'a [u8],
}

impl Opened<'_> {
    /// The challenge, if it is one.
    pub fn challenge(&self) -> Option<Challenge> {
        match self.notice {
            Some(Notice::Challenge(challenge)) => Some(challenge),
            Some(Notice::Starting { .. } | Notice::Counters { .. }) | None => None,
        }
    }
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sealer").field("count", &self.count).finish_non_exhaustive()
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.bytes().into())
}

impl Pair {
    fn new(cluster: u64, key: &ClientKey) -> Pair {
        let of = |direction| cipher(&key.datagram_key(cluster, direction));
        Pair { to_sites: of(Direction::ToSites), to_clients: of(Direction::ToClients) }
    }
}

impl Sealer {
    /// A sealer for a site of this cluster. The operating system draws `seed`, which is used only once.
    pub fn new(cluster: u64, keys: &Keys, seed: [u8; 32]) -> Sealer {
        let clients = keys.client_master.iter().flat_map(|master| {
            KeyNumber::all().map(|number| Some(Pair::new(cluster, &master.client_key(number))))
        });
        Sealer {
            cluster,
            side: SealSide::Site,
            sites: keys.sites.as_ref().map(cipher),
            clients: clients.collect(),
            denied: keys.denied,
            nonces: ChaCha20Rng::from_seed(seed),
            count: 0,
        }
    }

    /// A sealer for a program of clients with these keys.
    pub fn of_clients(cluster: u64, keys: &[ClientKey], seed: [u8; 32]) -> Sealer {
        let of = |number| keys.iter().find(|key| key.number() == number);
        Sealer {
            cluster,
            side: SealSide::Client,
            sites: None,
            clients: KeyNumber::all().map(|number| Some(Pair::new(cluster, of(number)?))).collect(),
            denied: KeySet::default(),
            nonces: ChaCha20Rng::from_seed(seed),
            count: 0,
        }
    }

    /// A sealer for a program with the keys of a site that opens datagrams in all directions. It never seals.
    pub fn of_bystander(cluster: u64, keys: &Keys) -> Sealer {
        Sealer { side: SealSide::Bystander, ..Sealer::new(cluster, keys, [0; 32]) }
    }

    /// Seals with the keys of clients, but as a site does.
    #[cfg(test)]
    pub(super) fn posing_as_site(self) -> Sealer {
        Sealer { side: SealSide::Site, ..self }
    }

    /// Whether it has the key of this party.
    pub fn has(&self, party: Party) -> bool {
        match party {
            Party::Sites => self.sites.is_some(),
            Party::Client(number) => self.pair(number).is_some(),
        }
    }

    fn pair(&self, number: KeyNumber) -> Option<&Pair> {
        self.clients.get(usize::from(number.number()))?.as_ref()
    }

    /// The number of datagrams that it has sealed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Seals `frame` into `out`, in place of what `out` held. False if the key is missing: then send nothing.
    pub fn seal(&mut self, party: Party, frame: &[u8], out: &mut Vec<u8>) -> bool {
        self.seal_with(party, 0, frame, out)
    }

    /// Seals a notice to the holder of this client key, like [`Sealer::seal`].
    pub(super) fn notify(&mut self, key: KeyNumber, notice: &Notice, out: &mut Vec<u8>) -> bool {
        self.seal_as(Party::Client(key), NOTICES + key.number(), 0, &notice.encode(), out)
    }

    /// Like [`Sealer::seal`], with a cookie of the receiving site.
    pub fn seal_with(&mut self, party: Party, cookie: u64, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let byte = match (party, self.side) {
            (Party::Sites, _) => OF_SITES,
            (Party::Client(number), SealSide::Client) => TO_SITES + number.number(),
            (Party::Client(number), SealSide::Site | SealSide::Bystander) => TO_CLIENTS + number.number(),
        };
        self.seal_as(party, byte, cookie, frame, out)
    }

    fn seal_as(&mut self, party: Party, byte: u8, cookie: u64, frame: &[u8], out: &mut Vec<u8>) -> bool {
        if self.side == SealSide::Bystander || !self.has(party) {
            return false;
        }
        self.count += 1;
        let mut nonce = [0; NONCE_BYTES];
        self.nonces.fill_bytes(&mut nonce);
        let cipher = match (party, self.side) {
            (Party::Sites, _) => self.sites.as_ref(),
            (Party::Client(number), SealSide::Client) => self.pair(number).map(|pair| &pair.to_sites),
            (Party::Client(number), SealSide::Site | SealSide::Bystander) => {
                self.pair(number).map(|pair| &pair.to_clients)
            }
        };
        out.clear();
        out.push(VERSION);
        out.extend_from_slice(&self.cluster.to_le_bytes());
        out.push(byte);
        out.extend_from_slice(&cookie.to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(frame);
        let (head, body) = out.split_at_mut(SEALED_AT);
        let tag = cipher
            .expect("it was looked for above")
            .encrypt_inout_detached(&XNonce::from(nonce), &head[..NONCE_AT], body.into())
            .expect("a datagram is shorter than what one nonce can encrypt");
        out.extend_from_slice(&tag);
        true
    }

    /// Reads the claims of a datagram without opening it. An error if this side accepts no such datagrams.
    pub fn claim(&self, bytes: &[u8]) -> Result<SealClaim, Drop> {
        let (party, _, _) = self.look_at(bytes)?;
        let cookie = bytes[COOKIE_AT..NONCE_AT].try_into().expect("that is its length");
        Ok(SealClaim { party, cookie: u64::from_le_bytes(cookie) })
    }

    /// Opens a datagram in place, or returns the reason for dropping it.
    pub fn open<'a>(&self, bytes: &'a mut [u8]) -> Result<Opened<'a>, Drop> {
        let (party, cipher, is_notice) = self.look_at(bytes)?;
        let (head, body) = bytes.split_at_mut(SEALED_AT);
        let (body, tag) = body.split_at_mut(body.len() - TAG_BYTES);
        let nonce: [u8; NONCE_BYTES] = head[NONCE_AT..].try_into().expect("that is where it ends");
        let tag: [u8; TAG_BYTES] = tag.as_ref().try_into().expect("it was split off");
        cipher
            .decrypt_inout_detached(&nonce.into(), &head[..NONCE_AT], (&mut *body).into(), &tag.into())
            .map_err(|_| Drop::Key)?;
        let (count, frame) = body.split_first_chunk().expect("the length was checked");
        let count = u64::from_le_bytes(*count);
        if !is_notice {
            return Ok(Opened { party, count, notice: None, frame });
        }
        let notice = Notice::decode(frame).ok_or(Drop::Malformed)?;
        Ok(Opened { party, count, notice: Some(notice), frame: &[] })
    }

    /// Checks everything in front of the sealed part.
    fn look_at(&self, bytes: &[u8]) -> Result<(Party, &XChaCha20Poly1305, bool), Drop> {
        match bytes.first() {
            None => return Err(Drop::Malformed),
            Some(version) if *version != VERSION => return Err(Drop::Version),
            Some(_) => {}
        }
        if bytes.len() < SEAL_BYTES {
            return Err(Drop::Malformed);
        }
        if bytes[CLUSTER_AT..KEY_AT] != self.cluster.to_le_bytes() {
            return Err(Drop::Cluster);
        }
        self.opens(bytes[KEY_AT])
    }

    /// The party and the cipher that this key byte claims, and whether it claims a notice. An error if this side
    /// accepts no such datagrams.
    fn opens(&self, byte: u8) -> Result<(Party, &XChaCha20Poly1305, bool), Drop> {
        if byte == OF_SITES {
            return self.sites.as_ref().map(|cipher| (Party::Sites, cipher, false)).ok_or(Drop::Key);
        }
        let number = KeyNumber::new(byte % TO_SITES).ok_or(Drop::Malformed)?;
        let class = byte - number.number();
        let side = match class {
            TO_SITES => SealSide::Site,
            TO_CLIENTS | NOTICES => SealSide::Client,
            _ => return Err(Drop::Malformed),
        };
        if self.side != side && self.side != SealSide::Bystander {
            return Err(Drop::Source);
        }
        if self.denied.contains(number) {
            return Err(Drop::Denied);
        }
        let pair = self.pair(number).ok_or(Drop::Key)?;
        let cipher = if class == TO_SITES { &pair.to_sites } else { &pair.to_clients };
        Ok((Party::Client(number), cipher, class == NOTICES))
    }
}

#[cfg(test)]
mod tests;
