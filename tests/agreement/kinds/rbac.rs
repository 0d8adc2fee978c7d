//! Kinds of rbac.authorization.k8s.io.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Role",
    api_version: "rbac.authorization.k8s.io/v1",
    plural: "roles",
    variant: role,
    poisons: &[("/rules", "null"), ("/rules/0/verbs", "[\"get\"]"), ("/rules/0/odd", "1")],
    ..Kind::DEFAULT
}];

fn role(dice: &mut Dice, _: &str) -> Value {
    json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [*dice.one(&["get", "list"]), "watch"]}]})
}
