//! Namespaces, with the endpoint for the finalizers of their content.

use serde_json::{Value, json};

use super::{Extra, Kind};
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Namespace",
    api_version: "v1",
    plural: "namespaces",
    namespaced: false,
    variant: namespace,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "5"),
        ("/spec/finalizers", "[]"),
        ("/spec/finalizers", "[\"kubernetes\"]"),
        ("/spec/finalizers", "[\"odd\"]"),
        ("/spec/finalizers", "[\"a b/c\"]"),
        ("/spec/finalizers", "[\"\"]"),
        ("/spec/finalizers", "[5]"),
        ("/status", "{\"phase\":\"Terminating\"}"),
        ("/metadata/name", "\"with.dots\""),
        ("/metadata/labels", "{\"kubernetes.io/metadata.name\":\"other\"}"),
        ("/spec/odd", "1"),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/phase", "\"Terminating\""),
        ("/status/phase", "\"Odd\""),
        ("/status/phase", "\"\""),
        ("/status/conditions", "[{\"type\":\"A\",\"status\":5}]"),
        ("/status", "null"),
        ("/metadata/labels", "{\"a b\":\"c\"}"),
        ("/metadata/finalizers", "[\"example.com/keep\"]"),
    ],
    extras: &[
        finalize(RELEASED),
        finalize(RELEASED),
        finalize(HELD),
        finalize(WRONG),
        finalize(NOTHING),
        finalize(OTHER),
        Extra { what: "get finalize", method: "GET", path: "/finalize", content_type: "application/json", body: "" },
    ],
    ..Kind::DEFAULT
}];

/// A write of the finalizers of the content.
const fn finalize(body: &'static str) -> Extra {
    Extra { what: "finalize", method: "PUT", path: "/finalize", content_type: "application/json", body }
}

const RELEASED: &str = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{name}","labels":{"script":"{place}"}},"spec":{"finalizers":[]}}"#;
const HELD: &str = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{name}","labels":{"script":"{place}"}},"spec":{"finalizers":["kubernetes","example.com/x"]},"status":{"phase":"Odd"}}"#;
const WRONG: &str =
    r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{name}"},"spec":{"finalizers":["odd","a b/c"]}}"#;
const NOTHING: &str = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{name}"}}"#;
const OTHER: &str = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}"#;

fn namespace(dice: &mut Dice, _: &str) -> Value {
    match dice.below(4) {
        0 => json!({"spec": {"finalizers": ["example.com/x"]}}),
        1 => json!({"spec": {}}),
        _ => json!({}),
    }
}

fn status(dice: &mut Dice) -> Value {
    let mut status = json!({"phase": "Active"});
    if dice.once_in(2) {
        status["conditions"] = json!([{"type": "NamespaceContentRemaining", "status": *dice.one(&["True", "False"]), "reason": "R",
            "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    }
    status
}
