//! Lists, order and selection, without a cluster.

use serde_json::json;

use super::Plan;
use crate::cluster::{BrokenGroup, Discovery};
use crate::object::ApiResource;

fn resource(group: &str, plural: &str, namespaced: bool) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        singular: String::new(),
        kind: plural.to_uppercase(),
        namespaced,
        preferred: true,
        short_names: Vec::new(),
        verbs: ["create", "delete", "get", "list"].map(str::to_owned).into(),
        subresources: std::collections::BTreeSet::new(),
    }
}

fn discovery() -> Discovery {
    let resources = vec![
        resource("", "configmaps", true),
        resource("", "events", true),
        resource("", "namespaces", false),
        resource("", "persistentvolumeclaims", true),
        resource("", "persistentvolumes", false),
        resource("", "pods", true),
        resource("extensions", "deployments", true),
        resource("extensions", "networkpolicies", true),
        resource("apps", "deployments", true),
        resource("example.com", "deployments", true),
        resource("events.k8s.io", "events", true),
        resource("networking.k8s.io", "networkpolicies", true),
        resource("storage.k8s.io", "storageclasses", false),
    ];
    Discovery { resources, broken: Vec::new() }
}

fn plan(spec: serde_json::Value) -> Plan {
    Plan::new(&serde_json::from_value(spec).expect("a spec"), &discovery()).expect("valid selectors")
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| match &step.namespaces {
            Some(namespaces) => format!("{} in {}", step.resource, namespaces.join(" ")),
            None => step.resource.to_string(),
        })
        .collect()
}

#[test]
fn everything_comes_once_in_order() {
    assert_eq!(
        steps(&plan(json!({}))),
        [
            "pods",
            "persistentvolumeclaims",
            "persistentvolumes",
            "configmaps",
            "events",
            "namespaces",
            "deployments.apps",
            "deployments.example.com",
            "networkpolicies.networking.k8s.io",
            "storageclasses.storage.k8s.io",
        ]
    );
}

#[test]
fn the_three_states_of_cluster_scoped_resources() {
    let scoped = |spec: serde_json::Value| {
        let found = plan(spec);
        let names = steps(&found);
        (
            names.iter().any(|name| name == "storageclasses.storage.k8s.io"),
            found.saves_named_namespaces || names.iter().any(|name| name == "namespaces"),
            found.selection.takes(&resource("", "persistentvolumes", false), None, "pv"),
        )
    };
    for (spec, expected) in [
        (json!({}), (true, true, true)),
        (json!({"includedNamespaces": ["*"]}), (true, true, true)),
        (json!({"includedNamespaces": ["shop"]}), (false, true, true)),
        (json!({"excludedNamespaces": ["blog"]}), (false, true, true)),
        (json!({"includedNamespaces": ["*"], "excludedNamespaces": ["blog"]}), (false, true, true)),
        (json!({"includeClusterResources": false}), (false, true, false)),
        (json!({"includeClusterResources": false, "includedNamespaces": ["shop"]}), (false, true, false)),
        (json!({"includeClusterResources": true}), (true, true, true)),
        (json!({"includeClusterResources": true, "includedNamespaces": ["shop"]}), (true, true, true)),
        (json!({"excludedResources": ["persistentvolumes", "namespaces"]}), (true, false, false)),
    ] {
        assert_eq!(scoped(spec.clone()), expected, "{spec}");
    }
}

#[test]
fn named_namespaces_are_listed_in_order() {
    let found = plan(json!({
        "includedNamespaces": ["shop", "blog", "ops"], "excludedNamespaces": [], "includedResources": ["namespaces", "configmaps"],
    }));
    assert_eq!(steps(&found), ["configmaps in blog ops shop"]);
    assert!(found.saves_named_namespaces);
    let found = plan(json!({"excludedNamespaces": ["blog"], "includedResources": ["namespaces", "configmaps"]}));
    assert_eq!(steps(&found), ["configmaps", "namespaces"]);
    assert!(!found.selection.takes(&resource("", "namespaces", false), None, "blog"));
    assert!(!found.selection.takes(&resource("", "configmaps", true), Some("blog"), "c"));
}

#[test]
fn a_cohabitant_that_is_asked_for_alone_is_stored() {
    assert_eq!(steps(&plan(json!({"includedResources": ["deployments.extensions"]}))), ["deployments.extensions"]);
    assert_eq!(steps(&plan(json!({"includedResources": ["events.events.k8s.io"]}))), ["events.events.k8s.io"]);
    assert_eq!(
        steps(&plan(json!({"includedResources": ["deployments.extensions", "deployments.apps"]}))),
        ["deployments.apps"]
    );
    assert_eq!(
        steps(&plan(json!({"includedResources": ["deployments.extensions", "deployments.example.com"]}))),
        ["deployments.example.com", "deployments.extensions"]
    );
}

#[test]
fn nothing_resolved_selects_nothing_and_warns() {
    let found = plan(json!({"includedResources": ["gadgets"]}));
    assert_eq!(steps(&found), Vec::<String>::new());
    assert_eq!(found.warnings, [r#"resource "gadgets" is not served by the cluster, it selects nothing"#]);
    assert_eq!(found.skipped.len(), discovery().resources.len());
}

#[test]
fn a_broken_group_is_a_warning_that_names_it() {
    let broken = BrokenGroup { group_version: "metrics.k8s.io/v1beta1".to_owned(), reason: "no endpoints".to_owned() };
    let discovery = Discovery { broken: vec![broken], ..discovery() };
    let found = Plan::new(&crate::api::BackupSpec::default(), &discovery).expect("valid");
    assert!(found.warnings[0].contains("metrics.k8s.io/v1beta1") && found.warnings[0].contains("no endpoints"));
}
