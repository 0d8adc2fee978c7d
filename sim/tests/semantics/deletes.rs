//! Deletions: what holds an object, and what answers when.

use kubesim::{DeleteOptions, Deleted, ListOptions, Patch, Propagation, Target, WriteOptions};
use serde_json::{Value, json};

use super::{config_map, config_maps, create, names, namespaces, refusal, server};

fn object(deleted: Deleted) -> kubesim::Object {
    match deleted {
        Deleted::Object(object) => object,
        Deleted::Status(status) => panic!("gone: {status}"),
    }
}

fn merge(server: &kubesim::ApiServer, target: &Target, patch: Value) -> Result<kubesim::Object, kubesim::Status> {
    server.patch(target, &Patch::Merge(patch), &WriteOptions::default())
}

#[test]
fn what_nothing_holds_is_gone_at_once() {
    let server = server();
    let uid = config_map(&server, "a").uid().to_owned();
    let target = config_maps().named("a");
    let Deleted::Status(status) = server.delete(&target, &DeleteOptions::default()).expect("a deletion") else {
        panic!("a status");
    };
    let details = json!({"name": "a", "kind": "configmaps", "uid": uid});
    assert_eq!(
        status.to_value(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
    );
    assert_eq!(refusal(server.delete(&target, &DeleteOptions::default())).0, 404);
}

#[test]
fn a_finalizer_holds_and_the_last_one_lets_go() {
    let server = server();
    let body = json!({"metadata": {"name": "fin", "finalizers": ["example.com/keep"]}});
    create(&server, &config_maps(), body).expect("a config map");
    let target = config_maps().named("fin");
    let held = object(server.delete(&target, &DeleteOptions::default()).expect("a deletion"));
    assert_eq!(held.metadata()["deletionGracePeriodSeconds"], 0);
    let again = object(server.delete(&target, &DeleteOptions::default()).expect("a deletion"));
    assert_eq!(again, held, "a second request changes nothing");
    let more = merge(&server, &target, json!({"metadata": {"finalizers": ["example.com/keep", "example.com/more"]}}));
    let status = more.expect_err("no new finalizers");
    assert_eq!(
        status.message,
        "ConfigMap \"fin\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
            being deleted, found new finalizers []string{\"example.com/more\"}"
    );
    let last = merge(&server, &target, json!({"metadata": {"finalizers": null}})).expect("let go");
    assert_eq!(last.resource_version(), held.resource_version());
    assert_eq!(refusal(server.get(&target)).0, 404);
    assert_eq!(
        server.log().last().expect("a line").to_string(),
        format!("{} delete configmaps default/fin", server.revision())
    );
}

#[test]
fn propagation_is_a_finalizer() {
    let server = server();
    for (policy, finalizer) in [(Propagation::Foreground, "foregroundDeletion"), (Propagation::Orphan, "orphan")] {
        config_map(&server, finalizer.to_lowercase().as_str());
        let options = DeleteOptions { propagation: Some(policy), ..DeleteOptions::default() };
        let target = config_maps().named(&finalizer.to_lowercase());
        let held = object(server.delete(&target, &options).expect("a deletion"));
        assert_eq!(held.metadata()["finalizers"], json!([finalizer]));
        let background = DeleteOptions { propagation: Some(Propagation::Background), ..options };
        server.delete(&target, &background).expect("a deletion");
        assert_eq!(refusal(server.get(&target)).0, 404, "a later policy replaces the earlier one");
    }
}

#[test]
fn preconditions_are_kept() {
    let server = server();
    let stored = config_map(&server, "a");
    let target = config_maps().named("a");
    let uid = DeleteOptions { uid: Some("other".to_owned()), ..DeleteOptions::default() };
    let version = DeleteOptions { resource_version: Some("1".to_owned()), ..DeleteOptions::default() };
    for options in [uid, version] {
        assert_eq!(refusal(server.delete(&target, &options)), (409, "Conflict".to_owned()));
    }
    let fits = DeleteOptions {
        uid: Some(stored.uid().to_owned()),
        resource_version: Some(stored.resource_version().to_string()),
        ..DeleteOptions::default()
    };
    let dry = DeleteOptions { dry_run: true, ..fits.clone() };
    server.delete(&target, &dry).expect("a dry run");
    assert!(server.get(&target).is_ok());
    server.delete(&target, &fits).expect("a deletion");
}

#[test]
fn a_running_pod_has_its_grace() {
    let server = server();
    let pods = Target::new("", "v1", "pods").in_namespace("default");
    for name in ["idle", "busy"] {
        create(
            &server,
            &pods,
            json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
        )
        .expect("a pod");
    }
    let idle = pods.clone().named("idle");
    server.delete(&idle, &DeleteOptions::default()).expect("a deletion");
    assert_eq!(refusal(server.get(&idle)).0, 404, "nobody runs it");

    let busy = pods.named("busy");
    create(&server, &busy.clone().sub("binding"), json!({"metadata": {"name": "busy"}, "target": {"name": "node"}}))
        .expect("a binding");
    let held = object(server.delete(&busy, &DeleteOptions::default()).expect("a deletion"));
    assert_eq!(held.metadata()["deletionGracePeriodSeconds"], 30);
    assert_eq!(held.metadata()["deletionTimestamp"], "2026-01-01T00:00:30Z");
    let longer = DeleteOptions { grace_period_seconds: Some(60), ..DeleteOptions::default() };
    assert_eq!(object(server.delete(&busy, &longer).expect("a deletion")), held);
    let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    server.delete(&busy, &now).expect("a deletion");
    assert_eq!(refusal(server.get(&busy)).0, 404);
}

#[test]
fn a_collection_is_deleted_by_selector() {
    let server = server();
    for name in ["a", "b", "c"] {
        config_map(&server, name);
    }
    let options = ListOptions { field_selector: Some("metadata.name!=b".to_owned()), ..ListOptions::default() };
    let list = server.delete_collection(&config_maps(), &options, &DeleteOptions::default()).expect("a deletion");
    assert_eq!((list.items.len(), list.resource_version), (2, server.revision()));
    assert_eq!(names(&server, &config_maps(), &ListOptions::default()), ["b"]);
}

#[test]
fn a_namespace_terminates_then_goes() {
    let server = server();
    let made = create(&server, &namespaces(), json!({"metadata": {"name": "t"}})).expect("a namespace");
    assert_eq!(made.labels().expect("labels")["kubernetes.io/metadata.name"], "t");
    assert_eq!(
        (&made.value()["spec"]["finalizers"], &made.value()["status"]["phase"]),
        (&json!(["kubernetes"]), &json!("Active"))
    );
    let target = namespaces().named("t");
    let held = object(server.delete(&target, &DeleteOptions::default()).expect("a deletion"));
    assert_eq!(held.value()["status"]["phase"], "Terminating");
    let inside = Target::new("", "v1", "configmaps").in_namespace("t");
    let refused = create(&server, &inside, json!({"metadata": {"name": "late"}})).expect_err("no new content");
    assert_eq!(
        (refused.code, &refused.details.expect("details")["causes"][0]["reason"]),
        (403, &json!("NamespaceTerminating"))
    );

    // Its finalizers have an endpoint of their own.
    merge(&server, &target, json!({"spec": {"finalizers": []}})).expect("a patch");
    assert!(server.get(&target).is_ok());
    let mut body = server.get(&target).expect("the namespace").value().clone();
    body["spec"]["finalizers"] = json!([]);
    server.update(&target.clone().sub("finalize"), body, &WriteOptions::default()).expect("finalized");
    assert_eq!(refusal(server.get(&target)).0, 404);
    for name in ["default", "kube-system"] {
        assert_eq!(
            refusal(server.delete(&namespaces().named(name), &DeleteOptions::default())),
            (403, "Forbidden".to_owned())
        );
    }
}
