//! Persistent volume claims, and claims inside other kinds: what they ask for, and what of it may change.
//!
//! # Differences
//!
//! The difference of two specs in a message shows an empty list as an absent one.

use serde_json::{Map, Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{
    entries, field, fill, fill_text, given, inside, known_if_given, list, problems, required, selector,
};
use super::{Causes, Rules, diff, warnings};
use crate::meta;
use crate::quantity::milli;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    default: |value| {
        meta::object_at(value, "spec");
        fill(&mut value["spec"], &json!({"volumeMode": "Filesystem"}));
        meta::object_at(value, "status");
        fill_text(&mut value["status"], "phase", "Pending");
    },
    prepare_create: |value| {
        // The phase is the default of a stored claim.
        value["status"] = json!({"phase": "Pending"});
        sources(None, value);
    },
    prepare_update: |old, value| sources(Some(old), value),
    validate: |value, causes| causes.at("spec", |causes| spec(field(value, "spec"), causes)),
    validate_update: update,
    validate_status_update: status,
    warn: |_, value| told(value),
    ..Rules::NONE
};

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const IMMUTABLE: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
/// The ways in which a volume can be used.
pub(super) const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const RESIZES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// Where a volume begins is said in two fields, an older and a younger one, which say the same.
fn sources(old: Option<&Value>, value: &mut Value) {
    let spec_of = |value| field(value, "spec");
    let used = |key| old.is_some_and(|old| given(spec_of(old), key).is_some());
    let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let elsewhere = |reference: &Value| !meta::text(reference, "namespace").is_empty();
    if spec.get("dataSourceRef").is_some_and(elsewhere) && !used("dataSourceRef") {
        spec.remove("dataSourceRef");
    }
    if !used("dataSource") && !used("dataSourceRef") && spec.get("dataSourceRef").is_none_or(Value::is_null) {
        let known = |source: &Value| match (meta::text(source, "kind"), meta::text(source, "apiGroup")) {
            ("PersistentVolumeClaim", group) => group.is_empty(),
            ("VolumeSnapshot", group) => group == "snapshot.storage.k8s.io",
            _ => false,
        };
        if !spec.get("dataSource").is_some_and(known) {
            spec.remove("dataSource");
        }
    }
    let source = spec.get("dataSource").filter(|source| !source.is_null()).cloned();
    let reference = spec.get("dataSourceRef").filter(|reference| !reference.is_null()).cloned();
    match (source, reference) {
        (Some(source), None) => drop(spec.insert("dataSourceRef".to_owned(), source)),
        (None, Some(reference)) if !elsewhere(&reference) => {
            let mut source = reference;
            if let Some(fields) = source.as_object_mut() {
                fields.remove("namespace");
            }
            spec.insert("dataSource".to_owned(), source);
        }
        _ => {}
    }
}

/// How a volume may be used, whatever it is.
pub(super) fn modes(spec: &Value, causes: &mut Causes) {
    let modes = list(spec, "accessModes");
    for mode in modes.iter().filter_map(Value::as_str).filter(|mode| !MODES.contains(mode)) {
        causes.not_supported("accessModes", mode, &MODES);
    }
    let alone = |mode: &&Value| **mode == "ReadWriteOncePod";
    let shared = |mode: &&Value| mode.as_str().is_some_and(|mode| MODES[..3].contains(&mode));
    if modes.iter().any(|mode| alone(&mode)) && modes.iter().any(|mode| shared(&mode)) {
        causes.forbidden("accessModes", "may not use ReadWriteOncePod with other access modes");
    }
}

/// What is wrong with the spec of a claim; the check stands there.
pub(crate) fn spec(spec: &Value, causes: &mut Causes) {
    checked(spec, false, causes);
}

fn checked(spec: &Value, any_group: bool, causes: &mut Causes) {
    if list(spec, "accessModes").is_empty() {
        causes.required("accessModes", "at least 1 access mode is required");
    }
    selector(spec, "selector", causes);
    modes(spec, causes);
    let storage = meta::at(spec, "resources.requests.storage");
    causes.at("resources", |causes| {
        causes.key("storage", |causes| match storage {
            None => causes.required("", ""),
            Some(amount) if amount.as_str().and_then(milli).is_some_and(|amount| amount <= 0) => {
                causes.invalid("", amount, "must be greater than zero");
            }
            Some(_) => {}
        });
    });
    class("storageClassName", spec, causes);
    known_if_given(spec, "volumeMode", &["Block", "Filesystem"], causes);
    for key in ["dataSource", "dataSourceRef"] {
        inside(spec, key, causes, |source, causes| origin(source, any_group, causes));
    }
    let (source, reference) = (given(spec, "dataSource"), given(spec, "dataSourceRef"));
    if let (Some(source), Some(reference)) = (source, reference) {
        let elsewhere = !meta::text(reference, "namespace").is_empty();
        let same = ["apiGroup", "kind", "name"].iter().all(|key| field(source, key) == field(reference, key));
        // A real server shows a path without its inside.
        let path = json!({});
        if elsewhere {
            causes.invalid("", &path, "may not be specified when dataSourceRef.namespace is specified");
        } else if !same {
            causes.invalid("", &path, "must match dataSourceRef");
        }
    }
    class("volumeAttributesClassName", spec, causes);
}

/// The name of a class, where one is given.
pub(super) fn class(key: &str, spec: &Value, causes: &mut Causes) {
    match meta::text(spec, key) {
        "" => {}
        name => problems(key, name, validate_name::subdomain(name), causes),
    }
}

/// What a volume begins as a copy of.
fn origin(source: &Value, any_group: bool, causes: &mut Causes) {
    required(source, "name", causes);
    required(source, "kind", causes);
    let (group, kind) = (meta::text(source, "apiGroup"), meta::text(source, "kind"));
    if group.is_empty() {
        if kind != "PersistentVolumeClaim" {
            causes.invalid("", &kind.into(), "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        }
    } else if !any_group {
        problems("apiGroup", group, validate_name::subdomain(group), causes);
    }
    match meta::text(source, "namespace") {
        "" => {}
        namespace => problems("namespace", namespace, validate_name::label(namespace), causes),
    }
}

fn annotation(value: &Value) -> Option<&str> {
    meta::metadata(value).get("annotations")?.get(CLASS)?.as_str()
}

fn update(old: &Value, new: &Value, causes: &mut Causes) {
    let (before, now) = (field(old, "spec"), field(new, "spec"));
    let grouped = |key| given(before, key).is_some_and(|source| given(source, "apiGroup").is_some());
    causes.extend(validate_name::metadata(new));
    causes.at("spec", |causes| checked(now, grouped("dataSource") || grouped("dataSourceRef"), causes));
    let key = "storageClassName";
    let (class, asked) = (given(before, key), given(now, key).and_then(Value::as_str));
    let (old_note, new_note) = (annotation(old), annotation(new));
    let as_noted =
        old_note.is_some() && class.is_none() && asked == old_note && new_note.is_none_or(|note| asked == Some(note));
    let mut kept = now.clone();
    if as_noted {
        take(&Value::Null, &mut kept, key);
    } else {
        if old_note.unwrap_or_default() != new_note.unwrap_or_default() {
            let shown = Value::from(new_note.unwrap_or_default());
            causes.invalid(&format!("metadata.annotations.{CLASS}"), &shown, "field is immutable");
        }
        if class.is_none() && asked.is_some() && (old_note.is_none() || asked == old_note) {
            take(before, &mut kept, key);
        }
    }
    unchanged(old, new, kept, causes);
    let amount = |value: &Value| meta::at(value, "resources.requests.storage").and_then(Value::as_str).and_then(milli);
    let (size, asked) = (amount(before).unwrap_or_default(), amount(now).unwrap_or_default());
    let has = meta::at(old, "status.capacity.storage").and_then(Value::as_str).and_then(milli).unwrap_or_default();
    if asked < size && asked <= has {
        causes.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }
    if field(before, "volumeMode") != field(now, "volumeMode") {
        causes.invalid("volumeMode", field(now, "volumeMode"), "field is immutable");
    }
    let key = "volumeAttributesClassName";
    if field(before, key) != field(now, key) && meta::at(old, "status.currentVolumeAttributesClassName").is_some() {
        let nothing = match given(now, key).and_then(Value::as_str) {
            None => "nil",
            Some("") => "empty string",
            Some(_) => return,
        };
        let why = format!("update to {nothing} is forbidden when status.currentVolumeAttributesClassName is not nil");
        causes.forbidden(&format!("spec.{key}"), &why);
    }
}

/// Nothing else of the spec changes; `kept` is the new one without what its class may.
fn unchanged(old: &Value, new: &Value, mut kept: Value, causes: &mut Causes) {
    let mut before = field(old, "spec").clone();
    if meta::text(&before, "volumeName").is_empty() {
        // A volume is given once.
        take(&kept, &mut before, "volumeName");
    }
    if meta::at(new, "status.phase").is_some_and(|phase| phase == "Bound") {
        if let Some(requests) = kept.pointer_mut("/resources/requests") {
            let size = meta::at(&before, "resources.requests.storage").cloned();
            requests["storage"] = size.unwrap_or_else(|| "0".into());
        }
        take(&before, &mut kept, "volumeAttributesClassName");
    }
    if kept != before {
        let shown = |value: &Value| internal::show("PersistentVolumeClaimSpec", value);
        let difference = diff::json(&shown(&before), &shown(&kept));
        causes.forbidden("spec", &format!("{IMMUTABLE}\n{difference}"));
    }
}

/// Takes a field, or its absence.
fn take(from: &Value, to: &mut Value, key: &str) {
    if let Some(fields) = to.as_object_mut() {
        match given(from, key) {
            Some(value) => fields.insert(key.to_owned(), value.clone()),
            None => fields.remove(key),
        };
    }
}

fn status(old: &Value, new: &Value, causes: &mut Causes) {
    // Its spec is that of the stored claim.
    if list(field(old, "spec"), "accessModes").is_empty() {
        causes.required("Spec.accessModes", "");
    }
    let status = field(new, "status");
    causes.at("status", |causes| {
        amounts("capacity", status, causes);
        for (name, state) in entries(status, "allocatedResourceStatuses") {
            resource("allocatedResourceStatuses", name, causes);
            if !state.as_str().is_some_and(|state| RESIZES.contains(&state)) {
                let mut known = RESIZES;
                known.sort_unstable();
                causes.not_supported("allocatedResourceStatuses", name, &known);
            }
        }
        let mut sound = Map::new();
        for (name, amount) in entries(status, "allocatedResources") {
            if resource("allocatedResources", name, causes) {
                sound.insert(name.clone(), amount.clone());
            }
        }
        amounts("allocatedResources", &json!({"allocatedResources": sound}), causes);
    });
}

/// The one amount that a volume has, or one that somebody else defines.
fn resource(key: &str, name: &str, causes: &mut Causes) -> bool {
    let wrong = validate_name::qualified_name(name);
    if !wrong.is_empty() {
        problems(key, name, wrong, causes);
        return false;
    }
    if (!name.contains('/') || name.contains("kubernetes.io/")) && name != "storage" {
        causes.not_supported(key, name, &["storage"]);
        return false;
    }
    true
}

/// Amounts that are not below nothing.
pub(super) fn amounts(key: &str, holder: &Value, causes: &mut Causes) {
    for (name, amount) in entries(holder, key) {
        let thousandths = amount.as_str().and_then(milli).unwrap_or_default();
        // Parts of one are rounded up.
        let value = thousandths.div_euclid(1000) + i128::from(thousandths.rem_euclid(1000) > 0);
        if value < 0 {
            let shown = Value::from(i64::try_from(value).unwrap_or(i64::MIN));
            causes.at(key, |causes| {
                causes.key(name, |causes| causes.invalid("", &shown, "must be a valid resource quantity"));
            });
        }
    }
}

fn told(value: &Value) -> Vec<String> {
    let annotated = annotation(value).map(|_| {
        format!("metadata.annotations[{CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead")
    });
    annotated.into_iter().chain(warnings::claim("spec", field(value, "spec"))).collect()
}
