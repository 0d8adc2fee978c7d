//! The simple JSON paths of printer columns: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`,
//! `.spec.ports[0].port`, `.metadata.annotations['a.b/c']`, `.spec.hosts[*]`.
//!
//! # Differences
//!
//! Recursive descent, slices, unions and comparisons other than `==` and `!=` are not understood: such a
//! path finds nothing and its cell is empty, where a real server would print a value.

use std::str::Chars;

use serde_json::Value;

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// Elements whose field, at a path, equals a value (or does not).
    Filter {
        path: Vec<Self>,
        equal: bool,
        value: Value,
    },
}

/// What a path finds, in order; nothing where the path is not understood.
pub(super) fn find<'a>(root: &'a Value, path: &str) -> Vec<&'a Value> {
    let path = path.trim();
    let path = path.strip_prefix('{').and_then(|path| path.strip_suffix('}')).unwrap_or(path);
    match parse(path) {
        Some(steps) => walk(vec![root], &steps),
        None => Vec::new(),
    }
}

fn walk<'a>(mut found: Vec<&'a Value>, steps: &[Step]) -> Vec<&'a Value> {
    for step in steps {
        found = found.into_iter().flat_map(|value| step.apply(value)).collect();
    }
    found
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Self::Index(index), Value::Array(list)) => {
                let at = if *index < 0 { list.len() as i64 + index } else { *index };
                usize::try_from(at).ok().and_then(|at| list.get(at)).into_iter().collect()
            }
            (Self::All, Value::Array(list)) => list.iter().collect(),
            (Self::All, Value::Object(map)) => map.values().collect(),
            (Self::Filter { path, equal, value: wanted }, Value::Array(list)) => list
                .iter()
                .filter(|element| {
                    let found = walk(vec![*element], path);
                    found.first().is_some_and(|found| (*found == wanted) == *equal)
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let path = path.strip_prefix('$').unwrap_or(path);
    let mut rest = path.chars();
    loop {
        let mut ahead = rest.clone();
        match ahead.next() {
            None => return Some(steps),
            Some('.') => {
                rest = ahead;
                let name = take_name(&mut rest);
                match name.as_str() {
                    "" if rest.as_str().starts_with('[') => {}
                    "" => return if rest.as_str().is_empty() { Some(steps) } else { None },
                    "*" => steps.push(Step::All),
                    _ => steps.push(Step::Field(name)),
                }
            }
            Some('[') => {
                let (inside, after) = bracket(ahead.as_str())?;
                rest = after.chars();
                steps.push(step_in_brackets(inside.trim())?);
            }
            Some(_) if steps.is_empty() => {
                // A path may omit its first dot.
                steps.push(Step::Field(take_name(&mut rest)));
            }
            Some(_) => return None,
        }
    }
}

/// A field name up to the next dot or bracket; a backslash keeps what follows it.
fn take_name(rest: &mut Chars<'_>) -> String {
    let mut name = String::new();
    loop {
        let mut ahead = rest.clone();
        match ahead.next() {
            None | Some('.' | '[') => return name,
            Some('\\') => {
                name.extend(ahead.next());
                *rest = ahead;
            }
            Some(other) => {
                name.push(other);
                *rest = ahead;
            }
        }
    }
}

/// The text up to the closing bracket, quotes and nested brackets respected, and what follows.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            (None, ']') => depth -= 1,
            (Some(_) | None, _) => {}
        }
    }
    None
}

fn step_in_brackets(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(name) = unquote(inside) {
        return Some(Step::Field(name.to_owned()));
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
        let (equal, (left, right)) = match filter.split_once("==") {
            Some(sides) => (true, sides),
            None => (false, filter.split_once("!=")?),
        };
        let path = parse(left.trim().strip_prefix('@')?)?;
        let right = right.trim();
        let value = match unquote(right) {
            Some(text) => Value::from(text),
            None => serde_json::from_str(right).ok()?,
        };
        return Some(Step::Filter { path, equal, value });
    }
    inside.parse().ok().map(Step::Index)
}

fn unquote(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths() {
        let object = json!({
            "metadata": {"annotations": {"a.b/c": "quoted"}},
            "spec": {"ports": [{"port": 80}, {"port": 443}], "size": 3},
            "status": {"conditions": [{"type": "Old", "status": "True"}, {"type": "Ready", "status": "False"}]},
        });
        for (path, expected) in [
            (".spec.size", json!([3])),
            ("spec.size", json!([3])),
            ("{.spec.size}", json!([3])),
            (".spec.ports[1].port", json!([443])),
            (".spec.ports[-1].port", json!([443])),
            (".spec.ports[*].port", json!([80, 443])),
            (".metadata.annotations['a.b/c']", json!(["quoted"])),
            (".metadata.annotations.a\\.b/c", json!(["quoted"])),
            (".status.conditions[?(@.type==\"Ready\")].status", json!(["False"])),
            (".status.conditions[?(@.type != 'Ready')].status", json!(["True"])),
            (".spec.nothing.deeper", json!([])),
            (".spec.ports[9].port", json!([])),
            ("..size", json!([])),
            (".spec.ports[", json!([])),
            (".spec.ports[1:2]", json!([])),
        ] {
            assert_eq!(json!(find(&object, path)), expected, "{path}");
        }
    }
}
