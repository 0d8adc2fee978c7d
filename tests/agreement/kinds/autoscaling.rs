//! Kinds of autoscaling, in both versions: what is written in one is read, and changed, in the other.

use serde_json::{Value, json};

use super::{Extra, Kind};
use crate::script::Dice;

const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const JSON: &str = "application/json";

pub(super) const KINDS: &[Kind] = &[
    Kind {
        kind: "HorizontalPodAutoscaler",
        api_version: "autoscaling/v2",
        plural: "horizontalpodautoscalers",
        variant: newer,
        poisons: &[
            ("/spec/minReplicas", "0"),
            ("/spec/minReplicas", "-1"),
            ("/spec/minReplicas", "50"),
            ("/spec/minReplicas", "null"),
            ("/spec/maxReplicas", "0"),
            ("/spec/maxReplicas", "-1"),
            ("/spec/maxReplicas", "\"x\""),
            ("/spec", "{}"),
            ("/spec/scaleTargetRef", "{}"),
            ("/spec/scaleTargetRef", "{\"kind\":\"A/B\",\"name\":\"..\",\"apiVersion\":\"a/b/c\"}"),
            ("/spec/scaleTargetRef/apiVersion", "\"v1\""),
            ("/spec/scaleTargetRef", "{\"kind\":\"ReplicationController\",\"name\":\"a\",\"apiVersion\":\"v1\"}"),
            ("/spec/metrics", "null"),
            ("/spec/metrics", "[{\"type\":\"\"}]"),
            ("/spec/metrics", "[{\"type\":\"Odd\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Odd\"}}}]"),
            ("/spec/metrics", "[{\"type\":\"Resource\"}]"),
            (
                "/spec/metrics",
                "[{\"type\":\"Resource\",\"resource\":{\"name\":\"\",\"target\":{\"averageUtilization\":0}}}]",
            ),
            (
                "/spec/metrics",
                "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Value\",\"averageUtilization\":5,\"averageValue\":\"0\"}},\"pods\":{\"metric\":{\"name\":\"a\"},\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"1\"}}}]",
            ),
            (
                "/spec/metrics",
                "[{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"a/b\"},\"target\":{\"type\":\"Value\",\"value\":\"-1\"}}}]",
            ),
            (
                "/spec/metrics",
                "[{\"type\":\"Object\",\"object\":{\"describedObject\":{\"kind\":\"\",\"name\":\"\",\"apiVersion\":\"a/b/c\"},\"metric\":{\"name\":\"\"},\"target\":{\"type\":\"Value\"}}}]",
            ),
            (
                "/spec/metrics",
                "[{\"type\":\"External\",\"external\":{\"metric\":{\"name\":\"q\"},\"target\":{\"type\":\"Value\",\"value\":\"1\",\"averageValue\":\"2\"}}}]",
            ),
            (
                "/spec/metrics",
                "[{\"type\":\"ContainerResource\",\"containerResource\":{\"name\":\"odd\",\"container\":\"A_\",\"target\":{\"type\":\"Utilization\"}}}]",
            ),
            ("/spec/behavior", "{}"),
            (
                "/spec/behavior",
                "{\"scaleUp\":{\"stabilizationWindowSeconds\":-1,\"selectPolicy\":\"Odd\",\"policies\":[{\"type\":\"Odd\",\"value\":0,\"periodSeconds\":0}]},\"scaleDown\":{\"policies\":[],\"stabilizationWindowSeconds\":4000,\"tolerance\":\"-1\"}}",
            ),
            (
                "/spec/behavior",
                "{\"scaleDown\":{\"policies\":[{\"type\":\"Pods\",\"value\":1,\"periodSeconds\":2000}]}}",
            ),
            ("/metadata/annotations", "{\"autoscaling.alpha.kubernetes.io/metrics\":\"[]\",\"note\":\"x\"}"),
            ("/status", "{\"currentReplicas\":5}"),
        ],
        status: Some(newer_status),
        status_poisons: &[
            ("/status/currentReplicas", "-1"),
            ("/status/desiredReplicas", "-2"),
            ("/status/currentMetrics", "null"),
            ("/status/conditions", "[{\"type\":\"A\"}]"),
            ("/status", "{}"),
            ("/spec/maxReplicas", "0"),
            ("/metadata/labels", "{\"app\":\"c\"}"),
        ],
        extras: &[
            Extra {
                what: "get in the older version",
                method: "GET",
                path: "/apis/autoscaling/v1/namespaces/{place}/horizontalpodautoscalers/{name}",
                content_type: JSON,
                body: "",
            },
            Extra {
                what: "list in the older version",
                method: "GET",
                path: "/apis/autoscaling/v1/namespaces/{place}/horizontalpodautoscalers",
                content_type: JSON,
                body: "",
            },
            Extra {
                what: "merge in the older version",
                method: "PATCH",
                path: "/apis/autoscaling/v1/namespaces/{place}/horizontalpodautoscalers/{name}",
                content_type: MERGE,
                body: "{\"spec\":{\"targetCPUUtilizationPercentage\":33}}",
            },
            Extra {
                what: "apply in the older version",
                method: "PATCH",
                path: "/apis/autoscaling/v1/namespaces/{place}/horizontalpodautoscalers/{name}?fieldManager=ada",
                content_type: APPLY,
                body: "{\"apiVersion\":\"autoscaling/v1\",\"kind\":\"HorizontalPodAutoscaler\",\"metadata\":{\"name\":\"{name}\"},\"spec\":{\"maxReplicas\":4,\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"web\"}}}",
            },
        ],
        ..Kind::DEFAULT
    },
    Kind {
        kind: "HorizontalPodAutoscaler",
        api_version: "autoscaling/v1",
        plural: "horizontalpodautoscalers",
        variant: older,
        poisons: &[
            ("/spec/minReplicas", "0"),
            ("/spec/maxReplicas", "0"),
            ("/spec/targetCPUUtilizationPercentage", "0"),
            ("/spec/targetCPUUtilizationPercentage", "null"),
            ("/spec/targetCPUUtilizationPercentage", "\"x\""),
            ("/spec/metrics", "[]"),
            ("/spec", "null"),
            ("/spec/scaleTargetRef/name", "\"\""),
            (
                "/metadata/annotations",
                "{\"autoscaling.alpha.kubernetes.io/metrics\":\"[{\\\"type\\\":\\\"Pods\\\",\\\"pods\\\":{\\\"metricName\\\":\\\"m\\\",\\\"targetAverageValue\\\":\\\"1000m\\\",\\\"selector\\\":{\\\"matchLabels\\\":{\\\"a\\\":\\\"b\\\"}}}},{\\\"type\\\":\\\"Resource\\\",\\\"resource\\\":{\\\"name\\\":\\\"memory\\\",\\\"targetAverageValue\\\":\\\"1024Mi\\\"}}]\"}",
            ),
            ("/metadata/annotations", "{\"autoscaling.alpha.kubernetes.io/metrics\":\"not json\",\"note\":\"x\"}"),
            ("/metadata/annotations", "{\"autoscaling.alpha.kubernetes.io/metrics\":\"[{\\\"type\\\":\\\"Odd\\\"}]\"}"),
            (
                "/metadata/annotations",
                "{\"autoscaling.alpha.kubernetes.io/behavior\":\"{\\\"ScaleUp\\\":{\\\"Policies\\\":[{\\\"Type\\\":\\\"Pods\\\",\\\"Value\\\":1,\\\"PeriodSeconds\\\":5}],\\\"SelectPolicy\\\":\\\"Min\\\",\\\"StabilizationWindowSeconds\\\":3},\\\"ScaleDown\\\":{\\\"Policies\\\":[{\\\"Type\\\":\\\"Percent\\\",\\\"Value\\\":5,\\\"PeriodSeconds\\\":5}],\\\"SelectPolicy\\\":\\\"Max\\\"}}\"}",
            ),
            (
                "/metadata/annotations",
                "{\"autoscaling.alpha.kubernetes.io/conditions\":\"[{\\\"type\\\":\\\"A\\\",\\\"status\\\":\\\"True\\\"}]\"}",
            ),
        ],
        status: Some(older_status),
        status_poisons: &[
            ("/status/currentReplicas", "-1"),
            ("/status/currentCPUUtilizationPercentage", "null"),
            ("/status", "null"),
            (
                "/metadata/annotations",
                "{\"autoscaling.alpha.kubernetes.io/conditions\":\"[{\\\"type\\\":\\\"A\\\",\\\"status\\\":\\\"True\\\",\\\"reason\\\":\\\"b\\\"}]\"}",
            ),
            (
                "/metadata/annotations",
                "{\"autoscaling.alpha.kubernetes.io/current-metrics\":\"[{\\\"type\\\":\\\"Resource\\\",\\\"resource\\\":{\\\"name\\\":\\\"cpu\\\",\\\"currentAverageUtilization\\\":5,\\\"currentAverageValue\\\":\\\"1\\\"}},{\\\"type\\\":\\\"Object\\\",\\\"object\\\":{\\\"target\\\":{\\\"kind\\\":\\\"a\\\",\\\"name\\\":\\\"b\\\"},\\\"metricName\\\":\\\"c\\\",\\\"currentValue\\\":\\\"2\\\"}}]\"}",
            ),
        ],
        extras: &[
            Extra {
                what: "get in the newer version",
                method: "GET",
                path: "/apis/autoscaling/v2/namespaces/{place}/horizontalpodautoscalers/{name}",
                content_type: JSON,
                body: "",
            },
            Extra {
                what: "list in the newer version",
                method: "GET",
                path: "/apis/autoscaling/v2/namespaces/{place}/horizontalpodautoscalers",
                content_type: JSON,
                body: "",
            },
            Extra {
                what: "merge in the newer version",
                method: "PATCH",
                path: "/apis/autoscaling/v2/namespaces/{place}/horizontalpodautoscalers/{name}",
                content_type: MERGE,
                body: "{\"spec\":{\"behavior\":{\"scaleUp\":{\"tolerance\":\"0.1\"}},\"metrics\":[{\"type\":\"External\",\"external\":{\"metric\":{\"name\":\"q\",\"selector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}],\"matchLabels\":{\"b\":\"c\"}}},\"target\":{\"type\":\"Value\",\"value\":\"5\"}}},{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":12}}}]}}",
            },
            Extra {
                what: "status in the newer version",
                method: "PATCH",
                path: "/apis/autoscaling/v2/namespaces/{place}/horizontalpodautoscalers/{name}/status",
                content_type: MERGE,
                body: "{\"status\":{\"conditions\":[{\"type\":\"AbleToScale\",\"status\":\"True\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}],\"currentMetrics\":[{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"p\"},\"current\":{\"averageValue\":\"3\"}}},{\"type\":\"External\",\"external\":{\"metric\":{\"name\":\"e\"},\"current\":{\"value\":\"1\"}}}]}}",
            },
        ],
        ..Kind::DEFAULT
    },
];

fn target(dice: &mut Dice) -> Value {
    let targets = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}),
        json!({"apiVersion": "v1", "kind": "ReplicationController", "name": "old"}),
    ];
    dice.one(&targets).clone()
}

fn metric(dice: &mut Dice) -> Value {
    match dice.below(7) {
        0 | 1 => {
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50 + dice.below(3)}}})
        }
        2 => {
            json!({"type": "Resource", "resource": {"name": *dice.one(&["cpu", "memory"]), "target": {"type": "AverageValue", "averageValue": "1024Mi"}}})
        }
        3 => json!({"type": "Pods", "pods": {"metric": {"name": "requests", "selector": {"matchLabels": {"a": "b"}}},
            "target": {"type": "AverageValue", "averageValue": "1000"}}}),
        4 => {
            json!({"type": "Object", "object": {"describedObject": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"},
            "metric": {"name": "hits"}, "target": {"type": "Value", "value": *dice.one(&["2k", "1.5"])}}})
        }
        5 => {
            json!({"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}}})
        }
        _ => json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "main",
            "target": {"type": "Utilization", "averageUtilization": 60}}}),
    }
}

fn newer(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"scaleTargetRef": target(dice), "maxReplicas": 3 + dice.below(3)});
    if dice.once_in(2) {
        spec["minReplicas"] = 2.into();
    }
    if !dice.once_in(3) {
        spec["metrics"] = (0..=dice.below(3)).map(|_| metric(dice)).collect::<Vec<_>>().into();
    }
    match dice.below(4) {
        0 => spec["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 60}}),
        1 => {
            spec["behavior"] = json!({"scaleUp": {"selectPolicy": *dice.one(&["Min", "Disabled"]), "tolerance": "0.05",
            "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}]}});
        }
        _ => {}
    }
    json!({"spec": spec})
}

fn older(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"scaleTargetRef": target(dice), "maxReplicas": 3 + dice.below(3)});
    if dice.once_in(2) {
        spec["minReplicas"] = 2.into();
    }
    if dice.once_in(2) {
        spec["targetCPUUtilizationPercentage"] = (50 + dice.below(3)).into();
    }
    json!({"spec": spec})
}

fn newer_status(dice: &mut Dice) -> Value {
    let mut status = json!({"currentReplicas": dice.below(3), "desiredReplicas": 2});
    if dice.once_in(2) {
        status["currentMetrics"] = json!([
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 10, "averageValue": "100m"}}},
            {"type": "Object", "object": {"describedObject": {"kind": "Ingress", "name": "main"}, "metric": {"name": "hits"}, "current": {"value": "5"}}},
        ]);
    }
    if dice.once_in(2) {
        status["conditions"] = json!([{"type": "AbleToScale", "status": "True", "reason": "Ready", "message": "a < b & c",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}, {"type": "ScalingActive", "status": "False"}]);
        status["lastScaleTime"] = "2026-01-01T00:00:00Z".into();
        status["observedGeneration"] = 1.into();
    }
    status
}

fn older_status(dice: &mut Dice) -> Value {
    let mut status = json!({"currentReplicas": dice.below(3), "desiredReplicas": 2});
    if dice.once_in(2) {
        status["currentCPUUtilizationPercentage"] = 40.into();
        status["observedGeneration"] = 1.into();
    }
    status
}
