//! Times, as Go's decoder reads them and as servers show them.

use jiff::Timestamp;

use crate::clock::rfc3339;

/// The parts of the layout that Go names in its errors, and how many digits each has; without digits it is that letter.
const PARTS: [(&str, usize); 11] = [
    ("2006", 4),
    ("-", 0),
    ("01", 2),
    ("-", 0),
    ("02", 2),
    ("T", 0),
    ("15", 2),
    (":", 0),
    ("04", 2),
    (":", 0),
    ("05", 2),
];

/// Where the seconds of a time end.
const SECONDS: usize = "2006-01-02T15:04:05".len();
/// Digits of microseconds.
const MICROS: usize = 6;

/// A time in whole seconds, in UTC.
///
/// # Errors
/// What Go says of a text that is no time.
pub(super) fn seconds(text: &str) -> Result<String, String> {
    parse(text, "2006-01-02T15:04:05Z07:00").map(rfc3339)
}

/// A time in microseconds, in UTC.
///
/// # Errors
/// What Go says of a text that is no time.
pub(super) fn micros(text: &str) -> Result<String, String> {
    let layout = "2006-01-02T15:04:05.000000Z07:00";
    let time = parse(text, layout)?;
    // No more digits and no fewer: they are written so.
    let fraction = text.get(SECONDS..).unwrap_or_default();
    let digits = fraction.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if digits < MICROS {
        return Err(cannot(text, layout, fraction, ".000000"));
    }
    if digits > MICROS {
        return Err(cannot(text, layout, &fraction[1 + MICROS..], "Z07:00"));
    }
    Ok(format!("{time:.6}"))
}

fn cannot(text: &str, layout: &str, rest: &str, part: &str) -> String {
    format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}")
}

fn parse(text: &str, layout: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        let mut rest = text;
        let cannot = |rest: &str, part: &str| cannot(text, layout, rest, part);
        for (part, digits) in PARTS {
            let length = digits.max(1);
            let Some((head, tail)) = rest.split_at_checked(length) else {
                return cannot(rest, part);
            };
            let fits = if digits == 0 { head == part } else { head.bytes().all(|byte| byte.is_ascii_digit()) };
            if !fits {
                return cannot(rest, part);
            }
            rest = tail;
        }
        cannot(rest, "Z07:00")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc_and_errors_name_the_part() {
        assert_eq!(seconds("2026-01-01T01:00:00.7+01:00").unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(micros("2026-01-01T01:00:00.500000+01:00").unwrap(), "2026-01-01T00:00:00.500000Z");
        for (text, rest, part) in [
            ("2026-01-01T00:00:00.5Z", ".5Z", ".000000"),
            ("2026-01-01T00:00:00Z", "Z", ".000000"),
            ("2026-01-01T00:00:00.0000001Z", "1Z", "Z07:00"),
        ] {
            let said = micros(text).unwrap_err();
            assert!(said.ends_with(&format!("cannot parse {rest:?} as {part:?}")), "{said}");
        }
        for (text, rest, part) in
            [("2026-1-01", "1-01", "01"), ("2026-01-01", "", "T"), ("2026-01-01T00:00:00", "", "Z07:00")]
        {
            let said = seconds(text).unwrap_err();
            assert!(said.ends_with(&format!("cannot parse {rest:?} as {part:?}")), "{said}");
        }
    }
}
