//! What the API server says of an object, taken off before the object is created again or compared.
//!
//! Metadata loses the fields that only a server sets; every other field stays, also one that nobody here has heard of,
//! and so do finalizers: their controllers come back with them. `status` goes, since it is for controllers to say.
//!
//! # Differences
//! Ark v0.6 kept name, namespace, labels and annotations only and lost finalizers and owner references.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::RESTORE_LABEL;

/// Metadata that the server sets and refuses or ignores from a client.
const SERVER_METADATA: [&str; 8] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Longest value of a label.
const LABEL_VALUE_MAX: usize = 63;

/// The object without what the server sets, at `name` in `namespace`.
pub(super) fn clean(object: &mut Value, namespace: Option<&str>, name: &str) {
    let Some(object) = object.as_object_mut() else { return };
    object.remove("status");
    let metadata = entry_object(object, "metadata");
    for field in SERVER_METADATA {
        metadata.remove(field);
    }
    metadata.insert("name".into(), json!(name));
    match namespace {
        Some(namespace) => metadata.insert("namespace".into(), json!(namespace)),
        None => metadata.remove("namespace"),
    };
}

/// Marks the object as restored by the restore whose [`label_value`] this is.
pub(super) fn mark(object: &mut Value, label: &str) {
    let Some(object) = object.as_object_mut() else { return };
    entry_object(entry_object(object, "metadata"), "labels").insert(RESTORE_LABEL.into(), json!(label));
}

/// The value of the restore label: the name, or where that is longer than a label may be its beginning and a hash.
pub(super) fn label_value(name: &str) -> String {
    if name.len() <= LABEL_VALUE_MAX {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    let hash = format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
    let front = &name[..name.floor_char_boundary(LABEL_VALUE_MAX - hash.len() - 1)];
    format!("{front}-{hash}")
}

/// The map under `key`, made where there is none.
pub(super) fn entry_object<'a>(parent: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let entry = parent.entry(key).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    entry.as_object_mut().expect("made an object just now")
}

/// Removes the key, and the map that held it where that leaves it empty.
pub(super) fn remove_nested(object: &mut Value, parent: &str, key: &str) -> Option<Value> {
    let map = object.pointer_mut(parent)?.as_object_mut()?;
    let removed = map.remove(key)?;
    if map.is_empty() {
        let (above, last) = parent.rsplit_once('/')?;
        object.pointer_mut(above)?.as_object_mut()?.remove(last);
    }
    Some(removed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{clean, label_value, mark};

    #[test]
    fn server_fields_go_and_unknown_ones_stay() {
        let mut object = json!({"kind": "Widget", "metadata": {"name": "a", "namespace": "from", "uid": "1", "generation": 3,
            "resourceVersion": "9", "finalizers": ["x/keep"], "futureField": [1], "annotations": {"n": "1"}},
            "spec": {"status": 1}, "status": {"phase": "Ready"}});
        clean(&mut object, Some("to"), "b");
        mark(&mut object, "r1");
        assert_eq!(
            object,
            json!({"kind": "Widget", "metadata": {"name": "b", "namespace": "to", "finalizers": ["x/keep"], "futureField": [1],
                "annotations": {"n": "1"}, "labels": {"ark-restore": "r1"}}, "spec": {"status": 1}})
        );
    }

    #[test]
    fn a_long_name_makes_a_legal_label() {
        let (a, b) = (label_value(&format!("{}a", "x".repeat(80))), label_value(&format!("{}b", "x".repeat(80))));
        assert!(a.len() <= 63 && b.len() <= 63 && a != b);
        assert_eq!(label_value("nightly-20260101000000"), "nightly-20260101000000");
    }
}
