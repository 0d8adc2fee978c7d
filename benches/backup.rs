//! How fast a backup is: objects a second from the in-memory API server into a bucket in memory, beside the bare listing of
//! the same pages.
//!
//! The ratio of the two is what a backup adds to what the API server costs anyway; it is printed at the end, from
//! alternating runs, so that whatever else the machine does meets both. What a backup remembers is measured in
//! `tests/memory`.
//!
//! `cargo bench --bench backup` measures; with `-- --test` everything runs once with smaller numbers.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use ark::api::Backup;
use ark::backup::{BackupContext, Unobserved, run};
use ark::clock::SystemClock;
use ark::cluster::{Cluster, ListOptions, SimCluster};
use ark::object::ApiResource;
use ark::storage::{BackupStore, Bucket};
use criterion::{BenchmarkId, Criterion, Throughput};
use kubesim::{ApiServer, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

mod ratio;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn context(cluster: Arc<dyn Cluster>, bucket: Bucket) -> BackupContext {
    BackupContext {
        cluster,
        store: BackupStore::new(bucket),
        clock: Arc::new(SystemClock),
        own_namespace: "heptio-ark".to_owned(),
        progress: Arc::new(Unobserved),
    }
}

/// Backs a whole cluster up and returns how many objects that were.
fn back_up(runtime: &Runtime, cluster: Arc<dyn Cluster>, bucket: Bucket) -> u64 {
    let backup: Backup = serde_json::from_value(json!({"metadata": {"name": "bench"}, "spec": {}})).expect("a backup");
    let outcome = runtime.block_on(run(&context(cluster, bucket), &backup)).expect("an archive");
    assert_eq!(outcome.status.errors, Some(0), "{:?}", outcome.results);
    outcome.status.archive.expect("an archive").items
}

/// A server with so many objects of a usual size.
fn server(objects: usize) -> ApiServer {
    let server = ApiServer::new(Options::default());
    let object = |number: usize| -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": format!("c-{number:06}"), "namespace": "default", "labels": {"app": format!("app-{}", number % 10)},
        }, "data": {"settings": format!("number = {number}\n").repeat(40)}})
    };
    for loaded in server.load((0..objects).map(object).collect()) {
        loaded.expect("a valid object");
    }
    server
}

/// Lists what a backup lists, and nothing else.
async fn list_all(cluster: &dyn Cluster, resources: &[ApiResource]) -> usize {
    let mut bytes = 0;
    for resource in resources {
        let mut options = ListOptions { limit: Some(500), ..ListOptions::default() };
        loop {
            let page = cluster.list(resource, None, &options).await.expect("a page");
            bytes += page.items.iter().map(|item| item.bytes().len()).sum::<usize>();
            options.continue_token = page.continue_token;
            if options.continue_token.is_none() {
                break;
            }
        }
    }
    bytes
}

fn speed(criterion: &mut Criterion, runtime: &Runtime, sizes: &[usize]) {
    let mut group = criterion.benchmark_group("backup");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for objects in sizes {
        let cluster: Arc<dyn Cluster> = Arc::new(SimCluster::new(server(*objects)));
        let discovery = runtime.block_on(cluster.discover()).expect("a discovery");
        let listed = |resource: &ApiResource| resource.preferred && resource.supports("list");
        let resources: Vec<ApiResource> = discovery.resources.into_iter().filter(listed).collect();
        group.throughput(Throughput::Elements(*objects as u64));
        group.bench_with_input(BenchmarkId::new("list", objects), objects, |bencher, _| {
            bencher.iter(|| black_box(runtime.block_on(list_all(cluster.as_ref(), &resources))));
        });
        group.bench_with_input(BenchmarkId::new("whole", objects), objects, |bencher, _| {
            bencher.iter(|| black_box(back_up(runtime, Arc::clone(&cluster), Bucket::memory())));
        });
        ratio::print(
            &format!("backup of {objects} objects / bare listing of the same pages"),
            || {
                ratio::timed(|| {
                    black_box(back_up(runtime, Arc::clone(&cluster), Bucket::memory()));
                })
            },
            || {
                ratio::timed(|| {
                    black_box(runtime.block_on(list_all(cluster.as_ref(), &resources)));
                })
            },
        );
    }
    group.finish();
}

fn main() {
    let runtime = runtime();
    let mut criterion = Criterion::default().configure_from_args();
    speed(&mut criterion, &runtime, if ratio::is_smoke() { &[100] } else { &[1_000, 30_000] });
    criterion.final_summary();
}
