//! What is special to a kind when it is written.
//!
//! Owns the list of functions that run before a write: the life cycle of namespaces, limit ranges and quotas for everything, and per kind
//! the values that the server fills in and the rules that only it has. A function sees the stored form, may change it, and
//! refuses with a `Status`. Schemas are in `reading`.

use jiff::Timestamp;
use serde_json::Value;

use crate::crd;
use crate::kinds;
use crate::meta;
use crate::object::Object;
use crate::options::WriteOptions;
use crate::quota::Operation;
use crate::resource::{GroupResource, ResourceDef};
use crate::server::Core;
use crate::status::{Cause, Status};

mod allocations;
mod ingresses;
mod limits;
mod pods;
mod quotas;
mod services;
mod storage;

pub(crate) use allocations::Allocations;

/// 404 or 403 for what is created in a namespace that is absent or being deleted.
pub(crate) fn namespace(core: &Core, def: &ResourceDef, namespace: Option<&str>, name: &str) -> Result<(), Status> {
    let Some(namespace) = namespace else {
        return Ok(());
    };
    let namespaces = GroupResource::new("", "namespaces");
    match core.store.get(&namespaces, namespace) {
        None => Err(Status::not_found("", "namespaces", namespace)),
        Some(found) if found.is_terminating() => {
            Err(Status::namespace_terminating(&def.group, &def.plural, name, namespace))
        }
        Some(_) => Ok(()),
    }
}

/// The defaults of the kind: what decoding fills in. The writer owns them.
pub(crate) fn default(core: &Core, def: &ResourceDef, value: &mut Value) {
    if core.admission {
        (kinds::rules(def).default)(value);
    }
}

/// What a create may not set, and what the cluster sets before anything is checked. Nobody owns it.
pub(crate) fn prepare_create(
    core: &mut Core,
    def: &ResourceDef,
    subresource: Option<&str>,
    value: &mut Value,
    dry_run: bool,
) -> Result<(), Status> {
    if !core.admission {
        return Ok(());
    }
    if def.group == "certificates.k8s.io" {
        kinds::requested_by(&core.access.caller, value);
    }
    // A write of a status that creates a service allocates nothing, as in a real server.
    if def.group.is_empty() && def.plural == "services" && subresource.is_none() {
        services::create(core, def, value, dry_run)?;
    }
    (kinds::rules(def).prepare_create)(value);
    if def.is_custom()
        && def.has_status()
        && let Some(fields) = value.as_object_mut()
    {
        fields.remove("status");
    }
    Ok(())
}

/// What the server's own plugins fill in before webhooks are asked about a create, and again where one of them changed something.
pub(crate) fn plug_in(core: &Core, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    if !core.admission {
        return Ok(());
    }
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "pods") => {
            limits::default(core, value);
            pods::create(core, def, value)
        }
        ("networking.k8s.io", "ingresses") => {
            ingresses::create(core, value);
            Ok(())
        }
        _ => {
            storage::create(core, def, value);
            Ok(())
        }
    }
}

/// What an update may not set, and what the cluster sets before anything is checked.
pub(crate) fn prepare_update(
    core: &mut Core,
    def: &ResourceDef,
    subresource: Option<&str>,
    old: &Object,
    value: &mut Value,
    (dry_run, now): (bool, &str),
) -> Result<(), Status> {
    if !core.admission {
        return Ok(());
    }
    if subresource.is_some() {
        if is_resize(def, subresource) && !old.is_terminating() {
            limits::default(core, value);
        }
        if subresource == Some("status") {
            prepare_status(def, old, value, now);
        }
        return Ok(());
    }
    let rules = kinds::rules(def);
    if def.group.is_empty() && def.plural == "pods" {
        pods::update(old, value);
    }
    if def.group.is_empty() && def.plural == "services" {
        services::update(core, def, old, value, dry_run)?;
    }
    (rules.prepare_update)(old.value(), value);
    Ok(())
}

/// What a status may not say, and what the server notes in one that is written.
fn prepare_status(def: &ResourceDef, old: &Object, value: &mut Value, now: &str) {
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "nodes") => kinds::without_config(value),
        ("", "persistentvolumes") => kinds::phase_changed(old.value(), value, now),
        _ => {}
    }
}

/// Whether the resources of a pod are changed.
fn is_resize(def: &ResourceDef, subresource: Option<&str>) -> bool {
    def.group.is_empty() && def.plural == "pods" && subresource == Some("resize")
}

/// Before an object is created. `value` has its name and the server's metadata, and is valid.
pub(crate) fn create(core: &mut Core, def: &ResourceDef, value: &mut Value) -> Result<(), Status> {
    if !core.admission {
        crd::fill(def, None, value);
        return Ok(());
    }
    limits::check(core, def, None, value)?;
    match (def.group.as_str(), def.plural.as_str()) {
        ("scheduling.k8s.io", "priorityclasses") => pods::only_default(core, def, None, value)?,
        ("certificates.k8s.io", _) => {
            if let Some(why) = kinds::restricted(value) {
                return Err(Status::forbidden(&def.group, &def.plural, meta::meta_text(value, "name"), &why));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Before an object is replaced through its main endpoint or a subresource.
pub(crate) fn update(
    core: &mut Core,
    def: &ResourceDef,
    subresource: Option<&str>,
    old: &Object,
    value: &mut Value,
) -> Result<(), Status> {
    if !core.admission {
        if subresource.is_none() {
            crd::fill(def, Some(old.value()), value);
        }
        return Ok(());
    }
    if subresource.is_none() {
        replace(core, def, old, value)?;
    }
    let is_pod = def.group.is_empty() && def.plural == "pods";
    if is_resize(def, subresource) || (subresource.is_none() && !is_pod) {
        limits::check(core, def, Some(old), value)?;
    }
    Ok(())
}

/// The last of all, once webhooks have agreed: what the namespace's quotas have room for is taken from them.
pub(crate) fn charge(
    core: &mut Core,
    def: &ResourceDef,
    operation: Operation<'_>,
    value: &Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<(), Status> {
    if core.admission || def.group == "apiextensions.k8s.io" {
        quotas::admit(core, def, operation, value, options.dry_run, now)?;
    }
    Ok(())
}

/// What is special to a kind whose object is replaced.
fn replace(core: &mut Core, def: &ResourceDef, old: &Object, value: &mut Value) -> Result<(), Status> {
    match (def.group.as_str(), def.plural.as_str()) {
        ("", "configmaps") => immutable_data(def, old, value),
        ("scheduling.k8s.io", "priorityclasses") => pods::only_default(core, def, Some(old), value),
        ("", "persistentvolumeclaims") => storage::resize(core, def, old, value),
        _ => Ok(()),
    }
}

/// 422 for the data of an immutable config map.
fn immutable_data(def: &ResourceDef, old: &Object, value: &Value) -> Result<(), Status> {
    let old = old.value();
    if old.get("immutable") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let fields = ["immutable", "data", "binaryData"];
    let causes: Vec<_> = fields
        .into_iter()
        .filter(|field| value.get(field) != old.get(field))
        .map(|field| Cause::forbidden(field, "field is immutable when `immutable` is set"))
        .collect();
    if causes.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&def.group, &def.kind, meta::meta_text(old, "name"), &causes))
}
