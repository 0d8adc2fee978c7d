//! The template of a pod, for every kind that has one, and what kinds that keep pods share.

use serde_json::{Value, json};

use crate::script::Dice;

pub(super) fn pod_template(dice: &mut Dice) -> Value {
    let mut container = json!({"name": "main", "image": *dice.one(&["nginx", "nginx:1.27"])});
    if dice.once_in(2) {
        container["ports"] = json!([{"containerPort": 80, "name": "http"}]);
    }
    if dice.once_in(2) {
        container["env"] = json!([{"name": "A", "value": *dice.one(&["1", "2"])}, {"name": "B", "value": ""}]);
    }
    if dice.once_in(3) {
        container["resources"] = json!({"limits": {"cpu": "1000m", "memory": "1024Mi"}});
    }
    if dice.once_in(4) {
        container["readinessProbe"] = json!({"httpGet": {"port": 80}});
    }
    let mut spec = json!({"containers": [container]});
    if dice.once_in(3) {
        spec["volumes"] = json!([{"name": "scratch", "emptyDir": {}}]);
    }
    json!({"metadata": {"labels": {"app": "x"}}, "spec": spec})
}

/// The status of a kind that keeps a number of pods, set or controller.
pub(super) fn replicas_status(dice: &mut Dice) -> Value {
    json!({
        "replicas": 3, "fullyLabeledReplicas": dice.below(4), "readyReplicas": 2, "availableReplicas": dice.below(3),
        "observedGeneration": 1, "conditions": [{"type": "ReplicaFailure", "status": "True"}],
    })
}
