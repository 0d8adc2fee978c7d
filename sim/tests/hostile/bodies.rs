//! Bodies that are small to send and large to hold, or that break a reader's stack.

use serde_json::json;

use super::{send, server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const THINGS: &str = "/apis/t.example.com/v1/namespaces/default/things";

/// A JSON patch of tiny size may not make the object grow without end.
#[test]
fn copies_of_a_patch_are_bounded() {
    let server = server();
    let map = json!({"metadata": {"name": "a"}, "data": {"k": "x".repeat(1000)}});
    send(&server, "POST", MAPS, "application/json", map.to_string().into_bytes());
    let copies: Vec<_> =
        (0..60).map(|n| json!({"op": "copy", "from": "/data", "path": format!("/data/{n}")})).collect();
    let patch = json!(copies).to_string().into_bytes();
    let (status, said) = send(&server, "PATCH", &format!("{MAPS}/a"), "application/json-patch+json", patch);
    assert_eq!((status.as_u16(), said["reason"].as_str()), (413, Some("RequestEntityTooLarge")), "{said}");
}

/// Nor deeper than what a reader of JSON takes.
#[test]
fn depth_is_bounded_whatever_the_way() {
    let server = server();
    // Only a kind without a schema has room for it.
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let definition = json!({"metadata": {"name": "things.t.example.com"}, "spec": {
        "group": "t.example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
    }});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    send(&server, "POST", definitions, "application/json", definition.to_string().into_bytes());
    let things = json!({"apiVersion": "t.example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "data": {}});
    let (status, said) = send(&server, "POST", THINGS, "application/json", things.to_string().into_bytes());
    assert_eq!(status, 201, "{said}");
    let deeper = json!([
        {"op": "add", "path": "/x", "value": {}},
        {"op": "move", "from": "/data", "path": "/x/y"},
        {"op": "move", "from": "/x", "path": "/data"},
    ]);
    let many: Vec<_> = deeper.as_array().expect("a list").iter().cycle().take(9_999).collect();
    let patch = json!(many).to_string().into_bytes();
    let path = format!("{THINGS}/a");
    let (status, said) = send(&server, "PATCH", &path, "application/json-patch+json", patch);
    assert_eq!(status, 400, "{said}");
    // A little at a time.
    let patch = deeper.to_string().into_bytes();
    let refused =
        (0..200).find(|_| send(&server, "PATCH", &path, "application/json-patch+json", patch.clone()).0 == 400);
    assert!(refused.is_some_and(|round| round < 128), "{refused:?}");

    for (content_type, open, close) in [
        ("application/json", "{\"a\":", "}"),
        ("application/json", "[", "]"),
        ("application/yaml", "[", "]"),
        ("application/yaml", "{a: ", "}"),
    ] {
        for depth in [200, 1_900, 100_000] {
            let body = format!(
                "{{\"metadata\": {{\"name\": \"b\"}}, \"data\": {}1{}}}",
                open.repeat(depth),
                close.repeat(depth)
            );
            let (status, said) = send(&server, "POST", MAPS, content_type, body.into_bytes());
            assert_eq!(status, 400, "{content_type} {open} {depth}: {said}");
        }
    }
    let lines: Vec<String> = (0..1_500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let (status, _) = send(&server, "POST", MAPS, "application/yaml", lines.concat().into_bytes());
    assert_eq!(status, 400);
}

/// Aliases that multiply.
#[test]
fn a_yaml_bomb_is_refused() {
    let mut lines = vec!["metadata: {name: b}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for level in 1..10 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        lines.push(format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
    }
    let (status, said) = send(&server(), "POST", MAPS, "application/yaml", lines.concat().into_bytes());
    assert_eq!(status, 400, "{said}");
}
