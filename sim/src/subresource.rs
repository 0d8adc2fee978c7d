//! The parts of objects that have endpoints of their own, and the kinds that are only questions.
//!
//! Owns what each of them reads and may change: `status`, `finalize`, `approval`, `scale`, `ephemeralcontainers`, `resize`, `binding`,
//! `eviction` (both in `pod_requests`), `token`; access and token reviews.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::access::{reviews, token_request};
use crate::admission;
use crate::body::typed;
use crate::kinds;
use crate::managed;
use crate::meta;
use crate::object::Object;
use crate::options::{Target, WriteOptions};
use crate::pod_requests;
use crate::resource::{ResourceDef, ScalePaths};
use crate::rules::copy;
use crate::server::Core;
use crate::status::{Cause, Status};
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
        "finalize" => {
            set_spec(&mut merged, new, "finalizers");
            metadata(def, new, &mut merged);
        }
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
    body: Value,
    options: &WriteOptions,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Object, Status> {
    if def.subresource(name).is_some_and(|part| !part.verbs.iter().any(|verb| verb == "create")) {
        return Err(Status::method_not_allowed());
    }
    let mut body = typed(def, target, body)?;
    let named = target.name.as_deref().unwrap_or_default();
    admission::namespace(core, def, target.namespace.as_deref(), named)?;
    reviewed(core, &Request::write(def, target, named, Operation::Create, options), &mut body, warnings)?;
    post(core, def, target, name, body, options, now)
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

fn post(
    core: &mut Core,
    def: &ResourceDef,
    target: &Target,
    name: &str,
    body: Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Object, Status> {
    match (def.plural.as_str(), name) {
        ("pods", "binding") => pod_requests::bind(core, def, target, &body, options, now),
        ("pods", "eviction") => pod_requests::evict(core, def, target, &body, options, now),
        ("serviceaccounts", "token") => {
            let object = core.existing(def, target)?;
            token_request::answer(core, &object, body, now)
        }
        _ => Err(Status::method_not_allowed()),
    }
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
    body = typed(def, target, body)?;
    for key in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        meta::unset(&mut body, key);
    }
    meta::tidy(&mut body);
    if def.plural != "bindings" {
        managed::note(core, &managed::Write::new(def, None, options, now), None, &mut body);
    }
    let name = meta::meta_text(&body, "name").to_owned();
    reviewed(core, &Request::write(def, target, &name, Operation::Create, options), &mut body, warnings)?;
    if def.plural == "bindings" {
        let pods = core.registry.find("", "v1", "pods").cloned();
        let pods = pods.ok_or_else(Status::unknown_resource)?;
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let target = Target::new("", "v1", "pods").in_namespace(namespace).named(&name).sub("binding");
        return post(core, &pods, &target, "binding", body, options, now);
    }
    reviews::answer(core, def, &mut body, now)?;
    Ok(Object::new(body))
}
