//! Owners and dependents.

use std::collections::BTreeSet;

use kubesim::Propagation::{Background, Foreground, Orphan};
use kubesim::actors::ActorKind::GarbageCollector;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::World;

const CM: &str = "v1/configmaps";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn reference(name: &str, uid: &str, block: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": block})
}

/// A ConfigMap of the namespace with these owners; its uid.
fn owned(world: &World, name: &str, owners: &[Value]) -> String {
    let body = json!({"metadata": {"name": name, "ownerReferences": owners}});
    world.create(CM, "t", body).uid().to_owned()
}

fn collector() -> World {
    World::new(&[GarbageCollector])
}

#[test]
fn dependents_of_an_absent_owner_are_deleted() {
    let mut world = collector();
    owned(&world, "dangling", &[reference("gone", NOBODY, false)]);
    let owner = owned(&world, "owner", &[]);
    owned(&world, "wrong-name", &[reference("other", &owner, false)]);
    owned(&world, "kept", &[reference("owner", &owner, false)]);
    world.settle();
    let left: Vec<String> = world.list(CM, "t").iter().map(|object| object.name().to_owned()).collect();
    assert_eq!(left, ["kept", "owner"]);
    world.delete(CM, "t", "owner", Background);
    world.settle();
    assert!(world.list(CM, "t").is_empty());
}

#[test]
fn an_owner_in_another_namespace_counts_as_absent() {
    let mut world = collector();
    let foreign = world.create(CM, "default", json!({"metadata": {"name": "owner"}}));
    owned(&world, "dependent", &[reference("owner", foreign.uid(), false)]);
    world.settle();
    assert!(world.find(CM, "t", "dependent").is_none());
}

#[test]
fn cluster_scoped_owners_count_and_unknown_kinds_are_left_alone() {
    let mut world = collector();
    let namespace = world.get("v1/namespaces", "", "default");
    let owner =
        json!({"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": namespace["metadata"]["uid"]});
    owned(&world, "of-namespace", &[owner]);
    let mystery = json!({"apiVersion": "example.com/v1", "kind": "Mystery", "name": "m", "uid": NOBODY});
    owned(&world, "of-mystery", &[mystery]);
    let class = json!({
        "metadata": {"name": "c", "ownerReferences": [reference("gone", NOBODY, false)]}, "provisioner": "p",
    });
    world.create("storage.k8s.io/v1/storageclasses", "", class);
    world.settle();
    assert!(world.find(CM, "t", "of-namespace").is_some());
    assert!(world.find(CM, "t", "of-mystery").is_some());
    assert!(
        world.find("storage.k8s.io/v1/storageclasses", "", "c").is_some(),
        "a namespaced owner of a cluster-scoped object cannot be resolved"
    );
}

#[test]
fn dead_references_beside_a_living_one_are_dropped() {
    let mut world = collector();
    let owner = owned(&world, "owner", &[]);
    let living = reference("owner", &owner, false);
    owned(&world, "mixed", &[reference("gone", NOBODY, false), living.clone()]);
    world.settle();
    assert_eq!(world.get(CM, "t", "mixed")["metadata"]["ownerReferences"], json!([living]));
}

#[test]
fn foreground_waits_for_those_that_block() {
    let mut world = collector();
    let owner = owned(&world, "owner", &[]);
    for (name, block) in [("blocking", true), ("loose", false)] {
        world.create(CM, "t", json!({"metadata": {
            "name": name, "finalizers": ["example.com/keep"], "ownerReferences": [reference("owner", &owner, block)],
        }}));
    }
    world.delete(CM, "t", "owner", Foreground);
    world.settle();
    assert_eq!(world.get(CM, "t", "owner")["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    for name in ["blocking", "loose"] {
        assert!(world.get(CM, "t", name)["metadata"]["deletionTimestamp"].is_string());
    }
    world.patch(CM, "t", "blocking", json!({"metadata": {"finalizers": null}}));
    world.settle();
    assert!(world.find(CM, "t", "owner").is_none(), "what does not block is not waited for");
    assert!(world.find(CM, "t", "loose").is_some());
}

#[test]
fn orphans_are_let_go() {
    let mut world = collector();
    let owner = owned(&world, "owner", &[]);
    owned(&world, "dependent", &[reference("owner", &owner, true)]);
    world.delete(CM, "t", "owner", Orphan);
    assert!(world.find(CM, "t", "owner").is_some());
    world.settle();
    assert!(world.find(CM, "t", "owner").is_none());
    assert_eq!(world.get(CM, "t", "dependent")["metadata"].get("ownerReferences"), None);
}

/// Objects in order; each has owners among those before it (by index), or an absent one.
fn graphs() -> impl Strategy<Value = Vec<Vec<Option<prop::sample::Index>>>> {
    vec(vec(prop::option::weighted(0.8, any::<prop::sample::Index>()), 0..3), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is left has no owners or a living one; what went had only absent ones.
    #[test]
    fn exactly_what_living_owners_reach_remains(graph in graphs(), deleted in vec(any::<prop::sample::Index>(), 0..4), foreground: bool) {
        let mut world = collector();
        let mut uids: Vec<String> = Vec::new();
        let mut owners_of: Vec<Vec<Option<usize>>> = Vec::new();
        for (place, owners) in graph.iter().enumerate() {
            // The first has nobody before it.
            let owners: BTreeSet<Option<usize>> = owners
                .iter()
                .map(|owner| owner.filter(|_| place > 0).map(|owner| owner.index(place)))
                .collect();
            let references: Vec<Value> = owners
                .iter()
                .map(|owner| match owner {
                    Some(owner) => reference(&format!("n{owner}"), &uids[*owner], true),
                    None => reference("gone", NOBODY, true),
                })
                .collect();
            uids.push(owned(&world, &format!("n{place}"), &references));
            owners_of.push(owners.into_iter().collect());
        }
        let deleted: BTreeSet<usize> = deleted.iter().map(|index| index.index(graph.len())).collect();
        for place in &deleted {
            world.delete(CM, "t", &format!("n{place}"), if foreground { Foreground } else { Background });
        }
        world.settle();
        let mut alive: Vec<bool> = Vec::new();
        for (place, owners) in owners_of.iter().enumerate() {
            let held = owners.is_empty() || owners.iter().any(|owner| owner.is_some_and(|owner| alive[owner]));
            alive.push(held && !deleted.contains(&place));
        }
        let expected: BTreeSet<String> =
            alive.iter().enumerate().filter(|(_, alive)| **alive).map(|(place, _)| format!("n{place}")).collect();
        let found: BTreeSet<String> = world.list(CM, "t").iter().map(|object| object.name().to_owned()).collect();
        prop_assert_eq!(found, expected);
        for object in world.list(CM, "t") {
            let references = object.value()["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
            let uids: BTreeSet<&str> = references.iter().filter_map(|reference| reference["uid"].as_str()).collect();
            let living = world.list(CM, "t");
            prop_assert!(uids.iter().all(|uid| living.iter().any(|owner| owner.uid() == *uid)), "no dead references stay");
        }
    }
}
