//! A schema of a definition as messages of a real server show it: with the names and the order of its internal type.

use std::fmt::Write as _;

use serde_json::Value;

/// How a field of the internal type is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    /// Anything that is null when it is absent.
    Any,
    Schema,
    Schemas,
    Map,
    Items,
    OrFlag,
    Dependencies,
    Docs,
    Rules,
}

use Kind::{Any, Dependencies, Docs, Flag, Items, Map, OrFlag, Rules, Schema, Schemas, Text};

/// The fields of a schema: the name inside a server, the name on the wire, and what it holds.
const FIELDS: [(&str, &str, Kind); 44] = [
    ("ID", "id", Text),
    ("Schema", "$schema", Text),
    ("Ref", "$ref", Any),
    ("Description", "description", Text),
    ("Type", "type", Text),
    ("Nullable", "nullable", Flag),
    ("Format", "format", Text),
    ("Title", "title", Text),
    ("Default", "default", Any),
    ("Maximum", "maximum", Any),
    ("ExclusiveMaximum", "exclusiveMaximum", Flag),
    ("Minimum", "minimum", Any),
    ("ExclusiveMinimum", "exclusiveMinimum", Flag),
    ("MaxLength", "maxLength", Any),
    ("MinLength", "minLength", Any),
    ("Pattern", "pattern", Text),
    ("MaxItems", "maxItems", Any),
    ("MinItems", "minItems", Any),
    ("UniqueItems", "uniqueItems", Flag),
    ("MultipleOf", "multipleOf", Any),
    ("Enum", "enum", Any),
    ("MaxProperties", "maxProperties", Any),
    ("MinProperties", "minProperties", Any),
    ("Required", "required", Any),
    ("Items", "items", Items),
    ("AllOf", "allOf", Schemas),
    ("OneOf", "oneOf", Schemas),
    ("AnyOf", "anyOf", Schemas),
    ("Not", "not", Schema),
    ("Properties", "properties", Map),
    ("AdditionalProperties", "additionalProperties", OrFlag),
    ("PatternProperties", "patternProperties", Map),
    ("Dependencies", "dependencies", Dependencies),
    ("AdditionalItems", "additionalItems", OrFlag),
    ("Definitions", "definitions", Map),
    ("ExternalDocs", "externalDocs", Docs),
    ("Example", "example", Any),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Any),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Any),
    ("XListType", "x-kubernetes-list-type", Any),
    ("XMapType", "x-kubernetes-map-type", Any),
    ("XValidations", "x-kubernetes-validations", Rules),
];

/// The fields that a schema has, by their names inside a server, in the order of the type.
pub(crate) fn given(schema: &Value) -> impl Iterator<Item = &'static str> + '_ {
    FIELDS.iter().filter(|(_, wire, _)| !is_zero(&schema[*wire])).map(|(name, ..)| *name)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A schema as JSON text.
pub(crate) fn schema(value: &Value) -> String {
    let mut text = String::new();
    write_schema(value, &mut text);
    // As Go's encoder does with what could end a script.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn write_schema(value: &Value, text: &mut String) {
    text.push('{');
    for (place, (name, wire, kind)) in FIELDS.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        put(text, &format!("\"{name}\":"));
        field(*kind, &value[*wire], text);
    }
    text.push('}');
}

fn put(text: &mut String, part: &str) {
    text.push_str(part);
}

fn list<'a>(values: impl Iterator<Item = &'a Value>, text: &mut String) {
    text.push('[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_schema(value, text);
    }
    text.push(']');
}

fn field(kind: Kind, value: &Value, text: &mut String) {
    match (kind, value) {
        (Text, Value::Null) => put(text, "\"\""),
        (Flag, Value::Null) => put(text, "false"),
        (Schema, value @ Value::Object(_)) => write_schema(value, text),
        (Schemas, Value::Array(schemas)) => list(schemas.iter(), text),
        (Map, Value::Object(map)) => {
            text.push('{');
            for (place, (key, value)) in map.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                put(text, &format!("{comma}{}:", Value::from(key.as_str())));
                write_schema(value, text);
            }
            text.push('}');
        }
        (Items, value @ Value::Object(_)) => {
            put(text, "{\"Schema\":");
            write_schema(value, text);
            put(text, ",\"JSONSchemas\":null}");
        }
        (Items, Value::Array(schemas)) => {
            put(text, "{\"Schema\":null,\"JSONSchemas\":");
            list(schemas.iter(), text);
            text.push('}');
        }
        (OrFlag, value @ Value::Object(_)) => {
            put(text, "{\"Allows\":true,\"Schema\":");
            write_schema(value, text);
            text.push('}');
        }
        (OrFlag, Value::Bool(allows)) => put(text, &format!("{{\"Allows\":{allows},\"Schema\":null}}")),
        (Docs, Value::Object(map)) => {
            let part = |key: &str| map.get(key).cloned().unwrap_or_else(|| "".into());
            put(text, &format!("{{\"Description\":{},\"URL\":{}}}", part("description"), part("url")));
        }
        (Rules, Value::Array(rules)) => {
            text.push('[');
            for (place, rule) in rules.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let part = |key: &str| rule.get(key).cloned().unwrap_or_else(|| "".into());
                let (reason, optional) = (&rule["reason"], &rule["optionalOldSelf"]);
                let shown = format!(
                    "{comma}{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{reason},\"FieldPath\":{},\
                     \"OptionalOldSelf\":{optional}}}",
                    part("rule"),
                    part("message"),
                    part("messageExpression"),
                    part("fieldPath")
                );
                put(text, &shown);
            }
            text.push(']');
        }
        (_, value) => write!(text, "{value}").expect("a string takes everything"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_shown_with_its_zero_values_in_order() {
        let shown = schema(&json!({"type": "object", "properties": {"a": {"items": {"pattern": "<"}}}}));
        assert!(shown.starts_with(r#"{"ID":"","Schema":"","Ref":null,"Description":"","Type":"object","#), "{shown}");
        assert!(shown.contains(r#""Properties":{"a":{"ID":"","#), "{shown}");
        assert!(shown.contains(r#""Items":{"Schema":{"#) && shown.contains("\\u003c"), "{shown}");
    }
}
