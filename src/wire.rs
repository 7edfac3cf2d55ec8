//! The byte form of values: the trait [`Wire`] and a reader that never panics.
//!
//! Numbers are LEB128 (7 bits per byte, low first, shortest form only), so a value has exactly one encoding; texts and
//! lists are length-prefixed. Decoding checks every bound before it allocates.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::{self, Debug};

mod shared;
mod values;

pub use shared::SharedValues;

/// A value with exactly one byte form.
pub trait Wire: Sized + Clone + Debug {
    /// Appends the byte form to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads one value and leaves `input` just after it.
    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError>;

    /// Reads one value that will be shared. A type whose values are kept in many places may take it with
    /// [`Reader::shared`].
    fn decode_arc(input: &mut Reader<'_>) -> Result<Arc<Self>, WireError> {
        Self::decode(input).map(Arc::new)
    }

    /// How many bytes [`Wire::encode`] appends.
    fn size(&self) -> usize {
        self.to_bytes().len()
    }

    /// The byte form in a buffer of its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Reads a value that fills `bytes` to the end.
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let value = Self::decode(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

/// As many items as fit into `bytes_max` bytes, and whether there are more. At least one item must fit.
pub fn cut<T: Wire>(items: impl Iterator<Item = T>, bytes_max: usize) -> (Vec<T>, bool) {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for item in items {
        bytes += item.size();
        if bytes > bytes_max {
            return (taken, true);
        }
        taken.push(item);
    }
    (taken, false)
}

/// A value whose bytes begin with a tag from a small set, as [`wire_enum!`](crate::wire_enum) implements it.
pub trait Tagged: Wire {
    /// Every tag.
    const TAGS: &'static [u8];
}

/// Why bytes do not decode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireError {
    /// The bytes end inside a value.
    Short,
    /// Bytes remain after the last value.
    TrailingBytes,
    /// The named field holds an illegal value.
    Invalid(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Short => f.write_str("the bytes end inside a value"),
            WireError::TrailingBytes => f.write_str("bytes remain behind the last value"),
            WireError::Invalid(what) => write!(f, "invalid {what}"),
        }
    }
}

impl core::error::Error for WireError {}

/// Bytes being read, front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Where parts that were decoded before are found.
    shared: Option<&'a RefCell<SharedValues>>,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, shared: None }
    }

    /// The bytes that have not been read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, without reading past it.
    pub const fn peek(&self) -> Option<u8> {
        match self.rest.first() {
            Some(byte) => Some(*byte),
            None => None,
        }
    }

    /// Fails unless everything was read.
    pub const fn finish(&self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::TrailingBytes) }
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(|[byte]| byte)
    }

    /// A LEB128 number in its shortest form.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, WireError> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok((*byte).into());
        }
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let is_shortest = byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err(WireError::Invalid("number")) };
            }
        }
        Err(WireError::Invalid("number"))
    }

    /// A LEB128 number that is a length: at most `max`, and at most the number of bytes left. It is safe to allocate
    /// that many items when every item takes at least one byte.
    #[inline]
    pub fn length(&mut self, max: usize) -> Result<usize, WireError> {
        let length = usize::try_from(self.u64()?).map_err(|_| WireError::Invalid("length"))?;
        if length > max {
            return Err(WireError::Invalid("length"));
        }
        if length > self.rest.len() {
            return Err(WireError::Short);
        }
        Ok(length)
    }

    /// A length-prefixed text of at most `max` bytes.
    pub fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        let length = self.length(max)?;
        core::str::from_utf8(self.bytes(length)?).map_err(|_| WireError::Invalid("text"))
    }

    /// A length-prefixed list of at most `max` items.
    pub fn list<T: Wire>(&mut self, max: usize) -> Result<Vec<T>, WireError> {
        let length = self.length(max)?;
        (0..length).map(|_| T::decode(self)).collect()
    }
}

/// The maximum number of bytes that [`put_u64`] writes.
pub const U64_MAX: usize = 10;

/// Appends `value` as LEB128.
#[inline]
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// How many bytes [`put_u64`] appends.
pub const fn u64_size(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Appends a length-prefixed text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// How many bytes [`put_text`] appends.
pub const fn text_size(text: &str) -> usize {
    u64_size(text.len() as u64) + text.len()
}

/// Appends a length-prefixed list.
pub fn put_list<T: Wire>(out: &mut Vec<u8>, items: &[T]) {
    put_u64(out, items.len() as u64);
    for item in items {
        item.encode(out);
    }
}

/// How many bytes [`put_list`] appends.
pub fn list_size<T: Wire>(items: &[T]) -> usize {
    u64_size(items.len() as u64) + items.iter().map(Wire::size).sum::<usize>()
}

/// Implements [`Wire`] for a struct, field by field. The fields must be listed in the order of their declaration. The
/// struct may have one type parameter, which must be [`Wire`] too.
#[macro_export]
macro_rules! wire_struct {
    ($name:ident $(<$value:ident: $bound:path>)? { $($field:ident),* $(,)? }) => {
        impl$(<$value: $bound>)? $crate::wire::Wire for $name$(<$value>)? {
            fn encode(&self, out: &mut $crate::alloc::vec::Vec<u8>) {
                let $name { $($field),* } = self;
                $($crate::wire::Wire::encode($field, out);)*
            }

            fn size(&self) -> usize {
                let $name { $($field),* } = self;
                0 $(+ $crate::wire::Wire::size($field))*
            }

            fn decode(input: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::WireError> {
                Ok($name { $($field: $crate::wire::Wire::decode(input)?),* })
            }
        }
    };
}

/// Implements [`Wire`] for an enum: a tag byte, then the fields in order. Tags are part of the format: never reuse one.
///
/// A tuple variant gives each of its fields a name. What it holds may be another such enum.
///
/// ```
/// use aviary::wire::Wire;
///
/// #[derive(Clone, PartialEq, Debug)]
/// enum Paxos { Prepare { ballot: u64 }, Nack }
/// #[derive(Clone, PartialEq, Debug)]
/// enum Message { Paxos(Paxos), Pair(u64, bool), Beat }
/// aviary::wire_enum!(Paxos { 1 => Prepare { ballot }, 2 => Nack });
/// aviary::wire_enum!(Message { 1 => Paxos(inner), 2 => Pair(number, flag), 3 => Beat });
///
/// let message = Message::Paxos(Paxos::Prepare { ballot: 9 });
/// assert_eq!(message.to_bytes(), [1, 1, 9]);
/// assert_eq!(Message::from_bytes(&[1, 1, 9]), Ok(message));
/// assert_eq!(Message::from_bytes(&[2, 7, 1]), Ok(Message::Pair(7, true)));
/// ```
#[macro_export]
macro_rules! wire_enum {
    ($name:ident $(<$value:ident: $bound:path>)? {
        $($tag:literal => $variant:ident $({ $($field:ident),* $(,)? })? $(($($item:ident),* $(,)?))?),* $(,)?
    }) => {
        impl$(<$value: $bound>)? $crate::wire::Tagged for $name$(<$value>)? {
            const TAGS: &'static [u8] = &[$($tag),*];
        }

        impl$(<$value: $bound>)? $crate::wire::Wire for $name$(<$value>)? {
            fn encode(&self, out: &mut $crate::alloc::vec::Vec<u8>) {
                match self {
                    $($name::$variant $({ $($field),* })? $(($($item),*))? => {
                        out.push($tag);
                        $($($crate::wire::Wire::encode($field, out);)*)?
                        $($($crate::wire::Wire::encode($item, out);)*)?
                    })*
                }
            }

            fn size(&self) -> usize {
                match self {
                    $($name::$variant $({ $($field),* })? $(($($item),*))? => {
                        1 $($(+ $crate::wire::Wire::size($field))*)? $($(+ $crate::wire::Wire::size($item))*)?
                    })*
                }
            }

            fn decode(input: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::WireError> {
                match input.u8()? {
                    $($tag => {
                        $($(let $item = $crate::wire::Wire::decode(input)?;)*)?
                        Ok($name::$variant $({ $($field: $crate::wire::Wire::decode(input)?),* })? $(($($item),*))?)
                    })*
                    _ => Err($crate::wire::WireError::Invalid(concat!("tag of ", stringify!($name)))),
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use alloc::collections::{BTreeMap, VecDeque};
    use alloc::string::String;

    use super::*;
    use crate::mix::Seed;
    use crate::time::{Duration, Instant};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_has_exactly_one_form(value: u64, bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            prop_assert_eq!(u64::from_bytes(&value.to_bytes()), Ok(value));
            prop_assert_eq!(value.size(), value.to_bytes().len());
            if let Ok(read) = u64::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn what_protocols_are_made_of_has_one_form() {
        fn check<T: Wire + PartialEq>(value: T) {
            let bytes = value.to_bytes();
            assert_eq!(value.size(), bytes.len());
            assert_eq!(T::from_bytes(&bytes), Ok(value));
            assert!(bytes.is_empty() || T::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        }
        check(u8::MAX);
        check(u16::MAX);
        check(u32::MAX);
        check(Instant::from_micros(7));
        check(Duration::from_secs(7));
        check(String::from("grün"));
        check(Vec::from([1u64, 300]));
        check(Some(Vec::from([String::new()])));
        check(usize::MAX);
        check(Seed(u64::MAX));
        check(VecDeque::from([(7u64, true), (300, false)]));
        check(BTreeMap::from([(1u64, [1u8, 2]), (2, [3, 4])]));
        assert_eq!(
            BTreeMap::<u64, bool>::from_bytes(&[2, 7, 1, 7, 1]),
            Err(WireError::Invalid("order of keys"))
        );
        assert_eq!(u8::from_bytes(&256u64.to_bytes()), Err(WireError::Invalid("number")));
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_allocating() {
        let mut bytes = Vec::new();
        put_u64(&mut bytes, 1 << 40);
        assert_eq!(Reader::new(&bytes).list::<u64>(usize::MAX), Err(WireError::Short));
        assert_eq!(Reader::new(&bytes).text(800), Err(WireError::Invalid("length")));
    }
}
