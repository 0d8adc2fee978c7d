//! Executing the lists of a plan: pages come ahead of the objects, objects go in the plan's order.
//!
//! While the objects of one page are compressed and uploaded, the next page of the list is on its way, and so are the
//! first pages of the lists that follow. All of it happens in the caller's task: nothing is spawned, so the order of
//! requests is the same in every run against the simulator.
//!
//! A list that fails is an error that names it; what came of it stays in the archive and the other lists go on.

use std::collections::BTreeSet;
use std::pin::pin;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, join, select};
use futures::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind};
use crate::object::{ApiResource, RawObject};
use crate::results::Scope;

use super::item::Engine;
use super::places::{Begun, Lister};
use super::retry::patiently;
use super::{BackupError, describe};

/// Namespaces that are read by name at the same time.
const NAMESPACES_AHEAD: usize = 8;

/// Reads one namespace.
fn read<'a>(
    cluster: &'a dyn Cluster,
    clock: &'a dyn Clock,
    namespaces: &'a ApiResource,
    name: &'a str,
) -> BoxFuture<'a, (&'a str, Result<RawObject, ClusterError>)> {
    async move {
        let found = patiently(clock, || cluster.get(namespaces, None, name)).await;
        (name, found)
    }
    .boxed()
}

impl Engine<'_> {
    /// Saves everything the plan lists.
    ///
    /// # Errors
    /// Where the bucket fails. What fails in the cluster is in the results.
    pub(super) async fn collect(&mut self) -> Result<(), BackupError> {
        let plan = self.plan;
        describe(plan, &mut self.log);
        for warning in &plan.warnings {
            self.log.warning(warning, &[]);
            self.results.warning(Scope::Ark, warning.as_str());
        }
        let absent = self.save_namespaces().await?;
        let (cluster, clock) = (self.ctx.cluster.as_ref(), self.ctx.clock.as_ref());
        let mut lister = Lister { cluster, clock, selector: plan.selection.labels.to_text(), namespaces: None };
        if let Some((names, resource)) = plan.selection.namespaces.named().zip(plan.known.namespaces.as_ref()) {
            lister.count(resource, names.len()).await;
        }
        let lists = lister.lists(&plan.steps, &absent).peekable();
        let mut lists = pin!(lists);
        while let Some(Begun { place, mut pages, mut page }) = lists.next().await {
            self.begin_list(place);
            loop {
                let current = match page {
                    Ok(Some(current)) => current,
                    Ok(None) => break,
                    Err(error) => {
                        self.list_failed(place, &error);
                        break;
                    }
                };
                // The request first, so that the server works while the page is saved.
                let both = pin!(join(pages.next(), self.page(place, current)));
                let (next, saved) = match select(both, lists.as_mut().peek()).await {
                    Either::Left((both, _)) => both,
                    Either::Right((_, both)) => both.await,
                };
                if !saved? {
                    break;
                }
                page = next;
            }
            self.end_list(place);
        }
        Ok(())
    }

    /// Reads the namespaces that the request names, saves those that are selected, and returns those that do not exist.
    async fn save_namespaces(&mut self) -> Result<BTreeSet<String>, BackupError> {
        let plan = self.plan;
        let mut absent = BTreeSet::new();
        let Some((names, resource)) = plan.selection.namespaces.named().zip(plan.known.namespaces.as_ref()) else {
            return Ok(absent);
        };
        let (cluster, clock) = (self.ctx.cluster.as_ref(), self.ctx.clock.as_ref());
        let names = names.iter().filter(|name| plan.selection.namespaces.includes(name));
        let reads: Vec<_> = names.map(|name| read(cluster, clock, resource, name)).collect();
        let mut reads = pin!(stream::iter(reads).buffered(NAMESPACES_AHEAD));
        while let Some((name, answer)) = reads.next().await {
            match answer {
                Ok(raw) if plan.saves_named_namespaces => self.item(resource, &raw, true).await?,
                Err(error) if error.kind == ClusterErrorKind::NotFound => {
                    self.failed(resource, None, name, "the namespace is to be saved and does not exist");
                    absent.insert(name.to_owned());
                }
                Err(error) if plan.saves_named_namespaces => {
                    self.failed(resource, None, name, &format!("error getting namespace: {error}"));
                }
                // Without the right to read namespaces their contents can be saved all the same.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(absent)
    }
}
