//! What every namespace gets, and tokens for accounts.

use kubesim::Propagation::Background;
use serde_json::{Value, json};

use super::World;

const SECRETS: &str = "v1/secrets";
const ACCOUNTS: &str = "v1/serviceaccounts";

fn token_secret(account: &str) -> Value {
    json!({
        "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": account}},
        "type": "kubernetes.io/service-account-token",
    })
}

#[test]
fn every_namespace_has_its_account_and_certificate() {
    let mut world = World::all();
    world.settle();
    for namespace in ["default", "kube-system", "t"] {
        let found = world.get("v1/configmaps", namespace, "kube-root-ca.crt");
        assert!(found["data"]["ca.crt"].as_str().expect("a certificate").starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(world.find(ACCOUNTS, namespace, "default").is_some());
    }
    world.patch("v1/configmaps", "t", "kube-root-ca.crt", json!({"data": {"ca.crt": "another cluster's"}}));
    world.delete(ACCOUNTS, "t", "default", Background);
    world.settle();
    assert_ne!(world.get("v1/configmaps", "t", "kube-root-ca.crt")["data"]["ca.crt"], "another cluster's");
    assert!(world.find(ACCOUNTS, "t", "default").is_some());
}

#[test]
fn a_secret_that_names_an_account_gets_a_token() {
    let mut world = World::all();
    let account = world.create(ACCOUNTS, "t", json!({"metadata": {"name": "shop"}}));
    world.create(SECRETS, "t", token_secret("shop"));
    world.settle();
    let secret = world.get(SECRETS, "t", "s");
    assert_eq!(secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"], account.uid());
    let keys: Vec<&String> = secret["data"].as_object().expect("data").keys().collect();
    assert_eq!(keys, ["ca.crt", "namespace", "token"]);
    assert_eq!(secret["data"]["namespace"], "dA==");
    world.delete(ACCOUNTS, "t", "shop", Background);
    world.settle();
    assert!(world.find(SECRETS, "t", "s").is_none(), "it goes with its account");
}

#[test]
fn a_restored_token_of_another_account_uid_is_deleted() {
    let mut world = World::all();
    world.create(ACCOUNTS, "t", json!({"metadata": {"name": "shop"}}));
    let mut restored = token_secret("shop");
    restored["metadata"]["annotations"]["kubernetes.io/service-account.uid"] =
        "00000000-0000-0000-0000-000000000000".into();
    restored["data"] = json!({"token": "b2xk"});
    world.create(SECRETS, "t", restored);
    world.settle();
    assert!(world.find(SECRETS, "t", "s").is_none());
    let mut kept = token_secret("shop");
    kept["data"] = json!({"token": "b2xk"});
    world.create(SECRETS, "t", kept);
    world.settle();
    assert_eq!(world.get(SECRETS, "t", "s")["data"]["token"], "b2xk", "a token that is there stays");
}
