//! The rules of structural schemas: each field has one type, and what validates does not describe.

use serde_json::Value;

use crate::kinds::Causes;
use crate::meta;

/// Where a schema stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Root,
    Item,
    Field,
}

/// The rules of structural schemas, beginning at the top of a schema.
pub(super) struct Invariants<'a> {
    pub(super) causes: &'a mut Causes,
}

/// Whether a schema bears a mark.
pub(super) fn is(schema: &Value, mark: &str) -> bool {
    schema[mark] == true
}

/// The type of a schema.
pub(super) fn kind(schema: &Value) -> &str {
    meta::text(schema, "type")
}

fn is_int_or_string(any_of: &Value) -> bool {
    any_of.as_array().is_some_and(|list| {
        matches!(list.as_slice(), [one, other]
            if *one == serde_json::json!({"type": "integer"}) && *other == serde_json::json!({"type": "string"}))
    })
}

impl Invariants<'_> {
    fn at(&mut self, segment: &str, check: impl FnOnce(&mut Invariants<'_>)) {
        self.causes.at(segment, |causes| check(&mut Invariants { causes }));
    }

    fn key(&mut self, field: &str, key: &str, check: impl FnOnce(&mut Invariants<'_>)) {
        self.causes.at(field, |causes| causes.key(key, |causes| check(&mut Invariants { causes })));
    }

    /// Checks a schema and those below it.
    pub(super) fn schema(&mut self, schema: &Value, level: Level) {
        if kind(schema) == "array" && !schema["items"].is_object() {
            self.causes.required("items", "must be specified");
        }
        if schema["items"].is_object() {
            self.at("items", |check| check.schema(&schema["items"], Level::Item));
        }
        let properties = schema["properties"].as_object();
        for (key, property) in properties.into_iter().flatten() {
            self.key("properties", key, |check| check.schema(property, Level::Field));
        }
        let others = &schema["additionalProperties"];
        if !others.is_null() {
            if level == Level::Root {
                self.causes.forbidden("additionalProperties", "must not be used at the root");
            }
            if others.is_object() {
                self.at("additionalProperties", |check| check.schema(others, Level::Field));
            }
        }
        let embedded = is(schema, "x-kubernetes-embedded-resource");
        let (either, open) =
            (is(schema, "x-kubernetes-int-or-string"), is(schema, "x-kubernetes-preserve-unknown-fields"));
        let why = "must be false if x-kubernetes-int-or-string is true";
        if either && open {
            self.causes.invalid("x-kubernetes-preserve-unknown-fields", &true.into(), why);
        }
        if either && embedded {
            self.causes.invalid("x-kubernetes-embedded-resource", &true.into(), why);
        }
        let skip_first = is_int_or_string(&schema["allOf"][0]["anyOf"]);
        self.values(schema, is_int_or_string(&schema["anyOf"]), skip_first, level);
        self.types(schema, level, embedded, either || open);
        if embedded && !others.is_null() {
            let why = "must not be used if x-kubernetes-embedded-resource is set";
            self.causes.forbidden("additionalProperties", why);
        }
        if level == Level::Root && !matches!(kind(schema), "" | "object") {
            self.causes.invalid("type", &schema["type"], "must be object at the root");
        }
        let is_object = level == Level::Root || embedded;
        for key in ["kind", "apiVersion"] {
            if let Some(property) = schema["properties"].get(key).filter(|_| is_object)
                && kind(property) != "string"
            {
                self.causes.invalid(&format!("properties[{key}].type"), &kind(property).into(), "must be string");
            }
        }
        if let Some(metadata) = schema["properties"].get("metadata") {
            self.key("properties", "metadata", |check| check.metadata(metadata, is_object, level));
        }
        if embedded && !open && properties.is_none_or(serde_json::Map::is_empty) {
            let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
            self.causes.required("properties", why);
        }
    }

    fn types(&mut self, schema: &Value, level: Level, embedded: bool, free: bool) {
        if embedded && kind(schema) != "object" {
            let why = "must be object if x-kubernetes-embedded-resource is true";
            if kind(schema).is_empty() {
                self.causes.required("type", why);
            } else {
                self.causes.invalid("type", &schema["type"], why);
            }
        } else if kind(schema).is_empty() && !free {
            let why = match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            };
            self.causes.required("type", why);
        }
    }

    /// Only the name may be restricted.
    fn metadata(&mut self, metadata: &Value, is_object: bool, level: Level) {
        if is_object && kind(metadata) != "object" {
            self.causes.invalid("type", &kind(metadata).into(), "must be object");
        }
        if level != Level::Root {
            return;
        }
        let mut rest = metadata.clone();
        if let Some(fields) = rest.as_object_mut() {
            fields.remove("type");
            fields.remove("default");
            let names = fields.get("properties").and_then(Value::as_object);
            if names.is_some_and(|names| names.keys().all(|key| key == "name" || key == "generateName")) {
                fields.remove("properties");
            }
            if !fields.is_empty() {
                let why =
                    "must not specify anything other than name and generateName, but metadata is implicitly specified";
                self.causes.forbidden("", why);
            }
        }
    }

    /// The parts of a schema that only validate.
    fn values(&mut self, schema: &Value, skip_any: bool, skip_first_all: bool, level: Level) {
        let entries = |key: &str| schema[key].as_array().map_or(&[][..], Vec::as_slice);
        for (index, nested) in entries("anyOf").iter().enumerate().filter(|_| !skip_any) {
            self.at(&format!("anyOf[{index}]"), |check| check.nested(nested, false, level));
        }
        for (index, nested) in entries("allOf").iter().enumerate() {
            let skip = skip_first_all && index == 0;
            self.at(&format!("allOf[{index}]"), |check| check.nested(nested, skip, level));
        }
        for (index, nested) in entries("oneOf").iter().enumerate() {
            self.at(&format!("oneOf[{index}]"), |check| check.nested(nested, false, level));
        }
        if schema["not"].is_object() {
            self.at("not", |check| check.nested(&schema["not"], false, level));
        }
        let pattern = meta::text(schema, "pattern");
        if let Some(why) = bad_pattern(pattern) {
            let why = format!("must be a valid regular expression, but isn't: error parsing regexp: {why}");
            self.causes.invalid("pattern", &pattern.into(), &why);
        }
    }

    fn nested(&mut self, schema: &Value, skip_any: bool, level: Level) {
        self.values(schema, skip_any, false, level);
        if schema["items"].is_object() {
            self.at("items", |check| check.nested(&schema["items"], false, level));
        }
        let properties = schema["properties"].as_object();
        for (key, property) in properties.into_iter().flatten() {
            self.key("properties", key, |check| check.nested(property, false, Level::Field));
        }
        let forbidden = |key: &str| match &schema[key] {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty() || key.starts_with("x-kubernetes-"),
            Value::Array(list) => !list.is_empty(),
            _ => true,
        };
        for (key, word) in [
            ("type", "empty"),
            ("additionalProperties", "undefined"),
            ("default", "undefined"),
            ("title", "empty"),
            ("description", "empty"),
            ("nullable", "false"),
            ("x-kubernetes-preserve-unknown-fields", "false"),
            ("x-kubernetes-embedded-resource", "false"),
            ("x-kubernetes-int-or-string", "false"),
            ("x-kubernetes-list-map-keys", "empty"),
            ("x-kubernetes-list-type", "undefined"),
            ("x-kubernetes-map-type", "undefined"),
            ("x-kubernetes-validations", "empty"),
        ] {
            if forbidden(key) {
                self.causes.forbidden(key, &format!("must be {word} to be structural"));
            }
        }
        if properties.is_some_and(|properties| properties.contains_key("metadata")) {
            self.causes.forbidden("properties[metadata]", "must not be specified in a nested context");
        }
    }
}

/// Why a pattern cannot be compiled, in Go's words for the commonest faults.
fn bad_pattern(pattern: &str) -> Option<String> {
    let why = regex::Regex::new(pattern).err()?.to_string();
    Some(if why.contains("unclosed character class") {
        let from = pattern.rfind('[').map_or(pattern, |place| &pattern[place..]);
        format!("missing closing ]: `{from}`")
    } else if why.contains("unclosed group") {
        format!("missing closing ): `{pattern}`")
    } else if why.contains("unopened group") {
        format!("unexpected ): `{pattern}`")
    } else if why.contains("repetition operator missing expression") {
        let operator: String = pattern.chars().filter(|c| "*+?".contains(*c)).take(1).collect();
        format!("missing argument to repetition operator: `{operator}`")
    } else {
        format!("invalid or unsupported syntax: `{pattern}`")
    })
}
