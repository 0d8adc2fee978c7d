//! [`Picture`]: every object of a cluster, at one moment.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::cli::error::CliError;
use crate::cluster::{Cluster, ClusterError, ListOptions};
use crate::object::{ApiResource, GroupResource};

/// Objects a page of a list asks for.
const PAGE_ITEMS: u32 = 500;

/// Objects a demo looks at; a world of a person's own may be large, but its pictures are held in memory.
const OBJECTS_MAX: usize = 200_000;

/// Records of the moment: they come and go while anybody looks, in a cluster that nobody restores too.
const FLEETING: [(&str, &str); 3] = [("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases")];

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Its resource.
    pub(crate) resource: GroupResource,
    /// Its namespace, `None` where it is cluster-scoped.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
}

impl Key {
    /// Whether it is of this group and resource.
    pub(crate) fn is(&self, group: &str, resource: &str) -> bool {
        self.resource.group == group && self.resource.resource == resource
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.resource, self.name),
            None => write!(f, "{} {}", self.resource, self.name),
        }
    }
}

/// Every object of a cluster but fleeting ones and Ark's own.
pub(crate) type Picture = BTreeMap<Key, Value>;

/// Takes a picture.
pub(crate) async fn take(cluster: &dyn Cluster) -> Result<Picture, CliError> {
    let mut picture = Picture::new();
    for resource in cluster.discover().await?.resources {
        let fleeting = FLEETING.iter().any(|(group, plural)| resource.group == *group && resource.plural == *plural);
        let lasting = ["list", "get", "create", "delete"].iter().all(|verb| resource.supports(verb));
        if fleeting || !lasting || !resource.preferred || resource.group == crate::api::GROUP {
            continue;
        }
        for (key, object) in list(cluster, &resource, None).await? {
            picture.insert(key, object);
        }
        if picture.len() > OBJECTS_MAX {
            return Err(CliError::failed(format!("the world has more than {OBJECTS_MAX} objects")));
        }
    }
    Ok(picture)
}

/// All objects of a resource.
pub(crate) async fn list(
    cluster: &dyn Cluster,
    resource: &ApiResource,
    namespace: Option<&str>,
) -> Result<Vec<(Key, Value)>, CliError> {
    let mut options = ListOptions { limit: Some(PAGE_ITEMS), ..ListOptions::default() };
    let mut objects = Vec::new();
    loop {
        let page = cluster.list(resource, namespace, &options).await?;
        for raw in page.items {
            let unreadable = |error| CliError::failed(format!("an object of {resource} cannot be read: {error}"));
            let value = raw.value().map_err(unreadable)?;
            let text = |field: &str| value["metadata"][field].as_str().map(ToOwned::to_owned);
            let key = Key {
                resource: resource.group_resource(),
                namespace: text("namespace"),
                name: text("name").unwrap_or_default(),
            };
            objects.push((key, value));
        }
        options.continue_token = page.continue_token;
        if options.continue_token.is_none() || objects.len() > OBJECTS_MAX {
            return Ok(objects);
        }
    }
}

/// The resource that a key's object is served as.
pub(crate) async fn resource_of(cluster: &dyn Cluster, key: &Key) -> Result<Option<ApiResource>, ClusterError> {
    let discovery = cluster.discover().await?;
    let mut served = discovery.resources.into_iter();
    Ok(served.find(|resource| resource.preferred && resource.group_resource() == key.resource))
}
