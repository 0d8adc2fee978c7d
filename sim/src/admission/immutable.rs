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
    let claims = def.group.is_empty() && def.plural == "persistentvolumeclaims";
    if claims && (claim(old) != claim(value) || rebound(old, value)) {
        let cause = Cause::forbidden("spec", CLAIM);
        return Err(Status::invalid(&def.group, &def.kind, meta::meta_text(old, "name"), &[cause]));
    }
    Ok(())
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
