//! A custom resource.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Thing",
    api_version: "agree.example.com/v1",
    plural: "things",
    variant: thing,
    poisons: &[
        ("/spec/size", "0"),
        ("/spec/size", "1.5"),
        ("/spec/size", "\"x\""),
        ("/spec", "{}"),
        ("/spec", "null"),
        ("/spec/colour", "\"green\""),
        ("/spec/colour", "null"),
        ("/spec/note", "null"),
        ("/spec/note", "\"longer than twenty letters\""),
        ("/spec/tags", "[\"x\",\"x\"]"),
        ("/spec/unknown", "1"),
        ("/status", "{\"phase\":\"x\"}"),
    ],
    ..Kind::DEFAULT
}];

/// The custom resource of the scripts.
pub(super) fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.agree.example.com"},
        "spec": {"group": "agree.example.com", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["size"], "properties": {
                        "size": {"type": "integer", "minimum": 1, "maximum": 100},
                        "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                        "note": {"type": "string", "nullable": true, "maxLength": 20},
                        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "required": ["name"], "properties": {
                                "name": {"type": "string"}, "weight": {"type": "integer", "default": 1}}}},
                        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                        "ratio": {"type": "number"}, "port": {"x-kubernetes-int-or-string": true}}},
                    "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}}]}})
}

fn thing(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"size": 1 + dice.below(9)});
    if dice.once_in(2) {
        spec["parts"] = json!([{"name": "a", "weight": dice.below(5)}, {"name": "b"}]);
    }
    if dice.once_in(3) {
        spec["tags"] = json!(["x", "y"]);
    }
    if dice.once_in(3) {
        spec["free"] = json!({"anything": [1, {"goes": true}]});
    }
    if dice.once_in(4) {
        spec["port"] = if dice.once_in(2) { json!("http") } else { json!(80) };
    }
    json!({"spec": spec})
}
