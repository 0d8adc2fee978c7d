//! The comparison: every object before the disaster with every object after the restore.
//!
//! An object that was never touched keeps its uid and is only counted. One that is back is compared field by field; a
//! field may differ only for a reason that stands in a table here. Whatever else differs, is missing or is too much
//! makes the comparison unclean, and each case is named.

use std::collections::BTreeMap;

use serde_json::Value;

use super::picture::{Key, Picture};

/// Paths of one object that are listed at most.
const PATHS_MAX: usize = 8;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Objects with the same uid before and after.
    pub(crate) untouched: u64,
    /// Objects that are back.
    pub(crate) back: Vec<Key>,
    /// Why objects that are back differ, and which.
    pub(crate) differences: BTreeMap<&'static str, Vec<Key>>,
    /// Objects that the restore left out, by its reason.
    pub(crate) left_out: BTreeMap<String, Vec<Key>>,
    /// Objects that a controller made anew under another name.
    pub(crate) made_anew: Vec<Key>,
    /// Objects that are gone without a reason.
    pub(crate) missing: Vec<Key>,
    /// Objects that differ without a reason, and where.
    pub(crate) wrong: Vec<(Key, Vec<String>)>,
    /// Objects that were not there before and that no controller owns.
    pub(crate) foreign: Vec<Key>,
}

impl Comparison {
    /// Whether everything is back and everything that differs has a reason.
    pub(crate) fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.wrong.is_empty() && self.foreign.is_empty()
    }
}

/// A field that may differ: in which resource (`*` for any), at which path or below it, and why.
struct Expected {
    resource: &'static str,
    path: &'static str,
    why: &'static str,
}

const fn expect(resource: &'static str, path: &'static str, why: &'static str) -> Expected {
    Expected { resource, path, why }
}

const NEW_IDENTITY: &str = "uid, resourceVersion, creationTimestamp: the server gives every created object its own";
const LABELLED: &str = "label ark-restore: says which restore made the object";
const OWNER_UID: &str = "ownerReferences: point at the restored owner's new uid";
const STATUS: &str = "status: not restored, whoever reports it does so anew";
const ADDRESSES: &str = "cluster addresses and node ports: allocated anew";
const BINDING: &str = "claims and volumes: bound to each other again, by the new uids";
const PLACEMENT: &str = "pods: scheduled and given a token anew";
const JOB_SELECTOR: &str = "jobs: labels and selector carry the job's new uid";
const TOKEN: &str = "service account tokens: issued anew";
const ENDPOINTS: &str = "endpoints: follow the new pods";

const EXPECTED: &[Expected] = &[
    expect("*", "metadata.uid", NEW_IDENTITY),
    expect("*", "metadata.resourceVersion", NEW_IDENTITY),
    expect("*", "metadata.creationTimestamp", NEW_IDENTITY),
    expect("*", "metadata.generation", NEW_IDENTITY),
    expect("*", "metadata.managedFields", NEW_IDENTITY),
    expect("*", "metadata.labels.ark-restore", LABELLED),
    expect("*", "metadata.ownerReferences[].uid", OWNER_UID),
    expect("*", "status", STATUS),
    expect("services", "spec.clusterIP", ADDRESSES),
    expect("services", "spec.clusterIPs", ADDRESSES),
    expect("services", "spec.ports[].nodePort", ADDRESSES),
    expect("services", "spec.healthCheckNodePort", ADDRESSES),
    expect("persistentvolumes", "spec.claimRef.uid", BINDING),
    expect("persistentvolumes", "spec.claimRef.resourceVersion", BINDING),
    expect("persistentvolumes", "metadata.annotations.pv.kubernetes.io/bound-by-controller", BINDING),
    expect("persistentvolumeclaims", "metadata.annotations.pv.kubernetes.io/bind-completed", BINDING),
    expect("persistentvolumeclaims", "metadata.annotations.pv.kubernetes.io/bound-by-controller", BINDING),
    expect("pods", "spec.nodeName", PLACEMENT),
    expect("pods", "spec.volumes", PLACEMENT),
    expect("pods", "spec.containers[].volumeMounts", PLACEMENT),
    expect("jobs.batch", "spec.selector", JOB_SELECTOR),
    expect("jobs.batch", "spec.template.metadata.labels", JOB_SELECTOR),
    expect("jobs.batch", "metadata.labels", JOB_SELECTOR),
    expect("pods", "metadata.labels.controller-uid", JOB_SELECTOR),
    expect("pods", "metadata.labels.batch.kubernetes.io/controller-uid", JOB_SELECTOR),
    expect("secrets", "data.token", TOKEN),
    expect("secrets", "data.ca.crt", TOKEN),
    expect("secrets", "data.namespace", TOKEN),
    expect("secrets", "metadata.annotations.kubernetes.io/service-account.uid", TOKEN),
    expect("endpoints", "subsets", ENDPOINTS),
    expect("endpoints", "metadata.annotations.endpoints.kubernetes.io/last-change-trigger-time", ENDPOINTS),
    expect("endpointslices.discovery.k8s.io", "endpoints", ENDPOINTS),
];

/// Compares two pictures; `left_out` is what the restore itself says it left out, and why.
pub(crate) fn compare(before: &Picture, after: &Picture, left_out: &BTreeMap<Key, String>) -> Comparison {
    let mut found = Comparison::default();
    for (key, old) in before {
        let Some(new) = after.get(key) else {
            match left_out.get(key) {
                Some(reason) => found.left_out.entry(reason.clone()).or_default().push(key.clone()),
                None => found.missing.push(key.clone()),
            }
            continue;
        };
        if old["metadata"]["uid"] == new["metadata"]["uid"] {
            found.untouched += 1;
        } else {
            found.back.push(key.clone());
            judge(&mut found, key, old, new);
        }
    }
    for (key, object) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        if is_made_by_a_controller(object) { &mut found.made_anew } else { &mut found.foreign }.push(key.clone());
    }
    found
}

fn judge(found: &mut Comparison, key: &Key, old: &Value, new: &Value) {
    let mut paths = Vec::new();
    diff(old, new, "", &mut paths);
    let mut unexplained = Vec::new();
    for path in paths {
        match reason(&key.resource.to_string(), &path) {
            Some(why) => {
                let keys = found.differences.entry(why).or_default();
                if keys.last() != Some(key) {
                    keys.push(key.clone());
                }
            }
            None => unexplained.push(path),
        }
    }
    if !unexplained.is_empty() {
        unexplained.truncate(PATHS_MAX);
        found.wrong.push((key.clone(), unexplained));
    }
}

fn reason(resource: &str, path: &str) -> Option<&'static str> {
    let below = |start: &str| {
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
    };
    let mut expected = EXPECTED.iter();
    expected.find(|entry| (entry.resource == "*" || entry.resource == resource) && below(entry.path)).map(|e| e.why)
}

/// The paths at which two values differ. An element of a list has the path of the list and `[]`; where two lists differ in
/// length it is the list that differs.
fn diff(old: &Value, new: &Value, path: &str, paths: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let both = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            for key in both {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => diff(old, new, &inner, paths),
                    (Some(only), None) | (None, Some(only)) => leaves(only, inner, paths),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let inner = format!("{path}[]");
            old.iter().zip(new).for_each(|(old, new)| diff(old, new, &inner, paths));
        }
        _ if old == new => {}
        _ => paths.push(path.to_owned()),
    }
    paths.dedup();
}

/// What only one side has: a map is named by its fields, so that a reason can be given for each.
fn leaves(only: &Value, path: String, paths: &mut Vec<String>) {
    match only {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                leaves(inner, format!("{path}.{key}"), paths);
            }
        }
        _ => paths.push(path),
    }
}

fn is_made_by_a_controller(object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["controller"] == true))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{compare, diff};
    use crate::cli::demo::picture::{Key, Picture};
    use crate::object::GroupResource;

    fn picture(objects: &[(&str, Value)]) -> Picture {
        let key = |name: &str| Key {
            resource: GroupResource::new("", "configmaps"),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        };
        objects.iter().map(|(name, object)| (key(name), object.clone())).collect()
    }

    fn names(keys: &[Key]) -> Vec<&str> {
        keys.iter().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn differences_are_named_by_path() {
        let mut paths = Vec::new();
        let old = json!({"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 1}, {"e": 2}], "f": {"g": {"h": 1}}});
        let new = json!({"a": {"b": 2, "c": [1]}, "d": [{"e": 3}, {"e": 4}], "i": null});
        diff(&old, &new, "", &mut paths);
        assert_eq!(paths, ["a.b", "a.c", "d[].e", "f.g.h", "i"]);
    }

    #[test]
    fn every_object_gets_a_verdict() {
        let uid = |uid: u32| json!({"metadata": {"uid": uid.to_string()}});
        let before = picture(&[
            ("same", uid(1)),
            ("back", json!({"metadata": {"uid": "2"}, "data": {"a": "b"}})),
            ("wrong", json!({"metadata": {"uid": "3"}, "data": {"a": "b"}})),
            ("missing", uid(4)),
            ("ended", uid(5)),
        ]);
        let after = picture(&[
            ("same", json!({"metadata": {"uid": "1", "resourceVersion": "9"}})),
            ("back", json!({"metadata": {"uid": "12", "labels": {"ark-restore": "r"}}, "data": {"a": "b"}})),
            ("wrong", json!({"metadata": {"uid": "13"}, "data": {"a": "c"}})),
            ("foreign", uid(6)),
            ("owned", json!({"metadata": {"ownerReferences": [{"controller": true}]}})),
        ]);
        let ended = before.keys().find(|key| key.name == "ended").expect("it is there").clone();
        let found = compare(&before, &after, &BTreeMap::from([(ended, "the job has ended".to_owned())]));
        assert_eq!((found.untouched, names(&found.back)), (1, vec!["back", "wrong"]));
        assert_eq!((names(&found.missing), names(&found.foreign)), (vec!["missing"], vec!["foreign"]));
        assert_eq!(names(&found.made_anew), ["owned"]);
        assert_eq!(found.left_out.keys().collect::<Vec<_>>(), ["the job has ended"]);
        let wrong: Vec<_> = found.wrong.iter().map(|(key, paths)| (key.name.as_str(), paths.clone())).collect();
        assert_eq!(wrong, [("wrong", vec!["data.a".to_owned()])]);
        assert_eq!(found.differences.len(), 2, "{:?}", found.differences);
        assert!(!found.is_clean());
        assert!(compare(&before, &before, &BTreeMap::new()).is_clean());
    }

    #[test]
    fn a_label_beside_the_expected_one_is_no_expected_difference() {
        let before = picture(&[("a", json!({"metadata": {"uid": "1"}}))]);
        let after = picture(&[("a", json!({"metadata": {"uid": "2", "labels": {"ark-restore": "r", "x": "y"}}}))]);
        let found = compare(&before, &after, &BTreeMap::new());
        assert_eq!(found.wrong[0].1, ["metadata.labels.x"]);
    }
}
