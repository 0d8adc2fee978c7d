//! Reading one object for its row: paths, ages, joined lists, in the words the server's printers use.

use jiff::Timestamp;
use serde_json::Value;

/// What a printer shows where there is nothing to show.
pub(super) const NONE: &str = "<none>";
/// What a printer shows where an optional field has no value.
pub(super) const UNSET: &str = "<unset>";
/// What a printer shows where a time or a version is not known.
pub(super) const UNKNOWN: &str = "<unknown>";

/// Entries of a list in one cell before `+ N more...`.
const LIST_LENGTH_MAX: usize = 3;

/// An object about to become a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// The object.
    pub(super) object: &'a Value,
    /// The server's time, for ages.
    pub(super) now: Timestamp,
}

impl<'a> Row<'a> {
    /// The value at a JSON pointer, nulls left out.
    pub(super) fn at(self, pointer: &str) -> Option<&'a Value> {
        self.object.pointer(pointer).filter(|value| !value.is_null())
    }

    /// The text at a pointer, empty where there is none.
    pub(super) fn text(self, pointer: &str) -> &'a str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The text at a pointer, or `otherwise` where it is absent or empty.
    pub(super) fn text_or(self, pointer: &str, otherwise: &'a str) -> &'a str {
        match self.text(pointer) {
            "" => otherwise,
            text => text,
        }
    }

    /// The number at a pointer, 0 where there is none.
    pub(super) fn number(self, pointer: &str) -> i64 {
        self.at(pointer).and_then(Value::as_i64).unwrap_or_default()
    }

    /// The boolean at a pointer.
    pub(super) fn flag(self, pointer: &str) -> Option<bool> {
        self.at(pointer).and_then(Value::as_bool)
    }

    /// The list at a pointer.
    pub(super) fn list(self, pointer: &str) -> &'a [Value] {
        self.at(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// How many entries a list or map has.
    pub(super) fn count(self, pointer: &str) -> usize {
        match self.at(pointer) {
            Some(Value::Array(list)) => list.len(),
            Some(Value::Object(map)) => map.len(),
            _ => 0,
        }
    }

    /// A number or text as text, as an `IntOrString` or an optional number prints.
    pub(super) fn scalar_or(self, pointer: &str, otherwise: &str) -> String {
        match self.at(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => otherwise.to_owned(),
        }
    }

    /// `metadata.name`.
    pub(super) fn name(self) -> &'a str {
        self.text("/metadata/name")
    }

    /// How long the object has existed.
    pub(super) fn age(self) -> String {
        self.since("/metadata/creationTimestamp")
    }

    /// How long ago the time at a pointer was.
    pub(super) fn since(self, pointer: &str) -> String {
        self.time(pointer)
            .map_or_else(|| UNKNOWN.to_owned(), |time| human_duration(self.now.duration_since(time).as_secs()))
    }

    /// The time at a pointer.
    pub(super) fn time(self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).parse().ok()
    }

    /// The status of a condition: `True`, `False`, `Unknown` or empty.
    pub(super) fn condition(self, kind: &str) -> &'a str {
        self.list("/status/conditions")
            .iter()
            .find(|condition| string(condition, "type") == kind)
            .map_or("", |condition| string(condition, "status"))
    }

    /// Labels or a `matchLabels` map: `a=b,c=d`, sorted.
    pub(super) fn labels(self, pointer: &str) -> String {
        let Some(Value::Object(labels)) = self.at(pointer) else {
            return NONE.to_owned();
        };
        let pairs: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        if pairs.is_empty() { NONE.to_owned() } else { pairs.join(",") }
    }

    /// A label selector with both of its parts.
    pub(super) fn selector(self, pointer: &str) -> String {
        let mut parts = Vec::new();
        if let Some(Value::Object(labels)) = self.at(&format!("{pointer}/matchLabels")) {
            parts.extend(
                labels
                    .iter()
                    .map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default()))),
            );
        }
        for expression in self.list(&format!("{pointer}/matchExpressions")) {
            let key = string(expression, "key");
            let mut values = strings(expression, "values");
            values.sort_unstable();
            let values = values.join(",");
            let text = match string(expression, "operator") {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            };
            parts.push((key, text));
        }
        // A selector is in the order of its keys, whichever way they are asked for.
        parts.sort_by_key(|(key, _)| *key);
        let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        if parts.is_empty() { NONE.to_owned() } else { parts.join(",") }
    }

    /// Names and images of the containers of the pod template at a pointer.
    pub(super) fn containers(self, pointer: &str) -> (String, String) {
        let containers = self.list(&format!("{pointer}/spec/containers"));
        let join = |field| {
            let all: Vec<&str> = containers.iter().map(|container| string(container, field)).collect();
            all.join(",")
        };
        (join("name"), join("image"))
    }
}

/// A text field of a value, empty where there is none.
pub(super) fn string<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list field.
pub(super) fn strings<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |list| list.iter().filter_map(Value::as_str).collect())
}

/// Joins at most three entries and tells how many were left out.
pub(super) fn shortened(entries: &[String], empty: &str) -> String {
    if entries.is_empty() {
        return empty.to_owned();
    }
    let shown = entries[..entries.len().min(LIST_LENGTH_MAX)].join(",");
    match entries.len().saturating_sub(LIST_LENGTH_MAX) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// A span of seconds in at most two units, as `kubectl get` shows ages.
pub(super) fn human_duration(seconds: i64) -> String {
    let two = |big: i64, big_unit: char, small: i64, small_unit: char| {
        if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
    };
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, 'y', days % 365, 'd'),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations() {
        let day = 86_400;
        for (seconds, shown) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (135, "2m15s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (3 * 3600 + 120, "3h2m"),
            (8 * 3600, "8h"),
            (2 * day, "2d"),
            (2 * day + 3600, "2d1h"),
            (8 * day, "8d"),
            (729 * day, "729d"),
            (730 * day, "2y"),
            (740 * day, "2y10d"),
            (8 * 365 * day, "8y"),
        ] {
            assert_eq!(human_duration(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn reading() {
        let object = json!({
            "metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"selector": {
                "matchLabels": {"b": "2", "a": "1"},
                "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d", "e"]}],
            }},
        });
        let row = Row { object: &object, now: "2026-01-01T00:03:00Z".parse().unwrap() };
        assert_eq!(row.age(), "3m");
        assert_eq!(row.since("/spec/nothing"), UNKNOWN);
        assert_eq!(row.selector("/spec/selector"), "a=1,b=2,c notin (d,e)");
        assert_eq!(row.labels("/metadata/labels"), NONE);
        let many: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(shortened(&many, NONE), "0,1,2 + 2 more...");
    }
}
