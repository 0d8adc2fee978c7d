//! A restore through a bad network and past a busy server ends as one without faults: nothing twice, nothing missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ark::api::{Restore, RestorePhase, RestoreSpec};
use ark::cluster::{
    Cluster, ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage,
    Patch, SimCluster, Target, WatchEvent, WatchOptions,
};
use ark::object::{ApiResource, RawObject};
use ark::restore::{self, RestoreOutcome};
use ark::storage::BackupStore;
use async_trait::async_trait;
use futures::stream::BoxStream;
use kubesim::ApiServer;
use proptest::prelude::*;

use super::rig::{bucket, comparable, context, live, paused, put_fixture, server};

/// Faults of one request before it is served.
const FAULTS_MAX: u32 = 3;

/// A cluster that fails as the seed says, each request a few times at most.
#[derive(Debug)]
struct Faulty {
    inner: SimCluster,
    seed: u64,
    tries: Mutex<BTreeMap<String, u32>>,
}

impl Faulty {
    /// What happens to this try, by a hash of seed, request and number of the try.
    fn draw(&self, request: &str) -> u64 {
        let mut tries = self.tries.lock().expect("no test panics while it holds this");
        let count = tries.entry(request.to_owned()).or_default();
        *count += 1;
        if *count > FAULTS_MAX {
            return u64::MAX;
        }
        let text = format!("{} {request} {count}", self.seed);
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (hash >> 20) % 16
    }
}

fn fault(kind: ClusterErrorKind, message: &str) -> ClusterError {
    ClusterError {
        kind,
        operation: "create".into(),
        message: message.into(),
        code: 0,
        retry_after: None,
        causes: Vec::new(),
    }
}

#[async_trait]
impl Cluster for Faulty {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        self.inner.discover().await
    }

    async fn list(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<ListPage, ClusterError> {
        self.inner.list(resource, namespace, options).await
    }

    async fn get(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<RawObject, ClusterError> {
        match self.draw(&format!("get {resource} {namespace:?} {name}")) {
            0..=3 => Err(fault(ClusterErrorKind::Retry, "busy")),
            _ => self.inner.get(resource, namespace, name).await,
        }
    }

    async fn create(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        object: &RawObject,
    ) -> Result<RawObject, ClusterError> {
        let name = object.head().expect("an object").metadata.name.into_owned();
        match self.draw(&format!("create {resource} {namespace:?} {name}")) {
            0..=1 => Err(fault(ClusterErrorKind::Retry, "busy")),
            2 => Err(fault(ClusterErrorKind::Connection, "reset before the request")),
            3..=4 => {
                // The answer is lost, the object is not.
                self.inner.create(resource, namespace, object).await?;
                Err(fault(ClusterErrorKind::Timeout, "no answer"))
            }
            5 => Err(fault(ClusterErrorKind::Forbidden, "exceeded quota")),
            _ => self.inner.create(resource, namespace, object).await,
        }
    }

    async fn update(&self, target: Target<'_>, object: &RawObject) -> Result<RawObject, ClusterError> {
        self.inner.update(target, object).await
    }

    async fn patch(&self, target: Target<'_>, patch: &Patch) -> Result<RawObject, ClusterError> {
        self.inner.patch(target, patch).await
    }

    async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<(), ClusterError> {
        self.inner.delete(target, options).await
    }

    async fn watch(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        options: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        self.inner.watch(resource, namespace, options).await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        self.inner.exec(request).await
    }
}

async fn restored(server: &ApiServer, cluster: Arc<dyn Cluster>, store: &BackupStore) -> RestoreOutcome {
    let spec = RestoreSpec { backup_name: "world-all".into(), ..RestoreSpec::default() };
    let mut ctx = context(cluster, store);
    // Virtual time: what the engine waits costs nothing.
    ctx.settings.in_flight = 8;
    let done = restore::run(&ctx, &Restore::new("r", spec)).await.expect("it starts");
    assert!(server.revision() > 0);
    done
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn faults_change_nothing_in_the_end(seed in any::<u64>()) {
        paused(async {
            let (calm, stormy) = (server(5, true), server(6, true));
            let (calm_store, stormy_store) = (bucket(), bucket());
            for store in [&calm_store, &stormy_store] {
                put_fixture(store, "world-all").await;
            }
            let expected = restored(&calm, Arc::new(SimCluster::new(calm.clone())), &calm_store).await;
            let faulty = Arc::new(Faulty { inner: SimCluster::new(stormy.clone()), seed, tries: Mutex::default() });
            let done = restored(&stormy, faulty, &stormy_store).await;
            prop_assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
            for (with, without) in done.items.iter().zip(&expected.items) {
                prop_assert_eq!(&with.path, &without.path);
                prop_assert_eq!(&with.outcome, &without.outcome, "{}", with.path);
                let of = |server| live(server, &with.resource.group, &with.resource.resource, with.namespace.as_deref(), &with.name);
                let neutral = |object: Option<serde_json::Value>| object.map(|object| comparable(object, UIDS));
                prop_assert_eq!(neutral(of(&stormy)), neutral(of(&calm)), "{}", with.path);
            }
            Ok(())
        })?;
    }
}

/// Where two clusters differ because their uids and addresses do.
const UIDS: &[&str] = &[
    "metadata/ownerReferences/*/uid",
    "metadata/labels/controller-uid",
    "metadata/labels/batch.kubernetes.io~1controller-uid",
    "spec/selector",
    "spec/template/metadata/labels",
    "spec/clusterIP",
    "spec/clusterIPs",
    // A real API server refuses a pod whose class comes late; the simulated one takes it without a priority.
    "spec/priority",
    "spec/ports/*/nodePort",
    "data",
];
