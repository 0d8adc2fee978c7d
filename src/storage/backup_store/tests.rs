//! The contract over the stores that need no network, and what happens when a store fails.

use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;

use super::*;
use crate::archive::ArchiveWriter;
use crate::storage::contract::backup_store_contract;
use crate::storage::faulty::{Failure, Fault, FaultyStore, Operation};
use crate::storage::{Settings, open};

fn faulty() -> (FaultyStore, BackupStore) {
    let faults = FaultyStore::new(Arc::new(InMemory::new()));
    let store = BackupStore::new(Bucket::new(Arc::new(faults.clone()), "faulty:"));
    (faults, store)
}

fn completed(name: &str) -> Backup {
    let mut backup = Backup::new(name, BackupSpec::default());
    backup.status = Some(BackupStatus { version: FORMAT_VERSION, ..BackupStatus::default() });
    backup
}

/// A whole upload, up to the first error.
async fn save(store: &BackupStore, name: &str, bytes: usize) -> Result<(), StorageError> {
    let mut upload = store.begin(name, "run").await?;
    let done = async {
        let finished = ArchiveWriter::new(0).finish();
        upload.write(vec![0; bytes]).await?;
        upload.finish_archive(&finished.index).await?;
        upload.put_log(Vec::new()).await
    };
    match done.await {
        Ok(()) => upload.publish(&completed(name)).await,
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    backup_store_contract(|| async { BackupStore::new(Bucket::memory()) }).await;
}

#[tokio::test]
async fn a_prefix_keeps_the_contract_and_its_neighbours_apart() {
    let shared: Arc<dyn object_store::ObjectStore> = Arc::new(InMemory::new());
    let at = |prefix: &str| BackupStore::new(Bucket::new(Arc::clone(&shared), "memory:").with_prefix(prefix));
    save(&at("team"), "mine", 1).await.expect("saved");
    save(&at("team/inner"), "theirs", 1).await.expect("saved");
    assert_eq!(at("team").list().await.expect("a list").len(), 1);
    assert!(at("tea").list().await.expect("a list").is_empty());
    backup_store_contract(|| async { BackupStore::new(Bucket::memory().with_prefix("some/prefix")) }).await;
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let parent = tempfile::tempdir().expect("a folder");
    let count = std::sync::atomic::AtomicUsize::new(0);
    backup_store_contract(|| async {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = parent.path().join(number.to_string());
        BackupStore::new(open(folder.to_str().expect("text"), &Settings::new()).expect("a folder"))
    })
    .await;
}

#[tokio::test]
async fn whatever_fails_no_half_backup_is_ever_visible_and_the_name_can_be_used_again() {
    const TWO_PARTS: usize = 9 * 1024 * 1024;
    for (operation, suffix) in [
        (Operation::Put, "ark-upload.json"),
        (Operation::Put, ".tar.gz"),
        (Operation::Put, "-index.json.gz"),
        (Operation::Put, "-logs.gz"),
        (Operation::Put, "ark-backup.json"),
        (Operation::Begin, ".tar.gz"),
        (Operation::Part, ".tar.gz"),
        (Operation::Complete, ".tar.gz"),
        (Operation::Get, "ark-upload.json"),
    ] {
        for bytes in [1, TWO_PARTS] {
            for failure in [Failure::Before, Failure::After] {
                for fault in [Fault::new(operation, suffix, failure), Fault::new(operation, suffix, failure).always()] {
                    let (faults, store) = faulty();
                    faults.add(fault.clone());
                    let saved = save(&store, "b", bytes).await;
                    faults.heal();
                    let visible = store.exists("b").await.expect("an answer");
                    assert_eq!(visible, saved.is_ok(), "{fault:?} with {bytes} bytes: {saved:?}");
                    if saved.is_err() {
                        save(&store, "b", bytes).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
                    }
                    assert!(store.archive("b").await.is_ok(), "{fault:?}: a backup without archive");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_lost_reply_to_the_last_write_is_no_failure() {
    let (faults, store) = faulty();
    faults.add(Fault::new(Operation::Put, "ark-backup.json", Failure::After));
    save(&store, "b", 1).await.expect("the backup is there");
    assert!(store.metadata("b").await.is_ok());
}

#[tokio::test]
async fn the_metadata_is_written_last_and_deleted_first() {
    let (faults, store) = faulty();
    save(&store, "b", 1).await.expect("saved");
    let writes: Vec<String> = faults
        .log()
        .into_iter()
        .filter(|(operation, _)| matches!(operation, Operation::Put | Operation::Complete))
        .map(|(_, key)| key)
        .collect();
    assert_eq!(writes.last().map(String::as_str), Some("b/ark-backup.json"));
    faults.add(Fault::new(Operation::Delete, ".tar.gz", Failure::Before).always());
    assert_eq!(store.delete("b").await.expect_err("by script").kind, StorageErrorKind::Retry);
    assert_eq!(store.exists("b").await, Ok(false));
    let first = faults
        .log()
        .into_iter()
        .find(|(operation, key)| *operation == Operation::Delete && !key.ends_with("ark-upload.json"));
    assert_eq!(first.map(|(_, key)| key).as_deref(), Some("b/ark-backup.json"));
    faults.heal();
    assert_eq!(store.delete("b").await, Ok(1));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_an_empty_bucket() {
    let (faults, store) = faulty();
    save(&store, "a", 1).await.expect("saved");
    save(&store, "b", 1).await.expect("saved");
    for fault in [
        Fault::new(Operation::List, "", Failure::Before),
        Fault::new(Operation::Get, "b/ark-backup.json", Failure::Before),
    ] {
        faults.add(fault);
        assert_eq!(store.list().await.expect_err("by script").kind, StorageErrorKind::Retry);
    }
    assert_eq!(store.list().await.expect("healed").len(), 2);
}

#[tokio::test]
async fn backups_of_ark_06_are_listed_read_and_verified() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/backups/ark-v0.6");
    let store = BackupStore::new(Bucket::memory());
    for name in ["world-all", "world-labelled", "world-shop"] {
        for file in ["ark-backup.json".to_owned(), format!("{name}.tar.gz"), format!("{name}-logs.gz")] {
            let content = std::fs::read(fixtures.join(name).join(&file)).expect("a fixture");
            store.bucket().create(&format!("{name}/{file}"), content).await.expect("new");
        }
    }
    let list = store.list().await.expect("a list");
    assert!(list.iter().all(|listing| listing.backup.is_ok()), "{list:?}");
    for (listing, items) in list.iter().zip([301, 9, 66]) {
        let report = store.verify(&listing.name).await.expect("a report");
        assert!(report.is_sound() && !report.indexed && !report.recorded, "{report:?}");
        assert_eq!(report.items, items, "{}", listing.name);
    }
    let path = "resources/deployments.apps/namespaces/shop/web.json".parse().expect("a path");
    let object = store.entry("world-shop", &path).await.expect("found by searching");
    assert_eq!(object.head().expect("an object").kind, "Deployment");
}

#[test]
fn metadata_prints_as_ark_printed_it() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/backups/ark-v0.6/world-shop");
    let text = std::fs::read(fixtures.join("ark-backup.json")).expect("a fixture");
    let printed = print_metadata(&parse_metadata("world-shop", &text).expect("a Backup"));
    let start = "{\n  \"kind\": \"Backup\",\n  \"apiVersion\": \"ark.heptio.com/v1\",\n  \"metadata\": {";
    assert!(printed.starts_with(start.as_bytes()) && text.starts_with(start.as_bytes()));
    let (ours, theirs): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&printed).expect("JSON"), serde_json::from_slice(&text).expect("JSON"));
    assert_eq!(ours, theirs);
}
