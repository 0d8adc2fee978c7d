//! Owner references across clusters (design decision 8).
//!
//! A reference is rewritten to the uid that its owner has in this cluster: because the restore created it, or because an
//! object of that kind and name exists. Where there is neither, the reference is dropped with a warning, since the
//! garbage collector deletes what refers to an owner that does not exist.
//!
//! # Differences
//! Ark v0.6 skipped everything that had a controlling owner, later versions dropped all references.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::{Value, json};

use super::clean::{entry_object, remove_nested};
use super::engine::Engine;
use super::outcome::Outcome;
use super::retry;
use super::select::{self, Item, Verdict};
use crate::cluster::ClusterErrorKind;
use crate::object::{ApiResource, OwnerReference};

/// Resource, namespace and name of an owner outside the restore.
pub(super) type OwnerKey = (ApiResource, Option<String>, String);

/// Labels of a job's pods that hold the uid of the job.
const JOB_UID_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

impl Engine<'_> {
    /// The owners of an item that are in the archive.
    pub(super) fn owners<'s>(&'s self, item: &'s Item) -> impl Iterator<Item = usize> + 's {
        let selection = self.selection;
        item.entry
            .owners
            .iter()
            .filter_map(move |owner| select::owner_index(&selection.items, &selection.by_uid, item, owner))
    }

    /// Where to look for an owner that this restore did not make: in the dependent's namespace, or in none.
    fn outside_key(&self, item: &Item, owner: &OwnerReference) -> Option<OwnerKey> {
        let exact = self.mapper.by_kind(&owner.api_version, &owner.kind);
        let by_name = || self.mapper.resolve(&format!("{}.{}", owner.kind, owner.api_version.split_once('/')?.0));
        let resource = exact.or_else(by_name).filter(|resource| !resource.namespaced || item.namespace.is_some())?;
        let namespace = if resource.namespaced { item.namespace.clone() } else { None };
        Some((resource.clone(), namespace, owner.name.clone()))
    }

    /// Finds the owners that the items need and the restore does not have, each of them once.
    pub(super) async fn look_up_owners(&mut self, ready: &[usize]) {
        let mut wanted = BTreeSet::new();
        for index in ready {
            let item = &self.selection.items[*index];
            for owner in &item.entry.owners {
                if self.restored_uid(item, owner).is_none()
                    && let Some(key) = self.outside_key(item, owner)
                    && !self.outside.contains_key(&key)
                {
                    wanted.insert(key);
                }
            }
        }
        let this = &*self;
        let look_up = |key: OwnerKey| async move {
            let uid = this.uid_of(&key).await;
            (key, uid)
        };
        let lookups: Vec<_> = wanted.into_iter().map(look_up).collect();
        let lookups = futures::stream::iter(lookups).buffer_unordered(self.ctx.settings.in_flight.max(1));
        let found: Vec<_> = lookups.collect().await;
        // An owner that an item of this level may still make is looked up again when it is needed again.
        self.outside.retain(|_, uid| uid.is_some());
        self.outside.extend(found);
    }

    async fn uid_of(&self, (resource, namespace, name): &OwnerKey) -> Option<String> {
        let mut attempt = 0;
        loop {
            match self.ctx.cluster.get(resource, namespace.as_deref(), name).await {
                Ok(object) => {
                    let head = object.head().ok()?;
                    return Some(head.metadata.uid.into_owned());
                }
                Err(error)
                    if error.kind != ClusterErrorKind::NotFound
                        && error.kind.is_transient()
                        && attempt < retry::ATTEMPTS_MAX =>
                {
                    self.ctx.clock.sleep(retry::delay(attempt, &error)).await;
                    attempt += 1;
                }
                Err(_) => return None,
            }
        }
    }

    fn restored_uid(&self, item: &Item, owner: &OwnerReference) -> Option<&String> {
        let index = select::owner_index(&self.selection.items, &self.selection.by_uid, item, owner)?;
        self.uids.get(&index)
    }

    /// Rewrites the references of an item that is about to be created. Those that close a cycle wait, unless their owner
    /// was there before the restore.
    pub(super) fn rewrite_owners(&self, index: usize, item: &Item, object: &mut Value, warnings: &mut Vec<String>) {
        let cut = self.selection.order.cut.get(&index);
        let waits = |owner: &OwnerReference| {
            let place = select::owner_index(&self.selection.items, &self.selection.by_uid, item, owner);
            place.is_some_and(|place| cut.is_some_and(|cut| cut.contains(&place)))
        };
        self.rewrite(item, object, warnings, waits);
    }

    /// Rewrites every reference, and drops those whose owner is nowhere.
    pub(super) fn rewrite_all_owners(&self, item: &Item, object: &mut Value, warnings: &mut Vec<String>) {
        self.rewrite(item, object, warnings, |_| false);
    }

    fn rewrite(
        &self,
        item: &Item,
        object: &mut Value,
        warnings: &mut Vec<String>,
        waits: impl Fn(&OwnerReference) -> bool,
    ) {
        let mut job = None;
        if let Some(Value::Array(references)) = object.pointer_mut("/metadata/ownerReferences") {
            references.retain_mut(|reference| {
                let Ok(owner) = serde_json::from_value::<OwnerReference>(reference.clone()) else { return false };
                let outside = || {
                    let key = self.outside_key(item, &owner)?;
                    self.outside.get(&key)?.as_ref()
                };
                let Some(uid) = self.restored_uid(item, &owner).or_else(outside) else {
                    if !waits(&owner) {
                        warnings.push(format!(
                            "its owner {} {} is neither restored nor in the cluster; the reference was dropped",
                            owner.kind, owner.name
                        ));
                    }
                    return false;
                };
                reference["uid"] = json!(uid);
                if owner.kind == "Job" && owner.controller == Some(true) {
                    job = Some(uid.clone());
                }
                true
            });
            if references.is_empty() {
                remove_nested(object, "/metadata", "ownerReferences");
            }
        }
        if let (Some(uid), Some(object)) = (job, object.as_object_mut()) {
            let labels = entry_object(entry_object(object, "metadata"), "labels");
            for label in JOB_UID_LABELS {
                if let Some(value) = labels.get_mut(label) {
                    *value = json!(uid);
                }
            }
        }
    }

    /// Whether the controller of this live object is one that this restore made: then it made the object already.
    pub(super) fn is_made_by_restored_owner(&self, existing: &Value) -> bool {
        let references = existing.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        references.into_iter().flatten().any(|reference| {
            reference.get("controller").and_then(Value::as_bool) == Some(true)
                && reference.get("uid").and_then(Value::as_str).is_some_and(|uid| self.made.contains(uid))
        })
    }
}

/// What the engine says of an item whose selection already decided.
pub(super) fn decided(verdict: &Verdict) -> Option<Outcome> {
    match verdict {
        Verdict::Skip(reason) => Some(Outcome::Skipped(reason.clone())),
        Verdict::Fail(reason) => Some(Outcome::Failed(reason.clone())),
        Verdict::Restore(_) | Verdict::RestoreAfterDefinition(_) => None,
    }
}
