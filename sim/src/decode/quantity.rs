//! The canonical form of resource quantities.
//!
//! A quantity is a number and a suffix: decimal (`m`, `k`, `M`, …), binary (`Ki`, `Mi`, …) or an exponent (`e3`). A server shows it with
//! the largest suffix of its family that leaves a whole number: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`.

/// What a server says of a text that is no quantity.
pub(crate) const MALFORMED: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// How a quantity was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Decimal,
    Binary,
    Exponent,
}

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// The smallest part of a quantity: a billionth, which is 10 to the power of -9.
const NANO: i32 = -9;

/// The text in canonical form; text that is too large to compute with stays as it is.
///
/// # Errors
/// [`MALFORMED`].
pub(crate) fn canonical(text: &str) -> Result<String, String> {
    let malformed = || MALFORMED.to_owned();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let split = unsigned.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(malformed());
    }
    let decimal = DECIMAL.iter().find(|(known, _)| *known == suffix).map(|(_, power)| (Family::Decimal, *power, 0));
    let binary = BINARY.iter().find(|(known, _)| *known == suffix).map(|(_, shift)| (Family::Binary, 0, *shift));
    let exponent = || {
        let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        Some((Family::Exponent, power, 0))
    };
    let (family, power, shift) = decimal.or(binary).or_else(exponent).ok_or_else(malformed)?;
    // The value in billionths; what is smaller is rounded up.
    let nanos = || {
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let value = value.checked_mul(1_i128 << shift)?;
        let power = power - i32::try_from(fraction.len()).ok()? - NANO;
        let scale = 10_i128.checked_pow(power.unsigned_abs())?;
        if power >= 0 { value.checked_mul(scale) } else { Some(value.div_ceil_of(scale)) }
    };
    let Some(nanos) = nanos() else {
        return Ok(text.to_owned());
    };
    let sign = if negative && nanos != 0 { "-" } else { "" };
    Ok(format!("{sign}{}", shown(nanos, family)))
}

/// Division that rounds up, of numbers that are not negative.
trait DivCeil {
    fn div_ceil_of(self, by: Self) -> Self;
}

impl DivCeil for i128 {
    fn div_ceil_of(self, by: Self) -> Self {
        self / by + Self::from(self % by != 0)
    }
}

fn shown(nanos: i128, family: Family) -> String {
    const ONE: i128 = 1_000_000_000;
    if nanos == 0 {
        return "0".to_owned();
    }
    // What is smaller than the first binary suffix, or has a fraction, is shown in decimal.
    if family == Family::Binary && nanos >= 1024 * ONE && nanos % ONE == 0 {
        let value = nanos / ONE;
        for (suffix, shift) in BINARY.iter().rev() {
            if value % (1_i128 << shift) == 0 {
                return format!("{}{suffix}", value >> shift);
            }
        }
        return value.to_string();
    }
    let family = if family == Family::Binary { Family::Decimal } else { family };
    let (mut value, mut power) = (nanos, NANO);
    while value % 1_000 == 0 && (power < 18 || family == Family::Exponent) {
        value /= 1_000;
        power += 3;
    }
    match family {
        Family::Exponent if power == 0 => value.to_string(),
        Family::Exponent => format!("{value}e{power}"),
        _ => {
            let suffix = DECIMAL.iter().find(|(_, known)| *known == power).map_or("", |(suffix, _)| suffix);
            format!("{value}{suffix}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_suffix_that_leaves_a_whole_number() {
        for (given, shown) in [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("0.5", "500m"),
            ("1500m", "1500m"),
            ("1.5Gi", "1536Mi"),
            ("100Ki", "100Ki"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("0", "0"),
            ("0Gi", "0"),
            ("512", "512"),
            ("-1000m", "-1"),
            ("+5", "5"),
            ("0.1n", "1n"),
            ("1E", "1E"),
            (".5", "500m"),
            ("0.5Ki", "512"),
            ("2048", "2048"),
            ("1000Ki", "1000Ki"),
        ] {
            assert_eq!(canonical(given).unwrap(), shown, "{given}");
        }
        for wrong in ["", "abc", "Gi", "1Q", "1.2.3", "--1", "1 Gi"] {
            assert!(canonical(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn canonical_form_is_canonical(number in "[+-]?[0-9]{1,6}(\\.[0-9]{1,4})?", suffix in "(n|u|m|k|M|G|T|Ki|Mi|Gi|e3|e-3)?") {
            let once = canonical(&format!("{number}{suffix}")).unwrap();
            prop_assert_eq!(canonical(&once).unwrap(), once);
        }
    }
}
