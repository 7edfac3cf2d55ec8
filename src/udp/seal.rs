//! Sealed datagrams: a frame, encrypted and authenticated with a key of its cluster.
//!
//! ```text
//! offset  0        1          9        10          34          42        ..  16 B at the end
//!         version  cluster    key      nonce       count       frame         tag
//!         u8       u64 LE     u8       24 B        u64 LE
//!         └─ authenticated ─┘          random      └──── encrypted and authenticated ────┘
//! ```
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). Nonces are drawn at random: 24 bytes never repeat by chance, and
//! a counter would begin anew after a crash. `count` numbers what one process seals since its start, from 1.
//!
//! # Replays
//!
//! Whoever records a sealed datagram can send it again, for ever. That is a network which duplicates and delays,
//! and the protocol lives with it, as the simulator shows with the fault `replay`:
//!
//! - `Prepare`, `Promise`, `Accept`, `Accepted`, `Nack` and `Chosen` name their ballot: below what is promised they are
//!   refused, and the same accept or vote twice is one.
//! - A `Heartbeat` of a ballot that lost is refused; one of the ballot that leads can keep followers waiting for a leader
//!   that is gone, only while it is sent again and again, and no longer than until somebody campaigns under a higher
//!   ballot. `Heard` answers one beat of one ballot.
//! - `Fetch`, `Survey` and `Query` are answered again. `Supply` holds what is chosen, which stays so. `Extent` names its
//!   survey, whose number is never used twice, and each site counts once.
//! - `Forward`, `Relay` and `Ask` are numbered by origin or session: they take effect once.
//! - `Taken`, `Applied`, `Expired` and `Busy` name their request. `Told` and `Behind` name a query; those that must not
//!   be stale have numbers of one life of a client. The others count from 1 in each life: what was told to an earlier
//!   client of the same number, of 60,000 that are drawn from, could be shown once more to a later one.
//! - Nobody's address is learned from a datagram that is not newer than the last (see `routes`), so answers cannot be
//!   led away.
//!
//! # Limits
//!
//! One key for all sites and one for all clients: a site that is broken into can pose as any other, and a client as
//! any other client. Clients cannot pose as sites to sites. Times and sizes of datagrams are seen by all.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::counters::Drop;
use super::keys::{Key, Keys};

/// The form of sealed datagrams that this code speaks. Others are dropped.
pub const VERSION: u8 = 3;

const CLUSTER_AT: usize = 1;
const KEY_AT: usize = 9;
const NONCE_AT: usize = 10;
const NONCE_BYTES: usize = 24;
const SEALED_AT: usize = NONCE_AT + NONCE_BYTES;
const COUNT_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// What sealing adds to a frame, in bytes.
pub const SEAL_BYTES: usize = SEALED_AT + COUNT_BYTES + TAG_BYTES;

/// Which key a datagram is sealed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// That of the sites: between sites, and between a site and the terminal of another.
    Sites,
    /// That of clients: what they say and what is said to them.
    Clients,
}

/// Seals and opens the datagrams of one process.
pub struct Sealer {
    cluster: u64,
    sites: Option<XChaCha20Poly1305>,
    clients: Option<XChaCha20Poly1305>,
    nonces: ChaCha20Rng,
    count: u64,
}

/// A datagram that was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened<'a> {
    /// Whose key opened it.
    pub party: Party,
    /// Which of its sender's it is, from 1 at each start.
    pub count: u64,
    /// What was sealed.
    pub frame: &'a [u8],
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sealer").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Sealer {
    /// For a process of this cluster that has these keys; `seed` comes from the operating system and is used once.
    pub fn new(cluster: u64, keys: &Keys, seed: [u8; 32]) -> Sealer {
        let cipher = |key: &Key| XChaCha20Poly1305::new(&key.bytes().into());
        Sealer {
            cluster,
            sites: keys.sites.as_ref().map(cipher),
            clients: keys.clients.as_ref().map(cipher),
            nonces: ChaCha20Rng::from_seed(seed),
            count: 0,
        }
    }

    /// Seals `frame` into `out`, in place of what it held. False if the key is not at hand: then nothing is to be sent.
    pub fn seal(&mut self, party: Party, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let cipher = match party {
            Party::Sites => &self.sites,
            Party::Clients => &self.clients,
        };
        let Some(cipher) = cipher else { return false };
        self.count += 1;
        let mut nonce = [0; NONCE_BYTES];
        self.nonces.fill_bytes(&mut nonce);
        out.clear();
        out.push(VERSION);
        out.extend_from_slice(&self.cluster.to_le_bytes());
        out.push(match party {
            Party::Sites => 0,
            Party::Clients => 1,
        });
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(frame);
        let (head, body) = out.split_at_mut(SEALED_AT);
        let tag = cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &head[..NONCE_AT], body.into())
            .expect("a datagram is shorter than what one nonce can encrypt");
        out.extend_from_slice(&tag);
        true
    }

    /// Opens a datagram in place, or says why it is dropped.
    pub fn open<'a>(&self, bytes: &'a mut [u8]) -> Result<Opened<'a>, Drop> {
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
        let (party, cipher) = match bytes[KEY_AT] {
            0 => (Party::Sites, &self.sites),
            1 => (Party::Clients, &self.clients),
            _ => return Err(Drop::Malformed),
        };
        let Some(cipher) = cipher else { return Err(Drop::Key) };
        let (head, body) = bytes.split_at_mut(SEALED_AT);
        let (body, tag) = body.split_at_mut(body.len() - TAG_BYTES);
        let nonce: [u8; NONCE_BYTES] = head[NONCE_AT..].try_into().expect("that is where it ends");
        let tag: [u8; TAG_BYTES] = tag.as_ref().try_into().expect("it was split off");
        cipher
            .decrypt_inout_detached(&nonce.into(), &head[..NONCE_AT], (&mut *body).into(), &tag.into())
            .map_err(|_| Drop::Key)?;
        let (count, frame) = body.split_first_chunk().expect("the length was checked");
        Ok(Opened { party, count: u64::from_le_bytes(*count), frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(cluster: u64, keys: &Keys) -> Sealer {
        Sealer::new(cluster, keys, [7; 32])
    }

    fn keys(sites: Option<u8>, clients: Option<u8>) -> Keys {
        let key = |byte| Key::from_bytes([byte; 32]);
        Keys { sites: sites.map(key), clients: clients.map(key) }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_alone() {
        let mut ours = sealer(5, &keys(Some(1), Some(2)));
        let mut out = Vec::new();
        assert!(ours.seal(Party::Sites, b"first", &mut out));
        assert!(ours.seal(Party::Clients, b"second", &mut out));
        assert_eq!(out.len(), SEAL_BYTES + 6);
        let open = |other: &Sealer| other.open(&mut out.clone()).map(|opened| (opened.party, opened.count));
        assert_eq!(open(&ours), Ok((Party::Clients, 2)));
        assert_eq!(open(&sealer(5, &keys(None, Some(2)))), Ok((Party::Clients, 2)));
        assert_eq!(open(&sealer(5, &keys(Some(2), Some(1)))), Err(Drop::Key));
        assert_eq!(open(&sealer(5, &keys(Some(1), None))), Err(Drop::Key));
        assert_eq!(open(&sealer(6, &keys(Some(1), Some(2)))), Err(Drop::Cluster));
        assert_eq!(ours.open(&mut out.clone()).unwrap().frame, b"second");
        let mut client = sealer(5, &keys(None, Some(2)));
        assert!(!client.seal(Party::Sites, b"I am a site", &mut out));
        // Said to be sealed with the other key.
        let mut forged = out.clone();
        forged[KEY_AT] = 0;
        assert_eq!(ours.open(&mut forged), Err(Drop::Key));
    }

    #[test]
    fn nonces_differ_and_the_same_frame_never_looks_the_same() {
        let mut sealer = sealer(5, &keys(Some(1), None));
        let mut seen = std::collections::BTreeSet::new();
        let mut out = Vec::new();
        for _ in 0..1_000 {
            sealer.seal(Party::Sites, b"heartbeat", &mut out);
            assert!(seen.insert(out[NONCE_AT..SEALED_AT].to_vec()));
        }
    }

    proptest! {
        #[test]
        fn any_changed_bit_is_noticed(bit in 0usize..(SEAL_BYTES + 9) * 8) {
            let mut sealer = sealer(5, &keys(Some(1), Some(1)));
            let mut out = Vec::new();
            sealer.seal(Party::Sites, b"heartbeat", &mut out);
            out[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(sealer.open(&mut out).is_err());
        }

        #[test]
        fn any_bytes_at_all_are_refused_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let sealer = sealer(5, &keys(Some(1), Some(1)));
            prop_assert!(sealer.open(&mut bytes).is_err());
            let mut sealed_like = vec![VERSION];
            sealed_like.extend(5u64.to_le_bytes());
            sealed_like.extend(bytes);
            prop_assert!(sealer.open(&mut sealed_like).is_err());
        }
    }
}
