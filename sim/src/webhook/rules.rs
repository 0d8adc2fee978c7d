//! Which webhooks a request is for.
//!
//! Owns the selectors of namespaces and objects, the rules with their scope, and the match of an equivalent version.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::request::{Operation, Request};
use crate::meta;
use crate::resource::{GroupResource, ResourceDef};
use crate::select::matches_object;
use crate::server::Core;
use crate::status::Status;

/// The version that a webhook is to be asked in, or `None` where the request is not for it; 404 where that cannot be told, since the
/// namespace is not there.
pub(super) fn called_in(
    core: &Core,
    request: &Request<'_>,
    hook: &Value,
    object: Option<&Value>,
    old: Option<&Value>,
) -> Result<Option<Arc<ResourceDef>>, Status> {
    let in_namespace = namespace_matches(core, request, &hook["namespaceSelector"], object);
    if matches!(in_namespace, Ok(false)) || !object_matches(&hook["objectSelector"], object, old) {
        return Ok(None);
    }
    let rules = hook.get("rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let matched = |def: &ResourceDef| rules.iter().any(|rule| matches(rule, request, def));
    let found = if matched(request.def) {
        Some(Arc::new(request.def.clone()))
    } else if hook.get("matchPolicy").and_then(Value::as_str) == Some("Exact") {
        None
    } else {
        let others: Vec<_> = core.registry.defs.iter().filter(|def| is_other_version(request, def)).collect();
        // Earlier rules first.
        let found = rules.iter().find_map(|rule| others.iter().find(|def| matches(rule, request, def)));
        found.map(|def| Arc::clone(def))
    };
    match found {
        Some(_) => in_namespace.map(|_| found),
        None => Ok(None),
    }
}

/// Whether the same objects are served there in another version, with the same part.
fn is_other_version(request: &Request<'_>, def: &ResourceDef) -> bool {
    let own = request.def;
    let same = (&def.group, &def.version) == (&own.group, &own.version);
    !same && def.storage() == own.storage() && request.subresource.is_none_or(|name| def.subresource(name).is_some())
}

fn is_namespaces(def: &ResourceDef) -> bool {
    def.group.is_empty() && def.plural == "namespaces"
}

fn namespace_matches(
    core: &Core,
    request: &Request<'_>,
    selector: &Value,
    object: Option<&Value>,
) -> Result<bool, Status> {
    let itself = request.def.plural == "namespaces";
    if (request.namespace.is_empty() && !itself) || is_empty(selector) {
        return Ok(true);
    }
    let none = Map::new();
    let written = [Operation::Create, Operation::Update].contains(&request.operation);
    if itself && request.subresource.is_none() && written {
        return Ok(matches_object(selector, object.and_then(labels).unwrap_or(&none)));
    }
    let name = request.namespace.as_str();
    let namespace = core.store.get(&GroupResource::new("", "namespaces"), name);
    let namespace = namespace.ok_or_else(|| Status::not_found("", "namespaces", name))?;
    Ok(matches_object(selector, namespace.labels().unwrap_or(&none)))
}

fn object_matches(selector: &Value, object: Option<&Value>, old: Option<&Value>) -> bool {
    let none = Map::new();
    is_empty(selector)
        || [object, old].into_iter().flatten().any(|value| matches_object(selector, labels(value).unwrap_or(&none)))
}

fn labels(value: &Value) -> Option<&Map<String, Value>> {
    meta::metadata(value).get("labels").and_then(Value::as_object)
}

fn is_empty(selector: &Value) -> bool {
    let full = |value: &Value| match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    };
    !["matchLabels", "matchExpressions"].iter().any(|key| selector.get(key).is_some_and(full))
}

/// Whether a rule is for the request, made in the version of `def`.
fn matches(rule: &Value, request: &Request<'_>, def: &ResourceDef) -> bool {
    let has = |key: &str, wanted: &str| {
        let texts = rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        texts.into_iter().any(|text| text == "*" || text == wanted)
    };
    let local = !request.namespace.is_empty() && !is_namespaces(def);
    let scope = match rule.get("scope").and_then(Value::as_str) {
        None | Some("*") => true,
        Some("Namespaced") => local,
        Some("Cluster") => !local,
        Some(_) => false,
    };
    let part = request.subresource.unwrap_or_default();
    let resources = rule.get("resources").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let resource = resources.into_iter().any(|text| {
        let (resource, sub) = text.split_once('/').unwrap_or((text, ""));
        (resource == "*" || resource == def.plural) && (sub == "*" || sub == part)
    });
    scope
        && has("operations", request.operation.name())
        && has("apiGroups", &def.group)
        && has("apiVersions", &def.version)
        && resource
}
