//! Fields that an update may not change, kind by kind, beyond those of workloads, pods and services.

use serde_json::Value;

use crate::object::Object;
use crate::resource::ResourceDef;
use crate::status::{Cause, Status};

/// 422 where an update changes what the kind keeps.
pub(super) fn check(def: &ResourceDef, old: &Object, value: &Value) -> Result<(), Status> {
    if !def.group.is_empty() || def.plural != "secrets" {
        return Ok(());
    }
    let now = value.get("type").unwrap_or(&Value::Null);
    if old.value().get("type").unwrap_or(&Value::Null) == now {
        return Ok(());
    }
    let cause = Cause::invalid("type", now, "field is immutable");
    Err(Status::invalid(&def.group, &def.kind, old.name(), &[cause]))
}
