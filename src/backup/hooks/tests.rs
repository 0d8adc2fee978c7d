//! Which commands a pod gets, and what is read of a pod.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::{Command, Hooks, PLAIN, POST, PRE, Pod, PodHooks, TIMEOUT_DEFAULT, from_annotations};
use crate::api::BackupSpec;
use crate::cluster::Discovery;
use crate::object::{ApiResource, GroupResource, RawObject, ResourceMapper};

fn pods() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        singular: "pod".to_owned(),
        kind: "Pod".to_owned(),
        namespaced: true,
        preferred: true,
        short_names: vec!["po".to_owned()],
        verbs: ["create", "delete", "get", "list"].map(str::to_owned).into(),
        subresources: ["exec".to_owned()].into(),
    }
}

fn hooks(resources: serde_json::Value) -> Hooks {
    let mapper = ResourceMapper::new(&Discovery { resources: vec![pods()], broken: Vec::new() });
    let spec: BackupSpec = serde_json::from_value(json!({"hooks": {"resources": resources}})).expect("a spec");
    Hooks::new(&spec, &mapper).expect("selectors are valid").0
}

fn of(hooks: &Hooks, pod: &serde_json::Value) -> PodHooks {
    let raw = RawObject::from_value(pod);
    hooks.of(&GroupResource::new("", "pods"), &raw.head().expect("a pod"))
}

fn programs(commands: &[Command]) -> Vec<&str> {
    commands.iter().map(|command| command.words[0].as_str()).collect()
}

#[test]
fn annotations_read_as_v0_6_and_v0_7_read_them() {
    let one = |pairs: &[(&str, &str)], prefix: &str| {
        let map: BTreeMap<_, _> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        from_annotations(&map, prefix)
    };
    let c = "hook.backup.ark.heptio.com/command";
    assert_eq!(one(&[], PLAIN), None);
    assert_eq!(one(&[(c, "")], PLAIN), None);
    assert_eq!(one(&[("hook.backup.ark.heptio.com/container", "db")], PLAIN), None);
    for (text, command) in [
        ("/usr/bin/foo", vec!["/usr/bin/foo"]),
        ("/usr/bin/foo --bar", vec!["/usr/bin/foo --bar"]),
        (r#"["a","b","c"]"#, vec!["a", "b", "c"]),
        ("[not json", vec!["[not json"]),
        (r#"["a",1]"#, vec![r#"["a",1]"#]),
    ] {
        assert_eq!(one(&[(c, text)], PLAIN).expect("a command").words, command);
    }
    for (text, fail) in [("Continue", false), ("Fail", true), ("continue", true), ("", true)] {
        let read = one(&[(c, "x"), ("hook.backup.ark.heptio.com/on-error", text)], PLAIN).expect("a command");
        assert_eq!(read.fail, fail, "{text}");
    }
    for (text, expected) in [
        ("5m3s", Duration::from_secs(303)),
        ("banana", TIMEOUT_DEFAULT),
        ("0s", TIMEOUT_DEFAULT),
        ("-1s", TIMEOUT_DEFAULT),
    ] {
        let read = one(&[(c, "x"), ("hook.backup.ark.heptio.com/timeout", text)], PLAIN).expect("a command");
        assert_eq!(read.timeout, expected, "{text}");
    }
    let pairs = [("pre.hook.backup.ark.heptio.com/command", "a"), ("post.hook.backup.ark.heptio.com/command", "b")];
    assert_eq!(one(&pairs, PRE).expect("a command").words, ["a"]);
    assert_eq!(one(&pairs, POST).expect("a command").words, ["b"]);
    assert_eq!(one(&pairs, PLAIN), None);
}

#[test]
fn annotations_come_before_the_backups_hooks_for_each_moment_by_itself() {
    let hooks = hooks(json!([
        {"name": "one", "pre": [{"exec": {"command": ["pre-spec"]}}], "post": [{"exec": {"command": ["post-spec"]}}]},
    ]));
    let pod = |annotations: serde_json::Value| json!({"metadata": {"namespace": "shop", "name": "db", "annotations": annotations}});
    let plain = of(&hooks, &pod(json!({})));
    assert_eq!((programs(&plain.pre), programs(&plain.post)), (vec!["pre-spec"], vec!["post-spec"]));
    let mixed = of(&hooks, &pod(json!({"hook.backup.ark.heptio.com/command": "own"})));
    assert_eq!((programs(&mixed.pre), programs(&mixed.post)), (vec!["own"], vec!["post-spec"]));
    let both = of(
        &hooks,
        &pod(json!({"hook.backup.ark.heptio.com/command": "old", "pre.hook.backup.ark.heptio.com/command": "new",
            "post.hook.backup.ark.heptio.com/command": "after"})),
    );
    assert_eq!((programs(&both.pre), programs(&both.post)), (vec!["new"], vec!["after"]));
}

#[test]
fn a_hook_applies_where_namespace_resource_and_labels_match() {
    let exec = json!([{"exec": {"command": ["x"]}}, {}]);
    let pod = json!({"metadata": {"namespace": "shop", "name": "db", "labels": {"app": "db"}}});
    for (hook, applies) in [
        (json!({}), true),
        (json!({"includedNamespaces": ["shop"]}), true),
        (json!({"includedNamespaces": ["blog"]}), false),
        (json!({"excludedNamespaces": ["shop"]}), false),
        (json!({"includedNamespaces": ["*"], "excludedNamespaces": ["blog"]}), true),
        (json!({"includedResources": ["po"]}), true),
        (json!({"includedResources": ["unknown"]}), false),
        (json!({"excludedResources": ["pods"]}), false),
        (json!({"labelSelector": {"matchLabels": {"app": "db"}}}), true),
        (json!({"labelSelector": {"matchLabels": {"app": "web"}}}), false),
        (json!({"labelSelector": {}}), true),
    ] {
        let mut hook = hook;
        hook["hooks"] = exec.clone();
        let hooks = hooks(json!([hook]));
        assert_eq!(of(&hooks, &pod).pre.len(), usize::from(applies), "{hook}");
    }
}

#[test]
fn all_matching_hooks_run_in_order_and_pre_replaces_the_old_list() {
    let hooks = hooks(json!([
        {"name": "a", "hooks": [{"exec": {"command": ["1"]}}, {"exec": {"command": ["2"]}}]},
        {"name": "b", "hooks": [{"exec": {"command": ["old"]}}], "pre": [{"exec": {"command": ["3"], "onError": "Continue"}}]},
    ]));
    let found = of(&hooks, &json!({"metadata": {"namespace": "shop", "name": "db"}}));
    assert_eq!(programs(&found.pre), ["1", "2", "3"]);
    assert_eq!(found.pre.iter().map(|command| command.fail).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(found.pre.iter().map(|command| command.name.as_str()).collect::<Vec<_>>(), ["a", "a", "b"]);
}

#[test]
fn a_pod_names_its_containers_and_claims() {
    let pod = |spec: serde_json::Value| Pod::read(&RawObject::from_value(&json!({"spec": spec}))).expect("a pod");
    let two = pod(json!({
        "containers": [{"name": "db"}, {"name": "proxy"}],
        "initContainers": [{"name": "init"}, {"name": "mesh", "restartPolicy": "Always"}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}},
            {"name": "again", "persistentVolumeClaim": {"claimName": "data-db-0"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "config", "configMap": {"name": "c"}},
        ],
    }));
    assert_eq!(two.claims("db-0"), ["data-db-0", "db-0-scratch"]);
    assert_eq!(two.container(""), Ok("db".to_owned()));
    assert_eq!(two.container("proxy"), Ok("proxy".to_owned()));
    assert_eq!(two.container("mesh"), Ok("mesh".to_owned()));
    assert_eq!(two.container("init"), Err("no such container: \"init\"".to_owned()));
    assert_eq!(pod(json!({})).container(""), Err("need at least 1 container".to_owned()));
}
