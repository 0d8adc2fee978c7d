//! The parts of a definition's schema that may be of several types: a schema or a flag, a schema or a list.
//!
//! A real server reads them with a decoder of their own, which reports no unknown fields and begins its paths anew.

use serde_json::{Map, Value};

use super::{Findings, complete};
use crate::go_json::word;

const SCHEMA: &str = "apiextensions/v1.JSONSchemaProps";

/// Whether a type is one of these.
pub(super) fn is_union(name: &str) -> bool {
    name.strip_prefix(SCHEMA).is_some_and(|rest| matches!(rest, "OrArray" | "OrBool" | "OrStringArray"))
}

/// The value as the type holds it.
pub(super) fn read(name: &str, value: Value) -> Result<Value, String> {
    match (name.strip_prefix(SCHEMA), value) {
        (_, Value::Object(map)) => schema(map),
        (Some("OrBool"), value @ Value::Bool(_)) => Ok(value),
        (Some("OrBool"), _) => Err("boolean or JSON schema expected".to_owned()),
        // Without entries it is as if nothing had been said.
        (_, Value::Array(list)) if list.is_empty() => Ok(Value::Null),
        (Some("OrStringArray"), Value::Array(list)) => match list.iter().find(|entry| !entry.is_string()) {
            Some(other) => Err(format!("json: cannot unmarshal {} into Go value of type string", word(other))),
            None => Ok(Value::Array(list)),
        },
        (_, Value::Array(list)) => {
            let schemas = list.into_iter().map(|entry| match entry {
                Value::Object(map) => schema(map),
                Value::Null => Ok(Value::Object(Map::new())),
                other => {
                    Err(format!("json: cannot unmarshal {} into Go value of type v1.JSONSchemaProps", word(&other)))
                }
            });
            schemas.collect::<Result<_, _>>().map(Value::Array)
        }
        _ => Ok(Value::Null),
    }
}

fn schema(map: Map<String, Value>) -> Result<Value, String> {
    let mut unreported = Findings::default();
    let mut reader = super::Reader { findings: &mut unreported, names: Vec::new(), path: String::new() };
    reader.structure(SCHEMA, map).map(Value::Object)
}

/// The value with the fields that are always written.
pub(super) fn show(value: &mut Value) {
    match value {
        Value::Object(map) => complete(SCHEMA, map),
        Value::Array(list) => list.iter_mut().for_each(show),
        _ => {}
    }
}
