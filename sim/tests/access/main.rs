//! Who asks, what they may do, and who is asked before a write: identities, RBAC and webhooks.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use kubesim::http::Router;
use kubesim::{ApiServer, Authorization, Clock, Object, Options, Target, UserInfo, WriteOptions};
use serde_json::{Value, json};

mod identity;
mod rbac;
mod reviews;
mod webhooks;

/// A server with the objects of a fresh cluster, RBAC, and a token `jane` of jane in the group devs.
fn guarded() -> ApiServer {
    ApiServer::new(Options {
        bootstrap: true,
        authorization: Authorization::Rbac,
        tokens: BTreeMap::from([("janes-token".to_owned(), jane())]),
        clock: clock(),
        ..Options::default()
    })
}

fn clock() -> Clock {
    Clock::manual("2026-01-01T00:00:00Z".parse().expect("a time"))
}

fn jane() -> UserInfo {
    UserInfo::new("jane").in_group("devs")
}

/// What a request over HTTP answers: the code, the warnings and the body.
struct Answer {
    code: u16,
    warnings: Vec<String>,
    body: Value,
}

impl Answer {
    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// One request; the headers are pairs.
fn ask(server: &ApiServer, method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let request = request.header("content-type", "application/json").body(bytes).expect("a request");
    let response = Router::new(server.clone()).handle(request);
    let code = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.map(|value| value.to_str().expect("text").to_owned()).collect();
    let bytes = response.into_body().into_bytes().unwrap_or_default();
    Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

fn get(server: &ApiServer, uri: &str, headers: &[(&str, &str)]) -> Answer {
    ask(server, "GET", uri, headers, None)
}

fn rbac(kind: &str) -> Target {
    Target::new("rbac.authorization.k8s.io", "v1", kind)
}

fn create(server: &ApiServer, target: &Target, object: Value) -> Object {
    server.create(target, object, &WriteOptions::default()).expect("it is created")
}

/// A role in `default` with these rules, given to the subject.
fn give(server: &ApiServer, name: &str, rules: Value, subject: Value) {
    let roles = rbac("roles").in_namespace("default");
    create(server, &roles, json!({"metadata": {"name": name}, "rules": rules}));
    let binding = json!({
        "metadata": {"name": name}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
    });
    create(server, &rbac("rolebindings").in_namespace("default"), binding);
}

/// A cluster role with these rules, given to the subject.
fn give_everywhere(server: &ApiServer, name: &str, rules: Value, subject: Value) {
    create(server, &rbac("clusterroles"), json!({"metadata": {"name": name}, "rules": rules}));
    let binding = json!({
        "metadata": {"name": name}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
    });
    create(server, &rbac("clusterrolebindings"), binding);
}

fn user(name: &str) -> Value {
    json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

fn group(name: &str) -> Value {
    json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name})
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": groups, "resources": resources, "verbs": verbs})
}

fn config_maps() -> Target {
    Target::new("", "v1", "configmaps").in_namespace("default")
}
