//! Kinds of the core group.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "ConfigMap",
    api_version: "v1",
    plural: "configmaps",
    variant: config_map,
    poisons: &[
        ("/data", "{\"a/b\":\"c\"}"),
        ("/data", "{\"a\":5}"),
        ("/data", "5"),
        ("/data", "null"),
        ("/binaryData", "{\"a\":\"***\"}"),
        ("/binaryData", "{\"b\":\"AAEC\"}"),
        ("/immutable", "true"),
    ],
    ..Kind::DEFAULT
}];

fn config_map(dice: &mut Dice, _: &str) -> Value {
    let mut map = json!({"data": {"a": *dice.one(&["1", "2"]), "b": "text"}});
    if dice.once_in(4) {
        map["binaryData"] = json!({"c": "AAEC"});
    }
    map
}
