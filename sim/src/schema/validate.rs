//! Validating a custom resource by the structural schema of its definition, in the words of a real server.
//!
//! Owns types, bounds, patterns, formats, the combinations (`allOf`, `anyOf`, `oneOf`, `not`) and the uniqueness of sets and of
//! lists by key. What an update leaves as it was is not looked at again, so that objects that were valid once may be changed.
//!
//! # Differences
//!
//! `x-kubernetes-validations` are not evaluated. Patterns are those of Rust, which knows the syntax of Go's. Faults of several fields are
//! told by the names of the fields, where a real server leaves the order to chance.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use regex::Regex;
use serde_json::{Map, Value};

use super::entries::{duplicates, embedded};
use super::formats;
use super::found::{Error, Found, named};
use crate::status::Cause;

/// Compiled patterns are kept up to this many.
const PATTERNS_MAX: usize = 1000;

/// The largest compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What is wrong with an object. `old` is what it replaces.
pub(crate) fn validate(schema: &Value, value: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = node(schema, value, old, "").errors.into_iter().map(|error| error.cause).collect();
    embedded(schema, value, "", &mut causes);
    duplicates(schema, value, old, &mut causes);
    causes
}

/// What is wrong with a status that is written for itself; `old` is the object that it belongs to.
pub(crate) fn status(schema: &Value, value: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(status) = value.get("status") {
        let found = node(&schema["properties"]["status"], status, old.get("status"), "");
        for error in found.errors {
            let field = match error.cause.field.as_str() {
                "" | "<nil>" => "status".to_owned(),
                field if field.starts_with('[') => format!("status{field}"),
                field => format!("status.{field}"),
            };
            causes.push(Cause { field, ..error.cause });
        }
    }
    duplicates(schema, value, Some(old), &mut causes);
    causes
}

/// The path of a field.
pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
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

/// Validates a value that is a part of an object; what is as it was is not told.
fn node(schema: &Value, value: &Value, old: Option<&Value>, path: &str) -> Found {
    let mut found = plain(schema, value, old, path);
    if old == Some(value) {
        found.errors.clear();
    }
    found
}

/// The types that a schema allows.
fn types(schema: &Value) -> Vec<&str> {
    if schema["x-kubernetes-int-or-string"] == true {
        return vec!["integer", "string"];
    }
    schema["type"].as_str().filter(|name| !name.is_empty()).into_iter().collect()
}

/// The format that counts: one that does not go with the type is not there.
fn format<'a>(schema: &'a Value, types: &[&str]) -> Option<&'a str> {
    let format = schema["format"].as_str().filter(|format| !format.is_empty())?;
    let counts = match types {
        [] | ["string"] | [_, _, ..] => formats::is_known(format),
        ["integer"] => matches!(format, "int32" | "int64"),
        ["number"] => matches!(format, "float" | "double"),
        _ => false,
    };
    counts.then_some(format)
}

fn plain(schema: &Value, value: &Value, old: Option<&Value>, path: &str) -> Found {
    let mut found = Found::default();
    if !schema.is_object() {
        return found;
    }
    let types = types(schema);
    let format = format(schema, &types);
    if value.is_null() {
        if !types.is_empty() && schema["nullable"] != true {
            found.type_invalid(path, &"null".into(), &types.join(","));
        } else {
            found.checks += 1;
        }
        enumerated(schema, value, path, &mut found);
        return found;
    }
    if !types.is_empty() || format.is_some() {
        typed(&types, format, value, path, &mut found);
        found.checks += 1;
    }
    found.merge(combined(schema, value, old, path));
    found.checks += 1;
    match value {
        Value::String(text) => {
            string(schema, value, text, path, &mut found);
            found.checks += 1;
            if let Some(format) = format {
                if !formats::has(format, text) {
                    found.type_invalid(path, value, format);
                }
                found.checks += 1;
            }
        }
        Value::Number(number) => {
            numbers(schema, &types, format, number, path, &mut found);
            found.checks += 2;
        }
        Value::Array(entries) => {
            array(schema, value, entries, old, path, &mut found);
            found.checks += 2;
        }
        _ => {}
    }
    enumerated(schema, value, path, &mut found);
    found.checks += 1;
    if let Value::Object(fields) = value {
        object(schema, fields, old, path, &mut found);
        found.checks += 1;
    }
    found.checks += 1;
    found
}

fn typed(types: &[&str], format: Option<&str>, value: &Value, path: &str, found: &mut Found) {
    let kind = type_of(value);
    let has = |name: &str| types.contains(&name);
    let text = matches!(value, Value::String(_) | Value::Array(_));
    let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0) && has("integer");
    let fits = has(kind) || whole || kind == "integer" && has("number");
    if let Some(format) = format {
        // Without a type the format is one.
        let as_format = match value {
            Value::Number(number) if number.is_f64() => "float64",
            Value::Number(_) => "int64",
            _ => "",
        };
        if !text && !fits && as_format != format {
            return found.type_invalid(path, &as_format.into(), format);
        }
        if text && !has("number") && !has("integer") {
            found.checks += 1;
            return;
        }
    }
    if fits {
        found.checks += 1;
    } else {
        found.type_invalid(path, &kind.into(), &types.join(","));
    }
}

/// The first thing that is wrong with a text.
fn string(schema: &Value, value: &Value, text: &str, path: &str, found: &mut Found) {
    let length = text.chars().count();
    let limit = |key: &str| schema[key].as_u64().map(|limit| limit as usize);
    if let Some(max) = limit("maxLength").filter(|max| length > *max) {
        let known = format!("should be at most {max} chars long");
        found.told("FieldValueTooLong", path, format!("Too long: may not be more than {max} bytes"), &known);
    } else if let Some(min) = limit("minLength").filter(|min| length < *min) {
        found.invalid(path, value, &format!("should be at least {min} chars long"));
    } else if let Some(pattern) = schema["pattern"].as_str().filter(|pattern| !pattern.is_empty())
        && !matches(pattern, text)
    {
        found.invalid(path, value, &format!("should match '{pattern}'"));
    }
}

fn array(schema: &Value, value: &Value, entries: &[Value], old: Option<&Value>, path: &str, found: &mut Found) {
    for (place, entry) in entries.iter().enumerate().filter(|_| schema["items"].is_object()) {
        found.merge(node(&schema["items"], entry, old_entry(schema, old, entry), &format!("{path}[{place}]")));
    }
    let count = entries.len() as u64;
    if let Some(min) = schema["minItems"].as_u64().filter(|min| count < *min) {
        found.invalid(path, &Value::from(count), &format!("should have at least {min} items"));
    }
    if let Some(max) = schema["maxItems"].as_u64().filter(|max| count > *max) {
        too_many(path, count, max, "items", found);
    }
    if schema["uniqueItems"] == true && (1..entries.len()).any(|place| entries[..place].contains(&entries[place])) {
        found.invalid(path, value, "shouldn't contain duplicates");
    }
}

fn object(schema: &Value, fields: &Map<String, Value>, old: Option<&Value>, path: &str, found: &mut Found) {
    let count = fields.len() as u64;
    if let Some(min) = schema["minProperties"].as_u64().filter(|min| count < *min) {
        found.invalid(path, &Value::from(count), &format!("should have at least {min} properties"));
    }
    if let Some(max) = schema["maxProperties"].as_u64().filter(|max| count > *max) {
        too_many(path, count, max, "properties", found);
    }
    let old_field = |key: &str| {
        old.and_then(|old| old.get(key)).filter(|_| !path.is_empty() || !matches!(key, "kind" | "apiVersion"))
    };
    let others = &schema["additionalProperties"];
    for (key, value) in fields {
        let known = schema["properties"].get(key);
        if known.is_none() && *others == false {
            let text = format!("{path}.{key} in body is a forbidden property");
            found.add(Error { cause: Cause::invalid(named(path), &"".into(), &text), text });
        }
        if known.is_none() && others.is_object() {
            found.merge(node(others, value, old_field(key), &format!("{path}.{key}")));
        }
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = fields.get(key) {
            found.merge(node(property, value, old_field(key), &below(path, key)));
        }
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(key) {
            found.told("FieldValueRequired", &format!("{path}.{key}"), "Required value".to_owned(), "is required");
        }
    }
}

fn too_many(path: &str, count: u64, max: u64, what: &str, found: &mut Found) {
    let message = format!("Too many: {count}: must have at most {max} items");
    found.told("FieldValueTooMany", path, message, &format!("should have at most {max} {what}"));
}

fn enumerated(schema: &Value, value: &Value, path: &str, found: &mut Found) {
    let Some(known) = schema["enum"].as_array().filter(|known| !known.is_empty()) else {
        return;
    };
    let same = |known: &Value| match (known, value) {
        (Value::Null, _) => false,
        (Value::Number(known), Value::Number(value)) => known.as_f64() == value.as_f64(),
        (known, value) => known == value,
    };
    if known.iter().any(same) {
        return;
    }
    let known: Vec<_> =
        known.iter().map(|known| known.as_str().map_or_else(|| known.to_string(), str::to_owned)).collect();
    let quoted: Vec<_> = known.iter().map(|known| format!("{known:?}")).collect();
    let message = format!("Unsupported value: {value}: supported values: {}", quoted.join(", "));
    found.told("FieldValueNotSupported", path, message, &format!("should be one of [{}]", known.join(" ")));
}

/// Whether a number fits a type and a format.
fn in_range(number: f64, is_float: bool, types: &[&str], format: Option<&str>) -> bool {
    match (types, format) {
        (["integer"], Some("int32")) => {
            number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number)
        }
        (["integer"], _) => number.fract() == 0.0 && (!is_float || number.abs() < 9.2e18),
        (["number"], Some("float")) => number.abs() <= f64::from(f32::MAX),
        _ => true,
    }
}

fn numbers(
    schema: &Value,
    types: &[&str],
    format: Option<&str>,
    number: &serde_json::Number,
    path: &str,
    found: &mut Found,
) {
    let Some(float) = number.as_f64() else {
        return;
    };
    let kind = types.first().copied().unwrap_or_default();
    let with = format.map_or("(default format)".to_owned(), |format| format!("with format {format}"));
    if !in_range(float, number.is_f64(), types, format) {
        found.whole(format!("Checked value must be of type {kind} {with} in {path}"));
    }
    let shown = Value::Number(number.clone());
    let is_float = number.is_f64();
    // A bound that is no value of the type is told, and compared as a number.
    let bound = |key: &str, word: &str, found: &mut Found| {
        let bound = schema[key].as_f64()?;
        let fits = in_range(bound, true, types, format);
        if !fits {
            found.whole(format!("{word} value must be of type {kind} {with} in {path}"));
        }
        Some((if is_float || !fits { bound } else { bound.trunc() }, bound))
    };
    if let Some((factor, _)) = bound("multipleOf", "MultipleOf", found) {
        let multiple = if factor < 1.0 { 1.0 / factor * float } else { float / factor };
        if factor <= 0.0 {
            // Of an integer the factor is cut to one, too; it is what is shown.
            let known = format!("factor MultipleOf declared for {path} must be positive: {factor}");
            found.told("FieldValueInvalid", path, format!("Invalid value: {factor}: {known}"), &known);
        } else if multiple.fract() != 0.0 {
            found.invalid(path, &shown, &format!("should be a multiple of {factor}"));
        }
    }
    if let Some((min, _)) = bound("minimum", "Minimum boundary", found) {
        let exclusive = schema["exclusiveMinimum"] == true;
        if float < min || exclusive && float <= min {
            let equal = if exclusive { "" } else { " or equal to" };
            found.invalid(path, &shown, &format!("should be greater than{equal} {min}"));
        }
    }
    if let Some((max, _)) = bound("maximum", "Maximum boundary", found) {
        let exclusive = schema["exclusiveMaximum"] == true;
        if float > max || exclusive && float >= max {
            let equal = if exclusive { "" } else { " or equal to" };
            found.invalid(path, &shown, &format!("should be less than{equal} {max}"));
        }
    }
}

/// `anyOf`, `oneOf`, `allOf` and `not`.
fn combined(schema: &Value, value: &Value, old: Option<&Value>, path: &str) -> Found {
    let mut found = Found { checks: 1, ..Found::default() };
    let tried = |key: &str| -> Vec<Found> {
        let branches = schema[key].as_array().map_or(&[][..], Vec::as_slice);
        branches.iter().map(|branch| plain(branch, value, old, path)).collect()
    };
    // Of those that failed the first with the most checks.
    let best = |failed: Vec<Found>| {
        failed.into_iter().reduce(|best, other| if other.checks > best.checks { other } else { best })
    };
    let mut any = tried("anyOf");
    if !any.is_empty() {
        if let Some(place) = any.iter().position(Found::is_valid) {
            found.merge(any.swap_remove(place));
        } else {
            found.whole(format!("{path:?} must validate at least one schema (anyOf)"));
            found.merge(best(any).unwrap_or_default());
        }
    }
    let one = tried("oneOf");
    if !one.is_empty() {
        let valid = one.iter().filter(|found| found.is_valid()).count();
        let (fit, failed): (Vec<_>, Vec<_>) = one.into_iter().partition(Found::is_valid);
        if valid == 1 {
            found.merge(fit.into_iter().next().unwrap_or_default());
        } else {
            let count = if valid == 0 { "none valid".to_owned() } else { format!("{valid} valid alternatives") };
            found.whole(format!("{path:?} must validate one and only one schema (oneOf). Found {count}"));
            found.merge(best(failed).filter(|_| valid == 0).unwrap_or_default());
        }
    }
    let all = tried("allOf");
    let (count, valid) = (all.len(), all.iter().filter(|found| found.is_valid()).count());
    for tried in all {
        found.merge(tried);
    }
    if valid != count {
        let none = if valid == 0 { ". None validated" } else { "" };
        found.whole(format!("{path:?} must validate all the schemas (allOf){none}"));
    }
    if schema["not"].is_object() && plain(&schema["not"], value, old, path).is_valid() {
        found.whole(format!("{path:?} must not validate the schema (not)"));
    }
    found
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
