//! What the schema of a definition may say: the rules of structural schemas, and of `OpenAPI` in definitions.
//!
//! # Differences
//!
//! `x-kubernetes-validations` are not compiled, and of their fields only the texts are looked at. Of several faults in different fields a
//! real server tells the order by chance; here they come by name. Of the metadata that a default of
//! an embedded resource brings only the types are checked.

use serde_json::Value;

use super::invariants::{Invariants, Level, is, kind};
use super::structural;
use super::{formats, show, validate};
use crate::kinds::Causes;
use crate::meta;
use crate::status::Cause;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

/// What a schema may say at its top where the status is split off, as the message lists it.
const AT_ROOT: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength \
    Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields \
    XValidations";

/// Checks a schema; the check stands beside `openAPIV3Schema`. `status` is whether the status has an endpoint of its own.
pub(crate) fn check(schema: &Value, status: bool, causes: &mut Causes) {
    let before = causes.count();
    if status {
        at_root(schema, causes);
    }
    if schema["nullable"] == true {
        causes.forbidden("openAPIV3Schema.nullable", "nullable cannot be true at the root");
    }
    let unsupported = unsupported(schema);
    if unsupported.is_none() {
        let mut found = Causes::default();
        let path = causes.path("openAPIV3Schema");
        found.at(&path, |causes| Invariants { causes }.schema(schema, Level::Root));
        completeness(schema, &path, &mut found);
        let mut found = found.into_found();
        found.sort_by_key(|cause| format!("{}: {}", cause.field, cause.message));
        if found.is_empty() {
            causes.at("openAPIV3Schema", |causes| defaults(schema, true, false, causes));
        } else {
            causes.extend(found);
        }
    }
    causes.at("openAPIV3Schema", |causes| openapi(schema, Inside { root: true, ..Inside::default() }, causes));
    if let Some(why) = unsupported
        && causes.count() == before
    {
        causes.invalid("openAPIV3Schema", &"".into(), &why);
    }
}

/// Takes causes whose fields are relative to where the check stands.
fn adopt(found: Vec<Cause>, causes: &mut Causes) {
    for cause in found {
        let here = causes.path("");
        let field = match cause.field.as_str() {
            // The second is an error of a whole value.
            "" | "<nil>" => here,
            field if field.starts_with('[') => format!("{here}{field}"),
            field => format!("{here}.{field}"),
        };
        causes.push(Cause { field, ..cause });
    }
}

fn at_root(schema: &Value, causes: &mut Causes) {
    for name in show::given(schema) {
        if name == "Type" {
            if schema["type"] != "object" {
                let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
                causes.invalid("openAPIV3Schema.type", &schema["type"], why);
                return;
            }
        } else if !AT_ROOT.split(' ').any(|known| known == name) {
            let why = format!(
                "only [{AT_ROOT}] fields are allowed at the root of the schema if the status subresource is enabled"
            );
            causes.push(Cause {
                reason: "FieldValueInvalid".to_owned(),
                message: format!("Invalid value: {}: {why}", show::schema(schema)),
                field: causes.path("openAPIV3Schema"),
            });
            return;
        }
    }
}

/// The schemas directly below one, whatever for.
fn below(schema: &Value) -> impl Iterator<Item = &Value> {
    let one = ["items", "not", "additionalProperties", "additionalItems"].into_iter().map(|key| &schema[key]);
    let lists = ["allOf", "anyOf", "oneOf", "items"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let maps = ["properties", "patternProperties", "definitions"].into_iter().filter_map(|key| schema[key].as_object());
    one.chain(lists).chain(maps.flat_map(|map| map.values())).filter(|schema| schema.is_object())
}

/// Why a schema can be no structural one at all.
fn unsupported(schema: &Value) -> Option<String> {
    let given = |key: &str| match &schema[key] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => key == "additionalItems" || !map.is_empty(),
        _ => true,
    };
    for key in ["id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"] {
        if given(key) {
            return Some(format!(
                "OpenAPIV3Schema '{}' is not supported",
                if key == "$schema" { "schema" } else { key }
            ));
        }
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined".to_owned());
    }
    if schema["items"].is_array() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array".to_owned());
    }
    below(schema).find_map(unsupported)
}

/// What a validation names has to be there in the structure beside it.
fn completeness(schema: &Value, path: &str, causes: &mut Causes) {
    values_completeness(schema, Some(schema), path, path, causes);
}

fn values_completeness(schema: &Value, structure: Option<&Value>, described: &str, path: &str, causes: &mut Causes) {
    if schema["not"].is_object() {
        nested_completeness(&schema["not"], structure, described, &format!("{path}.not"), causes);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, entry) in schema[key].as_array().into_iter().flatten().enumerate() {
            nested_completeness(entry, structure, described, &format!("{path}.{key}[{index}]"), causes);
        }
    }
}

fn nested_completeness(schema: &Value, structure: Option<&Value>, described: &str, path: &str, causes: &mut Causes) {
    let Some(known) = structure else {
        causes.push(Cause::required(described, &format!("because it is defined in {path}")));
        return;
    };
    values_completeness(schema, structure, described, path, causes);
    if schema["items"].is_object() {
        let items = known.get("items").filter(|items| items.is_object());
        nested_completeness(&schema["items"], items, &format!("{described}.items"), &format!("{path}.items"), causes);
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let (described, path) = (format!("{described}.properties[{key}]"), format!("{path}.properties[{key}]"));
        nested_completeness(property, known["properties"].get(key), &described, &path, causes);
    }
}

/// Defaults have to fit.
fn defaults(schema: &Value, root: bool, inside_meta: bool, causes: &mut Causes) {
    let embedded = root || is(schema, "x-kubernetes-embedded-resource");
    let inside_meta = inside_meta && !embedded;
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        causes.at("default", |causes| {
            if !inside_meta {
                let mut pruned = serde_json::json!({"": default});
                let whole = serde_json::json!({"properties": {"": schema}});
                let unknown = structural::prune_only(&whole, &mut pruned);
                if unknown {
                    causes.invalid("", default, "must not have unknown fields");
                }
            }
            adopt(validate::validate(schema, default, None), causes);
        });
    }
    if schema["items"].is_object() {
        causes.at("items", |causes| defaults(&schema["items"], false, inside_meta, causes));
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let inside = inside_meta || embedded && matches!(key.as_str(), "metadata" | "apiVersion" | "kind");
        causes.at("properties", |causes| causes.key(key, |causes| defaults(property, false, inside, causes)));
    }
}

/// What decides on a schema from outside.
#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    root: bool,
    /// Whether it is about the metadata of an object.
    metadata: bool,
    /// Why it may have no default.
    no_default: Option<&'static str>,
}

/// The rules of `OpenAPI` in definitions.
fn openapi(schema: &Value, inside: Inside, causes: &mut Causes) {
    if !schema.is_object() {
        return;
    }
    plain(schema, inside, causes);
    if is(schema, "uniqueItems") {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.forbidden("uniqueItems", why);
    }
    let below = Inside { root: false, ..inside };
    let properties = schema["properties"].as_object();
    let others = &schema["additionalProperties"];
    if !others.is_null() {
        if properties.is_some_and(|properties| !properties.is_empty()) && *others != true {
            causes.forbidden("additionalProperties", "additionalProperties and properties are mutual exclusive");
        }
        let no_default = if inside.metadata {
            Some("inside additionalProperties applying to object metadata")
        } else {
            below.no_default
        };
        causes.at("additionalProperties", |causes| openapi(others, Inside { no_default, ..below }, causes));
    }
    let is_object = inside.root || is(schema, "x-kubernetes-embedded-resource");
    for (key, property) in properties.into_iter().flatten() {
        let top = match key.as_str() {
            "metadata" => Some("in top-level metadata"),
            "kind" => Some("in top-level kind"),
            "apiVersion" => Some("in top-level apiVersion"),
            _ => None,
        };
        let mut there = below;
        there.metadata |= is_object && top.is_some();
        if inside.root {
            there.no_default = there.no_default.or(top);
        }
        causes.at("properties", |causes| causes.key(key, |causes| openapi(property, there, causes)));
    }
    causes.at("not", |causes| openapi(&schema["not"], below, causes));
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, entry) in schema[key].as_array().into_iter().flatten().enumerate() {
            causes.at(&format!("{key}[{index}]"), |causes| openapi(entry, below, causes));
        }
    }
    causes.at("items", |causes| openapi(&schema["items"], below, causes));
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        causes.invalid("x-kubernetes-preserve-unknown-fields", &false.into(), "must be true or undefined");
    }
    typed(schema, "x-kubernetes-map-type", "object", causes);
    known(schema, "x-kubernetes-map-type", &["atomic", "granular"], causes);
    lists(schema, causes);
}

/// The rules of one schema for itself.
fn plain(schema: &Value, inside: Inside, causes: &mut Causes) {
    let kind = kind(schema);
    if !kind.is_empty() && !TYPES.contains(&kind) {
        causes.not_supported("type", kind, &TYPES);
    }
    if let Some(why) = inside.no_default.filter(|_| !schema["default"].is_null()) {
        causes.forbidden("default", &format!("must not be set {why}"));
    }
    let given = |key: &str| match &schema[key] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !matches!(key, "patternProperties" | "definitions") || !map.is_empty(),
        _ => true,
    };
    for key in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        if given(key) {
            causes.forbidden(key, &format!("{key} is not supported"));
        }
    }
    if kind == "null" {
        causes.forbidden("type", "type cannot be set to null, use nullable as an alternative");
    }
    if schema["items"].is_array() {
        causes.forbidden("items", "items must be a schema object and not an array");
    }
    if inside.metadata && is(schema, "x-kubernetes-embedded-resource") {
        causes.forbidden("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
    }
}

/// A mark of one type only. Says whether the mark is there and the type another.
fn typed(schema: &Value, mark: &str, expected: &str, causes: &mut Causes) -> bool {
    if schema[mark].is_null() || kind(schema) == expected {
        return false;
    }
    let why = format!("must be {expected} if {mark} is specified");
    if kind(schema).is_empty() {
        causes.required("type", &why);
    } else {
        causes.invalid("type", &schema["type"], &why);
    }
    true
}

fn known(schema: &Value, mark: &str, words: &[&str], causes: &mut Causes) {
    if let Some(word) = schema[mark].as_str().filter(|word| !words.contains(word)) {
        causes.not_supported(mark, word, words);
    }
}

/// The marks of lists.
fn lists(schema: &Value, causes: &mut Causes) {
    const TYPE: &str = "x-kubernetes-list-type";
    const KEYS: &str = "x-kubernetes-list-map-keys";
    let (mark, items) = (schema[TYPE].as_str(), &schema["items"]);
    if !typed(schema, TYPE, "array", causes) && mark == Some("set") {
        let map = &items["x-kubernetes-map-type"];
        let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
        if kind(items) == "array" && !matches!(items[TYPE].as_str(), None | Some("atomic")) {
            causes.invalid("items.x-kubernetes-list-type", &items[TYPE], why);
        }
        if kind(items) == "object" && map != "atomic" {
            // The wrong field is shown.
            causes.invalid("items.x-kubernetes-map-type", &items[TYPE], why);
        }
    }
    known(schema, TYPE, &["atomic", "set", "map"], causes);
    let keys = schema[KEYS].as_array().map_or(&[][..], Vec::as_slice);
    if !keys.is_empty() && mark != Some("map") {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        match mark {
            None => causes.required(TYPE, why),
            Some(word) => causes.invalid(TYPE, &word.into(), why),
        }
    }
    if mark == Some("map") {
        keyed(items, keys, causes);
    }
    if items.is_object() && matches!(mark, Some("set" | "map")) {
        if is(items, "nullable") {
            let why = format!("cannot be nullable when x-kubernetes-list-type is {}", mark.unwrap_or_default());
            causes.forbidden("items.nullable", &why);
        }
        for key in keys.iter().filter_map(Value::as_str).filter(|_| mark == Some("map")) {
            let Some(property) = items["properties"].get(key) else {
                continue;
            };
            let required = items["required"].as_array().is_some_and(|names| names.iter().any(|name| name == key));
            if !required && property["default"].is_null() {
                let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
                causes.required(&format!("items.properties[{key}].default"), why);
            }
            if is(property, "nullable") {
                let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
                causes.forbidden(&format!("items.properties[{key}].nullable"), why);
            }
        }
    }
}

fn keyed(items: &Value, keys: &[Value], causes: &mut Causes) {
    const KEYS: &str = "x-kubernetes-list-map-keys";
    if keys.is_empty() {
        causes.required(KEYS, "must not be empty if x-kubernetes-list-type is map");
    }
    if items.is_null() {
        causes.required("items", "must have a schema if x-kubernetes-list-type is map");
    }
    if items.is_object() && kind(items) != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        causes.invalid("items.type", &kind(items).into(), why);
    }
    if kind(items) != "object" {
        return;
    }
    for (index, key) in keys.iter().enumerate() {
        match items["properties"].get(key.as_str().unwrap_or_default()) {
            Some(property) if matches!(kind(property), "array" | "object") => {
                let field = format!("items.properties[{}].type", key.as_str().unwrap_or_default());
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                causes.invalid(&field, &items["type"], why);
            }
            Some(_) => {}
            None => causes.invalid(KEYS, &keys.into(), "entries must all be names of item properties"),
        }
        if keys[..index].contains(key) {
            causes.invalid(KEYS, &keys.into(), "must not contain duplicate entries");
        }
    }
}

/// Formats that a server does not know, in a definition's schema and below it.
pub(crate) fn unknown_formats(schema: &Value, found: &mut Vec<String>) {
    let format = meta::text(schema, "format");
    let known = match kind(schema) {
        "" | "string" => formats::is_known(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    if !format.is_empty() && !known {
        found.push(format.to_owned());
    }
    below(schema).for_each(|schema| unknown_formats(schema, found));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(schema: &Value) -> Vec<String> {
        let mut causes = Causes::default();
        causes.at("spec", |causes| check(schema, false, causes));
        causes.into_found().iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn a_schema_is_held_to_its_rules() {
        for (property, expected) in [
            (json!({"type": "string"}), vec![]),
            (
                json!({}),
                vec![
                    "spec.openAPIV3Schema.properties[f].type: Required value: must not be empty for specified object fields",
                ],
            ),
            (
                json!({"type": "array"}),
                vec!["spec.openAPIV3Schema.properties[f].items: Required value: must be specified"],
            ),
            (
                json!({"type": "integer", "default": "x"}),
                vec![
                    "spec.openAPIV3Schema.properties[f].default: Invalid value: \"string\":  in body must be of type integer: \"string\"",
                ],
            ),
        ] {
            assert_eq!(told(&json!({"type": "object", "properties": {"f": property}})), expected);
        }
        assert_eq!(
            told(&json!({"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]})),
            ["spec.openAPIV3Schema.properties[a]: Required value: because it is defined in \
                 spec.openAPIV3Schema.anyOf[0].properties[a]"]
        );
    }
}
