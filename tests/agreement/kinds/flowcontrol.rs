//! Kinds of flowcontrol.apiserver.k8s.io.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "FlowSchema",
        api_version: "flowcontrol.apiserver.k8s.io/v1",
        plural: "flowschemas",
        namespaced: false,
        variant: flow_schema,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/matchingPrecedence", "-1"),
            ("/spec/matchingPrecedence", "1"),
            ("/spec/matchingPrecedence", "10001"),
            ("/spec/matchingPrecedence", "\"x\""),
            ("/spec/distinguisherMethod", "{\"type\":\"Odd\"}"),
            ("/spec/distinguisherMethod", "{}"),
            ("/spec/distinguisherMethod", "null"),
            ("/spec/priorityLevelConfiguration", "{}"),
            ("/spec/priorityLevelConfiguration/name", "\"Not_A_Name\""),
            ("/spec/rules", "[]"),
            ("/spec/rules", "[{}]"),
            ("/spec/rules/0/subjects", "[]"),
            ("/spec/rules/0/subjects/0", "{\"kind\":\"Odd\"}"),
            ("/spec/rules/0/subjects/0", "{\"kind\":\"User\"}"),
            ("/spec/rules/0/subjects/0", "{\"kind\":\"Group\",\"user\":{\"name\":\"a\"},\"serviceAccount\":{}}"),
            (
                "/spec/rules/0/subjects/0",
                "{\"kind\":\"ServiceAccount\",\"serviceAccount\":{\"name\":\"A_b\",\"namespace\":\"C.d\"},\"group\":{\"name\":\"g\"}}",
            ),
            ("/spec/rules/0/subjects/0", "{\"kind\":\"ServiceAccount\",\"serviceAccount\":{}}"),
            ("/spec/rules/0/resourceRules", "[{}]"),
            (
                "/spec/rules/0/resourceRules",
                "[{\"verbs\":[\"*\",\"get\"],\"apiGroups\":[\"*\",\"\"],\"resources\":[\"*\",\"pods\"],\"namespaces\":[\"*\",\"a\"]}]",
            ),
            (
                "/spec/rules/0/resourceRules",
                "[{\"verbs\":[\"look\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"namespaces\":[\"Not_A_Name\"]}]",
            ),
            (
                "/spec/rules/0/nonResourceRules",
                "[{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"\",\"a\",\"/a b\",\"/a//b\",\"/a*\",\"/ok/*\"]}]",
            ),
            (
                "/spec/rules/0/nonResourceRules",
                "[{\"verbs\":[],\"nonResourceURLs\":[\"*\",\"/a\"]},{\"verbs\":[\"look\"]}]",
            ),
            ("/status", "{\"conditions\":[{\"type\":\"Dangling\",\"status\":\"True\"}]}"),
        ],
        status: Some(status),
        status_poisons: STATUS_POISONS,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "PriorityLevelConfiguration",
        api_version: "flowcontrol.apiserver.k8s.io/v1",
        plural: "prioritylevelconfigurations",
        namespaced: false,
        variant: priority_level,
        poisons: &[
            ("/spec", "null"),
            ("/spec", "{}"),
            ("/spec/type", "\"Odd\""),
            ("/spec/type", "\"Exempt\""),
            ("/spec/type", "\"\""),
            ("/spec/type", "5"),
            ("/spec/exempt", "{}"),
            ("/spec/limited", "null"),
            ("/spec/limited", "{}"),
            ("/spec/limited/nominalConcurrencyShares", "-1"),
            ("/spec/limited/nominalConcurrencyShares", "0"),
            ("/spec/limited/nominalConcurrencyShares", "\"x\""),
            ("/spec/limited/lendablePercent", "101"),
            ("/spec/limited/borrowingLimitPercent", "-1"),
            ("/spec/limited/limitResponse", "{\"type\":\"Odd\"}"),
            ("/spec/limited/limitResponse", "{\"type\":\"Queue\"}"),
            ("/spec/limited/limitResponse", "{\"type\":\"Reject\",\"queuing\":{}}"),
            (
                "/spec/limited/limitResponse",
                "{\"type\":\"Queue\",\"queuing\":{\"queues\":-1,\"handSize\":-1,\"queueLengthLimit\":-1}}",
            ),
            ("/spec/limited/limitResponse", "{\"type\":\"Queue\",\"queuing\":{\"queues\":10000001}}"),
            ("/spec/limited/limitResponse", "{\"type\":\"Queue\",\"queuing\":{\"queues\":4,\"handSize\":5}}"),
            ("/spec/limited/limitResponse", "{\"type\":\"Queue\",\"queuing\":{\"queues\":1024,\"handSize\":7}}"),
            ("/metadata/annotations", "{\"flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares\":\"\"}"),
            ("/spec/odd", "1"),
        ],
        status: Some(status),
        status_poisons: STATUS_POISONS,
        ..Kind::DEFAULT
    },
];

const STATUS_POISONS: super::Poisons = &[
    ("/status/conditions", "[{\"type\":\"\",\"status\":\"True\"}]"),
    ("/status/conditions", "[{\"type\":\"A\",\"status\":\"True\"},{\"type\":\"A\",\"status\":\"False\"}]"),
    ("/status/conditions", "\"x\""),
    ("/status", "null"),
    ("/spec", "{}"),
    ("/metadata/labels", "{\"app\":\"other\"}"),
];

fn status(dice: &mut Dice) -> Value {
    let mut condition = json!({"type": *dice.one(&["Dangling", "Other"]), "status": *dice.one(&["True", "False"])});
    if dice.once_in(2) {
        condition["lastTransitionTime"] = "2026-01-01T00:00:00Z".into();
        condition["reason"] = "Found".into();
    }
    json!({"conditions": [condition]})
}

fn flow_schema(dice: &mut Dice, _: &str) -> Value {
    let subject = match dice.below(3) {
        0 => json!({"kind": "User", "user": {"name": *dice.one(&["ada", "*"])}}),
        1 => json!({"kind": "Group", "group": {"name": "system:authenticated"}}),
        _ => {
            json!({"kind": "ServiceAccount", "serviceAccount": {"name": *dice.one(&["default", "*"]), "namespace": "kube-system"}})
        }
    };
    let mut rule = json!({"subjects": [subject]});
    if dice.once_in(2) {
        rule["nonResourceRules"] = json!([{"verbs": ["*"], "nonResourceURLs": ["/healthz", "/metrics/*"]}]);
    } else {
        rule["resourceRules"] = json!([
            {"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["pods"], "namespaces": ["default", "a"]},
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": true},
        ]);
    }
    let mut spec = json!({"priorityLevelConfiguration": {"name": "workload-low"}, "rules": [rule]});
    if dice.once_in(2) {
        spec["matchingPrecedence"] = (500 + dice.below(5)).into();
    }
    if dice.once_in(2) {
        spec["distinguisherMethod"] = json!({"type": *dice.one(&["ByUser", "ByNamespace"])});
    }
    json!({"spec": spec})
}

fn priority_level(dice: &mut Dice, _: &str) -> Value {
    let response = match dice.below(3) {
        0 => json!({"type": "Reject"}),
        1 => json!({"type": "Queue", "queuing": {}}),
        _ => json!({"type": "Queue", "queuing": {"queues": 16, "handSize": 4, "queueLengthLimit": 10 + dice.below(3)}}),
    };
    let mut limited = json!({"limitResponse": response});
    if dice.once_in(2) {
        limited["nominalConcurrencyShares"] = dice.below(20).into();
    }
    if dice.once_in(3) {
        limited["lendablePercent"] = 50.into();
        limited["borrowingLimitPercent"] = dice.below(200).into();
    }
    json!({"spec": {"type": "Limited", "limited": limited}})
}
