//! Values that were decoded lately: whoever decodes the same bytes again shares the value.
//!
//! A value has exactly one byte form, which says where it ends. So bytes that begin with the form of a known value decode
//! to that value, and only memory tells it from a fresh one. Nobody changes a shared value.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;
use core::fmt;

use super::{Reader, Wire, WireError};
use crate::mix;

/// The most values that are remembered.
const SLOTS: usize = 1_024;

/// Values by their bytes. A clone starts empty.
#[derive(Default)]
pub struct SharedValues {
    /// Each a [`Known`], by a hash of its first bytes.
    slots: Vec<Option<Box<dyn Any + Send + Sync>>>,
}

struct Known<T> {
    bytes: Vec<u8>,
    value: T,
}

impl Clone for SharedValues {
    fn clone(&self) -> SharedValues {
        SharedValues::default()
    }
}

impl fmt::Debug for SharedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.slots.iter().flatten().count();
        f.debug_struct("SharedValues").field("known", &known).finish()
    }
}

impl SharedValues {
    /// Reads a value that fills `bytes` to the end, like [`Wire::from_bytes`]. What it holds of [shared
    /// parts](Reader::shared) is taken from here, or remembered here.
    ///
    /// # Errors
    /// Those of [`Wire::from_bytes`].
    pub fn decode<T: Wire>(&mut self, bytes: &[u8]) -> Result<T, WireError> {
        let shared = RefCell::new(core::mem::take(self));
        let mut input = Reader { rest: bytes, shared: Some(&shared) };
        let value = T::decode(&mut input).and_then(|value| input.finish().map(|()| value));
        // What is left here is empty, and there is nothing to drop.
        core::mem::forget(core::mem::replace(self, shared.into_inner()));
        value
    }

    fn place(key: &[u8]) -> usize {
        usize::try_from(mix::absorb(0, key) % SLOTS as u64).expect("below the number of slots")
    }

    /// The value at `place` and its length, if `bytes` begin with it.
    fn get<T: Clone + 'static>(&self, place: usize, bytes: &[u8]) -> Option<(T, usize)> {
        let known = self.slots.get(place)?.as_ref()?.downcast_ref::<Known<T>>()?;
        bytes.starts_with(&known.bytes).then(|| (known.value.clone(), known.bytes.len()))
    }

    fn put<T: Send + Sync + 'static>(&mut self, place: usize, bytes: &[u8], value: T) {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let slot = &mut self.slots[place];
        match slot.as_mut().and_then(|known| known.downcast_mut::<Known<T>>()) {
            Some(known) => {
                known.bytes.clear();
                known.bytes.extend_from_slice(bytes);
                known.value = value;
            }
            None => *slot = Some(Box::new(Known { bytes: bytes.into(), value })),
        }
    }
}

impl Reader<'_> {
    /// Reads a value with `decode`, or takes one that was decoded from the same bytes, where the reader remembers values:
    /// see [`SharedValues`]. The first `telling` bytes should tell values apart. Every caller for one
    /// type must decode in the same way.
    ///
    /// # Errors
    /// Those of `decode`.
    pub fn shared<T: Clone + Send + Sync + 'static>(
        &mut self,
        telling: usize,
        decode: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let Some(shared) = self.shared else { return decode(self) };
        let bytes = self.rest;
        let place = SharedValues::place(&bytes[..telling.min(bytes.len())]);
        if let Some((value, length)) = shared.borrow().get(place, bytes) {
            self.rest = &bytes[length..];
            return Ok(value);
        }
        let value = decode(self)?;
        let length = bytes.len() - self.rest.len();
        shared.borrow_mut().put(place, &bytes[..length], value.clone());
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::sync::Arc;

    /// A shared text, and a number behind it.
    #[derive(Clone, PartialEq, Debug)]
    struct Line(Arc<String>, u64);

    impl Wire for Line {
        fn encode(&self, out: &mut Vec<u8>) {
            self.0.encode(out);
            self.1.encode(out);
        }

        fn decode(input: &mut Reader<'_>) -> Result<Line, WireError> {
            let text = input.shared(3, |input| String::decode(input).map(Arc::new))?;
            Ok(Line(text, u64::decode(input)?))
        }
    }

    #[test]
    fn what_is_remembered_is_what_would_be_decoded() {
        let mut shared = SharedValues::default();
        for round in 0..3 {
            for number in 0..3_000u64 {
                let line = Line(Arc::new(alloc::format!("{}", number * 7 % 1_000)), number);
                let bytes = line.to_bytes();
                assert_eq!(shared.decode::<Line>(&bytes), Ok(line), "{number} in round {round}");
                for cut in 0..bytes.len() {
                    assert_eq!(shared.decode::<Line>(&bytes[..cut]), Line::from_bytes(&bytes[..cut]));
                }
                let longer = [&bytes[..], &[0]].concat();
                assert_eq!(shared.decode::<Line>(&longer), Err(WireError::TrailingBytes));
            }
        }
    }

    #[test]
    fn equal_parts_are_one_part_whatever_follows_them() {
        let bytes = |number| Line(Arc::new("a text".into()), number).to_bytes();
        let mut shared = SharedValues::default();
        let [one, other] = [1, 300].map(|number| shared.decode::<Line>(&bytes(number)).unwrap());
        assert!(Arc::ptr_eq(&one.0, &other.0));
        let alone = shared.clone().decode::<Line>(&bytes(1)).unwrap();
        assert!(!Arc::ptr_eq(&one.0, &alone.0), "a clone starts anew");
    }
}
