//! Service accounts, their tokens, and the subjects of role bindings.

use serde_json::Value;

use super::{Mapping, map_namespace};
use crate::restore::clean::remove_nested;
use crate::restore::never::is_generated_token;

/// Drops references to tokens that the old cluster generated; the new one issues its own.
pub(super) fn reset_service_account(object: &mut Value, notes: &mut Vec<String>) {
    let account = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(secrets) = object.get_mut("secrets").and_then(Value::as_array_mut) else { return };
    let before = secrets.len();
    secrets.retain(|secret| {
        !secret.get("name").and_then(Value::as_str).is_some_and(|name| is_generated_token(&account, name))
    });
    if secrets.len() < before {
        notes.push("its generated token is issued anew".into());
    }
    if secrets.is_empty() {
        remove_nested(object, "", "secrets");
    }
}

/// A token that a person asked for is asked for again: without the old token and the old account's uid the token
/// controller of the cluster fills it in.
pub(super) fn reset_secret(object: &mut Value, notes: &mut Vec<String>) {
    if object.get("type").and_then(Value::as_str) != Some("kubernetes.io/service-account-token") {
        return;
    }
    if let Some(object) = object.as_object_mut()
        && object.remove("data").is_some()
    {
        notes.push("its token is issued anew by this cluster".into());
    }
    remove_nested(object, "/metadata/annotations", "kubernetes.io/service-account.uid");
    remove_nested(object, "/metadata/labels", "kubernetes.io/legacy-token-last-used");
}

/// Subjects that are service accounts of a mapped namespace follow it.
pub(super) fn map_subjects(object: &mut Value, mapping: &Mapping) {
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject.get("kind").and_then(Value::as_str) == Some("ServiceAccount") {
            map_namespace(Some(subject), mapping);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Mapping, map_subjects, reset_secret, reset_service_account};

    #[test]
    fn generated_tokens_go_and_others_stay() {
        let mut account =
            json!({"metadata": {"name": "shop"}, "secrets": [{"name": "shop-token-abcde"}, {"name": "registry"}]});
        reset_service_account(&mut account, &mut Vec::new());
        assert_eq!(account["secrets"], json!([{"name": "registry"}]));
    }

    #[test]
    fn a_requested_token_is_requested_again() {
        let mut secret = json!({"type": "kubernetes.io/service-account-token", "data": {"token": "x"}, "metadata": {"name": "t",
            "annotations": {"kubernetes.io/service-account.name": "shop", "kubernetes.io/service-account.uid": "1"}}});
        reset_secret(&mut secret, &mut Vec::new());
        assert_eq!(
            secret,
            json!({"type": "kubernetes.io/service-account-token", "metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "shop"}}})
        );
        let opaque = json!({"type": "Opaque", "data": {"a": "b"}});
        let mut after = opaque.clone();
        reset_secret(&mut after, &mut Vec::new());
        assert_eq!(after, opaque);
    }

    #[test]
    fn only_service_accounts_of_mapped_namespaces_follow() {
        let mut binding = json!({"subjects": [{"kind": "ServiceAccount", "namespace": "shop"}, {"kind": "ServiceAccount", "namespace": "x"},
            {"kind": "User", "name": "shop"}]});
        map_subjects(&mut binding, &Mapping::from([("shop".to_owned(), "copy".to_owned())]));
        assert_eq!(binding["subjects"][0]["namespace"], "copy");
        assert_eq!(binding["subjects"][1]["namespace"], "x");
    }
}
