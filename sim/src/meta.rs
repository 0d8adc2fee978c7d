//! Reading and writing the metadata of an object that is a JSON value.
//!
//! Owns the small helpers that every verb needs. None of them fails: a field of the wrong type reads as absent.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// `metadata`, empty when absent.
pub(crate) fn metadata(value: &Value) -> &Map<String, Value> {
    value.get("metadata").and_then(Value::as_object).unwrap_or(&EMPTY)
}

/// `metadata`, made when absent. `None` when the value is not an object at all.
pub(crate) fn metadata_mut(value: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = value.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut()
}

/// A text of the top level, empty when absent.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A text of `metadata`, empty when absent.
pub(crate) fn meta_text<'a>(value: &'a Value, key: &str) -> &'a str {
    metadata(value).get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a field of `metadata`.
pub(crate) fn set(value: &mut Value, key: &str, to: impl Into<Value>) {
    if let Some(metadata) = metadata_mut(value) {
        metadata.insert(key.to_owned(), to.into());
    }
}

/// Removes a field of `metadata`.
pub(crate) fn unset(value: &mut Value, key: &str) {
    if let Some(metadata) = metadata_mut(value) {
        metadata.remove(key);
    }
}

/// The finalizers of `metadata`.
pub(crate) fn finalizers(value: &Value) -> Vec<String> {
    strings(metadata(value).get("finalizers"))
}

/// Writes the finalizers, or removes the field when there are none.
pub(crate) fn set_finalizers(value: &mut Value, finalizers: Vec<String>) {
    if finalizers.is_empty() {
        unset(value, "finalizers");
    } else {
        set(value, "finalizers", finalizers);
    }
}

/// The texts of an array; everything else is left out.
pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether `metadata.deletionTimestamp` is set.
pub(crate) fn is_terminating(value: &Value) -> bool {
    metadata(value).get("deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// The value at a dotted path of object keys.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The object at a dotted path of keys, made when absent.
pub(crate) fn object_at<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    path.split('.')
        .try_fold(value, |value, key| {
            let next = value.as_object_mut()?.entry(key).or_insert_with(|| Value::Object(Map::new()));
            if next.is_null() {
                *next = Value::Object(Map::new());
            }
            Some(next)
        })?
        .as_object_mut()
}

/// Drops what a typed server never writes back: nulls and empty collections of `metadata`.
pub(crate) fn tidy(value: &mut Value) {
    if let Some(metadata) = metadata_mut(value) {
        metadata.retain(|_, field| match field {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::String(text) => !text.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        });
    }
}
