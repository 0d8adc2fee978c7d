//! The three contracts, through the functions that the in-memory backends pass.

use std::sync::Arc;

use ark::clock::{Clock, SystemClock};
use ark::cluster::contract::{cluster_contract, exec_contract};
use ark::snapshot::contract::snapshot_contract;
use ark::snapshot::{MemorySettings, MemorySnapshotter, VolumeInfo};
use ark::storage::contract::backup_store_contract;
use ark::storage::{BackupStore, Settings, open};

use crate::cluster::Real;
use crate::store::RealBucket;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cluster_keeps_the_contract() {
    let Some(real) = rig::or_skip(Real::start().await) else {
        return;
    };
    let ark = real.ark().await;
    let namespace = format!("ark-contract-{}", std::process::id());
    let image = rig::given::variable("ARK_TEST_EXEC_IMAGE").unwrap_or_else(|| "busybox:1.37".to_owned());
    cluster_contract(ark.as_ref(), &SystemClock, &namespace).await;
    exec_contract(ark.as_ref(), &SystemClock, &format!("{namespace}-exec"), &image).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_bucket_keeps_the_contract() {
    let Some(bucket) = rig::or_skip(RealBucket::start().await) else {
        return;
    };
    backup_store_contract(|| async { bucket.store("contract") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = std::sync::atomic::AtomicU64::new(0);
    backup_store_contract(|| async {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = folder.path().join(number.to_string());
        std::fs::create_dir(&place).expect("a folder");
        BackupStore::new(open(&place.display().to_string(), &Settings::default()).expect("a folder is a bucket"))
    })
    .await;
}

/// Disks are in memory so far; here on the machine's clock, as the other two contracts.
#[tokio::test(flavor = "multi_thread")]
async fn disks_in_memory_keep_the_contract() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let disks = MemorySnapshotter::new(Arc::clone(&clock), MemorySettings::default());
    let info = VolumeInfo { volume_type: "io1".to_owned(), iops: Some(300), zone: Some("eu-1a".to_owned()) };
    let volume = disks.add_volume(info, "as it was");
    let inspect = async |made: &_| assert_eq!(disks.content(made).expect("a disk"), "as it was");
    snapshot_contract(&disks, clock.as_ref(), &volume, Some("eu-1a"), "run-1", inspect).await;
}
