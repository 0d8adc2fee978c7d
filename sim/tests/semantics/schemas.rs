//! What is written fits the schema of its kind.

use kubesim::{FieldValidation, Target, WriteOptions};
use serde_json::{Value, json};

use super::{config_maps, create, server};

#[test]
fn unknown_fields_are_dropped_or_refused() {
    let server = server();
    let body = || json!({"metadata": {"name": "a"}, "data": {"a": "1"}, "odd": 1});
    let strict = WriteOptions { field_validation: FieldValidation::Strict, ..WriteOptions::default() };
    let refused = server.create(&config_maps(), body(), &strict).expect_err("a field is unknown");
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"odd\""
        )
    );
    let made = create(&server, &config_maps(), body()).expect("taken without the field");
    assert_eq!(made.value().get("odd"), None);
}

#[test]
fn custom_resources_follow_their_definition() {
    let server = server();
    let spec = json!({"type": "object", "required": ["size"], "properties": {
        "size": {"type": "integer", "minimum": 1}, "color": {"type": "string", "default": "red"}}});
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    let definition = json!({"metadata": {"name": "parts.t.example.com"}, "spec": {
        "group": "t.example.com", "scope": "Cluster", "names": {"plural": "parts", "kind": "Part"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}});
    let definitions = Target::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    create(&server, &definitions, definition).expect("a definition");
    let parts = Target::new("t.example.com", "v1", "parts");
    let part = |spec: Value| json!({"metadata": {"name": "a"}, "spec": spec});
    for (spec, said) in [
        (json!({}), "spec.size: Required value"),
        (json!({"size": 0}), "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
    ] {
        let refused = create(&server, &parts, part(spec)).expect_err("the schema is broken");
        assert_eq!(refused.message, format!("Part.t.example.com \"a\" is invalid: {said}"));
    }
    let made = create(&server, &parts, part(json!({"size": 2, "odd": 1}))).expect("a part");
    assert_eq!(made.value()["spec"], json!({"size": 2, "color": "red"}));
}
