//! Pods on the one node.

use kubesim::Propagation::Background;
use kubesim::actors::{ActorKind, Actors, Settings};
use serde_json::json;

use super::{World, pod};

const PODS: &str = "v1/pods";

#[test]
fn a_pod_is_scheduled_then_runs() {
    let mut world = World::all();
    world.create(PODS, "t", pod("p"));
    assert_eq!(world.get(PODS, "t", "p")["status"]["phase"], "Pending");
    assert!(world.actors.step_one(ActorKind::Kubelet));
    assert_eq!(world.get(PODS, "t", "p")["spec"]["nodeName"], "node-1");
    assert_eq!(world.get(PODS, "t", "p")["status"]["phase"], "Pending");
    assert!(world.actors.step_one(ActorKind::Kubelet));
    let running = world.get(PODS, "t", "p");
    assert_eq!(running["status"]["phase"], "Running");
    assert_eq!(running["status"]["podIP"], "10.244.0.1");
    assert_eq!(running["status"]["containerStatuses"][0]["ready"], true);
    assert_eq!(world.condition(PODS, "t", "p", "Ready")["status"], "True");
    assert_eq!(world.condition("v1/nodes", "", "node-1", "Ready")["status"], "True");
    assert!(!world.actors.step_one(ActorKind::Kubelet), "nothing is left to do");
}

#[test]
fn addresses_are_given_once_and_again_when_free() {
    let mut world = World::all();
    for name in ["a", "b"] {
        world.create(PODS, "t", pod(name));
    }
    world.settle();
    assert_eq!(world.get(PODS, "t", "b")["status"]["podIP"], "10.244.0.2");
    world.delete(PODS, "t", "a", Background);
    world.create(PODS, "t", pod("c"));
    world.create(PODS, "t", pod("d"));
    world.settle();
    assert_eq!(world.get(PODS, "t", "d")["status"]["podIP"], "10.244.0.3");
}

#[test]
fn a_pod_waits_for_its_claim_and_its_configuration() {
    let mut world = World::all();
    let mut waiting = pod("p");
    waiting["spec"]["volumes"] = json!([
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "config", "configMap": {"name": "config"}},
    ]);
    waiting["spec"]["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "optional", "optional": true}}]);
    world.create(PODS, "t", waiting);
    world.settle();
    let scheduled = world.condition(PODS, "t", "p", "PodScheduled");
    assert_eq!((&scheduled["status"], &scheduled["reason"]), (&json!("False"), &json!("Unschedulable")));
    assert!(scheduled["message"].as_str().expect("a message").contains("\"data\" not found"));

    world.create("v1/persistentvolumes", "", super::volume("v", "5Gi", ""));
    world.create("v1/persistentvolumeclaims", "t", super::claim("data", "5Gi", ""));
    world.settle();
    let waiting = world.get(PODS, "t", "p");
    assert_eq!(waiting["spec"]["nodeName"], "node-1");
    assert_eq!(waiting["status"]["phase"], "Pending");
    assert_eq!(waiting["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "CreateContainerConfigError");

    world.create("v1/configmaps", "t", json!({"metadata": {"name": "config"}}));
    world.settle();
    assert_eq!(world.get(PODS, "t", "p")["status"]["phase"], "Running");
}

#[test]
fn pods_that_are_not_restarted_end_as_their_command_does() {
    let mut world = World::all();
    for (name, command, phase) in [
        ("good", json!(["sh", "-c", "echo done"]), "Succeeded"),
        ("bad", json!(["sh", "-c", "echo no; exit 3"]), "Failed"),
    ] {
        let mut once = pod(name);
        once["spec"]["restartPolicy"] = "Never".into();
        once["spec"]["containers"][0]["command"] = command;
        world.create(PODS, "t", once);
        world.settle();
        assert_eq!(world.get(PODS, "t", name)["status"]["phase"], phase);
    }
    let ended = world.get(PODS, "t", "bad");
    assert_eq!(ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 3);
}

#[test]
fn a_deleted_pod_is_killed_and_removed() {
    let mut world = World::all();
    world.create(PODS, "t", pod("p"));
    world.settle();
    world.delete(PODS, "t", "p", Background);
    let deleting = world.get(PODS, "t", "p");
    assert_eq!(deleting["metadata"]["deletionGracePeriodSeconds"], 30);
    world.settle();
    assert!(world.find(PODS, "t", "p").is_none());
}

#[test]
fn without_a_node_pods_stay_pending() {
    let mut world = World::all();
    world.actors = Actors::all(&world.server).with(Settings { node: false, ..Settings::default() });
    world.create(PODS, "t", pod("p"));
    world.settle();
    assert!(world.list("v1/nodes", "").is_empty());
    assert!(world.get(PODS, "t", "p")["spec"]["nodeName"].is_null());
}

#[tokio::test(start_paused = true)]
async fn running_actors_wake_on_writes() {
    let world = World::all();
    let actors = tokio::spawn(Actors::all(&world.server).run());
    world.create(PODS, "t", pod("p"));
    let mut revision = 0;
    while world.get(PODS, "t", "p")["status"]["phase"] != "Running" {
        revision = world.server.changed_since(revision).await;
    }
    actors.abort();
}
