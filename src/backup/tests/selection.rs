//! Which objects are in the archive (ark-behaviour §2.2, §12).

use serde_json::json;

use super::*;
use crate::api::BackupPhase;

#[tokio::test(start_paused = true)]
async fn everything_is_saved_once_as_it_was_pods_claims_and_volumes_first() {
    let world = World::new(shop());
    let (paths, outcome) = world.saves(json!({"ttl": "24h"})).await;
    let first: Vec<&str> = paths.iter().take(6).map(String::as_str).collect();
    assert_eq!(
        first,
        [
            "pods shop/db",
            "persistentvolumeclaims blog/files",
            "persistentvolumeclaims shop/data",
            "persistentvolumeclaims shop/unbound",
            "persistentvolumes pv-blog",
            "persistentvolumes pv-shop",
        ]
    );
    for path in
        ["configmaps blog/settings", "namespaces shop", "namespaces kube-system", "storageclasses.storage.k8s.io fast"]
    {
        assert_eq!(paths.iter().filter(|one| *one == path).count(), 1, "{path} in {paths:?}");
    }
    // Lists reach all of it: nothing is read one by one.
    assert!(world.cluster.calls().iter().all(|call| !call.starts_with("get ")), "{:?}", world.cluster.calls());

    let status = &outcome.status;
    assert_eq!((status.phase, status.errors, status.warnings), (BackupPhase::Completed, Some(0), Some(0)));
    assert_eq!(status.expiration.as_ref().map(|time| time.0.to_string()).as_deref(), Some("2026-01-03T03:04:05Z"));
    assert_eq!(status.archive.as_ref().expect("an archive").items, paths.len() as u64);
    assert_eq!(outcome.counts.values().sum::<u64>(), paths.len() as u64);
    let published = world.ctx.store.metadata("nightly").await.expect("published");
    assert_eq!(published.status.as_ref(), Some(status));
    assert_eq!(published.metadata.namespace.as_deref(), Some("heptio-ark"));

    let target = kubesim::Target::new("", "v1", "configmaps").in_namespace("shop").named("settings");
    let stored = world.server.get(&target).expect("it is there").json();
    let entries = world.entries().await;
    let (_, saved) = entries.iter().find(|(path, _)| path == "configmaps shop/settings").expect("saved");
    assert_eq!(saved.bytes(), &stored);
    assert!(!world.log().await.contains("c0ntent"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_brings_its_volumes_and_no_other_cluster_scoped_object() {
    let shop_only = json!({"includedNamespaces": ["shop"]});
    let world = World::new(shop());
    let (paths, _) = world.saves(shop_only.clone()).await;
    assert_eq!(
        set(paths.iter().map(String::as_str)),
        set([
            "namespaces shop",
            "pods shop/db",
            "persistentvolumeclaims shop/data",
            "persistentvolumeclaims shop/unbound",
            "persistentvolumes pv-shop",
            "configmaps shop/settings",
        ])
    );
    for (more, with, without) in [
        (json!({"includeClusterResources": false}), "namespaces shop", "persistentvolumes pv-shop"),
        (json!({"excludedResources": ["pv"]}), "persistentvolumeclaims shop/data", "persistentvolumes pv-shop"),
        (json!({"excludedResources": ["pvc"]}), "pods shop/db", "persistentvolumes pv-shop"),
        (json!({"excludedResources": ["ns"]}), "pods shop/db", "namespaces shop"),
        (json!({"includeClusterResources": true}), "persistentvolumes pv-blog", "namespaces blog"),
        (json!({"includedResources": ["pods"]}), "pods shop/db", "persistentvolumeclaims shop/data"),
        (
            json!({"includedResources": ["po", "pvc", "PersistentVolume"]}),
            "persistentvolumes pv-shop",
            "configmaps shop/settings",
        ),
    ] {
        let mut spec = shop_only.clone();
        spec.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let (paths, outcome) = World::new(shop()).saves(spec.clone()).await;
        assert!(paths.iter().any(|path| path == with), "{spec}: {paths:?}");
        assert!(!paths.iter().any(|path| path == without), "{spec}: {paths:?}");
        assert_eq!(outcome.status.phase, BackupPhase::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn labels_select_what_is_listed_and_not_what_it_brings_along() {
    let (paths, _) = World::new(shop()).saves(json!({"labelSelector": {"matchLabels": {"app": "db"}}})).await;
    assert_eq!(
        set(paths.iter().map(String::as_str)),
        set([
            "pods shop/db",
            "persistentvolumeclaims shop/data",
            "persistentvolumes pv-shop",
            "configmaps blog/settings",
        ])
    );
    let spec = json!({"includedNamespaces": ["shop", "blog"], "labelSelector": {"matchLabels": {"team": "shop"}}});
    let (paths, _) = World::new(shop()).saves(spec).await;
    assert_eq!(paths, ["namespaces shop"]);
    let (all, _) = World::new(shop()).saves(json!({})).await;
    let (empty, _) = World::new(shop()).saves(json!({"labelSelector": {}})).await;
    assert_eq!(all, empty);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_left_out_and_counted() {
    let mut objects = shop();
    let mut held = config_map("shop", "held", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/keep"]);
    objects.push(held);
    let world = World::new(objects);
    let target = kubesim::Target::new("", "v1", "configmaps").in_namespace("shop").named("held");
    world.server.delete(&target, &kubesim::DeleteOptions::default()).expect("accepted");
    let (paths, outcome) = world.saves(json!({"includedResources": ["configmaps"]})).await;
    assert!(!paths.contains(&"configmaps shop/held".to_owned()));
    assert_eq!((outcome.deleting, outcome.status.phase), (1, BackupPhase::Completed));
    assert!(world.log().await.contains("Skipping item because it is being deleted"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_does_not_exist_is_named_and_the_others_are_saved() {
    for more in [json!({}), json!({"excludedResources": ["namespaces"]})] {
        let mut spec = more;
        spec["includedNamespaces"] = json!(["shop", "absent"]);
        let (paths, outcome) = World::new(shop()).saves(spec).await;
        assert!(paths.contains(&"pods shop/db".to_owned()));
        assert_eq!(outcome.status.phase, BackupPhase::PartiallyFailed);
        let errors: Vec<&str> = outcome.results.errors.messages().collect();
        assert_eq!(errors, ["namespaces absent: the namespace is to be saved and does not exist"]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_selected_is_a_good_archive_and_a_warning() {
    let (paths, outcome) = World::new(shop()).saves(json!({"includedResources": ["gadgets"]})).await;
    assert_eq!(paths, Vec::<String>::new());
    assert_eq!((outcome.status.phase, outcome.status.warnings), (BackupPhase::Completed, Some(1)));
    let warnings: Vec<&str> = outcome.results.warnings.messages().collect();
    assert_eq!(warnings, [r#"resource "gadgets" is not served by the cluster, it selects nothing"#]);
}

#[tokio::test(start_paused = true)]
async fn claims_and_volumes_that_are_not_there_are_warnings_that_name_both_ends() {
    let objects = vec![
        namespace("shop"),
        claim("shop", "data", Some("pv-gone")),
        pod("shop", "db", json!({}), json!({}), &["data", "claim-gone"]),
    ];
    let world = World::new(objects);
    let (paths, outcome) = world.saves(json!({"includedNamespaces": ["shop"]})).await;
    assert!(paths.contains(&"persistentvolumeclaims shop/data".to_owned()));
    let warnings: Vec<&str> = outcome.results.warnings.messages().collect();
    assert_eq!(warnings, ["persistentvolumes pv-gone: claim shop/data needs it, and it does not exist"]);
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_same_world_gives_the_same_bytes() {
    let bytes = async || {
        let world = World::new(shop());
        world.saves(json!({})).await;
        let mut files = Vec::new();
        for file in ["nightly/nightly.tar.gz", "nightly/nightly-logs.gz", "nightly/ark-backup.json"] {
            use object_store::ObjectStoreExt;
            let bucket = world.ctx.store.bucket();
            let content = bucket.store().get(&bucket.path(file)).await.expect(file).bytes().await.expect("readable");
            files.push(content);
        }
        files
    };
    assert_eq!(bytes().await, bytes().await);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_request_touches_nothing() {
    let world = World::new(shop());
    let error = world.back_up(json!({"includedNamespaces": ["*", "shop"]})).await.expect_err("invalid");
    assert!(matches!(error, BackupError::Invalid { .. }), "{error}");
    assert_eq!(world.cluster.calls(), Vec::<String>::new());
    assert_eq!(world.ctx.store.list().await.expect("a listing").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_and_the_backup_stays() {
    let world = World::new(shop());
    let (before, _) = world.saves(json!({"includedResources": ["pods"]})).await;
    let error = world.back_up(json!({})).await.expect_err("taken");
    assert!(matches!(&error, BackupError::Bucket { operation: "begin", .. }), "{error}");
    assert_eq!(world.paths().await, before);
}

/// Namespaces `n00`, `n01` and so on, each with so many config maps.
fn spread(namespaces: usize, each: usize) -> Vec<Value> {
    let of = |number: usize| {
        let name = format!("n{number:02}");
        let maps = (0..each).map(|map| config_map(&name, &format!("c{map:02}"), json!({}))).collect::<Vec<_>>();
        std::iter::once(namespace(&name)).chain(maps)
    };
    (0..namespaces).flat_map(of).collect()
}

/// The archive of the first `named` of these namespaces, and the lists of config maps that it took.
async fn saves_first(world: World, named: usize) -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = (0..named).map(|number| format!("n{number:02}")).collect();
    let (paths, outcome) = world.saves(json!({"includedNamespaces": names})).await;
    assert_eq!(outcome.status.phase, BackupPhase::Completed, "{:?}", outcome.results);
    let progress = outcome.status.progress.expect("progress");
    assert_eq!((progress.total_items, progress.items_backed_up), (paths.len() as u64, paths.len() as u64));
    let mut lists = world.cluster.calls();
    lists.retain(|call| call.starts_with("list configmaps"));
    (paths, lists)
}

#[tokio::test(start_paused = true)]
async fn named_namespaces_come_in_one_list_where_that_is_cheaper_and_nothing_else_with_them() {
    let (whole, lists) = saves_first(World::new(spread(8, 20)), 7).await;
    assert_eq!(lists, ["list configmaps"; 2], "160 objects: a first page and the rest");
    assert_eq!(whole.len(), 7 * 21);
    assert!(whole.iter().all(|path| !path.contains("n07")), "{whole:?}");

    // Who may not list everywhere asks for each namespace, and the archive is the same.
    let world = World::scripted(spread(8, 20), |call, _| {
        (call == "list configmaps").then(|| Err(error(ClusterErrorKind::Forbidden)))
    });
    let (single, lists) = saves_first(world, 7).await;
    assert_eq!(lists.len(), 1 + 7, "{lists:?}");
    assert_eq!(single, whole);

    // The same where namespaces cannot be counted.
    let world = World::scripted(spread(8, 20), |call, _| {
        (call == "list namespaces").then(|| Err(error(ClusterErrorKind::Forbidden)))
    });
    let (single, lists) = saves_first(world, 7).await;
    assert_eq!((lists.len(), single), (7, whole));
}

#[tokio::test(start_paused = true)]
async fn few_named_namespaces_of_a_large_cluster_are_listed_one_by_one() {
    let (paths, lists) = saves_first(World::new(spread(60, 30)), 4).await;
    assert_eq!(paths.len(), 4 * 31);
    let after_the_first = ["list configmaps n00", "list configmaps n01", "list configmaps n02", "list configmaps n03"];
    assert_eq!((lists[0].as_str(), &lists[1..]), ("list configmaps", &after_the_first.map(String::from)[..]));
    let (_, lists) = saves_first(World::new(spread(60, 30)), 1).await;
    assert_eq!(lists, ["list configmaps n00"]);
}
