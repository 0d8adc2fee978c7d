//! What happens to a backup and a restore when the real system under them dies and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ark::api::{BackupPhase, BackupSpec, RestorePhase, RestoreSpec};
use ark::restore::Outcome;
use rig::Options;
use serde_json::json;
use tokio::sync::Notify;

use crate::cluster::{Real, Told, bring_back, nobody, save};
use crate::store::RealBucket;

/// How many objects there are: enough for several pages and levels.
const OBJECTS: usize = 2_000;

/// How long the real system is away: shorter than the engines are patient.
const AWAY: Duration = Duration::from_secs(2);

/// Calls once, when so many items are through.
fn at(items: u64) -> (Told, Arc<Notify>) {
    let (reached, waiting) = (AtomicBool::new(false), Arc::new(Notify::new()));
    let notify = Arc::clone(&waiting);
    let told = move |count| {
        if count >= items && !reached.swap(true, Ordering::Relaxed) {
            notify.notify_one();
        }
    };
    (Arc::new(told), waiting)
}

/// Config maps and secrets in one namespace, made sixteen at a time. Their content does not compress.
async fn fill(real: &Real, namespace: &str) {
    use futures::{StreamExt as _, stream};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
    real.make_namespace(namespace).await;
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let objects = (0..OBJECTS).map(|number| {
        let text: String = (0..1_000).map(|_| char::from(b'a' + (random.next_u32() % 26) as u8)).collect();
        let (kind, plural) = if number % 2 == 0 { ("ConfigMap", "configmaps") } else { ("Secret", "secrets") };
        let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": format!("o-{number:05}")}});
        let data = if kind == "Secret" { "stringData" } else { "data" };
        object[data] = json!({"text": text});
        (format!("/api/v1/namespaces/{namespace}/{plural}"), object)
    });
    stream::iter(objects)
        .for_each_concurrent(16, |(path, object)| async move {
            real.create(&path, &object).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_dies_and_comes_back_loses_nothing() {
    let (Some(mut real), Some(bucket)) =
        (rig::or_skip(Real::own(Options::api()).await), rig::or_skip(RealBucket::start().await))
    else {
        return;
    };
    fill(&real, "many").await;
    let store = bucket.store("killed");
    let spec = || BackupSpec { included_namespaces: vec!["many".to_owned()], ..BackupSpec::default() };

    // In the middle of a backup.
    let (told, reached) = at(600);
    let (ark, saving) = (real.ark().await, store.clone());
    let backup = tokio::spawn(async move { save(ark, &saving, "during", spec(), told).await });
    reached.notified().await;
    real.plane().kill_api_server();
    tokio::time::sleep(AWAY).await;
    real.plane().restart_api_server().await.expect("it comes back");
    let saved = backup.await.expect("no panic").expect("the engine waits for the server");
    let whole = saved.status.phase == BackupPhase::Completed;
    let errors: Vec<_> = saved.results.errors.messages().collect();
    println!("backup with the server killed: {:?}, {errors:?}", saved.status.phase);
    assert!(whole == errors.is_empty(), "{:?} with {errors:?}", saved.status.phase);
    let index = store.index("during").await.expect("an index");
    if whole {
        assert!(index.entries.len() > OBJECTS, "a backup that says Completed has everything: {}", index.entries.len());
    }

    // In the middle of a restore.
    let saved = save(real.ark().await, &store, "sound", spec(), nobody()).await.expect("an archive");
    assert_eq!(saved.status.phase, BackupPhase::Completed, "{:#?}", saved.results);
    real.ask("DELETE", "/api/v1/namespaces/many", None).await;
    real.gone("/api/v1/namespaces/many").await;
    let (told, reached) = at(600);
    let (ark, reading) = (real.ark().await, store.clone());
    let wanted = RestoreSpec { backup_name: "sound".into(), ..RestoreSpec::default() };
    let again = wanted.clone();
    let restore = tokio::spawn(async move { bring_back(ark, &reading, "during", wanted, told).await });
    reached.notified().await;
    real.plane().kill_api_server();
    tokio::time::sleep(AWAY).await;
    real.plane().restart_api_server().await.expect("it comes back");
    let done = restore.await.expect("no panic").expect("it had started");
    let errors = done.results.errors.count();
    println!("restore with the server killed: {:?}, {errors} errors", done.status.phase);
    assert_eq!(done.status.phase == RestorePhase::Completed, errors == 0, "{:#?}", done.results);
    let failed = done.items.iter().filter(|item| matches!(item.outcome, Outcome::Failed(_))).count() as u64;
    assert!(failed <= errors, "{failed} objects failed, and {errors} errors say why");

    // Whatever failed is named; a second restore completes the first and makes nothing twice.
    let second = bring_back(real.ark().await, &store, "after", again, nobody()).await.expect("it starts");
    assert_eq!(second.status.phase, RestorePhase::Completed, "{:#?}", second.results);
    let maps = real.items("/api/v1/namespaces/many/configmaps").await.len();
    let secrets = real.items("/api/v1/namespaces/many/secrets").await.len();
    assert_eq!(maps + secrets, OBJECTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_dies_in_the_middle_shows_no_half_backup() {
    let (Some(real), Some(mut bucket)) =
        (rig::or_skip(Real::own(Options::api()).await), rig::or_skip(RealBucket::own().await))
    else {
        return;
    };
    fill(&real, "many").await;
    let store = bucket.store("killed");
    let (told, reached) = at(600);
    let (ark, saving) = (real.ark().await, store.clone());
    let backup = tokio::spawn(async move { save(ark, &saving, "half", BackupSpec::default(), told).await });
    reached.notified().await;
    let minio = bucket.minio.as_mut().expect("it is our own");
    minio.kill();
    let error = backup.await.expect("no panic").expect_err("there is no bucket");
    println!("backup with the bucket killed: {error}");
    assert!(error.to_string().contains("half"), "{error}");
    bucket.minio.as_mut().expect("it is our own").restart().await.expect("it comes back");
    assert!(store.list().await.expect("a listing").is_empty(), "a half-written backup is visible");
    assert_eq!(store.exists("half").await, Ok(false));

    // The name is free, and the same backup goes through.
    let saved = save(real.ark().await, &store, "half", BackupSpec::default(), nobody()).await.expect("an archive");
    assert_eq!(saved.status.phase, BackupPhase::Completed, "{:#?}", saved.results);
    assert!(store.verify("half").await.expect("a report").is_sound());
}
