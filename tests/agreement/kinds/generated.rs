//! Custom resources whose definitions are made from a fixed seed: the same for every script and for both servers.
//!
//! A definition is a number of fields; each comes with its schema, values that a server takes and values that it refuses, prunes or
//! defaults. Scope, subresources and a second version go by the definition's number, so that every pair of them is there.
//!
//! Left out, because the simulator differs there: reading and writing through a version with fewer fields than the stored one,
//! defaults that a definition got after an object was stored, two wrong fields at once (a real server names several in any
//! order), a scale of the wrong type, a status of `null` in an apply, and an apply of a wrong type in a set.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Extra, Kind, Poisons};
use crate::script::Dice;

mod fields;

use fields::Field;

const GROUP: &str = "made.example.com";

/// How many there are.
const COUNT: usize = 6;

/// One definition and what its objects are made of.
#[expect(clippy::struct_excessive_bools, reason = "a definition has these parts or not, each by itself")]
struct Made {
    fields: Vec<(String, Field)>,
    cluster: bool,
    status: bool,
    scale: bool,
    /// Whether there is a second version, of the same schema.
    two: bool,
}

static MADE: LazyLock<Vec<Made>> = LazyLock::new(|| (0..COUNT).map(Made::new).collect());

static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| vec![kind::<0>(), kind::<1>(), kind::<2>(), kind::<3>(), kind::<4>(), kind::<5>()]);

/// The kinds of the definitions.
pub(super) fn kinds() -> &'static [Kind] {
    &KINDS
}

/// The definitions themselves.
pub(super) fn definitions() -> Vec<Value> {
    MADE.iter().enumerate().map(|(number, made)| made.definition(number)).collect()
}

impl Made {
    fn new(number: usize) -> Self {
        let mut dice = Dice::named(1, "generated definitions", number as u64);
        // Every sort of field is in one of the definitions at least.
        let sorts = (number * 4..number * 4 + 4).chain((0..6).map(|_| dice.below(fields::SORTS)));
        let sorts: Vec<usize> = sorts.map(|sort| sort % fields::SORTS).collect();
        let fields = sorts.into_iter().enumerate();
        let fields = fields.map(|(at, sort)| (format!("f{at}"), Field::new(&mut dice, sort))).collect();
        Self {
            fields,
            cluster: number % 4 == 1,
            status: number % 2 == 1,
            scale: number.is_multiple_of(3),
            two: number > 2,
        }
    }

    fn schema(&self) -> Value {
        let mut spec = json!({"type": "object", "properties": {"replicas": {"type": "integer", "format": "int32"}}});
        for (name, field) in &self.fields {
            spec["properties"][name] = field.schema.clone();
        }
        spec["required"] = json!(["f0"]);
        let status = json!({"type": "object", "properties": {"replicas": {"type": "integer", "minimum": 0},
            "selector": {"type": "string"}, "phase": {"type": "string", "enum": ["up", "down"], "default": "up"},
            "conditions": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
                "items": {"type": "object", "required": ["type"], "properties": {
                    "type": {"type": "string"}, "status": {"type": "string", "maxLength": 7}}}}}});
        json!({"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {"spec": spec, "status": status}}})
    }

    fn definition(&self, number: usize) -> Value {
        let mut subresources = json!({});
        if self.status {
            subresources["status"] = json!({});
        }
        if self.scale {
            subresources["scale"] = json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector"});
        }
        let version = |name: &str, storage: bool| {
            json!({"name": name, "served": true, "storage": storage, "subresources": subresources, "schema": self.schema(),
                "additionalPrinterColumns": [{"name": "First", "type": "string", "jsonPath": ".spec.f0"},
                    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]})
        };
        let mut versions = vec![version("v1", true)];
        if self.two {
            versions.push(version("v2", false));
        }
        let scope = if self.cluster { "Cluster" } else { "Namespaced" };
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("made{number}s.{GROUP}")},
            "spec": {"group": GROUP, "scope": scope, "versions": versions, "names": {"plural": format!("made{number}s"),
                "singular": format!("made{number}"), "kind": format!("Made{number}"), "listKind": format!("Made{number}List")}}})
    }

    fn poisons(&self) -> Poisons {
        let mut poisons = vec![("/spec", "null"), ("/spec", "{}"), ("/spec/odd", "1"), ("/spec/replicas", "\"x\"")];
        for (name, field) in &self.fields {
            let pointer: &'static str = format!("/spec/{name}").leak();
            poisons.extend(field.bad.iter().map(|bad| (pointer, &*bad.to_string().leak())));
            poisons.push((pointer, "null"));
        }
        poisons.leak()
    }

    /// A look at the other version, and a write through it.
    fn extras(&self, number: usize) -> &'static [Extra] {
        if !self.two {
            return &[];
        }
        let place = if self.cluster { "" } else { "/namespaces/{place}" };
        let path = format!("/apis/{GROUP}/v2{place}/made{number}s/{{name}}").leak();
        let extra =
            Extra { what: "get the other version", method: "GET", path, content_type: "application/json", body: "" };
        let body = r#"{"spec":{"replicas":5},"metadata":{"labels":{"other":"version"}}}"#;
        let merge = "application/merge-patch+json";
        vec![extra, Extra { what: "patch the other version", method: "PATCH", path, content_type: merge, body }].leak()
    }
}

fn kind<const NUMBER: usize>() -> Kind {
    let made = &MADE[NUMBER];
    Kind {
        kind: format!("Made{NUMBER}").leak(),
        api_version: format!("{GROUP}/v1").leak(),
        plural: format!("made{NUMBER}s").leak(),
        namespaced: !made.cluster,
        variant: variant::<NUMBER>,
        poisons: made.poisons(),
        status: if made.status { Some(status) } else { None },
        status_poisons: &[
            ("/status/phase", "\"sideways\""),
            ("/status/phase", "null"),
            ("/status/replicas", "-1"),
            ("/status/conditions", "[{\"type\":\"A\"},{\"type\":\"A\"}]"),
            ("/status/conditions", "[{\"status\":\"longer than that\"}]"),
            ("/status/odd", "1"),
            ("/spec/replicas", "7"),
            ("/metadata/labels", "{\"new\":\"label\"}"),
        ],
        extras: made.extras(NUMBER),
        ..Kind::DEFAULT
    }
}

fn variant<const NUMBER: usize>(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"replicas": dice.below(4)});
    for (name, field) in &MADE[NUMBER].fields {
        if name == "f0" || dice.once_in(2) {
            spec[name] = dice.one(&field.good).clone();
        }
    }
    json!({ "spec": spec })
}

fn status(dice: &mut Dice) -> Value {
    let mut status = json!({"replicas": dice.below(3)});
    if dice.once_in(2) {
        status["conditions"] = json!([{"type": *dice.one(&["A", "B"]), "status": "True"}]);
    }
    if dice.once_in(2) {
        status["selector"] = "app=a".into();
    }
    status
}
