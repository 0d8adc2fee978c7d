//! Discovery of a bare server is that of the recorded kube-apiserver 1.36, in both forms.

use bytes::Bytes;
use http::Request;
use kubesim::http::Router;
use kubesim::{ApiServer, Options};
use serde_json::Value;

fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read(&path).expect("the recorded answer is there");
    serde_json::from_slice(&text).expect("JSON")
}

fn answered(path: &str, accept: &str) -> Value {
    let router = Router::new(ApiServer::new(Options::default()));
    let request = Request::get(path).header("accept", accept).body(Bytes::new()).expect("a request");
    let body = router.handle(request).into_body().into_bytes().expect("a whole body");
    serde_json::from_slice(&body).expect("JSON")
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

#[test]
fn the_aggregated_form() {
    for (path, file) in [("/api", "discovery-api.json"), ("/apis", "discovery-apis.json")] {
        let (mut answered, mut recorded) = (answered(path, AGGREGATED), recorded(file));
        let (items, wanted) = (answered["items"].take(), recorded["items"].take());
        let (items, wanted) = (items.as_array().expect("items"), wanted.as_array().expect("items"));
        assert_eq!(answered, recorded);
        for (item, wanted) in items.iter().zip(wanted) {
            assert_eq!(item, wanted, "{path}");
        }
        assert_eq!(items.len(), wanted.len(), "{path}");
    }
}

#[test]
fn the_plain_form() {
    let Value::Object(lists) = recorded("resource-lists.json") else {
        panic!("lists by path");
    };
    for (path, list) in lists {
        assert_eq!(answered(&path, "application/json"), list, "{path}");
    }
    let groups = answered("/apis", "application/json");
    let order: Vec<&str> =
        groups["groups"].as_array().expect("groups").iter().filter_map(|group| group["name"].as_str()).collect();
    let aggregated = recorded("discovery-apis.json");
    let wanted: Vec<&str> = aggregated["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect();
    assert_eq!(order, wanted);
    let autoscaling = answered("/apis/autoscaling", "application/json");
    assert_eq!(autoscaling["preferredVersion"]["groupVersion"], "autoscaling/v2");
}
