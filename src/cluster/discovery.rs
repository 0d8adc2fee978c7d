//! From what a server says of itself to a [`Discovery`]: order, preferred versions, broken groups.
//!
//! Reads both forms: the aggregated one (one document for all groups) and the plain one (a document a group version).
//! A group that cannot be described is named beside the others; it never fails the whole (ark-behaviour §0.5 names
//! that as a defect of Ark v0.6).
//!
//! # Differences
//! * Inside a version resources are sorted by plural name; in Ark v0.6 their order was random.
//! * A stale group of the aggregated form counts as broken even where the server still shows what it remembers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{BrokenGroup, Discovery};
use crate::object::ApiResource;

/// One group as a server describes it.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedGroup {
    /// Empty for the core group.
    pub(super) name: String,
    /// The preferred version first.
    pub(super) versions: Vec<ServedVersion>,
}

/// One version of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedVersion {
    pub(super) version: String,
    pub(super) resources: Vec<ApiResource>,
}

/// `v1`, `apps/v1`.
pub(super) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Orders what was found and marks the preferred version of every resource: the first version of its group, in the
/// server's order, that serves it.
pub(super) fn assemble(mut groups: Vec<ServedGroup>, mut broken: Vec<BrokenGroup>) -> Discovery {
    // Its kinds are the old names of kinds in other groups: whoever looks a name up shall find those first.
    groups.sort_by_key(|group| group.name == "extensions");
    let mut resources = Vec::new();
    for group in groups {
        let mut seen = BTreeSet::new();
        for version in group.versions {
            let by_name: BTreeMap<String, ApiResource> = version
                .resources
                .into_iter()
                .filter(|resource| !resource.plural.is_empty() && !resource.plural.contains('/'))
                .map(|resource| (resource.plural.clone(), resource))
                .collect();
            for (plural, resource) in by_name {
                let preferred = seen.insert(plural);
                resources.push(ApiResource { preferred, ..resource });
            }
        }
    }
    broken.sort();
    broken.dedup();
    Discovery { resources, broken }
}

/// The aggregated form: `APIGroupDiscoveryList`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Aggregated {
    pub(super) kind: Option<String>,
    items: Option<Vec<AggregatedGroup>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedGroup {
    metadata: Option<Named>,
    versions: Option<Vec<AggregatedVersion>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedVersion {
    version: Option<String>,
    resources: Option<Vec<AggregatedResource>>,
    freshness: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedResource {
    resource: Option<String>,
    response_kind: Option<Kinded>,
    scope: Option<String>,
    singular_resource: Option<String>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
    subresources: Option<Vec<AggregatedSubresource>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kinded {
    kind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AggregatedSubresource {
    subresource: Option<String>,
}

impl Aggregated {
    /// Adds what the document describes.
    pub(super) fn read(self, groups: &mut Vec<ServedGroup>, broken: &mut Vec<BrokenGroup>) {
        for group in self.items.unwrap_or_default() {
            let name = group.metadata.unwrap_or_default().name.unwrap_or_default();
            let mut served = ServedGroup { name: name.clone(), versions: Vec::new() };
            for version in group.versions.unwrap_or_default() {
                let Some(text) = version.version else { continue };
                if version.freshness.as_deref() == Some("Stale") {
                    let group_version = group_version(&name, &text);
                    let reason = format!("stale GroupVersion discovery: {group_version}");
                    broken.push(BrokenGroup { group_version, reason });
                    continue;
                }
                let resources = version.resources.unwrap_or_default();
                let resources = resources.into_iter().map(|resource| resource.into_resource(&name, &text)).collect();
                served.versions.push(ServedVersion { version: text, resources });
            }
            groups.push(served);
        }
    }
}

impl AggregatedResource {
    fn into_resource(self, group: &str, version: &str) -> ApiResource {
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: self.resource.unwrap_or_default(),
            singular: self.singular_resource.unwrap_or_default(),
            kind: self.response_kind.unwrap_or_default().kind.unwrap_or_default(),
            namespaced: self.scope.as_deref() == Some("Namespaced"),
            preferred: false,
            short_names: self.short_names.unwrap_or_default(),
            verbs: self.verbs.unwrap_or_default().into_iter().collect(),
            subresources: self.subresources.unwrap_or_default().into_iter().filter_map(|sub| sub.subresource).collect(),
        }
    }
}

/// The plain form of `/apis`: `APIGroupList`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroupList {
    groups: Option<Vec<PlainGroup>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PlainGroup {
    name: Option<String>,
    versions: Option<Vec<PlainVersion>>,
    preferred_version: Option<PlainVersion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PlainVersion {
    version: Option<String>,
}

impl GroupList {
    /// Every group with its versions, the preferred one first; resources are still to be asked for.
    pub(super) fn into_groups(self) -> Vec<ServedGroup> {
        let groups = self.groups.unwrap_or_default().into_iter();
        groups
            .filter_map(|group| {
                let preferred = group.preferred_version.and_then(|version| version.version);
                let mut versions: Vec<String> =
                    group.versions.unwrap_or_default().into_iter().filter_map(|version| version.version).collect();
                versions.sort_by_key(|version| Some(version) != preferred.as_ref());
                let versions =
                    versions.into_iter().map(|version| ServedVersion { version, resources: Vec::new() }).collect();
                Some(ServedGroup { name: group.name?, versions })
            })
            .collect()
    }
}

/// The plain form of `/api`: `APIVersions`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CoreVersions {
    versions: Option<Vec<String>>,
}

impl CoreVersions {
    /// The core group with its versions; resources are still to be asked for.
    pub(super) fn into_group(self) -> ServedGroup {
        let versions = self.versions.unwrap_or_default().into_iter();
        let versions = versions.map(|version| ServedVersion { version, resources: Vec::new() }).collect();
        ServedGroup { name: String::new(), versions }
    }
}

/// The plain form of one group version: `APIResourceList`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceList {
    resources: Option<Vec<PlainResource>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PlainResource {
    name: Option<String>,
    singular_name: Option<String>,
    namespaced: Option<bool>,
    kind: Option<String>,
    verbs: Option<Vec<String>>,
    short_names: Option<Vec<String>>,
}

impl ResourceList {
    /// The resources; entries with a slash are the subresources of another.
    pub(super) fn into_resources(self, group: &str, version: &str) -> Vec<ApiResource> {
        let mut resources: BTreeMap<String, ApiResource> = BTreeMap::new();
        let mut subresources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in self.resources.unwrap_or_default() {
            let Some(name) = entry.name else { continue };
            if let Some((plural, subresource)) = name.split_once('/') {
                subresources.entry(plural.to_owned()).or_default().insert(subresource.to_owned());
                continue;
            }
            let resource = ApiResource {
                group: group.to_owned(),
                version: version.to_owned(),
                plural: name.clone(),
                singular: entry.singular_name.unwrap_or_default(),
                kind: entry.kind.unwrap_or_default(),
                namespaced: entry.namespaced.unwrap_or_default(),
                preferred: false,
                short_names: entry.short_names.unwrap_or_default(),
                verbs: entry.verbs.unwrap_or_default().into_iter().collect(),
                subresources: BTreeSet::new(),
            };
            resources.insert(name, resource);
        }
        for (plural, names) in subresources {
            if let Some(resource) = resources.get_mut(&plural) {
                resource.subresources = names;
            }
        }
        resources.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Aggregated, CoreVersions, GroupList, ResourceList, assemble};
    use crate::cluster::Discovery;

    const API: &str = include_str!("../../fixtures/api-1.36/discovery-api.json");
    const APIS: &str = include_str!("../../fixtures/api-1.36/discovery-apis.json");

    fn recorded() -> Discovery {
        let (mut groups, mut broken) = (Vec::new(), Vec::new());
        for text in [API, APIS] {
            let document: Aggregated = serde_json::from_str(text).expect("a recorded document");
            document.read(&mut groups, &mut broken);
        }
        assemble(groups, broken)
    }

    #[test]
    fn a_recorded_cluster_reads_in_order_with_one_preferred_version_a_resource() {
        let found = recorded();
        assert!(found.broken.is_empty());
        assert_eq!(found.resources[0].group, "");
        let pods = found.resources.iter().find(|resource| resource.plural == "pods").expect("pods");
        assert!(pods.namespaced && pods.preferred && pods.supports("watch") && pods.short_names == ["po"]);
        assert!(pods.subresources.contains("status") && pods.subresources.contains("exec"));
        let mut preferred: Vec<String> =
            found.resources.iter().filter(|resource| resource.preferred).map(ToString::to_string).collect();
        let all = preferred.len();
        preferred.sort();
        preferred.dedup();
        assert_eq!(preferred.len(), all, "one preferred version a resource");
    }

    #[test]
    fn a_stale_group_is_named_and_the_others_stay() {
        let document: Aggregated = serde_json::from_str(
            r#"{"items":[
              {"metadata":{"name":"extensions"},"versions":[{"version":"v1beta1","resources":[{"resource":"old","scope":"Cluster"}]}]},
              {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1","freshness":"Stale","resources":[{"resource":"x"}]}]},
              {"metadata":{"name":"apps"},"versions":[
                {"version":"v1","resources":[{"resource":"b"},{"resource":"a"}]},
                {"version":"v1beta1","resources":[{"resource":"c"},{"resource":"a"},{"resource":"a/status"}]}]},
              {"metadata":{"name":"empty"},"versions":null}]}"#,
        )
        .expect("a document");
        let (mut groups, mut broken) = (Vec::new(), Vec::new());
        document.read(&mut groups, &mut broken);
        let found = assemble(groups, broken);
        let shown: Vec<_> = found.resources.iter().map(|r| (r.api_version(), r.plural.as_str(), r.preferred)).collect();
        let expected = [
            ("apps/v1", "a", true),
            ("apps/v1", "b", true),
            ("apps/v1beta1", "a", false),
            ("apps/v1beta1", "c", true),
            ("extensions/v1beta1", "old", true),
        ];
        assert_eq!(shown, expected.map(|(group, plural, preferred)| (group.to_owned(), plural, preferred)));
        assert_eq!(found.broken.len(), 1);
        assert_eq!(found.broken[0].group_version, "metrics.k8s.io/v1");
    }

    #[test]
    fn the_plain_form_says_the_same_as_the_aggregated_one() {
        let lists: serde_json::Value =
            serde_json::from_str(include_str!("../../fixtures/api-1.36/resource-lists.json")).expect("recorded");
        let lists: Vec<&serde_json::Value> = match &lists {
            serde_json::Value::Array(lists) => lists.iter().collect(),
            serde_json::Value::Object(lists) => lists.values().collect(),
            _ => panic!("lists"),
        };
        let aggregated = recorded();
        for list in lists {
            let group_version = list["groupVersion"].as_str().expect("a group version");
            let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
            let parsed: ResourceList = serde_json::from_value(list.clone()).expect("a list");
            for resource in parsed.into_resources(group, version) {
                let same = aggregated
                    .resources
                    .iter()
                    .find(|other| other.api_version() == group_version && other.plural == resource.plural)
                    .unwrap_or_else(|| panic!("{group_version} {} in both forms", resource.plural));
                let same = crate::object::ApiResource { preferred: false, ..same.clone() };
                assert_eq!(same, resource);
            }
        }
    }

    #[test]
    fn the_preferred_version_comes_first_in_the_plain_form() {
        let groups: GroupList = serde_json::from_str(
            r#"{"groups":[{"name":"a","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}}]}"#,
        )
        .expect("a list");
        let groups = groups.into_groups();
        assert_eq!(groups[0].versions[0].version, "v1");
        let core: CoreVersions = serde_json::from_str(r#"{"versions":["v1"]}"#).expect("versions");
        assert_eq!(core.into_group().versions.len(), 1);
    }
}
