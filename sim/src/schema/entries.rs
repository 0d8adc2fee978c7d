//! What holds for parts of a custom resource beyond their schema: objects inside it, and entries of sets and lists by key.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::validate::below;
use crate::status::Cause;
use crate::validate_name;

/// Sets and lists by key with entries that are there twice, unless the old object had them too.
pub(super) fn duplicates(schema: &Value, value: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let mut found = Vec::new();
    if let Some(old) = old {
        lists(schema, old, "", &mut found);
        if !found.is_empty() {
            return;
        }
    }
    lists(schema, value, "", causes);
}

/// Objects inside an object have a version, a kind and metadata like others.
pub(super) fn embedded(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(fields) => {
            if schema["x-kubernetes-embedded-resource"] == true {
                embedded_object(fields, value, path, causes);
            }
            for (key, value) in fields {
                let others = &schema["additionalProperties"];
                match schema["properties"].get(key) {
                    Some(known) => embedded(known, value, &below(path, key), causes),
                    None if others.is_object() => embedded(others, value, &format!("{path}[{key}]"), causes),
                    None => {}
                }
            }
        }
        Value::Array(entries) if schema["items"].is_object() => {
            for (place, entry) in entries.iter().enumerate() {
                embedded(&schema["items"], entry, &format!("{path}[{place}]"), causes);
            }
        }
        _ => {}
    }
}

fn embedded_object(fields: &Map<String, Value>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    for key in ["apiVersion", "kind"] {
        if !fields.contains_key(key) {
            causes.push(Cause::required(&below(path, key), ""));
        }
    }
    for key in ["apiVersion", "kind"] {
        let Some(given) = fields.get(key) else {
            continue;
        };
        let why = match given.as_str() {
            None => "must be a string".to_owned(),
            Some("") => "must not be empty".to_owned(),
            Some(text) if key == "apiVersion" => {
                if text.matches('/').count() < 2 {
                    continue;
                }
                format!("unexpected GroupVersion string: {text}")
            }
            Some(text) => match validate_name::label_1035(&text.to_lowercase()) {
                wrong if wrong.is_empty() => continue,
                wrong => format!("may have mixed case, but should otherwise match: {}", wrong.join(",")),
            },
        };
        causes.push(Cause::invalid(&below(path, key), given, &why));
    }
    for cause in validate_name::metadata(value) {
        causes.push(Cause { field: below(path, &cause.field), ..cause });
    }
}

/// Entries that are twice in a set or in a list by key.
fn lists(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let others = &schema["additionalProperties"];
                match schema["properties"].get(key) {
                    Some(known) => lists(known, value, &below(path, key), causes),
                    None if others.is_object() => lists(others, value, &format!("{path}[{key}]"), causes),
                    None => {}
                }
            }
        }
        Value::Array(entries) => {
            let mark = schema["x-kubernetes-list-type"].as_str().unwrap_or_default();
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            let wrong = entries.iter().position(|entry| mark == "map" && !entry.is_object() && !entry.is_null());
            if let Some(place) = wrong {
                let why = "must be an object for an array of list-type map";
                causes.push(Cause::invalid(&format!("{path}[{place}]"), &entries[place], why));
            }
            for (place, entry) in entries.iter().enumerate().filter(|_| wrong.is_none()) {
                let identity = match mark {
                    "set" => entry.clone(),
                    "map" => keys
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .filter_map(|key| entry.get(key).map(|value| (key.to_owned(), value.clone())))
                        .collect(),
                    _ => break,
                };
                // A third one is not told again.
                let times = seen.entry(identity.to_string()).or_default();
                *times += 1;
                if *times == 2 {
                    causes.push(Cause::duplicate(&format!("{path}[{place}]"), &identity));
                }
            }
            for (place, entry) in entries.iter().enumerate().filter(|_| schema["items"].is_object()) {
                lists(&schema["items"], entry, &format!("{path}[{place}]"), causes);
            }
        }
        _ => {}
    }
}
