//! The names of a type's variants, asked of serde's derived implementations: of a value, and of the type alone.
//!
//! A type is asked by deserializing it from nothing. The probe says which variant and which field are next, writes down
//! what the type wants to read there, and fails. No value is made, so a type without a default or with an endless
//! recursion can be asked too.
//!
//! The rules are those of [`VariantNames`](crate::foreign::VariantNames). Both halves of this file follow them.

use alloc::vec::Vec;
use core::any;
use core::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, VariantAccess,
    Visitor,
};
use serde::ser::{
    self, Impossible, Serialize, SerializeStruct, SerializeStructVariant, SerializeTupleVariant, Serializer,
};

/// The names of an enum's variants; empty for any other type.
pub(crate) fn of<T: DeserializeOwned>() -> &'static [&'static str] {
    match look::<T>(&[]) {
        Found::Enum(id) => id.variants,
        Found::Struct(_) | Found::Other => &[],
    }
}

/// The names of the innermost variants, each once; empty for a type without variants.
pub(super) fn innermost<T: DeserializeOwned>() -> Vec<&'static str> {
    let mut walk = Walk::default();
    walk.visit::<T>();
    walk.names
}

/// The name of the innermost variant of `value`.
pub(super) fn kind<T: Serialize>(value: &T) -> Option<&'static str> {
    value.serialize(Namer { may_be_struct: true }).ok()
}

/// One step from a type to what it contains.
#[derive(Clone, Copy)]
enum Step {
    /// To what this variant holds.
    Variant(&'static str),
    /// To this field of a struct.
    Field(&'static str),
}

/// What is at the end of a path.
enum Found {
    Enum(EnumId),
    /// The names of the fields.
    Struct(&'static [&'static str]),
    Other,
}

/// Tells enums apart, also those that are one generic type with different parameters.
#[derive(Clone, Copy, PartialEq)]
struct EnumId {
    visitor: &'static str,
    variants: &'static [&'static str],
}

#[derive(Default)]
struct Walk {
    path: Vec<Step>,
    seen: Vec<EnumId>,
    names: Vec<&'static str>,
}

impl Walk {
    /// Adds the kinds of what is at the end of the path. Returns whether it has any.
    fn visit<T: DeserializeOwned>(&mut self) -> bool {
        match look::<T>(&self.path) {
            Found::Enum(id) => {
                self.visit_enum::<T>(id);
                true
            }
            Found::Struct(fields) => {
                let is_enum = |field: &&&'static str| {
                    let path: Vec<Step> = self.path.iter().copied().chain([Step::Field(field)]).collect();
                    matches!(look::<T>(&path), Found::Enum(_))
                };
                let enums: Vec<&'static str> = fields.iter().filter(is_enum).copied().collect();
                let [only] = enums[..] else { return false };
                self.path.push(Step::Field(only));
                let has_kinds = self.visit::<T>();
                self.path.pop();
                has_kinds
            }
            Found::Other => false,
        }
    }

    fn visit_enum<T: DeserializeOwned>(&mut self, id: EnumId) {
        if self.seen.contains(&id) {
            return;
        }
        self.seen.push(id);
        for name in id.variants {
            self.path.push(Step::Variant(name));
            if !self.visit::<T>() && !self.names.contains(name) {
                self.names.push(name);
            }
            self.path.pop();
        }
    }
}

fn look<T: DeserializeOwned>(path: &[Step]) -> Found {
    let mut found = Found::Other;
    // The result is always an error: there is nothing to read.
    let _ = T::deserialize(Probe { path, found: &mut found, may_be_struct: true, newtypes: 0 });
    found
}

/// A struct that holds itself and nothing else has no end.
const NEWTYPES_MAX: u8 = 64;

struct Probe<'a> {
    path: &'a [Step],
    found: &'a mut Found,
    /// Whether a struct may have a kind here: not where it is a field of another.
    may_be_struct: bool,
    /// How many structs with one unnamed field it went through since the last step.
    newtypes: u8,
}

/// The answer was written down, or there is none.
#[derive(Debug)]
struct Asked;

impl Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only asking")
    }
}

impl core::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: Display>(_: T) -> Asked {
        Asked
    }
}

impl ser::Error for Asked {
    fn custom<T: Display>(_: T) -> Asked {
        Asked
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Asked;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        if self.newtypes == NEWTYPES_MAX {
            return Err(Asked);
        }
        visitor.visit_newtype_struct(Probe { newtypes: self.newtypes + 1, ..self })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Asked> {
        match self.path {
            _ if !self.may_be_struct => Err(Asked),
            [] => {
                *self.found = Found::Struct(fields);
                Err(Asked)
            }
            [Step::Field(name), path @ ..] => {
                let probe = Probe { path, may_be_struct: false, newtypes: 0, ..self };
                visitor.visit_map(At { name, probe: Some(probe) })
            }
            [Step::Variant(_), ..] => Err(Asked),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Asked> {
        match self.path {
            [] => {
                *self.found = Found::Enum(EnumId { visitor: any::type_name::<V>(), variants });
                Err(Asked)
            }
            [Step::Variant(name), path @ ..] => {
                let probe = Probe { path, may_be_struct: true, newtypes: 0, ..self };
                visitor.visit_enum(At { name, probe: Some(probe) })
            }
            [Step::Field(_), ..] => Err(Asked),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// A variant or a field, and the probe for what it holds.
struct At<'a> {
    name: &'static str,
    probe: Option<Probe<'a>>,
}

impl At<'_> {
    fn name(&self) -> StrDeserializer<'static, Asked> {
        self.name.into_deserializer()
    }
}

impl<'de> MapAccess<'de> for At<'_> {
    type Error = Asked;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Asked> {
        seed.deserialize(self.name()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Asked> {
        seed.deserialize(self.probe.take().ok_or(Asked)?)
    }
}

impl<'de> EnumAccess<'de> for At<'_> {
    type Error = Asked;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Asked> {
        Ok((seed.deserialize(self.name())?, self))
    }
}

impl<'de> VariantAccess<'de> for At<'_> {
    type Error = Asked;

    fn unit_variant(self) -> Result<(), Asked> {
        Err(Asked)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Asked> {
        seed.deserialize(self.probe.ok_or(Asked)?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Asked> {
        Err(Asked)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Asked> {
        Err(Asked)
    }
}

/// Finds the name of a value's innermost variant. Its error says that the value has none.
#[derive(Clone, Copy)]
struct Namer {
    may_be_struct: bool,
}

/// A variant whose content gives no other name.
struct Named(&'static str);

/// The fields of a struct: how many are enums, and the kind of the last of them.
#[derive(Default)]
struct Fields {
    enums: usize,
    kind: Option<&'static str>,
}

macro_rules! nothing_to_name {
    ($($function:ident $(($value:ty))?,)*) => {
        $(fn $function(self $(, _: $value)?) -> Result<&'static str, Asked> {
            Err(Asked)
        })*
    };
}

impl Serializer for Namer {
    type Ok = &'static str;
    type Error = Asked;
    type SerializeSeq = Impossible<&'static str, Asked>;
    type SerializeTuple = Impossible<&'static str, Asked>;
    type SerializeTupleStruct = Impossible<&'static str, Asked>;
    type SerializeTupleVariant = Named;
    type SerializeMap = Impossible<&'static str, Asked>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Named;

    fn is_human_readable(&self) -> bool {
        false
    }

    nothing_to_name! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_i128(i128), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_u128(u128), serialize_f32(f32), serialize_f64(f64), serialize_char(char), serialize_str(&str),
        serialize_bytes(&[u8]), serialize_none, serialize_unit, serialize_unit_struct(&'static str),
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<&'static str, Asked> {
        Err(Asked)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<&'static str, Asked> {
        Ok(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<&'static str, Asked> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<&'static str, Asked> {
        Ok(value.serialize(Namer { may_be_struct: true }).unwrap_or(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Asked> {
        Err(Asked)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Asked> {
        Err(Asked)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Asked> {
        Err(Asked)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Named, Asked> {
        Ok(Named(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Asked> {
        Err(Asked)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Asked> {
        if self.may_be_struct { Ok(Fields::default()) } else { Err(Asked) }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Named, Asked> {
        Ok(Named(variant))
    }
}

impl SerializeTupleVariant for Named {
    type Ok = &'static str;
    type Error = Asked;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Asked> {
        Ok(())
    }

    fn end(self) -> Result<&'static str, Asked> {
        Ok(self.0)
    }
}

impl SerializeStructVariant for Named {
    type Ok = &'static str;
    type Error = Asked;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, _: &T) -> Result<(), Asked> {
        Ok(())
    }

    fn end(self) -> Result<&'static str, Asked> {
        Ok(self.0)
    }
}

impl SerializeStruct for Fields {
    type Ok = &'static str;
    type Error = Asked;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Asked> {
        if let Ok(kind) = value.serialize(Namer { may_be_struct: false }) {
            self.enums += 1;
            self.kind = Some(kind);
        }
        Ok(())
    }

    fn end(self) -> Result<&'static str, Asked> {
        self.kind.filter(|_| self.enums == 1).ok_or(Asked)
    }
}
