//! Secrets, of every type that means something to a server.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Secret",
    api_version: "v1",
    plural: "secrets",
    variant: secret,
    poisons: &[
        ("/data", "{\"a/b\":\"YQ==\"}"),
        ("/data", "{\"..a\":\"YQ==\"}"),
        ("/data", "{\"a\":\"***\"}"),
        ("/data", "{\"a\":\"YQ\"}"),
        ("/data", "{\"a\":null}"),
        ("/data", "{\"a\":5}"),
        ("/data", "null"),
        ("/data", "{}"),
        ("/stringData", "{\"a\":null,\"z\":\"\"}"),
        ("/stringData", "{\"a b\":\"c\"}"),
        ("/stringData", "{\"a\":5}"),
        ("/stringData", "{}"),
        ("/immutable", "true"),
        ("/immutable", "false"),
        ("/immutable", "\"yes\""),
        ("/type", "\"\""),
        ("/type", "5"),
        ("/type", "\"kubernetes.io/service-account-token\""),
        ("/type", "\"kubernetes.io/dockercfg\""),
        ("/type", "\"kubernetes.io/dockerconfigjson\""),
        ("/type", "\"kubernetes.io/basic-auth\""),
        ("/type", "\"kubernetes.io/ssh-auth\""),
        ("/type", "\"kubernetes.io/tls\""),
    ],
    ..Kind::DEFAULT
}];

fn secret(dice: &mut Dice, _: &str) -> Value {
    match dice.below(12) {
        0..=3 => json!({"data": {"a": *dice.one(&["MQ==", "Mg==", ""]), "b": "dGV4dA=="}}),
        4..=6 => json!({"stringData": {"a": *dice.one(&["1", "two", "<&>"])}, "data": {"a": "MQ==", "c": "AAEC"}}),
        7 => json!({"type": "example.com/own", "stringData": {"x": "y"}}),
        8 => json!({"type": "Opaque", "immutable": true, "data": {"a": *dice.one(&["MQ==", "Mg=="])}}),
        9 => json!({"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": *dice.one(&[
            "{\"auths\":{}}", "{", "", "[]", "{\"a\":x}", "null", "{} {}"])}}),
        10 => {
            json!({"type": "kubernetes.io/tls", "stringData": {"tls.crt": *dice.one(&["", "text"]), "tls.key": "text"}})
        }
        _ => {
            json!({"type": "kubernetes.io/basic-auth", "stringData": {"username": "ada", "password": *dice.one(&["", "x"])}})
        }
    }
}
