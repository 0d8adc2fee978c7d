//! What is used of resource quotas, counted anew.

use kubesim::Propagation::Background;
use kubesim::actors::ActorKind;
use serde_json::json;

use super::{World, claim, deployment, pod};

const QUOTAS: &str = "v1/resourcequotas";

fn quota(hard: serde_json::Value) -> serde_json::Value {
    json!({"metadata": {"name": "q"}, "spec": {"hard": hard}})
}

#[test]
fn what_was_there_before_the_quota_is_counted() {
    let mut world = World::new(&[ActorKind::Quotas]);
    world.create("v1/pods", "t", pod("p"));
    world.create("v1/persistentvolumeclaims", "t", claim("c", "1Gi", "fast"));
    world.create("rbac.authorization.k8s.io/v1/roles", "t", json!({"metadata": {"name": "r"}, "rules": []}));
    let hard = json!({
        "pods": "2", "requests.storage": "5Gi", "count/roles.rbac.authorization.k8s.io": "3", "services": "1",
        "resourcequotas": "1", "requests.cpu": "2",
    });
    world.create(QUOTAS, "t", quota(hard.clone()));
    world.settle();
    let status = &world.get(QUOTAS, "t", "q")["status"];
    assert_eq!(status["hard"], hard);
    assert_eq!(
        status["used"],
        json!({
            "pods": "1", "requests.storage": "1Gi", "count/roles.rbac.authorization.k8s.io": "1", "services": "0",
            "resourcequotas": "1", "requests.cpu": "0",
        })
    );
}

#[test]
fn what_is_gone_is_counted_no_more() {
    let mut world = World::new(&[ActorKind::Quotas]);
    world.create(QUOTAS, "t", quota(json!({"configmaps": "1"})));
    world.settle();
    world.create("v1/configmaps", "t", json!({"metadata": {"name": "a"}}));
    assert_eq!(world.get(QUOTAS, "t", "q")["status"]["used"]["configmaps"], "1");
    world.delete("v1/configmaps", "t", "a", Background);
    world.settle();
    assert_eq!(world.get(QUOTAS, "t", "q")["status"]["used"]["configmaps"], "0");
    world.patch(QUOTAS, "t", "q", json!({"spec": {"hard": {"configmaps": "4", "secrets": "2"}}}));
    world.settle();
    let status = &world.get(QUOTAS, "t", "q")["status"];
    assert_eq!(
        status,
        &json!({"hard": {"configmaps": "4", "secrets": "2"}, "used": {"configmaps": "0", "secrets": "0"}})
    );
}

#[test]
fn a_deployment_gets_as_many_pods_as_fit() {
    let mut world = World::all();
    world.create(QUOTAS, "t", quota(json!({"pods": "2"})));
    world.settle();
    world.create("apps/v1/deployments", "t", deployment("web", 5, "nginx"));
    world.settle();
    assert_eq!(world.list("v1/pods", "t").len(), 2);
    assert_eq!(world.get(QUOTAS, "t", "q")["status"]["used"]["pods"], "2");
    let failure = world.condition("apps/v1/deployments", "t", "web", "ReplicaFailure");
    assert_eq!((&failure["status"], &failure["reason"]), (&json!("True"), &json!("FailedCreate")));
    let why = "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2";
    assert!(failure["message"].as_str().expect("a message").ends_with(why), "{failure}");
    world.patch(QUOTAS, "t", "q", json!({"spec": {"hard": {"pods": "9"}}}));
    world.settle();
    assert_eq!(world.list("v1/pods", "t").len(), 5);
    assert!(world.condition("apps/v1/deployments", "t", "web", "ReplicaFailure").is_null());
}
