//! Kinds of admissionregistration.k8s.io. They act on a real server: their rules name a group that is not there, and no poison makes
//! them match anything else.

use serde_json::{Value, json};

use super::{Kind, Poisons};
use crate::script::Dice;

const API_VERSION: &str = "admissionregistration.k8s.io/v1";

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "ValidatingWebhookConfiguration",
        api_version: API_VERSION,
        plural: "validatingwebhookconfigurations",
        namespaced: false,
        variant: |dice, _| webhooks(dice, false),
        poisons: WEBHOOKS,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "MutatingWebhookConfiguration",
        api_version: API_VERSION,
        plural: "mutatingwebhookconfigurations",
        namespaced: false,
        variant: |dice, _| webhooks(dice, true),
        poisons: WEBHOOKS,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ValidatingAdmissionPolicy",
        api_version: API_VERSION,
        plural: "validatingadmissionpolicies",
        namespaced: false,
        variant: |dice, _| validating_policy(dice),
        poisons: POLICY,
        status: Some(status),
        status_poisons: &[
            ("/status/conditions/0/status", "\"Perhaps\""),
            ("/status/conditions/0/type", "\"a b\""),
            ("/status/conditions/0/reason", "\"\""),
            ("/status/conditions/0/reason", "\"not a reason\""),
            ("/status/conditions/0/lastTransitionTime", "null"),
            ("/status/conditions/0/observedGeneration", "-1"),
            ("/status/conditions/1", "1"),
            ("/status/typeChecking", "{\"expressionWarnings\":[{}]}"),
            ("/status/typeChecking", "{\"expressionWarnings\":[{\"fieldRef\":\"spec.x\",\"warning\":\"\"}]}"),
            ("/status/observedGeneration", "\"x\""),
            ("/status/odd", "1"),
            ("/status", "null"),
            ("/metadata/labels", "{\"new\":\"label\"}"),
            ("/spec/failurePolicy", "\"Ignore\""),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "MutatingAdmissionPolicy",
        api_version: API_VERSION,
        plural: "mutatingadmissionpolicies",
        namespaced: false,
        variant: |dice, _| mutating_policy(dice),
        poisons: POLICY,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ValidatingAdmissionPolicyBinding",
        api_version: API_VERSION,
        plural: "validatingadmissionpolicybindings",
        namespaced: false,
        variant: |dice, _| binding(dice, true),
        poisons: BINDING,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "MutatingAdmissionPolicyBinding",
        api_version: API_VERSION,
        plural: "mutatingadmissionpolicybindings",
        namespaced: false,
        variant: |dice, _| binding(dice, false),
        poisons: BINDING,
        ..Kind::DEFAULT
    },
];

const WEBHOOKS: Poisons = &[
    ("/webhooks", "null"),
    ("/webhooks", "[]"),
    ("/webhooks", "{}"),
    ("/webhooks/0/name", "\"\""),
    ("/webhooks/0/name", "\"a.b\""),
    ("/webhooks/0/name", "\"A.b.c\""),
    ("/webhooks/0/name", "\"second.hooks.example.com\""),
    ("/webhooks/0/clientConfig", "{}"),
    ("/webhooks/0/clientConfig", "{\"url\":\"https://a/b\",\"service\":{\"namespace\":\"a\",\"name\":\"b\"}}"),
    ("/webhooks/0/clientConfig", "{\"url\":\"http://user@host/a?b=c#d\"}"),
    ("/webhooks/0/clientConfig", "{\"url\":\"nothing\"}"),
    ("/webhooks/0/clientConfig", "{\"service\":{}}"),
    (
        "/webhooks/0/clientConfig",
        "{\"service\":{\"namespace\":\"a\",\"name\":\"b\",\"port\":0,\"path\":\"no/Slash//x\"}}",
    ),
    ("/webhooks/0/rules/0/operations", "[]"),
    ("/webhooks/0/rules/0/operations", "[\"*\",\"CREATE\"]"),
    ("/webhooks/0/rules/0/operations", "[\"READ\"]"),
    ("/webhooks/0/rules/0/apiGroups", "[]"),
    ("/webhooks/0/rules/0/apiVersions", "[\"\",\"*\"]"),
    ("/webhooks/0/rules/0/resources", "[\"\",\"a/*\",\"a/b\",\"*/b\",\"c/b\",\"*\",\"d\"]"),
    ("/webhooks/0/rules/0/resources", "[\"*/*\",\"a\"]"),
    ("/webhooks/0/rules/0/scope", "\"Galaxy\""),
    ("/webhooks/0/rules/0/scope", "null"),
    ("/webhooks/0/failurePolicy", "\"Hope\""),
    ("/webhooks/0/failurePolicy", "null"),
    ("/webhooks/0/matchPolicy", "\"\""),
    ("/webhooks/0/sideEffects", "null"),
    ("/webhooks/0/sideEffects", "\"Some\""),
    ("/webhooks/0/timeoutSeconds", "31"),
    ("/webhooks/0/timeoutSeconds", "0"),
    ("/webhooks/0/timeoutSeconds", "\"x\""),
    ("/webhooks/0/reinvocationPolicy", "\"Always\""),
    ("/webhooks/0/admissionReviewVersions", "[]"),
    ("/webhooks/0/admissionReviewVersions", "[\"v9\",\"v9\",\"V\"]"),
    ("/webhooks/0/namespaceSelector", "{\"matchExpressions\":[{\"key\":\"a b\",\"operator\":\"In\"}]}"),
    ("/webhooks/0/objectSelector", "{\"matchLabels\":{\"a\":\"b c\"}}"),
    ("/webhooks/0/matchConditions", "[{\"name\":\"\",\"expression\":\" \"}]"),
    (
        "/webhooks/0/matchConditions",
        "[{\"name\":\"a\",\"expression\":\"true\"},{\"name\":\"a\",\"expression\":\"true\"}]",
    ),
    ("/webhooks/0/odd", "1"),
];

/// Each is about the one or the other kind of policies; the rest are unknown fields to the other.
const POLICY: Poisons = &[
    ("/spec", "null"),
    ("/spec", "{}"),
    ("/spec/failurePolicy", "\"Hope\""),
    ("/spec/failurePolicy", "null"),
    ("/spec/paramKind", "{\"apiVersion\":\"a/b/c\",\"kind\":\"a b\"}"),
    ("/spec/paramKind", "{\"apiVersion\":\"A_b/\",\"kind\":\"\"}"),
    ("/spec/paramKind", "{\"kind\":\"Things\"}"),
    ("/spec/matchConstraints", "null"),
    ("/spec/matchConstraints", "{}"),
    ("/spec/matchConstraints/matchPolicy", "\"Near\""),
    ("/spec/matchConstraints/namespaceSelector", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Near\"}]}"),
    ("/spec/matchConstraints/resourceRules/0/resourceNames", "[\"a/b\",\"c\",\"c\"]"),
    ("/spec/matchConstraints/resourceRules/0/operations", "[\"DELETE\"]"),
    ("/spec/matchConstraints/resourceRules/0/operations", "[\"READ\",\"*\"]"),
    ("/spec/matchConstraints/resourceRules/0/apiVersions", "[]"),
    ("/spec/matchConstraints/resourceRules/0/resources", "[]"),
    ("/spec/matchConditions", "[{\"name\":\"a b\",\"expression\":\"true\"},{\"expression\":\"\"}]"),
    ("/spec/variables", "[{\"name\":\"\",\"expression\":\"\"}]"),
    ("/spec/variables", "[{\"name\":\"while\",\"expression\":\"1\"}]"),
    ("/spec/validations", "[]"),
    ("/spec/validations", "[{\"expression\":\" \"}]"),
    ("/spec/validations", "[{\"expression\":\"true\",\"message\":\" \",\"reason\":\"Mood\"}]"),
    ("/spec/validations", "[{\"expression\":\"true\",\"message\":\"a\\nb\",\"messageExpression\":\" \"}]"),
    ("/spec/auditAnnotations", "[{\"key\":\"a b\",\"valueExpression\":\"\"}]"),
    (
        "/spec/auditAnnotations",
        "[{\"key\":\"a\",\"valueExpression\":\"'x'\"},{\"key\":\"a\",\"valueExpression\":\"'x'\"}]",
    ),
    ("/spec/mutations", "[]"),
    ("/spec/mutations", "[{}]"),
    ("/spec/mutations", "[{\"patchType\":\"Other\"}]"),
    ("/spec/mutations", "[{\"patchType\":\"JSONPatch\"}]"),
    (
        "/spec/mutations",
        "[{\"patchType\":\"JSONPatch\",\"jsonPatch\":{\"expression\":\" \"},\"applyConfiguration\":{\"expression\":\"x\"}}]",
    ),
    ("/spec/mutations", "[{\"patchType\":\"ApplyConfiguration\",\"jsonPatch\":{\"expression\":\" \"}}]"),
    ("/spec/reinvocationPolicy", "\"Always\""),
    ("/spec/reinvocationPolicy", "null"),
    ("/spec/odd", "1"),
    ("/status", "{\"observedGeneration\":5}"),
];

const BINDING: Poisons = &[
    ("/spec", "null"),
    ("/spec", "{}"),
    ("/spec/policyName", "\"\""),
    ("/spec/policyName", "\"A b\""),
    ("/spec/policyName", "5"),
    ("/spec/paramRef", "{}"),
    ("/spec/paramRef", "{\"name\":\"a/b\",\"selector\":{},\"parameterNotFoundAction\":\"Hope\"}"),
    ("/spec/paramRef", "{\"selector\":{\"matchLabels\":{\"a b\":\"c\"}},\"parameterNotFoundAction\":\"Deny\"}"),
    ("/spec/paramRef", "{\"name\":\"a\",\"parameterNotFoundAction\":\"\"}"),
    ("/spec/matchResources", "{\"matchPolicy\":\"Near\"}"),
    (
        "/spec/matchResources",
        "{\"resourceRules\":[{\"operations\":[\"DELETE\"],\"apiGroups\":[\"none.example.com\"]}]}",
    ),
    ("/spec/matchResources", "{\"excludeResourceRules\":[{\"resourceNames\":[\"\",\"\"]}]}"),
    (
        "/spec/matchResources",
        "{\"objectSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b\"]}]}}",
    ),
    ("/spec/validationActions", "[]"),
    ("/spec/validationActions", "[\"Deny\",\"Warn\"]"),
    ("/spec/validationActions", "[\"Audit\",\"Audit\",\"Shout\"]"),
    ("/spec/odd", "1"),
];

fn rule(dice: &mut Dice) -> Value {
    let mut rule = json!({"apiGroups": ["none.example.com"], "apiVersions": [*dice.one(&["v1", "*"])],
        "operations": [*dice.one(&["CREATE", "UPDATE"])], "resources": ["nothings"]});
    match dice.below(4) {
        0 => rule["scope"] = (*dice.one(&["*", "Cluster", "Namespaced"])).into(),
        1 => rule["resources"] = json!(["nothings/*", "others"]),
        _ => {}
    }
    rule
}

fn selector(dice: &mut Dice) -> Value {
    match dice.below(3) {
        0 => json!({}),
        1 => json!({"matchLabels": {"a": "b"}}),
        _ => json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}),
    }
}

fn webhooks(dice: &mut Dice, mutating: bool) -> Value {
    let names = ["first.hooks.example.com", "second.hooks.example.com"];
    let hooks: Vec<Value> = names[..dice.below(3)].iter().map(|name| webhook(dice, name, mutating)).collect();
    json!({ "webhooks": hooks })
}

fn webhook(dice: &mut Dice, name: &str, mutating: bool) -> Value {
    let config = match dice.below(3) {
        0 => json!({"url": "https://hooks.example.com/path"}),
        1 => json!({"service": {"namespace": "default", "name": "hooks", "path": "/a/b"}}),
        _ => json!({"service": {"namespace": "default", "name": "hooks", "port": 8443}, "caBundle": "YWJj"}),
    };
    let mut hook = json!({"name": name, "clientConfig": config, "sideEffects": *dice.one(&["None", "NoneOnDryRun"]),
        "admissionReviewVersions": *dice.one(&[&["v1"] as &[&str], &["v1", "v1beta1"], &["v2", "v1beta1"]])});
    if dice.once_in(2) {
        hook["rules"] = json!([rule(dice)]);
    }
    if dice.once_in(3) {
        hook["failurePolicy"] = (*dice.one(&["Fail", "Ignore"])).into();
        hook["timeoutSeconds"] = json!(1 + dice.below(30));
    }
    if dice.once_in(3) {
        hook["namespaceSelector"] = selector(dice);
        hook["objectSelector"] = selector(dice);
    }
    if dice.once_in(4) {
        hook["matchConditions"] = json!([{"name": "a/b", "expression": "request.name != ''"}]);
    }
    if mutating && dice.once_in(2) {
        hook["reinvocationPolicy"] = "IfNeeded".into();
    }
    hook
}

fn constraints(dice: &mut Dice) -> Value {
    let mut constraints = json!({"resourceRules": [rule(dice)]});
    if dice.once_in(3) {
        constraints["resourceRules"][0]["resourceNames"] = json!(["one", "two"]);
    }
    if dice.once_in(3) {
        constraints["excludeResourceRules"] = json!([rule(dice)]);
    }
    if dice.once_in(3) {
        constraints["matchPolicy"] = "Exact".into();
        constraints["objectSelector"] = selector(dice);
    }
    constraints
}

fn policy(dice: &mut Dice) -> Value {
    let mut spec = json!({"matchConstraints": constraints(dice)});
    if dice.once_in(3) {
        spec["failurePolicy"] = (*dice.one(&["Fail", "Ignore"])).into();
    }
    if dice.once_in(3) {
        spec["paramKind"] = json!({"apiVersion": *dice.one(&["v1", "none.example.com/v1"]), "kind": "ConfigMap"});
    }
    if dice.once_in(3) {
        spec["matchConditions"] = json!([{"name": "named", "expression": "request.name != ''"}]);
    }
    if dice.once_in(4) {
        spec["variables"] = json!([{"name": "one", "expression": "1"}, {"name": "two_", "expression": "2"}]);
    }
    spec
}

fn validating_policy(dice: &mut Dice) -> Value {
    let mut spec = policy(dice);
    let audited = dice.once_in(3);
    if audited {
        spec["auditAnnotations"] = json!([{"key": "note", "valueExpression": "'a note'"}]);
    }
    if !audited || dice.once_in(2) {
        spec["validations"] = json!([{"expression": "object.metadata.name != ''"}]);
    }
    match dice.below(4) {
        0 => spec["validations"] = json!([{"expression": "true", "message": "never", "reason": "Forbidden"}]),
        1 => spec["validations"] = json!([{"expression": "true", "messageExpression": "'never'"}]),
        _ => {}
    }
    json!({ "spec": spec })
}

fn mutating_policy(dice: &mut Dice) -> Value {
    let mut spec = policy(dice);
    spec["reinvocationPolicy"] = (*dice.one(&["Never", "IfNeeded"])).into();
    let apply = json!({"patchType": "ApplyConfiguration",
        "applyConfiguration": {"expression": "Object{metadata: Object.metadata{name: 'x'}}"}});
    let patch = json!({"patchType": "JSONPatch",
        "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/data/x', value: 'y'}]"}});
    spec["mutations"] = match dice.below(3) {
        0 => json!([apply]),
        1 => json!([patch]),
        _ => json!([apply, patch]),
    };
    json!({ "spec": spec })
}

fn binding(dice: &mut Dice, validating: bool) -> Value {
    let mut spec = json!({"policyName": *dice.one(&["none.example.com", "nothing"])});
    match dice.below(5) {
        0 => spec["paramRef"] = json!({"name": "one", "namespace": "default", "parameterNotFoundAction": "Deny"}),
        1 => spec["paramRef"] = json!({"name": "one", "parameterNotFoundAction": "Allow"}),
        2 => spec["paramRef"] = json!({"selector": selector(dice), "parameterNotFoundAction": "Allow"}),
        _ => {}
    }
    if dice.once_in(2) {
        spec["matchResources"] = if dice.once_in(3) { json!({}) } else { constraints(dice) };
    }
    if validating {
        spec["validationActions"] = json!(*dice.one(&[&["Deny"] as &[&str], &["Audit", "Warn"], &["Audit", "Deny"]]));
    }
    json!({ "spec": spec })
}

fn status(dice: &mut Dice) -> Value {
    let mut conditions = vec![json!({"type": "Checked", "status": "True",
        "reason": "Done", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"})];
    if dice.once_in(2) {
        conditions
            .push(json!({"type": "a.example.com/Other", "status": "Unknown", "reason": "Why_not", "message": "x",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}));
    }
    let mut status = json!({"observedGeneration": dice.below(3), "conditions": conditions});
    if dice.once_in(2) {
        status["typeChecking"] =
            json!({"expressionWarnings": [{"fieldRef": "spec.validations[0].expression", "warning": "odd"}]});
    }
    status
}
