//! The raw work under a backup and a restore: the same requests, over the same client, with nothing done to the answers.

use std::collections::BTreeMap;

use ark::cluster::{Cluster, KubeCluster};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;

use crate::world::Object;

/// Objects a page.
const PAGE_ITEMS: u32 = 500;

/// What a raw listing met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Listed {
    /// Bytes of all answers.
    pub(crate) bytes: usize,
    /// Requests.
    pub(crate) pages: usize,
}

/// The paths of every list that a backup of everything asks for.
pub(crate) async fn lists(client: &Client) -> Vec<String> {
    let discovery = KubeCluster::new(client.clone()).discover().await.expect("the server says what it serves");
    let resources = discovery.resources.iter().filter(|one| one.preferred && one.supports("list"));
    resources
        .map(|one| {
            let version = one.api_version();
            let root = if one.group.is_empty() { "/api" } else { "/apis" };
            format!("{root}/{version}/{}", one.plural)
        })
        .collect()
}

/// Every page of these lists, one after the other on one connection, thrown away as it comes.
pub(crate) async fn list(client: &Client, lists: &[String]) -> Listed {
    let mut listed = Listed::default();
    for path in lists {
        let mut token = String::new();
        loop {
            let more = if token.is_empty() { String::new() } else { format!("&continue={token}") };
            let request = Request::builder().uri(format!("{path}?limit={PAGE_ITEMS}{more}"));
            let request = request.header("Accept-Encoding", "identity").header("Accept", "application/json");
            let response = client.send(request.body(Body::empty()).expect("a request")).await.expect("an answer");
            assert!(response.status().is_success(), "{path}: {}", response.status());
            let mut body = response.into_body();
            // The token is in the head of the answer.
            let mut head = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.expect("a whole answer").into_data() else { continue };
                listed.bytes += data.len();
                if head.len() < 4096 {
                    head.extend_from_slice(&data[..data.len().min(4096)]);
                }
            }
            listed.pages += 1;
            token = token_of(&String::from_utf8_lossy(&head));
            if token.is_empty() {
                break;
            }
        }
    }
    listed
}

fn token_of(head: &str) -> String {
    let head = &head[..head.find("\"items\"").unwrap_or(head.len())];
    let token = head.split_once("\"continue\":\"").and_then(|(_, rest)| rest.split_once('"'));
    token.map(|(token, _)| token.to_owned()).unwrap_or_default()
}

/// Creates all objects, so many at a time; answers are read and thrown away.
pub(crate) async fn create(client: &Client, objects: &[Object], in_flight: usize) {
    let requests: Vec<(&str, Bytes)> = objects.iter().map(|one| (one.path.as_str(), one.body.clone())).collect();
    stream::iter(requests)
        .map(|(path, body)| async move {
            let request = Request::builder().method(Method::POST).uri(path).header("Content-Type", "application/json");
            let response = client.send(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
            let status = response.status();
            let answer = response.into_body().collect().await.expect("a whole answer").to_bytes();
            assert!(status.is_success(), "POST {path}: {status} {}", String::from_utf8_lossy(&answer));
        })
        .buffer_unordered(in_flight)
        .collect::<()>()
        .await;
}

/// Requests that the server has counted, by verb; those for leases are its own.
pub(crate) async fn calls(client: &Client) -> BTreeMap<String, u64> {
    let request = Request::builder().uri("/metrics").body(Body::empty()).expect("a request");
    let response = client.send(request).await.expect("an answer");
    let text = response.into_body().collect().await.expect("a whole answer").to_bytes();
    let mut calls = BTreeMap::new();
    for line in String::from_utf8_lossy(&text).lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let label = |name: &str| {
            let rest = line.split_once(&format!("{name}=\""))?.1;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        if label("resource").as_deref() == Some("leases") || label("group").as_deref() == Some("coordination.k8s.io") {
            continue;
        }
        let count: f64 = line.rsplit_once(' ').and_then(|(_, count)| count.parse().ok()).unwrap_or(0.0);
        *calls.entry(label("verb").unwrap_or_default()).or_default() += count as u64;
    }
    calls
}
