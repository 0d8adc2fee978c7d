//! Kinds of the core group.

use serde_json::{Value, json};

use super::Kind;
use super::template::pod_template;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "ConfigMap",
        api_version: "v1",
        plural: "configmaps",
        variant: config_map,
        poisons: &[
            ("/data", "{\"a/b\":\"c\"}"),
            ("/data", "{\"a\":5}"),
            ("/data", "5"),
            ("/data", "null"),
            ("/binaryData", "{\"a\":\"***\"}"),
            ("/binaryData", "{\"b\":\"AAEC\"}"),
            ("/immutable", "true"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "Pod",
        api_version: "v1",
        plural: "pods",
        variant: pod,
        poisons: &[
            ("/spec/containers", "[]"),
            ("/spec/containers/0/name", "\"\""),
            ("/spec/containers/0/ports", "[{\"containerPort\":99999}]"),
            ("/spec/containers/0/resources", "{\"limits\":{\"cpu\":\"abc\"}}"),
            ("/spec/restartPolicy", "\"Odd\""),
            ("/spec/dnsPolicy", "\"Odd\""),
            ("/spec/terminationGracePeriodSeconds", "5"),
            ("/spec/priorityClassName", "\"absent\""),
        ],
        ..Kind::DEFAULT
    },
];

fn config_map(dice: &mut Dice, _: &str) -> Value {
    let mut map = json!({"data": {"a": *dice.one(&["1", "2"]), "b": "text"}});
    if dice.once_in(4) {
        map["binaryData"] = json!({"c": "AAEC"});
    }
    map
}

fn pod(dice: &mut Dice, _: &str) -> Value {
    json!({"spec": pod_template(dice)["spec"]})
}
