//! The engine against the simulator: what is selected, what is promised when something fails.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use kubesim::{ApiServer, Options};
use serde_json::{Value, json};

use super::{BackupContext, BackupError, BackupOutcome, Unobserved, run};
use crate::api::Backup;
use crate::clock::TokioClock;

use crate::cluster::{
    Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage,
    Patch, SimCluster, Target, WatchEvent, WatchOptions,
};
use crate::object::{ApiResource, RawObject};
use crate::storage::{BackupStore, Bucket};

mod bucket;
mod faults;
mod hooks;
mod hostile;
mod model;
mod selection;

/// The time at which every test starts.
const START: &str = "2026-01-02T03:04:05Z";

/// What a test wants to happen at a request; the text is `list configmaps`, `get persistentvolumes pv`, `exec db ["x"]`.
type Script = dyn Fn(&str, usize) -> Option<Result<ExecOutcome, ClusterError>> + Send + Sync;

/// What a test makes of a page before the engine sees it; the text is that of the request.
type Tamper = dyn Fn(&str, ListPage) -> ListPage + Send + Sync;

/// The simulator behind a script that sees every read first.
struct Scripted {
    inner: SimCluster,
    script: Box<Script>,
    tamper: Box<Tamper>,
    calls: Mutex<Vec<String>>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    /// Notes a call; the script gets it and how often it came before.
    fn call(&self, call: String) -> Option<Result<ExecOutcome, ClusterError>> {
        let mut calls = self.calls.lock().expect("no test panics while it holds the lock");
        let before = calls.iter().filter(|earlier| **earlier == call).count();
        calls.push(call.clone());
        drop(calls);
        (self.script)(&call, before)
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no test panics while it holds the lock").clone()
    }
}

fn named(verb: &str, resource: &ApiResource, namespace: Option<&str>, name: &str) -> String {
    let namespace = namespace.map_or_else(String::new, |namespace| format!(" {namespace}"));
    format!("{verb} {resource}{namespace} {name}").trim_end().to_owned()
}

#[async_trait]
impl Cluster for Scripted {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        if let Some(Err(error)) = self.call("discover".to_owned()) {
            return Err(error);
        }
        self.inner.discover().await
    }

    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError> {
        if let Some(Err(error)) = self.call(named("list", resource, namespace, "")) {
            return Err(error);
        }
        let page = self.inner.list(resource, namespace, options).await?;
        Ok((self.tamper)(&named("list", resource, namespace, ""), page))
    }

    async fn get(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<RawObject, ClusterError> {
        if let Some(Err(error)) = self.call(named("get", resource, namespace, name)) {
            return Err(error);
        }
        self.inner.get(resource, namespace, name).await
    }

    async fn create(&self, _: &ApiResource, _: Option<&str>, _: &RawObject) -> Result<RawObject, ClusterError> {
        panic!("a backup creates nothing")
    }

    async fn update(&self, _: Target<'_>, _: &RawObject) -> Result<RawObject, ClusterError> {
        panic!("a backup updates nothing")
    }

    async fn patch(&self, _: Target<'_>, _: &Patch) -> Result<RawObject, ClusterError> {
        panic!("a backup patches nothing")
    }

    async fn delete(&self, _: Target<'_>, _: &DeleteOptions) -> Result<(), ClusterError> {
        panic!("a backup deletes nothing")
    }

    async fn watch(
        &self,
        _: &ApiResource,
        _: Option<&str>,
        _: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        panic!("a backup watches nothing")
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        let ExecRequest { namespace, pod, container, command, .. } = request;
        self.call(format!("exec {namespace}/{pod} {container} {}", command.join(" ")))
            .unwrap_or_else(|| Ok(ExecOutcome::default()))
    }
}

fn error(kind: ClusterErrorKind) -> ClusterError {
    ClusterError {
        kind,
        operation: "the request".to_owned(),
        message: "as the test wants it".to_owned(),
        code: 0,
        retry_after: None,
        causes: Vec::new(),
    }
}

/// A simulator, a bucket in memory, and a script between them.
struct World {
    server: ApiServer,
    cluster: Arc<Scripted>,
    ctx: BackupContext,
}

impl World {
    fn new(objects: Vec<Value>) -> Self {
        Self::scripted(objects, |_, _| None)
    }

    fn scripted(
        objects: Vec<Value>,
        script: impl Fn(&str, usize) -> Option<Result<ExecOutcome, ClusterError>> + Send + Sync + 'static,
    ) -> Self {
        let server = ApiServer::new(Options::default());
        for loaded in server.load(objects) {
            loaded.expect("the test's objects are valid");
        }
        Self::over(server, script)
    }

    fn over(
        server: ApiServer,
        script: impl Fn(&str, usize) -> Option<Result<ExecOutcome, ClusterError>> + Send + Sync + 'static,
    ) -> Self {
        Self::assembled(server, Box::new(script), Box::new(|_, page| page))
    }

    fn tampered(objects: Vec<Value>, tamper: impl Fn(&str, ListPage) -> ListPage + Send + Sync + 'static) -> Self {
        let server = ApiServer::new(Options::default());
        for loaded in server.load(objects) {
            loaded.expect("the test's objects are valid");
        }
        Self::assembled(server, Box::new(|_, _| None), Box::new(tamper))
    }

    fn assembled(server: ApiServer, script: Box<Script>, tamper: Box<Tamper>) -> Self {
        let inner = SimCluster::new(server.clone());
        let cluster = Arc::new(Scripted { inner, script, tamper, calls: Mutex::new(Vec::new()) });
        let ctx = BackupContext {
            cluster: Arc::clone(&cluster) as Arc<dyn Cluster>,
            store: BackupStore::new(Bucket::memory()),
            clock: Arc::new(TokioClock::starting_at(START.parse().expect("a time"))),
            own_namespace: "heptio-ark".to_owned(),
            progress: Arc::new(Unobserved),
        };
        Self { server, cluster, ctx }
    }

    async fn back_up(&self, spec: Value) -> Result<BackupOutcome, BackupError> {
        run(&self.ctx, &backup(spec)).await
    }

    /// Backs up, and returns the paths in the archive as `pods shop/web` and `persistentvolumes pv`.
    async fn saves(&self, spec: Value) -> (Vec<String>, BackupOutcome) {
        let outcome = self.back_up(spec).await.expect("an archive");
        (self.paths().await, outcome)
    }

    async fn entries(&self) -> Vec<(String, RawObject)> {
        let mut entries = self.ctx.store.entries("nightly").await.expect("an archive");
        let mut read = Vec::new();
        while let Some(entry) = entries.next().await {
            let (path, raw) = entry.expect("a readable entry");
            let place = path.namespace().map_or_else(String::new, |namespace| format!("{namespace}/"));
            read.push((format!("{} {place}{}", path.resource(), path.name()), raw));
        }
        read
    }

    async fn paths(&self) -> Vec<String> {
        self.entries().await.into_iter().map(|(path, _)| path).collect()
    }

    async fn log(&self) -> String {
        use std::io::Read;
        let file = self.ctx.store.log("nightly").await.expect("a log");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file.as_ref()).read_to_string(&mut text).expect("gzip of text");
        text
    }
}

fn backup(spec: Value) -> Backup {
    serde_json::from_value(json!({"metadata": {"name": "nightly"}, "spec": spec})).expect("a backup")
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}})
}

fn config_map(namespace: &str, name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {"canary": "c0ntent", "html": "<&>"}})
}

fn volume(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}})
}

fn claim(namespace: &str, name: &str, volume: Option<&str>) -> Value {
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    if let Some(volume) = volume {
        claim["spec"]["volumeName"] = json!(volume);
    }
    claim
}

fn pod(namespace: &str, name: &str, labels: Value, annotations: Value, claims: &[&str]) -> Value {
    let volumes: Vec<Value> =
        claims.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}})).collect();
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": "x"}, {"name": "side", "image": "x"}], "volumes": volumes}})
}

fn storage_class() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "x"})
}

/// Two namespaces, a pod with a volume in one of them, and a cluster-scoped object that belongs to nobody.
fn shop() -> Vec<Value> {
    vec![
        namespace("blog"),
        namespace("shop"),
        storage_class(),
        volume("pv-blog"),
        volume("pv-shop"),
        claim("blog", "files", Some("pv-blog")),
        claim("shop", "data", Some("pv-shop")),
        claim("shop", "unbound", None),
        pod("shop", "db", json!({"app": "db"}), json!({}), &["data"]),
        config_map("blog", "settings", json!({"app": "db"})),
        config_map("shop", "settings", json!({"app": "web"})),
    ]
}
