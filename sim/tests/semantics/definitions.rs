//! Definitions of custom resources, from the object to what is served and back; aggregated APIs.

use kubesim::{ApiServer, DeleteOptions, ListOptions, Options, Patch, ResourceDef, Target, WriteOptions};
use serde_json::{Value, json};

use super::{create, names, refusal, server};

fn definitions() -> Target {
    Target::new("apiextensions.k8s.io", "v1", "customresourcedefinitions")
}

fn gadgets(version: &str) -> Target {
    Target::new("t.example.com", version, "gadgets").in_namespace("default")
}

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let first = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
        "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"color": {"type": "string"}}}}}});
    json!({"metadata": {"name": "gadgets.t.example.com"}, "spec": {
        "group": "t.example.com", "scope": "Namespaced",
        "names": {"plural": "gadgets", "kind": "Gadget", "shortNames": ["gd"], "categories": ["all"]},
        "versions": [
            {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": first,
             "selectableFields": [{"jsonPath": ".spec.color"}],
             "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]},
            {"name": "v1beta1", "served": true, "storage": false, "schema": schema},
            {"name": "v1alpha1", "served": false, "storage": false, "schema": schema},
        ],
    }})
}

fn established() -> ApiServer {
    let server = server();
    create(&server, &definitions(), definition()).expect("a definition");
    server
}

#[test]
fn a_definition_is_established_after_a_step() {
    let server = ApiServer::new(Options { auto_establish: false, ..Options::default() });
    let made = create(&server, &definitions(), definition()).expect("a definition");
    assert_eq!(made.value()["spec"]["names"]["listKind"], "GadgetList");
    assert_eq!(made.value()["status"]["storedVersions"], json!(["v1"]));
    assert!(server.list(&gadgets("v1"), &ListOptions::default()).expect_err("not served").is_plain_404());
    assert!(server.establish_definitions());
    assert!(!server.establish_definitions());
    let seen = server.get(&definitions().named("gadgets.t.example.com")).expect("the definition");
    assert!(seen.resource_version() > made.resource_version());
    let kinds: Vec<_> = seen.value()["status"]["conditions"]
        .as_array()
        .expect("conditions")
        .iter()
        .map(|c| c["type"].clone())
        .collect();
    assert_eq!(kinds, ["NamesAccepted", "Established"]);
    assert_eq!(names(&server, &gadgets("v1"), &ListOptions::default()).len(), 0);
}

#[test]
fn its_versions_are_served_and_convert_by_name() {
    let server = established();
    let def = server.resource("t.example.com", "v1", "gadgets").expect("served");
    assert_eq!((def.singular.as_str(), def.short_names.len(), def.categories.len()), ("gadget", 1, 1));
    assert!(def.has_status() && def.columns[1].json_path.as_deref() == Some(".spec.size"));
    assert!(server.resource("t.example.com", "v1alpha1", "gadgets").is_none());

    let spec = json!({"color": "red", "unknown": null});
    let body = json!({"kind": "Gadget", "metadata": {"name": "a"}, "spec": spec, "status": {"x": 1}});
    create(&server, &gadgets("v1beta1"), body).expect("a gadget");
    for version in ["v1", "v1beta1"] {
        let list = server.list(&gadgets(version), &ListOptions::default()).expect("a list");
        assert_eq!(list.items[0].api_version(), format!("t.example.com/{version}"));
        assert!(list.items[0].value()["spec"].as_object().expect("a spec").contains_key("unknown"));
    }
    let red = ListOptions { field_selector: Some("spec.color=red".to_owned()), ..ListOptions::default() };
    assert_eq!(names(&server, &gadgets("v1"), &red), ["a"]);
    assert_eq!(
        refusal(server.list(
            &gadgets("v1"),
            &ListOptions { field_selector: Some("spec.size=1".to_owned()), ..ListOptions::default() }
        ))
        .0,
        400
    );
    let strategic = Patch::Strategic(json!({}));
    let refused = server.patch(&gadgets("v1").named("a"), &strategic, &WriteOptions::default());
    assert!(refused.expect_err("415").message.contains("application/apply-patch+yaml"));
}

#[test]
fn generation_counts_the_spec_and_not_the_status() {
    let server = established();
    let first =
        create(&server, &gadgets("v1"), json!({"metadata": {"name": "a"}, "spec": {"size": 1}, "status": {"p": 1}}))
            .expect("a gadget");
    assert!(first.value().get("status").is_none());
    let patch = |target: Target, value: Value| {
        let patched = server.patch(&target, &Patch::Merge(value), &WriteOptions::default()).expect("a patch");
        (patched.metadata()["generation"].clone(), patched.value()["spec"]["size"].clone())
    };
    let named = gadgets("v1").named("a");
    assert_eq!(
        patch(named.clone().sub("status"), json!({"spec": {"size": 9}, "status": {"p": 2}})),
        (json!(1), json!(1))
    );
    assert_eq!(patch(named.clone(), json!({"metadata": {"labels": {"a": "b"}}})), (json!(1), json!(1)));
    assert_eq!(patch(named, json!({"spec": {"size": 2}})), (json!(2), json!(2)));
}

#[test]
fn deleting_it_takes_its_objects_along_but_not_those_that_are_held() {
    let server = established();
    create(&server, &gadgets("v1"), json!({"metadata": {"name": "a"}})).expect("a gadget");
    create(&server, &gadgets("v1"), json!({"metadata": {"name": "b", "finalizers": ["t.example.com/keep"]}}))
        .expect("a gadget");
    let named = definitions().named("gadgets.t.example.com");
    server.delete(&named, &DeleteOptions::default()).expect("a deletion");
    assert_eq!(names(&server, &gadgets("v1"), &ListOptions::default()), ["b"]);
    assert_eq!(refusal(create(&server, &gadgets("v1"), json!({"metadata": {"name": "c"}}))).0, 405);
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    server.patch(&gadgets("v1").named("b"), &free, &WriteOptions::default()).expect("let go");
    assert_eq!(refusal(server.get(&named)).0, 404);
    assert!(server.resource("t.example.com", "v1", "gadgets").is_none());
    assert!(server.list(&gadgets("v1"), &ListOptions::default()).expect_err("not served").is_plain_404());
    create(&server, &definitions(), definition()).expect("the same again");
    assert_eq!(names(&server, &gadgets("v1"), &ListOptions::default()).len(), 0);
}

#[test]
fn a_wrong_definition_is_refused() {
    let server = server();
    for (path, value) in [
        ("/metadata/name", json!("x.t.example.com")),
        ("/spec/scope", json!("Everywhere")),
        ("/spec/names/kind", json!("")),
        ("/spec/versions/1/storage", json!(true)),
    ] {
        let mut body = definition();
        *body.pointer_mut(path).expect("a field") = value;
        assert_eq!(refusal(create(&server, &definitions(), body)), (422, "Invalid".to_owned()), "{path}");
    }
}

#[test]
fn an_aggregated_api_can_be_broken() {
    let server = server();
    let metrics = || vec![ResourceDef::new("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false)];
    let target = Target::new("metrics.k8s.io", "v1beta1", "nodes");
    server.set_aggregated("metrics.k8s.io", "v1beta1", metrics(), true);
    assert_eq!(names(&server, &target, &ListOptions::default()).len(), 0);
    server.set_aggregated("metrics.k8s.io", "v1beta1", metrics(), false);
    assert_eq!(refusal(server.list(&target, &ListOptions::default())).0, 503);
    assert_eq!(server.aggregated(), [("metrics.k8s.io".to_owned(), "v1beta1".to_owned(), false)]);
}
