//! Limit ranges: what pods are given, and what pods and claims may not ask for.

use kubesim::{ApiServer, Object, Patch, Status, Target, WriteOptions};
use serde_json::{Value, json};

use super::{create, server};

fn at(plural: &str) -> Target {
    Target::new("", "v1", plural).in_namespace("default")
}

fn limited(limits: Value) -> ApiServer {
    let server = server();
    let range = json!({"metadata": {"name": "limits"}, "spec": {"limits": limits}});
    create(&server, &at("limitranges"), range).expect("a limit range");
    server
}

fn pod(server: &ApiServer, containers: Value) -> Result<Object, Status> {
    create(server, &at("pods"), json!({"metadata": {"name": "p"}, "spec": {"containers": containers}}))
}

fn message(result: Result<Object, Status>) -> String {
    let status = result.expect_err("a refusal");
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    status.message
}

#[test]
fn containers_get_what_they_do_not_say() {
    let limits = json!([{
        "type": "Container",
        "default": {"cpu": "500m", "memory": "1Gi"},
        "defaultRequest": {"cpu": "250m", "memory": "512Mi"},
    }]);
    let server = limited(limits);
    let containers = json!([
        {"name": "a", "image": "a"},
        {"name": "b", "image": "b", "resources": {"limits": {"cpu": "1"}}},
    ]);
    let pod = pod(&server, containers).expect("a pod");
    let spec = &pod.value()["spec"];
    assert_eq!(
        spec["containers"][0]["resources"],
        json!({"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "512Mi"}})
    );
    assert_eq!(
        spec["containers"][1]["resources"],
        json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "512Mi"}})
    );
    assert_eq!(
        pod.value()["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; \
         memory request for container b; memory limit for container b"
    );
    assert_eq!(pod.value()["status"]["qosClass"], "Burstable");
    let owned = pod.value()["metadata"]["managedFields"].to_string();
    assert!(!owned.contains("limit-ranger"), "nobody owns what the server gave: {owned}");
}

#[test]
fn containers_stay_between_the_limits() {
    let server = limited(json!([{
        "type": "Container",
        "min": {"cpu": "100m"}, "max": {"cpu": "2"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"},
    }]));
    let with = |requests: &str, limits: &str| {
        let resources = json!({"requests": {"cpu": requests}, "limits": {"cpu": limits}});
        pod(&server, json!([{"name": "c", "image": "c", "resources": resources}]))
    };
    assert_eq!(
        message(with("50m", "1")),
        "pods \"p\" is forbidden: minimum cpu usage per Container is 100m, but request is 50m"
    );
    assert_eq!(
        message(with("50m", "3")),
        "pods \"p\" is forbidden: [minimum cpu usage per Container is 100m, but request is 50m, \
         maximum cpu usage per Container is 2, but limit is 3]"
    );
    with("100m", "2").expect("a pod");
}

#[test]
fn limits_and_requests_are_not_too_far_apart() {
    let server = limited(json!([{"type": "Container", "maxLimitRequestRatio": {"memory": "2"}}]));
    let with = |resources: Value| pod(&server, json!([{"name": "c", "image": "c", "resources": resources}]));
    assert_eq!(
        message(with(json!({"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}}))),
        "pods \"p\" is forbidden: memory max limit to request ratio per Container is 2, but provided ratio is 3.000000"
    );
    assert_eq!(
        message(with(json!({}))),
        "pods \"p\" is forbidden: memory max limit to request ratio per Container is 2, but no request is specified or \
         request is 0"
    );
}

#[test]
fn a_whole_pod_has_limits_too() {
    let server = limited(json!([{"type": "Pod", "max": {"memory": "1Gi"}}]));
    let half = json!({"limits": {"memory": "768Mi"}});
    let container = |name: &str| json!({"name": name, "image": "c", "resources": half});
    assert_eq!(
        message(pod(&server, json!([container("a"), container("b")]))),
        "pods \"p\" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1536Mi"
    );
    pod(&server, json!([container("a")])).expect("a pod");
}

#[test]
fn claims_are_held_to_their_size_when_made_and_when_changed() {
    let server = limited(json!([{
        "type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"},
    }]));
    let claim = |size: &str| {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}});
        create(&server, &at("persistentvolumeclaims"), json!({"metadata": {"name": "c"}, "spec": spec}))
    };
    assert_eq!(
        message(claim("512Mi")),
        "persistentvolumeclaims \"c\" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but \
         request is 512Mi"
    );
    assert_eq!(
        message(claim("3Gi")),
        "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but \
         request is 3Gi"
    );
    claim("1Gi").expect("a claim");
    let target = at("persistentvolumeclaims").named("c");
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    server.patch(&target, &label, &WriteOptions::default()).expect("a patch of something else");
}
