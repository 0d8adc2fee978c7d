//! The status that a new object begins with, and what a namespace is born with.

use serde_json::{Map, Value, json};

use crate::meta;
use crate::object::Object;
use crate::resource::ResourceDef;

/// Replaces the status of a new object: it is the server's to say. Nodes bring their own, as on a real server.
pub(super) fn status(def: &ResourceDef, value: &mut Value) {
    if !def.has_status() || (def.group.is_empty() && def.plural == "nodes") {
        return;
    }
    let status = match (def.group.as_str(), def.plural.as_str()) {
        ("", "persistentvolumes" | "persistentvolumeclaims") => json!({"phase": "Pending"}),
        ("", "namespaces") => json!({"phase": "Active"}),
        ("", "services") => json!({"loadBalancer": {}}),
        // Written by their own rules.
        // (those of definitions by `crd::admit`).
        ("", "pods" | "replicationcontrollers")
        | (
            "apps"
            | "autoscaling"
            | "batch"
            | "networking.k8s.io"
            | "policy"
            | "apiextensions.k8s.io"
            | "apiregistration.k8s.io"
            | "certificates.k8s.io"
            | "storage.k8s.io",
            _,
        ) => return,
        _ if def.is_custom() => {
            if let Some(fields) = value.as_object_mut() {
                fields.remove("status");
            }
            return;
        }
        _ => json!({}),
    };
    value["status"] = status;
}

/// The label and the finalizer that every namespace is born with.
pub(super) fn namespace(value: &mut Value) {
    name_label(value);
    if let Some(spec) = meta::object_at(value, "spec") {
        let mut finalizers = meta::strings(spec.get("finalizers"));
        if !finalizers.iter().any(|name| name == "kubernetes") {
            finalizers.push("kubernetes".to_owned());
        }
        spec.insert("finalizers".to_owned(), Value::from(finalizers));
    }
}

/// Updates keep the label; the finalizers have an endpoint of their own.
pub(super) fn namespace_kept(old: &Object, value: &mut Value) {
    name_label(value);
    let finalizers = meta::at(old.value(), "spec.finalizers").cloned();
    if let Some(spec) = meta::object_at(value, "spec") {
        match finalizers {
            Some(finalizers) => spec.insert("finalizers".to_owned(), finalizers),
            None => spec.remove("finalizers"),
        };
    }
}

fn name_label(value: &mut Value) {
    let name = meta::meta_text(value, "name").to_owned();
    if let Some(metadata) = meta::metadata_mut(value) {
        let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert("kubernetes.io/metadata.name".to_owned(), Value::from(name));
        }
    }
}
