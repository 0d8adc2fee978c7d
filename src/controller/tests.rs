//! Controllers one step at a time, and the loop around them, against a cluster that fails when told to.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use kube::CustomResourceExt;
use kubesim::{ApiServer, Options};
use serde_json::{Value, json};

use super::progress::Reporter;
use super::status::StatusWriter;
use super::{Action, BackupController, ControllerError, Reconciler, own_resource, runtime, silence};
use crate::api::{Backup, Progress};
use crate::backup::{BackupContext, BackupObserver, Unobserved};
use crate::clock::Clock;
use crate::cluster::{
    Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage,
    Patch, SimClock, SimCluster, Target, WatchEvent, WatchOptions,
};
use crate::object::{ApiResource, RawObject};
use crate::storage::{BackupStore, Bucket};

/// The simulator, with failures to hand out first: each is a verb and a kind of failure.
struct Flaky {
    inner: SimCluster,
    failures: Mutex<Vec<(&'static str, ClusterErrorKind)>>,
    /// How long every list of what is saved takes.
    slow: (Duration, Arc<dyn Clock>),
    asked: Mutex<Vec<String>>,
}

impl fmt::Debug for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

impl Flaky {
    fn new(server: &ApiServer, failures: &[(&'static str, ClusterErrorKind)]) -> Arc<Self> {
        let failures = Mutex::new(failures.to_vec());
        let slow = (Duration::ZERO, Arc::new(SimClock(server.clock().clone())) as Arc<dyn Clock>);
        Arc::new(Self { inner: SimCluster::new(server.clone()), failures, slow, asked: Mutex::default() })
    }

    fn slowed(server: &ApiServer, by: Duration) -> Arc<Self> {
        let mut slowed = Arc::into_inner(Self::new(server, &[])).expect("nobody else has it");
        slowed.slow.0 = by;
        Arc::new(slowed)
    }

    fn call(&self, verb: &'static str, detail: &str) -> Result<(), ClusterError> {
        self.asked.lock().expect("no panic").push(format!("{verb} {detail}"));
        let mut failures = self.failures.lock().expect("no panic");
        let Some(at) = failures.iter().position(|(failing, _)| *failing == verb) else { return Ok(()) };
        let (_, kind) = failures.remove(at);
        Err(ClusterError {
            kind,
            operation: verb.to_owned(),
            message: "told to fail".to_owned(),
            code: 0,
            retry_after: None,
            causes: Vec::new(),
        })
    }

    fn count(&self, verb: &str) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|asked| asked.starts_with(verb)).count()
    }
}

#[async_trait]
impl Cluster for Flaky {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        self.inner.discover().await
    }

    async fn list(&self, r: &ApiResource, ns: Option<&str>, o: &ListOptions) -> Result<ListPage, ClusterError> {
        self.call("list", &format!("{} {}", ns.unwrap_or_default(), r.plural))?;
        if r.plural != "backups" {
            self.slow.1.sleep(self.slow.0).await;
        }
        self.inner.list(r, ns, o).await
    }

    async fn get(&self, r: &ApiResource, ns: Option<&str>, name: &str) -> Result<RawObject, ClusterError> {
        self.call("get", name)?;
        self.inner.get(r, ns, name).await
    }

    async fn create(&self, r: &ApiResource, ns: Option<&str>, o: &RawObject) -> Result<RawObject, ClusterError> {
        self.inner.create(r, ns, o).await
    }

    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError> {
        self.inner.update(target, object).await
    }

    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        let Patch::Merge(text) = patch else { return self.inner.patch(target, patch).await };
        self.call("patch", &String::from_utf8_lossy(text.bytes()))?;
        self.inner.patch(target, patch).await
    }

    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.inner.delete(target, options).await
    }

    async fn watch(
        &self,
        r: &ApiResource,
        ns: Option<&str>,
        o: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        match self.call("watch", o.resource_version.as_deref().unwrap_or_default()) {
            // As a server says it: on an open stream.
            Err(error) if error.kind == ClusterErrorKind::Expired => Ok(stream::iter([Err(error)]).boxed()),
            Err(error) => Err(error),
            Ok(()) => self.inner.watch(r, ns, o).await,
        }
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        self.inner.exec(request).await
    }
}

fn server() -> (ApiServer, Arc<dyn Clock>) {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    let server = ApiServer::new(Options { clock: kubesim::Clock::tokio(start), ..Options::default() });
    load(&server, serde_json::to_value(Backup::crd()).expect("a definition"));
    load(&server, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ark"}}));
    let clock = Arc::new(SimClock(server.clock().clone()));
    (server, clock)
}

fn load(server: &ApiServer, object: Value) {
    for loaded in server.load(vec![object]) {
        loaded.unwrap_or_else(|error| panic!("{error}"));
    }
}

fn add_backup(server: &ApiServer, name: &str) {
    let spec = json!({"includedNamespaces": ["default"]});
    let metadata = json!({"name": name, "namespace": "ark"});
    load(server, json!({"apiVersion": "ark.heptio.com/v1", "kind": "Backup", "metadata": metadata, "spec": spec}));
}

async fn read(cluster: &Flaky, name: &str) -> RawObject {
    let resource = own_resource("backups", "Backup");
    cluster.inner.get(&resource, Some("ark"), name).await.expect("it is there")
}

async fn phase(cluster: &Flaky, name: &str) -> String {
    let object = read(cluster, name).await.value().expect("an object");
    object["status"]["phase"].as_str().unwrap_or_default().to_owned()
}

fn controller(cluster: &Arc<Flaky>, clock: &Arc<dyn Clock>) -> BackupController {
    BackupController::new(BackupContext {
        cluster: Arc::clone(cluster) as _,
        store: BackupStore::new(Bucket::memory()),
        clock: Arc::clone(clock),
        own_namespace: "ark".to_owned(),
        progress: Arc::new(Unobserved),
    })
}

#[tokio::test(start_paused = true)]
async fn only_the_server_that_claims_a_backup_runs_it() {
    let (server, clock) = server();
    add_backup(&server, "one");
    let cluster = Flaky::new(&server, &[]);
    let controller = controller(&cluster, &clock);
    let seen = read(&cluster, "one").await;
    assert_eq!(controller.reconcile(&seen).await, Ok(Action::Done));
    assert_eq!(phase(&cluster, "one").await, "Completed");
    let late = controller.reconcile(&seen).await.expect_err("the other one looked at an old revision");
    assert!(matches!(&late, ControllerError::Cluster(error) if error.kind == ClusterErrorKind::Conflict), "{late}");
    assert_eq!(phase(&cluster, "one").await, "Completed");
    let done = read(&cluster, "one").await;
    let writes = cluster.count("patch");
    assert_eq!(controller.reconcile(&done).await, Ok(Action::Done));
    assert_eq!(cluster.count("patch"), writes, "what is done is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_status_is_sent_until_it_arrives() {
    let (server, clock) = server();
    add_backup(&server, "one");
    let failures = [("patch", ClusterErrorKind::Retry), ("patch", ClusterErrorKind::Connection)];
    let cluster = Flaky::new(&server, &failures);
    let before = clock.now();
    controller(&cluster, &clock).reconcile(&read(&cluster, "one").await).await.expect("it gets there");
    assert_eq!(phase(&cluster, "one").await, "Completed");
    assert_eq!(clock.now().duration_since(before), jiff::SignedDuration::from_millis(1500), "half a second, then one");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_never_arrives_is_settled_at_the_next_look() {
    let (server, clock) = server();
    add_backup(&server, "one");
    // The first write claims; every try of the last status is lost.
    let cluster = Flaky::new(&server, &[]);
    let controller = controller(&cluster, &clock);
    let resource = own_resource("backups", "Backup");
    let object = read(&cluster, "one").await;
    controller.reconcile(&object).await.expect("it runs");
    let lost = RawObject::new(r#"{"status":{"phase":"InProgress","completionTimestamp":null,"archive":null}}"#);
    let target = Target { resource: &resource, namespace: Some("ark"), name: "one", subresource: Some("status") };
    cluster.inner.patch(target, &Patch::Merge(lost)).await.expect("as if");
    controller.reconcile(&read(&cluster, "one").await).await.expect("the bucket knows");
    let object = read(&cluster, "one").await.value().expect("an object");
    assert_eq!(object["status"]["phase"], "Completed");
    assert!(object["status"]["archive"]["sha256"].is_string(), "the whole status comes back");
}

#[tokio::test(start_paused = true)]
async fn progress_is_written_once_a_second_and_never_after_the_end() {
    let (server, clock) = server();
    add_backup(&server, "one");
    let cluster = Flaky::new(&server, &[]);
    let resource = own_resource("backups", "Backup");
    let object = read(&cluster, "one").await;
    let head = object.head().expect("a head");
    let status = StatusWriter {
        cluster: cluster.as_ref(),
        clock: &clock,
        resource: &resource,
        namespace: "ark",
        name: "one",
        uid: &head.metadata.uid,
        revision: &head.metadata.resource_version,
    };
    let reporter = Reporter::new();
    let engine = async {
        for items in 1..=50 {
            reporter.progress(&Progress { total_items: 50, items_backed_up: items });
            clock.sleep(Duration::from_millis(100)).await;
        }
        reporter.end();
    };
    tokio::join!(engine, reporter.write_to(&status));
    let writes = cluster.count("patch");
    assert!((4..=6).contains(&writes), "{writes} writes in five seconds");
    reporter.progress(&Progress::default());
    reporter.write_to(&status).await;
    assert_eq!(cluster.count("patch"), writes);
}

#[tokio::test(start_paused = true)]
async fn the_loop_outlives_failures_and_lists_again_where_the_watch_is_too_late() {
    let (server, clock) = server();
    let failures = [
        ("list", ClusterErrorKind::Connection),
        ("watch", ClusterErrorKind::Expired),
        ("watch", ClusterErrorKind::Server),
        ("get", ClusterErrorKind::Timeout),
    ];
    let cluster = Flaky::new(&server, &failures);
    let controller = controller(&cluster, &clock);
    add_backup(&server, "early");
    let story = async {
        clock.sleep(Duration::from_secs(20)).await;
        add_backup(&server, "late");
        clock.sleep(Duration::from_secs(20)).await;
    };
    runtime::run(Arc::clone(&cluster) as _, Arc::clone(&clock), "ark", &controller, story).await;
    assert_eq!(
        (phase(&cluster, "early").await, phase(&cluster, "late").await),
        ("Completed".into(), "Completed".into())
    );
    assert_eq!(cluster.count("list ark backups"), 3, "at first, after the failure, after the watch that was too late");
}

/// Another look at `one` as it is now.
async fn look(controller: &BackupController, cluster: &Flaky) -> Action {
    controller.reconcile(&read(cluster, "one").await).await.expect("it is looked at")
}

async fn beat(cluster: &Flaky, at: &str) {
    let resource = own_resource("backups", "Backup");
    let target = Target { resource: &resource, namespace: Some("ark"), name: "one", subresource: Some("status") };
    let status = json!({"status": {"phase": "InProgress", "heartbeatTimestamp": at}});
    cluster.inner.patch(target, &Patch::Merge(RawObject::from_value(&status))).await.expect("a status");
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_left_behind_when_no_heartbeat_is_heard() {
    let (server, clock) = server();
    add_backup(&server, "one");
    let cluster = Flaky::new(&server, &[]);
    let controller = controller(&cluster, &clock);
    for at in ["2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"] {
        beat(&cluster, at).await;
        let Action::RequeueAfter(left) = look(&controller, &cluster).await else { panic!("somebody works on it") };
        assert_eq!(left, silence::SILENCE.unsigned_abs());
        clock.sleep(left.checked_sub(Duration::from_secs(1)).expect("longer")).await;
        assert_eq!(look(&controller, &cluster).await, Action::RequeueAfter(Duration::from_secs(1)));
    }
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(look(&controller, &cluster).await, Action::Done);
    let status = read(&cluster, "one").await.value().expect("an object")["status"].clone();
    assert_eq!((&status["phase"], &status["conditions"][0]["reason"]), (&json!("Failed"), &json!("Interrupted")));
    assert_eq!(status.get("heartbeatTimestamp"), None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_leaves_alone_what_the_old_one_still_works_on() {
    let (server, clock) = server();
    add_backup(&server, "one");
    let cluster = Flaky::slowed(&server, Duration::from_mins(5));
    let old = controller(&cluster, &clock);
    let new = controller(&cluster, &clock);
    let story = async {
        let mut looks = 0;
        while phase(&cluster, "one").await != "Completed" {
            looks += 1;
            assert!(looks < 10_000, "it does not end");
            let phase = phase(&cluster, "one").await;
            assert!(matches!(phase.as_str(), "" | "InProgress"), "{phase}");
            clock.sleep(Duration::from_secs(10)).await;
        }
        looks
    };
    let stop = tokio::sync::Notify::new();
    let both = async {
        tokio::join!(
            runtime::run(Arc::clone(&cluster) as _, Arc::clone(&clock), "ark", &old, stop.notified()),
            runtime::run(Arc::clone(&cluster) as _, Arc::clone(&clock), "ark", &new, stop.notified()),
        )
    };
    let story = async {
        let looks = story.await;
        stop.notify_waiters();
        looks
    };
    let (looks, _) = tokio::join!(story, both);
    assert!(looks > 60, "it took long enough for a wrong verdict: {looks}");
    assert_eq!(cluster.count("patch {\"metadata\":{\"resourceVersion\""), 1, "one claim, and no verdict by the other");
    let status = read(&cluster, "one").await.value().expect("an object")["status"].clone();
    assert_eq!((status.get("heartbeatTimestamp"), status["errors"].as_i64()), (None, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_any_length_fits_into_a_status() {
    let (server, clock) = server();
    let names: Vec<String> = (0..20_000).map(|number| format!("namespace-{number}")).collect();
    let spec = json!({"includedNamespaces": names, "excludedNamespaces": names});
    let metadata = json!({"name": "one", "namespace": "ark"});
    load(&server, json!({"apiVersion": "ark.heptio.com/v1", "kind": "Backup", "metadata": metadata, "spec": spec}));
    let cluster = Flaky::new(&server, &[]);
    assert_eq!(look(&controller(&cluster, &clock), &cluster).await, Action::Done);
    let status = read(&cluster, "one").await.value().expect("an object")["status"].clone();
    let errors = status["validationErrors"].as_array().expect("errors");
    assert_eq!((status["phase"].as_str(), errors.len()), (Some("FailedValidation"), 11));
    assert_eq!(errors[10], "and 19990 more");
}
