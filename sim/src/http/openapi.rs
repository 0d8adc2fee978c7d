//! `/openapi/v3`: what clients validate and explain objects with.
//!
//! Documents of built-in group versions are those of a recorded kube-apiserver 1.36, kept compressed. Those of
//! custom resources are made from their definitions: enough to explain a kind, its metadata and its list, and to see that
//! the server validates fields by itself.
//!
//! # Differences
//!
//! The operations of custom resources are those that clients look for, without their subresources and watches.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::schema::documents::{self, INDEX, RECORDED, unpack};
use crate::schema::models::Models;
use crate::{ApiServer, Origin, ResourceDef, Target};

/// Where a document has its models.
const MODELS: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const CONVENTIONS: &str = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
const METADATA: &str = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// `/openapi/v3`: where each document is. The address changes with the document, so that clients may keep it.
pub(super) fn index(server: &ApiServer) -> Value {
    static PATHS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let index: Value = serde_json::from_slice(&unpack(INDEX)).expect("the embedded index is JSON");
        match index {
            Value::Object(mut paths) => {
                paths.retain(|key, _| RECORDED.iter().any(|(known, _)| known == key));
                paths
            }
            _ => Map::new(),
        }
    });
    let mut paths = PATHS.clone();
    for (group, version) in custom_versions(server) {
        let key = format!("apis/{group}/{version}");
        let hash = hash(custom(server, &group, &version).to_string().as_bytes());
        let url = format!("/openapi/v3/{key}?hash={hash}");
        paths.insert(key, json!({ "serverRelativeURL": url }));
    }
    json!({ "paths": paths })
}

/// What tells two documents apart.
pub(super) fn hash(document: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha512::digest(document) {
        write!(text, "{byte:02X}").expect("a string takes everything");
    }
    text
}

/// The documents of custom resources, one a group version.
pub(super) fn custom_documents(server: &ApiServer) -> Vec<Value> {
    custom_versions(server).iter().map(|(group, version)| custom(server, group, version)).collect()
}

/// One document; `None` where nobody serves it.
pub(super) fn document(server: &ApiServer, key: &str) -> Option<Bytes> {
    if let Some(recorded) = documents::recorded(key) {
        return Some(recorded);
    }
    let (group, version) = key.strip_prefix("apis/")?.split_once('/')?;
    custom_versions(server)
        .iter()
        .any(|(g, v)| g == group && v == version)
        .then(|| custom(server, group, version).to_string().into())
}

/// Group versions that exist only through definitions.
fn custom_versions(server: &ApiServer) -> Vec<(String, String)> {
    let mut versions: Vec<_> = server
        .resources()
        .iter()
        .filter(|def| def.is_custom())
        .map(|def| (def.group.clone(), def.version.clone()))
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

/// The document of one group version of custom resources.
fn custom(server: &ApiServer, group: &str, version: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = shared_models();
    for def in server.resources() {
        if def.group != group || def.version != version || !def.is_custom() {
            continue;
        }
        let name = schema_name(&def, &def.kind);
        paths.extend(operations(&def, &name));
        schemas.insert(schema_name(&def, &def.list_kind()), list_schema(&def, &name));
        schemas.insert(name, schema(server, &def));
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// The models that every kind refers to, and those that they refer to.
fn shared_models() -> Map<String, Value> {
    let Some(models) = Models::of("api/v1") else {
        return Map::new();
    };
    let mut wanted = vec![OBJECT_META.to_owned(), LIST_META.to_owned()];
    let mut shared = Map::new();
    while let Some(name) = wanted.pop() {
        if let Some(model) = models.schemas.get(&name).filter(|_| !shared.contains_key(&name)) {
            references(model, &mut wanted);
            shared.insert(name, model.clone());
        }
    }
    shared
}

/// The models that a recorded one refers to.
fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix(MODELS));
            found.extend(name.map(str::to_owned));
            for field in fields.values() {
                references(field, found);
            }
        }
        Value::Array(list) => {
            for entry in list {
                references(entry, found);
            }
        }
        _ => {}
    }
}

fn refer(name: &str, description: &str) -> Value {
    json!({"allOf": [{"$ref": format!("{MODELS}{name}")}], "description": description})
}

/// `com.example.shop.v1.Widget`: the group in reverse, as real servers name it.
fn schema_name(def: &ResourceDef, kind: &str) -> String {
    let mut parts: Vec<&str> = def.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{kind}", parts.join("."), def.version)
}

/// The schema that the definition gives, with what every object has.
fn schema(server: &ApiServer, def: &ResourceDef) -> Value {
    let mut schema = given_schema(server, def).unwrap_or_else(|| json!({"x-kubernetes-preserve-unknown-fields": true}));
    schema["type"] = "object".into();
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let properties = &mut schema["properties"];
    type_meta(properties);
    properties["metadata"] = refer(OBJECT_META, &format!("Standard object's metadata. More info: {METADATA}"));
    schema["x-kubernetes-group-version-kind"] = json!([kind_of(def, &def.kind)]);
    schema
}

fn type_meta(properties: &mut Value) {
    let text = |description: String| json!({"type": "string", "description": description});
    properties["apiVersion"] = text(format!(
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the \
         latest internal value, and may reject unrecognized values. More info: {CONVENTIONS}#resources"
    ));
    properties["kind"] = text(format!(
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the \
         client submits requests to. Cannot be updated. In CamelCase. More info: {CONVENTIONS}#types-kinds"
    ));
}

/// The schema of a list of the kind.
fn list_schema(def: &ResourceDef, name: &str) -> Value {
    let mut properties = json!({
        "items": {
            "type": "array",
            "description": format!("List of {}. More info: {CONVENTIONS}", def.plural),
            "items": {"$ref": format!("{MODELS}{name}")},
        },
        "metadata": refer(LIST_META, &format!("Standard list metadata. More info: {CONVENTIONS}#types-kinds")),
    });
    type_meta(&mut properties);
    let list = def.list_kind();
    json!({
        "type": "object",
        "description": format!("{list} is a list of {}", def.kind),
        "required": ["items"],
        "properties": properties,
        "x-kubernetes-group-version-kind": [kind_of(def, &list)],
    })
}

fn given_schema(server: &ApiServer, def: &ResourceDef) -> Option<Value> {
    let Origin::Custom(definition) = &def.origin else {
        return None;
    };
    let target = Target::new("apiextensions.k8s.io", "v1", "customresourcedefinitions").named(definition);
    let definition = server.get(&target).ok()?;
    let versions = definition.value().pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == def.version.as_str())?;
    version.pointer("/schema/openAPIV3Schema").filter(|schema| schema.is_object()).cloned()
}

fn kind_of(def: &ResourceDef, kind: &str) -> Value {
    json!({"group": def.group, "version": def.version, "kind": kind})
}

/// The operations of a resource: clients look for the kind, and whether writes take `fieldValidation`.
fn operations(def: &ResourceDef, schema: &str) -> Map<String, Value> {
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
    let operation = |id: &str, action: &str| {
        json!({
            "operationId": format!("{id}{}{}", def.version, def.kind),
            "parameters": parameters,
            "responses": {"200": {"description": "OK", "content": {"application/json": {
                "schema": {"$ref": format!("{MODELS}{schema}")},
            }}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind_of(def, &def.kind),
        })
    };
    let base = format!("/apis/{}/{}", def.group, def.version);
    let collection = if def.namespaced {
        format!("{base}/namespaces/{{namespace}}/{}", def.plural)
    } else {
        format!("{base}/{}", def.plural)
    };
    let mut paths = Map::new();
    paths.insert(
        format!("{collection}/{{name}}"),
        json!({
            "get": operation("read", "get"),
            "put": operation("replace", "put"),
            "patch": operation("patch", "patch"),
            "delete": operation("delete", "delete"),
        }),
    );
    paths.insert(collection, json!({"get": operation("list", "list"), "post": operation("create", "post")}));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn every_recorded_document_is_indexed_and_unpacks() {
        let server = ApiServer::new(Options::default());
        let index = index(&server);
        let paths = index["paths"].as_object().unwrap();
        assert_eq!(paths.len(), RECORDED.len());
        for key in paths.keys() {
            let document: Value = serde_json::from_slice(&document(&server, key).unwrap()).unwrap();
            assert!(document["openapi"].as_str().unwrap().starts_with('3'), "{key}");
        }
        assert!(document(&server, "apis/nobody.example.com/v1").is_none());
    }
}
