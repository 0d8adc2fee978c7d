//! One request an object: what a restore costs an API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ark::api::{BackupSpec, Restore, RestorePhase, RestoreSpec};
use ark::cluster::{
    Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage,
    Patch, SimCluster, Target, WatchEvent, WatchOptions,
};
use ark::object::{ApiResource, RawObject};
use ark::restore::{self, Outcome, RestoreOutcome, RestoredItem};
use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::SignedDuration;
use serde_json::json;

use super::rig::{bucket, context, paused, save, server};

/// A cluster that counts what it is asked.
#[derive(Debug)]
struct Counting {
    inner: SimCluster,
    /// Plural name of what a webhook should look at, and does not.
    unanswered: &'static str,
    creates: AtomicU64,
    others: AtomicU64,
}

impl Counting {
    fn other(&self) -> &SimCluster {
        self.others.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

#[async_trait]
impl Cluster for Counting {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        self.inner.discover().await
    }

    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError> {
        self.other().list(resource, namespace, options).await
    }

    async fn get(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<RawObject, ClusterError> {
        self.other().get(resource, namespace, name).await
    }

    async fn create(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        object: &RawObject,
    ) -> Result<RawObject, ClusterError> {
        self.creates.fetch_add(1, Ordering::Relaxed);
        if resource.plural == self.unanswered {
            let reason = "Internal error occurred: failed calling webhook \"x.example.com\": failed to call webhook";
            return Err(ClusterError {
                kind: ClusterErrorKind::Server,
                operation: format!("create {resource}"),
                message: format!("{reason}: service \"x\" not found"),
                code: 500,
                retry_after: None,
                causes: Vec::new(),
            });
        }
        self.inner.create(resource, namespace, object).await
    }

    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError> {
        self.other().update(target, object).await
    }

    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        self.other().patch(target, patch).await
    }

    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.other().delete(target, options).await
    }

    async fn watch(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        self.other().watch(resource, namespace, options).await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        self.other().exec(request).await
    }
}

const OBJECTS: usize = 500;

/// Restores a namespace of config maps and secrets.
async fn restore_many(unanswered: &'static str) -> (Arc<Counting>, RestoreOutcome) {
    let (source, store) = (server(1, false), bucket());
    let mut objects = vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many"}})];
    objects.extend((0..OBJECTS).map(|number| {
        let kind = if number % 2 == 0 { "ConfigMap" } else { "Secret" };
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": format!("n{number}"), "namespace": "many"}})
    }));
    assert!(source.load(objects).iter().all(Result::is_ok));
    save(&source, &store, "many", BackupSpec { included_namespaces: vec!["many".into()], ..BackupSpec::default() })
        .await;
    let cluster = Arc::new(Counting {
        inner: SimCluster::new(server(2, false)),
        unanswered,
        creates: AtomicU64::new(0),
        others: AtomicU64::new(0),
    });
    let spec = RestoreSpec { backup_name: "many".into(), ..RestoreSpec::default() };
    let done = restore::run(&context(cluster.clone(), &store), &Restore::new("r", spec)).await.expect("it starts");
    (cluster, done)
}

#[test]
fn a_restore_asks_once_for_each_object() {
    paused(async {
        let (cluster, done) = restore_many("").await;
        let created = done.items.iter().filter(|item| item.outcome == Outcome::Created).count();
        assert_eq!(created, OBJECTS + 1);
        assert_eq!(cluster.creates.load(Ordering::Relaxed), created as u64, "one create an object");
        assert_eq!(cluster.others.load(Ordering::Relaxed), 0, "and nothing else");
    });
}

#[test]
fn a_webhook_that_never_answers_is_not_waited_for_at_every_object() {
    paused(async {
        let (cluster, done) = restore_many("secrets").await;
        assert_eq!(done.status.phase, RestorePhase::PartiallyFailed);
        let failed = |item: &&RestoredItem| matches!(&item.outcome, Outcome::Failed(why) if why.contains("webhook"));
        assert_eq!(done.items.iter().filter(failed).count(), OBJECTS / 2, "each of them says why");
        let (began, ended) = (&done.status.start_timestamp, &done.status.completion_timestamp);
        let took = ended.as_ref().expect("it ended").0.duration_since(began.as_ref().expect("it began").0);
        assert!(took < SignedDuration::from_mins(2), "it took {took:?}");
        assert!(cluster.creates.load(Ordering::Relaxed) < 5 * OBJECTS as u64, "a few tries each");
    });
}
