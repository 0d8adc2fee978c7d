//! What every object store must give a [`BackupStore`]; run it against your own.
//!
//! [`backup_store_contract`] panics at the first promise that is not kept. It passes over a store in memory, a local
//! folder and, where one is configured, S3.

use super::{BackupFile, BackupStore, BackupUpload, StorageErrorKind};
use crate::api::{ArchiveSummary, Backup, BackupPhase, BackupSpec, BackupStatus, FORMAT_VERSION};
use crate::archive::{ArchiveWriter, EntryPath, Finished, Index};

/// A name as long and as odd as Kubernetes allows.
fn nasty_name() -> String {
    format!("0.a-{}.{}.z9", "x".repeat(59), "y".repeat(63))
}

/// A Backup object that says it completed.
fn backup(name: &str, finished: Option<&Finished>) -> Backup {
    let mut backup = Backup::new(name, BackupSpec::default());
    backup.status = Some(BackupStatus {
        version: FORMAT_VERSION,
        phase: BackupPhase::Completed,
        archive: finished.map(|finished| ArchiveSummary {
            items: finished.items,
            bytes: finished.bytes,
            sha256: finished.sha256.to_string(),
        }),
        ..BackupStatus::default()
    });
    backup
}

/// `count` config maps of `bytes` each whose content does not compress away.
fn objects(count: u32, bytes: usize) -> Vec<(EntryPath, Vec<u8>)> {
    let mut state = 0x2545_f491_u32;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..count)
        .map(|number| {
            let data: String = (0..bytes).map(|_| letter()).collect();
            let content = format!(
                r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{number}","namespace":"shop"}},"data":{{"x":"{data}"}}}}"#
            );
            let path = format!("resources/configmaps/namespaces/shop/c{number}.json");
            (path.parse().expect("a path"), content.into_bytes())
        })
        .collect()
}

/// Uploads everything but the Backup object.
async fn upload(
    store: &BackupStore,
    name: &str,
    run: &str,
    objects: &[(EntryPath, Vec<u8>)],
) -> (BackupUpload, Finished) {
    let mut upload = store.begin(name, run).await.expect("the name is free");
    let mut writer = ArchiveWriter::new(1_500_000_000);
    for (path, content) in objects {
        writer.append(path, content).expect("the paths differ");
        upload.write(writer.take()).await.expect("the store takes it");
    }
    let mut finished = writer.finish();
    upload.write(std::mem::take(&mut finished.tail)).await.expect("the store takes it");
    upload.finish_archive(&finished.index).await.expect("the store takes it");
    upload.put_log(b"log".to_vec()).await.expect("the store takes it");
    upload.put_results(b"results".to_vec()).await.expect("the store takes it");
    (upload, finished)
}

async fn publish(store: &BackupStore, name: &str, objects: &[(EntryPath, Vec<u8>)]) {
    let (upload, finished) = upload(store, name, "run", objects).await;
    upload.publish(&backup(name, Some(&finished))).await.expect("the store takes it");
}

async fn names(store: &BackupStore) -> Vec<String> {
    store.list().await.expect("a list").into_iter().map(|listing| listing.name).collect()
}

/// Every promise, each over an empty store that `make` gives.
pub async fn backup_store_contract<F, R>(make: F)
where
    F: Fn() -> R,
    R: Future<Output = BackupStore>,
{
    what_was_stored_comes_back(&make().await).await;
    nothing_is_visible_before_it_is_published(&make().await).await;
    what_exists_is_never_overwritten(&make().await).await;
    the_later_of_two_uploads_wins(&make().await).await;
    remains_of_a_crash_are_cleared(&make().await).await;
    a_deletion_leaves_nothing(&make().await).await;
    lists_are_sorted_and_name_what_is_wrong(&make().await).await;
    damage_is_named(&make().await).await;
}

async fn what_was_stored_comes_back(store: &BackupStore) {
    let name = nasty_name();
    // Two parts and some members.
    let objects = objects(40, 400_000);
    publish(store, &name, &objects).await;
    let read = store.metadata(&name).await.expect("published");
    assert_eq!(read.metadata.name.as_deref(), Some(name.as_str()));
    assert_eq!(store.log(&name).await.expect("a log"), "log");
    assert_eq!(store.results(&name).await.expect("results"), "results");

    let mut entries = store.entries(&name).await.expect("an archive");
    let mut found = Vec::new();
    while let Some(entry) = entries.next().await {
        let (path, object) = entry.expect("a sound entry");
        found.push((path, object.bytes().to_vec()));
    }
    assert!(found == objects, "the archive holds other objects than were written");
    let recorded = read.status.and_then(|status| status.archive).expect("recorded");
    assert_eq!(entries.digest().1.to_string(), recorded.sha256);

    let index: Index = store.index(&name).await.expect("an index");
    assert!(index.members.len() > 1, "one ranged read must not be the whole archive");
    for (path, content) in objects.iter().step_by(7) {
        let object = store.entry(&name, path).await.expect("an object");
        assert!(object.bytes() == content.as_slice(), "{path} has other content");
    }
    let absent = "resources/configmaps/namespaces/shop/absent.json".parse().expect("a path");
    assert_eq!(store.entry(&name, &absent).await.expect_err("absent").kind, StorageErrorKind::NotFound);
    let report = store.verify(&name).await.expect("a report");
    assert!(report.is_sound() && report.indexed && report.recorded, "{report:?}");
}

async fn nothing_is_visible_before_it_is_published(store: &BackupStore) {
    for bytes in [10, 300_000] {
        let (upload, _) = upload(store, "half", "run", &objects(40, bytes)).await;
        assert!(names(store).await.is_empty());
        assert_eq!(store.metadata("half").await.expect_err("not yet").kind, StorageErrorKind::NotFound);
        assert_eq!(store.exists("half").await, Ok(false));
        upload.abort().await;
        assert_eq!(store.bucket().keys("half").await, Ok(Vec::new()), "an upload that was given up left something");
    }
    let mut early = store.begin("half", "run").await.expect("free");
    early.write(vec![7; 9 * 1024 * 1024]).await.expect("the store takes it");
    early.abort().await;
    assert_eq!(store.bucket().keys("half").await, Ok(Vec::new()), "an upload that was given up left something");
    let unfinished = store.begin("half", "run").await.expect("free");
    let error = unfinished.publish(&backup("half", None)).await.expect_err("no archive");
    assert_eq!(error.kind, StorageErrorKind::Invalid);
    assert!(names(store).await.is_empty());
}

async fn what_exists_is_never_overwritten(store: &BackupStore) {
    publish(store, "nightly", &objects(2, 10)).await;
    let before = store.metadata("nightly").await.expect("published");
    let error = store.begin("nightly", "other").await.expect_err("the name is taken");
    assert_eq!(error.kind, StorageErrorKind::AlreadyExists);
    assert_eq!(store.metadata("nightly").await.expect("still there"), before);
    store.put_restore_log("nightly", "r", b"first".to_vec()).await.expect("new");
    store.put_restore_results("nightly", "r", b"{}".to_vec()).await.expect("new");
    let error = store.put_restore_log("nightly", "r", b"second".to_vec()).await.expect_err("there already");
    assert_eq!(error.kind, StorageErrorKind::AlreadyExists);
    assert_eq!(store.restore_log("nightly", "r").await.expect("a log"), "first");
    assert_eq!(store.restore_results("nightly", "r").await.expect("results"), "{}");
    assert!(store.verify("nightly").await.expect("a report").is_sound());
}

async fn the_later_of_two_uploads_wins(store: &BackupStore) {
    let few = objects(3, 10);
    let (first, finished) = upload(store, "twice", "first", &objects(1, 10)).await;
    let (second, expected) = upload(store, "twice", "second", &few).await;
    let error = first.publish(&backup("twice", Some(&finished))).await.expect_err("it lost the name");
    assert_eq!(error.kind, StorageErrorKind::Conflict);
    second.publish(&backup("twice", Some(&expected))).await.expect("it has the name");
    let report = store.verify("twice").await.expect("a report");
    assert!(report.is_sound() && report.items == 3, "{report:?}");
}

async fn remains_of_a_crash_are_cleared(store: &BackupStore) {
    let foreign = "crashed/notes.txt";
    store.bucket().create(foreign, "not ours").await.expect("new");
    let (crashed, _) = upload(store, "crashed", "first", &objects(5, 10)).await;
    drop(crashed);
    publish(store, "crashed", &objects(2, 10)).await;
    let report = store.verify("crashed").await.expect("a report");
    assert!(report.is_sound() && report.items == 2, "{report:?}");
    assert_eq!(store.bucket().read(foreign, 100).await.expect("nobody may touch it"), "not ours");
}

async fn a_deletion_leaves_nothing(store: &BackupStore) {
    for name in ["gone", "gone-2"] {
        publish(store, name, &objects(2, 10)).await;
    }
    store.put_restore_log("gone", "r", b"log".to_vec()).await.expect("new");
    store.delete_restore("gone-2", "r").await.expect("absent files are fine");
    assert_eq!(store.delete("gone").await, Ok(6));
    assert_eq!(store.bucket().keys("gone").await, Ok(Vec::new()));
    assert_eq!(names(store).await, ["gone-2"]);
    assert!(store.verify("gone-2").await.expect("a report").is_sound(), "a neighbour was touched");
    assert_eq!(store.delete("gone").await, Ok(0), "a deletion can be repeated");
    publish(store, "gone", &objects(1, 10)).await;
    assert_eq!(names(store).await, ["gone", "gone-2"]);
}

async fn lists_are_sorted_and_name_what_is_wrong(store: &BackupStore) {
    assert!(names(store).await.is_empty());
    for name in ["b", "a", "a.b", "a-b"] {
        publish(store, name, &objects(1, 10)).await;
    }
    let bucket = store.bucket();
    let metadata = bucket.read("a/ark-backup.json", 1_000_000).await.expect("published");
    bucket.create("renamed/ark-backup.json", metadata).await.expect("new");
    bucket.create("text/ark-backup.json", "{\"metadata\":").await.expect("new");
    bucket
        .create("other/ark-backup.json", r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"other"}}"#)
        .await
        .expect("new");
    let future = r#"{"kind":"Backup","apiVersion":"ark.heptio.com/v1","metadata":{"name":"v2"},"spec":{},"status":{"version":2}}"#;
    bucket.create("v2/ark-backup.json", future).await.expect("new");
    bucket.create("nothing/else", "").await.expect("new");
    bucket.create("file", "").await.expect("new");
    let list = store.list().await.expect("a list");
    let found: Vec<(&str, Option<StorageErrorKind>)> = list
        .iter()
        .map(|listing| (listing.name.as_str(), listing.backup.as_ref().err().map(|error| error.kind)))
        .collect();
    assert_eq!(
        found,
        [
            ("a", None),
            ("a-b", None),
            ("a.b", None),
            ("b", None),
            ("other", Some(StorageErrorKind::Corrupt)),
            ("renamed", Some(StorageErrorKind::Corrupt)),
            ("text", Some(StorageErrorKind::Corrupt)),
            ("v2", Some(StorageErrorKind::Version)),
        ]
    );
    for name in ["../a", "a/b", "", "A"] {
        assert_eq!(store.metadata(name).await.expect_err("no name").kind, StorageErrorKind::Invalid, "{name:?}");
    }
}

async fn damage_is_named(store: &BackupStore) {
    let objects = objects(30, 100_000);
    publish(store, "damaged", &objects).await;
    let key = BackupFile::Archive.key("damaged").expect("a name");
    let sound = store.bucket().read(&key, u64::MAX).await.expect("an archive").to_vec();
    let index = store.index("damaged").await.expect("an index");
    let last = objects.len() - 1;
    let hit = index.members[index.entries[last].member];

    let mut flipped = sound.clone();
    let middle = usize::try_from(hit.offset + hit.length / 2).expect("fits");
    flipped[middle] ^= 0x10;
    store.bucket().overwrite(&key, flipped).await.expect("written");
    assert!(!store.verify("damaged").await.expect("a report").is_sound());
    let error = store.entry("damaged", &objects[last].0).await.expect_err("damaged");
    assert_eq!(error.kind, StorageErrorKind::Corrupt);
    assert!(store.entry("damaged", &objects[0].0).await.is_ok(), "other members are still sound");

    store.bucket().overwrite(&key, sound[..sound.len() / 2].to_vec()).await.expect("written");
    let report = store.verify("damaged").await.expect("a report");
    assert!(report.problems.iter().any(|problem| problem.contains("truncated")), "{report:?}");

    store.bucket().delete(&key).await.expect("deleted");
    assert!(!store.verify("damaged").await.expect("a report").is_sound());
    assert_eq!(store.entries("damaged").await.err().map(|error| error.kind), Some(StorageErrorKind::NotFound));

    store.bucket().overwrite(&key, sound).await.expect("written");
    let index_key = BackupFile::Index.key("damaged").expect("a name");
    store.bucket().delete(&index_key).await.expect("deleted");
    assert!(store.entry("damaged", &objects[last].0).await.is_ok(), "without an index the archive is searched");
    store.bucket().create(&index_key, "no index").await.expect("written");
    assert_eq!(store.index("damaged").await.expect_err("damaged").kind, StorageErrorKind::Corrupt);
    assert!(!store.verify("damaged").await.expect("a report").is_sound());
}
