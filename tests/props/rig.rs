//! Two engines, a server, a bucket: what every property here works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark::api::{Backup, BackupSpec, Restore, RestoreSpec};
use ark::backup::{self, BackupContext, BackupOutcome};
use ark::clock::TokioClock;
use ark::cluster::{Cluster, SimCluster};
use ark::restore::{self, RestoreContext, RestoreOutcome, RestoreSettings};
use ark::storage::{BackupStore, Bucket};
use kubesim::{ApiServer, Options};
use object_store::ObjectStoreExt;
use serde_json::Value;

/// When every world starts.
pub(crate) const START: &str = "2026-01-01T00:00:00Z";

/// Runs `test` under virtual time.
pub(crate) fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

/// A folder of the fixtures.
pub(crate) fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

/// A server with another seed for every world, so that no uid is right by chance.
pub(crate) fn server(seed: u64, bootstrap: bool) -> ApiServer {
    ApiServer::new(Options { seed, bootstrap, ..Options::default() })
}

/// A bucket in memory.
pub(crate) fn bucket() -> BackupStore {
    BackupStore::new(Bucket::memory())
}

/// Copies a backup of Ark v0.6 from the fixtures into a bucket.
pub(crate) async fn put_fixture(store: &BackupStore, name: &str) {
    for file in ["ark-backup.json".to_owned(), format!("{name}.tar.gz")] {
        let content = std::fs::read(fixtures("backups/ark-v0.6").join(name).join(&file)).expect("a fixture");
        let bucket = store.bucket();
        bucket.store().put(&bucket.path(&format!("{name}/{file}")), content.into()).await.expect("memory");
    }
}

/// Backs `server` up.
pub(crate) async fn save(server: &ApiServer, store: &BackupStore, name: &str, spec: BackupSpec) -> BackupOutcome {
    let ctx = BackupContext {
        cluster: Arc::new(SimCluster::new(server.clone())),
        store: store.clone(),
        clock: Arc::new(TokioClock::starting_at(START.parse().expect("a constant"))),
        own_namespace: "heptio-ark".into(),
        progress: Arc::new(backup::Unobserved),
    };
    backup::run(&ctx, &Backup::new(name, spec)).await.expect("an archive")
}

/// What a restore into `cluster` works with.
pub(crate) fn context(cluster: Arc<dyn Cluster>, store: &BackupStore) -> RestoreContext {
    RestoreContext {
        cluster,
        store: store.clone(),
        clock: Arc::new(TokioClock::starting_at(START.parse().expect("a constant"))),
        own_namespace: "heptio-ark".into(),
        settings: RestoreSettings::default(),
        observer: Arc::new(restore::Unobserved),
    }
}

/// Restores a whole backup into `server`.
pub(crate) async fn bring_back(server: &ApiServer, store: &BackupStore, backup: &str, name: &str) -> RestoreOutcome {
    let ctx = context(Arc::new(SimCluster::new(server.clone())), store);
    let spec = RestoreSpec { backup_name: backup.into(), ..RestoreSpec::default() };
    restore::run(&ctx, &Restore::new(name, spec)).await.expect("it starts")
}

/// A live object by group, plural name, namespace and name, in the first version that serves it.
pub(crate) fn live(
    server: &ApiServer,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
    name: &str,
) -> Option<Value> {
    let resources = server.resources();
    let def = resources.iter().find(|def| def.group == group && def.plural == resource)?;
    let mut target = kubesim::Target::new(group, &def.version, resource).named(name);
    target.namespace = namespace.map(ToOwned::to_owned);
    server.get(&target).ok().map(|object| object.value().clone())
}

/// Removes the value at a path whose parts are separated by `/` (`~1` inside a key); `*` stands for every element of a
/// list.
pub(crate) fn remove(value: &mut Value, path: &str) {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let first = first.replace("~1", "/");
    match (value, rest) {
        (Value::Object(map), None) => drop(map.remove(&first)),
        (Value::Object(map), Some(rest)) => {
            if let Some(inner) = map.get_mut(&first) {
                remove(inner, rest);
            }
        }
        (Value::Array(list), Some(rest)) if first == "*" => list.iter_mut().for_each(|inner| remove(inner, rest)),
        _ => {}
    }
}

/// What the API server sets on every object, and what a restore adds.
const EVERYWHERE: &[&str] = &[
    "metadata/uid",
    "metadata/resourceVersion",
    "metadata/generation",
    "metadata/creationTimestamp",
    "metadata/managedFields",
    "metadata/selfLink",
    "metadata/labels/ark-restore",
    "status",
];

/// The object without what may differ between clusters.
pub(crate) fn comparable(mut object: Value, more: &[&str]) -> Value {
    for path in EVERYWHERE.iter().chain(more) {
        remove(&mut object, path);
    }
    prune(&mut object);
    object
}

/// Drops empty maps and lists: they mean the same as absent ones.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, inner| {
                !matches!(inner, Value::Object(map) if map.is_empty())
                    && !matches!(inner, Value::Array(list) if list.is_empty())
            });
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}
