//! Promises about single objects: create, get, update, patch.

use serde_json::{Value, json};

use super::{World, fails, on, resource, value};
use crate::cluster::{ClusterErrorKind as Kind, Patch};
use crate::object::RawObject;

pub(super) async fn life_of_an_object(world: &World<'_>) {
    let maps = &world.config_maps;
    let created = world.create(maps, &world.config_map("life")).await;
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(created["metadata"][field].is_string(), "the server sets metadata.{field}");
    }
    assert_eq!((&created["apiVersion"], &created["kind"]), (&json!("v1"), &json!("ConfigMap")));
    assert_eq!(world.get(maps, "life").await.expect("it is there"), created, "what is read is what create answered");

    let mut changed = created.clone();
    changed["data"] = json!({"other": "value"});
    let raw = RawObject::from_value(&changed);
    let updated = value(&world.cluster.update(world.on_config_map("life"), &raw).await.expect("an update"));
    assert_eq!(updated["data"], changed["data"], "an update replaces");
    assert_eq!(updated["metadata"]["uid"], created["metadata"]["uid"]);
    assert_ne!(updated["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);

    let generated = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-", "namespace": world.namespace},
    });
    let generated = world.create(maps, &generated).await;
    let name = generated["metadata"]["name"].as_str().expect("the server makes a name");
    assert!(name.len() > "made-".len() && name.starts_with("made-"), "{name}: from the given beginning");

    let roles = resource("rbac.authorization.k8s.io", "v1", "roles", "Role", true);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [],
        "metadata": {"name": "system:odd", "namespace": world.namespace},
    });
    world.create(&roles, &role).await;
    world.get(&roles, "system:odd").await.expect("a name with a colon is found");
    world.delete(on(&roles, Some(world.namespace), "system:odd")).await;
}

pub(super) async fn conflicts(world: &World<'_>) {
    let maps = &world.config_maps;
    let object = world.config_map("conflict");
    let first = world.create(maps, &object).await;
    let raw = RawObject::from_value(&object);
    let again = world.cluster.create(maps, Some(world.namespace), &raw).await;
    fails(again, Kind::AlreadyExists, "a second create of one name");

    let patched = world.merge(world.on_config_map("conflict"), &json!({"data": {"key": "second"}})).await;
    let patched = patched.expect("a patch");
    let stale = world.cluster.update(world.on_config_map("conflict"), &RawObject::from_value(&first)).await;
    fails(stale, Kind::Conflict, "an update of an old revision");
    assert_eq!(world.get(maps, "conflict").await.expect("still there"), patched, "a conflict changes nothing");

    let revision = &first["metadata"]["resourceVersion"];
    let stale = json!({"metadata": {"resourceVersion": revision}, "data": {"key": "third"}});
    fails(world.merge(world.on_config_map("conflict"), &stale).await, Kind::Conflict, "a patch of an old revision");

    let raw = RawObject::from_value(&object);
    let unconditional = world.cluster.update(world.on_config_map("conflict"), &raw).await;
    unconditional.expect("an update without a revision always applies");
}

pub(super) async fn refusals(world: &World<'_>) {
    let maps = &world.config_maps;
    let here = Some(world.namespace);
    fails(world.get(maps, "absent").await, Kind::NotFound, "a get of nothing");
    let absent = RawObject::from_value(&world.config_map("absent"));
    let update = world.cluster.update(world.on_config_map("absent"), &absent).await;
    fails(update, Kind::NotFound, "an update of nothing");
    fails(world.merge(world.on_config_map("absent"), &json!({})).await, Kind::NotFound, "a patch of nothing");
    let delete = world.cluster.delete(world.on_config_map("absent"), &crate::cluster::DeleteOptions::default()).await;
    fails(delete, Kind::NotFound, "a deletion of nothing");

    let nowhere = format!("{}-nowhere", world.namespace);
    let mut elsewhere = world.config_map("lost");
    elsewhere["metadata"]["namespace"] = json!(nowhere);
    let created = world.cluster.create(maps, Some(&nowhere), &RawObject::from_value(&elsewhere)).await;
    fails(created, Kind::NotFound, "a create in no namespace");
    let created = world.cluster.create(maps, here, &RawObject::from_value(&elsewhere)).await;
    fails(created, Kind::Invalid, "a create in another namespace than the object says");

    let bad = world.cluster.create(maps, here, &RawObject::from_value(&world.config_map("Bad_Name"))).await;
    let error = fails(bad, Kind::Invalid, "a name that is none");
    assert!(error.causes.iter().any(|cause| cause.contains("metadata.name")), "{:?}: the field is named", error.causes);
    let torn = world.cluster.create(maps, here, &RawObject::new("{\"kind\":")).await;
    fails(torn, Kind::Invalid, "a body that is not JSON");

    let unserved = resource("contract.invalid", "v1", "nothings", "Nothing", true);
    fails(world.get(&unserved, "x").await, Kind::NotFound, "a resource that is not served");
    for name in ["", ".", "..", "a/b"] {
        fails(world.get(maps, name).await, Kind::Invalid, "a name that would change the path");
        let target = world.on_config_map(name);
        let deleted = world.cluster.delete(target, &crate::cluster::DeleteOptions::default()).await;
        fails(deleted, Kind::Invalid, "a deletion of a name that would change the path");
    }
}

pub(super) async fn patches(world: &World<'_>) {
    let mut object = world.config_map("patches");
    object["data"] = json!({"stays": "1", "goes": "2"});
    world.create(&world.config_maps, &object).await;
    let target = world.on_config_map("patches");
    let patch = json!({"data": {"goes": null, "comes": "3"}, "metadata": {"labels": {"a": "b"}}});
    let merged = world.merge(target, &patch).await.expect("a merge patch");
    assert_eq!(merged["data"], json!({"stays": "1", "comes": "3"}), "null takes away, the rest stays");
    assert_eq!(merged["metadata"]["labels"], json!({"a": "b"}));

    let json_patch = |operations: Value| Patch::Json(RawObject::from_value(&operations));
    let good = json_patch(json!([
        {"op": "test", "path": "/data/stays", "value": "1"},
        {"op": "replace", "path": "/data/stays", "value": "4"},
        {"op": "remove", "path": "/data/comes"},
    ]));
    let patched = value(&world.cluster.patch(target, &good).await.expect("a JSON patch"));
    assert_eq!(patched["data"], json!({"stays": "4"}));
    let failing = json_patch(json!([
        {"op": "remove", "path": "/data/stays"},
        {"op": "test", "path": "/metadata/labels/a", "value": "c"},
    ]));
    fails(world.cluster.patch(target, &failing).await, Kind::Invalid, "a JSON patch whose test fails");
    let now = world.get(&world.config_maps, "patches").await.expect("still there");
    assert_eq!(now, patched, "a patch that fails changes nothing");
    let invalid = Patch::Merge(RawObject::new("[1"));
    fails(world.cluster.patch(target, &invalid).await, Kind::Invalid, "a patch that is not JSON");
}

pub(super) async fn text_survives(world: &World<'_>) {
    let mut object = world.config_map("text");
    let odd = "quote \" backslash \\ tab \t line \n separator \u{2028} bell \u{7} <&> é 日本 \u{1F980} ";
    object["data"] = json!({"odd": odd, "empty": "", "json": "{\"a\":[1.0,null]}"});
    object["metadata"]["annotations"] = json!({"contract.example.com/odd": odd});
    world.create(&world.config_maps, &object).await;
    let read = world.get(&world.config_maps, "text").await.expect("it is there");
    assert_eq!(read["data"], object["data"], "text survives");
    assert_eq!(read["metadata"]["annotations"], object["metadata"]["annotations"], "text survives");
}
