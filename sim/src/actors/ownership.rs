//! How a controller tells its own objects: by owner reference, adopting orphans that match its selector and releasing
//! what no longer does.

use serde_json::{Value, json};

use super::access::{Access, Coordinates, controller, is_deleting, items, text};
use super::selector::selects;
use crate::object::Object;

/// The objects of `kind` that `owner` controls. An orphan that `wanted` accepts gets a controller reference if the owner
/// lives; an owned one that `wanted` rejects loses it.
pub(super) fn claim(
    access: Access<'_>,
    owner_kind: Coordinates,
    owner: &Object,
    kind: Coordinates,
    wanted: impl Fn(&Object) -> bool,
) -> Vec<Object> {
    let mut claimed = Vec::new();
    for object in access.list(&kind.target(owner.namespace(), None)) {
        match controller(object.value()) {
            Some(reference) if text(reference, "/uid") == Some(owner.uid()) => {
                if wanted(&object) || is_deleting(owner) {
                    claimed.push(object);
                } else {
                    release(access, kind, &object, owner.uid());
                }
            }
            None if wanted(&object) && !is_deleting(owner) && !is_deleting(&object) => {
                claimed.extend(adopt(access, owner_kind, owner, kind, &object));
            }
            _ => {}
        }
    }
    claimed
}

/// Whether the owner's `spec.selector` selects the object.
pub(super) fn selected(owner: &Object, object: &Object) -> bool {
    selects(&owner.value()["spec"]["selector"], object.labels())
}

fn adopt(
    access: Access<'_>,
    owner_kind: Coordinates,
    owner: &Object,
    kind: Coordinates,
    object: &Object,
) -> Option<Object> {
    let mut references = items(object.value(), "/metadata/ownerReferences").to_vec();
    references.retain(|reference| text(reference, "/uid") != Some(owner.uid()));
    references.push(owner_kind.controller_reference(owner));
    patch_references(access, kind, object, references)
}

fn release(access: Access<'_>, kind: Coordinates, object: &Object, owner: &str) {
    let mut references = items(object.value(), "/metadata/ownerReferences").to_vec();
    references.retain(|reference| text(reference, "/uid") != Some(owner));
    patch_references(access, kind, object, references);
}

/// Replaces the owner references of this very object, at the revision it was read at.
fn patch_references(access: Access<'_>, kind: Coordinates, object: &Object, references: Vec<Value>) -> Option<Object> {
    let references = if references.is_empty() { Value::Null } else { Value::Array(references) };
    let patch = json!({"metadata": {
        "uid": object.uid(),
        "resourceVersion": object.value()["metadata"]["resourceVersion"],
        "ownerReferences": references,
    }});
    access.merge(&kind.target(object.namespace(), Some(object.name())), patch)
}
