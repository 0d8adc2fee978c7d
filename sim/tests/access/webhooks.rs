//! Webhooks as functions: who is asked, in which order, and what becomes of their answers.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use kubesim::webhook::{Webhooks, allow, deny, patch, respond};
use kubesim::{
    ApiServer, DeleteOptions, FieldValidation, ListOptions, Object, Options, Patch, Status, Target, WriteOptions,
};
use serde_json::{Value, json};

use super::{ask, clock, config_maps, create, jane};

/// What has been asked, in order.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<Value>>>);

impl Asked {
    fn note(&self, review: &Value) {
        self.0.lock().expect("nobody panics").push(review.clone());
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics"))
    }

    fn last(&self) -> Value {
        self.take().pop().expect("something was asked")["request"].take()
    }
}

fn server(webhooks: Webhooks) -> ApiServer {
    ApiServer::new(Options { webhooks: Some(webhooks), clock: clock(), ..Options::default() })
}

/// A configuration of one webhook for everything in the core group, with these fields beside.
fn configure(server: &ApiServer, kind: &str, name: &str, more: &Value) -> Object {
    let mut hook = json!({
        "name": format!("{name}.example.com"), "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "clientConfig": {"service": {"namespace": "default", "name": name, "path": "/hook"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*/*"]}],
    });
    for (key, value) in more.as_object().expect("fields") {
        hook[key] = value.clone();
    }
    let resource = format!("{}webhookconfigurations", kind.to_lowercase());
    let target = Target::new("admissionregistration.k8s.io", "v1", &resource);
    create(server, &target, json!({"metadata": {"name": name}, "webhooks": [hook]}))
}

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
}

fn attempt(server: &ApiServer, name: &str) -> Result<Object, Status> {
    server.create(&config_maps(), map(name), &WriteOptions::default())
}

/// A webhook that notes and allows.
fn noting(asked: &Asked) -> impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static {
    let asked = asked.clone();
    move |review: &Value| {
        asked.note(review);
        Ok(allow(review))
    }
}

#[test]
fn configurations_are_only_stored_unless_it_is_asked_for() {
    let open = ApiServer::new(Options::default());
    configure(&open, "Validating", "v", &json!({}));
    assert!(attempt(&open, "one").is_ok());
    let strict = server(Webhooks::new());
    configure(&strict, "Validating", "v", &json!({}));
    let refused = attempt(&strict, "one").expect_err("nobody answers");
    assert_eq!((refused.code, refused.reason.as_str()), (500, "InternalError"));
    let why = "failed calling webhook \"v.example.com\": failed to call webhook: Post \
               \"https://v.default.svc:443/hook?timeout=10s\": service \"v\" not found";
    assert_eq!(refused.message, format!("Internal error occurred: {why}"));
    assert_eq!(refused.details, Some(json!({"causes": [{"message": why}]})));
}

#[test]
fn what_cannot_be_reached_is_ignored_where_that_is_the_policy() {
    let server = server(Webhooks::new().with_name("down.example.com", |_: &Value| Err("no route".to_owned())));
    configure(&server, "Mutating", "a", &json!({"failurePolicy": "Ignore"}));
    configure(&server, "Validating", "b", &json!({"failurePolicy": "Ignore"}));
    assert!(attempt(&server, "one").is_ok());
    configure(&server, "Mutating", "down", &json!({}));
    assert_eq!(
        attempt(&server, "two").expect_err("it is down").message,
        "Internal error occurred: failed calling webhook \"down.example.com\": failed to call webhook: no route"
    );
    let url = json!({"clientConfig": {"url": "https://hooks.example.com/x"}, "timeoutSeconds": 3});
    configure(&server, "Mutating", "away", &url);
    assert!(attempt(&server, "two").expect_err("it is away").message.ends_with(
        "Post \"https://hooks.example.com/x?timeout=3s\": dial tcp: lookup hooks.example.com: no such host"
    ));
}

#[test]
fn a_review_tells_the_whole_request() {
    let asked = Asked::default();
    let server = server(Webhooks::new().with_service("default", "v", "/hook", noting(&asked)));
    configure(&server, "Validating", "v", &json!({}));
    let janes = server.acting_as(jane());
    let options = WriteOptions {
        field_manager: Some("t".to_owned()),
        field_validation: FieldValidation::Strict,
        ..WriteOptions::default()
    };
    janes.create(&config_maps(), map("one"), &options).expect("it is created");
    let review = asked.take().pop().expect("a review");
    assert_eq!((&review["apiVersion"], &review["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
    let request = &review["request"];
    let kind = json!({"group": "", "version": "v1", "kind": "ConfigMap"});
    let resource = json!({"group": "", "version": "v1", "resource": "configmaps"});
    assert_eq!([&request["kind"], &request["requestKind"]], [&kind, &kind]);
    assert_eq!([&request["resource"], &request["requestResource"]], [&resource, &resource]);
    assert_eq!(
        [&request["operation"], &request["name"], &request["namespace"], &request["dryRun"], &request["oldObject"]],
        [&json!("CREATE"), &json!("one"), &json!("default"), &json!(false), &Value::Null]
    );
    assert_eq!(request["userInfo"], json!({"username": "jane", "groups": ["devs", "system:authenticated"]}));
    assert_eq!(
        request["options"],
        json!({
            "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "t", "fieldValidation": "Strict",
        })
    );
    assert_eq!(request["object"]["data"], json!({"a": "b"}));
    assert!(request["object"]["metadata"]["uid"].is_string(), "what is validated is as it will be stored");
    let first = request["uid"].as_str().expect("a uid").to_owned();
    assert_eq!(first.len(), 36);

    let one = config_maps().named("one");
    let change = Patch::Merge(json!({"data": {"a": "c"}}));
    server.patch(&one, &change, &WriteOptions::default()).expect("it is patched");
    let request = asked.last();
    assert_eq!([&request["operation"], &request["options"]["kind"]], [&json!("UPDATE"), &json!("UpdateOptions")]);
    assert_eq!([&request["oldObject"]["data"]["a"], &request["object"]["data"]["a"]], [&json!("b"), &json!("c")]);
    assert_ne!(request["uid"], first);

    let deletion = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    server.delete(&one, &deletion).expect("it is deleted");
    let request = asked.last();
    assert_eq!([&request["operation"], &request["object"]], [&json!("DELETE"), &Value::Null]);
    assert_eq!(request["oldObject"]["data"]["a"], "c");
    assert_eq!(
        request["options"],
        json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 0})
    );
}

#[test]
fn parts_questions_and_connections_are_asked_about() {
    let asked = Asked::default();
    let server = server(Webhooks::new().with_name("v.example.com", noting(&asked)));
    let rules = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]);
    configure(&server, "Validating", "v", &json!({ "rules": rules }));
    let deployments = Target::new("apps", "v1", "deployments").in_namespace("default");
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template});
    create(&server, &deployments, json!({"metadata": {"name": "web"}, "spec": spec}));
    asked.take();
    let scale = deployments.clone().named("web").sub("scale");
    server.patch(&scale, &Patch::Merge(json!({"spec": {"replicas": 3}})), &WriteOptions::default()).expect("a scale");
    let request = asked.last();
    assert_eq!(request["kind"], json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}));
    assert_eq!([&request["subResource"], &request["requestSubResource"]], [&json!("scale"), &json!("scale")]);
    assert_eq!(
        [&request["oldObject"]["spec"], &request["object"]["spec"]],
        [&json!({"replicas": 1}), &json!({"replicas": 3})]
    );
    let accounts = Target::new("", "v1", "serviceaccounts").in_namespace("default");
    create(&server, &accounts, json!({"metadata": {"name": "web"}}));
    create(&server, &accounts.named("web").sub("token"), json!({"spec": {}}));
    assert_eq!(asked.last()["kind"]["kind"], "TokenRequest");
    let reviews = Target::new("authorization.k8s.io", "v1", "selfsubjectaccessreviews");
    create(&server, &reviews, json!({"spec": {"nonResourceAttributes": {"verb": "get", "path": "/"}}}));
    assert_eq!(asked.last()["resource"]["resource"], "selfsubjectaccessreviews");
    ask(&server, "GET", "/api/v1/namespaces/default/pods/p/exec?command=ls&command=-l&stdin=1", &[], None);
    let request = asked.last();
    assert_eq!([&request["operation"], &request["name"]], [&json!("CONNECT"), &json!("p")]);
    assert_eq!(
        request["object"],
        json!({"kind": "PodExecOptions", "apiVersion": "v1", "command": ["ls", "-l"], "stdin": true})
    );
    configure(&server, "Mutating", "m", &json!({"failurePolicy": "Ignore"}));
    assert!(asked.take().is_empty(), "nobody is asked about configurations");
}

#[test]
fn refusals_and_warnings_reach_the_client() {
    let hook = |review: &Value| {
        let answer = match review["request"]["name"].as_str() {
            Some("teapot") => deny(review, 418, "not here"),
            Some("success") => respond(review, json!({"allowed": false, "status": {"code": 200, "reason": "Because"}})),
            Some("silent") => respond(review, json!({"allowed": false, "warnings": ["careful"]})),
            _ => respond(review, json!({"allowed": true, "warnings": ["careful"]})),
        };
        Ok(answer)
    };
    let server = server(Webhooks::new().with_url("https://example.com/v", hook));
    configure(&server, "Validating", "v", &json!({"clientConfig": {"url": "https://example.com/v"}}));
    let refused = |name: &str| {
        let status = attempt(&server, name).expect_err("a refusal");
        (status.code, status.reason, status.message)
    };
    let denied = |why: &str| format!("admission webhook \"v.example.com\" denied the request{why}");
    assert_eq!(refused("teapot"), (418, String::new(), denied(": not here")));
    assert_eq!(refused("success"), (400, "Because".to_owned(), denied(": Because")));
    assert_eq!(refused("silent"), (400, String::new(), denied(" without explanation")));
    let uri = "/api/v1/namespaces/default/configmaps";
    let written = ask(&server, "POST", uri, &[], Some(map("silent")));
    assert_eq!((written.code, written.warnings.as_slice()), (400, &["299 - \"careful\"".to_owned()][..]));
    let written = ask(&server, "POST", uri, &[], Some(map("one")));
    assert_eq!((written.code, written.warnings.as_slice()), (201, &["299 - \"careful\"".to_owned()][..]));
    let deleted = ask(&server, "DELETE", &format!("{uri}/one"), &[], None);
    assert_eq!((deleted.code, deleted.warnings.len()), (200, 1));
}

#[test]
fn answers_have_to_fit() {
    let answer = Arc::new(Mutex::new(Value::Null));
    let given = Arc::clone(&answer);
    let hook = move |review: &Value| {
        let mut value = given.lock().expect("nobody panics").clone();
        if value["response"]["uid"] == "right" {
            value["response"]["uid"] = review["request"]["uid"].clone();
        }
        Ok(value)
    };
    let server = server(Webhooks::new().with_name("m.example.com", hook));
    configure(&server, "Mutating", "m", &json!({}));
    let refused = |value: Value| {
        *answer.lock().expect("nobody panics") = value;
        let message = attempt(&server, "one").expect_err("it does not fit").message;
        let start = "Internal error occurred: failed calling webhook \"m.example.com\": ";
        message.strip_prefix(start).map(str::to_owned).unwrap_or(message)
    };
    let review =
        |response: Value| json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    assert_eq!(refused(json!({})), "received invalid webhook response: webhook response was absent");
    assert!(refused(review(json!({"uid": "x"}))).ends_with(", got \"x\""));
    assert_eq!(
        refused(review(json!({"uid": "right", "allowed": true, "patch": "W10="}))),
        "received invalid webhook response: webhook returned response.patch but not response.patchType"
    );
    let patch =
        |patch: &str| review(json!({"uid": "right", "allowed": true, "patchType": "JSONPatch", "patch": patch}));
    assert!(refused(patch("e30x")).starts_with("received undecodable patch in webhook response: "));
    let test = base64::engine::general_purpose::STANDARD.encode(r#"[{"op": "test", "path": "/data/a", "value": "x"}]"#);
    assert!(refused(patch(&test)).starts_with("Internal error occurred: "));
}

#[test]
fn objects_are_changed_one_after_the_other() {
    let label = |name: &'static str| {
        move |review: &Value| {
            let object = &review["request"]["object"];
            let seen = object["metadata"]["labels"]["seen"].as_str().unwrap_or_default();
            let labels = json!({"seen": format!("{seen}{name}")});
            Ok(patch(review, &json!([{"op": "add", "path": "/metadata/labels", "value": labels}])))
        }
    };
    let webhooks = Webhooks::new().with_name("b.example.com", label("b")).with_name("a.example.com", label("a"));
    let server = server(webhooks);
    configure(&server, "Mutating", "b", &json!({}));
    configure(&server, "Mutating", "a", &json!({"reinvocationPolicy": "IfNeeded"}));
    let made = attempt(&server, "one").expect("it is created");
    assert_eq!(made.labels().expect("labels")["seen"], "aba", "by name, and a again since b changed something");
    let change = Patch::Merge(json!({"data": {"a": "c"}}));
    let changed = server.patch(&config_maps().named("one"), &change, &WriteOptions::default()).expect("it is patched");
    assert_eq!(changed.labels().expect("labels")["seen"], "abaaba");
    let generated = json!({"metadata": {"generateName": "g-"}});
    let made = create(&server, &config_maps(), generated);
    assert!(made.name().starts_with("g-") && made.name().len() == 7);
}

#[test]
fn a_patch_is_read_as_a_body_is_and_then_validated() {
    let hook = |review: &Value| {
        let operations = match review["request"]["name"].as_str() {
            Some("unknown") => json!([{"op": "add", "path": "/nonsense", "value": 1}]),
            Some("wrong") => json!([{"op": "replace", "path": "/data", "value": {"no spaces": "x"}}]),
            Some("odd") => json!([{"op": "replace", "path": "/data", "value": 7}]),
            _ => json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]),
        };
        Ok(patch(review, &operations))
    };
    let server = server(Webhooks::new().with_name("m.example.com", hook));
    let rules = json!([
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]},
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/scale"]},
    ]);
    configure(&server, "Mutating", "m", &json!({ "rules": rules }));
    let made = attempt(&server, "unknown").expect("it is created");
    assert_eq!(made.value().get("nonsense"), None);
    let refused = attempt(&server, "wrong").expect_err("a refusal");
    assert_eq!(refused.code, 422, "{refused}");
    assert_eq!(attempt(&server, "odd").expect_err("a refusal").code, 500);

    let deployments = Target::new("apps", "v1", "deployments").in_namespace("default");
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template});
    create(&server, &deployments, json!({"metadata": {"name": "web"}, "spec": spec}));
    let web = deployments.named("web");
    let change = Patch::Merge(json!({"spec": {"replicas": 3}}));
    server.patch(&web.clone().sub("scale"), &change, &WriteOptions::default()).expect("a scale");
    assert_eq!(server.get(&web).expect("it is there").value()["spec"]["replicas"], 5);
}

#[test]
fn selectors_scopes_and_versions_decide_who_is_asked() {
    let asked = Asked::default();
    let server = server(Webhooks::new().with_name("v.example.com", noting(&asked)));
    let namespaces = Target::new("", "v1", "namespaces");
    create(&server, &namespaces, json!({"metadata": {"name": "prod", "labels": {"env": "prod"}}}));
    let configurations = Target::new("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations");
    let rule = |resources: &[&str], scope: &str| json!([{"apiGroups": [""], "apiVersions": ["*"], "operations": ["*"], "resources": resources, "scope": scope}]);
    let with = |more: Value| {
        let named = configurations.clone().named("v");
        server.delete(&named, &DeleteOptions::default()).ok();
        configure(&server, "Validating", "v", &more);
        asked.take();
    };
    let write = |namespace: &str, labels: Value| {
        let maps = Target::new("", "v1", "configmaps").in_namespace(namespace);
        create(&server, &maps, json!({"metadata": {"generateName": "m-", "labels": labels}}));
        asked.take().len()
    };
    with(json!({"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}}));
    assert_eq!((write("prod", json!({})), write("default", json!({}))), (1, 0));
    create(&server, &namespaces, json!({"metadata": {"name": "a", "labels": {"env": "prod"}}}));
    create(&server, &namespaces, json!({"metadata": {"name": "b"}}));
    assert_eq!(asked.take().len(), 1, "a namespace is in itself");
    with(json!({"objectSelector": {"matchLabels": {"watched": "yes"}}}));
    assert_eq!((write("default", json!({"watched": "yes"})), write("default", json!({}))), (1, 0));
    with(json!({"rules": rule(&["*"], "Cluster")}));
    assert_eq!(write("default", json!({})), 0);
    create(&server, &namespaces, json!({"metadata": {"name": "c"}}));
    assert_eq!(asked.take().len(), 1);
    with(json!({"rules": rule(&["pods", "configmaps/status"], "*")}));
    assert_eq!(write("default", json!({})), 0);

    let other = |policy: &str| {
        let rules = json!([{"apiGroups": ["autoscaling"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}]);
        with(json!({"matchPolicy": policy, "rules": rules}));
        let scalers = Target::new("autoscaling", "v2", "horizontalpodautoscalers").in_namespace("default");
        let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let spec = json!({"scaleTargetRef": reference, "maxReplicas": 3});
        create(&server, &scalers, json!({"metadata": {"generateName": "s-"}, "spec": spec}));
        asked.take().pop()
    };
    assert_eq!(other("Exact"), None);
    let review = other("Equivalent").expect("a review");
    let request = &review["request"];
    assert_eq!([&request["kind"]["version"], &request["requestKind"]["version"]], [&json!("v1"), &json!("v2")]);
    assert_eq!(request["object"]["apiVersion"], "autoscaling/v1");
}

#[test]
fn a_dry_run_asks_only_those_without_side_effects() {
    let asked = Asked::default();
    let server = server(Webhooks::new().with_name("v.example.com", noting(&asked)));
    configure(&server, "Validating", "v", &json!({"sideEffects": "NoneOnDryRun"}));
    let dry = WriteOptions { dry_run: true, ..WriteOptions::default() };
    server.create(&config_maps(), map("one"), &dry).expect("it would be created");
    let request = asked.last();
    assert_eq!([&request["dryRun"], &request["options"]["dryRun"]], [&json!(true), &json!(["All"])]);
    let configurations = Target::new("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations");
    let change = Patch::Json(json!([{"op": "add", "path": "/webhooks/0/sideEffects", "value": "Some"}]));
    let bare = ApiServer::new(Options { admission: false, webhooks: Some(Webhooks::new()), ..Options::default() });
    configure(&bare, "Validating", "v", &json!({}));
    bare.patch(&configurations.named("v"), &change, &WriteOptions::default()).expect("it is patched");
    let refused = bare.create(&config_maps(), map("one"), &dry).expect_err("a refusal");
    let message = "admission webhook \"v.example.com\" does not support dry run";
    assert_eq!((refused.code, refused.message.as_str()), (400, message));
}

#[test]
fn a_collection_is_deleted_as_far_as_webhooks_agree() {
    let hook = |review: &Value| {
        assert_eq!(review["request"].get("name"), None);
        let kept = review["request"]["oldObject"]["metadata"]["name"] == "two";
        Ok(if kept { deny(review, 403, "it stays") } else { allow(review) })
    };
    let server = server(Webhooks::new().with_name("v.example.com", hook));
    for name in ["one", "two", "three"] {
        create(&server, &config_maps(), map(name));
    }
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"]}]);
    configure(&server, "Validating", "v", &json!({ "rules": rules }));
    let deleted = server.delete_collection(&config_maps(), &ListOptions::default(), &DeleteOptions::default());
    assert_eq!(deleted.expect_err("a refusal").code, 403);
    let left = server.list(&config_maps(), &ListOptions::default()).expect("a list");
    let names: Vec<_> = left.items.iter().map(Object::name).collect();
    assert_eq!(names, ["two"]);
}
