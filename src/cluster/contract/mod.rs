//! What every [`Cluster`] promises, as assertions: run [`cluster_contract`] against your own backend.
//!
//! The suite knows nothing of the server behind the backend: it makes its own namespaces and its own resource
//! definition, uses only those, and takes them away at the end. It needs a server whose controllers run (namespaces are
//! swept, owners collected) and rights to all of that. Where a promise is broken it panics and says which; what it had
//! made then stays for inspection.
//!
//! [`exec_contract`] needs a node that runs containers besides.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Cluster, ClusterError, ClusterErrorKind, DeleteOptions, ListOptions, Patch, Target};
use crate::clock::Clock;
use crate::object::{ApiResource, RawObject};

mod definitions;
mod deletion;
mod exec;
mod lists;
mod objects;
mod watches;

pub use exec::exec_contract;

/// How often something that happens by itself is looked for before it counts as missing.
const LOOKS_MAX: u32 = 240;

/// Pause between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How long a watch of this suite lasts at most: a missing event ends it and fails the test.
const WATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Asserts everything but [`exec_contract`].
///
/// `namespace` names namespaces that do not exist yet: a DNS label of at most 40 characters, other in every run.
pub async fn cluster_contract(cluster: &dyn Cluster, clock: &dyn Clock, namespace: &str) {
    let world = World::new(cluster, clock, namespace);
    discovery(&world).await;
    world.create_namespace(namespace).await;
    objects::life_of_an_object(&world).await;
    objects::conflicts(&world).await;
    objects::refusals(&world).await;
    objects::patches(&world).await;
    objects::text_survives(&world).await;
    lists::pages_show_one_snapshot(&world).await;
    lists::selectors(&world).await;
    watches::events_in_order(&world).await;
    watches::leaving_a_selection(&world).await;
    watches::ends(&world).await;
    deletion::preconditions(&world).await;
    deletion::finalizers(&world).await;
    deletion::owners(&world).await;
    definitions::life_of_a_definition(&world).await;
    deletion::namespaces_end(&world).await;
    world.delete_namespace(namespace).await;
}

async fn discovery(world: &World<'_>) {
    let found = world.cluster.discover().await.expect("discovery works");
    let again = world.cluster.discover().await.expect("discovery works twice");
    assert_eq!(found, again, "discovery answers in a stable order");
    let mut preferred = BTreeMap::new();
    for resource in &found.resources {
        assert!(!resource.plural.contains('/'), "{resource}: subresources are not resources");
        *preferred.entry(resource.group_resource()).or_insert(0_u32) += u32::from(resource.preferred);
    }
    for (resource, count) in preferred {
        assert_eq!(count, 1, "{resource}: exactly one version of a resource is the preferred one");
    }
    for pair in found.resources.windows(2) {
        let [one, next] = pair else { unreachable!("windows of two") };
        let in_order = one.api_version() != next.api_version() || one.plural < next.plural;
        assert!(in_order, "{one} before {next}: inside a version resources are sorted by plural name");
    }
    let mut groups: Vec<&str> = found.resources.iter().map(|resource| resource.group.as_str()).collect();
    groups.dedup();
    let distinct: std::collections::BTreeSet<_> = groups.iter().collect();
    assert_eq!(distinct.len(), groups.len(), "the versions of a group stand together");
    let pods = found.resources.iter().find(|resource| resource.group.is_empty() && resource.plural == "pods");
    let pods = pods.expect("every cluster serves pods");
    assert_eq!((pods.kind.as_str(), pods.version.as_str(), pods.namespaced), ("Pod", "v1", true));
    assert!(["create", "delete", "get", "list", "watch"].iter().all(|verb| pods.supports(verb)), "pods have all verbs");
    assert!(pods.short_names.iter().any(|name| name == "po"), "short names are reported");
    assert_eq!(pods.singular, "pod", "singular names are reported");
    assert!(pods.subresources.contains("status"), "subresources are reported");
}

/// What the parts of the suite share.
struct World<'a> {
    cluster: &'a dyn Cluster,
    clock: &'a dyn Clock,
    namespace: &'a str,
    config_maps: ApiResource,
    namespaces: ApiResource,
}

impl<'a> World<'a> {
    fn new(cluster: &'a dyn Cluster, clock: &'a dyn Clock, namespace: &'a str) -> Self {
        Self {
            cluster,
            clock,
            namespace,
            config_maps: resource("", "v1", "configmaps", "ConfigMap", true),
            namespaces: resource("", "v1", "namespaces", "Namespace", false),
        }
    }

    async fn create_namespace(&self, name: &str) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let created = self.cluster.create(&self.namespaces, None, &RawObject::from_value(&object)).await;
        created.expect("a namespace that does not exist can be created");
    }

    async fn delete_namespace(&self, name: &str) {
        self.delete(on(&self.namespaces, None, name)).await;
        self.gone(&self.namespaces, None, name).await;
    }

    /// A `ConfigMap` of this suite's namespace.
    fn config_map(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace},
            "data": {"key": "value"},
        })
    }

    async fn create(&self, resource: &ApiResource, object: &Value) -> Value {
        let namespace = resource.namespaced.then_some(self.namespace);
        let created = self.cluster.create(resource, namespace, &RawObject::from_value(object)).await;
        value(&created.unwrap_or_else(|error| panic!("a new object is created: {error}")))
    }

    async fn get(&self, resource: &ApiResource, name: &str) -> Result<Value, ClusterError> {
        let namespace = resource.namespaced.then_some(self.namespace);
        Ok(value(&self.cluster.get(resource, namespace, name).await?))
    }

    async fn delete(&self, target: Target<'_>) {
        let deleted = self.cluster.delete(target, &DeleteOptions::default()).await;
        deleted.unwrap_or_else(|error| panic!("an object can be deleted: {error}"));
    }

    async fn merge(&self, target: Target<'_>, patch: &Value) -> Result<Value, ClusterError> {
        Ok(value(&self.cluster.patch(target, &Patch::Merge(RawObject::from_value(patch))).await?))
    }

    /// A `ConfigMap` of this suite's namespace as a target.
    fn on_config_map<'b>(&'b self, name: &'b str) -> Target<'b> {
        on(&self.config_maps, Some(self.namespace), name)
    }

    /// The revision of now.
    async fn revision(&self, resource: &ApiResource) -> String {
        let options = ListOptions { limit: Some(1), ..ListOptions::default() };
        let page = self.cluster.list(resource, Some(self.namespace), &options).await.expect("a list works");
        assert!(!page.resource_version.is_empty(), "a list says its revision");
        page.resource_version
    }

    /// Waits for what the server or its controllers do by themselves.
    async fn eventually<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        for _ in 0..LOOKS_MAX {
            if let Some(found) = look().await {
                return found;
            }
            self.clock.sleep(LOOK_INTERVAL).await;
        }
        panic!("{what}: it did not happen in time")
    }

    async fn gone(&self, resource: &ApiResource, namespace: Option<&str>, name: &str) {
        self.eventually(&format!("{resource} {name} goes away"), async || {
            match self.cluster.get(resource, namespace, name).await {
                Err(error) if error.kind == ClusterErrorKind::NotFound => Some(()),
                _ => None,
            }
        })
        .await;
    }
}

fn on<'a>(resource: &'a ApiResource, namespace: Option<&'a str>, name: &'a str) -> Target<'a> {
    Target { resource, namespace, name, subresource: None }
}

fn resource(group: &str, version: &str, plural: &str, kind: &str, namespaced: bool) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        namespaced,
        preferred: true,
        short_names: Vec::new(),
        verbs: std::collections::BTreeSet::new(),
        subresources: std::collections::BTreeSet::new(),
    }
}

fn value(object: &RawObject) -> Value {
    object.value().expect("a backend answers JSON")
}

/// Asserts how a request fails, and that the failure names what was asked.
fn fails<T>(result: Result<T, ClusterError>, kind: ClusterErrorKind, promise: &str) -> ClusterError {
    match result {
        Ok(_) => panic!("{promise}: it succeeded"),
        Err(error) => {
            assert_eq!(error.kind, kind, "{promise}: {error}");
            assert!(!error.operation.is_empty() && !error.message.is_empty(), "{promise}: the error says what and why");
            error
        }
    }
}
