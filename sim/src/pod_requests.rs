//! Requests that pods alone take: to be bound to a node, and to be evicted from it.
//!
//! Owns the order of the checks of both, and what they write. An eviction of a pod that runs asks the disruption budgets of its
//! namespace.
//!
//! # Differences
//!
//! Labels of the topology of a node are not copied to its pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::delete::{Asked, check_preconditions};
use crate::kinds::{self, Causes};
use crate::meta;
use crate::object::Object;
use crate::options::{DeleteOptions, Propagation, Target, WriteOptions};
use crate::resource::{GroupResource, ResourceDef};
use crate::rules;
use crate::select::matches_object;
use crate::server::Core;
use crate::status::{Cause, Status};
use crate::store;

/// How many evictions of one budget may be under way.
const DISRUPTED_MAX: usize = 2000;

/// How long whoever is refused by a budget that is not up to date is told to wait, in seconds.
const RETRY_SECONDS: u64 = 10;

/// Who writes the status of a budget that lets a pod go.
const MANAGER: &str = "kube-apiserver";

const VIOLATION: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

fn success() -> Object {
    Object::new(json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "code": 201}))
}

fn named(target: &Target, body: &Value, kind: &str) -> Result<(), Status> {
    if Some(meta::meta_text(body, "name")) == target.name.as_deref() {
        return Ok(());
    }
    Err(Status::bad_request(format!("name in URL does not match name in {kind} object")))
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    meta::at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a condition of a pod in its place; its time is that of its last change.
fn condition(pod: &mut Value, mut condition: Value, now: Timestamp) {
    condition["lastProbeTime"] = Value::Null;
    condition["lastTransitionTime"] = rfc3339(now).into();
    let Some(status) = meta::object_at(pod, "status") else {
        return;
    };
    let Some(conditions) = status.entry("conditions").or_insert_with(|| json!([])).as_array_mut() else {
        return;
    };
    match conditions.iter_mut().find(|known| known["type"] == condition["type"]) {
        Some(known) => {
            if known["status"] == condition["status"]
                && let Some(time) = known.get("lastTransitionTime")
            {
                condition["lastTransitionTime"] = time.clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

/// Binds a pod to a node.
pub(crate) fn bind(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    body: &Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Object, Status> {
    named(target, body, "Binding")?;
    let mut causes = Causes::default();
    kinds::binding(body, &mut causes);
    let found: Vec<_> = causes.into_found().iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    match found.as_slice() {
        [] => {}
        // A real server answers as if it had failed.
        [one] => return Err(Status::storage(one.as_str())),
        many => return Err(Status::storage(format!("[{}]", many.join(", ")))),
    }
    let pod = core.existing(def, target)?;
    rules::seen(def, target, &pod, body, options.dry_run)?;
    let name = pod.name();
    let bound = text(pod.value(), "spec.nodeName");
    let gates = meta::at(pod.value(), "spec.schedulingGates").and_then(Value::as_array);
    let refusal = if pod.is_terminating() {
        Some(format!("pod {name} is being deleted, cannot be assigned to a host"))
    } else if !bound.is_empty() {
        Some(format!("pod {name} is already assigned to node {bound:?}"))
    } else if gates.is_some_and(|gates| !gates.is_empty()) {
        Some(format!("pod {name} has non-empty .spec.schedulingGates"))
    } else {
        None
    };
    if let Some(why) = refusal {
        return Err(Status::conflict("", "pods/binding", name, &why));
    }
    let mut new = pod.value().clone();
    if let Some(spec) = meta::object_at(&mut new, "spec") {
        spec.insert("nodeName".to_owned(), Value::from(text(body, "target.name")));
    }
    if let Some(status) = meta::object_at(&mut new, "status") {
        status.remove("nominatedNodeName");
    }
    for key in ["annotations", "labels"] {
        let given = meta::metadata(body).get(key).and_then(Value::as_object).filter(|given| !given.is_empty());
        if let (Some(given), Some(own)) = (given, meta::object_at(&mut new, &format!("metadata.{key}"))) {
            own.extend(given.clone());
        }
    }
    meta::tidy(&mut new);
    // The server itself notes that the pod is scheduled. It is not a new generation: nobody wants another pod now.
    condition(&mut new, json!({"type": "PodScheduled", "status": "True"}), now);
    if !options.dry_run {
        core.commit(def, &store::key(pod.namespace(), name), new);
    }
    Ok(success())
}

/// Deletes a pod where its disruption budget allows it.
pub(crate) fn evict(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    body: &Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Object, Status> {
    named(target, body, "Eviction")?;
    let field = "deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential";
    if meta::at(body, field) == Some(&Value::Bool(true)) {
        let why = "can not be set for pod eviction, try after removing the option";
        let name = target.name.as_deref().unwrap_or_default();
        return Err(Status::invalid("policy", "Eviction", name, &[Cause::invalid(field, &true.into(), why)]));
    }
    let mut deletion = deletion(body);
    deletion.dry_run |= options.dry_run;
    let pod = core.existing(def, target)?;
    // Whoever waits, has ended or goes already disturbs nobody.
    let phase = text(pod.value(), "status.phase");
    if !matches!(phase, "Succeeded" | "Failed" | "Pending")
        && !pod.is_terminating()
        && let Some(refusal) = ask_budget(core, &pod, deletion.dry_run, now)?
    {
        return Ok(refusal);
    }
    check_preconditions(def, &pod, &deletion, Asked::ByName)?;
    if !deletion.dry_run {
        let mut new = pod.value().clone();
        let why = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
        });
        condition(&mut new, why, now);
        if new != *pod.value() {
            core.commit(def, &store::key(pod.namespace(), pod.name()), new);
        }
    }
    // Its version is another one by now.
    deletion.resource_version = None;
    core.delete(def, target, &deletion, Asked::ByName, now, |_, _| Ok(()))?;
    Ok(success())
}

fn deletion(body: &Value) -> DeleteOptions {
    let given = |path: &str| {
        let value = meta::at(body, &format!("deleteOptions.{path}")).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let dry_run = meta::at(body, "deleteOptions.dryRun").and_then(Value::as_array);
    DeleteOptions {
        propagation: match given("propagationPolicy").as_deref() {
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Background") => Some(Propagation::Background),
            Some("Orphan") => Some(Propagation::Orphan),
            _ => None,
        },
        grace_period_seconds: meta::at(body, "deleteOptions.gracePeriodSeconds").and_then(Value::as_i64),
        uid: given("preconditions.uid"),
        resource_version: given("preconditions.resourceVersion"),
        dry_run: dry_run.is_some_and(|list| !list.is_empty()),
    }
}

/// Takes one disruption from the budget of a pod, if it has one; an answer that is no success where it cannot be asked.
fn ask_budget(core: &mut Core, pod: &Object, dry_run: bool, now: Timestamp) -> Result<Option<Object>, Status> {
    let labels = meta::metadata(pod.value()).get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
    let selects = |budget: &&Object| {
        budget.namespace() == pod.namespace()
            && meta::at(budget.value(), "spec.selector").is_some_and(|selector| matches_object(selector, &labels))
    };
    let budgets = GroupResource::new("policy", "poddisruptionbudgets");
    let found: Vec<Object> = core.store.all(&budgets).map(|(_, budget)| budget).filter(selects).cloned().collect();
    let budget = match found.as_slice() {
        [] => return Ok(None),
        [one] => one,
        _ => {
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Ok(Some(Object::new(json!({
                "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": why, "code": 500,
            }))));
        }
    };
    let status = meta::at(budget.value(), "status").cloned().unwrap_or_default();
    let number = |key: &str| status.get(key).and_then(Value::as_i64).unwrap_or_default();
    if !is_ready(pod) {
        if text(budget.value(), "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow" {
            return Ok(None);
        }
        if number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0 {
            return Ok(None);
        }
    }
    let generation = meta::metadata(budget.value()).get("generation").and_then(Value::as_i64).unwrap_or_default();
    if number("observedGeneration") < generation {
        let why = format!("The disruption budget {} is still being processed by the server.", budget.name());
        return Err(Status::disruption(VIOLATION, RETRY_SECONDS, &why));
    }
    let forbidden = |why| Err(Status::forbidden("policy", "poddisruptionbudget", budget.name(), why));
    if number("disruptionsAllowed") < 0 {
        return forbidden("pdb disruptions allowed is negative");
    }
    let disrupted = status.get("disruptedPods").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    if disrupted > DISRUPTED_MAX {
        return forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
    }
    if number("disruptionsAllowed") == 0 {
        return Err(Status::disruption(VIOLATION, 0, &no_disruption(budget, &status)));
    }
    if !dry_run {
        take_disruption(core, budget, pod, now)?;
    }
    Ok(None)
}

fn is_ready(pod: &Object) -> bool {
    let conditions = meta::at(pod.value(), "status.conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Why a budget allows no disruption now.
fn no_disruption(budget: &Object, status: &Value) -> String {
    let name = budget.name();
    let number = |key: &str| status.get(key).and_then(Value::as_i64).unwrap_or_default();
    let (needs, has) = (number("desiredHealthy"), number("currentHealthy"));
    let conditions = status.get("conditions").and_then(Value::as_array);
    let told = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "DisruptionAllowed")
        .filter(|condition| condition["status"] == "False" && !meta::text(condition, "message").is_empty())
        .map(|condition| (meta::text(condition, "reason"), meta::text(condition, "message")));
    match told {
        Some(("SyncFailed", message)) => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        _ if has <= needs => format!("The disruption budget {name} needs {needs} healthy pods and has {has} currently"),
        Some((reason, message)) => {
            format!("The disruption budget {name} does not allow evicting pods currently ({reason}): {message}")
        }
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

/// Notes in a budget that a pod goes.
fn take_disruption(core: &mut Core, budget: &Object, pod: &Object, now: Timestamp) -> Result<(), Status> {
    let Some(def) = core.registry.find("policy", "v1", "poddisruptionbudgets").cloned() else {
        return Ok(());
    };
    let mut new = budget.value().clone();
    if let Some(status) = meta::object_at(&mut new, "status") {
        let left = status.get("disruptionsAllowed").and_then(Value::as_i64).unwrap_or_default() - 1;
        status.insert("disruptionsAllowed".to_owned(), left.into());
        status.entry("disruptedPods").or_insert_with(|| json!({}))[pod.name()] = rfc3339(now).into();
        if left == 0 {
            let observed = status.get("observedGeneration").cloned();
            let mut condition = json!({
                "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
                "lastTransitionTime": rfc3339(now),
            });
            if let Some(observed) = observed {
                condition["observedGeneration"] = observed;
            }
            let conditions = status.entry("conditions").or_insert_with(|| json!([])).as_array_mut();
            if let Some(conditions) = conditions {
                match conditions.iter_mut().find(|known| known["type"] == "DisruptionAllowed") {
                    Some(known) => {
                        if known["status"] == "False" {
                            condition["lastTransitionTime"] = known["lastTransitionTime"].clone();
                        }
                        *known = condition;
                    }
                    None => conditions.push(condition),
                }
            }
        }
    }
    let target = Target {
        subresource: Some("status".to_owned()),
        ..Target::new("policy", "v1", "poddisruptionbudgets")
            .in_namespace(budget.namespace().unwrap_or_default())
            .named(budget.name())
    };
    let options = WriteOptions { field_manager: Some(MANAGER.to_owned()), ..WriteOptions::default() };
    core.replace(&def, &target, budget, new, &options, now, &mut Vec::new()).map(drop)
}
