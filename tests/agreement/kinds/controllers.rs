//! The older kinds of the core group that run pods from a template.

use serde_json::{Value, json};

use super::Kind;
use super::template::{pod_template, replicas_status};
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "ReplicationController",
        api_version: "v1",
        plural: "replicationcontrollers",
        variant: controller,
        poisons: &[
            ("/spec/replicas", "-1"),
            ("/spec/replicas", "\"x\""),
            ("/spec/replicas", "null"),
            ("/spec/minReadySeconds", "-1"),
            ("/spec/minReadySeconds", "10"),
            ("/spec/selector", "{\"app\":\"other\"}"),
            ("/spec/selector", "{\"app\":\"b c\"}"),
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"x\"}}"),
            ("/spec/selector", "{}"),
            ("/spec/selector", "null"),
            ("/spec/template", "null"),
            ("/spec/template", "{}"),
            ("/spec/template/metadata/labels", "null"),
            ("/spec/template/metadata/labels", "{\"a b\":\"c\"}"),
            ("/spec/template/spec/restartPolicy", "\"Never\""),
            ("/spec/template/spec/activeDeadlineSeconds", "5"),
            ("/spec/template/spec/containers", "[]"),
            ("/metadata/name", "\"dotted.name\""),
            ("/spec", "{}"),
            ("/spec", "null"),
            ("/status", "{\"replicas\":5}"),
        ],
        status: Some(replicas_status),
        status_poisons: &[
            ("/status/replicas", "-1"),
            ("/status/fullyLabeledReplicas", "9"),
            ("/status/availableReplicas", "3"),
            ("/status/observedGeneration", "-1"),
            ("/status", "{}"),
            ("/spec/replicas", "77"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        scale: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "PodTemplate",
        api_version: "v1",
        plural: "podtemplates",
        variant: |dice, _| json!({"template": pod_template(dice)}),
        poisons: &[
            ("/template", "{}"),
            ("/template", "null"),
            ("/template/metadata", "{}"),
            ("/template/metadata/labels", "{\"a b\":\"c\"}"),
            ("/template/metadata/annotations", "{\"a b\":\"c\"}"),
            ("/template/spec/containers", "[]"),
            ("/template/spec/containers/0/name", "\"Not_A_Name\""),
            ("/template/spec/containers/0/image", "\"\""),
            ("/template/spec/restartPolicy", "\"Never\""),
            ("/template/spec/restartPolicy", "\"Odd\""),
            ("/template/spec/activeDeadlineSeconds", "0"),
            ("/template/spec/nodeSelector", "{\"a b\":\"c\"}"),
            ("/template/odd", "1"),
            ("/spec", "{}"),
        ],
        ..Kind::DEFAULT
    },
];

fn controller(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"template": pod_template(dice)});
    if dice.once_in(2) {
        spec["replicas"] = dice.below(4).into();
    }
    if dice.once_in(2) {
        spec["selector"] = json!({"app": "x"});
    }
    json!({"spec": spec})
}
