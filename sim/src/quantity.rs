//! Resource quantities: `10Gi`, `500m`, `1e3`.
//!
//! A quantity is a number and a suffix: decimal (`m`, `k`, `M`, …), binary (`Ki`, `Mi`, …) or an exponent (`e3`). A server shows it with
//! the largest suffix of its family that leaves a whole number: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`. Owns reading,
//! showing, comparing and adding them.
//!
//! # Differences
//!
//! Numbers of more than 38 digits in billionths cannot be computed with; they are shown as they were written.

use std::cmp::Ordering;
use std::fmt;

/// What a server says of a text that is no quantity.
pub(crate) const MALFORMED: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// How a quantity was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// One, in billionths.
const ONE: i128 = 1_000_000_000;

/// The text in canonical form; text that is too large to compute with stays as it is.
///
/// # Errors
/// [`MALFORMED`].
pub(crate) fn canonical(text: &str) -> Result<String, String> {
    let parts = Parts::of(text).ok_or_else(|| MALFORMED.to_owned())?;
    Ok(parts.computed(text).map_or_else(|| text.to_owned(), |quantity| quantity.to_string()))
}

/// The quantity in thousandths, so that `500m` is 500; `None` for text that is no quantity or does not fit.
pub(crate) fn milli(text: &str) -> Option<i128> {
    Quantity::parse(text).map(|quantity| quantity.milli())
}

/// A number of something. Equal and ordered by its value, however it is written.
#[derive(Clone, Debug)]
pub(crate) struct Quantity {
    nanos: i128,
    family: Family,
    /// As it was written, where a server keeps that.
    written: Option<String>,
}

impl Quantity {
    /// `None` for text that is no quantity or cannot be computed with.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Parts::of(text)?.computed(text)
    }

    /// A count.
    pub(crate) fn whole(count: usize) -> Self {
        let nanos = i128::try_from(count).unwrap_or(i128::MAX).saturating_mul(ONE);
        Self { nanos, family: Family::Decimal, written: None }
    }

    /// In thousandths, rounded up.
    pub(crate) fn milli(&self) -> i128 {
        ceil(self.nanos, 1_000_000)
    }

    /// In whole units, rounded up.
    pub(crate) fn value(&self) -> i128 {
        ceil(self.nanos, ONE)
    }

    /// The same, without a fraction of a unit.
    pub(crate) fn rounded_up(&self) -> Self {
        if self.nanos % ONE == 0 {
            return self.clone();
        }
        Self { nanos: self.value().saturating_mul(ONE), family: self.family, written: None }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// The sum, written as this one, or as the other if this one is nothing.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        self.with(self.nanos.saturating_add(other.nanos), other)
    }

    /// The difference, likewise.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.with(self.nanos.saturating_sub(other.nanos), other)
    }

    fn with(&self, nanos: i128, other: &Self) -> Self {
        Self { nanos, family: if self.is_zero() { other.family } else { self.family }, written: None }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(written) = &self.written {
            return f.write_str(written);
        }
        let sign = if self.is_negative() { "-" } else { "" };
        write!(f, "{sign}{}", shown(self.nanos.saturating_abs(), self.family))
    }
}

/// What a quantity is written of.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    family: Family,
    /// Of ten, for the decimal families.
    power: i32,
    /// Of two, for the binary one.
    shift: u32,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let split = unsigned.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(split);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let decimal = DECIMAL.iter().find(|(known, _)| *known == suffix).map(|(_, power)| (Family::Decimal, *power, 0));
        let binary = BINARY.iter().find(|(known, _)| *known == suffix).map(|(_, shift)| (Family::Binary, 0, *shift));
        let exponent = || {
            let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            Some((Family::Exponent, power, 0))
        };
        let (family, power, shift) = decimal.or(binary).or_else(exponent)?;
        let whole = whole.trim_start_matches('0');
        Some(Self { negative: text.starts_with('-'), whole, fraction, family, power, shift })
    }

    /// The value; what is smaller than a billionth is rounded up.
    fn computed(&self, text: &str) -> Option<Quantity> {
        let digits = format!("{}{}", self.whole, self.fraction);
        let digits = digits.trim_start_matches('0');
        let value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        let value = value.checked_mul(1_i128 << self.shift)?;
        let power = self.power.checked_sub(i32::try_from(self.fraction.len()).ok()?)?.checked_sub(NANO)?;
        let scale = 10_i128.checked_pow(power.unsigned_abs());
        let nanos = match scale {
            Some(scale) if power >= 0 => value.checked_mul(scale)?,
            Some(scale) => ceil(value, scale),
            // Nothing is so little, and nothing else so much.
            None if power < 0 => i128::from(value != 0),
            None if value == 0 => 0,
            None => return None,
        };
        // The binary family ends where a number of 64 bits does.
        let most = i128::from(i64::MAX) * ONE;
        let nanos = if self.family == Family::Binary { nanos.min(most) } else { nanos };
        let nanos = if self.negative { -nanos } else { nanos };
        Some(Quantity { nanos, family: self.family, written: self.is_kept().then(|| text.to_owned()) })
    }

    /// Whether a server takes the text for canonical, at a look.
    fn is_kept(&self) -> bool {
        if self.family == Family::Binary {
            let last: u32 =
                self.whole.bytes().rev().take(3).rev().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
            let room = 14_i64 - self.whole.len() as i64 - i64::from(self.shift * 3 / 10);
            return self.fraction.is_empty() && room >= 0 && !last.is_multiple_of(8);
        }
        let digits = self.whole.len().max(1) + self.fraction.len();
        let power = i64::from(self.power) - self.fraction.len() as i64;
        let thousands =
            self.whole.bytes().chain(self.fraction.bytes()).rev().take_while(|digit| *digit == b'0').count();
        !self.whole.is_empty() && digits <= 18 && power >= i64::from(NANO) && power % 3 == 0 && thousands < 3
    }
}

/// A quotient, rounded away from nothing.
fn ceil(value: i128, by: i128) -> i128 {
    value / by + (value % by).signum()
}

fn shown(nanos: i128, family: Family) -> String {
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
            ("0.1n", "1n"),
            ("1E", "1E"),
            (".5", "500m"),
            ("0.5Ki", "512"),
            ("2048", "2048"),
            ("1000Ki", "1000Ki"),
            ("100Ei", "9223372036854775807"),
        ] {
            assert_eq!(canonical(given).unwrap(), shown, "{given}");
        }
        for wrong in ["", "abc", "Gi", "1Q", "1.2.3", "--1", "1 Gi"] {
            assert!(canonical(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_looks_canonical_stays_as_it_was_written() {
        for kept in ["1.125", "+5", "007", "1.500", "9Gi"] {
            assert_eq!(canonical(kept).unwrap(), kept);
        }
        assert_eq!(Quantity::parse("1.125").unwrap().plus(&Quantity::whole(0)).to_string(), "1125m");
    }

    #[test]
    fn thousandths() {
        assert_eq!(milli("500m"), Some(500));
        assert_eq!(milli("10"), Some(10_000));
        assert_eq!(milli("1e3"), milli("1k"));
        assert_eq!(milli("1.5Gi"), milli("1536Mi"));
        assert_eq!(milli("-1"), Some(-1_000));
        assert_eq!(milli("1u"), Some(1));
        assert!(milli("10G") < milli("10Gi"));
        for wrong in ["", ".", "Gi", "1Q", "ten", "1.2.3", "1e99", "--1"] {
            assert_eq!(milli(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_sum_is_written_as_its_first_part() {
        let of = |text: &str| Quantity::parse(text).unwrap();
        assert_eq!(of("1Gi").plus(&of("1024")).to_string(), "1048577Ki");
        assert_eq!(Quantity::whole(0).plus(&of("1Gi")).to_string(), "1Gi");
        assert_eq!(of("2").minus(&of("500m")).to_string(), "1500m");
        assert_eq!(of("1.5").rounded_up().to_string(), "2");
    }

    proptest! {
        #[test]
        fn canonical_form_is_canonical(number in "[+-]?[0-9]{1,6}(\\.[0-9]{1,4})?", suffix in "(n|u|m|k|M|G|T|Ki|Mi|Gi|e3|e-3)?") {
            let once = canonical(&format!("{number}{suffix}")).unwrap();
            prop_assert_eq!(canonical(&once).unwrap(), once);
        }
    }
}
