//! Reading a custom resource by the structural schema of its definition: pruning, nulls and defaults.
//!
//! Walks the schema as the definition gives it. Reading what was read changes nothing.

use std::fmt::Write as _;

use serde_json::Value;

use crate::decode::{self, Findings};

/// Reads a whole object in place and says which fields were unknown, or in Go's words why its metadata cannot be read.
pub(crate) fn read(schema: &Value, value: &mut Value, nulls: Nulls) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    if let Some(metadata) = value.get_mut("metadata") {
        coerce_metadata(metadata, "metadata", &mut unknown)?;
    }
    prune(schema, value, &mut String::new(), true, &mut unknown)?;
    default(schema, value, nulls);
    Ok(unknown)
}

/// Reads the metadata of an object or of an embedded one.
fn coerce_metadata(metadata: &mut Value, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    if metadata.is_null() {
        return Ok(());
    }
    let quoted = if metadata.is_object() { String::new() } else { format!("{path}: Invalid value: {metadata}: ") };
    let mut findings = Findings::default();
    *metadata =
        decode::read("meta/v1.ObjectMeta", metadata.take(), &mut findings).map_err(|why| format!("{quoted}{why}"))?;
    unknown.extend(findings.unknown.into_iter().map(|field| format!("{path}.{field}")));
    Ok(())
}

fn preserves(schema: &Value) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true
}

/// Removes what the schema does not know.
fn prune(
    schema: &Value,
    value: &mut Value,
    path: &mut String,
    root: bool,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    let length = path.len();
    match value {
        Value::Object(fields) => {
            let embedded = !root && schema["x-kubernetes-embedded-resource"] == true;
            let root = root || embedded;
            let others = &schema["additionalProperties"];
            let mut gone = Vec::new();
            for (key, value) in fields.iter_mut() {
                if root && matches!(key.as_str(), "apiVersion" | "kind" | "metadata") {
                    if embedded && key == "metadata" {
                        coerce_metadata(value, &format!("{path}.metadata"), unknown)?;
                    }
                    continue;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match schema["properties"].get(key).or_else(|| others.is_object().then_some(others)) {
                    Some(known) => prune(known, value, path, false, unknown)?,
                    None if others == true || preserves(schema) => {}
                    None => {
                        unknown.push(path.clone());
                        gone.push(key.clone());
                    }
                }
                path.truncate(length);
            }
            for key in gone {
                fields.remove(&key);
            }
        }
        Value::Array(entries) => {
            for (place, entry) in entries.iter_mut().enumerate() {
                write!(path, "[{place}]").expect("a string takes everything");
                prune(&schema["items"], entry, path, false, unknown)?;
                path.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Removes what a schema does not know from a value of it, and says whether there was anything.
pub(crate) fn prune_only(schema: &Value, value: &mut Value) -> bool {
    let mut unknown = Vec::new();
    // What cannot be read of embedded metadata is told elsewhere.
    let _ = prune(schema, value, &mut String::new(), false, &mut unknown);
    !unknown.is_empty()
}

fn takes_null(schema: &Value) -> bool {
    schema["nullable"] == true
}

/// What becomes of nulls where the schema takes none and has no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// They are taken out: what decoding a body does.
    Go,
    /// They stay, and are refused later: what an apply has merged is not decoded.
    Stay,
}

/// Fills in what is absent, and takes out nulls where the schema has none.
fn default(schema: &Value, value: &mut Value, nulls: Nulls) {
    match value {
        Value::Object(fields) => {
            if let Some(properties) = schema["properties"].as_object() {
                for (key, schema) in properties {
                    let absent = match fields.get(key) {
                        None => true,
                        Some(Value::Null) => {
                            !takes_null(schema) && (nulls == Nulls::Go || schema.get("default").is_some())
                        }
                        Some(_) => false,
                    };
                    if !absent {
                        continue;
                    }
                    match schema.get("default") {
                        Some(default) => {
                            fields.insert(key.clone(), default.clone());
                        }
                        None if key == "metadata" => {}
                        None => {
                            fields.remove(key);
                        }
                    }
                }
            }
            let others = &schema["additionalProperties"];
            if others.is_object() {
                let known = |key: &str| schema["properties"].get(key).is_some();
                fields.retain(|key, value| {
                    nulls == Nulls::Stay
                        || known(key)
                        || !value.is_null()
                        || takes_null(others)
                        || others["default"] != Value::Null
                });
            }
            for (key, value) in fields.iter_mut() {
                let Some(schema) = schema["properties"].get(key).or_else(|| others.is_object().then_some(others))
                else {
                    continue;
                };
                if value.is_null() && !takes_null(schema) && !schema["default"].is_null() {
                    *value = schema["default"].clone();
                }
                default(schema, value, nulls);
            }
        }
        Value::Array(entries) => {
            let schema = &schema["items"];
            for entry in entries {
                if entry.is_null() && !takes_null(schema) && !schema["default"].is_null() {
                    *entry = schema["default"].clone();
                }
                default(schema, entry, nulls);
            }
        }
        // 2.0 is a whole number to a real server.
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15) {
                *number = (float as i64).into();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "d": {"type": "object", "default": {}, "properties": {
                    "x": {"type": "integer", "default": 5},
                    "y": {"type": "string", "nullable": true, "default": "q"},
                }},
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "list": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string", "default": "v"}}}},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "embedded": {"type": "object", "x-kubernetes-embedded-resource": true},
                "plain": {"type": "string"},
            }},
        }})
    }

    #[test]
    fn objects_are_pruned_and_filled_in() {
        for (spec, expected, unknown) in [
            (json!({}), json!({"d": {"x": 5, "y": "q"}}), vec![]),
            (json!({"d": null, "plain": null}), json!({"d": {"x": 5, "y": "q"}}), vec![]),
            (json!({"d": {"x": null, "y": null, "w": 1}}), json!({"d": {"x": 5, "y": null}}), vec!["spec.d.w"]),
            (
                json!({"d": {"x": 1, "y": "b"}, "list": [{}, {"u": 1}], "map": {"a": null, "b": 2.0}, "any": {"a": {"b": null}}}),
                json!({"d": {"x": 1, "y": "b"}, "list": [{"k": "v"}, {"k": "v"}], "map": {"b": 2}, "any": {"a": {"b": null}}}),
                vec!["spec.list[1].u"],
            ),
            (
                json!({"d": {"x": 1, "y": "b"}, "embedded": {"apiVersion": "v1", "kind": "X", "metadata": {}, "f": 1}}),
                json!({"d": {"x": 1, "y": "b"}, "embedded": {"apiVersion": "v1", "kind": "X", "metadata": {}}}),
                vec!["spec.embedded.f"],
            ),
        ] {
            let mut value = json!({"spec": spec});
            assert_eq!(read(&schema(), &mut value, Nulls::Go).unwrap(), unknown);
            assert_eq!(value, json!({"spec": expected}));
        }
        let mut value = json!({"metadata": {"labels": {"a": 5}}});
        assert_eq!(
            read(&schema(), &mut value, Nulls::Go).unwrap_err(),
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), (-2..2_i64).prop_map(Value::from), Just(json!(2.0)), Just(json!("s"))];
        let key =
            prop_oneof![Just("d"), Just("x"), Just("y"), Just("any"), Just("list"), Just("map"), Just("k"), Just("u")];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_what_was_read_changes_nothing(spec in any_json()) {
            let mut once = json!({ "spec": spec });
            read(&schema(), &mut once, Nulls::Go).unwrap();
            let mut twice = once.clone();
            prop_assert_eq!(read(&schema(), &mut twice, Nulls::Go).unwrap(), Vec::<String>::new());
            prop_assert_eq!(twice, once);
        }
    }
}
