//! `/openapi/v3`: what clients validate and explain objects with.
//!
//! Documents of built-in group versions are those of a recorded kube-apiserver 1.36, kept compressed. Those of
//! custom resources are made from their definitions: enough to find the schema of a kind and to see that
//! the server validates fields by itself.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::schema::documents::{self, INDEX, RECORDED, unpack};
use crate::{ApiServer, Origin, ResourceDef, Target};

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
        let hash = Sha512::digest(custom(server, &group, &version).to_string());
        let mut url = format!("/openapi/v3/{key}?hash=");
        for byte in hash {
            write!(url, "{byte:02X}").expect("a string takes everything");
        }
        paths.insert(key, json!({ "serverRelativeURL": url }));
    }
    json!({ "paths": paths })
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
    let mut schemas = Map::new();
    for def in server.resources() {
        if def.group != group || def.version != version || !def.is_custom() {
            continue;
        }
        let name = schema_name(&def);
        paths.extend(operations(&def, &name));
        schemas.insert(name, schema(server, &def));
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// `com.example.shop.v1.Widget`: the group in reverse, as real servers name it.
fn schema_name(def: &ResourceDef) -> String {
    let mut parts: Vec<&str> = def.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}", parts.join("."), def.version, def.kind)
}

/// The schema that the definition gives, with what every object has.
fn schema(server: &ApiServer, def: &ResourceDef) -> Value {
    let mut schema = given_schema(server, def).unwrap_or_else(|| json!({"x-kubernetes-preserve-unknown-fields": true}));
    schema["type"] = "object".into();
    let text = |description: &str| json!({"type": "string", "description": description});
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let properties = &mut schema["properties"];
    properties["apiVersion"] = text("The versioned schema of this representation of an object.");
    properties["kind"] = text("The REST resource that this object represents.");
    properties["metadata"] = json!({"type": "object", "description": "Standard object's metadata."});
    schema["x-kubernetes-group-version-kind"] = json!([kind_of(def)]);
    schema
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

fn kind_of(def: &ResourceDef) -> Value {
    json!({"group": def.group, "version": def.version, "kind": def.kind})
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
                "schema": {"$ref": format!("#/components/schemas/{schema}")},
            }}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind_of(def),
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
