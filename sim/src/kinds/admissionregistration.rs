//! The rules of admissionregistration.k8s.io: configurations of webhooks, admission policies and their bindings.
//!
//! # Differences
//!
//! Expressions (CEL) are not compiled: whatever is not empty is taken. Nothing of these kinds is called or evaluated.

use serde_json::{Value, json};

use super::admission_policies::{
    mutating_binding, mutating_policy, policy_status, validating_binding, validating_policy,
};
use super::pod_spec::read::{
    each, field, fill, given, known_if_given, list, list_mut, number, problems, selector, too_many,
};
use super::{Causes, Rules, Table, webhooks};
use crate::meta;
use crate::validate_name;

pub(super) const FAILURE: [&str; 2] = ["Fail", "Ignore"];
pub(super) const MATCH: [&str; 2] = ["Equivalent", "Exact"];
pub(super) const REINVOCATION: [&str; 2] = ["IfNeeded", "Never"];
const SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const CONDITIONS: usize = 64;

pub(super) const TABLE: Table = &[
    (
        "validatingwebhookconfigurations",
        Rules {
            default: |value| default_webhooks(value, &json!({})),
            validate: |value, causes| webhooks(value, false, causes),
            validate_update: |_, new, causes| webhooks(new, false, causes),
            ..Rules::NONE
        },
    ),
    (
        "mutatingwebhookconfigurations",
        Rules {
            default: |value| default_webhooks(value, &json!({"reinvocationPolicy": "Never"})),
            validate: |value, causes| webhooks(value, true, causes),
            validate_update: |_, new, causes| webhooks(new, true, causes),
            ..Rules::NONE
        },
    ),
    (
        "validatingadmissionpolicies",
        Rules {
            default: default_policy,
            prepare_create: |value| value["status"] = json!({}),
            validate: validating_policy,
            validate_update: |_, new, causes| validating_policy(new, causes),
            validate_status_update: |_, new, causes| policy_status(new, causes),
            ..Rules::NONE
        },
    ),
    (
        "mutatingadmissionpolicies",
        Rules {
            default: default_policy,
            validate: mutating_policy,
            validate_update: |_, new, causes| mutating_policy(new, causes),
            ..Rules::NONE
        },
    ),
    (
        "validatingadmissionpolicybindings",
        Rules {
            default: default_binding,
            validate: validating_binding,
            validate_update: |_, new, causes| validating_binding(new, causes),
            ..Rules::NONE
        },
    ),
    (
        "mutatingadmissionpolicybindings",
        Rules {
            default: default_binding,
            validate: mutating_binding,
            validate_update: |_, new, causes| mutating_binding(new, causes),
            ..Rules::NONE
        },
    ),
];

fn default_rules(value: &mut Value, key: &str) {
    for rule in list_mut(value, key) {
        fill(rule, &json!({"scope": "*"}));
    }
}

fn default_webhooks(value: &mut Value, more: &Value) {
    for hook in list_mut(value, "webhooks") {
        fill(
            hook,
            &json!({"failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {},
                "timeoutSeconds": 10}),
        );
        fill(hook, more);
        if let Some(service) = hook.pointer_mut("/clientConfig/service") {
            fill(service, &json!({"port": 443}));
        }
        default_rules(hook, "rules");
    }
}

fn default_match(value: &mut Value, pointer: &str) {
    if let Some(resources) = value.pointer_mut(pointer) {
        fill(resources, &json!({"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}));
        default_rules(resources, "resourceRules");
        default_rules(resources, "excludeResourceRules");
    }
}

fn default_policy(value: &mut Value) {
    if let Some(spec) = meta::object_at(value, "spec") {
        spec.entry("failurePolicy").or_insert_with(|| "Fail".into());
    }
    default_match(value, "/spec/matchConstraints");
}

fn default_binding(value: &mut Value) {
    default_match(value, "/spec/matchResources");
}

fn webhooks(value: &Value, mutating: bool, causes: &mut Causes) {
    let mut names = Vec::new();
    each(value, "webhooks", causes, |hook, causes| {
        let name = meta::text(hook, "name");
        qualified(name, causes);
        each(hook, "rules", causes, rule);
        known_if_given(hook, "failurePolicy", &FAILURE, causes);
        known_if_given(hook, "matchPolicy", &MATCH, causes);
        if given(hook, "sideEffects").is_none() {
            causes.required("sideEffects", "must specify one of None, NoneOnDryRun");
        }
        known_if_given(hook, "sideEffects", &SIDE_EFFECTS, causes);
        let seconds = number(hook, "timeoutSeconds");
        if given(hook, "timeoutSeconds").is_some() && !(1..=30).contains(&seconds) {
            causes.invalid("timeoutSeconds", &seconds.into(), "the timeout value must be between 1 and 30 seconds");
        }
        selector(hook, "namespaceSelector", causes);
        selector(hook, "objectSelector", causes);
        if mutating {
            known_if_given(hook, "reinvocationPolicy", &REINVOCATION, causes);
        }
        webhooks::client(field(hook, "clientConfig"), "clientConfig", causes);
        conditions(hook, causes);
        let versions = list(hook, "admissionReviewVersions");
        webhooks::review_versions(versions, "admissionReviewVersions", "must specify one of v1, v1beta1", causes);
        if names.contains(&name) {
            causes.duplicate("name", &name.into());
        } else if !name.is_empty() {
            names.push(name);
        }
    });
}

/// A name of at least three parts.
fn qualified(name: &str, causes: &mut Causes) {
    if name.is_empty() {
        return causes.required("name", "");
    }
    let wrong = validate_name::subdomain(name);
    if !wrong.is_empty() {
        causes.invalid("name", &name.into(), &wrong.join(","));
    } else if name.split('.').count() < 3 {
        let why = "should be a domain with at least three segments separated by dots";
        causes.invalid("name", &name.into(), why);
    }
}

/// Whether a list says more than `*` beside it.
fn says_more_than_all(values: &[Value]) -> bool {
    values.len() > 1 && values.iter().any(|value| value == "*")
}

/// Which requests a webhook or a policy is about.
pub(super) fn rule(rule: &Value, causes: &mut Causes) {
    let operations = list(rule, "operations");
    if operations.is_empty() {
        causes.required("operations", "");
    }
    if says_more_than_all(operations) {
        let why = "if '*' is present, must not specify other operations";
        causes.invalid("operations", &operations.into(), why);
    }
    each(rule, "operations", causes, |operation, causes| {
        let operation = operation.as_str().unwrap_or_default();
        if !OPERATIONS.contains(&operation) {
            causes.not_supported("", operation, &OPERATIONS);
        }
    });
    for (key, what) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
        let values = list(rule, key);
        if values.is_empty() {
            causes.required(key, "");
        }
        if says_more_than_all(values) {
            causes.invalid(key, &values.into(), &format!("if '*' is present, must not specify other {what}"));
        }
    }
    each(rule, "apiVersions", causes, |version, causes| {
        if version == "" {
            causes.required("", "");
        }
    });
    resources(rule, causes);
    known_if_given(rule, "scope", &SCOPES, causes);
}

fn resources(rule: &Value, causes: &mut Causes) {
    let found = list(rule, "resources");
    if found.is_empty() {
        causes.required("resources", "");
    }
    let (mut all_parts, mut all_resources) = (Vec::new(), Vec::new());
    let mut last_is_plain = false;
    each(rule, "resources", causes, |resource, causes| {
        let text = resource.as_str().unwrap_or_default();
        if text.is_empty() {
            return causes.required("", "");
        }
        let Some((name, part)) = text.split_once('/') else {
            last_is_plain = text != "*";
            return;
        };
        if all_parts.contains(&name) {
            causes.invalid("", resource, &format!("if '{name}/*' is present, must not specify {text}"));
        }
        if all_resources.contains(&part) {
            causes.invalid("", resource, &format!("if '*/{part}' is present, must not specify {text}"));
        }
        if part == "*" {
            all_parts.push(name);
        }
        if name == "*" {
            all_resources.push(part);
        }
    });
    if found.len() > 1 && found.iter().any(|resource| resource == "*/*") {
        let why = "if '*/*' is present, must not specify other resources";
        causes.invalid("resources", &found.into(), why);
    }
    if last_is_plain && found.iter().any(|resource| resource == "*") {
        let why = "if '*' is present, must not specify other resources without subresources";
        causes.invalid("resources", &found.into(), why);
    }
}

/// Expressions that narrow them.
pub(super) fn conditions(value: &Value, causes: &mut Causes) {
    too_many("matchConditions", list(value, "matchConditions").len(), CONDITIONS, causes);
    let mut names = Vec::new();
    each(value, "matchConditions", causes, |condition, causes| {
        expression(condition, "expression", "", causes);
        let name = meta::text(condition, "name");
        if name.is_empty() {
            return causes.required("name", "");
        }
        problems("name", name, validate_name::qualified_name(name), causes);
        if names.contains(&name) {
            causes.duplicate("name", &name.into());
        } else {
            names.push(name);
        }
    });
}

/// An expression that must be given.
pub(super) fn expression(value: &Value, key: &str, missing: &str, causes: &mut Causes) {
    if meta::text(value, key).trim().is_empty() {
        causes.required(key, missing);
    }
}
