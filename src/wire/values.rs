//! The byte forms of numbers, times, texts, containers and other values that protocols are made of.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Reader, Wire, WireError, list_size, put_list, put_text, put_u64, text_size, u64_size};
use crate::mix::Seed;
use crate::time::{Duration, Instant};

impl Wire for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, *self);
    }

    fn size(&self) -> usize {
        u64_size(*self)
    }

    fn decode(input: &mut Reader<'_>) -> Result<u64, WireError> {
        input.u64()
    }
}

macro_rules! wire_small_number {
    ($($number:ty),*) => {
        $(impl Wire for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                put_u64(out, u64::from(*self));
            }

            fn size(&self) -> usize {
                u64_size(u64::from(*self))
            }

            fn decode(input: &mut Reader<'_>) -> Result<$number, WireError> {
                <$number>::try_from(input.u64()?).map_err(|_| WireError::Invalid("number"))
            }
        })*
    };
}

wire_small_number!(u8, u16, u32);

/// For states and settings; a message states the width of its numbers.
impl Wire for usize {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, *self as u64);
    }

    fn size(&self) -> usize {
        u64_size(*self as u64)
    }

    fn decode(input: &mut Reader<'_>) -> Result<usize, WireError> {
        usize::try_from(input.u64()?).map_err(|_| WireError::Invalid("number"))
    }
}

impl Wire for Seed {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn size(&self) -> usize {
        8
    }

    fn decode(input: &mut Reader<'_>) -> Result<Seed, WireError> {
        input.array().map(u64::from_le_bytes).map(Seed)
    }
}

impl Wire for Instant {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.as_micros());
    }

    fn size(&self) -> usize {
        u64_size(self.as_micros())
    }

    fn decode(input: &mut Reader<'_>) -> Result<Instant, WireError> {
        input.u64().map(Instant::from_micros)
    }
}

impl Wire for Duration {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.as_micros());
    }

    fn size(&self) -> usize {
        u64_size(self.as_micros())
    }

    fn decode(input: &mut Reader<'_>) -> Result<Duration, WireError> {
        input.u64().map(Duration::from_micros)
    }
}

impl Wire for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn size(&self) -> usize {
        1
    }

    fn decode(input: &mut Reader<'_>) -> Result<bool, WireError> {
        match input.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Invalid("flag")),
        }
    }
}

impl Wire for String {
    fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, self);
    }

    fn size(&self) -> usize {
        text_size(self)
    }

    fn decode(input: &mut Reader<'_>) -> Result<String, WireError> {
        input.text(usize::MAX).map(String::from)
    }
}

/// Decodes at most as many items as there are bytes, so every item must take at least one byte.
impl<T: Wire> Wire for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, self);
    }

    fn size(&self) -> usize {
        list_size(self)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Vec<T>, WireError> {
        input.list(usize::MAX)
    }
}

impl<T: Wire> Wire for VecDeque<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        self.iter().for_each(|item| item.encode(out));
    }

    fn size(&self) -> usize {
        u64_size(self.len() as u64) + self.iter().map(Wire::size).sum::<usize>()
    }

    fn decode(input: &mut Reader<'_>) -> Result<VecDeque<T>, WireError> {
        Vec::decode(input).map(VecDeque::from)
    }
}

/// Pairs in ascending order of their keys.
impl<K: Wire + Ord, V: Wire> Wire for BTreeMap<K, V> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        for (key, value) in self {
            key.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<BTreeMap<K, V>, WireError> {
        let items: Vec<(K, V)> = Vec::decode(input)?;
        if items.is_sorted_by(|one, next| one.0 < next.0) {
            Ok(items.into_iter().collect())
        } else {
            Err(WireError::Invalid("order of keys"))
        }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn size(&self) -> usize {
        self.0.size() + self.1.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<(A, B), WireError> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|item| item.encode(out));
    }

    fn size(&self) -> usize {
        self.iter().map(Wire::size).sum()
    }

    fn decode(input: &mut Reader<'_>) -> Result<[T; N], WireError> {
        let items: Vec<T> = (0..N).map(|_| T::decode(input)).collect::<Result<_, _>>()?;
        items.try_into().map_err(|_| WireError::Invalid("length"))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn size(&self) -> usize {
        1 + self.as_ref().map_or(0, Wire::size)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Option<T>, WireError> {
        Ok(if bool::decode(input)? { Some(T::decode(input)?) } else { None })
    }
}

impl<T: Wire> Wire for Arc<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }

    fn size(&self) -> usize {
        T::size(self)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Arc<T>, WireError> {
        T::decode_arc(input)
    }
}
