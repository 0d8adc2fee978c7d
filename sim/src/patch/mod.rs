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

use crate::options::Patch;
use crate::resource::ResourceDef;
use crate::status::Status;

/// The patched value.
pub(crate) fn apply(def: &ResourceDef, value: &Value, patch: &Patch) -> Result<Value, Status> {
    match patch {
        Patch::Json(operations) => json::apply(value.clone(), operations),
        Patch::Merge(patch) => {
            if !patch.is_object() {
                return Err(Status::bad_request("error decoding patch: a merge patch must be a JSON object"));
            }
            let mut value = value.clone();
            merge::apply(&mut value, patch);
            Ok(value)
        }
        Patch::Strategic(_) if def.is_custom() => Err(Status::unsupported_media_type(&[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ])),
        Patch::Strategic(_) => Err(not_emulated("strategic merge patch")),
        Patch::Apply(_) => Err(not_emulated("server-side apply")),
    }
}

fn not_emulated(what: &str) -> Status {
    Status::new(
        415,
        "UnsupportedMediaType",
        format!(
            "{what} is not emulated by this server - accepted media types include: application/json-patch+json, application/merge-patch+json"
        ),
    )
}
