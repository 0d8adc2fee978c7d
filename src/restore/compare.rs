//! Where two objects differ, by the paths of fields: never by their values, which may be secret.

use serde_json::{Map, Value};

use crate::api::RESTORE_LABEL;

/// Most paths that one message names; the rest is counted.
const PATHS_MAX: usize = 8;

/// Longest path that a message shows: keys of config maps may be long.
const PATH_BYTES_MAX: usize = 160;

/// Annotations that controllers keep up to date on live objects; a difference in them says nothing.
const CONTROLLER_ANNOTATIONS: [&str; 6] = [
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "deployment.kubernetes.io/",
    "endpoints.kubernetes.io/",
    "kubernetes.io/limit-ranger",
];

/// Finalizers that the server's own controllers put on every object of a kind.
const CONTROLLER_FINALIZERS: [&str; 2] = ["kubernetes.io/pv-protection", "kubernetes.io/pvc-protection"];

/// Takes off what differs between two equal objects: the restore label, and what controllers keep.
pub(super) fn neutralise(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    retain(metadata, "labels", |key| key != RESTORE_LABEL);
    retain(metadata, "annotations", |key| !CONTROLLER_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix)));
    if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers") {
        finalizers.retain(|name| !name.as_str().is_some_and(|name| CONTROLLER_FINALIZERS.contains(&name)));
    }
    metadata.retain(|_, value| !is_empty(value));
    // A name that the server completed; the name itself is compared.
    metadata.remove("generateName");
}

fn retain(metadata: &mut Map<String, Value>, key: &str, keep: impl Fn(&str) -> bool) {
    if let Some(Value::Object(map)) = metadata.get_mut(key) {
        map.retain(|key, _| keep(key));
    }
}

/// Absent, `null`, `[]` and `{}` mean the same in the Kubernetes API.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The paths at which the two differ, in order; empty where they are equal.
pub(super) fn differences(wanted: &Value, existing: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(wanted, existing, &mut String::new(), &mut found);
    let more = found.len().saturating_sub(PATHS_MAX);
    if more > 0 {
        found.truncate(PATHS_MAX);
        found.push(format!("{more} more"));
    }
    found
}

fn walk(wanted: &Value, existing: &Value, path: &mut String, found: &mut Vec<String>) {
    match (wanted, existing) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                walk(left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null), path, found);
                path.truncate(length);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                let length = path.len();
                path.extend(["[", &index.to_string(), "]"]);
                walk(left, right, path, found);
                path.truncate(length);
            }
        }
        _ if wanted == existing || (is_empty(wanted) && is_empty(existing)) => {}
        _ => found.push(path[..path.floor_char_boundary(PATH_BYTES_MAX)].to_owned()),
    }
}

/// The merge patch (RFC 7386) that makes `existing` like `wanted`; `null` where nothing differs.
pub(super) fn merge_patch(wanted: &Value, existing: &Value) -> Value {
    let (Value::Object(left), Value::Object(right)) = (wanted, existing) else { return wanted.clone() };
    let mut patch = Map::new();
    for (key, value) in left {
        match right.get(key) {
            Some(old) if old == value => {}
            Some(old) if old.is_object() && value.is_object() => {
                let inner = merge_patch(value, old);
                if !is_empty(&inner) {
                    patch.insert(key.clone(), inner);
                }
            }
            Some(old) if is_empty(old) && is_empty(value) => {}
            None if is_empty(value) => {}
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, value) in right {
        if !left.contains_key(key) && !is_empty(value) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{differences, merge_patch, neutralise};

    #[test]
    fn paths_are_named_and_values_are_not() {
        let wanted = json!({"data": {"password": "s3cret", "same": "1"}, "spec": {"ports": [{"port": 1}, {"port": 2}], "list": [1]}});
        let existing = json!({"data": {"password": "other", "same": "1", "new": "x"}, "spec": {"ports": [{"port": 1}, {"port": 3}], "list": []}});
        assert_eq!(differences(&wanted, &existing), ["data.new", "data.password", "spec.list", "spec.ports[1].port"]);
    }

    #[test]
    fn absent_null_and_empty_are_one() {
        assert!(differences(&json!({"a": null, "b": {}, "c": {"d": []}}), &json!({"c": {}})).is_empty());
        assert_eq!(differences(&json!({"a": false}), &json!({})), ["a"]);
    }

    #[test]
    fn what_controllers_keep_does_not_count() {
        let mut a = json!({"metadata": {"name": "x", "labels": {"ark-restore": "one", "app": "shop"}, "finalizers": ["kubernetes.io/pvc-protection"],
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}});
        let mut b = json!({"metadata": {"name": "x", "labels": {"app": "shop"}}});
        neutralise(&mut a);
        neutralise(&mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn a_patch_holds_the_difference_only() {
        let wanted = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"size": 2, "keep": true}});
        let existing = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"size": 1, "keep": true}});
        assert_eq!(merge_patch(&wanted, &existing), json!({"metadata": {"labels": {"b": null}}, "spec": {"size": 2}}));
    }
}
