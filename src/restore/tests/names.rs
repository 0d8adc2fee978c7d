//! Names that stand in the way, or mean something else in this cluster than in the old one.

use kubesim::DeleteOptions;
use kubesim::actors::{ActorKind, Actors};

use super::*;

impl World {
    /// A cluster in which namespace `shop` is being deleted and stays so until somebody sweeps it.
    async fn with_a_namespace_that_is_going() -> Self {
        let world = Self::bare();
        backup_of(&world, "b", &[config("a", "1", &[])]).await;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
        world.server.load(vec![namespace]).pop().expect("one").expect("it is created");
        let target = kubesim::Target::new("", "v1", "namespaces").named("shop");
        world.server.delete(&target, &DeleteOptions::default()).expect("it begins to go");
        assert!(world.get("", "v1", "namespaces", "", "shop").is_some(), "it is still there");
        world
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_going_is_waited_for() {
    let world = World::with_a_namespace_that_is_going().await;
    let sweep = async {
        world.ctx.clock.sleep(std::time::Duration::from_secs(45)).await;
        Actors::only(&world.server, &[ActorKind::Namespaces]).settle();
    };
    let (done, ()) = tokio::join!(world.restore("r", of("b")), sweep);
    assert_eq!(done.status.phase, RestorePhase::Completed, "{:#?}", done.results.errors);
    assert_eq!(outcome(&done, "resources/configmaps/namespaces/shop/a.json"), &Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_never_goes_is_named() {
    let world = World::with_a_namespace_that_is_going().await;
    let start = world.ctx.clock.now();
    let done = world.restore("r", of("b")).await;
    assert_eq!(done.status.phase, RestorePhase::Failed);
    let errors: Vec<&str> = done.results.errors.messages().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|text| text.contains("namespaces/cluster/shop") && text.contains("being deleted")));
    assert!(errors.iter().any(|text| text.contains("configmaps") && text.contains("being terminated")), "{errors:?}");
    let took = world.ctx.clock.now().duration_since(start).as_mins();
    assert!((1..=15).contains(&took), "{took} minutes");
}

#[tokio::test(start_paused = true)]
async fn a_resource_may_be_named_as_the_archive_names_it() {
    let path = "resources/deployments.extensions/namespaces/one/web.json";
    let labels = json!({"app": "x"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let object = json!({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {"name": "web",
        "namespace": "one"}, "spec": {"selector": {"matchLabels": labels}, "template": template}});
    for name in ["deployments.extensions", "deployments.apps", "deploy"] {
        let world = World::bare();
        world.backup("b", &[(path, object.clone())]).await;
        let done = world.restore("in", RestoreSpec { included_resources: vec![name.into()], ..of("b") }).await;
        assert_eq!(outcome(&done, path), &Outcome::Created, "{name}");
        assert_eq!(done.results, Results::default(), "{name}");
        let done = world.restore("out", RestoreSpec { excluded_resources: vec![name.into()], ..of("b") }).await;
        assert!(matches!(outcome(&done, path), Outcome::Skipped(_)), "{name}");
        assert_eq!(done.results, Results::default(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_never_restored_is_known_in_a_directory_without_group() {
    let world = World::bare();
    let metadata = json!({"name": "x", "namespace": "one"});
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
        "status": {"completionTime": "2017-11-30T00:00:00Z"}});
    let paths = ["leases", "jobs"].map(|resource| format!("resources/{resource}/namespaces/one/x.json"));
    backup_of(&world, "b", &[(paths[0].clone(), lease), (paths[1].clone(), job)]).await;
    let done = world.restore("r", of("b")).await;
    for path in &paths {
        assert!(matches!(outcome(&done, path), Outcome::Skipped(_)), "{path}: {:?}", outcome(&done, path));
    }
}
