//! Values of serde types as bytes, in the form of postcard.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Appends the bytes of `value`.
pub(super) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    value.serialize(&mut Writer(out))
}

/// Whether the bytes of `value` are `bytes`.
pub(super) fn is<T: Serialize>(value: &T, bytes: &[u8]) -> bool {
    let mut writer = Writer(Expected(bytes));
    value.serialize(&mut writer).is_ok() && writer.0.0.is_empty()
}

/// How many bytes [`append`] appends. What is wrong with `value` is an error there.
pub(super) fn size<T: Serialize>(value: &T) -> usize {
    let mut writer = Writer(Count(0));
    let _ = value.serialize(&mut writer);
    writer.0.0
}

/// Why a value has no bytes.
#[derive(Debug)]
pub(super) enum Unwritable {
    /// It is not the value that was expected.
    Differs,
    /// Its type cannot be written, for the reason that it gives.
    Type(String),
}

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwritable::Differs => f.write_str("it has other bytes"),
            Unwritable::Type(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: Display>(reason: T) -> Unwritable {
        Unwritable::Type(reason.to_string())
    }
}

/// What takes bytes.
trait Sink {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritable>;
}

impl Sink for &mut Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// The bytes that are still expected.
struct Expected<'a>(&'a [u8]);

impl Sink for Expected<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        self.0 = self.0.strip_prefix(bytes).ok_or(Unwritable::Differs)?;
        Ok(())
    }
}

struct Count(usize);

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        self.0 += bytes.len();
        Ok(())
    }
}

struct Writer<S>(S);

impl<S: Sink> Writer<S> {
    fn number(&mut self, number: u64) -> Result<(), Unwritable> {
        if number < 0x80 { self.0.put(&[number.to_le_bytes()[0]]) } else { self.long_number(number.into()) }
    }

    fn long_number(&mut self, mut number: u128) -> Result<(), Unwritable> {
        let (mut bytes, mut length) = ([0; 19], 0);
        while number >= 0x80 {
            bytes[length] = number.to_le_bytes()[0] | 0x80;
            number >>= 7;
            length += 1;
        }
        bytes[length] = number.to_le_bytes()[0];
        self.0.put(&bytes[..=length])
    }

    fn length(&mut self, length: Option<usize>) -> Result<(), Unwritable> {
        // A flattened field makes a struct such a map.
        let length = length.ok_or_else(|| Unwritable::Type("its length is unknown, as with `flatten`".into()))?;
        self.number(length as u64)
    }
}

/// Small numbers for small absolute values.
fn zigzag(number: i128) -> u128 {
    (number.cast_unsigned() << 1) ^ (number >> 127).cast_unsigned()
}

impl<S: Sink> Serializer for &mut Writer<S> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.0.put(&[value.into()])
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.0.put(&value.to_le_bytes())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.long_number(zigzag(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.long_number(zigzag(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.long_number(zigzag(value.into()))
    }

    fn serialize_i128(self, value: i128) -> Result<(), Unwritable> {
        self.long_number(zigzag(value))
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.0.put(&[value])
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.number(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.number(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.number(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Unwritable> {
        self.long_number(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.0.put(&value.to_bits().to_le_bytes())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        self.0.put(&value.to_bits().to_le_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.number(value.len() as u64)?;
        self.0.put(value)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.0.put(&[0])
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        self.0.put(&[1])?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Unwritable> {
        self.number(index.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.number(index.into())?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Unwritable> {
        self.length(length)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritable> {
        self.number(index.into())?;
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Unwritable> {
        self.length(length)?;
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritable> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Unwritable> {
        self.number(index.into())?;
        Ok(self)
    }
}

macro_rules! parts_in_order {
    ($($compound:ident $part:ident),*) => {
        $(impl<S: Sink> $compound for &mut Writer<S> {
            type Ok = ();
            type Error = Unwritable;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Unwritable> {
                Ok(())
            }
        })*
    };
}

parts_in_order!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! named_parts_in_order {
    ($($compound:ident),*) => {
        $(impl<S: Sink> $compound for &mut Writer<S> {
            type Ok = ();
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Unwritable> {
                value.serialize(&mut **self)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Unwritable> {
                let reason = alloc::format!("the field `{name}` is left out, as with `skip_serializing_if`");
                Err(Unwritable::Type(reason))
            }

            fn end(self) -> Result<(), Unwritable> {
                Ok(())
            }
        })*
    };
}

named_parts_in_order!(SerializeStruct, SerializeStructVariant);

impl<S: Sink> SerializeMap for &mut Writer<S> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}
