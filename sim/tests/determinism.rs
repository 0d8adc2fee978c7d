//! The same seed and the same calls lead to the same bytes.

use kubesim::actors::Actors;
use kubesim::{ApiServer, DeleteOptions, ListOptions, Options, Patch, Target, WriteOptions};
use serde_json::{Value, json};
use std::time::Duration;

/// A little of everything that draws names, uids, addresses and times; what is stored and logged afterwards.
fn play(seed: u64) -> String {
    let server = ApiServer::new(Options { seed, ..Options::default() });
    let mut actors = Actors::all(&server);
    let create = |resource: Target, body: Value| {
        server.create(&resource, body, &WriteOptions::default()).expect("a valid object");
    };
    actors.settle();
    create(Target::new("", "v1", "namespaces"), json!({"metadata": {"name": "t"}}));
    let pods =
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    let spec = json!({"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": pods});
    create(
        Target::new("apps", "v1", "deployments").in_namespace("t"),
        json!({"metadata": {"name": "web"}, "spec": spec}),
    );
    create(
        Target::new("", "v1", "services").in_namespace("t"),
        json!({"metadata": {"generateName": "s-"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    actors.settle();
    server.clock().advance(Duration::from_secs(90));
    let web = Target::new("apps", "v1", "deployments").in_namespace("t").named("web");
    let patch = Patch::Merge(json!({"spec": {"template": {"metadata": {"annotations": {"v": "2"}}}}}));
    server.patch(&web, &patch, &WriteOptions::default()).expect("the deployment is there");
    actors.settle();
    server.delete(&web, &DeleteOptions::default()).expect("the deployment is there");
    actors.settle();
    let mut seen: Vec<String> = server.log().iter().map(ToString::to_string).collect();
    for resource in server.resources() {
        let target = Target::new(&resource.group, &resource.version, &resource.plural);
        for object in server.list(&target, &ListOptions::default()).into_iter().flat_map(|list| list.items) {
            seen.push(String::from_utf8_lossy(&object.json()).into_owned());
        }
    }
    seen.join("\n")
}

#[test]
fn two_runs_of_one_seed_are_equal_to_the_byte() {
    assert_eq!(play(7), play(7));
}

#[test]
fn another_seed_gives_other_uids() {
    let uids = |text: &str| -> Vec<String> {
        let objects = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        objects.filter_map(|object| object["metadata"]["uid"].as_str().map(str::to_owned)).collect()
    };
    let (one, other) = (uids(&play(7)), uids(&play(8)));
    assert!(!one.is_empty());
    assert!(one.iter().all(|uid| !other.contains(uid)));
}
