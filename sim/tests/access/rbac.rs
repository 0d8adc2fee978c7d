//! What roles and bindings allow.

use kubesim::{
    ApiServer, DeleteOptions, Deleted, ListOptions, Patch, Status, Target, UserInfo, WatchOptions, WriteOptions,
};
use serde_json::{Value, json};

use super::{config_maps, create, get, give, give_everywhere, group, guarded, jane, rbac, rule, user};

const ALL: &[&str] = &["*"];

fn forbidden<T>(result: Result<T, Status>) -> String {
    let status = result.err().expect("a refusal");
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    status.message
}

fn put(server: &ApiServer, target: &Target, object: Value) -> Result<(), Status> {
    server.create(target, object, &WriteOptions::default()).map(drop)
}

#[test]
fn every_verb_needs_a_rule() {
    let server = guarded();
    let janes = server.acting_as(jane());
    let maps = config_maps();
    create(&server, &maps, json!({"metadata": {"name": "one"}}));
    let one = maps.clone().named("one");
    let write = WriteOptions { field_manager: Some("t".to_owned()), ..WriteOptions::default() };
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}});
    let every = |verb: &str, janes: &ApiServer| -> Option<Status> {
        match verb {
            "get" => janes.get(&one).err(),
            "list" => janes.list(&maps, &ListOptions::default()).err(),
            "watch" => janes.watch(&maps, &WatchOptions::default()).err(),
            "create" => janes.create(&maps, json!({"metadata": {"name": "two"}}), &write).err(),
            "update" => janes.update(&one, body.clone(), &write).err(),
            "patch" => janes.patch(&one, &Patch::Merge(json!({"data": {"c": "d"}})), &write).err(),
            "delete" => janes.delete(&one, &DeleteOptions::default()).err(),
            _ => janes.delete_collection(&maps, &ListOptions::default(), &DeleteOptions::default()).err(),
        }
    };
    for verb in ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] {
        let name = if ["get", "update", "patch", "delete"].contains(&verb) { " \"one\"" } else { "" };
        let refused = every(verb, &janes).expect("a refusal");
        assert_eq!(
            refused.message,
            format!(
                "configmaps{name} is forbidden: User \"jane\" cannot {verb} resource \"configmaps\" in API group \"\" in \
                 the namespace \"default\""
            )
        );
        assert_eq!(refused.code, 403);
        give(&server, verb, json!([rule(&[""], &["configmaps"], &[verb])]), group("devs"));
        assert_eq!(every(verb, &janes), None, "{verb}");
    }
}

#[test]
fn rules_name_groups_resources_parts_and_names() {
    let server = guarded();
    let janes = server.acting_as(jane());
    let get = |group: &str, resource: &str, sub: Option<&str>, name: &str| {
        let target = Target { subresource: sub.map(str::to_owned), ..Target::new(group, "v1", resource) };
        janes.get(&target.in_namespace("default").named(name)).expect_err("nothing is there").code
    };
    give(
        &server,
        "r",
        json!([
            rule(&["apps"], &["deployments", "*/scale"], &["get"]),
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"], "resourceNames": ["s"]},
            rule(&["batch"], &["*"], ALL),
        ]),
        user("jane"),
    );
    assert_eq!(get("apps", "deployments", None, "a"), 404);
    assert_eq!(get("apps", "deployments", Some("status"), "a"), 403);
    assert_eq!(get("apps", "statefulsets", Some("scale"), "a"), 404);
    assert_eq!(get("apps", "statefulsets", None, "a"), 403);
    assert_eq!(get("", "secrets", None, "s"), 404);
    assert_eq!(get("", "secrets", None, "t"), 403);
    assert_eq!(get("batch", "jobs", Some("status"), "a"), 404);
    assert_eq!(get("nowhere", "things", None, "a"), 403, "what is not there is not told either");
    let secrets = Target::new("", "v1", "secrets").in_namespace("default");
    let one = ListOptions { field_selector: Some("metadata.name=s".to_owned()), ..ListOptions::default() };
    assert!(janes.list(&secrets, &one).is_ok());
    forbidden(janes.list(&secrets, &ListOptions::default()));
}

#[test]
fn bindings_hold_where_they_are() {
    let server = guarded();
    let janes = server.acting_as(jane());
    create(&server, &Target::new("", "v1", "namespaces"), json!({"metadata": {"name": "shop"}}));
    give(&server, "r", json!([rule(&[""], &["pods", "namespaces"], &["list", "get"])]), user("jane"));
    let pods = Target::new("", "v1", "pods");
    let list = |target: &Target| janes.list(target, &ListOptions::default()).map(drop);
    assert!(list(&pods.clone().in_namespace("default")).is_ok());
    forbidden(list(&pods.clone().in_namespace("shop")));
    assert_eq!(
        forbidden(list(&pods)),
        "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
    );
    let namespaces = Target::new("", "v1", "namespaces");
    assert!(janes.get(&namespaces.clone().named("default")).is_ok(), "it is asked within the namespace");
    forbidden(list(&namespaces));
    // A binding of a namespace may give a role of the cluster.
    let binding = json!({
        "metadata": {"name": "view"}, "subjects": [{"kind": "ServiceAccount", "name": "web"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    });
    create(&server, &rbac("rolebindings").in_namespace("shop"), binding);
    let web = server.acting_as(UserInfo::service_account("shop", "web"));
    assert!(web.list(&pods.clone().in_namespace("shop"), &ListOptions::default()).is_ok());
    forbidden(web.list(&pods, &ListOptions::default()));
}

#[test]
fn a_role_that_is_not_there_is_told() {
    let server = guarded();
    for name in ["gone", "lost"] {
        let binding = json!({
            "metadata": {"name": name}, "subjects": [user("jane")],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        });
        create(&server, &rbac("clusterrolebindings"), binding);
    }
    let refused = forbidden(server.acting_as(jane()).get(&config_maps().named("a")));
    assert!(
        refused.ends_with(
            "in the namespace \"default\": RBAC: [clusterrole.rbac.authorization.k8s.io \"gone\" not found, \
             clusterrole.rbac.authorization.k8s.io \"lost\" not found]"
        ),
        "{refused}"
    );
}

#[test]
fn paths_need_rules_too() {
    let server = guarded();
    let bearer = [("authorization", "Bearer janes-token")];
    assert_eq!(get(&server, "/apis", &bearer).code, 200, "discovery is for everybody known");
    assert_eq!(get(&server, "/openapi/v3", &bearer).code, 200);
    let anonymous = server.acting_as(UserInfo::anonymous());
    let refused = get(&anonymous, "/apis/apps/v1", &[]);
    assert_eq!(
        (refused.code, refused.message(), &refused.body["details"]),
        (403, "forbidden: User \"system:anonymous\" cannot get path \"/apis/apps/v1\"", &json!({}))
    );
    assert_eq!(get(&anonymous, "/nowhere", &[]).code, 403);
    give_everywhere(
        &server,
        "paths",
        json!([{"nonResourceURLs": ["/nowhere/*"], "verbs": ["get"]}]),
        group("system:unauthenticated"),
    );
    assert_eq!(get(&anonymous, "/nowhere/a", &[]).code, 404);
}

#[test]
fn requests_are_refused_before_anything_else_is_seen() {
    let server = guarded();
    let bearer = [("authorization", "Bearer janes-token")];
    let refused = get(&server, "/apis/nowhere.io/v1/namespaces/default/things?watch=true", &bearer);
    assert_eq!(
        refused.message(),
        "things.nowhere.io is forbidden: User \"jane\" cannot watch resource \"things\" in API group \"nowhere.io\" in \
         the namespace \"default\""
    );
    assert_eq!(refused.body["details"], json!({"group": "nowhere.io", "kind": "things"}));
    let exec = get(&server, "/api/v1/namespaces/default/pods/p/exec?command=ls", &bearer);
    assert_eq!(
        exec.message(),
        "pods \"p\" is forbidden: User \"jane\" cannot get resource \"pods/exec\" in API group \"\" in the namespace \
         \"default\""
    );
    give(&server, "read", json!([rule(&[""], &["pods/exec"], &["get"])]), user("jane"));
    let exec = get(&server, "/api/v1/namespaces/default/pods/p/exec?command=ls", &bearer);
    assert!(exec.message().contains("cannot create resource \"pods/exec\""), "{}", exec.message());
    give(&server, "exec", json!([rule(&[""], &["pods/exec"], &["create"])]), user("jane"));
    assert_eq!(get(&server, "/api/v1/namespaces/default/pods/p/exec?command=ls", &bearer).code, 404);
}

#[test]
fn a_create_by_an_update_needs_both_verbs() {
    let server = guarded();
    let janes = server.acting_as(jane());
    let maps = config_maps();
    let leases = Target::new("coordination.k8s.io", "v1", "leases").in_namespace("default").named("l");
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}});
    let write = WriteOptions { field_manager: Some("t".to_owned()), ..WriteOptions::default() };
    let rules = json!([rule(&["", "coordination.k8s.io"], &["leases", "configmaps"], &["update", "patch"])]);
    give(&server, "r", rules, user("jane"));
    assert_eq!(
        forbidden(janes.update(&leases, lease.clone(), &write)),
        "leases.coordination.k8s.io \"l\" is forbidden: User \"jane\" cannot create resource \"leases\" in API group \
         \"coordination.k8s.io\" in the namespace \"default\""
    );
    let applied = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}));
    let apply = |janes: &ApiServer| janes.patch(&maps.clone().named("one"), &applied, &write);
    assert!(forbidden(apply(&janes)).contains("cannot create resource \"configmaps\""));
    let rules = json!([rule(&["", "coordination.k8s.io"], &["leases", "configmaps"], &["create"])]);
    give(&server, "c", rules, user("jane"));
    assert!(janes.update(&leases, lease, &write).is_ok());
    assert!(apply(&janes).is_ok());
}

#[test]
fn nobody_gives_away_what_they_do_not_have() {
    let server = guarded();
    let janes = server.acting_as(jane());
    let roles = rbac("roles").in_namespace("default");
    give(
        &server,
        "r",
        json!([
            rule(&["rbac.authorization.k8s.io"], &["roles", "rolebindings"], &["create", "update", "get"]),
            rule(&[""], &["pods"], &["get"]),
        ]),
        user("jane"),
    );
    let role = |name: &str, rules: Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules});
    let more = json!([rule(&[""], &["pods", "secrets"], &["get", "list"])]);
    assert!(put(&janes, &roles, role("mine", json!([rule(&[""], &["pods"], &["get"])]))).is_ok());
    let message = "roles.rbac.authorization.k8s.io \"mine\" is forbidden: user \"jane\" (groups=[\"devs\" \
                   \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n\
                   {APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}\n\
                   {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}";
    let mine = roles.clone().named("mine");
    let update = |rules: &Value| janes.update(&mine, role("mine", rules.clone()), &WriteOptions::default());
    assert_eq!(forbidden(update(&more)), message);
    give(
        &server,
        "e",
        json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["escalate"], "resourceNames": ["mine"]}]),
        user("jane"),
    );
    assert!(update(&more).is_ok());

    let bindings = rbac("rolebindings").in_namespace("default");
    let binding = |role: &str| {
        json!({
            "metadata": {"generateName": "b-"}, "subjects": [user("joe")],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        })
    };
    assert!(put(&janes, &bindings, binding("r")).is_ok(), "she has what it gives");
    assert!(forbidden(put(&janes, &bindings, binding("mine"))).contains("attempting to grant RBAC permissions"));
    let absent = put(&janes, &bindings, binding("none")).expect_err("a refusal");
    assert_eq!(
        (absent.code, absent.message.as_str()),
        (404, "rolebindings.rbac.authorization.k8s.io \"none\" not found")
    );
    give(
        &server,
        "b",
        json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"], "resourceNames": ["mine", "none"]}]),
        user("jane"),
    );
    assert!(put(&janes, &bindings, binding("mine")).is_ok());
    assert!(put(&janes, &bindings, binding("none")).is_ok());
}

#[test]
fn an_aggregation_needs_everything() {
    let server = guarded();
    let rules = json!([rule(&["rbac.authorization.k8s.io"], &["clusterroles"], &["create"])]);
    give_everywhere(&server, "r", rules, user("jane"));
    let role = json!({"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}});
    assert_eq!(
        forbidden(put(&server.acting_as(jane()), &rbac("clusterroles"), role.clone())),
        "clusterroles.rbac.authorization.k8s.io \"all\" is forbidden: must have cluster-admin privileges to use the \
         aggregationRule"
    );
    assert!(put(&server, &rbac("clusterroles"), role).is_ok());
}

#[test]
fn without_rbac_everybody_may_do_everything() {
    let server = ApiServer::new(kubesim::Options::default());
    let janes = server.acting_as(jane());
    create(&janes, &config_maps(), json!({"metadata": {"name": "one"}}));
    let deleted = janes.delete(&config_maps().named("one"), &DeleteOptions::default());
    assert!(matches!(deleted, Ok(Deleted::Status(_))));
}
