//! The client against answers made by hand: what no simulator gives.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response};
use http_body_util::Full;
use kube::Client;
use kube::client::Body;
use tower_service::Service;

use super::{ConnectError, KubeCluster};
use crate::cluster::{
    Cluster, ClusterErrorKind, DeleteOptions, ListOptions, Propagation, Target, WatchEvent, WatchOptions,
};
use crate::object::{ApiResource, RawObject};

type Answer = dyn Fn(&str) -> Response<&'static str> + Send + Sync;

/// Answers every request with what a function says, and remembers what was asked.
#[derive(Clone)]
struct Canned {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service<Request<Body>> for Canned {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let asked = format!("{} {}", request.method(), request.uri());
        let response = (self.answer)(&asked).map(|text| Full::new(Bytes::from_static(text.as_bytes())));
        self.asked.lock().expect("no panic").push(asked);
        ready(Ok(response))
    }
}

fn answering(
    answer: impl Fn(&str) -> Response<&'static str> + Send + Sync + 'static,
) -> (KubeCluster, Arc<Mutex<Vec<String>>>) {
    let canned = Canned { answer: Arc::new(answer), asked: Arc::default() };
    let asked = Arc::clone(&canned.asked);
    (KubeCluster::new(Client::new(canned, "default")), asked)
}

fn code(code: u16, body: &'static str) -> Response<&'static str> {
    Response::builder().status(code).body(body).expect("a response")
}

fn roles() -> ApiResource {
    ApiResource {
        group: "rbac.authorization.k8s.io".into(),
        version: "v1".into(),
        plural: "roles".into(),
        singular: "role".into(),
        kind: "Role".into(),
        namespaced: true,
        preferred: true,
        short_names: Vec::new(),
        verbs: ["list".to_owned()].into(),
        subresources: ["status".to_owned()].into(),
    }
}

#[tokio::test]
async fn items_are_cut_out_byte_for_byte_and_get_their_type() {
    let (cluster, asked) = answering(|_| {
        code(
            200,
            r#"{"kind":"RoleList","metadata":{"continue":"","resourceVersion":"7","remainingItemCount":3},
            "items":[ {"metadata":{"name":"a","x":[1.50, null]},"big":18446744073709551615} ,{"kind":"Role","apiVersion":"r/v9"}]}"#,
        )
    });
    let options = ListOptions { label_selector: Some("a in (b,c)".into()), limit: Some(2), ..ListOptions::default() };
    let page = cluster.list(&roles(), Some("shop"), &options).await.expect("a page");
    let texts: Vec<_> = page.items.iter().map(|item| String::from_utf8_lossy(item.bytes()).into_owned()).collect();
    assert_eq!(
        texts,
        [
            concat!(
                r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","#,
                r#""metadata":{"name":"a","x":[1.50, null]},"big":18446744073709551615}"#
            ),
            r#"{"kind":"Role","apiVersion":"r/v9"}"#,
        ]
    );
    assert_eq!((page.continue_token, page.remaining_item_count, page.resource_version.as_str()), (None, Some(3), "7"));
    assert_eq!(
        *asked.lock().expect("no panic"),
        ["GET /apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles?labelSelector=a%20in%20%28b%2Cc%29&limit=2"]
    );
}

#[tokio::test]
async fn names_that_would_change_the_path_never_leave() {
    let (cluster, asked) = answering(|_| code(200, "{}"));
    for name in ["", "..", "a/b"] {
        let resource = roles();
        let target = Target { resource: &resource, namespace: Some("shop"), name, subresource: None };
        let error = cluster.delete(target, &DeleteOptions::default()).await.expect_err("a bad name");
        assert_eq!(error.kind, ClusterErrorKind::Invalid);
    }
    assert!(asked.lock().expect("no panic").is_empty());
    cluster.get(&roles(), Some("shop"), "system:ü b").await.expect("an odd name");
    assert!(asked.lock().expect("no panic")[0].ends_with("/roles/system:%C3%BC%20b"));
}

#[tokio::test]
async fn failures_without_a_status_are_told_apart_by_their_code() {
    let (cluster, _) = answering(|_| {
        Response::builder().status(429).header("Retry-After", "3").body("slow down").expect("a response")
    });
    let error = cluster.get(&roles(), Some("shop"), "a").await.expect_err("429");
    assert_eq!((error.kind, error.retry_after), (ClusterErrorKind::Retry, Some(Duration::from_secs(3))));

    let (cluster, _) = answering(|_| code(404, "<html>"));
    let error = cluster.get(&roles(), Some("shop"), "a").await.expect_err("404");
    assert_eq!(error.kind, ClusterErrorKind::NotFound);

    let (cluster, _) = answering(|_| code(200, r#"{"items":[{"data":"s3cret"#));
    let error = cluster.list(&roles(), None, &ListOptions::default()).await.expect_err("cut off");
    assert_eq!(error.kind, ClusterErrorKind::Corrupt);
    assert!(!error.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_watch_reads_lines_and_ends_with_the_error_it_is_told() {
    let (cluster, asked) = answering(|_| {
        code(
            200,
            concat!(
                r#"{"type":"ADDED","object":{"kind":"Role","apiVersion":"v1","metadata":{"name":"a"},"n":1.0}}"#,
                "\n",
                r#"{"object":{"metadata":{"resourceVersion":"12"}},"type":"BOOKMARK"}"#,
                "\n\n",
                r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#,
                "\n",
                r#"{"type":"ADDED","object":{}}"#,
            ),
        )
    });
    let options = WatchOptions {
        resource_version: Some("5".into()),
        timeout: Some(Duration::from_millis(1500)),
        ..WatchOptions::default()
    };
    let events: Vec<_> = cluster.watch(&roles(), None, &options).await.expect("a stream").collect().await;
    assert_eq!(
        events[0],
        Ok(WatchEvent::Added(RawObject::new(r#"{"kind":"Role","apiVersion":"v1","metadata":{"name":"a"},"n":1.0}"#)))
    );
    assert_eq!(events[1], Ok(WatchEvent::Bookmark("12".into())));
    assert_eq!(events[2].as_ref().expect_err("expired").kind, ClusterErrorKind::Expired);
    assert_eq!(events.len(), 3);
    assert!(asked.lock().expect("no panic")[0].contains("timeoutSeconds=2"));
}

#[tokio::test]
async fn a_watch_that_is_cut_inside_an_event_says_so() {
    let (cluster, _) = answering(|_| code(200, r#"{"type":"ADDED","obj"#));
    let events: Vec<_> =
        cluster.watch(&roles(), None, &WatchOptions::default()).await.expect("a stream").collect().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].as_ref().expect_err("cut").kind, ClusterErrorKind::Connection);
}

#[tokio::test]
async fn plain_discovery_goes_on_past_a_broken_group() {
    let (cluster, _) = answering(|asked| match asked {
        "GET /api" => code(200, r#"{"kind":"APIVersions","versions":["v1"]}"#),
        "GET /apis" => code(
            200,
            r#"{"kind":"APIGroupList","groups":[
            {"name":"bad.io","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}},
            {"name":"apps","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]}"#,
        ),
        "GET /api/v1" => code(
            200,
            r#"{"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["list"],"shortNames":["po"]},
            {"name":"pods/exec","kind":"PodExecOptions"}]}"#,
        ),
        "GET /apis/apps/v1" => code(200, r#"{"resources":[{"name":"deployments","kind":"Deployment"}]}"#),
        _ => code(503, "down"),
    });
    let found = cluster.discover().await.expect("the rest");
    let names: Vec<_> = found.resources.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["pods", "deployments.apps"]);
    assert!(found.resources[0].subresources.contains("exec"));
    assert_eq!(found.broken[0].group_version, "bad.io/v1");
}

#[test]
fn a_deletion_says_all_its_conditions() {
    let options = DeleteOptions {
        propagation: Some(Propagation::Foreground),
        grace_period_seconds: Some(0),
        uid: Some("u".into()),
        resource_version: Some("9".into()),
    };
    assert_eq!(
        String::from_utf8(super::delete_body(&options)).expect("text"),
        concat!(
            r#"{"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions","#,
            r#""preconditions":{"resourceVersion":"9","uid":"u"},"propagationPolicy":"Foreground"}"#
        )
    );
}

#[tokio::test]
async fn a_missing_kubeconfig_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nowhere");
    let error = KubeCluster::connect(Some(&path), None).await.expect_err("no file");
    assert!(matches!(error, ConnectError::Kubeconfig { .. }) && error.to_string().contains("nowhere"));
}
