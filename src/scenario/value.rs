//! How chances and subjects are written in a scenario.

use core::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::ron_file::ValueText;
use crate::sim::{About, Chance, Percent};

const CHANCE: &str = "a chance, like \"1%\" or \"1/64\"";

// All ask for any value, so that the error for a bare number says what was expected.

/// `"1%"`, `"0.5%"` or `"1/64"`.
impl<'de> Deserialize<'de> for Chance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Chance, D::Error> {
        deserializer.deserialize_any(ValueText { expected: CHANCE, read: chance })
    }
}

/// `1%`, `0.5%` or `1/64`. The error says what was expected.
impl FromStr for Chance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Chance, &'static str> {
        chance(text).ok_or(CHANCE)
    }
}

/// `"10%"`.
impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percent, D::Error> {
        let expected = "a whole number of percent, like \"10%\"";
        let read = |text: &str| Some(Percent(u8::try_from(number(text.strip_suffix('%')?)?).ok()?));
        deserializer.deserialize_any(ValueText { expected, read })
    }
}

/// `"slot 7"`, as traces show it.
impl<'de> Deserialize<'de> for About {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<About, D::Error> {
        let expected = "what it is about as traces show it, like \"slot 7\"";
        deserializer.deserialize_any(ValueText { expected, read: about })
    }
}

/// `"0.5%"` if the denominator is a power of ten from 100 to 1,000,000; otherwise `"1/64"`.
impl Serialize for Chance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Chance { numerator, denominator } = *self;
        match [100, 1_000, 10_000, 100_000, 1_000_000].iter().position(|of| *of == denominator) {
            Some(0) => serializer.collect_str(&format_args!("{numerator}%")),
            Some(digits) => {
                let (whole, fraction) = (numerator / (denominator / 100), numerator % (denominator / 100));
                serializer.collect_str(&format_args!("{whole}.{fraction:0digits$}%"))
            }
            None => serializer.collect_str(&format_args!("{numerator}/{denominator}")),
        }
    }
}

/// `"10%"`.
impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}%", self.0))
    }
}

/// `"slot 7"`.
impl Serialize for About {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether a field may be left out because it has its default value.
pub(super) fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn about(text: &str) -> Option<About> {
    let (noun, number) = text.rsplit_once(' ')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let is_noun = !noun.is_empty() && noun.trim() == noun;
    (is_noun && is_number).then_some(About { noun: noun.to_owned(), number: number.parse().ok()? })
}

fn chance(text: &str) -> Option<Chance> {
    let (numerator, denominator) = if let Some(percent) = text.strip_suffix('%') {
        let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
        if whole.is_empty() || fraction.len() > 4 || percent.ends_with('.') {
            return None;
        }
        let scale = 10u32.pow(u32::try_from(fraction.len()).ok()?);
        let digits = number(&format!("{whole}{fraction}"))?;
        (digits, 100 * scale)
    } else {
        let (numerator, denominator) = text.split_once('/')?;
        (number(numerator)?, number(denominator)?)
    };
    (denominator > 0 && numerator <= denominator).then_some(Chance { numerator, denominator })
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn a_subject_is_a_noun_and_a_number() {
        let read = |text: &str| about(text).map(|about| about.to_string());
        for right in ["slot 7", "request 0", "open lease 12"] {
            assert_eq!(read(right).as_deref(), Some(right));
        }
        for wrong in
            ["", "7", " 7", "slot", "slot ", "slot  7", "slot -1", "slot +1", "slot 99999999999999999999"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn chances_are_ratios() {
        let check = |text: &str, ratio| {
            assert_eq!(chance(text).map(|c| (c.numerator, c.denominator)), ratio, "{text}");
        };
        check("1%", Some((1, 100)));
        check("0.25%", Some((25, 10_000)));
        check("100%", Some((100, 100)));
        check("1/64", Some((1, 64)));
        for wrong in ["", "1", "101%", "2/1", "1/0", "-1%", ".5%", "5.%", "0.12345%", "+1/2", "1 %", "1/"] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same_ratio() {
        for text in ["1%", "0%", "0.25%", "33.3333%", "12.50%", "100%", "1/64", "0/1", "5/6"] {
            let read = chance(text).unwrap();
            assert_eq!(ron::to_string(&read).unwrap(), format!("\"{text}\""));
        }
        for (time, text) in [(0, "0s"), (1_500, "1500us"), (60_000_000, "1min"), (7_000, "7ms")] {
            let time = Duration::from_micros(time);
            assert_eq!(ron::to_string(&time).unwrap(), format!("\"{text}\""));
        }
    }
}
