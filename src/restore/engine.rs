//! Carrying a selection out: level by level, one create an object, many in flight.
//!
//! A level's objects are created at the same time, at most as many as the settings allow; one that the server tells to
//! wait keeps its place, so that a busy server gets fewer requests. Between levels the engine looks up what the next one
//! needs: uids of owners that were there before, volumes that claims name, definitions that must be served.
//!
//! What fails for a reason that may pass (a quota, a webhook whose service is part of the same restore, a namespace that
//! is going) is tried again after everything else, with everything that it owns.
//!
//! A plan is the same walk with reads instead of writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};

use super::catalog::Facts;
use super::claims::VolumeState;
use super::clean;
use super::outcome::{Ledger, Outcome};
use super::owners::OwnerKey;
use super::reset;
use super::retry::{self, LATE_ROUNDS_MAX};
use super::select::{Item, Selection, Verdict};
use super::source::Source;
use super::{RestoreContext, claims, definitions};
use crate::cluster::{ClusterError, ClusterErrorKind, Patch, Target};
use crate::object::{ApiResource, RawObject, ResourceMapper};
use crate::results::Scope;

/// Everything a task may read; it changes between levels only.
pub(super) struct Engine<'a> {
    pub(super) ctx: &'a RestoreContext,
    pub(super) selection: &'a Selection,
    pub(super) mapping: &'a reset::Mapping,
    /// Value of the restore label.
    pub(super) label: String,
    /// Read instead of write.
    pub(super) dry_run: bool,
    pub(super) mapper: ResourceMapper,
    /// By item: the resource as the cluster serves it now.
    pub(super) resources: BTreeMap<usize, Arc<ApiResource>>,
    /// By item: the uid in this cluster.
    pub(super) uids: BTreeMap<usize, String>,
    /// Uids of the objects that this restore made.
    pub(super) made: BTreeSet<String>,
    /// Owners outside the restore: their uid, or `None` where they do not exist.
    pub(super) outside: BTreeMap<OwnerKey, Option<String>>,
    /// Volumes that claims of the coming level name.
    pub(super) volumes: BTreeMap<String, VolumeState>,
    /// Items to try again at the end.
    pub(super) late: BTreeMap<usize, String>,
    /// Whether nothing is put off any more.
    pub(super) last_round: bool,
}

/// How one try ended.
#[derive(Debug)]
pub(super) enum End {
    /// For good.
    Done(Outcome),
    /// It may work after everything else is there.
    Late(String),
}

/// What a task reports.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) index: usize,
    pub(super) end: End,
    /// The uid in this cluster, where it is known.
    pub(super) uid: Option<String>,
    /// For the results.
    pub(super) warnings: Vec<String>,
    /// For the log.
    pub(super) notes: Vec<String>,
}

/// An object ready to be created.
pub(super) struct Prepared {
    pub(super) object: Value,
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        ctx: &'a RestoreContext,
        selection: &'a Selection,
        mapping: &'a reset::Mapping,
        name: &str,
        mapper: ResourceMapper,
        dry_run: bool,
    ) -> Self {
        let resources = selection.items.iter().enumerate();
        let resources = resources.filter_map(|(index, item)| match &item.verdict {
            Verdict::Restore(resource) => Some((index, Arc::clone(resource))),
            _ => None,
        });
        Self {
            resources: resources.collect(),
            ctx,
            selection,
            mapping,
            label: clean::label_value(name),
            dry_run,
            mapper,
            uids: BTreeMap::new(),
            made: BTreeSet::new(),
            outside: BTreeMap::new(),
            volumes: BTreeMap::new(),
            late: BTreeMap::new(),
            last_round: false,
        }
    }

    /// Restores everything; the outcomes of the items that have none yet are filled in.
    pub(super) async fn run(&mut self, source: &Source<'_>, ledger: &mut Ledger, outcomes: &mut [Option<Outcome>]) {
        for level in &self.selection.order.levels {
            self.level(level, source, ledger, outcomes).await;
            if !self.dry_run {
                definitions::wait(self, level, ledger).await;
            }
        }
        let (mut rounds, mut idle) = (0, 0);
        while !self.late.is_empty() && !self.dry_run && rounds < LATE_ROUNDS_MAX {
            let idle_max = retry::idle_rounds(self.late.values());
            if idle >= idle_max {
                break;
            }
            ledger.log.info(&format!("trying {} objects again", self.late.len()), &[]);
            self.ctx.clock.sleep(retry::late_delay(idle)).await;
            rounds += 1;
            self.last_round = idle + 1 == idle_max || rounds == LATE_ROUNDS_MAX;
            let late = std::mem::take(&mut self.late);
            for level in &self.selection.order.levels {
                let again: Vec<usize> = level.iter().copied().filter(|index| late.contains_key(index)).collect();
                if !again.is_empty() {
                    self.level(&again, source, ledger, outcomes).await;
                    definitions::wait(self, &again, ledger).await;
                }
            }
            // What came through may have been what others waited for.
            idle = if self.late.len() < late.len() { 0 } else { idle + 1 };
        }
        for (index, reason) in std::mem::take(&mut self.late) {
            self.settle(index, Outcome::Failed(reason), ledger, outcomes);
        }
        if !self.dry_run {
            self.close_cycles(source, ledger).await;
        }
    }

    async fn level(
        &mut self,
        level: &[usize],
        source: &Source<'_>,
        ledger: &mut Ledger,
        outcomes: &mut [Option<Outcome>],
    ) {
        let ready = self.ready(level);
        self.look_up_owners(&ready).await;
        claims::look_up(self, &ready).await;
        let items = &self.selection.items;
        let mut reports = Vec::with_capacity(ready.len());
        let mut unread: BTreeSet<usize> = ready.iter().copied().collect();
        let mut broken = None;
        {
            let this = &*self;
            let objects = source.objects(items, &ready);
            let mut running = objects
                .map(|object| match object {
                    Ok((index, raw)) => this.task(index, raw).map(Ok).boxed(),
                    Err(error) => futures::future::ready(Err(error)).boxed(),
                })
                .buffer_unordered(self.ctx.settings.in_flight.max(1));
            while let Some(report) = running.next().await {
                match report {
                    Ok(report) => {
                        unread.remove(&report.index);
                        reports.push(report);
                        if reports.len() % PROGRESS_EVERY == 0 {
                            self.ctx.observer.progress(&progress_with(ledger, &reports));
                        }
                    }
                    Err(error) => broken = Some(error),
                }
            }
        }
        // In the order of the archive, whatever order the answers came in.
        reports.sort_by_key(|report| report.index);
        for report in reports {
            self.take(report, ledger, outcomes);
        }
        for index in unread {
            let reason = broken
                .as_ref()
                .map_or_else(|| "the archive has changed since it was read".to_owned(), ToString::to_string);
            self.settle(index, Outcome::Failed(format!("it could not be read again: {reason}")), ledger, outcomes);
        }
        self.ctx.observer.progress(&ledger.progress);
    }

    /// The items of a level that can be tried now; those whose owner waits for its next try wait with it.
    fn ready(&mut self, level: &[usize]) -> Vec<usize> {
        let mut ready = Vec::with_capacity(level.len());
        for index in level {
            let item = &self.selection.items[*index];
            let needed = || self.owners(item).chain(self.volume_of(item)).find(|other| self.late.contains_key(other));
            let waits = if self.last_round { None } else { needed() };
            let waits = waits.map(|other| format!("{} is not there", self.selection.items[other].entry.path));
            match waits {
                Some(reason) => drop(self.late.insert(*index, reason)),
                None => ready.push(*index),
            }
        }
        ready
    }

    /// The volume that a claim names, if it is to be tried again: without it the claim would ask for a new, empty one.
    fn volume_of(&self, item: &Item) -> Option<usize> {
        let Facts::Claim(Some(volume)) = &item.entry.facts else { return None };
        let is_it = |other: &Item| matches!(other.entry.facts, Facts::Volume { .. }) && other.name == *volume;
        self.late.keys().copied().find(|index| is_it(&self.selection.items[*index]))
    }

    fn take(&mut self, report: Report, ledger: &mut Ledger, outcomes: &mut [Option<Outcome>]) {
        let item = &self.selection.items[report.index];
        if let Some(uid) = report.uid {
            if matches!(report.end, End::Done(Outcome::Created)) {
                self.made.insert(uid.clone());
            }
            self.uids.insert(report.index, uid);
        }
        match report.end {
            End::Late(reason) => drop(self.late.insert(report.index, reason)),
            End::Done(outcome) => {
                // An object that was kept was not changed by what preparing it took away.
                if matches!(outcome, Outcome::Created | Outcome::Updated(_)) {
                    for warning in &report.warnings {
                        ledger.warn(&item.entry.path, item.namespace.as_deref(), warning);
                    }
                    for note in &report.notes {
                        ledger.log.info(&format!("{}: {note}", item.entry.path), &[]);
                    }
                }
                self.settle(report.index, outcome, ledger, outcomes);
            }
        }
    }

    fn settle(&self, index: usize, outcome: Outcome, ledger: &mut Ledger, outcomes: &mut [Option<Outcome>]) {
        let item = &self.selection.items[index];
        ledger.record(&item.entry.path, item.namespace.as_deref(), &outcome);
        outcomes[index] = Some(outcome);
    }

    /// One item, from its text to its report.
    async fn task(&self, index: usize, raw: RawObject) -> Report {
        let item = &self.selection.items[index];
        let report = |end| Report { index, end, uid: None, warnings: Vec::new(), notes: Vec::new() };
        let Some(resource) = self.resources.get(&index) else {
            if self.dry_run {
                // Its uid stands for the one it would get, so that a plan knows the owner of its dependents.
                let uid = Some(item.entry.uid.clone()).filter(|uid| !uid.is_empty());
                return Report { uid, ..report(End::Done(Outcome::Created)) };
            }
            let reason = format!("the cluster does not serve {} yet", item.entry.path.resource());
            // Its definition may itself be tried again.
            return report(if self.last_round { End::Done(Outcome::Failed(reason)) } else { End::Late(reason) });
        };
        let prepared = match self.prepare(index, item, resource, &raw) {
            Ok(prepared) => prepared,
            Err(error) => return report(End::Done(Outcome::Failed(error.to_string()))),
        };
        drop(raw);
        if self.dry_run {
            self.preview(index, item, resource, prepared).await
        } else {
            self.create(index, item, resource, prepared).await
        }
    }

    /// The object as it is sent.
    fn prepare(
        &self,
        index: usize,
        item: &Item,
        resource: &ApiResource,
        raw: &RawObject,
    ) -> Result<Prepared, crate::object::RawObjectError> {
        let mut object = raw.value()?;
        let (mut warnings, mut notes) = (Vec::new(), Vec::new());
        let api_version = resource.api_version();
        if item.entry.api_version != api_version {
            notes.push(format!("{} is restored as {api_version}", item.entry.api_version));
            object["apiVersion"] = Value::from(api_version);
        }
        clean::clean(&mut object, item.namespace.as_deref(), &item.name);
        notes.extend(reset::apply(&resource.group_resource(), &mut object, self.mapping));
        self.rewrite_owners(index, item, &mut object, &mut warnings);
        claims::prepare(self, item, &mut object, &mut warnings);
        clean::mark(&mut object, &self.label);
        Ok(Prepared { object, warnings, notes })
    }

    async fn create(&self, index: usize, item: &Item, resource: &ApiResource, mut prepared: Prepared) -> Report {
        let mut uncertain = false;
        let mut attempt = 0;
        loop {
            let object = RawObject::from_value(&prepared.object);
            let end = match self.ctx.cluster.create(resource, item.namespace.as_deref(), &object).await {
                Ok(stored) => {
                    let uid = stored.head().ok().map(|head| head.metadata.uid.into_owned());
                    let Prepared { warnings, notes, .. } = prepared;
                    return Report { index, end: End::Done(Outcome::Created), uid, warnings, notes };
                }
                Err(error) if error.kind == ClusterErrorKind::AlreadyExists => {
                    return self.exists(index, item, resource, prepared, uncertain).await;
                }
                Err(error) if retry::worth_another_try(&error, attempt) => {
                    uncertain |= may_have_happened(&error);
                    self.ctx.clock.sleep(retry::delay(attempt, &error)).await;
                    attempt += 1;
                    continue;
                }
                Err(error)
                    if error.kind == ClusterErrorKind::Invalid
                        && resource.plural == "services"
                        && resource.group.is_empty() =>
                {
                    // Ports are allocated before names are looked at: an existing service is told by its own port.
                    if self.is_there(item, resource).await {
                        return self.exists(index, item, resource, prepared, uncertain).await;
                    }
                    if reset::without_node_ports(&mut prepared.object) {
                        prepared.warnings.push(format!("its node ports are allocated anew: {}", error.reason()));
                        continue;
                    }
                    End::Done(Outcome::Failed(error.reason()))
                }
                Err(error) if retry::worth_a_late_try(&error) => End::Late(error.reason()),
                Err(error) => End::Done(Outcome::Failed(error.reason())),
            };
            return Report { index, end, uid: None, warnings: Vec::new(), notes: Vec::new() };
        }
    }

    /// References that would have closed a cycle are added once everything exists.
    async fn close_cycles(&self, source: &Source<'_>, ledger: &mut Ledger) {
        let made = |index: &usize| self.uids.get(index).is_some_and(|uid| self.made.contains(uid));
        let cut: Vec<usize> = self.selection.order.cut.keys().copied().filter(made).collect();
        let mut objects = source.objects(&self.selection.items, &cut);
        while let Some(object) = objects.next().await {
            let (index, raw) = match object {
                Ok(object) => object,
                Err(error) => {
                    let text =
                        format!("owner references that form a cycle could not be read again to add them: {error}");
                    ledger.log.error(&text, &[]);
                    ledger.results.error(Scope::Ark, text);
                    return;
                }
            };
            let item = &self.selection.items[index];
            let (Some(resource), Ok(object)) = (self.resources.get(&index), raw.value()) else { continue };
            let mut patch = json!({"metadata": {"ownerReferences": object["metadata"]["ownerReferences"]}});
            self.rewrite_all_owners(item, &mut patch, &mut Vec::new());
            let target = Target { resource, namespace: item.namespace.as_deref(), name: &item.name, subresource: None };
            let message = match self.patch(target, &Patch::Merge(RawObject::from_value(&patch))).await {
                Ok(_) => "its owner references form a cycle; they were added after it was created".to_owned(),
                Err(error) => format!("its owner references form a cycle and could not be added: {}", error.reason()),
            };
            ledger.warn(&item.entry.path, item.namespace.as_deref(), &message);
        }
    }
}

/// Progress is told after so many answers of a level.
const PROGRESS_EVERY: usize = 64;

fn progress_with(ledger: &Ledger, reports: &[Report]) -> crate::api::RestoreProgress {
    let mut progress = ledger.progress;
    for report in reports {
        if let End::Done(outcome) = &report.end {
            super::outcome::count(&mut progress, outcome);
        }
    }
    progress
}

/// Whether a failed write may have been carried out all the same.
pub(super) fn may_have_happened(error: &ClusterError) -> bool {
    matches!(error.kind, ClusterErrorKind::Timeout | ClusterErrorKind::Connection | ClusterErrorKind::Server)
}
