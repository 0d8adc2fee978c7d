//! Validating a custom resource by the structural schema of its definition, in the words of a real server.
//!
//! Owns types, bounds, patterns, formats, the combinations (`allOf`, `anyOf`, `oneOf`, `not`) and the uniqueness of sets and of
//! lists by key. What an update leaves as it was is not looked at again, so that objects that were valid once may be changed.
//!
//! # Differences
//!
//! `x-kubernetes-validations` are not evaluated. Of the formats only `date-time`, `date`, `byte`, `uuid`, `ipv4` and `ipv6` are
//! checked. Patterns are those of Rust, which knows the syntax of Go's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use regex::Regex;
use serde_json::Value;

use crate::status::Cause;

/// Compiled patterns are kept up to this many.
const PATTERNS_MAX: usize = 1000;

/// The largest compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What is wrong with an object. `old` is what it replaces.
pub(crate) fn validate(schema: &Value, value: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    node(schema, value, old, "", &mut causes);
    lists(schema, value, old, "", &mut causes);
    causes
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// An error of a whole schema: a real server gives it no field.
fn whole(text: &str, causes: &mut Vec<Cause>) {
    causes.push(Cause {
        reason: "FieldValueInvalid".to_owned(),
        message: format!("Invalid value: \"\": {text}"),
        field: "<nil>".to_owned(),
    });
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_whole(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

/// The old value at an entry of a list: entries of lists by key are told apart by it, others not at all.
fn old_entry<'a>(schema: &Value, old: Option<&'a Value>, entry: &Value) -> Option<&'a Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    let keys = schema["x-kubernetes-list-map-keys"].as_array()?;
    let same = |other: &&Value| keys.iter().filter_map(Value::as_str).all(|key| other[key] == entry[key]);
    old?.as_array()?.iter().find(same)
}

fn node(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if old == Some(value) || !schema.is_object() {
        return;
    }
    let invalid = |value: &Value, detail: &str| Cause::invalid(path, value, &format!("{path} in body {detail}"));
    let found = type_of(value);
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let expected = if schema["x-kubernetes-int-or-string"] == true {
        Some(["integer", "string"].as_slice())
    } else {
        ["string", "integer", "number", "boolean", "array", "object"].chunks(1).find(|name| schema["type"] == name[0])
    };
    if let Some(expected) = expected
        && !expected.contains(&found)
        && !(expected == ["number"] && found == "integer")
    {
        let detail = format!("{path} in body must be of type {}: {found:?}", expected.join(","));
        let reason = "FieldValueTypeInvalid".to_owned();
        causes.push(Cause { reason, ..Cause::invalid(path, &Value::from(found), &detail) });
        if !(expected == ["integer"] && found == "number") {
            enumerated(schema, value, path, causes);
            return;
        }
    }
    combined(schema, value, path, causes);
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            let limit = |key: &str| schema[key].as_u64().map(|limit| limit as usize);
            if let Some(max) = limit("maxLength").filter(|max| length > *max) {
                causes.push(too_long(path, max));
            }
            if let Some(min) = limit("minLength").filter(|min| length < *min) {
                causes.push(invalid(value, &format!("should be at least {min} chars long")));
            }
            if let Some(pattern) = schema["pattern"].as_str()
                && !matches(pattern, text)
            {
                causes.push(invalid(value, &format!("should match '{pattern}'")));
            }
            if let Some(format) = schema["format"].as_str()
                && !has_format(format, text)
            {
                causes.push(invalid(value, &format!("must be of type {format}: {value}")));
            }
        }
        Value::Number(number) => numbers(schema, number, path, causes),
        Value::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                node(&schema["items"], entry, old_entry(schema, old, entry), &format!("{path}[{place}]"), causes);
            }
            let count = entries.len() as u64;
            if let Some(min) = schema["minItems"].as_u64().filter(|min| count < *min) {
                causes.push(invalid(&Value::from(count), &format!("should have at least {min} items")));
            }
            if let Some(max) = schema["maxItems"].as_u64().filter(|max| count > *max) {
                causes.push(too_many(path, count, max));
            }
            if schema["uniqueItems"] == true
                && (1..entries.len()).any(|place| entries[..place].contains(&entries[place]))
            {
                causes.push(invalid(value, "shouldn't contain duplicates"));
            }
        }
        _ => {}
    }
    enumerated(schema, value, path, causes);
    if let Value::Object(fields) = value {
        let count = fields.len() as u64;
        if let Some(min) = schema["minProperties"].as_u64().filter(|min| count < *min) {
            causes.push(invalid(&Value::from(count), &format!("should have at least {min} properties")));
        }
        if let Some(max) = schema["maxProperties"].as_u64().filter(|max| count > *max) {
            causes.push(too_many(path, count, max));
        }
        for (key, value) in fields {
            let others = &schema["additionalProperties"];
            let known = schema["properties"].get(key).unwrap_or(others);
            node(known, value, old.and_then(|old| old.get(key)), &below(path, key), causes);
        }
        let embedded: &[&str] =
            if schema["x-kubernetes-embedded-resource"] == true { &["apiVersion", "kind"] } else { &[] };
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for key in required.chain(embedded.iter().copied()) {
            if !fields.contains_key(key) {
                causes.push(Cause::required(&below(path, key), ""));
            }
        }
    }
}

fn too_long(path: &str, max: usize) -> Cause {
    Cause {
        reason: "FieldValueTooLong".to_owned(),
        message: format!("Too long: may not be more than {max} bytes"),
        field: path.to_owned(),
    }
}

fn too_many(path: &str, count: u64, max: u64) -> Cause {
    Cause {
        reason: "FieldValueTooMany".to_owned(),
        message: format!("Too many: {count}: must have at most {max} items"),
        field: path.to_owned(),
    }
}

fn enumerated(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(known) = schema["enum"].as_array() else {
        return;
    };
    if !known.contains(value) {
        let known: Vec<_> = known
            .iter()
            .map(|known| known.as_str().map_or_else(|| format!("\"{known}\""), |text| format!("{text:?}")))
            .collect();
        causes.push(Cause {
            reason: "FieldValueNotSupported".to_owned(),
            message: format!("Unsupported value: {value}: supported values: {}", known.join(", ")),
            field: path.to_owned(),
        });
    }
}

fn numbers(schema: &Value, number: &serde_json::Number, path: &str, causes: &mut Vec<Cause>) {
    let Some(float) = number.as_f64() else {
        return;
    };
    if schema["type"] == "integer" {
        let format = schema["format"].as_str();
        if !is_whole(number) {
            let format = format.map_or("(default format)".to_owned(), |format| format!("with format {format}"));
            whole(&format!("Checked value must be of type integer {format} in {path}"), causes);
        } else if format == Some("int32") && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&float) {
            whole(&format!("Checked value must be of type integer with format int32 in {path}"), causes);
        }
    }
    let mut refuse = |detail: String| {
        causes.push(Cause::invalid(path, &Value::Number(number.clone()), &format!("{path} in body {detail}")));
    };
    if let Some(factor) = schema["multipleOf"].as_f64().filter(|factor| *factor > 0.0)
        && (float / factor).fract() != 0.0
    {
        refuse(format!("should be a multiple of {factor}"));
    }
    if let Some(max) = schema["maximum"].as_f64() {
        if schema["exclusiveMaximum"] == true {
            if float >= max {
                refuse(format!("should be less than {max}"));
            }
        } else if float > max {
            refuse(format!("should be less than or equal to {max}"));
        }
    }
    if let Some(min) = schema["minimum"].as_f64() {
        if schema["exclusiveMinimum"] == true {
            if float <= min {
                refuse(format!("should be greater than {min}"));
            }
        } else if float < min {
            refuse(format!("should be greater than or equal to {min}"));
        }
    }
}

/// `anyOf`, `oneOf`, `allOf` and `not`.
fn combined(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let tried = |key: &str| -> Option<Vec<Vec<Cause>>> {
        let branches = schema[key].as_array().filter(|branches| !branches.is_empty())?;
        Some(
            branches
                .iter()
                .map(|branch| {
                    let mut found = Vec::new();
                    node(branch, value, None, path, &mut found);
                    found
                })
                .collect(),
        )
    };
    if let Some(tried) = tried("anyOf")
        && tried.iter().all(|found| !found.is_empty())
        && schema["x-kubernetes-int-or-string"] != true
    {
        whole(&format!("{path:?} must validate at least one schema (anyOf)"), causes);
        causes.extend(tried.into_iter().next().unwrap_or_default());
    }
    if let Some(tried) = tried("oneOf") {
        let valid = tried.iter().filter(|found| found.is_empty()).count();
        if valid != 1 {
            let found = if valid == 0 { "none valid".to_owned() } else { format!("{valid} valid alternatives") };
            whole(&format!("{path:?} must validate one and only one schema (oneOf). Found {found}"), causes);
        }
        if valid == 0 {
            causes.extend(tried.into_iter().next().unwrap_or_default());
        }
    }
    if let Some(tried) = tried("allOf")
        && tried.iter().any(|found| !found.is_empty())
    {
        let none = if tried.iter().all(|found| !found.is_empty()) { ". None validated" } else { "" };
        causes.extend(tried.into_iter().flatten());
        whole(&format!("{path:?} must validate all the schemas (allOf){none}"), causes);
    }
    if schema["not"].is_object() {
        let mut found = Vec::new();
        node(&schema["not"], value, None, path, &mut found);
        if found.is_empty() {
            whole(&format!("{path:?} must not validate the schema (not)"), causes);
        }
    }
}

/// Entries that are twice in a set or in a list by key.
fn lists(schema: &Value, value: &Value, old: Option<&Value>, path: &str, causes: &mut Vec<Cause>) {
    if old == Some(value) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let known = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
                lists(known, value, old.and_then(|old| old.get(key)), &below(path, key), causes);
            }
        }
        Value::Array(entries) => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let identity = |entry: &Value| -> Option<Value> {
                match schema["x-kubernetes-list-type"].as_str() {
                    Some("set") => Some(entry.clone()),
                    Some("map") => Some(
                        keys.into_iter()
                            .flatten()
                            .filter_map(Value::as_str)
                            .filter_map(|key| entry.get(key).map(|value| (key.to_owned(), value.clone())))
                            .collect(),
                    ),
                    _ => None,
                }
            };
            let mut seen = BTreeSet::new();
            for (place, entry) in entries.iter().enumerate() {
                let here = format!("{path}[{place}]");
                if let Some(identity) = identity(entry)
                    && !seen.insert(identity.to_string())
                {
                    causes.push(Cause::duplicate(&here, &identity));
                }
                lists(&schema["items"], entry, old_entry(schema, old, entry), &here, causes);
            }
        }
        _ => {}
    }
}

/// Whether a text has a match; a pattern that cannot be compiled matches everything.
fn matches(pattern: &str, text: &str) -> bool {
    static PATTERNS: LazyLock<Mutex<BTreeMap<String, Option<Arc<Regex>>>>> = LazyLock::new(Mutex::default);
    let compiled = {
        let mut patterns = PATTERNS.lock().expect("nobody panics with the lock");
        if patterns.len() > PATTERNS_MAX {
            patterns.clear();
        }
        let compile = || {
            let made = regex::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
            made.ok().map(Arc::new)
        };
        patterns.entry(pattern.to_owned()).or_insert_with(compile).clone()
    };
    compiled.is_none_or(|compiled| compiled.is_match(text))
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "uuid" => uuid::Uuid::try_parse(text).is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(schema: &Value, value: &Value) -> String {
        let causes = validate(&json!({"type": "object", "properties": {"f": schema}}), &json!({ "f": value }), None);
        causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_breaks_the_schema_is_told_in_the_words_of_a_real_server() {
        let key = json!({"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}});
        for (schema, value, expected) in [
            (
                json!({"type": "string", "minLength": 2}),
                json!("a"),
                "f: Invalid value: \"a\": f in body should be at least 2 chars long",
            ),
            (json!({"type": "string", "maxLength": 2}), json!("abc"), "f: Too long: may not be more than 2 bytes"),
            (
                json!({"type": "string", "pattern": "^[a-z]+$"}),
                json!("A"),
                "f: Invalid value: \"A\": f in body should match '^[a-z]+$'",
            ),
            (
                json!({"type": "string"}),
                json!(5),
                "f: Invalid value: \"integer\": f in body must be of type string: \"integer\"",
            ),
            (
                json!({"type": "integer", "maximum": 10, "multipleOf": 2}),
                json!(11),
                "f: Invalid value: 11: f in body should be a multiple of 2; \
                 f: Invalid value: 11: f in body should be less than or equal to 10",
            ),
            (
                json!({"type": "integer"}),
                json!(1.5),
                "f: Invalid value: \"number\": f in body must be of type integer: \"number\"; \
                 <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in f",
            ),
            (
                json!({"type": "integer", "format": "int32"}),
                json!(3_000_000_000_u64),
                "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in f",
            ),
            (
                json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
                json!(0),
                "f: Invalid value: 0: f in body should be greater than 0",
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                json!(5),
                "f: Invalid value: \"integer\": f in body must be of type string: \"integer\"; \
                 f: Unsupported value: 5: supported values: \"a\", \"b\"",
            ),
            (
                json!({"type": "array", "minItems": 1}),
                json!([]),
                "f: Invalid value: 0: f in body should have at least 1 items",
            ),
            (json!({"type": "array", "maxItems": 1}), json!(["a", "b"]), "f: Too many: 2: must have at most 1 items"),
            (
                json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
                json!(["a", "a"]),
                "f[1]: Duplicate value: \"a\"",
            ),
            (
                json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": key}),
                json!([{"k": "a"}, {"k": "a", "v": 1}]),
                "f[1]: Duplicate value: {\"k\":\"a\"}",
            ),
            (json!({"type": "array", "items": key}), json!([{}]), "f[0].k: Required value"),
            (
                json!({"type": "string", "format": "date-time"}),
                json!("x"),
                "f: Invalid value: \"x\": f in body must be of type date-time: \"x\"",
            ),
            (
                json!({"type": "object", "minProperties": 1}),
                json!({}),
                "f: Invalid value: 0: f in body should have at least 1 properties",
            ),
            (
                json!({"x-kubernetes-int-or-string": true}),
                json!(1.5),
                "f: Invalid value: \"number\": f in body must be of type integer,string: \"number\"",
            ),
            (
                json!({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
                json!({}),
                "<nil>: Invalid value: \"\": \"f\" must validate one and only one schema (oneOf). Found none valid; f.a: Required value",
            ),
            (
                json!({"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}),
                json!("c"),
                "<nil>: Invalid value: \"\": \"f\" must validate at least one schema (anyOf); \
                 f: Invalid value: \"c\": f in body should match '^a'",
            ),
            (
                json!({"type": "string", "not": {"pattern": "^a"}}),
                json!("a"),
                "<nil>: Invalid value: \"\": \"f\" must not validate the schema (not)",
            ),
            (
                json!({"type": "object", "x-kubernetes-embedded-resource": true}),
                json!({}),
                "f.apiVersion: Required value; f.kind: Required value",
            ),
            (json!({"type": "string", "nullable": true}), json!(null), ""),
        ] {
            assert_eq!(told(&schema, &value), expected);
        }
    }

    #[test]
    fn what_an_update_leaves_is_not_looked_at_again() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string", "maxLength": 1}, "b": {"type": "string", "maxLength": 1}}});
        let old = json!({"a": "long", "b": "x"});
        assert!(validate(&schema, &json!({"a": "long", "b": "y"}), Some(&old)).is_empty());
        assert_eq!(validate(&schema, &json!({"a": "longer", "b": "y"}), Some(&old)).len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_valid_by_the_schema_is_never_refused(
            name in "[a-z]{1,4}", count in 0..10_i64, tags in prop::collection::btree_set("[a-z]{1,2}", 0..3),
        ) {
            let schema = json!({"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 4},
                "count": {"type": "integer", "minimum": 0, "maximum": 9},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}, "maxItems": 2},
            }});
            let value = json!({"name": name, "count": count, "tags": tags});
            prop_assert_eq!(validate(&schema, &value, None), Vec::new());
        }
    }
}
