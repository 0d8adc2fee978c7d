//! Kinds of apps.

use serde_json::{Value, json};

use super::Kind;
use super::template::{pod_template, replicas_status};
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[
    Kind {
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
        status: Some(|dice| {
            json!({
                "replicas": 3, "updatedReplicas": dice.below(3), "readyReplicas": 2, "availableReplicas": dice.below(3),
                "observedGeneration": 1, "collisionCount": dice.below(2),
                "conditions": [{"type": "Available", "status": *dice.one(&["True", "False"]), "reason": "Enough"}],
            })
        }),
        status_poisons: &[
            ("/status/replicas", "-1"),
            ("/status/readyReplicas", "7"),
            ("/status/terminatingReplicas", "-2"),
            ("/status/conditions", "[{\"type\":\"Odd\",\"status\":\"Odd\"},{\"type\":\"Odd\",\"status\":\"True\"}]"),
            ("/status/conditions", "null"),
            ("/status", "null"),
            ("/status/odd", "1"),
            ("/spec/replicas", "77"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
            ("/metadata/annotations", "{\"from\":\"status\"}"),
        ],
        scale: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ReplicaSet",
        api_version: "apps/v1",
        plural: "replicasets",
        variant: replica_set,
        poisons: &[
            ("/spec/replicas", "-1"),
            ("/spec/replicas", "1.5"),
            ("/spec/replicas", "null"),
            ("/spec/minReadySeconds", "-1"),
            ("/spec/minReadySeconds", "10"),
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"other\"}}"),
            ("/spec/selector", "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\"}]}"),
            ("/spec/selector", "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Odd\"}]}"),
            ("/spec/selector", "{}"),
            ("/spec/selector", "null"),
            ("/spec/template", "{}"),
            ("/spec/template", "null"),
            ("/spec/template/metadata", "{}"),
            ("/spec/template/metadata/labels/app", "\"b c\""),
            ("/spec/template/spec/restartPolicy", "\"OnFailure\""),
            ("/spec/template/spec/activeDeadlineSeconds", "5"),
            ("/spec/template/spec/containers/0/odd", "1"),
            ("/metadata/name", "\"dotted.name\""),
            ("/status", "{\"replicas\":5}"),
        ],
        status: Some(replicas_status),
        status_poisons: &[
            ("/status/replicas", "-1"),
            ("/status/fullyLabeledReplicas", "9"),
            ("/status/availableReplicas", "3"),
            ("/status/observedGeneration", "-1"),
            ("/status/replicas", "null"),
            ("/status", "{}"),
            ("/spec/replicas", "77"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
            ("/metadata/finalizers", "[\"example.com/keep\"]"),
        ],
        scale: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "StatefulSet",
        api_version: "apps/v1",
        plural: "statefulsets",
        variant: stateful_set,
        poisons: &[
            ("/spec/replicas", "-1"),
            ("/spec/replicas", "null"),
            ("/spec/serviceName", "\"Not_A_Name\""),
            ("/spec/serviceName", "\"another\""),
            ("/spec/podManagementPolicy", "\"Odd\""),
            ("/spec/podManagementPolicy", "\"Parallel\""),
            ("/spec/updateStrategy", "{\"type\":\"Odd\"}"),
            ("/spec/updateStrategy", "{\"type\":\"OnDelete\",\"rollingUpdate\":{\"partition\":1}}"),
            ("/spec/updateStrategy", "{\"rollingUpdate\":{\"partition\":-1}}"),
            ("/spec/updateStrategy", "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":\"50%\"}}"),
            ("/spec/updateStrategy", "null"),
            ("/spec/persistentVolumeClaimRetentionPolicy", "{\"whenDeleted\":\"Odd\"}"),
            ("/spec/persistentVolumeClaimRetentionPolicy", "{\"whenScaled\":\"Delete\"}"),
            ("/spec/ordinals", "{\"start\":-1}"),
            ("/spec/ordinals", "{}"),
            ("/spec/revisionHistoryLimit", "-1"),
            ("/spec/minReadySeconds", "-1"),
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"other\"}}"),
            ("/spec/selector", "null"),
            ("/spec/template/spec/restartPolicy", "\"Never\""),
            ("/spec/template/spec/containers", "[]"),
            ("/spec/volumeClaimTemplates", "[{\"metadata\":{\"name\":\"data\"},\"spec\":{}}]"),
            ("/spec/volumeClaimTemplates", "[{}]"),
            ("/metadata/name", "\"dotted.name\""),
        ],
        status: Some(|dice| {
            json!({
                "replicas": 3, "readyReplicas": dice.below(4), "currentReplicas": 2, "updatedReplicas": 1, "availableReplicas": 0,
                "observedGeneration": 1, "currentRevision": *dice.one(&["a", "b"]), "collisionCount": dice.below(2),
            })
        }),
        status_poisons: &[
            ("/status/replicas", "-1"),
            ("/status/readyReplicas", "9"),
            ("/status/currentReplicas", "9"),
            ("/status/availableReplicas", "3"),
            ("/status/collisionCount", "-1"),
            ("/status/collisionCount", "null"),
            ("/status", "null"),
            ("/spec/replicas", "77"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        scale: true,
        ..Kind::DEFAULT
    },
    Kind {
        kind: "DaemonSet",
        api_version: "apps/v1",
        plural: "daemonsets",
        variant: daemon_set,
        poisons: &[
            ("/spec/selector", "{\"matchLabels\":{\"app\":\"other\"}}"),
            ("/spec/selector", "{}"),
            ("/spec/selector", "null"),
            ("/spec/minReadySeconds", "-1"),
            ("/spec/revisionHistoryLimit", "-1"),
            ("/spec/revisionHistoryLimit", "3"),
            ("/spec/updateStrategy", "{\"type\":\"Odd\"}"),
            ("/spec/updateStrategy", "{\"type\":\"OnDelete\",\"rollingUpdate\":{\"maxSurge\":1}}"),
            ("/spec/updateStrategy", "{\"rollingUpdate\":{\"maxUnavailable\":0,\"maxSurge\":0}}"),
            ("/spec/updateStrategy", "{\"rollingUpdate\":{\"maxUnavailable\":\"110%\"}}"),
            ("/spec/updateStrategy", "{\"rollingUpdate\":{\"maxUnavailable\":\"many\"}}"),
            ("/spec/updateStrategy", "{\"rollingUpdate\":{\"maxUnavailable\":1,\"maxSurge\":1}}"),
            ("/spec/template/spec/restartPolicy", "\"Never\""),
            ("/spec/template/spec/activeDeadlineSeconds", "5"),
            ("/spec/template/spec/containers/0/image", "\"another\""),
            ("/spec/template/metadata/labels", "null"),
            ("/spec/replicas", "2"),
            ("/metadata/annotations", "{\"deprecated.daemonset.template.generation\":\"7\"}"),
            ("/metadata/annotations", "{\"deprecated.daemonset.template.generation\":\"x\"}"),
        ],
        status: Some(|dice| {
            json!({
                "currentNumberScheduled": dice.below(3), "desiredNumberScheduled": 3, "numberMisscheduled": 0, "numberReady": 1,
                "numberAvailable": dice.below(3), "collisionCount": dice.below(2),
            })
        }),
        status_poisons: &[
            ("/status/numberReady", "-1"),
            ("/status/numberReady", "\"x\""),
            ("/status/desiredNumberScheduled", "null"),
            ("/status/collisionCount", "-1"),
            ("/status/observedGeneration", "-1"),
            ("/status", "{}"),
            ("/spec/minReadySeconds", "77"),
            ("/metadata/labels", "{\"from\":\"status\"}"),
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "ControllerRevision",
        api_version: "apps/v1",
        plural: "controllerrevisions",
        variant: |dice, _| json!({"revision": 1 + dice.below(3), "data": {"spec": {"template": {"a": 1}}}}),
        poisons: &[
            ("/revision", "-1"),
            ("/revision", "\"x\""),
            ("/revision", "null"),
            ("/data", "null"),
            ("/data", "[]"),
            ("/data", "5"),
            ("/data", "{}"),
            ("/data", "{\"spec\":{\"template\":{\"a\":2}}}"),
            ("/data", "\"text\""),
            ("/odd", "1"),
        ],
        ..Kind::DEFAULT
    },
];

fn deployment(dice: &mut Dice, _: &str) -> Value {
    json!({"spec": {"replicas": dice.below(4), "selector": {"matchLabels": {"app": "x"}}, "template": pod_template(dice)}})
}

fn replica_set(dice: &mut Dice, _: &str) -> Value {
    let selector = match dice.below(4) {
        0 => json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "y"]}]}),
        _ => json!({"matchLabels": {"app": "x"}}),
    };
    let mut spec = json!({"selector": selector, "template": pod_template(dice)});
    if dice.once_in(2) {
        spec["replicas"] = dice.below(4).into();
    }
    json!({"spec": spec})
}

fn stateful_set(dice: &mut Dice, _: &str) -> Value {
    let mut spec =
        json!({"serviceName": "web", "selector": {"matchLabels": {"app": "x"}}, "template": pod_template(dice)});
    if dice.once_in(2) {
        spec["replicas"] = dice.below(4).into();
    }
    match dice.below(5) {
        0 => spec["updateStrategy"] = json!({"rollingUpdate": {"partition": dice.below(3)}}),
        1 => spec["updateStrategy"] = json!({"type": "OnDelete"}),
        2 => {
            let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
            spec["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": claim}]);
            spec["template"]["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
        }
        _ => {}
    }
    json!({"spec": spec})
}

fn daemon_set(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"selector": {"matchLabels": {"app": "x"}}, "template": pod_template(dice)});
    match dice.below(4) {
        0 => spec["updateStrategy"] = json!({"type": "OnDelete"}),
        1 => spec["updateStrategy"] = json!({"rollingUpdate": {"maxUnavailable": *dice.one(&["10%", "50%"])}}),
        2 => spec["updateStrategy"] = json!({"rollingUpdate": {"maxSurge": 1 + dice.below(2), "maxUnavailable": 0}}),
        _ => {}
    }
    json!({"spec": spec})
}
