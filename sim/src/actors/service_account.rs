//! What a namespace gets without asking: `kube-root-ca.crt`, the account `default`, and tokens for Secrets that name an
//! account.
//!
//! A Secret of type `kubernetes.io/service-account-token` gets `ca.crt`, `namespace` and `token`; a token that is there
//! stays. It is deleted when its account is absent or has another uid than the one in its annotation: what a restore
//! brings back with the old uid disappears again, as in a real cluster.
//!
//! # Differences
//!
//! The certificate authority is made up. Tokens are signed as those of requests are: only this server can verify them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::access::{
    Access, CONFIG_MAPS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS, annotation, entry, is_deleting, set_annotation, text,
};
use crate::access::{LEGACY_ISSUER, account_name};
use crate::object::Object;
use crate::options::Propagation;

const ROOT_CA: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
const DESCRIPTION_KEY: &str = "kubernetes.io/description";
const DEFAULT_ACCOUNT: &str = "default";
const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

pub(super) fn pass(access: Access<'_>) {
    for namespace in access.all(NAMESPACES) {
        if is_deleting(&namespace) {
            continue;
        }
        publish_root_ca(access, namespace.name());
        if access.get(SERVICE_ACCOUNTS, Some(namespace.name()), DEFAULT_ACCOUNT).is_none() {
            let body = json!({"metadata": {"name": DEFAULT_ACCOUNT, "namespace": namespace.name()}});
            access.create(SERVICE_ACCOUNTS, Some(namespace.name()), body);
        }
    }
    for secret in access.all(SECRETS) {
        if text(secret.value(), "/type") == Some(TOKEN_TYPE) && !is_deleting(&secret) {
            sync_token(access, &secret);
        }
    }
}

/// The certificate authority of the simulated cluster: the form of one, not a certificate.
fn root_ca() -> String {
    let body = STANDARD.encode("kubesim: the certificate authority of a cluster in memory");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

fn publish_root_ca(access: Access<'_>, namespace: &str) {
    let data = json!({"ca.crt": root_ca()});
    match access.get(CONFIG_MAPS, Some(namespace), ROOT_CA) {
        None => {
            let metadata = json!({
                "name": ROOT_CA,
                "namespace": namespace,
                "annotations": {DESCRIPTION_KEY: DESCRIPTION},
            });
            access.create(CONFIG_MAPS, Some(namespace), json!({"metadata": metadata, "data": data}));
        }
        Some(found) => {
            let mut body = found.value().clone();
            let annotated = set_annotation(&mut body, DESCRIPTION_KEY, DESCRIPTION);
            if annotated || body["data"] != data {
                body["data"] = data;
                access.update(CONFIG_MAPS, body);
            }
        }
    }
}

fn sync_token(access: Access<'_>, secret: &Object) {
    let Some(name) = annotation(secret.value(), ACCOUNT_NAME) else { return };
    let wanted = annotation(secret.value(), ACCOUNT_UID);
    let account = access
        .get(SERVICE_ACCOUNTS, secret.namespace(), name)
        .filter(|account| wanted.is_none_or(|uid| uid.is_empty() || uid == account.uid()));
    let Some(account) = account else {
        let target = SECRETS.target(secret.namespace(), Some(secret.name()));
        access.delete(&target, secret.uid(), Propagation::Background);
        return;
    };
    let namespace = account.namespace().unwrap_or_default();
    let mut body = secret.value().clone();
    let mut changed = set_annotation(&mut body, ACCOUNT_UID, account.uid());
    let token = access.server.sign_token(&claims(secret, &account));
    let data = entry(&mut body, "data");
    let empty = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(str::is_empty);
    let ca = Value::String(STANDARD.encode(root_ca()));
    if data.get("ca.crt") != Some(&ca) {
        data.insert("ca.crt".to_owned(), ca);
        changed = true;
    }
    for (key, value) in [("namespace", namespace), ("token", token.as_str())] {
        if empty(data.get(key)) {
            data.insert(key.to_owned(), STANDARD.encode(value).into());
            changed = true;
        }
    }
    if changed {
        access.update(SECRETS, body);
    }
}

/// What the token of a secret says; the same secret and account always have the same.
fn claims(secret: &Object, account: &Object) -> Value {
    let namespace = account.namespace().unwrap_or_default();
    json!({
        "iss": LEGACY_ISSUER,
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": secret.name(),
        "kubernetes.io/serviceaccount/service-account.name": account.name(),
        "kubernetes.io/serviceaccount/service-account.uid": account.uid(),
        "sub": account_name(namespace, account.name()),
    })
}
