//! Clusters that nobody thought of: random namespaces, kinds, names and owner graphs, cycles included.
//!
//! proptest prints the smallest failing plan and stores its seed; the plan holds everything, the server's seed included.

use std::collections::{BTreeMap, BTreeSet};

use ark::api::BackupSpec;
use ark::restore::{Outcome, RestoreOutcome};
use kubesim::actors::{ActorKind, Actors};
use kubesim::{ApiServer, Patch, Target, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::rig::{bring_back, bucket, comparable, paused, save, server};

/// One object of a plan.
#[derive(Clone, Debug)]
struct Planned {
    kind: usize,
    namespace: usize,
    name: String,
    /// Places of its owners in the plan; only those in its namespace count.
    owners: BTreeSet<usize>,
    value: String,
}

const KINDS: [(&str, &str, &str, &str); 5] = [
    ("", "v1", "configmaps", "ConfigMap"),
    ("", "v1", "secrets", "Secret"),
    ("", "v1", "serviceaccounts", "ServiceAccount"),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    ("odd.example.com", "v1", "things", "Thing"),
];

const NAMESPACES: [&str; 2] = ["one", "two-2"];

fn planned() -> impl Strategy<Value = Planned> {
    let name = prop_oneof![
        4 => "[a-z0-9]{1,8}",
        1 => "[a-z0-9]([a-z0-9]{0,3}\\.[a-z0-9]{1,4}){1,5}",
        1 => "[a-z0-9]{253}",
    ];
    (0..KINDS.len(), 0..NAMESPACES.len(), name, prop::collection::btree_set(0_usize..20, 0..3), any::<String>())
        .prop_map(|(kind, namespace, name, owners, value)| {
            // RBAC names are path segments, not DNS names.
            let name = if kind == 3 { format!("system:{name}:Ünïcode") } else { name };
            Planned { kind, namespace, name, owners, value }
        })
}

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.odd.example.com"},
        "spec": {"group": "odd.example.com", "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

fn target_of(planned: &Planned) -> Target {
    let (group, version, resource, _) = KINDS[planned.kind];
    Target::new(group, version, resource).in_namespace(NAMESPACES[planned.namespace]).named(&planned.name)
}

/// Builds the cluster; what could not be created (a name twice) is left out.
fn build(server: &ApiServer, plan: &[Planned]) -> Vec<Planned> {
    let mut objects: Vec<Value> = NAMESPACES
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    objects.push(definition());
    assert!(server.load(objects).iter().all(Result::is_ok));
    let mut uids = BTreeMap::new();
    for (place, planned) in plan.iter().enumerate() {
        let (_, _, _, kind) = KINDS[planned.kind];
        let api_version =
            if KINDS[planned.kind].0.is_empty() { "v1".to_owned() } else { format!("{}/v1", KINDS[planned.kind].0) };
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": planned.name, "namespace": NAMESPACES[planned.namespace],
            "annotations": {"note": planned.value}}});
        if kind == "Thing" {
            object["spec"] =
                json!({"text": planned.value, "nothing": null, "list": [1, -1, 9_007_199_254_740_993_i64, 0.1]});
        }
        if let Ok(stored) = server.load(vec![object]).remove(0) {
            uids.insert(place, stored.uid().to_owned());
        }
    }
    for (place, planned) in plan.iter().enumerate().filter(|(place, _)| uids.contains_key(place)) {
        let owners: Vec<Value> = planned
            .owners
            .iter()
            .filter(|owner| {
                **owner != place && uids.contains_key(owner) && plan[**owner].namespace == planned.namespace
            })
            .map(|owner| {
                let (group, _, _, kind) = KINDS[plan[*owner].kind];
                let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
                json!({"apiVersion": api_version, "kind": kind, "name": plan[*owner].name, "uid": uids[owner]})
            })
            .collect();
        if !owners.is_empty() {
            let patch = Patch::Merge(json!({"metadata": {"ownerReferences": owners}}));
            server.patch(&target_of(planned), &patch, &WriteOptions::default()).expect("an owner reference");
        }
    }
    plan.iter().enumerate().filter(|(place, _)| uids.contains_key(place)).map(|(_, planned)| planned.clone()).collect()
}

/// The object with its owners by name instead of by uid, in any order.
fn neutral(server: &ApiServer, planned: &Planned) -> Option<Value> {
    let mut object = server.get(&target_of(planned)).ok()?.value().clone();
    let mut owners: Vec<String> = Vec::new();
    for owner in object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default() {
        let of = KINDS.iter().find(|kind| kind.3 == owner["kind"]).expect("a kind of the plan");
        let target = Target::new(of.0, of.1, of.2)
            .in_namespace(NAMESPACES[planned.namespace])
            .named(owner["name"].as_str().expect("a name"));
        let live = server.get(&target).map(|object| object.uid().to_owned()).unwrap_or_default();
        assert_eq!(owner["uid"], live, "an owner reference means the owner of this cluster");
        owners.push(format!("{} {}", owner["kind"], owner["name"]));
    }
    owners.sort();
    object["metadata"]["ownerReferences"] = json!(owners);
    Some(comparable(object, &[]))
}

fn check(done: &RestoreOutcome) -> Result<(), TestCaseError> {
    prop_assert_eq!(done.results.errors.count(), 0, "{:#?}", done.results.errors);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_generated_cluster_comes_back_and_stays(seed in any::<u64>(), plan in prop::collection::vec(planned(), 0..20)) {
        paused(async {
            let (source, target, store) = (server(seed, false), server(seed ^ 1, false), bucket());
            let plan = build(&source, &plan);
            let saved = save(&source, &store, "b", BackupSpec::default()).await;
            prop_assert_eq!(saved.results.errors.count(), 0, "{:#?}", saved.results.errors);
            let done = bring_back(&target, &store, "b", "first").await;
            check(&done)?;
            let revision = target.revision();
            Actors::only(&target, &[ActorKind::GarbageCollector]).settle();
            prop_assert_eq!(target.revision(), revision, "the garbage collector found something to do");
            for planned in &plan {
                prop_assert_eq!(neutral(&target, planned), neutral(&source, planned));
            }
            // A second restore finds everything as it should be, and writes nothing.
            let again = bring_back(&target, &store, "b", "second").await;
            check(&again)?;
            for item in &again.items {
                prop_assert!(matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped(_)), "{}: {:?}", item.path, item.outcome);
            }
            prop_assert_eq!(target.revision(), revision);
            Ok(())
        })?;
    }
}
