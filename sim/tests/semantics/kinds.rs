//! What is special to single kinds, and loading them.

use kubesim::{ApiServer, ListOptions, LoadError, Options, Patch, ResourceDef, Target, WriteOptions};
use serde_json::{Value, json};

use super::{create, names, refusal, server};

fn services() -> Target {
    Target::new("", "v1", "services").in_namespace("default")
}

fn service(server: &ApiServer, name: &str, spec: Value) -> Result<kubesim::Object, kubesim::Status> {
    create(server, &services(), json!({"metadata": {"name": name}, "spec": spec}))
}

#[test]
fn a_service_gets_addresses_of_its_own() {
    let server = server();
    let ports = json!([{"port": 80}]);
    let first = service(&server, "a", json!({"ports": ports})).expect("a service");
    let spec = &first.value()["spec"];
    assert_eq!(spec["clusterIPs"], json!([spec["clusterIP"]]));
    assert_eq!(spec["ports"], json!([{"port": 80, "protocol": "TCP", "targetPort": 80}]));
    let taken = service(&server, "b", json!({"clusterIP": spec["clusterIP"], "ports": ports}));
    assert!(taken.expect_err("taken").message.contains("provided IP is already allocated"));
    let outside = service(&server, "b", json!({"clusterIP": "8.8.8.8", "ports": ports}));
    assert!(outside.expect_err("out of range").message.contains("does not match the current range"));
    let headless = service(&server, "h", json!({"clusterIP": "None", "ports": ports})).expect("a service");
    assert_eq!(headless.value()["spec"]["clusterIPs"], json!(["None"]));

    let node = json!([{"port": 80, "nodePort": 30099}]);
    let node_port = service(&server, "n", json!({"type": "NodePort", "ports": node})).expect("a service");
    let refused = service(&server, "n2", json!({"type": "NodePort", "ports": node})).expect_err("taken");
    assert_eq!(
        refused.message,
        "Service \"n2\" is invalid: spec.ports[0].nodePort: Invalid value: 30099: provided port is already allocated"
    );
    // An update that leaves them out keeps them; a deletion frees them.
    let target = services().named("n");
    let body =
        json!({"metadata": {"name": "n", "labels": {"x": "y"}}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let updated = server.update(&target, body, &WriteOptions::default()).expect("an update");
    assert_eq!(updated.value()["spec"], node_port.value()["spec"]);
    let moved = Patch::Merge(json!({"spec": {"clusterIP": "10.96.0.77"}}));
    assert_eq!(refusal(server.patch(&target, &moved, &WriteOptions::default())).0, 422);
    server.delete(&target, &kubesim::DeleteOptions::default()).expect("a deletion");
    service(&server, "n2", json!({"type": "NodePort", "ports": node})).expect("free again");
}

#[test]
fn secrets_are_data() {
    let server = server();
    let secrets = Target::new("", "v1", "secrets").in_namespace("default");
    let made =
        create(&server, &secrets, json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}})).expect("a secret");
    assert_eq!((&made.value()["data"], &made.value()["type"]), (&json!({"a": "Yg=="}), &json!("Opaque")));
    assert!(made.value().get("stringData").is_none());
    let bad =
        create(&server, &secrets, json!({"metadata": {"name": "bad"}, "data": {"a": "%%%"}})).expect_err("not base64");
    assert_eq!(
        (bad.code, bad.message.as_str()),
        (400, "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 0")
    );
    assert!(!format!("{made:?}").contains("Yg"), "content stays out of debug output");
}

#[test]
fn a_job_belongs_to_its_uid() {
    let server = server();
    let jobs = Target::new("batch", "v1", "jobs").in_namespace("default");
    let body = json!({"metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    let made = create(&server, &jobs, body).expect("a job");
    assert_eq!(made.value()["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"], made.uid());
    let mut copy = made.value().clone();
    copy["metadata"] = json!({"name": "k"});
    assert_eq!(refusal(create(&server, &jobs, copy)).0, 422, "the labels are those of another job");
}

#[test]
fn a_pod_has_the_priority_of_its_class_and_keeps_its_containers() {
    let server = server();
    let pods = Target::new("", "v1", "pods").in_namespace("default");
    let body = json!({"metadata": {"name": "p"}, "spec": {"priorityClassName": "high", "containers": [{"name": "c", "image": "nginx"}]}});
    let classes = Target::new("scheduling.k8s.io", "v1", "priorityclasses");
    create(&server, &classes, json!({"metadata": {"name": "high"}, "value": 7})).expect("a class");
    let made = create(&server, &pods, body).expect("a pod");
    assert_eq!(
        (&made.value()["spec"]["priority"], &made.value()["status"]),
        (&json!(7), &json!({"phase": "Pending", "qosClass": "BestEffort"}))
    );
    let target = pods.named("p");
    let image = Patch::Json(json!([{"op": "replace", "path": "/spec/containers/0/image", "value": "nginx:2"}]));
    server.patch(&target, &image, &WriteOptions::default()).expect("an image");
    let command = Patch::Json(json!([{"op": "add", "path": "/spec/containers/0/command", "value": ["x"]}]));
    assert_eq!(refusal(server.patch(&target, &command, &WriteOptions::default())).0, 422);
}

#[test]
fn without_admission_objects_are_taken_as_they_are() {
    let server = ApiServer::new(Options { admission: false, ..Options::default() });
    let spec = json!({"clusterIP": "clusterIPValue", "type": "typeValue"});
    let body = json!({"metadata": {"name": "nameValue", "labels": {"a": "b"}}, "spec": spec});
    let made = create(&server, &services(), body.clone()).expect("a service");
    assert_eq!(made.value()["spec"], body["spec"]);
    assert_eq!(refusal(create(&server, &services(), body)).0, 409, "the machinery still holds");
}

#[test]
fn a_bare_cluster_is_there_on_demand() {
    let server = ApiServer::new(Options { bootstrap: true, ..Options::default() });
    let roles = Target::new("rbac.authorization.k8s.io", "v1", "clusterroles");
    assert_eq!(names(&server, &roles, &ListOptions::default()).len(), 69);
    let kubernetes = server.get(&services().named("kubernetes")).expect("the service of the server");
    assert_eq!(kubernetes.value()["spec"]["clusterIP"], "10.96.0.1");
    let taken = service(&server, "a", json!({"clusterIP": "10.96.0.1", "ports": [{"port": 1}]}));
    assert_eq!(refusal(taken).0, 422);
    let spaces = names(&super::server(), &super::namespaces(), &ListOptions::default());
    assert_eq!(spaces, ["default", "kube-node-lease", "kube-public", "kube-system"]);
}

#[test]
fn manifests_are_loaded_in_order_and_unknown_kinds_named() {
    let server = server();
    let loaded = server.load(vec![
        json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}},
        ]}),
        json!({"apiVersion": "x.example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "nosuch"}}),
    ]);
    assert_eq!(loaded.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true, false]);
    let error = loaded[2].as_ref().expect_err("unknown");
    assert!(matches!(error, LoadError::UnknownKind { kind, .. } if kind == "Thing"));
    assert!(error.to_string().contains("\"Thing\"") && error.to_string().contains("\"t\""));
}

#[test]
fn more_kinds_can_be_served() {
    let server = server();
    let bundles = ResourceDef::new("certificates.k8s.io", "v1", "clustertrustbundles", "ClusterTrustBundle", false);
    server.serve_resources(vec![bundles]);
    let target = Target::new("certificates.k8s.io", "v1", "clustertrustbundles");
    create(&server, &target, json!({"metadata": {"name": "example.com:signer:a"}})).expect("a bundle");
    let groups: Vec<_> = server.resources().iter().map(|def| def.group.clone()).collect();
    let mut together = groups.clone();
    together.dedup();
    together.sort();
    let count = together.len();
    together.dedup();
    assert_eq!(together.len(), count, "a group is never split");
}

#[test]
fn questions_are_answered_and_not_stored() {
    let server = server();
    let before = server.revision();
    let review = Target::new("authorization.k8s.io", "v1", "selfsubjectaccessreviews");
    let answer = create(&server, &review, json!({"spec": {"resourceAttributes": {"verb": "get"}}})).expect("an answer");
    assert_eq!(answer.value()["status"], json!({"allowed": true}));
    let accounts = Target::new("", "v1", "serviceaccounts").in_namespace("default");
    create(&server, &accounts, json!({"metadata": {"name": "a"}})).expect("an account");
    let token =
        create(&server, &accounts.named("a").sub("token"), json!({"spec": {"audiences": ["x"]}})).expect("a token");
    assert_eq!(token.value()["status"]["expirationTimestamp"], "2026-01-01T01:00:00Z");
    assert_eq!(server.revision(), before + 1);
}

#[test]
fn what_a_kind_is_does_not_change() {
    let server = server();
    let kinds = [
        ("", "v1", "secrets", true, json!({"type": "a"}), json!({"type": "b"})),
        ("scheduling.k8s.io", "v1", "priorityclasses", false, json!({"value": 1}), json!({"value": 2})),
        ("storage.k8s.io", "v1", "storageclasses", false, json!({"provisioner": "p"}), json!({"provisioner": "q"})),
        (
            "rbac.authorization.k8s.io",
            "v1",
            "rolebindings",
            true,
            json!({"roleRef": {"kind": "Role", "name": "a"}}),
            json!({"roleRef": {"name": "b"}}),
        ),
        (
            "",
            "v1",
            "persistentvolumeclaims",
            true,
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "v", "resources": {"requests": {"storage": "1Gi"}}}}),
            json!({"spec": {"volumeName": "w"}}),
        ),
    ];
    for (group, version, plural, namespaced, mut body, change) in kinds {
        let target = Target::new(group, version, plural);
        let target = if namespaced { target.in_namespace("default") } else { target };
        body["metadata"] = json!({"name": "a"});
        create(&server, &target, body).expect("an object");
        let target = target.named("a");
        let patch = |patch: Value| server.patch(&target, &Patch::Merge(patch), &WriteOptions::default());
        assert_eq!(refusal(patch(change)), (422, "Invalid".to_owned()), "{plural}");
        patch(json!({"metadata": {"labels": {"x": "y"}}})).expect("labels change");
    }
}

#[test]
fn thirty_thousand_objects_are_listed_in_pages() {
    const COUNT: usize = 30_000;
    let server = server();
    let target = Target::new("", "v1", "configmaps").in_namespace("default");
    for index in 0..COUNT {
        create(&server, &target, json!({"metadata": {"name": format!("c{index:05}")}})).expect("a config map");
    }
    let mut options = ListOptions { limit: Some(500), ..ListOptions::default() };
    let mut seen = 0;
    loop {
        let page = server.list(&target, &options).expect("a page");
        seen += page.items.len();
        let Some(token) = page.continue_token else { break };
        options.continue_token = Some(token);
    }
    assert_eq!(seen, COUNT);
}
