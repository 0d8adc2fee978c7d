//! What belongs to one namespace without lying in it: cluster-scoped objects that nothing outside it uses.
//!
//! Only objects that came with the world are looked at: what a bare cluster has of its own stays.

use std::collections::BTreeSet;

use serde_json::Value;

use super::picture::{Key, Picture};

/// The cluster-scoped objects that only `namespace` uses, in the order in which they can be deleted.
pub(crate) fn of_namespace(picture: &Picture, namespace: &str, loaded: &BTreeSet<Key>) -> Vec<Key> {
    let finder = Finder { picture, namespace, loaded };
    let bindings = finder.pick("rbac.authorization.k8s.io", "clusterrolebindings", |_, binding| {
        only(items(&binding["subjects"]).map(|subject| subject["namespace"].as_str() == Some(namespace)))
    });
    let volumes = finder
        .pick("", "persistentvolumes", |_, volume| volume["spec"]["claimRef"]["namespace"].as_str() == Some(namespace));
    let mut found = finder.webhooks();
    found.extend(finder.roles(&bindings));
    found.extend(finder.pick("storage.k8s.io", "storageclasses", |name, _| {
        finder.used_only_inside("storageClassName", name, &volumes)
    }));
    found.extend(finder.pick("scheduling.k8s.io", "priorityclasses", |name, _| {
        finder.used_only_inside("priorityClassName", name, &[])
    }));
    found.extend(finder.definitions());
    found.extend(bindings);
    found.extend(volumes);
    found
}

struct Finder<'a> {
    picture: &'a Picture,
    namespace: &'a str,
    loaded: &'a BTreeSet<Key>,
}

impl Finder<'_> {
    /// The loaded cluster-scoped objects of a resource that satisfy a condition on name and content.
    fn pick(&self, group: &str, resource: &str, belongs: impl Fn(&str, &Value) -> bool) -> Vec<Key> {
        let of_resource = self.picture.iter().filter(|(key, _)| key.is(group, resource) && self.loaded.contains(key));
        of_resource.filter(|(key, object)| belongs(&key.name, object)).map(|(key, _)| key.clone()).collect()
    }

    /// Webhook configurations that call only services of the namespace.
    fn webhooks(&self) -> Vec<Key> {
        let mut found = Vec::new();
        for resource in ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"] {
            found.extend(self.pick("admissionregistration.k8s.io", resource, |_, configuration| {
                let target =
                    |hook: &Value| hook["clientConfig"]["service"]["namespace"].as_str() == Some(self.namespace);
                only(items(&configuration["webhooks"]).map(target))
            }));
        }
        found
    }

    /// Roles that are granted only inside the namespace or by these bindings.
    fn roles(&self, bindings: &[Key]) -> Vec<Key> {
        self.pick("rbac.authorization.k8s.io", "clusterroles", |name, _| {
            let grants = self.picture.iter().filter(|(key, object)| {
                let binding = key.resource.resource.ends_with("rolebindings");
                let reference = &object["roleRef"];
                binding && reference["kind"] == "ClusterRole" && reference["name"].as_str() == Some(name)
            });
            only(grants.map(|(key, _)| key.namespace.as_deref() == Some(self.namespace) || bindings.contains(key)))
        })
    }

    /// Definitions whose objects all lie in the namespace.
    fn definitions(&self) -> Vec<Key> {
        self.pick("apiextensions.k8s.io", "customresourcedefinitions", |_, definition| {
            let group = definition["spec"]["group"].as_str().unwrap_or_default();
            let plural = definition["spec"]["names"]["plural"].as_str().unwrap_or_default();
            let objects = self.picture.keys().filter(|key| key.is(group, plural));
            only(objects.map(|key| key.namespace.as_deref() == Some(self.namespace)))
        })
    }

    /// Whether objects name `value` in a field of this name, and all of those lie in the namespace or in `also`.
    fn used_only_inside(&self, field: &str, value: &str, also: &[Key]) -> bool {
        let users = self.picture.iter().filter(|(_, object)| mentions(object, field, value));
        only(users.map(|(key, _)| key.namespace.as_deref() == Some(self.namespace) || also.contains(key)))
    }
}

/// Whether there is something, and all of it is so.
fn only(mut conditions: impl Iterator<Item = bool>) -> bool {
    conditions.next() == Some(true) && conditions.all(|condition| condition)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn mentions(object: &Value, field: &str, value: &str) -> bool {
    match object {
        Value::Object(map) => map
            .iter()
            .any(|(key, inner)| (key == field && inner.as_str() == Some(value)) || mentions(inner, field, value)),
        Value::Array(list) => list.iter().any(|inner| mentions(inner, field, value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::of_namespace;
    use crate::cli::demo::picture::{Key, Picture};
    use crate::object::GroupResource;

    fn key(resource: &str, namespace: Option<&str>, name: &str) -> Key {
        Key {
            resource: GroupResource::from(resource.to_owned()),
            namespace: namespace.map(ToOwned::to_owned),
            name: name.to_owned(),
        }
    }

    #[test]
    fn only_what_nothing_else_uses_belongs_to_a_namespace() {
        let binding = |role: &str, namespace: &str| json!({"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": [{"namespace": namespace}]});
        let objects: Vec<(Key, Value)> = vec![
            (
                key("persistentvolumes", None, "own"),
                json!({"spec": {"claimRef": {"namespace": "shop"}, "storageClassName": "fast"}}),
            ),
            (key("persistentvolumes", None, "free"), json!({"spec": {}})),
            (key("storageclasses.storage.k8s.io", None, "fast"), json!({})),
            (key("storageclasses.storage.k8s.io", None, "shared"), json!({})),
            (key("storageclasses.storage.k8s.io", None, "unused"), json!({})),
            (key("persistentvolumeclaims", Some("shop"), "a"), json!({"spec": {"storageClassName": "shared"}})),
            (key("persistentvolumeclaims", Some("blog"), "b"), json!({"spec": {"storageClassName": "shared"}})),
            (key("clusterroles.rbac.authorization.k8s.io", None, "own"), json!({})),
            (key("clusterroles.rbac.authorization.k8s.io", None, "other"), json!({})),
            (key("clusterrolebindings.rbac.authorization.k8s.io", None, "own"), binding("own", "shop")),
            (key("clusterrolebindings.rbac.authorization.k8s.io", None, "other"), binding("other", "blog")),
            (
                key("customresourcedefinitions.apiextensions.k8s.io", None, "w.x"),
                json!({"spec": {"group": "x", "names": {"plural": "w"}}}),
            ),
            (key("w.x", Some("shop"), "one"), json!({})),
        ];
        let picture: Picture = objects.into_iter().collect();
        let loaded: BTreeSet<Key> = picture.keys().cloned().collect();
        let found: Vec<String> = of_namespace(&picture, "shop", &loaded).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "clusterroles.rbac.authorization.k8s.io own",
                "storageclasses.storage.k8s.io fast",
                "customresourcedefinitions.apiextensions.k8s.io w.x",
                "clusterrolebindings.rbac.authorization.k8s.io own",
                "persistentvolumes own",
            ]
        );
        assert!(of_namespace(&picture, "shop", &BTreeSet::new()).is_empty());
    }
}
