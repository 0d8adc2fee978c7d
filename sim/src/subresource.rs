//! The parts of objects that have endpoints of their own, and the kinds that are only questions.
//!
//! Owns what each of them reads and may change: `status`, `finalize`, `approval`, `scale`, `ephemeralcontainers`, `resize`, `binding`,
//! `eviction`, `token`; access and token reviews.
//!
//! # Differences
//!
//! An eviction asks no disruption budget.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::access::{reviews, token_request};
use crate::body::fields;
use crate::clock::rfc3339;
use crate::kinds::{self, Causes};
use crate::meta;
use crate::object::Object;
use crate::options::{DeleteOptions, Target, WriteOptions};
use crate::resource::{ResourceDef, ScalePaths};
use crate::rules::copy;
use crate::server::Core;
use crate::shape;
use crate::status::{Cause, Status};
use crate::store;
use crate::webhook::{Operation, Request};
use crate::write::present;

/// What a subresource shows of an object in its stored form.
pub(crate) fn get(def: &ResourceDef, name: &str, object: &Object) -> Result<Object, Status> {
    let sub = def.subresource(name).ok_or_else(Status::unknown_resource)?;
    match name {
        "scale" => Ok(Object::new(scale(&sub.scale, object.value()))),
        _ if sub.verbs.iter().any(|verb| verb == "get") || sub.kind == def.kind => Ok(present(def, object)),
        _ => Err(Status::method_not_allowed()),
    }
}

/// The stored form after a write of `new` to a subresource.
pub(crate) fn merge(def: &ResourceDef, name: &str, old: &Object, new: &Value) -> Result<Value, Status> {
    let mut merged = old.value().clone();
    match name {
        "status" | "approval" => {
            copy(new, &mut merged, "status");
            if takes_metadata(def) {
                metadata(def, new, &mut merged);
            }
            if old.kind() == "Pod" {
                kinds::pod_status(old.value(), &mut merged);
            }
        }
        "finalize" => set_spec(&mut merged, new, "finalizers"),
        "ephemeralcontainers" => set_spec(&mut merged, new, "ephemeralContainers"),
        "resize" => kinds::resized(new, &mut merged),
        "scale" => {}
        _ => return Err(Status::method_not_allowed()),
    }
    if name == "scale" {
        let replicas = meta::at(new, "spec.replicas").cloned().unwrap_or_else(|| Value::from(0));
        if replicas.as_u64().is_none() {
            let detail = "must be greater than or equal to 0";
            let cause = Cause::invalid("spec.replicas", &replicas, detail);
            return Err(Status::invalid("autoscaling", "Scale", old.name(), &[cause]));
        }
        let paths = def.subresource(name).map(|sub| sub.scale.clone()).unwrap_or_default();
        put(&mut merged, &paths.spec_replicas, replicas);
    }
    Ok(merged)
}

/// Whether a write of the status takes the metadata that comes with it: the younger kinds leave it alone.
fn takes_metadata(def: &ResourceDef) -> bool {
    let younger = matches!(
        def.group.as_str(),
        "flowcontrol.apiserver.k8s.io"
            | "admissionregistration.k8s.io"
            | "apiregistration.k8s.io"
            | "internal.apiserver.k8s.io"
            | "resource.k8s.io"
            | "scheduling.k8s.io"
            | "storage.k8s.io"
            | "storagemigration.k8s.io"
    );
    !younger && !def.is_custom() && !["servicecidrs", "podcertificaterequests"].contains(&def.plural.as_str())
}

/// The metadata of `new`, but for what an endpoint of the status keeps.
fn metadata(def: &ResourceDef, new: &Value, merged: &mut Value) {
    let kept: &[&str] = match (def.group.as_str(), def.plural.as_str()) {
        ("", "pods") => &["ownerReferences"],
        ("apps", "deployments") => &["labels"],
        _ => &[],
    };
    let mut taken = meta::metadata(new).clone();
    for key in kept.iter().copied().chain(["name", "namespace"]) {
        match meta::metadata(merged).get(key) {
            Some(value) => taken.insert(key.to_owned(), value.clone()),
            None => taken.remove(key),
        };
    }
    merged["metadata"] = Value::Object(taken);
}

/// Sets the value at a dotted path; a path through something that is no object is left alone.
fn put(object: &mut Value, path: &str, value: Value) {
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = object;
    for key in parents.split('.').filter(|key| !key.is_empty()) {
        let Some(map) = place.as_object_mut() else {
            return;
        };
        place = map.entry(key.to_owned()).or_insert_with(|| json!({}));
    }
    if let Some(map) = place.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

fn set_spec(merged: &mut Value, new: &Value, key: &str) {
    let given = new.get("spec").and_then(|spec| spec.get(key)).cloned();
    if let Some(spec) = meta::object_at(merged, "spec") {
        match given {
            Some(value) => spec.insert(key.to_owned(), value),
            None => spec.remove(key),
        };
    }
}

/// The scale of an object that has replicas.
fn scale(paths: &ScalePaths, object: &Value) -> Value {
    let metadata = meta::metadata(object);
    let mut shown = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = metadata.get(key) {
            shown.insert(key.to_owned(), value.clone());
        }
    }
    let mut spec = Map::new();
    let replicas = meta::at(object, &paths.spec_replicas).cloned();
    if let Some(replicas) = replicas.filter(|replicas| *replicas != 0) {
        spec.insert("replicas".to_owned(), replicas);
    }
    let replicas = meta::at(object, &paths.status_replicas).cloned();
    let mut status = json!({"replicas": replicas.unwrap_or_else(|| Value::from(0))});
    let selector = match meta::at(object, &paths.selector) {
        Some(Value::String(text)) => text.clone(),
        selector => selector_text(selector),
    };
    if !selector.is_empty() {
        status["selector"] = Value::from(selector);
    }
    json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": shown, "spec": spec, "status": status,
    })
}

/// A label selector object as text: `app=x,tier in (a,b)`.
fn selector_text(selector: Option<&Value>) -> String {
    let Some(selector) = selector.and_then(Value::as_object) else {
        return String::new();
    };
    let empty = Map::new();
    let structured = ["matchLabels", "matchExpressions"].iter().any(|key| selector.contains_key(*key));
    let labels = if structured { selector.get("matchLabels").and_then(Value::as_object) } else { Some(selector) };
    let mut parts: Vec<String> = labels
        .unwrap_or(&empty)
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let key = meta::text(expression, "key");
        let values = meta::strings(expression.get("values")).join(",");
        parts.push(match meta::text(expression, "operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

/// A post to a subresource of an object.
#[expect(clippy::too_many_arguments, reason = "a post is all of these, and each is used once")]
pub(crate) fn create(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    name: &str,
    mut body: Value,
    options: &WriteOptions,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Object, Status> {
    if def.subresource(name).is_some_and(|part| !part.verbs.iter().any(|verb| verb == "create")) {
        return Err(Status::method_not_allowed());
    }
    let object = core.existing(def, target)?;
    let sub = def.subresource(name).ok_or_else(Status::unknown_resource)?;
    let given = fields(&mut body, &sub.kind)?;
    for (key, text) in [("apiVersion", sub.api_version()), ("kind", sub.kind.clone())] {
        given.entry(key).or_insert(Value::from(text));
    }
    shape::check(def, &body)?;
    reviewed(core, &Request::write(def, target, object.name(), Operation::Create, options), &mut body, warnings)?;
    post(core, def, target, name, &object, body, options, now)
}

/// Asks the webhooks about something that is not stored.
fn reviewed(
    core: &mut Core,
    request: &Request<'_>,
    body: &mut Value,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    core.mutate(request, body, None, warnings)?;
    core.validate(request, Some(body), None, warnings)
}

#[expect(clippy::too_many_arguments, reason = "a post is all of these, and each is used once")]
fn post(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    name: &str,
    object: &Object,
    body: Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Object, Status> {
    match (def.plural.as_str(), name) {
        ("pods", "binding") => bind(core, def, object, &body, options, now),
        ("pods", "eviction") => {
            let named = meta::meta_text(&body, "name");
            if !named.is_empty() && named != object.name() {
                return Err(Status::bad_request("name in URL does not match name in Eviction object"));
            }
            let grace = meta::at(&body, "deleteOptions.gracePeriodSeconds");
            let deletion = DeleteOptions {
                grace_period_seconds: grace.and_then(Value::as_i64),
                dry_run: options.dry_run,
                ..DeleteOptions::default()
            };
            core.delete(def, target, &deletion, now, |_, _| Ok(()))?;
            Ok(success())
        }
        ("serviceaccounts", "token") => token_request::answer(core, object, body, now),
        _ => Err(Status::method_not_allowed()),
    }
}

fn success() -> Object {
    Object::new(json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success", "code": 201}))
}

fn bind(
    core: &mut Core,
    def: &ResourceDef,
    pod: &Object,
    body: &Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Object, Status> {
    let mut causes = Causes::default();
    kinds::binding(body, &mut causes);
    let found: Vec<_> = causes.into_found().iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    match found.as_slice() {
        [] => {}
        // A real server answers as if it had failed.
        [one] => return Err(Status::storage(one.as_str())),
        many => return Err(Status::storage(format!("[{}]", many.join(", ")))),
    }
    let node = meta::at(body, "target.name").and_then(Value::as_str);
    let node = node.unwrap_or_default();
    let bound = meta::at(pod.value(), "spec.nodeName").and_then(Value::as_str);
    if let Some(bound) = bound.filter(|bound| !bound.is_empty()) {
        let why = format!("pod {} is already assigned to node {bound:?}", pod.name());
        return Err(Status::conflict("", "pods/binding", pod.name(), &why));
    }
    let mut new = pod.value().clone();
    if let Some(spec) = meta::object_at(&mut new, "spec") {
        spec.insert("nodeName".to_owned(), Value::from(node));
    }
    // The server itself notes that the pod is scheduled. It is not a new generation: nobody wants another pod now.
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": rfc3339(now)});
    if let Some(status) = meta::object_at(&mut new, "status") {
        let conditions = status.entry("conditions").or_insert_with(|| json!([]));
        if let Some(conditions) = conditions.as_array_mut() {
            conditions.retain(|known| known["type"] != "PodScheduled");
            conditions.push(condition);
        }
    }
    if !options.dry_run {
        core.commit(def, &store::key(pod.namespace(), pod.name()), new);
    }
    Ok(success())
}

/// Answers a kind that is only a question: nothing is stored.
pub(crate) fn answer(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    mut body: Value,
    options: &WriteOptions,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Object, Status> {
    fields(&mut body, &def.kind)?;
    shape::check(def, &body)?;
    body["apiVersion"] = Value::from(def.api_version());
    body["kind"] = Value::from(def.kind.as_str());
    meta::metadata_mut(&mut body);
    let name = meta::meta_text(&body, "name").to_owned();
    reviewed(core, &Request::write(def, target, &name, Operation::Create, options), &mut body, warnings)?;
    if def.plural == "bindings" {
        let pods = core.registry.find("", "v1", "pods").cloned();
        let pods = pods.ok_or_else(Status::unknown_resource)?;
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let target = Target::new("", "v1", "pods").in_namespace(namespace).named(&name);
        let pod = core.existing(&pods, &target)?;
        return post(core, &pods, &target, "binding", &pod, body, options, now);
    }
    reviews::answer(core, def, target, &mut body, now)?;
    Ok(Object::new(body))
}
