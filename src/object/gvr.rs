//! Names of resources: [`GroupResource`], the one Ark prints and stores, and [`ApiResource`], one that a cluster serves.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `resource` for the core group, `resource.group` otherwise (ark-behaviour §0.2): the name of a directory in an
/// archive, of an entry in an include list, and of a resource in logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct GroupResource {
    /// API group; empty for the core group.
    pub group: String,
    /// Plural name, lower case.
    pub resource: String,
}

impl GroupResource {
    /// A name from its two parts.
    pub fn new(group: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { group: group.into(), resource: resource.into() }
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.resource) } else { write!(f, "{}.{}", self.resource, self.group) }
    }
}

impl From<String> for GroupResource {
    fn from(text: String) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text.as_str(), ""));
        Self::new(group, resource)
    }
}

impl From<GroupResource> for String {
    fn from(name: GroupResource) -> Self {
        name.to_string()
    }
}

impl FromStr for GroupResource {
    type Err = Infallible;

    /// Splits at the first dot; never fails.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text.to_owned()))
    }
}

/// One resource in one version, as a cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiResource {
    /// API group; empty for the core group.
    pub group: String,
    /// API version, such as `v1`.
    pub version: String,
    /// Plural name, as in paths.
    pub plural: String,
    /// Singular name; may be empty where a server does not say.
    pub singular: String,
    /// Kind of one object.
    pub kind: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether this is the version the server prefers for this resource.
    pub preferred: bool,
    /// Short names, such as `po`.
    pub short_names: Vec<String>,
    /// Verbs the server offers.
    pub verbs: BTreeSet<String>,
    /// Subresources it offers, such as `status`.
    pub subresources: BTreeSet<String>,
}

impl ApiResource {
    /// Group and plural name.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource::new(&self.group, &self.plural)
    }

    /// `v1` or `apps/v1`: what an object's `apiVersion` says.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether the server offers `verb`.
    pub fn supports(&self, verb: &str) -> bool {
        self.verbs.contains(verb)
    }
}

impl fmt::Display for ApiResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plural)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

#[cfg(test)]
mod tests {
    use super::GroupResource;

    #[test]
    fn splits_at_the_first_dot_and_prints_back() {
        for (text, group, resource) in [
            ("pods", "", "pods"),
            ("deployments.apps", "apps", "deployments"),
            ("roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "roles"),
        ] {
            let parsed: GroupResource = text.parse().expect("infallible");
            assert_eq!((parsed.group.as_str(), parsed.resource.as_str()), (group, resource));
            assert_eq!(parsed.to_string(), text);
        }
    }
}
