//! [`ResourceMapper`]: the names people write, turned into resources that a cluster serves.
//!
//! People write `po`, `Pod`, `pods`, `deployments.apps`, `ingresses.networking` and mean one resource; an archive says
//! `deployments.apps`; an owner reference says `apps/v1` and `ReplicaSet`. The mapper answers all of them from one
//! [`Discovery`] without asking the server again. It does not refresh itself: whoever discovers again makes a new one.
//!
//! # Differences
//! * Ark v0.6 expanded short names before it looked at plural names. Here a plural, singular or kind of exactly that
//!   name wins over a short name, so that no custom resource can take `pods` over.
//! * `netpol` falls back to network policies of any group; v0.6 knew `extensions` only.

use std::collections::BTreeMap;

use super::{ApiResource, Discovery, GroupResource};

/// Verbs without which a resource cannot be saved and brought back (ark-behaviour §0.5, v0.9 and later).
const BACKUP_VERBS: [&str; 4] = ["list", "create", "get", "delete"];

/// Short names that older servers do not announce (ark-behaviour §0.4).
const FALL_BACKS: [(&str, &str); 2] = [("svc", "services"), ("netpol", "networkpolicies")];

/// The resources of one cluster, by every name they have.
#[derive(Clone, Debug, Default)]
pub struct ResourceMapper {
    resources: Vec<ApiResource>,
    /// Group and plural to the preferred version.
    preferred: BTreeMap<GroupResource, usize>,
    /// `apiVersion`, then kind.
    kinds: BTreeMap<String, BTreeMap<String, usize>>,
}

impl ResourceMapper {
    /// A mapper over what `discovery` found. Where a server marks no version of a resource as preferred, its first
    /// one counts.
    pub fn new(discovery: &Discovery) -> Self {
        let mut mapper = Self { resources: discovery.resources.clone(), ..Self::default() };
        for (index, resource) in mapper.resources.iter().enumerate() {
            let known = mapper.preferred.entry(resource.group_resource()).or_insert(index);
            if resource.preferred && !mapper.resources[*known].preferred {
                *known = index;
            }
            mapper.kinds.entry(resource.api_version()).or_default().entry(resource.kind.clone()).or_insert(index);
        }
        mapper
    }

    /// The resource that `text` names: plural, singular, kind (in any case) or short name, alone or followed by a dot
    /// and the group, the beginning of a group, or version and group. Where several groups serve the name, the first
    /// in the server's order. Always the preferred version, unless a version is given.
    pub fn resolve(&self, text: &str) -> Option<&ApiResource> {
        let (name, group) = match text.split_once('.') {
            Some((name, group)) => (name.to_lowercase(), Some(group)),
            None => (text.to_lowercase(), None),
        };
        if name.is_empty() || group == Some("") {
            return None;
        }
        self.resolve_name(&name, group)
            .or_else(|| {
                let (version, group) = group?.split_once('.').unwrap_or((group?, ""));
                self.resources.iter().find(|resource| {
                    resource.version == version && resource.group == group && rank(resource, &name) < 3
                })
            })
            .or_else(|| {
                let (_, plural) = FALL_BACKS.iter().find(|(short, _)| *short == name)?;
                self.resolve_name(plural, group)
            })
    }

    fn resolve_name(&self, name: &str, group: Option<&str>) -> Option<&ApiResource> {
        let best = |fits: &dyn Fn(&str) -> bool| {
            self.iter_preferred()
                .filter(|resource| fits(&resource.group))
                .map(|resource| (rank(resource, name), resource))
                .filter(|(rank, _)| *rank < NO_MATCH)
                .min_by_key(|(rank, _)| *rank)
                .map(|(_, resource)| resource)
        };
        match group {
            None => best(&|_| true),
            Some(group) => best(&|candidate| candidate == group).or_else(|| best(&|other| other.starts_with(group))),
        }
    }

    /// The preferred version of exactly this resource.
    pub fn find(&self, name: &GroupResource) -> Option<&ApiResource> {
        self.preferred.get(name).map(|index| &self.resources[*index])
    }

    /// Exactly this version of this resource.
    pub fn find_version(&self, group: &str, version: &str, plural: &str) -> Option<&ApiResource> {
        self.resources
            .iter()
            .find(|resource| resource.group == group && resource.version == version && resource.plural == plural)
    }

    /// The resource of an object that says `apiVersion` and `kind`.
    pub fn by_kind(&self, api_version: &str, kind: &str) -> Option<&ApiResource> {
        self.kinds.get(api_version)?.get(kind).map(|index| &self.resources[*index])
    }

    /// What a backup can save: preferred versions that offer list, create, get and delete, in the server's order.
    pub fn backuppable(&self) -> impl Iterator<Item = &ApiResource> {
        self.iter_preferred().filter(|resource| BACKUP_VERBS.iter().all(|verb| resource.supports(verb)))
    }

    /// Every served resource in every version, in the server's order.
    pub fn all(&self) -> &[ApiResource] {
        &self.resources
    }

    fn iter_preferred(&self) -> impl Iterator<Item = &ApiResource> {
        self.resources.iter().enumerate().filter_map(|(index, resource)| {
            (self.preferred.get(&resource.group_resource()) == Some(&index)).then_some(resource)
        })
    }
}

/// Where no name of a resource fits.
const NO_MATCH: u8 = 4;

/// How well `name` (lower case) fits a resource; less is better.
fn rank(resource: &ApiResource, name: &str) -> u8 {
    if resource.plural == name {
        0
    } else if resource.singular == name {
        1
    } else if resource.kind.to_lowercase() == name {
        2
    } else if resource.short_names.iter().any(|short| short == name) {
        3
    } else {
        NO_MATCH
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `plural kind short` in a group and version, offering everything.
    pub(crate) fn resource(group: &str, version: &str, plural: &str, kind: &str, short: &str) -> ApiResource {
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            namespaced: true,
            preferred: true,
            short_names: short.split_whitespace().map(str::to_owned).collect(),
            verbs: ["list", "create", "get", "delete", "watch"].map(str::to_owned).into(),
            subresources: ["status".to_owned()].into(),
        }
    }

    pub(crate) fn mapper() -> ResourceMapper {
        let mut old = resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa");
        old.preferred = false;
        let mut review = resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", "");
        review.verbs = ["create".to_owned()].into();
        ResourceMapper::new(&Discovery {
            resources: vec![
                resource("", "v1", "pods", "Pod", "po"),
                resource("", "v1", "services", "Service", ""),
                resource("", "v1", "events", "Event", "ev"),
                review,
                old,
                resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa"),
                resource("apps", "v1", "deployments", "Deployment", "deploy"),
                resource("events.k8s.io", "v1", "events", "Event", "ev"),
                resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", ""),
                resource("evil.example", "v1", "trojans", "Trojan", "pods deployments"),
                resource("extensions", "v1beta1", "deployments", "Deployment", "deploy"),
            ],
            broken: Vec::new(),
        })
    }

    #[test]
    fn every_spelling_of_a_name_resolves() {
        let mapper = mapper();
        for (text, expected) in [
            ("pods", Some("pods v1")),
            ("pod", Some("pods v1")),
            ("Pod", Some("pods v1")),
            ("PO", Some("pods v1")),
            ("deploy", Some("deployments.apps v1")),
            ("deployments.apps", Some("deployments.apps v1")),
            ("deploy.apps", Some("deployments.apps v1")),
            ("deployments.v1.apps", Some("deployments.apps v1")),
            ("pods.v1", Some("pods v1")),
            ("deployments.ext", Some("deployments.extensions v1beta1")),
            ("events", Some("events v1")),
            ("ev", Some("events v1")),
            ("events.events", Some("events.events.k8s.io v1")),
            ("events.events.k8s.io", Some("events.events.k8s.io v1")),
            ("hpa", Some("horizontalpodautoscalers.autoscaling v2")),
            ("hpa.v1.autoscaling", None),
            ("horizontalpodautoscalers.v1.autoscaling", Some("horizontalpodautoscalers.autoscaling v1")),
            ("svc", Some("services v1")),
            ("netpol", Some("networkpolicies.networking.k8s.io v1")),
            ("deployments.batch", None),
            ("pods.", None),
            (".apps", None),
            ("*", None),
            ("", None),
        ] {
            let found = mapper.resolve(text).map(|found| format!("{found} {}", found.version));
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn exact_questions_get_exact_answers() {
        let mapper = mapper();
        let hpa = GroupResource::new("autoscaling", "horizontalpodautoscalers");
        assert_eq!(mapper.find(&hpa).map(|found| found.version.as_str()), Some("v2"));
        assert_eq!(mapper.find(&GroupResource::new("", "deployments")), None);
        assert!(mapper.find_version("autoscaling", "v1", "horizontalpodautoscalers").is_some());
        assert_eq!(
            mapper.by_kind("apps/v1", "Deployment").map(ToString::to_string).as_deref(),
            Some("deployments.apps")
        );
        assert_eq!(mapper.by_kind("apps/v1", "deployment"), None);
    }

    #[test]
    fn what_cannot_be_listed_or_is_another_version_is_not_backed_up() {
        let mapper = mapper();
        let names: Vec<String> = mapper.backuppable().map(|found| format!("{found} {}", found.version)).collect();
        assert_eq!(names.len(), mapper.all().len() - 2);
        assert!(!names.iter().any(|name| name.starts_with("tokenreviews")));
        assert_eq!(names.iter().filter(|name| name.starts_with("horizontal")).count(), 1);
        assert!(names.last().is_some_and(|last| last.contains("extensions")), "{names:?}");
    }
}
