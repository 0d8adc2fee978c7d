//! The server from end to end: Ark's own objects on the simulator, with nothing but its public interface.

use std::sync::Arc;
use std::time::Duration;

use ark::clock::Clock as _;
use ark::cluster::{Cluster, SimClock, SimCluster};
use ark::server::{ServerError, ServerOptions, run};
use ark::storage::{BackupStore, Bucket};
use kubesim::actors::Actors;
use kubesim::{ApiServer, Clock, DeleteOptions, Options, Patch, Target, WriteOptions};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::common;

/// A simulated cluster with its controllers.
struct Stage {
    server: ApiServer,
    cluster: Arc<dyn Cluster>,
    clock: Arc<SimClock>,
    store: BackupStore,
}

impl Stage {
    fn new() -> Self {
        let start = "2026-01-01T00:00:00Z".parse().expect("a time");
        let server = ApiServer::new(Options { clock: Clock::tokio(start), bootstrap: true, ..Options::default() });
        let clock = Arc::new(SimClock(server.clock().clone()));
        let cluster = Arc::new(SimCluster::new(server.clone()));
        Self { server, cluster, clock, store: BackupStore::new(Bucket::memory()) }
    }

    /// Runs `story` beside Ark's server and the cluster's controllers.
    async fn play<T>(&self, story: impl Future<Output = T>) -> T {
        let actors = tokio::spawn(Actors::all(&self.server).run());
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ServerOptions { namespace: "heptio-ark".to_owned() };
        let shutdown = async move {
            let _ = stopped.await;
        };
        let ark = run(Arc::clone(&self.cluster), self.store.clone(), Arc::clone(&self.clock) as _, options, shutdown);
        let ark = tokio::spawn(ark);
        let told = story.await;
        drop(stop);
        ark.await.expect("no panic").expect("the server runs");
        actors.abort();
        told
    }

    fn create(&self, kind: &str, name: &str, spec: Value) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "heptio-ark"}});
        // The server makes its namespace; whoever comes first does.
        let _ = self.server.load(vec![namespace]);
        let object = json!({
            "apiVersion": "ark.heptio.com/v1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": "heptio-ark"},
        });
        common::load(&self.server, vec![object]);
    }

    /// The status of an object once its phase is a last one.
    async fn ended(&self, plural: &str, name: &str) -> Value {
        let target = Target::new("ark.heptio.com", "v1", plural).in_namespace("heptio-ark").named(name);
        for _ in 0..600 {
            let object = self.server.get(&target).expect("the object stays");
            let status = object.value()["status"].clone();
            if !matches!(status["phase"].as_str(), None | Some("" | "New" | "InProgress")) {
                return status;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("{plural} {name} does not end");
    }
}

fn shop(resource: (&str, &str, &str), name: &str) -> Target {
    Target::new(resource.0, resource.1, resource.2).in_namespace("shop").named(name)
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_saved_lost_and_brought_back() {
    let stage = Stage::new();
    common::definitions(&stage.server);
    common::world(&stage.server);
    let widget = shop(("shop.example.com", "v1", "widgets"), "big");
    let settings = shop(("", "v1", "configmaps"), "big-settings");
    let before = stage.server.get(&widget).expect("in the world").uid().to_owned();
    stage
        .play(async {
            stage.create("Backup", "nightly", json!({"includedNamespaces": ["shop"], "ttl": "24h"}));
            let status = stage.ended("backups", "nightly").await;
            assert_eq!(status["phase"], "Completed", "{status:#}");
            assert_eq!(status["expiration"].as_str().map(|time| &time[..10]), Some("2026-01-02"));
            assert!(status["progress"]["itemsBackedUp"].as_u64() > Some(20), "{status:#}");

            let namespace = Target::new("", "v1", "namespaces").named("shop");
            stage.server.delete(&namespace, &DeleteOptions::default()).expect("a deletion");
            let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            stage.server.patch(&widget, &release, &WriteOptions::default()).expect("a patch");
            while stage.server.get(&namespace).is_ok() {
                stage.clock.sleep(Duration::from_secs(1)).await;
            }

            stage.create("Restore", "again", json!({"backupName": "nightly"}));
            let status = stage.ended("restores", "again").await;
            assert_eq!(status["phase"], "Completed", "{status:#}");
            let widget = stage.server.get(&widget).expect("it is back");
            assert_ne!(widget.uid(), before);
            let settings = stage.server.get(&settings).expect("it is back");
            assert_eq!(settings.value()["metadata"]["ownerReferences"][0]["uid"], widget.uid(), "with its new owner");
            assert_eq!(settings.value()["metadata"]["labels"]["ark-restore"], "again");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn wrong_requests_are_refused_with_their_reasons() {
    let stage = Stage::new();
    common::definitions(&stage.server);
    stage
        .play(async {
            stage.create("Backup", "both", json!({"includedNamespaces": ["a"], "excludedNamespaces": ["a"]}));
            let status = stage.ended("backups", "both").await;
            assert_eq!(status["phase"], "FailedValidation");
            let message = "Invalid included/excluded namespace lists: \
                excludes list cannot contain an item in the includes list: a";
            assert_eq!(status["validationErrors"], json!([message]));

            stage.create("Backup", "banana", json!({"ttl": "banana"}));
            let status = stage.ended("backups", "banana").await;
            assert_eq!(status["phase"], "FailedValidation");
            let error = status["validationErrors"][0].as_str().expect("a reason");
            assert!(error.contains("banana") && !error.contains("column"), "{error}: the text is the server's");

            stage.create("Backup", "snapshots", json!({"snapshotVolumes": true}));
            let status = stage.ended("backups", "snapshots").await;
            assert_eq!(status["validationErrors"], json!(["Server is not configured for PV snapshots"]));

            stage.create("Restore", "nothing", json!({}));
            let status = stage.ended("restores", "nothing").await;
            assert_eq!(status["phase"], "FailedValidation");

            stage.create("Restore", "absent", json!({"backupName": "never-made"}));
            let status = stage.ended("restores", "absent").await;
            assert_eq!(status["phase"], "Failed");
            assert!(status["failureReason"].as_str().is_some_and(|text| text.contains("never-made")), "{status:#}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_server_left_behind_is_settled() {
    let stage = Stage::new();
    common::definitions(&stage.server);
    let interrupt = |plural: &str, name: &str| {
        let target = Target::new("ark.heptio.com", "v1", plural).in_namespace("heptio-ark").named(name).sub("status");
        let status = Patch::Merge(json!({"status": {"phase": "InProgress"}}));
        stage.server.patch(&target, &status, &WriteOptions::default()).expect("a status");
    };
    stage.create("Backup", "half", json!({}));
    interrupt("backups", "half");
    stage.create("Restore", "half", json!({"backupName": "half"}));
    interrupt("restores", "half");
    stage.create("Backup", "whole", json!({"includedNamespaces": ["default"]}));
    let finished = stage.play(stage.ended("backups", "whole")).await;
    assert_eq!(finished["phase"], "Completed", "{finished:#}");
    // As if the last status had been lost.
    interrupt("backups", "whole");
    stage
        .play(async {
            for (plural, reason) in [("backups", "the server stopped while"), ("restores", "the server stopped while")]
            {
                let status = stage.ended(plural, "half").await;
                assert_eq!(status["phase"], "Failed");
                let message = status["messages"][0].as_str().expect("a message");
                assert!(message.starts_with(reason), "{message}");
            }
            let status = stage.ended("backups", "whole").await;
            assert_eq!((&status["phase"], &status["archive"]), (&finished["phase"], &finished["archive"]));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_the_definitions_is_told_what_to_do() {
    let stage = Stage::new();
    let options = ServerOptions { namespace: "heptio-ark".to_owned() };
    let never = std::future::pending();
    let ended =
        run(Arc::clone(&stage.cluster), stage.store.clone(), Arc::clone(&stage.clock) as _, options, never).await;
    let error = ended.expect_err("nothing to work on");
    assert!(matches!(&error, ServerError::MissingDefinitions { missing } if missing.len() == 2));
    assert!(error.to_string().contains("ark crds | kubectl apply -f -"), "{error}");
}
