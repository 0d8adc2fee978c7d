//! Kinds of apiregistration.k8s.io: local services only, since a controller of a real server looks after the others at its own pace.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "APIService",
    api_version: "apiregistration.k8s.io/v1",
    plural: "apiservices",
    namespaced: false,
    name: Some(|place, word| format!("v1.{word}.{place}.example.com")),
    variant: service,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "\"x\""),
        ("/spec/group", "\"\""),
        ("/spec/group", "\"Not A Group\""),
        ("/spec/group", "\"other.example.com\""),
        ("/spec/version", "\"\""),
        ("/spec/version", "\"V1\""),
        ("/spec/version", "null"),
        ("/spec/groupPriorityMinimum", "0"),
        ("/spec/groupPriorityMinimum", "20001"),
        ("/spec/groupPriorityMinimum", "\"x\""),
        ("/spec/versionPriority", "0"),
        ("/spec/versionPriority", "1001"),
        ("/spec/versionPriority", "null"),
        ("/spec/caBundle", "\"YWJj\""),
        ("/spec/caBundle", "\"***\""),
        ("/spec/insecureSkipTLSVerify", "true"),
        ("/spec/insecureSkipTLSVerify", "\"x\""),
        ("/spec/service", "{\"port\":0}"),
        ("/spec/service", "{}"),
        ("/spec/service", "{\"namespace\":\"a\",\"name\":\"b\",\"port\":65536}"),
        ("/spec/service", "\"x\""),
        ("/spec/odd", "1"),
        ("/status", "{\"conditions\":[{\"type\":\"Available\",\"status\":\"False\"}]}"),
        ("/metadata/generateName", "\"v1.\""),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/conditions/0/status", "\"Perhaps\""),
        ("/status/conditions/0/type", "\"\""),
        ("/status/conditions/0/type", "5"),
        ("/status/conditions/0/lastTransitionTime", "\"x\""),
        ("/status/conditions", "null"),
        ("/status/conditions", "[]"),
        ("/status", "null"),
        ("/status/odd", "1"),
        ("/spec/versionPriority", "5"),
        ("/metadata/labels", "{\"new\":\"label\"}"),
        ("/metadata/annotations", "{\"new\":\"note\"}"),
    ],
    ..Kind::DEFAULT
}];

fn service(dice: &mut Dice, name: &str) -> Value {
    let group = name.strip_prefix("v1.").unwrap_or(name);
    let mut spec = json!({"group": group, "version": "v1", "groupPriorityMinimum": 100 + dice.below(3), "versionPriority": 1 + dice.below(9)});
    match dice.below(4) {
        0 => spec["insecureSkipTLSVerify"] = false.into(),
        1 => spec["caBundle"] = Value::Null,
        _ => {}
    }
    json!({ "spec": spec })
}

fn status(dice: &mut Dice) -> Value {
    let mut conditions = vec![json!({"type": "Available", "status": *dice.one(&["True", "False", "Unknown"]),
        "lastTransitionTime": "2026-01-02T03:04:05Z", "reason": "Said", "message": "by a script"})];
    if dice.once_in(3) {
        conditions.push(json!({"type": "Other", "status": "True"}));
    }
    json!({ "conditions": conditions })
}
