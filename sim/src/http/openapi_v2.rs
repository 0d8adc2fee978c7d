//! `/openapi/v2`: everything in one document, for older clients and for those that ask for it in Protobuf.
//!
//! Made from the documents of version 3, as they say the same: of a choice of types only text remains, references lose their
//! surroundings, bodies and contents become parameters and schemas. Of custom resources that is all which older clients can cope with.
//!
//! # Differences
//!
//! Parameters are said where they are used, not once for all. `/version` and the keys of tokens are not described, nor are the kinds of
//! groups that are only sent by the server. The operations of custom resources are fewer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Response, header};
use serde_json::{Map, Value, json};

use super::stream::Body;
use super::{answer, gnostic, negotiate, openapi};
use crate::ApiServer;
use crate::schema::documents::{self, RECORDED};

/// Paths and definitions, by name.
#[derive(Debug, Default)]
struct Parts {
    paths: BTreeMap<String, Value>,
    definitions: BTreeMap<String, Value>,
}

/// The extension that names kinds.
const KINDS: &str = "x-kubernetes-group-version-kind";
/// What version 2 cannot say.
const DROPPED: [&str; 6] = ["default", "nullable", "oneOf", "anyOf", "allOf", "not"];

/// The forms in which it is offered: JSON, and Protobuf by its present and its former name.
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const PROTOBUF_ONCE: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// The answer to a client, in the form that it accepts.
pub(super) fn answer(server: &ApiServer, headers: &HeaderMap) -> Response<Body> {
    let Some(media) = negotiate::media(headers, &[JSON, PROTOBUF, PROTOBUF_ONCE]) else {
        return answer::text(406, "");
    };
    let document = document(server);
    let (media, body) = match media {
        JSON => (JSON, document.to_string().into_bytes()),
        _ => (PROTOBUF, gnostic::document(&document)),
    };
    let tag = openapi::hash(&body);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.trim_matches('"') == tag) {
        answer::bytes(304, media, "")
    } else {
        answer::bytes(200, media, body)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The document.
fn document(server: &ApiServer) -> Value {
    static BUILT_IN: LazyLock<Parts> = LazyLock::new(|| {
        let mut parts = Parts::default();
        for document in RECORDED.iter().filter_map(|(key, _)| documents::parsed(key)) {
            parts.take(&document, Of::BuiltIn);
        }
        parts
    });
    let mut custom = Parts::default();
    for document in openapi::custom_documents(server) {
        custom.take(&document, Of::Definitions);
    }
    let merged = |built_in: &BTreeMap<String, Value>, custom: BTreeMap<String, Value>| -> Value {
        let mut all: Map<String, Value> = custom.into_iter().collect();
        all.extend(built_in.iter().map(|(name, value)| (name.clone(), value.clone())));
        all.into()
    };
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": merged(&BUILT_IN.paths, custom.paths),
        "definitions": merged(&BUILT_IN.definitions, custom.definitions),
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header",
        }},
        "security": [{"BearerToken": []}],
    })
}

/// What a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    BuiltIn,
    /// Of definitions nothing may remain that older clients misread: no fields where others may be, no types where null may be.
    Definitions,
}

impl Parts {
    fn take(&mut self, document: &Value, of: Of) {
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            self.paths.insert(path.clone(), path_item(item));
        }
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            let mut converted = convert(schema, of);
            // The options that all groups share are of the kinds of all groups.
            if let Some(known) = self.definitions.get(name) {
                let mut kinds = known[KINDS].as_array().cloned().unwrap_or_default();
                let more = converted[KINDS].as_array().into_iter().flatten();
                let more: Vec<_> = more.filter(|kind| !kinds.contains(kind)).cloned().collect();
                kinds.extend(more);
                kinds.sort_by_key(|kind| (kind["group"].to_string(), kind["version"].to_string()));
                if !kinds.is_empty() {
                    converted[KINDS] = kinds.into();
                }
            }
            if converted[KINDS].is_null()
                && let Some(fields) = converted.as_object_mut()
            {
                fields.remove(KINDS);
            }
            self.definitions.insert(name.clone(), converted);
        }
    }
}

fn reference(name: &Value) -> Value {
    name.as_str().unwrap_or_default().replace("#/components/schemas/", "#/definitions/").into()
}

/// A schema. Documents are the server's own and no deeper than a definition may be.
fn convert(schema: &Value, of: Of) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in fields {
        let value = match key.as_str() {
            "$ref" => reference(value),
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                properties.map(|(name, schema)| (name.clone(), convert(schema, of))).collect()
            }
            "items" | "additionalProperties" => convert(value, of),
            dropped if DROPPED.contains(&dropped) => continue,
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    if let Some([only]) = fields.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
        && let Some(name) = only.get("$ref")
    {
        out.insert("$ref".to_owned(), reference(name));
    }
    if of == Of::BuiltIn {
        if fields.contains_key("oneOf") {
            out.insert("type".to_owned(), "string".into());
        }
        return out.into();
    }
    let open = fields.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let nullable = fields.get("nullable") == Some(&Value::Bool(true));
    if open || nullable {
        out.remove("items");
        out.remove("properties");
    }
    let kind = out.get("type").and_then(Value::as_str).unwrap_or_default();
    // The whole object keeps its type: it is what its fields are of.
    let whole = fields.contains_key(KINDS);
    if !whole && (nullable || (kind == "array" && !out.contains_key("items")) || (open && kind == "object")) {
        out.remove("type");
    }
    let takes_null = |name: &Value| name.as_str().is_some_and(|name| schema["properties"][name]["nullable"] == true);
    if let Some(required) = out.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !takes_null(name));
        if required.is_empty() {
            out.remove("required");
        }
    }
    out.into()
}

fn path_item(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    let converted = fields.map(|(key, value)| {
        let value = if key == "parameters" { parameters(value) } else { operation(value) };
        (key.clone(), value)
    });
    converted.collect()
}

fn parameters(list: &Value) -> Value {
    let converted = list.as_array().into_iter().flatten().map(|parameter| {
        let mut out = parameter.as_object().cloned().unwrap_or_default();
        if let Some(Value::Object(schema)) = out.remove("schema").map(|schema| convert(&schema, Of::BuiltIn)) {
            out.extend(schema);
        }
        Value::Object(out)
    });
    converted.collect()
}

/// The order in which a server lists what it reads and writes.
const MEDIA: [&str; 10] = [
    "text/plain",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// The media types of a content, and the schema of the first.
fn content(holder: &Value) -> Option<(Vec<Value>, Value)> {
    let content = holder.get("content")?.as_object()?;
    let schema = content.values().next()?.get("schema").map(|schema| convert(schema, Of::BuiltIn));
    let mut types: Vec<_> = content.keys().map(String::as_str).collect();
    types.sort_by_key(|name| MEDIA.iter().position(|known| known == name).unwrap_or(MEDIA.len()));
    Some((types.into_iter().map(Value::from).collect(), schema.unwrap_or_default()))
}

fn operation(operation: &Value) -> Value {
    let mut out = operation.as_object().cloned().unwrap_or_default();
    let (body, responses) = (out.remove("requestBody"), out.remove("responses"));
    let mut list: Vec<Value> = Vec::new();
    let mut consumes = vec![Value::from("*/*")];
    if let Some((types, schema)) = body.as_ref().and_then(content) {
        consumes = types;
        let mut parameter = json!({"name": "body", "in": "body", "schema": schema});
        if body.as_ref().is_some_and(|body| body["required"] == true) {
            parameter["required"] = true.into();
        }
        list.push(parameter);
    }
    list.extend(parameters(&out.remove("parameters").unwrap_or_default()).as_array().cloned().unwrap_or_default());
    if !list.is_empty() {
        out.insert("parameters".to_owned(), list.into());
    }
    let mut produces = vec![Value::from("application/json")];
    let mut answers = Map::new();
    for (code, response) in responses.iter().filter_map(Value::as_object).flatten() {
        let mut answer = json!({"description": response["description"]});
        if let Some((types, schema)) = content(response) {
            produces = types;
            if !schema.is_null() {
                answer["schema"] = schema;
            }
        }
        answers.insert(code.clone(), answer);
    }
    if body.is_none() && !out.contains_key("x-kubernetes-action") {
        // Discovery says what all others can be asked in.
        consumes.clone_from(&produces);
    }
    out.insert("responses".to_owned(), answers.into());
    out.insert("consumes".to_owned(), consumes.into());
    out.insert("produces".to_owned(), produces.into());
    out.insert("schemes".to_owned(), json!(["https"]));
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn kinds_are_described_as_older_clients_read_them() {
        let document = document(&ApiServer::new(Options::default()));
        let definitions = &document["definitions"];
        assert_eq!(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["type"], "string");
        let spec = &definitions["io.k8s.api.core.v1.Pod"]["properties"]["spec"];
        assert_eq!(spec["$ref"], "#/definitions/io.k8s.api.core.v1.PodSpec");
        assert!(spec["description"].is_string());
        let post = &document["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"];
        assert_eq!(post["parameters"][0]["schema"]["$ref"], "#/definitions/io.k8s.api.core.v1.Pod");
        assert_eq!(post["responses"]["201"]["schema"]["$ref"], "#/definitions/io.k8s.api.core.v1.Pod");
        let options = &definitions["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"][KINDS];
        assert!(options.as_array().is_some_and(|kinds| kinds.len() > 5));
        let text = document.to_string();
        assert!(!text.contains("#/components/") && !text.contains("\"nullable\":true"));
    }

    #[test]
    fn of_definitions_nothing_remains_that_would_be_misread() {
        let schema = json!({
            "type": "object", KINDS: [{"kind": "Widget"}], "required": ["maybe", "sure"],
            "properties": {
                "maybe": {"type": "string", "nullable": true},
                "sure": {"type": "integer", "default": 1, "anyOf": [{"minimum": 1}]},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {}}},
            },
        });
        assert_eq!(
            convert(&schema, Of::Definitions),
            json!({
                "type": "object", KINDS: [{"kind": "Widget"}], "required": ["sure"],
                "properties": {
                    "maybe": {},
                    "sure": {"type": "integer"},
                    "open": {"x-kubernetes-preserve-unknown-fields": true},
                },
            })
        );
    }
}
