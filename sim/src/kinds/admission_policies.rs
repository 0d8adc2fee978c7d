//! The rules of admission policies and their bindings.
//!
//! # Differences
//!
//! Expressions (CEL) are not compiled: whatever is not empty is taken.

use serde_json::Value;

use super::admissionregistration::{FAILURE, MATCH, REINVOCATION, conditions, expression, rule};
use super::pod_spec::read::{each, field, given, inside, known_if_given, list, problems, selector};
use super::{Causes, conditions as condition_list};
use crate::meta;
use crate::validate_name;

/// What a mutation can change.
const MUTATED: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];
const ANNOTATIONS: usize = 20;
const ANNOTATION_LENGTH: usize = 5 * 1024;

/// Words that are no names in expressions.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What both kinds of policies have, but for what they do.
fn policy(spec: &Value, mutating: bool, causes: &mut Causes) {
    if given(spec, "failurePolicy").is_none() {
        causes.required("failurePolicy", "");
    }
    known_if_given(spec, "failurePolicy", &FAILURE, causes);
    inside(spec, "paramKind", causes, parameter_kind);
    match given(spec, "matchConstraints") {
        None => causes.required("matchConstraints", ""),
        Some(constraints) => causes.at("matchConstraints", |causes| {
            match_resources(constraints, causes);
            if list(constraints, "resourceRules").is_empty() {
                causes.required("resourceRules", "");
            }
            if mutating {
                mutated(constraints, causes);
            }
        }),
    }
    conditions(spec, causes);
    each(spec, "variables", causes, |variable, causes| {
        let name = meta::text(variable, "name");
        if name.trim().is_empty() {
            causes.required("name", "name is not specified");
        } else if !is_identifier(name) {
            causes.invalid("name", &name.into(), "must be a valid CEL identifier");
        }
        expression(variable, "expression", "expression is not specified", causes);
    });
}

fn is_identifier(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()) && !RESERVED.contains(&name)
}

/// Only what is written can be mutated.
fn mutated(constraints: &Value, causes: &mut Causes) {
    for rule in list(constraints, "resourceRules") {
        for operation in list(rule, "operations").iter().filter_map(Value::as_str) {
            if !MUTATED.contains(&operation) {
                causes.not_supported("resourceRules.operations", operation, &MUTATED);
            }
        }
    }
}

fn parameter_kind(kind: &Value, causes: &mut Causes) {
    let api_version = meta::text(kind, "apiVersion");
    let mut refuse = |value: &str, why: &str| causes.invalid("apiVersion", &value.into(), why);
    let parts: Vec<&str> = api_version.split('/').collect();
    let (group, version) = match parts.as_slice() {
        [""] => {
            causes.required("apiVersion", "");
            ("", None)
        }
        _ if api_version == "/" => ("", Some("")),
        [version] => ("", Some(*version)),
        [group, version] => (*group, Some(*version)),
        _ => {
            refuse(api_version, &format!("unexpected GroupVersion string: {api_version}"));
            ("", None)
        }
    };
    let mut refuse = |value: &str, why: &str| causes.invalid("apiVersion", &value.into(), why);
    if let Some(version) = version {
        let wrong = validate_name::subdomain(group);
        if !group.is_empty() && !wrong.is_empty() {
            refuse(group, &wrong.join(","));
        }
        let wrong = validate_name::label_1035(version);
        if version.is_empty() {
            refuse(api_version, "version must be specified");
        } else if !wrong.is_empty() {
            refuse(version, &wrong.join(","));
        }
    }
    let name = meta::text(kind, "kind");
    let wrong = validate_name::label_1035(&name.to_lowercase());
    if name.is_empty() {
        causes.required("kind", "");
    } else if !wrong.is_empty() {
        let why = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        causes.invalid("kind", &name.into(), &why);
    }
}

fn match_resources(resources: &Value, causes: &mut Causes) {
    for key in ["matchPolicy", "namespaceSelector", "objectSelector"] {
        if given(resources, key).is_none() {
            causes.required(key, "");
        } else if key == "matchPolicy" {
            known_if_given(resources, key, &MATCH, causes);
        } else {
            selector(resources, key, causes);
        }
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        each(resources, key, causes, |named, causes| {
            let names = list(named, "resourceNames");
            let mut place = 0;
            each(named, "resourceNames", causes, |name, causes| {
                let text = name.as_str().unwrap_or_default();
                problems("", text, validate_name::path_segment(text), causes);
                if names[..place].contains(name) {
                    causes.duplicate("", name);
                }
                place += 1;
            });
            rule(named, causes);
        });
    }
}

pub(super) fn validating_policy(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let name = meta::meta_text(value, "name");
    causes.at("spec", |causes| {
        policy(spec, false, causes);
        let annotations = list(spec, "auditAnnotations");
        if list(spec, "validations").is_empty() && annotations.is_empty() {
            for key in ["validations", "auditAnnotations"] {
                causes.required(key, "validations or auditAnnotations must contain at least one item");
            }
            return;
        }
        each(spec, "validations", causes, validation);
        if annotations.len() > ANNOTATIONS {
            let why = format!("must not have more than {ANNOTATIONS} auditAnnotations");
            causes.invalid("auditAnnotations", &annotations.into(), &why);
        }
        let mut keys = Vec::new();
        each(spec, "auditAnnotations", causes, |annotation, causes| {
            let key = meta::text(annotation, "key");
            if name.is_empty() {
                causes.invalid("key", &key.into(), "requires metadata.name be non-empty");
            } else {
                let whole = format!("{name}/{key}");
                problems("key", &whole, validate_name::qualified_name(&whole), causes);
            }
            let written = meta::text(annotation, "valueExpression").trim();
            if written.len() > ANNOTATION_LENGTH {
                causes.required("valueExpression", &format!("must not exceed {ANNOTATION_LENGTH} bytes in length"));
            }
            expression(annotation, "valueExpression", "valueExpression is not specified", causes);
            if keys.contains(&key) {
                causes.duplicate("key", &key.into());
            }
            keys.push(key);
        });
    });
}

fn validation(validation: &Value, causes: &mut Causes) {
    expression(validation, "expression", "expression is not specified", causes);
    let blank = |key: &str| {
        let text = meta::text(validation, key);
        !text.is_empty() && text.trim().is_empty()
    };
    if blank("messageExpression") {
        let given = field(validation, "messageExpression");
        causes.invalid("messageExpression", given, "must be non-empty if specified");
    }
    let message = meta::text(validation, "message");
    if blank("message") {
        causes.invalid("message", &message.into(), "must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        causes.invalid("message", &message.into(), "must not contain line breaks");
    }
    known_if_given(validation, "reason", &["Forbidden", "Invalid", "RequestEntityTooLarge"], causes);
}

pub(super) fn mutating_policy(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        policy(spec, true, causes);
        if list(spec, "mutations").is_empty() {
            causes.required("mutations", "mutations must contain at least one item");
        }
        each(spec, "mutations", causes, mutation);
        match meta::text(spec, "reinvocationPolicy") {
            "" => causes.required("reinvocationPolicy", ""),
            known if REINVOCATION.contains(&known) => {}
            other => causes.not_supported("reinvocationPolicy", other, &REINVOCATION),
        }
    });
}

fn mutation(mutation: &Value, causes: &mut Causes) {
    let patch = meta::text(mutation, "patchType");
    let (own, other) = match patch {
        "" => return causes.required("patchType", ""),
        "JSONPatch" => ("jsonPatch", "applyConfiguration"),
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
        _ => return causes.not_supported("patchType", patch, &["ApplyConfiguration", "JSONPatch"]),
    };
    match given(mutation, own) {
        None => causes.required(own, &format!("must be specified when patchType is {patch}")),
        Some(given) => causes.at(own, |causes| expression(given, "expression", "", causes)),
    }
    if given(mutation, other).is_some() {
        let why = format!("must not be specified when patchType is {patch}");
        causes.invalid(other, &format!("{{{other}}}").into(), &why);
    }
}

/// What both kinds of bindings have.
fn binding(spec: &Value, causes: &mut Causes) {
    match meta::text(spec, "policyName") {
        "" => causes.required("policyName", ""),
        name => problems("policyName", name, validate_name::subdomain(name), causes),
    }
    inside(spec, "paramRef", causes, |reference, causes| {
        let (name, selected) = (meta::text(reference, "name"), given(reference, "selector").is_some());
        let both = "name and selector are mutually exclusive";
        if !name.is_empty() {
            problems("name", name, validate_name::path_segment(name), causes);
            if selected {
                causes.forbidden("name", both);
            }
        }
        selector(reference, "selector", causes);
        match (name.is_empty(), selected) {
            (false, true) => causes.forbidden("selector", both),
            (true, false) => causes.required("", "one of name or selector must be specified"),
            _ => {}
        }
        match meta::text(reference, "parameterNotFoundAction") {
            "" => causes.required("parameterNotFoundAction", ""),
            "Allow" | "Deny" => {}
            other => causes.not_supported("parameterNotFoundAction", other, &["Deny", "Allow"]),
        }
    });
    inside(spec, "matchResources", causes, match_resources);
}

pub(super) fn validating_binding(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        binding(spec, causes);
        let actions = list(spec, "validationActions");
        let mut place = 0;
        each(spec, "validationActions", causes, |action, causes| {
            let text = action.as_str().unwrap_or_default();
            if !["Audit", "Deny", "Warn"].contains(&text) {
                causes.not_supported("", text, &["Audit", "Deny", "Warn"]);
            }
            if actions[..place].contains(action) {
                causes.duplicate("", action);
            }
            place += 1;
        });
        if ["Deny", "Warn"].iter().all(|word| actions.iter().any(|action| action == word)) {
            let why = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                response and headers serves no purpose)";
            causes.invalid("validationActions", &actions.into(), why);
        }
        if actions.is_empty() {
            causes.required("validationActions", "at least one validation action is required");
        }
    });
}

pub(super) fn mutating_binding(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        binding(spec, causes);
        inside(spec, "matchResources", causes, mutated);
    });
}

pub(super) fn policy_status(value: &Value, causes: &mut Causes) {
    let status = field(value, "status");
    causes.at("status", |causes| {
        inside(status, "typeChecking", causes, |checking, causes| {
            each(checking, "expressionWarnings", causes, |warning, causes| {
                if meta::text(warning, "warning").is_empty() {
                    causes.required("warning", "");
                }
                expression(warning, "fieldRef", "", causes);
            });
        });
        causes.at("conditions", |causes| condition_list::check(list(status, "conditions"), causes));
    });
}
