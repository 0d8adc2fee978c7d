//! The fields that an endpoint leaves alone, whatever is written to it: nobody owns them by such a write.

use super::set::FieldSet;
use crate::resource::ResourceDef;

/// Of the endpoint of a resource, or of one of its parts.
pub(crate) fn fields(def: &ResourceDef, subresource: Option<&str>) -> FieldSet {
    let mut set = FieldSet::default();
    let kind = (def.group.as_str(), def.plural.as_str());
    let paths: &[&[&str]] = match (subresource, kind) {
        (None, ("certificates.k8s.io", "certificatesigningrequests")) => &[&["spec"], &["status"]],
        (None, _) if def.has_status() => &[&["status"]],
        (Some("status"), ("", "pods")) => {
            &[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]
        }
        (Some("status"), ("apps", "deployments")) => &[&["spec"], &["metadata", "labels"]],
        (Some("status"), ("certificates.k8s.io", "certificatesigningrequests")) => {
            &[&["spec"], &["status", "conditions"]]
        }
        (Some("approval"), _) => &[&["spec"], &["status", "certificate"]],
        (
            Some("status"),
            (
                "flowcontrol.apiserver.k8s.io"
                | "admissionregistration.k8s.io"
                | "apiregistration.k8s.io"
                | "resource.k8s.io",
                _,
            )
            | ("storage.k8s.io", "volumeattachments")
            | ("networking.k8s.io", "servicecidrs"),
        ) => &[&["spec"], &["metadata"]],
        (Some("status"), _) if def.is_custom() => &[&["spec"], &["metadata"]],
        (Some("status"), _) => &[&["spec"]],
        (Some("finalize"), _) => &[&["status"]],
        _ => &[],
    };
    for path in paths {
        set.insert_path(path);
    }
    set
}
