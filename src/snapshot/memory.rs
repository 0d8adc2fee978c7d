//! Disks in memory: the provider of tests and of `ark demo`.
//!
//! Snapshots and new disks are pending for a set time on the caller's clock. Ids come from a seed. A disk holds a text, so
//! that a test can see whether what comes back is what was saved.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Readiness, Snapshot, SnapshotError, SnapshotErrorKind, SnapshotId, SnapshotRequest, TAGS_MAX, Tags, VolumeId,
    VolumeInfo, VolumeRequest, VolumeSnapshotter,
};
use crate::clock::Clock;

/// How a [`MemorySnapshotter`] behaves.
#[derive(Clone, Copy, Debug)]
pub struct MemorySettings {
    /// What ids come from.
    pub seed: u64,
    /// How long a snapshot is pending.
    pub snapshot_delay: Duration,
    /// How long a new disk is pending.
    pub volume_delay: Duration,
    /// How many snapshots there may be.
    pub snapshots_max: usize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            seed: 0,
            snapshot_delay: Duration::from_secs(20),
            volume_delay: Duration::from_secs(5),
            // As many as EC2 grants an account.
            snapshots_max: 100_000,
        }
    }
}

/// Disks in memory; clones share them.
#[derive(Clone, Debug)]
pub struct MemorySnapshotter {
    clock: Arc<dyn Clock>,
    settings: MemorySettings,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    volumes: BTreeMap<VolumeId, Disk>,
    snapshots: BTreeMap<SnapshotId, Saved>,
}

#[derive(Clone, Debug)]
struct Disk {
    info: VolumeInfo,
    content: String,
    ready_at: Timestamp,
    tags: Tags,
    request: Option<VolumeRequest>,
}

#[derive(Clone, Debug)]
struct Saved {
    request: SnapshotRequest,
    content: String,
    ready_at: Timestamp,
}

impl MemorySnapshotter {
    /// No disks yet.
    pub fn new(clock: Arc<dyn Clock>, settings: MemorySettings) -> Self {
        Self { clock, settings, state: Arc::default() }
    }

    /// Adds a disk that is ready.
    pub fn add_volume(&self, info: VolumeInfo, content: &str) -> VolumeId {
        let mut state = self.lock();
        let id = VolumeId(self.next_id(&mut state, "vol"));
        let ready_at = self.clock.now();
        let disk = Disk { info, content: content.to_owned(), ready_at, tags: Tags::new(), request: None };
        state.volumes.insert(id.clone(), disk);
        id
    }

    /// Overwrites what a disk holds.
    pub fn write(&self, volume: &VolumeId, content: &str) -> Result<(), SnapshotError> {
        let mut state = self.lock();
        let disk = state.volumes.get_mut(volume).ok_or_else(|| no_volume("write", volume))?;
        content.clone_into(&mut disk.content);
        Ok(())
    }

    /// What a disk holds.
    pub fn content(&self, volume: &VolumeId) -> Result<String, SnapshotError> {
        let state = self.lock();
        Ok(state.volumes.get(volume).ok_or_else(|| no_volume("read", volume))?.content.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the disks")
    }

    fn next_id(&self, state: &mut State, prefix: &str) -> String {
        state.next += 1;
        let digest =
            Sha256::new().chain_update(self.settings.seed.to_be_bytes()).chain_update(state.next.to_be_bytes());
        digest.finalize().iter().take(8).fold(format!("{prefix}-"), |mut id, byte| {
            write!(id, "{byte:02x}").expect("a String takes everything");
            id
        })
    }

    fn readiness(&self, ready_at: Timestamp) -> Readiness {
        if self.clock.now() < ready_at { Readiness::Pending } else { Readiness::Ready }
    }

    fn ready_after(&self, delay: Duration) -> Timestamp {
        self.clock.now().saturating_add(delay).unwrap_or(Timestamp::MAX)
    }

    fn shown(&self, id: &SnapshotId, saved: &Saved) -> Snapshot {
        Snapshot {
            id: id.clone(),
            volume: saved.request.volume.clone(),
            readiness: self.readiness(saved.ready_at),
            tags: saved.request.tags.clone(),
        }
    }
}

#[async_trait]
impl VolumeSnapshotter for MemorySnapshotter {
    async fn volume_info(&self, volume: &VolumeId, zone: Option<&str>) -> Result<VolumeInfo, SnapshotError> {
        let state = self.lock();
        Ok(find(&state, "describe", volume, zone)?.info.clone())
    }

    async fn create_snapshot(&self, request: &SnapshotRequest) -> Result<SnapshotId, SnapshotError> {
        let operation = format!("create snapshot of {}", request.volume);
        check(&operation, &request.token.0, &request.tags)?;
        let mut state = self.lock();
        if let Some((id, saved)) = state.snapshots.iter().find(|(_, saved)| saved.request.token == request.token) {
            return if saved.request == *request { Ok(id.clone()) } else { Err(used_token(&operation)) };
        }
        let content = find(&state, "create snapshot of", &request.volume, request.zone.as_deref())?.content.clone();
        if state.snapshots.len() >= self.settings.snapshots_max {
            let message = format!("there are {} snapshots already", state.snapshots.len());
            return Err(failed(SnapshotErrorKind::Quota, &operation, message));
        }
        let id = SnapshotId(self.next_id(&mut state, "snap"));
        let ready_at = self.ready_after(self.settings.snapshot_delay);
        state.snapshots.insert(id.clone(), Saved { request: request.clone(), content, ready_at });
        Ok(id)
    }

    async fn snapshot(&self, id: &SnapshotId) -> Result<Snapshot, SnapshotError> {
        let state = self.lock();
        let saved = state.snapshots.get(id).ok_or_else(|| no_snapshot("describe", id))?;
        Ok(self.shown(id, saved))
    }

    async fn find_snapshots(&self, tags: &Tags) -> Result<Vec<Snapshot>, SnapshotError> {
        some_tags("find snapshots", tags)?;
        let state = self.lock();
        let found = state.snapshots.iter().filter(|(_, saved)| carries(&saved.request.tags, tags));
        Ok(found.map(|(id, saved)| self.shown(id, saved)).collect())
    }

    async fn delete_snapshot(&self, id: &SnapshotId) -> Result<(), SnapshotError> {
        self.lock().snapshots.remove(id);
        Ok(())
    }

    async fn create_volume(&self, request: &VolumeRequest) -> Result<VolumeId, SnapshotError> {
        let operation = format!("create volume from {}", request.snapshot);
        check(&operation, &request.token.0, &request.tags)?;
        let mut state = self.lock();
        let same = |disk: &Disk| disk.request.as_ref().is_some_and(|made| made.token == request.token);
        if let Some((id, disk)) = state.volumes.iter().find(|(_, disk)| same(disk)) {
            return if disk.request.as_ref() == Some(request) { Ok(id.clone()) } else { Err(used_token(&operation)) };
        }
        let saved = state.snapshots.get(&request.snapshot);
        let saved = saved.ok_or_else(|| no_snapshot("create volume from", &request.snapshot))?;
        if self.readiness(saved.ready_at) != Readiness::Ready {
            return Err(failed(SnapshotErrorKind::NotReady, &operation, "the snapshot is still pending"));
        }
        if request.info.volume_type.is_empty() {
            return Err(failed(SnapshotErrorKind::Invalid, &operation, "the volume type is empty"));
        }
        let content = saved.content.clone();
        let id = VolumeId(self.next_id(&mut state, "vol"));
        let disk = Disk {
            info: request.info.clone(),
            content,
            ready_at: self.ready_after(self.settings.volume_delay),
            tags: request.tags.clone(),
            request: Some(request.clone()),
        };
        state.volumes.insert(id.clone(), disk);
        Ok(id)
    }

    async fn volume_readiness(&self, volume: &VolumeId, zone: Option<&str>) -> Result<Readiness, SnapshotError> {
        let state = self.lock();
        Ok(self.readiness(find(&state, "describe", volume, zone)?.ready_at))
    }

    async fn find_volumes(&self, tags: &Tags) -> Result<Vec<VolumeId>, SnapshotError> {
        some_tags("find volumes", tags)?;
        let state = self.lock();
        Ok(state.volumes.iter().filter(|(_, disk)| carries(&disk.tags, tags)).map(|(id, _)| id.clone()).collect())
    }

    async fn delete_volume(&self, volume: &VolumeId, _zone: Option<&str>) -> Result<(), SnapshotError> {
        self.lock().volumes.remove(volume);
        Ok(())
    }
}

fn failed(kind: SnapshotErrorKind, operation: &str, message: impl Into<String>) -> SnapshotError {
    SnapshotError { kind, operation: operation.to_owned(), message: message.into() }
}

fn no_volume(verb: &str, volume: &VolumeId) -> SnapshotError {
    failed(SnapshotErrorKind::NotFound, &format!("{verb} {volume}"), "there is no such volume")
}

fn no_snapshot(verb: &str, id: &SnapshotId) -> SnapshotError {
    failed(SnapshotErrorKind::NotFound, &format!("{verb} {id}"), "there is no such snapshot")
}

fn used_token(operation: &str) -> SnapshotError {
    failed(SnapshotErrorKind::Conflict, operation, "the token was used for another request")
}

/// A disk, looked for where the caller says it is.
fn find<'a>(state: &'a State, verb: &str, volume: &VolumeId, zone: Option<&str>) -> Result<&'a Disk, SnapshotError> {
    let disk = state.volumes.get(volume).ok_or_else(|| no_volume(verb, volume))?;
    if zone.is_some() && zone != disk.info.zone.as_deref() {
        return Err(no_volume(verb, volume));
    }
    Ok(disk)
}

fn carries(has: &Tags, wanted: &Tags) -> bool {
    wanted.iter().all(|(key, value)| has.get(key) == Some(value))
}

fn some_tags(operation: &str, tags: &Tags) -> Result<(), SnapshotError> {
    if tags.is_empty() {
        return Err(failed(SnapshotErrorKind::Invalid, operation, "name at least one tag to look for"));
    }
    Ok(())
}

fn check(operation: &str, token: &str, tags: &Tags) -> Result<(), SnapshotError> {
    if token.is_empty() || token.len() > 64 {
        return Err(failed(SnapshotErrorKind::Invalid, operation, "a token has 1 to 64 characters"));
    }
    if tags.len() > TAGS_MAX {
        let message = format!("{} tags are more than the {TAGS_MAX} that are allowed", tags.len());
        return Err(failed(SnapshotErrorKind::Invalid, operation, message));
    }
    Ok(())
}
