//! Every kind that a cluster serves: simulator, backup, bucket, restore, simulator.

use ark::api::BackupSpec;
use ark::restore::Outcome;
use kubesim::{ApiServer, ResourceDef};
use serde_json::{Value, json};

use super::rig::{bring_back, bucket, comparable, fixtures, live, paused, save, server};

/// What a restore changes beside what the server sets everywhere, and why.
const CHANGED: &[(&str, &[&str], &str)] = &[
    (
        "Pod",
        &["spec/nodeName", "spec/priority", "spec/preemptionPolicy", "spec/ephemeralContainers"],
        "scheduled and admitted anew",
    ),
    (
        "Service",
        &["spec/clusterIP", "spec/clusterIPs", "spec/healthCheckNodePort", "spec/ports/*/nodePort"],
        "allocated anew",
    ),
    ("Job", &["spec/selector", "spec/template/metadata/labels"], "made anew from its uid"),
    ("PersistentVolume", &["spec/claimRef/uid", "spec/claimRef/resourceVersion"], "bound anew, to the same claim"),
    ("PersistentVolumeClaim", &["spec/volumeName"], "its volume is not in the backup"),
    ("Namespace", &["metadata/labels/kubernetes.io~1metadata.name"], "set by the server"),
];

/// Kinds of which nothing is ever restored.
const NEVER: &[&str] = &[
    "CSINode",
    "CertificateSigningRequest",
    "Event",
    "Lease",
    "Node",
    "PodCertificateRequest",
    "ResourceSlice",
    "VolumeAttachment",
];

/// What of a fixture no API server would have: its fields are all set, to placeholders.
fn plausible(object: &mut Value) {
    let core = object["apiVersion"] == "v1";
    let kind = object["kind"].as_str().expect("a kind").to_lowercase();
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
    match kind.as_str() {
        // A class for all pods would change those that were saved without it.
        "priorityclass" => object["globalDefault"] = json!(false),
        "podtemplate" => object["template"]["spec"] = pod_spec("Always"),
        "service" => {
            object["spec"]["clusterIP"] = json!("10.96.7.7");
            object["spec"]["clusterIPs"] = json!(["10.96.7.7"]);
            object["spec"]["type"] = json!("LoadBalancer");
            object["spec"]["ports"][0]["nodePort"] = json!(30123);
        }
        "ipaddress" => object["metadata"]["name"] = json!("10.96.9.9"),
        _ => {}
    }
}

/// A pod spec with something in most of its parts. The placeholders of a fixture are refused by every API server.
fn pod_spec(restart: &str) -> Value {
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
fn workload(kind: &str, template: &Value) -> Option<Value> {
    let labels = template["metadata"]["labels"].clone();
    let template = |restart: &str| json!({"metadata": template["metadata"], "spec": pod_spec(restart)});
    let selector = json!({"matchLabels": labels});
    let claim = json!({"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}});
    let rolling = |surge: Value, unavailable: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    let job = json!({"parallelism": 2, "completions": 3, "completionMode": "Indexed", "backoffLimit": 4, "suspend": true,
        "activeDeadlineSeconds": 50, "ttlSecondsAfterFinished": 60, "template": template("Never")});
    Some(match kind {
        "pod" => pod_spec("OnFailure"),
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

/// Serves the kinds of the fixtures that a 1.36 cluster serves only behind a feature gate.
fn serve_gated(server: &ApiServer) {
    let gated = [
        ("certificates.k8s.io", "clustertrustbundles", "ClusterTrustBundle", false),
        ("certificates.k8s.io", "podcertificaterequests", "PodCertificateRequest", true),
        ("resource.k8s.io", "devicetaintrules", "DeviceTaintRule", false),
    ];
    server.serve_resources(
        gated.map(|(group, plural, kind, namespaced)| ResourceDef::new(group, "v1", plural, kind, namespaced)).into(),
    );
}

#[test]
fn every_kind_comes_back_equal_but_for_what_the_table_names() {
    paused(async {
        let (source, target, store) = (server(1, false), server(2, false), bucket());
        serve_gated(&source);
        serve_gated(&target);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kinds"}});
        assert!(source.load(vec![namespace])[0].is_ok());
        let mut files: Vec<_> =
            std::fs::read_dir(fixtures("kinds")).expect("a folder").map(|file| file.expect("a file").path()).collect();
        files.sort();
        let mut saved = Vec::new();
        let mut refused = Vec::new();
        for file in &files {
            let mut object: Value = serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON");
            plausible(&mut object);
            let kind = object["kind"].as_str().expect("a kind").to_owned();
            match source.load(vec![object]).remove(0) {
                Ok(stored) => saved.push((kind, stored.value().clone())),
                Err(error) => refused.push(error.to_string()),
            }
        }
        assert_eq!(refused, Vec::<String>::new());
        assert_eq!(saved.len(), 59);

        let outcome = save(&source, &store, "kinds", BackupSpec::default()).await;
        assert_eq!(outcome.results.errors.count(), 0, "{:#?}", outcome.results.errors);
        let done = bring_back(&target, &store, "kinds", "back").await;
        assert_eq!(done.results.errors.count(), 0, "{:#?}", done.results.errors);

        for (kind, before) in saved {
            let name = before["metadata"]["name"].as_str().expect("a name");
            let item = done
                .items
                .iter()
                .find(|item| item.name == name)
                .unwrap_or_else(|| panic!("{kind} is not in the archive"));
            if NEVER.contains(&kind.as_str()) {
                assert!(
                    matches!(&item.outcome, Outcome::Skipped(reason) if !reason.is_empty()),
                    "{kind}: {:?}",
                    item.outcome
                );
                continue;
            }
            assert_eq!(item.outcome, Outcome::Created, "{kind}");
            let after = live(&target, &item.resource.group, &item.resource.resource, item.namespace.as_deref(), name);
            let changed = CHANGED.iter().find(|(other, _, _)| *other == kind).map_or(&[][..], |(_, paths, _)| paths);
            assert_eq!(comparable(after.expect("restored"), changed), comparable(before.clone(), changed), "{kind}");
        }
    });
}
