//! Restore: a request to bring a backup, or a part of it, back (ark-behaviour §1.2, design decision 1).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go::{empty_as_null, null_as_default};
use super::phase_or_default;

/// What to restore.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(group = "ark.heptio.com", version = "v1", kind = "Restore", plural = "restores", namespaced)]
#[kube(status = "RestoreStatus", derive = "PartialEq", derive = "Default", shortname = "rst")]
#[kube(printcolumn(name = "Backup", type_ = "string", json_path = ".spec.backupName"))]
#[kube(printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Warnings", type_ = "integer", json_path = ".status.warnings"))]
#[kube(printcolumn(name = "Errors", type_ = "integer", json_path = ".status.errors"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct RestoreSpec {
    /// Name of the backup in the bucket.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub backup_name: String,
    /// Namespaces of the backup to include; empty or `*` means all.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub included_namespaces: Vec<String>,
    /// Namespaces of the backup to exclude.
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
    /// Namespaces to restore under another name: from the backup's to the cluster's.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub namespace_mapping: BTreeMap<String, String>,
    /// Only objects that match; absent or empty means all.
    #[serde(default)]
    pub label_selector: Option<LabelSelector>,
    /// Whether volumes come back from snapshots: never, required, or (absent) where one was taken.
    #[serde(default, rename = "restorePVs")]
    pub restore_pvs: Option<bool>,
    /// Whether cluster-scoped resources are restored: all, none, or (absent) all of them where every namespace is
    /// restored and else only those that belong to a restored object.
    #[serde(default)]
    pub include_cluster_resources: Option<bool>,
}

/// Where a restore stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RestorePhase {
    /// Not yet looked at.
    #[default]
    New,
    /// Refused; `validationErrors` says why.
    FailedValidation,
    /// Running.
    InProgress,
    /// Every selected item is in the cluster, or was left out for a reason that is named.
    Completed,
    /// Some items failed, each of them named.
    PartiallyFailed,
    /// Nothing could be restored.
    Failed,
}

/// What became of a restore.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreStatus {
    /// Where it stands; absent or empty reads as `New`.
    #[serde(default, deserialize_with = "phase_or_default")]
    #[schemars(with = "Option<RestorePhase>")]
    pub phase: RestorePhase,
    /// Why the restore was refused.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub validation_errors: Vec<String>,
    /// How many warnings the results in the bucket hold.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<i64>")]
    pub warnings: i64,
    /// How many errors the results in the bucket hold.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<i64>")]
    pub errors: i64,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timestamp: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_timestamp: Option<Time>,
    /// When the server that carries it out last said so; absent once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_timestamp: Option<Time>,
    /// How many items have which outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<RestoreProgress>,
    /// The first few errors; the bucket has all of them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub messages: Vec<String>,
    /// Why nothing could be restored.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    #[schemars(with = "Option<String>")]
    pub failure_reason: String,
    /// Conditions, as the Kubernetes API conventions describe them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Condition>>")]
    pub conditions: Vec<Condition>,
}

/// How many items of a restore have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreProgress {
    /// Items in the plan.
    pub total_items: u64,
    /// Items that were created.
    pub created: u64,
    /// Items that exist and are identical.
    pub unchanged: u64,
    /// Items that exist, differ and were kept.
    pub different: u64,
    /// Items that existed and were changed.
    #[serde(default)]
    #[schemars(with = "Option<u64>")]
    pub updated: u64,
    /// Items that were left out, each with a reason.
    pub skipped: u64,
    /// Items that failed.
    pub failed: u64,
}
