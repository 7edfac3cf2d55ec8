//! Builds everything about a setting from one table: its field, usual value, range, encoding, its place and comment in
//! `sites.ron`, and the forms in which files change it.

use alloc::format;
use alloc::string::{String, ToString};
use core::ops::RangeInclusive;

use super::ConfigError;
use crate::time::Duration;

/// A size or a time.
pub(super) trait Quantity: Copy + PartialOrd {
    /// The unit that errors print after the name.
    const UNIT: &'static str;

    /// The value in its unit.
    fn number(self) -> u64;

    /// The value in RON.
    fn text(self) -> String;
}

impl Quantity for u64 {
    const UNIT: &'static str = "";

    fn number(self) -> u64 {
        self
    }

    fn text(self) -> String {
        self.to_string()
    }
}

impl Quantity for usize {
    const UNIT: &'static str = "";

    fn number(self) -> u64 {
        self as u64
    }

    fn text(self) -> String {
        self.to_string()
    }
}

impl Quantity for Duration {
    const UNIT: &'static str = " in us";

    fn number(self) -> u64 {
        self.as_micros()
    }

    fn text(self) -> String {
        if self == Duration::ZERO { "\"0s\"".into() } else { format!("\"{self}\"") }
    }
}

/// As a schema shows it.
#[cfg(feature = "schema")]
pub(super) fn json<Q: Quantity>(quantity: Q) -> serde_json::Value {
    serde_json::from_str(&quantity.text()).expect("numbers and texts are the same in RON and JSON")
}

#[cfg(feature = "schema")]
pub(super) fn json_range<Q: Quantity>(range: RangeInclusive<Q>) -> [serde_json::Value; 2] {
    let (min, max) = range.into_inner();
    [json(min), json(max)]
}

/// Refuses a value outside of `range`.
pub(super) fn check_range<Q: Quantity>(
    name: &'static str,
    found: Q,
    range: RangeInclusive<Q>,
) -> Result<(), ConfigError> {
    if range.contains(&found) {
        return Ok(());
    }
    let (min, max) = range.into_inner();
    let (min, max, found) = (min.number(), max.number(), found.number());
    Err(ConfigError::OutOfRange { name, unit: Q::UNIT, min, max, found })
}

/// Builds [`Config`](super::Config), and the forms that change it, from a table of sections:
///
/// ```text
/// "a section of sites.ron" ItsForm {
///     /// What it is.
///     name: type = usual value, range, "the comment in a written sites.ron";
/// }
/// ```
///
/// A setting without a comment stands below the comment of the setting before it. Files are written, and settings
/// checked, in the order of the table.
macro_rules! settings {
    ($(
        $section:literal $form:ident {
            $(
                $(#[doc = $doc:literal])*
                $name:ident: $kind:ty = $usual:expr, $range:expr $(, $comment:literal)?;
            )*
        }
    )*) => {
        /// Sizes and times, the same at every site and client of a cluster.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Config {
            /// The number of sites, 1 to 9.
            pub sites: u8,
            $($(
                $(#[doc = $doc])*
                pub $name: $kind,
            )*)*
        }

        impl Config {
            /// The usual values, for links of up to 100 ms.
            pub fn new(sites: u8) -> Config {
                Config { sites, $($($name: $usual,)*)* }
            }

            /// Refuses a setting that is outside of its range.
            fn check_ranges(&self) -> Result<(), ConfigError> {
                $($(table::check_range(stringify!($name), self.$name, $range)?;)*)*
                Ok(())
            }

            /// Every setting, as a file shows it.
            pub fn settings(&self) -> Vec<Setting> {
                Vec::from([$($(Setting {
                    section: $section,
                    name: stringify!($name),
                    value: Quantity::text(self.$name),
                    comment: concat!("" $(, $comment)?),
                },)*)*])
            }
        }

        /// Decoding refuses a configuration that does not [work](Config::check).
        impl Wire for Config {
            fn encode(&self, out: &mut Vec<u8>) {
                let Config { sites, $($($name,)*)* } = self;
                sites.encode(out);
                $($($name.encode(out);)*)*
            }

            fn decode(input: &mut Reader<'_>) -> Result<Config, WireError> {
                let config = Config { sites: Wire::decode(input)?, $($($name: Wire::decode(input)?,)*)* };
                config.check().map_err(|_| WireError::Invalid("configuration")).map(|()| config)
            }
        }

        /// The sections of `sites.ron` with the names of their settings.
        const SECTIONS: &[(&str, &[&str])] = &[$(($section, &[$(stringify!($name)),*]),)*];

        table::settings! { @form "Settings" Overrides { $($( $(#[doc = $doc])* $name: $kind = $usual, $range; )*)* } }
        $(table::settings! { @form $section $form { $( $(#[doc = $doc])* $name: $kind = $usual, $range; )* } })*

        impl Overrides {
            /// For each setting that is set, a copy without it.
            pub fn each_without_one(&self) -> Vec<Overrides> {
                let mut fewer = Vec::new();
                $($(if self.$name.is_some() {
                    fewer.push(Overrides { $name: None, ..self.clone() });
                })*)*
                fewer
            }
        }
    };
    (@form $title:literal $form:ident { $( $(#[doc = $doc:literal])* $name:ident: $kind:ty = $usual:expr, $range:expr; )* }) => {
        /// Sizes and times of sites and clients. A field that is left out has its usual value.
        #[derive(Clone, PartialEq, Eq, Debug, Default)]
        #[cfg_attr(
            any(feature = "scenario", all(feature = "tweets", feature = "udp")),
            derive(serde::Serialize, serde::Deserialize),
            serde(rename = $title, default, deny_unknown_fields)
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $form {
            $(
                $(#[doc = $doc])*
                #[cfg_attr(
                    any(feature = "scenario", all(feature = "tweets", feature = "udp")),
                    serde(skip_serializing_if = "Option::is_none")
                )]
                #[cfg_attr(
                    feature = "schema",
                    schemars(extend(
                        "default" = table::json::<$kind>($usual),
                        "x-range" = table::json_range::<$kind>($range)
                    ))
                )]
                pub $name: Option<$kind>,
            )*
        }

        impl $form {
            /// Applies the settings that are set here to `config`.
            pub fn apply(&self, config: &mut Config) {
                $(if let Some(value) = self.$name {
                    config.$name = value;
                })*
            }
        }
    };
}

pub(super) use settings;
