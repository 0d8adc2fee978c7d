//! One object of each kind that admission or an actor looks into, and ways to spoil it.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Path of the collection and a sound object of it.
pub(crate) fn sound() -> Vec<(&'static str, Value)> {
    let template = json!({
        "metadata": {"labels": {"app": "x"}},
        "spec": {
            "serviceAccountName": "default",
            "containers": [{"name": "c", "image": "i:1", "ports": [{"name": "p", "containerPort": 80}],
                            "resources": {"limits": {"cpu": "1"}}, "livenessProbe": {"httpGet": {"port": 80}}}],
            "initContainers": [{"name": "i", "image": "i"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "claim"}}, {"name": "s", "secret": {"secretName": "s"}}],
            "tolerations": [{"key": "k", "operator": "Exists"}],
        },
    });
    let labels = json!({"matchLabels": {"app": "x"}});
    let mut pod = template.clone();
    pod["metadata"]["name"] = "pod".into();
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "u", "controller": true}]);
    vec![
        (
            "/api/v1/namespaces",
            json!({"metadata": {"name": "n", "labels": {"a": "b"}}, "spec": {"finalizers": ["kubernetes"]}}),
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            json!({"metadata": {"name": "map", "annotations": {"a": "b"}, "finalizers": ["x/y"]}, "data": {"a": "1"}, "immutable": true}),
        ),
        (
            "/api/v1/namespaces/default/secrets",
            json!({"metadata": {"name": "s"}, "data": {"a": "YQ=="}, "stringData": {"b": "c"}}),
        ),
        (
            "/api/v1/namespaces/default/serviceaccounts",
            json!({"metadata": {"name": "account"}, "secrets": [{"name": "s"}]}),
        ),
        ("/api/v1/namespaces/default/pods", pod),
        (
            "/api/v1/namespaces/default/services",
            json!({"metadata": {"name": "service"}, "spec": {"type": "NodePort", "selector": {"app": "x"}, "clusterIP": "10.96.0.9", "ports": [{"name": "p", "port": 80, "targetPort": "p", "nodePort": 30001}]}}),
        ),
        (
            "/api/v1/namespaces/default/endpoints",
            json!({"metadata": {"name": "service"}, "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]}),
        ),
        (
            "/api/v1/persistentvolumes",
            json!({"metadata": {"name": "volume"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, "claimRef": {"namespace": "default", "name": "claim"}, "storageClassName": "fast"}}),
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims",
            json!({"metadata": {"name": "claim"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses",
            json!({"metadata": {"name": "fast"}, "provisioner": "p", "volumeBindingMode": "WaitForFirstConsumer"}),
        ),
        (
            "/api/v1/nodes",
            json!({"metadata": {"name": "node"}, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}, "status": {"addresses": [{"type": "InternalIP", "address": "1.2.3.4"}], "conditions": [{"type": "Ready", "status": "True"}]}}),
        ),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            json!({"metadata": {"name": "deployment"}, "spec": {"replicas": 2, "selector": labels, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, "template": template}}),
        ),
        (
            "/apis/apps/v1/namespaces/default/replicasets",
            json!({"metadata": {"name": "replicas"}, "spec": {"replicas": 1, "selector": labels, "template": template}}),
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            json!({"metadata": {"name": "stateful"}, "spec": {"replicas": 1, "serviceName": "service", "selector": labels, "template": template, "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}]}}),
        ),
        (
            "/apis/apps/v1/namespaces/default/daemonsets",
            json!({"metadata": {"name": "daemons"}, "spec": {"selector": labels, "template": template}}),
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            json!({"metadata": {"name": "job"}, "spec": {"completions": 1, "template": template}}),
        ),
        (
            "/apis/batch/v1/namespaces/default/cronjobs",
            json!({"metadata": {"name": "cron"}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}}),
        ),
        (
            "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
            json!({"metadata": {"name": "scaler"}, "spec": {"maxReplicas": 2, "targetCPUUtilizationPercentage": 80, "scaleTargetRef": {"kind": "Deployment", "name": "deployment"}}}),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            json!({"metadata": {"name": "ingress"}, "spec": {"tls": [{"hosts": ["h"]}], "rules": [{"host": "h", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "service", "port": {"number": 80}}}}]}}]}}),
        ),
        (
            "/apis/events.k8s.io/v1/namespaces/default/events",
            json!({"metadata": {"name": "event"}, "regarding": {"kind": "Pod", "name": "pod"}, "note": "n", "deprecatedCount": 3}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            json!({"metadata": {"name": "a:b"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "account"}]}),
        ),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            json!({"metadata": {"name": "things.example.com"}, "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing", "shortNames": ["th"]},
                "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
                    "additionalPrinterColumns": [{"name": "Size", "type": "string", "jsonPath": ".spec.list[?(@.a=='b')].c"}], "schema": {"openAPIV3Schema": {"type": "object"}}}],
            }}),
        ),
        (
            "/apis/example.com/v1/namespaces/default/things",
            json!({"metadata": {"name": "thing"}, "spec": {"replicas": 1, "list": [{"a": "b", "c": 1}]}}),
        ),
    ]
}

/// What no field of a sound object expects.
fn spoiler() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(5)),
        Just(json!(-1)),
        Just(json!(u64::MAX)),
        Just(json!(i64::MAX)),
        Just(json!(i64::MIN)),
        Just(json!(1e300)),
        Just(json!("x")),
        Just(json!("")),
        Just(json!("é/../%00")),
        Just(json!(true)),
        Just(json!([])),
        Just(json!([1])),
        Just(json!(["x", null])),
        Just(json!([{}])),
        Just(json!({})),
        Just(json!({"a": 1})),
    ]
}

fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                places(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                places(value, format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

/// Which of the sound objects, and what is done to it where.
pub(crate) type Spoiled = (prop::sample::Index, Option<(prop::sample::Index, Value)>);

pub(crate) fn spoiled() -> impl Strategy<Value = Spoiled> {
    (any::<prop::sample::Index>(), proptest::option::weighted(0.8, (any::<prop::sample::Index>(), spoiler())))
}

/// The path of the collection and the object as it became.
pub(crate) fn object((which, damage): &Spoiled) -> (&'static str, Value) {
    let sound = sound();
    let (path, mut value) = which.get(&sound).clone();
    if let Some((place, with)) = damage {
        let mut all = Vec::new();
        places(&value, String::new(), &mut all);
        let at: &String = place.get(&all);
        if let Some(target) = value.pointer_mut(at) {
            *target = with.clone();
        }
    }
    (path, value)
}
