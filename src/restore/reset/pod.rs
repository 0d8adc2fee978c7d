//! Pods: the node they ran on and its place, the tokens they were given, the priority their class computed.

use serde_json::Value;

use crate::restore::clean::remove_nested;

/// Containers of every sort.
const CONTAINERS: [&str; 2] = ["/spec/containers", "/spec/initContainers"];

/// Labels that binding copies from the node, whatever the pod said before (Kubernetes 1.35 and later).
const TOPOLOGY: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

pub(super) fn reset(object: &mut Value, notes: &mut Vec<String>) {
    let account = object.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default").to_owned();
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let bound = spec.remove("nodeName").is_some();
    // Admission computes them from the class that this cluster has, perhaps its default one, and refuses other values.
    spec.remove("priority");
    spec.remove("preemptionPolicy");
    if spec.remove("ephemeralContainers").is_some() {
        notes.push("its ephemeral containers were left out: a pod cannot be created with them".into());
    }
    if bound {
        for label in TOPOLOGY {
            remove_nested(object, "/metadata/labels", label);
        }
    }
    let volumes = object.pointer_mut("/spec/volumes").and_then(Value::as_array_mut);
    let Some(volumes) = volumes else { return };
    let mut dropped = Vec::new();
    volumes.retain(|volume| {
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        let token = is_token_volume(name, volume, &account);
        if token {
            dropped.push(name.to_owned());
        }
        !token
    });
    if volumes.is_empty() {
        remove_nested(object, "/spec", "volumes");
    }
    if dropped.is_empty() {
        return;
    }
    for containers in CONTAINERS {
        for index in 0..object.pointer(containers).and_then(Value::as_array).map_or(0, Vec::len) {
            let container = format!("{containers}/{index}");
            let mounts = object.pointer_mut(&format!("{container}/volumeMounts")).and_then(Value::as_array_mut);
            let Some(mounts) = mounts else { continue };
            mounts.retain(|mount| {
                !mount.get("name").and_then(Value::as_str).is_some_and(|name| dropped.iter().any(|d| d == name))
            });
            if mounts.is_empty() {
                remove_nested(object, &container, "volumeMounts");
            }
        }
    }
}

/// Whether admission added this volume to carry the token of the pod's service account.
fn is_token_volume(name: &str, volume: &Value, account: &str) -> bool {
    let legacy = name.strip_prefix(account).is_some_and(|rest| rest.starts_with("-token-"));
    (legacy && volume.get("secret").is_some())
        || (name.starts_with("kube-api-access-") && volume.get("projected").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reset;

    #[test]
    fn the_place_of_the_node_goes_with_the_node() {
        let labels = json!({"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z", "app": "shop"});
        let mut bound = json!({"metadata": {"labels": labels}, "spec": {"nodeName": "n1", "containers": []}});
        reset(&mut bound, &mut Vec::new());
        assert_eq!(bound, json!({"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": []}}));
        let waiting = json!({"metadata": {"labels": labels}, "spec": {"containers": []}});
        let mut after = waiting.clone();
        reset(&mut after, &mut Vec::new());
        assert_eq!(after, waiting, "a pod that was never bound has only labels of its own");
    }

    #[test]
    fn the_node_the_priority_and_the_token_go() {
        let mut pod = json!({"spec": {"serviceAccountName": "shop", "nodeName": "n1", "priority": 5, "preemptionPolicy": "Never", "volumes": [
            {"name": "data", "emptyDir": {}}, {"name": "shop-token-x1", "secret": {}}, {"name": "kube-api-access-q", "projected": {}},
            {"name": "kube-api-access-mine", "emptyDir": {}}],
            "containers": [{"name": "a", "volumeMounts": [{"name": "data"}, {"name": "shop-token-x1"}]}],
            "initContainers": [{"name": "b", "volumeMounts": [{"name": "kube-api-access-q"}]}, {"name": "c"}]}});
        let mut notes = Vec::new();
        reset(&mut pod, &mut notes);
        assert_eq!(
            pod,
            json!({"spec": {"serviceAccountName": "shop", "volumes": [{"name": "data", "emptyDir": {}}, {"name": "kube-api-access-mine", "emptyDir": {}}],
                "containers": [{"name": "a", "volumeMounts": [{"name": "data"}]}], "initContainers": [{"name": "b"}, {"name": "c"}]}})
        );
        assert!(notes.is_empty());
    }
}
