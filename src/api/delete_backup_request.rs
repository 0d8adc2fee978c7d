//! `DeleteBackupRequest`: a request to delete a backup with everything that belongs to it (ark-behaviour §13.4).

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go::{empty_as_null, null_as_default};

/// Label on a request: the name of its backup.
pub const BACKUP_NAME_LABEL: &str = "ark.heptio.com/backup-name";

/// Label on a request: the uid of its backup.
pub const BACKUP_UID_LABEL: &str = "ark.heptio.com/backup-uid";

/// Which backup to delete: its files in the bucket, its snapshots, its restores and the objects of all of them.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ark.heptio.com",
    version = "v1",
    kind = "DeleteBackupRequest",
    plural = "deletebackuprequests",
    namespaced
)]
#[kube(status = "DeleteBackupRequestStatus", derive = "PartialEq", derive = "Default", shortname = "dbr")]
#[kube(printcolumn(name = "Backup", type_ = "string", json_path = ".spec.backupName"))]
#[kube(printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct DeleteBackupRequestSpec {
    /// Name of the backup.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub backup_name: String,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DeleteBackupRequestPhase {
    /// Not yet looked at.
    #[default]
    New,
    /// The deletion is running.
    InProgress,
    /// The deletion is done, or `errors` says what is left.
    Processed,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteBackupRequestStatus {
    /// Where it stands; absent or empty reads as `New`.
    #[serde(default, deserialize_with = "super::phase_or_default")]
    #[schemars(with = "Option<DeleteBackupRequestPhase>")]
    pub phase: DeleteBackupRequestPhase,
    /// What could not be deleted and why.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub errors: Vec<String>,
}
