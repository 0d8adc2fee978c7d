//! Specs of pods, and of the kinds that run them, with something in most of their parts.

use serde_json::{Value, json};

/// A pod spec with something in most of its parts. The placeholders of a fixture are refused by every API server.
pub(crate) fn pod_spec(restart: &str) -> Value {
    let probe = json!({"httpGet": {"path": "/", "port": "web", "scheme": "HTTP"}, "timeoutSeconds": 2, "periodSeconds": 5,
        "successThreshold": 1, "failureThreshold": 4});
    let source = |key: &str| json!({"name": "x", "key": key, "optional": true});
    json!({
        "restartPolicy": restart, "terminationGracePeriodSeconds": 7, "dnsPolicy": "Default", "hostname": "host",
        "subdomain": "sub", "schedulerName": "own", "serviceAccountName": "runner", "shareProcessNamespace": true,
        "automountServiceAccountToken": false, "nodeSelector": {"disk": "fast"},
        "imagePullSecrets": [{"name": "pull"}], "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["a.example"]}],
        "dnsConfig": {"nameservers": ["10.9.9.9"], "searches": ["example.com"], "options": [{"name": "ndots", "value": "2"}]},
        "securityContext": {"fsGroup": 5, "runAsUser": 6, "runAsNonRoot": true, "supplementalGroups": [7],
            "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"a": "b"}}}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 3, "preference": {"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}}]}},
        "volumes": [
            {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "config", "configMap": {"name": "x", "defaultMode": 256, "items": [{"key": "k", "path": "p", "mode": 128}]}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "x", "readOnly": true}},
            {"name": "many", "projected": {"defaultMode": 420, "sources": [{"secret": {"name": "x", "optional": true}},
                {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}]}}]}},
        ],
        "initContainers": [{"name": "first", "image": "init:1", "command": ["true"], "imagePullPolicy": "Never"}],
        "containers": [{
            "name": "main", "image": "main:1", "args": ["a"], "workingDir": "/w", "livenessProbe": probe, "stdin": true,
            "ports": [{"name": "web", "containerPort": 8080, "protocol": "UDP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "S", "valueFrom": {"secretKeyRef": source("k")}}],
            "envFrom": [{"prefix": "P", "configMapRef": {"name": "x", "optional": true}}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Mi"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/s", "subPath": "a"}, {"name": "many", "mountPath": "/m"}],
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}, "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {"privileged": false, "capabilities": {"drop": ["ALL"]}},
        }],
    })
}

/// The spec of a kind that runs pods.
pub(crate) fn workload(kind: &str, template: &Value) -> Option<Value> {
    let labels = template["metadata"]["labels"].clone();
    let template = |restart: &str| json!({"metadata": template["metadata"], "spec": pod_spec(restart)});
    let selector = json!({"matchLabels": labels});
    let claim = json!({"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}});
    let rolling = |surge: Value, unavailable: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    let job = json!({"parallelism": 2, "completions": 3, "completionMode": "Indexed", "backoffLimit": 4, "suspend": true,
        "activeDeadlineSeconds": 50, "ttlSecondsAfterFinished": 60, "template": template("Never")});
    Some(match kind {
        "pod" => {
            let mut spec = pod_spec("OnFailure");
            spec["nodeName"] = json!("node-core");
            spec
        }
        "replicationcontroller" => {
            json!({"replicas": 2, "minReadySeconds": 3, "selector": labels, "template": template("Always")})
        }
        "replicaset" => {
            json!({"replicas": 2, "minReadySeconds": 3, "selector": selector, "template": template("Always")})
        }
        "deployment" => json!({"replicas": 2, "selector": selector, "strategy": rolling(json!("30%"), json!(1)),
            "paused": true, "progressDeadlineSeconds": 99, "template": template("Always")}),
        "daemonset" => json!({"selector": selector, "updateStrategy": rolling(json!(0), json!("20%")),
            "revisionHistoryLimit": 4, "template": template("Always")}),
        "statefulset" => {
            json!({"replicas": 2, "serviceName": "s", "podManagementPolicy": "Parallel", "selector": selector,
            "ordinals": {"start": 3}, "volumeClaimTemplates": [claim], "template": template("Always"),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"}})
        }
        "job" => job,
        "cronjob" => {
            json!({"schedule": "*/5 1-3 * jan mon", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 9, "suspend": true, "jobTemplate": {"spec": job}})
        }
        _ => return None,
    })
}
