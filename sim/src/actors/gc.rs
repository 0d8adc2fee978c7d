//! The garbage collector: deletes what has lost its owners, and plays foreground and orphan deletion.
//!
//! An owner is present when an object of that group and kind, name and uid exists, in the dependent's namespace or
//! cluster-scoped; a reference across namespaces is to an absent owner. A dependent all of whose owners are absent is
//! deleted; one that has a present owner as well loses the references to the absent ones. An object that is deleted in the
//! foreground waits for the dependents whose references say `blockOwnerDeletion`; one that is deleted with orphans lets go
//! of its dependents first.
//!
//! # Differences
//!
//! A real collector works on watches and asks the API server about each absent owner; this one looks at everything in
//! each pass. A reference whose kind is not served, or from a cluster-scoped object to a namespaced kind, cannot be
//! resolved: as in a real cluster such an object is left alone. Events are not collected.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::access::{Access, finalizers, is_deleting, items, text};
use crate::object::Object;
use crate::options::{DeleteOptions, Propagation, Target};
use crate::resource::ResourceDef;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// One object of the graph.
struct Node {
    resource: Arc<ResourceDef>,
    object: Object,
}

impl Node {
    fn target(&self) -> Target {
        Target {
            group: self.resource.group.clone(),
            version: self.resource.version.clone(),
            resource: self.resource.plural.clone(),
            namespace: self.object.namespace().map(str::to_owned),
            name: Some(self.object.name().to_owned()),
            subresource: None,
        }
    }

    fn references(&self) -> &[Value] {
        items(self.object.value(), "/metadata/ownerReferences")
    }

    fn has(&self, finalizer: &str) -> bool {
        finalizers(&self.object).contains(&finalizer)
    }

    fn deletes_dependents(&self) -> bool {
        is_deleting(&self.object) && self.has(FOREGROUND)
    }
}

/// What an owner reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// It is there.
    Solid,
    /// It is not.
    Absent,
    /// It is there and waits for its dependents to go.
    Waiting,
    /// Nobody can tell.
    Unknown,
}

/// Everything that is stored, as far as it can be deleted.
struct Graph {
    nodes: Vec<Node>,
    by_uid: BTreeMap<String, usize>,
    /// Nodes that name this uid as an owner.
    dependents: BTreeMap<String, Vec<usize>>,
    /// Group and kind of every served resource, and whether it is namespaced.
    kinds: BTreeMap<(String, String), bool>,
}

pub(super) fn pass(access: Access<'_>) {
    let graph = Graph::read(access);
    for node in &graph.nodes {
        if is_deleting(&node.object) && node.has(ORPHAN) {
            graph.orphan_dependents(access, node);
        } else if node.deletes_dependents() {
            graph.finish_foreground(access, node);
        } else if !is_deleting(&node.object) && !node.references().is_empty() {
            graph.collect(access, node);
        }
    }
}

impl Graph {
    fn read(access: Access<'_>) -> Self {
        let mut graph =
            Self { nodes: Vec::new(), by_uid: BTreeMap::new(), dependents: BTreeMap::new(), kinds: BTreeMap::new() };
        let mut seen: Vec<(String, String)> = Vec::new();
        for resource in access.server.resources() {
            graph.kinds.insert((resource.group.clone(), resource.kind.clone()), resource.namespaced);
            let key = (resource.group.clone(), resource.plural.clone());
            let collected = resource.supports("list") && resource.supports("delete") && resource.plural != "events";
            if !collected || seen.contains(&key) {
                continue;
            }
            seen.push(key);
            for object in access.list(&Target::new(&resource.group, &resource.version, &resource.plural)) {
                graph.add(Node { resource: Arc::clone(&resource), object });
            }
        }
        graph
    }

    fn add(&mut self, node: Node) {
        let place = self.nodes.len();
        self.by_uid.insert(node.object.uid().to_owned(), place);
        for reference in node.references() {
            if let Some(uid) = text(reference, "/uid") {
                self.dependents.entry(uid.to_owned()).or_default().push(place);
            }
        }
        self.nodes.push(node);
    }

    fn dependents(&self, node: &Node) -> impl Iterator<Item = &Node> {
        let places = self.dependents.get(node.object.uid());
        places.into_iter().flatten().map(|place| &self.nodes[*place])
    }

    fn owner(&self, node: &Node, reference: &Value) -> Owner {
        let api_version = text(reference, "/apiVersion").unwrap_or_default();
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let kind = text(reference, "/kind").unwrap_or_default();
        let Some(namespaced) = self.kinds.get(&(group.to_owned(), kind.to_owned())) else {
            return Owner::Unknown;
        };
        if *namespaced && node.object.namespace().is_none() {
            return Owner::Unknown;
        }
        let found = text(reference, "/uid").and_then(|uid| self.by_uid.get(uid)).map(|place| &self.nodes[*place]);
        let owner = found.filter(|owner| {
            owner.resource.group == group
                && owner.resource.kind == kind
                && text(reference, "/name") == Some(owner.object.name())
                && (owner.object.namespace().is_none() || owner.object.namespace() == node.object.namespace())
        });
        match owner {
            None => Owner::Absent,
            Some(owner) if owner.deletes_dependents() => Owner::Waiting,
            Some(_) => Owner::Solid,
        }
    }

    /// Deletes the object if none of its owners is solid; drops its dead references if one is.
    fn collect(&self, access: Access<'_>, node: &Node) {
        let owners: Vec<Owner> = node.references().iter().map(|reference| self.owner(node, reference)).collect();
        if owners.contains(&Owner::Unknown) {
            return;
        }
        if owners.contains(&Owner::Solid) {
            if owners.iter().any(|owner| *owner != Owner::Solid) {
                let kept = node.references().iter().zip(&owners).filter(|(_, owner)| **owner == Owner::Solid);
                set_references(access, node, kept.map(|(reference, _)| reference.clone()).collect());
            }
            return;
        }
        let has_dependents = self.dependents(node).next().is_some();
        let propagation = if (owners.contains(&Owner::Waiting) && has_dependents) || node.has(FOREGROUND) {
            Propagation::Foreground
        } else if node.has(ORPHAN) {
            Propagation::Orphan
        } else {
            Propagation::Background
        };
        access.delete_with(
            &node.target(),
            DeleteOptions {
                propagation: Some(propagation),
                uid: Some(node.object.uid().to_owned()),
                resource_version: Some(node.object.resource_version().to_string()),
                ..DeleteOptions::default()
            },
        );
    }

    /// Lets an object go that waited for its dependents, once none is left that blocks it.
    fn finish_foreground(&self, access: Access<'_>, node: &Node) {
        let blocked = self.dependents(node).any(|dependent| {
            dependent.references().iter().any(|reference| {
                text(reference, "/uid") == Some(node.object.uid())
                    && reference["blockOwnerDeletion"] == true
                    && self.owner(dependent, reference) != Owner::Absent
            })
        });
        if !blocked {
            remove_finalizer(access, node, FOREGROUND);
        }
    }

    /// Takes this owner out of its dependents, then lets it go.
    fn orphan_dependents(&self, access: Access<'_>, node: &Node) {
        let mut left = false;
        for dependent in self.dependents(node) {
            let kept =
                dependent.references().iter().filter(|reference| text(reference, "/uid") != Some(node.object.uid()));
            left |= !set_references(access, dependent, kept.cloned().collect());
        }
        if !left {
            remove_finalizer(access, node, ORPHAN);
        }
    }
}

fn remove_finalizer(access: Access<'_>, node: &Node, finalizer: &str) {
    let mut left = finalizers(&node.object);
    left.retain(|found| *found != finalizer);
    access.set_finalizers(&node.target(), &node.object, &left);
}

/// Replaces the owner references of this very object; whether the server took it.
fn set_references(access: Access<'_>, node: &Node, references: Vec<Value>) -> bool {
    let references = if references.is_empty() { Value::Null } else { Value::Array(references) };
    let patch = json!({"metadata": {"uid": node.object.uid(), "ownerReferences": references}});
    access.merge(&node.target(), patch).is_some()
}
