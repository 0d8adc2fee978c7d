//! The backup engine: from a request and a cluster to an archive in a bucket.
//!
//! [`run`] discovers, plans, streams and publishes. It knows the cluster and the bucket by their interfaces only, takes
//! the time from a [`Clock`], and keeps no state beside its arguments: a controller, the command line and a test call
//! the same function.
//!
//! | Step | Module |
//! |---|---|
//! | refuse what cannot run | [`validate`] |
//! | decide lists, order and selection | `plan` |
//! | page through the lists, a few ahead | `collect`, `places`, `pages`, `retry` |
//! | one object: skip, hooks, claims, volumes, write | `item`, `hooks` |
//! | compress beside all that | `packing` |
//! | what to say about it | `status`, [`crate::results`] |
//!
//! # Promises
//! * Objects go into the archive as the bytes the server sent, each at most once, in an order that depends on the
//!   cluster's contents only.
//! * Memory is that of a few pages and two parts of an upload, however large the cluster is.
//! * One object, hook or list that fails is an error by name, the others go on, and the phase is `PartiallyFailed`.
//! * Nothing is visible in the bucket before everything is in it. Where the archive cannot be stored whole, [`run`]
//!   fails and leaves nothing behind.
//!
//! It does not snapshot volumes, and it does not write to the cluster: the record of a backup is its caller's.
//!
//! # Differences
//! * Lists are paged and streamed; v0.6 held them in memory and wrote temporary files.
//! * Objects being deleted are left out, `status` is kept (both as from v0.9).
//! * What a claim or a pod brings along is saved or named; v0.6 lost its errors.
//! * A claim without a volume is saved; v0.6 failed the whole backup.
//! * A namespace that is asked for and does not exist is an error by name, and the backup goes on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;

use crate::api::{Backup, BackupStatus, Progress};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError};
use crate::object::GroupResource;
use crate::results::{JobLog, Results, job_log};
use crate::storage::{BackupStore, StorageError};

mod collect;
mod hooks;
mod item;
mod packing;
mod pages;
mod places;
mod plan;
mod retry;
mod status;
mod validate;

pub use status::started;
pub use validate::validate;

/// What a backup needs of the world.
#[derive(Clone, Debug)]
pub struct BackupContext {
    /// The cluster to save.
    pub cluster: Arc<dyn Cluster>,
    /// Where to.
    pub store: BackupStore,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The namespace recorded for a Backup that has none: one that was never an object in a cluster.
    pub own_namespace: String,
    /// Who wants to know how far it is.
    pub progress: Arc<dyn BackupObserver>,
}

/// Somebody who watches a backup.
pub trait BackupObserver: Send + Sync + Debug {
    /// Called after each page. It must not block.
    fn progress(&self, progress: &Progress);
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl BackupObserver for Unobserved {
    fn progress(&self, _progress: &Progress) {}
}

/// A backup that is in the bucket.
#[derive(Clone, Debug)]
pub struct BackupOutcome {
    /// What to record; the phase is `Completed` or `PartiallyFailed`, and the bucket holds the same.
    pub status: BackupStatus,
    /// All warnings and errors.
    pub results: Results,
    /// Objects in the archive, by resource.
    pub counts: BTreeMap<GroupResource, u64>,
    /// Objects that were left out because they were being deleted.
    pub deleting: u64,
}

/// Why there is no backup. Nothing of it is visible in the bucket.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The request cannot be run: correct it.
    #[error("the backup is invalid: {}", messages.join("; "))]
    Invalid {
        /// What is wrong.
        messages: Vec<String>,
    },
    /// The cluster does not say what it serves. Transient failures were repeated for a while.
    #[error("discover the cluster's resources: {0}")]
    Discovery(#[source] ClusterError),
    /// The bucket refused, or holds a backup of this name already.
    #[error("{operation} backup {name:?}: {source}")]
    Bucket {
        /// What was done.
        operation: &'static str,
        /// Name of the backup.
        name: String,
        /// What the bucket said.
        source: StorageError,
    },
}

/// Saves what `backup` asks for and publishes it.
///
/// Objects, lists and hooks that fail are in the outcome's results, not errors of this function.
///
/// # Errors
/// Where there is no usable archive at the end: see [`BackupError`].
pub async fn run(ctx: &BackupContext, backup: &Backup) -> Result<BackupOutcome, BackupError> {
    let messages = validate(&backup.spec);
    if !messages.is_empty() {
        return Err(BackupError::Invalid { messages });
    }
    let mut backup = backup.clone();
    let status = started(&backup, ctx.clock.now());
    let namespace = backup.metadata.namespace.get_or_insert_with(|| ctx.own_namespace.clone()).clone();
    // Who wrote which field is of no use outside of the cluster it was written in.
    backup.metadata.managed_fields = None;
    let name = backup.metadata.name.clone().unwrap_or_default();

    let mut log = job_log(Arc::clone(&ctx.clock), "backup", &namespace, &name);
    log.info("Starting backup", &[]);
    let discovery =
        retry::patiently(ctx.clock.as_ref(), || ctx.cluster.discover()).await.map_err(BackupError::Discovery)?;
    let plan = plan::Plan::new(&backup.spec, &discovery)?;
    let failed = |operation| {
        let name = name.clone();
        move |source| BackupError::Bucket { operation, name, source }
    };
    // Another attempt under the same name, even of the same object, has another start.
    let run = format!("{}-{}", backup.metadata.uid.as_deref().unwrap_or_default(), ctx.clock.now().as_nanosecond());
    let upload = ctx.store.begin(&name, &run).await.map_err(failed("begin"))?;

    let mut engine = item::Engine::new(ctx, &plan, &name, &status, upload, log);
    match engine.collect().await {
        Ok(()) => engine.publish(backup, status).await,
        Err(error) => {
            engine.abort().await;
            Err(error)
        }
    }
}

/// Tells the log what a plan decided.
fn describe(plan: &plan::Plan, log: &mut JobLog) {
    let selection = &plan.selection;
    log.info(&format!("Including namespaces: {}", selection.namespaces.includes_text()), &[]);
    log.info(&format!("Excluding namespaces: {}", selection.namespaces.excludes_text()), &[]);
    log.info(&format!("Including resources: {}", selection.resources.includes_text()), &[]);
    log.info(&format!("Excluding resources: {}", selection.resources.excludes_text()), &[]);
    if !selection.labels.everything() {
        log.info(&format!("Selecting labels: {}", selection.labels), &[]);
    }
    for (resource, reason) in &plan.skipped {
        log.info(&format!("Skipping resource because {reason}"), &[("groupResource", &resource.to_string())]);
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
