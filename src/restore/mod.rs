//! The restore engine: an archive in a bucket becomes objects in a cluster.
//!
//! 1. The whole archive is read once (`catalog`), with all its limits and its checksum: what is wrong with it is
//!    known before anything is written.
//! 2. Every entry gets a verdict: restored as which resource, where; or left out, and why (`select`, `never`).
//! 3. What is restored is put in an order, a graph of tiers and owners cut into levels (`order`).
//! 4. Level by level, objects are cleaned of what the old cluster said of them (`clean`, `reset`), their owner references
//!    rewritten (`owners`), and created: one call an object (`engine`). Only what exists is read, and compared (`existing`).
//! 5. The log and the results go to the bucket, beside the backup.
//!
//! [`plan`] does 1 to 3 and reads where [`run`] would write. Both give every entry of the archive one [`Outcome`].
//!
//! The engine knows a [`Cluster`], a [`BackupStore`] and a [`Clock`], nothing else. It holds as many bytes of objects as
//! [`RestoreSettings::held_bytes`] says and some hundred bytes for each entry of the archive. It keeps no state of its
//! own: a restore that was interrupted can be run again, and finds what it made unchanged.
//!
//! On a live cluster controllers start as soon as an owner is there: a Deployment may have made a replica set of the very
//! name that the backup has, which is then left as it is. Pods of a restored controller are left to it (`select`).
//!
//! # Differences
//! * Ark v0.6 extracted the archive to disk, created one object after the other, wrote `Completed` whatever happened, and
//!   dropped owner references, finalizers and custom resources whose definition was in the same backup.
//! * An archive that is not what a backup wrote is refused as a whole: another checksum than the recorded one, truncated,
//!   entries that lead elsewhere, are links, come twice, are gigantic or hold another object than their path says. v0.6
//!   restored what it could read of it. As there, an entry whose text is no object is an error by name and the rest is
//!   restored.
//! * A backup whose phase is not `Completed` or `PartiallyFailed` is refused; v0.6 did not look.
//! * Volumes are not created from snapshots. A volume with reclaim policy `Delete` is left out, with its reason, and its
//!   claim asks for a new one; other volumes come back as they are.
//! * The name of a restore is used once for each backup; v0.6 overwrote the log and the results of an earlier one.
//! * An archive without status (v0.6 stored none) does not tell that a pod or job has ended: such ones run again.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use thiserror::Error;

use crate::api::status::{brief, succeeded, whole_seconds};
use crate::api::{Backup, BackupPhase, Restore, RestorePhase, RestoreProgress, RestoreStatus};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError};
use crate::object::{LabelSelector, ResourceMapper};
use crate::results::{self, Results, Scope};
use crate::storage::{BackupStore, StorageError, StorageErrorKind};

mod catalog;
mod claims;
mod clean;
mod compare;
mod definitions;
mod engine;
mod existing;
mod never;
mod order;
mod outcome;
mod owners;
mod reset;
mod retry;
mod select;
mod source;
mod validate;

pub use outcome::{Counts, Outcome, RestoreOutcome, RestoredItem};
pub use validate::validate;

use engine::Engine;
use outcome::Ledger;
use select::Selection;
use source::Source;

/// Requests in flight where nobody says otherwise: enough to hide a round trip, few enough for the smallest API server.
pub const IN_FLIGHT_DEFAULT: usize = 32;

/// Bytes of objects in memory where nobody says otherwise: some ten thousand objects, and no burden for a small server.
pub const HELD_BYTES_DEFAULT: usize = 64 * 1024 * 1024;

/// What a restore works with.
#[derive(Clone, Debug)]
pub struct RestoreContext {
    /// The cluster to restore into.
    pub cluster: Arc<dyn Cluster>,
    /// The backups.
    pub store: BackupStore,
    /// Time, for timestamps and waits.
    pub clock: Arc<dyn Clock>,
    /// The namespace that Ark lives in; named in the log.
    pub own_namespace: String,
    /// How to restore.
    pub settings: RestoreSettings,
    /// Who is told how far it is.
    pub observer: Arc<dyn RestoreObserver>,
}

/// How to restore, beside what the Restore itself says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreSettings {
    /// Resources to restore first, in this order (the Config's `resourcePriorities`); empty means the built-in order.
    pub resource_priorities: Vec<String>,
    /// What happens to objects that exist and differ.
    pub existing: ExistingResourcePolicy,
    /// Most requests in flight.
    pub in_flight: usize,
    /// Bytes of objects to keep in memory between reading the archive and creating them; what does not fit is read from
    /// the bucket again, once for each level of the order.
    pub held_bytes: usize,
}

impl Default for RestoreSettings {
    fn default() -> Self {
        Self {
            resource_priorities: Vec::new(),
            existing: ExistingResourcePolicy::Keep,
            in_flight: IN_FLIGHT_DEFAULT,
            held_bytes: HELD_BYTES_DEFAULT,
        }
    }
}

/// What happens to an object that exists and differs from the backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExistingResourcePolicy {
    /// It stays, and a warning names the fields.
    #[default]
    Keep,
    /// It is changed to what the backup says.
    Update,
}

/// Told how far a restore is.
pub trait RestoreObserver: Send + Sync + Debug {
    /// So far.
    fn progress(&self, progress: &RestoreProgress);
}

/// An observer for whom nobody waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl RestoreObserver for Unobserved {
    fn progress(&self, _: &RestoreProgress) {}
}

/// Why a restore could not start. Nothing was changed.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The spec is refused.
    #[error("the restore is not valid: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// The backup is absent, of another version, or the bucket does not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The backup is none that can be restored.
    #[error("backup {backup} cannot be restored: its phase is {phase:?}")]
    Phase {
        /// Its name.
        backup: String,
        /// Its phase.
        phase: BackupPhase,
    },
    /// A restore of this name was carried out before; its log and results are in the bucket and are not overwritten.
    #[error("restore {name} of backup {backup} was carried out before; choose another name")]
    NameTaken {
        /// Name of the restore.
        name: String,
        /// Name of the backup.
        backup: String,
    },
    /// The archive is not what a backup writes.
    #[error("the archive of backup {backup} is not restored: {}", .problems.join("; "))]
    Archive {
        /// Name of the backup.
        backup: String,
        /// What is wrong with it; the first few.
        problems: Vec<String>,
    },
    /// The cluster does not say what it serves.
    #[error("the cluster cannot be restored into: {0}")]
    Cluster(#[from] ClusterError),
}

/// What a restore would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Every object and what would become of it, in the order of the archive.
    pub items: Vec<RestoredItem>,
    /// Counts by resource and outcome.
    pub counts: Counts,
    /// What a person should look at.
    pub results: Results,
}

/// Computes what [`run`] would do with `restore` and `backup`, without changing anything.
///
/// # Errors
/// Those of [`run`].
pub async fn plan(ctx: &RestoreContext, restore: &Restore, backup: &Backup) -> Result<Plan, RestoreError> {
    let (items, ledger) = walk(ctx, restore, backup, true).await?;
    Ok(Plan { counts: outcome::counts(&items), items, results: ledger.results })
}

/// Carries `restore` out. Items that fail do not stop it; they are in the outcome.
///
/// # Errors
/// Where it cannot start: the spec is refused, the backup is absent or unusable, the archive is damaged, or the cluster
/// does not answer. Nothing was changed then.
pub async fn run(ctx: &RestoreContext, restore: &Restore) -> Result<RestoreOutcome, RestoreError> {
    let started = ctx.clock.now();
    let errors = validate(&restore.spec);
    if !errors.is_empty() {
        return Err(RestoreError::Invalid(errors));
    }
    let backup = ctx.store.metadata(&restore.spec.backup_name).await?;
    let name = restore.name_any();
    match ctx.store.restore_results(&restore.spec.backup_name, &name).await {
        Ok(_) => return Err(RestoreError::NameTaken { name, backup: restore.spec.backup_name.clone() }),
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let (items, ledger) = walk(ctx, restore, &backup, false).await?;
    let Ledger { mut results, log, progress } = ledger;
    if let Err(error) = ctx.store.put_restore_log(&restore.spec.backup_name, &name, log.finish()).await {
        results.error(Scope::Ark, format!("error uploading log file to object storage: {error}"));
    }
    if let Err(error) = ctx.store.put_restore_results(&restore.spec.backup_name, &name, results.to_gzip()).await {
        results.error(Scope::Ark, format!("error uploading results file to object storage: {error}"));
    }
    let status = outcome::status(started, ctx.clock.now(), progress, &results);
    Ok(RestoreOutcome { status, results, counts: outcome::counts(&items), items })
}

/// The status of a restore that could not start.
pub fn failed_status(started: Timestamp, ended: Timestamp, error: &RestoreError) -> RestoreStatus {
    let reason = brief(&error.to_string());
    RestoreStatus {
        phase: RestorePhase::Failed,
        errors: 1,
        start_timestamp: Some(whole_seconds(started)),
        completion_timestamp: Some(whole_seconds(ended)),
        messages: vec![reason.clone()],
        conditions: vec![succeeded(ended, false, "NotStarted", &reason)],
        failure_reason: reason,
        ..RestoreStatus::default()
    }
}

async fn walk(
    ctx: &RestoreContext,
    restore: &Restore,
    backup: &Backup,
    dry_run: bool,
) -> Result<(Vec<RestoredItem>, Ledger), RestoreError> {
    let name = restore.name_any();
    let spec = &restore.spec;
    let errors = validate(spec);
    if !errors.is_empty() {
        return Err(RestoreError::Invalid(errors));
    }
    let status = backup.status.clone().unwrap_or_default();
    if !matches!(status.phase, BackupPhase::Completed | BackupPhase::PartiallyFailed) {
        return Err(RestoreError::Phase { backup: backup.name_any(), phase: status.phase });
    }
    let selector = LabelSelector::from_api(spec.label_selector.as_ref())
        .map_err(|error| RestoreError::Invalid(vec![error.to_string()]))?;
    let log = results::job_log(Arc::clone(&ctx.clock), "restore", &ctx.own_namespace, &name);
    let mut ledger = Ledger { results: Results::default(), log, progress: RestoreProgress::default() };
    ledger.log.info("starting restore", &[("backup", &spec.backup_name)]);
    let source = Source::new(&ctx.store, &spec.backup_name, ctx.settings.held_bytes);
    let recorded = status.archive.as_ref().map(|archive| archive.sha256.as_str()).filter(|text| !text.is_empty());
    let catalog = source.catalog(&selector, recorded).await?;
    let discovery = ctx.cluster.discover().await?;
    let selection = select::select(spec, catalog, &discovery, &ctx.settings.resource_priorities);
    for warning in &selection.warnings {
        ledger.log.warning(warning, &[]);
        ledger.results.warning(Scope::Ark, warning.clone());
    }
    if !status.volume_backups.is_empty() {
        let text = "the backup has snapshots of volumes; this version restores none from them";
        ledger.log.warning(text, &[]);
        ledger.results.warning(Scope::Ark, text);
    }
    let items = carry_out(ctx, restore, &selection, &source, &discovery, &mut ledger, dry_run).await;
    ledger.log.info(
        "restore ended",
        &counts_text(&ledger.progress).iter().map(|(k, v)| (*k, v.as_str())).collect::<Vec<_>>(),
    );
    Ok((items, ledger))
}

async fn carry_out(
    ctx: &RestoreContext,
    restore: &Restore,
    selection: &Selection,
    source: &Source<'_>,
    discovery: &crate::cluster::Discovery,
    ledger: &mut Ledger,
    dry_run: bool,
) -> Vec<RestoredItem> {
    ledger.progress.total_items = selection.items.len() as u64;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; selection.items.len()];
    for (item, outcome) in selection.items.iter().zip(&mut outcomes) {
        *outcome = owners::decided(&item.verdict);
        if let Some(outcome) = outcome {
            ledger.record(&item.entry.path, item.namespace.as_deref(), outcome);
        }
    }
    let mapper = ResourceMapper::new(discovery);
    let name = restore.name_any();
    let mut engine = Engine::new(ctx, selection, &restore.spec.namespace_mapping, &name, mapper, dry_run);
    engine.run(source, ledger, &mut outcomes).await;
    let items = selection.items.iter().zip(outcomes);
    items
        .map(|(item, outcome)| RestoredItem {
            path: item.entry.path.clone(),
            in_archive: item.entry.in_archive,
            resource: item
                .verdict
                .resource()
                .map_or_else(|| item.entry.path.resource().clone(), |r| r.group_resource()),
            namespace: item.namespace.clone(),
            name: item.name.clone(),
            outcome: outcome.expect("the engine settles every item of the order, and the verdicts settle the others"),
        })
        .collect()
}

fn counts_text(progress: &RestoreProgress) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("created", progress.created.to_string()),
        ("different", progress.different.to_string()),
        ("failed", progress.failed.to_string()),
        ("skipped", progress.skipped.to_string()),
        ("unchanged", progress.unchanged.to_string()),
        ("updated", progress.updated.to_string()),
    ])
}

#[cfg(all(test, feature = "sim"))]
mod tests;
