//! Resource quotas: what is counted when an object is written, and what does not fit.

use kubesim::{ApiServer, Object, Patch, Status, Target, WriteOptions};
use serde_json::{Value, json};

use super::{create, server};

fn at(plural: &str) -> Target {
    Target::new("", "v1", plural).in_namespace("default")
}

/// A server with a quota whose controller has counted: `used` is in use of `hard`.
fn limited(spec: Value, used: Value) -> ApiServer {
    let server = server();
    let hard = spec["hard"].clone();
    create(&server, &at("resourcequotas"), json!({"metadata": {"name": "q"}, "spec": spec})).expect("a quota");
    let mut target = at("resourcequotas").named("q");
    target.subresource = Some("status".to_owned());
    let status = Patch::Merge(json!({"status": {"hard": hard, "used": used}}));
    server.patch(&target, &status, &WriteOptions::default()).expect("a status");
    server
}

fn used(server: &ApiServer) -> Value {
    server.get(&at("resourcequotas").named("q")).expect("the quota").value()["status"]["used"].clone()
}

fn message(result: Result<Object, Status>) -> String {
    let status = result.expect_err("a refusal");
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    status.message
}

fn map(server: &ApiServer, name: &str) -> Result<Object, Status> {
    create(server, &at("configmaps"), json!({"metadata": {"name": name}}))
}

fn pod(name: &str, resources: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "c", "resources": resources}]}})
}

#[test]
fn objects_are_counted_and_one_too_many_is_refused() {
    let hard = json!({"configmaps": "2", "count/configmaps": "9"});
    let server = limited(json!({"hard": hard}), json!({"configmaps": "1", "count/configmaps": "1"}));
    map(&server, "one").expect("a config map");
    assert_eq!(used(&server), json!({"configmaps": "2", "count/configmaps": "2"}));
    assert_eq!(
        message(map(&server, "two")),
        "configmaps \"two\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, \
         limited: configmaps=2"
    );
    let quota = server.get(&at("resourcequotas").named("q")).expect("the quota");
    let managers: Vec<_> = quota.value()["metadata"]["managedFields"].as_array().expect("managers").clone();
    let server = managers.iter().find(|entry| entry["manager"] == "kube-apiserver").expect("the server's entry");
    assert_eq!((&server["subresource"], &server["operation"]), (&json!("status"), &json!("Update")));
}

#[test]
fn a_quota_that_nobody_has_counted_limits_nothing_and_half_counted_lets_nothing_in() {
    let server = server();
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "0"}}});
    create(&server, &at("resourcequotas"), quota).expect("a quota");
    map(&server, "one").expect("a config map");

    let server = limited(json!({"hard": {"configmaps": "5"}}), json!({}));
    assert_eq!(
        message(map(&server, "one")),
        "configmaps \"one\" is forbidden: status unknown for quota: q, resources: configmaps"
    );
}

#[test]
fn a_dry_run_is_checked_and_not_counted() {
    let server = limited(json!({"hard": {"configmaps": "1"}}), json!({"configmaps": "0"}));
    let options = WriteOptions { dry_run: true, ..WriteOptions::default() };
    let body = json!({"metadata": {"name": "one"}});
    server.create(&at("configmaps"), body.clone(), &options).expect("a config map, as if");
    assert_eq!(used(&server), json!({"configmaps": "0"}));
    map(&server, "one").expect("a config map");
    message(server.create(&at("configmaps"), json!({"metadata": {"name": "two"}}), &options));
}

#[test]
fn pods_say_what_is_limited() {
    let hard = json!({"requests.cpu": "1", "limits.memory": "1Gi", "pods": "9"});
    let server = limited(json!({"hard": hard}), json!({"requests.cpu": "0", "limits.memory": "0", "pods": "0"}));
    assert_eq!(
        message(create(&server, &at("pods"), pod("p", json!({})))),
        "pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c"
    );
    let some = |cpu: &str| json!({"requests": {"cpu": cpu}, "limits": {"memory": "512Mi"}});
    create(&server, &at("pods"), pod("p", some("600m"))).expect("a pod");
    assert_eq!(used(&server), json!({"requests.cpu": "600m", "limits.memory": "512Mi", "pods": "1"}));
    assert_eq!(
        message(create(&server, &at("pods"), pod("other", some("500m")))),
        "pods \"other\" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, \
         limited: requests.cpu=1"
    );
}

#[test]
fn scopes_say_which_pods_are_meant() {
    let counted = |scopes: Value, pod: Value| {
        let mut spec = scopes;
        spec["hard"] = json!({"pods": "5"});
        let server = limited(spec, json!({"pods": "0"}));
        create(&server, &at("pods"), pod).expect("a pod");
        used(&server)["pods"] == "1"
    };
    let best = pod("p", json!({}));
    let better = pod("p", json!({"requests": {"cpu": "1"}}));
    let mut ends = best.clone();
    ends["spec"]["activeDeadlineSeconds"] = 5.into();
    let mut critical = best.clone();
    critical["spec"]["priorityClassName"] = "system-node-critical".into();
    assert!(counted(json!({"scopes": ["BestEffort"]}), best.clone()));
    assert!(!counted(json!({"scopes": ["BestEffort"]}), better.clone()));
    assert!(counted(json!({"scopes": ["NotBestEffort"]}), better));
    assert!(counted(json!({"scopes": ["Terminating"]}), ends.clone()));
    assert!(!counted(json!({"scopes": ["NotTerminating"]}), ends));
    let of_class = |operator: &str, values: Value| {
        let expression = json!({"scopeName": "PriorityClass", "operator": operator, "values": values});
        json!({"scopeSelector": {"matchExpressions": [expression]}})
    };
    assert!(counted(of_class("In", json!(["system-node-critical"])), critical.clone()));
    assert!(!counted(of_class("NotIn", json!(["system-node-critical"])), critical));
    assert!(!counted(of_class("Exists", Value::Null), best));
}

#[test]
fn services_are_counted_by_what_they_take() {
    let hard = json!({"services": "5", "services.nodeports": "3", "services.loadbalancers": "1"});
    let none = json!({"services": "0", "services.nodeports": "0", "services.loadbalancers": "0"});
    let server = limited(json!({"hard": hard}), none);
    let service = |name: &str, kind: &str| {
        let spec = json!({"type": kind, "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]});
        create(&server, &at("services"), json!({"metadata": {"name": name}, "spec": spec}))
    };
    service("one", "LoadBalancer").expect("a service");
    assert_eq!(used(&server), json!({"services": "1", "services.nodeports": "2", "services.loadbalancers": "1"}));
    assert_eq!(
        message(service("two", "LoadBalancer")),
        "services \"two\" is forbidden: exceeded quota: q, requested: services.loadbalancers=1,services.nodeports=2, \
         used: services.loadbalancers=1,services.nodeports=2, limited: services.loadbalancers=1,services.nodeports=3"
    );
    service("two", "ClusterIP").expect("a service");
    let target = at("services").named("two");
    let patch = Patch::Merge(json!({"spec": {"type": "NodePort"}}));
    let refused = server.patch(&target, &patch, &WriteOptions::default());
    assert!(message(refused).contains("requested: services.nodeports=2"));
}

#[test]
fn claims_are_counted_by_class() {
    let class = "fast.storageclass.storage.k8s.io";
    let (storage, count) = (format!("{class}/requests.storage"), format!("{class}/persistentvolumeclaims"));
    let hard = json!({"requests.storage": "9Gi", &storage: "2Gi", &count: "5"});
    let server = limited(json!({"hard": hard}), json!({"requests.storage": "0", &storage: "0", &count: "0"}));
    let claim = |name: &str, class: &str, size: &str| {
        let resources = json!({"requests": {"storage": size}});
        let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": resources});
        create(&server, &at("persistentvolumeclaims"), json!({"metadata": {"name": name}, "spec": spec}))
    };
    claim("one", "fast", "2Gi").expect("a claim");
    claim("two", "slow", "5Gi").expect("a claim");
    assert_eq!(used(&server), json!({"requests.storage": "7Gi", &storage: "2Gi", &count: "1"}));
    assert_eq!(
        message(claim("three", "fast", "1Gi")),
        format!(
            "persistentvolumeclaims \"three\" is forbidden: exceeded quota: q, requested: {storage}=1Gi, \
             used: {storage}=2Gi, limited: {storage}=2Gi"
        )
    );
}

#[test]
fn resources_of_groups_are_counted_under_their_full_name() {
    let server = limited(
        json!({"hard": {"count/roles.rbac.authorization.k8s.io": "0"}}),
        json!({
            "count/roles.rbac.authorization.k8s.io": "0",
        }),
    );
    let roles = Target::new("rbac.authorization.k8s.io", "v1", "roles").in_namespace("default");
    assert_eq!(
        message(create(&server, &roles, json!({"metadata": {"name": "r"}, "rules": []}))),
        "roles.rbac.authorization.k8s.io \"r\" is forbidden: exceeded quota: q, \
         requested: count/roles.rbac.authorization.k8s.io=1, used: count/roles.rbac.authorization.k8s.io=0, \
         limited: count/roles.rbac.authorization.k8s.io=0"
    );
}
