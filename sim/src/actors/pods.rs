//! What several actors ask of a pod, and how a pod is made from a template.

use serde_json::{Value, json};

use super::access::{Access, Coordinates, PODS, entry, is_deleting, items, text};
use crate::object::Object;

/// The claims that a pod (or a pod template) mounts.
pub(super) fn claim_names(pod: &Value) -> Vec<&str> {
    items(pod, "/spec/volumes").iter().filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName")).collect()
}

pub(super) fn phase(pod: &Object) -> &str {
    text(pod.value(), "/status/phase").unwrap_or("Pending")
}

pub(super) fn is_finished(pod: &Object) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Neither finished nor on its way out: a controller counts it.
pub(super) fn is_active(pod: &Object) -> bool {
    !is_finished(pod) && !is_deleting(pod)
}

pub(super) fn is_ready(pod: &Object) -> bool {
    items(pod.value(), "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// A pod of a template, owned by `owner`, with a name to be generated from the owner's.
pub(super) fn from_template(kind: Coordinates, owner: &Object, template: &Value) -> Value {
    let mut metadata = json!({
        "generateName": format!("{}-", owner.name()),
        "ownerReferences": [kind.controller_reference(owner)],
    });
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(found) = template.pointer(&format!("/metadata/{key}")).filter(|found| !found.is_null()) {
            metadata[key] = found.clone();
        }
    }
    if let Some(namespace) = owner.namespace() {
        metadata["namespace"] = namespace.into();
    }
    json!({"metadata": metadata, "spec": template["spec"]})
}

pub(super) fn create(access: Access<'_>, owner: &Object, pod: Value) -> Option<Object> {
    access.create(PODS, owner.namespace(), pod)
}

/// Sets a label of an object that is not stored yet.
pub(super) fn label(object: &mut Value, name: &str, value: &str) {
    entry(&mut object["metadata"], "labels").insert(name.to_owned(), value.into());
}

/// Of the pods, those to delete first: not ready before ready, younger before older, later names before earlier.
pub(super) fn by_expendability(pods: &mut [&Object]) {
    pods.sort_by_key(|pod| {
        let scheduled = text(pod.value(), "/spec/nodeName").is_some();
        let created = text(pod.value(), "/metadata/creationTimestamp").unwrap_or_default();
        (scheduled, is_ready(pod), std::cmp::Reverse((created.to_owned(), pod.name().to_owned())))
    });
}
