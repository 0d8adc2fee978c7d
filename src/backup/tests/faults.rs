//! What the engine promises when the API server or the bucket does not do its part.

use serde_json::json;

use super::*;
use crate::api::BackupPhase;

fn many(count: usize) -> Vec<Value> {
    let mut objects = vec![namespace("shop")];
    objects.extend((0..count).map(|number| config_map("shop", &format!("c{number:04}"), json!({}))));
    objects
}

fn config_maps() -> Value {
    json!({"includedResources": ["configmaps"]})
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_starts_over_without_loss_and_without_duplicates() {
    let server = ApiServer::new(Options::default());
    for loaded in server.load(many(1200)) {
        loaded.expect("valid");
    }
    let writer = server.clone();
    let world = World::over(server, move |call, before| {
        if call == "list configmaps" && before == 2 {
            // Between two pages: one object comes, one goes, and the server forgets the list's revision.
            for loaded in writer.load(vec![config_map("shop", "c0000-new", json!({}))]) {
                loaded.expect("valid");
            }
            let gone = kubesim::Target::new("", "v1", "configmaps").in_namespace("shop").named("c1100");
            writer.delete(&gone, &kubesim::DeleteOptions::default()).expect("it is there");
            writer.compact();
        }
        None
    });
    let (paths, outcome) = world.saves(config_maps()).await;
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
    let saved = set(paths.iter().map(String::as_str));
    assert_eq!(saved.len(), paths.len());
    for number in (0..1200).filter(|number| *number != 1100) {
        assert!(saved.contains(&format!("configmaps shop/c{number:04}")), "{number}");
    }
    assert!(world.log().await.contains("The list expired and starts over"));
    let progress = outcome.status.progress.expect("progress");
    assert_eq!(progress.items_backed_up, paths.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_for_a_while_costs_time_only() {
    let world = World::scripted(many(3), |call, before| {
        let away = matches!(call, "discover" | "list configmaps" | "get namespaces shop") && before < 4;
        let kinds = [
            ClusterErrorKind::Retry,
            ClusterErrorKind::Timeout,
            ClusterErrorKind::Connection,
            ClusterErrorKind::Server,
        ];
        away.then(|| Err(error(kinds[before])))
    });
    let start = world.ctx.clock.now();
    let (paths, outcome) = world.saves(config_maps()).await;
    assert_eq!((paths.len(), outcome.status.phase), (3, BackupPhase::Completed));
    // Half a second, one, two and four: once for discovery, once for the list.
    assert_eq!(world.ctx.clock.now().duration_since(start), jiff::SignedDuration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_keeps_failing_is_named_and_the_others_go_on() {
    for (kind, tries) in [(ClusterErrorKind::Forbidden, 1), (ClusterErrorKind::Server, 7)] {
        let world = World::scripted(shop(), move |call, _| (call == "list configmaps").then(|| Err(error(kind))));
        let (paths, outcome) = world.saves(json!({})).await;
        assert_eq!(outcome.status.phase, BackupPhase::PartiallyFailed);
        let errors: Vec<&str> = outcome.results.errors.messages().collect();
        assert_eq!(errors, ["configmaps: error listing items after 0 of them: the request: as the test wants it"]);
        assert_eq!(outcome.status.messages, errors);
        assert!(
            paths.contains(&"pods shop/db".to_owned())
                && paths.contains(&"storageclasses.storage.k8s.io fast".to_owned())
        );
        assert_eq!(world.cluster.calls().iter().filter(|call| *call == "list configmaps").count(), tries);
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_cannot_be_read_is_an_error_and_its_claim_is_saved() {
    let world = World::scripted(shop(), |call, _| {
        (call == "get persistentvolumes pv-shop").then(|| Err(error(ClusterErrorKind::Forbidden)))
    });
    let (paths, outcome) = world.saves(json!({"includedNamespaces": ["shop"]})).await;
    assert!(paths.contains(&"persistentvolumeclaims shop/data".to_owned()));
    let errors: Vec<&str> = outcome.results.errors.messages().collect();
    assert_eq!(errors, ["persistentvolumes pv-shop: claim shop/data needs it: the request: as the test wants it"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_group_is_a_warning_and_everything_else_is_saved() {
    let world = World::new(shop());
    world.server.set_aggregated("metrics.k8s.io", "v1beta1", Vec::new(), false);
    let (paths, outcome) = world.saves(json!({})).await;
    assert!(paths.contains(&"configmaps shop/settings".to_owned()));
    assert_eq!(outcome.status.phase, BackupPhase::Completed);
    assert!(outcome.results.warnings.ark[0].contains("metrics.k8s.io/v1beta1"), "{:?}", outcome.results);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_discovered_leaves_no_backup() {
    let world =
        World::scripted(shop(), |call, _| (call == "discover").then(|| Err(error(ClusterErrorKind::Forbidden))));
    let failure = world.back_up(json!({})).await.expect_err("no discovery");
    assert!(matches!(failure, BackupError::Discovery(_)), "{failure}");
    assert_eq!(world.ctx.store.list().await.expect("a listing").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn pages_shrink_where_objects_are_large() {
    let mut objects = vec![namespace("shop")];
    objects.extend((0..60).map(|number| {
        let mut large = config_map("shop", &format!("c{number:04}"), json!({}));
        large["data"]["large"] = json!("x".repeat(800_000));
        large
    }));
    let world = World::new(objects);
    let (paths, _) = world.saves(config_maps()).await;
    assert_eq!(paths.len(), 60);
    // 32 in the first page, then as many as 4 MiB hold.
    let calls = world.cluster.calls().iter().filter(|call| *call == "list configmaps").count();
    assert_eq!(calls, 1 + 28_usize.div_ceil(5));
}
