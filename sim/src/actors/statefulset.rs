//! StatefulSet → Pods `name-0`, `name-1`, … with a claim for each template, and ControllerRevisions.
//!
//! With `OrderedReady` a pod is made when all before it are ready, and the last is the first to go; with `Parallel` all at
//! once. Claims are named `template-pod` and stay when the set shrinks or goes, unless the retention policy says otherwise: then
//! they are owned by the set, or by the pod that goes. The version of the template is a ControllerRevision; it is found by its
//! content, not by its name, so that pods and revisions that a restore brought back are kept as they are. Pods of an older
//! version are replaced from the highest ordinal down, down to the partition.
//!
//! # Differences
//!
//! `maxUnavailable` is not played.

use std::ops::Range;

use serde_json::{Value, json};

use super::access::{Access, CLAIMS, PODS, STATEFUL_SETS, controller, entry, is_deleting, items, number, text};
use super::ownership::{claim, selected};
use super::pods::{create, from_template, is_finished, is_ready, label};
use super::replicaset::{BURST, put_counts, replicas};
use super::revisions;
use crate::object::Object;
use crate::options::Propagation;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
const REVISION_HASH: &str = "controller-revision-hash";
/// The label of a ControllerRevision with the hash of its content.
const CONTENT_HASH: &str = "controller.kubernetes.io/hash";

pub(super) fn pass(access: Access<'_>) {
    for set in access.all(STATEFUL_SETS) {
        let pods = claim(access, STATEFUL_SETS, &set, PODS, |pod| selected(&set, pod) && ordinal(&set, pod).is_some());
        let found = revisions::sync(access, STATEFUL_SETS, &set, CONTENT_HASH);
        if found.is_none() && !is_deleting(&set) {
            continue;
        }
        let revision = found.map(|revision| revision.name().to_owned()).unwrap_or_default();
        if !is_deleting(&set) {
            manage(access, &set, &pods, &revision);
        }
        write_status(access, &set, &pods, &revision);
    }
}

/// The ordinal of a pod of this set, from its name.
fn ordinal(set: &Object, pod: &Object) -> Option<usize> {
    let digits = pod.name().strip_prefix(set.name())?.strip_prefix('-')?;
    let ordinal = digits.parse().ok()?;
    (format!("{ordinal}") == digits).then_some(ordinal)
}

/// The ordinals of the pods that there should be.
fn ordinals(set: &Object) -> Range<usize> {
    let start = number(set.value(), "/spec/ordinals/start").and_then(|start| usize::try_from(start).ok()).unwrap_or(0);
    start..start.saturating_add(replicas(set))
}

fn manage(access: Access<'_>, set: &Object, pods: &[Object], revision: &str) {
    let ordinals = ordinals(set);
    let parallel = text(set.value(), "/spec/podManagementPolicy") == Some("Parallel");
    let at = |place: usize| pods.iter().find(|pod| ordinal(set, pod) == Some(place));
    let delete = |pod: &Object| {
        let target = PODS.target(pod.namespace(), Some(pod.name()));
        access.delete(&target, pod.uid(), Propagation::Background);
    };
    own_claims(access, set, pods);
    let mut made = 0;
    for place in ordinals.clone() {
        match at(place) {
            None => {
                create_claims(access, set, place);
                create_pod(access, set, place, revision);
                made += 1;
                // The rest with the next pass.
                if !parallel || made == BURST {
                    return;
                }
            }
            Some(pod) if is_deleting(pod) => {
                if !parallel {
                    return;
                }
            }
            Some(pod) if is_finished(pod) => {
                delete(pod);
                if !parallel {
                    return;
                }
            }
            Some(pod) => {
                create_claims(access, set, place);
                if !parallel && !is_ready(pod) {
                    return;
                }
            }
        }
    }
    let mut surplus: Vec<&Object> =
        pods.iter().filter(|pod| ordinal(set, pod).is_some_and(|place| !ordinals.contains(&place))).collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal(set, pod)));
    for pod in surplus {
        if !is_deleting(pod) {
            delete(pod);
        }
        if !parallel {
            return;
        }
    }
    if text(set.value(), "/spec/updateStrategy/type") == Some("OnDelete") {
        return;
    }
    let partition = number(set.value(), "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for place in ordinals.skip(usize::try_from(partition).unwrap_or(0)).rev() {
        let Some(pod) = at(place) else { return };
        if version(pod) != Some(revision) && !is_deleting(pod) {
            return delete(pod);
        }
        if !is_ready(pod) || is_deleting(pod) {
            return;
        }
    }
}

fn version(pod: &Object) -> Option<&str> {
    pod.labels()?.get(REVISION_HASH)?.as_str()
}

fn claim_templates(set: &Object) -> &[Value] {
    items(set.value(), "/spec/volumeClaimTemplates")
}

fn claim_name(template: &Value, set: &Object, place: usize) -> Option<String> {
    Some(format!("{}-{}-{place}", text(template, "/metadata/name")?, set.name()))
}

fn create_claims(access: Access<'_>, set: &Object, place: usize) {
    for template in claim_templates(set) {
        let Some(name) = claim_name(template, set, place) else { continue };
        if access.get(CLAIMS, set.namespace(), &name).is_some() {
            continue;
        }
        let mut metadata = template["metadata"].clone();
        metadata["name"] = name.into();
        if let Some(namespace) = set.namespace() {
            metadata["namespace"] = namespace.into();
        }
        if let Some(selector) = set.value()["spec"]["selector"]["matchLabels"].as_object() {
            entry(&mut metadata, "labels").extend(selector.clone());
        }
        access.create(CLAIMS, set.namespace(), json!({"metadata": metadata, "spec": template["spec"]}));
    }
}

/// Makes the claims belong to who takes them along when it goes, as the retention policy says.
fn own_claims(access: Access<'_>, set: &Object, pods: &[Object]) {
    let policy = &set.value()["spec"]["persistentVolumeClaimRetentionPolicy"];
    let (deleted, scaled) = (policy["whenDeleted"] == "Delete", policy["whenScaled"] == "Delete");
    for pod in pods {
        let Some(place) = ordinal(set, pod) else { continue };
        let surplus = !ordinals(set).contains(&place);
        let owner = match (deleted, scaled) {
            (_, true) if surplus => Some(PODS.controller_reference(pod)),
            (true, false) => Some(STATEFUL_SETS.controller_reference(set)),
            (true, true) => Some(STATEFUL_SETS.controller_reference(set)).filter(|_| !surplus),
            (false, _) => None,
        };
        for template in claim_templates(set) {
            let found = claim_name(template, set, place).and_then(|name| access.get(CLAIMS, set.namespace(), &name));
            let Some(claim) = found.filter(|claim| !is_deleting(claim)) else { continue };
            let before = items(claim.value(), "/metadata/ownerReferences");
            let ours = |reference: &Value| [set.uid(), pod.uid()].iter().any(|uid| reference["uid"] == *uid);
            let mut after: Vec<Value> = before.iter().filter(|reference| !ours(reference)).cloned().collect();
            // What somebody else controls is not ours to own.
            let owner = owner.clone().filter(|_| !after.iter().any(|reference| reference["controller"] == true));
            after.extend(owner);
            if after != before {
                let mut body = claim.value().clone();
                body["metadata"]["ownerReferences"] = after.into();
                access.update(CLAIMS, body);
            }
        }
    }
}

fn create_pod(access: Access<'_>, set: &Object, place: usize, revision: &str) {
    let mut pod = from_template(STATEFUL_SETS, set, &set.value()["spec"]["template"]);
    let name = format!("{}-{place}", set.name());
    label(&mut pod, POD_NAME, &name);
    label(&mut pod, POD_INDEX, &place.to_string());
    label(&mut pod, REVISION_HASH, revision);
    pod["metadata"]["name"] = name.clone().into();
    pod["spec"]["hostname"] = name.into();
    if let Some(service) = text(set.value(), "/spec/serviceName").filter(|service| !service.is_empty()) {
        pod["spec"]["subdomain"] = service.into();
    }
    let templates = claim_templates(set);
    let mounted = |volume: &Value| templates.iter().any(|template| template["metadata"]["name"] == volume["name"]);
    let mut volumes: Vec<Value> =
        items(&pod, "/spec/volumes").iter().filter(|volume| !mounted(volume)).cloned().collect();
    volumes.extend(templates.iter().filter_map(|template| {
        let claim = claim_name(template, set, place)?;
        Some(json!({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}}))
    }));
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = volumes.into();
    }
    create(access, set, pod);
}

fn write_status(access: Access<'_>, set: &Object, pods: &[Object], revision: &str) {
    let mine: Vec<&Object> = pods.iter().filter(|pod| controller(pod.value()).is_some() && !is_finished(pod)).collect();
    let living: Vec<&&Object> = mine.iter().filter(|pod| !is_deleting(pod)).collect();
    let ready = living.iter().filter(|pod| is_ready(pod)).count();
    let updated = living.iter().filter(|pod| version(pod) == Some(revision)).count();
    let settled = updated == replicas(set) && ready == replicas(set);
    let current = match text(set.value(), "/status/currentRevision") {
        Some(current) if !settled && !current.is_empty() => current,
        _ => revision,
    };
    let of_current = living.iter().filter(|pod| version(pod) == Some(current)).count();
    let mut status = json!({
        "replicas": mine.len(),
        "availableReplicas": ready,
        "collisionCount": 0,
        "currentRevision": current,
        "updateRevision": revision,
        "observedGeneration": set.value()["metadata"]["generation"],
    });
    put_counts(&mut status, &[("readyReplicas", ready), ("currentReplicas", of_current), ("updatedReplicas", updated)]);
    access.set_status(STATEFUL_SETS, set, status);
}
