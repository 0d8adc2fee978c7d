//! The order of a restore: a graph, cut into levels (design decision 9).
//!
//! Every resource has a tier: definitions, namespaces, classes, volumes, claims, service accounts, secrets, config maps,
//! RBAC, limits, everything else, and last what intercepts requests. An object's level is its tier, or one more than the
//! highest level of its owners where that is higher. Everything inside a level may happen at once.
//!
//! Configured priorities come before the other tiers, in their order. Definitions and namespaces come before even them,
//! since nothing of them can be created earlier, and an owner always comes before its dependents.
//!
//! Owners that own each other are legal in a hostile archive: a cycle is cut at its first object, which is created
//! without those references and gets them at the end.
//!
//! # Differences
//! Ark v0.6 restored a priority that was listed twice twice, and aborted where one could not be resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::GroupResource;

/// Room between two tiers for owners and their dependents; a longer chain runs into the next tier and is still in order.
const TIER_ROOM: u64 = 1 << 20;

/// Tier of the resources that no rule names.
const ORDINARY: u64 = 20;

const TIERS: &[(u64, &str, &[&str])] = &[
    (0, "apiextensions.k8s.io", &["customresourcedefinitions"]),
    (1, "", &["namespaces"]),
    (2, "storage.k8s.io", &["storageclasses", "volumeattributesclasses", "csidrivers"]),
    (2, "scheduling.k8s.io", &["priorityclasses"]),
    (2, "node.k8s.io", &["runtimeclasses"]),
    (2, "networking.k8s.io", &["ingressclasses", "servicecidrs"]),
    (2, "resource.k8s.io", &["deviceclasses"]),
    (3, "", &["persistentvolumes"]),
    (4, "", &["persistentvolumeclaims"]),
    (5, "", &["serviceaccounts"]),
    (6, "", &["secrets"]),
    (7, "", &["configmaps"]),
    (8, "rbac.authorization.k8s.io", &["roles", "clusterroles"]),
    (9, "rbac.authorization.k8s.io", &["rolebindings", "clusterrolebindings"]),
    (10, "", &["limitranges", "resourcequotas"]),
    (10, "flowcontrol.apiserver.k8s.io", &["prioritylevelconfigurations"]),
    (
        30,
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies"],
    ),
    (30, "admissionregistration.k8s.io", &["mutatingadmissionpolicybindings"]),
    (31, "admissionregistration.k8s.io", &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]),
    (31, "apiregistration.k8s.io", &["apiservices"]),
];

/// The tier of a resource, with configured priorities before the others.
pub(super) fn tier(resource: &GroupResource, priorities: &[GroupResource]) -> u64 {
    let own = TIERS
        .iter()
        .find(|(_, group, names)| *group == resource.group && names.contains(&resource.resource.as_str()))
        .map_or(ORDINARY, |(tier, _, _)| *tier);
    let configured = priorities.iter().position(|name| name == resource);
    match configured {
        _ if own < 2 => own,
        Some(place) => 2 + place as u64,
        None => own + priorities.len() as u64,
    }
}

/// One object to put in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// From [`tier`].
    pub(super) tier: u64,
    /// Indices of its owners among the nodes.
    pub(super) owners: Vec<usize>,
}

/// Objects in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// Indices of nodes, first level first.
    pub(super) levels: Vec<Vec<usize>>,
    /// References that would close a cycle: from a node to owners that come after it.
    pub(super) cut: BTreeMap<usize, BTreeSet<usize>>,
}

/// Puts owners before dependents, tiers in order.
pub(super) fn levels(nodes: &[Node]) -> Levels {
    let mut dependents: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut waiting: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for (index, node) in nodes.iter().enumerate() {
        let owners: BTreeSet<usize> = node.owners.iter().copied().collect();
        for owner in &owners {
            dependents.entry(*owner).or_default().insert(index);
        }
        if owners.is_empty() {
            ready.insert(index);
        } else {
            waiting.insert(index, owners);
        }
    }
    let mut result = Levels::default();
    let mut level: BTreeMap<usize, u64> = BTreeMap::new();
    let mut by_level: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    loop {
        let Some(index) = ready.pop_first() else {
            let Some(start) = waiting.keys().next() else { break };
            let index = on_a_cycle(&waiting, *start);
            let owners = waiting.remove(&index).expect("the walk stays among waiting nodes");
            result.cut.insert(index, owners);
            ready.insert(index);
            continue;
        };
        let cut = result.cut.get(&index);
        let above = nodes[index].owners.iter().filter(|owner| !cut.is_some_and(|cut| cut.contains(owner)));
        let above = above.filter_map(|owner| level.get(owner)).max().map_or(0, |level| level + 1);
        let own = above.max(nodes[index].tier * TIER_ROOM);
        level.insert(index, own);
        by_level.entry(own).or_default().push(index);
        for dependent in dependents.get(&index).into_iter().flatten() {
            let done = waiting.get_mut(dependent).is_some_and(|owners| {
                owners.remove(&index);
                owners.is_empty()
            });
            if done {
                waiting.remove(dependent);
                ready.insert(*dependent);
            }
        }
    }
    result.levels = by_level
        .into_values()
        .map(|mut level| {
            level.sort_unstable();
            level
        })
        .collect();
    result
}

/// A node of the cycle that keeps `start` waiting: an object below a cycle loses no reference for it.
fn on_a_cycle(waiting: &BTreeMap<usize, BTreeSet<usize>>, start: usize) -> usize {
    let mut seen = BTreeSet::new();
    let mut at = start;
    while seen.insert(at) {
        at = *waiting[&at].first().expect("a waiting node waits for an owner, and nothing is ready");
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Levels, Node, levels, tier};
    use crate::object::GroupResource;

    fn node(tier: u64, owners: &[usize]) -> Node {
        Node { tier, owners: owners.to_vec() }
    }

    #[test]
    fn owners_come_before_dependents_whatever_their_tiers() {
        // A config map (7) owned by a custom object (20) owned by a namespace (1).
        let found = levels(&[node(7, &[1]), node(20, &[2]), node(1, &[]), node(7, &[])]);
        assert_eq!(found.levels, [vec![2], vec![3], vec![1], vec![0]]);
        assert!(found.cut.is_empty());
    }

    #[test]
    fn cycles_are_cut_and_named() {
        let found = levels(&[node(7, &[1]), node(7, &[0]), node(7, &[2])]);
        assert_eq!(found.cut.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(found.levels.concat().len(), 3);
        assert_eq!(levels(&[]), Levels::default());
        let below = levels(&[node(7, &[1]), node(7, &[2]), node(7, &[1])]);
        assert_eq!(below.cut.keys().copied().collect::<Vec<_>>(), [1], "the first one is below the cycle, not on it");
    }

    #[test]
    fn configured_priorities_win_below_definitions_and_namespaces() {
        let priorities = ["pods", "secrets"].map(|name| GroupResource::new("", name));
        let of = |group: &str, name: &str| tier(&GroupResource::new(group, name), &priorities);
        assert!(of("", "namespaces") < of("", "pods"));
        assert!(of("", "pods") < of("", "secrets"));
        assert!(of("", "secrets") < of("", "persistentvolumes"));
        assert!(of("", "services") < of("admissionregistration.k8s.io", "validatingwebhookconfigurations"));
    }

    proptest! {
        #[test]
        fn every_node_is_placed_once_and_after_its_owners(
            edges in proptest::collection::vec((0_usize..30, 0_usize..30), 0..80),
            tiers in proptest::collection::vec(0_u64..4, 30),
        ) {
            let mut nodes: Vec<Node> = tiers.into_iter().map(|tier| Node { tier, owners: Vec::new() }).collect();
            for (from, to) in edges {
                nodes[from].owners.push(to);
            }
            let found = levels(&nodes);
            let mut place = vec![None; nodes.len()];
            for (at, level) in found.levels.iter().enumerate() {
                for index in level {
                    prop_assert!(place[*index].replace(at).is_none());
                }
            }
            for (index, node) in nodes.iter().enumerate() {
                for owner in &node.owners {
                    let cut = found.cut.get(&index).is_some_and(|cut| cut.contains(owner));
                    prop_assert!(cut || place[*owner] < place[index], "{index} before its owner {owner}");
                }
            }
        }
    }
}
