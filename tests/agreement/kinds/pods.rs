//! Pods, with everything that can be done to them.

use serde_json::{Value, json};

use super::template::pod_template;
use super::{Extra, Kind};
use crate::script::Dice;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const BUDGETS: &str = "/apis/policy/v1/namespaces/{place}/poddisruptionbudgets";

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Pod",
    api_version: "v1",
    plural: "pods",
    variant: pod,
    poisons: &[
        ("/spec/containers", "[]"),
        ("/spec/containers/0/name", "\"\""),
        ("/spec/containers/0/ports", "[{\"containerPort\":99999}]"),
        ("/spec/containers/0/resources", "{\"limits\":{\"cpu\":\"abc\"}}"),
        ("/spec/restartPolicy", "\"Odd\""),
        ("/spec/dnsPolicy", "\"Odd\""),
        ("/spec/terminationGracePeriodSeconds", "5"),
        ("/spec/priorityClassName", "\"absent\""),
        // What is taken with a warning.
        ("/spec/terminationGracePeriodSeconds", "-5"),
        ("/spec/containers/0/ports", "[{\"containerPort\":80,\"name\":\"a\"},{\"containerPort\":80,\"name\":\"a\"}]"),
        ("/spec/containers/0/ports", "[{\"containerPort\":80},{\"containerPort\":80,\"hostPort\":80}]"),
        (
            "/spec/containers/0/ports",
            "[{\"containerPort\":80,\"hostIP\":\"10.0.0.1\",\"name\":\"b\"},{\"containerPort\":80}]",
        ),
        (
            "/spec/containers/0/ports",
            "[{\"containerPort\":80,\"hostPort\":80},{\"containerPort\":80,\"hostPort\":80,\"hostIP\":\"10.0.0.1\"}]",
        ),
        (
            "/spec/containers/0/env",
            "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"B\",\"value\":\"x\"},{\"name\":\"B\",\"value\":\"$(B)y\"}]",
        ),
        (
            "/spec/containers/0/resources",
            "{\"limits\":{\"memory\":\"1500m\",\"ephemeral-storage\":\"0.5\"},\"requests\":{\"memory\":\"100m\"}}",
        ),
        ("/spec/nodeSelector", "{\"beta.kubernetes.io/os\":\"linux\"}"),
        (
            "/spec/hostAliases",
            "[{\"ip\":\"010.0.0.1\",\"hostnames\":[\"a\"]},{\"ip\":\"010.0.0.1\"},{\"ip\":\"::0:1\"}]",
        ),
        ("/spec/imagePullSecrets", "[{\"name\":\"a\"},{\"name\":\"a\"},{}]"),
        (
            "/spec/topologySpreadConstraints",
            "[{\"maxSkew\":1,\"topologyKey\":\"failure-domain.beta.kubernetes.io/zone\",\"whenUnsatisfiable\":\"DoNotSchedule\"}]",
        ),
        (
            "/spec/affinity",
            "{\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"zone\"}]}}",
        ),
        (
            "/spec/volumes",
            "[{\"name\":\"v\",\"configMap\":{\"name\":\"m\",\"items\":[{\"key\":\"a\",\"path\":\"x\"},{\"key\":\"b\",\"path\":\"x/y\"}]}},{\"name\":\"w\",\"gitRepo\":{\"repository\":\"r\"}}]",
        ),
        (
            "/metadata/annotations",
            "{\"scheduler.alpha.kubernetes.io/critical-pod\":\"\",\"seccomp.security.alpha.kubernetes.io/pod\":\"unconfined\"}",
        ),
        ("/metadata/annotations", "{\"container.apparmor.security.beta.kubernetes.io/main\":\"runtime/default\"}"),
        ("/metadata/name", "\"one.two\""),
        // What an update may not change, or may.
        ("/spec/containers/0/image", "\"busybox\""),
        ("/spec/activeDeadlineSeconds", "100"),
        ("/spec/activeDeadlineSeconds", "50"),
        ("/spec/tolerations", "[{\"key\":\"a\",\"operator\":\"Exists\"}]"),
        ("/spec/nodeName", "\"node-a\""),
        ("/spec/schedulingGates", "[{\"name\":\"example.com/gate\"}]"),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/conditions", "[{\"type\":\"a b\",\"status\":\"True\"}]"),
        ("/status/conditions", "[{\"type\":\"Ready\",\"status\":\"True\",\"observedGeneration\":-1}]"),
        ("/status/podIPs", "[{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.2\"}]"),
        ("/status/podIPs", "[{\"ip\":\"x\"}]"),
        ("/status/podIPs", "[{\"ip\":\"::0:1\"}]"),
        ("/status/hostIPs", "[{\"ip\":\"010.0.0.1\"}]"),
        ("/status/nominatedNodeName", "\"Not_A_Name\""),
        ("/status/qosClass", "\"Odd\""),
        ("/status/observedGeneration", "-1"),
        ("/status/phase", "5"),
        ("/status/odd", "1"),
        ("/status", "null"),
        ("/spec", "{}"),
        ("/metadata/labels", "{\"app\":\"other\"}"),
    ],
    extras: EXTRAS,
    ..Kind::DEFAULT
}];

const fn extra(
    what: &'static str,
    method: &'static str,
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
) -> Extra {
    Extra { what, method, path, content_type, body }
}

const EXTRAS: &[Extra] = &[
    extra(
        "bind",
        "POST",
        "/binding",
        JSON,
        r#"{"apiVersion":"v1","kind":"Binding","metadata":{"name":"{name}"},"target":{"kind":"Node","name":"node-a"}}"#,
    ),
    extra(
        "bind",
        "POST",
        "/binding",
        JSON,
        r#"{"metadata":{"name":"{name}","annotations":{"a":"b"},"labels":{"app":"bound"}},"target":{"name":"node-b"}}"#,
    ),
    extra(
        "bind",
        "POST",
        "/binding",
        JSON,
        r#"{"metadata":{"name":"{name}","uid":"other"},"target":{"name":"node-b"}}"#,
    ),
    extra("bind", "POST", "/binding", JSON, r#"{"metadata":{"name":"{name}"},"target":{"kind":"Pod"}}"#),
    extra("bind", "POST", "/binding", JSON, r#"{"metadata":{"name":"other"},"target":{"name":"node-b"}}"#),
    extra(
        "bind by collection",
        "POST",
        "/api/v1/namespaces/{place}/bindings",
        JSON,
        r#"{"metadata":{"name":"{name}"},"target":{"name":"node-c"}}"#,
    ),
    extra(
        "evict",
        "POST",
        "/eviction",
        JSON,
        r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{name}","namespace":"{place}"}}"#,
    ),
    extra(
        "evict",
        "POST",
        "/eviction",
        JSON,
        r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{name}"},"deleteOptions":{"gracePeriodSeconds":10}}"#,
    ),
    extra(
        "evict",
        "POST",
        "/eviction",
        JSON,
        r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{name}"},"deleteOptions":{"dryRun":["All"]}}"#,
    ),
    extra(
        "evict",
        "POST",
        "/eviction",
        JSON,
        r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{name}"},"deleteOptions":{"preconditions":{"uid":"other"}}}"#,
    ),
    extra("evict", "POST", "/eviction", JSON, r#"{"metadata":{}}"#),
    extra(
        "run",
        "PATCH",
        "/status",
        STRATEGIC,
        r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#,
    ),
    extra("end", "PATCH", "/status", MERGE, r#"{"status":{"phase":"Succeeded"}}"#),
    extra(
        "budget",
        "POST",
        BUDGETS,
        JSON,
        r#"{"metadata":{"name":"{name}"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"a"}}}}"#,
    ),
    extra("budget", "POST", BUDGETS, JSON, r#"{"metadata":{"name":"all"},"spec":{"maxUnavailable":1,"selector":{}}}"#),
    extra(
        "allow",
        "PATCH",
        "/apis/policy/v1/namespaces/{place}/poddisruptionbudgets/all/status",
        MERGE,
        r#"{"status":{"disruptionsAllowed":1,"observedGeneration":1,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2}}"#,
    ),
    extra("delete slowly", "DELETE", "", JSON, r#"{"gracePeriodSeconds":20}"#),
    extra("delete sooner", "DELETE", "", JSON, r#"{"gracePeriodSeconds":5}"#),
    extra("look by field", "GET", "..?fieldSelector=spec.nodeName%3Dnode-a", JSON, ""),
    extra("look by field", "GET", "..?fieldSelector=status.phase%3DPending,spec.restartPolicy!%3DNever", JSON, ""),
    extra(
        "look by field",
        "GET",
        "..?fieldSelector=spec.hostNetwork%3Dfalse,spec.schedulerName%3Ddefault-scheduler",
        JSON,
        "",
    ),
    extra("look by field", "GET", "..?fieldSelector=spec.priority%3D0", JSON, ""),
    extra(
        "debug",
        "PATCH",
        "/ephemeralcontainers",
        STRATEGIC,
        r#"{"spec":{"ephemeralContainers":[{"name":"debug","image":"busybox"}]}}"#,
    ),
    extra(
        "debug",
        "PATCH",
        "/ephemeralcontainers",
        STRATEGIC,
        r#"{"spec":{"ephemeralContainers":[{"name":"debug","image":"other","targetContainerName":"absent"}]}}"#,
    ),
    extra(
        "debug",
        "PATCH",
        "/ephemeralcontainers",
        STRATEGIC,
        r#"{"spec":{"ephemeralContainers":[{"name":"main","image":"busybox","ports":[{"containerPort":80}]}]}}"#,
    ),
    extra("debug", "PATCH", "/ephemeralcontainers", MERGE, r#"{"spec":{"ephemeralContainers":null}}"#),
    extra("get ephemeral containers", "GET", "/ephemeralcontainers", JSON, ""),
    extra(
        "resize",
        "PATCH",
        "/resize",
        STRATEGIC,
        r#"{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":"2","memory":"2Gi"}}}]}}"#,
    ),
    extra(
        "resize",
        "PATCH",
        "/resize",
        STRATEGIC,
        r#"{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"100m"}}}]}}"#,
    ),
    extra("get resize", "GET", "/resize", JSON, ""),
];

fn pod(dice: &mut Dice, _: &str) -> Value {
    json!({"spec": pod_template(dice)["spec"]})
}

fn status(dice: &mut Dice) -> Value {
    let ready = *dice.one(&["True", "False"]);
    match dice.below(3) {
        0 => json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}),
        1 => {
            json!({"phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}], "hostIP": "192.168.0.1", "hostIPs": [{"ip": "192.168.0.1"}],
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}, {"type": "Initialized", "status": "True"}],
            "containerStatuses": [{"name": "main", "image": "nginx", "imageID": "x", "ready": true, "restartCount": 1, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]})
        }
        _ => json!({"phase": "Failed", "reason": "Evicted", "message": "gone",
            "containerStatuses": [{"name": "main", "image": "nginx", "imageID": "x", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 1}}}]}),
    }
}
