//! What each kind forgets on its way into another cluster: choices that the cluster made for it and makes anew.
//!
//! A reset is a pure function of the object and the namespace mapping; it tolerates every object that an API server would
//! accept and leaves what it does not understand alone. Live objects pass through the same resets before they are
//! compared, so a difference that a reset removes is none. What one took away is said in a note for the log.
//!
//! Namespaces that a spec names (subjects of role bindings, services of webhooks, the claim of a volume) follow the
//! mapping, if the mapping names them.
//!
//! # Differences
//! Ark v0.6 failed on pods without volumes and services without ports, always dropped node ports, cleaned only
//! `default-token-` volumes and no init containers, and mapped `metadata.namespace` only.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::GroupResource;

mod pod;
mod rbac;
mod service;
mod volume;
mod workload;

pub(super) use service::without_node_ports;
pub(super) use volume::unbind;

/// Namespaces by source.
pub(super) type Mapping = BTreeMap<String, String>;

/// Applies the resets of the kind.
pub(super) fn apply(resource: &GroupResource, object: &mut Value, mapping: &Mapping) -> Vec<String> {
    let mut notes = Vec::new();
    match (resource.group.as_str(), resource.resource.as_str()) {
        ("", "pods") => pod::reset(object, &mut notes),
        ("", "services") => service::reset(object, &mut notes),
        ("", "persistentvolumes") => volume::reset_volume(object, mapping),
        ("", "persistentvolumeclaims") => volume::reset_claim(object),
        ("", "serviceaccounts") => rbac::reset_service_account(object, &mut notes),
        ("", "secrets") => rbac::reset_secret(object, &mut notes),
        ("", "namespaces") => workload::reset_namespace(object),
        ("batch", "jobs") => workload::reset_job(object),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => rbac::map_subjects(object, mapping),
        ("admissionregistration.k8s.io", _) => {
            for index in 0..object.get("webhooks").and_then(Value::as_array).map_or(0, Vec::len) {
                map_namespace(object.pointer_mut(&format!("/webhooks/{index}/clientConfig/service")), mapping);
            }
        }
        ("apiregistration.k8s.io", "apiservices") => map_namespace(object.pointer_mut("/spec/service"), mapping),
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            map_namespace(object.pointer_mut("/spec/conversion/webhook/clientConfig/service"), mapping);
        }
        _ => {}
    }
    notes
}

/// Rewrites the `namespace` of a reference, if the mapping names it.
fn map_namespace(reference: Option<&mut Value>, mapping: &Mapping) {
    let Some(namespace) = reference.and_then(|reference| reference.get_mut("namespace")) else { return };
    if let Some(target) = namespace.as_str().and_then(|source| mapping.get(source)) {
        *namespace = Value::from(target.as_str());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Mapping, apply};
    use crate::object::GroupResource;

    #[test]
    fn references_follow_the_mapping() {
        let mapping = Mapping::from([("shop".to_owned(), "copy".to_owned())]);
        let hook = |namespace: &str| json!({"webhooks": [{"clientConfig": {"service": {"namespace": namespace, "name": "web"}}}, {"clientConfig": {"url": "u"}}]});
        let resource = GroupResource::new("admissionregistration.k8s.io", "validatingwebhookconfigurations");
        for (from, to) in [("shop", "copy"), ("other", "other")] {
            let mut object = hook(from);
            apply(&resource, &mut object, &mapping);
            assert_eq!(object, hook(to));
        }
    }

    #[test]
    fn resets_tolerate_objects_without_any_field_and_are_idempotent() {
        for resource in [
            "pods",
            "services",
            "persistentvolumes",
            "persistentvolumeclaims",
            "serviceaccounts",
            "secrets",
            "namespaces",
            "jobs.batch",
            "rolebindings.rbac.authorization.k8s.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
        ] {
            let resource = GroupResource::from(resource.to_owned());
            for object in [json!({}), json!({"spec": null}), json!({"spec": [], "metadata": 3}), json!("text")] {
                let mut once = object.clone();
                apply(&resource, &mut once, &Mapping::new());
                let mut twice = once.clone();
                apply(&resource, &mut twice, &Mapping::new());
                assert_eq!(once, twice, "{resource}");
            }
        }
    }
}
