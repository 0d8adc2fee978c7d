//! Volumes and claims: who they were bound to.
//!
//! A restored volume keeps the name of its claim, and a restored claim the name of its volume, so that exactly this pair
//! binds again; the uids and the marks of the old binding go, since the binder takes a claim that says it is bound to a
//! volume that does not know it for lost.

use serde_json::Value;

use super::{Mapping, map_namespace};
use crate::restore::clean::remove_nested;

/// Annotations by which the binder remembers what it did.
const BINDING: [&str; 4] = [
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
    "volume.alpha.kubernetes.io/selected-node",
];

pub(super) fn reset_volume(object: &mut Value, mapping: &Mapping) {
    if let Some(claim) = object.pointer_mut("/spec/claimRef").and_then(Value::as_object_mut) {
        claim.remove("uid");
        claim.remove("resourceVersion");
    }
    map_namespace(object.pointer_mut("/spec/claimRef"), mapping);
}

pub(super) fn reset_claim(object: &mut Value) {
    for annotation in BINDING {
        remove_nested(object, "/metadata/annotations", annotation);
    }
}

/// Frees the claim from its volume: it asks for one like any new claim.
pub(in crate::restore) fn unbind(object: &mut Value) -> bool {
    object.get_mut("spec").and_then(Value::as_object_mut).is_some_and(|spec| spec.remove("volumeName").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Mapping, reset_claim, reset_volume, unbind};

    #[test]
    fn a_volume_keeps_the_name_of_its_claim_only() {
        let mut volume =
            json!({"spec": {"claimRef": {"namespace": "shop", "name": "data", "uid": "1", "resourceVersion": "2"}}});
        reset_volume(&mut volume, &Mapping::from([("shop".to_owned(), "copy".to_owned())]));
        assert_eq!(volume, json!({"spec": {"claimRef": {"namespace": "copy", "name": "data"}}}));
    }

    #[test]
    fn a_claim_forgets_that_it_was_bound() {
        let mut claim = json!({"metadata": {"name": "data", "annotations": {"pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes"}}, "spec": {"volumeName": "disk"}});
        reset_claim(&mut claim);
        assert_eq!(claim, json!({"metadata": {"name": "data"}, "spec": {"volumeName": "disk"}}));
        assert!(unbind(&mut claim));
        assert!(!unbind(&mut claim));
    }
}
