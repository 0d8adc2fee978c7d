//! Random requests at the router.

use bytes::Bytes;
use http::Request;
use kubesim::http::Router;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::objects::{object, sound, spoiled};
use super::{answered, server};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW"];

/// Behind the path of a collection.
const TAILS: [&str; 18] = [
    "",
    "",
    "/",
    "/map",
    "/pod",
    "/service",
    "/account/token",
    "/pod/binding",
    "/pod/eviction",
    "/deployment/scale",
    "/thing/scale",
    "/n/finalize",
    "/thing/status",
    "/things.example.com/status",
    "/..",
    "/%2e%2e%2f%00",
    "/pod/exec",
    "/%ff",
];

const ELSEWHERE: [&str; 12] = [
    "/",
    "/api",
    "/apis/",
    "/api/v1",
    "/apis/example.com",
    "/apis/example.com/v1",
    "/openapi/v3",
    "/openapi/v3/apis/x/y",
    "/api/v1/watch/pods",
    "/version",
    "//",
    "/apis/////",
];

const QUERIES: [&str; 16] = [
    "",
    "",
    "limit=1",
    "limit=x",
    "watch=1&timeoutSeconds=1",
    "watch&resourceVersion=99999",
    "watch&resourceVersion=-1",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mjk1LCJzdGFydCI6Ii9vbmVcdTAwMDAifQ",
    "continue=%00",
    "labelSelector=a%20in%20(",
    "fieldSelector=%5C",
    "dryRun=All",
    "resourceVersion=5&resourceVersionMatch=Exact",
    "fieldManager=%0a",
    "%ff=%ff&&&=",
    "propagationPolicy=Foreground&gracePeriodSeconds=-9223372036854775808",
];

const TYPES: [&str; 8] = [
    "application/json",
    "application/yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "text/x",
];

const ACCEPTS: [&str; 6] = [
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/yaml",
    "*/*;q=NaN",
    "text/html",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let text = |value: Value| value.to_string().into_bytes();
    prop_oneof![
        6 => spoiled().prop_map(move |spoiled| text(object(&spoiled).1)),
        1 => Just(Vec::new()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"[]".to_vec()),
        1 => Just(b"\"x\"".to_vec()),
        1 => Just(b"5".to_vec()),
        1 => prop_oneof![
            Just(json!([{"op": "add", "path": "/spec", "value": "x"}])),
            Just(json!([{"op": "replace", "path": "", "value": []}])),
            Just(json!([{"op": "copy", "from": "", "path": "/metadata/labels"}])),
            Just(json!([{"op": "remove", "path": "/metadata"}])),
            Just(json!({"spec": [], "status": 5})),
            Just(json!({"metadata": null})),
            Just(json!({"metadata": {"labels": {"a": 1}, "finalizers": "x"}})),
        ].prop_map(text),
        1 => "k8s\0[\0-\u{7f}]{0,20}".prop_map(String::into_bytes),
    ]
}

#[derive(Debug)]
struct Shot {
    method: &'static str,
    uri: String,
    content_type: &'static str,
    accept: &'static str,
    body: Vec<u8>,
}

fn shot() -> impl Strategy<Value = Shot> {
    let collections: Vec<&'static str> = sound().into_iter().map(|(path, _)| path).collect();
    let path = prop_oneof![
        9 => (proptest::sample::select(collections), proptest::sample::select(&TAILS[..])).prop_map(|(path, tail)| format!("{path}{tail}")),
        1 => proptest::sample::select(&ELSEWHERE[..]).prop_map(str::to_owned),
    ];
    let words = (
        proptest::sample::select(&METHODS[..]),
        proptest::sample::select(&QUERIES[..]),
        proptest::sample::select(&TYPES[..]),
        proptest::sample::select(&ACCEPTS[..]),
    );
    (words, path, body()).prop_map(|((method, query, content_type, accept), path, body)| Shot {
        method,
        uri: format!("{path}?{query}"),
        content_type,
        accept,
        body,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Every request is answered; every error is a `Status` that says the code of the answer.
    #[test]
    fn errors_are_statuses_and_nothing_panics(shots in proptest::collection::vec(shot(), 1..24)) {
        let server = server();
        let router = Router::new(server.clone());
        for (path, value) in sound() {
            let request = Request::post(path).body(Bytes::from(value.to_string())).expect("a request");
            router.handle(request);
        }
        for shot in shots {
            let request = Request::builder().method(shot.method).uri(&shot.uri);
            let request = request.header("content-type", shot.content_type).header("accept", shot.accept);
            let response = router.handle(request.body(Bytes::from(shot.body.clone())).expect("a request"));
            let json = response.headers()["content-type"] == "application/json";
            let (status, bytes) = answered(response);
            if status.is_success() {
                continue;
            }
            let bytes = bytes.expect("an error is known at once");
            if !json {
                // Only the pages of a server that has nothing there, or nobody who answers.
                prop_assert!(bytes == "404 page not found\n", "{shot:?}: {bytes:?}");
                continue;
            }
            let said: Value = serde_json::from_slice(&bytes).expect("JSON");
            prop_assert_eq!(&said["kind"], "Status", "{:?}", shot);
            prop_assert_eq!(&said["code"], status.as_u16(), "{:?}", shot);
            prop_assert!(said["message"].as_str().is_some_and(|message| !message.is_empty()), "{shot:?}");
            // A real server answers these two as failures of its own.
            let own = shot.uri.contains("/binding") || said["message"].as_str().is_some_and(|m| m.contains("resourceVersion should not"));
            prop_assert!(status.as_u16() != 500 || own, "{shot:?}: {said}");
        }
        let (status, _) = answered(router.handle(Request::get("/api/v1/namespaces").body(Bytes::new()).expect("a request")));
        prop_assert_eq!(status, 200);
    }
}
