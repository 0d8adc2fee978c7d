//! The end of a namespace.

use kubesim::Propagation::Background;
use serde_json::json;

use super::{World, deployment};

const NS: &str = "v1/namespaces";
const CM: &str = "v1/configmaps";

#[test]
fn a_deleted_namespace_is_emptied_and_vanishes() {
    let mut world = World::all();
    world.create("apps/v1/deployments", "t", deployment("web", 2, "nginx"));
    world.create(CM, "t", json!({"metadata": {"name": "c"}}));
    world.settle();
    assert_eq!(world.list("v1/pods", "t").len(), 2);
    world.delete(NS, "", "t", Background);
    assert_eq!(world.get(NS, "", "t")["status"]["phase"], "Terminating");
    world.settle();
    assert!(world.find(NS, "", "t").is_none());
    for resource in [CM, "v1/pods", "apps/v1/deployments", "apps/v1/replicasets", "v1/serviceaccounts"] {
        assert!(world.list(resource, "t").is_empty(), "{resource}");
    }
    world.create(NS, "", json!({"metadata": {"name": "t"}}));
    world.settle();
    assert_eq!(world.list("v1/serviceaccounts", "t").len(), 1, "the new one starts afresh");
}

#[test]
fn finalizers_of_the_content_hold_a_namespace_and_are_named() {
    let mut world = World::all();
    world.create(CM, "t", json!({"metadata": {"name": "held", "finalizers": ["example.com/keep"]}}));
    world.settle();
    world.delete(NS, "", "t", Background);
    world.settle();
    let remaining = world.condition(NS, "", "t", "NamespaceContentRemaining");
    assert_eq!(remaining["status"], "True");
    assert_eq!(remaining["message"], "Some resources are remaining: configmaps. has 1 resource instances");
    let finalizers = world.condition(NS, "", "t", "NamespaceFinalizersRemaining");
    assert_eq!(
        finalizers["message"],
        "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances"
    );
    assert!(world.get(CM, "t", "held")["metadata"]["deletionTimestamp"].is_string());
    world.patch(CM, "t", "held", json!({"metadata": {"finalizers": null}}));
    world.settle();
    assert!(world.find(NS, "", "t").is_none());
}

#[test]
fn pods_go_before_what_they_use() {
    let mut world = World::all();
    world.create(CM, "t", json!({"metadata": {"name": "c"}}));
    let mut held = super::pod("p");
    held["metadata"]["finalizers"] = json!(["example.com/keep"]);
    world.create("v1/pods", "t", held);
    world.settle();
    world.delete(NS, "", "t", Background);
    world.settle();
    assert!(world.get(CM, "t", "c")["metadata"]["deletionTimestamp"].is_null());
    world.patch("v1/pods", "t", "p", json!({"metadata": {"finalizers": null}}));
    world.settle();
    assert!(world.find(NS, "", "t").is_none());
}

#[test]
fn a_broken_aggregated_api_holds_every_terminating_namespace() {
    let mut world = World::all();
    world.settle();
    world.server.set_aggregated("metrics.example.com", "v1", Vec::new(), false);
    world.delete(NS, "", "t", Background);
    world.settle();
    assert_eq!(world.condition(NS, "", "t", "NamespaceDeletionDiscoveryFailure")["status"], "True");
    world.server.set_aggregated("metrics.example.com", "v1", Vec::new(), true);
    world.settle();
    assert!(world.find(NS, "", "t").is_none());
}
