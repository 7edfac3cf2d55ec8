//! JSON Schemas of what a file may say: what programs and the reference know of its words, with their documentation.
//!
//! They come from the types that read files. A RON file is no JSON: an enum's variant is here an object with its name as
//! the only field, or a text where it has no content. Besides the keywords of JSON Schema there are `x-order`, the fields
//! of an object in the order of their declaration, and `x-range`, the least and the greatest value.

use alloc::borrow::Cow;
use core::marker::PhantomData;
/// The crate whose generator [`Service::schemas`] is given.
pub use schemars;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;

use crate::scenario::Scenario;
use crate::scenario::form::{DiskForm, Network, Reordering};
use crate::scenario::history::PastLife;
use crate::scenario::namespace::Word;
use crate::scenario::profile::{
    ClocksDrawn, ClogsDrawn, CrashesDrawn, CutsDrawn, DiskDrawn, DiskErrorKind, MessagesDrawn, NetworkDrawn,
    Profile, Runs, Weights,
};
use crate::scenario::service::Service;
use crate::scenario::step::{
    Crash, EventPattern, Fault, FlyingTraffic, Leaves, Rule, RunClaim, Seam, Step, Target, Traffic,
};
use crate::sim::{About, Bandwidth, Bursts, Chance, LateCopy, Percent, Ruling, Slots};

mod order;

pub(crate) use order::ordered;
use order::{in_order, named};

pub(crate) use crate::sim::net::rule::shown;

/// The schemas of a service's own words.
#[derive(Clone, Debug)]
pub struct ServiceSchemas {
    /// Of its commands.
    pub command: Schema,
    /// Of its expectations.
    pub expectation: Schema,
    /// Of its settings.
    pub settings: Schema,
}

impl ServiceSchemas {
    /// Those of types that derive [`JsonSchema`]: with types, defaults and documentation.
    pub fn derived<S>(generator: &mut SchemaGenerator) -> ServiceSchemas
    where
        S: Service<Command: JsonSchema, Expectation: JsonSchema, Settings: JsonSchema>,
    {
        ServiceSchemas {
            command: derived::<S::Command>(generator),
            expectation: derived::<S::Expectation>(generator),
            settings: derived::<S::Settings>(generator),
        }
    }

    /// Names of words and of their fields alone: all that is known of types that can only be read.
    pub fn of_names<S: Service>() -> ServiceSchemas {
        ServiceSchemas {
            command: named::<S::Command>(),
            expectation: named::<S::Expectation>(),
            settings: named::<S::Settings>(),
        }
    }
}

/// The schema of `T`, with its fields in the order of their declaration.
pub fn derived<T: JsonSchema + DeserializeOwned>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    in_order::<T>(&mut schema);
    schema
}

/// A step with the words of `S`.
pub(crate) type StepSchema<S> = Step<Word<Fault<ExpectationWords<S>>, CommandWords<S>>>;

/// A claim, or an expectation of `S`.
pub(crate) type ExpectationSchema<S> = Word<RunClaim, ExpectationWords<S>>;

macro_rules! words_of_services {
    ($($(#[$doc:meta])* $name:ident is $title:literal: $field:ident;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name<S>(PhantomData<S>);

        impl<S: Service> JsonSchema for $name<S> {
            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                S::schemas(generator).$field
            }
        }
    )+};
}

words_of_services! {
    /// The commands of a service.
    CommandWords is "Command": command;
    /// The expectations of a service.
    ExpectationWords is "Expectation": expectation;
    /// The settings of a service.
    SettingsSchema is "Settings": settings;
}

/// The schemas of a scenario and of a profile for `S`, and what they refer to, under the names of their types.
pub(crate) fn definitions<S: Service>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<Scenario<S>>();
    generator.subschema_for::<Profile>();
    let all = generator.definitions_mut();
    ordered::<Scenario<S>>("Scenario", all);
    ordered::<Network>("Network", all);
    ordered::<Reordering>("Reordering", all);
    ordered::<Bursts>("Bursts", all);
    ordered::<LateCopy>("LateCopy", all);
    ordered::<Bandwidth>("Bandwidth", all);
    ordered::<crate::scenario::form::Latency>("Latency", all);
    ordered::<DiskForm>("Disk", all);
    ordered::<PastLife>("History", all);
    ordered::<EventPattern>("Event", all);
    ordered::<Traffic>("Traffic", all);
    ordered::<FlyingTraffic>("FlyingTraffic", all);
    ordered::<Fault<()>>("Action", all);
    ordered::<Rule>("Rule", all);
    ordered::<Ruling>("Ruling", all);
    ordered::<Slots>("Slots", all);
    ordered::<RunClaim>("Claim", all);
    ordered::<Profile>("Profile", all);
    ordered::<NetworkDrawn>("NetworkDrawn", all);
    ordered::<DiskDrawn>("DiskDrawn", all);
    ordered::<CutsDrawn>("CutsDrawn", all);
    ordered::<CrashesDrawn>("CrashesDrawn", all);
    ordered::<MessagesDrawn>("MessagesDrawn", all);
    ordered::<ClogsDrawn>("ClogsDrawn", all);
    ordered::<ClocksDrawn>("ClocksDrawn", all);
}

impl<H: JsonSchema, S: JsonSchema> JsonSchema for Word<H, S> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{} or {}", H::schema_name(), S::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<H>(), generator.subschema_for::<S>()] })
    }
}

impl JsonSchema for Crash {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Crash".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let manners = [generator.subschema_for::<Seam>(), generator.subschema_for::<Leaves>()];
        json_schema!({
            "type": "array",
            "prefixItems": [generator.subschema_for::<Target>()],
            "items": { "anyOf": manners },
            "minItems": 1,
            "maxItems": 3,
        })
    }
}

/// What is written as a text, with what it means where nothing is written.
macro_rules! texts {
    ($($name:ident: $default:expr, $pattern:literal, $example:literal, $means:literal;)+) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "examples": [$example],
                    "description": $means,
                });
                let default: Option<$name> = $default;
                if let Some(default) = default {
                    let text = serde_json::to_value(default).expect("it is written as a text");
                    schema.insert("default".into(), text);
                }
                schema
            }
        }
    )+};
}

texts! {
    Chance: Some(Chance { numerator: 0, denominator: 100 }), r"^(\d+(\.\d{1,4})?%|\d+/\d+)$", "1%",
        "How often something happens: a percentage with up to four decimal places, such as `\"1%\"` or `\"0.25%\"`, or \
         a ratio of whole numbers, such as `\"1/64\"`. From `\"0%\"`, never, to `\"100%\"`, always.";
    Percent: None, r"^\d+%$", "10%", "A whole number of percent, such as `\"10%\"`.";
    About: None, r"^.+ \d+$", "slot 7",
        "What a message or note is about: a noun and a number as traces show them, such as `\"slot 7\"` or \
         `\"request 7\"`.";
}

impl<K: JsonSchema + Ord> JsonSchema for Weights<K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("weights of {}", K::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<K>();
        let weight = json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
        json_schema!({ "type": "object", "propertyNames": keys, "additionalProperties": weight })
    }
}

impl<K: JsonSchema + Ord> JsonSchema for Runs<K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("runs by {}", K::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (keys, chance) = (generator.subschema_for::<K>(), generator.subschema_for::<Chance>());
        json_schema!({ "type": "object", "propertyNames": keys, "additionalProperties": chance })
    }
}

impl JsonSchema for DiskErrorKind {
    fn schema_name() -> Cow<'static, str> {
        "DiskErrorKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let all = DiskErrorKind::all();
        let all = all.map(
            |(error, _)| json_schema!({ "const": error.0.name(), "description": error.0.row().means.trim() }),
        );
        json_schema!({ "oneOf": all.collect::<Vec<_>>(), "description": "An error of a disk that is soon over." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::toy::Toys;
    use serde_json::{Map, Value, json};

    #[test]
    fn words_that_can_only_be_read_are_known_by_name() {
        let ServiceSchemas { command, expectation, settings } = ServiceSchemas::of_names::<Toys>();
        let fields = |schema: &Schema, place: &str| schema.as_value().pointer(place).cloned();
        assert_eq!(fields(&command, "/oneOf/0/properties/Put/x-order"), Some(json!(["site", "number"])));
        assert_eq!(fields(&command, "/oneOf/1/properties/PutOdd/x-order"), Some(json!(["site", "what"])));
        assert_eq!(fields(&expectation, "/oneOf/0/required"), Some(json!(["Holds"])));
        assert_eq!(fields(&settings, "/additionalProperties"), Some(false.into()));
    }

    /// Every object with fields says in which order they are declared.
    #[test]
    fn fields_are_in_order() {
        let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        definitions::<Toys>(&mut generator);
        fn look(name: &str, value: &Value) {
            let properties = value.get("properties").and_then(Value::as_object);
            let is_variant = |properties: &Map<String, Value>| {
                properties.len() == 1 && properties.keys().all(|name| name.starts_with(char::is_uppercase))
            };
            if let Some(properties) = properties.filter(|properties| !is_variant(properties)) {
                let order = value.get("x-order").and_then(Value::as_array);
                let order = order.unwrap_or_else(|| panic!("{name} is in no order: {value}"));
                assert_eq!(order.len(), properties.len(), "{name}");
            }
            match value {
                Value::Object(all) => all.values().for_each(|value| look(name, value)),
                Value::Array(all) => all.iter().for_each(|value| look(name, value)),
                _ => {}
            }
        }
        generator.definitions().iter().for_each(|(name, value)| look(name, value));
    }
}
