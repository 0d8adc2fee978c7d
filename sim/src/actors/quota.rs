//! Resource quotas: their limits and what is used of them, counted anew from what there is.
//!
//! The server notes what it lets in; this is what notices what has gone, and what was there before the quota.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::{Access, QUOTAS};
use crate::meta;
use crate::object::Object;
use crate::options::Target;
use crate::quota::{Evaluator, ResourceList, used};
use crate::resource::GroupResource;

pub(super) fn pass(access: Access<'_>) {
    for quota in access.all(QUOTAS) {
        sync(access, &quota);
    }
}

fn sync(access: Access<'_>, quota: &Object) {
    let value = quota.value();
    let hard = ResourceList::read(meta::at(value, "spec.hard"));
    let before = ResourceList::read(meta::at(value, "status.used"));
    let mut after = before.clone();
    let mut counted = BTreeSet::new();
    for def in access.server.resources().iter().filter(|def| def.namespaced && def.supports("list")) {
        let resource = GroupResource::new(&def.group, &def.plural);
        let evaluator = Evaluator::of(&resource).filter(|evaluator| hard.names().any(|name| evaluator.limits(name)));
        let Some(evaluator) = evaluator.filter(|_| counted.insert(resource)) else {
            continue;
        };
        let target = Target::new(&def.group, &def.version, &def.plural);
        let objects = access.list(&target.in_namespace(quota.namespace().unwrap_or_default()));
        for (name, amount) in used(value, &evaluator, objects.iter(), access.server.clock().now()).iter() {
            after.set(name, amount.clone());
        }
    }
    let after = after.only(|name| hard.get(name).is_some());
    let unseen = |field: &str| meta::at(value, field).is_none_or(Value::is_null);
    let current = meta::at(value, "status.hard").is_some_and(|seen| ResourceList::read(Some(seen)) == hard);
    if !current || unseen("status.used") || after != before {
        access.set_status(QUOTAS, quota, json!({"hard": hard.to_value(), "used": after.to_value()}));
    }
}
