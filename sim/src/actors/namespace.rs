//! The namespace sweeper: empties a terminating namespace, then lets it go.
//!
//! Pods go first and the rest waits until they are gone; then every other resource that can be deleted, in discovery
//! order, with the background policy. Objects with finalizers stay, the namespace waits for them, and its conditions say
//! for what. An empty namespace loses the finalizer `kubernetes` through the `finalize` subresource and vanishes. While
//! an aggregated API does not answer, its content is unknown and no namespace is let go, as in a real cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::access::{Access, NAMESPACES, PODS, finalizers, is_deleting, items, set_condition};
use crate::object::Object;
use crate::options::{DeleteOptions, Propagation, Target};
use crate::resource::ResourceDef;

/// The finalizer in `spec.finalizers` that stands for the content of a namespace.
const CONTENT: &str = "kubernetes";

/// What is left of a namespace after a sweep.
#[derive(Default)]
struct Remains {
    /// Objects by `resource.group`, in discovery order.
    objects: Vec<(String, usize)>,
    /// Objects by finalizer.
    finalizers: BTreeMap<String, usize>,
    /// Groups and versions whose server does not answer.
    broken: Vec<String>,
}

pub(super) fn pass(access: Access<'_>) {
    for namespace in access.all(NAMESPACES) {
        let held = items(namespace.value(), "/spec/finalizers").iter().any(|item| item == CONTENT);
        if !is_deleting(&namespace) || !held {
            continue;
        }
        let remains = sweep(access, namespace.name());
        let namespace = write_conditions(access, &namespace, &remains);
        if remains.objects.is_empty() && remains.broken.is_empty() {
            finalize(access, &namespace);
        }
    }
}

/// Deletes what can be deleted, and counts what is left.
fn sweep(access: Access<'_>, namespace: &str) -> Remains {
    let (swept, broken) = swept_resources(access);
    let pods = format!("{}.{}", PODS.resource, PODS.group);
    let mut remains = Remains { broken, ..Remains::default() };
    let (first, rest): (Vec<_>, Vec<_>) = swept.into_iter().partition(|resource| full_name(resource) == pods);
    for resources in [first, rest] {
        for resource in resources {
            let target = collection(&resource, namespace);
            for object in access.list(&target) {
                let mut target = target.clone();
                target.name = Some(object.name().to_owned());
                access.delete_with(
                    &target,
                    DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() },
                );
            }
            let left = access.list(&target);
            if left.is_empty() {
                continue;
            }
            remains.objects.push((full_name(&resource), left.len()));
            for finalizer in left.iter().flat_map(finalizers) {
                *remains.finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
        if !remains.objects.is_empty() {
            break;
        }
    }
    remains
}

/// The namespaced resources that can be listed and deleted, each once, and the groups that do not answer.
fn swept_resources(access: Access<'_>) -> (Vec<Arc<ResourceDef>>, Vec<String>) {
    let mut swept: Vec<Arc<ResourceDef>> = Vec::new();
    for resource in access.server.resources() {
        let known = swept.iter().any(|known| full_name(known) == full_name(&resource));
        if resource.namespaced && resource.supports("list") && resource.supports("delete") && !known {
            swept.push(resource);
        }
    }
    let broken = access.server.aggregated().into_iter().filter(|(_, _, healthy)| !healthy);
    (swept, broken.map(|(group, version, _)| format!("{group}/{version}")).collect())
}

fn full_name(resource: &ResourceDef) -> String {
    format!("{}.{}", resource.plural, resource.group)
}

fn collection(resource: &ResourceDef, namespace: &str) -> Target {
    Target {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.plural.clone(),
        namespace: Some(namespace.to_owned()),
        name: None,
        subresource: None,
    }
}

/// The five conditions of a terminating namespace; answers the namespace as it is afterwards.
fn write_conditions(access: Access<'_>, namespace: &Object, remains: &Remains) -> Object {
    let yes_or_no = |yes: bool| if yes { "True" } else { "False" };
    let list = |parts: Vec<String>| parts.join(", ");
    let discovery = if remains.broken.is_empty() {
        ("ResourcesDiscovered", "All resources successfully discovered".to_owned())
    } else {
        let failing = list(
            remains
                .broken
                .iter()
                .map(|group| format!("{group}: the server is currently unable to handle the request"))
                .collect(),
        );
        (
            "DiscoveryFailed",
            format!(
                "Discovery failed for some groups, {} failing: unable to retrieve the complete list of server APIs: {failing}",
                remains.broken.len()
            ),
        )
    };
    let content = if remains.objects.is_empty() {
        ("ContentRemoved", "All content successfully removed".to_owned())
    } else {
        let parts = remains.objects.iter().map(|(name, count)| format!("{name} has {count} resource instances"));
        ("SomeResourcesRemain", format!("Some resources are remaining: {}", list(parts.collect())))
    };
    let held = if remains.finalizers.is_empty() {
        ("ContentHasNoFinalizers", "All content-preserving finalizers finished".to_owned())
    } else {
        let parts = remains.finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances"));
        (
            "SomeFinalizersRemain",
            format!("Some content in the namespace has finalizers remaining: {}", list(parts.collect())),
        )
    };
    let now = access.stamp();
    let mut conditions = items(namespace.value(), "/status/conditions").to_vec();
    let parsed = ("ParsedGroupVersions", "All legacy kube types successfully parsed".to_owned());
    let deleted = ("ContentDeleted", "All content successfully deleted, may be waiting on finalization".to_owned());
    for (kind, status, (reason, message)) in [
        ("NamespaceDeletionDiscoveryFailure", !remains.broken.is_empty(), discovery),
        ("NamespaceDeletionGroupVersionParsingFailure", false, parsed),
        ("NamespaceDeletionContentFailure", false, deleted),
        ("NamespaceContentRemaining", !remains.objects.is_empty(), content),
        ("NamespaceFinalizersRemaining", !remains.finalizers.is_empty(), held),
    ] {
        let condition = json!({"type": kind, "status": yes_or_no(status), "reason": reason, "message": message});
        set_condition(&mut conditions, condition, &now);
    }
    let mut status = namespace.value().get("status").cloned().unwrap_or_else(|| json!({}));
    status["conditions"] = Value::Array(conditions);
    access.set_status(NAMESPACES, namespace, status).unwrap_or_else(|| namespace.clone())
}

fn finalize(access: Access<'_>, namespace: &Object) {
    let mut body = namespace.value().clone();
    if let Some(finalizers) = body.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|finalizer| finalizer != CONTENT);
    }
    access.put(NAMESPACES, Some("finalize"), body);
}
