//! What a container, or a whole pod, may use and asks for.

use serde_json::{Value, json};

use super::Pod;
use super::read::{entries, given, list, not_found, problems};
use crate::kinds::Causes;
use crate::meta;
use crate::quantity::milli;
use crate::validate_name;

/// Names without a prefix that mean something somewhere: to a container, a quota, a claim or a node.
pub(crate) const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Those of them that are counted in whole numbers.
pub(crate) const WHOLE: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

/// Whether it is memory in huge pages.
pub(crate) fn huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether more of it may be promised than there is.
pub(crate) fn overcommits(name: &str) -> bool {
    native(name) && !huge(name)
}

/// Whether somebody else than Kubernetes gives it its meaning.
pub(crate) fn extended(name: &str) -> bool {
    !native(name)
        && !name.starts_with("requests.")
        && validate_name::qualified_name(&format!("requests.{name}")).is_empty()
}

/// The name of a resource of any kind; whether it is one.
pub(crate) fn name_of_any(name: &str, causes: &mut Causes) -> bool {
    let wrong = validate_name::qualified_name(name);
    if !wrong.is_empty() {
        problems("", name, wrong, causes);
        return false;
    }
    if !name.contains('/') && !STANDARD.contains(&name) && !huge(name) && !name.starts_with("requests.hugepages-") {
        causes.invalid("", &name.into(), "must be a standard resource type or fully qualified");
    }
    true
}

/// The name of something that a container has; the check stands at it.
pub(crate) fn name_in_container(name: &str, causes: &mut Causes) {
    name_of_any(name, causes);
    if !name.contains('/') {
        if !["cpu", "memory", "ephemeral-storage"].contains(&name) && !huge(name) {
            causes.invalid("", &name.into(), "must be a standard resource for containers");
        }
    } else if !native(name) && !extended(name) {
        causes.invalid("", &name.into(), "doesn't follow extended resource name standard");
    }
}

fn name_in_pod(name: &str, causes: &mut Causes) {
    if name_of_any(name, causes) && !["cpu", "memory"].contains(&name) && !huge(name) {
        causes.not_supported("", name, &["cpu", "hugepages-", "memory"]);
    }
}

/// An amount: not negative, and whole where parts make no sense.
fn amount(name: &str, value: &Value, causes: &mut Causes) {
    let Some(thousandths) = value.as_str().and_then(milli) else {
        return;
    };
    if thousandths < 0 {
        causes.invalid("", value, "must be greater than or equal to 0");
    }
    if extended(name) && thousandths % 1000 != 0 {
        causes.invalid("", value, "must be an integer");
    }
    if huge(name) {
        let page = name.strip_prefix("hugepages-").and_then(milli).unwrap_or_default();
        if thousandths <= 0 || page <= 0 || thousandths % page != 0 {
            let text = value.as_str().unwrap_or_default();
            causes.invalid("", value, &format!("{text} is not positive integer multiple of {name}"));
        }
    }
}

/// The resources of a container.
pub(super) fn of_container(pod: &Pod<'_>, value: &Value, causes: &mut Causes) {
    requirements(pod, value, name_in_container, causes);
}

/// What a pod costs beyond its containers.
pub(super) fn overhead(pod: &Pod<'_>, value: &Value, causes: &mut Causes) {
    requirements(pod, &json!({"limits": value}), name_in_container, causes);
}

/// What every pod of a runtime class costs beyond its containers.
pub(crate) fn fixed_overhead(value: &Value, causes: &mut Causes) {
    overhead(&Pod::new(&Value::Null, None), value, causes);
}

/// The resources of a pod as a whole.
pub(super) fn of_pod(pod: &Pod<'_>, causes: &mut Causes) {
    let Some(value) = given(pod.spec, "resources") else {
        return;
    };
    causes.at("resources", |causes| {
        if given(value, "claims").is_some() {
            causes.forbidden("claims", "claims may not be set for Resources at pod-level");
        }
        requirements(pod, value, name_in_pod, causes);
        consistent(pod, value, causes);
    });
}

/// Containers together ask for no more than their pod, and none may use more.
fn consistent(pod: &Pod<'_>, value: &Value, causes: &mut Causes) {
    for (name, whole) in entries(value, "requests") {
        let asked = |key: &str| {
            list(pod.spec, key)
                .iter()
                .filter_map(|container| meta::at(container, "resources.requests")?.get(name)?.as_str())
                .filter_map(milli)
                .sum::<i128>()
        };
        let sum = asked("containers");
        if whole.as_str().and_then(milli).is_some_and(|whole| whole < sum) {
            let total = show(sum);
            let why = format!("must be greater than or equal to aggregate container requests of {total}");
            causes.at("requests", |causes| causes.key(name, |causes| causes.invalid("", whole, &why)));
        }
    }
}

/// A number of thousandths as a quantity.
pub(super) fn show(thousandths: i128) -> String {
    if thousandths % 1000 == 0 { (thousandths / 1000).to_string() } else { format!("{thousandths}m") }
}

fn requirements(pod: &Pod<'_>, value: &Value, name_check: fn(&str, &mut Causes), causes: &mut Causes) {
    let limits: Vec<_> = entries(value, "limits").collect();
    let requests: Vec<_> = entries(value, "requests").collect();
    for (name, limit) in &limits {
        causes.at("limits", |causes| {
            causes.key(name, |causes| {
                name_check(name, causes);
                amount(name, limit, causes);
            });
        });
    }
    for (name, request) in &requests {
        causes.at("requests", |causes| {
            causes.key(name, |causes| {
                name_check(name, causes);
                amount(name, request, causes);
            });
        });
        let limit = limits.iter().find(|(known, _)| known == name).map(|(_, limit)| *limit);
        match limit {
            Some(limit) => exceeds(name, request, limit, causes),
            None if !overcommits(name) => {
                causes.required("limits", "Limit must be set for non overcommitable resources");
            }
            None => {}
        }
    }
    let any = |test: fn(&str) -> bool| limits.iter().chain(&requests).any(|(name, _)| test(name));
    if any(huge) && !any(|name| matches!(name, "cpu" | "memory")) {
        causes.forbidden("", "HugePages require cpu or memory");
    }
    claims(pod, value, causes);
}

/// A request beyond its limit.
fn exceeds(name: &str, request: &Value, limit: &Value, causes: &mut Causes) {
    let (Some(asked), Some(allowed)) = (request.as_str().and_then(milli), limit.as_str().and_then(milli)) else {
        return;
    };
    let limit = limit.as_str().unwrap_or_default();
    if !overcommits(name) && asked != allowed {
        causes.invalid("requests", request, &format!("must be equal to {name} limit of {limit}"));
    } else if overcommits(name) && asked > allowed {
        causes.invalid("requests", request, &format!("must be less than or equal to {name} limit of {limit}"));
    }
}

fn claims(pod: &Pod<'_>, value: &Value, causes: &mut Causes) {
    let known: Vec<_> = list(pod.spec, "resourceClaims").iter().map(|claim| meta::text(claim, "name")).collect();
    let mut seen: Vec<String> = Vec::new();
    causes.at("claims", |causes| {
        for (index, claim) in list(value, "claims").iter().enumerate() {
            causes.index(index, |causes| {
                let (name, request) = (meta::text(claim, "name"), meta::text(claim, "request"));
                if name.is_empty() {
                    causes.required("", "");
                    return;
                }
                let mut key = name.to_owned();
                if !request.is_empty() {
                    problems("request", request, validate_name::label(request), causes);
                    key = format!("{name}/{request}");
                }
                if seen.iter().any(|known| *known == name) {
                    causes.duplicate("", &name.into());
                } else if seen.contains(&key) {
                    causes.duplicate("", &key.as_str().into());
                } else if request.is_empty() && seen.iter().any(|known| known.split('/').next() == Some(name)) {
                    causes.duplicate("", &name.into());
                } else {
                    seen.push(key);
                }
                if !known.contains(&name) {
                    let which = if known.is_empty() {
                        " which is empty".to_owned()
                    } else {
                        let mut known: Vec<_> = known.clone();
                        known.sort_unstable();
                        format!(": {}", known.join(", "))
                    };
                    not_found("", name, &format!("must be one of the names in pod.spec.resourceClaims{which}"), causes);
                }
            });
        }
    });
}
