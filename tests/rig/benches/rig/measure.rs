//! The measured work, raw and Ark's in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use rig::Bucket;

use crate::child::{self, Cost};
use crate::table::Row;
use crate::{raw, world};

/// Raw creates in flight.
const IN_FLIGHT: usize = 64;

/// A place for backups.
struct Store {
    name: &'static str,
    url: String,
    environment: Vec<(String, String)>,
}

/// What is measured against.
pub(crate) struct Systems {
    kubeconfig: PathBuf,
    client: Client,
    stores: Vec<Store>,
}

/// Several runs of one command.
#[derive(Default)]
struct Runs {
    costs: Vec<Cost>,
    calls: BTreeMap<String, u64>,
}

impl Runs {
    fn row(&self, name: String, raw: Duration) -> Row {
        let peak = self.costs.iter().map(|cost| cost.peak_bytes).max().unwrap_or(0);
        let of = |part: fn(&Cost) -> Duration| median(self.costs.iter().map(part).collect());
        let process = Some((of(|cost| cost.processor), peak));
        Row { name, time: of(|cost| cost.time), raw, process, calls: self.calls.clone(), bytes: None }
    }
}

impl Systems {
    /// Clients of both.
    pub(crate) async fn new(kubeconfig: &Path, folder: &Path, bucket: Option<&Bucket>) -> Self {
        let parsed = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let mut config =
            Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await.expect("a configuration");
        config.default_retry = false;
        let url = folder.to_str().expect("text").to_owned();
        let mut stores = vec![Store { name: "folder", url, environment: Vec::new() }];
        stores.extend(bucket.map(|bucket| {
            let variables = [
                ("AWS_ENDPOINT_URL", &bucket.endpoint),
                ("AWS_ACCESS_KEY_ID", &bucket.access_key),
                ("AWS_SECRET_ACCESS_KEY", &bucket.secret_key),
                ("AWS_REGION", &bucket.region),
            ];
            let environment = variables.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
            // A given bucket may hold backups of an earlier run.
            let url = format!("s3://{}/{}rig-{}", bucket.name, bucket.prefix, std::process::id());
            Store { name: "MinIO", url, environment }
        }));
        let client = Client::try_from(config).expect("a client");
        Self { kubeconfig: kubeconfig.to_owned(), client, stores }
    }

    /// Makes a world, saves it some times, and restores it into fresh namespaces.
    pub(crate) async fn measure(&self, size: usize, rounds: usize) -> Vec<Row> {
        let tag = std::process::id();
        let (from, beside) = (format!("a{tag}-{size}"), format!("z{tag}-{size}"));
        let before = self.make(&from, size).await;
        let lists = raw::lists(&self.client).await;
        // Once unmeasured: the server fills its caches.
        raw::list(&self.client, &lists).await;
        let named = world::namespaces(&from).join(",");
        let (mut raws, mut listed) = (Vec::new(), raw::Listed::default());
        let mut runs: BTreeMap<(&str, usize), Runs> = BTreeMap::new();
        for round in 0..rounds {
            for (number, store) in self.stores.iter().enumerate() {
                for (what, more) in [("whole", vec![]), ("named", vec!["--include-namespaces", named.as_str()])] {
                    let (time, pages) = timed(raw::list(&self.client, &lists)).await;
                    raws.push(time);
                    listed = pages;
                    let name = format!("{what}-{size}-{round}");
                    let arguments = [&["backup", "create", &name], more.as_slice()].concat();
                    self.ark(store, &arguments, runs.entry((what, number)).or_default()).await;
                }
            }
        }
        let raw = median(raws);
        let calls = BTreeMap::from([("LIST".to_owned(), listed.pages as u64)]);
        let bytes = Some(listed.bytes as u64);
        let mut rows = vec![Row { name: "raw listing".into(), time: raw, raw, process: None, calls, bytes }];
        for ((what, number), runs) in &runs {
            let what = if *what == "named" {
                format!("{} namespaces by name", world::NAMESPACES)
            } else {
                "everything".into()
            };
            rows.push(runs.row(format!("backup of {what}, {}", self.stores[*number].name), raw));
        }
        rows.extend(self.restores(size, &from, before, &beside).await);
        rows
    }

    /// Restores from each store, between two raw runs.
    async fn restores(&self, size: usize, from: &str, before: Duration, beside: &str) -> Vec<Row> {
        let mut restored = Vec::new();
        for (number, store) in self.stores.iter().enumerate() {
            let pair = |(from, to): (String, String)| format!("{from}:{to}");
            let to = world::namespaces(&format!("b{number}{from}"));
            let mapping: Vec<String> = world::namespaces(from).into_iter().zip(to).map(pair).collect();
            let (mapping, backup) = (mapping.join(","), format!("named-{size}-0"));
            let mut runs = Runs::default();
            let arguments = ["restore", "create", "--from-backup", &backup, "--namespace-mappings", &mapping];
            self.ark(store, &arguments, &mut runs).await;
            restored.push((format!("restore, {}", store.name), runs));
        }
        let after = self.make(beside, size).await;
        let raw = (before + after) / 2;
        let calls = BTreeMap::from([("POST".to_owned(), size as u64)]);
        let mut rows = vec![Row { name: "raw creates".into(), time: raw, raw, process: None, calls, bytes: None }];
        rows.extend(restored.into_iter().map(|(name, runs)| runs.row(name, raw)));
        rows
    }

    async fn ark(&self, store: &Store, arguments: &[&str], runs: &mut Runs) {
        let before = raw::calls(&self.client).await;
        let arguments = [arguments, &["--store", &store.url]].concat();
        runs.costs.push(child::ark(&self.kubeconfig, &store.environment, &arguments));
        let after = raw::calls(&self.client).await;
        let spent = after.into_iter().map(|(verb, count)| (count - before.get(&verb).unwrap_or(&0), verb));
        runs.calls = spent.filter(|(count, _)| *count > 0).map(|(count, verb)| (verb, count)).collect();
        // The metrics were asked for once in between.
        if let Some(reads) = runs.calls.get_mut("GET") {
            *reads = reads.saturating_sub(1);
        }
    }

    /// Makes the namespaces of a world, then, measured, its objects.
    async fn make(&self, world: &str, size: usize) -> Duration {
        let space = |name: String| world::Object {
            path: "/api/v1/namespaces".into(),
            body: format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#).into(),
        };
        let spaces: Vec<world::Object> = world::namespaces(world).into_iter().map(space).collect();
        raw::create(&self.client, &spaces, IN_FLIGHT).await;
        let objects = world::objects(world, size);
        timed(raw::create(&self.client, &objects, IN_FLIGHT)).await.0
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let value = work.await;
    (start.elapsed(), value)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
