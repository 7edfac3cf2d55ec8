//! The names of a type, in the order in which its file has them.

use schemars::{Schema, json_schema};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde_json::{Map, Value};

use crate::scenario::namespace::names;

/// Adds to the definition of `T`, called `name`, the order in which it declares its fields.
pub(crate) fn ordered<T: DeserializeOwned>(name: &str, definitions: &mut Map<String, Value>) {
    let schema = definitions.get_mut(name).and_then(|schema| <&mut Schema>::try_from(schema).ok());
    in_order::<T>(schema.expect("every type is in the schema of the file"));
}

pub(super) fn in_order<T: DeserializeOwned>(schema: &mut Schema) {
    for (variant, shape) in shapes::<T>() {
        let Shape::Fields(fields) = shape else { continue };
        if variant.is_empty() {
            schema.insert("x-order".into(), fields.into());
            continue;
        }
        let variants = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for of_variant in variants.into_iter().flatten() {
            if let Some(content) = of_variant.pointer_mut(&format!("/properties/{variant}"))
                && let Some(content) = content.as_object_mut()
            {
                content.insert("x-order".into(), fields.into());
            }
        }
    }
}

/// A schema of names alone.
pub(super) fn named<T: DeserializeOwned>() -> Schema {
    let fields_of = |fields: &[&str]| {
        let properties: Map<String, Value> =
            fields.iter().map(|field| ((*field).into(), true.into())).collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false, "x-order": fields })
    };
    let shapes = shapes::<T>();
    if let [("", Shape::Fields(fields))] = shapes.as_slice() {
        return fields_of(fields);
    }
    let variants = shapes.into_iter().map(|(name, shape)| match shape {
        Shape::Nothing => json_schema!({ "const": name }),
        Shape::Content => {
            json_schema!({ "type": "object", "properties": { name: true }, "required": [name] })
        }
        Shape::Fields(fields) => {
            json_schema!({ "type": "object", "properties": { name: fields_of(fields) }, "required": [name] })
        }
    });
    json_schema!({ "oneOf": variants.collect::<Vec<_>>() })
}

/// What stands behind a name.
#[derive(Clone, Copy, Default)]
enum Shape {
    #[default]
    Nothing,
    /// Values without names.
    Content,
    /// Values with these names.
    Fields(&'static [&'static str]),
}

/// The shape of each variant, or of a struct under no name.
fn shapes<T: DeserializeOwned>() -> Vec<(&'static str, Shape)> {
    let ask = |name| {
        let mut shape = Shape::Nothing;
        // The answer is always an error: nothing is there to read.
        let _ = T::deserialize(ShapeProbe { name, shape: &mut shape });
        (name, shape)
    };
    match names::<T>() {
        [] => vec![ask("")],
        variants => variants.iter().map(|name| ask(name)).collect(),
    }
}

struct ShapeProbe<'a> {
    name: &'static str,
    shape: &'a mut Shape,
}

type NothingThere = serde::de::value::Error;

fn nothing_there<T>() -> Result<T, NothingThere> {
    Err(NothingThere::custom("only asking"))
}

impl<'de> Deserializer<'de> for ShapeProbe<'_> {
    type Error = NothingThere;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingThere> {
        *self.shape = Shape::Content;
        nothing_there()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingThere> {
        visitor.visit_unit()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NothingThere> {
        *self.shape = Shape::Fields(fields);
        nothing_there()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NothingThere> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for ShapeProbe<'_> {
    type Error = NothingThere;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), NothingThere> {
        let name: StrDeserializer<'_, NothingThere> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for ShapeProbe<'_> {
    type Error = NothingThere;

    fn unit_variant(self) -> Result<(), NothingThere> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, NothingThere> {
        *self.shape = Shape::Content;
        nothing_there()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, NothingThere> {
        *self.shape = Shape::Content;
        nothing_there()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NothingThere> {
        *self.shape = Shape::Fields(fields);
        nothing_there()
    }
}
