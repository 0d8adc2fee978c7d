//! The engine over the in-memory API server: real archives of Ark v0.6, owners, conflicts, hostile input.

use std::sync::Arc;

use kubesim::{ApiServer, Options};
use object_store::ObjectStoreExt;
use serde_json::{Value, json};

use super::*;
use crate::api::{RestorePhase, RestoreSpec};
use crate::archive::{ArchiveWriter, EntryPath};
use crate::clock::TokioClock;
use crate::cluster::SimCluster;
use crate::storage::Bucket;

mod hostile;
mod names;

const START: &str = "2026-01-01T00:00:00Z";

struct World {
    server: ApiServer,
    ctx: RestoreContext,
}

impl World {
    /// An empty cluster and an empty bucket. Call it inside a runtime whose time is paused.
    fn new(options: Options) -> Self {
        let server = ApiServer::new(options);
        let ctx = RestoreContext {
            cluster: Arc::new(SimCluster::new(server.clone())),
            store: BackupStore::new(Bucket::memory()),
            clock: Arc::new(TokioClock::starting_at(START.parse().expect("a constant"))),
            own_namespace: "heptio-ark".into(),
            settings: RestoreSettings::default(),
            observer: Arc::new(Unobserved),
        };
        Self { server, ctx }
    }

    fn bare() -> Self {
        Self::new(Options::default())
    }

    async fn put(&self, key: &str, content: Vec<u8>) {
        let bucket = self.ctx.store.bucket();
        bucket.store().put(&bucket.path(key), content.into()).await.expect("memory");
    }

    /// A backup of these objects, by their paths.
    async fn backup(&self, name: &str, objects: &[(&str, Value)]) {
        let mut writer = ArchiveWriter::new(0);
        for (path, object) in objects {
            let path: EntryPath = path.parse().expect("a path");
            writer.append(&path, &serde_json::to_vec(object).expect("a value")).expect("new");
        }
        self.put(&format!("{name}/{name}.tar.gz"), writer.finish().tail).await;
        let mut backup = Backup::new(name, crate::api::BackupSpec::default());
        backup.status = Some(crate::api::BackupStatus {
            version: crate::api::FORMAT_VERSION,
            phase: BackupPhase::Completed,
            ..crate::api::BackupStatus::default()
        });
        self.put(&format!("{name}/ark-backup.json"), serde_json::to_vec(&backup).expect("a backup")).await;
    }

    /// A backup of the fixtures.
    async fn fixture(&self, name: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/backups/ark-v0.6").join(name);
        for file in ["ark-backup.json".to_owned(), format!("{name}.tar.gz")] {
            let content = std::fs::read(folder.join(&file)).expect("a fixture");
            self.put(&format!("{name}/{file}"), content).await;
        }
    }

    async fn restore(&self, restore: &str, spec: RestoreSpec) -> RestoreOutcome {
        run(&self.ctx, &Restore::new(restore, spec)).await.expect("it starts")
    }

    fn get(&self, group: &str, version: &str, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let mut target = kubesim::Target::new(group, version, resource).named(name);
        if !namespace.is_empty() {
            target = target.in_namespace(namespace);
        }
        self.server.get(&target).ok().map(|object| object.value().clone())
    }
}

fn of(backup: &str) -> RestoreSpec {
    RestoreSpec { backup_name: backup.into(), ..RestoreSpec::default() }
}

fn outcome<'o>(outcome: &'o RestoreOutcome, path: &str) -> &'o Outcome {
    &outcome.items.iter().find(|item| item.path.to_string() == path).unwrap_or_else(|| panic!("no {path}")).outcome
}

#[tokio::test(start_paused = true)]
async fn a_world_that_ark_v0_6_saved_comes_back() {
    let world = World::new(Options { bootstrap: true, ..Options::default() });
    world.fixture("world-all").await;
    let plan = plan(
        &world.ctx,
        &Restore::new("r1", of("world-all")),
        &world.ctx.store.metadata("world-all").await.expect("stored"),
    )
    .await
    .expect("a plan");
    let before = world.server.revision();
    let done = world.restore("r1", of("world-all")).await;
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    assert_eq!(done.results.warnings, Results::default().warnings);
    assert_eq!(done.items.iter().filter(|item| item.in_archive).count(), 301);
    for item in &done.items {
        assert!(!matches!(&item.outcome, Outcome::Skipped(reason) if reason.is_empty()), "{item:?}");
    }
    // Planned as it was done, with the owners that are still to come, and the plan changed nothing.
    assert_eq!(plan.results.warnings, Results::default().warnings);
    assert_eq!(before, World::new(Options { bootstrap: true, ..Options::default() }).server.revision());
    let words = |items: &[RestoredItem]| {
        items.iter().map(|item| (item.path.to_string(), item.outcome.word())).collect::<Vec<_>>()
    };
    assert_eq!(words(&plan.items), words(&done.items));

    // Owners: the replica set follows its deployment, the config map its widget, by their new uids.
    let uid = |object: &Value| object["metadata"]["uid"].as_str().expect("a uid").to_owned();
    let deployment = world.get("apps", "v1", "deployments", "shop", "web").expect("restored");
    let set = world.get("apps", "v1", "replicasets", "shop", "web-54fc549b46").expect("restored");
    assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], uid(&deployment));
    let widget = world.get("shop.example.com", "v1", "widgets", "shop", "big").expect("restored");
    assert_eq!(widget["metadata"]["finalizers"], json!(["shop.example.com/keep"]));
    assert_eq!(widget["metadata"]["labels"]["ark-restore"], "r1");
    let settings = world.get("", "v1", "configmaps", "shop", "big-settings").expect("restored");
    assert_eq!(settings["metadata"]["ownerReferences"][0]["uid"], uid(&widget));
    let claim = world.get("", "v1", "persistentvolumeclaims", "shop", "data-db-0").expect("restored");
    assert_eq!(claim["spec"]["volumeName"], "shop-db-csi");
    // Pods are left to the controllers that come back with them.
    let pods = done.items.iter().filter(|item| item.path.resource().resource == "pods");
    let pods: Vec<_> = pods.map(|item| item.outcome.detail()).collect();
    assert_eq!(pods.len(), 5);
    assert!(pods.iter().all(|reason| reason.ends_with("makes it anew")), "{pods:?}");
    let service = world.get("", "v1", "services", "shop", "web").expect("restored");
    assert_eq!(service["spec"]["ports"][0]["nodePort"], 30080);

    // Again: everything is there, and nothing is written.
    let revision = world.server.revision();
    let again = world.restore("r2", of("world-all")).await;
    assert_eq!(again.status.phase, RestorePhase::Completed, "{:#?}", again.results.errors);
    let changed: Vec<_> =
        again.items.iter().filter(|item| !matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped(_))).collect();
    assert!(changed.is_empty(), "{changed:#?}");
    assert_eq!(world.server.revision(), revision);
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_controller_that_is_not_restored_come_back() {
    let world = World::bare();
    let owner = |kind: &str, version: &str, uid: &str| json!([{"apiVersion": version, "kind": kind, "name": "one", "uid": uid, "controller": true}]);
    let pod = |name: &str, owners: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "ownerReferences": owners},
            "spec": {"containers": [{"name": "main", "image": "x"}]}})
    };
    let maker = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "shop", "uid": "map"}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "one", "namespace": "shop", "uid": "job"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x"}]}}}});
    let objects = [
        ("resources/configmaps/namespaces/shop/one.json", maker),
        ("resources/jobs.batch/namespaces/shop/one.json", job),
        ("resources/pods/namespaces/shop/own.json", pod("own", json!([]))),
        ("resources/pods/namespaces/shop/map.json", pod("map", owner("ConfigMap", "v1", "map"))),
        ("resources/pods/namespaces/shop/job.json", pod("job", owner("Job", "batch/v1", "job"))),
        ("resources/pods/namespaces/shop/lost.json", pod("lost", owner("ReplicaSet", "apps/v1", "absent"))),
    ];
    world.backup("b", &objects).await;
    let done = world.restore("all", of("b")).await;
    let of_pod = |done: &RestoreOutcome, name: &str| {
        outcome(done, &format!("resources/pods/namespaces/shop/{name}.json")).clone()
    };
    assert_eq!(of_pod(&done, "job"), Outcome::Skipped("its Job makes it anew".into()));
    for name in ["own", "map", "lost"] {
        assert_eq!(of_pod(&done, name), Outcome::Created, "{name}");
    }

    let other = World::bare();
    other.backup("b", &objects).await;
    let done = other.restore("pods", RestoreSpec { included_resources: vec!["pods".into()], ..of("b") }).await;
    assert_eq!(of_pod(&done, "job"), Outcome::Created, "its job was not asked for");
}

/// Where only namespaces were backed up, Ark v0.6 left the definition of the widgets out.
fn assert_only_widgets_failed(done: &RestoreOutcome) {
    let failed: Vec<_> = done.items.iter().filter(|item| matches!(item.outcome, Outcome::Failed(_))).collect();
    assert!(failed.iter().all(|item| item.resource.resource == "widgets"), "{failed:#?}");
    assert_eq!(done.status.phase, RestorePhase::PartiallyFailed);
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_world_bring_what_belongs_to_them() {
    let world = World::bare();
    world.fixture("world-all").await;
    let spec = RestoreSpec { included_namespaces: vec!["shop".into()], ..of("world-all") };
    let done = world.restore("part", spec).await;
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    assert_eq!(outcome(&done, "resources/persistentvolumes/cluster/shop-db-csi.json"), &Outcome::Created);
    assert_eq!(
        outcome(
            &done,
            "resources/customresourcedefinitions.apiextensions.k8s.io/cluster/widgets.shop.example.com.json"
        ),
        &Outcome::Created
    );
    for path in [
        "persistentvolumes/cluster/blog-files-intree",
        "storageclasses.storage.k8s.io/cluster/shop-fast",
        "namespaces/cluster/blog",
    ] {
        assert!(matches!(outcome(&done, &format!("resources/{path}.json")), Outcome::Skipped(_)), "{path}");
    }
    for name in ["world-shop", "world-labelled"] {
        let world = World::bare();
        world.fixture(name).await;
        let done = world.restore("part", of(name)).await;
        assert_only_widgets_failed(&done);
        assert!(world.get("apps", "v1", "deployments", "shop", "web").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_namespace_gets_its_own_copy() {
    let world = World::bare();
    world.fixture("world-shop").await;
    let spec = RestoreSpec { namespace_mapping: [("shop".to_owned(), "copy".to_owned())].into(), ..of("world-shop") };
    let done = world.restore("mapped", spec).await;
    assert_only_widgets_failed(&done);
    assert!(world.get("", "v1", "namespaces", "", "shop").is_none());
    let namespace = world.get("", "v1", "namespaces", "", "copy").expect("made");
    assert_eq!(namespace["metadata"]["labels"]["team"], "shop");
    assert_eq!(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], "copy");
    let binding = world.get("rbac.authorization.k8s.io", "v1", "rolebindings", "copy", "shop").expect("restored");
    assert_eq!(binding["subjects"][0]["namespace"], "copy");
    let volume = world.get("", "v1", "persistentvolumes", "", "shop-db-csi").expect("restored");
    assert_eq!(volume["spec"]["claimRef"]["namespace"], "copy");
    assert_eq!(volume["spec"]["claimRef"].get("uid"), None);
}

#[tokio::test(start_paused = true)]
async fn an_archive_laid_out_as_the_documents_say_is_resolved_through_discovery() {
    let world = World::bare();
    let labels = json!({"app": "x"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let old = json!({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "one"},
        "spec": {"selector": {"matchLabels": labels}, "template": template}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "run", "namespace": "one"}, "spec": {"template":
        {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}}});
    world
        .backup(
            "documented",
            &[
                ("resources/persistentvolumes/cluster/pv01.json", json!({"apiVersion": "v1", "kind": "PersistentVolume",
                    "metadata": {"name": "pv01"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                    "hostPath": {"path": "/x"}, "persistentVolumeReclaimPolicy": "Retain"}})),
                ("resources/configmaps/namespaces/one/c.json", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "one"}})),
                ("resources/deployments/namespaces/one/web.json", old),
                ("resources/jobs/namespaces/one/run.json", job),
                ("resources/unheard/namespaces/one/x.json", json!({"apiVersion": "v9", "kind": "Unheard", "metadata": {"name": "x", "namespace": "one"}})),
            ],
        )
        .await;
    let done = world.restore("r", of("documented")).await;
    assert_eq!(done.status.phase, RestorePhase::PartiallyFailed);
    assert!(world.get("apps", "v1", "deployments", "one", "web").is_some());
    assert!(world.get("batch", "v1", "jobs", "one", "run").is_some());
    assert!(world.get("", "v1", "persistentvolumes", "", "pv01").is_some());
    assert!(
        matches!(outcome(&done, "resources/unheard/namespaces/one/x.json"), Outcome::Failed(reason) if reason.contains("unheard"))
    );
    // The namespace is not in the archive; it is made all the same, and said.
    assert!(done.items.iter().any(|item| !item.in_archive && item.name == "one" && item.outcome == Outcome::Created));
}

fn config(name: &str, uid: &str, owners: &[(&str, &str)]) -> (String, Value) {
    let owners: Vec<Value> = owners
        .iter()
        .map(|(name, uid)| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}))
        .collect();
    (
        format!("resources/configmaps/namespaces/shop/{name}.json"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop", "uid": uid, "ownerReferences": owners}, "data": {"k": name}}),
    )
}

async fn backup_of(world: &World, name: &str, objects: &[(String, Value)]) {
    let objects: Vec<(&str, Value)> = objects.iter().map(|(path, object)| (path.as_str(), object.clone())).collect();
    world.backup(name, &objects).await;
}

#[tokio::test(start_paused = true)]
async fn owners_that_are_nowhere_are_dropped_and_cycles_are_closed_at_the_end() {
    let world = World::bare();
    let objects = [
        config("a", "1", &[("b", "2")]),
        config("b", "2", &[("a", "1")]),
        config("c", "3", &[("gone", "9")]),
        config("d", "4", &[("c", "3"), ("gone", "9")]),
    ];
    backup_of(&world, "owned", &objects).await;
    let done = world.restore("r", of("owned")).await;
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    let get = |name: &str| world.get("", "v1", "configmaps", "shop", name).expect("restored");
    for (name, owner) in [("a", "b"), ("b", "a"), ("d", "c")] {
        let references = get(name)["metadata"]["ownerReferences"].clone();
        assert_eq!(references.as_array().expect("owners").len(), 1, "{name}");
        assert_eq!(references[0]["uid"], get(owner)["metadata"]["uid"]);
    }
    assert_eq!(get("c")["metadata"].get("ownerReferences"), None);
    let warnings: Vec<&str> = done.results.warnings.messages().collect();
    assert_eq!(warnings.iter().filter(|text| text.contains("gone")).count(), 2, "{warnings:?}");
    assert_eq!(warnings.iter().filter(|text| text.contains("cycle")).count(), 1, "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_kept_and_named_or_changed_by_policy() {
    let mut world = World::bare();
    backup_of(&world, "b", &[config("a", "1", &[]), config("b", "2", &[])]).await;
    world.restore("first", of("b")).await;
    let target = kubesim::Target::new("", "v1", "configmaps").in_namespace("shop").named("a");
    let secret = json!({"data": {"k": "s3cret"}});
    world.server.patch(&target, &kubesim::Patch::Merge(secret), &kubesim::WriteOptions::default()).expect("patched");
    let kept = world.restore("second", of("b")).await;
    assert_eq!(
        outcome(&kept, "resources/configmaps/namespaces/shop/a.json"),
        &Outcome::Different(vec!["data.k".into()])
    );
    assert_eq!(outcome(&kept, "resources/configmaps/namespaces/shop/b.json"), &Outcome::Unchanged);
    let text = serde_json::to_string(&kept.results).expect("strings");
    assert!(text.contains("data.k") && !text.contains("s3cret"), "{text}");
    world.ctx.settings.existing = ExistingResourcePolicy::Update;
    let updated = world.restore("third", of("b")).await;
    assert_eq!(
        outcome(&updated, "resources/configmaps/namespaces/shop/a.json"),
        &Outcome::Updated(vec!["data.k".into()])
    );
    let object = world.get("", "v1", "configmaps", "shop", "a").expect("there");
    assert_eq!((&object["data"]["k"], &object["metadata"]["labels"]["ark-restore"]), (&json!("a"), &json!("third")));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_archive_and_an_unfinished_backup_change_nothing() {
    let world = World::bare();
    let revision = world.server.revision();
    backup_of(
        &world,
        "wrong",
        &[config("a", "1", &[]), ("resources/secrets/namespaces/shop/other.json".into(), config("b", "2", &[]).1)],
    )
    .await;
    let error = run(&world.ctx, &Restore::new("r", of("wrong"))).await.expect_err("names do not agree");
    assert!(matches!(&error, RestoreError::Archive { .. }) && error.to_string().contains("other"), "{error}");
    world.fixture("world-shop").await;
    let bucket = world.ctx.store.bucket();
    let path = bucket.path("world-shop/world-shop.tar.gz");
    let whole = bucket.store().get(&path).await.expect("there").bytes().await.expect("memory");
    world.put("world-shop/world-shop.tar.gz", whole[..whole.len() / 2].to_vec()).await;
    let error = run(&world.ctx, &Restore::new("r", of("world-shop"))).await.expect_err("it is truncated");
    assert!(error.to_string().contains("truncated"), "{error}");
    let mut backup = Backup::new("open", crate::api::BackupSpec::default());
    backup.status = Some(crate::api::BackupStatus { version: 1, phase: BackupPhase::Deleting, ..Default::default() });
    let error = plan(&world.ctx, &Restore::new("r", of("open")), &backup).await.expect_err("it is going");
    assert!(matches!(error, RestoreError::Phase { .. }), "{error}");
    let error = run(&world.ctx, &Restore::new("r", of("absent"))).await.expect_err("there is none");
    assert!(matches!(error, RestoreError::Storage(_)), "{error}");
    assert_eq!(world.server.revision(), revision);
}

#[tokio::test(start_paused = true)]
async fn objects_that_do_not_fit_in_memory_are_read_again() {
    let (mut small, large) = (World::bare(), World::bare());
    small.ctx.settings.held_bytes = 20_000;
    for world in [&small, &large] {
        world.fixture("world-all").await;
    }
    let (of_small, of_large) = (small.restore("r", of("world-all")).await, large.restore("r", of("world-all")).await);
    assert_eq!(of_small.items, of_large.items);
    assert_eq!(of_small.results, of_large.results);
}

#[tokio::test(start_paused = true)]
async fn custom_resources_wait_until_their_definition_is_served() {
    let world = World::new(Options { auto_establish: false, ..Options::default() });
    world.fixture("world-all").await;
    let late = async {
        world.ctx.clock.sleep(std::time::Duration::from_secs(9)).await;
        world.server.establish_definitions();
    };
    let (done, ()) = tokio::join!(world.restore("r", of("world-all")), late);
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    assert_eq!(outcome(&done, "resources/widgets.shop.example.com/namespaces/shop/big.json"), &Outcome::Created);

    // A definition that never becomes served fails its resources, names them, and stops nothing else.
    let world = World::new(Options { auto_establish: false, ..Options::default() });
    world.fixture("world-all").await;
    let done = world.restore("r", of("world-all")).await;
    assert_eq!(done.status.phase, RestorePhase::PartiallyFailed);
    assert_eq!(done.status.progress.expect("progress").failed, 2);
    assert!(done.results.warnings.ark.iter().any(|text| text.contains("widgets.shop.example.com")));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_used_once_and_the_bucket_keeps_its_log() {
    let world = World::bare();
    backup_of(&world, "b", &[config("a", "1", &[])]).await;
    let done = world.restore("r", of("b")).await;
    let stored = world.ctx.store.restore_results("b", "r").await.expect("stored");
    assert_eq!(Results::from_gzip(&stored).expect("readable"), done.results);
    let log = world.ctx.store.restore_log("b", "r").await.expect("stored");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&log[..]), &mut text).expect("gzip");
    assert!(text.contains("restore=heptio-ark/r") && text.contains("msg=created") && text.contains("name=a"), "{text}");
    let error = run(&world.ctx, &Restore::new("r", of("b"))).await.expect_err("used");
    assert!(matches!(error, RestoreError::NameTaken { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn selection_never_widens() {
    let world = World::bare();
    world.fixture("world-all").await;
    let spec = RestoreSpec { included_resources: vec!["nonsense".into()], ..of("world-all") };
    let done = world.restore("none", spec).await;
    assert!(done.items.iter().all(|item| matches!(item.outcome, Outcome::Skipped(_))));
    assert!(done.results.warnings.ark.iter().any(|text| text.contains("nonsense")));
    let spec = RestoreSpec {
        include_cluster_resources: Some(false),
        included_namespaces: vec!["shop".into()],
        ..of("world-all")
    };
    let done = world.restore("narrow", spec).await;
    for item in done.items.iter().filter(|item| item.outcome == Outcome::Created) {
        let namespaced = item.namespace.as_deref() == Some("shop");
        assert!(namespaced || (item.resource.resource == "namespaces" && item.name == "shop"), "{}", item.path);
    }
    // The claim lost its volume, and says so instead of waiting for it for ever.
    let claim = world.get("", "v1", "persistentvolumeclaims", "shop", "data-db-0").expect("restored");
    assert_eq!(claim["spec"].get("volumeName"), None);
    assert!(done.results.warnings.messages().any(|text| text.contains("shop-db-csi")));
}
