//! What of the archive is restored, as what, and where: every entry gets a verdict before anything is written.
//!
//! Filters look at the names of the backup: a namespace is selected by the name it had. Resources are resolved through
//! what the cluster serves and, beside it, through the definitions in the archive, so that custom resources come back in
//! the same run as their definition. A directory is matched by the `apiVersion` and `kind` of the object in it where the
//! cluster still serves them, else by the preferred version of its group and resource, else by the group that took the
//! resource over (`extensions` to `apps`); a directory without a group (`deployments/`) by its bare name.
//!
//! Objects that belong to a selected one come with it whatever their labels: the volume of a claim, the definition of a
//! custom resource, the namespace of anything. `includeClusterResources: false` and the resource lists still hold for
//! volumes and definitions.
//!
//! Pods come back with the controller that made them: restored themselves they would be pods beyond the wanted number.
//! Where the controller is not part of the restore, or is none of the cluster's own, its pods are restored.
//!
//! # Differences
//! * Ark v0.6 restored all cluster-scoped objects even where only some namespaces were restored, and ignored resources
//!   that the cluster did not serve without a word.
//! * v0.6 created namespaces only where something else was restored into them; here an empty one comes back too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::catalog::{Catalog, Entry, Facts};
use super::order::{self, Levels, Node};
use crate::api::RestoreSpec;
use crate::archive::EntryPath;
use crate::cluster::Discovery;
use crate::object::{ApiResource, GroupResource, IncludesExcludes, RawObject, ResourceFilter, ResourceMapper};

/// Groups that took resources over from `extensions` (and policy's beta from itself).
const HEIRS: [&str; 3] = ["apps", "networking.k8s.io", "policy"];

/// What the cluster's own controllers make pods for.
const POD_MAKERS: [(&str, &str); 5] = [
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("", "replicationcontrollers"),
];

/// Whether and as what an entry is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As this resource.
    Restore(Arc<ApiResource>),
    /// As this resource, once the definition in the archive is there.
    RestoreAfterDefinition(Arc<ApiResource>),
    /// Not, for this reason.
    Skip(String),
    /// It should, but cannot.
    Fail(String),
}

impl Verdict {
    /// The resource, where it is restored.
    pub(super) fn resource(&self) -> Option<&Arc<ApiResource>> {
        match self {
            Self::Restore(resource) | Self::RestoreAfterDefinition(resource) => Some(resource),
            Self::Skip(_) | Self::Fail(_) => None,
        }
    }
}

/// One entry, decided.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) entry: Entry,
    /// Namespace it is restored into.
    pub(super) namespace: Option<String>,
    /// Its name in the cluster: another one only where it is a mapped namespace.
    pub(super) name: String,
    pub(super) verdict: Verdict,
}

/// The whole archive, decided and in order.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) items: Vec<Item>,
    pub(super) order: Levels,
    /// Items by the uid they had.
    pub(super) by_uid: BTreeMap<String, usize>,
    /// What the selection itself has to say.
    pub(super) warnings: Vec<String>,
}

/// The cluster's resources together with those that the archive's definitions will add.
fn with_definitions(discovery: &Discovery, catalog: &Catalog) -> (ResourceMapper, BTreeSet<GroupResource>) {
    let served: BTreeSet<GroupResource> = discovery.resources.iter().map(ApiResource::group_resource).collect();
    let mut all = discovery.clone();
    let mut added = BTreeSet::new();
    for entry in &catalog.entries {
        let Facts::Definition(resources) = &entry.facts else { continue };
        for resource in resources.iter().filter(|resource| !served.contains(&resource.group_resource())) {
            added.insert(resource.group_resource());
            all.resources.push(resource.clone());
        }
    }
    (ResourceMapper::new(&all), added)
}

/// The resource as which an object of this directory is restored.
pub(super) fn resolve<'m>(
    mapper: &'m ResourceMapper,
    directory: &GroupResource,
    api_version: &str,
    kind: &str,
) -> Option<&'m ApiResource> {
    let exact = mapper.by_kind(api_version, kind).filter(|resource| resource.plural == directory.resource);
    let heir = || {
        let old = ["extensions", "policy", ""].contains(&directory.group.as_str());
        let mut heirs = HEIRS.iter().filter(|_| old).map(|group| GroupResource::new(*group, &directory.resource));
        heirs.find_map(|name| mapper.find(&name))
    };
    let bare = || mapper.resolve(&directory.resource).filter(|found| directory.group.is_empty() && found.kind == kind);
    exact.or_else(|| mapper.find(directory)).or_else(heir).or_else(bare)
}

/// Decides over every entry and puts what is restored in order.
pub(super) fn select(spec: &RestoreSpec, catalog: Catalog, discovery: &Discovery, priorities: &[String]) -> Selection {
    let (mapper, added) = with_definitions(discovery, &catalog);
    let (resources, unresolved) = ResourceFilter::resolve(&spec.included_resources, &spec.excluded_resources, &mapper);
    let in_archive = |name: &str| {
        let mut directories = catalog.entries.iter().map(|entry| entry.path.resource());
        directories.any(|directory| directory.resource == name || directory.to_string() == name)
    };
    let mut warnings: Vec<String> = unresolved
        .iter()
        .filter(|name| !in_archive(name))
        .map(|name| format!("neither the cluster nor the backup knows a resource {name:?}; it selects nothing more"))
        .collect();
    for broken in &discovery.broken {
        warnings.push(format!("{} could not be discovered: {}", broken.group_version, broken.reason));
    }
    let filters = Filters {
        namespaces: IncludesExcludes::new(&spec.included_namespaces, &spec.excluded_namespaces),
        resources,
        cluster: spec.include_cluster_resources,
    };
    let mut items = decide(spec, catalog, &mapper, &added, &filters);
    add_belongings(&mut items, &filters);
    require_definitions(&mut items);
    decide_namespaces(spec, &mut items, &mapper, &filters);
    let by_uid = index_by_uid(&items);
    leave_to_controllers(&mut items, &by_uid);
    let priorities: Vec<GroupResource> = priorities
        .iter()
        .filter_map(|name| {
            let found = mapper.resolve(name).map(ApiResource::group_resource);
            if found.is_none() {
                warnings.push(format!("the resource priority {name:?} names no resource of this cluster"));
            }
            found
        })
        .collect();
    let order = arrange(&items, &by_uid, &priorities);
    Selection { items, order, by_uid, warnings }
}

/// What was asked for.
struct Filters {
    namespaces: IncludesExcludes,
    resources: ResourceFilter,
    cluster: Option<bool>,
}

/// Reasons by which an entry waits for another one to bring it along.
const NOT_ASKED: &str = "it is cluster-scoped, and only some namespaces are restored";
const NO_MATCH: &str = "its labels do not match";

fn decide(
    spec: &RestoreSpec,
    catalog: Catalog,
    mapper: &ResourceMapper,
    added: &BTreeSet<GroupResource>,
    filters: &Filters,
) -> Vec<Item> {
    let made: BTreeSet<(String, String)> =
        catalog.selecting_services().into_iter().map(|(ns, name)| (ns.to_owned(), name.to_owned())).collect();
    let mut shared: BTreeMap<GroupResource, Arc<ApiResource>> = BTreeMap::new();
    let mut items = Vec::with_capacity(catalog.entries.len());
    for entry in catalog.entries {
        let found = resolve(mapper, entry.path.resource(), &entry.api_version, &entry.kind);
        let verdict = match (&entry.never, found) {
            _ if entry.unreadable.is_some() => unreadable(&entry, found, filters),
            (Some(reason), _) => Verdict::Skip((*reason).to_owned()),
            (None, None) => {
                let unknown = entry.path.resource();
                if filters.resources.includes(unknown) && included_namespace(&entry, filters) {
                    Verdict::Fail(format!("the cluster serves no {unknown}; install what defines it first"))
                } else {
                    Verdict::Skip("it is not selected".to_owned())
                }
            }
            (None, Some(found)) => left_out(&entry, found, filters, &made).unwrap_or_else(|| {
                let name = found.group_resource();
                let kept = shared.entry(name.clone()).or_insert_with(|| Arc::new(found.clone()));
                let resource = if **kept == *found { Arc::clone(kept) } else { Arc::new(found.clone()) };
                if added.contains(&name) {
                    Verdict::RestoreAfterDefinition(resource)
                } else {
                    Verdict::Restore(resource)
                }
            }),
        };
        let namespace = entry.path.namespace().map(|source| mapped(spec, source));
        let name = entry.path.name().to_owned();
        items.push(Item { entry, namespace, name, verdict });
    }
    items
}

fn mapped(spec: &RestoreSpec, source: &str) -> String {
    spec.namespace_mapping.get(source).map_or_else(|| source.to_owned(), Clone::clone)
}

fn included_namespace(entry: &Entry, filters: &Filters) -> bool {
    entry.path.namespace().is_none_or(|namespace| filters.namespaces.includes(namespace))
}

/// An entry that cannot be read is an error where it was asked for. Its labels, which nobody knows, may have been.
fn unreadable(entry: &Entry, found: Option<&ApiResource>, filters: &Filters) -> Verdict {
    let name = found.map_or_else(|| entry.path.resource().clone(), ApiResource::group_resource);
    let asked = match entry.path.namespace() {
        Some(namespace) => filters.namespaces.includes(namespace),
        None if is_namespace(&name) => filters.namespaces.includes(entry.path.name()),
        None => filters.cluster.unwrap_or_else(|| filters.namespaces.everything()),
    };
    if asked && filters.resources.includes_as(&name, entry.path.resource()) {
        Verdict::Fail(format!("it cannot be read: {}", entry.unreadable.unwrap_or_default()))
    } else {
        Verdict::Skip("it is not selected".to_owned())
    }
}

/// Why an entry is not restored, namespaces aside, which are decided when their contents are.
fn left_out(
    entry: &Entry,
    resource: &ApiResource,
    filters: &Filters,
    made: &BTreeSet<(String, String)>,
) -> Option<Verdict> {
    let skip = |reason: &str| Some(Verdict::Skip(reason.to_owned()));
    let name = resource.group_resource();
    match entry.path.namespace() {
        Some(_) if !resource.namespaced => {
            return Some(Verdict::Fail(format!("the cluster serves {name} without namespaces")));
        }
        None if resource.namespaced => {
            return Some(Verdict::Fail(format!("the cluster serves {name} in namespaces only")));
        }
        Some(namespace) if !filters.namespaces.includes(namespace) => return skip("its namespace is not selected"),
        Some(namespace) => {
            if entry.facts == Facts::Endpoints && made.contains(&(namespace.to_owned(), entry.path.name().to_owned())) {
                return skip("the endpoints are made for their service");
            }
        }
        None if is_namespace(&name) => return None,
        None => {
            if filters.cluster == Some(false) {
                return skip("cluster-scoped resources are excluded");
            }
        }
    }
    if !filters.resources.includes_as(&name, entry.path.resource()) {
        return skip("its resource is not selected");
    }
    if let Facts::Volume { deleted_with_claim: true, .. } = entry.facts {
        return skip("its disk went with its claim (reclaim policy Delete) and there is no snapshot");
    }
    if entry.path.namespace().is_none() && filters.cluster.is_none() && !filters.namespaces.everything() {
        return skip(NOT_ASKED);
    }
    if !entry.matches {
        return skip(NO_MATCH);
    }
    None
}

fn is_namespace(name: &GroupResource) -> bool {
    name.group.is_empty() && name.resource == "namespaces"
}

/// Volumes of restored claims and definitions of restored custom resources come along.
fn add_belongings(items: &mut [Item], filters: &Filters) {
    if filters.cluster == Some(false) {
        return;
    }
    let mut volumes = BTreeSet::new();
    let mut claims = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for item in items.iter() {
        let Some(resource) = item.verdict.resource() else { continue };
        kinds.insert(resource.group_resource());
        if let Facts::Claim(volume) = &item.entry.facts {
            volumes.extend(volume.clone());
            claims.insert((
                item.entry.path.namespace().unwrap_or_default().to_owned(),
                item.entry.path.name().to_owned(),
            ));
        }
    }
    for item in items.iter_mut() {
        if !matches!(&item.verdict, Verdict::Skip(reason) if reason == NOT_ASKED || reason == NO_MATCH) {
            continue;
        }
        let belongs = match &item.entry.facts {
            Facts::Volume { claim, .. } => {
                volumes.contains(item.entry.path.name()) || claim.as_ref().is_some_and(|claim| claims.contains(claim))
            }
            Facts::Definition(resources) => resources.iter().any(|resource| kinds.contains(&resource.group_resource())),
            _ => false,
        };
        if belongs {
            item.verdict = Verdict::Restore(Arc::new(core_resource(&item.entry)));
        }
    }
}

/// Volumes and definitions have one version in every cluster that this Ark can talk to.
fn core_resource(entry: &Entry) -> ApiResource {
    let (group, kind) = match entry.facts {
        Facts::Definition(_) => ("apiextensions.k8s.io", "CustomResourceDefinition"),
        _ => ("", "PersistentVolume"),
    };
    ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: entry.path.resource().resource.clone(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        namespaced: false,
        preferred: true,
        short_names: Vec::new(),
        verbs: ["create", "get"].map(ToOwned::to_owned).into(),
        subresources: BTreeSet::new(),
    }
}

/// A custom resource that waits for a definition which is not restored cannot be restored.
fn require_definitions(items: &mut [Item]) {
    let coming: BTreeSet<GroupResource> = items
        .iter()
        .filter(|item| item.verdict.resource().is_some())
        .filter_map(|item| if let Facts::Definition(resources) = &item.entry.facts { Some(resources) } else { None })
        .flatten()
        .map(ApiResource::group_resource)
        .collect();
    for item in items {
        let Verdict::RestoreAfterDefinition(resource) = &item.verdict else { continue };
        let name = resource.group_resource();
        if !coming.contains(&name) {
            item.verdict = Verdict::Fail(format!(
                "the cluster serves no {name}, and its definition in the backup is not selected; include customresourcedefinitions"
            ));
        }
    }
}

/// Namespaces: those of restored objects, and the selected ones even if empty.
fn decide_namespaces(spec: &RestoreSpec, items: &mut Vec<Item>, mapper: &ResourceMapper, filters: &Filters) {
    let Some(resource) = mapper.find(&GroupResource::new("", "namespaces")).cloned().map(Arc::new) else { return };
    let mut needed: BTreeSet<String> = BTreeSet::new();
    for item in items.iter().filter(|item| item.verdict.resource().is_some()) {
        needed.extend(item.entry.path.namespace().map(ToOwned::to_owned));
    }
    let mut targets: BTreeMap<String, String> = BTreeMap::new();
    for item in items.iter_mut() {
        if !item.verdict.resource().is_some_and(|resource| is_namespace(&resource.group_resource())) {
            continue;
        }
        let source = item.entry.path.name().to_owned();
        let wanted = if !filters.namespaces.includes(&source) {
            Err("its namespace is not selected".to_owned())
        } else if needed.contains(&source) {
            Ok(())
        } else if !filters.resources.includes(&resource.group_resource()) {
            Err("its resource is not selected".to_owned())
        } else if !item.entry.matches {
            Err(NO_MATCH.to_owned())
        } else {
            Ok(())
        };
        let target = mapped(spec, &source);
        item.name.clone_from(&target);
        let taken = targets.get(&target).map(|other| format!("{target} is made from namespace {other} of the backup"));
        match wanted.and(taken.map_or(Ok(()), Err)) {
            Ok(()) => drop(targets.insert(target, source)),
            Err(reason) => item.verdict = Verdict::Skip(reason),
        }
    }
    for source in needed {
        let target = mapped(spec, &source);
        if targets.contains_key(&target) {
            continue;
        }
        let Ok(path) = EntryPath::new(resource.group_resource(), None::<String>, &source) else { continue };
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": source}});
        items.push(Item {
            entry: Entry {
                path,
                api_version: "v1".into(),
                kind: "Namespace".into(),
                uid: String::new(),
                owners: Vec::new(),
                matches: true,
                never: None,
                unreadable: None,
                facts: Facts::None,
                held: Some(RawObject::from_value(&object)),
                in_archive: false,
            },
            namespace: None,
            name: target.clone(),
            verdict: Verdict::Restore(Arc::clone(&resource)),
        });
        targets.insert(target, source);
    }
}

/// Where every uid of the archive is.
fn index_by_uid(items: &[Item]) -> BTreeMap<String, usize> {
    let mut by_uid = BTreeMap::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.entry.uid.is_empty()) {
        by_uid.entry(item.entry.uid.clone()).or_insert(index);
    }
    by_uid
}

/// Pods whose controller is restored are left to it. It makes them the moment it is there: a copy of the old pod would be
/// one too many, which it deletes again, and of a job's pod it would be a second run.
fn leave_to_controllers(items: &mut [Item], by_uid: &BTreeMap<String, usize>) {
    let controller = |item: &Item| {
        let resource = item.verdict.resource()?.group_resource();
        let owner = item.entry.owners.iter().find(|owner| owner.controller == Some(true))?;
        let at = owner_index(items, by_uid, item, owner)?;
        let owned = resource == GroupResource::new("", "pods") && makes_pods(items[at].verdict.resource()?);
        owned.then(|| owner.kind.clone())
    };
    let left: Vec<Option<String>> = items.iter().map(controller).collect();
    for (item, kind) in items.iter_mut().zip(left) {
        if let Some(kind) = kind {
            item.verdict = Verdict::Skip(format!("its {kind} makes it anew"));
        }
    }
}

/// Whether the cluster's own controllers make the pods of such an object.
fn makes_pods(resource: &ApiResource) -> bool {
    POD_MAKERS.iter().any(|(group, plural)| resource.group == *group && resource.plural == *plural)
}

/// The order of what is restored.
fn arrange(items: &[Item], by_uid: &BTreeMap<String, usize>, priorities: &[GroupResource]) -> Levels {
    let mut places = BTreeMap::new();
    let chosen: Vec<usize> = (0..items.len()).filter(|index| items[*index].verdict.resource().is_some()).collect();
    for (place, index) in chosen.iter().enumerate() {
        places.insert(*index, place);
    }
    let nodes: Vec<Node> = chosen
        .iter()
        .map(|index| {
            let item = &items[*index];
            let resource = item.verdict.resource().expect("chosen by having one");
            let owners = item.entry.owners.iter().filter_map(|owner| owner_index(items, by_uid, item, owner));
            Node {
                tier: order::tier(&resource.group_resource(), priorities),
                owners: owners.filter_map(|owner| places.get(&owner).copied()).collect(),
            }
        })
        .collect();
    let order = order::levels(&nodes);
    let real = |place: usize| chosen[place];
    Levels {
        levels: order.levels.into_iter().map(|level| level.into_iter().map(real).collect()).collect(),
        cut: order.cut.into_iter().map(|(from, to)| (real(from), to.into_iter().map(real).collect())).collect(),
    }
}

/// The item that a reference means: by uid, if it also is of that kind and name and not in another namespace.
pub(super) fn owner_index(
    items: &[Item],
    by_uid: &BTreeMap<String, usize>,
    dependent: &Item,
    owner: &crate::object::OwnerReference,
) -> Option<usize> {
    let index = *by_uid.get(&owner.uid)?;
    let entry = &items[index].entry;
    let near = entry.path.namespace().is_none() || entry.path.namespace() == dependent.entry.path.namespace();
    (near && entry.kind == owner.kind && entry.path.name() == owner.name).then_some(index)
}
