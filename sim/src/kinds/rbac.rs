//! The rules of rbac.authorization.k8s.io: roles and the bindings that give them to somebody.
//!
//! # Differences
//!
//! Everybody may give everything: nobody is asked whether he has what a role allows. Nobody fills in the rules of an aggregated role.

use serde_json::{Value, json};

use super::pod_spec::internal;
use super::pod_spec::read::{each, field, fill_text, given, inside, list, list_mut, problems, selector, selects};
use super::{Causes, Rules, Table};
use crate::meta;
use crate::validate_name;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) const TABLE: Table = &[
    (
        "roles",
        Rules {
            validate: |value, causes| policy(value, true, causes),
            validate_update: |_, new, causes| policy(new, true, causes),
            ..Rules::NONE
        },
    ),
    (
        "clusterroles",
        Rules { validate: cluster_role, validate_update: |_, new, causes| cluster_role(new, causes), ..Rules::NONE },
    ),
    (
        "rolebindings",
        Rules {
            default: default_binding,
            validate: |value, causes| binding(value, &["Role", "ClusterRole"], causes),
            validate_update: |old, new, causes| {
                binding(new, &["Role", "ClusterRole"], causes);
                same_role(old, new, causes);
            },
            ..Rules::NONE
        },
    ),
    (
        "clusterrolebindings",
        Rules {
            default: default_binding,
            validate: |value, causes| binding(value, &["ClusterRole"], causes),
            validate_update: |old, new, causes| {
                binding(new, &["ClusterRole"], causes);
                same_role(old, new, causes);
            },
            ..Rules::NONE
        },
    ),
];

fn default_binding(value: &mut Value) {
    if let Some(reference) = meta::object_at(value, "roleRef")
        && reference.get("apiGroup").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        reference.insert("apiGroup".to_owned(), GROUP.into());
    }
    for subject in list_mut(value, "subjects") {
        if matches!(meta::text(subject, "kind"), "User" | "Group") {
            fill_text(subject, "apiGroup", GROUP);
        }
    }
}

/// The rules of a role.
fn policy(value: &Value, namespaced: bool, causes: &mut Causes) {
    each(value, "rules", causes, |rule, causes| {
        let gives = |key: &str| !list(rule, key).is_empty();
        if !gives("verbs") {
            causes.required("verbs", "verbs must contain at least one value");
        }
        if gives("nonResourceURLs") {
            let urls = field(rule, "nonResourceURLs");
            if namespaced {
                causes.invalid("nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs");
            }
            if gives("apiGroups") || gives("resources") || gives("resourceNames") {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                causes.invalid("nonResourceURLs", urls, why);
            }
            return;
        }
        if !gives("apiGroups") {
            causes.required("apiGroups", "resource rules must supply at least one api group");
        }
        if !gives("resources") {
            causes.required("resources", "resource rules must supply at least one resource");
        }
    });
}

fn cluster_role(value: &Value, causes: &mut Causes) {
    policy(value, false, causes);
    inside(value, "aggregationRule", causes, |aggregation, causes| {
        let selectors = list(aggregation, "clusterRoleSelectors");
        if selectors.is_empty() {
            let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            causes.required("clusterRoleSelectors", why);
        }
        each(aggregation, "clusterRoleSelectors", causes, |found, causes| {
            selector(&json!({"": found}), "", causes);
            if !selects(found) {
                causes.invalid("", &Value::Null, "invalid label selector.");
            }
        });
    });
}

/// A binding to a role of one of the kinds.
fn binding(value: &Value, kinds: &[&str], causes: &mut Causes) {
    let namespaced = kinds.contains(&"Role");
    let reference = field(value, "roleRef");
    causes.at("roleRef", |causes| {
        group(reference, GROUP, causes);
        let kind = meta::text(reference, "kind");
        if !kinds.contains(&kind) {
            causes.not_supported("kind", kind, kinds);
        }
        match meta::text(reference, "name") {
            "" => causes.required("name", ""),
            name => problems("name", name, validate_name::path_segment(name), causes),
        }
    });
    each(value, "subjects", causes, |subject, causes| {
        let (kind, name) = (meta::text(subject, "kind"), meta::text(subject, "name"));
        if name.is_empty() {
            causes.required("name", "");
        }
        match kind {
            "ServiceAccount" => {
                if !name.is_empty() {
                    problems("name", name, validate_name::subdomain(name), causes);
                }
                group(subject, "", causes);
                if !namespaced && meta::text(subject, "namespace").is_empty() {
                    causes.required("namespace", "");
                }
            }
            "User" | "Group" => group(subject, GROUP, causes),
            other => causes.not_supported("kind", other, &["ServiceAccount", "User", "Group"]),
        }
    });
}

fn group(value: &Value, expected: &str, causes: &mut Causes) {
    let found = meta::text(value, "apiGroup");
    if found != expected {
        causes.not_supported("apiGroup", found, &[expected]);
    }
}

fn same_role(old: &Value, new: &Value, causes: &mut Causes) {
    let reference = |value: &Value| given(value, "roleRef").cloned().unwrap_or_else(|| json!({}));
    let (before, now) = (reference(old), reference(new));
    if ["apiGroup", "kind", "name"].iter().any(|key| meta::text(&before, key) != meta::text(&now, key)) {
        internal::refuse("RoleRef", "roleRef", &now, "cannot change roleRef", causes);
    }
}
