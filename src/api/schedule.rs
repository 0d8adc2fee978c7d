//! Schedule: backups at set times (ark-behaviour §1.3).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BackupSpec;
use super::go::{empty_as_null, null_as_default};

/// What to back up and when.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(group = "ark.heptio.com", version = "v1", kind = "Schedule", plural = "schedules", namespaced)]
#[kube(status = "ScheduleStatus", derive = "PartialEq", derive = "Default", shortname = "sched")]
#[kube(printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"))]
#[kube(printcolumn(name = "Backup TTL", type_ = "string", json_path = ".spec.template.ttl"))]
#[kube(printcolumn(name = "Last Backup", type_ = "date", json_path = ".status.lastBackup"))]
#[kube(printcolumn(name = "Paused", type_ = "boolean", json_path = ".spec.paused", priority = 1))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct ScheduleSpec {
    /// The spec of every backup.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<BackupSpec>")]
    pub template: BackupSpec,
    /// Cron expression of five fields, or `@every 1h` and the like.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub schedule: String,
    /// Name of the time zone that the expression is read in; absent means UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// While true no backup is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum SchedulePhase {
    /// Not yet looked at.
    #[default]
    New,
    /// Backups are started when they are due.
    Enabled,
    /// Refused; `validationErrors` says why.
    FailedValidation,
}

/// What became of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// Where it stands; absent or empty reads as `New`.
    #[serde(default, deserialize_with = "super::phase_or_default")]
    #[schemars(with = "Option<SchedulePhase>")]
    pub phase: SchedulePhase,
    /// When the last backup was started; it was due then or earlier.
    #[serde(default)]
    pub last_backup: Option<Time>,
    /// Why the schedule was refused.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    #[schemars(with = "Option<Vec<String>>")]
    pub validation_errors: Vec<String>,
    /// Conditions, as the Kubernetes API conventions describe them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Condition>>")]
    pub conditions: Vec<Condition>,
}
