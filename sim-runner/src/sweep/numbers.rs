//! Numbers and lengths of time as people write them.

use std::time::Duration;

/// `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number per second.
pub(super) fn rate(number: u64, seconds: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = number as f64 / seconds;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
    if rate < 10.0 { format!("{rate:.1}") } else { count(rate.round() as u64) }
}

/// Reads `10m`, `90s`, `1.5h`, `500ms`: a time above zero, in the units of scenario files.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let time: aviary::time::Duration = text.parse().map_err(|bad| format!("expected {bad}"))?;
    match time.as_micros() {
        0 => Err("nothing is done within no time: expected one above 0, like 10m".into()),
        micros => Ok(Duration::from_micros(micros)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_and_times_have_units() {
        assert_eq!([7, 1_000, 1_234_567].map(count), ["7", "1,000", "1,234,567"]);
        assert_eq!((rate(5, 2.0).as_str(), rate(5_000, 2.0).as_str()), ("2.5", "2,500"));
        let seconds = |text| time(text).map(|time| time.as_millis());
        for (text, ms) in [("10m", 600_000), ("90s", 90_000), ("1.5h", 5_400_000), ("5ms", 5)] {
            assert_eq!(seconds(text), Ok(ms), "{text}");
        }
        for wrong in ["", "10", "s", "0s", "-1s", "10 m", "1d", "1e9h", "1..5s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
