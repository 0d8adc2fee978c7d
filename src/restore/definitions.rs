//! After definitions were restored: waiting until the cluster serves what they define.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalog::Facts;
use super::engine::Engine;
use super::outcome::Ledger;
use super::retry;
use super::select::{self, Verdict};
use crate::object::{GroupResource, ResourceMapper};
use crate::results::Scope;

/// Looks at the discovery before giving up: with the waits between them about two minutes, which is what the slowest
/// API servers take.
const LOOKS_MAX: u32 = 7;

/// Returns when everything that waits for a definition of this level is served, or after [`LOOKS_MAX`] looks.
pub(super) async fn wait(engine: &mut Engine<'_>, level: &[usize], ledger: &mut Ledger) {
    let items = &engine.selection.items;
    let defined: BTreeSet<GroupResource> = level
        .iter()
        .filter(|index| !engine.late.contains_key(*index))
        .filter_map(
            |index| if let Facts::Definition(resources) = &items[*index].entry.facts { Some(resources) } else { None },
        )
        .flatten()
        .map(crate::object::ApiResource::group_resource)
        .collect();
    let waiting: Vec<usize> = (0..items.len())
        .filter(|index| match &items[*index].verdict {
            Verdict::RestoreAfterDefinition(resource) => defined.contains(&resource.group_resource()),
            _ => false,
        })
        .collect();
    if waiting.is_empty() {
        return;
    }
    for look in 0..LOOKS_MAX {
        match engine.ctx.cluster.discover().await {
            Ok(discovery) => engine.mapper = ResourceMapper::new(&discovery),
            Err(error) => ledger.log.warning("the discovery failed", &[("error", &error.message)]),
        }
        for index in &waiting {
            let entry = &items[*index].entry;
            let found = select::resolve(&engine.mapper, entry.path.resource(), &entry.api_version, &entry.kind);
            if let Some(found) = found {
                engine.resources.insert(*index, Arc::new(found.clone()));
            }
        }
        if waiting.iter().all(|index| engine.resources.contains_key(index)) {
            ledger.log.info("the restored definitions are served", &[]);
            return;
        }
        engine.ctx.clock.sleep(retry::late_delay(look)).await;
    }
    let missing: BTreeSet<String> = waiting
        .iter()
        .filter(|index| !engine.resources.contains_key(index))
        .filter_map(|index| items[*index].verdict.resource().map(ToString::to_string))
        .collect();
    let missing: Vec<String> = missing.into_iter().collect();
    ledger.results.warning(Scope::Ark, format!("restored definitions are not served: {}", missing.join(", ")));
}
