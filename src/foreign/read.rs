//! Values of serde types from bytes in the form of postcard.

use core::fmt::{self, Display};

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::wire::{Reader, Wire, WireError};

/// How deep a value may be nested, so that no bytes exhaust the stack.
const DEPTH_MAX: u8 = 128;

/// How many items of a list are reserved ahead. A longer one grows as its items are read.
const RESERVED_MAX: usize = 64;

/// Reads one value and leaves `input` just after it.
pub(super) fn next<T: DeserializeOwned>(input: &mut Reader<'_>) -> Result<T, WireError> {
    T::deserialize(Source { input, depth_left: DEPTH_MAX }).map_err(|Unreadable(error)| error)
}

#[derive(Debug)]
struct Unreadable(WireError);

impl Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: Display>(_: T) -> Unreadable {
        Unreadable(WireError::Invalid("value"))
    }
}

impl From<WireError> for Unreadable {
    fn from(error: WireError) -> Unreadable {
        Unreadable(error)
    }
}

struct Source<'a, 'de> {
    input: &'a mut Reader<'de>,
    depth_left: u8,
}

impl<'a, 'de> Source<'a, 'de> {
    fn inner(self) -> Result<Source<'a, 'de>, Unreadable> {
        let depth_left = self.depth_left.checked_sub(1).ok_or(WireError::Invalid("depth of nesting"))?;
        Ok(Source { depth_left, ..self })
    }

    fn again(&mut self) -> Source<'_, 'de> {
        Source { input: self.input, depth_left: self.depth_left }
    }

    fn items(self, left: usize) -> Result<Items<'a, 'de>, Unreadable> {
        Ok(Items { source: self.inner()?, left })
    }

    /// A number of at most `bits` bits.
    fn long_number(&mut self, bits: u32) -> Result<u128, Unreadable> {
        let mut number = 0u128;
        for shift in (0..bits).step_by(7) {
            let byte = self.input.u8()?;
            let part = u128::from(byte & 0x7f);
            if bits - shift < 7 && part >> (bits - shift) != 0 {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable(WireError::Invalid("number")))
    }

    fn signed<T: TryFrom<i128>>(&mut self, bits: u32) -> Result<T, Unreadable> {
        let number = self.long_number(bits)?;
        let number = (number >> 1).cast_signed() ^ -((number & 1).cast_signed());
        T::try_from(number).map_err(|_| Unreadable(WireError::Invalid("number")))
    }

    fn text(&mut self, max: usize) -> Result<&'de str, Unreadable> {
        Ok(self.input.text(max)?)
    }

    fn blob(&mut self) -> Result<&'de [u8], Unreadable> {
        let length = self.input.length(usize::MAX)?;
        Ok(self.input.bytes(length)?)
    }
}

/// What serde reads only from bytes that describe themselves.
fn undescribed<T>() -> Result<T, Unreadable> {
    Err(Unreadable(WireError::Invalid("type for bytes: serde's attributes `untagged`, `tag` and `flatten` need names")))
}

impl<'de> Deserializer<'de> for Source<'_, 'de> {
    type Error = Unreadable;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        undescribed()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_bool(bool::decode(self.input)?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i8(self.input.u8()?.cast_signed())
    }

    fn deserialize_i16<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i16(self.signed(16)?)
    }

    fn deserialize_i32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i32(self.signed(32)?)
    }

    fn deserialize_i64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i64(self.signed(64)?)
    }

    fn deserialize_i128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i128(self.signed(128)?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u8(self.input.u8()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u16(u16::decode(self.input)?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u32(u32::decode(self.input)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u64(self.input.u64()?)
    }

    fn deserialize_u128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u128(self.long_number(128)?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_f32(f32::from_bits(u32::from_le_bytes(self.input.array()?)))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_f64(f64::from_bits(u64::from_le_bytes(self.input.array()?)))
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        let mut letters = self.text(4)?.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => visitor.visit_char(letter),
            _ => Err(Unreadable(WireError::Invalid("letter"))),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.text(usize::MAX)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_bytes(self.blob()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if bool::decode(self.input)? { visitor.visit_some(self.inner()?) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self.inner()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let length = self.input.length(usize::MAX)?;
        visitor.visit_seq(self.items(length)?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.items(length)?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let length = self.input.length(usize::MAX)?;
        visitor.visit_map(self.items(length)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self.inner()?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        undescribed()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        undescribed()
    }
}

/// The items of a list, map, tuple or struct that are still unread.
struct Items<'a, 'de> {
    source: Source<'a, 'de>,
    left: usize,
}

impl Items<'_, '_> {
    fn take_one(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left -= usize::from(is_left);
        is_left
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if self.take_one() { seed.deserialize(self.source.again()).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(RESERVED_MAX))
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if self.take_one() { seed.deserialize(self.source.again()).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.source.again())
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(RESERVED_MAX))
    }
}

impl<'de> EnumAccess<'de> for Source<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unreadable> {
        let number = u32::decode(self.input)?;
        let variant = seed.deserialize(IntoDeserializer::<Unreadable>::into_deserializer(number))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Source<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
