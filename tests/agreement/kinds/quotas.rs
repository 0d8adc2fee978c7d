//! What a namespace may hold and what its pods may ask for.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "LimitRange",
        api_version: "v1",
        plural: "limitranges",
        variant: limits,
        poisons: &[
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/limits", "null"),
            ("/spec/limits", "[]"),
            ("/spec/limits/0/type", "\"Odd\""),
            ("/spec/limits/0/type", "\"a b\""),
            ("/spec/limits/0/type", "\"example.com/own\""),
            ("/spec/limits/0/type", "\"\""),
            ("/spec/limits/0/max", "{\"odd\":\"1\"}"),
            ("/spec/limits/0/max", "{\"cpu\":\"abc\"}"),
            ("/spec/limits/0/max", "{\"cpu\":\"1m\"}"),
            ("/spec/limits/0/min", "{\"memory\":\"100Gi\"}"),
            ("/spec/limits/0/default", "{\"cpu\":\"9\"}"),
            ("/spec/limits/0/default", "{}"),
            ("/spec/limits/0/defaultRequest", "{\"cpu\":\"9\"}"),
            ("/spec/limits/0/defaultRequest", "{\"example.com/gpu\":1}"),
            ("/spec/limits/0/maxLimitRequestRatio", "{\"cpu\":\"0.5\"}"),
            ("/spec/limits/0/maxLimitRequestRatio", "{\"cpu\":50}"),
            ("/spec/limits/0/odd", "1"),
            ("/spec/limits/1", "{\"type\":\"Pod\",\"max\":{\"cpu\":1}}"),
            ("/spec/limits", "[{\"type\":\"Pod\"},{\"type\":\"Pod\"}]"),
            ("/spec/limits", "[{\"type\":\"PersistentVolumeClaim\",\"max\":{\"cpu\":1}}]"),
            ("/spec/limits", "[{\"type\":\"Pod\",\"default\":{\"cpu\":1}}]"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ResourceQuota",
        api_version: "v1",
        plural: "resourcequotas",
        variant: quota,
        poisons: &[
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/spec/hard", "{\"pods\":\"1.5\"}"),
            ("/spec/hard", "{\"pods\":-1}"),
            ("/spec/hard", "{\"pods\":\"abc\"}"),
            ("/spec/hard", "{\"odd\":\"1\"}"),
            ("/spec/hard", "{\"storage\":\"1\"}"),
            ("/spec/hard", "{\"a b\":\"1\"}"),
            ("/spec/hard", "{\"requests.example.com/gpu\":\"1.5\"}"),
            ("/spec/hard", "{\"example.com/gpu\":\"1.5\"}"),
            ("/spec/hard", "{\"requests.cpu\":\"2\",\"limits.cpu\":\"1\"}"),
            ("/spec/hard", "{\"memory\":\"2Gi\",\"limits.memory\":\"1Gi\"}"),
            ("/spec/hard", "null"),
            ("/spec/scopes", "[\"Odd\"]"),
            ("/spec/scopes", "[\"BestEffort\"]"),
            ("/spec/scopes", "[\"Terminating\",\"NotTerminating\"]"),
            ("/spec/scopeSelector", "{\"matchExpressions\":[{\"scopeName\":\"Odd\",\"operator\":\"Exists\"}]}"),
            ("/spec/scopeSelector", "{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"In\"}]}"),
            (
                "/spec/scopeSelector",
                "{\"matchExpressions\":[{\"scopeName\":\"Terminating\",\"operator\":\"In\",\"values\":[\"a\"]}]}",
            ),
            (
                "/spec/scopeSelector",
                "{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"Exists\",\"values\":[\"a\"]}]}",
            ),
            ("/spec/scopeSelector", "{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"Odd\"}]}"),
            ("/spec/scopeSelector", "{}"),
        ],
        status: Some(
            |dice| json!({"hard": {"pods": *dice.one(&["5", "6"]), "cpu": "2000m"}, "used": {"pods": "1", "cpu": "0.5"}}),
        ),
        status_poisons: &[
            ("/status/hard", "{\"odd\":\"1\"}"),
            ("/status/used", "{\"pods\":\"-1\"}"),
            ("/status/used", "null"),
            ("/status/odd", "1"),
            ("/status", "null"),
            ("/spec/hard", "{\"pods\":\"77\"}"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        ..Kind::DEFAULT
    },
];

fn limits(dice: &mut Dice, _: &str) -> Value {
    let mut limit = match dice.below(4) {
        0 => json!({"type": "Container", "max": {"cpu": *dice.one(&["2", "3", "2500m", "1"]), "memory": "1024Mi"}}),
        1 => json!({"type": "Container", "default": {"cpu": *dice.one(&["500m", "0.25"])}, "min": {"memory": "1Mi"}}),
        2 => json!({"type": "Pod", "max": {"cpu": "4"}, "min": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "3"}}),
        _ => json!({"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}}),
    };
    if dice.once_in(3) {
        limit["min"]["ephemeral-storage"] = json!(1024);
    }
    json!({"spec": {"limits": [limit]}})
}

fn quota(dice: &mut Dice, _: &str) -> Value {
    let mut spec =
        json!({"hard": {"pods": *dice.one(&["4", "5"]), "requests.cpu": "1500m", "limits.memory": "2048Mi"}});
    match dice.below(6) {
        0 => spec["scopes"] = json!(["NotTerminating"]),
        1 => spec["scopes"] = json!(["NotBestEffort", "Terminating"]),
        2 => {
            let values = json!([*dice.one(&["high", "low"])]);
            let expression = json!({"scopeName": "PriorityClass", "operator": "In", "values": values});
            spec["scopeSelector"] = json!({"matchExpressions": [expression]});
        }
        3 => spec["hard"] = json!({"count/configmaps": 3, "services": "2", "requests.storage": "1Ti"}),
        _ => {}
    }
    json!({"spec": spec})
}
