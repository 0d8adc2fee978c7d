//! The world that Ark v0.6 saved on a real cluster, on a simulated one with its controllers.

use std::collections::BTreeSet;
use std::sync::Arc;

use ark::api::{BackupPhase, Restore, RestorePhase, RestoreProgress, RestoreSpec};
use ark::cluster::SimCluster;
use ark::restore::{self, Outcome, RestoreContext, RestoreObserver};
use ark::storage::BackupStore;
use kubesim::actors::{ActorKind, Actors};
use serde_json::Value;

use super::rig::{bring_back, bucket, context, fixtures, live, paused, put_fixture, save, server};

#[test]
fn controllers_leave_everything_that_was_restored() {
    paused(async {
        let (target, store) = (server(3, true), bucket());
        let mut actors = Actors::all(&target);
        actors.settle();
        put_fixture(&store, "world-all").await;
        let done = bring_back(&target, &store, "world-all", "back").await;
        assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
        let restored = target.revision();
        actors.settle();
        let deleted: Vec<String> = target
            .log()
            .iter()
            .filter(|line| line.revision > restored && line.verb == "delete")
            .map(ToString::to_string)
            .collect();
        assert_eq!(deleted, Vec::<String>::new());
        for item in done.items.iter().filter(|item| item.outcome == Outcome::Created) {
            let object =
                live(&target, &item.resource.group, &item.resource.resource, item.namespace.as_deref(), &item.name);
            assert!(object.is_some(), "{} is gone", item.path);
        }
        // The volumes are bound to the claims they were bound to, and the pods run.
        for (namespace, claim, volume) in [("shop", "data-db-0", "shop-db-csi"), ("blog", "files", "blog-files-intree")]
        {
            let claim = live(&target, "", "persistentvolumeclaims", Some(namespace), claim).expect("restored");
            assert_eq!((&claim["spec"]["volumeName"], &claim["status"]["phase"]), (&volume.into(), &"Bound".into()));
        }
        let pods = target
            .list(&kubesim::Target::new("", "v1", "pods").in_namespace("shop"), &kubesim::ListOptions::default())
            .expect("a list");
        let web: Vec<_> = pods.items.iter().filter(|pod| pod.name().starts_with("web-")).collect();
        assert_eq!(web.len(), 2, "the replica set made its pods, and there are no others");
        assert!(pods.items.iter().all(|pod| pod.value()["spec"]["nodeName"] == "node-1"));
    });
}

/// The controllers of a live cluster: between any two levels of a restore they do what there is to do.
#[derive(Debug)]
struct Controllers(Actors);

impl RestoreObserver for Controllers {
    fn progress(&self, _: &RestoreProgress) {
        self.0.clone().settle();
    }
}

#[test]
fn controllers_that_work_meanwhile_find_nothing_to_take_away() {
    paused(async {
        let (target, store) = (server(3, true), bucket());
        // Those that name what they make by a hash of its template are left out: the real one is another hash.
        let named_by_hash = [ActorKind::Deployments, ActorKind::StatefulSets];
        let kinds: Vec<_> = ActorKind::ALL.into_iter().filter(|kind| !named_by_hash.contains(kind)).collect();
        let mut actors = Actors::only(&target, &kinds);
        actors.settle();
        let before = target.revision();
        put_fixture(&store, "world-all").await;
        let observer = Arc::new(Controllers(actors.clone()));
        let ctx = RestoreContext { observer, ..context(Arc::new(SimCluster::new(target.clone())), &store) };
        let spec = RestoreSpec { backup_name: "world-all".into(), ..RestoreSpec::default() };
        let done = restore::run(&ctx, &Restore::new("back", spec.clone())).await.expect("it starts");
        assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
        actors.settle();
        let deleted = target.log().into_iter().filter(|line| line.revision > before && line.verb == "delete");
        assert_eq!(deleted.map(|line| line.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
        let left = |path: &str| {
            let item = done.items.iter().find(|item| item.path.to_string() == path).expect("in the archive");
            item.outcome.detail()
        };
        assert_eq!(left("resources/pods/namespaces/shop/web-54fc549b46-8cfr5.json"), "its ReplicaSet makes it anew");
        assert_eq!(left("resources/pods/namespaces/shop/migrate-kcfnn.json"), "its Job makes it anew");
        assert_eq!(left("resources/pods/namespaces/shop/db-0.json"), "its StatefulSet makes it anew");

        let again = restore::run(&ctx, &Restore::new("again", spec)).await.expect("it starts");
        assert_eq!(again.status.phase, RestorePhase::Completed, "{:#?}", again.results.errors);
        let changed: Vec<_> = again
            .items
            .iter()
            .filter(|item| !matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped(_)))
            .collect();
        assert!(changed.is_empty(), "a second restore finds everything as it should be: {changed:#?}");
    });
}

async fn paths(store: &BackupStore, name: &str) -> BTreeSet<String> {
    let mut entries = store.entries(name).await.expect("an archive");
    let mut paths = BTreeSet::new();
    while let Some(entry) = entries.next().await {
        paths.insert(entry.expect("sound").0.to_string());
    }
    paths
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().expect("an object").keys().collect()
}

#[test]
fn what_we_save_of_that_world_is_laid_out_as_v0_6_laid_it_out() {
    for name in ["world-all", "world-shop", "world-labelled"] {
        paused(async {
            let (target, store) = (server(4, true), bucket());
            put_fixture(&store, "world-all").await;
            let done = bring_back(&target, &store, "world-all", "back").await;
            // The hooks of the backup need pods that run, and those need volumes that are bound. Of the controllers only
            // those work that give pods the names they had.
            Actors::only(&target, &[ActorKind::StatefulSets, ActorKind::Volumes, ActorKind::Kubelet]).settle();
            put_fixture(&store, name).await;
            let theirs = paths(&store, name).await;
            let spec = store.metadata(name).await.expect("stored").spec;
            let ours_store = bucket();
            let outcome = save(&target, &ours_store, name, spec).await;
            assert_eq!(outcome.status.phase, BackupPhase::Completed, "{:#?}", outcome.results.errors);
            let ours = paths(&ours_store, name).await;

            // What the simulated cluster lacks is what a restore never brings: events, nodes, leases and the like.
            let brought: BTreeSet<String> = done
                .items
                .iter()
                .filter(|item| matches!(item.outcome, Outcome::Created | Outcome::Unchanged))
                .map(|item| item.path.to_string())
                .collect();
            let missing: Vec<_> =
                theirs.iter().filter(|path| brought.contains(*path) && !ours.contains(*path)).collect();
            assert!(missing.is_empty(), "{name}: v0.6 saved these, we did not: {missing:#?}");
            let more: Vec<_> = ours
                .difference(&theirs)
                .filter(|path| !MORE.iter().any(|(prefix, _)| path.starts_with(prefix)))
                .collect();
            assert!(more.is_empty(), "{name}: we saved these, v0.6 did not: {more:#?}");

            // The metadata file: the same keys in the same places, and only status has more of them.
            let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
            let bucket = ours_store.bucket();
            let path = bucket.path(&format!("{name}/ark-backup.json"));
            let stored = bucket.store().get_opts(&path, object_store::GetOptions::default()).await.expect("published");
            let ours = stored.bytes().await.expect("memory");
            let theirs =
                std::fs::read(fixtures("backups/ark-v0.6").join(name).join("ark-backup.json")).expect("a fixture");
            assert!(ours.starts_with(b"{\n  \"kind\": \"Backup\",\n  \"apiVersion\": \"ark.heptio.com/v1\",\n"));
            let (ours, theirs) = (read(&ours), read(&theirs));
            assert_eq!(keys(&ours), keys(&theirs));
            assert_eq!(keys(&ours["spec"]), keys(&theirs["spec"]));
            assert_eq!(ours["spec"], theirs["spec"]);
            for key in keys(&theirs["status"]) {
                assert!(ours["status"].get(key).is_some(), "status.{key}");
            }
        });
    }
}

/// What we save beyond v0.6, and why.
const MORE: &[(&str, &str)] = &[
    (
        "resources/customresourcedefinitions.apiextensions.k8s.io/cluster/widgets.shop.example.com.json",
        "belongs to a selected widget",
    ),
    ("resources/ipaddresses.networking.k8s.io/", "addresses are allocated anew"),
];
