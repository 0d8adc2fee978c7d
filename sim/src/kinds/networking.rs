//! The rules of the kinds of networking: classes of ingresses, addresses and ranges of services; ingresses and policies have files of
//! their own.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{field, fill, given, list, problems};
use super::{Causes, Rules, Table, addresses, ingress, network_policy};
use crate::meta;
use crate::status::Cause;
use crate::validate_name;

/// The longest name of a controller of ingresses.
const CONTROLLER_LENGTH: usize = 250;

pub(super) const TABLE: Table = &[
    ("ingresses", ingress::RULES),
    ("networkpolicies", network_policy::RULES),
    (
        "ingressclasses",
        Rules {
            default: |value| {
                if let Some(parameters) = value.pointer_mut("/spec/parameters") {
                    fill(parameters, &json!({"scope": "Cluster"}));
                }
            },
            validate: ingress_class,
            validate_update: |old, new, causes| {
                let controller = |value| meta::text(field(value, "spec"), "controller");
                if controller(old) != controller(new) {
                    causes.invalid("spec.controller", &controller(new).into(), "field is immutable");
                }
                ingress_class(new, causes);
            },
            ..Rules::NONE
        },
    ),
    (
        "ipaddresses",
        Rules {
            validate: ip_address,
            validate_update: |old, new, causes| {
                ip_address(new, causes);
                let parent = |value| given(field(value, "spec"), "parentRef");
                if parent(old) != parent(new) {
                    let shown = parent(new).map_or_else(|| "null".to_owned(), |value| show("ParentReference", value));
                    invalid("spec.parentRef", &shown, "field is immutable", causes);
                }
            },
            ..Rules::NONE
        },
    ),
    (
        "servicecidrs",
        Rules {
            prepare_create: |value| value["status"] = json!({}),
            validate: service_cidr,
            validate_update: service_cidr_update,
            ..Rules::NONE
        },
    ),
];

fn show(kind: &str, value: &Value) -> String {
    internal::show(kind, value)
}

/// A cause that shows its value as the given text.
fn invalid(field: &str, shown: &str, why: &str, causes: &mut Causes) {
    let message = format!("Invalid value: {shown}: {why}");
    let field = causes.path(field);
    causes.push(Cause { reason: "FieldValueInvalid".to_owned(), message, field });
}

fn ingress_class(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        let controller = meta::text(spec, "controller");
        if controller.len() > CONTROLLER_LENGTH {
            super::pod_spec::read::too_long("controller", CONTROLLER_LENGTH, causes);
        }
        domain_path("controller", controller, causes);
        if let Some(parameters) = given(spec, "parameters") {
            causes.at("parameters", |causes| class_parameters(parameters, causes));
        }
    });
}

/// A path behind a domain, as `example.com/controller`.
fn domain_path(field: &str, text: &str, causes: &mut Causes) {
    if text.is_empty() {
        causes.required(field, "");
        return;
    }
    let Some((host, path)) = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty()) else {
        causes.invalid(field, &text.into(), "must be a domain-prefixed path (such as \"acme.io/foo\")");
        return;
    };
    problems(field, host, validate_name::subdomain(host), causes);
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)) {
        let why = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
        causes.invalid(field, &path.into(), why);
    }
}

/// The group, the kind and the name of something that an object refers to.
pub(super) fn typed_reference(value: &Value, causes: &mut Causes) {
    if let Some(group) = value.get("apiGroup").and_then(Value::as_str) {
        problems("apiGroup", group, validate_name::subdomain(group), causes);
    }
    segment(value, "kind", causes);
    segment(value, "name", causes);
}

/// A text that must be given and could be a part of a path.
fn segment(value: &Value, key: &str, causes: &mut Causes) {
    match meta::text(value, key) {
        "" => causes.required(key, ""),
        text => problems(key, text, validate_name::path_segment(text), causes),
    }
}

fn class_parameters(value: &Value, causes: &mut Causes) {
    typed_reference(value, causes);
    let namespace = value.get("namespace").and_then(Value::as_str);
    match value.get("scope").and_then(Value::as_str) {
        None => causes.required("scope", ""),
        Some("Namespace") => match namespace {
            None => causes.required("namespace", "`parameters.scope` is set to 'Namespace'"),
            Some(name) => problems("namespace", name, validate_name::label(name), causes),
        },
        Some("Cluster") => {
            if namespace.is_some() {
                causes.forbidden("namespace", "`parameters.scope` is set to 'Cluster'");
            }
        }
        Some(other) => causes.not_supported("scope", other, &["Cluster", "Namespace"]),
    }
}

fn ip_address(value: &Value, causes: &mut Causes) {
    causes.at("spec", |causes| {
        let Some(parent) = given(field(value, "spec"), "parentRef") else {
            causes.required("parentRef", "");
            return;
        };
        causes.at("parentRef", |causes| {
            match meta::text(parent, "group") {
                "" => {}
                group => problems("group", group, validate_name::subdomain(group), causes),
            }
            segment(parent, "resource", causes);
            segment(parent, "name", causes);
            match meta::text(parent, "namespace") {
                "" => {}
                namespace => problems("namespace", namespace, validate_name::path_segment(namespace), causes),
            }
        });
    });
}

fn ranges(value: &Value) -> Vec<&str> {
    list(field(value, "spec"), "cidrs").iter().map(|entry| entry.as_str().unwrap_or_default()).collect()
}

fn service_cidr(value: &Value, causes: &mut Causes) {
    let ranges = ranges(value);
    causes.at("spec.cidrs", |causes| {
        if ranges.is_empty() {
            causes.required("", "at least one CIDR required");
            return;
        }
        if ranges.len() > 2 {
            let shown = show("ServiceCIDRSpec", field(value, "spec"));
            invalid("", &shown, "may only hold up to 2 values", causes);
            return;
        }
        for (index, range) in ranges.iter().enumerate() {
            let wrong = addresses::range_problems(range);
            causes.index(index, |causes| addresses::refuse("", range, wrong, causes));
        }
        let family = |range: &&str| addresses::Range::sloppy(range).map(|range| addresses::is_four(range.network));
        if let [first, second] = ranges.as_slice()
            && family(first).is_some()
            && family(first) == family(second)
        {
            let why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
            causes.invalid("", &json!(ranges), why);
        }
    });
}

/// Ranges stay; one of the other family may join.
fn service_cidr_update(old: &Value, new: &Value, causes: &mut Causes) {
    const IMMUTABLE: &str = "field is immutable";
    let (before, now) = (ranges(old), ranges(new));
    let stays = |places: usize, causes: &mut Causes| {
        causes.at("spec.cidrs", |causes| {
            for (index, range) in now.iter().take(places).enumerate().filter(|(index, range)| before[*index] != **range)
            {
                causes.index(index, |causes| causes.invalid("", &(*range).into(), IMMUTABLE));
            }
        });
    };
    match (before.len(), now.len()) {
        (one, other) if one == other => stays(one, causes),
        (1, 2) => {
            stays(1, causes);
            service_cidr(new, causes);
        }
        _ => causes.invalid("spec.cidrs", field(field(new, "spec"), "cidrs"), IMMUTABLE),
    }
}
