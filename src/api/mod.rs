//! The kinds of API group `ark.heptio.com/v1`: fields and phases, no behaviour.
//!
//! Fields, spelling and defaults are those of Ark v0.6 (ark-behaviour §1), so that a manifest written for it is
//! accepted: `null` means absent everywhere, durations are Go's. What this version adds beside them is optional.
//!
//! # Differences
//! * Definitions are `apiextensions.k8s.io/v1` with structural schemas, a status subresource, printer columns and short
//!   names; v0.6 had none of these.
//! * Phases `PartiallyFailed` and `Deleting` (Backup) and `PartiallyFailed` and `Failed` (Restore) are new.

#![expect(clippy::duplicated_attributes, reason = "every printer column is an attribute of its own")]

mod backup;
mod config;
mod crds;
mod delete_backup_request;
mod download_request;
pub mod go;
mod restore;
mod schedule;
pub mod status;

pub use backup::{
    ArchiveSummary, Backup, BackupHooks, BackupPhase, BackupSpec, BackupStatus, ExecHook, Hook, HookErrorMode,
};
pub use backup::{Progress, ResourceHook, VolumeBackup};
pub use config::{CONFIG_NAME, CloudProvider, Config, ConfigSettings, ObjectStorageProvider};
pub use crds::crds;
pub use delete_backup_request::{BACKUP_NAME_LABEL, BACKUP_UID_LABEL};
pub use delete_backup_request::{
    DeleteBackupRequest, DeleteBackupRequestPhase, DeleteBackupRequestSpec, DeleteBackupRequestStatus,
};
pub use download_request::{
    DownloadRequest, DownloadRequestPhase, DownloadRequestSpec, DownloadRequestStatus, DownloadTarget,
    DownloadTargetKind,
};
pub use restore::{Restore, RestorePhase, RestoreProgress, RestoreSpec, RestoreStatus};
pub use schedule::{Schedule, SchedulePhase, ScheduleSpec, ScheduleStatus};

/// The API group of every kind here.
pub const GROUP: &str = "ark.heptio.com";

/// The one version of it.
pub const VERSION: &str = "v1";

/// `apiVersion` of every object here.
pub const API_VERSION: &str = "ark.heptio.com/v1";

/// The namespace Ark lives in where nobody says otherwise.
pub const DEFAULT_NAMESPACE: &str = "heptio-ark";

/// Label on every restored object; its value is the name of the Restore.
pub const RESTORE_LABEL: &str = "ark-restore";

/// Label on every scheduled backup; its value is the name of the Schedule.
pub const SCHEDULE_LABEL: &str = "ark-schedule";

/// The format version of archives that this Ark writes and reads.
pub const FORMAT_VERSION: i32 = 1;

/// Reads a phase; absent, `null` and empty mean the first one, as Ark v0.6 writes them.
fn phase_or_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    match Option::<String>::deserialize(input)? {
        None => Ok(T::default()),
        Some(text) if text.is_empty() => Ok(T::default()),
        Some(text) => T::deserialize(IntoDeserializer::<D::Error>::into_deserializer(text)),
    }
}
