//! How times are written in files, and a reader of values that are written as strings.

use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::time::Duration;

/// Reads a value from a string. The error says what was expected.
pub(crate) struct ValueText<T> {
    pub(crate) expected: &'static str,
    pub(crate) read: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for ValueText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

// Asks for any value, so that the error for a bare number says what was expected.

/// `"20ms"`: a whole or decimal number and us, ms, s, min or h.
impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let expected = "a number and a unit (us, ms, s, min or h), like \"20ms\" or \"1.5s\"";
        deserializer.deserialize_any(ValueText { expected, read: |text| Duration::from_str(text).ok() })
    }
}

/// `"20ms"`, in the largest unit that loses nothing.
impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Duration::ZERO => serializer.serialize_str("0s"),
            time => serializer.collect_str(&time),
        }
    }
}

/// A text.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Duration {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^\d+(\.\d+)?(us|ms|s|m|min|h)$",
            "examples": ["20ms"],
            "default": "0s",
            "description": "A time: a number and a unit, such as `\"20ms\"` or `\"1.5s\"`. Units are `us`, `ms`, `s`, `min` and `h`; \
                            `m` is read as `min`. A time is a whole number of microseconds.",
        })
    }
}
