//! The status that a new object begins with.

use serde_json::{Value, json};

use crate::resource::ResourceDef;

/// Replaces the status of a new object: it is the server's to say.
pub(super) fn status(def: &ResourceDef, value: &mut Value) {
    if !def.has_status() {
        return;
    }
    let status = match (def.group.as_str(), def.plural.as_str()) {
        // Written by their own rules.
        // (those of definitions by `crd::admit`).
        (
            "",
            "namespaces"
            | "nodes"
            | "persistentvolumeclaims"
            | "persistentvolumes"
            | "pods"
            | "replicationcontrollers"
            | "services",
        )
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
