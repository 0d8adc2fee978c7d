//! Values as messages of a real server show them: with the field names and the order of its internal types.
//!
//! The types are in a table: a line is a type and its fields. A field is its Go name, `:` and its wire name where that is not the Go
//! name with a small first letter, `~` where it is left out when empty, and what it holds: nothing for a text, `#` a number,
//! `!` a flag, `?` anything that is null when absent, `*T` a pointer to an object, `.T` an object, `[T` a list of objects, `%` a
//! quantity, `^T` the fields of another type in place.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use serde_json::Value;

use crate::kinds::Causes;
use crate::status::{Cause, plain};

/// The fields of the host are part of the security context inside a server, and of the spec on the wire.
const HOST: [&str; 5] = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

static TYPES: LazyLock<BTreeMap<&str, Vec<Field>>> = LazyLock::new(|| {
    let lines = include_str!("internal.txt").lines();
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.map(Field::read).collect()))
        })
        .collect()
});

struct Field {
    name: &'static str,
    wire: String,
    omit: bool,
    kind: char,
    of: &'static str,
}

impl Field {
    fn read(word: &'static str) -> Self {
        let split = word.find(|c: char| !c.is_ascii_alphanumeric() && c != ':').unwrap_or(word.len());
        let (names, rest) = word.split_at(split);
        let omit = rest.starts_with('~');
        let rest = rest.strip_prefix('~').unwrap_or(rest);
        let kind = rest.chars().next().unwrap_or(' ');
        let (name, wire) = names.split_once(':').unwrap_or((names, ""));
        let mut letters = name.chars();
        let small = letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect();
        let wire = if wire.is_empty() { small } else { wire.to_owned() };
        Self { name, wire, omit, kind, of: rest.get(1..).unwrap_or_default() }
    }
}

/// A value of a type as JSON text.
pub(crate) fn show(kind: &str, value: &Value) -> String {
    let mut text = String::new();
    object(kind, value, &mut text);
    plain(&text)
}

/// A cause that shows the value so.
pub(crate) fn refuse(kind: &str, field: &str, value: &Value, detail: &str, causes: &mut Causes) {
    let field = causes.path(field);
    let message = format!("Invalid value: {}: {detail}", show(kind, value));
    causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field });
}

fn object(kind: &str, value: &Value, text: &mut String) {
    text.push('{');
    let start = text.len();
    fields(kind, value, start, text);
    text.push('}');
}

fn fields(kind: &str, value: &Value, start: usize, text: &mut String) {
    let inlined = spec_inside(kind, value);
    let value = inlined.as_ref().unwrap_or(value);
    for field in TYPES.get(kind).into_iter().flatten() {
        if field.kind == '^' {
            // Metadata is the one part that has a field of its own on the wire.
            let part = if field.of == "ObjectMeta" { value.get("metadata").unwrap_or(&Value::Null) } else { value };
            fields(field.of, part, start, text);
            continue;
        }
        let found = value.get(&field.wire).unwrap_or(&Value::Null);
        if field.omit && is_zero(found) {
            continue;
        }
        if text.len() > start {
            text.push(',');
        }
        let _ = write!(text, "\"{}\":", field.name);
        show_field(field, found, text);
    }
}

fn show_field(field: &Field, found: &Value, text: &mut String) {
    match (field.kind, found) {
        ('*' | '[', Value::Null) => text.push_str("null"),
        ('*' | '.', _) => object(field.of, found, text),
        ('[', Value::Array(list)) => {
            text.push('[');
            for (index, entry) in list.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                object(field.of, entry, text);
            }
            text.push(']');
        }
        (' ', Value::Null) => text.push_str("\"\""),
        ('#', Value::Null) => text.push('0'),
        ('!', Value::Null) => text.push_str("false"),
        ('%', Value::Null) => text.push_str("\"0\""),
        (_, found) => {
            let _ = write!(text, "{found}");
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
    }
}

/// A pod spec with the fields of the host where the internal type has them.
fn spec_inside(kind: &str, value: &Value) -> Option<Value> {
    let fields = value.as_object().filter(|_| kind == "PodSpec")?;
    let mut spec = fields.clone();
    for key in HOST {
        if let Some(field) = spec.remove(key)
            && let Some(context) = spec.get_mut("securityContext").and_then(Value::as_object_mut)
        {
            context.insert(key.to_owned(), field);
        }
    }
    Some(Value::Object(spec))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_of_the_table_is_in_it() {
        for field in TYPES.values().flatten().filter(|field| !field.of.is_empty()) {
            assert!(TYPES.contains_key(field.of), "{}", field.of);
        }
    }

    #[test]
    fn a_value_is_shown_with_its_zero_values_in_order() {
        let strategy = json!({"type": "Bad"});
        assert_eq!(show("DeploymentStrategy", &strategy), r#"{"Type":"Bad","RollingUpdate":null}"#);
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"hostPID": true, "securityContext": {}}});
        let shown = show("PodTemplateSpec", &template);
        assert!(shown.starts_with(r#"{"labels":{"a":"b"},"Spec":{"Volumes":null,"#), "{shown}");
        assert!(shown.contains(r#""SecurityContext":{"HostNetwork":false,"HostPID":true,"#), "{shown}");
    }
}
