//! Deployment → ReplicaSet: one set for each version of the template, moved over as the strategy says.
//!
//! The set of the present template is found by comparing templates without `pod-template-hash`, not by its name, so that
//! a set that a restore brought back is used again. Orphaned sets that match the selector are adopted. Revisions are
//! numbered in annotations; a template that was had before gets its old set back under a new number. Old sets beyond
//! `revisionHistoryLimit` are deleted once they are empty.
//!
//! # Differences
//!
//! Scaling in the middle of a rolling update is not spread proportionally: the new set is moved first. A pod is
//! available as soon as it is ready (`minReadySeconds` and `progressDeadlineSeconds` are not timed).

use serde_json::{Value, json};

use super::access::{
    Access, DEPLOYMENTS, REPLICA_SETS, annotation, entry, is_deleting, items, number, set_annotation, set_condition,
    text,
};
use super::hash::short;
use super::ownership::{claim, selected};
use super::replicaset::{FAILURE, put_counts, replicas};
use crate::object::Object;
use crate::options::Propagation;

const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that are its own and do not go to its sets.
const OWN_ANNOTATIONS: [&str; 4] = ["kubectl.kubernetes.io/last-applied-configuration", REVISION, DESIRED, MAXIMUM];
const DEFAULT_HISTORY: i64 = 10;

pub(super) fn pass(access: Access<'_>) {
    for deployment in access.all(DEPLOYMENTS) {
        let sets = claim(access, DEPLOYMENTS, &deployment, REPLICA_SETS, |set| selected(&deployment, set));
        if is_deleting(&deployment) {
            continue;
        }
        sync(access, &deployment, sets);
    }
}

/// How far a rolling update may go beyond and below the wanted count.
#[derive(Clone, Copy)]
struct Bounds {
    wanted: usize,
    surge: usize,
    unavailable: usize,
}

impl Bounds {
    fn of(deployment: &Object) -> Self {
        let wanted = replicas(deployment);
        if is_recreate(deployment) || wanted == 0 {
            return Self { wanted, surge: 0, unavailable: 0 };
        }
        let rolling = &deployment.value()["spec"]["strategy"]["rollingUpdate"];
        let surge = share(&rolling["maxSurge"], wanted, true);
        let unavailable = share(&rolling["maxUnavailable"], wanted, false).min(wanted);
        // Both zero could never move; the real controller then allows one to be missing.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { wanted, surge, unavailable }
    }

    fn maximum(self) -> usize {
        self.wanted + self.surge
    }

    fn minimum(self) -> usize {
        self.wanted - self.unavailable
    }
}

fn is_recreate(deployment: &Object) -> bool {
    text(deployment.value(), "/spec/strategy/type") == Some("Recreate")
}

/// A count or a percentage of `of`, 25 % where nothing is said.
pub(super) fn share(value: &Value, of: usize, round_up: bool) -> usize {
    if let Some(count) = value.as_u64() {
        return usize::try_from(count).unwrap_or(usize::MAX).min(1 << 31);
    }
    let percent: usize =
        value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse().ok()).unwrap_or(25);
    let product = of.saturating_mul(percent.min(10_000));
    if round_up { product.div_ceil(100) } else { product / 100 }
}

fn sync(access: Access<'_>, deployment: &Object, sets: Vec<Object>) {
    let bounds = Bounds::of(deployment);
    let wanted = template_key(&deployment.value()["spec"]["template"]);
    let is_present = |set: &Object| template_key(&set.value()["spec"]["template"]) == wanted;
    let paused = deployment.value()["spec"]["paused"] == true;
    let mut old: Vec<Object> = sets;
    // After a restore two sets may have the template. The oldest is it, whatever their revisions: the chosen one's is raised.
    old.sort_by_key(|set| (created(set), set.name().to_owned()));
    let present = old.iter().position(is_present).map(|place| old.remove(place));
    old.sort_by_key(|set| (revision(set), set.name().to_owned()));
    let next = old.iter().map(revision).max().unwrap_or(0).saturating_add(1);
    let busy = old.iter().any(|set| number(set.value(), "/status/replicas").unwrap_or(0) > 0 || replicas(set) > 0);
    let present = match present {
        Some(set) => Some(annotate(access, deployment, set, next, bounds)),
        None if paused || (is_recreate(deployment) && busy) => None,
        None => {
            let already: usize = old.iter().map(replicas).sum();
            let count = if is_recreate(deployment) {
                bounds.wanted
            } else {
                bounds.wanted.min(bounds.maximum().saturating_sub(already))
            };
            new_set(access, deployment, next, count, bounds)
        }
    };
    if let Some(present) = &present {
        note_revision(access, deployment, present);
    }
    if !paused {
        scale(access, deployment, present.as_ref(), &old, bounds);
        forget_old(access, deployment, &old);
    } else if let Some(present) = &present
        && old.iter().all(|set| replicas(set) == 0)
    {
        set_replicas(access, present, bounds.wanted);
    }
    write_status(access, deployment, present.as_ref(), &old, bounds);
}

/// The template without its hash, nulls and empty parts: what makes two templates the same version.
fn template_key(template: &Value) -> Value {
    let mut key = template.clone();
    if let Some(labels) = key.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    without_empty(key)
}

fn without_empty(value: Value) -> Value {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key, without_empty(value))).filter(|(_, value)| !empty(value)).collect()
        }
        Value::Array(list) => list.into_iter().map(without_empty).collect(),
        other => other,
    }
}

/// When the set was created; text in UTC and whole seconds sorts like the time.
fn created(set: &Object) -> String {
    text(set.value(), "/metadata/creationTimestamp").unwrap_or_default().to_owned()
}

fn revision(set: &Object) -> u64 {
    annotation(set.value(), REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn new_set(access: Access<'_>, deployment: &Object, revision: u64, count: usize, bounds: Bounds) -> Option<Object> {
    let mut template = deployment.value()["spec"]["template"].clone();
    let hash = short(&template_key(&template));
    entry(&mut template["metadata"], "labels").insert(HASH_LABEL.to_owned(), hash.clone().into());
    let mut selector = deployment.value()["spec"]["selector"].clone();
    entry(&mut selector, "matchLabels").insert(HASH_LABEL.to_owned(), hash.clone().into());
    let mut body = json!({
        "metadata": {
            "name": format!("{}-{hash}", deployment.name()),
            "namespace": deployment.namespace(),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [DEPLOYMENTS.controller_reference(deployment)],
        },
        "spec": {"replicas": count, "selector": selector, "template": template},
    });
    if let Some(seconds) = deployment.value()["spec"].get("minReadySeconds") {
        body["spec"]["minReadySeconds"] = seconds.clone();
    }
    put_annotations(&mut body, deployment, revision, bounds);
    access.create(REPLICA_SETS, deployment.namespace(), body)
}

/// Gives a set the annotations that its Deployment wants on it; says whether any was missing.
fn put_annotations(set: &mut Value, deployment: &Object, revision: u64, bounds: Bounds) -> bool {
    let mut changed = false;
    let inherited = deployment.metadata().get("annotations").and_then(Value::as_object);
    for (key, value) in inherited.into_iter().flatten() {
        if !OWN_ANNOTATIONS.contains(&key.as_str())
            && let Some(value) = value.as_str()
        {
            changed |= set_annotation(set, key, value);
        }
    }
    changed |= set_annotation(set, REVISION, &revision.to_string());
    changed |= set_annotation(set, DESIRED, &bounds.wanted.to_string());
    changed | set_annotation(set, MAXIMUM, &bounds.maximum().to_string())
}

/// The present set with the right annotations: its revision rises above all others, and never falls.
fn annotate(access: Access<'_>, deployment: &Object, set: Object, next: u64, bounds: Bounds) -> Object {
    let mut body = set.value().clone();
    if put_annotations(&mut body, deployment, next.max(revision(&set)), bounds) {
        access.update(REPLICA_SETS, body).unwrap_or(set)
    } else {
        set
    }
}

fn note_revision(access: Access<'_>, deployment: &Object, present: &Object) {
    let mut body = deployment.value().clone();
    if set_annotation(&mut body, REVISION, &revision(present).to_string()) {
        access.update(DEPLOYMENTS, body);
    }
}

fn set_replicas(access: Access<'_>, set: &Object, count: usize) {
    if replicas(set) != count {
        let mut body = set.value().clone();
        body["spec"]["replicas"] = count.into();
        access.update(REPLICA_SETS, body);
    }
}

fn available(set: &Object) -> usize {
    number(set.value(), "/status/availableReplicas").map_or(0, |count| usize::try_from(count).unwrap_or(0))
}

/// One move of the roll-out.
fn scale(access: Access<'_>, deployment: &Object, present: Option<&Object>, old: &[Object], bounds: Bounds) {
    if is_recreate(deployment) {
        for set in old {
            set_replicas(access, set, 0);
        }
        if let Some(present) = present {
            set_replicas(access, present, bounds.wanted);
        }
        return;
    }
    let Some(present) = present else { return };
    let total: usize = old.iter().map(replicas).sum::<usize>() + replicas(present);
    let mine = replicas(present);
    if mine > bounds.wanted {
        return set_replicas(access, present, bounds.wanted);
    }
    let room = bounds.maximum().saturating_sub(total).min(bounds.wanted - mine);
    if room > 0 {
        return set_replicas(access, present, mine + room);
    }
    let missing = mine.saturating_sub(available(present));
    let mut spare = total.saturating_sub(bounds.minimum() + missing);
    // What does not run is given up first, then what runs, oldest first.
    for set in old {
        let unhealthy = replicas(set).saturating_sub(available(set)).min(spare);
        let living: usize = old.iter().map(available).sum::<usize>() + available(present);
        let healthy = (replicas(set) - unhealthy).min(spare - unhealthy).min(living.saturating_sub(bounds.minimum()));
        spare -= unhealthy + healthy;
        set_replicas(access, set, replicas(set) - unhealthy - healthy);
        if healthy > 0 {
            return;
        }
    }
}

fn forget_old(access: Access<'_>, deployment: &Object, old: &[Object]) {
    let limit = number(deployment.value(), "/spec/revisionHistoryLimit").unwrap_or(DEFAULT_HISTORY);
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for set in old.iter().take(surplus) {
        let empty = replicas(set) == 0 && number(set.value(), "/status/replicas").unwrap_or(0) == 0;
        if empty && !is_deleting(set) {
            let target = REPLICA_SETS.target(set.namespace(), Some(set.name()));
            access.delete(&target, set.uid(), Propagation::Background);
        }
    }
}

fn write_status(access: Access<'_>, deployment: &Object, present: Option<&Object>, old: &[Object], bounds: Bounds) {
    let Some(deployment) =
        access.get(DEPLOYMENTS, deployment.namespace(), deployment.name()).filter(|now| now.uid() == deployment.uid())
    else {
        return;
    };
    let sum = |pointer: &str| -> usize {
        let counts = old.iter().chain(present).map(|set| number(set.value(), pointer).unwrap_or(0));
        usize::try_from(counts.sum::<i64>()).unwrap_or(0)
    };
    let total = sum("/status/replicas");
    let (ready, living) = (sum("/status/readyReplicas"), sum("/status/availableReplicas"));
    let updated = present.and_then(|set| number(set.value(), "/status/replicas")).unwrap_or(0);
    let updated = usize::try_from(updated).unwrap_or(0);
    let mut status = json!({
        "observedGeneration": deployment.value()["metadata"]["generation"],
        "terminatingReplicas": sum("/status/terminatingReplicas"),
    });
    put_counts(
        &mut status,
        &[
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", living),
            ("unavailableReplicas", bounds.wanted.saturating_sub(living)),
        ],
    );
    if let Some(count) = deployment.value().pointer("/status/collisionCount") {
        status["collisionCount"] = count.clone();
    }
    let complete = updated == bounds.wanted && total == bounds.wanted && living >= bounds.wanted;
    let mut conditions = conditions(access, &deployment, present, living >= bounds.minimum(), complete);
    // The new set says why its pods are not there, else an old one does.
    let failures = present.into_iter().chain(old).flat_map(|set| items(set.value(), "/status/conditions"));
    match failures.into_iter().find(|condition| condition["type"] == FAILURE) {
        Some(failure) => {
            let (reason, message) = (text(failure, "/reason"), text(failure, "/message").unwrap_or_default());
            let reason = reason.unwrap_or_default();
            put_condition(&mut conditions, FAILURE, "True", reason, message.to_owned(), &access.stamp());
        }
        None => conditions.retain(|condition| condition["type"] != FAILURE),
    }
    status["conditions"] = conditions.into();
    access.set_status(DEPLOYMENTS, &deployment, status);
}

fn conditions(
    access: Access<'_>,
    deployment: &Object,
    present: Option<&Object>,
    enough: bool,
    complete: bool,
) -> Vec<Value> {
    let now = access.stamp();
    let mut conditions = items(deployment.value(), "/status/conditions").to_vec();
    let (status, reason, message) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    put_condition(&mut conditions, "Available", status, reason, message.to_owned(), &now);
    if let Some(present) = present {
        let name = present.name();
        let (reason, message) = if complete {
            ("NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
        } else {
            ("ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
        };
        put_condition(&mut conditions, "Progressing", "True", reason, message, &now);
    }
    conditions
}

/// Sets a condition; one that says the same keeps its times.
fn put_condition(conditions: &mut Vec<Value>, kind: &str, status: &str, reason: &str, message: String, now: &str) {
    let same = |old: &Value| old["type"] == kind && old["status"] == status && old["reason"] == reason;
    if conditions.iter().any(|old| same(old) && old["message"] == message) {
        return;
    }
    let condition = json!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now,
    });
    set_condition(conditions, condition, now);
}
