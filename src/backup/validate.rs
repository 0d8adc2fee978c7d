//! What makes a Backup impossible to run, said before anything is touched.

use crate::api::BackupSpec;
use crate::object::{IncludesExcludes, LabelSelector};

/// What is wrong with a request, in the words of v0.6 (ark-behaviour §1.1); nothing where it can run.
///
/// # Differences
/// Label selectors are checked too: v0.6 found out half-way and failed.
pub fn validate(spec: &BackupSpec) -> Vec<String> {
    let mut messages = Vec::new();
    for error in IncludesExcludes::validate(&spec.included_resources, &spec.excluded_resources) {
        messages.push(format!("Invalid included/excluded resource lists: {error}"));
    }
    for error in IncludesExcludes::validate(&spec.included_namespaces, &spec.excluded_namespaces) {
        messages.push(format!("Invalid included/excluded namespace lists: {error}"));
    }
    if spec.snapshot_volumes == Some(true) {
        // No provider can be configured in this version.
        messages.push("Server is not configured for PV snapshots".to_owned());
    }
    if let Err(error) = LabelSelector::from_api(spec.label_selector.as_ref()) {
        messages.push(format!("Invalid label selector: {error}"));
    }
    for hook in &spec.hooks.resources {
        if let Err(error) = LabelSelector::from_api(hook.label_selector.as_ref()) {
            messages.push(format!("Invalid label selector of hook {:?}: {error}", hook.name));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::validate;

    #[test]
    fn messages_are_those_of_v0_6_in_its_order() {
        let check = |spec| validate(&serde_json::from_value(spec).expect("a spec"));
        assert_eq!(check(json!({})), Vec::<String>::new());
        assert_eq!(check(json!({"includedNamespaces": ["*"], "labelSelector": {}, "snapshotVolumes": false})), [""; 0]);
        assert_eq!(
            check(json!({
                "includedResources": ["*", "pods"],
                "includedNamespaces": ["shop"],
                "excludedNamespaces": ["*", "shop"],
                "snapshotVolumes": true,
            })),
            [
                "Invalid included/excluded resource lists: includes list must either contain '*' only, or a non-empty list of items",
                "Invalid included/excluded namespace lists: excludes list cannot contain '*'",
                "Invalid included/excluded namespace lists: excludes list cannot contain an item in the includes list: shop",
                "Server is not configured for PV snapshots",
            ]
        );
        let selector = json!({"matchExpressions": [{"key": "app", "operator": "Near", "values": ["x"]}]});
        let messages = check(
            json!({"labelSelector": selector, "hooks": {"resources": [{"name": "h", "labelSelector": selector}]}}),
        );
        assert!(messages[0].starts_with("Invalid label selector: "), "{messages:?}");
        assert!(messages[1].starts_with("Invalid label selector of hook \"h\": "), "{messages:?}");
    }
}
