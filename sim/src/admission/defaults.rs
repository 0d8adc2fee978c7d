//! The fields that a server fills in by itself.
//!
//! Owns the defaults of the built-in kinds that run or hold something, as a real server shows them. Only what is absent is filled.
//!
//! # Differences
//!
//! Written by hand for the common kinds; defaults of rarer fields and of other kinds come with the schemas.

use serde_json::{Value, json};

use crate::resource::ResourceDef;

/// Fills in the defaults of an object in its stored form.
pub(super) fn fill(def: &ResourceDef, value: &mut Value) {
    if def.is_custom() {
        return;
    }
    let fields = match (def.group.as_str(), def.plural.as_str()) {
        ("", "persistentvolumes") => {
            json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
        }
        ("", "persistentvolumeclaims") => json!({"volumeMode": "Filesystem"}),
        _ => return,
    };
    let Some(spec) = value.get_mut("spec") else {
        return;
    };
    absent(spec, &fields);
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
