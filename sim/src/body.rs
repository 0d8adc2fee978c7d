//! What the body of a write must be to fit its target: kind, version, namespace and name.

use serde_json::{Map, Value};

use crate::go_types;
use crate::meta;
use crate::options::Target;
use crate::resource::ResourceDef;
use crate::shape;
use crate::status::{Cause, Status};

/// The body with kind, version and namespace of the target, or 400 where they differ.
pub(crate) fn typed(def: &ResourceDef, target: &Target, mut body: Value) -> Result<Value, Status> {
    let (expected, kind) = match &target.subresource {
        Some(name) => def
            .subresource(name)
            .map_or_else(|| (def.api_version(), def.kind.clone()), |sub| (sub.api_version(), sub.kind.clone())),
        None => (def.api_version(), def.kind.clone()),
    };
    shape::check(def, &body)?;
    let fields = fields(&mut body, &kind)?;
    for (key, value) in [("apiVersion", &expected), ("kind", &kind)] {
        if fields.get(key).is_none_or(Value::is_null) {
            fields.insert(key.to_owned(), Value::from(value.as_str()));
        }
    }
    let given = meta::text(&body, "apiVersion");
    let other = meta::text(&body, "kind");
    let registered = |version: &str, kind: &str| go_types::of_kind(version, kind).is_some();
    if registered(&expected, &kind) && !registered(given, other) {
        let version = given.rsplit('/').next().unwrap_or_default();
        return Err(Status::bad_request(format!(
            "{other} in version {version:?} cannot be handled as a {kind}: no kind {other:?} is registered for version \
                {given:?} in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    if given != expected {
        return Err(Status::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({expected})"
        )));
    }
    if other != kind && !is_whole(def, target) {
        let version = expected.rsplit('/').next().unwrap_or_default();
        let package = match def.group.split('.').next() {
            None | Some("") => "core",
            Some(first) => first,
        };
        return Err(Status::bad_request(format!(
            "{other} in version {version:?} cannot be handled as a {kind}: converting ({version}.{other}) to \
                ({package}.{kind}): unknown conversion"
        )));
    }
    // A body without it has an empty one.
    meta::metadata_mut(&mut body);
    match target.namespace.as_deref() {
        Some(namespace) if def.namespaced => {
            let given = meta::meta_text(&body, "namespace");
            if !given.is_empty() && given != namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            meta::set(&mut body, "namespace", namespace);
        }
        _ if def.namespaced => {
            return Err(Status::bad_request(format!(
                "an empty namespace may not be set when a {kind} is written: name it in the request"
            )));
        }
        _ => meta::unset(&mut body, "namespace"),
    }
    Ok(body)
}

/// Whether the body is a whole custom resource. Its kind is looked at with its other values, when it is known that it may be written.
fn is_whole(def: &ResourceDef, target: &Target) -> bool {
    def.is_custom() && target.subresource.as_deref() != Some("scale")
}

/// 422 for a custom resource of another kind.
pub(crate) fn check_kind(def: &ResourceDef, target: &Target, body: &Value) -> Result<(), Status> {
    let other = meta::text(body, "kind");
    if !is_whole(def, target) || other == def.kind {
        return Ok(());
    }
    let cause = Cause::invalid("kind", &Value::from(other), &format!("must be {}", def.kind));
    Err(Status::invalid(&def.group, other, meta::meta_text(body, "name"), &[cause]))
}

/// The fields of a body, or 400 where it is no object.
pub(crate) fn fields<'a>(body: &'a mut Value, kind: &str) -> Result<&'a mut Map<String, Value>, Status> {
    body.as_object_mut().ok_or_else(|| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): the body is not a JSON object"
        ))
    })
}

/// [`typed`], and the name of the target too.
pub(crate) fn identified(def: &ResourceDef, target: &Target, body: Value) -> Result<Value, Status> {
    let body = typed(def, target, body)?;
    let name = target.name.as_deref().unwrap_or_default();
    match meta::meta_text(&body, "name") {
        "" => Err(Status::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))),
        given if given != name => Err(Status::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        ))),
        _ => Ok(body),
    }
}
