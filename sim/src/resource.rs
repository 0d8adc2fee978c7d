//! What is served: one definition a group, version and resource.
//!
//! Owns the description that discovery, the table printer and the verbs share. Built-in definitions come from recorded data
//! (`crate::builtin`), custom ones from `CustomResourceDefinition` objects (`crate::crd`), aggregated ones from the caller.

use std::fmt;

use serde::Deserialize;

/// A group and a plural name: what objects are stored under, whatever version they are asked in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct GroupResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural name.
    pub resource: String,
}

impl GroupResource {
    /// The pair of the two.
    pub fn new(group: &str, resource: &str) -> Self {
        Self { group: group.to_owned(), resource: resource.to_owned() }
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.resource) } else { write!(f, "{}.{}", self.resource, self.group) }
    }
}

/// Where a definition comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Served by the API server itself.
    #[default]
    BuiltIn,
    /// Made by the custom resource definition of this name.
    Custom(String),
    /// Served by an aggregated API: nothing is stored here.
    Aggregated,
}

/// A part of an object with an endpoint of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subresource {
    /// For example `status`.
    pub name: String,
    /// The group of its kind.
    pub group: String,
    /// The version of its kind.
    pub version: String,
    /// The kind that it takes and answers.
    pub kind: String,
    /// The verbs that it allows.
    pub verbs: Vec<String>,
    /// Where a scale finds its numbers.
    #[serde(skip)]
    pub scale: ScalePaths,
}

/// Where the numbers of a `scale` are in an object, as dotted paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// The desired count.
    pub spec_replicas: String,
    /// The observed count.
    pub status_replicas: String,
    /// A selector: an object, or its text for custom resources; may be empty.
    pub selector: String,
}

impl Default for ScalePaths {
    /// Those of the built-in kinds.
    fn default() -> Self {
        Self {
            spec_replicas: "spec.replicas".to_owned(),
            status_replicas: "status.replicas".to_owned(),
            selector: "spec.selector".to_owned(),
        }
    }
}

impl Subresource {
    /// The `apiVersion` of its kind.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }
}

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// A column of the table form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// An `OpenAPI` type: `string`, `integer`, `date`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// An `OpenAPI` format, often empty; `name` marks the name.
    pub format: String,
    /// For people.
    pub description: String,
    /// 0 is always shown, more only in the wide form.
    pub priority: i32,
    /// Where a custom resource's cell is found.
    pub json_path: Option<String>,
}

/// One served resource in one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceDef {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The plural name, as in paths.
    pub plural: String,
    /// The singular name.
    pub singular: String,
    /// The kind of one object.
    pub kind: String,
    /// The kind of a list; empty is `<kind>List`.
    pub list_kind: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Short forms for command lines.
    pub short_names: Vec<String>,
    /// Groupings for command lines, as `all`.
    pub categories: Vec<String>,
    /// The verbs that it allows.
    pub verbs: Vec<String>,
    /// Its parts with endpoints of their own.
    pub subresources: Vec<Subresource>,
    /// As the discovery of a real server gives it.
    pub storage_version_hash: Option<String>,
    /// The table form.
    pub columns: Vec<Column>,
    /// Whether objects count the changes of their desired state in `metadata.generation`.
    pub generation: bool,
    /// Fields of custom resources that field selectors may name, as `spec.color`.
    #[serde(skip)]
    pub selectable_fields: Vec<String>,
    /// Where it comes from.
    #[serde(skip)]
    pub origin: Origin,
    /// The version that objects are stored in, `apiVersion` form; empty is this one's own.
    #[serde(skip)]
    pub storage_version: String,
}

impl ResourceDef {
    /// A resource with the usual verbs: for kinds behind feature gates, and aggregated APIs.
    pub fn new(group: &str, version: &str, plural: &str, kind: &str, namespaced: bool) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            namespaced,
            verbs: STANDARD_VERBS.map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `PodList`.
    pub fn list_kind(&self) -> String {
        if self.list_kind.is_empty() { format!("{}List", self.kind) } else { self.list_kind.clone() }
    }

    /// `deployments.apps`, `pods`.
    pub fn group_resource(&self) -> String {
        GroupResource::new(&self.group, &self.plural).to_string()
    }

    /// Whether the verb is allowed.
    pub fn supports(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }

    /// Whether the status has an endpoint of its own, so that the main one leaves it alone.
    pub fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }

    /// Whether it was made by a custom resource definition.
    pub fn is_custom(&self) -> bool {
        matches!(self.origin, Origin::Custom(_))
    }

    /// The group of its kind in errors about an object. Events of both groups are core events inside.
    pub(crate) fn kind_group(&self) -> &str {
        if self.group == "events.k8s.io" { "" } else { &self.group }
    }

    /// Where its objects are stored. Events of both groups are the same objects.
    pub(crate) fn storage(&self) -> GroupResource {
        if self.group == "events.k8s.io" {
            GroupResource::new("", &self.plural)
        } else {
            GroupResource::new(&self.group, &self.plural)
        }
    }

    /// The version that its objects are stored in.
    pub(crate) fn stored_as(&self) -> String {
        if self.storage_version.is_empty() { self.api_version() } else { self.storage_version.clone() }
    }
}

/// What a resource of a real API server allows.
pub(crate) const STANDARD_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
