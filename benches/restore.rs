//! What a restore costs beside the bare creates that it consists of: both at the same concurrency, on the simulator.
//!
//! The ratio of the two is the engine's overhead: reading the archive, deciding, cleaning, ordering. It is printed at the
//! end of each size, from alternating runs.
//!
//! `cargo bench --bench restore` measures; with `-- --test` everything runs once with smaller numbers.

use std::hint::black_box;
use std::sync::Arc;

use ark::api::{Backup, BackupSpec, Restore, RestoreSpec};
use ark::backup::{self, BackupContext};
use ark::clock::{Clock, SystemClock};
use ark::cluster::{Cluster, SimCluster};
use ark::object::{GroupResource, RawObject, ResourceMapper};
use ark::restore::{self, IN_FLIGHT_DEFAULT, RestoreContext, RestoreSettings};
use ark::storage::{BackupStore, Bucket};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use futures::StreamExt;
use kubesim::{ApiServer, Options};
use serde_json::{Value, json};

mod ratio;

/// A realistic object: some labels, about half a kilobyte of data.
fn object(number: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("n{number}"), "namespace": "bench", "labels": {"app": "bench", "shard": (number % 16).to_string()}},
        "data": {"text": "x".repeat(512), "number": number.to_string()}})
}

fn empty() -> ApiServer {
    let server = ApiServer::new(Options { history_limit: 1, ..Options::default() });
    let loaded = server.load(vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench"}})]);
    assert!(loaded.iter().all(Result::is_ok));
    server
}

async fn backup_of(objects: usize) -> BackupStore {
    let server = empty();
    server.load((0..objects).map(object).collect());
    let store = BackupStore::new(Bucket::memory());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ctx = BackupContext {
        cluster: Arc::new(SimCluster::new(server)),
        store: store.clone(),
        clock,
        own_namespace: String::new(),
        progress: Arc::new(backup::Unobserved),
    };
    let spec = BackupSpec { included_namespaces: vec!["bench".into()], ..BackupSpec::default() };
    backup::run(&ctx, &Backup::new("bench", spec)).await.expect("a backup");
    store
}

async fn restored(server: ApiServer, store: BackupStore, name: &str) {
    let ctx = RestoreContext {
        cluster: Arc::new(SimCluster::new(server)),
        store,
        clock: Arc::new(SystemClock),
        own_namespace: String::new(),
        settings: RestoreSettings::default(),
        observer: Arc::new(restore::Unobserved),
    };
    let spec = RestoreSpec { backup_name: "bench".into(), ..RestoreSpec::default() };
    black_box(restore::run(&ctx, &Restore::new(name, spec)).await.expect("it starts"));
}

async fn created(server: ApiServer, objects: Arc<Vec<RawObject>>) {
    let cluster = SimCluster::new(server);
    let mapper = ResourceMapper::new(&cluster.discover().await.expect("the simulator answers"));
    let resource = mapper.find(&GroupResource::new("", "configmaps")).expect("served");
    futures::stream::iter(objects.iter())
        .map(|object| cluster.create(resource, Some("bench"), object))
        .buffer_unordered(IN_FLIGHT_DEFAULT)
        .for_each(|stored| async move {
            black_box(stored.expect("created"));
        })
        .await;
}

fn restore_bench(c: &mut Criterion, sizes: &[usize]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = c.benchmark_group("restore");
    group.sample_size(10);
    for &size in sizes {
        group.throughput(Throughput::Elements(size as u64));
        let objects: Arc<Vec<RawObject>> =
            Arc::new((0..size).map(|number| RawObject::from_value(&object(number))).collect());
        group.bench_function(BenchmarkId::new("bare-creates", size), |b| {
            b.to_async(&runtime).iter_batched(
                empty,
                |server| created(server, Arc::clone(&objects)),
                BatchSize::PerIteration,
            );
        });
        let store = runtime.block_on(backup_of(size));
        let mut runs = 0_u64;
        group.bench_function(BenchmarkId::new("restore", size), |b| {
            b.to_async(&runtime).iter_batched(
                || {
                    runs += 1;
                    (empty(), store.clone(), format!("r{runs}"))
                },
                |(server, store, name)| async move { restored(server, store, &name).await },
                BatchSize::PerIteration,
            );
        });
        ratio::print(
            &format!("restore of {size} objects / bare creates, {IN_FLIGHT_DEFAULT} in flight"),
            || {
                runs += 1;
                let (server, name) = (empty(), format!("r{runs}"));
                ratio::timed(|| runtime.block_on(restored(server, store.clone(), &name)))
            },
            || {
                let server = empty();
                ratio::timed(|| runtime.block_on(created(server, Arc::clone(&objects))))
            },
        );
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    restore_bench(&mut criterion, if ratio::is_smoke() { &[100] } else { &[1_000, 30_000] });
    criterion.final_summary();
}
