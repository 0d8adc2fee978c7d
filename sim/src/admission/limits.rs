//! Limit ranges: what containers of a namespace get that say nothing, and what pods and claims may ask for.

use serde_json::{Value, json};

use crate::meta;
use crate::object::Object;
use crate::quantity::Quantity;
use crate::quota::{Counting, ResourceList, sum};
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;

/// The annotation that says what a pod was given.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// The largest number whose thousandths fit in 64 bits; larger ones are compared in whole units.
const MAX_EXACT: i128 = ((1 << 63) - 1) / 1_000;

fn is_pod(def: &ResourceDef) -> bool {
    def.group.is_empty() && def.plural == "pods"
}

/// The limits of a namespace, range by range.
fn ranges<'c>(core: &'c Core, value: &Value) -> impl Iterator<Item = &'c [Value]> + use<'c> {
    let ranges = core.store.within(&GroupResource::new("", "limitranges"), meta::meta_text(value, "namespace"));
    ranges.map(|range| meta::at(range.value(), "spec.limits").and_then(Value::as_array).map_or(&[][..], Vec::as_slice))
}

/// Gives the containers of a pod what they do not say and a limit range does.
pub(super) fn default(core: &Core, value: &mut Value) {
    for limits in ranges(core, value) {
        let (mut requests, mut maxima) = (ResourceList::default(), ResourceList::default());
        for limit in limits.iter().filter(|limit| meta::text(limit, "type") == "Container") {
            for (name, amount) in ResourceList::read(limit.get("defaultRequest")).iter() {
                requests.set(name, amount.clone());
            }
            for (name, amount) in ResourceList::read(limit.get("default")).iter() {
                maxima.set(name, amount.clone());
            }
        }
        let mut notes = Vec::new();
        for (key, title) in [("containers", "container"), ("initContainers", "init container")] {
            let containers = value.get_mut("spec").and_then(|spec| spec.get_mut(key)).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                let name = meta::text(container, "name").to_owned();
                for (key, which, defaults) in [("requests", "request", &requests), ("limits", "limit", &maxima)] {
                    let given = fill(container, key, defaults);
                    if !given.is_empty() {
                        notes.push(format!("{} {which} for {title} {name}", given.join(", ")));
                    }
                }
            }
        }
        if notes.is_empty() {
            continue;
        }
        if let Some(metadata) = meta::metadata_mut(value) {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            annotations[ANNOTATION] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
        }
    }
}

/// Fills in what is absent; says what that was.
fn fill(container: &mut Value, key: &str, defaults: &ResourceList) -> Vec<String> {
    let Some(resources) = meta::object_at(container, "resources") else {
        return Vec::new();
    };
    let own = resources.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let absent = defaults.only(|name| !own.contains_key(name));
    if absent.is_empty() {
        return Vec::new();
    }
    let mut filled = own;
    filled.extend(absent.iter().map(|(name, amount)| (name.to_owned(), Value::from(amount.to_string()))));
    resources.insert(key.to_owned(), Value::Object(filled));
    absent.names().map(str::to_owned).collect()
}

/// 403 for a pod or a claim that asks for more or less than a limit range of its namespace allows.
pub(super) fn check(core: &Core, def: &ResourceDef, old: Option<&Object>, value: &Value) -> Result<(), Status> {
    if !def.group.is_empty()
        || !matches!(def.plural.as_str(), "pods" | "persistentvolumeclaims")
        || old.is_some_and(Object::is_terminating)
    {
        return Ok(());
    }
    for limits in ranges(core, value) {
        let mut found = Vec::new();
        for limit in limits {
            match (meta::text(limit, "type"), is_pod(def)) {
                ("PersistentVolumeClaim", false) => of_claim(limit, value, &mut found),
                ("Container", true) => {
                    for path in ["spec.containers", "spec.initContainers"] {
                        let containers = meta::at(value, path).and_then(Value::as_array);
                        for container in containers.into_iter().flatten() {
                            let amounts =
                                |which: &str| ResourceList::read(meta::at(container, &format!("resources.{which}")));
                            of_pod("Container", limit, &amounts("requests"), &amounts("limits"), &mut found);
                        }
                    }
                }
                ("Pod", true) => {
                    let amounts = |which| sum(value, which, Counting::Spec);
                    of_pod("Pod", limit, &amounts("requests"), &amounts("limits"), &mut found);
                }
                _ => {}
            }
        }
        if !found.is_empty() {
            let name = meta::meta_text(value, "name");
            return Err(Status::forbidden(&def.group, &def.plural, name, &together(found)));
        }
    }
    Ok(())
}

/// Several errors as one, each said once.
fn together(found: Vec<String>) -> String {
    let mut said: Vec<String> = Vec::new();
    for message in found {
        if !said.contains(&message) {
            said.push(message);
        }
    }
    if said.len() == 1 { said.swap_remove(0) } else { format!("[{}]", said.join(", ")) }
}

fn of_claim(limit: &Value, claim: &Value, found: &mut Vec<String>) {
    const KIND: &str = "PersistentVolumeClaim";
    let requests = ResourceList::read(meta::at(claim, "spec.resources.requests"));
    for (name, least) in ResourceList::read(limit.get("min")).iter() {
        found.extend(too_little(KIND, name, least, requests.get(name), None));
    }
    for (name, most) in ResourceList::read(limit.get("max")).iter() {
        let start = format!("maximum {name} usage per {KIND} is {most}");
        match requests.get(name) {
            None => found.push(format!("{start}.  No request is specified")),
            Some(request) if exceeds(request, most, &[]) => found.push(format!("{start}, but request is {request}")),
            Some(_) => {}
        }
    }
}

fn of_pod(kind: &str, limit: &Value, requests: &ResourceList, limits: &ResourceList, found: &mut Vec<String>) {
    for (name, least) in ResourceList::read(limit.get("min")).iter() {
        found.extend(too_little(kind, name, least, requests.get(name), limits.get(name)));
    }
    for (name, most) in ResourceList::read(limit.get("max")).iter() {
        found.extend(too_much(kind, name, most, requests.get(name), limits.get(name)));
    }
    for (name, ratio) in ResourceList::read(limit.get("maxLimitRequestRatio")).iter() {
        found.extend(too_far_apart(kind, name, ratio, requests.get(name), limits.get(name)));
    }
}

/// Whether one amount is more than another, in thousandths if these and all amounts beside them can be said so.
fn exceeds(one: &Quantity, other: &Quantity, beside: &[&Quantity]) -> bool {
    if [one, other].iter().chain(beside).all(|amount| amount.value() <= MAX_EXACT) {
        return one.milli() > other.milli();
    }
    one.value() > other.value()
}

fn too_little(
    kind: &str,
    name: &str,
    least: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let start = format!("minimum {name} usage per {kind} is {least}");
    let Some(request) = request else {
        return Some(format!("{start}.  No request is specified"));
    };
    if exceeds(least, request, limit.as_slice()) {
        return Some(format!("{start}, but request is {request}"));
    }
    let limit = limit.filter(|limit| exceeds(least, limit, &[request]))?;
    Some(format!("{start}, but limit is {limit}"))
}

fn too_much(
    kind: &str,
    name: &str,
    most: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let start = format!("maximum {name} usage per {kind} is {most}");
    let Some(limit) = limit else {
        return Some(format!("{start}.  No limit is specified"));
    };
    if exceeds(limit, most, request.as_slice()) {
        return Some(format!("{start}, but limit is {limit}"));
    }
    let request = request.filter(|request| exceeds(request, most, &[limit]))?;
    Some(format!("{start}, but request is {request}"))
}

fn too_far_apart(
    kind: &str,
    name: &str,
    ratio: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let start = format!("{name} max limit to request ratio per {kind} is {ratio}");
    let Some(request) = request.filter(|request| !request.is_zero()) else {
        return Some(format!("{start}, but no request is specified or request is 0"));
    };
    let Some(limit) = limit.filter(|limit| !limit.is_zero()) else {
        return Some(format!("{start}, but no limit is specified or limit is 0"));
    };
    let exact = [request, limit, ratio].iter().all(|amount| amount.value() <= MAX_EXACT);
    let amount = |amount: &Quantity| if exact { amount.milli() } else { amount.value() };
    let provided = amount(limit) as f64 / amount(request) as f64;
    let (seen, allowed) = if ratio.value() <= MAX_EXACT {
        (provided * 1_000.0, ratio.milli() as f64)
    } else {
        (provided, ratio.value() as f64)
    };
    (seen > allowed).then(|| format!("{start}, but provided ratio is {provided:.6}"))
}
