//! Go's ways of writing JSON: durations as `720h0m0s`, absent values as `null`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Reads `null` like an absent field: as the type's default.
///
/// # Errors
/// Where the value is neither `null` nor a `T`.
pub fn null_as_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Reads `null` and the empty text, as Go writes a text that was never set, like an absent field.
///
/// # Errors
/// Where the value is neither of these nor a `T`.
pub fn empty_as_none<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    match Option::<String>::deserialize(input)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => T::deserialize(serde::de::IntoDeserializer::<D::Error>::into_deserializer(text)).map(Some),
    }
}

/// Writes an empty list or map as `null`, as Go writes one that was never made.
///
/// # Errors
/// Those of the serialiser.
pub fn empty_as_null<S, T>(value: &T, output: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Default + PartialEq + Serialize,
{
    if *value == T::default() { output.serialize_none() } else { value.serialize(output) }
}

/// A span of time that reads and prints as Go's `time.Duration`: `24h0m0s`, `1.5h`, `300ms`. May be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration {
    nanoseconds: i64,
}

/// Text that Go's duration parser refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid duration {text:?}: {reason}; write for example 90m, 1h30m or 720h0m0s")]
pub struct GoDurationError {
    text: String,
    reason: &'static str,
}

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl GoDuration {
    /// From whole seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { nanoseconds: seconds.saturating_mul(1_000_000_000) }
    }

    /// The length, `None` where it is negative.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.nanoseconds).ok().map(Duration::from_nanos)
    }

    /// Whether it is longer than nothing.
    pub const fn is_positive(self) -> bool {
        self.nanoseconds > 0
    }

    /// The length in nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }
}

impl FromStr for GoDuration {
    type Err = GoDurationError;

    fn from_str(text: &str) -> Result<Self, GoDurationError> {
        let error = |reason| GoDurationError { text: text.to_owned(), reason };
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(error("it is empty"));
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (whole, mut after) = rest.split_at(digits);
            let mut fraction = "";
            if let Some(point) = after.strip_prefix('.') {
                let digits = point.find(|c: char| !c.is_ascii_digit()).unwrap_or(point.len());
                (fraction, after) = point.split_at(digits);
            }
            if whole.is_empty() && fraction.is_empty() {
                return Err(error("a number is missing"));
            }
            let unit_length = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, next) = after.split_at(unit_length);
            if unit.is_empty() {
                return Err(error("a unit is missing"));
            }
            let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| error("the unit is unknown"))?.1;
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| error("it is too long"))? };
            // Go drops what is finer than a nanosecond; eighteen digits are finer than any unit needs.
            let fraction = &fraction[..fraction.len().min(18)];
            let power = 10_i128.pow(u32::try_from(fraction.len()).expect("at most eighteen"));
            let part: i128 =
                if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| error("it is too long"))? };
            total = whole
                .checked_mul(i128::from(scale))
                .and_then(|sum| sum.checked_add(part * i128::from(scale) / power))
                .and_then(|sum| sum.checked_add(total))
                .filter(|sum| *sum <= i128::from(i64::MAX))
                .ok_or_else(|| error("it is too long"))?;
            rest = next;
        }
        let nanoseconds = i64::try_from(total).map_err(|_| error("it is too long"))?;
        Ok(Self { nanoseconds: if negative { -nanoseconds } else { nanoseconds } })
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.nanoseconds.unsigned_abs();
        if self.nanoseconds < 0 {
            f.write_str("-")?;
        }
        let decimal = |f: &mut fmt::Formatter<'_>, value: u64, unit: u64, name: &str| {
            let (whole, part) = (value / unit, value % unit);
            write!(f, "{whole}")?;
            if part > 0 {
                let width = unit.ilog10() as usize;
                write!(f, ".{}", format!("{part:0width$}").trim_end_matches('0'))?;
            }
            f.write_str(name)
        };
        match total {
            0 => f.write_str("0s"),
            1..1_000 => decimal(f, total, 1, "ns"),
            1_000..1_000_000 => decimal(f, total, 1_000, "µs"),
            1_000_000..1_000_000_000 => decimal(f, total, 1_000_000, "ms"),
            _ => {
                let (minutes, rest) = (total / 60_000_000_000, total % 60_000_000_000);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(f, "{minutes}m")?;
                }
                decimal(f, rest, 1_000_000_000, "s")
            }
        }
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::GoDuration;

    #[test]
    fn reads_and_prints_as_go_does() {
        // Pairs taken from what Go's time.ParseDuration and Duration.String answer.
        for (text, printed) in [
            ("24h0m0s", "24h0m0s"),
            ("90m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("1h", "1h0m0s"),
            ("0", "0s"),
            ("0s", "0s"),
            ("300ms", "300ms"),
            ("1.0005s", "1.0005s"),
            ("-2m", "-2m0s"),
            ("1us", "1µs"),
            ("1500ns", "1.5µs"),
            ("720h", "720h0m0s"),
            (".5s", "500ms"),
            ("1h1ns", "1h0m0.000000001s"),
        ] {
            let parsed: GoDuration = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(parsed.to_string(), printed, "{text}");
        }
        for text in ["", "-", "3", "1x", "h", "1h ", " 1h", ".s", "9999999999h", "1.2.3s"] {
            assert!(text.parse::<GoDuration>().is_err(), "{text:?} is no duration");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(nanoseconds in -i64::MAX..i64::MAX) {
            let duration = GoDuration { nanoseconds };
            prop_assert_eq!(duration.to_string().parse::<GoDuration>().expect("own output"), duration);
        }
    }
}
