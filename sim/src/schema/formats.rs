//! The formats of texts that definitions may ask for.
//!
//! # Differences
//!
//! An email address is one without a display name or comments. The numbers of books and cards are checked by their form and their sum.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

/// Formats that are a pattern, by their names without dashes.
static PATTERNS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    [
        ("bsonobjectid", "^[0-9a-fA-F]{24}$"),
        (
            "hostname",
            r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$",
        ),
        ("uuid", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        ("uuid3", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        ("uuid4", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        ("uuid5", "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        ("ssn", r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$"),
        ("hexcolor", "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        (
            "rgbcolor",
            r"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)$",
        ),
        ("byte", "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"),
        ("email", r"^[^@\s<>(),;:\[\]]+@[^@\s<>(),;:\[\]]+$"),
        ("k8sshortname", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        ("k8slongname", r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
        ("datetime", r"(?i)^[0-9]{4}-[0-9]{2}-[0-9]{2}t([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"),
        ("isbn10", "^(?:[0-9]{9}X|[0-9]{10})$"),
        ("isbn13", "^[0-9]{13}$"),
        ("duration", r"(?i)[0-9]+\s*(ns|nano|us|µs|micro|ms|milli|s$|sec|m$|min|h$|hr$|hour|d$|day|w$|wk$|week)"),
        ("mac", r"^(?:[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){4}(?:(?:[:-][0-9a-fA-F]{2}){2}|(?:[:-][0-9a-fA-F]{2}){14})?|(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}|(?:[0-9a-fA-F]{4}\.){3}[0-9a-fA-F]{4})$"),
    ]
    .into_iter()
    .map(|(name, pattern)| (name, Regex::new(pattern).expect("a constant in the right form")))
    .collect()
});

/// Formats that are more than a pattern.
const OTHERS: [&str; 8] = ["uri", "ipv4", "ipv6", "cidr", "isbn", "creditcard", "password", "date"];

fn plain(format: &str) -> String {
    format.replace('-', "")
}

/// Whether a server knows the format of a text.
pub(crate) fn is_known(format: &str) -> bool {
    let format = plain(format);
    OTHERS.contains(&format.as_str()) || PATTERNS.iter().any(|(name, _)| *name == format)
}

/// Whether a text has a format; one that no server knows has everything.
pub(crate) fn has(format: &str, text: &str) -> bool {
    let format = plain(format);
    let fits = |name: &str| PATTERNS.iter().any(|(known, pattern)| *known == name && pattern.is_match(text));
    match format.as_str() {
        "uri" => is_uri(text),
        "ipv4" => text.contains('.') && text.parse::<IpAddr>().is_ok(),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "isbn" => has("isbn10", text) || has("isbn13", text),
        "isbn10" | "isbn13" => {
            let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
            PATTERNS.iter().any(|(known, pattern)| *known == format && pattern.is_match(&digits)) && is_isbn(&digits)
        }
        "creditcard" => is_card(text),
        "date" => is_date(text),
        "datetime" => fits("datetime") && is_date(&text[..10]) && in_the_day(&text[11..19]),
        "duration" => is_duration(text) || fits("duration"),
        "hostname" => fits("hostname") && text.len() <= 255 && text.split('.').all(|label| label.len() <= 63),
        "k8sshortname" => text.len() <= 63 && fits("k8sshortname"),
        "k8slongname" => text.len() <= 253 && fits("k8slongname"),
        name if PATTERNS.iter().any(|(known, _)| *known == name) => fits(name),
        _ => true,
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// A time as `15:04:05`.
fn in_the_day(text: &str) -> bool {
    text[..2] <= *"23" && text[3..5] <= *"59" && text[6..] <= *"59"
}

/// What Go reads as a duration: numbers with units, as `1h30m`.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        if !number.contains(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        let Some(unit) =
            ["ns", "us", "µs", "μs", "ms", "s", "m", "h"].into_iter().find(|known| unit.starts_with(known))
        else {
            return false;
        };
        rest = &rest[digits + unit.len()..];
        parts += 1;
    }
    parts > 0
}

/// What Go takes in the first line of a request: an absolute address or path.
fn is_uri(text: &str) -> bool {
    let bad = |c: char| c.is_ascii_control() || c == ' ';
    if text.is_empty() || text.contains(bad) {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

/// The digit at a place, X being ten.
fn digits(text: &str) -> impl Iterator<Item = u32> + '_ {
    text.chars().map(|c| c.to_digit(10).unwrap_or(10))
}

fn is_isbn(text: &str) -> bool {
    if text.len() == 10 {
        digits(text).zip(1..).map(|(digit, place)| digit * place).sum::<u32>().is_multiple_of(11)
    } else {
        let weights = [1, 3].into_iter().cycle();
        digits(text).zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>().is_multiple_of(10)
    }
}

fn is_card(text: &str) -> bool {
    let text: String = text.chars().filter(char::is_ascii_digit).collect();
    let doubled = |(place, digit): (usize, u32)| match (place % 2, digit) {
        (1, digit) if digit > 4 => digit * 2 - 9,
        (1, digit) => digit * 2,
        (_, digit) => digit,
    };
    let digits: Vec<u32> = digits(&text).collect();
    let sum: u32 = digits.into_iter().rev().enumerate().map(doubled).sum();
    (13..=16).contains(&text.len()) && text.starts_with(['2', '1', '3', '4', '5', '6']) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_knows_its_texts() {
        for (format, good, bad) in [
            ("date", "2026-01-02", "2026-1-2"),
            ("date-time", "2026-01-02T03:04:05.5Z", "2026-01-02 03:04:05Z"),
            ("byte", "YWJj", "YWJ"),
            ("uuid", "0123abcd-0123-0123-0123-0123456789ab", "0123"),
            ("ipv4", "10.0.0.1", "::1"),
            ("ipv6", "::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("duration", "1h30m", "soon"),
            ("duration", "3 days", "days"),
            ("email", "a@b.example", "a b"),
            ("hostname", "a.example.com", "-a"),
            ("uri", "https://a/b", "a b"),
            ("mac", "00:11:22:33:44:55", "00:11"),
            ("hexcolor", "#fff", "#ff"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("k8s-short-name", "a-b", "a.b"),
            ("k8s-long-name", "a.b", "A"),
        ] {
            assert!(is_known(format) && has(format, good), "{format}: {good}");
            assert!(!has(format, bad), "{format}: {bad}");
        }
        assert!(!is_known("mood") && has("mood", "x"));
    }
}
