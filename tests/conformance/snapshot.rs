//! The contract of `VolumeSnapshotter`.

use std::sync::Arc;
use std::time::Duration;

use ark::clock::{Clock, TokioClock};
use ark::snapshot::contract::snapshot_contract;
use ark::snapshot::{
    MemorySettings, MemorySnapshotter, SnapshotErrorKind, SnapshotRequest, Tags, Token, VolumeInfo, VolumeRequest,
    VolumeSnapshotter,
};

fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")))
}

fn io1() -> VolumeInfo {
    VolumeInfo { volume_type: "io1".to_owned(), iops: Some(300), zone: Some("eu-1a".to_owned()) }
}

#[tokio::test(start_paused = true)]
async fn disks_in_memory() {
    let clock = clock();
    let disks = MemorySnapshotter::new(Arc::clone(&clock), MemorySettings::default());
    let volume = disks.add_volume(io1(), "as it was");
    let inspect = async |made: &_| assert_eq!(disks.content(made).expect("a disk"), "as it was");
    snapshot_contract(&disks, clock.as_ref(), &volume, Some("eu-1a"), "run-1", inspect).await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_holds_the_moment_it_began_and_must_be_ready_to_be_used() {
    let clock = clock();
    let settings = MemorySettings { snapshot_delay: Duration::from_mins(1), ..MemorySettings::default() };
    let disks = MemorySnapshotter::new(Arc::clone(&clock), settings);
    let volume = disks.add_volume(io1(), "before");
    let request = SnapshotRequest { token: Token("a".into()), volume: volume.clone(), zone: None, tags: Tags::new() };
    let snapshot = disks.create_snapshot(&request).await.expect("a snapshot");
    disks.write(&volume, "after").expect("a disk");
    let request = VolumeRequest { token: Token("b".into()), snapshot, info: io1(), tags: Tags::new() };
    let early = disks.create_volume(&request).await.expect_err("pending");
    assert_eq!(early.kind, SnapshotErrorKind::NotReady);
    clock.sleep(Duration::from_mins(1)).await;
    let made = disks.create_volume(&request).await.expect("ready");
    assert_eq!(disks.content(&made).expect("a disk"), "before");
}
