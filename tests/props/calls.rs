//! One request an object: what a restore costs an API server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ark::api::{BackupSpec, Restore, RestoreSpec};
use ark::cluster::{
    Cluster, ClusterError, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage, Patch,
    SimCluster, Target, WatchEvent, WatchOptions,
};
use ark::object::{ApiResource, RawObject};
use ark::restore::{self, Outcome};
use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::json;

use super::rig::{bucket, context, paused, save, server};

/// A cluster that counts what it is asked.
#[derive(Debug)]
struct Counting {
    inner: SimCluster,
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

#[test]
fn a_restore_asks_once_for_each_object() {
    const OBJECTS: usize = 500;
    paused(async {
        let (source, store) = (server(1, false), bucket());
        let mut objects = vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many"}})];
        objects.extend((0..OBJECTS).map(|number| {
            let kind = if number % 2 == 0 { "ConfigMap" } else { "Secret" };
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": format!("n{number}"), "namespace": "many"}})
        }));
        assert!(source.load(objects).iter().all(Result::is_ok));
        save(&source, &store, "many", BackupSpec { included_namespaces: vec!["many".into()], ..BackupSpec::default() })
            .await;
        let target = server(2, false);
        let cluster = Arc::new(Counting {
            inner: SimCluster::new(target),
            creates: AtomicU64::new(0),
            others: AtomicU64::new(0),
        });
        let spec = RestoreSpec { backup_name: "many".into(), ..RestoreSpec::default() };
        let done = restore::run(&context(cluster.clone(), &store), &Restore::new("r", spec)).await.expect("it starts");
        let created = done.items.iter().filter(|item| item.outcome == Outcome::Created).count();
        assert_eq!(created, OBJECTS + 1);
        assert_eq!(cluster.creates.load(Ordering::Relaxed), created as u64, "one create an object");
        assert_eq!(cluster.others.load(Ordering::Relaxed), 0, "and nothing else");
    });
}
