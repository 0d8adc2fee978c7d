//! Times, spans and sizes as people read them.
//!
//! # Differences
//! Ark v0.6 prints times in the zone of the machine; we print UTC everywhere, as the objects and the log do, so that the
//! same object reads the same on two machines.

use std::time::Duration;

use jiff::Timestamp;

/// What an unset cell shows.
pub(crate) const NONE: &str = "<none>";

const DAY_SECONDS: i64 = 24 * 60 * 60;
const YEAR_SECONDS: i64 = 365 * DAY_SECONDS;

/// A span cut to its largest unit: `45s`, `3m`, `7h`, `30d`, `10y` (ark-behaviour §9.3).
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..DAY_SECONDS => format!("{}h", seconds / 3_600),
        DAY_SECONDS..YEAR_SECONDS => format!("{}d", seconds / DAY_SECONDS),
        _ => format!("{}y", seconds / YEAR_SECONDS),
    }
}

/// When something expires, seen from `now`: `29d`, `3h ago`, `n/a`.
pub(crate) fn expiry(now: Timestamp, expiration: Option<Timestamp>) -> String {
    match expiration {
        None => "n/a".to_owned(),
        Some(at) if at < now => format!("{} ago", span(now.as_second() - at.as_second())),
        Some(at) => span(at.as_second() - now.as_second()),
    }
}

/// An instant as Go prints one: `2017-07-26 15:41:14 +0000 UTC`.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// The fourteen digits that end a generated name: `20170726154114`.
pub(crate) fn digits(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S").to_string()
}

/// A size in bytes with a binary unit: `812 B`, `41.3 KiB`, `1.2 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// How long something took: `85 ms`, `2.4 s`, `3 min 20 s`.
pub(crate) fn took(duration: Duration) -> String {
    match duration.as_millis() {
        0..1_000 => format!("{} ms", duration.as_millis()),
        1_000..60_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
    }
}

/// `1 item`, `2 items`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The parts joined by commas, in lines of at most `width` characters where no part is longer.
pub(crate) fn wrapped(parts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let comma = if index + 1 < parts.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 2 <= width => {
                line.push(' ');
                line.push_str(part);
                line.push_str(comma);
            }
            _ => lines.push(format!("{part}{comma}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{count, digits, expiry, size, span, time, took, wrapped};

    #[test]
    fn spans_are_cut_to_the_largest_unit() {
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (59, "59s"),
            (119, "1m"),
            (86_399, "23h"),
            (86_400, "1d"),
            (31_535_999, "364d"),
            (315_360_000, "10y"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn instants_read_as_go_prints_them() {
        let at: jiff::Timestamp = "2017-07-26T15:41:14Z".parse().expect("a timestamp");
        assert_eq!((time(at).as_str(), digits(at).as_str()), ("2017-07-26 15:41:14 +0000 UTC", "20170726154114"));
        assert_eq!(expiry(at, None), "n/a");
        assert_eq!(expiry(at, Some(at + Duration::from_hours(2))), "2h");
        assert_eq!(expiry(at, Some(at - Duration::from_secs(90))), "1m ago");
    }

    #[test]
    fn lists_are_wrapped_at_their_commas() {
        let parts = ["3 pods", "12 configmaps", "1 namespace"].map(str::to_owned);
        assert_eq!(wrapped(&parts, 22), ["3 pods, 12 configmaps,", "1 namespace"]);
        assert_eq!(wrapped(&[], 22), Vec::<String>::new());
    }

    #[test]
    fn sizes_and_counts_have_units() {
        assert_eq!((size(812), size(42_291), size(1 << 30)), ("812 B".into(), "41.3 KiB".into(), "1.0 GiB".into()));
        assert_eq!((count(1, "item", "items"), count(0, "item", "items")), ("1 item".into(), "0 items".into()));
        assert_eq!(
            (took(Duration::from_millis(85)), took(Duration::from_secs(200))),
            ("85 ms".into(), "3 min 20 s".into())
        );
    }
}
