//! Autoscalers in `autoscaling/v1`: one number for the processor, and annotations for whatever that version has no fields for.
//!
//! The annotations hold JSON with its fields in the order of a real server's types, so that they are the same to the letter. What cannot
//! be read in one of them is as if it were not there.

use serde_json::{Map, Value, json};

use super::autoscaling::default_metric;
use super::pod_spec::internal;
use super::pod_spec::read::{field, given, list};
use crate::meta;
use crate::quantity;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// What no version shows but as it says itself.
const ALL: [&str; 6] = [
    METRICS,
    CURRENT,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// An annotation that is no field of its own is not kept in the newer version.
pub(super) fn drop_annotations(value: &mut Value) {
    let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.retain(|key, _| !ALL.contains(&key.as_str()));
    if annotations.is_empty() {
        meta::unset(value, "annotations");
    }
}

/// From `autoscaling/v2` to `autoscaling/v1`, all but the version.
pub(crate) fn to_v1(value: &mut Value) {
    drop_annotations(value);
    let mut kept: Vec<(&str, String)> = Vec::new();
    let old = value.get("spec").cloned().unwrap_or_default();
    let mut spec = Map::new();
    for key in ["scaleTargetRef", "minReplicas", "maxReplicas"] {
        if let Some(part) = given(&old, key) {
            spec.insert(key.to_owned(), part.clone());
        }
    }
    spec.entry("scaleTargetRef").or_insert_with(|| json!({"kind": "", "name": ""}));
    spec.entry("maxReplicas").or_insert_with(|| 0.into());
    let share = |metric: &Value| {
        let cpu = meta::text(metric, "type") == "Resource" && is_cpu(metric);
        metric.pointer("/resource/target/averageUtilization").filter(|share| cpu && share.is_number()).cloned()
    };
    if let Some(share) = list(&old, "metrics").iter().find_map(share) {
        spec.insert("targetCPUUtilizationPercentage".to_owned(), share);
    }
    let others = list(&old, "metrics").iter().filter(|metric| share(metric).is_none());
    let others: Vec<_> = others.map(|metric| show("V1MetricSpec", &metric_to_v1(metric, "target"))).collect();
    if !others.is_empty() {
        kept.push((METRICS, format!("[{}]", others.join(","))));
    }
    if let Some(behavior) = given(&old, "behavior") {
        kept.push((BEHAVIOR, show("HorizontalPodAutoscalerBehavior", behavior)));
    }

    let old = value.get("status").cloned().unwrap_or_default();
    let mut status = Map::new();
    for key in ["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"] {
        if let Some(part) = given(&old, key) {
            status.insert(key.to_owned(), part.clone());
        }
    }
    for key in ["currentReplicas", "desiredReplicas"] {
        status.entry(key).or_insert_with(|| 0.into());
    }
    let current = list(&old, "currentMetrics");
    let used = |metric: &Value| {
        let cpu = meta::text(metric, "type") == "Resource" && is_cpu(metric);
        metric.pointer("/resource/current/averageUtilization").filter(|used| cpu && used.is_number()).cloned()
    };
    if let Some(used) = current.iter().filter_map(used).next_back() {
        status.insert("currentCPUUtilizationPercentage".to_owned(), used);
    }
    if !current.is_empty() {
        let shown = current.iter().map(|metric| show("V1MetricStatus", &metric_to_v1(metric, "current")));
        kept.push((CURRENT, format!("[{}]", shown.collect::<Vec<_>>().join(","))));
    }
    let conditions = list(&old, "conditions");
    if !conditions.is_empty() {
        let shown = conditions.iter().map(|condition| show("V1HorizontalPodAutoscalerCondition", condition));
        kept.push((CONDITIONS, format!("[{}]", shown.collect::<Vec<_>>().join(","))));
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("spec".to_owned(), spec.into());
        fields.insert("status".to_owned(), status.into());
    }
    if !kept.is_empty()
        && let Some(annotations) = meta::object_at(value, "metadata.annotations")
    {
        annotations.extend(kept.into_iter().map(|(key, text)| (key.to_owned(), text.into())));
    }
}

/// From `autoscaling/v1` to `autoscaling/v2`, all but the version.
pub(crate) fn to_v2(value: &mut Value) {
    let annotations = meta::metadata(value).get("annotations").cloned().unwrap_or_default();
    let annotation = |key: &str| serde_json::from_str::<Value>(annotations.get(key)?.as_str()?).ok();
    drop_annotations(value);
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    let spec = fields.entry("spec").or_insert_with(|| json!({}));
    if let Some(spec) = spec.as_object_mut() {
        let share = spec.remove("targetCPUUtilizationPercentage").filter(|share| !share.is_null());
        let share = share.map(|share| default_metric(&share));
        let mut metrics: Vec<Value> = annotation(METRICS).and_then(|all| metrics(&all, "target")).unwrap_or_default();
        metrics.extend(share);
        if metrics.is_empty() {
            metrics.push(default_metric(&json!(80)));
        }
        spec.insert("metrics".to_owned(), metrics.into());
        if let Some(behavior) = annotation(BEHAVIOR).and_then(|value| behavior(&value)) {
            spec.insert("behavior".to_owned(), behavior);
        }
    }
    let status = fields.entry("status").or_insert_with(|| json!({}));
    if let Some(status) = status.as_object_mut() {
        let used = status.remove("currentCPUUtilizationPercentage").filter(|used| !used.is_null());
        let used = used.map(|used| {
            json!([{"type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": used}}}])
        });
        let current = annotation(CURRENT).and_then(|all| metrics(&all, "current")).map(Value::from);
        if let Some(current) = current.or(used) {
            status.insert("currentMetrics".to_owned(), current);
        }
        if let Some(conditions) = annotation(CONDITIONS).and_then(|all| conditions(&all)) {
            status.insert("conditions".to_owned(), conditions);
        }
        if status.get("currentReplicas") == Some(&Value::from(0)) {
            status.remove("currentReplicas");
        }
    }
}

fn show(kind: &str, value: &Value) -> String {
    // Letters that are special in HTML are escaped, as Go does it.
    internal::show(kind, value).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn is_cpu(metric: &Value) -> bool {
    metric.pointer("/resource/name") == Some(&Value::from("cpu"))
}

const SOURCES: [&str; 5] = ["object", "pods", "resource", "containerResource", "external"];

/// One metric as the older version has it; `side` is `target` in a specification, `current` in a status.
fn metric_to_v1(metric: &Value, side: &str) -> Value {
    let mut out = json!({"type": meta::text(metric, "type")});
    for key in SOURCES {
        let Some(source) = given(metric, key) else {
            continue;
        };
        let numbers = field(source, side);
        let identifier = field(source, "metric");
        let number = |name: &str| given(numbers, name).cloned();
        let mut part = Map::new();
        let mut put = |name: String, value: Option<Value>| {
            if let Some(value) = value {
                part.insert(name, value);
            }
        };
        match key {
            "object" => {
                put("target".to_owned(), Some(field(source, "describedObject").clone()));
                put(format!("{side}Value"), number("value"));
                put("averageValue".to_owned(), number("averageValue"));
            }
            "pods" => put(format!("{side}AverageValue"), number("averageValue")),
            "external" => {
                put(format!("{side}Value"), number("value"));
                put(format!("{side}AverageValue"), number("averageValue"));
            }
            _ => {
                put("name".to_owned(), given(source, "name").cloned());
                put("container".to_owned(), given(source, "container").cloned());
                put(format!("{side}AverageUtilization"), number("averageUtilization"));
                put(format!("{side}AverageValue"), number("averageValue"));
            }
        }
        if matches!(key, "object" | "pods" | "external") {
            put("metricName".to_owned(), given(identifier, "name").cloned());
            let selector = if key == "external" { "metricSelector" } else { "selector" };
            put(selector.to_owned(), given(identifier, "selector").cloned());
        }
        out[key] = part.into();
    }
    out
}

/// A field as Go's decoder finds it: letters may be large or small.
fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    let found =
        map.get(key).or_else(|| map.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

/// A reading that fails where a value is of another type than its field.
type Read<T> = Option<T>;

fn text(value: &Value, key: &str) -> Read<String> {
    find(value, key).map_or(Some(String::new()), |found| found.as_str().map(str::to_owned))
}

fn amount(value: &Value, key: &str) -> Read<Option<Value>> {
    let Some(found) = find(value, key) else {
        return Some(None);
    };
    let text = match found {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(Some(quantity::canonical(&text).ok()?.into()))
}

fn whole(value: &Value, key: &str) -> Read<Option<Value>> {
    let Some(found) = find(value, key) else {
        return Some(None);
    };
    let number = i32::try_from(found.as_i64()?).ok()?;
    Some(Some(number.into()))
}

fn selector(value: &Value, key: &str) -> Read<Option<Value>> {
    let Some(found) = find(value, key) else {
        return Some(None);
    };
    found.is_object().then(|| Some(found.clone()))
}

fn zero() -> Value {
    "0".into()
}

/// The metrics in an annotation, in the form of the newer version.
fn metrics(all: &Value, side: &str) -> Read<Vec<Value>> {
    match all {
        Value::Null => Some(Vec::new()),
        Value::Array(all) => all.iter().map(|metric| metric_to_v2(metric, side)).collect(),
        _ => None,
    }
}

fn metric_to_v2(metric: &Value, side: &str) -> Read<Value> {
    if !metric.is_object() && !metric.is_null() {
        return None;
    }
    let mut out = Map::from_iter([("type".to_owned(), text(metric, "type")?.into())]);
    for key in SOURCES {
        let Some(source) = find(metric, key) else {
            continue;
        };
        if !source.is_object() {
            return None;
        }
        let wanted = side == "target";
        let value = amount(source, &format!("{side}Value"))?;
        let average = amount(source, &format!("{side}AverageValue"))?;
        let share = whole(source, &format!("{side}AverageUtilization"))?;
        let mut numbers = Map::new();
        let mut part = Map::new();
        let (kind, value, average, share) = match key {
            "object" => {
                let average = amount(source, "averageValue")?;
                let value = value.unwrap_or_else(zero);
                let both = !wanted || average.is_none() || value != zero();
                let kind = if average.is_none() { "Value" } else { "AverageValue" };
                (kind, Some(value).filter(|_| both), average, None)
            }
            "pods" => ("AverageValue", None, Some(average.unwrap_or_else(zero)), None),
            "external" => {
                let kind = if value.is_none() { "AverageValue" } else { "Value" };
                (kind, value.or_else(|| (!wanted).then(zero)), average, None)
            }
            _ => {
                let kind = if share.is_none() { "AverageValue" } else { "Utilization" };
                (kind, None, average.or_else(|| (!wanted).then(zero)), share)
            }
        };
        if wanted {
            numbers.insert("type".to_owned(), kind.into());
        }
        for (name, number) in [("value", value), ("averageValue", average), ("averageUtilization", share)] {
            if let Some(number) = number {
                numbers.insert(name.to_owned(), number);
            }
        }
        part.insert(side.to_owned(), numbers.into());
        if matches!(key, "object" | "pods" | "external") {
            let mut identifier = Map::from_iter([("name".to_owned(), text(source, "metricName")?.into())]);
            let name = if key == "external" { "metricSelector" } else { "selector" };
            if let Some(selector) = selector(source, name)? {
                identifier.insert("selector".to_owned(), selector);
            }
            part.insert("metric".to_owned(), identifier.into());
        } else {
            part.insert("name".to_owned(), text(source, "name")?.into());
        }
        if key == "containerResource" {
            part.insert("container".to_owned(), text(source, "container")?.into());
        }
        if key == "object" {
            let target = find(source, "target").cloned().unwrap_or_default();
            let mut described = json!({"kind": text(&target, "kind")?, "name": text(&target, "name")?});
            match text(&target, "apiVersion")? {
                version if version.is_empty() => {}
                version => described["apiVersion"] = version.into(),
            }
            part.insert("describedObject".to_owned(), described);
        }
        out.insert(key.to_owned(), part.into());
    }
    Some(out.into())
}

/// The behavior in an annotation; nothing where it says nothing.
fn behavior(value: &Value) -> Read<Value> {
    let mut out = Map::new();
    for (key, name) in [("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")] {
        let Some(rules) = find(value, key) else {
            continue;
        };
        if !rules.is_object() {
            return None;
        }
        let mut part = Map::new();
        let policy = find(rules, "SelectPolicy")
            .map(|_| text(rules, "SelectPolicy"))
            .map_or(Some(None), |text| text.map(Some))?;
        for (name, value) in [
            ("stabilizationWindowSeconds", whole(rules, "StabilizationWindowSeconds")?),
            ("selectPolicy", policy.map(Value::from)),
            ("tolerance", amount(rules, "Tolerance")?),
        ] {
            if let Some(value) = value {
                part.insert(name.to_owned(), value);
            }
        }
        if let Some(policies) = find(rules, "Policies") {
            let read = |policy: &Value| {
                let number = |key| whole(policy, key).map(|found| found.unwrap_or_else(|| 0.into()));
                Some(
                    json!({"type": text(policy, "Type")?, "value": number("Value")?, "periodSeconds": number("PeriodSeconds")?}),
                )
            };
            let policies: Read<Vec<_>> = policies.as_array()?.iter().map(read).collect();
            part.insert("policies".to_owned(), policies?.into());
        }
        out.insert(name.to_owned(), part.into());
    }
    (!out.is_empty()).then(|| out.into())
}

fn conditions(all: &Value) -> Read<Value> {
    let read = |condition: &Value| {
        let mut out = json!({"type": text(condition, "type")?, "status": text(condition, "status")?});
        for key in ["lastTransitionTime", "reason", "message"] {
            match text(condition, key)? {
                found if found.is_empty() => {}
                found => out[key] = found.into(),
            }
        }
        Some(out)
    };
    let read: Read<Vec<_>> = all.as_array()?.iter().map(read).collect();
    read.map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_older_version_has_no_field_for_comes_back() {
        let selector = json!({"matchLabels": {"a": "b"}});
        let newer = json!({
            "metadata": {"name": "x", "annotations": {"note": "n"}},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "minReplicas": 1,
                "maxReplicas": 3, "metrics": [
                    {"type": "Pods", "pods": {"metric": {"name": "m", "selector": selector},
                        "target": {"type": "AverageValue", "averageValue": "1k"}}},
                    {"type": "Object", "object": {"describedObject": {"apiVersion": "v1", "kind": "Service", "name": "s"},
                        "metric": {"name": "o"}, "target": {"type": "Value", "value": "5"}}},
                    {"type": "External", "external": {"metric": {"name": "e"}, "target": {"type": "AverageValue", "averageValue": "2"}}},
                    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c",
                        "target": {"type": "Utilization", "averageUtilization": 50}}},
                    default_metric(&json!(70)),
                ],
                "behavior": {"scaleUp": {"stabilizationWindowSeconds": 5, "selectPolicy": "Max", "tolerance": "100m",
                    "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}}},
            "status": {"desiredReplicas": 2, "currentMetrics": [{"type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "70m"}}}],
                "conditions": [{"type": "AbleToScale", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
        });
        let mut value = newer.clone();
        to_v1(&mut value);
        assert_eq!(value["spec"]["targetCPUUtilizationPercentage"], 70);
        assert_eq!(value["status"]["currentCPUUtilizationPercentage"], 7);
        assert_eq!(value["spec"].get("behavior"), None);
        let annotation = |key: &str| value["metadata"]["annotations"][key].as_str().unwrap_or_default();
        assert_eq!(
            annotation(CURRENT),
            r#"[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":7,"currentAverageValue":"70m"}}]"#
        );
        assert_eq!(
            annotation(BEHAVIOR),
            r#"{"ScaleUp":{"StabilizationWindowSeconds":5,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":15}],"Tolerance":"100m"},"ScaleDown":null}"#
        );
        assert!(annotation(METRICS).starts_with(
            r#"[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1k","selector":{"matchLabels":{"a":"b"}}}},"#
        ));
        to_v2(&mut value);
        assert_eq!(value, newer);
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        for text in ["{", "5", "[5]", "[{\"type\":5}]", "[{\"pods\":{\"targetAverageValue\":\"x\"}}]", "[]", "null"] {
            let mut value = json!({"metadata": {"annotations": {METRICS: text}}, "spec": {"maxReplicas": 1}});
            to_v2(&mut value);
            assert_eq!(value["spec"]["metrics"], json!([default_metric(&json!(80))]), "{text}");
            assert_eq!(value["metadata"], json!({}), "{text}");
        }
    }
}
