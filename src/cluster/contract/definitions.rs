//! Promises about custom resources: from the definition to discovery, and that nothing of an object is lost.

use serde_json::{Value, json};

use super::{World, fails, on, resource, value};
use crate::cluster::{ClusterErrorKind as Kind, Discovery, ListOptions, Target};
use crate::object::{ApiResource, RawObject};

pub(super) async fn life_of_a_definition(world: &World<'_>) {
    let definitions =
        resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false);
    let group = format!("{}.contract.example.com", world.namespace);
    let definition = definition(&group);
    let name = format!("gadgets.{group}");
    world.create(&definitions, &definition).await;
    let gadgets = world
        .eventually("the definition is served", async || {
            let found = world.cluster.discover().await.expect("discovery works");
            served(&found, &group, "v1").cloned()
        })
        .await;
    assert_eq!((gadgets.kind.as_str(), gadgets.namespaced, gadgets.preferred), ("Gadget", true, true));
    assert_eq!((gadgets.singular.as_str(), gadgets.short_names.as_slice()), ("gadget", ["gdg".to_owned()].as_slice()));
    assert!(gadgets.subresources.contains("status"), "the status subresource is reported");
    let old = resource(&group, "v1beta1", "gadgets", "Gadget", true);
    world
        .eventually("lists of it work", async || world.cluster.list(&gadgets, None, &ListOptions::default()).await.ok())
        .await;

    nothing_is_lost(world, &gadgets, &old).await;
    status_is_apart(world, &gadgets).await;

    world.delete(on(&definitions, None, &name)).await;
    world.gone(&definitions, None, &name).await;
    world
        .eventually("it is no longer served", async || {
            let found = world.cluster.discover().await.expect("discovery works");
            served(&found, &group, "v1").is_none().then_some(())
        })
        .await;
    fails(world.get(&gadgets, "whole").await, Kind::NotFound, "an object of a definition that is gone");
}

fn definition(group: &str) -> Value {
    let schema = json!({"openAPIV3Schema": {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    }});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("gadgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {
                "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList",
                "shortNames": ["gdg"],
            },
            "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": schema, "subresources": {"status": {}}},
                {"name": "v1beta1", "served": true, "storage": false, "schema": schema, "subresources": {"status": {}}},
            ],
        },
    })
}

fn served<'a>(found: &'a Discovery, group: &str, version: &str) -> Option<&'a ApiResource> {
    found
        .resources
        .iter()
        .find(|resource| resource.group == group && resource.version == version && resource.plural == "gadgets")
}

async fn nothing_is_lost(world: &World<'_>, gadgets: &ApiResource, old: &ApiResource) {
    let object = json!({
        "apiVersion": gadgets.api_version(), "kind": "Gadget",
        "metadata": {"name": "whole", "namespace": world.namespace},
        "spec": {
            "greatest": i64::MAX, "least": i64::MIN, "zero": 0,
            "tenth": 0.1, "huge": 1e300, "tiny": 2.5e-308, "third": 1.0 / 3.0,
            "null": null, "nulls": [null, {"in": null}], "empty": {}, "none": [], "": "an empty key",
            "escapes": "\u{0}\u{7}\"\\/\u{2028}<&>\u{1F980}", "ключ": true,
            "deep": [[[[{"a": [{"b": [1, "2", false]}]}]]]],
        },
    });
    world.create(gadgets, &object).await;
    for (resource, version) in [(gadgets, "v1"), (old, "v1beta1")] {
        let read = world.get(resource, "whole").await.expect("it is there in every version");
        assert_eq!(read["spec"], object["spec"], "{version}: nothing of an object is lost");
        assert_eq!(read["apiVersion"], json!(resource.api_version()), "{version}: it comes in the version asked for");
        let page = world.cluster.list(resource, Some(world.namespace), &ListOptions::default()).await.expect("a list");
        assert_eq!(page.items.len(), 1);
        assert_eq!(value(&page.items[0]), read, "{version}: a list shows what a get shows");
    }
    let copy = world.get(gadgets, "whole").await.expect("it is there");
    let target = on(gadgets, Some(world.namespace), "whole");
    let updated = world.cluster.update(target, &RawObject::from_value(&copy)).await.expect("an update of itself");
    assert_eq!(value(&updated)["spec"], object["spec"], "nothing is lost on the way back");
}

async fn status_is_apart(world: &World<'_>, gadgets: &ApiResource) {
    let object = json!({
        "apiVersion": gadgets.api_version(), "kind": "Gadget",
        "metadata": {"name": "stateful", "namespace": world.namespace},
        "spec": {"size": 1}, "status": {"phase": "Smuggled"},
    });
    let created = world.create(gadgets, &object).await;
    assert!(created.get("status").is_none(), "a create cannot set the status");
    let whole = on(gadgets, Some(world.namespace), "stateful");
    let status = Target { subresource: Some("status"), ..whole };
    let patch = json!({"spec": {"size": 2}, "status": {"phase": "Ready"}});
    let patched = world.merge(status, &patch).await.expect("a patch of the status");
    assert_eq!((&patched["status"], &patched["spec"]), (&json!({"phase": "Ready"}), &json!({"size": 1})));
    let patch = json!({"spec": {"size": 3}, "status": {"phase": "Smuggled"}});
    let patched = world.merge(whole, &patch).await.expect("a patch of the rest");
    assert_eq!((&patched["status"], &patched["spec"]), (&json!({"phase": "Ready"}), &json!({"size": 3})));
    assert_eq!(patched["metadata"]["generation"], json!(2), "only changes of the desired state count");

    let mut replaced = patched.clone();
    replaced["status"] = json!({"phase": "Done"});
    let replaced =
        world.cluster.update(status, &RawObject::from_value(&replaced)).await.expect("an update of the status");
    assert_eq!(value(&replaced)["status"], json!({"phase": "Done"}));
    let stale = world.cluster.update(status, &RawObject::from_value(&patched)).await;
    fails(stale, Kind::Conflict, "an update of an old revision's status");
}
