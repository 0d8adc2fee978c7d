//! The rules of the kinds of resource: classes of devices, and claims to devices.
//!
//! # Differences
//!
//! Expressions are not compiled, and access of administrators is not tied to the labels of a namespace. The status of a claim and
//! slices of resources are taken as they are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pod_spec::read::{
    each, entries, field, given, inside, labels, list, list_mut, number, problems, reach, too_long, too_many,
};
use super::pod_spec::resources::extended;
use super::pod_spec::{annotations, internal};
use super::storage::driver_name;
use super::{Causes, Rules, Table};
use crate::meta;
use crate::validate_name;

/// Requests of a claim, and names of them in a part of it.
const REQUESTS_MAX: usize = 32;
/// Constraints, configurations and selectors.
const PARTS_MAX: usize = 32;
const FIRST_AVAILABLE_MAX: usize = 8;
const ID_LENGTH: usize = 32;
const EXPRESSION_LENGTH: usize = 10 * 1024;
const PARAMETERS_LENGTH: usize = 10 * 1024;

const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

pub(super) const TABLE: Table = &[
    ("deviceclasses", Rules { validate: class, validate_update: |_, new, causes| class(new, causes), ..Rules::NONE }),
    (
        "resourceclaims",
        Rules {
            default: |value| default(value, &["spec"]),
            prepare_create: |value| {
                value["status"] = json!({});
            },
            prepare_update: |old, new| {
                new["status"] = field(old, "status").clone();
            },
            validate: |value, causes| causes.at("spec", |causes| claim(field(value, "spec"), causes)),
            validate_update: |old, new, causes| stays("ResourceClaimSpec", old, new, causes),
            ..Rules::NONE
        },
    ),
    (
        "resourceclaimtemplates",
        Rules {
            default: |value| default(value, &["spec", "spec"]),
            validate: template,
            validate_update: |old, new, causes| {
                template(new, causes);
                stays("ResourceClaimTemplateSpec", old, new, causes);
            },
            ..Rules::NONE
        },
    ),
];

fn default(value: &mut Value, spec: &[&str]) {
    let path = [spec, &["devices"]].concat();
    let Some(devices) = reach(value, &path) else {
        return;
    };
    let one = |request: &mut Value| {
        if !request.is_object() {
            return;
        }
        if meta::text(request, "allocationMode").is_empty() {
            request["allocationMode"] = "ExactCount".into();
        }
        if meta::text(request, "allocationMode") == "ExactCount" && number(request, "count") == 0 {
            request["count"] = 1.into();
        }
    };
    for request in list_mut(devices, "requests") {
        if let Some(exactly) = request.get_mut("exactly") {
            one(exactly);
        }
        list_mut(request, "firstAvailable").for_each(one);
    }
}

fn class(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        each_of(spec, "selectors", PARTS_MAX, causes, selector);
        each_of(spec, "config", PARTS_MAX, causes, configuration);
        if let Some(name) = given(spec, "extendedResourceName")
            && !name.as_str().is_some_and(extended)
        {
            causes.invalid("extendedResourceName", name, "must be a valid extended resource name");
        }
    });
}

fn template(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        causes.at("metadata", |causes| {
            let metadata = field(spec, "metadata");
            annotations(metadata, causes);
            labels(metadata, "labels", causes);
            for (key, value) in entries(spec, "metadata") {
                if !["annotations", "labels"].contains(&key.as_str()) && !value.is_null() {
                    causes.forbidden(key, "cannot be set");
                }
            }
        });
        causes.at("spec", |causes| claim(field(spec, "spec"), causes));
    });
}

/// What is asked for never changes.
fn stays(kind: &str, old: &Value, new: &Value, causes: &mut Causes) {
    let spec = field(new, "spec");
    if field(old, "spec") != spec {
        internal::refuse(kind, "spec", spec, "field is immutable", causes);
    }
}

fn claim(spec: &Value, causes: &mut Causes) {
    let devices = field(spec, "devices");
    let names = names(devices);
    causes.at("devices", |causes| {
        each_once(devices, "requests", REQUESTS_MAX, causes, request);
        each_of(devices, "constraints", PARTS_MAX, causes, |constraint, causes| {
            references(constraint, &names, causes);
            if let Some(name) = given(constraint, "matchAttribute") {
                full_name("matchAttribute", name, causes);
            } else if let Some(name) = given(constraint, "distinctAttribute") {
                full_name("distinctAttribute", name, causes);
            } else {
                let why = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
                causes.required("", why);
            }
        });
        each_of(devices, "config", PARTS_MAX, causes, |config, causes| {
            references(config, &names, causes);
            configuration(config, causes);
        });
    });
}

/// The requests of a claim, each with those of which the first that is available is taken.
fn names(devices: &Value) -> BTreeMap<&str, Vec<&str>> {
    let requests = list(devices, "requests").iter();
    requests
        .map(|request| {
            let parts = list(request, "firstAvailable").iter().map(|part| meta::text(part, "name"));
            (meta::text(request, "name"), parts.collect())
        })
        .collect()
}

/// The names of requests that a part of a claim is about.
fn references(value: &Value, names: &BTreeMap<&str, Vec<&str>>, causes: &mut Causes) {
    const UNKNOWN: &str =
        "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
    if over(value, "requests", REQUESTS_MAX, causes) {
        return;
    }
    each(value, "requests", causes, |name, causes| {
        let name = name.as_str().unwrap_or_default();
        let segments: Vec<_> = name.split('/').collect();
        let known = match segments.as_slice() {
            [one] => names.contains_key(one),
            [one, part] => names.get(one).is_some_and(|parts| parts.contains(part)),
            _ => return causes.invalid("", &name.into(), UNKNOWN),
        };
        for segment in segments {
            problems("", segment, validate_name::label(segment), causes);
        }
        if !known {
            causes.invalid("", &name.into(), UNKNOWN);
        }
    });
    once(value, "requests", causes, |name| name.as_str().unwrap_or_default());
}

fn request(request: &Value, causes: &mut Causes) {
    let name = meta::text(request, "name");
    problems("name", name, validate_name::label(name), causes);
    let first = !list(request, "firstAvailable").is_empty();
    match (first, given(request, "exactly")) {
        (false, None) => causes.required("", "exactly one of `exactly` or `firstAvailable` is required"),
        (true, Some(_)) => {
            let why = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            causes.invalid("", &Value::Null, why);
        }
        (true, None) => each_once(request, "firstAvailable", FIRST_AVAILABLE_MAX, causes, |part, causes| {
            let name = meta::text(part, "name");
            problems("name", name, validate_name::label(name), causes);
            exact(part, causes);
        }),
        (false, Some(_)) => inside(request, "exactly", causes, exact),
    }
}

fn exact(request: &Value, causes: &mut Causes) {
    match meta::text(request, "deviceClassName") {
        "" => causes.required("deviceClassName", ""),
        name => problems("deviceClassName", name, validate_name::subdomain(name), causes),
    }
    each_of(request, "selectors", PARTS_MAX, causes, selector);
    let count = number(request, "count");
    match meta::text(request, "allocationMode") {
        "All" if count != 0 => {
            causes.invalid("count", &count.into(), "must not be specified when allocationMode is 'All'");
        }
        "ExactCount" if count <= 0 => causes.invalid("count", &count.into(), "must be greater than zero"),
        "All" | "ExactCount" => {}
        other => causes.not_supported("allocationMode", other, &["All", "ExactCount"]),
    }
    each(request, "tolerations", causes, toleration);
}

fn toleration(toleration: &Value, causes: &mut Causes) {
    let (key, value) = (meta::text(toleration, "key"), meta::text(toleration, "value"));
    if !key.is_empty() {
        problems("key", key, validate_name::qualified_name(key), causes);
    }
    match meta::text(toleration, "operator") {
        "Exists" if !value.is_empty() => {
            causes.invalid("value", &value.into(), "must be empty for operator `Exists`");
        }
        "Exists" => {}
        "Equal" => problems("value", value, validate_name::label_value(value), causes),
        "" => causes.required("operator", ""),
        other => causes.not_supported("operator", other, &["Equal", "Exists"]),
    }
    match meta::text(toleration, "effect") {
        "" => {}
        effect if EFFECTS.contains(&effect) => {}
        other => causes.not_supported("effect", other, &EFFECTS),
    }
}

fn selector(selector: &Value, causes: &mut Causes) {
    match given(selector, "cel") {
        None => causes.required("cel", ""),
        Some(cel) if meta::text(cel, "expression").len() > EXPRESSION_LENGTH => {
            too_long("cel.expression", EXPRESSION_LENGTH, causes);
        }
        Some(_) => {}
    }
}

fn configuration(config: &Value, causes: &mut Causes) {
    if given(config, "opaque").is_none() {
        causes.required("opaque", "");
    }
    inside(config, "opaque", causes, |opaque, causes| {
        driver_name(opaque, "driver", causes);
        match given(opaque, "parameters") {
            None => causes.required("parameters", ""),
            Some(parameters) if parameters.to_string().len() > PARAMETERS_LENGTH => {
                too_long("parameters", PARAMETERS_LENGTH, causes);
            }
            Some(Value::Object(_)) => {}
            Some(_) => causes.invalid("parameters", &"<value omitted>".into(), "must be a valid JSON object"),
        }
    });
}

/// The name of an attribute with its domain.
fn full_name(key: &str, name: &Value, causes: &mut Causes) {
    let text = name.as_str().unwrap_or_default();
    let parts: Vec<_> = text.split('/').collect();
    match parts.as_slice() {
        [id] => identifier(key, id, causes),
        [domain, id] => {
            if domain.is_empty() {
                causes.invalid(key, &"".into(), "the domain must not be empty");
            } else {
                driver_name(&json!({ key: domain }), key, causes);
            }
            if id.is_empty() {
                causes.invalid(key, &"".into(), "the name must not be empty");
            } else {
                identifier(key, id, causes);
            }
        }
        _ => {}
    }
    if !text.contains('/') {
        causes.invalid(key, name, "a fully qualified name must be a domain and a name separated by a slash");
    }
}

fn identifier(key: &str, id: &str, causes: &mut Causes) {
    if id.len() > ID_LENGTH {
        too_long(key, ID_LENGTH, causes);
    }
    let start = id.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if !start || !id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        let why = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
            alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is \
            '[A-Za-z_][A-Za-z0-9_]*')";
        causes.invalid(key, &id.into(), why);
    }
}

/// Whether a list is too long, which is then all that is said of it.
fn over(value: &Value, key: &str, limit: usize, causes: &mut Causes) -> bool {
    let found = list(value, key).len();
    too_many(key, found, limit, causes);
    found > limit
}

fn each_of(value: &Value, key: &str, limit: usize, causes: &mut Causes, check: impl Fn(&Value, &mut Causes)) {
    if !over(value, key, limit, causes) {
        each(value, key, causes, check);
    }
}

/// The same of entries whose names differ.
fn each_once(value: &Value, key: &str, limit: usize, causes: &mut Causes, check: impl Fn(&Value, &mut Causes)) {
    if !over(value, key, limit, causes) {
        each(value, key, causes, check);
        once(value, key, causes, |item| meta::text(item, "name"));
    }
}

fn once(value: &Value, key: &str, causes: &mut Causes, name: fn(&Value) -> &str) {
    let mut seen = Vec::new();
    each(value, key, causes, |item, causes| {
        let name = name(item);
        if seen.contains(&name) {
            causes.duplicate("", &name.into());
        }
        seen.push(name);
    });
}
