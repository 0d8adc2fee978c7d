//! Applying patches to JSON values.
//!
//! Owns the two that are defined on any JSON: RFC 6902 (`json`) and RFC 7396 (`merge`). Both are pure functions.
//!
//! # Differences
//!
//! Strategic merge and server-side apply need the schema of the kind and the ownership of fields. They are not emulated yet, and are
//! answered 415 with a message that says so; on custom resources a real server answers 415 to strategic merge too.

mod json;
mod merge;

use serde_json::Value;

use crate::options::{Patch, WriteOptions};
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

/// Refuses the patches that are not emulated, and an apply that nobody signs.
pub(crate) fn supported(def: &ResourceDef, patch: &Patch, options: &WriteOptions) -> Result<(), Status> {
    match patch {
        Patch::Json(_) | Patch::Merge(_) => Ok(()),
        Patch::Strategic(_) if def.is_custom() => Err(Status::unsupported_media_type(&[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ])),
        Patch::Strategic(_) => Err(not_emulated("strategic merge patch")),
        Patch::Apply(_) if options.field_manager.as_deref().unwrap_or_default().is_empty() => {
            let cause = Cause::required("fieldManager", "is required for apply patch");
            Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &[cause]))
        }
        Patch::Apply(_) => Err(not_emulated("server-side apply")),
    }
}

/// The patched value. A patch that is not [`supported`] changes nothing.
pub(crate) fn apply(value: &Value, patch: &Patch) -> Result<Value, Status> {
    match patch {
        Patch::Json(operations) => json::apply(value.clone(), operations),
        Patch::Merge(patch) if !patch.is_object() => {
            Err(Status::bad_request("error decoding patch: a merge patch must be a JSON object"))
        }
        Patch::Merge(patch) => {
            let mut value = value.clone();
            merge::apply(&mut value, patch);
            Ok(value)
        }
        Patch::Strategic(_) | Patch::Apply(_) => Ok(value.clone()),
    }
}

fn not_emulated(what: &str) -> Status {
    Status::new(
        415,
        "UnsupportedMediaType",
        format!(
            "{what} is not emulated by this server - accepted media types include: application/json-patch+json, \
                application/merge-patch+json"
        ),
    )
}
