//! Backup: a request to save, and the record of what was saved (ark-behaviour §1.1, reference/backup-api-type, design decision 1).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go::{GoDuration, empty_as_none, empty_as_null, null_as_default};
use super::phase_or_default;

/// What to back up.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(group = "ark.heptio.com", version = "v1", kind = "Backup", plural = "backups", namespaced)]
#[kube(status = "BackupStatus", derive = "PartialEq", derive = "Default", shortname = "bk")]
#[kube(printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Items", type_ = "integer", json_path = ".status.progress.itemsBackedUp"))]
#[kube(printcolumn(name = "Errors", type_ = "integer", json_path = ".status.errors"))]
#[kube(printcolumn(name = "Expires", type_ = "string", json_path = ".status.expiration", priority = 1))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct BackupSpec {
    /// Namespaces to include; empty or `*` means all.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub included_namespaces: Vec<String>,
    /// Namespaces to exclude.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub excluded_namespaces: Vec<String>,
    /// Resources to include, as plural, singular or short name, with or without group; empty or `*` means all.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub included_resources: Vec<String>,
    /// Resources to exclude.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub excluded_resources: Vec<String>,
    /// Only objects that match; absent or empty means all.
    #[serde(default)]
    pub label_selector: Option<LabelSelector>,
    /// Whether to snapshot volumes: never, required, or (absent) where a provider is configured.
    #[serde(default)]
    pub snapshot_volumes: Option<bool>,
    /// How long after its start the backup may be garbage collected; zero or less means never.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<GoDuration>")]
    pub ttl: GoDuration,
    /// Whether cluster-scoped resources are included: all, none, or (absent) all of them where everything is backed up
    /// and else only those that belong to a namespaced object of the backup.
    #[serde(default)]
    pub include_cluster_resources: Option<bool>,
    /// Commands to run in pods around their backup.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<BackupHooks>")]
    pub hooks: BackupHooks,
}

/// Hooks of a Backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupHooks {
    /// Hooks, each with the objects it applies to.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<ResourceHook>>")]
    pub resources: Vec<ResourceHook>,
}

/// Commands and the pods they apply to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceHook {
    /// Name shown in the log.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub name: String,
    /// Namespaces it applies to; empty means all.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub included_namespaces: Vec<String>,
    /// Namespaces it does not apply to.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub excluded_namespaces: Vec<String>,
    /// Resources it applies to; only pods have containers to run in.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub included_resources: Vec<String>,
    /// Resources it does not apply to.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub excluded_resources: Vec<String>,
    /// Only pods that match; absent means all.
    #[serde(default)]
    pub label_selector: Option<LabelSelector>,
    /// The commands, v0.6 spelling: they run before the pod is saved. Ignored where `pre` is given.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<Hook>>")]
    pub hooks: Vec<Hook>,
    /// Commands that run before the pod is saved.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Hook>>")]
    pub pre: Vec<Hook>,
    /// Commands that run after the pod and its volumes are saved.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Hook>>")]
    pub post: Vec<Hook>,
}

/// One hook. Only `exec` exists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// A command in a container.
    #[serde(default)]
    pub exec: Option<ExecHook>,
}

/// A command in a container of the pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecHook {
    /// The container; empty means the pod's first.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub container: String,
    /// Program and arguments.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub command: Vec<String>,
    /// What a failure means; absent means `Fail`.
    #[serde(default, deserialize_with = "empty_as_none")]
    pub on_error: Option<HookErrorMode>,
    /// How long it may take; zero means 30 seconds.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<GoDuration>")]
    pub timeout: GoDuration,
}

/// What a failing hook means for its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HookErrorMode {
    /// The pod is saved all the same; the failure is a warning.
    Continue,
    /// The failure is an error of the backup.
    Fail,
}

/// Where a backup stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum BackupPhase {
    /// Not yet looked at.
    #[default]
    New,
    /// Refused; `validationErrors` says why.
    FailedValidation,
    /// Running.
    InProgress,
    /// Everything selected is in an archive that can be read.
    Completed,
    /// The archive is good; some items or hooks failed, each of them named.
    PartiallyFailed,
    /// There is no usable archive.
    Failed,
    /// A deletion was requested.
    Deleting,
}

/// What became of a backup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// Format version of the archive.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<i32>")]
    pub version: i32,
    /// When the backup may be garbage collected; absent means never.
    #[serde(default)]
    pub expiration: Option<Time>,
    /// Where it stands; absent or empty reads as `New`.
    #[serde(default, deserialize_with = "phase_or_default")]
    #[schemars(with = "Option<BackupPhase>")]
    pub phase: BackupPhase,
    /// Snapshots by name of the persistent volume.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<BTreeMap<String, VolumeBackup>>")]
    pub volume_backups: BTreeMap<String, VolumeBackup>,
    /// Why the backup was refused.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub validation_errors: Vec<String>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timestamp: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_timestamp: Option<Time>,
    /// When the server that carries it out last said so; absent once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_timestamp: Option<Time>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How many warnings the results in the bucket hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<i64>,
    /// How many errors the results in the bucket hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<i64>,
    /// The first few errors; the bucket has all of them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub messages: Vec<String>,
    /// The archive in the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveSummary>,
    /// Conditions, as the Kubernetes API conventions describe them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Condition>>")]
    pub conditions: Vec<Condition>,
}

/// A snapshot of one volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeBackup {
    /// The provider's id of the snapshot.
    #[serde(rename = "snapshotID")]
    pub snapshot_id: String,
    /// The provider's volume type.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// Zone of the volume.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub availability_zone: String,
    /// Provisioned operations a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<i64>,
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Items the lists announced so far.
    pub total_items: u64,
    /// Items in the archive.
    pub items_backed_up: u64,
}

/// The archive in the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveSummary {
    /// Entries in it.
    pub items: u64,
    /// Its length in the bucket.
    pub bytes: u64,
    /// SHA-256 of it as it lies in the bucket, lower-case hexadecimal.
    pub sha256: String,
}
