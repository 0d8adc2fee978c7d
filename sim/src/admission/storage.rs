//! What the plugins of a cluster do to volumes, claims and nodes: the default class, protection from deletion, growing, and the taint
//! of a node that nobody has seen ready.

use serde_json::{Value, json};

use crate::meta;
use crate::object::Object;
use crate::quantity::milli;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::Status;

/// The class of a claim as it was said before there was a field for it.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// Before an object is created.
pub(super) fn create(core: &Core, def: &ResourceDef, value: &mut Value) {
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "persistentvolumeclaims") => {
            class(core, value);
            protect(value, "kubernetes.io/pvc-protection");
        }
        ("", "persistentvolumes") => protect(value, "kubernetes.io/pv-protection"),
        ("storage.k8s.io", "volumeattributesclasses") => protect(value, "kubernetes.io/vac-protection"),
        ("", "nodes") => taint(value),
        _ => {}
    }
}

/// A claim of no class gets the default one, the youngest where there are several.
fn class(core: &Core, value: &mut Value) {
    if class_of(value).is_some() {
        return;
    }
    let classes = GroupResource::new("storage.k8s.io", "storageclasses");
    let is_default = |class: &&Object| {
        let annotations = class.metadata().get("annotations");
        DEFAULT.iter().any(|key| annotations.is_some_and(|known| meta::text(known, key) == "true"))
    };
    let age = |class: &&Object| {
        let created = meta::meta_text(class.value(), "creationTimestamp").to_owned();
        (created, std::cmp::Reverse(class.name().to_owned()))
    };
    let found = core.store.all(&classes).map(|(_, class)| class).filter(is_default).max_by_key(age);
    if let (Some(class), Some(spec)) = (found, meta::object_at(value, "spec")) {
        spec.insert("storageClassName".to_owned(), class.name().into());
    }
}

/// The class of a claim, where it says one.
fn class_of(value: &Value) -> Option<&str> {
    let annotated = meta::metadata(value).get("annotations").and_then(|known| known.get(CLASS));
    annotated.or_else(|| meta::at(value, "spec.storageClassName")).and_then(Value::as_str)
}

fn protect(value: &mut Value, finalizer: &str) {
    let mut finalizers = meta::finalizers(value);
    if !finalizers.iter().any(|known| known == finalizer) {
        finalizers.push(finalizer.to_owned());
        meta::set_finalizers(value, finalizers);
    }
}

/// A new node is not ready, whatever it says.
fn taint(value: &mut Value) {
    let Some(spec) = meta::object_at(value, "spec") else {
        return;
    };
    let taints = spec.entry("taints").or_insert_with(|| json!([]));
    if let Some(taints) = taints.as_array_mut()
        && !taints.iter().any(|taint| taint["key"] == NOT_READY && taint["effect"] == "NoSchedule")
    {
        taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
    }
}

/// 403 for a claim that grows though its volume cannot.
pub(super) fn resize(core: &Core, def: &ResourceDef, old: &Object, value: &Value) -> Result<(), Status> {
    if !def.group.is_empty() || def.plural != "persistentvolumeclaims" {
        return Ok(());
    }
    let old = old.value();
    let size = |value| {
        let size = meta::at(value, "spec.resources.requests.storage").and_then(Value::as_str);
        size.and_then(milli).unwrap_or_default()
    };
    if size(value) <= size(old) {
        return Ok(());
    }
    let refuse = |why: &str| Err(Status::forbidden("", &def.plural, meta::meta_text(old, "name"), why));
    if meta::at(old, "status.phase").is_none_or(|phase| phase != "Bound") {
        return refuse("Only bound persistent volume claims can be expanded");
    }
    let (class, before) = (class_of(value).unwrap_or_default(), class_of(old).unwrap_or_default());
    let classes = GroupResource::new("storage.k8s.io", "storageclasses");
    let found = core.store.get(&classes, class).filter(|_| !class.is_empty() && class == before);
    if found.is_some_and(|class| class.value()["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    refuse(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}
