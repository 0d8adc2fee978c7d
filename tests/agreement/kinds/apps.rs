//! Kinds of apps.

use serde_json::{Value, json};

use super::Kind;
use super::template::pod_template;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Deployment",
    api_version: "apps/v1",
    plural: "deployments",
    variant: deployment,
    poisons: &[
        ("/spec/replicas", "-1"),
        ("/spec/replicas", "\"x\""),
        ("/spec/replicas", "null"),
        ("/spec/selector", "{\"matchLabels\":{\"app\":\"other\"}}"),
        ("/spec/selector", "{}"),
        ("/spec/strategy", "{\"type\":\"Odd\"}"),
        ("/spec/strategy", "{\"type\":\"Recreate\"}"),
        ("/spec/template/spec/containers", "[]"),
        ("/spec/template/spec/containers/0/name", "\"Not_A_Name\""),
        ("/spec/template/spec/containers/0/image", "\"\""),
        ("/spec/template/spec/containers/0/imagePullPolicy", "\"Odd\""),
        ("/spec/template/spec/restartPolicy", "\"Never\""),
        ("/spec/minReadySeconds", "-1"),
        ("/spec/paused", "true"),
    ],
    ..Kind::DEFAULT
}];

fn deployment(dice: &mut Dice, _: &str) -> Value {
    json!({"spec": {"replicas": dice.below(4), "selector": {"matchLabels": {"app": "x"}}, "template": pod_template(dice)}})
}
