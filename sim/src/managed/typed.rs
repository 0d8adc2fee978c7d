//! Whether a configuration fits its schema as far as an apply needs it: known fields, lists without doubles, values of the right kind.

use std::fmt::Write as _;

use serde_json::Value;

use super::element::Element;
use super::form::{Form, Parts};
use crate::go_json::printed;

/// What does not fit, in the words of the real server.
pub(crate) fn check(form: Form<'_>, config: &Value) -> Result<(), String> {
    let mut found = Vec::new();
    walk(form, config, "", &mut found);
    match found.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(many.iter().fold("errors:".to_owned(), |mut text, one| {
            write!(text, "\n  {one}").expect("a string takes everything");
            text
        })),
    }
}

fn walk(form: Form<'_>, value: &Value, path: &str, found: &mut Vec<String>) {
    if form.is_opaque() {
        return;
    }
    let mut note = |path: &str, what: String| {
        found.push(if path.is_empty() { what } else { format!("{path}: {what}") });
    };
    let expected = match (form.declared(), value) {
        (_, Value::Null) => return,
        ("object", value) if !value.is_object() => "map",
        ("array", value) if !value.is_array() => "list",
        ("string", value) if !value.is_string() => "string",
        ("boolean", value) if !value.is_boolean() => "boolean",
        ("integer" | "number", value) if !value.is_number() => "numeric (int or float)",
        _ => "",
    };
    if !expected.is_empty() {
        let what = match (expected, value) {
            ("map" | "list" | "boolean", value) => format!("expected {expected}, got &{{{}}}", printed(value)),
            ("numeric (int or float)", Value::String(_)) => format!("expected {expected}, got string"),
            ("numeric (int or float)", Value::Bool(_)) => format!("expected {expected}, got bool"),
            ("numeric (int or float)", Value::Array(_)) => format!("expected {expected}, got []interface {{}}"),
            ("numeric (int or float)", _) => format!("expected {expected}, got map[string]interface {{}}"),
            (expected, value) => {
                format!("expected {expected}, got &value.valueUnstructured{{Value:{}}}", go_typed(value))
            }
        };
        note(path, what);
        return;
    }
    match (form.parts(value), value) {
        (_, Value::Object(map)) => {
            for (name, value) in map {
                let path = format!("{path}.{name}");
                if form.declares(name) {
                    walk(form.child(name).0, value, &path, found);
                } else {
                    found.push(format!("{path}: field not declared in schema"));
                }
            }
        }
        (Parts::Leaf | Parts::Fields, Value::Array(list)) => {
            for (place, item) in list.iter().enumerate() {
                walk(form.items(), item, &format!("{path}[{place}]"), found);
            }
        }
        (parts, Value::Array(list)) => {
            let mut seen = Vec::new();
            for (place, item) in list.iter().enumerate() {
                let step = match &parts {
                    Parts::Keyed(keys, form) => form.key(keys, item),
                    _ => Ok(Element::Value(item.clone())),
                };
                match step {
                    Err(why) => found.push(format!("{path}: element {place}: {why}")),
                    Ok(step) if seen.contains(&step) => {
                        found.push(format!("{path}: duplicate entries for key {step}"));
                    }
                    Ok(step) => {
                        if let Parts::Keyed(_, form) = &parts {
                            walk(*form, item, &format!("{path}{step}"), found);
                        }
                        seen.push(step);
                    }
                }
            }
        }
        _ => {}
    }
}

/// An object that does not divide: an item of a list with keys has none.
pub(crate) fn divides(form: Form<'_>, value: &Value) -> Result<(), String> {
    match (form.parts(value), value) {
        (Parts::Fields, Value::Object(map)) => map
            .iter()
            .try_for_each(|(name, value)| divides(form.child(name).0, value).map_err(|why| format!(".{name}{why}"))),
        (Parts::Keyed(keys, inner), Value::Array(list)) => {
            list.iter().enumerate().try_for_each(|(place, item)| match inner.key(&keys, item) {
                Ok(step) => divides(inner, item).map_err(|why| format!("{step}{why}")),
                Err(why) => Err(format!(": element {place}: {why}")),
            })
        }
        _ => Ok(()),
    }
}

/// A value as Go prints it with its types.
fn go_typed(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(list) => format!("[]interface {{}}{{{}}}", joined(list.iter().map(go_typed), ", ")),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| format!("{key:?}:{}", go_typed(value)));
            format!("map[string]interface {{}}{{{}}}", joined(fields, ", "))
        }
        other => other.to_string(),
    }
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}
