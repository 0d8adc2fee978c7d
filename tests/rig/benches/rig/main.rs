//! How fast Ark is against a real API server, beside the raw requests that its work consists of.
//!
//! | Work | Beside |
//! |---|---|
//! | a backup of everything, and one of thirty namespaces by name | every page of every list, 500 a page, one connection, thrown away |
//! | a restore into fresh namespaces | the bare creates of as many such objects, 64 in flight |
//!
//! Both sides run in turn in one run, with the API server, etcd and the bucket on this machine, so that a ratio holds whatever else
//! the machine does. Ark runs as `ark` does, from start to exit in a process of its own (`child`): its peak memory is that of the
//! process, and the API calls are those that the server counted (`raw`). What is saved is described in `world`.
//!
//! `cargo bench -p rig --bench rig` measures 3,000 and 30,000 objects; numbers after `--` are other sizes; with `-- --test`
//! everything runs once with a few objects. Where `ARK_TEST_KUBECONFIG` names a cluster (see `rig::given`), that one is used, and
//! keeps the namespaces that a run makes; an empty one gives the best comparison.

use std::process::ExitCode;

use rig::{Bucket, ControlPlane, Minio, Options, given};

mod child;
mod measure;
mod raw;
mod table;
mod world;

use measure::Systems;

/// Runs of each side of a backup; medians count.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    // Only the first provider of a process counts; that there is one already is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Some(code) = child::was_ark() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let smoke = given("--test") || !given("--bench");
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = if smoke { vec![300] } else { vec![3_000, 30_000] };
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for size in sizes {
        // A server of its own for each size: etcd keeps what was.
        runtime.block_on(with_systems(size, if smoke { 1 } else { ROUNDS }));
    }
    ExitCode::SUCCESS
}

async fn with_systems(size: usize, rounds: usize) {
    let own = match given::kubeconfig() {
        Some(_) => None,
        None => match rig::or_skip(ControlPlane::start(Options::default()).await) {
            Some(plane) => Some(plane),
            None => return,
        },
    };
    let kubeconfig = own.as_ref().map(|plane| plane.kubeconfig().to_owned()).or_else(given::kubeconfig);
    let minio = match given::bucket() {
        Some(_) => None,
        None => rig::or_skip(Minio::start().await),
    };
    let bucket: Option<Bucket> = minio.as_ref().map(Minio::bucket).or_else(given::bucket);
    let folder = tempfile::tempdir().expect("a folder");
    let systems = Systems::new(&kubeconfig.expect("one of both"), folder.path(), bucket.as_ref()).await;
    let rows = systems.measure(size, rounds).await;
    table::print(size, &rows);
}
