//! `/openapi/v3`: what clients validate and explain objects with.
//!
//! Documents of built-in group versions are those of a recorded kube-apiserver 1.36, kept compressed. Those of
//! custom resources are made from their definitions: enough to find the schema of a kind and to see that
//! the server validates fields by itself.

use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::{ApiServer, Origin, ResourceDef, Target};

/// More than the longest document: a guard against a broken build.
const DOCUMENT_LENGTH_MAX: u64 = 16 << 20;

/// Recorded documents by their key in the index.
macro_rules! recorded {
    ($($key:literal => $file:literal),* $(,)?) => {
        &[$(($key, include_bytes!(concat!("../../data/openapi-v3/", $file, ".json.gz")) as &[u8])),*]
    };
}

static INDEX: &[u8] = include_bytes!("../../data/openapi-v3/index.json.gz");

static RECORDED: &[(&str, &[u8])] = recorded! {
    "api" => "api",
    "api/v1" => "api__v1",
    "apis" => "apis",
    "apis/admissionregistration.k8s.io" => "apis__admissionregistration.k8s.io",
    "apis/admissionregistration.k8s.io/v1" => "apis__admissionregistration.k8s.io__v1",
    "apis/apiextensions.k8s.io" => "apis__apiextensions.k8s.io",
    "apis/apiextensions.k8s.io/v1" => "apis__apiextensions.k8s.io__v1",
    "apis/apiregistration.k8s.io" => "apis__apiregistration.k8s.io",
    "apis/apiregistration.k8s.io/v1" => "apis__apiregistration.k8s.io__v1",
    "apis/apps" => "apis__apps",
    "apis/apps/v1" => "apis__apps__v1",
    "apis/authentication.k8s.io" => "apis__authentication.k8s.io",
    "apis/authentication.k8s.io/v1" => "apis__authentication.k8s.io__v1",
    "apis/authorization.k8s.io" => "apis__authorization.k8s.io",
    "apis/authorization.k8s.io/v1" => "apis__authorization.k8s.io__v1",
    "apis/autoscaling" => "apis__autoscaling",
    "apis/autoscaling/v1" => "apis__autoscaling__v1",
    "apis/autoscaling/v2" => "apis__autoscaling__v2",
    "apis/batch" => "apis__batch",
    "apis/batch/v1" => "apis__batch__v1",
    "apis/certificates.k8s.io" => "apis__certificates.k8s.io",
    "apis/certificates.k8s.io/v1" => "apis__certificates.k8s.io__v1",
    "apis/coordination.k8s.io" => "apis__coordination.k8s.io",
    "apis/coordination.k8s.io/v1" => "apis__coordination.k8s.io__v1",
    "apis/discovery.k8s.io" => "apis__discovery.k8s.io",
    "apis/discovery.k8s.io/v1" => "apis__discovery.k8s.io__v1",
    "apis/events.k8s.io" => "apis__events.k8s.io",
    "apis/events.k8s.io/v1" => "apis__events.k8s.io__v1",
    "apis/flowcontrol.apiserver.k8s.io" => "apis__flowcontrol.apiserver.k8s.io",
    "apis/flowcontrol.apiserver.k8s.io/v1" => "apis__flowcontrol.apiserver.k8s.io__v1",
    "apis/networking.k8s.io" => "apis__networking.k8s.io",
    "apis/networking.k8s.io/v1" => "apis__networking.k8s.io__v1",
    "apis/node.k8s.io" => "apis__node.k8s.io",
    "apis/node.k8s.io/v1" => "apis__node.k8s.io__v1",
    "apis/policy" => "apis__policy",
    "apis/policy/v1" => "apis__policy__v1",
    "apis/rbac.authorization.k8s.io" => "apis__rbac.authorization.k8s.io",
    "apis/rbac.authorization.k8s.io/v1" => "apis__rbac.authorization.k8s.io__v1",
    "apis/resource.k8s.io" => "apis__resource.k8s.io",
    "apis/resource.k8s.io/v1" => "apis__resource.k8s.io__v1",
    "apis/scheduling.k8s.io" => "apis__scheduling.k8s.io",
    "apis/scheduling.k8s.io/v1" => "apis__scheduling.k8s.io__v1",
    "apis/storage.k8s.io" => "apis__storage.k8s.io",
    "apis/storage.k8s.io/v1" => "apis__storage.k8s.io__v1",
};

fn unpack(packed: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .take(DOCUMENT_LENGTH_MAX)
        .read_to_end(&mut bytes)
        .expect("the embedded document is whole");
    bytes.into()
}

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
    if let Some((_, packed)) = RECORDED.iter().find(|(known, _)| *known == key) {
        return Some(unpack(packed));
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
