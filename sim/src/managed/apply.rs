//! An apply as a request: what a configuration must be, and the object that it leads to.
//!
//! # Differences
//!
//! An apply to a scale is a merge of it: its owner is an updater.

use serde_json::Value;

use super::form::Form;
use super::managers::{Manager, Managers, entries};
use super::update::{Scene, apply, conflict};
use super::{Served, Write, compare, reset, typed, update};
use crate::clock::rfc3339;
use crate::convert;
use crate::meta;
use crate::server::Core;
use crate::status::Status;

/// The annotation that a client-side apply leaves.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The writer of what is there before the first apply.
const BEFORE: &str = "before-first-apply";

/// The object after an apply of `config` to `live`, in the version of the request, with its writers. Without `live` it is to be created.
pub(crate) fn applied(
    core: &Core,
    write: &Write<'_>,
    live: Option<&Value>,
    config: &Value,
    force: bool,
) -> Result<Value, Status> {
    let def = write.def;
    let api_version = def.api_version();
    if !config.is_object() {
        return Err(Status::bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal a value that is no \
                object into Go value of type map[string]interface {}",
        ));
    }
    let sub = write.subresource.and_then(|name| def.subresource(name));
    let expected = sub.map_or((def.group.as_str(), def.version.as_str(), def.kind.as_str()), |sub| {
        (sub.group.as_str(), sub.version.as_str(), sub.kind.as_str())
    });
    let given = (meta::text(config, "apiVersion"), meta::text(config, "kind"));
    let (group, version) = given.0.split_once('/').unwrap_or(("", given.0));
    if (group, version, given.1) != expected && (version, given.1) != (api_version.as_str(), def.kind.as_str()) {
        let group_version = if group.is_empty() { format!("/{version}") } else { format!("{group}/{version}") };
        return Err(Status::bad_request(format!("invalid object type: {group_version}, Kind={}", given.1)));
    }
    if entries(config).is_some() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let empty = serde_json::json!({"apiVersion": api_version, "kind": def.kind});
    let mut managers = live.map(Managers::of).unwrap_or_default();
    let mut before = convert::to_version(live.cloned().unwrap_or_else(|| empty.clone()), &api_version);
    meta_without_managers(&mut before);
    let served = Served::of(core, def, &managers);
    let reset = reset::fields(def, write.subresource);
    let scene = Scene { versions: &served, form: served.form(), api_version: &api_version, reset: &reset };
    let now = rfc3339(write.now);
    let group_version = if def.group.is_empty() { format!("/{}", def.version) } else { api_version.clone() };
    if let Err(why) = typed::divides(scene.form, &before) {
        let (namespace, name) = (meta::meta_text(&before, "namespace"), meta::meta_text(&before, "name"));
        let object = format!("({namespace}/{name}; {group_version}, Kind={})", def.kind);
        return Err(Status::storage(if managers.0.is_empty() {
            format!(
                "failed to create manager for existing fields: failed to convert new object {object} to smd typed: {why}"
            )
        } else {
            format!("failed to create typed live object {object}: {why}")
        }));
    }
    if managers.0.is_empty() && live.is_some() {
        let writer = Manager::updater(Some(BEFORE), &api_version, write.subresource);
        update::update(&scene, &empty, &before, &mut managers, &writer, &now);
    }
    let reset_time = meta::metadata(config).get("creationTimestamp").is_some_and(Value::is_null);
    let config = plain(config);
    typed::check(scene.form, &config).map_err(|errors| {
        let (namespace, name) = (meta::meta_text(&config, "namespace"), meta::meta_text(&config, "name"));
        Status::storage(format!(
            "failed to create typed patch object ({namespace}/{name}; {group_version}, Kind={}): {errors}",
            def.kind
        ))
    })?;
    let writer = Manager::applier(write.manager, write.subresource);
    let earlier = managers.clone();
    let new = match apply(&scene, &before, &config, &mut managers, &writer, force) {
        Err(conflicts) if write.manager == Some("kubectl") => {
            // What a client-side apply set and nobody changed since is the same client's: it moves to the new way.
            let own = last_applied(scene.form, &before, &api_version);
            let others: Vec<_> = conflicts.iter().filter(|(_, path)| !own.contains(path)).cloned().collect();
            if !others.is_empty() {
                return Err(conflict(&others));
            }
            managers = earlier;
            apply(&scene, &before, &config, &mut managers, &writer, true)
        }
        other => other,
    }
    .map_err(|conflicts| conflict(&conflicts))?;
    // A time of creation that is given as nothing is a change, if one that does not last.
    let touched = new.is_some() || (live.is_some() && reset_time);
    if let Some(owned) = managers.0.get_mut(&writer).filter(|_| touched) {
        owned.time = Some(now);
    }
    let mut new = new.unwrap_or(before);
    if write.manager == Some("kubectl") && annotation(&new).is_some_and(|text| !text.is_empty()) {
        let mut config = config;
        if let Some(annotations) = meta::object_at(&mut config, "metadata.annotations") {
            annotations.remove(LAST_APPLIED);
        }
        if let Some(annotations) = meta::object_at(&mut new, "metadata.annotations") {
            annotations.insert(LAST_APPLIED.to_owned(), Value::from(format!("{config}\n")));
        }
    }
    if core.admission && !managers.0.is_empty() {
        meta::set(&mut new, "managedFields", managers.encode());
    }
    Ok(new)
}

fn meta_without_managers(value: &mut Value) {
    if value.get("metadata").is_some() {
        meta::unset(value, "managedFields");
    }
}

fn annotation(value: &Value) -> Option<&str> {
    meta::metadata(value).get("annotations")?.get(LAST_APPLIED)?.as_str()
}

/// The configuration without nulls in its metadata, which is read before anything else.
fn plain(config: &Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|_, value| !value.is_null());
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut config = config.clone();
    if let Some(metadata) = config.get_mut("metadata") {
        strip(metadata);
    }
    config
}

/// The fields that the last client-side apply set and that are still so.
fn last_applied(form: Form<'_>, live: &Value, api_version: &str) -> Vec<Vec<super::element::Element>> {
    let applied = annotation(live).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(applied) = applied.filter(|applied| meta::text(applied, "apiVersion") == api_version) else {
        return Vec::new();
    };
    let changed = compare::compare(form, &applied, live);
    let set = compare::field_set(form, &applied);
    set.difference(&changed.modified).difference(&changed.added).difference(&changed.removed).paths()
}
