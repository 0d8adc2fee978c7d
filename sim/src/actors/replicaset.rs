//! ReplicaSet → Pod: as many active pods as asked for, orphans that match adopted first.

use serde_json::{Value, json};

use super::access::{Access, PODS, REPLICA_SETS, is_deleting, items, number, set_condition};
use super::ownership::{claim, selected};
use super::pods::{by_expendability, from_template, is_active, is_finished, is_ready};
use crate::object::Object;
use crate::options::Propagation;

/// The most pods created or deleted for one set in one pass, as the real controller's burst.
pub(super) const BURST: usize = 500;

pub(super) fn pass(access: Access<'_>) {
    for set in access.all(REPLICA_SETS) {
        let pods = claim(access, REPLICA_SETS, &set, PODS, |pod| {
            selected(&set, pod) && !(super::access::controller(pod.value()).is_none() && is_finished(pod))
        });
        let refused = if is_deleting(&set) { None } else { manage(access, &set, &pods) };
        write_status(access, &set, &pods, refused);
    }
}

pub(super) fn replicas(set: &Object) -> usize {
    number(set.value(), "/spec/replicas").map_or(1, |count| usize::try_from(count).unwrap_or(0))
}

/// Makes or ends pods; what the server says against another one, if it does.
fn manage(access: Access<'_>, set: &Object, pods: &[Object]) -> Option<String> {
    let mut active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let wanted = replicas(set);
    if active.len() < wanted {
        let pod = from_template(REPLICA_SETS, set, &set.value()["spec"]["template"]);
        for _ in 0..(wanted - active.len()).min(BURST) {
            if let Err(status) = access.try_create(PODS, set.namespace(), pod.clone()) {
                return Some(status.message);
            }
        }
    } else if active.len() > wanted {
        let surplus = (active.len() - wanted).min(BURST);
        by_expendability(&mut active);
        for pod in active.into_iter().take(surplus) {
            access.delete(&PODS.target(pod.namespace(), Some(pod.name())), pod.uid(), Propagation::Background);
        }
    }
    None
}

/// The condition of a set that could not make its pods.
pub(super) const FAILURE: &str = "ReplicaFailure";

fn write_status(access: Access<'_>, set: &Object, pods: &[Object], refused: Option<String>) {
    let active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let ready = active.iter().filter(|pod| is_ready(pod)).count();
    let template = set.value()["spec"]["template"]["metadata"]["labels"].as_object();
    let labelled = active
        .iter()
        .filter(|pod| {
            template.is_none_or(|labels| {
                labels.iter().all(|(key, value)| pod.labels().and_then(|found| found.get(key)) == Some(value))
            })
        })
        .count();
    let terminating = pods.iter().filter(|pod| is_deleting(pod) && !is_finished(pod)).count();
    let mut status = json!({
        "replicas": active.len(),
        "terminatingReplicas": terminating,
        "observedGeneration": set.value()["metadata"]["generation"],
    });
    put_counts(
        &mut status,
        &[("fullyLabeledReplicas", labelled), ("readyReplicas", ready), ("availableReplicas", ready)],
    );
    let mut conditions = items(set.value(), "/status/conditions").to_vec();
    match refused {
        // The first refusal stays: each names another pod.
        Some(message) if !conditions.iter().any(|known| known["type"] == FAILURE) => {
            let condition = json!({"type": FAILURE, "status": "True", "reason": "FailedCreate", "message": message});
            set_condition(&mut conditions, condition, &access.stamp());
        }
        Some(_) => {}
        None => conditions.retain(|known| known["type"] != FAILURE),
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    access.set_status(REPLICA_SETS, set, status);
}

/// Sets the counts that are not zero: zeros are left out of a status, as `omitempty` does.
pub(super) fn put_counts(status: &mut Value, counts: &[(&str, usize)]) {
    for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
        status[*name] = (*count).into();
    }
}
