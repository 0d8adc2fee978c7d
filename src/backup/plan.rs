//! [`Plan`]: which lists a backup asks for, in which order, and which objects of them it takes.
//!
//! A pure function of the request and of what the cluster serves (ark-behaviour §0.3–0.5, §2.2–2.4). It does no IO: the
//! engine reads the namespaces that the request names and executes the steps.
//!
//! Order: pods, claims and volumes first, so that the volumes of a pod are saved between its hooks; then as the server
//! lists its groups, `extensions` last. Whether the namespaces that a request names are listed one by one is decided when
//! their number is known (`places`).
//!
//! # Differences
//! * The order inside a group was random in v0.6.
//! * Objects that two groups serve are stored once for exactly the pairs of groups in [`COHABITANTS`]; v0.6 went by the
//!   bare resource name, so that a custom resource called `deployments` was lost. `events`, `daemonsets`, `replicasets`
//!   (v0.8, v0.9) and `ingresses` are in the table too.
//! * A group that cannot be discovered is a warning; in v0.6 nothing could be backed up until it came back.
//! * An include list of which nothing resolves selects nothing and warns; in v0.6 it selected everything.
//! * An empty label selector means everything; v0.6 sent `<none>` to the server, which refused.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::BackupSpec;
use crate::cluster::Discovery;
use crate::object::{ApiResource, GroupResource, Head, IncludesExcludes, LabelSelector};
use crate::object::{ResourceFilter, ResourceMapper};

use super::BackupError;
use super::hooks::Hooks;

/// Objects that several groups serve as one: resource name and groups. The first group whose resource is selected is
/// stored, in the order in which the server lists them.
pub(super) const COHABITANTS: [(&str, &[&str]); 6] = [
    ("deployments", &["extensions", "apps"]),
    ("daemonsets", &["extensions", "apps"]),
    ("replicasets", &["extensions", "apps"]),
    ("networkpolicies", &["extensions", "networking.k8s.io"]),
    ("ingresses", &["extensions", "networking.k8s.io"]),
    ("events", &["", "events.k8s.io"]),
];

/// The group whose resources come last: everything in it lives in another group as well.
const LAST_GROUP: &str = "extensions";

/// Core resources that come first, in this order.
const FIRST: [&str; 3] = ["pods", "persistentvolumeclaims", "persistentvolumes"];

/// One resource to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// This one,
    pub(super) resource: ApiResource,
    /// in these namespaces; `None` means in all, or in none where the resource is cluster-scoped.
    pub(super) namespaces: Option<Vec<String>>,
}

/// Everything that is decided before the first object is read.
#[derive(Debug)]
pub(super) struct Plan {
    /// The lists, in the order of the archive.
    pub(super) steps: Vec<Step>,
    /// Whether the namespaces that the request names are saved. They are read one by one instead of listed, first of all.
    pub(super) saves_named_namespaces: bool,
    /// What is taken of them.
    pub(super) selection: Selection,
    /// The hooks of the request.
    pub(super) hooks: Hooks,
    /// What a person should look at.
    pub(super) warnings: Vec<String>,
    /// Resources that are left out, with the reason, for the log.
    pub(super) skipped: Vec<(GroupResource, String)>,
    /// Pods, claims, volumes and namespaces, where the server has them.
    pub(super) known: Known,
}

/// Resources that the engine treats by itself.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) claims: Option<ApiResource>,
    pub(super) volumes: Option<ApiResource>,
    pub(super) namespaces: Option<ApiResource>,
}

/// Which objects are taken.
#[derive(Debug)]
pub(super) struct Selection {
    /// Which namespaces.
    pub(super) namespaces: IncludesExcludes,
    /// Which resources.
    pub(super) resources: ResourceFilter,
    /// Which labels an object that is listed must have.
    pub(super) labels: LabelSelector,
    /// Whether cluster-scoped resources are taken: all, none, or those that belong to what is taken.
    cluster: Option<bool>,
}

/// Whether `resource` is the core resource of this name.
pub(super) fn is_core(resource: &ApiResource, plural: &str) -> bool {
    resource.group.is_empty() && resource.plural == plural
}

impl Selection {
    fn new(spec: &BackupSpec, mapper: &ResourceMapper) -> Result<(Self, Vec<String>), BackupError> {
        let (resources, unresolved) =
            ResourceFilter::resolve(&spec.included_resources, &spec.excluded_resources, mapper);
        let labels = LabelSelector::from_api(spec.label_selector.as_ref())
            .map_err(|error| BackupError::Invalid { messages: vec![format!("Invalid label selector: {error}")] })?;
        let namespaces = IncludesExcludes::new(&spec.included_namespaces, &spec.excluded_namespaces);
        Ok((Self { namespaces, resources, labels, cluster: spec.include_cluster_resources }, unresolved))
    }

    /// Why objects of a resource are not even listed; `None` where they are (ark-behaviour §2.2, steps A and B).
    fn refuses(&self, resource: &ApiResource) -> Option<&'static str> {
        if !resource.namespaced && !is_core(resource, "namespaces") {
            match self.cluster {
                Some(false) => return Some("cluster-scoped resources are not included"),
                None if !self.namespaces.everything() => {
                    return Some("it is cluster-scoped and only specific namespaces are included");
                }
                _ => {}
            }
        }
        (!self.resources.includes(&resource.group_resource())).then_some("the resource is not included")
    }

    /// Whether an object of this resource and namespace is taken, however it was reached (step E).
    pub(super) fn takes(&self, resource: &ApiResource, namespace: Option<&str>, name: &str) -> bool {
        let place = match namespace {
            Some(namespace) => self.namespaces.includes(namespace),
            None if is_core(resource, "namespaces") => self.namespaces.includes(name),
            None => self.cluster != Some(false),
        };
        place && self.resources.includes(&resource.group_resource())
    }

    /// Whether an object that was listed has the labels.
    pub(super) fn matches(&self, head: &Head<'_>) -> bool {
        head.metadata
            .labels
            .as_ref()
            .map_or_else(|| self.labels.matches(&BTreeMap::new()), |own| self.labels.matches(own))
    }
}

impl Plan {
    /// Decides what `spec` selects of what `discovery` found.
    ///
    /// # Errors
    /// Where a label selector cannot be read.
    pub(super) fn new(spec: &BackupSpec, discovery: &Discovery) -> Result<Self, BackupError> {
        let mapper = ResourceMapper::new(discovery);
        let (selection, unresolved) = Selection::new(spec, &mapper)?;
        let (hooks, unresolved_in_hooks) = Hooks::new(spec, &mapper)?;
        let mut warnings: Vec<String> = discovery
            .broken
            .iter()
            .map(|group| {
                format!(
                    "API group {} could not be discovered, its resources are not saved: {}",
                    group.group_version, group.reason
                )
            })
            .collect();
        warnings.extend(
            unresolved.iter().map(|name| format!("resource {name:?} is not served by the cluster, it selects nothing")),
        );
        warnings.extend(unresolved_in_hooks.iter().map(|what| format!("{what} is not served by the cluster")));
        let mut plan = Self {
            steps: Vec::new(),
            saves_named_namespaces: false,
            selection,
            hooks,
            warnings,
            skipped: Vec::new(),
            known: Known::default(),
        };
        let mut resources: Vec<&ApiResource> = mapper.backuppable().collect();
        resources.sort_by_key(|resource| rank(resource));
        let mut stored: BTreeSet<&str> = BTreeSet::new();
        for resource in resources {
            plan.note(resource);
            let name = resource.group_resource();
            if let Some(reason) = plan.selection.refuses(resource) {
                plan.skipped.push((name, reason.to_owned()));
                continue;
            }
            if cohabits(&name) && !stored.insert(&resource.plural) {
                plan.skipped.push((name, "its objects are stored under another group".to_owned()));
                continue;
            }
            plan.list(resource);
        }
        Ok(plan)
    }

    fn note(&mut self, resource: &ApiResource) {
        for (plural, slot) in [
            ("persistentvolumeclaims", &mut self.known.claims),
            ("persistentvolumes", &mut self.known.volumes),
            ("namespaces", &mut self.known.namespaces),
        ] {
            if is_core(resource, plural) {
                *slot = Some(resource.clone());
            }
        }
    }

    fn list(&mut self, resource: &ApiResource) {
        let step = |namespaces| Step { resource: resource.clone(), namespaces };
        match self.selection.namespaces.named() {
            Some(_) if is_core(resource, "namespaces") => self.saves_named_namespaces = true,
            Some(names) if resource.namespaced => {
                let taken = names.iter().filter(|name| self.selection.namespaces.includes(name));
                self.steps.push(step(Some(taken.cloned().collect())));
            }
            _ => self.steps.push(step(None)),
        }
    }

    /// Whether the lists reach every object of `resource` that the selection takes in the namespaces of the request.
    pub(super) fn lists_all_of(&self, resource: &ApiResource) -> bool {
        self.selection.labels.everything() && self.steps.iter().any(|step| step.resource == *resource)
    }
}

/// Where a resource comes in the order; resources of the same rank stay as the server lists them.
fn rank(resource: &ApiResource) -> usize {
    let first = FIRST.iter().position(|plural| is_core(resource, plural));
    first.unwrap_or(if resource.group == LAST_GROUP { FIRST.len() + 1 } else { FIRST.len() })
}

fn cohabits(name: &GroupResource) -> bool {
    COHABITANTS.iter().any(|(plural, groups)| *plural == name.resource && groups.contains(&name.group.as_str()))
}

#[cfg(test)]
mod tests;
