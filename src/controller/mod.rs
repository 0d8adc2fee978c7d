//! Controllers: from an object somebody created to work done and a status that tells of it.
//!
//! A [`Reconciler`] looks at one object and does the next thing; [`runtime::run`] decides when. Reconcilers know no
//! watch, no queue and no client library: a test calls them one object at a time, on any [`Cluster`](crate::cluster::Cluster).
//!
//! | Phase found | What happens |
//! |---|---|
//! | `New` or empty | validated, then `FailedValidation` or `InProgress`, the job, its final phase |
//! | `InProgress` | listened to (`silence`); left behind, a published backup gets its outcome from the bucket, else `Failed` |
//! | anything else | nothing |
//!
//! Promises: the phase is written before the work begins, under the revision that was looked at, so that of two servers
//! one works; the other one, or a server that starts while the old one finishes its work, keeps off as long as it hears a
//! heartbeat; an `InProgress` object never stays behind (design decision 5); a status that cannot be written is written
//! again. One object of a kind at a time.
//!
//! # Differences
//! * Ark v0.6 looked at creations only and left an interrupted backup `InProgress` for ever.
//! * Why something failed is in its status; v0.6 had it in the server's log only.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::api::{GROUP, VERSION};
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::object::{ApiResource, RawObject};
use crate::storage::StorageError;

mod backup;
mod progress;
mod queue;
mod restore;
pub mod runtime;
mod silence;
mod status;

pub use backup::BackupController;
pub use restore::RestoreController;

/// What is left to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until it changes.
    Done,
    /// Look again after so long.
    RequeueAfter(Duration),
}

/// Why an object was not brought further. It is looked at again later.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ControllerError {
    /// The cluster did not take a status or did not answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The bucket did not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ControllerError {
    /// Whether it only says that somebody else was faster, which the next look will show.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Cluster(error) if error.kind == ClusterErrorKind::Conflict)
    }
}

/// Brings the objects of one kind further, one step at a time.
#[async_trait]
pub trait Reconciler: Debug + Send + Sync {
    /// The kind.
    fn resource(&self) -> &ApiResource;

    /// Does what `object`, as it is now, asks for. Returns when that is done and recorded.
    async fn reconcile(&self, object: &RawObject) -> Result<Action, ControllerError>;
}

/// One of Ark's own kinds, as its definition has it.
pub fn own_resource(plural: &str, kind: &str) -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        namespaced: true,
        preferred: true,
        short_names: Vec::new(),
        verbs: ["create", "delete", "get", "list", "patch", "update", "watch"].map(str::to_owned).into(),
        subresources: ["status".to_owned()].into(),
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
