//! What is wrong with a Restore before anything is read (ark-behaviour §1.2).
//!
//! # Differences
//! * Label selectors, namespace mappings and resource names that are never restored are checked; v0.6 knew `nodes` only,
//!   and added it to the object's excludes.
//! * `restorePVs: true` is always refused: this version restores no volume from a snapshot.

use crate::api::RestoreSpec;
use crate::object::{IncludesExcludes, LabelSelector};

use super::never;

/// Longest name of a namespace.
const NAMESPACE_MAX: usize = 63;

/// The validation errors, in the order of v0.6 and then what it did not check; empty where the spec is fine.
pub fn validate(spec: &RestoreSpec) -> Vec<String> {
    let mut errors = Vec::new();
    if spec.backup_name.is_empty() {
        errors
            .push("BackupName must be non-empty and correspond to the name of a backup in object storage.".to_owned());
    }
    for name in never::resource_names() {
        if spec.included_resources.contains(&name) {
            errors.push(format!("{name} are a non-restorable resource"));
        }
    }
    for error in IncludesExcludes::validate(&spec.included_namespaces, &spec.excluded_namespaces) {
        errors.push(format!("Invalid included/excluded namespace lists: {error}"));
    }
    for error in IncludesExcludes::validate(&spec.included_resources, &spec.excluded_resources) {
        errors.push(format!("Invalid included/excluded resource lists: {error}"));
    }
    if spec.restore_pvs == Some(true) {
        errors.push("Server is not configured for PV snapshot restores".to_owned());
    }
    if let Err(error) = LabelSelector::from_api(spec.label_selector.as_ref()) {
        errors.push(format!("Invalid label selector: {error}"));
    }
    for (source, target) in &spec.namespace_mapping {
        if source.is_empty() || !is_dns_label(target) {
            errors.push(format!(
                "Invalid namespace mapping: {source}:{target} does not name a namespace to restore into"
            ));
        }
    }
    errors
}

/// Whether the text can be the name of a namespace (RFC 1123).
fn is_dns_label(text: &str) -> bool {
    let inner = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    !text.is_empty() && text.len() <= NAMESPACE_MAX && inner && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::validate;
    use crate::api::RestoreSpec;

    #[test]
    fn messages_are_those_of_v0_6_in_its_order() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let spec = RestoreSpec {
            included_namespaces: texts(&["a", "*"]),
            included_resources: texts(&["nodes"]),
            excluded_resources: texts(&["*"]),
            restore_pvs: Some(true),
            namespace_mapping: BTreeMap::from([("shop".to_owned(), "No".to_owned())]),
            ..RestoreSpec::default()
        };
        assert_eq!(
            validate(&spec),
            [
                "BackupName must be non-empty and correspond to the name of a backup in object storage.",
                "nodes are a non-restorable resource",
                "Invalid included/excluded namespace lists: includes list must either contain '*' only, or a non-empty list of items",
                "Invalid included/excluded resource lists: excludes list cannot contain '*'",
                "Server is not configured for PV snapshot restores",
                "Invalid namespace mapping: shop:No does not name a namespace to restore into",
            ]
        );
        assert!(validate(&RestoreSpec { backup_name: "nightly".into(), ..RestoreSpec::default() }).is_empty());
    }
}
