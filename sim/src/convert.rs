//! The versions of one object.
//!
//! Owns the change of an object from one served version to another: of custom resources (strategy `None`) only `apiVersion`, of the two
//! built-in kinds that a bare cluster serves in two forms (events, autoscalers) the fields too.
//!
//! # Differences
//!
//! `autoscaling/v1` shows the target of the CPU metric and nothing of the others, which a real server keeps in annotations.

use serde_json::{Map, Value, json};

use crate::meta;

/// The object in the version `to`.
pub(crate) fn to_version(mut value: Value, to: &str) -> Value {
    let from = meta::text(&value, "apiVersion").to_owned();
    if from == to {
        return value;
    }
    if let Some(fields) = value.as_object_mut() {
        match (from.as_str(), to) {
            ("v1", "events.k8s.io/v1") => rename(fields, false),
            ("events.k8s.io/v1", "v1") => rename(fields, true),
            ("autoscaling/v2", "autoscaling/v1") => cpu_target(fields),
            ("autoscaling/v1", "autoscaling/v2") => cpu_metric(fields),
            _ => {}
        }
        fields.insert("apiVersion".to_owned(), Value::from(to));
    }
    value
}

/// Core events and events of their own group: the same under other names.
fn rename(fields: &mut Map<String, Value>, back: bool) {
    const NAMES: [(&str, &str); 7] = [
        ("involvedObject", "regarding"),
        ("message", "note"),
        ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"),
        ("reportingComponent", "reportingController"),
    ];
    for (core, group) in NAMES {
        let (from, to) = if back { (group, core) } else { (core, group) };
        if let Some(value) = fields.remove(from) {
            fields.insert(to.to_owned(), value);
        }
    }
}

fn is_cpu(metric: &Value) -> bool {
    meta::at(metric, "resource.name") == Some(&Value::from("cpu"))
}

/// The CPU metric of `spec.metrics` as `spec.targetCPUUtilizationPercentage`.
fn cpu_target(fields: &mut Map<String, Value>) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let metrics = spec.remove("metrics");
    let metrics = metrics.as_ref().and_then(Value::as_array);
    let mut cpu = metrics.into_iter().flatten().filter(|metric| is_cpu(metric));
    let target = cpu.next().and_then(|metric| meta::at(metric, "resource.target.averageUtilization"));
    if let Some(target) = target {
        spec.insert("targetCPUUtilizationPercentage".to_owned(), target.clone());
    }
    spec.remove("behavior");
}

/// `spec.targetCPUUtilizationPercentage` as a metric.
fn cpu_metric(fields: &mut Map<String, Value>) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(target) = spec.remove("targetCPUUtilizationPercentage") {
        let metric = json!({
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
        });
        spec.insert("metrics".to_owned(), json!([metric]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "p"}, "message": "m", "count": 3,
            "reportingComponent": "c", "type": "Normal",
        });
        let other = to_version(event.clone(), "events.k8s.io/v1");
        assert_eq!(other["regarding"]["name"], "p");
        assert_eq!(other["note"], "m");
        assert_eq!(to_version(other, "v1"), event);

        let old =
            json!({"apiVersion": "autoscaling/v1", "spec": {"maxReplicas": 2, "targetCPUUtilizationPercentage": 80}});
        let new = to_version(old.clone(), "autoscaling/v2");
        assert_eq!(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        assert_eq!(to_version(new, "autoscaling/v1"), old);
    }
}
