//! Quotas: 403 for what does not fit, and the books of what does.
//!
//! What a write adds is noted in the status of the quotas before the object is stored, as a real server does it: a create that fails
//! after that has been counted all the same, until the controller counts anew. Deletions are the controller's to notice.

use jiff::Timestamp;

use serde_json::Value;

use crate::meta;
use crate::object::Object;
use crate::options::{Target, WriteOptions};
use crate::quota::{Evaluator, Operation, Request, check};
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;

/// Who writes the status of a quota here: the server itself.
const MANAGER: &str = "kube-apiserver";

/// Before an object is stored: the last check of all.
pub(super) fn admit(
    core: &mut Core,
    def: &ResourceDef,
    operation: Operation<'_>,
    new: &Value,
    dry_run: bool,
    now: Timestamp,
) -> Result<(), Status> {
    let namespace = meta::meta_text(new, "namespace").to_owned();
    if !def.namespaced || namespace.is_empty() {
        return Ok(());
    }
    let quotas: Vec<Object> =
        core.store.within(&GroupResource::new("", "resourcequotas"), &namespace).cloned().collect();
    if quotas.is_empty() {
        return Ok(());
    }
    let Some(evaluator) = Evaluator::of(&GroupResource::new(&def.group, &def.plural)) else {
        return Ok(());
    };
    let request = Request { evaluator: &evaluator, operation, new, now };
    if !request.is_counted() {
        return Ok(());
    }
    let changed = check(&quotas.iter().collect::<Vec<_>>(), request)
        .map_err(|why| Status::forbidden(&def.group, &def.plural, meta::meta_text(new, "name"), &why))?;
    let Some(quotas) = core.registry.find("", "v1", "resourcequotas").cloned().filter(|_| !dry_run) else {
        return Ok(());
    };
    let options = WriteOptions { field_manager: Some(MANAGER.to_owned()), ..WriteOptions::default() };
    for (quota, used) in changed {
        let mut target = Target::new("", "v1", "resourcequotas").in_namespace(&namespace).named(quota.name());
        target.subresource = Some("status".to_owned());
        let mut body = quota.value().clone();
        body["status"]["used"] = used.to_value();
        core.replace(&quotas, &target, quota, body, &options, now, &mut Vec::new())?;
    }
    Ok(())
}
