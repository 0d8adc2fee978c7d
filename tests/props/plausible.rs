//! Makes of a fixture of `fixtures/kinds`, whose fields are all set, to placeholders, an object that an API server takes.
//!
//! Words that mean something to Kubernetes get a meaning, every other placeholder becomes a legal name, and a table
//! says for each kind what is left. Where an API server takes only one of several fields, a list gets one element for
//! each of them, and of a single object the fewest fields go.
//!
//! The table may only name what a fixture has, so that nothing stays in it that does nothing.

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::workloads::{pod_spec, workload};

/// Placeholders that are no free names, and what stands for them.
const WORDS: &[(&str, &str)] = &[
    ("addressTypeValue", "IPv4"),
    ("addressesValue", "10.1.2.3"),
    ("apiGroupValue", "example.com"),
    ("apiVersionValue", "v1"),
    ("controllerValue", "example.com/controller"),
    ("driverNameValue", "example.com"),
    ("driverValue", "example.com"),
    ("effectValue", "NoExecute"),
    ("expressionValue", "true"),
    ("failurePolicyValue", "Ignore"),
    ("fieldPathValue", "spec.containers{main}"),
    ("fsTypeValue", "ext4"),
    ("kindValue", "ConfigMap"),
    ("matchPolicyValue", "Exact"),
    ("messageExpressionValue", "'no'"),
    ("nonResourceURLsValue", "/healthz"),
    ("operationsValue", "UPDATE"),
    ("operatorValue", "In"),
    ("pathValue", "/path"),
    ("protocolValue", "UDP"),
    ("reinvocationPolicyValue", "IfNeeded"),
    ("scopeValue", "Namespaced"),
    ("sideEffectsValue", "NoneOnDryRun"),
    ("signerNameValue", "example.com/signer"),
    ("usagesValue", "client auth"),
    ("valueExpressionValue", "'text'"),
    ("verbsValue", "get"),
];

/// A certificate, and a request for one.
const CERTIFICATE: &str = "\
    MIIBLjCB4aADAgECAhQP7YacKHsZm3FkHqOIM8Lwp1zufjAFBgMrZXAwDDEKMAgGA1UEAwwBYTAgFw0yNjExMjQxNjAzNDFaGA8yMTI2MTAz\
    MTE2MDM0MVowDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAIwx6uurLMJewaBV5Xm3MjzkpGvGu7wkNuJs0gBt9FHio1MwUTAdBgNVHQ4EFgQU\
    PsViHzwtoX965nIbquYDsZ3nKS4wHwYDVR0jBBgwFoAUPsViHzwtoX965nIbquYDsZ3nKS4wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQDG\
    2mC1FIm9XjCdGKbhuu0yOg96J+kC1bwP2xWGN7BOfWHHW1h9ZQ/Y0ut4zfm7dW/dEMWNLal26Qwrj06f9UMK";
const REQUEST: &str = "\
    MIGLMD8CAQAwDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAIwx6uurLMJewaBV5Xm3MjzkpGvGu7wkNuJs0gBt9FHioAAwBQYDK2VwA0EALERF\
    vTBIedoPhjXIdU2jUlRt3/5y5Cl0GD1Yk/kKko2iD445wqpt+cBl0tmgFenJWukgS46PQc6N+HMMH0AKDA==";

/// Makes the fixture one that an API server takes.
pub(crate) fn plausible(object: &mut Value) {
    let core = object["apiVersion"] == "v1";
    let kind = object["kind"].as_str().expect("a kind").to_lowercase();
    speak(object);
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    // Events are one resource in two groups: two objects need two names.
    metadata.insert("name".into(), json!(if core { format!("{kind}-core") } else { format!("{kind}-1") }));
    for placeholder in
        ["resourceVersion", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName", "managedFields"]
    {
        metadata.remove(placeholder);
    }
    metadata.insert("finalizers".into(), json!(["example.com/keep"]));
    metadata.insert("ownerReferences".into(), json!([]));
    if metadata.contains_key("namespace") {
        metadata.insert("namespace".into(), json!("kinds"));
    }
    let template = json!({"metadata": {"labels": {"labelsKey": "labelsValue"}, "annotations": {"a": "b"}}});
    if let Some(spec) = workload(&kind, &template) {
        object["spec"] = spec;
    }
    let kind = if kind == "event" && core { "event of the core" } else { kind.as_str() };
    for edits in [policies(kind), access(kind), network(kind), storage(kind), devices(kind), others(kind)] {
        for (pointer, value) in edits.as_object().into_iter().flatten() {
            let place = object.pointer_mut(pointer).unwrap_or_else(|| panic!("{kind} has no {pointer}"));
            if !value.is_null() {
                *place = value.clone();
                continue;
            }
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            object.pointer_mut(parent).and_then(Value::as_object_mut).expect("a map").remove(key);
        }
    }
}

/// Puts a word or a name for every placeholder.
fn speak(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(speak),
        Value::Array(list) => list.iter_mut().for_each(speak),
        Value::String(text) if text.ends_with("Value") => {
            *text = WORDS.iter().find(|(word, _)| word == text).map_or_else(|| name(text), |(_, said)| (*said).into());
        }
        _ => {}
    }
}

/// `camelCase` as the name of an object: `camel-case`.
fn name(text: &str) -> String {
    let dashed = text.chars().flat_map(|c| c.is_uppercase().then_some('-').into_iter().chain([c.to_ascii_lowercase()]));
    dashed.collect()
}

/// The text form of a certificate or a request.
fn pem(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// A selector.
fn selector() -> Value {
    json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "k", "operator": "NotIn", "values": ["v"]}]})
}

/// What admission configurations and scaling rules say.
fn policies(kind: &str) -> Value {
    let hook = |client: Value, more: Value| {
        let mut hook = json!({"clientConfig": client, "sideEffects": "NoneOnDryRun", "failurePolicy": "Ignore",
            "matchPolicy": "Exact", "timeoutSeconds": 7, "admissionReviewVersions": ["v1"],
            "namespaceSelector": selector(), "objectSelector": selector(),
            "matchConditions": [{"name": "example.com/c", "expression": "object.kind == 'X'"}],
            "rules": [{"operations": ["UPDATE"], "apiGroups": ["example.com"], "apiVersions": ["v1"],
                "resources": ["widgets"], "scope": "Namespaced"}]});
        hook.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        hook
    };
    let service = json!({"caBundle": ByteString(pem("CERTIFICATE", CERTIFICATE).into_bytes()), "service": {"namespace": "kinds", "name": "hook", "path": "/p", "port": 4}});
    let url = json!({"url": "https://hook.example.com/p"});
    let metric = json!({"name": "hits", "selector": selector()});
    let described = json!({"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"});
    match kind {
        "mutatingadmissionpolicy" => json!({
            "/spec/variables/0/name": "known",
            "/spec/mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}},
                {"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'test', path: '/kind', value: 'X'}]"}},
            ],
        }),
        "validatingadmissionpolicy" => json!({
            "/spec/variables/0/name": "known", "/spec/validations/0/reason": "Forbidden",
        }),
        // A parameter has a name or a selector.
        "validatingadmissionpolicybinding" => json!({
            "/spec/paramRef/name": null, "/spec/paramRef/parameterNotFoundAction": "Allow", "/spec/validationActions": ["Audit", "Warn"],
        }),
        "mutatingwebhookconfiguration" => json!({"/webhooks": [
            hook(service, json!({"name": "a.example.com", "reinvocationPolicy": "IfNeeded"})),
            hook(url, json!({"name": "b.example.com", "reinvocationPolicy": "Never"})),
        ]}),
        "validatingwebhookconfiguration" => json!({"/webhooks": [
            hook(service, json!({"name": "a.example.com"})), hook(url, json!({"name": "b.example.com"})),
        ]}),
        "horizontalpodautoscaler" => json!({
            "/spec/metrics": [
                {"type": "Object", "object": {"describedObject": described, "metric": metric, "target": {"type": "Value", "value": "3"}}},
                {"type": "Pods", "pods": {"metric": metric, "target": {"type": "AverageValue", "averageValue": "5"}}},
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 4}}},
                {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "main",
                    "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                {"type": "External", "external": {"metric": metric, "target": {"type": "Value", "value": "6"}}},
            ],
            "/spec/scaleTargetRef/apiVersion": "apps/v1", "/spec/scaleTargetRef/kind": "Deployment",
            "/spec/behavior/scaleUp/selectPolicy": "Min", "/spec/behavior/scaleUp/policies/0/type": "Pods",
            "/spec/behavior/scaleDown/selectPolicy": "Disabled", "/spec/behavior/scaleDown/policies/0/type": "Percent",
        }),
        // The one or the other.
        "poddisruptionbudget" => json!({
            "/spec/minAvailable": null, "/spec/maxUnavailable": "30%", "/spec/unhealthyPodEvictionPolicy": "AlwaysAllow",
        }),
        _ => Value::Null,
    }
}

/// What accounts may do, and how fast.
fn access(kind: &str) -> Value {
    let group = "rbac.authorization.k8s.io";
    let resources = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]});
    let subjects = json!([
        {"kind": "ServiceAccount", "name": "runner", "namespace": "kinds"}, {"kind": "User", "apiGroup": group, "name": "ann"},
    ]);
    match kind {
        "clusterrole" => json!({"/rules": [resources, {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]}),
        "role" => json!({"/rules": [resources]}),
        "clusterrolebinding" | "rolebinding" => json!({
            "/subjects": subjects, "/roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
        }),
        "certificatesigningrequest" => {
            json!({"/spec/request": ByteString(pem("CERTIFICATE REQUEST", REQUEST).into_bytes()), "/spec/expirationSeconds": 900})
        }
        "clustertrustbundle" => json!({
            "/metadata/name": "example.com:signer:clustertrustbundle-1", "/spec/trustBundle": pem("CERTIFICATE", CERTIFICATE),
        }),
        "podcertificaterequest" => json!({"/spec/maxExpirationSeconds": 3600, "/spec/stubPKCS10Request": REQUEST,
            "/spec/unverifiedUserAnnotations": {"example.com/key": "value"}}),
        "flowschema" => json!({
            "/spec/distinguisherMethod/type": "ByUser",
            "/spec/rules/0/subjects": [{"kind": "User", "user": {"name": "ann"}}, {"kind": "Group", "group": {"name": "them"}},
                {"kind": "ServiceAccount", "serviceAccount": {"namespace": "kinds", "name": "runner"}}],
        }),
        // Shares of an exempt level are for the level that is exempt.
        "prioritylevelconfiguration" => json!({
            "/spec/type": "Limited", "/spec/exempt": null, "/spec/limited/limitResponse/type": "Queue",
            "/spec/limited/limitResponse/queuing/queues": 8,
        }),
        _ => Value::Null,
    }
}

/// Names, addresses and ways between pods.
fn network(kind: &str) -> Value {
    let ports = json!([{"protocol": "UDP", "port": 2, "endPort": 3}, {"protocol": "TCP", "port": "web"}]);
    let peers = json!([{"podSelector": selector(), "namespaceSelector": selector()},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]);
    let service = |port: Value| json!({"service": {"name": "web", "port": port}});
    let resource = json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "x"}});
    match kind {
        "service" => json!({
            "/spec/type": "LoadBalancer", "/spec/clusterIP": "10.96.7.7", "/spec/clusterIPs": ["10.96.7.7"],
            "/spec/ports/0/nodePort": 30123, "/spec/ports/0/targetPort": "web", "/spec/externalIPs": ["192.0.2.1"],
            "/spec/sessionAffinity": "ClientIP", "/spec/sessionAffinityConfig/clientIP/timeoutSeconds": 60,
            "/spec/loadBalancerIP": "192.0.2.2", "/spec/loadBalancerSourceRanges": ["192.0.2.0/24"],
            "/spec/externalName": "a.example.com", "/spec/externalTrafficPolicy": "Local", "/spec/healthCheckNodePort": 30124,
            "/spec/ipFamilies": ["IPv4"], "/spec/ipFamilyPolicy": "SingleStack", "/spec/loadBalancerClass": "example.com/class",
            "/spec/internalTrafficPolicy": "Local", "/spec/trafficDistribution": "PreferSameNode",
        }),
        "endpoints" => json!({
            "/subsets/0/addresses/0/ip": "10.1.2.3", "/subsets/0/notReadyAddresses/0/ip": "10.1.2.4",
        }),
        "ingress" => json!({
            "/spec/defaultBackend": resource,
            "/spec/tls/0/hosts": ["a.example.com"], "/spec/rules/0/host": "a.example.com",
            "/spec/rules/0/http/paths": [
                {"path": "/a", "pathType": "Prefix", "backend": service(json!({"name": "web"}))},
                {"path": "/b", "pathType": "Exact", "backend": service(json!({"number": 2}))},
                {"path": "/c", "pathType": "ImplementationSpecific", "backend": resource},
            ],
        }),
        "ingressclass" => json!({"/spec/parameters/scope": "Namespace"}),
        "networkpolicy" => json!({
            "/spec/ingress/0/ports": ports, "/spec/ingress/0/from": peers, "/spec/egress/0/ports": ports, "/spec/egress/0/to": peers,
            "/spec/policyTypes": ["Ingress", "Egress"],
        }),
        "ipaddress" => json!({"/metadata/name": "10.96.9.9", "/spec/parentRef/group": "example.com"}),
        "servicecidr" => json!({"/spec/cidrs": ["10.97.0.0/24"]}),
        _ => Value::Null,
    }
}

/// Volumes and the drivers that make them.
fn storage(kind: &str) -> Value {
    match kind {
        // A volume has one source, of which this one has the most fields.
        "persistentvolume" => {
            let mut edits = json!({
                "/spec/capacity": {"storage": "1Gi"}, "/spec/accessModes": ["ReadWriteOnce"], "/spec/volumeMode": "Filesystem",
                "/spec/persistentVolumeReclaimPolicy": "Retain", "/spec/claimRef/namespace": "kinds",
                "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchFields/0/key": "metadata.name",
            });
            for source in [
                "awsElasticBlockStore",
                "azureDisk",
                "azureFile",
                "cephfs",
                "cinder",
                "fc",
                "flexVolume",
                "flocker",
                "gcePersistentDisk",
                "glusterfs",
                "hostPath",
                "iscsi",
                "local",
                "nfs",
                "photonPersistentDisk",
                "portworxVolume",
                "quobyte",
                "rbd",
                "scaleIO",
                "storageos",
                "vsphereVolume",
            ] {
                edits[format!("/spec/{source}")] = Value::Null;
            }
            edits
        }
        // Of both sources an API server makes one.
        "persistentvolumeclaim" => json!({
            "/spec/accessModes": ["ReadWriteOnce"], "/spec/volumeMode": "Filesystem",
            "/spec/resources": {"limits": {"storage": "2Gi"}, "requests": {"storage": "1Gi"}},
            "/spec/dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"},
            "/spec/dataSourceRef": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"},
        }),
        "storageclass" => json!({"/reclaimPolicy": "Retain", "/volumeBindingMode": "WaitForFirstConsumer"}),
        "csidriver" => json!({
            "/spec/volumeLifecycleModes": ["Persistent", "Ephemeral"], "/spec/fsGroupPolicy": "File",
            "/spec/tokenRequests/0/expirationSeconds": 600, "/spec/nodeAllocatableUpdatePeriodSeconds": 10,
        }),
        "csistoragecapacity" => json!({"/capacity": "2Gi", "/maximumVolumeSize": "1Gi"}),
        // A volume, or one without an object of its own.
        "volumeattachment" => json!({"/spec/source/inlineVolumeSpec": null}),
        _ => Value::Null,
    }
}

/// Devices, and claims to them.
fn devices(kind: &str) -> Value {
    let chosen = json!({"deviceClassName": "gpu", "selectors": [{"cel": {"expression": "device.driver == 'example.com'"}}],
        "allocationMode": "ExactCount", "count": 4, "capacity": {"requests": {"memory": "1Gi"}},
        "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 5}]});
    let mut named = chosen.clone();
    named["name"] = json!("sub");
    let requests = json!([{"name": "one", "exactly": chosen}, {"name": "two", "firstAvailable": [named]}]);
    // A device is alike or unlike.
    let constraints = json!([{"requests": ["one"], "matchAttribute": "example.com/model"},
        {"requests": ["two"], "distinctAttribute": "example.com/serial"}]);
    match kind {
        "deviceclass" => json!({"/spec/extendedResourceName": "example.com/gpu"}),
        "resourceclaim" => json!({
            "/spec/devices/requests": requests, "/spec/devices/constraints": constraints,
            "/spec/devices/config/0/requests": ["one"],
        }),
        "resourceclaimtemplate" => json!({
            "/spec/metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
            "/spec/spec/devices/requests": requests, "/spec/spec/devices/constraints": constraints,
            "/spec/spec/devices/config/0/requests": ["one"],
        }),
        // Counters are in a slice of their own, and the nodes are said for the slice or for each device.
        "resourceslice" => json!({
            "/spec/nodeName": null, "/spec/nodeSelector": null, "/spec/allNodes": null, "/spec/sharedCounters": null,
            "/spec/devices": [{"name": "gpu-0", "attributes": {"cores": {"int": 2}, "fast": {"bool": true},
                "model": {"string": "a"}, "driver": {"version": "1.2.3"}}, "nodeName": "node-1",
                "capacity": {"memory": {"value": "1Gi", "requestPolicy": {"default": "1Gi", "validValues": ["1Gi"]}}},
                "consumesCounters": [{"counterSet": "set", "counters": {"memory": {"value": "1Gi"}}}],
                "taints": [{"key": "k", "value": "v", "effect": "NoExecute", "timeAdded": "2004-01-01T01:01:01Z"}],
                "bindsToNode": true, "bindingConditions": ["example.com/ready"], "bindingFailureConditions": ["example.com/bad"],
                "allowMultipleAllocations": true}],
        }),
        _ => Value::Null,
    }
}

/// The kinds of the core, and those that are alone.
fn others(kind: &str) -> Value {
    match kind {
        // A class for all pods would change those that were saved without it.
        "priorityclass" => json!({"/globalDefault": false}),
        "podtemplate" => json!({"/template/spec": pod_spec("Always")}),
        "secret" => json!({"/type": "example.com/kind"}),
        "namespace" => json!({"/spec/finalizers": ["kubernetes"]}),
        "limitrange" => json!({"/spec/limits/0": {"type": "Container", "max": {"ephemeral-storage": "4Gi"},
            "min": {"ephemeral-storage": "1Gi"}, "default": {"ephemeral-storage": "3Gi"},
            "defaultRequest": {"ephemeral-storage": "2Gi"}, "maxLimitRequestRatio": {"ephemeral-storage": "3"}}}),
        "resourcequota" => json!({"/spec/hard": {"pods": "9"}, "/spec/scopes": ["NotTerminating"],
            "/spec/scopeSelector/matchExpressions/0/scopeName": "PriorityClass"}),
        "event of the core" => json!({"/involvedObject/namespace": "kinds", "/type": "Warning"}),
        // What says when and how often is for the first version of events only.
        "event" => json!({
            "/regarding/namespace": "kinds", "/type": "Warning", "/series/count": 2, "/deprecatedSource": null, "/deprecatedCount": null,
            "/deprecatedFirstTimestamp": null, "/deprecatedLastTimestamp": null,
        }),
        "node" => {
            json!({"/status/declaredFeatures": ["MyFeature"], "/spec/podCIDR": "10.244.1.0/24", "/spec/podCIDRs": ["10.244.1.0/24"]})
        }
        "runtimeclass" => json!({"/overhead/podFixed": {"cpu": "10m"}, "/scheduling/tolerations/0/operator": "Equal"}),
        _ => Value::Null,
    }
}
