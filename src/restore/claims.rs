//! Claims and the volumes they name.
//!
//! A claim keeps the name of its volume only where that volume is there for it: created by this restore, or present and
//! reserved for exactly this claim. Otherwise the name goes, and the claim asks for a volume like a new one; a claim that
//! named a volume of somebody else would wait for ever, or take it away.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::Value;

use super::RestoreContext;
use super::catalog::Facts;
use super::engine::Engine;
use super::reset;
use super::retry;
use super::select::Item;
use crate::cluster::ClusterErrorKind;
use crate::object::{ApiResource, GroupResource};

/// What is known about a volume in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VolumeState {
    /// There is none of this name.
    Absent,
    /// The cluster does not say.
    Unknown,
    /// It is there and kept for nobody.
    Free,
    /// It is kept for this claim, by namespace and name; `released` where it was bound to an earlier one of that name.
    For { namespace: String, name: String, released: bool },
}

/// Finds out about the volumes that claims of the coming level name.
pub(super) async fn look_up(engine: &mut Engine<'_>, ready: &[usize]) {
    let names: BTreeSet<String> = ready
        .iter()
        .filter_map(|index| match &engine.selection.items[*index].entry.facts {
            Facts::Claim(volume) => volume.clone(),
            _ => None,
        })
        .filter(|name| !matches!(engine.volumes.get(name), Some(VolumeState::Free | VolumeState::For { .. })))
        .collect();
    let Some(resource) = engine.mapper.find(&GroupResource::new("", "persistentvolumes")).cloned() else { return };
    let ctx = engine.ctx;
    let resource = &resource;
    let created = created_volumes(engine);
    let known = names.iter().filter_map(|name| Some((name.clone(), created.get(name)?.clone()))).collect::<Vec<_>>();
    let unknown: Vec<String> = names.into_iter().filter(|name| !created.contains_key(name)).collect();
    let read = |name: String| async move {
        let state = read_volume(ctx, resource, &name).await;
        (name, state)
    };
    let reads: Vec<_> = unknown.into_iter().map(read).collect();
    let reads = futures::stream::iter(reads).buffer_unordered(engine.ctx.settings.in_flight.max(1));
    let found: Vec<(String, VolumeState)> = reads.collect().await;
    engine.volumes.extend(known.into_iter().chain(found));
}

async fn read_volume(ctx: &RestoreContext, resource: &ApiResource, name: &str) -> VolumeState {
    let mut attempt = 0;
    loop {
        match ctx.cluster.get(resource, None, name).await {
            Ok(volume) => return volume.value().map_or(VolumeState::Unknown, |volume| state(&volume)),
            Err(error) if error.kind == ClusterErrorKind::NotFound => return VolumeState::Absent,
            Err(error) if error.kind.is_transient() && attempt < retry::ATTEMPTS_MAX => {
                ctx.clock.sleep(retry::delay(attempt, &error)).await;
                attempt += 1;
            }
            Err(_) => return VolumeState::Unknown,
        }
    }
}

/// Volumes that this restore made (or, in a plan, would make) are as the archive says, which spares reading them.
fn created_volumes(engine: &Engine<'_>) -> std::collections::BTreeMap<String, VolumeState> {
    let items = engine.selection.items.iter().enumerate();
    items
        .filter_map(|(index, item)| {
            let Facts::Volume { claim, .. } = &item.entry.facts else { return None };
            let made = engine.uids.get(&index).is_some_and(|uid| engine.made.contains(uid));
            let state = match claim {
                None => VolumeState::Free,
                Some((namespace, name)) => {
                    let namespace = engine.mapping.get(namespace).unwrap_or(namespace).clone();
                    VolumeState::For { namespace, name: name.clone(), released: false }
                }
            };
            made.then(|| (item.name.clone(), state))
        })
        .collect()
}

fn state(volume: &Value) -> VolumeState {
    let text = |pointer: &str| volume.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (namespace, name) = (text("/spec/claimRef/namespace"), text("/spec/claimRef/name"));
    if name.is_empty() {
        return VolumeState::Free;
    }
    VolumeState::For { namespace, name, released: text("/status/phase") == "Released" }
}

/// Takes the name of its volume from a claim that cannot have it.
pub(super) fn prepare(engine: &Engine<'_>, item: &Item, object: &mut Value, warnings: &mut Vec<String>) {
    let Facts::Claim(Some(volume)) = &item.entry.facts else { return };
    let namespace = item.namespace.as_deref().unwrap_or_default();
    let problem = match engine.volumes.get(volume) {
        Some(VolumeState::Free) => None,
        Some(VolumeState::For { namespace: other, name, released }) if other == namespace && *name == item.name => {
            if *released {
                warnings.push(format!(
                    "volume {volume} was released by an earlier claim of this name; it binds once spec.claimRef.uid is removed from the volume"
                ));
            }
            None
        }
        Some(VolumeState::For { .. }) => Some("belongs to another claim"),
        Some(VolumeState::Unknown) => Some("cannot be read"),
        Some(VolumeState::Absent) | None => Some("is neither restored nor in the cluster"),
    };
    if let Some(problem) = problem {
        reset::unbind(object);
        warnings.push(format!("volume {volume} {problem}; the claim asks for a new one, which is empty"));
    }
}
