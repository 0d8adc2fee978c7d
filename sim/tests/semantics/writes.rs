//! Creates, updates and patches.

use kubesim::{ApiServer, ListOptions, Options, Patch, Target, WriteOptions};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{config_map, config_maps, create, namespaces, refusal, server};

#[test]
fn the_server_sets_what_is_its_own() {
    let server = server();
    let body = json!({"metadata": {
        "name": "a", "uid": "mine", "generation": 7, "creationTimestamp": "2001-01-01T00:00:00Z", "selfLink": "/x",
        "deletionTimestamp": "2001-01-01T00:00:00Z", "labels": {}, "finalizers": null,
    }});
    let object = create(&server, &config_maps(), body).expect("a config map");
    let metadata = object.metadata();
    assert_eq!(object.uid().len(), 36);
    assert_eq!(metadata["creationTimestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(object.resource_version(), server.revision());
    for absent in ["selfLink", "deletionTimestamp", "labels", "finalizers"] {
        assert!(!metadata.contains_key(absent), "{absent}");
    }
    assert_eq!((object.api_version(), object.kind()), ("v1", "ConfigMap"));
}

#[test]
fn a_body_must_fit_its_target() {
    let server = server();
    let put = |body: Value| {
        let target = config_maps().named("a");
        server.update(&target, body, &WriteOptions::default())
    };
    config_map(&server, "a");
    let bad = (400, "BadRequest".to_owned());
    assert_eq!(refusal(create(&server, &config_maps(), json!({"kind": "Secret", "metadata": {}}))), bad);
    assert_eq!(refusal(create(&server, &config_maps(), json!({"apiVersion": "apps/v1"}))), bad);
    assert_eq!(refusal(create(&server, &config_maps(), json!([]))), bad);
    assert_eq!(refusal(create(&server, &config_maps(), json!({"metadata": {"name": "b", "namespace": "other"}}))), bad);
    assert_eq!(refusal(put(json!({"metadata": {"name": "b"}}))), bad);
    assert_eq!(refusal(put(json!({"metadata": {}}))), bad);
    let body = json!({"metadata": {"name": "b", "resourceVersion": "7"}});
    assert_eq!(refusal(create(&server, &config_maps(), body)), (500, String::new()));
}

#[test]
fn absence_is_told_apart() {
    let server = server();
    let get = |target: Target| server.get(&target).expect_err("nothing there");
    assert_eq!(get(config_maps().named("a")).message, "configmaps \"a\" not found");
    assert_eq!(
        get(Target::new("apps", "v1", "deployments").in_namespace("default").named("a")).message,
        "deployments.apps \"a\" not found"
    );
    let unknown = get(Target::new("", "v1", "nosuchkinds"));
    assert!(unknown.code == 404 && !unknown.is_plain_404());
    assert!(get(Target::new("no.such.group", "v1", "things")).is_plain_404());
    let elsewhere = Target::new("", "v1", "configmaps").in_namespace("nosuch");
    let missing = create(&server, &elsewhere, json!({"metadata": {"name": "a"}})).expect_err("no namespace");
    assert_eq!(missing.message, "namespaces \"nosuch\" not found");
}

#[test]
fn generated_names_come_from_the_seed() {
    let name = |seed| {
        let server = ApiServer::new(Options { seed, ..Options::default() });
        let body = json!({"metadata": {"generateName": "a-"}});
        create(&server, &config_maps(), body).expect("a config map").name().to_owned()
    };
    assert_eq!(name(1), name(1));
    assert_ne!(name(1), name(2));
    assert_eq!(name(1).len(), "a-".len() + 5);
}

#[test]
fn a_write_of_an_old_version_conflicts_and_without_one_wins() {
    let server = server();
    let first = config_map(&server, "a");
    let target = config_maps().named("a");
    let write = |version: Value, data: &str| {
        let body = json!({"metadata": {"name": "a", "resourceVersion": version}, "data": {"a": data}});
        server.update(&target, body, &WriteOptions::default())
    };
    let version = first.resource_version().to_string();
    write(json!(version), "2").expect("the current version");
    assert_eq!(refusal(write(json!(version), "3")), (409, "Conflict".to_owned()));
    let last = write(Value::Null, "4").expect("no version");
    assert_eq!((last.uid(), &last.value()["data"]["a"]), (first.uid(), &json!("4")));
    let stale = Patch::Merge(json!({"metadata": {"resourceVersion": version}, "data": {"b": "1"}}));
    assert_eq!(refusal(server.patch(&target, &stale, &WriteOptions::default())).0, 409);
    let body = json!({"metadata": {"name": "a", "uid": "another"}});
    assert_eq!(refusal(server.update(&target, body, &WriteOptions::default())).0, 409);
}

#[test]
fn a_write_that_changes_nothing_makes_no_revision() {
    let server = server();
    config_map(&server, "a");
    let before = server.revision();
    let patch = Patch::Merge(json!({"data": {"a": "1"}}));
    server.patch(&config_maps().named("a"), &patch, &WriteOptions::default()).expect("no change");
    assert_eq!(server.revision(), before);
}

#[test]
fn a_dry_run_answers_and_stores_nothing() {
    let server = server();
    let before = (server.revision(), server.log());
    let dry = WriteOptions { dry_run: true, ..WriteOptions::default() };
    let object = server.create(&config_maps(), json!({"metadata": {"name": "a"}}), &dry).expect("an answer");
    assert_eq!((object.name(), object.resource_version()), ("a", 0));
    assert_eq!(refusal(server.get(&config_maps().named("a"))).0, 404);
    assert_eq!((server.revision(), server.log()), before);
}

#[test]
fn status_and_spec_have_endpoints_of_their_own() {
    let server = server();
    let deployments = Target::new("apps", "v1", "deployments").in_namespace("default");
    let body = json!({"metadata": {"name": "web"}, "status": {"replicas": 9}, "spec": {
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    }});
    let created = create(&server, &deployments, body).expect("a deployment");
    assert_eq!((&created.value()["status"], &created.metadata()["generation"]), (&json!({}), &json!(1)));

    let patch = |target: &Target, patch: Value| {
        let patch = Patch::Merge(patch);
        server.patch(target, &patch, &WriteOptions::default()).expect("a patch")
    };
    let both = json!({"spec": {"replicas": 5}, "status": {"replicas": 5}});
    let named = deployments.named("web");
    let status = patch(&named.clone().sub("status"), both.clone());
    assert_eq!((&status.value()["spec"]["replicas"], &status.value()["status"]["replicas"]), (&json!(1), &json!(5)));
    assert_eq!(status.metadata()["generation"], 1);
    let main = patch(&named, json!({"spec": {"replicas": 2}, "status": {"replicas": 6}}));
    assert_eq!((&main.value()["spec"]["replicas"], &main.value()["status"]["replicas"]), (&json!(2), &json!(5)));
    assert_eq!(main.metadata()["generation"], 2);

    let scale = patch(&named.clone().sub("scale"), json!({"spec": {"replicas": 7}}));
    assert_eq!((scale.kind(), &scale.value()["spec"]["replicas"]), ("Scale", &json!(7)));
    assert_eq!(scale.value()["status"], json!({"replicas": 5, "selector": "a=b"}));
    assert_eq!(server.get(&named).expect("the deployment").value()["spec"]["replicas"], 7);
}

#[test]
fn a_kind_in_two_groups_is_one_object() {
    let server = server();
    let events = Target::new("", "v1", "events").in_namespace("default");
    let body = json!({"metadata": {"name": "e"}, "involvedObject": {"name": "p"}, "message": "m"});
    create(&server, &events, body).expect("an event");
    let other = Target::new("events.k8s.io", "v1", "events").in_namespace("default");
    let seen = server.get(&other.named("e")).expect("the same event");
    assert_eq!((seen.api_version(), &seen.value()["note"]), ("events.k8s.io/v1", &json!("m")));
}

#[test]
fn an_oversized_object_is_refused() {
    let server = server();
    let body = json!({"metadata": {"name": "a"}, "data": {"a": "x".repeat(1_600_000)}});
    assert_eq!(refusal(create(&server, &config_maps(), body)).0, 500);
}

#[test]
fn one_seed_one_history() {
    let run = || {
        let server = ApiServer::new(Options { seed: 3, bootstrap: true, ..Options::default() });
        for index in 0..5 {
            config_map(&server, &format!("c{index}"));
            create(&server, &namespaces(), json!({"metadata": {"generateName": "n-"}})).expect("a namespace");
        }
        let all = server.list(&Target::new("", "v1", "configmaps"), &ListOptions::default()).expect("a list");
        let bytes: Vec<_> = all.items.iter().map(kubesim::Object::json).collect();
        (server.log(), bytes)
    };
    assert_eq!(run(), run());
}

proptest! {
    /// Only the operations of the machinery count: whatever is written, revisions rise by one a write.
    #[test]
    fn every_write_is_one_revision(writes in proptest::collection::vec((0..4_u8, 0..3_u8), 0..30)) {
        let server = server();
        for (name, value) in writes {
            let before = server.revision();
            let name = format!("c{name}");
            let body = json!({"metadata": {"name": name}, "data": {"v": value.to_string()}});
            let target = config_maps();
            let old = server.get(&target.clone().named(&name)).ok();
            let written = match &old {
                Some(_) => server.update(&target.named(&name), body, &WriteOptions::default()),
                None => server.create(&target, body, &WriteOptions::default()),
            }.expect("a write");
            let same = old.is_some_and(|old| old.value() == written.value());
            prop_assert_eq!(server.revision(), before + u64::from(!same));
        }
    }
}
