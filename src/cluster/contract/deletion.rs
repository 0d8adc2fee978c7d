//! Promises about deletion: preconditions, finalizers, owners, namespaces.

use serde_json::{Value, json};

use super::{World, fails, on};
use crate::cluster::{ClusterErrorKind as Kind, DeleteOptions, Propagation};
use crate::object::RawObject;

pub(super) async fn preconditions(world: &World<'_>) {
    let maps = &world.config_maps;
    let created = world.create(maps, &world.config_map("guarded")).await;
    let text = |field: &str| created["metadata"][field].as_str().map(str::to_owned);
    let target = world.on_config_map("guarded");
    for options in [
        DeleteOptions { uid: Some("another".to_owned()), ..DeleteOptions::default() },
        DeleteOptions { resource_version: Some("1".to_owned()), ..DeleteOptions::default() },
    ] {
        let deleted = world.cluster.delete(target, &options).await;
        fails(deleted, Kind::Conflict, "a deletion whose precondition does not hold");
    }
    let options =
        DeleteOptions { uid: text("uid"), resource_version: text("resourceVersion"), ..DeleteOptions::default() };
    world.cluster.delete(target, &options).await.expect("a deletion whose preconditions hold");
    fails(world.get(maps, "guarded").await, Kind::NotFound, "a get after the deletion");
}

pub(super) async fn finalizers(world: &World<'_>) {
    let maps = &world.config_maps;
    let mut object = world.config_map("held");
    object["metadata"]["finalizers"] = json!(["contract.example.com/hold"]);
    world.create(maps, &object).await;
    let target = world.on_config_map("held");
    world.delete(target).await;
    let held = world.get(maps, "held").await.expect("a finalizer holds it");
    assert!(held["metadata"]["deletionTimestamp"].is_string(), "it says that it is being deleted");
    let released = world.merge(target, &json!({"metadata": {"finalizers": null}})).await;
    released.expect("its last finalizer can be taken away");
    world.gone(maps, Some(world.namespace), "held").await;
}

pub(super) async fn owners(world: &World<'_>) {
    let maps = &world.config_maps;
    for (propagation, name) in [
        (Propagation::Background, "background"),
        (Propagation::Foreground, "foreground"),
        (Propagation::Orphan, "orphan"),
    ] {
        let owner = world.create(maps, &world.config_map(name)).await;
        let dependent_name = format!("{name}-dependent");
        let mut dependent = world.config_map(&dependent_name);
        dependent["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": true,
        }]);
        world.create(maps, &dependent).await;
        let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
        world.cluster.delete(world.on_config_map(name), &options).await.expect("an owner can be deleted");
        world.gone(maps, Some(world.namespace), name).await;
        if propagation == Propagation::Orphan {
            let dependent = world.get(maps, &dependent_name).await.expect("an orphan stays");
            let owners = &dependent["metadata"]["ownerReferences"];
            assert!(owners.as_array().is_none_or(Vec::is_empty), "an orphan forgets its owner");
            world.delete(world.on_config_map(&dependent_name)).await;
        } else {
            world.gone(maps, Some(world.namespace), &dependent_name).await;
        }
    }
}

pub(super) async fn namespaces_end(world: &World<'_>) {
    let (maps, namespaces) = (&world.config_maps, &world.namespaces);
    let name = format!("{}-end", world.namespace);
    world.create_namespace(&name).await;
    let in_it = |object: &str, finalizers: Value| {
        RawObject::from_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": object, "namespace": name, "finalizers": finalizers},
        }))
    };
    let held = in_it("held", json!(["contract.example.com/hold"]));
    world.cluster.create(maps, Some(&name), &held).await.expect("a create in the namespace");
    world.cluster.create(maps, Some(&name), &in_it("free", json!([]))).await.expect("a create in the namespace");
    world.delete(on(namespaces, None, &name)).await;
    let ending = world.cluster.get(namespaces, None, &name).await.expect("its content holds the namespace");
    let ending = ending.value().expect("an object");
    assert!(ending["metadata"]["deletionTimestamp"].is_string(), "it says that it is being deleted");
    let late = world.cluster.create(maps, Some(&name), &in_it("late", json!([]))).await;
    fails(late, Kind::NamespaceTerminating, "a create in a namespace that ends");
    world.gone(maps, Some(&name), "free").await;
    let release = json!({"metadata": {"finalizers": null}});
    world.merge(on(maps, Some(&name), "held"), &release).await.expect("the last content is released");
    world.gone(namespaces, None, &name).await;
    fails(
        world.cluster.get(maps, Some(&name), "held").await,
        Kind::NotFound,
        "the content of a namespace goes with it",
    );
}
