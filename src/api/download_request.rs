//! `DownloadRequest`: a request for a URL by which a file of the bucket can be read (ark-behaviour §1.5).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::go::null_as_default;

/// Which file.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(group = "ark.heptio.com", version = "v1", kind = "DownloadRequest", plural = "downloadrequests", namespaced)]
#[kube(status = "DownloadRequestStatus", derive = "PartialEq", derive = "Default", shortname = "dlr")]
#[kube(printcolumn(name = "Kind", type_ = "string", json_path = ".spec.target.kind"))]
#[kube(printcolumn(name = "Target", type_ = "string", json_path = ".spec.target.name"))]
#[kube(printcolumn(name = "Status", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
pub struct DownloadRequestSpec {
    /// The file.
    pub target: DownloadTarget,
}

/// A file of a backup or of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadTarget {
    /// What sort of file.
    pub kind: DownloadTargetKind,
    /// Name of the backup, or of the restore.
    pub name: String,
}

/// What sort of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DownloadTargetKind {
    /// The log of a backup.
    #[default]
    BackupLog,
    /// The archive of a backup.
    BackupContents,
    /// The warnings and errors of a backup; Ark v0.6 had none.
    BackupResults,
    /// The log of a restore.
    RestoreLog,
    /// The warnings and errors of a restore.
    RestoreResults,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DownloadRequestPhase {
    /// Not yet looked at.
    #[default]
    New,
    /// The URL is there, or `message` says why not.
    Processed,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadRequestStatus {
    /// Where it stands; absent or empty reads as `New`.
    #[serde(default, deserialize_with = "super::phase_or_default")]
    #[schemars(with = "Option<DownloadRequestPhase>")]
    pub phase: DownloadRequestPhase,
    /// The URL. Whoever has it can read the file until it expires.
    #[serde(default, rename = "downloadURL", deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>")]
    pub download_url: String,
    /// When the URL expires; the request is deleted then.
    #[serde(default)]
    pub expiration: Option<Time>,
    /// Why there is no URL.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    #[schemars(with = "Option<String>")]
    pub message: String,
}
