//! The document of `/openapi/v2` in Protobuf, in the messages of the gnostic models: what `kubectl` and Helm ask for.
//!
//! One function a message. What the documents of a server do not have (files, forms, headers, examples) is not written.
//!
//! # Differences
//!
//! Values of any type are YAML in these messages; here they are its subset JSON.

use serde_json::{Map, Value};

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

const VARINT: u64 = 0;
const DOUBLE: u64 = 1;
const BYTES: u64 = 2;

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn text(&mut self, field: u64, value: &Value) {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            self.bytes(field, text.as_bytes());
        }
    }

    /// One text, or several.
    fn texts(&mut self, field: u64, value: &Value) {
        let one = value.as_str().is_some().then_some(value);
        for text in one.into_iter().chain(value.as_array().into_iter().flatten()).filter_map(Value::as_str) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn flag(&mut self, field: u64, value: &Value) {
        if *value == true {
            self.varint(field << 3 | VARINT);
            self.varint(1);
        }
    }

    fn count(&mut self, field: u64, value: &Value) {
        if let Some(count) = value.as_i64().filter(|count| *count != 0) {
            self.varint(field << 3 | VARINT);
            self.varint(count.cast_unsigned());
        }
    }

    fn float(&mut self, field: u64, value: &Value) {
        if let Some(number) = value.as_f64().filter(|number| *number != 0.0) {
            self.varint(field << 3 | DOUBLE);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A value of any type.
    fn any(&mut self, field: u64, value: &Value) {
        const YAML: u64 = 2;
        if !value.is_null() {
            let mut any = Self::default();
            any.bytes(YAML, format!("{value}\n").as_bytes());
            self.message(field, &any);
        }
    }

    fn anys(&mut self, field: u64, value: &Value) {
        for one in value.as_array().into_iter().flatten() {
            self.any(field, one);
        }
    }

    /// A map: pairs of a name and a message.
    fn named(&mut self, field: u64, fields: &Value, write: impl Fn(&Value) -> Self) {
        for (name, value) in fields.as_object().into_iter().flatten() {
            let mut pair = Self::default();
            pair.bytes(1, name.as_bytes());
            pair.message(2, &write(value));
            self.message(field, &pair);
        }
    }

    /// The `x-` fields of an object.
    fn extensions(&mut self, field: u64, holder: &Value) {
        let fields = holder.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-"));
        for (name, value) in fields {
            let mut pair = Self::default();
            pair.bytes(1, name.as_bytes());
            pair.any(2, value);
            self.message(field, &pair);
        }
    }

    /// A message whose only field is this one.
    fn of(field: u64, message: &Self) -> Self {
        let mut outer = Self::default();
        outer.message(field, message);
        outer
    }
}

/// The document of version 2, as bytes.
pub(super) fn document(value: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, &value["swagger"]);
    let mut info = Message::default();
    info.text(1, &value["info"]["title"]);
    info.text(2, &value["info"]["version"]);
    out.message(2, &info);
    let mut paths = Message::default();
    paths.named(2, &value["paths"], path_item);
    out.message(8, &paths);
    let mut definitions = Message::default();
    definitions.named(1, &value["definitions"], schema);
    out.message(9, &definitions);
    for requirement in value["security"].as_array().into_iter().flatten() {
        let mut message = Message::default();
        message.named(1, requirement, |scopes| {
            let mut list = Message::default();
            list.texts(1, scopes);
            list
        });
        out.message(12, &message);
    }
    let mut security = Message::default();
    security.named(1, &value["securityDefinitions"], |scheme| {
        const API_KEY: u64 = 2;
        let mut key = Message::default();
        for (field, name) in [(1, "type"), (2, "name"), (3, "in"), (4, "description")] {
            key.text(field, &scheme[name]);
        }
        Message::of(API_KEY, &key)
    });
    out.message(13, &security);
    out.0
}

fn path_item(item: &Value) -> Message {
    let mut out = Message::default();
    let verbs = [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch")];
    for (field, verb) in verbs {
        if item[verb].is_object() {
            out.message(field, &operation(&item[verb]));
        }
    }
    for one in item["parameters"].as_array().into_iter().flatten() {
        out.message(9, &parameter(one));
    }
    out
}

fn operation(operation: &Value) -> Message {
    let mut out = Message::default();
    out.texts(1, &operation["tags"]);
    out.text(3, &operation["description"]);
    out.text(5, &operation["operationId"]);
    out.texts(6, &operation["produces"]);
    out.texts(7, &operation["consumes"]);
    for one in operation["parameters"].as_array().into_iter().flatten() {
        out.message(8, &parameter(one));
    }
    let mut responses = Message::default();
    responses.named(1, &operation["responses"], |answer| {
        let mut response = Message::default();
        response.text(1, &answer["description"]);
        if answer["schema"].is_object() {
            response.message(2, &Message::of(1, &schema(&answer["schema"])));
        }
        Message::of(1, &response)
    });
    out.message(9, &responses);
    out.texts(10, &operation["schemes"]);
    out.flag(11, &operation["deprecated"]);
    out.extensions(13, operation);
    out
}

/// A parameter, in the three messages that it is wrapped in.
fn parameter(parameter: &Value) -> Message {
    const BODY: u64 = 1;
    const OTHER: u64 = 2;
    let mut out = Message::default();
    if parameter["in"] == "body" {
        out.text(1, &parameter["description"]);
        out.text(2, &parameter["name"]);
        out.text(3, &parameter["in"]);
        out.flag(4, &parameter["required"]);
        out.message(5, &schema(&parameter["schema"]));
        return Message::of(1, &Message::of(BODY, &out));
    }
    // A parameter in a query may be empty, which is a field more in the middle of its message.
    let (kind, later) = if parameter["in"] == "query" { (3, 1) } else { (4, 0) };
    out.flag(1, &parameter["required"]);
    for (field, name) in [(2, "in"), (3, "description"), (4, "name")] {
        out.text(field, &parameter[name]);
    }
    out.text(5 + later, &parameter["type"]);
    out.text(6 + later, &parameter["format"]);
    out.any(9 + later, &parameter["default"]);
    out.float(10 + later, &parameter["maximum"]);
    out.float(12 + later, &parameter["minimum"]);
    out.text(16 + later, &parameter["pattern"]);
    out.flag(19 + later, &parameter["uniqueItems"]);
    out.anys(20 + later, &parameter["enum"]);
    out.extensions(22 + later, parameter);
    Message::of(1, &Message::of(OTHER, &Message::of(kind, &out)))
}

fn schema(schema_of: &Value) -> Message {
    let empty = Map::new();
    let fields = schema_of.as_object().unwrap_or(&empty);
    let field = |name: &str| fields.get(name).unwrap_or(&Value::Null);
    let mut out = Message::default();
    for (number, name) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description")] {
        out.text(number, field(name));
    }
    out.any(5, field("default"));
    out.float(6, field("multipleOf"));
    out.float(7, field("maximum"));
    out.flag(8, field("exclusiveMaximum"));
    out.float(9, field("minimum"));
    out.flag(10, field("exclusiveMinimum"));
    out.count(11, field("maxLength"));
    out.count(12, field("minLength"));
    out.text(13, field("pattern"));
    out.count(14, field("maxItems"));
    out.count(15, field("minItems"));
    out.flag(16, field("uniqueItems"));
    out.count(17, field("maxProperties"));
    out.count(18, field("minProperties"));
    out.texts(19, field("required"));
    out.anys(20, field("enum"));
    match field("additionalProperties") {
        Value::Bool(any) => {
            let mut item = Message::default();
            item.flag(2, &Value::Bool(*any));
            out.message(21, &item);
        }
        Value::Null => {}
        of => out.message(21, &Message::of(1, &schema(of))),
    }
    if !field("type").is_null() {
        let mut kinds = Message::default();
        kinds.texts(1, field("type"));
        out.message(22, &kinds);
    }
    if !field("items").is_null() {
        out.message(23, &Message::of(1, &schema(field("items"))));
    }
    if field("properties").is_object() {
        let mut properties = Message::default();
        properties.named(1, field("properties"), schema);
        out.message(25, &properties);
    }
    out.any(30, field("example"));
    out.extensions(31, schema_of);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_written_field_by_field() {
        let written = schema(&json!({"type": "string", "description": "d", "x-a": 1})).0;
        let expected: &[u8] = &[
            0x22, 1, b'd', // description
            0xb2, 0x01, 8, 0x0a, 6, b's', b't', b'r', b'i', b'n', b'g', // type
            0xfa, 0x01, 11, 0x0a, 3, b'x', b'-', b'a', 0x12, 4, 0x12, 2, b'1', b'\n', // the extension
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_path_parameter_is_wrapped_three_times() {
        let written = parameter(&json!({"in": "path", "name": "n", "required": true})).0;
        let inner = [&[8, 1, 0x12, 4][..], b"path", &[0x22, 1, b'n']].concat();
        let wrapped = [&[0x22, inner.len() as u8][..], &inner].concat();
        let wrapped = [&[0x12, wrapped.len() as u8][..], &wrapped].concat();
        assert_eq!(written, [&[0x0a, wrapped.len() as u8][..], &wrapped].concat());
    }
}
