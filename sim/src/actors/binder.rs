//! The volume binder: claims find volumes, volumes follow their claims.
//!
//! A volume with a `claimRef` without uid waits for the claim of that name; a claim with a `volumeName` waits for that
//! volume; any other claim gets the smallest volume that fits its class, access modes, volume mode, selector and size.
//! Both sides are written as the real controller writes them: the reference with uid, `volumeName`, the annotations
//! `pv.kubernetes.io/bind-completed` and, only on what the controller chose, `pv.kubernetes.io/bound-by-controller`.
//! When the claim goes, its volume is `Released`, or deleted if its policy says so. A claim that was bound and whose
//! volume is gone or belongs to another uid is `Lost`, and stays so: a restore that brings the annotations back without
//! the volume has made that mistake.
//!
//! With `WaitForFirstConsumer` a claim waits until a pod names it, unless a volume is reserved for it by `claimRef`.
//!
//! # Differences
//!
//! Node affinity is not looked at (there is one node). The policy `Recycle` does nothing. Dynamic provisioning makes the
//! volume object only, at once.

use serde_json::{Value, json};

use super::access::{
    Access, CLAIMS, PODS, STORAGE_CLASSES, VOLUMES, annotation, is_deleting, items, remove_annotation, set_annotation,
    text,
};
use super::pods::claim_names;
use super::selector::selects;
use crate::object::Object;
use crate::options::Propagation;
use crate::quantity::milli;

const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const STORAGE_PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
/// The provisioner name of classes whose volumes are made by hand.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

pub(super) fn pass(access: Access<'_>, provisioner: bool) {
    for volume in access.all(VOLUMES) {
        sync_volume(access, &volume);
    }
    for claim in access.all(CLAIMS) {
        if is_deleting(&claim) {
            continue;
        }
        if annotation(claim.value(), BIND_COMPLETED).is_some() {
            sync_bound(access, &claim);
        } else {
            sync_unbound(access, &claim, provisioner);
        }
    }
}

fn sync_volume(access: Access<'_>, volume: &Object) {
    let reference = &volume.value()["spec"]["claimRef"];
    let Some(uid) = text(reference, "/uid").filter(|uid| !uid.is_empty()) else {
        set_phase(access, volume, "Available");
        return;
    };
    let claim = text(reference, "/name")
        .and_then(|name| access.get(CLAIMS, text(reference, "/namespace"), name))
        .filter(|claim| claim.uid() == uid);
    let Some(claim) = claim else {
        release(access, volume);
        return;
    };
    match text(claim.value(), "/spec/volumeName") {
        None | Some("") => {}
        Some(name) if name == volume.name() => set_phase(access, volume, "Bound"),
        Some(_) => unbind(access, volume),
    }
}

/// The claim is gone: the data stays or goes, as the policy says.
fn release(access: Access<'_>, volume: &Object) {
    if text(volume.value(), "/status/phase") != Some("Failed") {
        set_phase(access, volume, "Released");
    }
    if text(volume.value(), "/spec/persistentVolumeReclaimPolicy") == Some("Delete") && !is_deleting(volume) {
        access.delete(&VOLUMES.target(None, Some(volume.name())), volume.uid(), Propagation::Background);
    }
}

/// The claim has taken another volume: this one is free again. What a person reserved stays reserved.
fn unbind(access: Access<'_>, volume: &Object) {
    let mut body = volume.value().clone();
    if remove_annotation(&mut body, BOUND_BY_CONTROLLER) {
        if let Some(spec) = body["spec"].as_object_mut() {
            spec.remove("claimRef");
        }
    } else if let Some(reference) = body["spec"]["claimRef"].as_object_mut() {
        reference.remove("uid");
        reference.remove("resourceVersion");
    }
    access.update(VOLUMES, body);
}

fn sync_unbound(access: Access<'_>, claim: &Object, provisioner: bool) {
    let wanted = text(claim.value(), "/spec/volumeName").unwrap_or_default();
    if wanted.is_empty() {
        let consumed = !waits_for_consumer(access, claim);
        let volumes = access.all(VOLUMES);
        if let Some(volume) = best_match(&volumes, claim, consumed) {
            bind(access, volume, claim);
        } else if provisioner && consumed {
            provision(access, claim);
        }
        return;
    }
    let Some(volume) = access.get(VOLUMES, None, wanted) else { return };
    let free = volume.value()["spec"].get("claimRef").is_none_or(Value::is_null);
    if (free && satisfies(&volume, claim)) || (!free && reserved_for(&volume, claim)) {
        bind(access, &volume, claim);
    }
}

fn sync_bound(access: Access<'_>, claim: &Object) {
    let volume = text(claim.value(), "/spec/volumeName")
        .filter(|name| !name.is_empty())
        .and_then(|name| access.get(VOLUMES, None, name));
    let mine = volume.filter(|volume| {
        let reference = &volume.value()["spec"]["claimRef"];
        reference.is_null() || text(reference, "/uid") == Some(claim.uid())
    });
    if let Some(volume) = mine {
        return bind(access, &volume, claim);
    }
    let mut status = claim.value().get("status").cloned().unwrap_or_else(|| json!({}));
    status["phase"] = "Lost".into();
    access.set_status(CLAIMS, claim, status);
}

/// Whether the volume's `claimRef` names this claim, by name and, if it has one, by uid.
fn reserved_for(volume: &Object, claim: &Object) -> bool {
    let reference = &volume.value()["spec"]["claimRef"];
    text(reference, "/name") == Some(claim.name())
        && text(reference, "/namespace") == claim.namespace()
        && text(reference, "/uid").is_none_or(|uid| uid.is_empty() || uid == claim.uid())
}

fn class_of(object: &Object) -> &str {
    annotation(object.value(), CLASS_ANNOTATION)
        .or_else(|| text(object.value(), "/spec/storageClassName"))
        .unwrap_or_default()
}

fn volume_mode(object: &Object) -> &str {
    text(object.value(), "/spec/volumeMode").unwrap_or("Filesystem")
}

fn size(object: &Object, pointer: &str) -> i128 {
    text(object.value(), pointer).and_then(milli).unwrap_or(0)
}

fn large_enough(volume: &Object, claim: &Object) -> bool {
    size(volume, "/spec/capacity/storage") >= size(claim, "/spec/resources/requests/storage")
}

fn offers_modes(volume: &Object, claim: &Object) -> bool {
    let offered = items(volume.value(), "/spec/accessModes");
    items(claim.value(), "/spec/accessModes").iter().all(|mode| offered.contains(mode))
}

/// Whether a free volume that the claim names may be bound to it.
fn satisfies(volume: &Object, claim: &Object) -> bool {
    large_enough(volume, claim)
        && class_of(volume) == class_of(claim)
        && volume_mode(volume) == volume_mode(claim)
        && offers_modes(volume, claim)
}

/// The volume reserved for the claim, or else the smallest free one that fits.
fn best_match<'v>(volumes: &'v [Object], claim: &Object, consumed: bool) -> Option<&'v Object> {
    let possible = || {
        volumes.iter().filter(|volume| {
            !is_deleting(volume)
                && volume_mode(volume) == volume_mode(claim)
                && offers_modes(volume, claim)
                && large_enough(volume, claim)
        })
    };
    if let Some(reserved) = possible().find(|volume| reserved_for(volume, claim)) {
        return Some(reserved);
    }
    if !consumed {
        return None;
    }
    let selector = &claim.value()["spec"]["selector"];
    possible()
        .filter(|volume| {
            text(volume.value(), "/status/phase") == Some("Available")
                && volume.value()["spec"].get("claimRef").is_none_or(Value::is_null)
                && class_of(volume) == class_of(claim)
                && (selector.is_null() || selects(selector, volume.labels()))
        })
        .min_by_key(|volume| {
            (items(volume.value(), "/spec/accessModes").len(), size(volume, "/spec/capacity/storage"), volume.name())
        })
}

/// Whether the claim's class makes it wait for a pod, and none names it yet.
fn waits_for_consumer(access: Access<'_>, claim: &Object) -> bool {
    let class = access.get(STORAGE_CLASSES, None, class_of(claim));
    let delayed = class.is_some_and(|class| text(class.value(), "/volumeBindingMode") == Some("WaitForFirstConsumer"));
    delayed
        && annotation(claim.value(), SELECTED_NODE).is_none()
        && !access
            .list(&PODS.target(claim.namespace(), None))
            .iter()
            .any(|pod| !is_deleting(pod) && claim_names(pod.value()).contains(&claim.name()))
}

/// Both sides, in the order of the real controller: the volume, its phase, the claim, its status. Each is written only
/// where it differs, so that an interrupted binding is finished by the next pass.
fn bind(access: Access<'_>, volume: &Object, claim: &Object) {
    let Some(volume) = bind_volume(access, volume, claim) else { return };
    set_phase(access, &volume, "Bound");
    let mut body = claim.value().clone();
    let chosen = text(&body, "/spec/volumeName") != Some(volume.name());
    if chosen {
        body["spec"]["volumeName"] = volume.name().into();
        set_annotation(&mut body, BOUND_BY_CONTROLLER, "yes");
    }
    let claim = if set_annotation(&mut body, BIND_COMPLETED, "yes") || chosen {
        match access.update(CLAIMS, body) {
            Some(claim) => claim,
            None => return,
        }
    } else {
        claim.clone()
    };
    let mut status = claim.value().get("status").cloned().unwrap_or_else(|| json!({}));
    status["phase"] = "Bound".into();
    status["accessModes"] = volume.value()["spec"]["accessModes"].clone();
    status["capacity"] = json!({"storage": volume.value()["spec"]["capacity"]["storage"]});
    access.set_status(CLAIMS, &claim, status);
}

/// The volume with a full reference to the claim; `None` where the write was refused.
fn bind_volume(access: Access<'_>, volume: &Object, claim: &Object) -> Option<Object> {
    let mut body = volume.value().clone();
    let reserved = reserved_for(volume, claim);
    if reserved && text(&body, "/spec/claimRef/uid") == Some(claim.uid()) {
        return Some(volume.clone());
    }
    body["spec"]["claimRef"] = reference(claim);
    if !reserved {
        set_annotation(&mut body, BOUND_BY_CONTROLLER, "yes");
    }
    access.update(VOLUMES, body)
}

fn reference(claim: &Object) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": CLAIMS.kind,
        "namespace": claim.namespace(),
        "name": claim.name(),
        "uid": claim.uid(),
        "resourceVersion": claim.value()["metadata"]["resourceVersion"],
    })
}

fn set_phase(access: Access<'_>, volume: &Object, phase: &str) {
    if text(volume.value(), "/status/phase") == Some(phase) {
        return;
    }
    let mut status = volume.value().get("status").cloned().unwrap_or_else(|| json!({}));
    status["phase"] = phase.into();
    status["lastPhaseTransitionTime"] = access.stamp().into();
    access.set_status(VOLUMES, volume, status);
}

/// Makes a volume for the claim if its class names a provisioner.
fn provision(access: Access<'_>, claim: &Object) {
    let Some(class) = access.get(STORAGE_CLASSES, None, class_of(claim)) else { return };
    let provisioner = text(class.value(), "/provisioner").unwrap_or(NO_PROVISIONER);
    if provisioner == NO_PROVISIONER {
        return;
    }
    let mut body = claim.value().clone();
    if set_annotation(&mut body, STORAGE_PROVISIONER, provisioner) {
        access.update(CLAIMS, body);
        return;
    }
    let name = format!("pvc-{}", claim.uid());
    let policy = text(class.value(), "/reclaimPolicy").unwrap_or("Delete");
    let body = json!({
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: provisioner}},
        "spec": {
            "accessModes": claim.value()["spec"]["accessModes"],
            "capacity": {"storage": claim.value()["spec"]["resources"]["requests"]["storage"]},
            "claimRef": reference(claim),
            "csi": {"driver": provisioner, "volumeHandle": format!("vol-{}", claim.uid())},
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": class.name(),
            "volumeMode": volume_mode(claim),
        },
    });
    access.create(VOLUMES, None, body);
}
