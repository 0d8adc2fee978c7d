//! The contract of `Cluster`: over the in-memory server called directly, over the same behind HTTP, and over any real one.

use ark::clock::{Clock as _, SystemClock};
use ark::cluster::contract::{cluster_contract, exec_contract};
use ark::cluster::{Cluster, ClusterErrorKind, KubeCluster, ListOptions, SimClock, SimCluster, WatchOptions};
use futures::StreamExt;
use kube::Client;
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

#[tokio::test(start_paused = true)]
async fn the_simulator_behind_a_service_in_process() {
    let server = server();
    let clock = SimClock(server.clock().clone());
    let actors = tokio::spawn(Actors::all(&server).run());
    let cluster = KubeCluster::new(Client::new(server.service(), "default"));
    cluster_contract(&cluster, &clock, "contract").await;
    actors.abort();
}

#[tokio::test(start_paused = true)]
async fn the_simulator_behind_a_connection_in_process() {
    let server = server();
    let clock = SimClock(server.clock().clone());
    let actors = tokio::spawn(Actors::all(&server).run());
    let cluster = KubeCluster::new(Client::new(server.duplex_service(), "default"));
    cluster_contract(&cluster, &clock, "contract").await;
    exec_contract(&cluster, &clock, "contract-exec", "busybox").await;
    actors.abort();
}

#[tokio::test]
async fn the_simulator_behind_a_socket_and_a_kubeconfig() {
    let server = ApiServer::new(Options { clock: Clock::system(), ..Options::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let actors = tokio::spawn(Actors::all(&server).run());
    let serving = tokio::spawn(async move { server.serve(listener).await });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: sim\nclusters: [{{name: sim, cluster: {{server: 'http://{address}'}}}}]\n\
         users: [{{name: sim, user: {{}}}}]\ncontexts: [{{name: sim, context: {{cluster: sim, user: sim, namespace: here}}}}]\n"
    );
    std::fs::write(&path, text).expect("a file");
    let cluster = KubeCluster::connect(Some(&path), None).await.expect("a client");
    assert_eq!(cluster.default_namespace(), "here");
    cluster_contract(&cluster, &SystemClock, "contract").await;
    let error = KubeCluster::connect(Some(&path), Some("other")).await.expect_err("no such context");
    assert!(error.to_string().contains("other"), "{error}");
    serving.abort();
    actors.abort();
}

#[tokio::test]
async fn an_unreachable_server_is_a_failed_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let mut config = kube::Config::new(format!("http://{address}").parse().expect("a URL"));
    config.default_retry = false;
    let cluster = KubeCluster::new(Client::try_from(config).expect("a client"));
    let error = cluster.discover().await.expect_err("nobody listens");
    assert_eq!(error.kind, ClusterErrorKind::Connection);
    assert!(error.to_string().contains("refused"), "{error}");
}

/// Runs on the cluster that the kubeconfig in `ARK_TEST_KUBECONFIG` names, with the pod image of `ARK_TEST_EXEC_IMAGE`.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a person names a cluster to test on, and time tells the runs apart")]
async fn a_real_cluster() {
    let Some(path) = std::env::var_os("ARK_TEST_KUBECONFIG") else {
        println!("skipped: ARK_TEST_KUBECONFIG names no kubeconfig of a cluster to test on");
        return;
    };
    let cluster = KubeCluster::connect(Some(path.as_ref()), None).await.expect("a client");
    let run = format!("ark-contract-{}", SystemClock.now().as_second());
    cluster_contract(&cluster, &SystemClock, &run).await;
    match std::env::var("ARK_TEST_EXEC_IMAGE") {
        Ok(image) => exec_contract(&cluster, &SystemClock, &format!("{run}-exec"), &image).await,
        Err(_) => println!("exec skipped: ARK_TEST_EXEC_IMAGE names no image with a shell"),
    }
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
