//! Daemon sets: a pod on every node that fits, and what happens when the template changes.

use kubesim::Propagation::Background;
use serde_json::{Value, json};

use super::World;

const SETS: &str = "apps/v1/daemonsets";
const PODS: &str = "v1/pods";
const NODES: &str = "v1/nodes";
const REVISIONS: &str = "apps/v1/controllerrevisions";

fn daemon_set(spec: Value) -> Value {
    json!({
        "metadata": {"name": "agent", "annotations": {"note": "kept"}},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": spec},
        },
    })
}

fn containers(image: &str) -> Value {
    json!([{"name": "c", "image": image}])
}

fn node(world: &World, name: &str, labels: Value, taints: Value) {
    let status = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    let metadata = json!({"name": name, "labels": labels});
    world.create(NODES, "", json!({"metadata": metadata, "spec": {"taints": taints}, "status": status}));
}

fn where_pods_are(world: &World) -> Vec<String> {
    let mut nodes: Vec<_> = world
        .list(PODS, "t")
        .iter()
        .map(|pod| pod.value()["spec"]["nodeName"].as_str().unwrap_or("nowhere").to_owned())
        .collect();
    nodes.sort();
    nodes
}

#[test]
fn every_node_gets_a_pod() {
    let mut world = World::all();
    node(&world, "other", json!({}), json!([]));
    world.create(SETS, "t", daemon_set(json!({"containers": containers("agent:1")})));
    world.settle();
    assert_eq!(where_pods_are(&world), ["node-1", "other"]);
    let set = world.get(SETS, "t", "agent");
    assert_eq!(
        set["status"],
        json!({
            "currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberAvailable": 2, "numberMisscheduled": 0,
            "numberReady": 2, "observedGeneration": 1, "updatedNumberScheduled": 2,
        })
    );
    let revision = &world.list(REVISIONS, "t")[0];
    let hash = revision.value()["metadata"]["labels"]["controller-revision-hash"].as_str().expect("a hash").to_owned();
    assert_eq!(revision.name(), format!("agent-{hash}"));
    assert_eq!(revision.value()["metadata"]["annotations"]["note"], "kept");
    assert_eq!(revision.value()["data"]["spec"]["template"]["$patch"], "replace");
    let pod = world.list(PODS, "t")[0].value().clone();
    let labels = json!({"app": "agent", "controller-revision-hash": hash, "pod-template-generation": "1"});
    assert_eq!(pod["metadata"]["labels"], labels);
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "DaemonSet");
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = &required["nodeSelectorTerms"][0]["matchFields"][0];
    assert_eq!(field, &json!({"key": "metadata.name", "operator": "In", "values": [pod["spec"]["nodeName"]]}));
    assert_eq!(pod["spec"]["tolerations"].as_array().expect("tolerations").len(), 6);
}

#[test]
fn only_nodes_that_fit_get_one() {
    let mut world = World::all();
    node(&world, "tainted", json!({"disk": "ssd"}), json!([{"key": "gpu", "effect": "NoSchedule"}]));
    node(&world, "ssd", json!({"disk": "ssd"}), json!([]));
    let spec = json!({"nodeSelector": {"disk": "ssd"}, "containers": containers("agent:1")});
    world.create(SETS, "t", daemon_set(spec));
    world.settle();
    assert_eq!(where_pods_are(&world), ["ssd"]);
    world.patch(NODES, "", "node-1", json!({"metadata": {"labels": {"disk": "ssd"}}}));
    world.settle();
    assert_eq!(where_pods_are(&world), ["node-1", "ssd"]);
    world.patch(NODES, "", "ssd", json!({"metadata": {"labels": {"disk": "hdd"}}}));
    world.settle();
    assert_eq!(where_pods_are(&world), ["node-1"]);
}

#[test]
fn a_new_template_replaces_pods_one_by_one() {
    let mut world = World::all();
    for name in ["a", "b"] {
        node(&world, name, json!({}), json!([]));
    }
    world.create(SETS, "t", daemon_set(json!({"containers": containers("agent:1")})));
    world.settle();
    let image = json!({"spec": {"template": {"spec": {"containers": containers("agent:2")}}}});
    world.patch(SETS, "t", "agent", image);
    let mut fewest = usize::MAX;
    while world.actors.step() {
        let pods = world.list(PODS, "t");
        let running = pods.iter().filter(|pod| pod.value()["status"]["phase"] == "Running" && !pod.is_terminating());
        fewest = fewest.min(running.count());
    }
    assert_eq!(fewest, 2, "one of three may be missing");
    assert_eq!(where_pods_are(&world), ["a", "b", "node-1"]);
    for pod in world.list(PODS, "t") {
        assert_eq!(pod.value()["spec"]["containers"][0]["image"], "agent:2");
        assert_eq!(pod.value()["metadata"]["labels"]["pod-template-generation"], "2");
    }
    assert_eq!(world.list(REVISIONS, "t").len(), 2);
    assert_eq!(world.get(SETS, "t", "agent")["status"]["updatedNumberScheduled"], 3);
}

#[test]
fn with_a_surge_the_new_pod_comes_before_the_old_one_goes() {
    let mut world = World::all();
    let mut set = daemon_set(json!({"containers": containers("agent:1")}));
    set["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    world.create(SETS, "t", set);
    world.settle();
    let image = json!({"spec": {"template": {"spec": {"containers": containers("agent:2")}}}});
    world.patch(SETS, "t", "agent", image);
    let mut most = 0;
    while world.actors.step() {
        let pods = world.list(PODS, "t");
        assert!(pods.iter().any(|pod| pod.value()["status"]["phase"] == "Running"));
        most = most.max(pods.len());
    }
    assert_eq!((most, where_pods_are(&world)), (2, vec!["node-1".to_owned()]));
    assert_eq!(world.list(PODS, "t")[0].value()["spec"]["containers"][0]["image"], "agent:2");
}

#[test]
fn pods_follow_their_set() {
    let mut world = World::all();
    world.create(SETS, "t", daemon_set(json!({"containers": containers("agent:1")})));
    world.settle();
    let pod = world.list(PODS, "t")[0].name().to_owned();
    world.delete(PODS, "t", &pod, Background);
    world.settle();
    assert_eq!(where_pods_are(&world), ["node-1"]);
    assert_ne!(world.list(PODS, "t")[0].name(), pod);
    world.delete(SETS, "t", "agent", Background);
    world.settle();
    assert!(world.list(PODS, "t").is_empty() && world.list(REVISIONS, "t").is_empty());
}
