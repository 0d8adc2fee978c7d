//! Memory of a backup, shown by a counting allocator.
//!
//! The cluster here is generated page by page and keeps nothing, the bucket is a folder: what is measured is Ark. A
//! backup holds a few pages and two parts of an upload, and next to nothing of an object that is in the archive (design
//! decision 3). This is a binary of its own because the allocator is the process's.

use std::sync::Arc;

use ark::api::{Backup, BackupPhase, BackupSpec};
use ark::backup::{self, BackupContext, Unobserved};
use ark::clock::TokioClock;
use ark::storage::{self, BackupStore};
use peak_alloc::PeakAlloc;

mod generated;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Peak of one backup of `count` objects above what was in use before it, in bytes.
fn peak_of_a_backup(count: u64) -> usize {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    runtime.block_on(async {
        let bucket = storage::open(&folder.path().display().to_string(), &storage::Settings::new()).expect("a folder");
        let context = BackupContext {
            cluster: Arc::new(generated::Cluster::new(count)),
            store: BackupStore::new(bucket),
            clock: Arc::new(TokioClock::starting_at(jiff::Timestamp::UNIX_EPOCH)),
            own_namespace: "heptio-ark".to_owned(),
            progress: Arc::new(Unobserved),
        };
        let outcome = backup::run(&context, &Backup::new("big", BackupSpec::default())).await.expect("a backup");
        assert_eq!(outcome.status.phase, BackupPhase::Completed, "{:?}", outcome.status.messages);
        assert_eq!(outcome.status.progress.expect("progress").items_backed_up, count);
    });
    ALLOCATOR.peak_usage().saturating_sub(before)
}

/// What is remembered of each object until the backup ends: half a hash of its path, so that none is saved twice, its
/// compressed line of the index and its compressed line of the log.
const BYTES_PER_OBJECT_MAX: usize = 128;

/// A few list pages, two parts of an upload, a few gzip members.
const BYTES_MAX: usize = 48 * 1024 * 1024;

#[test]
fn a_backup_remembers_little_of_an_object_that_is_in_the_archive() {
    // Both fill more than one part of the upload.
    let (few, many) = (40_000, 120_000);
    // Whether a member is still being compressed when a part is full is chance: the lesser of two peaks is nearer to what is needed.
    let least = |count| (0..2).map(|_| peak_of_a_backup(count)).min().expect("two");
    let (small, large) = (least(few), least(many));
    let growth = large.saturating_sub(small) / usize::try_from(many - few).expect("small");
    println!("peak of {few} objects: {} KiB; of {many}: {} KiB; {growth} bytes an object", small / 1024, large / 1024);
    assert!(growth < BYTES_PER_OBJECT_MAX, "the peak grows by {growth} bytes an object: {small} -> {large}");
    assert!(large < BYTES_MAX, "{large} bytes");
}
