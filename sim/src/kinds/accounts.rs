//! Service accounts: of the secrets that they name only the names are kept.

use serde_json::{Value, json};

use super::Rules;
use super::pod_spec::read::list_mut;
use crate::meta;
use crate::validate_name;

pub(super) const RULES: Rules = Rules {
    prepare_create: names,
    prepare_update: |_, new| names(new),
    validate_update: |_, new, causes| causes.extend(validate_name::metadata(new)),
    warn: |old, account| {
        let told = |account: &Value| {
            meta::metadata(account).get("annotations").is_some_and(|known| known.get(MOUNTABLE).is_some())
        };
        if told(account) && !old.is_some_and(told) {
            vec![format!(
                "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted \
                 secrets"
            )]
        } else {
            Vec::new()
        }
    },
    ..Rules::NONE
};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

fn names(account: &mut Value) {
    for secret in list_mut(account, "secrets") {
        *secret = match meta::text(secret, "name") {
            "" => json!({}),
            name => json!({"name": name}),
        };
    }
}
