//! The versions of one object.
//!
//! Owns the change of an object from one served version to another: of custom resources (strategy `None`) only `apiVersion`, of the two
//! built-in kinds that a bare cluster serves in two forms (events, autoscalers) the fields too.

use serde_json::{Map, Value};

use crate::decode::{self, Findings};
use crate::go_types;
use crate::kinds;
use crate::meta;

/// The object in the version `to`.
pub(crate) fn to_version(mut value: Value, to: &str) -> Value {
    let from = meta::text(&value, "apiVersion").to_owned();
    if from == to {
        return value;
    }
    match (from.as_str(), to) {
        ("autoscaling/v2", "autoscaling/v1") => kinds::autoscaler_to_v1(&mut value),
        ("autoscaling/v1", "autoscaling/v2") => kinds::autoscaler_to_v2(&mut value),
        _ => {}
    }
    if let Some(fields) = value.as_object_mut() {
        match (from.as_str(), to) {
            ("v1", "events.k8s.io/v1") => rename(fields, false),
            ("events.k8s.io/v1", "v1") => rename(fields, true),
            _ => {}
        }
        fields.insert("apiVersion".to_owned(), Value::from(to));
    }
    if from.starts_with("events") || to.starts_with("events") {
        return typed(value, to);
    }
    value
}

/// The object with the empty fields that its new type shows, and without those that it leaves out.
fn typed(value: Value, to: &str) -> Value {
    let kind = meta::text(&value, "kind").to_owned();
    let Some(name) = go_types::of_kind(to, &kind) else {
        return value;
    };
    // What was of the other type is of this one: only names differ.
    let mut read = decode::read(name, value.clone(), &mut Findings::default()).unwrap_or(value);
    decode::show(name, &mut read);
    read
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_and_back() {
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "p"}, "message": "m", "count": 3,
            "reportingComponent": "c", "type": "Normal", "eventTime": null, "firstTimestamp": null, "lastTimestamp": null,
            "metadata": {}, "reportingInstance": "", "source": {},
        });
        let other = to_version(event.clone(), "events.k8s.io/v1");
        assert_eq!(other["regarding"]["name"], "p");
        assert_eq!(other["note"], "m");
        assert_eq!(to_version(other, "v1"), event);
    }
}
