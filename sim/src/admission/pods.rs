//! Pods: their priority, what every pod tolerates, and that a pod changes little.
//!
//! # Differences
//!
//! A pod whose priority class is absent is taken as it is, where a real server refuses it.

use serde_json::{Value, json};

use super::unchangeable;
use crate::meta;
use crate::object::Object;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::{Cause, Status};

/// Two classes that every cluster has, and their values.
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// How long a pod stays on a node that is gone, in seconds.
const TOLERATION_SECONDS: i64 = 300;

const FORBIDDEN: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
    additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
    previously negative)";

pub(super) fn create(core: &Core, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    let name = meta::meta_text(value, "name").to_owned();
    let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) else {
        let causes = [Cause::required("spec.containers", "")];
        return Err(Status::invalid(&def.group, &def.kind, &name, &causes));
    };
    let class = spec.get("priorityClassName").and_then(Value::as_str).unwrap_or_default();
    match (class, priority(core, class)) {
        ("", _) => drop(spec.insert("priority".to_owned(), Value::from(0))),
        (_, Some((priority, preemption))) => {
            spec.insert("priority".to_owned(), Value::from(priority));
            if !preemption.is_null() {
                spec.entry("preemptionPolicy").or_insert(preemption);
            }
        }
        (_, None) => {}
    }
    spec.entry("preemptionPolicy").or_insert_with(|| Value::from("PreemptLowerPriority"));
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if tolerations.is_null() {
        *tolerations = json!([]);
    }
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let Some(tolerations) = tolerations.as_array_mut() else {
            continue;
        };
        if !tolerations.iter().any(|known| known["key"] == key) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS,
            }));
        }
    }
    Ok(())
}

fn priority(core: &Core, class: &str) -> Option<(i64, Value)> {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let stored = core.store.get(&classes, class).map(|class| {
        let value = class.value();
        (value["value"].as_i64().unwrap_or_default(), value["preemptionPolicy"].clone())
    });
    let system = SYSTEM_CLASSES.iter().find(|(name, _)| *name == class);
    stored.or_else(|| system.map(|(_, value)| (*value, Value::Null)))
}

pub(super) fn update(def: &ResourceDef, old: &Object, value: &mut Value) -> Result<(), Status> {
    for key in ["priority", "preemptionPolicy", "serviceAccountName", "serviceAccount"] {
        // Set by the server once: an update that does not say them means them.
        if let Some(kept) = meta::at(old.value(), &format!("spec.{key}"))
            && let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
        {
            spec.entry(key).or_insert_with(|| kept.clone());
        }
    }
    let mut causes = Vec::new();
    // A controller may find its node through the main endpoint: only a second node is refused.
    let node = |pod: &Value| meta::at(pod, "spec.nodeName").cloned().filter(|node| *node != "");
    if let Some(before) = node(old.value())
        && node(value) != Some(before)
    {
        causes.push(unchangeable("spec.nodeName", &node(value).unwrap_or_default()));
    }
    if mutable_parts_removed(old.value()) != mutable_parts_removed(value) {
        causes.push(Cause::forbidden("spec", FORBIDDEN));
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&def.group, &def.kind, old.name(), &causes))
}

/// The spec without what may change.
fn mutable_parts_removed(pod: &Value) -> Value {
    let mut spec = pod.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        for key in
            ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName", "schedulingGates"]
        {
            spec.remove(key);
        }
        for key in ["containers", "initContainers"] {
            let containers = spec.get_mut(key).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("image");
            }
        }
    }
    spec
}
