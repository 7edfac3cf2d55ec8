//! What the schema of a file says, in the terms of RON.

use std::iter;

use aviary::scenario::Service;
use serde_json::{Map, Value};

/// The definitions of a file's types by name, with the kinds that the service has.
pub(super) struct Schemas {
    definitions: Map<String, Value>,
    pub(super) messages: Vec<&'static str>,
    pub(super) notes: Vec<&'static str>,
}

/// A named value of a struct.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) is_required: bool,
}

/// A word of an enum.
#[derive(Clone, Copy)]
pub(super) struct Variant<'a> {
    pub(super) name: &'a str,
    pub(super) means: &'a str,
    pub(super) content: Option<&'a Value>,
}

impl Schemas {
    pub(super) fn of<S: Service>() -> Schemas {
        let mut whole = aviary::search::file_schema::<S>().to_value();
        let definitions = whole.get_mut("$defs").map(Value::take);
        let Some(Value::Object(definitions)) = definitions else { unreachable!("a schema has definitions") };
        Schemas { definitions, messages: S::messages(), notes: S::notes() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().map(String::as_str)
    }

    pub(super) fn definition(&self, name: &str) -> &Value {
        self.definitions.get(name).unwrap_or_else(|| panic!("no type of a file is called {name}"))
    }

    /// What a schema stands for: itself, what it refers to, or what it is if it is there.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match (reference(schema), optional(schema)) {
            (Some(name), _) => self.resolve(self.definition(name)),
            (None, Some(inner)) => self.resolve(inner),
            (None, None) => schema,
        }
    }
}

/// The type that a schema refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The schemas between which there is a choice.
pub(super) fn choice(schema: &Value) -> &[Value] {
    schema.get("anyOf").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

/// The schema of what a field has that may have nothing.
fn optional(schema: &Value) -> Option<&Value> {
    match choice(schema) {
        [inner, null] if is_null(null) => Some(inner),
        _ => None,
    }
}

/// Whether a field may be left out because that has a meaning of its own.
pub(super) fn may_be_nothing(schema: &Value) -> bool {
    let kinds = schema.get("type").and_then(Value::as_array);
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null")) || optional(schema).is_some()
}

/// The type in the words of JSON, without `null`.
pub(super) fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ => "",
    }
}

/// Its documentation, on one line.
pub(super) fn means(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or("")
}

pub(super) fn examples(schema: &Value) -> Option<&Value> {
    schema.get("examples")?.get(0)
}

/// The fields of a struct in their order.
pub(super) fn fields(schema: &Value) -> Vec<Field<'_>> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let listed = |key| schema.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let required = listed("required");
    let field =
        |(name, schema)| Field { name, schema, is_required: required.iter().any(|other| other == name) };
    let order = listed("x-order").iter().filter_map(|name| properties.get_key_value(name.as_str()?));
    if order.clone().count() == properties.len() {
        order.map(|(name, schema)| field((name.as_str(), schema))).collect()
    } else {
        properties.iter().map(|(name, schema)| field((name.as_str(), schema))).collect()
    }
}

/// Whether nothing is known of a field but its name.
pub(super) fn is_unknown(field: &Field<'_>) -> bool {
    *field.schema == Value::Bool(true)
}

/// The words of an enum in their order; none for what is no enum.
pub(super) fn variants(schema: &Value) -> Vec<Variant<'_>> {
    let listed = schema.get("oneOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let plain = schema.get("enum").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let plain = plain.iter().filter_map(Value::as_str);
    let plain = plain.map(|name| Variant { name, means: "", content: None });
    let listed = listed.iter().flat_map(|variant| -> Box<dyn Iterator<Item = Variant<'_>>> {
        let means = means(variant);
        if let Some(name) = variant.get("const").and_then(Value::as_str) {
            Box::new(iter::once(Variant { name, means, content: None }))
        } else if variant.get("enum").is_some() {
            Box::new(variants(variant).into_iter())
        } else {
            let content = variant.get("properties").and_then(Value::as_object).into_iter().flatten();
            Box::new(content.map(move |(name, content)| Variant { name, means, content: Some(content) }))
        }
    });
    plain.chain(listed).collect()
}
