//! The rules of the kinds of authorization: questions what somebody may do, which are answered and not stored.
//!
//! A question is about nothing but its spec: it has no metadata of its own. Values are quoted as a real server quotes its own types.

use serde_json::{Value, json};

use super::pod_spec::read::{each, field, given, inside, label_values, list, problems};
use super::{Causes, Rules, Table};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

pub(super) const TABLE: Table = &[
    ("localsubjectaccessreviews", Rules { validate: local, ..Rules::NONE }),
    ("selfsubjectaccessreviews", Rules { validate: own, ..Rules::NONE }),
    ("subjectaccessreviews", Rules { validate: anybody, ..Rules::NONE }),
];

/// The fields of metadata in the order in which they are written.
const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "resourceVersion",
    "generation",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];
const OWNER: &[&str] = &["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
const MANAGER: &[&str] = &["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"];

fn own(review: &Value, causes: &mut Causes) {
    attributes(field(review, "spec"), false, causes);
    empty_metadata(review, &[], "must be empty", causes);
}

fn anybody(review: &Value, causes: &mut Causes) {
    attributes(field(review, "spec"), true, causes);
    empty_metadata(review, &[], "must be empty", causes);
}

fn local(review: &Value, causes: &mut Causes) {
    let spec = field(review, "spec");
    attributes(spec, true, causes);
    empty_metadata(review, &["namespace"], "must be empty except for namespace", causes);
    if let Some(resource) = given(spec, "resourceAttributes") {
        let namespace = meta::text(resource, "namespace");
        if namespace != meta::meta_text(review, "namespace") {
            causes.invalid("spec.resourceAttributes.namespace", &namespace.into(), "must match metadata.namespace");
        }
    }
    if let Some(path) = given(spec, "nonResourceAttributes") {
        causes.invalid("spec.nonResourceAttributes", &quoted(path), "disallowed on this kind of request");
    }
}

/// What is asked about, and about whom where that is not the one who asks.
fn attributes(spec: &Value, named: bool, causes: &mut Causes) {
    let (resource, path) = (given(spec, "resourceAttributes"), given(spec, "nonResourceAttributes"));
    match (resource, path) {
        (Some(_), Some(path)) => causes.invalid(
            "spec.nonResourceAttributes",
            &quoted(path),
            "cannot be specified in combination with resourceAttributes",
        ),
        (None, None) => causes.invalid(
            "spec.resourceAttributes",
            &Value::Null,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        _ => {}
    }
    if named && meta::text(spec, "user").is_empty() && list(spec, "groups").is_empty() {
        causes.invalid("spec.user", &"".into(), "at least one of user or group must be specified");
    }
    let Some(resource) = resource else {
        return;
    };
    causes.at("spec.resourceAttributes", |causes| {
        selector(resource, "fieldSelector", causes, |requirement, causes| {
            if meta::text(requirement, "key").is_empty() {
                causes.required("key", "must be specified");
            }
            operator(requirement, causes);
        });
        selector(resource, "labelSelector", causes, |requirement, causes| {
            operator(requirement, causes);
            let key = meta::text(requirement, "key");
            problems("key", key, validate_name::qualified_name(key), causes);
            label_values(requirement, causes);
        });
    });
}

/// A selector says what it selects in one of two ways.
fn selector(resource: &Value, key: &str, causes: &mut Causes, requirement: fn(&Value, &mut Causes)) {
    inside(resource, key, causes, |selector, causes| {
        let (raw, requirements) = (meta::text(selector, "rawSelector"), list(selector, "requirements"));
        match (raw.is_empty(), requirements.is_empty()) {
            (false, false) => {
                causes.invalid("rawSelector", &raw.into(), "may not specified at the same time as requirements");
            }
            (true, true) => {
                let here = causes.path("");
                let why = format!("when {here} is specified, requirements or rawSelector is required");
                causes.required("requirements", &why);
            }
            _ => {}
        }
        each(selector, "requirements", causes, requirement);
    });
}

/// Operators that a server does not know are those of newer clients.
fn operator(requirement: &Value, causes: &mut Causes) {
    let empty = list(requirement, "values").is_empty();
    match meta::text(requirement, "operator") {
        "In" | "NotIn" if empty => {
            causes.required("values", "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !empty => {
            causes.forbidden("values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        _ => {}
    }
}

/// A path as a server's own type of it is quoted.
fn quoted(path: &Value) -> Value {
    json!({"Path": meta::text(path, "path"), "Verb": meta::text(path, "verb")})
}

/// A question is no object: only its owners are noted, whatever it says.
fn empty_metadata(review: &Value, allowed: &[&str], detail: &str, causes: &mut Causes) {
    let metadata = field(review, "metadata");
    let known = |key: &str| key == "managedFields" || allowed.contains(&key);
    if METADATA.iter().any(|key| !known(key) && given(metadata, key).is_some()) {
        let shown = ordered(metadata, METADATA);
        let message = format!("Invalid value: {shown}: {detail}");
        causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field: "metadata".to_owned() });
    }
}

/// JSON with the fields in this order.
fn ordered(value: &Value, keys: &[&str]) -> String {
    let fields = keys.iter().filter_map(|key| given(value, key).map(|inner| (*key, inner)));
    let shown = fields.map(|(key, inner)| {
        let items = |keys: &[&str]| {
            let items: Vec<_> = list(value, key).iter().map(|item| ordered(item, keys)).collect();
            format!("[{}]", items.join(","))
        };
        let text = match key {
            "ownerReferences" => items(OWNER),
            "managedFields" => items(MANAGER),
            _ => inner.to_string(),
        };
        format!("{key:?}:{text}")
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
}
