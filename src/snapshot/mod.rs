//! The third of Ark's interfaces: the disks behind persistent volumes.
//!
//! [`VolumeSnapshotter`] is what a provider of disks can do. It answers at once and says how far things are: nothing
//! here waits for a disk. Every backend passes [`contract::snapshot_contract`]; [`MemorySnapshotter`] is the one in
//! memory, whose snapshots and volumes are pending for a while on a clock.
//!
//! Creating is safe to repeat: the caller gives a token, and the same token answers with the same snapshot or volume,
//! so that a lost answer or a crash between the call and its record leaves no orphan. What is created carries the caller's
//! tags, by which a later process finds it (design decisions 5 and 13).
//!
//! # Differences
//! * Ark v0.6 took a volume id out of a `PersistentVolume` here; reading and writing objects is the engines' part.
//! * v0.6 tagged a snapshot in a second call after creating it, so that a crash between the two left one without tags.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

pub mod contract;
mod error;
mod memory;

pub use error::{SnapshotError, SnapshotErrorKind};
pub use memory::{MemorySettings, MemorySnapshotter};

/// Name and value of everything Ark creates at a provider: the backup's name and uid, the installation's id.
pub type Tags = BTreeMap<String, String>;

/// How many tags one snapshot or volume may carry; EC2 allows 50, the least of all providers.
pub const TAGS_MAX: usize = 50;

/// The provider's id of a disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeId(pub String);

/// The provider's id of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId(pub String);

/// What makes a repeated request the same request: unique for each thing to create, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub String);

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a new disk must be like to stand in for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeInfo {
    /// The provider's word for the kind of disk, such as `gp3`.
    pub volume_type: String,
    /// Operations a second, where they were bought separately.
    pub iops: Option<i64>,
    /// Where the disk is; `None` where the provider has no zones.
    pub zone: Option<String>,
}

/// How far a snapshot or a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet usable; look again.
    Pending,
    /// Usable.
    Ready,
    /// It will never be usable: delete it.
    Failed,
}

/// A request for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRequest {
    /// What makes a repetition the same request.
    pub token: Token,
    /// The disk.
    pub volume: VolumeId,
    /// Its zone, where the provider needs it to find the disk.
    pub zone: Option<String>,
    /// What the snapshot carries, from its first moment.
    pub tags: Tags,
}

/// A snapshot as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// The disk it was taken of.
    pub volume: VolumeId,
    /// How far it is.
    pub readiness: Readiness,
    /// What it carries.
    pub tags: Tags,
}

/// A request for a disk with the content of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRequest {
    /// What makes a repetition the same request.
    pub token: Token,
    /// The content. It must be ready.
    pub snapshot: SnapshotId,
    /// What the disk is like.
    pub info: VolumeInfo,
    /// What the disk carries, from its first moment.
    pub tags: Tags,
}

/// A provider of disks.
#[async_trait]
pub trait VolumeSnapshotter: fmt::Debug + Send + Sync {
    /// What a disk is like.
    async fn volume_info(&self, volume: &VolumeId, zone: Option<&str>) -> Result<VolumeInfo, SnapshotError>;

    /// Begins a snapshot of what the disk holds now. The same token answers with the same snapshot.
    async fn create_snapshot(&self, request: &SnapshotRequest) -> Result<SnapshotId, SnapshotError>;

    /// One snapshot.
    async fn snapshot(&self, id: &SnapshotId) -> Result<Snapshot, SnapshotError>;

    /// All snapshots that carry all of these tags, by id. No tags at all are refused: that would be everybody's.
    async fn find_snapshots(&self, tags: &Tags) -> Result<Vec<Snapshot>, SnapshotError>;

    /// Deletes a snapshot. One that is absent counts as deleted.
    async fn delete_snapshot(&self, id: &SnapshotId) -> Result<(), SnapshotError>;

    /// Begins a disk with the content of a snapshot. The same token answers with the same disk.
    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, SnapshotError>;

    /// How far a disk is.
    async fn volume_readiness(&self, volume: &VolumeId, zone: Option<&str>) -> Result<Readiness, SnapshotError>;

    /// All disks that carry all of these tags, by id. No tags at all are refused.
    async fn find_volumes(&self, tags: &Tags) -> Result<Vec<VolumeId>, SnapshotError>;

    /// Deletes a disk that a crashed restore left behind. One that is absent counts as deleted.
    async fn delete_volume(&self, volume: &VolumeId, zone: Option<&str>) -> Result<(), SnapshotError>;
}
