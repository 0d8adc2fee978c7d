//! Persistent volumes: what they are made of, and that they stay so.
//!
//! # Differences
//!
//! An empty capacity is shown as an absent one in messages.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{entries, field, fill, fill_text, given, inside, known_if_given, list, problems};
use super::pod_spec::{defaults, scheduling};
use super::{Causes, Rules, claims, diff, volume_sources, warnings};
use crate::meta;
use crate::quantity::milli;
use crate::status::Cause;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default: |value| {
        meta::object_at(value, "spec");
        meta::object_at(value, "status");
        fill_text(&mut value["status"], "phase", "Pending");
        let spec = &mut value["spec"];
        fill_text(spec, "persistentVolumeReclaimPolicy", "Retain");
        fill(spec, &json!({"volumeMode": "Filesystem"}));
        defaults::sources(spec);
    },
    prepare_create: |value| {
        let now = meta::metadata(value).get("creationTimestamp").cloned().unwrap_or_default();
        value["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": now});
    },
    validate,
    validate_update: update,
    warn: |_, value| told(value),
    ..Rules::NONE
};

const TIME: &str = "lastPhaseTransitionTime";
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

/// Notes when the phase changed, where a write of the status does not say it.
pub(crate) fn phase_changed(old: &Value, new: &mut Value, now: &str) {
    let (before, status) = (field(old, "status"), field(new, "status"));
    let same = meta::text(before, "phase") == meta::text(status, "phase");
    let (time, known) = (given(status, TIME), given(before, TIME));
    let time = match (same, time) {
        (true, None) => known.cloned(),
        (false, time) if time.is_none() || time == known => Some(now.into()),
        _ => return,
    };
    if let (Some(time), Some(status)) = (time, meta::object_at(new, "status")) {
        status.insert(TIME.to_owned(), time);
    }
}

fn validate(value: &Value, causes: &mut Causes) {
    let name = meta::meta_text(value, "name");
    causes.at("spec", |causes| check(name, field(value, "spec"), causes));
    let annotated = meta::metadata(value).get("annotations").is_some_and(|known| known.get(MOUNT_OPTIONS).is_some());
    if annotated && !volume_sources::is_mounted(field(value, "spec")) {
        let why = "may not specify mount options for this volume type";
        causes.forbidden(&format!("metadata.annotations.{MOUNT_OPTIONS}"), why);
    }
}

fn check(name: &str, spec: &Value, causes: &mut Causes) {
    if list(spec, "accessModes").is_empty() {
        causes.required("accessModes", "");
    }
    claims::modes(spec, causes);
    capacity(spec, causes);
    known_if_given(spec, "persistentVolumeReclaimPolicy", &["Delete", "Recycle", "Retain"], causes);
    let affinity = given(spec, "nodeAffinity");
    inside(spec, "nodeAffinity", causes, |affinity, causes| match given(affinity, "required") {
        Some(required) => causes.at("required", |causes| scheduling::required_nodes(required, causes)),
        None => causes.required("required", "must specify required node constraints"),
    });
    volume_sources::check(name, spec, affinity.is_some(), causes);
    claims::class("storageClassName", spec, causes);
    known_if_given(spec, "volumeMode", &["Block", "Filesystem"], causes);
    let key = "volumeAttributesClassName";
    if let Some(class) = spec.get(key).and_then(Value::as_str) {
        if class.is_empty() {
            causes.required(key, "an empty string is disallowed");
        } else {
            problems(key, class, validate_name::subdomain(class), causes);
        }
        if given(spec, "csi").is_none() {
            causes.required("csi", "has to be specified when using volumeAttributesClassName");
        }
    }
}

fn capacity(spec: &Value, causes: &mut Causes) {
    let amounts = spec.get("capacity").and_then(Value::as_object).filter(|amounts| !amounts.is_empty());
    if amounts.is_none() {
        causes.required("capacity", "");
    }
    if amounts.is_none_or(|amounts| amounts.len() > 1 || !amounts.contains_key("storage")) {
        let shown = amounts.map_or(Value::Null, |amounts| amounts.clone().into());
        let field = causes.path("capacity");
        let message = format!("Unsupported value: {shown}: supported values: \"storage\"");
        causes.push(Cause { reason: "FieldValueNotSupported".to_owned(), message, field });
    }
    claims::amounts("capacity", spec, causes);
    for (name, amount) in entries(spec, "capacity") {
        if amount.as_str().and_then(milli).is_some_and(|amount| amount <= 0) {
            causes.at("capacity", |causes| {
                causes.key(name, |causes| causes.invalid("", amount, "must be greater than zero"));
            });
        }
    }
}

fn update(old: &Value, new: &Value, causes: &mut Causes) {
    causes.extend(validate_name::metadata(new));
    validate(new, causes);
    // A second validation, of the change, looks at the whole volume again.
    causes.extend(validate_name::metadata(new));
    let name = meta::meta_text(new, "name");
    causes.at("spec", |causes| check(name, field(new, "spec"), causes));
    let (before, mut now) = (field(old, "spec"), field(new, "spec").clone());
    let key = "controllerExpandSecretRef";
    if before.get("csi").is_some_and(|csi| given(csi, key).is_none())
        && let Some(csi) = now.get_mut("csi").and_then(Value::as_object_mut)
    {
        // It may be given once.
        csi.remove(key);
    }
    let shown = |spec: &Value| internal::show("PersistentVolumeSource", spec);
    let sources = (shown(before), shown(&now));
    if sources.0 != sources.1 {
        let difference = diff::json(&sources.0, &sources.1);
        let why = format!("spec.persistentvolumesource is immutable after creation\n{difference}");
        causes.forbidden("spec.persistentvolumesource", &why);
    }
    let key = "volumeMode";
    if field(before, key) != field(&now, key) {
        causes.invalid(key, field(&now, key), "field is immutable");
    }
    affinity_update(field(before, "nodeAffinity"), field(&now, "nodeAffinity"), causes);
    let key = "volumeAttributesClassName";
    if given(before, key).is_some() && given(&now, key).is_none() {
        causes.forbidden(&format!("spec.{key}"), "update from non-nil value to nil is forbidden");
    }
}

/// Labels of nodes that have another name now.
const RENAMED: [(&str, &str); 5] = [
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

/// Where a volume can be reached from is said once; only the names of labels may become their later ones.
fn affinity_update(old: &Value, new: &Value, causes: &mut Causes) {
    if old.is_null() {
        return;
    }
    let mut before = old.clone();
    let terms = |affinity: &Value| {
        meta::at(affinity, "required.nodeSelectorTerms").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    for (index, term) in terms(new).iter().enumerate() {
        for key in ["matchExpressions", "matchFields"] {
            for (place, requirement) in list(term, key).iter().enumerate() {
                let pointer = format!("/required/nodeSelectorTerms/{index}/{key}/{place}/key");
                let now = meta::text(requirement, "key");
                if let Some(found) = before.pointer_mut(&pointer)
                    && RENAMED.iter().any(|(old, new)| *new == now && *found == *old)
                {
                    *found = now.into();
                }
            }
        }
    }
    if before != *new {
        let shown = if new.is_null() { "null".to_owned() } else { internal::show("VolumeNodeAffinity", new) };
        let message = format!("Invalid value: {shown}: field is immutable, except for updating from beta label to GA");
        causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field: "nodeAffinity".to_owned() });
    }
}

fn told(value: &Value) -> Vec<String> {
    let spec = field(value, "spec");
    let mut told = Vec::new();
    for (key, why) in [
        (
            "volume.beta.kubernetes.io/storage-class",
            "deprecated since v1.8; use \"storageClassName\" attribute instead",
        ),
        (MOUNT_OPTIONS, "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ] {
        if meta::metadata(value).get("annotations").is_some_and(|known| known.get(key).is_some()) {
            told.push(format!("metadata.annotations[{key}]: {why}"));
        }
    }
    if meta::text(spec, "persistentVolumeReclaimPolicy") == "Recycle" {
        told.push(
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to \
             use dynamic provisioning."
                .to_owned(),
        );
    }
    if let Some(required) = meta::at(spec, "nodeAffinity.required") {
        for (index, term) in list(required, "nodeSelectorTerms").iter().enumerate() {
            for (place, requirement) in list(term, "matchExpressions").iter().enumerate() {
                let key = meta::text(requirement, "key");
                if let Some(why) = warnings::node_label(key) {
                    told.push(format!(
                        "spec.nodeAffinity.required.nodeSelectorTerms[{index}].matchExpressions[{place}].key: {key} is {why}"
                    ));
                }
            }
        }
    }
    for (key, since, dead) in [
        ("cephfs", "1.28", "1.31"),
        ("photonPersistentDisk", "1.11", "1.16"),
        ("scaleIO", "1.16", "1.22"),
        ("storageos", "1.22", "1.25"),
        ("glusterfs", "1.25", "1.26"),
        ("rbd", "1.28", "1.31"),
    ] {
        if given(spec, key).is_some() {
            let path = if key == "storageos" { "storageOS" } else { key };
            told.push(format!("spec.{path}: deprecated in v{since}, non-functional in v{dead}+"));
        }
    }
    told
}
