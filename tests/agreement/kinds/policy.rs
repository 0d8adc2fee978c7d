//! Kinds of policy.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "PodDisruptionBudget",
    api_version: "policy/v1",
    plural: "poddisruptionbudgets",
    variant: budget,
    poisons: &[
        ("/spec", "{}"),
        ("/spec", "null"),
        ("/spec/minAvailable", "-1"),
        ("/spec/minAvailable", "\"101%\""),
        ("/spec/minAvailable", "\"half\""),
        ("/spec/minAvailable", "1.5"),
        ("/spec/maxUnavailable", "3"),
        ("/spec/maxUnavailable", "\"5\""),
        ("/spec/maxUnavailable", "null"),
        ("/spec/selector", "null"),
        ("/spec/selector", "{}"),
        ("/spec/selector", "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}"),
        ("/spec/selector", "{\"matchExpressions\":[{\"key\":\"a b\",\"operator\":\"Exists\",\"values\":[\"x\"]}]}"),
        (
            "/spec/selector",
            "{\"matchExpressions\":[{\"key\":\"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match\",\"operator\":\"Exists\"}]}",
        ),
        (
            "/spec/selector",
            "{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match\",\"operator\":\"Exists\"}]}",
        ),
        ("/spec/unhealthyPodEvictionPolicy", "\"Odd\""),
        ("/spec/unhealthyPodEvictionPolicy", "\"\""),
        ("/metadata/name", "\"a/b\""),
        ("/status", "{\"currentHealthy\":5}"),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/currentHealthy", "-1"),
        ("/status/disruptionsAllowed", "\"x\""),
        ("/status/desiredHealthy", "null"),
        ("/status/conditions", "[{\"type\":\"a b\",\"status\":\"Odd\",\"reason\":\"\",\"message\":\"\"}]"),
        (
            "/status/conditions",
            "[{\"type\":\"A\",\"status\":\"True\",\"reason\":\"not so\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\",\"observedGeneration\":-1},{\"type\":\"B\"}]",
        ),
        ("/status", "{}"),
        ("/status", "null"),
        ("/spec/minAvailable", "7"),
        ("/metadata/labels", "{\"app\":\"c\"}"),
        ("/metadata/finalizers", "[\"example.com/status\"]"),
    ],
    ..Kind::DEFAULT
}];

fn budget(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({});
    match dice.below(5) {
        0 => spec["minAvailable"] = dice.below(3).into(),
        1 => spec["minAvailable"] = (*dice.one(&["50%", "100%"])).into(),
        2 => spec["maxUnavailable"] = 1.into(),
        3 => spec["maxUnavailable"] = "0%".into(),
        _ => {}
    }
    if !dice.once_in(4) {
        spec["selector"] = json!({"matchLabels": {"app": *dice.one(&["a", "b"])}});
    }
    if dice.once_in(3) {
        spec["selector"]["matchExpressions"] = json!([{"key": "tier", "operator": "In", "values": ["x", "y"]}]);
    }
    if dice.once_in(3) {
        spec["unhealthyPodEvictionPolicy"] = (*dice.one(&["AlwaysAllow", "IfHealthyBudget"])).into();
    }
    json!({"spec": spec})
}

fn status(dice: &mut Dice) -> Value {
    let mut status = json!({"currentHealthy": dice.below(3), "desiredHealthy": 1, "disruptionsAllowed": dice.below(2), "expectedPods": 2});
    if dice.once_in(2) {
        status["conditions"] = json!([{"type": "DisruptionAllowed", "status": *dice.one(&["True", "False"]), "reason": "SufficientPods",
            "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}]);
    }
    if dice.once_in(3) {
        status["disruptedPods"] = json!({"a": "2026-01-01T00:00:00Z"});
        status["observedGeneration"] = 2.into();
    }
    status
}
