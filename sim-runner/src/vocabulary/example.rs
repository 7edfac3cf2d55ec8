//! Values in RON: what a schema shows as an example, and what a default is.

use serde_json::Value;

use super::schema::{Field, Schemas, Variant, choice, examples, fields, is_unknown, kind, variants};

impl Schemas {
    /// An example of what a schema describes. Of fields that may be left out it has those with an example of their own.
    pub(super) fn example(&self, schema: &Value) -> String {
        if let Some(example) = examples(schema) {
            return self.ron(example, schema);
        }
        let resolved = self.resolve(schema);
        if let Some(example) = examples(resolved) {
            return self.ron(example, resolved);
        }
        if let Some(first) = choice(resolved).first() {
            return self.example(first);
        }
        if let Some(first) = variants(resolved).first() {
            return self.example_of(first);
        }
        match kind(resolved) {
            "string" => "\"..\"".to_owned(),
            "boolean" => "true".to_owned(),
            "array" => match (tuple(resolved), resolved.get("items")) {
                (Some(parts), _) => {
                    format!(
                        "({})",
                        parts.iter().map(|part| self.example(part)).collect::<Vec<_>>().join(", ")
                    )
                }
                (None, Some(item)) => format!("[{}]", self.example(item)),
                (None, None) => "[]".to_owned(),
            },
            "object" => format!("({})", self.example_fields(&fields(resolved), &self.messages)),
            _ => "1".to_owned(),
        }
    }

    /// An example of a word.
    pub(super) fn example_of(&self, variant: &Variant<'_>) -> String {
        let Some(content) = variant.content else { return variant.name.to_owned() };
        let kinds = if variant.name == "Noted" { &self.notes } else { &self.messages };
        let fields = fields(self.resolve(content));
        let inner = if fields.is_empty() {
            let example = self.example(content);
            let inside = example.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            inside.map_or_else(|| example.clone(), str::to_owned)
        } else {
            self.example_fields(&fields, kinds)
        };
        format!("{}({inner})", variant.name)
    }

    fn example_fields(&self, fields: &[Field<'_>], kinds: &[&str]) -> String {
        let shown = fields.iter().filter_map(|field| match (field.name, kinds.first()) {
            ("kind", Some(first)) => Some(format!("kind: \"{first}\"")),
            _ if is_unknown(field) => Some(format!("{}: ..", field.name)),
            _ if field.is_required || examples(field.schema).is_some() => {
                Some(format!("{}: {}", field.name, self.example(field.schema)))
            }
            _ => None,
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// What a schema describes, of a value that is written in JSON.
    pub(super) fn ron(&self, value: &Value, schema: &Value) -> String {
        let schema = self.resolve(schema);
        let all = variants(schema);
        let part = |value: &Value, schema: Option<&Value>| self.ron(value, schema.unwrap_or(&Value::Null));
        match value {
            Value::String(name) if all.iter().any(|variant| variant.name == name) => name.clone(),
            Value::Object(object) if !all.is_empty() => {
                let named = object.iter().next();
                let Some((name, content)) = named else { return String::new() };
                let variant = all.iter().find(|variant| variant.name == name);
                let content = part(content, variant.and_then(|variant| variant.content));
                match content.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                    Some(inner) => format!("{name}({inner})"),
                    None => format!("{name}({content})"),
                }
            }
            Value::Object(object) if schema.get("propertyNames").is_some() => {
                let keys = schema.get("propertyNames").map(|keys| self.resolve(keys));
                let key = |name: &str| match keys {
                    Some(keys) if kind(keys) == "string" && variants(keys).is_empty() => {
                        format!("\"{name}\"")
                    }
                    _ => name.to_owned(),
                };
                let entry = |(name, value): (&String, &Value)| {
                    format!("{}: {}", key(name), part(value, schema.get("additionalProperties")))
                };
                format!("{{{}}}", object.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Value::Object(object) => {
                let all = fields(schema);
                let given = all.iter().filter_map(|field| Some((field, object.get(field.name)?)));
                let given =
                    given.map(|(field, value)| format!("{}: {}", field.name, self.ron(value, field.schema)));
                format!("({})", given.collect::<Vec<_>>().join(", "))
            }
            Value::Array(values) => match tuple(schema) {
                Some(parts) => {
                    let values = values.iter().enumerate();
                    let values = values.map(|(at, value)| part(value, parts.get(at)));
                    format!("({})", values.collect::<Vec<_>>().join(", "))
                }
                None => {
                    let values = values.iter().map(|value| part(value, schema.get("items")));
                    format!("[{}]", values.collect::<Vec<_>>().join(", "))
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        }
    }
}

/// The parts of a tuple.
pub(super) fn tuple(schema: &Value) -> Option<&[Value]> {
    schema.get("prefixItems").and_then(Value::as_array).map(Vec::as_slice)
}
