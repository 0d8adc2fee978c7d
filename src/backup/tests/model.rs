//! The selection against a naive model: for any small world and any request, the archive holds exactly what the model
//! says, each object once.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NAMESPACES: [&str; 3] = ["a", "b", "c"];
const RESOURCES: [&str; 6] = [
    "configmaps",
    "namespaces",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "storageclasses.storage.k8s.io",
];

/// One object of the model: resource, namespace, name, labels, and what it brings along.
#[derive(Clone, Debug)]
struct Thing {
    resource: &'static str,
    namespace: Option<&'static str>,
    name: String,
    label: Option<&'static str>,
    brings: Option<(&'static str, Option<&'static str>, String)>,
}

impl Thing {
    fn path(&self) -> String {
        let namespace = self.namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        format!("{} {namespace}{}", self.resource, self.name)
    }

    fn object(&self) -> Value {
        let labels = self.label.map_or_else(|| json!({}), |value| json!({"app": value}));
        let namespace = self.namespace.unwrap_or_default();
        let brings = self.brings.as_ref().map(|(_, _, name)| name.as_str());
        let mut object = match self.resource {
            "configmaps" => config_map(namespace, &self.name, json!({})),
            "namespaces" => super::namespace(&self.name),
            "persistentvolumeclaims" => claim(namespace, &self.name, brings),
            "persistentvolumes" => volume(&self.name),
            "pods" => pod(namespace, &self.name, json!({}), json!({}), &brings.into_iter().collect::<Vec<_>>()),
            _ => storage_class(),
        };
        object["metadata"]["labels"] = labels;
        object
    }
}

/// A request in the terms of the model.
#[derive(Clone, Debug)]
struct Request {
    namespaces: (BTreeSet<&'static str>, BTreeSet<&'static str>),
    resources: (BTreeSet<&'static str>, BTreeSet<&'static str>),
    label: Option<&'static str>,
    cluster: Option<bool>,
}

impl Request {
    fn spec(&self) -> Value {
        json!({
            "includedNamespaces": self.namespaces.0, "excludedNamespaces": self.namespaces.1,
            "includedResources": self.resources.0, "excludedResources": self.resources.1,
            "labelSelector": self.label.map(|value| json!({"matchLabels": {"app": value}})),
            "includeClusterResources": self.cluster,
        })
    }

    fn wants_namespace(&self, name: &str) -> bool {
        !self.namespaces.1.contains(name) && (self.namespaces.0.is_empty() || self.namespaces.0.contains(name))
    }

    fn wants_resource(&self, name: &str) -> bool {
        !self.resources.1.contains(name) && (self.resources.0.is_empty() || self.resources.0.contains(name))
    }

    /// May be saved, however it is reached.
    fn allows(&self, thing: &Thing) -> bool {
        let place = match (thing.resource, thing.namespace) {
            ("namespaces", _) => self.wants_namespace(&thing.name),
            (_, Some(namespace)) => self.wants_namespace(namespace),
            (_, None) => self.cluster != Some(false),
        };
        place && self.wants_resource(thing.resource)
    }

    /// Is looked for by itself.
    fn finds(&self, thing: &Thing) -> bool {
        let everywhere = self.namespaces.0.is_empty() && self.namespaces.1.is_empty();
        let cluster = thing.namespace.is_some() || thing.resource == "namespaces" || self.cluster.unwrap_or(everywhere);
        cluster && self.label.is_none_or(|label| thing.label == Some(label))
    }

    fn model(&self, things: &[Thing]) -> BTreeSet<String> {
        let mut saved: BTreeSet<String> = BTreeSet::new();
        let mut queue: Vec<&Thing> = things.iter().filter(|thing| self.finds(thing)).collect();
        while let Some(thing) = queue.pop() {
            if self.allows(thing) && saved.insert(thing.path()) {
                let brought = thing.brings.as_ref();
                queue.extend(things.iter().filter(|other| {
                    brought.is_some_and(|(r, ns, name)| {
                        *r == other.resource && *ns == other.namespace && *name == other.name
                    })
                }));
            }
        }
        saved
    }
}

fn label() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![Just(None), Just(Some("x")), Just(Some("y"))]
}

fn world() -> impl Strategy<Value = Vec<Thing>> {
    let in_namespace = (0..3_usize, 0..3_usize, label(), proptest::option::of(0..3_usize));
    let parts = (
        proptest::collection::vec(label(), 3),
        proptest::collection::vec(label(), 3),
        proptest::collection::vec((0..3_usize, in_namespace), 0..14),
        any::<bool>(),
    );
    parts.prop_map(|(namespaces, volumes, objects, class)| {
        let mut things: Vec<Thing> = Vec::new();
        let plain = |resource, name: String, label| Thing { resource, namespace: None, name, label, brings: None };
        things.extend(
            NAMESPACES.iter().zip(namespaces).map(|(name, label)| plain("namespaces", (*name).to_owned(), label)),
        );
        things.extend(
            (0..).zip(volumes).map(|(number, label)| plain("persistentvolumes", format!("pv-{number}"), label)),
        );
        if class {
            things.push(plain("storageclasses.storage.k8s.io", "fast".to_owned(), None));
        }
        for (kind, (namespace, number, label, brings)) in objects {
            let namespace = NAMESPACES[namespace];
            let (resource, brings) = match kind {
                0 => ("configmaps", None),
                1 => {
                    ("persistentvolumeclaims", brings.map(|number| ("persistentvolumes", None, format!("pv-{number}"))))
                }
                _ => (
                    "pods",
                    brings.map(|number| ("persistentvolumeclaims", Some(namespace), format!("{namespace}-{number}"))),
                ),
            };
            let name = format!("{namespace}-{number}");
            let thing = Thing { resource, namespace: Some(namespace), name, label, brings };
            if !things.iter().any(|other| other.path() == thing.path()) {
                things.push(thing);
            }
        }
        things
    })
}

fn request() -> impl Strategy<Value = Request> {
    let names = |all: Vec<&'static str>| {
        (proptest::sample::subsequence(all.clone(), 0..=2), proptest::sample::subsequence(all, 0..=1)).prop_map(
            |(includes, excludes)| {
                let includes: BTreeSet<&str> = includes.into_iter().collect();
                let excludes = excludes.into_iter().filter(|name| !includes.contains(name)).collect();
                (includes, excludes)
            },
        )
    };
    let cluster = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    let resources = names(RESOURCES.to_vec());
    (names(NAMESPACES.to_vec()), resources, label(), cluster)
        .prop_map(|(namespaces, resources, label, cluster)| Request { namespaces, resources, label, cluster })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_archive_holds_exactly_what_a_naive_model_selects(things in world(), request in request()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let (paths, expected) = runtime.block_on(async {
            let world = World::new(things.iter().map(Thing::object).collect());
            let (paths, _) = world.saves(request.spec()).await;
            (paths, request.model(&things))
        });
        // The simulator's own objects, such as its first namespaces, are not part of the model.
        let known: BTreeSet<String> = things.iter().map(Thing::path).collect();
        let own: Vec<String> = paths.into_iter().filter(|path| known.contains(path)).collect();
        let saved: BTreeSet<String> = own.iter().cloned().collect();
        prop_assert_eq!(saved.len(), own.len());
        prop_assert_eq!(saved, expected);
    }
}
