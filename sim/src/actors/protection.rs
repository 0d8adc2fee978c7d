//! The protection finalizers of volumes and claims.
//!
//! A claim that a scheduled pod uses and a volume that is bound are not deleted under their users: the finalizers
//! `kubernetes.io/pvc-protection` and `kubernetes.io/pv-protection` keep them terminating until they are free. The server sets both while
//! it creates the object; the actor sets them where they are missing.

use super::access::{Access, CLAIMS, Coordinates, PODS, VOLUMES, finalizers, is_deleting, text};
use super::pods::claim_names;
use crate::object::Object;

const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

pub(super) fn pass(access: Access<'_>) {
    for claim in access.all(CLAIMS) {
        protect(access, CLAIMS, &claim, CLAIM_PROTECTION, || used(access, &claim));
    }
    for volume in access.all(VOLUMES) {
        protect(access, VOLUMES, &volume, VOLUME_PROTECTION, || text(volume.value(), "/status/phase") == Some("Bound"));
    }
}

fn protect(access: Access<'_>, kind: Coordinates, object: &Object, finalizer: &str, used: impl Fn() -> bool) {
    let mut wanted = finalizers(object);
    let protected = wanted.contains(&finalizer);
    match (is_deleting(object), protected) {
        (false, false) => wanted.push(finalizer),
        (true, true) if !used() => wanted.retain(|found| *found != finalizer),
        _ => return,
    }
    let target = kind.target(object.namespace(), Some(object.name()));
    access.set_finalizers(&target, object, &wanted);
}

/// Whether a pod that has a node names the claim; a finished pod counts until it is deleted.
fn used(access: Access<'_>, claim: &Object) -> bool {
    access.list(&PODS.target(claim.namespace(), None)).iter().any(|pod| {
        text(pod.value(), "/spec/nodeName").is_some_and(|node| !node.is_empty())
            && claim_names(pod.value()).contains(&claim.name())
    })
}
