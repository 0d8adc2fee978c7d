//! The contract of `Cluster`: over the in-memory server called directly, over the same behind HTTP, and over any real one.

use ark::cluster::contract::{cluster_contract, exec_contract};
use ark::cluster::{Cluster, ClusterErrorKind, ListOptions, SimClock, SimCluster, WatchOptions};
use futures::StreamExt;
use kubesim::actors::Actors;
use kubesim::{ApiServer, Clock, Options, ResourceDef};

fn server() -> ApiServer {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    ApiServer::new(Options { clock: Clock::tokio(start), ..Options::default() })
}

#[tokio::test(start_paused = true)]
async fn the_simulator_called_directly() {
    let server = server();
    let clock = SimClock(server.clock().clone());
    let actors = tokio::spawn(Actors::all(&server).run());
    let cluster = SimCluster::new(server);
    cluster_contract(&cluster, &clock, "contract").await;
    exec_contract(&cluster, &clock, "contract-exec", "busybox").await;
    actors.abort();
}

#[tokio::test]
async fn a_broken_group_is_named_and_the_rest_goes_on() {
    let server = server();
    let metrics = ResourceDef::new("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false);
    server.set_aggregated("metrics.k8s.io", "v1beta1", vec![metrics], false);
    let found = SimCluster::new(server).discover().await.expect("the rest");
    assert_eq!(found.broken.len(), 1);
    assert_eq!(found.broken[0].group_version, "metrics.k8s.io/v1beta1");
    assert!(found.resources.iter().all(|resource| resource.group != "metrics.k8s.io"));
    assert!(found.resources.iter().any(|resource| resource.plural == "pods"));
}

#[tokio::test]
async fn a_forgotten_past_is_expired() {
    let server = server();
    let cluster = SimCluster::new(server.clone());
    let found = cluster.discover().await.expect("discovery");
    let namespaces = found.resources.iter().find(|resource| resource.plural == "namespaces").expect("served");
    let options = ListOptions { limit: Some(1), ..ListOptions::default() };
    let page = cluster.list(namespaces, None, &options).await.expect("a page");
    let raw = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"later"}}"#;
    cluster.create(namespaces, None, &ark::object::RawObject::new(raw)).await.expect("a namespace");
    server.compact();
    let next = ListOptions { continue_token: page.continue_token, ..options };
    let error = cluster.list(namespaces, None, &next).await.expect_err("compacted");
    assert_eq!(error.kind, ClusterErrorKind::Expired);
    let options = WatchOptions { resource_version: Some("1".to_owned()), ..WatchOptions::default() };
    let error = match cluster.watch(namespaces, None, &options).await {
        Ok(mut events) => events.next().await.expect("an event").expect_err("compacted"),
        Err(error) => error,
    };
    assert_eq!(error.kind, ClusterErrorKind::Expired);
}
