//! [`crds`]: the definitions of Ark's kinds, made from the types beside this file.
//!
//! What Ark v0.6 wrote must pass a server's validation: every field that may be absent may be `null`, and an enumeration that
//! may be absent may be empty text, since that is how Go writes what was never set.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::Value;

use super::{Backup, Config, DeleteBackupRequest, DownloadRequest, Restore, Schedule};

/// The definitions of every kind of the group, sorted by name.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![
        Backup::crd(),
        Config::crd(),
        DeleteBackupRequest::crd(),
        DownloadRequest::crd(),
        Restore::crd(),
        Schedule::crd(),
    ];
    for crd in &mut crds {
        crd.metadata.labels = Some(BTreeMap::from([("component".to_owned(), "ark".to_owned())]));
        for version in &mut crd.spec.versions {
            if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
                accept_nulls(schema);
                describe(schema, &crd.spec.names.kind);
            }
        }
    }
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}

/// Lets every property that is not required be `null`, and every optional enumeration be empty text. Number formats become
/// those that a server knows.
fn accept_nulls(schema: &mut JSONSchemaProps) {
    let required = schema.required.clone().unwrap_or_default();
    for (name, property) in schema.properties.iter_mut().flatten() {
        // What was not said stays unsaid, as in Ark v0.6: no server fills it in.
        property.default = None;
        // The API has signed integers only, and a server warns about a format that it does not know; `minimum` stays.
        if property.format.as_deref() == Some("uint64") {
            property.format = Some("int64".to_owned());
        }
        if !required.contains(name) {
            property.nullable = Some(true);
            if let Some(values) = &mut property.enum_ {
                values.retain(|value| !value.0.is_null());
                values.extend([JSON(Value::from("")), JSON(Value::Null)]);
            }
        }
        accept_nulls(property);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => accept_nulls(item),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(accept_nulls),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        accept_nulls(values);
    }
}

/// Says what the kind is instead of how its type was made.
fn describe(schema: &mut JSONSchemaProps, kind: &str) {
    let spec = schema.properties.as_ref().and_then(|properties| properties.get("spec"));
    let said = spec.and_then(|spec| spec.description.clone());
    schema.description = said.map(|said| format!("{kind}: {said}")).or(schema.description.take());
    schema.title = None;
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;
    use crate::api::go::GoDuration;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Every file that is made from the definitions, and what it must hold.
    fn files() -> Vec<(PathBuf, String)> {
        let yaml = |crd: &CustomResourceDefinition| serde_saphyr::to_string(crd).expect("definitions serialise");
        let mut files: Vec<_> = crds()
            .iter()
            .map(|crd| {
                let name = crd.metadata.name.clone().expect("a definition has a name");
                (root().join(format!("fixtures/crds/{name}.yaml")), yaml(crd))
            })
            .collect();
        let all: Vec<String> = crds().iter().map(yaml).collect();
        files.push((root().join("deploy/crds.yaml"), all.join("---\n")));
        files
    }

    /// With `UPDATE_FIXTURES=1` writes the files instead.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a person asks for new files by this variable")]
    fn the_written_definitions_are_these() {
        for (path, expected) in files() {
            if std::env::var_os("UPDATE_FIXTURES").is_some() {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(&path, &expected).expect("written");
            }
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == expected, "{} is stale: run the tests with UPDATE_FIXTURES=1", path.display());
            for document in found.split("---\n") {
                let read: CustomResourceDefinition = serde_saphyr::from_str(document).expect("a definition");
                assert!(crds().contains(&read), "{} reads back as something else", path.display());
            }
        }
    }

    #[test]
    fn names_and_labels_are_those_of_ark() {
        let names: Vec<_> = crds().into_iter().filter_map(|crd| crd.metadata.name).collect();
        assert_eq!(
            names,
            [
                "backups.ark.heptio.com",
                "configs.ark.heptio.com",
                "deletebackuprequests.ark.heptio.com",
                "downloadrequests.ark.heptio.com",
                "restores.ark.heptio.com",
                "schedules.ark.heptio.com",
            ]
        );
        for crd in crds() {
            assert_eq!(crd.metadata.labels, Some(BTreeMap::from([("component".to_owned(), "ark".to_owned())])));
            let version = &crd.spec.versions[0];
            assert_eq!(
                (crd.spec.versions.len(), version.name.as_str(), version.served, version.storage),
                (1, "v1", true, true)
            );
            let has_status = version.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some());
            assert_eq!(has_status, crd.spec.names.kind != "Config", "{}", crd.spec.names.kind);
            assert!(version.additional_printer_columns.as_ref().is_some_and(|columns| !columns.is_empty()));
        }
    }

    /// The rules that an API server has for structural schemas.
    fn check_structural(schema: &Value, path: &str) {
        let object = schema.as_object().unwrap_or_else(|| panic!("{path} is no schema"));
        for forbidden in ["$ref", "definitions", "anyOf", "oneOf", "allOf", "not", "dependencies", "uniqueItems"] {
            assert!(!object.contains_key(forbidden), "{path} has {forbidden}");
        }
        let preserves = object.contains_key("x-kubernetes-preserve-unknown-fields");
        assert!(object.contains_key("type") || preserves, "{path} has no type");
        assert!(
            !(object.contains_key("properties") && object.contains_key("additionalProperties")),
            "{path} has properties and additionalProperties"
        );
        let required: Vec<&str> =
            object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = format!("{path}.{name}");
            check_structural(property, &path);
            assert!(property.get("default").is_none(), "{path} has a default");
            let top = [".apiVersion", ".kind", ".metadata"].contains(&path.as_str());
            if !top {
                assert!(property["description"].is_string(), "{path} is not documented");
                assert_eq!(property["nullable"] == json!(true), !required.contains(&name.as_str()), "{path} and null");
            }
        }
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = object.get(key) {
                check_structural(inner, &format!("{path}.{key}"));
            }
        }
        if let Some(format) = object.get("format").and_then(Value::as_str) {
            assert!(["date-time", "int32", "int64"].contains(&format), "{path}: a server warns of the format {format}");
        }
        if object["type"] == "array" {
            assert!(object.contains_key("items"), "{path} has no items");
        }
    }

    #[test]
    fn schemas_are_structural_documented_and_accept_null() {
        for crd in crds() {
            let schema = crd.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
            check_structural(&serde_json::to_value(schema.expect("a schema")).expect("serialises"), "");
        }
    }

    /// Whether a value passes a schema, as far as the schemas here go.
    fn passes(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        if value.is_null() {
            return if schema["nullable"] == json!(true) { Ok(()) } else { Err(format!("{path} is null")) };
        }
        if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
            return Err(format!("{path} is none of its values"));
        }
        match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(fields)) => {
                for (name, field) in fields {
                    let path = format!("{path}.{name}");
                    match (&schema["properties"][name], &schema["additionalProperties"]) {
                        (Value::Null, Value::Null) if path.starts_with(".metadata") => {}
                        (Value::Null, Value::Null) => return Err(format!("{path} is unknown")),
                        (Value::Null, inner) | (inner, _) => passes(inner, field, &path)?,
                    }
                }
                Ok(())
            }
            (Some("array"), Value::Array(items)) => {
                items.iter().try_for_each(|item| passes(&schema["items"], item, path))
            }
            (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) => Ok(()),
            (Some("integer"), Value::Number(number)) if number.is_i64() => Ok(()),
            (expected, _) => Err(format!("{path} is no {expected:?}")),
        }
    }

    fn schema_of(kind: &str) -> Value {
        let crd = crds().into_iter().find(|crd| crd.spec.names.kind == kind).expect("a kind of Ark");
        let schema = crd.spec.versions[0].schema.as_ref().and_then(|schema| schema.open_api_v3_schema.clone());
        let mut schema = serde_json::to_value(schema.expect("a schema")).expect("serialises");
        schema["properties"]["apiVersion"] = json!({"type": "string"});
        schema["properties"]["kind"] = json!({"type": "string"});
        schema["properties"]["metadata"] = json!({"type": "object"});
        schema
    }

    #[test]
    fn what_ark_06_wrote_passes_and_reads() {
        let lists = json!({
            "includedNamespaces": ["*"], "excludedNamespaces": null, "includedResources": null, "excludedResources": null,
            "labelSelector": null, "snapshotVolumes": null, "ttl": "720h0m0s", "includeClusterResources": null,
            "hooks": {"resources": [{"name": "h", "includedNamespaces": null, "excludedNamespaces": null,
                "includedResources": null, "excludedResources": null, "labelSelector": {"matchLabels": {"a": "b"}},
                "hooks": [{"exec": {"container": "", "command": ["sync"], "onError": "", "timeout": "0s"}}]}]},
        });
        let object = |kind: &str, spec: Value, status: Value| {
            let mut object = json!({"apiVersion": "ark.heptio.com/v1", "kind": kind, "metadata": {"name": "n"}});
            for (key, value) in [("spec", spec), ("status", status)] {
                if !value.is_null() {
                    object[key] = value;
                }
            }
            passes(&schema_of(kind), &object, "").unwrap_or_else(|error| panic!("{kind}: {error}"));
            object
        };
        let status =
            json!({"version": 0, "expiration": null, "phase": "", "volumeBackups": null, "validationErrors": null});
        let backup: Backup = serde_json::from_value(object("Backup", lists.clone(), status)).expect("a Backup");
        assert_eq!(backup.spec.hooks.resources[0].hooks[0].exec.as_ref().and_then(|exec| exec.on_error), None);
        let status = json!({"phase": "", "lastBackup": null, "validationErrors": null});
        let spec = json!({"template": lists, "schedule": "0 1 * * *"});
        let schedule: Schedule = serde_json::from_value(object("Schedule", spec, status)).expect("a Schedule");
        assert_eq!(schedule.spec.template, backup.spec);
        let status = json!({"phase": "", "validationErrors": null, "warnings": 0, "errors": 0});
        let spec = json!({"backupName": "b", "includedNamespaces": null, "excludedNamespaces": null,
            "includedResources": null, "excludedResources": null, "namespaceMapping": {}, "labelSelector": null,
            "restorePVs": null, "includeClusterResources": null});
        let _: Restore = serde_json::from_value(object("Restore", spec, status)).expect("a Restore");
        let status = json!({"phase": "", "downloadURL": "", "expiration": null});
        let spec = json!({"target": {"kind": "BackupLog", "name": "b"}});
        let _: DownloadRequest = serde_json::from_value(object("DownloadRequest", spec, status)).expect("a request");
        let status = json!({"phase": "", "errors": null});
        let request = object("DeleteBackupRequest", json!({"backupName": "b"}), status);
        let _: DeleteBackupRequest = serde_json::from_value(request).expect("a request");
    }

    #[test]
    fn a_config_has_its_fields_at_the_top() {
        let config = json!({
            "apiVersion": "ark.heptio.com/v1", "kind": "Config", "metadata": {"name": "default", "namespace": "heptio-ark"},
            "persistentVolumeProvider": {"name": "aws", "config": {"region": "eu-west-1"}},
            "backupStorageProvider": {"name": "aws", "config": null, "bucket": "b"},
            "backupSyncPeriod": "30m0s", "gcSyncPeriod": null, "scheduleSyncPeriod": "1m", "resourcePriorities": null,
            "restoreOnlyMode": false,
        });
        passes(&schema_of("Config"), &config, "").unwrap_or_else(|error| panic!("{error}"));
        let read: Config = serde_json::from_value(config).expect("a Config");
        assert_eq!(read.settings.backup_storage_provider.bucket, "b");
        assert_eq!(read.settings.backup_sync_period, "30m".parse::<GoDuration>().expect("a duration"));
        let written = serde_json::to_value(&read).expect("serialises");
        assert_eq!(serde_json::from_value::<Config>(written.clone()).expect("own output"), read);
        assert!(written.get("spec").is_none() && written["gcSyncPeriod"] == "0s");
        passes(&schema_of("Config"), &written, "").unwrap_or_else(|error| panic!("{error}"));
    }

    /// The keys of a tree, as paths; values that are `null` say so.
    fn shape(value: &Value, path: &str, into: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| shape(field, &format!("{path}.{name}"), into));
            }
            Value::Null => into.push(format!("{path}=null")),
            _ => into.push(path.to_owned()),
        }
    }

    #[test]
    fn backups_of_ark_06_pass_and_are_written_as_they_were() {
        for name in ["world-all", "world-labelled", "world-shop"] {
            let file = root().join(format!("fixtures/backups/ark-v0.6/{name}/ark-backup.json"));
            let text = std::fs::read(file).expect("a fixture");
            let original: Value = serde_json::from_slice(&text).expect("JSON");
            passes(&schema_of("Backup"), &original, "").unwrap_or_else(|error| panic!("{name}: {error}"));
            let backup: Backup = serde_json::from_slice(&text).expect("a Backup");
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            shape(&original, "", &mut expected);
            shape(&serde_json::to_value(&backup).expect("serialises"), "", &mut found);
            assert_eq!(found, expected, "{name}");
            assert_eq!(serde_json::to_value(&backup).expect("serialises"), original, "{name}");
        }
    }
}
