//! What the server says that it serves: the plain form (`/api`, `/apis`, one list a group version) and the
//! aggregated form (everything in two answers).
//!
//! Built-in groups come first, in their own order; then groups of custom resources by name, their versions
//! by the usual priority (`v2`, `v1`, `v1beta1`); then aggregated APIs. An aggregated API that does not answer
//! is in the plain list of groups but its resources are `503`; in the aggregated form it is `Stale` and has no
//! resources.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::{ApiServer, Origin, ResourceDef, Subresource};

/// Where clients are told to find the server. The address is for documentation and reaches nobody: clients
/// stay on the connection that they have.
const SERVER_ADDRESS: &str = "192.0.2.2:6443";

/// One version of a group with its resources.
#[derive(Debug)]
struct Version {
    name: String,
    resources: Vec<Arc<ResourceDef>>,
    /// False for an aggregated API that does not answer.
    answers: bool,
}

/// One API group.
#[derive(Debug)]
struct Group {
    name: String,
    versions: Vec<Version>,
    rank: Rank,
}

/// Built-in groups keep their order, the others follow by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    BuiltIn,
    Custom,
    Aggregated,
}

fn rank(def: &ResourceDef) -> Rank {
    match def.origin {
        Origin::BuiltIn => Rank::BuiltIn,
        Origin::Custom(_) => Rank::Custom,
        Origin::Aggregated => Rank::Aggregated,
    }
}

fn groups(server: &ApiServer) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for def in server.resources() {
        let version = place(&mut groups, &def.group, &def.version, rank(&def));
        version.resources.push(def);
    }
    for (group, version, healthy) in server.aggregated() {
        place(&mut groups, &group, &version, Rank::Aggregated).answers = healthy;
    }
    let first = groups.iter().position(|group| group.rank != Rank::BuiltIn).unwrap_or(groups.len());
    groups[first..].sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| a.name.cmp(&b.name)));
    for group in &mut groups {
        if group.rank != Rank::BuiltIn {
            group.versions.sort_by_key(|version| Reverse(priority(&version.name)));
        }
    }
    groups
}

fn place<'a>(groups: &'a mut Vec<Group>, group: &str, version: &str, rank: Rank) -> &'a mut Version {
    let at = groups.iter().position(|known| known.name == group).unwrap_or_else(|| {
        groups.push(Group { name: group.to_owned(), versions: Vec::new(), rank });
        groups.len() - 1
    });
    let versions = &mut groups[at].versions;
    let at = versions.iter().position(|known| known.name == version).unwrap_or_else(|| {
        versions.push(Version { name: version.to_owned(), resources: Vec::new(), answers: true });
        versions.len() - 1
    });
    &mut versions[at]
}

/// Stable before beta before alpha, higher numbers first, anything else last and in reverse of its name.
fn priority(version: &str) -> (u8, u64, u64, Reverse<String>) {
    let other = (0, 0, 0, Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else {
        return other;
    };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse() else {
        return other;
    };
    let numbered = |stage: u8, minor: &str| match minor.parse() {
        Ok(minor) => (stage, major, minor, Reverse(String::new())),
        Err(_) => other.clone(),
    };
    match (rest, rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        ("", _, _) => (3, major, 0, Reverse(String::new())),
        (_, Some(minor), _) => numbered(2, minor),
        (_, _, Some(minor)) => numbered(1, minor),
        _ => other,
    }
}

/// `/api`, plain.
pub(super) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": SERVER_ADDRESS}],
    })
}

/// `/apis`, plain.
pub(super) fn group_list(server: &ApiServer) -> Value {
    let groups: Vec<Value> = groups(server).iter().filter(|group| !group.name.is_empty()).map(group_value).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`; `None` where it is not served.
pub(super) fn group(server: &ApiServer, name: &str) -> Option<Value> {
    let groups = groups(server);
    let group = groups.iter().find(|group| group.name == name && !name.is_empty())?;
    let mut value = group_value(group);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    Some(value)
}

fn group_value(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|version| json!({"groupVersion": format!("{}/{}", group.name, version.name), "version": version.name}))
        .collect();
    json!({"name": group.name, "preferredVersion": versions[0], "versions": versions})
}

/// What `/apis/GROUP/VERSION` or `/api/VERSION` answers, plain.
pub(super) enum Resources {
    /// The list.
    List(Value),
    /// An aggregated API that does not answer.
    Unavailable,
    /// Nobody serves this version.
    Absent,
}

/// `/api/v1` and `/apis/GROUP/VERSION`, plain.
pub(super) fn resource_list(server: &ApiServer, group: &str, version: &str) -> Resources {
    let groups = groups(server);
    let found = groups
        .iter()
        .filter(|known| known.name == group)
        .flat_map(|known| &known.versions)
        .find(|known| known.name == version);
    match found {
        None => Resources::Absent,
        Some(version) if !version.answers => Resources::Unavailable,
        Some(found) => {
            let resources: Vec<Value> = found.resources.iter().flat_map(|def| plain(def)).collect();
            if group.is_empty() {
                // The oldest of the answers never got an apiVersion.
                return Resources::List(
                    json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources}),
                );
            }
            Resources::List(json!({
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": format!("{group}/{version}"),
                "resources": resources,
            }))
        }
    }
}

/// A resource and its subresources, one entry each.
fn plain(def: &ResourceDef) -> Vec<Value> {
    let mut main = json!({
        "name": def.plural,
        "singularName": def.singular,
        "namespaced": def.namespaced,
        "kind": def.kind,
        "verbs": def.verbs,
    });
    insert_names(&mut main, def);
    if let Some(hash) = &def.storage_version_hash {
        main["storageVersionHash"] = hash.as_str().into();
    }
    let mut all = vec![main];
    for sub in &def.subresources {
        let mut value = json!({
            "name": format!("{}/{}", def.plural, sub.name),
            "singularName": "",
            "namespaced": def.namespaced,
            "kind": sub.kind,
            "verbs": sub.verbs,
        });
        if foreign(def, sub) {
            value["group"] = sub.group.as_str().into();
            value["version"] = sub.version.as_str().into();
        }
        all.push(value);
    }
    all
}

fn insert_names(value: &mut Value, def: &ResourceDef) {
    if !def.short_names.is_empty() {
        value["shortNames"] = def.short_names.clone().into();
    }
    if !def.categories.is_empty() {
        value["categories"] = def.categories.clone().into();
    }
}

/// Whether a subresource speaks another group's kind, as `Scale` and `Eviction` are.
fn foreign(def: &ResourceDef, sub: &Subresource) -> bool {
    !sub.version.is_empty() && (sub.group.as_str(), sub.version.as_str()) != (def.group.as_str(), def.version.as_str())
}

/// `/api` or, without the core group, `/apis`, aggregated.
pub(super) fn aggregated(server: &ApiServer, core: bool) -> Value {
    let items: Vec<Value> = groups(server)
        .iter()
        .filter(|group| group.name.is_empty() == core)
        .map(|group| {
            let versions: Vec<Value> = group.versions.iter().map(version_value).collect();
            let metadata = if core { json!({}) } else { json!({"name": group.name}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn version_value(version: &Version) -> Value {
    if !version.answers {
        return json!({"version": version.name, "freshness": "Stale"});
    }
    let resources: Vec<Value> = version.resources.iter().map(|def| discovered(def)).collect();
    json!({"version": version.name, "resources": resources, "freshness": "Current"})
}

fn discovered(def: &ResourceDef) -> Value {
    // Built-in kinds leave group and version to be those of the place; custom ones repeat them.
    let (group, version) = match def.origin {
        Origin::BuiltIn => ("", ""),
        Origin::Custom(_) | Origin::Aggregated => (def.group.as_str(), def.version.as_str()),
    };
    let mut value = json!({
        "resource": def.plural,
        "responseKind": {"group": group, "version": version, "kind": def.kind},
        "scope": if def.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": def.singular,
        "verbs": def.verbs,
    });
    insert_names(&mut value, def);
    if !def.subresources.is_empty() {
        value["subresources"] = def
            .subresources
            .iter()
            .map(|sub| {
                let (group, version) =
                    if foreign(def, sub) { (sub.group.as_str(), sub.version.as_str()) } else { (group, version) };
                json!({
                    "subresource": sub.name,
                    "responseKind": {"group": group, "version": version, "kind": sub.kind},
                    "verbs": sub.verbs,
                })
            })
            .collect();
    }
    value
}

/// `/`: what there is.
pub(super) fn root(server: &ApiServer) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in groups(server).iter().filter(|group| !group.name.is_empty()) {
        paths.push(format!("/apis/{}", group.name));
        paths.extend(group.versions.iter().map(|version| format!("/apis/{}/{}", group.name, version.name)));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    json!({ "paths": paths })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn versions_by_priority() {
        let mut versions = ["foo10", "v1alpha1", "v1", "v12alpha1", "v2beta1", "v10", "v2", "foo1", "v1beta2"];
        versions.sort_by_key(|version| Reverse(priority(version)));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta1", "v1beta2", "v12alpha1", "v1alpha1", "foo1", "foo10"]);
    }

    #[test]
    fn a_broken_aggregated_api_is_stale() {
        let server = ApiServer::new(Options::default());
        let pods = ResourceDef::new("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true);
        server.set_aggregated("metrics.k8s.io", "v1beta1", vec![pods], false);
        let stale = aggregated(&server, false);
        let last = stale["items"].as_array().unwrap().last().unwrap();
        assert_eq!(
            *last,
            json!({"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]})
        );
        assert!(matches!(resource_list(&server, "metrics.k8s.io", "v1beta1"), Resources::Unavailable));
        assert!(group(&server, "metrics.k8s.io").is_some());
        assert!(matches!(resource_list(&server, "nobody.example.com", "v1"), Resources::Absent));
        assert!(group(&server, "nobody.example.com").is_none());
    }
}
