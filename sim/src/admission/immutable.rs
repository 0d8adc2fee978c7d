//! Fields that an update may not change, kind by kind, beyond those of workloads, pods and services.
//!
//! # Differences
//!
//! A real server adds a difference of the two specs to some of the messages; here the message ends before it.

use serde_json::Value;

use crate::meta;
use crate::object::Object;
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

const CLAIM: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/// 422 where an update changes what the kind keeps.
pub(super) fn check(def: &ResourceDef, old: &Object, value: &Value) -> Result<(), Status> {
    let old = old.value();
    let changed = |field: &str| meta::at(old, field) != meta::at(value, field);
    let now = |field: &str| meta::at(value, field).unwrap_or(&Value::Null);
    let mut causes = Vec::new();
    let mut immutable = |fields: &[&str]| {
        let fields = fields.iter().filter(|field| changed(field));
        causes.extend(fields.map(|field| Cause::invalid(field, now(field), "field is immutable")));
    };
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "secrets") => immutable(&["type"]),
        ("", "persistentvolumeclaims") if claim(old) != claim(value) || rebound(old, value) => {
            causes.push(Cause::forbidden("spec", CLAIM));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&def.group, &def.kind, meta::meta_text(old, "name"), &causes))
}

/// The spec of a claim without what may change.
fn claim(value: &Value) -> Value {
    let mut spec = value.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        for key in ["resources", "volumeAttributesClassName", "volumeName", "storageClassName"] {
            spec.remove(key);
        }
    }
    spec
}

/// Whether a volume or a class that a claim has would be another: each may be given once.
fn rebound(old: &Value, value: &Value) -> bool {
    ["spec.volumeName", "spec.storageClassName"].iter().any(|field| {
        let given = |value| meta::at(value, field).and_then(Value::as_str).filter(|text| !text.is_empty());
        given(old).is_some() && given(old) != given(value)
    })
}
