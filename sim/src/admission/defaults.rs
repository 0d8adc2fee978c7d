//! The fields that a server fills in by itself.
//!
//! Owns the defaults of the built-in kinds that run or hold something, as a real server shows them. Only what is absent is filled.
//!
//! # Differences
//!
//! Written by hand for the common kinds; defaults of rarer fields and of other kinds come with the schemas.

use serde_json::{Map, Value, json};

use crate::meta;
use crate::resource::ResourceDef;

/// Fills in the defaults of an object in its stored form.
pub(super) fn fill(def: &ResourceDef, value: &mut Value) {
    if def.is_custom() {
        return;
    }
    let fields = match (def.group.as_str(), def.plural.as_str()) {
        ("", "pods") => {
            pod_spec(value.get_mut("spec"));
            json!({"enableServiceLinks": true})
        }
        ("", "podtemplates") => return pod_spec(at_mut(value, &["template", "spec"])),
        ("", "replicationcontrollers") | ("apps", "replicasets") => json!({"replicas": 1}),
        ("apps", "deployments") => json!({
            "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {"type": "RollingUpdate"},
        }),
        ("apps", "statefulsets") => json!({
            "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        }),
        ("apps", "daemonsets") => json!({"revisionHistoryLimit": 10, "updateStrategy": {"type": "RollingUpdate"}}),
        ("batch", "jobs") => json!({
            "backoffLimit": 6, "completionMode": "NonIndexed", "manualSelector": false, "suspend": false,
            "podReplacementPolicy": "TerminatingOrFailed",
        }),
        ("batch", "cronjobs") => json!({
            "concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        }),
        ("", "persistentvolumes") => {
            json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
        }
        ("", "persistentvolumeclaims") => json!({"volumeMode": "Filesystem"}),
        ("storage.k8s.io", "storageclasses") => {
            let fields = json!({"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"});
            return absent(value, &fields);
        }
        ("scheduling.k8s.io", "priorityclasses") => {
            return absent(value, &json!({"preemptionPolicy": "PreemptLowerPriority"}));
        }
        _ => return,
    };
    let Some(spec) = value.get_mut("spec") else {
        return;
    };
    absent(spec, &fields);
    workload(def, spec);
}

/// Fills fields that are absent or null.
fn absent(value: &mut Value, fields: &Value) {
    let (Some(target), Some(fields)) = (value.as_object_mut(), fields.as_object()) else {
        return;
    };
    for (key, default) in fields {
        if target.get(key).is_none_or(Value::is_null) {
            target.insert(key.clone(), default.clone());
        }
    }
}

fn at_mut<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| value.get_mut(key))
}

/// What depends on other fields of a workload's spec, and its pod template.
fn workload(def: &ResourceDef, spec: &mut Value) {
    pod_spec(at_mut(spec, &["template", "spec"]));
    match def.plural.as_str() {
        "deployments" => rolling(spec, "strategy", &json!({"maxSurge": "25%", "maxUnavailable": "25%"})),
        "daemonsets" => rolling(spec, "updateStrategy", &json!({"maxSurge": 0, "maxUnavailable": 1})),
        "statefulsets" => {
            rolling(spec, "updateStrategy", &json!({"partition": 0}));
            let claims = spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut);
            for claim in claims.into_iter().flatten() {
                let status = json!({"phase": "Pending"});
                absent(claim, &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": status}));
                if let Some(spec) = claim.get_mut("spec") {
                    absent(spec, &json!({"volumeMode": "Filesystem"}));
                }
            }
        }
        "jobs" => {
            // A job that names neither runs one pod; one that names only its parallelism is a work queue.
            let given = |key| spec.get(key).is_some_and(|value: &Value| !value.is_null());
            if !given("parallelism") && !given("completions") {
                absent(spec, &json!({"completions": 1}));
            }
            absent(spec, &json!({"parallelism": 1}));
        }
        "cronjobs" => pod_spec(at_mut(spec, &["jobTemplate", "spec", "template", "spec"])),
        _ => {}
    }
}

fn rolling(spec: &mut Value, key: &str, fields: &Value) {
    let Some(strategy) = spec.get_mut(key).and_then(Value::as_object_mut) else {
        return;
    };
    strategy.entry("type").or_insert_with(|| Value::from("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
        absent(rolling, fields);
    }
}

fn pod_spec(spec: Option<&mut Value>) {
    let Some(spec) = spec.filter(|spec| spec.is_object()) else {
        return;
    };
    absent(
        spec,
        &json!({
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "securityContext": {}, "schedulerName": "default-scheduler",
        }),
    );
    // The older name of the same field.
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        absent(spec, &json!({"serviceAccount": account}));
    }
    for key in ["containers", "initContainers"] {
        let containers = spec.get_mut(key).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(container);
    }
    let volumes = spec.get_mut("volumes").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        for source in ["secret", "configMap", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source) {
                absent(source, &json!({"defaultMode": 0o644}));
            }
        }
        if let Some(path) = volume.get_mut("hostPath") {
            absent(path, &json!({"type": ""}));
        }
    }
}

fn container(container: &mut Value) {
    let image = meta::text(container, "image");
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':'));
    let moving = !image.contains('@') && tag.is_none_or(|(_, tag)| tag == "latest");
    let pull = if moving { "Always" } else { "IfNotPresent" };
    absent(
        container,
        &json!({
            "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": pull,
        }),
    );
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        absent(port, &json!({"protocol": "TCP"}));
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            absent(
                probe,
                &json!({"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}),
            );
            if let Some(get) = probe.get_mut("httpGet") {
                absent(get, &json!({"scheme": "HTTP", "path": "/"}));
            }
        }
    }
    // What is limited and not requested is requested up to the limit.
    let limits = meta::at(container, "resources.limits").and_then(Value::as_object).cloned();
    if let (Some(limits), Some(resources)) = (limits, container.get_mut("resources").and_then(Value::as_object_mut)) {
        let requests = resources.entry("requests").or_insert_with(|| Value::Object(Map::new()));
        absent(requests, &Value::Object(limits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_absent_is_filled() {
        let def = ResourceDef::new("apps", "v1", "deployments", "Deployment", true);
        let mut value = json!({"spec": {"replicas": 0, "strategy": {"type": "Recreate"}, "template": {"spec": {
            "containers": [{"name": "c", "image": "localhost:5000/nginx:1.27", "resources": {"limits": {"cpu": "1"}}}],
        }}}});
        fill(&def, &mut value);
        let spec = &value["spec"];
        assert_eq!(spec["replicas"], 0);
        assert_eq!(spec["strategy"], json!({"type": "Recreate"}));
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
        assert_eq!(container["resources"]["requests"], json!({"cpu": "1"}));
        let once = value.clone();
        fill(&def, &mut value);
        assert_eq!(value, once, "a second time changes nothing");
    }
}
