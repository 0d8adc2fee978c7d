//! How fast a backup is, and how much memory it takes.
//!
//! * Speed: objects a second from the in-memory API server into a bucket in memory, beside the bare listing of the same
//!   objects. The ratio of the two is what a backup adds to what the API server costs anyway.
//! * Memory: the most that is allocated at once, with few objects and with many. The objects are made page by page, so
//!   that the cluster's own memory does not count, and the bucket is a folder. The second peak may exceed the first by a
//!   fifth; the program fails where it does.
//!
//! `cargo bench --bench backup` measures; with `-- --test` everything runs once with smaller numbers.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use ark::api::Backup;
use ark::backup::{BackupContext, Unobserved, run};
use ark::clock::SystemClock;
use ark::cluster::{
    Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage,
    Patch, SimCluster, Target, WatchEvent, WatchOptions,
};
use ark::object::{ApiResource, RawObject};
use ark::storage::{BackupStore, Bucket, Settings, open};
use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, Throughput};
use futures::stream::BoxStream;
use kubesim::{ApiServer, Options};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes of content of a generated object: a thousand of them fill the parts of an upload.
const CONTENT_BYTES: usize = 24 * 1024;

/// How much the peak may grow from few objects to many.
const GROWTH_MAX: f64 = 1.2;

fn config_maps() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "configmaps".to_owned(),
        singular: "configmap".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespaced: true,
        preferred: true,
        short_names: vec!["cm".to_owned()],
        verbs: ["create", "delete", "get", "list"].map(str::to_owned).into(),
        subresources: std::collections::BTreeSet::new(),
    }
}

/// A cluster that makes its objects up as they are listed.
#[derive(Debug)]
struct Generated {
    objects: usize,
}

impl Generated {
    fn object(number: usize) -> RawObject {
        let mut state = number as u64 + 1;
        let content: String = (0..CONTENT_BYTES)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'0' + (state >> 58) as u8)
            })
            .collect();
        RawObject::from_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("c-{number:07}"), "namespace": "shop"}, "data": {"content": content},
        }))
    }
}

fn refused<T>(operation: &str) -> Result<T, ClusterError> {
    Err(ClusterError {
        kind: ClusterErrorKind::Forbidden,
        operation: operation.to_owned(),
        message: "this cluster can only be listed".to_owned(),
        code: 403,
        retry_after: None,
        causes: Vec::new(),
    })
}

#[async_trait]
impl Cluster for Generated {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        Ok(Discovery { resources: vec![config_maps()], broken: Vec::new() })
    }

    async fn list(&self, _: &ApiResource, _: Option<&str>, options: &ListOptions) -> Result<ListPage, ClusterError> {
        let start = options.continue_token.as_deref().map_or(0, |token| token.parse().expect("a token of ours"));
        let end = self.objects.min(start + options.limit.map_or(self.objects, |limit| limit as usize));
        Ok(ListPage {
            items: (start..end).map(Self::object).collect(),
            continue_token: (end < self.objects).then(|| end.to_string()),
            remaining_item_count: Some((self.objects - end) as u64),
            resource_version: "1".to_owned(),
        })
    }

    async fn get(&self, _: &ApiResource, _: Option<&str>, _: &str) -> Result<RawObject, ClusterError> {
        refused("get")
    }

    async fn create(&self, _: &ApiResource, _: Option<&str>, _: &RawObject) -> Result<RawObject, ClusterError> {
        refused("create")
    }

    async fn update(&self, _: Target<'_>, _: &RawObject) -> Result<RawObject, ClusterError> {
        refused("update")
    }

    async fn patch(&self, _: Target<'_>, _: &Patch) -> Result<RawObject, ClusterError> {
        refused("patch")
    }

    async fn delete(&self, _: Target<'_>, _: &DeleteOptions) -> Result<(), ClusterError> {
        refused("delete")
    }

    async fn watch(
        &self,
        _: &ApiResource,
        _: Option<&str>,
        _: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        refused("watch")
    }

    async fn exec(&self, _: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        refused("exec")
    }
}

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

/// Peak of allocated bytes over what was allocated before.
fn peak(runtime: &Runtime, objects: usize) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let bucket = open(folder.path().to_str().expect("a plain path"), &Settings::new()).expect("a bucket");
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    assert_eq!(back_up(runtime, Arc::new(Generated { objects }), bucket), objects as u64);
    MEMORY.peak_usage() - before
}

#[expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
fn memory(runtime: &Runtime, many: usize) {
    // The first run pays for what is made once, such as threads.
    peak(runtime, 100);
    let few = 1_000;
    let (low, high) = (peak(runtime, few), peak(runtime, many));
    let growth = high as f64 / low as f64;
    let mib = |bytes: usize| bytes as f64 / (1024.0 * 1024.0);
    println!("backup/peak: {:.1} MiB at {few} objects, {:.1} MiB at {many} ({growth:.2} times)", mib(low), mib(high));
    assert!(growth <= GROWTH_MAX, "the peak of allocated memory grows with the number of objects");
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
    }
    group.finish();
}

fn main() {
    let once = std::env::args().any(|argument| argument == "--test");
    let runtime = runtime();
    memory(&runtime, if once { 3_000 } else { 30_000 });
    let mut criterion = Criterion::default().configure_from_args();
    speed(&mut criterion, &runtime, if once { &[100] } else { &[1_000, 30_000] });
    criterion.final_summary();
}
