//! The datagram: a frame around one or more encoded messages.
//!
//! ```text
//! offset  0        1          9               13      16    17..20   20           28        32
//!         version  cluster    configuration   from    to    ..       incarnation  checksum  messages
//!         u8       u64 LE     u32 LE          3 B     4 B            u64 LE       u32 LE    length-prefixed
//! ```
//!
//! The checksum is the low half of [`mix::absorb`] over the head before it and then over the messages: it detects
//! damage, not malice. `to` is a tag and a process (3 bytes), or a tag and a set of sites or a number of clients (2
//! bytes and a zero): one broadcast is one buffer.

use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteSet};
use crate::mix;
use crate::process::{Recipients, Subject};
use crate::wire::{Reader, SharedValues, Wire, WireError, put_u64};

/// The version of the datagram format that this code writes and reads.
pub const VERSION: u8 = 3;

/// Bytes of a frame before its first message.
pub const FRAME_BYTES: usize = 32;

/// The maximum number of bytes of a message's length prefix, in datagrams of up to 2 MiB.
pub const MESSAGE_PREFIX_MAX: usize = 3;

/// The smallest limit on datagrams that may be configured. One event of the largest size fits into every message that
/// carries it; the service proves that by a compile-time assertion.
pub const DATAGRAM_MIN: usize = 1_024;

/// The default limit on datagrams: the size that crosses common networks unfragmented.
pub const DATAGRAM_DEFAULT: usize = 1_200;

/// The largest limit that may be configured: the size that fits one UDP datagram over IPv4.
pub const DATAGRAM_MAX: usize = 65_507;

const TO_AT: usize = 16;

const TO_BYTES: usize = 4;

const CHECKSUM_AT: usize = FRAME_BYTES - 4;

/// The sender's data in the head of each of its datagrams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    /// The number of the cluster; a site drops datagrams of another one.
    pub cluster: u64,
    /// The configuration of that cluster; 0 as long as membership cannot change.
    pub configuration: u32,
    /// The process that sends.
    pub from: ProcessId,
    /// The incarnation of the sender.
    pub incarnation: u64,
}

/// The head of a datagram that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The sender, as the datagram claims.
    pub sender: Sender,
    /// The recipients.
    pub to: Recipients,
}

/// One datagram in flight: the bytes that cross the network, and what its sender's host knows about them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// The process that sends it.
    pub from: ProcessId,
    /// The recipients; the host delivers one copy to each.
    pub to: Recipients,
    /// Name and subject of each message in it, in order; never empty. The first one identifies the datagram.
    pub labels: Vec<(&'static str, Subject)>,
    /// Whether every message in it is of [`BACKGROUND`](crate::process::BACKGROUND) rank.
    pub is_background: bool,
    /// The frame and its messages.
    pub bytes: Vec<u8>,
    /// The hash that [`seal`] returned for these bytes.
    pub hash: u64,
}

impl Datagram {
    /// Each process that gets a copy, in ascending order: never its sender.
    pub fn recipients(&self) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        self.to.iter_but(Some(self.from))
    }
}

/// Why a datagram is dropped unread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejected {
    /// Not a datagram of this format, or damaged.
    Malformed(WireError),
    /// The checksum does not match.
    Checksum,
    /// The datagram has another version of this format.
    Version(u8),
    /// The datagram belongs to another cluster.
    Cluster(u64),
    /// The datagram belongs to another configuration.
    Configuration(u32),
    /// The datagram is for another process.
    Misdelivered(Recipients),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejected::Malformed(error) => write!(f, "malformed datagram: {error}"),
            Rejected::Checksum => f.write_str("checksum does not match"),
            Rejected::Version(version) => write!(f, "datagram of version {version}, expected {VERSION}"),
            Rejected::Cluster(cluster) => write!(f, "datagram of cluster {cluster:016x}"),
            Rejected::Configuration(number) => write!(f, "datagram of configuration {number}"),
            Rejected::Misdelivered(Recipients::One(to)) => write!(f, "datagram for {to}"),
            Rejected::Misdelivered(Recipients::Sites(to)) => write!(f, "datagram for {to}"),
            Rejected::Misdelivered(Recipients::Clients { .. }) => f.write_str("datagram for clients"),
        }
    }
}

impl core::error::Error for Rejected {}

/// The start of every datagram of one sender: a frame without recipients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head([u8; FRAME_BYTES]);

impl Head {
    /// The start for datagrams of this sender.
    pub fn new(sender: &Sender) -> Head {
        let mut bytes = Vec::with_capacity(FRAME_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&sender.cluster.to_le_bytes());
        bytes.extend_from_slice(&sender.configuration.to_le_bytes());
        sender.from.encode(&mut bytes);
        bytes.extend_from_slice(&[0; TO_BYTES]);
        bytes.extend_from_slice(&sender.incarnation.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Head(bytes.try_into().expect("the fields are as long as a frame"))
    }

    /// Starts a frame to `to` at the front of the empty `out`; [`seal`] finishes it.
    #[inline]
    pub fn begin(&self, out: &mut Vec<u8>, to: Recipients) {
        assert!(out.is_empty(), "a frame starts an empty buffer, found {} bytes", out.len());
        let (tag, low, high, kind) = match to {
            Recipients::One(one) => {
                let [low, high, kind, _] = one.number().to_le_bytes();
                (0, low, high, kind)
            }
            Recipients::Sites(sites) => {
                let [low, high] = sites.bits().to_le_bytes();
                (1, low, high, 0)
            }
            Recipients::Clients { count } => {
                let [low, high] = count.to_le_bytes();
                (2, low, high, 0)
            }
        };
        let mut head = self.0;
        head[TO_AT..TO_AT + TO_BYTES].copy_from_slice(&[tag, low, high, kind]);
        out.extend_from_slice(&head);
    }
}

/// Appends one encoded message.
#[inline]
pub fn put_message(out: &mut Vec<u8>, message: &[u8]) {
    put_u64(out, message.len() as u64);
    out.extend_from_slice(message);
}

/// Writes the checksum of the finished frame and returns the hash whose low half it is.
#[inline]
pub fn seal(out: &mut [u8]) -> u64 {
    let hash = hash(out);
    out[CHECKSUM_AT..FRAME_BYTES].copy_from_slice(&checksum(hash));
    hash
}

/// The hash of everything in a frame but its checksum.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    mix::absorb(mix::absorb(0, &bytes[..CHECKSUM_AT]), &bytes[FRAME_BYTES..])
}

const fn checksum(hash: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    [a, b, c, d]
}

/// Reads a datagram that arrived at `me` of `cluster` and `configuration`; rejects any other.
pub fn open(
    bytes: &[u8],
    cluster: u64,
    configuration: u32,
    me: ProcessId,
) -> Result<(Header, Messages<'_>), Rejected> {
    let (header, messages) = read(bytes)?;
    if header.sender.cluster != cluster {
        return Err(Rejected::Cluster(header.sender.cluster));
    }
    if header.sender.configuration != configuration {
        return Err(Rejected::Configuration(header.sender.configuration));
    }
    if !header.to.contains(me) {
        return Err(Rejected::Misdelivered(header.to));
    }
    Ok((header, messages))
}

/// Reads a datagram for any recipient: for observers, and for hosts that dispatch by its head.
pub fn read(bytes: &[u8]) -> Result<(Header, Messages<'_>), Rejected> {
    read_checked(bytes, hash)
}

/// Reads a datagram that was sealed in this process and not changed since: compares its known hash with the checksum in
/// the frame.
#[inline]
pub fn read_sealed(datagram: &Datagram) -> Result<(Header, Messages<'_>), Rejected> {
    read_checked(&datagram.bytes, |_| datagram.hash)
}

/// The messages of a datagram that was sealed in this process and not changed since.
#[inline]
pub fn sealed_messages(datagram: &Datagram) -> Messages<'_> {
    Messages { input: Reader::new(datagram.bytes.get(FRAME_BYTES..).unwrap_or_default()) }
}

fn read_checked(bytes: &[u8], hash: impl FnOnce(&[u8]) -> u64) -> Result<(Header, Messages<'_>), Rejected> {
    let Some((head, messages)) = bytes.split_first_chunk() else {
        return Err(Rejected::Malformed(WireError::Short));
    };
    let version = head[0];
    if version != VERSION {
        return Err(Rejected::Version(version));
    }
    if head[CHECKSUM_AT..] != checksum(hash(bytes)) {
        return Err(Rejected::Checksum);
    }
    let header = read_header(head).map_err(Rejected::Malformed)?;
    Ok((header, Messages { input: Reader::new(messages) }))
}

fn read_header(head: &[u8; FRAME_BYTES]) -> Result<Header, WireError> {
    let mut input = Reader::new(&head[1..]);
    let cluster = u64::from_le_bytes(input.array()?);
    let configuration = u32::from_le_bytes(input.array()?);
    let from = ProcessId::decode(&mut input)?;
    let [tag, low, high, kind] = input.array()?;
    let number = u16::from_le_bytes([low, high]);
    let to = match (tag, kind) {
        (0, _) => Recipients::One(ProcessId::from_wire([low, high, kind])?),
        (1, 0) => Recipients::Sites(SiteSet::from_bits(number).ok_or(WireError::Invalid("set of sites"))?),
        (2, 0) => Recipients::Clients { count: number },
        _ => return Err(WireError::Invalid("recipients")),
    };
    let incarnation = u64::from_le_bytes(input.array()?);
    Ok(Header { sender: Sender { cluster, configuration, from, incarnation }, to })
}

/// The encoded messages of a datagram, in order.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    input: Reader<'a>,
}

impl<'a> Messages<'a> {
    /// All messages, decoded; an error if any is malformed.
    pub fn decode<M: Wire>(self) -> Result<Vec<M>, WireError> {
        let mut messages = Vec::new();
        self.decode_into(&mut messages)?;
        Ok(messages)
    }

    /// Decodes all messages and appends them to `messages`, up to the first malformed one.
    #[inline]
    pub fn decode_into<M: Wire>(self, messages: &mut Vec<M>) -> Result<(), WireError> {
        for bytes in self {
            messages.push(M::from_bytes(bytes?)?);
        }
        Ok(())
    }

    /// The same, and what was decoded before is shared.
    pub fn decode_sharing<M: Wire>(
        self,
        shared: &mut SharedValues,
        messages: &mut Vec<M>,
    ) -> Result<(), WireError> {
        for bytes in self {
            messages.push(shared.decode(bytes?)?);
        }
        Ok(())
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], WireError>;

    fn next(&mut self) -> Option<Result<&'a [u8], WireError>> {
        if self.input.rest().is_empty() {
            return None;
        }
        let length = self.input.length(DATAGRAM_MAX);
        let message = length.and_then(|length| self.input.bytes(length));
        if message.is_err() {
            self.input = Reader::new(&[]);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn framed(to: Recipients, messages: &[&[u8]]) -> Vec<u8> {
        let sender = Sender { cluster: 5, configuration: 0, from: ProcessId::site(1), incarnation: 3 };
        let mut out = Vec::new();
        Head::new(&sender).begin(&mut out, to);
        assert_eq!(out.len(), FRAME_BYTES);
        for message in messages {
            put_message(&mut out, message);
        }
        seal(&mut out);
        out
    }

    #[test]
    fn a_broadcast_opens_for_its_recipients_only() {
        let bytes = framed(Recipients::Sites(SiteSet::first(3)), &[b"one", b"", b"three"]);
        let (header, messages) = open(&bytes, 5, 0, ProcessId::site(2)).unwrap();
        assert_eq!((header.sender.from, header.sender.incarnation), (ProcessId::site(1), 3));
        assert_eq!(messages.collect::<Result<Vec<_>, _>>().unwrap(), vec![&b"one"[..], b"", b"three"]);
        let refused = |cluster, configuration, me| open(&bytes, cluster, configuration, me).unwrap_err();
        assert_eq!(refused(6, 0, ProcessId::site(2)), Rejected::Cluster(5));
        assert_eq!(refused(5, 1, ProcessId::site(2)), Rejected::Configuration(0));
        assert!(matches!(refused(5, 0, ProcessId::site(3)), Rejected::Misdelivered(_)));
    }

    proptest! {
        #[test]
        fn any_bytes_at_all_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((_, messages)) = read(&bytes) {
                let _ = messages.decode::<u64>();
            }
        }

        #[test]
        fn one_flipped_bit_is_noticed(bit in 0usize..(FRAME_BYTES + 8) * 8) {
            let mut bytes = framed(Recipients::One(ProcessId::site(0)), &[b"1234567"]);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes).is_err());
        }
    }
}
