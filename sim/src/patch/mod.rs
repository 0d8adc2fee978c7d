//! Applying patches to JSON values.
//!
//! Owns the two that are defined on any JSON: RFC 6902 (`json`) and RFC 7396 (`merge`), and the one that knows the lists of built-in
//! kinds (`strategic`, with `order`). All are pure functions. An apply is in `crate::managed`.
//!
//! # Differences
//!
//! The maps in an error of a strategic merge are printed with sorted keys as Go does it; the numbers in them as JSON does it.

mod json;
mod merge;
mod order;
mod strategic;

use serde_json::Value;

use crate::go_json::word;
use crate::managed::Form;
use crate::options::{Patch, WriteOptions};
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

/// Refuses a strategic merge of a custom resource, an apply that nobody signs, and force for what is no apply.
pub(crate) fn supported(def: &ResourceDef, patch: &Patch, options: &WriteOptions) -> Result<(), Status> {
    let refused = |cause| Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &[cause]));
    match patch {
        Patch::Strategic(_) if def.is_custom() => Err(Status::unsupported_media_type(&[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ])),
        Patch::Apply(_) if options.field_manager.as_deref().unwrap_or_default().is_empty() => {
            refused(Cause::required("fieldManager", "is required for apply patch"))
        }
        Patch::Apply(_) => Ok(()),
        _ if options.force.is_some() => refused(Cause::forbidden("force", "may not be specified for non-apply patch")),
        _ => Ok(()),
    }
}

/// The patched value; `form` is that of the kind. An apply changes nothing here.
pub(crate) fn apply(value: &Value, patch: &Patch, form: Form<'_>) -> Result<Value, Status> {
    match patch {
        Patch::Json(operations) => json::apply(value.clone(), operations),
        Patch::Merge(patch) if !patch.is_object() => Err(Status::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            word(patch)
        ))),
        Patch::Merge(patch) => {
            let mut value = value.clone();
            merge::apply(&mut value, patch);
            Ok(value)
        }
        Patch::Strategic(patch) => strategic::apply(form, value, patch),
        Patch::Apply(_) => Ok(value.clone()),
    }
}
