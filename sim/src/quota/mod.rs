//! Resource quotas: what the objects of a namespace use, and whether one more fits.
//!
//! Everything here is computed from objects; who writes the results is not its business. The admission of writes and the controller
//! that counts anew both build on it. [`check`] is the first, [`used`] the second.

mod evaluator;
mod pods;
mod resource_list;

use jiff::Timestamp;
use serde_json::Value;

use crate::meta;
use crate::object::Object;
use evaluator::Scope;

pub(crate) use evaluator::{Evaluator, Operation};
pub(crate) use pods::{Counting, sum};
pub(crate) use resource_list::ResourceList;

/// A write that quotas are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) evaluator: &'a Evaluator,
    pub(crate) operation: Operation<'a>,
    pub(crate) new: &'a Value,
    pub(crate) now: Timestamp,
}

impl Request<'_> {
    /// Whether the write can change what is used at all.
    pub(crate) fn is_counted(&self) -> bool {
        self.evaluator.handles(self.operation, self.new)
    }
}

/// The scopes of a quota, those of its selector among them.
fn scopes(quota: &Value) -> impl Iterator<Item = Scope<'_>> {
    let plain = pods::list(quota, "spec.scopes").iter().filter_map(Value::as_str);
    let plain = plain.map(|name| Scope { name, operator: "Exists", values: &[] });
    let selectors = pods::list(quota, "spec.scopeSelector.matchExpressions").iter();
    plain.chain(selectors.map(|selector| Scope {
        name: meta::text(selector, "scopeName"),
        operator: meta::text(selector, "operator"),
        values: pods::list(selector, "values"),
    }))
}

/// What each quota that the write changes has in use after it, or why the write does not fit.
///
/// Quotas say in their status what they limit: one that the controller has not seen yet limits nothing.
pub(crate) fn check<'q>(
    quotas: &[&'q Object],
    request: Request<'_>,
) -> Result<Vec<(&'q Object, ResourceList)>, String> {
    let Request { evaluator, operation, new, now } = request;
    let mut concerned = Vec::new();
    for quota in quotas {
        let value = quota.value();
        let hard = ResourceList::read(meta::at(value, "status.hard"));
        let limited: Vec<_> = hard.names().filter(|name| evaluator.limits(name)).collect();
        if limited.is_empty() || !scopes(value).all(|scope| evaluator.is_in_scope(&scope, new)) {
            continue;
        }
        if *evaluator == Evaluator::Pods {
            pods::constraints(new, &limited).map_err(|why| format!("failed quota: {}: {why}", quota.name()))?;
        }
        let used = ResourceList::read(meta::at(value, "status.used"));
        if limited.iter().any(|name| used.get(name).is_none()) {
            let limited = limited.join(",");
            return Err(format!("status unknown for quota: {}, resources: {limited}", quota.name()));
        }
        concerned.push((*quota, hard, used));
    }
    let usage = evaluator.usage(new, now);
    let negative: Vec<_> = usage.iter().filter(|(_, amount)| amount.is_negative()).map(|(name, _)| name).collect();
    if !negative.is_empty() {
        return Err(format!("quota usage is negative for resource(s): {}", negative.join(",")));
    }
    let mut changed = Vec::new();
    for (quota, hard, used) in concerned {
        let more = match operation {
            // What was in the quota before is in use already.
            Operation::Update { old, .. } if scopes(quota.value()).all(|scope| evaluator.is_in_scope(&scope, old)) => {
                usage.beyond(&evaluator.usage(old, now))
            }
            _ => usage.clone(),
        };
        let asked = more.without_zeros().only(|name| hard.get(name).is_some());
        let mut after = used.clone();
        after.add(&asked);
        let exceeds = |name: &str| {
            asked.get(name).is_some() && after.get(name).zip(hard.get(name)).is_some_and(|(after, hard)| after > hard)
        };
        let observed = matches!(operation, Operation::Update { subresource: Some("status"), .. });
        let exceeded = asked.only(exceeds);
        if !observed && !exceeded.is_empty() {
            return Err(format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota.name(),
                exceeded.pretty(),
                used.only(exceeds).pretty(),
                hard.only(exceeds).pretty()
            ));
        }
        if after != used {
            changed.push((quota, after));
        }
    }
    Ok(changed)
}

/// What is used of a quota by the objects of one resource in its namespace; nothing is 0.
pub(crate) fn used<'o>(
    quota: &Value,
    evaluator: &Evaluator,
    objects: impl Iterator<Item = &'o Object>,
    now: Timestamp,
) -> ResourceList {
    let hard = ResourceList::read(meta::at(quota, "spec.hard"));
    let limited = hard.names().filter(|name| evaluator.limits(name));
    let mut used: ResourceList = limited.map(|name| (name.to_owned(), crate::quantity::Quantity::whole(0))).collect();
    for object in objects.map(Object::value) {
        if scopes(quota).all(|scope| evaluator.is_in_scope(&scope, object)) {
            used.add(&evaluator.usage(object, now));
        }
    }
    used.only(|name| hard.get(name).is_some())
}
