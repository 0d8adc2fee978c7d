//! What every [`VolumeSnapshotter`] promises, as assertions: run [`snapshot_contract`] against your own backend.

use std::time::Duration;

use super::{
    Readiness, SnapshotError, SnapshotErrorKind as Kind, SnapshotId, SnapshotRequest, TAGS_MAX, Tags, Token, VolumeId,
    VolumeInfo, VolumeRequest, VolumeSnapshotter,
};
use crate::clock::Clock;

/// Pause between two looks at something pending.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How often to look: an hour, since a first snapshot of a large disk takes its time.
const LOOKS_MAX: u32 = 720;

/// Asserts everything, on a disk that exists. It creates snapshots and disks and deletes them; `run` tells the tokens and
/// tags of this run from any other's. Returns the disk that came from the first snapshot to `inspect` before it is deleted.
pub async fn snapshot_contract(
    provider: &dyn VolumeSnapshotter,
    clock: &dyn Clock,
    volume: &VolumeId,
    zone: Option<&str>,
    run: &str,
    inspect: impl AsyncFnOnce(&VolumeId),
) {
    let info = provider.volume_info(volume, zone).await.expect("the disk exists");
    let tags: Tags = [("ark.example.com/run".to_owned(), run.to_owned())].into();
    let request = SnapshotRequest {
        token: Token(format!("{run}-snapshot")),
        volume: volume.clone(),
        zone: zone.map(str::to_owned),
        tags: tags.clone(),
    };
    let snapshot = snapshots(provider, clock, &request).await;
    volumes(provider, clock, &snapshot, &info, run, inspect).await;

    provider.delete_snapshot(&snapshot).await.expect("a snapshot can be deleted");
    provider.delete_snapshot(&snapshot).await.expect("what is absent counts as deleted");
    fails(provider.snapshot(&snapshot).await, Kind::NotFound, "a snapshot that was deleted");
    assert_eq!(provider.find_snapshots(&tags).await.expect("a search"), [], "nor is it found by its tags");
    refusals(provider, &request).await;
}

async fn snapshots(provider: &dyn VolumeSnapshotter, clock: &dyn Clock, request: &SnapshotRequest) -> SnapshotId {
    let id = provider.create_snapshot(request).await.expect("a snapshot begins");
    let again = provider.create_snapshot(request).await.expect("the same request again");
    assert_eq!(again, id, "the same token answers with the same snapshot");
    let other = SnapshotRequest { tags: Tags::new(), ..request.clone() };
    fails(provider.create_snapshot(&other).await, Kind::Conflict, "one token for two requests");
    let found = provider.find_snapshots(&request.tags).await.expect("a search");
    assert_eq!(found.len(), 1, "a snapshot carries its tags from its first moment, and exists once");
    assert_eq!((&found[0].id, &found[0].volume, &found[0].tags), (&id, &request.volume, &request.tags));
    until_ready(clock, "the snapshot", async || provider.snapshot(&id).await.expect("it exists").readiness).await;
    id
}

async fn volumes(
    provider: &dyn VolumeSnapshotter,
    clock: &dyn Clock,
    snapshot: &SnapshotId,
    info: &VolumeInfo,
    run: &str,
    inspect: impl AsyncFnOnce(&VolumeId),
) {
    let tags: Tags = [("ark.example.com/run".to_owned(), format!("{run}-volume"))].into();
    let request = VolumeRequest {
        token: Token(format!("{run}-volume")),
        snapshot: snapshot.clone(),
        info: info.clone(),
        tags: tags.clone(),
    };
    let made = provider.create_volume(&request).await.expect("a disk begins");
    let again = provider.create_volume(&request).await.expect("the same request again");
    assert_eq!(again, made, "the same token answers with the same disk");
    let zone = info.zone.as_deref();
    until_ready(clock, "the disk", async || provider.volume_readiness(&made, zone).await.expect("it exists")).await;
    let shown = provider.volume_info(&made, zone).await.expect("it exists");
    assert_eq!(shown, *info, "a disk is like the one it stands in for");
    let found = provider.find_volumes(&tags).await.expect("a search");
    assert_eq!(found, std::slice::from_ref(&made), "a disk is found by its tags");
    inspect(&made).await;
    provider.delete_volume(&made, zone).await.expect("a disk can be deleted");
    provider.delete_volume(&made, zone).await.expect("what is absent counts as deleted");
    fails(provider.volume_readiness(&made, zone).await, Kind::NotFound, "a disk that was deleted");
}

async fn refusals(provider: &dyn VolumeSnapshotter, request: &SnapshotRequest) {
    let absent = VolumeId("vol-00000000000000000".to_owned());
    fails(provider.volume_info(&absent, None).await, Kind::NotFound, "a disk that does not exist");
    let of_absent = SnapshotRequest { volume: absent, token: Token("contract-absent".to_owned()), ..request.clone() };
    fails(provider.create_snapshot(&of_absent).await, Kind::NotFound, "a snapshot of a disk that does not exist");
    let absent = SnapshotId("snap-00000000000000000".to_owned());
    let from_absent = VolumeRequest {
        token: Token("contract-absent".to_owned()),
        snapshot: absent,
        info: VolumeInfo { volume_type: "any".to_owned(), ..VolumeInfo::default() },
        tags: Tags::new(),
    };
    fails(provider.create_volume(&from_absent).await, Kind::NotFound, "a disk from a snapshot that does not exist");
    fails(provider.find_snapshots(&Tags::new()).await, Kind::Invalid, "a search for everybody's snapshots");
    fails(provider.find_volumes(&Tags::new()).await, Kind::Invalid, "a search for everybody's disks");
    let many = (0..=TAGS_MAX).map(|number| (format!("tag-{number}"), String::new())).collect();
    let many = SnapshotRequest { tags: many, token: Token("contract-many".to_owned()), ..request.clone() };
    fails(provider.create_snapshot(&many).await, Kind::Invalid, "more tags than a provider takes");
}

async fn until_ready(clock: &dyn Clock, what: &str, mut look: impl AsyncFnMut() -> Readiness) {
    for _ in 0..LOOKS_MAX {
        match look().await {
            Readiness::Ready => return,
            Readiness::Pending => clock.sleep(LOOK_INTERVAL).await,
            Readiness::Failed => panic!("{what} failed at the provider"),
        }
    }
    panic!("{what} did not become ready in time")
}

fn fails<T>(result: Result<T, SnapshotError>, kind: Kind, promise: &str) {
    match result {
        Ok(_) => panic!("{promise}: it succeeded"),
        Err(error) => assert_eq!(error.kind, kind, "{promise}: {error}"),
    }
}
