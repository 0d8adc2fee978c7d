//! The owners of an object after a write of its scale, which knows one field of it: the number of replicas.
//!
//! A real server notes such a write on the scale and carries the owners over and back. On the way updaters of the object lose the field,
//! even where it is theirs still, and its owner is written without a time, beside what else it owns.

use serde_json::Value;

use super::Write;
use super::managers::{Manager, Managers, Owned, encode};
use super::set::FieldSet;
use crate::meta;

/// The version of every scale.
const SCALE: &str = "autoscaling/v1";

/// The entries of `metadata.managedFields`.
pub(super) fn note(write: &Write<'_>, managers: &Managers, old: &Value, new: &Value) -> Value {
    let path = write.def.subresource("scale").map(|sub| sub.scale.spec_replicas.clone()).unwrap_or_default();
    let mut replicas = FieldSet::default();
    replicas.insert_path(&path.split('.').filter(|key| !key.is_empty()).collect::<Vec<_>>());
    let owns = |owned: &Owned| !owned.set.intersection(&replicas).is_empty();
    let changed = meta::at(old, &path) != meta::at(new, &path);
    let writer = Manager::updater(write.manager, SCALE, write.subresource);
    // Appliers are the same in every version, updaters of the object are strangers to those of its scale.
    let known = managers.0.iter().filter(|(_, owned)| owns(owned) && !changed).map(|(manager, _)| manager.clone());
    let mut owners: Vec<Manager> = known.collect();
    // A scale does not show that there are none.
    if changed && meta::at(new, &path).is_some_and(|count| *count != 0) {
        owners.push(writer);
    }
    let mut entries = Vec::new();
    for (manager, owned) in &managers.0 {
        let mut owned = owned.clone();
        if owns(&owned) {
            if let Some(place) = owners.iter().position(|owner| owner.applies && owner == manager) {
                owners.remove(place);
            } else {
                owned.set = owned.set.difference(&replicas);
            }
        }
        if !owned.set.is_empty() {
            entries.push((manager.clone(), owned));
        }
    }
    for owner in owners {
        entries.push((owner, Owned { set: replicas.clone(), api_version: write.def.api_version(), time: None }));
    }
    encode(entries.iter().map(|(manager, owned)| (manager, owned)))
}
