//! Server-side apply, strategic merge, and who owns which field.

use std::time::Duration;

use kubesim::{ApiServer, Object, Patch, Status, Target, WriteOptions};
use serde_json::{Value, json};

use crate::{config_map, config_maps, create, refusal, server};

fn by(manager: &str) -> WriteOptions {
    WriteOptions { field_manager: Some(manager.to_owned()), ..WriteOptions::default() }
}

fn apply(server: &ApiServer, manager: &str, data: Value) -> Result<Object, Status> {
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    server.patch(&config_maps().named("a"), &Patch::Apply(config), &by(manager))
}

fn owners(object: &Object) -> Vec<(String, String, Value)> {
    let entries = object.metadata()["managedFields"].as_array().expect("owners");
    let text = |entry: &Value, key: &str| entry[key].as_str().expect("a text").to_owned();
    entries.iter().map(|entry| (text(entry, "manager"), text(entry, "operation"), entry["fieldsV1"].clone())).collect()
}

#[test]
fn an_apply_creates_and_a_second_one_changes_nothing() {
    let server = server();
    let created = apply(&server, "m", json!({"a": "1"})).expect("an apply");
    let expected = ("m".to_owned(), "Apply".to_owned(), json!({"f:data": {"f:a": {}}}));
    assert_eq!(owners(&created), [expected]);
    server.clock().advance(Duration::from_mins(1));
    let again = apply(&server, "m", json!({"a": "1"})).expect("an apply");
    assert_eq!(again, created);
}

#[test]
fn what_another_owns_is_refused_unless_forced_and_what_is_agreed_on_is_shared() {
    let server = server();
    apply(&server, "one", json!({"a": "1", "b": "1"})).expect("an apply");
    let refused = apply(&server, "two", json!({"a": "2"})).expect_err("a conflict");
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    apply(&server, "two", json!({"b": "1"})).expect("agreement");
    let left = apply(&server, "one", json!({"a": "1"})).expect("an apply");
    assert_eq!(left.value()["data"], json!({"a": "1", "b": "1"}));
    let left = apply(&server, "two", json!({})).expect("an apply");
    assert_eq!(left.value()["data"], json!({"a": "1"}));
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "3"}});
    let forced = WriteOptions { force: Some(true), ..by("two") };
    let taken = server.patch(&config_maps().named("a"), &Patch::Apply(config), &forced).expect("force");
    assert_eq!(taken.value()["data"], json!({"a": "3"}));
    assert_eq!(owners(&taken).len(), 1);
}

#[test]
fn an_update_takes_what_it_changes() {
    let server = server();
    apply(&server, "one", json!({"a": "1", "b": "1"})).expect("an apply");
    let patch = Patch::Merge(json!({"data": {"a": "2", "c": "1"}}));
    let patched = server.patch(&config_maps().named("a"), &patch, &by("editor")).expect("a patch");
    assert_eq!(
        owners(&patched),
        [
            ("one".to_owned(), "Apply".to_owned(), json!({"f:data": {"f:b": {}}})),
            ("editor".to_owned(), "Update".to_owned(), json!({"f:data": {"f:a": {}, "f:c": {}}})),
        ]
    );
    let reset = Patch::Merge(json!({"metadata": {"managedFields": []}}));
    let reset = server.patch(&config_maps().named("a"), &reset, &by("editor")).expect("a patch");
    assert!(!reset.metadata().contains_key("managedFields"));
    // What is there before the first apply belongs to nobody in particular.
    let applied = apply(&server, "one", json!({"b": "1"})).expect("an apply");
    assert_eq!(owners(&applied)[1].0, "before-first-apply");
}

#[test]
fn an_apply_that_is_none_is_refused() {
    let server = server();
    let target = config_maps().named("a");
    let send = |config: Value, options: &WriteOptions| server.patch(&target, &Patch::Apply(config), options);
    assert_eq!(refusal(send(json!({}), &WriteOptions::default())), (422, "Invalid".to_owned()));
    let base = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    for (key, value, said) in [
        ("kind", json!("Secret"), "invalid object type: /v1, Kind=Secret"),
        ("metadata", json!({"name": "a", "managedFields": []}), "metadata.managedFields must be nil"),
        ("metadata", json!({"name": "b"}), "the name of the object (b) does not match the name on the URL (a)"),
        (
            "nosuch",
            json!(1),
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .nosuch: field not declared in schema",
        ),
    ] {
        let mut config = base.clone();
        config[key] = value;
        assert_eq!(send(config, &by("m")).expect_err("a refusal").message, said);
    }
    let forced = WriteOptions { force: Some(true), ..by("m") };
    config_map(&server, "a");
    let merge = server.patch(&target, &Patch::Merge(json!({})), &forced);
    assert_eq!(refusal(merge), (422, "Invalid".to_owned()));
}

#[test]
fn a_strategic_merge_knows_the_lists_of_a_kind() {
    let server = server();
    let deployments = Target::new("apps", "v1", "deployments").in_namespace("default");
    let containers = json!([{"name": "c", "image": "i"}, {"name": "d", "image": "j"}]);
    let body = json!({"metadata": {"name": "web", "finalizers": ["t/a", "t/b"]}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}},
    }});
    create(&server, &deployments, body).expect("a deployment");
    let target = deployments.named("web");
    let send = |patch: Value| server.patch(&target, &Patch::Strategic(patch), &by("m"));
    let pod = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
    let names = |object: &Object| {
        let containers = object.value()["spec"]["template"]["spec"]["containers"].as_array().expect("containers");
        containers.iter().map(|one| format!("{}={}", one["name"], one["image"])).collect::<Vec<_>>().join(" ")
    };
    let merged = send(pod(json!({"containers": [{"name": "d", "image": "k"}, {"name": "e", "image": "l"}]})));
    assert_eq!(names(&merged.expect("a patch")), r#""c"="i" "d"="k" "e"="l""#);
    let ordered = send(pod(json!({"$setElementOrder/containers": [{"name": "e"}, {"name": "c"}, {"name": "d"}]})));
    assert_eq!(names(&ordered.expect("a patch")), r#""e"="l" "c"="i" "d"="k""#);
    let deleted = send(pod(json!({"containers": [{"name": "c", "$patch": "delete"}]})));
    assert_eq!(names(&deleted.expect("a patch")), r#""e"="l" "d"="k""#);
    let replaced = send(pod(json!({"containers": [{"name": "z", "image": "m"}, {"$patch": "replace"}]})));
    assert_eq!(names(&replaced.expect("a patch")), r#""z"="m""#);
    let fewer = send(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["t/a"]}})).expect("a patch");
    assert_eq!(fewer.metadata()["finalizers"], json!(["t/b"]));
    let more = send(json!({"metadata": {"finalizers": ["t/c"]}})).expect("a patch");
    // What the patch names comes first where the order of the two was never said.
    assert_eq!(more.metadata()["finalizers"], json!(["t/c", "t/b"]));
    let retained = send(json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})).expect("a patch");
    assert_eq!(retained.value()["spec"]["strategy"], json!({"type": "Recreate"}));
    for (patch, said) in [
        (pod(json!({"containers": [{"image": "x"}]})), "map: map[image:x] does not contain declared merge key: name"),
        (json!({"spec": {"strategy": {"$retainKeys": [], "type": "x"}}}), "invalid patch format of retainKeys"),
        (json!({"spec": {"$patch": "shuffle"}}), "unknown patch type: shuffle in map: map[$patch:shuffle]"),
    ] {
        assert_eq!(send(patch).expect_err("a refusal").message, said);
    }
}
