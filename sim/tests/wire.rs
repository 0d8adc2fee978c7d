//! The HTTP face under a real client: `kube` in process, over a connection in process, and over a socket.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    Api, AttachParams, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use kubesim::exec::{ExecCall, Process};
use kubesim::http::Router;
use kubesim::{ApiServer, Clock, Options, ResourceDef};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

fn server() -> ApiServer {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    ApiServer::new(Options { clock: Clock::tokio(start), ..Options::default() })
}

/// The same client over two mouths.
fn clients(server: &ApiServer) -> [Client; 2] {
    [Client::new(server.service(), "default"), Client::new(server.duplex_service(), "default")]
}

fn config_map(name: &str) -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.name = Some(name.to_owned());
    object.data = Some(BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    object
}

fn pod(name: &str, containers: &[&str]) -> Pod {
    let containers: Vec<Value> = containers.iter().map(|name| json!({"name": name, "image": "x"})).collect();
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": containers, "nodeName": "node-1"},
    }))
    .expect("a pod")
}

fn widgets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.shop.example.com"},
        "spec": {
            "group": "shop.example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object", "properties": {"size": {"type": "integer"}},
                }}}},
            }],
        },
    })
}

/// One request through the router, and its answer as text.
async fn get(server: &ApiServer, path: &str, accept: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).header("accept", accept).body(Bytes::new()).expect("a request");
    let response = Router::new(server.clone()).handle(request);
    let content_type = response.headers()["content-type"].to_str().expect("text").to_owned();
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, content_type, String::from_utf8_lossy(&body).into_owned())
}

async fn get_json(server: &ApiServer, path: &str, accept: &str) -> Value {
    let (status, _, body) = get(server, path, accept).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

#[tokio::test(start_paused = true)]
async fn objects_live_and_die() {
    let server = server();
    for (index, client) in clients(&server).into_iter().enumerate() {
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let name = format!("one-{index}");
        let created = maps.create(&PostParams::default(), &config_map(&name)).await.expect("created");
        assert!(created.uid().is_some());
        let again = maps.create(&PostParams::default(), &config_map(&name)).await;
        assert!(
            matches!(again, Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" && status.code == 409)
        );

        let mut changed = maps.get(&name).await.expect("there");
        changed.data = Some(BTreeMap::from([("b".to_owned(), "2".to_owned())]));
        let replaced = maps.replace(&name, &PostParams::default(), &changed).await.expect("replaced");
        assert_ne!(replaced.resource_version(), created.resource_version());
        let stale = maps.replace(&name, &PostParams::default(), &changed).await;
        assert!(matches!(stale, Err(kube::Error::Api(status)) if status.reason == "Conflict"));

        let patch = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}}));
        let patched = maps.patch(&name, &PatchParams::default(), &patch).await.expect("patched");
        assert_eq!(patched.labels()["x"], "y");

        let deleted = maps.delete(&name, &DeleteParams::default()).await.expect("deleted");
        assert!(deleted.is_right(), "a Status");
        assert!(maps.get_opt(&name).await.expect("answered").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn pages_read_one_snapshot() {
    let server = server();
    for client in clients(&server) {
        let maps: Api<ConfigMap> = Api::namespaced(client, "kube-public");
        for n in 0..5 {
            let result = maps.create(&PostParams::default(), &config_map(&format!("m{n}"))).await;
            assert!(result.is_ok() || server.revision() > 0);
        }
        let first = maps.list(&ListParams::default().limit(2)).await.expect("a page");
        assert_eq!(first.items.len(), 2);
        assert_eq!(first.metadata.remaining_item_count, Some(3));
        // What happens between the pages does not show.
        maps.delete("m4", &DeleteParams::default()).await.expect("deleted");
        let mut names: Vec<String> = first.items.iter().map(ResourceExt::name_any).collect();
        let mut token = first.metadata.continue_;
        while let Some(next) = token.filter(|token| !token.is_empty()) {
            let page = maps.list(&ListParams::default().limit(2).continue_token(&next)).await.expect("a page");
            names.extend(page.items.iter().map(ResourceExt::name_any));
            token = page.metadata.continue_;
        }
        assert_eq!(names, ["m0", "m1", "m2", "m3", "m4"]);
        maps.create(&PostParams::default(), &config_map("m4")).await.expect("back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_follows_and_ends_under_paused_time() {
    let server = server();
    for client in clients(&server) {
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let since = server.revision().to_string();
        let watch = maps.watch(&WatchParams::default().timeout(120), &since).await.expect("a watch");
        let writer = tokio::spawn({
            let maps = maps.clone();
            async move {
                for n in 0..3 {
                    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
                    maps.create(&PostParams::default(), &config_map(&format!("w{n}"))).await.expect("created");
                }
            }
        });
        let events: Vec<WatchEvent<ConfigMap>> = watch.try_collect().await.expect("events until the timeout");
        writer.await.expect("written");
        let names: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                WatchEvent::Added(object) => Some(object.name_any()),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["w0", "w1", "w2"]);
        for n in 0..3 {
            maps.delete(&format!("w{n}"), &DeleteParams::default()).await.expect("deleted");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn exec_over_a_connection() {
    let server = server();
    server.set_exec(|call: &ExecCall| {
        if call.command == ["cat"] {
            return Process::ok(call.stdin.clone());
        }
        Process {
            stdout: Bytes::from(format!("{} in {}\n", call.command.join(" "), call.container)),
            stderr: Bytes::from_static(b"warned\n"),
            exit_code: 7,
            delay: std::time::Duration::from_mins(1),
        }
    });
    let pods: Api<Pod> = Api::default_namespaced(Client::new(server.duplex_service(), "default"));
    pods.create(&PostParams::default(), &pod("p", &["a", "b"])).await.expect("created");

    let mut process =
        pods.exec("p", ["run", "it"], &AttachParams::default().container("b").stderr(true)).await.expect("upgraded");
    let status = process.take_status().expect("once");
    let (mut stdout, mut stderr) = (process.stdout().expect("open"), process.stderr().expect("open"));
    let (mut out, mut err) = (String::new(), String::new());
    let (read_out, read_err) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    read_out.and(read_err).expect("read");
    assert_eq!((out.as_str(), err.as_str()), ("run it in b\n", "warned\n"));
    let status = status.await.expect("a status");
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
    let causes = status.details.and_then(|details| details.causes).expect("causes");
    assert_eq!(causes[0].message.as_deref(), Some("7"));

    let missing = pods.exec("p", ["x"], &AttachParams::default().container("c")).await;
    assert!(missing.is_err(), "no such container");
    let ambiguous = pods.exec("p", ["x"], &AttachParams::default()).await;
    assert!(ambiguous.is_err(), "two containers");
}

#[tokio::test(start_paused = true)]
async fn exec_reads_the_standard_input() {
    use tokio::io::AsyncWriteExt;
    let server = server();
    let pods: Api<Pod> = Api::default_namespaced(Client::new(server.duplex_service(), "default"));
    pods.create(&PostParams::default(), &pod("p", &["a"])).await.expect("created");
    let mut process =
        pods.exec("p", ["cat"], &AttachParams::default().stdin(true).stderr(false)).await.expect("upgraded");
    let status = process.take_status().expect("once");
    let mut stdin = process.stdin().expect("open");
    let mut stdout = process.stdout().expect("open");
    stdin.write_all(b"hello").await.expect("written");
    stdin.shutdown().await.expect("ended");
    drop(stdin);
    let mut out = String::new();
    stdout.read_to_string(&mut out).await.expect("read");
    assert_eq!(out, "hello");
    assert_eq!(status.await.expect("a status").status.as_deref(), Some("Success"));
}

#[tokio::test(start_paused = true)]
async fn exec_without_a_connection_says_what_it_needs() {
    let server = server();
    let pods: Api<Pod> = Api::default_namespaced(Client::new(server.service(), "default"));
    pods.create(&PostParams::default(), &pod("p", &["a"])).await.expect("created");
    let error = pods.exec("p", ["x"], &AttachParams::default()).await.err().expect("refused");
    assert!(format!("{error:?}").contains("duplex connector"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn discovery_in_both_forms() {
    let server = server();
    let [client, _] = clients(&server);
    let definitions = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        "customresourcedefinitions",
    );
    let definitions: Api<DynamicObject> = Api::all_with(client.clone(), &definitions);
    let widgets = serde_json::from_value(widgets()).expect("an object");
    definitions.create(&PostParams::default(), &widgets).await.expect("defined");

    let groups = client.list_api_groups().await.expect("groups");
    let last = groups.groups.last().expect("a group");
    assert_eq!(last.name, "shop.example.com");
    let resources = client.list_api_group_resources("shop.example.com/v1").await.expect("resources");
    let names: Vec<&str> = resources.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["widgets", "widgets/status"]);

    let discovery = kube::Discovery::new(client.clone()).run_aggregated().await.expect("aggregated");
    assert!(discovery.has_group("shop.example.com") && discovery.has_group(""));
    let discovery = kube::Discovery::new(client).run().await.expect("plain");
    assert!(discovery.has_group("shop.example.com"));

    let aggregated = get_json(&server, "/apis", AGGREGATED).await;
    let last = aggregated["items"].as_array().expect("a list").last().expect("a group").clone();
    assert_eq!(last["metadata"]["name"], "shop.example.com");
    let kind = &last["versions"][0]["resources"][0]["responseKind"];
    assert_eq!(*kind, json!({"group": "shop.example.com", "version": "v1", "kind": "Widget"}));
}

#[tokio::test(start_paused = true)]
async fn a_broken_aggregated_api() {
    let server = server();
    let nodes = ResourceDef::new("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false);
    server.set_aggregated("metrics.k8s.io", "v1beta1", vec![nodes], false);
    let (status, content_type, body) = get(&server, "/apis/metrics.k8s.io/v1beta1", JSON).await;
    assert_eq!((status.as_u16(), body.as_str()), (503, "service unavailable\n"));
    assert!(content_type.starts_with("text/plain"));
    assert_eq!(get(&server, "/apis/metrics.k8s.io/v1beta1/nodes", JSON).await.0.as_u16(), 503);
    let aggregated = get_json(&server, "/apis", AGGREGATED).await;
    let last = aggregated["items"].as_array().expect("a list").last().expect("a group").clone();
    assert_eq!(last["versions"][0], json!({"version": "v1beta1", "freshness": "Stale"}));
}

#[tokio::test(start_paused = true)]
async fn tables_and_metadata() {
    let server = server();
    for loaded in server.load(vec![
        widgets(),
        json!({"apiVersion": "shop.example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1", "b": "2"}}),
    ]) {
        loaded.expect("loaded");
    }
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    let table = get_json(&server, "/apis/shop.example.com/v1/namespaces/default/widgets", TABLE).await;
    let columns = table["columnDefinitions"].as_array().expect("columns");
    let names: Vec<&str> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
    assert_eq!(names, ["Name", "Size", "Age"]);
    assert_eq!(columns[1]["description"], "Custom resource definition column (in JSONPath format): .spec.size");
    assert_eq!(table["rows"][0]["cells"], json!(["w", 3, "60s"]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");

    let path = "/api/v1/namespaces/default/configmaps";
    let table = get_json(&server, &format!("{path}/m?includeObject=None"), TABLE).await;
    assert_eq!(table["rows"], json!([{"cells": ["m", 2, "60s"]}]));
    let table = get_json(&server, &format!("{path}?includeObject=Object"), TABLE).await;
    assert_eq!(table["rows"][0]["object"]["data"]["a"], "1");

    let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = get_json(&server, path, partial).await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert!(list["items"][0].get("data").is_none());
    let (status, _, _) = get(&server, &format!("{path}/m"), partial).await;
    assert_eq!(status, StatusCode::NOT_ACCEPTABLE);

    // Items of built-in kinds do not repeat their kind; custom resources do.
    let list = get_json(&server, path, JSON).await;
    assert_eq!((&list["kind"], list["items"][0].get("kind")), (&json!("ConfigMapList"), None));
    let list = get_json(&server, "/apis/shop.example.com/v1/widgets", JSON).await;
    assert_eq!(list["items"][0]["kind"], "Widget");

    let (_, content_type, body) = get(&server, &format!("{path}/m"), "application/yaml").await;
    assert_eq!(content_type, "application/yaml");
    assert!(body.contains("kind: ConfigMap"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_as_tables() {
    let server = server();
    let path = "/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=2&allowWatchBookmarks=true";
    for name in ["a", "b"] {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        server.load(vec![object]).remove(0).expect("loaded");
    }
    let (status, _, body) = get(&server, path, TABLE).await;
    assert_eq!(status, StatusCode::OK);
    let events: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(events[0]["object"]["columnDefinitions"].as_array().map(Vec::len), Some(3));
    assert_eq!(events[0]["object"]["rows"][0]["cells"][0], "a");
    assert_eq!(events[1]["object"]["columnDefinitions"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there() {
    let server = server();
    for (path, code, kind) in [
        ("/nothing", 404, "text/plain; charset=utf-8"),
        ("/apis/no.such.group/v1/things", 404, "text/plain; charset=utf-8"),
        ("/api/v2", 404, "text/plain; charset=utf-8"),
        ("/api/v1/nosuchkinds", 404, JSON),
        ("/api/v1/namespaces/default/configmaps/x", 404, JSON),
        ("/healthz", 200, "text/plain; charset=utf-8"),
        ("/readyz/ping", 200, "text/plain; charset=utf-8"),
        ("/version", 200, JSON),
        ("/", 200, JSON),
        ("/openapi/v2", 200, JSON),
        ("/openapi/v3", 200, JSON),
        ("/openapi/v3/api/v1", 200, JSON),
    ] {
        let (status, content_type, body) = get(&server, path, JSON).await;
        assert_eq!((status.as_u16(), content_type.as_str()), (code, kind), "{path}: {body:.200}");
    }
    assert_eq!(get(&server, "/api/v1/namespaces", "text/html").await.0.as_u16(), 406);
    // What kubectl and Helm accept.
    let gnostic = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    let (status, content_type, _) = get(&server, "/openapi/v2", gnostic).await;
    let named = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    assert_eq!((status.as_u16(), content_type.as_str()), (200, named));
    assert_eq!(get(&server, "/openapi/v2", "text/html").await.0.as_u16(), 406);
}

#[tokio::test]
async fn over_a_socket() {
    let server = server();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(listener).await }
    });
    let config = kube::Config::new(format!("http://{address}").parse().expect("a URL"));
    let client = Client::try_from(config).expect("a client");
    assert_eq!(client.apiserver_version().await.expect("a version").git_version, "v1.36.3");
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("p", &["a"])).await.expect("created");
    let mut events = pods.watch(&WatchParams::default(), "0").await.expect("a watch").boxed();
    assert!(matches!(events.try_next().await, Ok(Some(WatchEvent::Added(_)))));
    let mut process = pods.exec("p", ["echo", "hi"], &AttachParams::default()).await.expect("upgraded");
    let mut out = String::new();
    process.stdout().expect("open").read_to_string(&mut out).await.expect("read");
    assert_eq!(out, "hi\n");
    serving.abort();
}
