//! Service accounts.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "ServiceAccount",
    api_version: "v1",
    plural: "serviceaccounts",
    variant: account,
    poisons: &[
        ("/secrets", "[{\"name\":\"a\",\"namespace\":\"elsewhere\",\"kind\":\"Secret\",\"uid\":\"u\"}]"),
        ("/secrets", "[{}]"),
        ("/secrets", "[null]"),
        ("/secrets", "[]"),
        ("/secrets", "{\"name\":\"a\"}"),
        ("/imagePullSecrets", "[{\"name\":\"\"}]"),
        ("/imagePullSecrets", "[{\"name\":5}]"),
        ("/imagePullSecrets", "null"),
        ("/automountServiceAccountToken", "\"yes\""),
        ("/automountServiceAccountToken", "null"),
        ("/metadata/annotations", "{\"kubernetes.io/enforce-mountable-secrets\":\"true\"}"),
        ("/spec", "{}"),
    ],
    ..Kind::DEFAULT
}];

fn account(dice: &mut Dice, _: &str) -> Value {
    let mut account = json!({});
    if dice.once_in(2) {
        account["automountServiceAccountToken"] = dice.once_in(2).into();
    }
    if dice.once_in(2) {
        account["secrets"] = json!([{"name": *dice.one(&["a", "b"]), "namespace": "x"}, {"name": "c"}]);
    }
    if dice.once_in(2) {
        account["imagePullSecrets"] = json!([{"name": "pull"}, {"name": *dice.one(&["a", "b"])}]);
    }
    account
}
